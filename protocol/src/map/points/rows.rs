//! The rows of the database: what is no plain signal, and what can be written.
//!
//! Adding a point is adding a row. A row with the name of a signal takes its place.

use super::read::{Calendar, direction, flag, of_largest};
use super::{Kind, Level};
use crate::map::compact::{
    ALARM_NAMES, BATTERY_STATES, FLAGS, FUNCTIONS, GAS_AND_SMOKE, HEARTBEAT_KINDS, INVERTER_STATES,
    LEVELS, LOSS_ACTIONS, MODES, SOURCES, UNIT_STATES, WATCHDOG_STATES,
};
use crate::map::edit::Write::{self, Counter, Rack, Value};
use crate::map::edit::controls::{self as put, Factor};
use crate::map::edit::vendor::{self, Forced};
use crate::map::edit::{Put, operate};
use crate::map::source::{Bind, Sight};
use crate::map::states::{number_of_unit, of_unit, whole_seconds_left};
use crate::map::sunspec::models::{model_701, model_802, model_803};
use crate::map::{controls, plant, racks, states};
use bess_core::control::FunctionName as F;
use bess_core::event::Reverted;
use bess_core::role::Role;

/// Names of values with their numbers.
type Table = &'static [(&'static str, u32)];

/// See the module.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) kind: Kind,
    pub(super) names: fn() -> Table,
    pub(super) read: Bind,
    pub(super) write: Option<Write>,
    pub(super) role: Role,
    pub(super) help: &'static str,
    pub(super) level: Option<Level>,
}

const fn row(kind: Kind, name: &'static str, help: &'static str, read: Bind) -> Row {
    Row {
        name,
        unit: "",
        kind,
        names: || &[],
        read,
        write: None,
        role: Role::Operator,
        help,
        level: Some(Level::Unit),
    }
}

/// A number with a unit.
const fn q(name: &'static str, unit: &'static str, help: &'static str, read: Bind) -> Row {
    Row { unit, ..row(Kind::Quantity, name, help, read) }
}
/// A yes or no.
const fn s(name: &'static str, help: &'static str, read: Bind) -> Row {
    row(Kind::Switch, name, help, read)
}
/// A named value.
const fn e(name: &'static str, help: &'static str, read: Bind, names: fn() -> Table) -> Row {
    Row { names, ..row(Kind::Enum, name, help, read) }
}
/// Named bits.
const fn b(name: &'static str, help: &'static str, read: Bind, names: fn() -> Table) -> Row {
    Row { names, ..row(Kind::Bits, name, help, read) }
}
/// A counter.
const fn c(name: &'static str, help: &'static str, read: Bind) -> Row {
    row(Kind::Counter, name, help, read)
}
/// A text.
const fn t(name: &'static str, help: &'static str, read: Bind) -> Row {
    row(Kind::Text, name, help, read)
}

impl Row {
    const fn put(mut self, put: Put) -> Self {
        self.write = Some(Value(put));
        self
    }
    const fn count(mut self, put: Put) -> Self {
        self.write = Some(Counter(put));
        self
    }
    /// A setting: not for who only operates.
    const fn setting(mut self) -> Self {
        self.role = Role::Engineer;
        self
    }
    /// Of the plant alone.
    const fn plant(mut self) -> Self {
        self.level = Some(Level::Plant);
        self
    }
    /// For maps of both.
    const fn both(mut self) -> Self {
        self.level = None;
        self
    }
}

/// Names of a point of a SunSpec model.
macro_rules! names {
    ($model:ident, $point:literal) => {
        || {
            let mut points = $model::MODEL.body.points.iter();
            points.find(|point| point.name == $point).map_or(&[][..], |point| point.symbols)
        }
    };
}

