//! States and alarms of a unit as the enums and bit fields of SunSpec; the compact map shares them.
//! `plant` has those of the whole farm, `racks` those of strings, `controls` what was written.
//!
//! What a state is called comes from its row in [`bess_core::state::STATES`], what an alarm is called
//! from its row in [`bess_core::alarm::ALARMS`]; nothing here knows a state or an alarm by itself.

use super::source::Sight;
use bess_core::alarm::{AlarmKey, AlarmLevel, AlarmSet};
use bess_core::snapshot::{UnitState, UnitView};
use bess_core::state::StateRow;
use bess_core::time::TICKS_PER_S;

/// Smallest share of the rated DC current that counts as charging or discharging (engineering choice).
const IDLE_SHARE: f64 = 0.001;
/// 701.ThrotSrc: derated, by what the battery or the converter can give or take.
const DERATED: i64 = 1 << 14;
/// 701.InvSt of a state that is a fault.
const INVERTER_FAULT: u16 = 6;

/// Reads a whole number of the unit; 0 for the plant, whose map binds none of these.
pub(super) fn of_unit(sight: Sight<'_>, get: fn(&UnitView) -> i64) -> i64 {
    sight.view().map_or(0, get)
}

/// Reads a quantity of the unit; not available for the plant, whose map binds none of these.
pub(super) fn number_of_unit(sight: Sight<'_>, get: fn(&UnitView) -> f64) -> f64 {
    sight.view().map_or(f64::NAN, get)
}

/// Seconds of a countdown: only what is over reads 0.
pub(super) fn whole_seconds_left(remaining_s: f64) -> f64 {
    remaining_s.max(0.0).ceil()
}

fn of_state(sight: Sight<'_>, get: fn(&StateRow) -> u16) -> i64 {
    sight.view().map_or(0, |view| i64::from(get(view.state.row())))
}

/// 701.St.
pub(crate) fn operating_state(sight: Sight<'_>) -> i64 {
    of_state(sight, |row| row.der_state)
}

/// 701.InvSt.
pub(crate) fn inverter_state(sight: Sight<'_>) -> i64 {
    of_state(sight, |row| row.inverter_state)
}

/// 701.ConnSt.
pub(crate) fn connection_state(sight: Sight<'_>) -> i64 {
    of_state(sight, |row| row.grid_connection)
}

/// 715.OpCtl as it would have to be written to come to the present state.
pub(crate) fn operation(sight: Sight<'_>) -> i64 {
    of_state(sight, |row| row.operation)
}

/// 802.State.
pub(crate) fn battery_state(sight: Sight<'_>) -> i64 {
    of_state(sight, |row| row.battery_state)
}

/// 802.SetOp as the contactors are: connect or disconnect.
pub(crate) fn contactors(sight: Sight<'_>) -> i64 {
    of_state(sight, |row| if row.is_connected { 1 } else { 2 })
}

/// 802.SetInvState as the converter is: stopped, standing by, started.
pub(crate) fn inverter_told(sight: Sight<'_>) -> i64 {
    of_state(sight, |row| match (row.converts, row.is_connected) {
        (true, _) => 3,
        (false, true) => 2,
        (false, false) => 1,
    })
}

/// Position of the state in [`UnitState::ALL`].
pub(crate) fn state_number(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| view.state as i64)
}

/// Simulated seconds since the unit came to its state.
pub(crate) fn seconds_in_state(sight: Sight<'_>) -> i64 {
    sight.view().map_or(0, |view| {
        (sight.snapshot.tick.0.saturating_sub(view.state_since.0) / TICKS_PER_S) as i64
    })
}

/// 701.DERMode: grid following, or grid forming on an island.
pub(crate) fn der_mode(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| 1 << i64::from(view.forms_island))
}

