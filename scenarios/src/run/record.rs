//! What is written down of a run for its report.

use super::judge::ticks;
use crate::faults::Target;
use crate::format::ReportPlan;
use crate::report::{AlarmPart, CommandPart, EventPart, SignalPart, StatePart};
use crate::sight::{Get, Level, SIGNALS, Sight, Signal, is_called};
use bess_core::alarm::{AlarmKey, AlarmPhase};
use bess_core::control::ControlSource;
use bess_core::event::{Event, EventKind};
use bess_core::id::UnitId;
use bess_core::snapshot::{Snapshot, UnitState};
use bess_core::time::Tick;

/// Most signals that are recorded.
const SIGNALS_MAX: usize = 400;
/// Most samples of all signals together: where there would be more, they are taken less often.
const SAMPLES_MAX: u64 = 2_000_000;
/// Most events, commands, times of alarms and of states that are listed.
const LISTED_MAX: usize = 5_000;

/// Seconds from the zero of the time line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// The zero: the end of this tick.
    pub zero: Tick,
}

impl Since {
    /// Of the end of a tick.
    pub(super) fn tick(self, tick: Tick) -> f64 {
        // Ticks are exact, so the difference is rounded once.
        (tick.0 as f64 - self.zero.0 as f64) / bess_core::time::TICKS_PER_S as f64
    }
    /// Of `elapsed_s` seconds since the start of the farm, to the microsecond that a moment has.
    fn elapsed(self, elapsed_s: f64) -> f64 {
        const PER_S: f64 = 1e6;
        ((elapsed_s - self.zero.elapsed_s()) * PER_S).round() / PER_S
    }
}

/// What one column is of.
#[derive(Clone, Copy, Debug)]
enum Of {
    One,
    Unit(usize),
    Rack(usize),
    Cell { unit: usize, rack_idx: usize, cell_idx: usize },
}

#[derive(Clone, Debug)]
struct Column {
    signal: &'static Signal,
    is_shadow: bool,
    of: Of,
    name: String,
    values: Vec<f32>,
}

#[derive(Clone, Debug)]
struct AlarmLane {
    unit: UnitId,
    key: AlarmKey,
    from_s: f64,
    latched_s: Option<f64>,
    until_s: Option<f64>,
}

#[derive(Clone, Debug)]
struct StateLane {
    unit: UnitId,
    state: UnitState,
    from_s: f64,
    until_s: Option<f64>,
}

#[derive(Clone, Debug)]
struct Line {
    at_s: f64,
    unit: Option<UnitId>,
    kind: &'static str,
    text: String,
}

/// Everything that is written down. Times are seconds of the farm until the report is made.
#[derive(Clone, Debug)]
pub(super) struct Record {
    every: u64,
    next: Tick,
    sampled: Vec<Tick>,
    columns: Vec<Column>,
    left_out: Vec<(String, String)>,
    alarms: Vec<AlarmLane>,
    states: Vec<StateLane>,
    commands: Vec<(f64, CommandPart)>,
    commands_left_out: u64,
    lines: Vec<Line>,
    lines_left_out: u64,
    writers: Vec<(String, u64)>,
    writes: u64,
    writes_refused: u64,
    last_event: u64,
    last_write: u64,
}

/// What is written down where a scenario does not say.
const USUAL: [&str; 4] =
    ["farm.active_power_w", "farm.setpoint_w", "grid.frequency_hz", "unit.active_power_w"];

impl Record {
    /// A record that begins with `seen`. `members` gives the members of a target by its name; `length` is
    /// how many ticks it will be about.
    pub(super) fn new(
        plan: &ReportPlan,
        length: u64,
        seen: &Snapshot,
        members: &dyn Fn(&str) -> Option<Vec<Target>>,
    ) -> Self {
        let mut record = Self {
            every: ticks(plan.sample_every).max(1),
            next: seen.tick,
            sampled: Vec::new(),
            columns: Vec::new(),
            left_out: Vec::new(),
            alarms: Vec::new(),
            states: Vec::new(),
            commands: Vec::new(),
            commands_left_out: 0,
            lines: Vec::new(),
            lines_left_out: 0,
            writers: Vec::new(),
            writes: 0,
            writes_refused: 0,
            last_event: seen.events.total(),
            last_write: seen.audit.total(),
        };
        if plan.record.is_empty() {
            USUAL.iter().for_each(|wish| record.add(wish, seen, members));
        }
        plan.record.iter().for_each(|wish| record.add(wish, seen, members));
        let columns = record.columns.len() as u64;
        let samples = length / record.every + 1;
        record.every *= (columns * samples).div_ceil(SAMPLES_MAX).max(1);
        let now_s = seen.tick.elapsed_s();
        let state = |(unit, view): (&bess_core::spec::UnitSpec, &bess_core::snapshot::UnitView)| {
            StateLane { unit: unit.id, state: view.state, from_s: now_s, until_s: None }
        };
        record.states = seen.spec.units.iter().zip(&seen.units).map(state).collect();
        for alarm in seen.alarms.iter().filter(|alarm| alarm.is_standing()) {
            let latched = alarm.phase == AlarmPhase::Latched;
            record.alarms.push(AlarmLane {
                unit: alarm.unit,
                key: alarm.key,
                from_s: now_s,
                latched_s: latched.then_some(now_s),
                until_s: None,
            });
        }
        record
    }

