//! The compact map: 125 registers that one read polls and one write commands, for a unit and for the
//! plant.
//!
//! Fixed scales, 32-bit values high word first, the same registers in both tables of Modbus. A unit
//! shows itself, the plant (unit ids 0 and 255) its farm; a row says both. Registers 60 to 65 stamp
//! the snapshot that the whole answer comes from. Reserved registers read 0 and are not writable.
//!
//! Registers 80 to 95 can be written by one request. What is not available there takes only what it
//! reads: 90 as long as no fail-safe power is set, 95 always, because a reserve of charge has one
//! edge; of the plant 85 to 95, but for a watchdog of 0. Registers 98 and 99 tell of the last write of
//! this unit, or of the plant, that this server answered: 0 or the code of the exception, and the
//! first register.
//!
//! Version 2: 5 to 8, 10 and 84 know more values, 86 and 90 to 94 are writable, 89 may be written as
//! 0, 96 to 123 show what they did not before.

use super::codec::Codec;
use super::edit::Write::{Counter, Value};
use super::edit::{Write, Writer, controls as put, operate};
use super::encoding::Encoding;
use super::layout::{About, Field, Symbols};
use super::source::{Bind, Place, unit};
use super::{controls, plant, racks, states};
use Encoding::{Bits16, Bits32, Enum16, I16, I32, I64, U16, U32, U64};
use bess_core::alarm::ALARMS;
use bess_core::control::{FunctionName, HeartbeatKind, LossAction, WatchdogState};
use bess_core::role::Role;
use bess_core::state::STATES;
use std::borrow::Cow;

/// Registers of the map.
const LENGTH: u16 = 125;
/// What register 0 shows.
const MAP_ID: i64 = 0xBE55;
/// Raised when a register changes its meaning.
const MAP_VERSION: i64 = 2;

/// Whose values a layout shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Unit,
    Plant,
}

/// One value of the map.
struct Row {
    address: u16,
    name: &'static str,
    encoding: Encoding,
    /// The register is the value over 10^`exponent`.
    exponent: i8,
    /// Unit of the value.
    value_unit: &'static str,
    symbols: &'static [(&'static str, u32)],
    is_writable: bool,
    /// Who may write it.
    role: Role,
    unit: Bind,
    unit_write: Option<Write>,
    plant: Bind,
    plant_write: Option<Write>,
}

const fn row(
    address: u16,
    name: &'static str,
    encoding: Encoding,
    (exponent, value_unit): (i8, &'static str),
    unit: Bind,
    plant: Bind,
) -> Row {
    Row {
        address,
        name,
        encoding,
        exponent,
        value_unit,
        symbols: &[],
        is_writable: false,
        role: Role::Operator,
        unit,
        unit_write: None,
        plant,
        plant_write: None,
    }
}

impl Row {
    const fn rw(mut self, unit: Option<Write>, plant: Option<Write>) -> Self {
        self.is_writable = true;
        self.unit_write = unit;
        self.plant_write = plant;
        self
    }
    /// A setting of the unit: not for who only operates it.
    const fn setting(mut self) -> Self {
        self.role = Role::Engineer;
        self
    }
    const fn symbols(mut self, symbols: &'static [(&'static str, u32)]) -> Self {
        self.symbols = symbols;
        self
    }
}

const PLAIN: (i8, &str) = (0, "");
const W: (i8, &str) = (0, "W");
const VAR: (i8, &str) = (0, "var");
const WH: (i8, &str) = (0, "Wh");
const TENTH_V: (i8, &str) = (-1, "V");
const MILLI_V: (i8, &str) = (-3, "V");
const TENTH_C: (i8, &str) = (-1, "degC");
const PERCENT: (i8, &str) = (-2, "%");
const NONE: Bind = Bind::Missing;

const SECONDS: (i8, &str) = (0, "s");

