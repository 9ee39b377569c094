//! States and events of a unit as the enums and bit fields of SunSpec; the compact map shares them.
//! `plant` has those of the whole farm.

use super::source::Sight;
use bess_core::command::{PowerPriority, SetpointMode};
use bess_core::snapshot::{CellExtremes, RackView, UnitState, UnitView};
use bess_core::spec::UnitDesign;

/// Bits of 802.Evt1 that are warnings: the symbols that end in `_WARNING`.
pub(super) const WARNINGS: i64 = {
    let mut bits = 0;
    let mut index = 0;
    const BITS: [u8; 13] = [2, 4, 6, 8, 10, 12, 14, 16, 17, 19, 24, 26, 29];
    while index < BITS.len() {
        bits |= 1 << BITS[index];
        index += 1;
    }
    bits
};

/// Smallest share of the rated DC current that counts as charging or discharging.
const IDLE_SHARE: f64 = 0.001;
/// Smallest share of the rating by which a setpoint must be cut to count as throttled.
const THROTTLE_SHARE: f64 = 0.005;

/// Reads a whole number of the unit; 0 for the plant, whose map binds none of these.
fn of_unit(sight: Sight<'_>, get: fn(&UnitView) -> i64) -> i64 {
    sight.view().map_or(0, get)
}

pub(super) fn is_connected(view: &UnitView) -> bool {
    matches!(view.state, UnitState::Standby | UnitState::Running)
}

/// 701.St: off or on.
pub(crate) fn operating_state(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(is_connected(view)))
}

/// 701.InvSt.
pub(crate) fn inverter_state(sight: Sight<'_>) -> i64 {
    match sight.view().map(|view| view.state) {
        Some(UnitState::Off) | None => 0,
        Some(UnitState::Running) if throttle(sight).is_some() => 4,
        Some(UnitState::Running) => 3,
        Some(UnitState::Fault) => 6,
        Some(UnitState::Standby) => 7,
    }
}

/// By how much the battery cuts the setpoint of a running unit, in percent of the rating.
fn throttle(sight: Sight<'_>) -> Option<f64> {
    let (view, spec) = (sight.view()?, sight.spec()?);
    let rated_w = spec.design.pcs.rated_power.0;
    let setpoint_w = view.setpoint.0;
    let over_w = (setpoint_w - view.available_discharge_power.0)
        .max(-setpoint_w - view.available_charge_power.0);
    (view.state == UnitState::Running && over_w > THROTTLE_SHARE * rated_w)
        .then(|| over_w / rated_w * 100.0)
}

/// 701.ThrotPct.
pub(crate) fn throttle_pct(sight: Sight<'_>) -> f64 {
    throttle(sight).unwrap_or(0.0)
}

/// 701.ThrotSrc: bit 14 is derated, by what the battery can give or take.
pub(crate) fn throttle_source(sight: Sight<'_>) -> i64 {
    i64::from(throttle(sight).is_some()) << 14
}

/// 701.ConnSt.
pub(crate) fn connection_state(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(is_connected(view)))
}

/// 701.Alrm.
pub(crate) fn der_alarms(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.alarms.alrm()))
}

/// 713.Sta: ok, warning, error.
pub(crate) fn storage_status(sight: Sight<'_>) -> i64 {
    let events = events(sight);
    match sight.view().map(|view| view.state) {
        Some(UnitState::Fault) => 2,
        _ if events & !WARNINGS != 0 => 2,
        _ => i64::from(events != 0),
    }
}

/// 715.OpCtl as it would have to be written to come to the present state.
pub(crate) fn operation(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.state {
        UnitState::Off | UnitState::Fault => 0,
        UnitState::Running => 1,
        UnitState::Standby => 2,
    })
}

/// 802.State.
pub(crate) fn battery_state(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.state {
        UnitState::Off => 1,
        UnitState::Running => 3,
        UnitState::Standby => 4,
        UnitState::Fault => 99,
    })
}

/// 802.ChaSt.
pub(crate) fn charge_status(sight: Sight<'_>) -> i64 {
    let (Some(view), Some(spec)) = (sight.view(), sight.spec()) else {
        return 0;
    };
    let design = &spec.design;
    let rated_a = design.pcs.rated_power.0 / design.dc_voltage_window().0.0;
    let idle_a = IDLE_SHARE * rated_a;
    match view.dc.current.0 {
        _ if !is_connected(view) => 1,
        current_a if current_a > idle_a => 3,
        current_a if current_a < -idle_a => 4,
        _ if view.available_discharge_power.0 <= 0.0 && view.measured.soc < 0.5 => 2,
        _ if view.available_charge_power.0 <= 0.0 && view.measured.soc > 0.5 => 5,
        _ => 6,
    }
}

/// 802.SetOp as the contactors are.
pub(crate) fn contactors(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| if is_connected(view) { 1 } else { 2 })
}

/// 802.SetInvState as the converter is.
pub(crate) fn inverter_told(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.state {
        UnitState::Off | UnitState::Fault => 1,
        UnitState::Standby => 2,
        UnitState::Running => 3,
    })
}

/// 802.Evt1.
pub(crate) fn events(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.alarms.evt1()))
}

/// The warnings among 802.Evt1.
pub(crate) fn warnings(sight: Sight<'_>) -> i64 {
    events(sight) & WARNINGS
}

/// A 16-bit heartbeat; it skips the word that means "not available".
pub(crate) fn heartbeat16(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.heartbeat) % 0xFFFF)
}

/// 715.DERHb.
pub(crate) fn heartbeat(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.heartbeat))
}

