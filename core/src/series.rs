//! A time series of one quantity, held from each sample until the next (zero-order hold).

/// Samples of one quantity over the seconds since the start of a run.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Series {
    time_s: Vec<f64>,
    value: Vec<f64>,
    looped: bool,
}

/// A stretch of time over which a series holds one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Its begin in s.
    pub from_s: f64,
    /// Its end in s, after the begin.
    pub to_s: f64,
    /// The value, in the unit of the series.
    pub value: f64,
}

/// Why samples do not make a [`Series`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SeriesError {
    /// There is no sample.
    #[error("a series needs at least one sample")]
    Empty,
    /// Time does not increase from sample `index - 1` to sample `index` (from 0).
    #[error(
        "time must increase from sample to sample, but sample {index} at {time_s} s follows {previous_s} s"
    )]
    NotIncreasing {
        /// Index of the offending sample.
        index: usize,
        /// Its time.
        time_s: f64,
        /// The time before it.
        previous_s: f64,
    },
    /// A time or a value is not a finite number.
    #[error("sample {index} is not a finite number")]
    NotFinite {
        /// Index of the offending sample.
        index: usize,
    },
}

impl Series {
    /// A series of `(time_s, value)` samples in order of time. With `looped` it starts over after the
    /// last sample has been held for as long as the one before it; otherwise the last sample holds.
    ///
    /// # Errors
    /// When there is no sample, a number is not finite, or time does not increase.
    pub fn new(samples: &[(f64, f64)], looped: bool) -> Result<Self, SeriesError> {
        if samples.is_empty() {
            return Err(SeriesError::Empty);
        }
        for (index, sample) in samples.iter().enumerate() {
            if !sample.0.is_finite() || !sample.1.is_finite() {
                return Err(SeriesError::NotFinite { index });
            }
            if index > 0 && sample.0 <= samples[index - 1].0 {
                let previous_s = samples[index - 1].0;
                return Err(SeriesError::NotIncreasing { index, time_s: sample.0, previous_s });
            }
        }
        let (time_s, value) = samples.iter().copied().unzip();
        Ok(Self { time_s, value, looped })
    }

    /// The value in force at `time_s`: that of the latest sample at or before it, and the first
    /// sample's before the series begins.
    pub fn at(&self, time_s: f64) -> f64 {
        self.value[self.index_at(self.wrap(time_s))]
    }

    /// The mean of the held value over `(from_s, to_s]`, exact for the pieces that it is made of.
    pub fn mean(&self, from_s: f64, to_s: f64) -> f64 {
        if self.value.len() == 1 {
            return self.value[0];
        }
        let from = self.wrap(from_s);
        let to = from + (to_s - from_s);
        let first = self.index_at(from);
        // Nearly always the whole interval lies within one sample.
        let next = self.time_s.get(first + 1).copied().unwrap_or(f64::INFINITY);
        let looping = self.looped && to > self.end_s();
        if to <= next && !looping {
            return self.value[first];
        }
        let pieces = self.pieces(from_s, to_s);
        let sum: f64 =
            pieces.fold(0.0, |sum, piece| sum + piece.value * (piece.to_s - piece.from_s));
        sum / (to_s - from_s)
    }