/// 701.ThrotPct: by how much the setpoint of a derated unit is cut, in percent of the
/// largest active power as set.
pub(crate) fn throttle_pct(sight: Sight<'_>) -> f64 {
    let Some(view) = sight.view() else {
        return f64::NAN;
    };
    if view.state != UnitState::Derated {
        return 0.0;
    }
    let setpoint_w = view.setpoint.0;
    let over_w = (setpoint_w - view.available_discharge_power.0)
        .max(-setpoint_w - view.available_charge_power.0);
    (over_w / view.control.capacity.active_max_w * 100.0).clamp(0.0, 100.0)
}

/// 701.ThrotSrc.
pub(crate) fn throttle_source(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| if view.state == UnitState::Derated { DERATED } else { 0 })
}

/// 701.Alrm.
pub(crate) fn der_alarms(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| alrm(view.alarms))
}

/// 701.MnAlrmInfo: the name of the gravest alarm.
pub(crate) fn gravest_alarm_name(sight: Sight<'_>) -> &str {
    let alarms = sight.view().map_or_else(AlarmSet::default, |view| view.alarms);
    // The first of the gravest, as in the table.
    let gravest =
        alarms.iter().reduce(|worst, alarm| if alarm.1 > worst.1 { alarm } else { worst });
    gravest.map_or("", |(alarm, _)| alarm.name)
}

/// Bits of 701.Alrm; few sets hold anything, and a plant shows all of its units.
pub(super) fn alrm(alarms: AlarmSet) -> i64 {
    if alarms.is_empty() { 0 } else { i64::from(alarms.alrm()) }
}

/// Bits of 802.Evt1 or 803.StrEvt1.
pub(super) fn evt1(alarms: AlarmSet) -> i64 {
    if alarms.is_empty() { 0 } else { i64::from(alarms.evt1()) }
}

/// Bits of 802.Evt1 of the alarms that stop nothing: warnings and deratings.
pub(super) fn mild_evt1(alarms: AlarmSet) -> i64 {
    let mild = alarms.iter().filter(|(_, level)| !level.stops());
    let mild = mild.map(|(alarm, level)| AlarmKey::unit(alarm.code, level));
    if alarms.is_empty() { 0 } else { evt1(mild.collect()) }
}

/// 802.Evt1.
pub(crate) fn events(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| evt1(view.alarms))
}

/// The warnings and deratings among 802.Evt1.
pub(crate) fn warnings(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| mild_evt1(view.alarms))
}

/// The gravest level that stands: 0 for none, else its place from 1, from mild to grave.
pub(crate) fn gravest_level(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| view.alarms.worst().map_or(0, |level| level as i64 + 1))
}

/// 713.Sta: ok, warning, error.
pub(crate) fn storage_status(sight: Sight<'_>) -> i64 {
    of_unit(sight, unit_status)
}

/// See [`storage_status`]. A lock-out outlasts the alarms that led to it, and is an error still.
pub(super) fn unit_status(view: &UnitView) -> i64 {
    match view.alarms.worst() {
        _ if view.state.row().inverter_state == INVERTER_FAULT => 2,
        Some(AlarmLevel::Trip | AlarmLevel::Critical) => 2,
        Some(AlarmLevel::Warning | AlarmLevel::Derate) => 1,
        None => 0,
    }
}

/// 714.Prt.DCSta: off, on, warning, error.
pub(crate) fn dc_port_status(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| match (unit_status(view), view.state.row().is_connected) {
        (2, _) => 3,
        (1, true) => 2,
        (_, true) => 1,
        (_, false) => 0,
    })
}

/// Bits that 714.Prt.DCAlrm shares with 701.Alrm: ground fault, over voltage, disconnect, cabinet, manual
/// shutdown, over temperature, fuse, under temperature.
const DC_ALARMS: i64 = 1 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 12 | 1 << 13;

/// 714.Prt.DCAlrm.
pub(crate) fn dc_port_alarms(sight: Sight<'_>) -> i64 {
    der_alarms(sight) & DC_ALARMS
}