    fn add(&mut self, wish: &str, seen: &Snapshot, members: &dyn Fn(&str) -> Option<Vec<Target>>) {
        let (pattern, target) = match wish.split_once('@') {
            Some((pattern, target)) => (pattern, Some(target)),
            None => (wish, None),
        };
        let (pattern, is_shadow) = match pattern.strip_prefix("shadow.") {
            Some(pattern) => (pattern, true),
            None => (pattern, false),
        };
        let targets = target.map(|name| members(name).unwrap_or_default());
        let before = self.columns.len();
        let mut why = "no signal is called so";
        for signal in SIGNALS.iter().filter(|signal| is_called(signal, pattern)) {
            if is_shadow && !matches!(signal.get, Get::Farm(_) | Get::Unit(_) | Get::Rack(_)) {
                why = "the farm without faults has no such signal";
                continue;
            }
            for (of, label) in places(signal, targets.as_deref(), seen) {
                if self.columns.len() >= SIGNALS_MAX {
                    why = "there are too many signals";
                    break;
                }
                let shadow = if is_shadow { "shadow." } else { "" };
                let name = format!("{shadow}{}{label}", signal.name);
                if self.columns.iter().all(|column| column.name != name) {
                    let values = Vec::new();
                    self.columns.push(Column { signal, is_shadow, of, name, values });
                }
            }
            if signal.level() == Level::Cell && targets.is_none() {
                why = "cells are recorded of a target alone: add @ and its name";
            }
        }
        if self.columns.len() == before || why.starts_with("there are too many") {
            self.left_out.push((wish.to_owned(), why.to_owned()));
        }
    }

