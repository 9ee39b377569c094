//! What the BMS allows a rack: derating by cell voltage, temperature and SoC.
//!
//! Limits fall at once and recover slowly, so that a limit which relieves its own cause does not
//! chatter.

use crate::persist::leaf;
use bess_core::chemistry::{Chemistry, Curve, Limits};
use bess_core::protection::ProtectionProfile;
use bess_core::time::TICK_S;

/// What the limits look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellRange {
    /// Lowest cell voltage.
    pub voltage_min_v: f64,
    /// Highest cell voltage.
    pub voltage_max_v: f64,
    /// Lowest cell temperature.
    pub temperature_min_degc: f64,
    /// Highest cell temperature.
    pub temperature_max_degc: f64,
    /// State of charge of the rack.
    pub soc: f64,
}

/// Current limits of a rack, as fractions of its largest currents.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RackLimits {
    /// Of the largest discharge current, 0 to 1.
    pub discharge: f64,
    /// Of the largest charge current, 0 to 1.
    pub charge: f64,
}
leaf!(RackLimits);

/// SoC over which the limits close at both ends (engineering choice): full and empty are reached softly.
const SOC_BAND: f64 = 0.005;
/// Recovery per second, as a fraction of the largest current, where a profile does not say (engineering
/// choice).
const RECOVERY_PER_S: f64 = 0.05;

/// How fast limits recover: fractions of the largest discharge and charge current per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    discharge_per_s: f64,
    charge_per_s: f64,
}

impl Recovery {
    /// That of `profile` for a rack of these cells.
    pub fn of(profile: &ProtectionProfile, chemistry: &Chemistry, limits: &Limits) -> Self {
        let per_s = |c_rate_max: f64| {
            let largest_a = c_rate_max * chemistry.capacity.amp_hours();
            profile.recovery_a_per_s.map_or(RECOVERY_PER_S, |a_per_s| a_per_s / largest_a)
        };
        Self {
            discharge_per_s: per_s(limits.discharge_c_rate_max),
            charge_per_s: per_s(limits.charge_c_rate_max),
        }
    }
}

impl RackLimits {
    /// The limits that `range` allows, without memory: by the polylines of `profile` where it has
    /// some, by those of the cells otherwise.
    pub fn of(profile: &ProtectionProfile, limits: &Limits, range: &CellRange) -> Self {
        let (charge_by_voltage, discharge_by_voltage, charge_by_degc, discharge_by_degc) =
            match &profile.derating {
                Some(own) => (
                    &own.charge_by_voltage,
                    &own.discharge_by_voltage,
                    &own.charge_by_temperature,
                    &own.discharge_by_temperature,
                ),
                None => (
                    &limits.charge_by_voltage,
                    &limits.discharge_by_voltage,
                    &limits.charge_by_temperature,
                    &limits.discharge_by_temperature,
                ),
            };
        let both = |curve: &Curve| {
            curve
                .at_clamped(range.temperature_min_degc)
                .min(curve.at_clamped(range.temperature_max_degc))
        };
        let charge = charge_by_voltage
            .at_clamped(range.voltage_max_v)
            .min(both(charge_by_degc))
            .min((1.0 - range.soc) / SOC_BAND)
            .clamp(0.0, 1.0);
        let discharge = discharge_by_voltage
            .at_clamped(range.voltage_min_v)
            .min(both(discharge_by_degc))
            .min(range.soc / SOC_BAND)
            .clamp(0.0, 1.0);
        Self { discharge, charge }
    }

    /// One tick towards `allowed`: down at once, up slowly.
    pub fn step(&mut self, allowed: Self, recovery: Recovery) {
        let towards = |now: f64, to: f64, per_s: f64| to.min(now + per_s * TICK_S);
        self.discharge = towards(self.discharge, allowed.discharge, recovery.discharge_per_s);
        self.charge = towards(self.charge, allowed.charge, recovery.charge_per_s);
    }