/// The last heartbeat that a controller wrote.
pub(crate) fn controller_heartbeat(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.controller_heartbeat))
}

/// 704.WSetEna.
pub(crate) fn active_enabled(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.active.enabled))
}

/// 704.WSetMod.
pub(crate) fn active_mode(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.control.active.mode {
        SetpointMode::Percent => 0,
        SetpointMode::Absolute => 1,
    })
}

/// 704.VarSetEna.
pub(crate) fn reactive_enabled(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.reactive.enabled))
}

/// 704.VarSetMod.
pub(crate) fn reactive_mode(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.control.reactive.mode {
        SetpointMode::Percent => 1,
        SetpointMode::Absolute => 4,
    })
}

/// 704.VarSetPri.
pub(crate) fn priority(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.control.priority {
        PowerPriority::Active => 0,
        PowerPriority::Reactive => 1,
    })
}

/// 704.WMaxLimPctEna.
pub(crate) fn discharge_limit_enabled(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.control.discharge_limit_enabled))
}

/// Number of the module that holds the cell `cell_idx` of a rack, from 1.
fn module_number(cell_idx: u16, design: &UnitDesign) -> i64 {
    (usize::from(cell_idx) / design.cells_per_module.max(1) + 1) as i64
}

/// Where an extreme cell is.
type Place = fn(&CellExtremes) -> bess_core::CellAddress;

fn string_of(sight: Sight<'_>, place: Place) -> i64 {
    sight.view().map_or(0, |view| i64::from(place(&view.measured.extremes).rack_idx) + 1)
}

fn module_of(sight: Sight<'_>, place: Place) -> i64 {
    match (sight.view(), sight.spec()) {
        (Some(view), Some(spec)) => {
            module_number(place(&view.measured.extremes).cell_idx, &spec.design)
        }
        _ => 0,
    }
}

pub(crate) fn voltage_max_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.voltage_max_at)
}
pub(crate) fn voltage_max_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.voltage_max_at)
}
pub(crate) fn voltage_min_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.voltage_min_at)
}
pub(crate) fn voltage_min_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.voltage_min_at)
}
pub(crate) fn temperature_max_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.temperature_max_at)
}
pub(crate) fn temperature_max_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.temperature_max_at)
}
pub(crate) fn temperature_min_string(sight: Sight<'_>) -> i64 {
    string_of(sight, |extremes| extremes.temperature_min_at)
}
pub(crate) fn temperature_min_module(sight: Sight<'_>) -> i64 {
    module_of(sight, |extremes| extremes.temperature_min_at)
}

/// The place of an extreme within one rack, as the number of its module.
pub(crate) fn rack_voltage_max_module(rack: &RackView, design: &UnitDesign) -> i64 {
    module_number(rack.extremes.voltage_max_at.cell_idx, design)
}
pub(crate) fn rack_voltage_min_module(rack: &RackView, design: &UnitDesign) -> i64 {
    module_number(rack.extremes.voltage_min_at.cell_idx, design)
}
pub(crate) fn rack_temperature_max_module(rack: &RackView, design: &UnitDesign) -> i64 {
    module_number(rack.extremes.temperature_max_at.cell_idx, design)
}
pub(crate) fn rack_temperature_min_module(rack: &RackView, design: &UnitDesign) -> i64 {
    module_number(rack.extremes.temperature_min_at.cell_idx, design)
}

/// 803.StrSt: every string is enabled; bit 1 is its contactor.
pub(crate) fn string_status(rack: &RackView, _: &UnitDesign) -> i64 {
    1 | i64::from(rack.connected) << 1
}

/// 803.StrConSt: one contactor for each string.
pub(crate) fn string_contactors(rack: &RackView, _: &UnitDesign) -> i64 {
    i64::from(rack.connected)
}

/// 803.StrNMod.
pub(crate) fn string_modules(_: &RackView, design: &UnitDesign) -> i64 {
    design.modules_per_rack() as i64
}

/// The compact map's mode word: 0 stop, 1 standby, 2 P and Q setpoints.
pub(crate) fn mode(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match view.state {
        UnitState::Off | UnitState::Fault => 0,
        UnitState::Standby => 1,
        UnitState::Running => 2,
    })
}

/// Bits of the racks with closed contactors, the first rack in bit 0.
pub(crate) fn contactor_bits(sight: Sight<'_>) -> i64 {
    let racks = sight.racks().iter().take(32).enumerate();
    racks.fold(0, |bits, (index, rack)| bits | i64::from(rack.connected) << index)
}

/// Simulated instant of the snapshot in Unix milliseconds.
pub(crate) fn sample_time_ms(sight: Sight<'_>) -> i64 {
    sight.snapshot.time.unix_ms()
}

/// Number of the snapshot; the register keeps its low 32 bits.
pub(crate) fn sample_number(sight: Sight<'_>) -> i64 {
    sight.snapshot.publication as i64
}

/// Number of the unit from 1; 0 is the plant.
pub(crate) fn unit_number(sight: Sight<'_>) -> i64 {
    sight.unit.map_or(0, |unit| i64::from(unit.number()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::sunspec::models::model_802;

    #[test]
    fn the_warnings_are_the_events_that_are_called_so() {
        let events = model_802::MODEL.points.iter().find(|point| point.name == "Evt1");
        let symbols = events.unwrap().symbols.iter();
        let bits = symbols
            .filter(|(name, _)| name.ends_with("_WARNING"))
            .fold(0, |bits, (_, bit)| bits | 1 << bit);
        assert_eq!(bits, WARNINGS);
    }
}