const FORCED: Table = &[("stop", 0), ("charge", 1), ("discharge", 2), ("release", 3)];
const FORCED_COMMAND: Table = &[("stop", 0), ("charge", 1), ("discharge", 2)];
// The numbers above are those of the commands.
const _: () = assert!(
    Forced::Stop as u32 == 0
        && Forced::Charge as u32 == 1
        && Forced::Discharge as u32 == 2
        && Forced::Release as u32 == 3
);
const EMS_MODES: Table = &[("self", 0), ("external", 1)];
const OPERATIONS: Table = &[("stop", 0), ("start", 1), ("standby", 2), ("exit_standby", 3)];
const CONTACTORS: Table = &[("connect", 1), ("disconnect", 2)];
const DIRECTIONS: Table = &[("idle", 0), ("charging", 1), ("discharging", 2)];
const ACTIVE_MODES: Table = &[("percent", 0), ("absolute", 1)];
const REACTIVE_MODES: Table = &[("percent", 1), ("absolute", 4)];
const PRIORITIES: Table = &[("active", 0), ("reactive", 1)];
const EXCITATIONS: Table = &[("over_excited", 0), ("under_excited", 1)];
const PLANT_MODES: Table = &[("released", 0), ("controlled", 2)];
const STORAGE_STATES: Table = &[("ok", 0), ("warning", 1), ("error", 2)];

