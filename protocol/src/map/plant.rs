//! States, setpoints and ratings of the plant: the farm as one device, in the words of `states`.

use super::source::Sight;
use super::states::{WARNINGS, is_connected};
use bess_core::snapshot::UnitState;
use bess_core::spec::FarmSpec;

/// The mode word of the plant: 2 while a farm setpoint is in force.
pub(crate) fn mode(sight: Sight<'_>) -> i64 {
    if sight.snapshot.farm.setpoint.is_some() { 2 } else { 0 }
}

/// The inverter state that stands for the plant: that of the most active unit.
pub(crate) fn inverter_state(sight: Sight<'_>) -> i64 {
    let count = |state: UnitState| sight.snapshot.farm.units_by_state[state as usize];
    if count(UnitState::Running) > 0 {
        3
    } else if count(UnitState::Standby) > 0 {
        7
    } else if count(UnitState::Fault) > 0 {
        6
    } else {
        0
    }
}

/// The battery state that stands for the plant: that of the most active unit.
pub(crate) fn battery_state(sight: Sight<'_>) -> i64 {
    match inverter_state(sight) {
        3 => 3,
        7 => 4,
        6 => 99,
        _ => 1,
    }
}

/// All events of all units.
pub(crate) fn events(sight: Sight<'_>) -> i64 {
    let alarms = sight.snapshot.units.iter().map(|view| view.alarms.evt1());
    i64::from(alarms.fold(0, |bits, events| bits | events))
}

/// 701.St of the plant: on while a unit is connected.
pub(crate) fn operating_state(sight: Sight<'_>) -> i64 {
    i64::from(sight.snapshot.units.iter().any(is_connected))
}

/// 701.Alrm of all units.
pub(crate) fn der_alarms(sight: Sight<'_>) -> i64 {
    let alarms = sight.snapshot.units.iter().map(|view| view.alarms.alrm());
    i64::from(alarms.fold(0, |bits, alarms| bits | alarms))
}

/// 713.Sta of the plant: an error when no unit is without one.
pub(crate) fn storage_status(sight: Sight<'_>) -> i64 {
    let events = events(sight);
    match inverter_state(sight) {
        6 => 2,
        _ => i64::from(events != 0),
    }
}

/// Whether a farm setpoint is in force.
pub(crate) fn active_enabled(sight: Sight<'_>) -> i64 {
    i64::from(sight.snapshot.farm.setpoint.is_some())
}

/// Whether a reactive farm setpoint is in force.
pub(crate) fn reactive_enabled(sight: Sight<'_>) -> i64 {
    i64::from(sight.snapshot.farm.reactive_setpoint.is_some())
}

/// The reactive farm setpoint in force.
pub(crate) fn reactive_setpoint_var(sight: Sight<'_>) -> f64 {
    let setpoint = sight.snapshot.farm.reactive_setpoint;
    setpoint.map_or(f64::NAN, |reactive| reactive.0)
}

/// Sum of the units' rated apparent power.
pub(crate) fn rated_apparent_power_va(spec: &FarmSpec) -> f64 {
    let units = spec.units.iter();
    units.map(|unit| unit.design.pcs.rated_apparent_power.0).sum()
}

/// Sum of the units' nominal energy in watt-hours.
pub(crate) fn nominal_energy_wh(spec: &FarmSpec) -> f64 {
    spec.nominal_energy().0 / 3600.0
}

/// All warnings of all units.
pub(crate) fn warnings(sight: Sight<'_>) -> i64 {
    events(sight) & WARNINGS
}

/// A heartbeat of the plant: simulated seconds.
pub(crate) fn heartbeat16(sight: Sight<'_>) -> i64 {
    (sight.snapshot.tick.0 / bess_core::time::TICKS_PER_S % 0xFFFF) as i64
}