    /// Whether the counters of the process are recorded.
    pub(super) fn uses_transport(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.signal.get, Get::Link(_)))
    }
    /// Units whose cells are recorded, by index.
    pub(super) fn cells(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().filter_map(|column| match column.of {
            Of::Cell { unit, .. } => Some(unit),
            _ => None,
        })
    }

    /// Takes what it needs of a tick.
    pub(super) fn note(&mut self, sight: &Sight<'_>) {
        let seen = sight.snapshot;
        let events = std::sync::Arc::clone(&seen.events);
        for (_, event) in events.after(self.last_event) {
            self.event(event);
        }
        self.last_event = seen.events.total();
        for (_, write) in seen.audit.after(self.last_write) {
            let source = write.origin.source;
            if matches!(source, ControlSource::Scenario | ControlSource::Schedule) {
                continue;
            }
            let peer = write.origin.peer.clone().unwrap_or_default();
            // What is asked of the clock or of a run is listed, and is no write of an EMS.
            if write.is_of_farm() {
                self.writes += 1;
                self.writes_refused += u64::from(write.refused.is_some());
                self.wrote(&peer, source);
            }
            if self.commands.len() >= LISTED_MAX {
                self.commands_left_out += 1;
                continue;
            }
            let part = CommandPart {
                at_s: 0.0,
                source: source.name(),
                peer,
                of: of(write.unit),
                what: write.what.clone(),
                refused: write.refused.clone().unwrap_or_default(),
            };
            self.commands.push((write.tick.elapsed_s(), part));
        }
        self.last_write = seen.audit.total();
        if seen.tick >= self.next {
            self.next = Tick(seen.tick.0 + self.every);
            self.sampled.push(seen.tick);
            for column in &mut self.columns {
                column.values.push(value(column, sight));
            }
        }
    }

    fn wrote(&mut self, peer: &str, source: ControlSource) {
        // A port is another one each time: who writes is told by the address.
        let address = peer.rsplit_once(':').map_or(peer, |(address, _)| address);
        let writer = if address.is_empty() { source.name() } else { address };
        match self.writers.iter().position(|(name, _)| name == writer) {
            Some(place) => self.writers[place].1 += 1,
            None if self.writers.len() < LISTED_MAX => self.writers.push((writer.to_owned(), 1)),
            None => {}
        }
    }

    fn event(&mut self, event: &Event) {
        let at_s = event.at.elapsed_s();
        match event.kind {
            EventKind::Alarm { key, phase, .. } => {
                let Some(unit) = event.unit else { return };
                let is_room = self.alarms.len() < LISTED_MAX;
                let mut open = self.alarms.iter_mut().rev();
                let open = open
                    .find(|lane| lane.unit == unit && lane.key == key && lane.until_s.is_none());
                match (phase, open) {
                    (Some(AlarmPhase::Active), Some(lane)) => lane.latched_s = None,
                    (Some(AlarmPhase::Active), None) if is_room => {
                        let (latched_s, until_s) = (None, None);
                        let lane = AlarmLane { unit, key, from_s: at_s, latched_s, until_s };
                        self.alarms.push(lane);
                    }
                    (Some(AlarmPhase::Latched), Some(lane)) => lane.latched_s = Some(at_s),
                    (None, Some(lane)) => lane.until_s = Some(at_s),
                    _ => {}
                }
                // What only begins to hold is no news yet.
                if phase == Some(AlarmPhase::Pending) {
                    return;
                }
            }
            EventKind::State { to, .. } => {
                let Some(unit) = event.unit else { return };
                let mut open = self.states.iter_mut().rev();
                if let Some(lane) = open.find(|lane| lane.unit == unit && lane.until_s.is_none()) {
                    lane.until_s = Some(at_s);
                }
                if self.states.len() < LISTED_MAX {
                    self.states.push(StateLane { unit, state: to, from_s: at_s, until_s: None });
                }
            }
            _ => {}
        }
        let kind = event.kind.name();
        self.line(Line { at_s, unit: event.unit, kind, text: event.kind.to_string() });
    }

    fn line(&mut self, line: Line) {
        if self.lines.len() < LISTED_MAX {
            self.lines.push(line);
        } else {
            self.lines_left_out += 1;
        }
    }
    /// Notes something that the run itself did.
    pub(super) fn mark(
        &mut self,
        at: Tick,
        kind: &'static str,
        unit: Option<UnitId>,
        text: String,
    ) {
        self.line(Line { at_s: at.elapsed_s(), unit, kind, text });
    }
    /// Notes a command that the scenario gave as an operator.
    pub(super) fn command(
        &mut self,
        at: Tick,
        unit: Option<UnitId>,
        what: String,
        refused: String,
    ) {
        if self.commands.len() < LISTED_MAX {
            let source = ControlSource::Scenario.name();
            let (peer, of) = (String::new(), of(unit));
            let part = CommandPart { at_s: 0.0, source, peer, of, what, refused };
            self.commands.push((at.elapsed_s(), part));
        }
    }
    /// Writes from outside, and those of them that were refused.
    pub(super) fn writes(&self) -> (u64, u64) {
        (self.writes, self.writes_refused)
    }

    /// Puts what was recorded into a report; `end` is the last tick of the run.
    pub(super) fn into_report(self, since: Since, end: Tick, report: &mut crate::report::Report) {
        report.sample_s = self.sampled.iter().map(|tick| since.tick(*tick)).collect();
        report.signals = self
            .columns
            .into_iter()
            .map(|column| SignalPart {
                name: column.name,
                unit: column.signal.measure.symbol,
                values: column.values,
            })
            .collect();
        report.signals_left_out = self.left_out;
        report.sut.writers = self.writers;
        report.alarms = self
            .alarms
            .iter()
            .map(|lane| AlarmPart {
                of: of_rack(lane.unit, lane.key.rack_idx),
                code: lane.key.code.name(),
                level: lane.key.level.name(),
                from_s: since.elapsed(lane.from_s),
                latched_s: lane.latched_s.map(|at_s| since.elapsed(at_s)),
                until_s: lane.until_s.map(|at_s| since.elapsed(at_s)),
            })
            .collect();
        let end_s = end.elapsed_s();
        report.states = self
            .states
            .iter()
            .map(|lane| StatePart {
                of: of(Some(lane.unit)),
                state: lane.state.name(),
                from_s: since.elapsed(lane.from_s),
                until_s: since.elapsed(lane.until_s.unwrap_or(end_s)),
            })
            .collect();
        report.states.sort_by(|a, b| {
            (&a.of, a.from_s).partial_cmp(&(&b.of, b.from_s)).unwrap_or(std::cmp::Ordering::Equal)
        });
        report.commands = self
            .commands
            .into_iter()
            .map(|(at_s, part)| CommandPart { at_s: since.elapsed(at_s), ..part })
            .collect();
        report.commands_left_out = self.commands_left_out;
        report.events = self
            .lines
            .into_iter()
            .map(|line| EventPart {
                at_s: since.elapsed(line.at_s),
                of: of(line.unit),
                kind: line.kind,
                text: line.text,
            })
            .collect();
        report.events_left_out = self.lines_left_out;
    }
}

