//! What windows and baselines look back to: bounded rings, fed once a tick.

use super::Sight;
use crate::expr::{Domain, Eval, Key, Num, Place, Selection};
use bess_core::time::TICK_S;
use std::collections::VecDeque;
use std::sync::Arc;

/// Pieces in which a long window is kept; one of up to a minute is kept tick by tick.
const PIECES: u64 = 600;
/// Longest window in ticks: an hour.
pub(crate) const WINDOW_MAX_TICKS: u64 = 36_000;

/// Something that an expression needs to be remembered.
#[derive(Clone, Debug)]
pub struct Need {
    pub(crate) key: Key,
    pub(crate) what: Arc<Num>,
    pub(crate) domain: Domain,
    pub(crate) selections: Arc<[Selection]>,
    /// Length in ticks; `None` for the baseline.
    pub(crate) ticks: Option<u64>,
}

impl Need {
    /// How many ticks it looks back; 0 for a baseline.
    pub fn ticks(&self) -> u64 {
        self.ticks.unwrap_or(0)
    }
}

/// A stretch of ticks of one number.
#[derive(Clone, Copy, Debug)]
struct Piece {
    n: u64,
    first: f64,
    last: f64,
    min: f64,
    max: f64,
    sum: f64,
    /// Ticks at which the number was another than at the tick before.
    changes: u64,
}

/// The numbers of the last ticks: one more than the window is long, for its begin and its end.
#[derive(Clone, Debug, Default)]
struct Ring {
    pieces: VecDeque<Piece>,
    n: u64,
}

impl Ring {
    fn push(&mut self, value: f64, ticks: u64) {
        let per_piece = ticks.div_ceil(PIECES).max(1);
        let last = self.pieces.back().map(|piece| piece.last);
        // A number that comes or goes has changed; one that stays absent has not.
        let changed = last.is_some_and(|last| last.to_bits() != value.to_bits() && last != value);
        let changes = u64::from(changed);
        self.n += 1;
        match self.pieces.back_mut().filter(|piece| piece.n < per_piece) {
            Some(piece) => {
                piece.n += 1;
                piece.last = value;
                piece.min = strict(piece.min, value, f64::min);
                piece.max = strict(piece.max, value, f64::max);
                piece.sum += value;
                piece.changes += changes;
            }
            None => self.pieces.push_back(Piece {
                n: 1,
                first: value,
                last: value,
                min: value,
                max: value,
                sum: value,
                changes,
            }),
        }
        while self.pieces.front().is_some_and(|oldest| self.n - oldest.n > ticks) {
            self.n -= self.pieces.pop_front().map_or(0, |oldest| oldest.n);
        }
    }
}

fn strict(a: f64, b: f64, of: fn(f64, f64) -> f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { of(a, b) }
}

/// A window of one number that is full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled<'m>(&'m Ring);

impl Filled<'_> {
    /// First and last number, NaN where one within is absent.
    fn ends(self) -> (f64, f64) {
        let is_whole = !self.mean().is_nan();
        let first = self.0.pieces.front().filter(|_| is_whole).map_or(f64::NAN, |p| p.first);
        (first, self.0.pieces.back().map_or(f64::NAN, |piece| piece.last))
    }
    pub(crate) fn delta(self) -> f64 {
        let (first, last) = self.ends();
        last - first
    }
    pub(crate) fn rate(self) -> f64 {
        self.delta() / ((self.0.n - 1) as f64 * TICK_S)
    }
    pub(crate) fn mean(self) -> f64 {
        self.0.pieces.iter().map(|piece| piece.sum).sum::<f64>() / self.0.n as f64
    }
    pub(crate) fn min(self) -> f64 {
        self.0
            .pieces
            .iter()
            .map(|p| p.min)
            .reduce(|a, b| strict(a, b, f64::min))
            .unwrap_or(f64::NAN)
    }
    pub(crate) fn max(self) -> f64 {
        self.0
            .pieces
            .iter()
            .map(|p| p.max)
            .reduce(|a, b| strict(a, b, f64::max))
            .unwrap_or(f64::NAN)
    }
    pub(crate) fn changes(self) -> f64 {
        // The oldest piece may begin with a change from what is no longer in the window.
        let within: u64 = self.0.pieces.iter().skip(1).map(|piece| piece.changes).sum();
        let oldest = self.0.pieces.front();
        let first = oldest.map_or(0, |piece| if piece.n > 1 { piece.changes } else { 0 });
        if self.mean().is_nan() { f64::NAN } else { (within + first) as f64 }
    }
    pub(crate) fn is_stuck(self) -> Option<bool> {
        let (min, max) = (self.min(), self.max());
        (!min.is_nan() && !max.is_nan()).then_some(min >= max)
    }
}

/// Mean over the window of the steady state.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    n: u64,
    sum: f64,
}

#[derive(Clone, Debug)]
struct Element {
    at: Place,
    ring: Ring,
    mean: Mean,
}

#[derive(Clone, Debug)]
struct Series {
    need: Need,
    elements: Vec<Element>,
}

