//! The estimate of how much a rack's resistances have grown: from steps of the current.
//!
//! When the current changes, what the voltage does within a second is resistance: open-circuit
//! voltage, hysteresis and model errors hardly move meanwhile. A scalar Kalman filter on the changes
//! finds one factor for all resistances of the mean cell. Without it an aged cell under load would
//! look full or empty on the plateau, and be recalibrated to that.
//!
//! Only a change of current that stands far out of the sensor's noise is a step. The noise of a
//! constant current is a change that the sensor alone saw and the voltage did not follow: learning from
//! it would find no resistance at all, the surer the longer the current lasts.

use crate::persist::leaf;
use bess_core::math;

/// Sigma of the factor of a new rack: spread, temperature and current (engineering choice).
const FACTOR_SIGMA_INITIAL: f64 = 0.3;
/// Random walk per second: 1 % in a day, ageing being slower (engineering choice).
const FACTOR_WALK_PER_S: f64 = 0.01 * 0.01 / 86_400.0;
/// Sigma of a change of voltage in V, of sensors and of what the circuit does not know (engineering
/// choice).
const CHANGE_SIGMA_V: f64 = 1e-3;
/// Sigma of a change in parts of itself: the shape of a step within its second (engineering choice).
const CHANGE_SIGMA: f64 = 0.2;
/// Least sigma of the factor: what steps tell is short of the slow pairs, of temperature and of
/// current (engineering choice).
const FACTOR_SIGMA_LEAST: f64 = 0.02;
/// A step is a change of this many sigmas of the sensor's noise: what the noise then falsifies is a
/// hundredth of the factor (engineering choice).
const STEP_SIGMAS: f64 = 10.0;
/// What a resistance can grow or fall to (engineering choice).
const FACTOR_MIN: f64 = 0.5;
const FACTOR_MAX: f64 = 3.0;

/// The voltage of the mean cell beside the model's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Residual {
    /// Measured less modelled voltage in V.
    pub(super) error_v: f64,
    /// Modelled drop over all resistances in V.
    pub(super) drop_v: f64,
    /// Current in A.
    pub(super) current_a: f64,
}

/// Factor on all resistances.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct ResistanceEstimate {
    factor: f64,
    variance: f64,
    /// Error, drop and current after the last estimate, as [`Residual`] has them.
    last: Option<[f32; 3]>,
}
leaf!(ResistanceEstimate);

impl ResistanceEstimate {
    pub(super) fn new() -> Self {
        let variance = FACTOR_SIGMA_INITIAL * FACTOR_SIGMA_INITIAL;
        Self { factor: 1.0, variance, last: None }
    }
    /// Resistance over that of a new mean cell.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }
    /// Learns from the change since the last [`ResistanceEstimate::keep`], `span_s` ago, if it is a
    /// step beside `noise_a`, the sigma of a current.
    pub(super) fn learn(&mut self, now: Residual, span_s: f64, noise_a: f64) {
        self.variance += FACTOR_WALK_PER_S * span_s;
        let Some([error_v, drop_v, current_a]) = self.last.map(|last| last.map(f64::from)) else {
            return;
        };
        let step_a = (now.current_a - current_a).abs();
        if step_a <= STEP_SIGMAS * core::f64::consts::SQRT_2 * noise_a {
            return;
        }
        let change_v = now.error_v - error_v;
        // By how much the voltage changes when the factor grows by one.
        let sees_v = (drop_v - now.drop_v) / self.factor;
        let noise_v2 =
            CHANGE_SIGMA_V * CHANGE_SIGMA_V + CHANGE_SIGMA * sees_v * CHANGE_SIGMA * sees_v;
        let gain = self.variance * sees_v / (sees_v * self.variance * sees_v + noise_v2);
        self.factor = (self.factor + gain * change_v).clamp(FACTOR_MIN, FACTOR_MAX);
        let least = FACTOR_SIGMA_LEAST * FACTOR_SIGMA_LEAST;
        self.variance = (self.variance * (1.0 - gain * sees_v)).max(least);
    }
    /// Keeps the residual that is left once the estimate is made.
    pub(super) fn keep(&mut self, now: Residual) {
        self.last = Some([now.error_v, now.drop_v, now.current_a].map(|value| value as f32));
    }
    /// Feeds every bit of the state to `sink`.
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for value in [self.factor, self.variance] {
            sink(&value.to_le_bytes());
        }
        for value in self.last.unwrap_or_default() {
            sink(&value.to_le_bytes());
        }
        sink(&[self.last.is_some().into()]);
    }
    /// Sigma of the factor.
    pub(super) fn sigma(&self) -> f64 {
        math::sqrt(self.variance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a drop of 30 mV over cells of `real` times the resistance, beside a lasting error.
    fn after_steps(real: f64, n_steps: usize) -> ResistanceEstimate {
        let mut estimate = ResistanceEstimate::new();
        for step in 0..n_steps {
            let new_cell_v = if step % 2 == 0 { 0.03 } else { -0.01 };
            let residual = |factor: f64| Residual {
                error_v: 0.02 - (real - factor) * new_cell_v,
                drop_v: factor * new_cell_v,
                current_a: new_cell_v / 2e-4,
            };
            estimate.learn(residual(estimate.factor()), 1.0, 0.1);
            estimate.keep(residual(estimate.factor()));
        }
        estimate
    }

    #[test]
    fn steps_of_the_current_find_a_resistance_that_has_doubled_beside_a_lasting_error() {
        let estimate = after_steps(2.0, 100);
        assert!((estimate.factor() - 2.0).abs() < 0.05, "{}", estimate.factor());
        assert!(estimate.sigma() < 0.05);
    }

    #[test]
    fn a_lasting_error_without_steps_says_nothing_about_resistance() {
        let mut estimate = ResistanceEstimate::new();
        for _ in 0..1000 {
            let residual = Residual { error_v: 0.05, drop_v: 0.03, current_a: 150.0 };
            estimate.learn(residual, 1.0, 0.1);
            estimate.keep(residual);
        }
        assert!((estimate.factor() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_noise_of_a_constant_current_says_nothing_about_resistance() {
        let mut estimate = ResistanceEstimate::new();
        for second in 0..36_000 {
            // 50 A over 5 mOhm; the sensor is off by a little now and then, the voltage never is.
            let noise_a = [0.2, -0.1, 0.0, -0.2, 0.1][second % 5];
            let residual = |factor: f64| {
                let drop_v = factor * 5e-3 * (50.0 + noise_a);
                Residual { error_v: drop_v - 0.25, drop_v, current_a: 50.0 + noise_a }
            };
            estimate.learn(residual(estimate.factor()), 1.0, 0.1);
            estimate.keep(residual(estimate.factor()));
        }
        assert!((estimate.factor() - 1.0).abs() < 1e-12, "{}", estimate.factor());
    }
}
