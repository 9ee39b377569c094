//! Pieces that many answers share: the stamp, numbers that may be missing, places of cells.

use crate::problem::{Allowed, Fallible, Problem, kind};
use crate::read::form;
use bess_core::alarm::{ALARMS, AlarmLevel, AlarmPhase};
use bess_core::command::{self, ControlSource, RackAction, UnitAction};
use bess_core::control::{
    FunctionName, FunctionSet, HeartbeatKind, LossAction, Recovery, WatchdogState,
};
use bess_core::event::EventKind;
use bess_core::id::{CellAddress, UnitId};
use bess_core::link::LinkEffect;
use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::signal::Quantity;
use bess_core::snapshot::{CellExtremes, ClockMode, EnergyTotals, Snapshot, UnitState};
use bess_core::spec::{FarmSpec, Strategy};
use bess_core::units::Joules;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};

/// A number; null when it is not available (not a number or infinite inside).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Num(pub(crate) f64);

impl Serialize for Num {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else {
            serializer.serialize_none()
        }
    }
}
impl utoipa::PartialSchema for Num {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::Number, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
            .description(Some("A number; null when it is not available."))
            .into()
    }
}
impl ToSchema for Num {}

/// Defines names out of closed lists: text in answers, an enum in the document. The lists come from
/// the types that they name wherever those have one.
macro_rules! closed_names {
    ($($name:ident $doc:literal $names:expr;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) &'static str);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($doc))
                    .enum_values(Some($names))
                    .into()
            }
        }
        impl ToSchema for $name {}
    )*};
}

closed_names! {
    UnitStateName "State of a unit." UnitState::ALL.map(UnitState::name);
    UnitActionName "What to do with a unit." UnitAction::ALL.map(|(name, _)| name);
    ClockModeName "Pace of the clock."
        [ClockMode::Running, ClockMode::Paused, ClockMode::Free].map(ClockMode::name);
    ClockWishName "Pace that may be asked for." CLOCK_WISHES;
    ControlSourceName "Who set the active power last." ControlSource::NAMES;
    SetpointModeName "How a setpoint is written." ["absolute", "percent"];
    PriorityName "Which power wins when both do not fit." ["active", "reactive"];
    AlarmName "Name of an alarm." ALARMS.iter().map(|alarm| alarm.name);
    AlarmLevelName "How bad an alarm is." AlarmLevel::ALL.map(AlarmLevel::name);
    AlarmPhaseName "Where an alarm is in its life."
        [AlarmPhase::Pending, AlarmPhase::Active, AlarmPhase::Latched].map(AlarmPhase::name);
    FunctionLabel "Name of a function of a unit." FunctionName::ALL.map(|(name, _)| name);
    ModeName "What a unit is to do." MODES;
    HeartbeatName "What counts as a sign of life of the controller."
        HeartbeatKind::ALL.map(|(name, _)| name);
    LossActionName "What a unit does when its controller is lost."
        LossAction::ALL.map(|(name, _)| name);
    RecoveryName "How the controller is taken back." Recovery::ALL.map(|(name, _)| name);
    WatchdogStateName "How the watch over the controller stands."
        WatchdogState::ALL.map(WatchdogState::name);
    RackActionName "What to do with a rack." RackAction::ALL.map(|(name, _)| name);
    EventKindName "Kind of an event." EventKind::NAMES;
    ResultName "What came of a write." RESULTS;
    StrategyName "How a setpoint is split over the units." Strategy::ALL.map(|(name, _)| name);
    DisturbanceName "What happens to the grid." DISTURBANCES;
    RoleName "What a client may do." Role::ALL.map(|(name, _)| name);
    TableName "A table of Modbus." Table::ALL.map(|(name, _)| name);
    LinkEffectName "What a link condition does." LinkEffect::NAMES;
    GridKindName "How the grid's frequency comes about." GRID_KINDS;
    FormatName "Form of an answer." form::names(form::TABLE);
    CellsFormatName "Form of the cells." form::names(form::COLUMNS);
    CellColumnName "A column over cells." crate::routes::cells::column_names();
    ReportFormName "Form of a report." crate::routes::REPORT_FORMS;
    SwitchName "Whether it is wanted." SWITCH;
}

