//! Seeded input series whose statistics are stated and sourced, for when no record is at hand.
//!
//! A profile is a struct with its parameters that implements [`Profile`] in a file of its own, and one
//! line in [`PROFILES`]. Each states the figures it aims at, with the record or the assumption that
//! they come from; the tests hold a long series against them, and where the records are at hand
//! (`tests/records.rs`) the figures against the records.
//!
//! The same parameters, step and seed give the same bits on every platform, and a longer series
//! begins with the shorter one. Another step gives another series with the same statistics.

pub mod agc;
pub mod ambient;
pub mod frequency;
pub mod load;
mod noise;
pub mod statistics;

use bess_core::rng::{Domain, Stream, Streams};
use bess_core::series::{Series, SeriesError};
use statistics::Stated;

/// Every kind of profile.
pub const PROFILES: &[Kind] = &[frequency::KIND, agc::KIND, load::KIND, ambient::KIND];

/// What there is to know about a kind of profile before one is made.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name on the command line.
    pub name: &'static str,
    /// Index of its random stream; part of what a seed means, never renumber.
    pub stream_index: u64,
    /// Name of the value column in a file, with the unit.
    pub column: &'static str,
    /// Unit of the values as people write it.
    pub unit: &'static str,
    /// Step in seconds when none is asked for.
    pub step_s: f64,
    /// What it is, in one line.
    pub about: &'static str,
    /// Where its figures come from.
    pub source: &'static str,
    /// One with the usual parameters.
    pub usual: fn() -> Box<dyn Profile>,
}

/// A generator with its parameters.
pub trait Profile: std::fmt::Debug + Send + Sync {
    /// What kind it is.
    fn kind(&self) -> &'static Kind;
    /// The figures that a long series shows, for these parameters.
    fn stated(&self) -> Vec<Stated>;
    /// Checks the parameters.
    ///
    /// # Errors
    /// The first parameter that is out of its range.
    fn check(&self) -> Result<(), ProfileError>;
    /// The values at the times of `sampling`; every random number comes from `stream`.
    fn values(&self, sampling: Sampling, stream: &mut Stream) -> Vec<f64>;
}

/// A series to be made.
#[derive(Debug)]
pub struct ProfileSpec {
    /// Generator with its parameters.
    pub profile: Box<dyn Profile>,
    /// Length in seconds, > 0.
    pub duration_s: f64,
    /// Time between samples in seconds, [`STEP_S_MIN`] to [`STEP_S_MAX`].
    pub step_s: f64,
    /// Seed.
    pub seed: u64,
}

/// Shortest step of a profile in seconds.
pub const STEP_S_MIN: f64 = 0.001;
/// Longest step of a profile in seconds: a day.
pub const STEP_S_MAX: f64 = 86_400.0;
/// Most samples of a profile: a leap year of seconds and some more.
pub const SAMPLES_MAX: f64 = 40e6;

/// Why a profile cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProfileError {
    /// A parameter is out of its range.
    #[error("{name} must be from {min} to {max} {unit}, got {value}")]
    OutOfRange {
        /// Name of the parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// Smallest allowed value.
        min: f64,
        /// Largest allowed value.
        max: f64,
        /// Unit of the three numbers.
        unit: &'static str,
    },
    /// There would be more than [`SAMPLES_MAX`] samples.
    #[error(
        "{duration_s} s in steps of {step_s} s are more than {SAMPLES_MAX} samples; take a longer step"
    )]
    TooLong {
        /// Length asked for in seconds.
        duration_s: f64,
        /// Step asked for in seconds.
        step_s: f64,
    },
    /// The values do not make a series.
    #[error(transparent)]
    Series(#[from] SeriesError),
}

impl ProfileSpec {
    /// A series of `profile` with the usual step of its kind.
    pub fn new(profile: Box<dyn Profile>, duration_s: f64, seed: u64) -> Self {
        let step_s = profile.kind().step_s;
        Self { profile, duration_s, step_s, seed }
    }

    /// Makes the series: samples at 0, step, 2 step and so on, before the end of the duration.
    ///
    /// # Errors
    /// When a parameter is out of its range or the series would be too long.
    pub fn generate(&self) -> Result<Series, ProfileError> {
        in_range("step", self.step_s, STEP_S_MIN, STEP_S_MAX, "s")?;
        in_range("duration", self.duration_s, STEP_S_MIN, f64::MAX, "s")?;
        self.profile.check()?;
        let n = (self.duration_s / self.step_s - 1e-9).ceil().max(1.0);
        if n > SAMPLES_MAX {
            return Err(ProfileError::TooLong { duration_s: self.duration_s, step_s: self.step_s });
        }
        let sampling = Sampling { n: n as usize, step_s: self.step_s };
        let index = self.profile.kind().stream_index;
        let mut stream = Streams::new(self.seed).stream(Domain::Profile, index);
        let values = self.profile.values(sampling, &mut stream);
        let samples: Vec<(f64, f64)> =
            values.into_iter().enumerate().map(|(k, value)| (sampling.time_s(k), value)).collect();
        Ok(Series::new(&samples, false)?)
    }
}