fn of(unit: Option<UnitId>) -> String {
    unit.map_or_else(|| "farm".to_owned(), |unit| Target::Unit(unit).to_string())
}
fn of_rack(unit: UnitId, rack_idx: Option<u16>) -> String {
    match rack_idx {
        Some(rack_idx) => Target::Rack { unit, rack_idx: rack_idx.into() }.to_string(),
        None => of(Some(unit)),
    }
}

/// Every element of a signal, or those within the targets, with its label.
fn places(signal: &Signal, targets: Option<&[Target]>, seen: &Snapshot) -> Vec<(Of, String)> {
    let spec = &seen.spec;
    let has_unit = |unit: UnitId| {
        targets.is_none_or(|targets| targets.iter().any(|target| target.unit() == Some(unit)))
    };
    let has_rack = |unit: UnitId, rack_idx: usize| {
        let fits = |target: &Target| {
            target.unit() == Some(unit)
                && target.rack_idx().is_none_or(|of_target| of_target == rack_idx)
        };
        targets.is_none_or(|targets| targets.iter().any(fits))
    };
    let units = || spec.units.iter().filter(|unit| has_unit(unit.id));
    match signal.level() {
        Level::One => vec![(Of::One, String::new())],
        Level::Unit => units()
            .map(|unit| (Of::Unit(unit.id.idx()), format!("{{unit=\"{}\"}}", unit.name)))
            .collect(),
        Level::Rack => units()
            .flat_map(|unit| {
                let racks = unit.racks.clone().enumerate();
                let racks = racks.filter(|(rack_idx, _)| has_rack(unit.id, *rack_idx));
                racks.map(|(rack_idx, rack)| {
                    let label = format!("{{unit=\"{}\",rack=\"{}\"}}", unit.name, rack_idx + 1);
                    (Of::Rack(rack), label)
                })
            })
            .collect(),
        Level::Cell => {
            let cells = targets.unwrap_or_default().iter().filter_map(|target| match *target {
                Target::Cell { unit, rack_idx, cell_idx } => Some((unit, rack_idx, cell_idx)),
                _ => None,
            });
            let column = |(unit, rack_idx, cell_idx): (UnitId, usize, usize)| {
                let name = &spec.units[unit.idx()].name;
                let (rack, cell) = (rack_idx + 1, cell_idx + 1);
                let label = format!("{{unit=\"{name}\",rack=\"{rack}\",cell=\"{cell}\"}}");
                (Of::Cell { unit: unit.idx(), rack_idx, cell_idx }, label)
            };
            cells.map(column).collect()
        }
    }
}

fn value(column: &Column, sight: &Sight<'_>) -> f32 {
    let farm = if column.is_shadow { sight.shadow } else { Some(sight.snapshot) };
    let Some(seen) = farm else { return f32::NAN };
    let value = match (column.signal.get, column.of) {
        (Get::Farm(get), _) => get(&seen.farm),
        (Get::Snapshot(get), _) => get(seen),
        (Get::Unit(get), Of::Unit(idx)) => get(&seen.units[idx], &seen.spec.units[idx].design),
        (Get::Rack(get), Of::Rack(idx)) => get(&seen.racks[idx]),
        (Get::Link(get), _) => get(sight.link),
        (Get::Writes(get), _) => get(sight.story, seen),
        (Get::Cell(get), Of::Cell { unit, rack_idx, cell_idx }) => {
            let cells = seen.cells.iter().find(|cells| cells.unit_idx == unit);
            let cell =
                cells.and_then(|cells| get(cells).get(rack_idx * cells.cells_per_rack + cell_idx));
            return cell.copied().unwrap_or(f32::NAN);
        }
        _ => f64::NAN,
    };
    value as f32
}