/// What a unit may be told to be: an operation, plain setpoints, or one function.
pub(crate) const MODES: [&str; 14] = [
    "off",
    "standby",
    "maintenance",
    "pq",
    "frequency_droop",
    "frequency_response",
    "fast_frequency_response",
    "volt_var",
    "volt_watt",
    "watt_var",
    "power_factor",
    "peak_shaving",
    "schedule",
    "grid_forming",
];
/// What may come of a write.
pub(crate) const RESULTS: [&str; 2] = ["applied", "refused"];
/// What may happen to the grid.
pub(crate) const DISTURBANCES: [&str; 5] =
    ["voltage", "frequency", "outage", "phase_jump", "load_step"];
/// How the grid's frequency may come about.
pub(crate) const GRID_KINDS: [&str; 2] = ["stiff", "inertia"];

/// The names of the functions that are on.
pub(crate) fn labels(functions: FunctionSet) -> Vec<FunctionLabel> {
    functions.iter().map(|function| FunctionLabel(function.name())).collect()
}

/// The value called `name` in a table of names, or a problem that lists them.
pub(crate) fn by_name<T: Copy>(
    field: &str,
    name: &str,
    table: &[(&'static str, T)],
) -> Fallible<T> {
    let found = table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    found.ok_or_else(|| Problem::not_one_of(field, name, table.iter().map(|(known, _)| *known)))
}

/// Paces of the clock that may be asked for.
pub(crate) const CLOCK_WISHES: [&str; 2] = ["running", "paused"];
/// Values of parameters that are on or off.
pub(crate) const SWITCH: [&str; 2] = ["true", "false"];

/// The unit of a quantity as people write it; empty for counts and shares.
pub(crate) const fn symbol_of(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Watts => "W",
        Quantity::Vars => "var",
        Quantity::VoltAmps => "VA",
        Quantity::Volts => "V",
        Quantity::Amps => "A",
        Quantity::Joules => "J",
        Quantity::Litres => "l",
        Quantity::Hertz => "Hz",
        Quantity::Celsius => "degC",
        Quantity::Ohms => "ohm",
        Quantity::Seconds => "s",
        Quantity::Ratio | Quantity::Count => "",
    }
}

/// The unit of a quantity as names of fields end in it, with its underscore.
pub(crate) const fn suffix_of(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Watts => "_w",
        Quantity::Vars => "_var",
        Quantity::VoltAmps => "_va",
        Quantity::Volts => "_v",
        Quantity::Amps => "_a",
        Quantity::Joules => "_j",
        Quantity::Litres => "_l",
        Quantity::Hertz => "_hz",
        Quantity::Celsius => "_degc",
        Quantity::Ohms => "_ohm",
        Quantity::Seconds => "_s",
        Quantity::Ratio | Quantity::Count => "",
    }
}

/// Energy in watt-hours.
pub(crate) fn wh(energy: Joules) -> Num {
    Num(energy.0 / 3600.0)
}

/// An instant in RFC 3339.
pub(crate) fn rfc3339(unix_ns: i64) -> String {
    // Every i64 of nanoseconds is within jiff's years -9999 to 9999.
    jiff::Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default().to_string()
}

/// An instant in RFC 3339; `None` where there is no wall time.
pub(crate) fn wall_time(unix_ns: i64) -> Option<String> {
    (unix_ns != 0).then(|| rfc3339(unix_ns))
}

/// A unit as a body names it: by its number, or by its number or name as text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a unit by its number or name")]
pub(crate) enum UnitName {
    Number(u32),
    Name(String),
}

impl UnitName {
    /// The unit.
    pub(crate) fn find(&self, spec: &FarmSpec) -> Fallible<UnitId> {
        let name = match self {
            Self::Number(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        };
        spec.find_unit(&name).ok_or_else(|| {
            let there = spec.unit_numbers();
            let detail = format!(
                "unit must be a unit from {} to {}, or its name, got {name:?}",
                there.first, there.last
            );
            Problem::new(&kind::OUT_OF_RANGE, detail)
                .field("unit")
                .value(name)
                .allowed(Allowed::units(there))
        })
    }
}
impl utoipa::PartialSchema for UnitName {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::Integer, Type::String]))
            .description(Some("Number or name of a unit."))
            .into()
    }
}
impl ToSchema for UnitName {}