/// The times at which a profile is sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Number of samples.
    pub n: usize,
    /// Time between them in seconds.
    pub step_s: f64,
}

impl Sampling {
    /// Time of sample `k` in seconds.
    pub fn time_s(self, k: usize) -> f64 {
        // Dividing by a whole number of samples per second keeps 0.3 s at 0.3.
        let per_s = 1.0 / self.step_s;
        if (per_s - per_s.round()).abs() < 1e-9 * per_s && per_s > 1.5 {
            k as f64 / per_s.round()
        } else {
            k as f64 * self.step_s
        }
    }
}

/// `value` rounded to a whole number of `per_unit`-ths, so that its text in a file is short and reads
/// back to the same bits. A negative zero becomes zero.
pub(crate) fn rounded(value: f64, per_unit: f64) -> f64 {
    (value * per_unit).round() / per_unit + 0.0
}

pub(crate) fn in_range(
    name: &'static str,
    value: f64,
    min: f64,
    max: f64,
    unit: &'static str,
) -> Result<(), ProfileError> {
    // A NaN fails both comparisons.
    if value >= min && value <= max {
        return Ok(());
    }
    Err(ProfileError::OutOfRange { name, value, min, max, unit })
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) const DAY_S: f64 = 86_400.0;

    /// A series of the usual profile of a kind.
    pub(crate) fn usual(kind: &Kind, duration_s: f64, seed: u64) -> Series {
        ProfileSpec::new((kind.usual)(), duration_s, seed)
            .generate()
            .expect("the usual profile can be made")
    }

    /// Fails with a table when a long series misses one of the figures that its profile states.
    pub(crate) fn assert_states(
        profile: impl Profile + Copy + 'static,
        duration_s: f64,
        step_s: f64,
    ) {
        for seed in [1, 2, 3] {
            let spec = ProfileSpec { profile: Box::new(profile), duration_s, step_s, seed };
            assert_series_states(&spec);
        }
    }

    fn assert_series_states(spec: &ProfileSpec) {
        let series = spec.generate().expect("the profile can be made");
        let mut table = String::new();
        let mut missed = false;
        for row in spec.profile.stated() {
            let measured = row.figure.of(series.values(), spec.step_s);
            let hit = measured.is_some_and(|m| (m - row.value).abs() <= row.tolerance);
            missed |= !hit;
            table += &format!(
                "{:<38} stated {:>9.4} +- {:<7.4} measured {measured:?}\n",
                row.figure.to_string(),
                row.value,
                row.tolerance
            );
        }
        assert!(!missed, "{spec:?}\n{table}");
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{DAY_S, usual};
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_seed_another_series() {
        for kind in PROFILES {
            let bits = |seed| -> Vec<u64> {
                let series = usual(kind, DAY_S, seed);
                series.values().iter().map(|v| v.to_bits()).collect()
            };
            assert_eq!(bits(7), bits(7), "{}", kind.name);
            assert_ne!(bits(7), bits(8), "{}", kind.name);
        }
    }

    #[test]
    fn a_longer_series_begins_with_the_shorter_one() {
        for kind in PROFILES {
            let (short, long) = (usual(kind, 3.0 * 3600.0, 5), usual(kind, DAY_S, 5));
            let n = short.values().len();
            assert_eq!(short.values(), &long.values()[..n], "{}", kind.name);
        }
    }

    #[test]
    fn names_and_stream_indexes_are_unique_and_the_kind_of_a_profile_is_its_row() {
        for (row, kind) in PROFILES.iter().enumerate() {
            assert_eq!((kind.usual)().kind().name, kind.name);
            for other in &PROFILES[..row] {
                assert_ne!(other.name, kind.name);
                assert_ne!(other.stream_index, kind.stream_index);
            }
        }
    }

    #[test]
    fn samples_lie_at_whole_steps_before_the_end() {
        let spec = |duration_s, step_s| ProfileSpec {
            profile: Box::new(frequency::Frequency::default()),
            duration_s,
            step_s,
            seed: 1,
        };
        let times = |duration_s, step_s| {
            let series = spec(duration_s, step_s).generate().expect("valid");
            series.times_s().to_vec()
        };
        assert_eq!(times(0.5, 0.1), [0.0, 0.1, 0.2, 0.3, 0.4]);
        assert_eq!(times(10.0, 4.0), [0.0, 4.0, 8.0]);
        assert_eq!(times(1.0, 60.0), [0.0]);
        assert_eq!(
            spec(1e9, 1.0).generate(),
            Err(ProfileError::TooLong { duration_s: 1e9, step_s: 1.0 })
        );
        assert!(spec(f64::NAN, 1.0).generate().is_err());
        assert!(spec(60.0, 0.0).generate().is_err());
    }
}
