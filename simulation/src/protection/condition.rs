//! Whether an element's condition holds: the one place that knows which value an alarm looks at.

use super::sight::{RackSight, UnitSight};
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::control::WatchdogState;
use bess_core::protection::{Direction, ProtectionElement, quantity};

/// Charge below which a rack does not count as being charged, as a fraction of its largest charge
/// current (engineering choice: above the errors of a current sensor at rest).
pub(super) const CHARGING: f64 = 0.02;

/// An element held against a sight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    /// Whether it is beyond its threshold.
    pub(super) violated: bool,
    /// Whether it is inside its release.
    pub(super) released: bool,
    /// The value, in the unit of the alarm's row; NaN for a yes or no.
    pub(super) value: f64,
    /// The threshold in the same unit; NaN for a yes or no.
    pub(super) threshold: f64,
    /// The cell that shows the value.
    pub(super) cell_idx: Option<u16>,
}

impl Condition {
    pub(super) fn yes(yes: bool, value: f64) -> Self {
        Self { violated: yes, released: !yes, value, threshold: f64::NAN, cell_idx: None }
    }

    /// `value` held against the element, whose thresholds are multiples of `scale`.
    fn of(element: &ProtectionElement, value: (f64, Option<u16>), scale: f64) -> Self {
        let ((value, cell_idx), threshold) = (value, element.threshold * scale);
        let release = element.release * scale;
        let direction = quantity(element.code).map(|quantity| quantity.direction);
        // A value that is none neither raises an alarm nor takes it away.
        let (violated, released) = match direction {
            Some(Direction::Above) => (value >= threshold, value < threshold && value <= release),
            Some(Direction::Below) => (value <= threshold, value > threshold && value >= release),
            Some(Direction::Yes) | None => (false, false),
        };
        Self { violated, released, value, threshold, cell_idx }
    }

    /// The same where `looks` is true; where nothing is to be looked at, it is not violated and
    /// released.
    fn only_while(self, looks: bool) -> Self {
        Self { violated: self.violated && looks, released: self.released || !looks, ..self }
    }
}

/// The condition of an element that is about a rack, whose hottest cell warms up by `rate_k_per_s`.
pub(super) fn of_rack(
    element: &ProtectionElement,
    rack: &RackSight,
    rate_k_per_s: f64,
    unit: &UnitSight<'_>,
) -> Condition {
    let of = |value: f64| Condition::of(element, (value, None), 1.0);
    let cell = |(value, idx): (f64, u16)| Condition::of(element, (value, Some(idx)), 1.0);
    let (current_a, charge_max_a) = (rack.current_a, unit.charge_max_a);
    match element.code {
        AlarmCode::CellOverVoltage => cell(rack.voltage_max),
        // A burnt cell shows no voltage; the open string has an alarm of its own.
        AlarmCode::CellUnderVoltage => cell(rack.voltage_min).only_while(!rack.string_open),
        AlarmCode::CellOverTemperature => cell(rack.temperature_max),
        AlarmCode::CellUnderTemperature => {
            let charges = rack.connected && current_a < -CHARGING * charge_max_a;
            cell(rack.temperature_min).only_while(charges)
        }
        AlarmCode::TemperatureDifference => of(rack.temperature_max.0 - rack.temperature_min.0),
        AlarmCode::TemperatureRate => cell((rate_k_per_s, rack.temperature_max.1)),
        AlarmCode::VoltageDifference => {
            let difference_v = rack.voltage_max.0 - rack.voltage_min.0;
            // Never below a gate that is not there.
            let gated = rack.voltage_max.0 < element.gate_v;
            of(difference_v).only_while(!gated && !rack.string_open)
        }
        AlarmCode::ChargeOverCurrent => {
            Condition::of(element, (-current_a, None), charge_max_a).only_while(rack.connected)
        }
        AlarmCode::DischargeOverCurrent => {
            let discharge_max_a = unit.discharge_max_a;
            Condition::of(element, (current_a, None), discharge_max_a).only_while(rack.connected)
        }
        AlarmCode::StringOpen => Condition::yes(rack.string_open, f64::NAN),
        AlarmCode::FuseBlown => Condition::yes(rack.fuse_blown, f64::NAN),
        // A rack that has dropped out is lost, and the others go on.
        AlarmCode::ContactorFault if element.level == AlarmLevel::Derate => {
            Condition::yes(rack.dropped_out, f64::NAN)
        }
        AlarmCode::ContactorFault => Condition::yes(rack.contactor_fault, f64::NAN),
        _ => Condition::yes(false, f64::NAN),
    }
}

/// The condition of an element that is about the unit as a whole, whose racks reach `rack_max_v`.
pub(super) fn of_unit(
    element: &ProtectionElement,
    unit: &UnitSight<'_>,
    rack_max_v: f64,
) -> Condition {
    let of = |value: f64| Condition::of(element, (value, None), 1.0);
    let yes = |yes: bool| Condition::yes(yes, f64::NAN);
    match element.code {
        AlarmCode::PrechargeFailed => yes(unit.precharge_failed),
        AlarmCode::Insulation => {
            Condition::of(element, (unit.insulation_kohm, None), rack_max_v * 1e-3)
        }
        AlarmCode::Smoke => yes(unit.smoke),
        AlarmCode::Gas => yes(unit.gas),
        AlarmCode::BmsCommunication => of(unit.bms_silent_s),
        AlarmCode::ControllerLost => {
            let lost = unit.watch == WatchdogState::Lost;
            let late = lost || unit.watch == WatchdogState::Late;
            let is_it = if element.level == AlarmLevel::Warning { late } else { lost };
            Condition::yes(is_it, unit.watch_age_s)
        }
        AlarmCode::SocHigh | AlarmCode::SocLow => of(unit.soc),
        AlarmCode::PcsOverTemperature => of(unit.pcs_degc),
        AlarmCode::DcVoltageOutOfWindow => Condition::yes(
            unit.dc_out_of_window.is_some(),
            unit.dc_out_of_window.unwrap_or(f64::NAN),
        ),
        AlarmCode::PowerBeyondMatchedLoad => yes(unit.beyond_matched_load),
        AlarmCode::CoolingFailed => yes(unit.cooling_failed),
        AlarmCode::EmergencyStop => yes(unit.emergency_stop),
        AlarmCode::SynchronisationFailed => yes(unit.synchronisation_failed),
        AlarmCode::IslandOverload => yes(unit.island_overload),
        AlarmCode::Quarantined => yes(unit.quarantined),
        AlarmCode::PcsFault => yes(unit.start_failed),
        AlarmCode::DoorOpen => yes(unit.door_open),
        AlarmCode::FireSuppression => yes(unit.suppression),
        AlarmCode::GasConcentration => Condition {
            violated: unit.gas_lfl >= element.threshold,
            released: unit.gas_lfl <= element.release,
            value: unit.gas_lfl,
            threshold: element.threshold,
            cell_idx: None,
        },
        _ => yes(false),
    }
}