/// Of which instant an answer is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Stamp {
    /// The tick whose end the answer shows.
    #[schema(example = 36_000)]
    tick: u64,
    /// Number of the publication; grows also while the clock is paused.
    #[schema(example = 36_001)]
    publication: u64,
    /// Simulated instant, RFC 3339, UTC.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    simulation_time: String,
    /// Wall time of the publication, RFC 3339, UTC; absent in headless runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false, example = "2026-01-01T01:00:00.000512Z")]
    wall_time: Option<String>,
}

/// The fields of a stamp.
pub(crate) const STAMP: [&str; 4] = ["tick", "publication", "simulation_time", "wall_time"];

impl Stamp {
    /// The stamp of this snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self {
            tick: snapshot.tick.0,
            publication: snapshot.publication,
            simulation_time: rfc3339(snapshot.time.unix_ns),
            wall_time: wall_time(snapshot.wall_unix_ns),
        }
    }
}

/// A change was applied, or a dry run would have been.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AppliedAnswer {
    /// It was applied.
    Applied(Applied),
    /// It would be.
    DryRun(DryRun),
}

/// A change was applied: this instant, and every read that follows, shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Applied {
    /// The tick that applied it; a snapshot of this tick or a later one shows the effect.
    #[schema(example = 36_000)]
    applied_tick: u64,
    #[serde(flatten)]
    stamp: Stamp,
}

/// Nothing was changed: at this instant the request would have been taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DryRun {
    /// Always true.
    dry_run: bool,
    #[serde(flatten)]
    stamp: Stamp,
    /// The settings that it would change. What the farm then does is not predicted.
    changes: Vec<FieldChange>,
}

/// A setting that a request would change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// The resource that shows it.
    #[schema(example = "/api/v1/units/3")]
    pub(crate) resource: String,
    /// The field in it; a path such as `a.b` for inner ones.
    #[schema(example = "control.discharge_limit_pct")]
    pub(crate) field: String,
    /// What it shows now; null for nothing.
    #[schema(required = true)]
    pub(crate) before: serde_json::Value,
    /// What it would show.
    #[schema(required = true)]
    pub(crate) after: serde_json::Value,
}

impl AppliedAnswer {
    /// The answer for `applied`, seen in a `snapshot` that shows it.
    pub(crate) fn new(applied: command::Applied, snapshot: &Snapshot) -> Self {
        Self::Applied(Applied { applied_tick: applied.tick.0, stamp: Stamp::of(snapshot) })
    }
    /// The answer to a dry run that was checked against the farm of this snapshot.
    pub(crate) fn dry(snapshot: &Snapshot, changes: Vec<FieldChange>) -> Self {
        Self::DryRun(DryRun { dry_run: true, stamp: Stamp::of(snapshot), changes })
    }
    /// Whether something was changed.
    pub(crate) fn is_dry(&self) -> bool {
        matches!(self, Self::DryRun(_))
    }
}

/// Where a cell is; all numbers from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Place {
    /// Number of the unit.
    #[schema(example = 3)]
    unit: u32,
    /// Number of the rack in its unit.
    #[schema(example = 12)]
    rack: u32,
    /// Number of the cell in its rack.
    #[schema(example = 416)]
    cell: u32,
}

impl From<CellAddress> for Place {
    fn from(address: CellAddress) -> Self {
        Self {
            unit: address.unit_idx + 1,
            rack: u32::from(address.rack_idx) + 1,
            cell: u32::from(address.cell_idx) + 1,
        }
    }
}

/// Extremes over cells, each with its place.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Extremes {
    /// Lowest cell voltage.
    #[schema(example = 3.281)]
    cell_voltage_min_v: Num,
    /// Where it is.
    cell_voltage_min_at: Place,
    /// Highest cell voltage.
    #[schema(example = 3.302)]
    cell_voltage_max_v: Num,
    /// Where it is.
    cell_voltage_max_at: Place,
    /// Lowest cell temperature.
    #[schema(example = 24.8)]
    temperature_min_degc: Num,
    /// Where it is.
    temperature_min_at: Place,
    /// Highest cell temperature.
    #[schema(example = 27.1)]
    temperature_max_degc: Num,
    /// Where it is.
    temperature_max_at: Place,
}