/// A function of a unit as a switch.
macro_rules! function {
    ($name:literal, $function:ident, $help:literal) => {
        s($name, $help, Bind::Whole(|s| flag(s, |view| view.control.functions.has(F::$function))))
            .put(|e, v| vendor::function(e, F::$function, v))
    };
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // The unit.
    e("state", "State of the unit (docs/unit-states.md)", Bind::Whole(states::state_number), || UNIT_STATES),
    q("state.time", "s", "Time in the present state", Bind::Whole(states::seconds_in_state)),
    e("inverter_state", "State in the words of SunSpec 701.InvSt", Bind::Whole(states::inverter_state), || INVERTER_STATES),
    e("battery_state", "State in the words of SunSpec 802.State", Bind::Whole(states::battery_state), || BATTERY_STATES),
    s("operating", "Whether it is on, as SunSpec 701.St", Bind::Whole(states::operating_state)),
    s("grid.connected", "Whether the converter is connected to the grid, as SunSpec 701.ConnSt", Bind::Whole(states::connection_state)),
    e("charge_state", "State of charging, as SunSpec 802.ChaSt", Bind::Whole(states::charge_status), names!(model_802, "ChaSt")),
    e("storage_state", "Ok, warning or error, as SunSpec 713.Sta", Bind::Whole(states::storage_status), || STORAGE_STATES),
    e("direction", "Whether the battery is charged or discharged", Bind::Whole(direction), || DIRECTIONS),
    s("local", "Whether it is under local control", Bind::Whole(states::is_local)),
    s("forms_island", "Whether it forms an island", Bind::Whole(|s| flag(s, |view| view.forms_island))),
    b("flags", "What else there is to know", Bind::Whole(states::flags), || FLAGS),
    q("throttle", "%", "By how much the setpoint of a derated unit is cut, of the largest active power as set", Bind::Number(states::throttle_pct)),
    q("enter_service.remaining", "s", "Time until it may enter service", Bind::Number(states::enter_service_seconds_left)),
    q("enter_service.share", "%", "Share of the rating on the ramp after entering service", Bind::Number(|s| number_of_unit(s, |view| view.enter_service_share * 100.0))),
    q("lease.remaining", "s", "Time for which its writer holds it", Bind::Number(|s| number_of_unit(s, |view| whole_seconds_left(view.lease_remaining_s)))),
    c("heartbeat", "Counts simulated seconds", Bind::Whole(states::heartbeat)),
    q("unit.number", "", "Number of the unit, from 1", Bind::Whole(states::unit_number)),
    q("counter.trips", "", "Trips since the start", Bind::Number(|s| number_of_unit(s, |view| view.trips.into()))),
    q("counter.resets_refused", "", "Resets refused since the start", Bind::Number(|s| number_of_unit(s, |view| view.resets_refused.into()))),
    q("counter.control_losses", "", "Losses of the controller since the start", Bind::Number(|s| number_of_unit(s, |view| view.watchdog.losses.into()))),
    q("rating.charge", "Ah", "Nominal charge", Bind::Unit("rating.charge", 1.0)),
    // What is wrong with it.
    b("evt1", "Alarms and warnings as SunSpec 802.Evt1", Bind::Whole(states::events), names!(model_802, "Evt1")),
    b("evt1.mild", "Warnings and deratings alone as SunSpec 802.Evt1", Bind::Whole(states::warnings), names!(model_802, "Evt1")),
    b("alrm", "Alarms as SunSpec 701.Alrm", Bind::Whole(states::der_alarms), names!(model_701, "Alrm")),
    e("alarm.level", "Gravest level of its alarms", Bind::Whole(states::gravest_level), || LEVELS),
    t("alarm.name", "Name of its gravest alarm", Bind::Text(states::gravest_alarm_name)),
    e("alarm.blocks_reset", "Alarm that keeps it from being reset", Bind::Number(states::reset_blocked_by), || ALARM_NAMES),
    b("gas_and_smoke", "Gas and smoke", Bind::Whole(states::gas_and_smoke), || GAS_AND_SMOKE),
    // Racks.
    b("racks.connected", "Contactors of the racks, the first in bit 0", Bind::Whole(racks::connected_bits), || &[]),
    // Samples and time.
    c("sample.time_ms", "Simulated instant of the sample in Unix milliseconds", Bind::Whole(states::sample_time_ms)).both(),
    c("sample.time_s", "The same in seconds", Bind::Whole(|s| s.time.unix_ms().div_euclid(1_000))).both(),
    c("sample.number", "Number of the sample", Bind::Whole(states::sample_number)).both(),
    q("time.year", "", "Year of the sample, UTC", Bind::Whole(|s| Calendar::of(s).year)).both(),
    q("time.month", "", "Its month, from 1", Bind::Whole(|s| Calendar::of(s).month)).both(),
    q("time.day", "", "Its day, from 1", Bind::Whole(|s| Calendar::of(s).day)).both(),
    q("time.hour", "", "Its hour", Bind::Whole(|s| Calendar::of(s).hour)).both(),
    q("time.minute", "", "Its minute", Bind::Whole(|s| Calendar::of(s).minute)).both(),
    q("time.second", "", "Its second", Bind::Whole(|s| Calendar::of(s).second)).both(),
    q("last_write.code", "", "Result of the last write to the device: 0, or the exception", Bind::Number(states::last_write_code)).both(),
    q("last_write.address", "", "Its first register", Bind::Number(states::last_write_address)).both(),
    // Texts.
    t("device.manufacturer", "Manufacturer, from the farm file", Bind::Text(|s| s.spec().map_or("", |spec| &spec.design.manufacturer))),
    t("device.model", "Model, from the farm file", Bind::Text(|s| s.spec().map_or("", |spec| &spec.design.model))),
    t("device.serial", "Name of the unit", Bind::Text(|s| s.spec().map_or("", |spec| &spec.name))),
    t("device.version", "Version of bess", Bind::Text(|_| env!("CARGO_PKG_VERSION"))).both(),
    t("farm.name", "Name of the farm", Bind::Text(|s| &s.snapshot.spec.name)).both(),
    // Setpoints as they are kept.
    q("control.active_w", "W", "Active setpoint, in force while `control.active_enabled` is on and `control.active_mode` is absolute", Bind::Unit("control.active_w", 1.0)).put(put::active_w),
    q("control.active_pct", "%", "The same in percent of the largest active power as set", Bind::Unit("control.active_pct", 1.0)).put(put::active_pct),
    s("control.active_enabled", "Whether the active setpoint is in force", Bind::Whole(controls::active_enabled)).put(put::active_enable),
    e("control.active_mode", "Which form of the active setpoint counts", Bind::Whole(controls::active_mode), || ACTIVE_MODES).put(put::active_mode),
    q("control.reactive_var", "var", "Reactive setpoint, in force while `control.reactive_enabled` is on and `control.reactive_mode` is absolute", Bind::Unit("control.reactive_var", 1.0)).put(put::reactive_var),
    q("control.reactive_pct", "%", "The same in percent of the rated reactive power", Bind::Unit("control.reactive_pct", 1.0)).put(put::reactive_pct),
    s("control.reactive_enabled", "Whether the reactive setpoint is in force", Bind::Whole(controls::reactive_enabled)).put(put::reactive_enable),
    e("control.reactive_mode", "Which form of the reactive setpoint counts", Bind::Whole(controls::reactive_mode), || REACTIVE_MODES).put(put::reactive_mode),
    e("control.priority", "Which power wins where both do not fit", Bind::Whole(controls::priority), || PRIORITIES).put(put::priority),
    // Setpoints in force when written.
    q("control.setpoint_w", "W", "Active setpoint of either sign, in force when written", Bind::Unit("setpoint.active_power", 1.0)).put(put::active_w_in_force),
    q("control.setpoint_pct", "%", "The same in percent of the largest active power as set", Bind::Number(|s| of_largest(s, |view, w| view.setpoint.0 / w * 100.0))).put(vendor::active_pct_in_force),
    q("control.setpoint_var", "var", "Reactive setpoint, in force when written", Bind::Unit("setpoint.reactive_power", 1.0)).put(put::reactive_var_in_force),
    q("control.setpoint_var_pct", "%", "The same in percent of the rated reactive power", Bind::Number(setpoint_var_pct)).put(vendor::reactive_pct_in_force),
    q("control.charge_w", "W", "Charging power asked for, a magnitude, in force when written; 0 leaves a discharge alone", Bind::Number(|s| of_largest(s, |view, w| (-view.control.active.target(w)).max(0.0)))).put(vendor::charge_w),
    q("control.discharge_w", "W", "The same of discharging", Bind::Number(|s| of_largest(s, |view, w| view.control.active.target(w).max(0.0)))).put(vendor::discharge_w),
    // Command words.
    e("control.forced", "Command, in force when written; the power is `control.forced_power_w`", Bind::Whole(|s| of_unit(s, |view| vendor::command_in_force(&view.control) as i64)), || FORCED).put(vendor::forced),
    e("control.forced_full", "Command at the rating, which the limits cut, in force when written", Bind::Whole(|s| of_unit(s, |view| vendor::command_in_force(&view.control) as i64)), || FORCED).put(vendor::forced_full),
    e("control.forced_command", "Command that waits for `control.ems_mode` external; the power is `control.forced_power_w`", Bind::Whole(|s| of_unit(s, |view| vendor::command_of(&view.control) as i64)), || FORCED_COMMAND).put(vendor::forced_command),
    e("control.forced_full_command", "The same at the rating, which the limits cut", Bind::Whole(|s| of_unit(s, |view| vendor::command_of(&view.control) as i64)), || FORCED_COMMAND).put(vendor::forced_full_command),
    q("control.forced_power_w", "W", "Power of the command, a magnitude", Bind::Number(|s| number_of_unit(s, |view| vendor::magnitude_w(&view.control)))).put(vendor::forced_power_w),
    e("control.ems_mode", "Whether an external setpoint is in force or the unit is left to itself", Bind::Whole(controls::active_enabled), || EMS_MODES).put(vendor::ems_mode),
    // Limits.
    q("control.charge_limit", "%", "Cap of charge, of the largest active power as set", Bind::Number(|s| number_of_unit(s, |view| view.control.charge_limit_pct))).put(vendor::charge_limit_pct),
    q("control.charge_limit_w", "W", "The same in watts; above that power is none", Bind::Number(|s| of_largest(s, |view, w| view.control.charge_limit_pct / 100.0 * w))).put(vendor::charge_limit_w),
    q("control.discharge_limit", "%", "Cap of discharge, of the largest active power as set, in force when written", Bind::Number(|s| number_of_unit(s, vendor::discharge_limit_in_force_pct))).put(vendor::discharge_limit_pct),
    q("control.discharge_limit_w", "W", "The same in watts; above that power is none", Bind::Number(|s| of_largest(s, |view, w| vendor::discharge_limit_in_force_pct(view) / 100.0 * w))).put(vendor::discharge_limit_w),
    q("control.discharge_limit_kept", "%", "Cap of discharge, in force while `control.discharge_limit_enabled` is on", Bind::Unit("control.discharge_limit", 1.0)).put(put::discharge_limit_pct),
    s("control.discharge_limit_enabled", "Whether the kept cap of discharge is in force", Bind::Whole(controls::discharge_limit_enabled)).put(put::discharge_limit_enable),
    q("control.ramp", "%/s", "Ramp of setpoints, of the largest active power as set", Bind::Number(|s| number_of_unit(s, |view| view.control.ramp_pct_per_s))).put(put::ramp).setting(),
    q("control.soc_min", "%", "Lowest state of charge allowed", Bind::Number(|s| number_of_unit(s, |view| view.control.soc_min * 100.0))).put(put::soc_min).setting(),
    q("control.soc_max", "%", "Highest state of charge allowed", Bind::Number(|s| number_of_unit(s, |view| view.control.soc_max * 100.0))).put(put::soc_max).setting(),
    q("control.soc_reserve", "%", "State of charge kept for frequency response, above the lowest", Bind::Number(|s| number_of_unit(s, |view| view.control.soc_reserve * 100.0))).put(put::soc_reserve).setting(),
    // Operation.
    e("control.operation", "What it does, and is to do, as SunSpec 715.OpCtl", Bind::Whole(states::operation), || OPERATIONS).put(operate::operation),
    e("control.contactors", "Contactors, as SunSpec 802.SetOp: connect brings it to standby", Bind::Whole(states::contactors), || CONTACTORS).put(operate::contactors),
    s("control.run", "Whether it is on; written, 1 has it run and 0 stops it", Bind::Whole(states::operating_state)).put(vendor::run),
    s("control.start", "Written 1, has it run; reads 0", Bind::Raw(0)).put(vendor::start),
    s("control.stop", "Written 1, stops it; reads 0", Bind::Raw(0)).put(vendor::stop),
    s("control.emergency_stop", "Written 1, presses the emergency stop, which is released at the unit", Bind::Whole(|s| flag(s, |view| view.state == bess_core::snapshot::UnitState::EmergencyStop))).put(vendor::emergency_stop),
    s("control.alarm_reset", "Written 1, resets; reads 0", Bind::Raw(0)).put(operate::alarm_reset),
    e("control.mode", "Mode of the compact map: stop, standby, setpoints, or one function alone", Bind::Whole(controls::mode), || MODES).put(operate::mode),
    e("control.source", "Who controls its active power", Bind::Unit("control.source", 1.0), || SOURCES),
    // Functions.
    b("functions", "Functions that are on", Bind::Whole(controls::functions), || FUNCTIONS),
    function!("function.frequency_droop", FrequencyDroop, "Active power by a droop over the frequency"),
    function!("function.frequency_response", FrequencyResponse, "Active power by a service's curve over the frequency"),
    function!("function.volt_var", VoltVar, "Reactive power over the voltage"),
    function!("function.volt_watt", VoltWatt, "Cap of active power over the voltage"),
    function!("function.watt_var", WattVar, "Reactive power over the active power"),
    function!("function.power_factor", PowerFactor, "Reactive power by a power factor"),
    function!("function.peak_shaving", PeakShaving, "Active power that keeps the limits at the POI"),
    function!("function.schedule", Schedule, "Active power from a schedule"),
    function!("function.grid_forming", GridForming, "The unit makes the voltage of an island"),
    s("control.pf_injecting_enabled", "Whether a power factor is kept while injecting", Bind::Whole(|s| controls::factor_enabled(s, |c| c.pf_injecting))).put(|e, v| put::factor_enable(e, Factor::Injecting, v)),
    q("control.pf_injecting", "", "That power factor, above 0 to 1", Bind::Number(|s| controls::factor(s, |c| c.pf_injecting))).put(|e, v| put::factor(e, Factor::Injecting, v)),
    e("control.pf_injecting_excitation", "Its excitation", Bind::Whole(|s| controls::excitation(s, |c| c.pf_injecting)), || EXCITATIONS).put(|e, v| put::excitation(e, Factor::Injecting, v)),
    s("control.pf_absorbing_enabled", "Whether a power factor is kept while absorbing", Bind::Whole(|s| controls::factor_enabled(s, |c| c.pf_absorbing))).put(|e, v| put::factor_enable(e, Factor::Absorbing, v)),
    q("control.pf_absorbing", "", "That power factor, above 0 to 1", Bind::Number(|s| controls::factor(s, |c| c.pf_absorbing))).put(|e, v| put::factor(e, Factor::Absorbing, v)),
    e("control.pf_absorbing_excitation", "Its excitation", Bind::Whole(|s| controls::excitation(s, |c| c.pf_absorbing)), || EXCITATIONS).put(|e, v| put::excitation(e, Factor::Absorbing, v)),
    // Watch over the controller, and what setpoints revert to.
    c("control.heartbeat", "Heartbeat of the controller", Bind::Whole(controls::controller_heartbeat)).count(put::heartbeat),
    q("control.watchdog_time", "s", "Longest time without a sign of life; 0 is off", Bind::Number(controls::watchdog_time_s)).put(put::watchdog_time).setting(),
    e("control.watchdog_kind", "What is a sign of life", Bind::Whole(controls::watchdog_kind), || HEARTBEAT_KINDS).put(put::watchdog_kind).setting(),
    e("control.watchdog_action", "What it does when the controller is lost", Bind::Whole(controls::watchdog_action), || LOSS_ACTIONS).put(put::watchdog_action).setting(),
    q("control.fallback_w", "W", "Power when the controller is lost; written, makes it the action", Bind::Number(controls::fail_safe_w)).put(put::fail_safe_w).setting(),
    e("watchdog.state", "State of the watch", Bind::Whole(controls::watchdog_state), || WATCHDOG_STATES),
    q("control.active_reversion_time", "s", "Time after which the active setpoint reverts; 0 is never", Bind::Number(|s| controls::reversion_time_s(s, Reverted::ActivePower))).put(|e, v| put::reversion_time(e, Reverted::ActivePower, v)),
    q("control.active_reversion_w", "W", "What it reverts to", Bind::Number(|s| controls::reversion_absolute(s, Reverted::ActivePower))).put(|e, v| put::reversion_absolute(e, Reverted::ActivePower, v)),
    s("control.active_reversion_enabled", "Whether that is in force then", Bind::Whole(|s| controls::reversion_enabled(s, Reverted::ActivePower))).put(|e, v| put::reversion_enable(e, Reverted::ActivePower, v)),
    q("control.active_reversion_remaining", "s", "Time until then", Bind::Number(|s| controls::reversion_seconds_left(s, Reverted::ActivePower))),
    q("control.reactive_reversion_time", "s", "Time after which the reactive setpoint reverts; 0 is never", Bind::Number(|s| controls::reversion_time_s(s, Reverted::ReactivePower))).put(|e, v| put::reversion_time(e, Reverted::ReactivePower, v)),
    q("control.reactive_reversion_var", "var", "What it reverts to", Bind::Number(|s| controls::reversion_absolute(s, Reverted::ReactivePower))).put(|e, v| put::reversion_absolute(e, Reverted::ReactivePower, v)),
    s("control.reactive_reversion_enabled", "Whether that is in force then", Bind::Whole(|s| controls::reversion_enabled(s, Reverted::ReactivePower))).put(|e, v| put::reversion_enable(e, Reverted::ReactivePower, v)),
    // The plant. What is read of it may stand in maps of units too.
    e("farm.inverter_state", "State of the most active unit, as SunSpec 701.InvSt", Bind::Whole(plant::inverter_state), || INVERTER_STATES).both(),
    e("farm.battery_state", "State of the most active unit, as SunSpec 802.State", Bind::Whole(plant::battery_state), || BATTERY_STATES).both(),
    e("farm.storage_state", "Ok, warning or error, as SunSpec 713.Sta", Bind::Whole(plant::storage_status), || STORAGE_STATES).both(),
    s("farm.operating", "Whether any unit is on", Bind::Whole(plant::operating_state)).both(),
    s("farm.grid.connected", "Whether any unit is connected to the grid", Bind::Whole(plant::connection_state)).both(),
    b("farm.evt1", "Alarms and warnings of all units as SunSpec 802.Evt1", Bind::Whole(plant::events), names!(model_802, "Evt1")).both(),
    b("farm.evt1.mild", "Warnings and deratings of all units", Bind::Whole(plant::warnings), names!(model_802, "Evt1")).both(),
    b("farm.alrm", "Alarms of all units as SunSpec 701.Alrm", Bind::Whole(plant::der_alarms), names!(model_701, "Alrm")).both(),
    c("farm.heartbeat", "Counts simulated seconds", Bind::Whole(|s| (s.snapshot.tick.0 / bess_core::time::TICKS_PER_S) as i64)).both(),
    q("farm.battery.racks_connected", "", "Racks with closed contactors", Bind::Number(|s| s.snapshot.units.iter().map(|view| f64::from(view.racks_connected)).sum())).both(),
    q("farm.battery.energy_to_full", "Wh", "Energy to full, at nominal voltage", Bind::Number(|s| (s.farm.energy_capacity.0 - s.farm.energy.0) / 3600.0)).both(),
    q("farm.rating.active_power", "W", "Rated active power", Bind::Number(|s| s.snapshot.spec.rated_power().0)).both(),
    q("farm.rating.reactive_power", "var", "Rated reactive power", Bind::Number(|s| s.snapshot.spec.rated_reactive_power().0)).both(),
    q("farm.rating.apparent_power", "VA", "Rated apparent power", Bind::Number(|s| plant::rated_apparent_power_va(&s.snapshot.spec))).both(),
    q("farm.rating.energy", "Wh", "Nominal energy", Bind::Number(|s| plant::nominal_energy_wh(&s.snapshot.spec))).both(),
    q("farm.rating.units", "", "Number of units", Bind::Number(|s| s.snapshot.spec.units.len() as f64)).both(),
    q("farm.control.active_w", "W", "Setpoint of the farm, in force when written", Bind::Farm("setpoint.active_power")).put(operate::farm_active_w).plant(),
    q("farm.control.reactive_var", "var", "Reactive setpoint of the farm, which follows an active one", Bind::Number(plant::reactive_setpoint_var)).put(operate::farm_reactive_var).plant(),
    s("farm.control.active_enabled", "Whether a farm setpoint is in force; 0 gives it back", Bind::Whole(plant::active_enabled)).put(operate::farm_active_enable).plant(),
    s("farm.control.reactive_enabled", "Whether a reactive one is; 0 asks for 0 var", Bind::Whole(plant::reactive_enabled)).put(operate::farm_reactive_enable).plant(),
    e("farm.control.mode", "Whether the farm is controlled here; released gives the setpoint back", Bind::Whole(plant::mode), || PLANT_MODES).put(operate::farm_mode).plant(),
];

