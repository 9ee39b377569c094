//! Grid frequency of an interconnected system in normal operation: no outage, no trip.
//!
//! Model: nominal frequency plus the sum of two Ornstein-Uhlenbeck processes, cut at +-60 mHz. The slow
//! one stands for the balance of the control areas, the fast one for load noise and primary control.
//!
//! Figures: a day of 86 400 x 1 s of a 60 Hz system, GMLC-1-4-2/battery_interface
//! `Grid_Info_DATA_2.csv` (commit 07ff5c6, MIT), measured by us: mean 59.99996 Hz, sigma 15.84 mHz,
//! extremes 59.9508 and 60.0540 Hz, outside of +-36 mHz for 2.9 % of the time, autocorrelation 0.992
//! after 1 s, 0.910 after 10 s, 0.766 after 60 s, 0.561 after 300 s, 0.367 after 600 s, 0.233 after 900 s;
//! skewness 0.3, kurtosis 2.9. The model has neither the skewness nor the dip of the record's
//! autocorrelation around 30 s (0.760; the model has 0.82), nor any hourly pattern.
//!
//! For a 50 Hz system the same deviations in mHz are assumed; no record of 1 s was at hand.

use super::noise::Mixture;
use super::statistics::{Figure, Stated};
use super::{Kind, Profile, ProfileError, Sampling, in_range, rounded};
use bess_core::rng::Stream;

/// The row of this kind.
pub const KIND: Kind = Kind {
    name: "frequency",
    stream_index: 0,
    column: "frequency_hz",
    unit: "Hz",
    step_s: 1.0,
    about: "grid frequency in normal operation",
    source: "GMLC-1-4-2/battery_interface Grid_Info_DATA_2.csv, 60 Hz, 24 h of 1 s; \
             50 Hz: the same deviations assumed",
    usual: || Box::new(Frequency::default()),
};

/// Standard deviation of the record in hertz.
const SIGMA_HZ: f64 = 0.015_84;
/// Largest deviation in hertz, 3.8 sigma. The record's is 54 mHz in one day.
const DEVIATION_HZ_MAX: f64 = 0.060;
/// Fitted by hand to the record's autocorrelation from 1 s to 900 s.
const MIXTURE: Mixture = Mixture { slow_share: 0.82, slow_tau_s: 730.0, fast_tau_s: 18.0 };
/// Values are rounded to 0.1 mHz, as the record is.
const PER_HZ: f64 = 10_000.0;

/// Grid frequency in hertz.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frequency {
    /// Nominal frequency in hertz, 45 to 65.
    pub nominal_hz: f64,
    /// Standard deviation in hertz, 0 to 0.1.
    pub sigma_hz: f64,
}

impl Default for Frequency {
    fn default() -> Self {
        Self { nominal_hz: 60.0, sigma_hz: SIGMA_HZ }
    }
}

impl Frequency {
    fn deviation_hz_max(&self) -> f64 {
        DEVIATION_HZ_MAX * self.sigma_hz / SIGMA_HZ
    }
}

impl Profile for Frequency {
    fn kind(&self) -> &'static Kind {
        &KIND
    }
    fn stated(&self) -> Vec<Stated> {
        let relative = self.sigma_hz / SIGMA_HZ;
        let (nominal, bound) = (self.nominal_hz, self.deviation_hz_max());
        let correlation = |lag_s, value, tolerance| {
            Stated::new(Figure::Autocorrelation { lag_s }, value, tolerance)
        };
        vec![
            Stated::new(Figure::Mean, nominal, 0.001 * relative),
            Stated::new(Figure::Sigma, SIGMA_HZ * relative, 0.0007 * relative),
            Stated::new(Figure::Min, nominal - bound, 0.012 * relative),
            Stated::new(Figure::Max, nominal + bound, 0.012 * relative),
            correlation(1.0, 0.992, 0.005),
            correlation(10.0, 0.910, 0.02),
            correlation(60.0, 0.766, 0.04),
            correlation(300.0, 0.561, 0.05),
            correlation(600.0, 0.367, 0.06),
            correlation(900.0, 0.233, 0.06),
        ]
    }
    fn check(&self) -> Result<(), ProfileError> {
        in_range("the nominal frequency", self.nominal_hz, 45.0, 65.0, "Hz")?;
        in_range("sigma", self.sigma_hz, 0.0, 0.1, "Hz")
    }
    fn values(&self, sampling: Sampling, stream: &mut Stream) -> Vec<f64> {
        let bound = self.deviation_hz_max();
        let mut noise = MIXTURE.start(self.sigma_hz, sampling.step_s, stream);
        (0..sampling.n)
            .map(|_| {
                let deviation = noise.next(stream).clamp(-bound, bound);
                rounded(self.nominal_hz + deviation, PER_HZ)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::testing::{DAY_S, assert_states, usual};

    #[test]
    fn thirty_days_show_the_stated_figures_at_60_hz_and_at_50_hz() {
        assert_states(Frequency::default(), 30.0 * DAY_S, 1.0);
        let european = Frequency { nominal_hz: 50.0, ..Frequency::default() };
        assert_states(european, 30.0 * DAY_S, 1.0);
    }

    #[test]
    fn the_values_stay_within_60_mhz() {
        let series = usual(&KIND, 30.0 * DAY_S, 3);
        let within = |hz: &f64| (hz - 60.0).abs() < DEVIATION_HZ_MAX + 1e-9;
        assert!(series.values().iter().all(within));
    }

    #[test]
    fn the_first_values_are_pinned_so_that_old_seeds_keep_their_days() {
        assert_eq!(usual(&KIND, 4.0, 42).values(), [59.9882, 59.9931, 59.9903, 59.9894]);
    }
}
