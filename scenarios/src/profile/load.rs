//! Load of a site in kilowatts, for a battery that shaves its peaks. As a dispatch series (positive is
//! discharge) it means that the battery carries the whole site.
//!
//! Model: a fixed shape of the day times 1 plus Ornstein-Uhlenbeck noise (8 %, 30 min, cut at three
//! standard deviations: our own assumption for some hundred customers together).
//!
//! `household`: seven harmonics of a day, measured by us on the BDEW standard load profile H0, summer
//! working day, 96 x 15 min, in the copy of OpenEMS/openems (commit 0e4ea88); they follow it within 0.02
//! of the mean (root mean square; 0.05 at worst). Its figures, as hours over the mean of the day: 0.400
//! from 03:00, 1.208 from 08:00, 1.346 from 12:00, 1.013 from 15:00, 1.409 from 19:00, 0.956 from 23:00;
//! standard deviation 0.339 of the mean. Every day is alike: no weekend, no season.
//!
//! `commercial`: our own simple model, not measured. 40 % of the peak at night, a straight rise from 06:00
//! to 09:00, the peak until 17:00, a straight fall until 20:00; 60 % in place of the peak on Saturday, the
//! night's load all Sunday. The series begins on a Monday at 00:00.

use super::noise::OrnsteinUhlenbeck;
use super::statistics::{Figure, Stated};
use super::{Kind, Profile, ProfileError, Sampling, in_range, rounded};
use bess_core::math;
use bess_core::rng::Stream;

/// The row of this kind.
pub const KIND: Kind = Kind {
    name: "load",
    stream_index: 2,
    column: "load_kw",
    unit: "kW",
    step_s: 900.0,
    about: "load of a site, household or commercial",
    source: "household: BDEW H0 summer working day (copy of OpenEMS/openems), noise assumed; \
             commercial: our own model",
    usual: || Box::new(Load::default()),
};

/// Relative standard deviation of the noise.
const NOISE: f64 = 0.08;
const NOISE_TAU_S: f64 = 1800.0;
/// Cosine and sine amplitudes of the day's harmonics, over the mean; the phase is 0 at midnight.
const HOUSEHOLD: [(f64, f64); 7] = [
    (-0.211, -0.272),
    (0.063, -0.303),
    (-0.026, -0.075),
    (-0.032, 0.063),
    (-0.016, -0.050),
    (0.012, -0.014),
    (0.004, -0.024),
];
/// Load over the peak at night and all Sunday.
const COMMERCIAL_NIGHT: f64 = 0.4;
/// Load over the peak on Saturday's noon.
const COMMERCIAL_SATURDAY: f64 = 0.6;
/// Hours in full rise: 3 h up and 3 h down at a half, 8 h whole.
const COMMERCIAL_HOURS: f64 = 11.0;
/// Values are rounded to a watt.
const PER_KW: f64 = 1000.0;
const DAY_S: f64 = 86_400.0;

/// Whose load it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Site {
    /// Some hundred households.
    #[default]
    Household,
    /// An office or a workshop with a five-day week.
    Commercial,
}

/// Site load in kilowatts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Whose load it is.
    pub site: Site,
    /// Mean of a day (household) or a week (commercial) in kilowatts, above 0 to 10 million.
    pub mean_kw: f64,
}

impl Default for Load {
    fn default() -> Self {
        Self { site: Site::Household, mean_kw: 500.0 }
    }
}

impl Site {
    /// Load over its mean at `time_s` from Monday, 00:00.
    fn shape(self, time_s: f64) -> f64 {
        match self {
            Self::Household => {
                let angle = std::f64::consts::TAU * (time_s % DAY_S) / DAY_S;
                let mut shape = 1.0;
                let mut harmonic = 1.0;
                for (cosine, sine) in HOUSEHOLD {
                    shape +=
                        cosine * math::cos(harmonic * angle) + sine * math::sin(harmonic * angle);
                    harmonic += 1.0;
                }
                shape
            }
            Self::Commercial => {
                let hour = time_s % DAY_S / 3600.0;
                let day = (time_s / DAY_S).floor() % 7.0;
                let rise = ((hour - 6.0) / 3.0).min((20.0 - hour) / 3.0).clamp(0.0, 1.0);
                let load = COMMERCIAL_NIGHT + rise * (noon_over_peak(day) - COMMERCIAL_NIGHT);
                load / commercial_mean()
            }
        }
    }
}

