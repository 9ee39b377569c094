//! Regulation signal (AGC) that a system operator sends a battery: percent of rated power, positive is
//! discharge.
//!
//! Model: the need for regulation is the sum of two Ornstein-Uhlenbeck processes, wider than the
//! battery; it is cut at +-100 % and sent anew at random instants, 13.9 s apart in the mean (one in four
//! of the 4 s cycles), so that the signal stands still between them and at its limits.
//!
//! Figures: five days, 18:00 to 22:00, 18 000 x 4 s, of the CAISO regulation dispatch of a 100 MW
//! battery, LBNL-ETA/SynAS `FrequencyRegulationData.csv` (commit 7b7d68c, BSD-3-Clause-LBNL; Gehbauer
//! 2020), measured by us over all five days: mean -4.5 %, standard deviation 73.4 %, at +-99 % and
//! beyond for 0.441 of the samples, 0.828 of the steps without change, standard deviation of a step
//! 13.1 %, 99th percentile of a step's magnitude 54.5 %, autocorrelation 0.984 after 4 s, 0.907 after
//! 20 s, 0.824 after 120 s, 0.708 after 300 s, 0.585 after 600 s. The five days differ much (standard
//! deviation 57 to 84 %), and their mean is uncertain by about 15 %, so the model takes 0.
//!
//! It has no long stretches at a level between the limits, which some days of the record have.

use super::noise::Mixture;
use super::statistics::{Figure, Stated};
use super::{Kind, Profile, ProfileError, Sampling, in_range, rounded};
use bess_core::math;
use bess_core::rng::Stream;

/// The row of this kind.
pub const KIND: Kind = Kind {
    name: "agc",
    stream_index: 1,
    column: "power_pct",
    unit: "% of rated power",
    step_s: 4.0,
    about: "regulation signal of a system operator, positive is discharge",
    source: "LBNL-ETA/SynAS FrequencyRegulationData.csv, CAISO, 5 days 18:00 to 22:00 of 4 s",
    usual: || Box::new(Agc::default()),
};

/// Standard deviation of the need before it is cut, chosen between the record's fraction at the
/// limits (which wants 128 %) and its standard deviation (which wants 110 %).
const NEED_SIGMA_PCT: f64 = 120.0;
/// Fitted by hand to the record's autocorrelation from 4 s to 600 s.
const MIXTURE: Mixture = Mixture { slow_share: 0.93, slow_tau_s: 1500.0, fast_tau_s: 20.0 };
/// Mean time between two values sent: one in four of the record's cycles.
const HOLD_S: f64 = 13.9;
/// Values are rounded to a quarter of a percent, as the record is.
const PER_PCT: f64 = 4.0;

/// AGC signal in percent of rated power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agc {
    /// Mean of the need in percent, -100 to 100: positive drains the battery.
    pub mean_pct: f64,
    /// Limit of the signal in percent, above 0 to 100; the need scales with it.
    pub limit_pct: f64,
}

impl Default for Agc {
    fn default() -> Self {
        Self { mean_pct: 0.0, limit_pct: 100.0 }
    }
}

impl Profile for Agc {
    fn kind(&self) -> &'static Kind {
        &KIND
    }
    fn stated(&self) -> Vec<Stated> {
        let relative = self.limit_pct / 100.0;
        let mut stated = vec![
            Stated::new(Figure::Min, -self.limit_pct, 0.0),
            Stated::new(Figure::Max, self.limit_pct, 0.0),
        ];
        // Away from a mean of 0 the cut changes every other figure.
        if self.mean_pct == 0.0 {
            let correlation = |lag_s, value, tolerance| {
                Stated::new(Figure::Autocorrelation { lag_s }, value, tolerance)
            };
            stated.extend([
                Stated::new(Figure::Mean, 0.0, 8.0 * relative),
                Stated::new(Figure::Sigma, 73.4 * relative, 4.0 * relative),
                Stated::new(Figure::AtLimit(99.0 * relative), 0.441, 0.06),
                Stated::new(Figure::Unchanged, 0.828, 0.02),
                Stated::new(Figure::StepSigma, 13.1 * relative, 1.0 * relative),
                correlation(4.0, 0.984, 0.003),
                correlation(20.0, 0.907, 0.04),
                correlation(120.0, 0.824, 0.04),
                correlation(300.0, 0.708, 0.04),
                correlation(600.0, 0.585, 0.08),
            ]);
        }
        stated
    }
    fn check(&self) -> Result<(), ProfileError> {
        in_range("the mean", self.mean_pct, -100.0, 100.0, "%")?;
        in_range("the limit", self.limit_pct, 0.25, 100.0, "%")
    }
    fn values(&self, sampling: Sampling, stream: &mut Stream) -> Vec<f64> {
        let limit = self.limit_pct;
        let sigma = NEED_SIGMA_PCT * limit / 100.0;
        let mut need = MIXTURE.start(sigma, sampling.step_s, stream);
        let stay = math::exp(-sampling.step_s / HOLD_S);
        let mut sent = None;
        (0..sampling.n)
            .map(|_| {
                let asked = (self.mean_pct + need.next(stream)).clamp(-limit, limit);
                let kept = sent.filter(|_| stream.uniform() < stay);
                let value = kept.unwrap_or_else(|| rounded(asked, PER_PCT).clamp(-limit, limit));
                sent = Some(value);
                value
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::testing::{DAY_S, assert_states, usual};

    #[test]
    fn thirty_days_show_the_stated_figures() {
        assert_states(Agc::default(), 30.0 * DAY_S, 4.0);
        let half = Agc { limit_pct: 50.0, ..Agc::default() };
        assert_states(half, 30.0 * DAY_S, 4.0);
    }

    #[test]
    fn the_first_values_are_pinned_so_that_old_seeds_keep_their_days() {
        let series = usual(&KIND, 3600.0, 42);
        let drawn: Vec<f64> = series.values().iter().step_by(40).copied().collect();
        assert_eq!(drawn[..5], [-43.5, -83.0, -69.25, -85.5, -100.0]);
    }
}
