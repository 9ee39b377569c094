//! Frequency from the balance of power: `2 H S df/dt = f0 (dP - D S df / f0)`, with a governor.

use crate::persist::persist;
use bess_core::spec::InertiaSpec;

/// Step of the integration in s.
pub(super) const STEP_S: f64 = 0.01;
/// Farthest that the frequency goes, in pu of nominal: beyond it a real grid has long collapsed
/// (engineering choice).
const MOST_PU: f64 = 0.2;
/// Imbalances below this, in pu of the rating, move nothing: they are the model's numerical rest.
const REST_PU: f64 = 1e-9;

/// The state of a grid with inertia. It is balanced where it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Inertia {
    spec: InertiaSpec,
    /// Power of the farm in W with which the grid was balanced; `None` before its first tick.
    balanced_w: Option<f64>,
    /// Deviation of the frequency in pu of nominal.
    deviation_pu: f64,
    /// Power that the governors add, in pu of the rating.
    governor_pu: f64,
}
persist! {
    Inertia { balanced_w, deviation_pu, governor_pu } but { spec }
}

impl Inertia {
    pub(super) fn new(spec: InertiaSpec) -> Self {
        Self { spec, balanced_w: None, deviation_pu: 0.0, governor_pu: 0.0 }
    }
    /// Deviation of the frequency in pu of nominal.
    pub(super) fn deviation_pu(&self) -> f64 {
        self.deviation_pu
    }
    /// Begins anew, balanced with what flows at the next tick: a grid that comes back after an outage.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.spec);
    }
    /// The change of power in pu since the grid was balanced, where the farm gives `farm_w` and loads
    /// changed by `loads_w`.
    pub(super) fn change_pu(&mut self, farm_w: f64, loads_w: f64) -> f64 {
        let balanced_w = *self.balanced_w.get_or_insert(farm_w - loads_w);
        (farm_w - loads_w - balanced_w) / self.spec.rated.0
    }
    /// Whether nothing moves while the change of power is `change_pu`.
    pub(super) fn rests(&self, change_pu: f64) -> bool {
        let imbalance = change_pu - self.spec.damping * self.deviation_pu + self.governor_pu;
        imbalance.abs() < REST_PU && (self.governor_goal_pu() - self.governor_pu).abs() < REST_PU
    }
    /// `step_s` seconds on, by backward Euler: stable for every inertia, droop and time constant.
    pub(super) fn step(&mut self, change_pu: f64, step_s: f64) {
        let spec = &self.spec;
        let per_h = step_s / (2.0 * spec.inertia_s);
        let (kept, follows) = {
            let share = step_s / spec.governor_s;
            (1.0 / (1.0 + share), share / (1.0 + share))
        };
        let slope = if spec.governor_droop > 0.0 { 1.0 / spec.governor_droop } else { 0.0 };
        let from_governor = self.governor_pu * kept;
        let deviation = (self.deviation_pu + per_h * (change_pu + from_governor))
            / (1.0 + per_h * (spec.damping + follows * slope));
        self.deviation_pu = deviation.clamp(-MOST_PU, MOST_PU);
        self.governor_pu = from_governor + follows * self.governor_goal_pu();
    }
    fn governor_goal_pu(&self) -> f64 {
        if self.spec.governor_droop > 0.0 {
            -self.deviation_pu / self.spec.governor_droop
        } else {
            0.0
        }
    }
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let numbers = [self.balanced_w.unwrap_or(f64::NAN), self.deviation_pu, self.governor_pu];
        numbers.iter().for_each(|number| sink(&number.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::units::VoltAmps;

    const SPEC: InertiaSpec = InertiaSpec {
        rated: VoltAmps(1e9),
        inertia_s: 4.0,
        damping: 1.5,
        governor_droop: 0.05,
        governor_s: 2.0,
    };

    #[test]
    fn a_grid_in_balance_rests_whatever_the_farm_gave_at_its_start() {
        let mut grid = Inertia::new(SPEC);
        assert!(grid.change_pu(-3e6, 0.0).abs() < 1e-15 && grid.rests(0.0));
        assert!((grid.change_pu(7e6, 0.0) - 0.01).abs() < 1e-12 && !grid.rests(0.01));
    }

    #[test]
    fn the_extremes_of_the_parameters_stay_stable() {
        for (inertia_s, governor_s, governor_droop, damping) in
            [(0.1, 0.01, 0.001, 0.0), (0.1, 100.0, 1.0, 20.0), (30.0, 0.01, 0.0, 0.0)]
        {
            let spec = InertiaSpec { inertia_s, damping, governor_droop, governor_s, ..SPEC };
            let mut grid = Inertia::new(spec);
            let mut most: f64 = 0.0;
            for _ in 0..100_000 {
                grid.step(-0.05, STEP_S);
                most = most.max(grid.deviation_pu.abs());
            }
            assert!(most <= MOST_PU && grid.deviation_pu < 0.0, "{spec:?}");
        }
    }
}
