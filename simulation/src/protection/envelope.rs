//! A few comparisons that tell that nothing of a profile can act.

use super::sight::{RackSight, UnitSight};
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::control::WatchdogState;
use bess_core::protection::{Direction, ProtectionProfile, quantity};

/// The innermost thresholds of a profile, in the units of its elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    voltage_min_v: f64,
    voltage_max_v: f64,
    temperature_charging_min_degc: f64,
    temperature_max_degc: f64,
    temperature_difference_k: f64,
    rate_k_per_s: f64,
    voltage_difference_v: f64,
    charge: f64,
    discharge: f64,
    insulation_kohm: f64,
    bms_silent_s: f64,
    soc_low: f64,
    soc_high: f64,
    pcs_degc: f64,
    /// Where the converter gives less, and where it gives nothing.
    pcs_derate: Option<(f64, f64)>,
}

/// Span over which a converter gives less that never trips, in K (engineering choice).
const DERATE_SPAN_K: f64 = 10.0;

impl Envelope {
    pub(super) fn of(profile: &ProtectionProfile, rack_max_v: f64) -> Self {
        let innermost = |code: AlarmCode| {
            let thresholds = profile.elements.iter().filter(|e| e.code == code);
            let is_low = quantity(code).is_some_and(|q| q.direction == Direction::Below);
            if is_low {
                thresholds.fold(f64::NEG_INFINITY, |inner, e| inner.max(e.threshold))
            } else {
                thresholds.fold(f64::INFINITY, |inner, e| inner.min(e.threshold))
            }
        };
        let pcs = |level| {
            profile.element(AlarmCode::PcsOverTemperature, level).map(|element| element.threshold)
        };
        let pcs_derate = pcs(AlarmLevel::Derate).map(|from| {
            let to = pcs(AlarmLevel::Trip).or(pcs(AlarmLevel::Critical));
            (from, to.unwrap_or(from + DERATE_SPAN_K))
        });
        Self {
            voltage_min_v: innermost(AlarmCode::CellUnderVoltage),
            voltage_max_v: innermost(AlarmCode::CellOverVoltage),
            temperature_charging_min_degc: innermost(AlarmCode::CellUnderTemperature),
            temperature_max_degc: innermost(AlarmCode::CellOverTemperature),
            temperature_difference_k: innermost(AlarmCode::TemperatureDifference),
            rate_k_per_s: innermost(AlarmCode::TemperatureRate),
            voltage_difference_v: innermost(AlarmCode::VoltageDifference),
            charge: innermost(AlarmCode::ChargeOverCurrent),
            discharge: innermost(AlarmCode::DischargeOverCurrent),
            insulation_kohm: innermost(AlarmCode::Insulation) * rack_max_v * 1e-3,
            bms_silent_s: innermost(AlarmCode::BmsCommunication),
            soc_low: innermost(AlarmCode::SocLow),
            soc_high: innermost(AlarmCode::SocHigh),
            pcs_degc: innermost(AlarmCode::PcsOverTemperature),
            pcs_derate,
        }
    }

    /// Whether no element can act on `rack`.
    pub(super) fn holds_rack(
        &self,
        rack: &RackSight,
        rate_k_per_s: f64,
        (discharge_max_a, charge_max_a): (f64, f64),
    ) -> bool {
        let (low_degc, high_degc) = (rack.temperature_min.0, rack.temperature_max.0);
        let (low_v, high_v) = (rack.voltage_min.0, rack.voltage_max.0);
        low_v > self.voltage_min_v
            && high_v < self.voltage_max_v
            && high_degc < self.temperature_max_degc
            && (rack.current_a >= 0.0 || low_degc > self.temperature_charging_min_degc)
            && high_degc - low_degc < self.temperature_difference_k
            && high_v - low_v < self.voltage_difference_v
            && rate_k_per_s < self.rate_k_per_s
            && rack.current_a < self.discharge * discharge_max_a
            && -rack.current_a < self.charge * charge_max_a
            && !(rack.string_open || rack.fuse_blown || rack.contactor_fault || rack.dropped_out)
    }

    /// Whether no element can act on the unit as a whole.
    pub(super) fn holds_unit(&self, unit: &UnitSight<'_>) -> bool {
        let flags = [
            unit.smoke,
            unit.gas,
            unit.gas_lfl > 0.0,
            unit.dc_out_of_window.is_some(),
            unit.cooling_failed,
            unit.beyond_matched_load,
            unit.precharge_failed,
            unit.synchronisation_failed,
            unit.emergency_stop,
            unit.island_overload,
            unit.quarantined,
            unit.start_failed,
            unit.door_open,
            unit.suppression,
        ];
        unit.insulation_kohm > self.insulation_kohm
            && unit.bms_silent_s < self.bms_silent_s
            && unit.soc > self.soc_low
            && unit.soc < self.soc_high
            && unit.pcs_degc < self.pcs_degc
            && matches!(unit.watch, WatchdogState::Disabled | WatchdogState::Armed)
            && !flags.contains(&true)
    }

    /// Factor of power, 0 to 1, that a converter of `pcs_degc` still gives.
    pub(super) fn pcs_factor(&self, pcs_degc: f64) -> f64 {
        match self.pcs_derate {
            Some((from, to)) if pcs_degc > from => {
                if to > from {
                    ((to - pcs_degc) / (to - from)).clamp(0.0, 1.0)
                } else {
                    0.0
                }
            }
            _ => 1.0,
        }
    }
}