pub(super) const INVERTER_STATES: &[(&str, u32)] = &[
    ("OFF", 0),
    ("STARTING", 2),
    ("RUNNING", 3),
    ("THROTTLED", 4),
    ("SHUTTING_DOWN", 5),
    ("FAULT", 6),
    ("STANDBY", 7),
];
pub(super) const BATTERY_STATES: &[(&str, u32)] = &[
    ("DISCONNECTED", 1),
    ("INITIALIZING", 2),
    ("CONNECTED", 3),
    ("STANDBY", 4),
    ("SUSPENDING", 6),
    ("FAULT", 99),
];
/// `ControlSource::NAMES` by position.
pub(super) const SOURCES: &[(&str, u32)] = &[
    ("NONE", 0),
    ("PLANT", 1),
    ("MODBUS", 2),
    ("REST", 3),
    ("SCHEDULE", 4),
    ("LOCAL", 5),
    ("SCENARIO", 6),
];
/// From 3 on `FunctionName::ALL`, each function alone.
pub(super) const MODES: &[(&str, u32)] = &[
    ("STOP", 0),
    ("STANDBY", 1),
    ("PQ", 2),
    ("FREQUENCY_DROOP", 3),
    ("FREQUENCY_RESPONSE", 4),
    ("VOLT_VAR", 5),
    ("VOLT_WATT", 6),
    ("WATT_VAR", 7),
    ("POWER_FACTOR", 8),
    ("PEAK_SHAVING", 9),
    ("SCHEDULE", 10),
    ("GRID_FORMING", 11),
    ("MAINTENANCE", 12),
    ("SEVERAL_FUNCTIONS", 13),
];
pub(super) const LEVELS: &[(&str, u32)] =
    &[("NONE", 0), ("WARNING", 1), ("DERATE", 2), ("TRIP", 3), ("CRITICAL", 4)];
pub(super) const GAS_AND_SMOKE: &[(&str, u32)] = &[("GAS", 0), ("SMOKE", 1)];
/// In the order of `states::flags`.
pub(super) const FLAGS: &[(&str, u32)] = &[
    ("LOCAL_CONTROL", 0),
    ("NEEDS_RESET", 1),
    ("RESET_BLOCKED", 2),
    ("WAITS_FOR_SETPOINT", 3),
    ("FORMS_ISLAND", 4),
    ("LEASED", 5),
];

/// The names of a table of `core`, each with its position.
macro_rules! positions {
    ($table:expr, $index:ident => $name:expr) => {{
        const NAMES: [(&str, u32); $table.len()] = {
            let mut names = [("", 0); $table.len()];
            let mut $index = 0;
            while $index < names.len() {
                names[$index] = ($name, $index as u32);
                $index += 1;
            }
            names
        };
        &NAMES
    }};
}
pub(super) const UNIT_STATES: &[(&str, u32)] = positions!(STATES, index => STATES[index].name);
pub(super) const FUNCTIONS: &[(&str, u32)] =
    positions!(FunctionName::ALL, index => FunctionName::ALL[index].0);
pub(super) const WATCHDOG_STATES: &[(&str, u32)] =
    positions!(WatchdogState::ALL, index => WatchdogState::ALL[index].name());
pub(super) const HEARTBEAT_KINDS: &[(&str, u32)] =
    positions!(HeartbeatKind::ALL, index => HeartbeatKind::ALL[index].0);
pub(super) const LOSS_ACTIONS: &[(&str, u32)] =
    positions!(LossAction::ALL, index => LossAction::ALL[index].0);