/// Everything that the expressions of a run need to be remembered.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By key.
    series: Vec<Series>,
}

static NONE: Memory = Memory { series: Vec::new() };

impl Memory {
    /// A memory for these needs; equal ones share.
    pub fn new(needs: impl IntoIterator<Item = Need>) -> Self {
        let mut series: Vec<Series> =
            needs.into_iter().map(|need| Series { need, elements: Vec::new() }).collect();
        series.sort_by_key(|series| series.need.key);
        series.dedup_by_key(|series| series.need.key);
        Self { series }
    }
    /// The memory of nothing, to be seen while memory itself is fed.
    pub fn none() -> &'static Self {
        &NONE
    }
    /// Ticks of the longest window. A run that begins to feed its memory so long before the zero of its
    /// time line has no window that is not yet full.
    pub fn longest_ticks(&self) -> u64 {
        self.series.iter().map(|series| series.need.ticks()).max().unwrap_or(0)
    }
    /// Takes what it needs of one tick; to be called once a tick. What is absent makes the windows that it
    /// falls into absent, and the baseline.
    pub fn note(&mut self, sight: &Sight<'_>) {
        for series in &mut self.series {
            let Series { need, elements } = series;
            let eval = Eval { sight, selections: &need.selections };
            let mut index = 0;
            eval.each(need.domain, &mut |at| {
                // A target may become another; then what is known of the others is not of it.
                if elements.get(index).is_none_or(|element| element.at != at) {
                    elements.truncate(index);
                    elements.push(Element { at, ring: Ring::default(), mean: Mean::default() });
                }
                let element = &mut elements[index];
                let value = eval.num(&need.what, at);
                match need.ticks {
                    Some(ticks) => element.ring.push(value, ticks),
                    None if sight.in_baseline => {
                        element.mean.n += 1;
                        element.mean.sum += value;
                    }
                    None => (),
                }
                index += 1;
            });
            elements.truncate(index);
        }
    }
    /// Forgets the baseline: the window of the steady state begins again.
    pub fn restart_baseline(&mut self) {
        let elements = self.series.iter_mut().flat_map(|series| &mut series.elements);
        elements.for_each(|element| element.mean = Mean::default());
    }

    fn element(&self, key: Key, at: Place) -> Option<(&Need, &Element)> {
        let place = self.series.binary_search_by_key(&key, |series| series.need.key).ok()?;
        let Series { need, elements } = &self.series[place];
        if need.domain == Domain::ONE {
            return elements.first().map(|element| (need, element));
        }
        let at = at.at_level(need.domain.level);
        let place = elements.binary_search_by_key(&at, |element| element.at).ok()?;
        Some((need, &elements[place]))
    }
    /// The window of a number; `None` where it is not full yet.
    pub(crate) fn window(&self, key: Key, at: Place) -> Option<Filled<'_>> {
        let (need, element) = self.element(key, at)?;
        let is_full = element.ring.n > need.ticks?;
        is_full.then_some(Filled(&element.ring))
    }
    pub(crate) fn baseline(&self, key: Key, at: Place) -> f64 {
        let element = self.element(key, at).map(|(_, element)| element.mean);
        element.map_or(f64::NAN, |mean| mean.sum / mean.n as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(values: &[f64], ticks: u64) -> Ring {
        let mut ring = Ring::default();
        values.iter().for_each(|value| ring.push(*value, ticks));
        ring
    }

    #[test]
    fn a_short_window_is_exact() {
        let all = ring(&[9.0, 9.0, 1.0, 2.0, 2.0, 5.0], 3);
        let window = Filled(&all);
        assert_eq!((all.n, window.delta(), window.max(), window.min()), (4, 4.0, 5.0, 1.0));
        assert!((window.mean() - 2.5).abs() < 1e-12);
        assert!((window.rate() - 4.0 / 0.3).abs() < 1e-9);
        // The step from 9 to 1 is before the window.
        assert_eq!(window.changes(), 2.0);
        assert_eq!(window.is_stuck(), Some(false));
        assert_eq!(Filled(&ring(&[3.0; 4], 3)).is_stuck(), Some(true));
    }

    #[test]
    fn a_long_window_is_kept_in_pieces_and_keeps_its_extremes() {
        let ticks = 6_000;
        let mut values = vec![0.0; 20_000];
        values[15_003] = 7.0;
        let all = ring(&values, ticks);
        assert!(all.pieces.len() <= PIECES as usize + 2 && all.n > ticks);
        let window = Filled(&all);
        assert_eq!((window.max(), window.changes()), (7.0, 2.0));
        assert!((window.mean() - 7.0 / all.n as f64).abs() < 1e-12);
    }

    #[test]
    fn one_absent_value_makes_a_window_absent() {
        let all = ring(&[1.0, f64::NAN, 2.0, 3.0], 3);
        let window = Filled(&all);
        assert!(window.delta().is_nan() && window.max().is_nan() && window.changes().is_nan());
        assert_eq!(window.is_stuck(), None);
    }
}
