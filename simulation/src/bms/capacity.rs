//! The estimate of a rack's capacity: the charge between two visits to the knees, far apart in SoC.
//!
//! At a knee the voltage alone tells the SoC, independently of any belief about capacity. Each visit
//! leaves an anchor: its best look at the SoC, with the charge counted so far. Two anchors at least
//! 40 % of SoC apart measure the capacity; a scalar Kalman filter weighs that against what was
//! believed. An old anchor is worth less: the current sensor's offset was counted ever since.

use super::estimator::Sight;
use crate::persist::leaf;
use bess_core::math;

/// Least distance of two anchors in SoC.
const LEAST_SOC: f64 = 0.4;
/// Sigma within which a look at the SoC is worth keeping (engineering choice).
const LOOK_SIGMA_MAX: f64 = 0.01;
/// Charge beyond which a look belongs to a new visit, and a visit is over, as fractions of capacity
/// (engineering choices).
const NEW_VISIT: f64 = 0.10;
const VISIT_OVER: f64 = 0.05;
/// Sigma beyond which an anchor is given up (engineering choice).
const ANCHOR_SIGMA_MAX: f64 = 0.02;
/// Sigma of the SoH of a new rack, least sigma of a measurement, and random walk per second: 0.1 % in
/// a day (engineering choices).
const SOH_SIGMA_INITIAL: f64 = 0.05;
const MEASUREMENT_SIGMA: f64 = 0.005;
const SOH_WALK_PER_S: f64 = 1e-6 / 86_400.0;
/// What a battery can be; anything else is a mistake of counting (engineering choice).
const PLAUSIBLE: std::ops::Range<f64> = 0.3..1.3;

/// A look at the SoC at a knee.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Anchor {
    charge_c: f64,
    soc: f64,
    sigma: f32,
    at_s: f64,
}

/// No look yet.
const NONE: Anchor = Anchor { charge_c: 0.0, soc: 0.0, sigma: f32::INFINITY, at_s: 0.0 };

/// Capacity and the anchors that measure it.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct CapacityEstimate {
    soh: f64,
    variance: f64,
    /// Charge counted since the start in C, positive is discharge.
    charge_c: f64,
    from: Anchor,
    last: Anchor,
    /// Seconds since the start.
    elapsed_s: f64,
    visits: u32,
    /// Whether the last visit is still to be compared with the anchor before it.
    pending: bool,
}
leaf!(CapacityEstimate);

/// What counting knows of its own errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counting {
    /// Charge of the interval in C, positive is discharge, less the sensor's offset.
    pub(super) charge_c: f64,
    /// Length of the interval in s.
    pub(super) span_s: f64,
    /// Sigma of the offset in A and of the gain.
    pub(super) offset_sigma_a: f64,
    pub(super) gain_sigma: f64,
}

impl CapacityEstimate {
    pub(super) fn new() -> Self {
        Self {
            soh: 1.0,
            variance: SOH_SIGMA_INITIAL * SOH_SIGMA_INITIAL,
            charge_c: 0.0,
            from: NONE,
            last: NONE,
            elapsed_s: 0.0,
            visits: 0,
            pending: false,
        }
    }
    /// Capacity over nominal capacity.
    pub(super) fn soh(&self) -> f64 {
        self.soh
    }
    pub(super) fn sigma(&self) -> f64 {
        math::sqrt(self.variance)
    }

    /// Counts an interval and looks at what its voltage said; `nominal_c` is the nominal capacity.
    pub(super) fn step(&mut self, counting: &Counting, sight: &Sight, nominal_c: f64) {
        self.charge_c += counting.charge_c;
        self.elapsed_s += counting.span_s;
        self.variance += SOH_WALK_PER_S * counting.span_s;
        let away = (self.charge_c - self.last.charge_c).abs() / nominal_c;
        if self.pending && away > VISIT_OVER {
            self.pending = false;
            self.compare(counting, nominal_c);
        }
        if sight.sigma > LOOK_SIGMA_MAX {
            return;
        }
        let look = Anchor {
            charge_c: self.charge_c,
            soc: sight.soc,
            sigma: sight.sigma as f32,
            at_s: self.elapsed_s,
        };
        if self.visits == 0 || away > NEW_VISIT {
            self.visits += 1;
            self.last = look;
            self.pending = true;
        } else if self.pending && look.sigma < self.last.sigma {
            self.last = look;
        }
    }

    /// Sigma of `anchor` now: its own, and the offset counted since.
    fn aged(&self, anchor: &Anchor, counting: &Counting, nominal_c: f64) -> f64 {
        let since_s = self.last.at_s - anchor.at_s;
        let drift = counting.offset_sigma_a * since_s / nominal_c;
        math::sqrt(f64::from(anchor.sigma) * f64::from(anchor.sigma) + drift * drift)
    }

