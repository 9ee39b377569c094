//! Correlated noise: the Ornstein-Uhlenbeck process, discretised exactly.
//!
//! x(t + dt) = x(t) exp(-dt/tau) + sigma sqrt(1 - exp(-2 dt/tau)) N(0, 1); its autocorrelation is
//! exp(-lag/tau) at any step, so the statistics do not depend on dt. Gillespie 1996,
//! doi 10.1103/PhysRevE.54.2084.

use bess_core::math;
use bess_core::rng::Stream;

/// One Ornstein-Uhlenbeck process with mean 0, begun in its stationary distribution.
#[derive(Clone, Debug)]
pub(crate) struct OrnsteinUhlenbeck {
    value: f64,
    keep: f64,
    kick: f64,
}

impl OrnsteinUhlenbeck {
    /// A process with standard deviation `sigma` and correlation time `tau_s` (> 0).
    pub(crate) fn new(sigma: f64, tau_s: f64, step_s: f64, stream: &mut Stream) -> Self {
        let keep = math::exp(-step_s / tau_s);
        Self { value: sigma * stream.normal(), keep, kick: sigma * math::sqrt(1.0 - keep * keep) }
    }
    /// The value now; then a step on.
    pub(crate) fn next(&mut self, stream: &mut Stream) -> f64 {
        let now = self.value;
        self.value = now * self.keep + self.kick * stream.normal();
        now
    }
}

/// What a sum of two independent processes looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mixture {
    /// Share of the slow process in the variance, 0 to 1.
    pub(crate) slow_share: f64,
    /// Correlation time of the slow process in seconds.
    pub(crate) slow_tau_s: f64,
    /// Correlation time of the fast process in seconds.
    pub(crate) fast_tau_s: f64,
}

/// The sum of a slow and a fast process, for an autocorrelation that falls quickly at first.
#[derive(Clone, Debug)]
pub(crate) struct SlowAndFast {
    slow: OrnsteinUhlenbeck,
    fast: OrnsteinUhlenbeck,
}

impl Mixture {
    pub(crate) fn start(self, sigma: f64, step_s: f64, stream: &mut Stream) -> SlowAndFast {
        let slow_sigma = sigma * math::sqrt(self.slow_share);
        let fast_sigma = sigma * math::sqrt(1.0 - self.slow_share);
        SlowAndFast {
            slow: OrnsteinUhlenbeck::new(slow_sigma, self.slow_tau_s, step_s, stream),
            fast: OrnsteinUhlenbeck::new(fast_sigma, self.fast_tau_s, step_s, stream),
        }
    }
}
impl SlowAndFast {
    pub(crate) fn next(&mut self, stream: &mut Stream) -> f64 {
        let slow = self.slow.next(stream);
        slow + self.fast.next(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::statistics::Figure;
    use bess_core::rng::{Domain, Streams};

    #[test]
    fn sigma_and_correlation_time_come_out_at_any_step() {
        for step_s in [1.0, 5.0, 40.0] {
            let mut stream = Streams::new(1).stream(Domain::Profile, 99);
            let mut process = OrnsteinUhlenbeck::new(3.0, 20.0, step_s, &mut stream);
            let values: Vec<f64> = (0..200_000).map(|_| process.next(&mut stream)).collect();
            let sigma = Figure::Sigma.of(&values, step_s).expect("long enough");
            let after_40_s = Figure::Autocorrelation { lag_s: 40.0 };
            let correlation = after_40_s.of(&values, step_s).expect("long enough");
            assert!((sigma - 3.0).abs() < 0.06, "{step_s}: {sigma}");
            let expected = math::exp(-2.0);
            assert!((correlation - expected).abs() < 0.02, "{step_s}: {correlation}");
        }
    }
}
