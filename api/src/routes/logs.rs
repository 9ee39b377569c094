//! `/events`: what happened; and the pages of a log, which `/writes` has too.

use crate::problem::{Fallible, FarmReadProblems};
use crate::read::form::{self, Form};
use crate::read::page::Links;
use crate::read::table::csv;
use crate::read::{Made, NotModified, Read};
use crate::wire::{
    AlarmLevelName, AlarmName, EventKindName, FormatName, FunctionLabel, Num, Stamp, UnitStateName,
    WatchdogStateName, rfc3339,
};
use axum::http::header;
use axum::response::Response;
use bess_core::alarm::{AlarmKey, AlarmPhase};
use bess_core::event::{Event, EventKind};
use bess_core::log::Log;
use bess_core::snapshot::Snapshot;
use serde::Serialize;
use utoipa::ToSchema;

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventAnswer {
    /// Its number; none repeats.
    number: u64,
    /// The tick in which it happened.
    tick: u64,
    /// Milliseconds from the start of that tick, 0 to 100.
    offset_ms: Num,
    /// Simulated instant, RFC 3339, UTC, to the microsecond.
    #[schema(format = DateTime)]
    simulation_time: String,
    /// Number of the unit; null for the farm or its grid.
    #[schema(required = true)]
    unit: Option<u32>,
    /// Kind; it says which further fields there are.
    kind: EventKindName,
    /// One line for people.
    text: String,
    #[serde(flatten)]
    detail: EventDetail,
}

/// What a kind of event has beside the rest.
#[derive(Debug, Default, Serialize, ToSchema)]
struct EventDetail {
    /// `state`: the state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    from: Option<UnitStateName>,
    /// `state`: the state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    to: Option<UnitStateName>,
    /// `state`: what made it change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trigger: Option<&'static str>,
    /// `state`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cause: Option<String>,
    /// `alarm`, `reset_refused`: name of the alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<AlarmName>,
    /// `alarm`, `reset_refused`: its level.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    level: Option<AlarmLevelName>,
    /// `alarm`: its phase now: pending, active, latched or gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phase: Option<&'static str>,
    /// `alarm`, of a quantity: the value then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, nullable = false)]
    value: Option<Num>,
    /// `alarm`, `reset_refused`, `contactor`, `fuse`, of a rack: its number in its unit, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rack: Option<u32>,
    /// `contactor`: which: negative, precharge or positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    contactor: Option<&'static str>,
    /// `contactor`: whether it is closed now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    closed: Option<bool>,
    /// `watchdog`: how the watch stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    watchdog: Option<WatchdogStateName>,
    /// `reverted`: which control.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    control: Option<&'static str>,
    /// `function`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    function: Option<FunctionLabel>,
    /// `function`: whether it is on now; `local`: whether control is local now;
    /// `island`: whether it stands now; `link`, `fault`: whether it is in force now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    on: Option<bool>,
    /// `grid`: what changed; `link`: what the condition does; `fault`: its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    what: Option<String>,
}

fn rack(idx: u16) -> u32 {
    u32::from(idx) + 1
}

impl EventDetail {
    fn of_alarm(key: &AlarmKey) -> Self {
        Self {
            code: Some(AlarmName(key.code.name())),
            level: Some(AlarmLevelName(key.level.name())),
            rack: key.rack_idx.map(rack),
            ..Self::default()
        }
    }
}

impl From<&EventKind> for EventDetail {
    fn from(kind: &EventKind) -> Self {
        let none = Self::default();
        match kind {
            EventKind::State { from, to, trigger, cause } => Self {
                from: Some(UnitStateName(from.name())),
                to: Some(UnitStateName(to.name())),
                trigger: Some(trigger.name()),
                cause: Some(cause.to_string()),
                ..none
            },
            EventKind::Alarm { key, phase, value } => Self {
                phase: Some(phase.map_or("gone", AlarmPhase::name)),
                value: value.is_finite().then_some(Num(*value)),
                ..Self::of_alarm(key)
            },
            EventKind::ResetRefused { key } => Self::of_alarm(key),
            EventKind::Contactor { rack_idx, contactor, closed } => Self {
                rack: Some(rack(*rack_idx)),
                contactor: Some(contactor.name()),
                closed: Some(*closed),
                ..none
            },
            EventKind::Fuse { rack_idx } => Self { rack: Some(rack(*rack_idx)), ..none },
            EventKind::Watchdog { state } => {
                Self { watchdog: Some(WatchdogStateName(state.name())), ..none }
            }
            EventKind::Reverted { control } => Self { control: Some(control.name()), ..none },
            EventKind::Function { function, on } => {
                Self { function: Some(FunctionLabel(function.name())), on: Some(*on), ..none }
            }
            EventKind::Island { formed } => Self { on: Some(*formed), ..none },
            EventKind::Link { effect, on } => {
                Self { what: Some(effect.name().to_owned()), on: Some(*on), ..none }
            }
            EventKind::Fault { kind, on } => {
                Self { what: Some((*kind).to_owned()), on: Some(*on), ..none }
            }
            EventKind::Restored { tick } => Self { what: Some(format!("tick {tick}")), ..none },
            EventKind::Local { local } => Self { on: Some(*local), ..none },
            EventKind::Grid { what } => Self { what: Some(what.to_string()), ..none },
        }
    }
}

