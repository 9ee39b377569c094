//! What a unit is rated down to (SunSpec 702): settings of its largest powers, up to its ratings.

use super::CapacityChange;
use super::limits::in_range;
use crate::command::Rejection;
use crate::spec::PcsSpec;

/// Smallest part of a rating to which a unit can be rated down \[engineering choice\]: percentages and
/// ramps are of these settings, and those of nothing mean nothing.
pub const CAPACITY_MIN: f64 = 0.01;

/// Largest powers that a unit gives and takes, as somebody set them; the ratings until then.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Capacity {
    /// Active power in both directions in W (WMax). Percentages of active power are of this one, those
    /// of the ramp too.
    pub active_max_w: f64,
    /// Discharge in W (WDisChaRteMax).
    pub discharge_max_w: f64,
    /// Charge in W, a magnitude (WChaRteMax).
    pub charge_max_w: f64,
    /// Injected reactive power in var (VarMaxInj). Percentages of reactive power that is injected are of
    /// this one.
    pub reactive_injected_max_var: f64,
    /// Absorbed reactive power in var, a magnitude (VarMaxAbs). Percentages of reactive power that is
    /// absorbed are of this one.
    pub reactive_absorbed_max_var: f64,
    /// Apparent power in VA (VAMax).
    pub apparent_max_va: f64,
}

impl Capacity {
    /// The ratings.
    pub fn rated(pcs: &PcsSpec) -> Self {
        Self {
            active_max_w: pcs.rated_power.0,
            discharge_max_w: pcs.rated_power.0,
            charge_max_w: pcs.rated_power.0,
            reactive_injected_max_var: pcs.rated_reactive_power.0,
            reactive_absorbed_max_var: pcs.rated_reactive_power.0,
            apparent_max_va: pcs.rated_apparent_power.0,
        }
    }
}

impl CapacityChange {
    /// Checks the change for a unit with this converter.
    ///
    /// # Errors
    /// The first setting that is beyond its rating or below [`CAPACITY_MIN`] of it.
    pub fn check(&self, pcs: &PcsSpec) -> Result<(), Rejection> {
        let rated = Capacity::rated(pcs);
        let checks = [
            ("capacity_active_max_w", self.active_max_w, rated.active_max_w, "W"),
            ("capacity_discharge_max_w", self.discharge_max_w, rated.discharge_max_w, "W"),
            ("capacity_charge_max_w", self.charge_max_w, rated.charge_max_w, "W"),
            (
                "capacity_reactive_injected_max_var",
                self.reactive_injected_max_var,
                rated.reactive_injected_max_var,
                "var",
            ),
            (
                "capacity_reactive_absorbed_max_var",
                self.reactive_absorbed_max_var,
                rated.reactive_absorbed_max_var,
                "var",
            ),
            ("capacity_apparent_max_va", self.apparent_max_va, rated.apparent_max_va, "VA"),
        ];
        for (field, value, rating, unit) in checks {
            in_range(field, value, (CAPACITY_MIN * rating, rating), unit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};

    #[test]
    fn a_unit_is_rated_down_from_its_ratings_to_a_hundredth_of_them_and_not_further() {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
        let pcs = &farm.units[0].design.pcs;
        assert_eq!(CapacityChange::from(Capacity::rated(pcs)).check(pcs), Ok(()));
        let check = |change: CapacityChange| change.check(pcs).map_err(|e| e.to_string());
        let none = CapacityChange::default();
        assert_eq!(check(none), Ok(()));
        assert_eq!(check(CapacityChange { active_max_w: Some(25_000.0), ..none }), Ok(()));
        let text = check(CapacityChange { active_max_w: Some(24_000.0), ..none }).unwrap_err();
        assert_eq!(text, "capacity_active_max_w must be from 25000 to 2500000 W, got 24000");
        let text = check(CapacityChange { charge_max_w: Some(2.6e6), ..none }).unwrap_err();
        assert!(text.contains("capacity_charge_max_w must be from"), "{text}");
        let beyond = CapacityChange { reactive_absorbed_max_var: Some(1.3e6), ..none };
        assert!(check(beyond).unwrap_err().contains("to 1210000 var, got 1300000"));
        assert!(check(CapacityChange { apparent_max_va: Some(f64::NAN), ..none }).is_err());
    }
}
