//! `/alarms`: what is wrong, and what may become so.

use crate::problem::{Fallible, FarmReadProblems};
use crate::read::form::{self, Form};
use crate::read::page::Page;
use crate::read::table::csv;
use crate::read::{Made, NotModified, Read};
use crate::wire::{
    AlarmLevelName, AlarmName, AlarmPhaseName, FormatName, Num, Place, Stamp, rfc3339,
};
use axum::response::Response;
use bess_core::alarm::{ALARMS, AlarmLevel, AlarmPhase, AlarmState};
use bess_core::snapshot::Snapshot;
use serde::Serialize;
use utoipa::ToSchema;

/// An alarm.
#[derive(Debug, Serialize, ToSchema)]
struct Alarm {
    /// Number of the unit.
    unit: u32,
    /// Name of the unit.
    unit_name: String,
    /// Name of the alarm.
    code: AlarmName,
    /// How bad it is.
    level: AlarmLevelName,
    /// Number of the rack in its unit, from 1; null for the unit as a whole.
    #[schema(required = true)]
    rack: Option<u32>,
    /// Where it is in its life: pending does not stand yet, latched waits for a reset.
    phase: AlarmPhaseName,
    /// Tick in which it came into this phase.
    since_tick: u64,
    /// The simulated instant of that, RFC 3339, UTC, to the microsecond.
    #[schema(format = DateTime)]
    since: String,
    /// The value that raised it, or that is worst since; null for a yes or no.
    value: Num,
    /// The value beyond which it is raised; null for a yes or no.
    threshold: Num,
    /// Unit of value and threshold; empty for bare numbers.
    unit_of_measure: &'static str,
    /// The cell that shows the value; null where none does.
    #[schema(required = true)]
    cell: Option<Place>,
    /// What it says.
    text: &'static str,
    /// Resets that were refused because the cause is still there.
    resets_refused: u32,
}

impl Alarm {
    fn of(snapshot: &Snapshot, alarm: &AlarmState) -> Self {
        let row = alarm.key.code.row();
        Self {
            unit: alarm.unit.number(),
            unit_name: snapshot.spec.units[alarm.unit.idx()].name.clone(),
            code: AlarmName(row.name),
            level: AlarmLevelName(alarm.key.level.name()),
            rack: alarm.key.rack_idx.map(|idx| u32::from(idx) + 1),
            phase: AlarmPhaseName(alarm.phase.name()),
            since_tick: alarm.since.tick.0,
            since: rfc3339(snapshot.start().at_moment(alarm.since).unix_ns),
            value: Num(alarm.value),
            threshold: Num(alarm.threshold),
            unit_of_measure: row.unit,
            cell: alarm.cell.map(Place::from),
            text: row.text,
            resets_refused: alarm.resets_refused,
        }
    }
}

/// The columns of the table.
pub(super) const COLUMNS: [&str; 16] = [
    "unit",
    "unit_name",
    "code",
    "level",
    "rack",
    "phase",
    "since_tick",
    "since",
    "value",
    "threshold",
    "unit_of_measure",
    "cell.unit",
    "cell.rack",
    "cell.cell",
    "text",
    "resets_refused",
];

/// A page of alarms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlarmsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Alarms that match, on all pages.
    total: usize,
    /// The alarms of this page.
    alarms: Vec<Alarm>,
}

const PHASES: [AlarmPhase; 3] = [AlarmPhase::Pending, AlarmPhase::Active, AlarmPhase::Latched];

/// The alarms
///
/// Of all units, in order of their number, pending ones as well: every field is that of the one object
/// behind registers, metrics and events.
#[utoipa::path(get, path = "/alarms", operation_id = "list_alarms", tag = "farm",
    params(
        ("unit" = Option<String>, Query, description = "Only those of this unit: number or name", example = "3"),
        ("level" = inline(Option<AlarmLevelName>), Query, description = "Only those of this level"),
        ("phase" = inline(Option<AlarmPhaseName>), Query, description = "Only those in this phase"),
        ("code" = inline(Option<AlarmName>), Query, description = "Only those of this name"),
        ("from" = Option<u64>, Query, description = "Matching alarms to leave out before the page", minimum = 0, maximum = 10_000_000),
        ("limit" = Option<u64>, Query, description = "Most alarms on the page; 1000 when absent", minimum = 1, maximum = 10_000),
        ("format" = inline(Option<FormatName>), Query, description = "Form of the answer; beats the header Accept"),
    ),
    responses(
        (status = 200, description = "The alarms.", content(
            (AlarmsAnswer = "application/json"),
            (String = "text/csv"),
        )),
        NotModified, FarmReadProblems))]
pub(crate) async fn list(mut read: Read) -> Fallible<Response> {
    if let Some(known) = read.known(form::TABLE)? {
        return Ok(known);
    }
    let query = &mut read.query;
    let unit = query.unit("unit", &read.snapshot.spec)?;
    let level = query.choice("level", &AlarmLevel::ALL.map(AlarmLevel::name))?;
    let phase = query.choice("phase", &PHASES.map(AlarmPhase::name))?;
    let names: Vec<&str> = ALARMS.iter().map(|alarm| alarm.name).collect();
    let code = query.choice("code", &names)?;
    let page = Page::read(&mut read, 10_000_000, (1000, 10_000))?;
    read.finish()?;
    let made = move |snapshot: &Snapshot, form| {
        let matches = |alarm: &&AlarmState| {
            unit.is_none_or(|unit| alarm.unit == unit)
                && level.is_none_or(|level| alarm.key.level.name() == level)
                && phase.is_none_or(|phase| alarm.phase.name() == phase)
                && code.is_none_or(|code| alarm.key.code.name() == code)
        };
        let matching: Vec<&AlarmState> = snapshot.alarms.iter().filter(matches).collect();
        let total = matching.len();
        let shown = matching.iter().skip(page.from).take(page.limit);
        let alarms = shown.map(|alarm| Alarm::of(snapshot, alarm));
        let made = match form {
            Form::Csv => Made::bytes(csv(&COLUMNS, alarms)),
            Form::Json | Form::Binary => {
                let (stamp, alarms) = (Stamp::of(snapshot), alarms.collect());
                Made::json(&AlarmsAnswer { stamp, total, alarms })
            }
        };
        page.linked(made, total)
    };
    Ok(read.heavy(made).await)
}