impl EventAnswer {
    pub(crate) fn of(snapshot: &Snapshot, number: u64, event: &Event) -> Self {
        Self {
            number,
            tick: event.at.tick.0,
            offset_ms: Num(f64::from(event.at.offset_us) / 1000.0),
            simulation_time: rfc3339(snapshot.start().at_moment(event.at).unix_ns),
            unit: event.unit.map(bess_core::UnitId::number),
            kind: EventKindName(event.kind.name()),
            text: event.kind.to_string(),
            detail: EventDetail::from(&event.kind),
        }
    }
}

/// The columns of the table.
pub(super) const COLUMNS: [&str; 23] = [
    "number",
    "tick",
    "offset_ms",
    "simulation_time",
    "unit",
    "kind",
    "text",
    "from",
    "to",
    "trigger",
    "cause",
    "code",
    "level",
    "phase",
    "value",
    "rack",
    "contactor",
    "closed",
    "watchdog",
    "control",
    "function",
    "on",
    "what",
];

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    #[serde(flatten)]
    page: PageOf,
    events: Vec<EventAnswer>,
}

/// Where a page of a log is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageOf {
    /// Records ever written; the number of the newest one.
    total: u64,
    /// Number of the oldest record that is still kept.
    first: u64,
    /// What to give as `after` for what comes after this page.
    pub(super) next: u64,
}

/// The records of a page, oldest first: after a number, or the newest.
pub(super) fn page<'l, T>(
    log: &'l Log<T>,
    wish: &PageWish,
    matches: impl Fn(&T) -> bool,
) -> (PageOf, Vec<(u64, &'l T)>) {
    let PageWish { after, limit, .. } = *wish;
    let matching = |record: &(u64, &T)| matches(record.1);
    let mut next = log.total();
    let records: Vec<(u64, &T)> = match after {
        None => {
            let mut newest: Vec<_> = log.after(0).rev().filter(matching).take(limit).collect();
            newest.reverse();
            newest
        }
        Some(after) => log.after(after).filter(matching).take(limit).collect(),
    };
    if after.is_some()
        && records.len() == limit
        && let Some((number, _)) = records.last()
    {
        next = *number;
    }
    (PageOf { total: log.total(), first: log.first(), next }, records)
}

/// What every page is asked by.
pub(super) struct PageWish {
    after: Option<u64>,
    limit: usize,
    links: Links,
}

/// Most records on a page.
const LIMIT_MAX: usize = 10_000;

impl PageWish {
    pub(super) fn read(read: &mut Read) -> Fallible<Self> {
        // 2^53: what JSON numbers and the scripts that read them hold exactly.
        let after = read.query.whole("after", usize::MAX, (0, 9_007_199_254_740_992))?;
        let limit = read.query.whole("limit", 100, (1, LIMIT_MAX))?;
        let after = (after != usize::MAX).then_some(after as u64);
        Ok(Self { after, limit, links: Links::new(read, &["after"]) })
    }

    /// `made` with the link to what comes after it: now, or once there is something.
    pub(super) fn linked(&self, made: Made, next: u64) -> Made {
        made.with(header::LINK, self.links.to(&format!("after={next}"), "next"))
    }
}

/// The events
///
/// Oldest first: the newest ones, or with `after` those that follow it, so that a reader who gives back
/// `next` misses none as long as they are kept.
#[utoipa::path(get, path = "/events", operation_id = "list_events", tag = "farm",
    params(
        ("after" = Option<u64>, Query, description = "Only events with a greater number; without it the newest", minimum = 0, maximum = 9_007_199_254_740_992_u64),
        ("limit" = Option<u64>, Query, description = "Most events on the page; 100 when absent", minimum = 1, maximum = 10_000),
        ("unit" = Option<String>, Query, description = "Only those of this unit: number or name", example = "3"),
        ("kind" = inline(Option<EventKindName>), Query, description = "Only those of this kind"),
        ("format" = inline(Option<FormatName>), Query, description = "Form of the answer; beats the header Accept"),
    ),
    responses(
        (status = 200, description = "The events.", content(
            (EventsAnswer = "application/json"),
            (String = "text/csv"),
        )),
        NotModified, FarmReadProblems))]
pub(crate) async fn events(mut read: Read) -> Fallible<Response> {
    if let Some(known) = read.known(form::TABLE)? {
        return Ok(known);
    }
    let wish = PageWish::read(&mut read)?;
    let unit = read.query.unit("unit", &read.snapshot.spec)?;
    let kind = read.query.choice("kind", &EventKind::NAMES)?;
    read.finish()?;
    let made = move |snapshot: &Snapshot, form| {
        let matches = |event: &Event| {
            unit.is_none_or(|unit| event.unit == Some(unit))
                && kind.is_none_or(|kind| event.kind.name() == kind)
        };
        let (page, events) = page(&snapshot.events, &wish, matches);
        let events =
            events.into_iter().map(|(number, event)| EventAnswer::of(snapshot, number, event));
        let next = page.next;
        let made = match form {
            Form::Csv => Made::bytes(csv(&COLUMNS, events)),
            Form::Json | Form::Binary => {
                let (stamp, events) = (Stamp::of(snapshot), events.collect());
                Made::json(&EventsAnswer { stamp, page, events })
            }
        };
        wish.linked(made, next)
    };
    Ok(read.heavy(made).await)
}