fn setpoint_var_pct(sight: Sight<'_>) -> f64 {
    number_of_unit(sight, |view| {
        let (capacity, setpoint_var) = (&view.control.capacity, view.reactive_setpoint.0);
        let largest_var = match setpoint_var < 0.0 {
            true => capacity.reactive_absorbed_max_var,
            false => capacity.reactive_injected_max_var,
        };
        setpoint_var / largest_var * 100.0
    })
}

/// Points of a rack beside its signals.
#[rustfmt::skip]
pub(super) const RACK_ROWS: &[Row] = &[
    e("operation", "Whether it may take part", Bind::RackWhole(racks::string_told), || CONTACTORS).rack(),
    b("state", "Enabled and connected, as SunSpec 803.StrSt", Bind::RackWhole(racks::string_status), || &[("enabled", 0), ("connected", 1)]),
    b("contactors", "Contactors, as SunSpec 803.StrConSt", Bind::RackWhole(racks::string_contactors), || &[("negative", 0), ("precharge", 1), ("positive", 2)]),
    b("evt1", "Alarms and warnings, as SunSpec 803.StrEvt1", Bind::RackWhole(racks::string_events), || symbols_of_string("StrEvt1")),
    e("disconnect_reason", "Why it is not connected, as SunSpec 803.StrDisRsn", Bind::RackWhole(racks::string_disconnect_reason), || symbols_of_string("StrDisRsn")),
];

fn symbols_of_string(name: &str) -> Table {
    let mut points = model_803::MODEL.body.groups.iter().flat_map(|group| group.points);
    points.find(|point| point.name == name).map_or(&[][..], |point| point.symbols)
}

impl Row {
    /// Written for the rack.
    const fn rack(mut self) -> Self {
        self.write = Some(Rack(operate::string, 0));
        self
    }
}