    /// Largest discharge current in amperes.
    pub fn discharge_a(&self, chemistry: &Chemistry, limits: &Limits) -> f64 {
        self.discharge * limits.discharge_c_rate_max * chemistry.capacity.amp_hours()
    }
    /// Largest charge current in amperes, as a magnitude.
    pub fn charge_a(&self, chemistry: &Chemistry, limits: &Limits) -> f64 {
        self.charge * limits.charge_c_rate_max * chemistry.capacity.amp_hours()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::chemistry::{built_in, parse_chemistry};
    use bess_core::protection::{self, parse_protection};

    const MID: CellRange = CellRange {
        voltage_min_v: 3.28,
        voltage_max_v: 3.32,
        temperature_min_degc: 24.0,
        temperature_max_degc: 28.0,
        soc: 0.5,
    };

    fn lfp() -> Chemistry {
        parse_chemistry("lfp", built_in("lfp-314").unwrap()).unwrap()
    }
    fn profile(name: &str) -> ProtectionProfile {
        parse_protection(name, protection::built_in(name).unwrap()).unwrap()
    }
    /// Limits for discharge and charge by a built-in profile.
    fn limits_of(name: &str, range: CellRange) -> (f64, f64) {
        let limits = RackLimits::of(&profile(name), lfp().limits.as_ref().unwrap(), &range);
        (limits.discharge, limits.charge)
    }
    fn limits_at(range: CellRange) -> (f64, f64) {
        limits_of("lfp", range)
    }
    /// The recovery of 314 Ah LFP cells by a built-in profile.
    fn recovery_of(name: &str) -> Recovery {
        let chemistry = lfp();
        Recovery::of(&profile(name), &chemistry, chemistry.limits.as_ref().unwrap())
    }

    #[test]
    fn in_the_middle_of_everything_both_directions_are_free() {
        assert_eq!(limits_at(MID), (1.0, 1.0));
    }

    #[test]
    fn a_high_cell_derates_charging_only() {
        let (discharge, charge) = limits_at(CellRange { voltage_max_v: 3.525, ..MID });
        assert!((discharge - 1.0).abs() < 1e-9 && (charge - 0.5).abs() < 1e-9);
        assert!(limits_at(CellRange { voltage_max_v: 3.7, ..MID }).1.abs() < 1e-12);
    }

    #[test]
    fn a_low_cell_derates_discharging_only() {
        let (discharge, charge) = limits_at(CellRange { voltage_min_v: 2.8, ..MID });
        assert!((discharge - 0.5).abs() < 1e-9 && (charge - 1.0).abs() < 1e-9);
    }

    #[test]
    fn cold_stops_charging_and_heat_stops_both() {
        assert!(limits_at(CellRange { temperature_min_degc: -1.0, ..MID }).1.abs() < 1e-12);
        assert_eq!(limits_at(CellRange { temperature_max_degc: 56.0, ..MID }), (0.0, 0.0));
    }

    #[test]
    fn limits_fall_at_once_and_recover_slowly() {
        let recovery = recovery_of("lfp");
        let mut limits = RackLimits { discharge: 1.0, charge: 1.0 };
        limits.step(RackLimits { discharge: 0.2, charge: 1.0 }, recovery);
        assert!((limits.discharge - 0.2).abs() < 1e-12);
        for _ in 0..10 {
            limits.step(RackLimits { discharge: 1.0, charge: 1.0 }, recovery);
        }
        assert!((limits.discharge - 0.25).abs() < 1e-9, "{}", limits.discharge);
    }

    #[test]
    fn a_vendors_limits_recover_in_its_own_amperes_per_second() {
        // FENECON commercial: 0.5 A/s, for a minute.
        let (chemistry, recovery) = (lfp(), recovery_of("fenecon-commercial"));
        let cell_limits = chemistry.limits.as_ref().unwrap();
        let mut limits = RackLimits { discharge: 0.0, charge: 0.0 };
        for _ in 0..600 {
            limits.step(RackLimits { discharge: 1.0, charge: 1.0 }, recovery);
        }
        assert!((limits.discharge_a(&chemistry, cell_limits) - 30.0).abs() < 1e-9);
        assert!((limits.charge_a(&chemistry, cell_limits) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn a_vendors_polylines_stand_in_place_of_those_of_the_cells() {
        // Soltaro 3000 Wh: discharge 0.01 at 3.05 V and 1 at 3.15 V; the cells' own are free there.
        let low = CellRange { voltage_min_v: 3.10, ..MID };
        assert_eq!(limits_at(low).0, 1.0);
        assert!((limits_of("soltaro-3000", low).0 - 0.505).abs() < 1e-9);
        let warm = CellRange { temperature_max_degc: 40.0, ..MID };
        assert_eq!((limits_at(warm).1, limits_of("byd-c130", warm).1), (1.0, 0.0));
        assert_eq!(limits_of("soltaro-3500", MID), (1.0, 1.0));
    }

    #[test]
    fn the_jump_of_a_polyline_at_its_end_is_a_jump() {
        let at = |volts| limits_of("soltaro-3000", CellRange { voltage_max_v: volts, ..MID }).1;
        assert!((at(3.6499) - 0.02).abs() < 1e-9);
        assert_eq!(at(3.65), 0.0);
    }
}
