//! The compact map: 125 registers that one read polls and one write commands, for a unit and for the
//! plant.
//!
//! Fixed scales, 32-bit values high word first, the same registers in both tables of Modbus. A unit
//! shows itself, the plant (unit ids 0 and 255) its farm; a row says both. Registers 60 to 65 stamp
//! the snapshot that the whole answer comes from. Reserved registers read 0 and are not writable.
//! Watchdog, fail-safe and SoC limits (86, 90 to 96) are not available: they take only what they read,
//! and 86 also 0, so that one write of 80 to 88 is possible.

use super::edit::Write::{Counter, Value};
use super::edit::{self, Write};
use super::encoding::Encoding;
use super::layout::{About, Field};
use super::source::{Bind, Source, unit};
use super::{plant, states};
use Encoding::{Bits32, Enum16, I16, I32, I64, U16, U32, U64};

/// Registers of the map.
const LENGTH: u16 = 125;
/// What register 0 shows.
const MAP_ID: i64 = 0xBE55;
/// Raised when a register changes its meaning.
const MAP_VERSION: i64 = 1;

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

const INVERTER_STATES: &[(&str, u32)] =
    &[("OFF", 0), ("RUNNING", 3), ("THROTTLED", 4), ("FAULT", 6), ("STANDBY", 7)];
const BATTERY_STATES: &[(&str, u32)] =
    &[("DISCONNECTED", 1), ("CONNECTED", 3), ("STANDBY", 4), ("FAULT", 99)];
/// `ControlSource::NAMES` by position.
const SOURCES: &[(&str, u32)] =
    &[("NONE", 0), ("PLANT", 1), ("MODBUS", 2), ("REST", 3), ("SCHEDULE", 4)];
const MODES: &[(&str, u32)] = &[("STOP", 0), ("STANDBY", 1), ("PQ", 2)];

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
    row(10, "warnings, bits of 802.Evt1", Bits32, PLAIN, Bind::Whole(states::warnings), Bind::Whole(plant::warnings)),
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
        .rw(Some(Value(edit::active_w_in_force)), Some(Value(edit::farm_active_w))),
    row(82, "reactive setpoint, in force when written", I32, VAR, unit("control.reactive_var"), Bind::Number(plant::reactive_setpoint_var))
        .rw(Some(Value(edit::reactive_var_in_force)), Some(Value(edit::farm_reactive_var))),
    row(84, "mode; 0 takes the plant's setpoint back", Enum16, PLAIN, Bind::Whole(states::mode), Bind::Whole(plant::mode))
        .rw(Some(Value(edit::mode)), Some(Value(edit::farm_mode))).symbols(MODES),
    row(85, "heartbeat of the EMS", U16, PLAIN, Bind::Whole(states::controller_heartbeat), NONE)
        .rw(Some(Counter(edit::heartbeat)), None),
    row(86, "watchdog, 0 is off", U16, (0, "s"), NONE, NONE).rw(Some(Value(edit::off_only)), Some(Value(edit::off_only))),
    row(87, "alarm reset, 1 resets", U16, PLAIN, Bind::Raw(0), NONE).rw(Some(Value(edit::alarm_reset)), None),
    row(88, "ramp in percent of the rating per second", U16, (-1, "%/s"), unit("control.ramp"), NONE).rw(Some(Value(edit::ramp)), None),
    row(90, "fail-safe active power", I32, W, NONE, NONE).rw(None, None),
    row(92, "lowest state of charge allowed", U16, PERCENT, NONE, NONE).rw(None, None),
    row(93, "highest state of charge allowed", U16, PERCENT, NONE, NONE).rw(None, None),
    row(94, "lowest state of charge in reserve", U16, PERCENT, NONE, NONE).rw(None, None),
    row(95, "highest state of charge in reserve", U16, PERCENT, NONE, NONE).rw(None, None),
    row(96, "watchdog time left", U32, (0, "s"), NONE, NONE),
    row(98, "result of the last write", U16, PLAIN, NONE, NONE),
    row(99, "register of the last write", U16, PLAIN, NONE, NONE),
    row(100, "insulation resistance", U16, (3, "ohm"), NONE, NONE),
    row(101, "racks connected", U16, PLAIN, unit("battery.racks_connected"), Bind::Number(farm_racks_connected)),
    row(102, "contactors of the racks, the first in bit 0", Bits32, PLAIN, Bind::Whole(states::contactor_bits), NONE),
    row(104, "HVAC state", Enum16, PLAIN, NONE, NONE),
    row(105, "gas and smoke", Enum16, PLAIN, NONE, NONE),
    row(106, "door", Enum16, PLAIN, NONE, NONE),
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
            encoding: row.encoding,
            exponent: row.exponent,
            source: read.resolve(row.value_unit, 0),
            write,
            is_writable: row.is_writable,
            about: About {
                name: row.name.to_owned(),
                unit: row.value_unit,
                symbols: row.symbols,
                signal: read.signal_name(),
            },
        });
        next = row.address + row.encoding.registers();
    }
    fields.extend((next..LENGTH).map(reserved));
    fields
}

fn reserved(address: u16) -> Field {
    Field {
        address,
        encoding: U16,
        exponent: 0,
        source: Source::Raw(0),
        write: None,
        is_writable: false,
        about: About { name: "reserved".to_owned(), unit: "", symbols: &[], signal: None },
    }
}
