//! What the BMS allows a rack: derating by cell voltage, temperature and SoC.
//!
//! Limits fall at once and recover slowly, so that a limit which relieves its own cause does not
//! chatter.

use bess_core::chemistry::{Chemistry, Limits};
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RackLimits {
    /// Of the largest discharge current, 0 to 1.
    pub discharge: f64,
    /// Of the largest charge current, 0 to 1.
    pub charge: f64,
}

/// SoC over which the limits close at both ends (engineering choice): full and empty are reached softly.
const SOC_BAND: f64 = 0.005;
/// Recovery per second, as a fraction of the largest current (engineering choice).
const RECOVERY_PER_S: f64 = 0.05;

impl RackLimits {
    /// The limits that `range` allows, without memory.
    pub fn of(limits: &Limits, range: &CellRange) -> Self {
        let both = |curve: &bess_core::chemistry::Curve| {
            curve
                .at_clamped(range.temperature_min_degc)
                .min(curve.at_clamped(range.temperature_max_degc))
        };
        let charge = limits
            .charge_by_voltage
            .at_clamped(range.voltage_max_v)
            .min(both(&limits.charge_by_temperature))
            .min((1.0 - range.soc) / SOC_BAND)
            .clamp(0.0, 1.0);
        let discharge = limits
            .discharge_by_voltage
            .at_clamped(range.voltage_min_v)
            .min(both(&limits.discharge_by_temperature))
            .min(range.soc / SOC_BAND)
            .clamp(0.0, 1.0);
        Self { discharge, charge }
    }

    /// One tick towards `allowed`: down at once, up slowly.
    pub fn step(&mut self, allowed: Self) {
        let towards = |now: f64, to: f64| to.min(now + RECOVERY_PER_S * TICK_S);
        self.discharge = towards(self.discharge, allowed.discharge);
        self.charge = towards(self.charge, allowed.charge);
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

    const MID: CellRange = CellRange {
        voltage_min_v: 3.28,
        voltage_max_v: 3.32,
        temperature_min_degc: 24.0,
        temperature_max_degc: 28.0,
        soc: 0.5,
    };

    fn limits_at(range: CellRange) -> (f64, f64) {
        let chemistry = parse_chemistry("lfp", built_in("lfp-314").unwrap()).unwrap();
        let limits = RackLimits::of(chemistry.limits.as_ref().unwrap(), &range);
        (limits.discharge, limits.charge)
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
        let mut limits = RackLimits { discharge: 1.0, charge: 1.0 };
        limits.step(RackLimits { discharge: 0.2, charge: 1.0 });
        assert!((limits.discharge - 0.2).abs() < 1e-12);
        for _ in 0..10 {
            limits.step(RackLimits { discharge: 1.0, charge: 1.0 });
        }
        assert!((limits.discharge - 0.25).abs() < 1e-9, "{}", limits.discharge);
    }
}
