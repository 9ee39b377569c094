//! A bounded log: the newest records with numbers that never repeat.

use std::collections::VecDeque;

/// The newest records of a kind. Record numbers count from 1; the oldest fall out.
#[derive(Clone, Debug)]
pub struct Log<T> {
    records: VecDeque<T>,
    total: u64,
    capacity: usize,
}

impl<T> Log<T> {
    /// An empty log that keeps the newest `capacity` records, at least 1.
    pub fn new(capacity: usize) -> Self {
        Self { records: VecDeque::new(), total: 0, capacity: capacity.max(1) }
    }
    /// A log that goes on where another one stood: `records` are its newest, the last of them with the
    /// number `total` (at least as many as there are records).
    pub fn going_on(capacity: usize, total: u64, records: impl IntoIterator<Item = T>) -> Self {
        let mut log = Self::new(capacity);
        for record in records {
            log.push(record);
        }
        log.total = log.total.max(total);
        log
    }
    /// How many records it keeps.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
    /// Appends a record; returns its number.
    pub fn push(&mut self, record: T) -> u64 {
        if self.records.len() == self.capacity {
            self.records.pop_front();
        }
        self.records.push_back(record);
        self.total += 1;
        self.total
    }
    /// Number of records ever written; that of the newest one.
    pub const fn total(&self) -> u64 {
        self.total
    }
    /// Number of the oldest record that is still there; one more than the total when there is none.
    pub fn first(&self) -> u64 {
        self.total + 1 - self.records.len() as u64
    }
    /// The records with numbers greater than `number`, oldest first, each with its number.
    pub fn after(&self, number: u64) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        let first = self.first();
        let skip = usize::try_from((number + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let kept = self.records.range(skip.min(self.records.len())..);
        let from = first + skip.min(self.records.len()) as u64;
        kept.enumerate().map(move |(index, record)| (from + index as u64, record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_with_the_numbers_that_it_had() {
        let mut log = Log::going_on(3, 7, ["f", "g"]);
        assert_eq!((log.total(), log.first()), (7, 6));
        assert_eq!(log.push("h"), 8);
        let all: Vec<(u64, &str)> = log.after(0).map(|(n, r)| (n, *r)).collect();
        assert_eq!(all, [(6, "f"), (7, "g"), (8, "h")]);
    }

    #[test]
    fn the_newest_records_stay_with_their_numbers() {
        let mut log = Log::new(3);
        assert_eq!((log.total(), log.first(), log.after(0).count()), (0, 1, 0));
        for record in ["a", "b", "c", "d", "e"] {
            log.push(record);
        }
        let all: Vec<(u64, &str)> = log.after(0).map(|(n, r)| (n, *r)).collect();
        assert_eq!(all, [(3, "c"), (4, "d"), (5, "e")]);
        assert_eq!(log.after(4).map(|(n, _)| n).collect::<Vec<_>>(), [5]);
        assert_eq!((log.after(5).count(), log.after(99).count()), (0, 0));
    }
}
