//! Passive balancing: when it is allowed, and which cells bleed.
//!
//! Pure decisions on measured values. Whoever owns the cells asks once a second and takes the charge
//! out of those that bleed. The decision is made anew each time; there is no memory.

use super::Measured;
use bess_core::spec::BalancingSpec;

/// Whether a rack that shows `measured` may balance: balancing is on, the rack is nearly full and
/// nearly without load, so that a voltage tells cells apart. `capacity_ah` is the nominal capacity.
pub fn allowed(spec: &BalancingSpec, measured: &Measured, capacity_ah: f64) -> bool {
    spec.enabled
        && measured.soc >= spec.allowed_above_soc
        && measured.current_a.abs() < spec.allowed_below_c_rate * capacity_ah
}

/// Whether a cell that shows `measured_v` bleeds beside the lowest of its rack.
pub fn bleeds(spec: &BalancingSpec, measured_v: f64, lowest_measured_v: f64) -> bool {
    measured_v - lowest_measured_v > spec.start_above_v
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(soc: f64, current_a: f64) -> Measured {
        Measured { soc, current_a, ..Measured::default() }
    }

    #[test]
    fn a_rack_balances_only_when_nearly_full_and_nearly_without_load() {
        let spec = BalancingSpec::default();
        let allowed = |soc, current_a| allowed(&spec, &shown(soc, current_a), 280.0);
        assert!(allowed(0.95, 0.0) && allowed(0.9, -13.9));
        assert!(!allowed(0.89, 0.0) && !allowed(0.95, -14.1) && !allowed(0.95, 14.1));
        let off = BalancingSpec { enabled: false, ..spec };
        assert!(!super::allowed(&off, &shown(0.95, 0.0), 280.0));
    }

    #[test]
    fn only_cells_above_the_lowest_by_more_than_the_threshold_bleed() {
        let spec = BalancingSpec::default();
        let bleeding: Vec<f64> =
            [3.400, 3.409, 3.411, 3.450].into_iter().filter(|&v| bleeds(&spec, v, 3.400)).collect();
        assert_eq!(bleeding, [3.411, 3.450]);
    }
}
