//! Ranges of registers of one device as they were read from the present snapshot: however many clients
//! ask for the same range between two ticks, it is encoded once.
//!
//! A range is shown again only where nothing can have changed: the same publication of the farm, and the
//! same edition of the desk, which counts everything that clients leave there. Whoever finds the ranges in
//! use by another connection reads by itself; nobody waits.

use crate::map::Table;
use std::sync::Mutex;

/// Ranges that a device keeps: a client polls a few of them in turn (engineering choice).
const RANGES_MAX: usize = 8;
/// Below this many registers encoding them anew costs as little (measured).
pub(crate) const REGISTERS_MIN: u16 = 8;

/// What was read, and of when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) publication: u64,
    /// Of the desk.
    pub(crate) edition: u64,
    pub(crate) table: Table,
    pub(crate) address: u16,
    pub(crate) count: u16,
}

impl Key {
    fn is_same_range(&self, other: &Self) -> bool {
        (self.table, self.address, self.count) == (other.table, other.address, other.count)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Images {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    ranges: Vec<(Key, Vec<u8>)>,
    /// The one that makes room next.
    oldest: usize,
}

impl Images {
    /// Appends the words of this range to `out`, if they are known; whether they are.
    pub(crate) fn show(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        let Ok(kept) = self.kept.try_lock() else { return false };
        let known = kept.ranges.iter().find(|(known, _)| known == key);
        if let Some((_, bytes)) = known {
            out.extend_from_slice(bytes);
        }
        known.is_some()
    }

    /// Keeps the words of this range.
    pub(crate) fn keep(&self, key: Key, bytes: &[u8]) {
        let Ok(mut kept) = self.kept.try_lock() else { return };
        let same = kept.ranges.iter().position(|(known, _)| known.is_same_range(&key));
        let at = match same {
            Some(at) => at,
            None if kept.ranges.len() < RANGES_MAX => {
                kept.ranges.push((key, Vec::new()));
                kept.ranges.len() - 1
            }
            None => {
                let at = kept.oldest;
                kept.oldest = (at + 1) % RANGES_MAX;
                at
            }
        };
        let (known, words) = &mut kept.ranges[at];
        *known = key;
        words.clear();
        words.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(publication: u64, address: u16) -> Key {
        Key { publication, edition: 1, table: Table::Holding, address, count: 8 }
    }

    fn shown(images: &Images, key: Key) -> Option<Vec<u8>> {
        let mut out = vec![0xAA];
        images.show(&key, &mut out).then(|| out.split_off(1))
    }

    #[test]
    fn a_range_is_shown_again_as_long_as_nothing_changes() {
        let images = Images::default();
        assert_eq!(shown(&images, key(7, 0)), None);
        images.keep(key(7, 0), &[1, 2]);
        assert_eq!(shown(&images, key(7, 0)), Some(vec![1, 2]));
        for other in [
            key(8, 0),
            key(7, 1),
            Key { edition: 2, ..key(7, 0) },
            Key { table: Table::Input, ..key(7, 0) },
            Key { count: 9, ..key(7, 0) },
        ] {
            assert_eq!(shown(&images, other), None, "{other:?}");
        }
        images.keep(key(8, 0), &[3, 4]);
        assert_eq!(shown(&images, key(7, 0)), None, "the new one is in its place");
        assert_eq!(shown(&images, key(8, 0)), Some(vec![3, 4]));
    }

    #[test]
    fn only_a_few_ranges_are_kept_and_the_oldest_makes_room() {
        let images = Images::default();
        let n = RANGES_MAX as u16;
        (0..n + 2).for_each(|address| images.keep(key(7, address), &[address as u8]));
        let known: Vec<u16> =
            (0..n + 2).filter(|at| shown(&images, key(7, *at)).is_some()).collect();
        assert_eq!(known, (2..n + 2).collect::<Vec<_>>());
    }
}