impl From<&CellExtremes> for Extremes {
    fn from(extremes: &CellExtremes) -> Self {
        Self {
            cell_voltage_min_v: Num(extremes.voltage_min.0),
            cell_voltage_min_at: extremes.voltage_min_at.into(),
            cell_voltage_max_v: Num(extremes.voltage_max.0),
            cell_voltage_max_at: extremes.voltage_max_at.into(),
            temperature_min_degc: Num(extremes.temperature_min.0),
            temperature_min_at: extremes.temperature_min_at.into(),
            temperature_max_degc: Num(extremes.temperature_max.0),
            temperature_max_at: extremes.temperature_max_at.into(),
        }
    }
}

/// Energy since the start of the run; never falls.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Totals {
    /// Out at the terminals.
    #[schema(example = 1_250_000.0)]
    discharged_energy_wh: Num,
    /// In at the terminals.
    #[schema(example = 1_400_000.0)]
    charged_energy_wh: Num,
    /// Turned into heat in cells and their wiring, with what their polarisation holds. It stands still after a
    /// current turned round, until what polarisation gives back is lost again.
    #[schema(example = 21_000.0)]
    cell_loss_energy_wh: Num,
    /// Turned into heat in the PCS.
    #[schema(example = 40_000.0)]
    pcs_loss_energy_wh: Num,
    /// Drawn by the auxiliaries.
    #[schema(example = 9_000.0)]
    auxiliary_energy_wh: Num,
    /// Turned into heat in the transformer at the POI; 0 for a unit.
    #[schema(example = 12_000.0)]
    transformer_loss_energy_wh: Num,
}

impl From<&EnergyTotals> for Totals {
    fn from(totals: &EnergyTotals) -> Self {
        Self {
            discharged_energy_wh: wh(totals.discharged),
            charged_energy_wh: wh(totals.charged),
            cell_loss_energy_wh: wh(totals.cell_loss),
            pcs_loss_energy_wh: wh(totals.pcs_loss),
            auxiliary_energy_wh: wh(totals.auxiliary),
            transformer_loss_energy_wh: wh(totals.transformer),
        }
    }
}

/// A pair of powers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Power {
    /// Active power, positive is discharge.
    #[schema(example = 1_000_000.0)]
    pub(crate) active_power_w: Num,
    /// Reactive power, positive is injection.
    #[schema(example = 0.0)]
    pub(crate) reactive_power_var: Num,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_becomes_null() {
        let text = serde_json::to_string(&[Num(1.5), Num(f64::NAN), Num(f64::INFINITY)]).unwrap();
        assert_eq!(text, "[1.5,null,null]");
    }

    #[test]
    fn times_are_rfc_3339_with_the_tenths_of_a_tick() {
        assert_eq!(rfc3339(1_767_225_600_100_000_000), "2026-01-01T00:00:00.1Z");
        assert_eq!(rfc3339(i64::MIN).len(), "1677-09-21T00:12:43.145224192Z".len());
    }

    #[test]
    fn a_unit_in_a_body_is_a_number_or_a_name() {
        let spec = crate::testing::spec_with(3);
        let find = |text: &str| {
            let name: Result<UnitName, _> = serde_json::from_str(text);
            name.map_err(|error| error.to_string())?.find(&spec).map_err(|_| "no unit".to_owned())
        };
        for text in ["2", "\"2\"", "\"unit-002\""] {
            assert_eq!(find(text), Ok(UnitId::from_idx(1)), "{text}");
        }
        assert_eq!(find("4"), Err("no unit".to_owned()));
        assert_eq!(find("true"), Err("expected a unit by its number or name".to_owned()));
    }

    #[test]
    fn places_are_counted_from_one() {
        let place = Place::from(CellAddress { unit_idx: 9, rack_idx: 11, cell_idx: 415 });
        assert_eq!((place.unit, place.rack, place.cell), (10, 12, 416));
    }
}