    /// The pieces of `from_s` to `to_s` over which one value holds, in order and without a gap: their
    /// seams are the exact times of the samples. None where `to_s` is not after `from_s`.
    pub fn pieces(&self, from_s: f64, to_s: f64) -> impl Iterator<Item = Piece> + '_ {
        let mut at = from_s;
        std::iter::from_fn(move || {
            if at >= to_s {
                return None;
            }
            let wrapped = self.wrap(at);
            let idx = self.index_at(wrapped);
            let piece_end = match self.time_s.get(idx + 1) {
                Some(next) => at + (next - wrapped),
                None if self.looped => at + (self.end_s() - wrapped),
                None => to_s,
            };
            // Rounding at a seam may leave a piece of no length: go on by the least step there is.
            let until = if piece_end > at { piece_end } else { at.next_up() }.min(to_s);
            let piece = Piece { from_s: at, to_s: until, value: self.value[idx] };
            at = until;
            Some(piece)
        })
    }

    /// The time at which the series has been used up (for a looped one: one turn), in seconds.
    pub fn end_s(&self) -> f64 {
        let n = self.time_s.len();
        let last_hold = if n > 1 { self.time_s[n - 1] - self.time_s[n - 2] } else { 0.0 };
        self.time_s[n - 1] + last_hold
    }
    /// The time of the first sample in seconds.
    pub fn start_s(&self) -> f64 {
        self.time_s[0]
    }
    /// The samples' values in order.
    pub fn values(&self) -> &[f64] {
        &self.value
    }
    /// The samples' times in seconds, in order.
    pub fn times_s(&self) -> &[f64] {
        &self.time_s
    }

    fn wrap(&self, time_s: f64) -> f64 {
        let length = self.end_s() - self.start_s();
        if !self.looped || length <= 0.0 || time_s < self.end_s() {
            return time_s;
        }
        self.start_s() + (time_s - self.start_s()) % length
    }
    fn index_at(&self, time_s: f64) -> usize {
        self.time_s.partition_point(|&t| t <= time_s).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(looped: bool) -> Series {
        Series::new(&[(0.0, 1.0), (4.0, 3.0), (8.0, -2.0)], looped).expect("valid samples")
    }

    #[test]
    fn a_value_holds_from_its_row_until_the_next_and_the_last_one_stays() {
        let held: Vec<f64> = [-1.0, 0.0, 3.9, 4.0, 8.0, 99.0].map(|t| series(false).at(t)).into();
        assert_eq!(held, [1.0, 1.0, 1.0, 3.0, -2.0, -2.0]);
    }

    #[test]
    fn a_looped_series_starts_over_after_its_last_row_was_held_as_long_as_the_one_before() {
        let held: Vec<f64> = [11.9, 12.0, 16.0, 20.0].map(|t| series(true).at(t)).into();
        assert_eq!(held, [-2.0, 1.0, 3.0, -2.0]);
    }

    #[test]
    fn the_mean_weighs_the_pieces_by_their_time() {
        assert!((series(false).mean(3.0, 5.0) - 2.0).abs() < 1e-9);
        assert!((series(false).mean(6.0, 10.0) - 0.5).abs() < 1e-9);
        assert!((series(true).mean(10.0, 14.0) - (-0.5)).abs() < 1e-9);
    }

    #[test]
    fn the_pieces_of_an_interval_meet_at_the_times_of_the_samples() {
        let of = |looped: bool, from_s, to_s| -> Vec<(f64, f64, f64)> {
            let pieces = series(looped).pieces(from_s, to_s).collect::<Vec<_>>();
            pieces.iter().map(|piece| (piece.from_s, piece.to_s, piece.value)).collect()
        };
        assert_eq!(of(false, 3.0, 5.0), [(3.0, 4.0, 1.0), (4.0, 5.0, 3.0)]);
        assert_eq!(of(false, 4.0, 4.1), [(4.0, 4.1, 3.0)]);
        assert_eq!(of(true, 11.0, 13.0), [(11.0, 12.0, -2.0), (12.0, 13.0, 1.0)]);
        assert_eq!(of(false, 5.0, 5.0), []);
    }

    #[test]
    fn the_mean_ends_also_in_the_tenth_year_of_a_looped_series() {
        for step_s in [0.1, 0.02, 1.0 / 3.0, 0.7] {
            let samples: Vec<(f64, f64)> =
                (0..50).map(|i| (f64::from(i) * step_s, f64::from(i))).collect();
            let series = Series::new(&samples, true).expect("valid");
            for start_s in [2e7, 1e8, 3.1e8] {
                for tick in 0..50 {
                    let from_s = start_s + f64::from(tick) * 0.1;
                    let mean = series.mean(from_s, from_s + 0.1);
                    assert!((0.0..=49.0).contains(&mean), "{step_s} {from_s}: {mean}");
                }
            }
        }
        let one = Series::new(&[(0.0, 7.0)], true).expect("valid");
        assert!((one.mean(5.0, 6.0) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn samples_that_are_no_series_are_refused_with_their_index() {
        assert_eq!(Series::new(&[], false), Err(SeriesError::Empty));
        let backwards = Series::new(&[(0.0, 1.0), (0.0, 2.0)], false);
        assert!(matches!(backwards, Err(SeriesError::NotIncreasing { index: 1, .. })));
        let nan = Series::new(&[(0.0, f64::NAN)], false);
        assert_eq!(nan, Err(SeriesError::NotFinite { index: 0 }));
    }
}
