//! What a unit is rated down to, as far as that is below its ratings.

use super::Unit;
use bess_core::control::Capacity;
use bess_core::spec::PcsSpec;

/// The largest powers in force. Caps are infinite where a setting leaves the rating, which the converter
/// itself keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Most {
    /// Active power that percentages and curves are of, in W.
    pub(crate) active_w: f64,
    /// Reactive power that percentages and curves are of, in var: injected, and absorbed.
    pub(crate) injected_var: f64,
    pub(crate) absorbed_var: f64,
    /// Radius of the capability circle in VA.
    pub(crate) apparent_va: f64,
    /// Caps of discharge and of charge (a magnitude) in W.
    pub(crate) discharge_cap_w: f64,
    pub(crate) charge_cap_w: f64,
    /// Caps of injected and of absorbed (a magnitude) reactive power in var.
    pub(crate) injected_cap_var: f64,
    pub(crate) absorbed_cap_var: f64,
}

impl Most {
    pub(crate) fn of(set: &Capacity, pcs: &PcsSpec) -> Self {
        let rated = Capacity::rated(pcs);
        // A setting may be beyond its rating by a last digit.
        let cap = |set: f64, rated: f64| if set < rated { set } else { f64::INFINITY };
        let both = cap(set.active_max_w, rated.active_max_w)
            .min(cap(set.apparent_max_va, rated.apparent_max_va));
        Self {
            active_w: set.active_max_w.min(rated.active_max_w),
            injected_var: set.reactive_injected_max_var.min(rated.reactive_injected_max_var),
            absorbed_var: set.reactive_absorbed_max_var.min(rated.reactive_absorbed_max_var),
            apparent_va: set.apparent_max_va.min(rated.apparent_max_va),
            discharge_cap_w: cap(set.discharge_max_w, rated.discharge_max_w).min(both),
            charge_cap_w: cap(set.charge_max_w, rated.charge_max_w).min(both),
            injected_cap_var: cap(set.reactive_injected_max_var, rated.reactive_injected_max_var),
            absorbed_cap_var: cap(set.reactive_absorbed_max_var, rated.reactive_absorbed_max_var),
        }
    }

    /// Reactive power that percentages and curves are of in the direction of `sign`, in var.
    pub(crate) fn reactive_var(&self, sign: f64) -> f64 {
        if sign < 0.0 { self.absorbed_var } else { self.injected_var }
    }

    /// `q_var` within its caps.
    pub(crate) fn capped_var(&self, q_var: f64) -> f64 {
        q_var.min(self.injected_cap_var).max(-self.absorbed_cap_var)
    }
}

impl Unit {
    /// The largest powers in force.
    pub(crate) fn most(&self) -> Most {
        Most::of(&self.control.capacity, &self.design.pcs)
    }
}