    fn compare(&mut self, counting: &Counting, nominal_c: f64) {
        let from_sigma = self.aged(&self.from, counting, nominal_c);
        // Of a start without an anchor the sigma is infinite.
        if from_sigma > ANCHOR_SIGMA_MAX {
            self.from = self.last;
            return;
        }
        let apart = self.last.soc - self.from.soc;
        if apart.abs() < LEAST_SOC {
            if apart.abs() < NEW_VISIT {
                // The same knee again: the fresher look counts.
                self.from = self.last;
            }
            return;
        }
        let measured = (self.from.charge_c - self.last.charge_c) / (apart * nominal_c);
        let last_sigma = f64::from(self.last.sigma);
        let variance = (from_sigma * from_sigma + last_sigma * last_sigma) / (apart * apart)
            + counting.gain_sigma * counting.gain_sigma
            + MEASUREMENT_SIGMA * MEASUREMENT_SIGMA;
        self.from = self.last;
        if PLAUSIBLE.contains(&measured) {
            let gain = self.variance / (self.variance + variance);
            self.soh += gain * (measured - self.soh);
            self.variance *= 1.0 - gain;
        }
    }

    /// Feeds every bit of the state to `sink`.
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for value in [self.soh, self.variance, self.charge_c, self.elapsed_s] {
            sink(&value.to_le_bytes());
        }
        for anchor in [&self.from, &self.last] {
            sink(&anchor.charge_c.to_le_bytes());
            sink(&anchor.soc.to_le_bytes());
            sink(&anchor.sigma.to_le_bytes());
            sink(&anchor.at_s.to_le_bytes());
        }
        sink(&self.visits.to_le_bytes());
        sink(&[self.pending.into()]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::estimator::Sight;
    use super::*;

    const NOMINAL_C: f64 = 1e6;

    /// Moves `soc` of a rack of `soh` and looks at the end, as surely as `sigma`.
    fn visit(estimate: &mut CapacityEstimate, soh: f64, soc: (f64, f64), sigma: f64, hours: f64) {
        let charge_c = (soc.0 - soc.1) * soh * NOMINAL_C;
        let counting =
            |charge_c, span_s| Counting { charge_c, span_s, offset_sigma_a: 0.3, gain_sigma: 3e-3 };
        // On the way the voltage says nothing; then a look; then away from the knee and back.
        estimate.step(&counting(charge_c, hours * 3600.0), &Sight::at(soc.1, 0.3), NOMINAL_C);
        estimate.step(&counting(0.0, 1.0), &Sight::at(soc.1, sigma), NOMINAL_C);
        estimate.step(&counting(0.06 * NOMINAL_C, 1.0), &Sight::at(soc.1, 0.3), NOMINAL_C);
        estimate.step(&counting(-0.06 * NOMINAL_C, 1.0), &Sight::at(soc.1, 0.3), NOMINAL_C);
    }

    #[test]
    fn two_sure_looks_far_apart_measure_the_capacity() {
        let mut estimate = CapacityEstimate::new();
        visit(&mut estimate, 0.8, (0.5, 0.99), 1e-3, 2.0);
        assert!((estimate.soh() - 1.0).abs() < 1e-12, "one look tells no capacity");
        visit(&mut estimate, 0.8, (0.99, 0.05), 1e-3, 2.0);
        assert!((estimate.soh() - 0.8).abs() < 5e-3, "{}", estimate.soh());
        assert!(estimate.sigma() < 0.01);
    }

    #[test]
    fn looks_that_are_near_unsure_or_old_measure_nothing() {
        for (to, sigma, hours) in [(0.7, 1e-3, 2.0), (0.05, 0.02, 2.0), (0.05, 1e-3, 24.0)] {
            let mut estimate = CapacityEstimate::new();
            visit(&mut estimate, 0.8, (0.5, 0.99), 1e-3, 2.0);
            visit(&mut estimate, 0.8, (0.99, to), sigma, hours);
            assert!((estimate.soh() - 1.0).abs() < 1e-12, "{to} {sigma} {hours}: {estimate:?}");
        }
    }

    #[test]
    fn an_old_anchor_gives_way_to_the_new_look() {
        let mut estimate = CapacityEstimate::new();
        visit(&mut estimate, 0.8, (0.5, 0.99), 1e-3, 2.0);
        visit(&mut estimate, 0.8, (0.99, 0.05), 1e-3, 24.0);
        visit(&mut estimate, 0.8, (0.05, 0.99), 1e-3, 2.0);
        assert!((estimate.soh() - 0.8).abs() < 5e-3, "{}", estimate.soh());
    }

    #[test]
    fn a_capacity_that_cannot_be_is_not_believed() {
        let mut estimate = CapacityEstimate::new();
        visit(&mut estimate, 0.1, (0.5, 0.05), 1e-3, 2.0);
        visit(&mut estimate, 0.1, (0.05, 0.99), 1e-3, 2.0);
        assert!((estimate.soh() - 1.0).abs() < 1e-12, "{}", estimate.soh());
    }
}