/// Load at noon over the peak; day 0 is Monday.
fn noon_over_peak(day: f64) -> f64 {
    if day < 5.0 {
        1.0
    } else if day < 6.0 {
        COMMERCIAL_SATURDAY
    } else {
        COMMERCIAL_NIGHT
    }
}

/// Mean of a commercial week over the peak.
fn commercial_mean() -> f64 {
    let noons = 5.0 + COMMERCIAL_SATURDAY + COMMERCIAL_NIGHT;
    COMMERCIAL_NIGHT + (noons / 7.0 - COMMERCIAL_NIGHT) * COMMERCIAL_HOURS / 24.0
}

impl Profile for Load {
    fn kind(&self) -> &'static Kind {
        &KIND
    }
    fn stated(&self) -> Vec<Stated> {
        let hour = |hour, value| Stated::new(Figure::HourOverMean(hour), value, 0.05);
        let mean = self.mean_kw;
        let mut stated = vec![Stated::new(Figure::Mean, mean, 0.02 * mean)];
        match self.site {
            Site::Household => stated.extend([
                Stated::new(Figure::Sigma, 0.339 * mean, 0.03 * mean),
                hour(3, 0.400),
                hour(8, 1.208),
                hour(12, 1.346),
                hour(15, 1.013),
                hour(19, 1.409),
                hour(23, 0.956),
            ]),
            Site::Commercial => stated.extend([hour(3, 0.656), hour(12, 1.406)]),
        }
        stated
    }
    fn check(&self) -> Result<(), ProfileError> {
        in_range("the mean load", self.mean_kw, 0.001, 1e7, "kW")
    }
    fn values(&self, sampling: Sampling, stream: &mut Stream) -> Vec<f64> {
        let mut noise = OrnsteinUhlenbeck::new(NOISE, NOISE_TAU_S, sampling.step_s, stream);
        (0..sampling.n)
            .map(|k| {
                let factor = 1.0 + noise.next(stream).clamp(-3.0 * NOISE, 3.0 * NOISE);
                let shape = self.site.shape(sampling.time_s(k));
                rounded(self.mean_kw * shape * factor, PER_KW)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::testing::{DAY_S, assert_states, usual};

    #[test]
    fn twelve_weeks_show_the_stated_figures_of_both_sites() {
        for site in [Site::Household, Site::Commercial] {
            for step_s in [60.0, 900.0] {
                let load = Load { site, mean_kw: 250.0 };
                assert_states(load, 84.0 * DAY_S, step_s);
            }
        }
    }

    #[test]
    fn a_commercial_week_works_five_days_and_rests_on_sunday() {
        let noon = |day: f64| Site::Commercial.shape(day * DAY_S + 43_200.0);
        let night = Site::Commercial.shape(0.0);
        assert_eq!(noon(0.0), noon(4.0));
        assert!(noon(4.0) > noon(5.0) && noon(5.0) > noon(6.0));
        assert_eq!((noon(6.0), noon(7.0)), (night, noon(0.0)));
    }

    #[test]
    fn the_load_is_never_negative() {
        let series = usual(&KIND, 365.0 * DAY_S, 9);
        assert!(series.values().iter().all(|kw| *kw > 0.0));
    }

    #[test]
    fn the_first_values_are_pinned_so_that_old_seeds_keep_their_days() {
        assert_eq!(usual(&KIND, 3600.0, 42).values(), [373.369, 357.118, 354.71, 288.801]);
    }
}