pub(super) const ALARM_NAMES: &[(&str, u32)] = positions!(ALARMS, index => ALARMS[index].name);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(0, "map id", U16, PLAIN, Bind::Raw(MAP_ID), Bind::Raw(MAP_ID)),
    row(1, "map version", U16, PLAIN, Bind::Raw(MAP_VERSION), Bind::Raw(MAP_VERSION)),
    row(2, "unit number, 0 for the plant", U32, PLAIN, Bind::Whole(states::unit_number), Bind::Raw(0)),
    row(4, "heartbeat, one more each simulated second", U16, PLAIN, Bind::Whole(states::heartbeat16), Bind::Whole(plant::heartbeat16)),
    row(5, "inverter state", Enum16, PLAIN, Bind::Whole(states::inverter_state), Bind::Whole(plant::inverter_state)).symbols(INVERTER_STATES),
    row(6, "battery state", Enum16, PLAIN, Bind::Whole(states::battery_state), Bind::Whole(plant::battery_state)).symbols(BATTERY_STATES),
    row(7, "who controls the active power", Enum16, PLAIN, unit("control.source"), NONE).symbols(SOURCES),
    row(8, "alarms and warnings, bits of 802.Evt1", Bits32, PLAIN, Bind::Whole(states::events), Bind::Whole(plant::events)),
    row(10, "warnings and deratings, bits of 802.Evt1", Bits32, PLAIN, Bind::Whole(states::warnings), Bind::Whole(plant::warnings)),
    row(12, "active power", I32, W, unit("ac.active_power"), Bind::Farm("poi.active_power")),
    row(14, "reactive power", I32, VAR, unit("ac.reactive_power"), Bind::Farm("poi.reactive_power")),
    row(16, "DC power", I32, W, unit("dc.power"), NONE),
    row(18, "frequency", U32, (-3, "Hz"), unit("ac.frequency"), Bind::Farm("poi.frequency")),
    row(20, "line-to-line voltage", U16, TENTH_V, unit("ac.voltage"), NONE),
    row(21, "DC voltage", U16, TENTH_V, unit("dc.voltage"), NONE),
    row(22, "DC current", I32, (-1, "A"), unit("dc.current"), NONE),
    row(24, "state of charge", U16, PERCENT, unit("battery.soc"), Bind::Farm("battery.soc")),
    row(25, "state of health", U16, PERCENT, unit("battery.soh"), Bind::Farm("battery.soh")),
    row(26, "energy that can be discharged", U32, WH, unit("battery.energy"), Bind::Farm("battery.energy")),
    row(28, "energy that can be charged", U32, WH, unit("battery.energy_to_full"), Bind::Number(farm_energy_to_full_wh)),
    row(30, "discharge power available now", I32, W, unit("available.discharge_power"), Bind::Farm("available.discharge_power")),
    row(32, "charge power available now, a magnitude", I32, W, unit("available.charge_power"), Bind::Farm("available.charge_power")),
    row(34, "active setpoint in force", I32, W, unit("setpoint.active_power"), Bind::Farm("setpoint.active_power")),
    row(40, "highest cell temperature", I16, TENTH_C, unit("cell.temperature_max"), Bind::Farm("cell.temperature_max")),
    row(41, "lowest cell temperature", I16, TENTH_C, unit("cell.temperature_min"), Bind::Farm("cell.temperature_min")),
    row(42, "highest cell voltage", U16, MILLI_V, unit("cell.voltage_max"), Bind::Farm("cell.voltage_max")),
    row(43, "lowest cell voltage", U16, MILLI_V, unit("cell.voltage_min"), Bind::Farm("cell.voltage_min")),
    row(44, "ambient temperature", I16, TENTH_C, Bind::Farm("ambient.temperature"), Bind::Farm("ambient.temperature")),
    row(46, "energy discharged since the start", U64, WH, unit("ac.discharged_energy"), Bind::Farm("poi.discharged_energy")),
    row(50, "energy charged since the start", U64, WH, unit("ac.charged_energy"), Bind::Farm("poi.charged_energy")),
    row(54, "equivalent full cycles", U32, (-2, ""), unit("battery.cycles"), NONE),
    row(60, "simulated instant of the sample, Unix time", I64, (0, "ms"), Bind::Whole(states::sample_time_ms), Bind::Whole(states::sample_time_ms)),
    row(64, "number of the sample", U32, PLAIN, Bind::Whole(states::sample_number), Bind::Whole(states::sample_number)),
    row(66, "rated active power", U32, W, unit("rating.active_power"), Bind::Number(|s| s.snapshot.spec.rated_power().0)),
    row(68, "nominal energy", U32, WH, unit("rating.energy"), Bind::Number(|s| plant::nominal_energy_wh(&s.snapshot.spec))),
    row(70, "rated reactive power", U32, VAR, unit("rating.reactive_power"), Bind::Number(|s| s.snapshot.spec.rated_reactive_power().0)),
    row(72, "rated apparent power", U32, (0, "VA"), unit("rating.apparent_power"), Bind::Number(|s| plant::rated_apparent_power_va(&s.snapshot.spec))),
    row(80, "active setpoint, in force when written", I32, W, unit("control.active_w"), Bind::Farm("setpoint.active_power"))
        .rw(Some(Value(put::active_w_in_force)), Some(Value(operate::farm_active_w))),
    row(82, "reactive setpoint, in force when written", I32, VAR, unit("control.reactive_var"), Bind::Number(plant::reactive_setpoint_var))
        .rw(Some(Value(put::reactive_var_in_force)), Some(Value(operate::farm_reactive_var))),
    row(84, "mode; a function alone from 3 on, 12 and 13 read only; 0 takes the plant's setpoint back", Enum16, PLAIN, Bind::Whole(controls::mode), Bind::Whole(plant::mode))
        .rw(Some(Value(operate::mode)), Some(Value(operate::farm_mode))).symbols(MODES),
    row(85, "heartbeat of the EMS", U16, PLAIN, Bind::Whole(controls::controller_heartbeat), NONE)
        .rw(Some(Counter(put::heartbeat)), None),
    row(86, "watchdog, 0 is off", U16, SECONDS, Bind::Number(controls::watchdog_time_s), NONE)
        .rw(Some(Value(put::watchdog_time)), Some(Value(operate::off_only))).setting(),
    row(87, "alarm reset, 1 resets", U16, PLAIN, Bind::Raw(0), NONE).rw(Some(Value(operate::alarm_reset)), None),
    row(88, "ramp in percent of the rating per second", U16, (-1, "%/s"), unit("control.ramp"), NONE).rw(Some(Value(put::ramp)), None).setting(),
    row(89, "reserved, takes 0", U16, PLAIN, Bind::Raw(0), Bind::Raw(0)).rw(None, None),
    row(90, "fail-safe active power; makes it what the watchdog does", I32, W, Bind::Number(controls::fail_safe_w), NONE).rw(Some(Value(put::fail_safe_w)), None).setting(),
    row(92, "lowest state of charge allowed", U16, PERCENT, Bind::Number(|s| states::number_of_unit(s, |view| view.control.soc_min * 100.0)), NONE)
        .rw(Some(Value(put::soc_min)), None).setting(),
    row(93, "highest state of charge allowed", U16, PERCENT, Bind::Number(|s| states::number_of_unit(s, |view| view.control.soc_max * 100.0)), NONE)
        .rw(Some(Value(put::soc_max)), None).setting(),
    row(94, "state of charge kept for frequency response, above the lowest", U16, PERCENT, Bind::Number(|s| states::number_of_unit(s, |view| view.control.soc_reserve * 100.0)), NONE)
        .rw(Some(Value(put::soc_reserve)), None).setting(),
    row(95, "highest state of charge in reserve", U16, PERCENT, NONE, NONE).rw(None, None).setting(),
    row(96, "watchdog time left", U32, SECONDS, Bind::Number(controls::watchdog_seconds_left), NONE),
    row(98, "result of the last write, 0 or the code of the exception", U16, PLAIN, Bind::Number(states::last_write_code), Bind::Number(states::last_write_code)),
    row(99, "register of the last write", U16, PLAIN, Bind::Number(states::last_write_address), Bind::Number(states::last_write_address)),
    row(100, "insulation resistance", U16, (3, "ohm"), Bind::Number(|s| states::number_of_unit(s, |view| view.insulation_kohm * 1000.0)), NONE),
    row(101, "racks connected", U16, PLAIN, unit("battery.racks_connected"), Bind::Number(farm_racks_connected)),
    row(102, "contactors of the racks, the first in bit 0", Bits32, PLAIN, Bind::Whole(racks::connected_bits), NONE),
    row(104, "HVAC state", Enum16, PLAIN, NONE, NONE),
    row(105, "gas and smoke", Bits16, PLAIN, Bind::Whole(states::gas_and_smoke), NONE).symbols(GAS_AND_SMOKE),
    row(106, "door", Enum16, PLAIN, NONE, NONE),
    row(107, "state of the unit", Enum16, PLAIN, Bind::Whole(states::state_number), NONE).symbols(UNIT_STATES),
    row(108, "functions that are on", Bits16, PLAIN, Bind::Whole(controls::functions), NONE).symbols(FUNCTIONS),
    row(109, "watchdog state", Enum16, PLAIN, Bind::Whole(controls::watchdog_state), NONE).symbols(WATCHDOG_STATES),
    row(110, "what the watchdog takes as a sign of life", Enum16, PLAIN, Bind::Whole(controls::watchdog_kind), NONE)
        .rw(Some(Value(put::watchdog_kind)), None).symbols(HEARTBEAT_KINDS).setting(),
    row(111, "what the watchdog does", Enum16, PLAIN, Bind::Whole(controls::watchdog_action), NONE)
        .rw(Some(Value(put::watchdog_action)), None).symbols(LOSS_ACTIONS).setting(),
    row(112, "flags", Bits16, PLAIN, Bind::Whole(states::flags), NONE).symbols(FLAGS),
    row(113, "alarm that keeps the unit from being reset", Enum16, PLAIN, Bind::Number(states::reset_blocked_by), NONE).symbols(ALARM_NAMES),
    row(114, "time in the present state", U32, SECONDS, Bind::Whole(states::seconds_in_state), NONE),
    row(116, "time until it may enter service", U16, SECONDS, Bind::Number(states::enter_service_seconds_left), NONE),
    row(117, "share of the rating on the ramp after entering service", U16, PERCENT, Bind::Number(|s| states::number_of_unit(s, |view| view.enter_service_share * 100.0)), NONE),
    row(118, "time for which its writer holds the unit", U16, SECONDS, Bind::Number(|s| states::number_of_unit(s, |view| states::whole_seconds_left(view.lease_remaining_s))), NONE),
    row(119, "temperature of the converter", I16, TENTH_C, Bind::Number(|s| states::number_of_unit(s, |view| view.pcs_temperature.0)), NONE),
    row(120, "trips since the start", U16, PLAIN, Bind::Number(|s| states::number_of_unit(s, |view| view.trips.into())), NONE),
    row(121, "resets refused since the start", U16, PLAIN, Bind::Number(|s| states::number_of_unit(s, |view| view.resets_refused.into())), NONE),
    row(122, "losses of the controller since the start", U16, PLAIN, Bind::Number(|s| states::number_of_unit(s, |view| view.watchdog.losses.into())), NONE),
    row(123, "gravest level of its alarms", Enum16, PLAIN, Bind::Whole(states::gravest_level), NONE).symbols(LEVELS),
];

