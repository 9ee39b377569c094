//! What a stream is asked for: topics, units and signals.

use crate::params::Params;
use crate::problem::{Allowed, Fallible, Problem, kind};
use bess_core::id::UnitId;
use bess_core::signal::{FARM, UNIT};
use bess_core::spec::FarmSpec;
use std::time::Duration;

/// Topics of a stream.
pub(crate) const TOPICS: [&str; 4] = ["snapshot", "alarms", "events", "writes"];

/// What a client gets: streams that ask for the same share what is encoded for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selection {
    pub(crate) snapshot: bool,
    pub(crate) alarms: bool,
    pub(crate) events: bool,
    pub(crate) writes: bool,
    /// Only what these units do; all when absent.
    pub(crate) only: Option<Vec<UnitId>>,
    /// Every unit in the snapshots.
    pub(crate) all_units: bool,
    /// Indices of signals of the farm and of units; the whole of both when absent.
    pub(crate) signals: Option<(Vec<usize>, Vec<usize>)>,
}

/// What a stream is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) selection: Selection,
    /// Between two snapshots.
    pub(crate) interval: Duration,
    pub(crate) max_events: u64,
    pub(crate) duration: Option<Duration>,
}

/// Longest stream that may be asked for: a day.
const FOR_MAX_S: f64 = 86_400.0;

impl Wish {
    /// Reads all parameters of a stream but the id to go on after.
    pub(crate) fn read(query: &mut Params, spec: &FarmSpec) -> Fallible<Self> {
        let rate_hz = query.number("rate_hz", (0.01, 10.0), "")?.unwrap_or(1.0);
        let max_events = query.whole("max_events", usize::MAX, (1, 1_000_000))? as u64;
        let duration = query.number("for", (0.1, FOR_MAX_S), "s")?.map(Duration::from_secs_f64);
        let all_units = query.choice("units", &crate::wire::SWITCH)? == Some("true");
        let only = query.units("unit", spec)?;
        let topics = query.list("topics")?;
        if let Some(unknown) = topics.iter().find(|topic| !TOPICS.contains(&topic.as_str())) {
            let detail = format!("`topics` must be of {}, got {unknown:?}", TOPICS.join(", "));
            return Err(Problem::new(&kind::BAD_PARAMETER, detail)
                .field("topics")
                .value(unknown.as_str())
                .allowed(Allowed::one_of(TOPICS)));
        }
        let wants = |topic: &str| topics.iter().any(|wanted| wanted == topic);
        let mut selection = Selection {
            snapshot: topics.is_empty() || wants("snapshot"),
            alarms: wants("alarms"),
            events: wants("events"),
            writes: wants("writes"),
            only,
            all_units,
            signals: None,
        };
        selection.signals = signals(&query.list("signals")?, selection.shows_units())?;
        Ok(Self {
            selection,
            interval: Duration::from_secs_f64(1.0 / rate_hz),
            max_events,
            duration,
        })
    }
}

/// The signals of these names, each at every level that has it.
fn signals(names: &[String], with_units: bool) -> Fallible<Option<(Vec<usize>, Vec<usize>)>> {
    if names.is_empty() {
        return Ok(None);
    }
    let refused = |name: &str, detail: String| {
        Problem::new(&kind::BAD_PARAMETER, detail).field("signals").value(name)
    };
    let (mut of_farm, mut of_units) = (Vec::new(), Vec::new());
    for name in names {
        let in_farm = FARM.iter().position(|signal| signal.name == name);
        let in_units = UNIT.iter().position(|signal| signal.name == name);
        match (in_farm, in_units) {
            (None, None) => {
                let detail = format!("there is no signal {name:?}");
                let known = FARM.iter().map(|signal| signal.name);
                let of_units = UNIT.iter().map(|signal| signal.name).filter(|_| with_units);
                return Err(refused(name, detail).allowed(Allowed::one_of(known.chain(of_units))));
            }
            (None, Some(_)) if !with_units => {
                let detail =
                    format!("{name} is a signal of units: say of which with `unit`, or units=true");
                return Err(refused(name, detail));
            }
            _ => {}
        }
        of_farm.extend(in_farm);
        of_units.extend(in_units.filter(|_| with_units));
    }
    if with_units && of_units.is_empty() {
        let detail = "none of `signals` is one of units, but units are asked for".to_owned();
        return Err(refused(&names[0], detail));
    }
    Ok(Some((of_farm, of_units)))
}

impl Selection {
    /// Whether snapshots have units.
    pub(crate) const fn shows_units(&self) -> bool {
        self.all_units || self.only.is_some()
    }
    /// Whether it has events, alarms or writes.
    pub(crate) const fn has_records(&self) -> bool {
        self.alarms || self.events || self.writes
    }
    /// Whether something of this unit, or of the farm, is wanted.
    pub(crate) fn wants_of(&self, unit: Option<UnitId>) -> bool {
        let Some(only) = &self.only else { return true };
        unit.is_some_and(|unit| only.binary_search(&unit).is_ok())
    }
}
