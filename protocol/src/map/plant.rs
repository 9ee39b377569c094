//! States, setpoints and ratings of the plant: the farm as one device, in the words of `states`.

use super::source::Sight;
use super::states::{alrm, evt1, mild_evt1, unit_status};
use bess_core::snapshot::UnitState;
use bess_core::spec::FarmSpec;
use bess_core::state::StateRow;

/// Which unit's state stands for the plant: that of the most active one.
const MOST_ACTIVE_FIRST: [UnitState; UnitState::ALL.len()] = [
    UnitState::Running,
    UnitState::Derated,
    UnitState::Fallback,
    UnitState::Stopping,
    UnitState::Synchronising,
    UnitState::Standby,
    UnitState::Precharge,
    UnitState::Initialising,
    UnitState::Tripped,
    UnitState::LockedOut,
    UnitState::Fault,
    UnitState::EmergencyStop,
    UnitState::Maintenance,
    UnitState::Off,
];

/// The row of the state that stands for the plant.
fn row(sight: Sight<'_>) -> &'static StateRow {
    let count = |state: UnitState| sight.farm.units_by_state[state as usize];
    let shown = MOST_ACTIVE_FIRST.into_iter().find(|state| count(*state) > 0);
    shown.unwrap_or_default().row()
}

/// The mode word of the plant: 2 while a farm setpoint is in force.
pub(crate) fn mode(sight: Sight<'_>) -> i64 {
    if sight.farm.setpoint.is_some() { 2 } else { 0 }
}

/// The inverter state that stands for the plant: that of the most active unit.
pub(crate) fn inverter_state(sight: Sight<'_>) -> i64 {
    row(sight).inverter_state.into()
}

/// The battery state that stands for the plant: that of the most active unit.
pub(crate) fn battery_state(sight: Sight<'_>) -> i64 {
    row(sight).battery_state.into()
}

/// All events of all units.
pub(crate) fn events(sight: Sight<'_>) -> i64 {
    sight.snapshot.units.iter().fold(0, |bits, view| bits | evt1(view.alarms))
}

/// All warnings and deratings of all units.
pub(crate) fn warnings(sight: Sight<'_>) -> i64 {
    sight.snapshot.units.iter().fold(0, |bits, view| bits | mild_evt1(view.alarms))
}

/// 701.St of the plant: on while a unit is.
pub(crate) fn operating_state(sight: Sight<'_>) -> i64 {
    sight.snapshot.units.iter().any(|view| view.state.row().der_state == 1).into()
}

/// 701.ConnSt of the plant: connected while a unit is.
pub(crate) fn connection_state(sight: Sight<'_>) -> i64 {
    sight.snapshot.units.iter().any(|view| view.state.row().grid_connection == 1).into()
}

/// 701.Alrm of all units.
pub(crate) fn der_alarms(sight: Sight<'_>) -> i64 {
    sight.snapshot.units.iter().fold(0, |bits, view| bits | alrm(view.alarms))
}

/// 713.Sta of the plant: an error when no unit is without one, a warning when any has something.
pub(crate) fn storage_status(sight: Sight<'_>) -> i64 {
    let statuses = sight.snapshot.units.iter().map(unit_status);
    let (best, worst) =
        statuses.fold((2, 0), |(best, worst), status| (status.min(best), status.max(worst)));
    if best == 2 { 2 } else { worst.min(1) }
}

/// Whether a farm setpoint is in force.
pub(crate) fn active_enabled(sight: Sight<'_>) -> i64 {
    i64::from(sight.farm.setpoint.is_some())
}

/// Whether a reactive farm setpoint is in force.
pub(crate) fn reactive_enabled(sight: Sight<'_>) -> i64 {
    i64::from(sight.farm.reactive_setpoint.is_some())
}

/// The reactive farm setpoint in force.
pub(crate) fn reactive_setpoint_var(sight: Sight<'_>) -> f64 {
    let setpoint = sight.farm.reactive_setpoint;
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

/// Line-to-line voltage in V on which a meter at the POI reads: a farm file names none, so that it is the
/// nominal one of the first unit.
pub(crate) fn nominal_voltage_v(spec: &FarmSpec) -> f64 {
    spec.units.first().map_or(f64::NAN, |unit| unit.design.pcs.nominal_voltage.0)
}

/// Line-to-line voltage at the POI in V.
pub(crate) fn voltage_v(sight: Sight<'_>) -> f64 {
    sight.farm.voltage_pu * nominal_voltage_v(&sight.snapshot.spec)
}

/// Apparent power at the POI in VA.
pub(crate) fn apparent_power_va(sight: Sight<'_>) -> f64 {
    sight.farm.active_power.0.hypot(sight.farm.reactive_power.0)
}

/// Power factor at the POI with the sign of the active power; 1 at no load.
pub(crate) fn power_factor(sight: Sight<'_>) -> f64 {
    let apparent_va = apparent_power_va(sight);
    if apparent_va > 0.0 { sight.farm.active_power.0 / apparent_va } else { 1.0 }
}

/// Current of a phase at the POI in A; 0 while there is no voltage.
pub(crate) fn current_a(sight: Sight<'_>) -> f64 {
    let voltage_v = voltage_v(sight);
    if voltage_v > 0.0 { apparent_power_va(sight) / (3f64.sqrt() * voltage_v) } else { 0.0 }
}

/// Current of a phase in A when all units give their rated apparent power.
pub(crate) fn rated_current_a(spec: &FarmSpec) -> f64 {
    rated_apparent_power_va(spec) / (3f64.sqrt() * nominal_voltage_v(spec))
}

/// 203.Evt: a power failure while there is no voltage.
pub(crate) fn meter_events(sight: Sight<'_>) -> i64 {
    i64::from(sight.farm.voltage_pu <= 0.0) << 2
}

/// A heartbeat of the plant: simulated seconds.
pub(crate) fn heartbeat16(sight: Sight<'_>) -> i64 {
    (sight.beat.0 / bess_core::time::TICKS_PER_S % 0xFFFF) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_stand_for_the_plant() {
        for state in UnitState::ALL {
            assert!(MOST_ACTIVE_FIRST.contains(&state), "{state:?}");
        }
    }
}