fn farm_energy_to_full_wh(sight: super::source::Sight<'_>) -> f64 {
    let farm = &sight.snapshot.farm;
    (farm.energy_capacity.0 - farm.energy.0) / 3600.0
}

fn farm_racks_connected(sight: super::source::Sight<'_>) -> f64 {
    let units = sight.snapshot.units.iter();
    units.map(|view| f64::from(view.racks_connected)).sum()
}

/// The fields of the map, the reserved registers among them.
pub(crate) fn fields(level: Level) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut next = 0;
    for row in ROWS {
        fields.extend((next..row.address).map(reserved));
        let (read, write) = match level {
            Level::Unit => (row.unit, row.unit_write),
            Level::Plant => (row.plant, row.plant_write),
        };
        fields.push(Field {
            address: row.address,
            codec: Codec::plain(row.encoding, row.exponent),
            source: read.resolve(row.value_unit, Place::default()),
            write: write.map(Writer::Row),
            is_writable: row.is_writable,
            role: row.role,
            about: About {
                map: Cow::Borrowed("compact"),
                name: row.name.to_owned(),
                unit: Cow::Borrowed(row.value_unit),
                symbols: Symbols::Table(row.symbols),
                signal: read.signal_name().map(Cow::Borrowed),
            },
        });
        next = row.address + row.encoding.registers();
    }
    fields.extend((next..LENGTH).map(reserved));
    fields
}