/// 714.PrtAlrms: bit 0 for the one port.
pub(crate) fn ports_with_alarms(sight: Sight<'_>) -> i64 {
    i64::from(dc_port_alarms(sight) != 0)
}

/// 802.ChaSt: what the state says, unless a current flows or the battery is empty or full.
pub(crate) fn charge_status(sight: Sight<'_>) -> i64 {
    let (Some(view), Some(spec)) = (sight.view(), sight.spec()) else {
        return 0;
    };
    let row = view.state.row();
    let design = &spec.design;
    let rated_a = design.pcs.rated_power.0 / design.dc_voltage_window().0.0;
    let idle_a = IDLE_SHARE * rated_a;
    match view.dc.current.0 {
        _ if !row.converts => i64::from(row.charge_state),
        _ if view.racks_connected == 0 => 1,
        current_a if current_a > idle_a => 3,
        current_a if current_a < -idle_a => 4,
        _ if view.available_discharge_power.0 <= 0.0 && view.measured.soc < 0.5 => 2,
        _ if view.available_charge_power.0 <= 0.0 && view.measured.soc > 0.5 => 5,
        _ => i64::from(row.charge_state),
    }
}

/// 715.LocRemCtl and 802.LocRemCtl.
pub(crate) fn is_local(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| view.is_local.into())
}

/// A 16-bit heartbeat; it skips the word that means "not available".
pub(crate) fn heartbeat16(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.heartbeat) % 0xFFFF)
}

/// 715.DERHb.
pub(crate) fn heartbeat(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.heartbeat))
}

/// What else there is to know of a unit, by bit: see `compact::FLAGS`.
pub(crate) fn flags(sight: Sight<'_>) -> i64 {
    let Some(view) = sight.view() else { return 0 };
    let needs_reset = bess_core::state::next(view.state, bess_core::state::Trigger::Reset);
    let flags = [
        view.is_local,
        needs_reset.is_some(),
        view.reset_blocked_by.is_some(),
        view.watchdog.waits_for_setpoint,
        view.forms_island,
        view.lease_remaining_s > 0.0,
    ];
    flags.iter().rev().fold(0, |bits, flag| bits << 1 | i64::from(*flag))
}

/// Position in [`bess_core::alarm::ALARMS`] of the alarm that keeps the unit from being reset.
pub(crate) fn reset_blocked_by(sight: Sight<'_>) -> f64 {
    number_of_unit(sight, |view| {
        view.reset_blocked_by.map_or(f64::NAN, |key| f64::from(key.code as u8))
    })
}

/// Gas in bit 0, smoke in bit 1.
pub(crate) fn gas_and_smoke(sight: Sight<'_>) -> i64 {
    of_unit(sight, |view| i64::from(view.gas_litres > 0.0) | i64::from(view.smoke) << 1)
}

/// 703.ESDlyRemTms.
pub(crate) fn enter_service_seconds_left(sight: Sight<'_>) -> f64 {
    number_of_unit(sight, |view| whole_seconds_left(view.enter_service_remaining_s))
}

/// Simulated instant of the snapshot in Unix milliseconds.
pub(crate) fn sample_time_ms(sight: Sight<'_>) -> i64 {
    sight.time.unix_ms()
}

/// Number of the snapshot; the register keeps its low 32 bits.
pub(crate) fn sample_number(sight: Sight<'_>) -> i64 {
    sight.publication as i64
}

/// Number of the unit from 1; 0 is the plant.
pub(crate) fn unit_number(sight: Sight<'_>) -> i64 {
    sight.unit.map_or(0, |unit| i64::from(unit.number()))
}

/// Code of the exception that refused the last write, 0 when it was done.
pub(crate) fn last_write_code(sight: Sight<'_>) -> f64 {
    sight.last_write().map_or(f64::NAN, |write| f64::from(write.code))
}

/// First register of the last write.
pub(crate) fn last_write_address(sight: Sight<'_>) -> f64 {
    sight.last_write().map_or(f64::NAN, |write| f64::from(write.address))
}