fn reserved(address: u16) -> Field {
    Field::constant("compact", "reserved", address, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::sunspec::models::{model_701, model_802};
    use bess_core::alarm::AlarmLevel;
    use bess_core::control::ControlSource;

    #[test]
    fn symbols_name_the_tables_of_the_farm_by_position() {
        let functions = FunctionName::ALL.map(|(name, _)| name);
        let levels = AlarmLevel::ALL.map(AlarmLevel::name);
        for (symbols, first, names) in [
            (SOURCES, 0, &ControlSource::NAMES[..]),
            (MODES, usize::from(controls::MODE_FUNCTIONS), &functions),
            (LEVELS, 1, &levels),
        ] {
            for (position, name) in names.iter().enumerate() {
                let symbol = (&*name.to_uppercase(), (first + position) as u32);
                assert_eq!(symbols[first + position], symbol);
            }
        }
        assert_eq!(MODES[usize::from(controls::MODE_MAINTENANCE)].0, "MAINTENANCE");
        assert_eq!(MODES[usize::from(controls::MODE_SEVERAL)].0, "SEVERAL_FUNCTIONS");
    }

    #[test]
    fn the_symbols_of_states_are_those_of_the_models() {
        for (symbols, model, point) in [
            (INVERTER_STATES, &model_701::MODEL, "InvSt"),
            (BATTERY_STATES, &model_802::MODEL, "State"),
        ] {
            let point = model.body.points.iter().find(|known| known.name == point).unwrap();
            assert!(symbols.iter().all(|symbol| point.symbols.contains(symbol)), "{point:?}");
        }
    }
}
