//! One line for each change of state: a task reads what is new in each snapshot and writes it.
//!
//! Neither the tick nor a request writes a line for it, and a tick in which nothing happens leaves none.
//! Kinds of lines have a limit of their own each; what is beyond is counted and told once a second, so that a
//! fast clock or a hostile client cannot fill a disk.

use super::Sinks;
use super::throttle::{TELL, Throttle};
use bess_core::UnitId;
use bess_core::alarm::{AlarmKey, AlarmLevel, AlarmPhase};
use bess_core::audit::AuditRecord;
use bess_core::command::Command;
use bess_core::control::WatchdogState;
use bess_core::event::{Event, EventKind, GridChange};
use bess_core::role::Role;
use bess_core::snapshot::{ClockView, Snapshot, UnitState};
use bess_core::stats::Stats;
use bess_core::time::Tick;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use tokio::sync::watch;
use tracing::{Level, debug, error, info, warn};

/// Targets of the lines: what filters know.
mod target {
    pub(super) const ALARM: &str = "bess::alarm";
    pub(super) const CLOCK: &str = "bess::clock";
    pub(super) const GRID: &str = "bess::grid";
    pub(super) const LINK: &str = "bess::link";
    pub(super) const UNIT: &str = "bess::unit";
    pub(super) const WRITE: &str = "bess::write";
}

/// Lines of one kind at once, and a second.
const BURST: f64 = 100.0;
const PER_S: f64 = 20.0;

/// What lines have a limit of their own.
#[derive(Clone, Copy)]
enum Kind {
    /// Events that somebody should look at.
    Grave,
    /// All others.
    Event,
    RefusedWrite,
    Write,
}

const KINDS: [&str; 4] = ["warnings and errors", "events", "refused writes", "writes"];

/// Follows the snapshots of a farm.
#[derive(Debug)]
pub(super) struct Follower {
    stats: Arc<Stats>,
    sinks: Sinks,
    event: u64,
    write: u64,
    tick: Tick,
    clock: Option<ClockView>,
    /// Alarms that were more than pending.
    raised: BTreeSet<(Option<UnitId>, AlarmKey)>,
    throttles: [Throttle; 4],
}

/// Writes a line at a level that is known when it runs.
macro_rules! line {
    ($level:expr, $($rest:tt)*) => {
        match $level {
            Level::ERROR => error!($($rest)*),
            Level::WARN => warn!($($rest)*),
            Level::INFO => info!($($rest)*),
            _ => debug!($($rest)*),
        }
    };
}

/// Whether a line of this level would be written; one that would not must not use the limit up.
macro_rules! shows {
    ($target:expr, $level:expr) => {
        match $level {
            Level::ERROR => tracing::enabled!(target: $target, Level::ERROR),
            Level::WARN => tracing::enabled!(target: $target, Level::WARN),
            Level::INFO => tracing::enabled!(target: $target, Level::INFO),
            _ => tracing::enabled!(target: $target, Level::DEBUG),
        }
    };
}

impl Follower {
    pub(super) fn new(stats: Arc<Stats>, sinks: Sinks) -> Self {
        let throttle = || Throttle::new(BURST, PER_S, Instant::now());
        Self {
            stats,
            sinks,
            event: 0,
            write: 0,
            tick: Tick(0),
            clock: None,
            raised: BTreeSet::new(),
            throttles: [throttle(), throttle(), throttle(), throttle()],
        }
    }

    /// Writes what is new in each snapshot, until there are no more.
    pub(super) async fn follow(mut self, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
        let mut tell = tokio::time::interval(TELL);
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            self.look(&snapshot);
            let changed = loop {
                tokio::select! {
                    changed = snapshots.changed() => break changed,
                    _ = tell.tick() => self.tell(),
                }
            };
            // The last snapshot is seen before the end of them is.
            if changed.is_err() {
                break;
            }
        }
        self.tell();
    }

    /// Tells what was left out, and counts what the writers dropped.
    fn tell(&mut self) {
        for (throttle, what) in self.throttles.iter_mut().zip(KINDS) {
            let left_out = throttle.take_held();
            if left_out > 0 {
                warn!(target: "bess::log", left_out, what, "more lines than are written at a time");
            }
        }
        let dropped = self.sinks.dropped();
        let told = self.stats.log.dropped.swap(dropped, Relaxed);
        if dropped > told {
            warn!(target: "bess::log", lines = dropped - told, "lines of the log were dropped");
        }
    }

    fn admits(&mut self, kind: Kind) -> bool {
        self.throttles[kind as usize].admits(Instant::now())
    }

    fn look(&mut self, snapshot: &Snapshot) {
        self.look_at_clock(snapshot);
        self.look_at_planned_defects(snapshot);
        for (number, event) in snapshot.events.after(self.event) {
            self.event = number;
            self.tell_event(snapshot, event);
        }
        for (number, record) in snapshot.audit.after(self.write) {
            self.write = number;
            self.tell_write(snapshot, record);
        }
        self.tick = snapshot.tick;
    }

    fn look_at_clock(&mut self, snapshot: &Snapshot) {
        let clock = ClockView { steps_left: 0, stalled_ticks: 0, ..snapshot.clock };
        // How it starts is no change.
        if self.clock.is_some_and(|known| known != clock) {
            let (mode, speed, tick) = (clock.mode.name(), clock.speed, snapshot.tick.0);
            info!(target: target::CLOCK, tick, mode, speed, "clock changed");
        }
        self.clock = Some(clock);
    }

    /// Defects that the farm file plans are no writes of anybody.
    fn look_at_planned_defects(&mut self, snapshot: &Snapshot) {
        let passed = |at: Option<Tick>| at.filter(|at| self.tick < *at && *at <= snapshot.tick);
        for planned in &snapshot.spec.defects {
            let unit = planned.unit;
            let ended = planned.until.map(|until| (until, planned.defect.ended()));
            for (at, defect) in [Some((planned.from, planned.defect)), ended].into_iter().flatten()
            {
                if let Some(at) = passed(Some(at)) {
                    let what = Command::SetDefect { unit, defect }.describe();
                    let unit = unit.number();
                    info!(target: target::UNIT, tick = at.0, unit, what, "planned defect");
                }
            }
        }
    }

    fn tell_event(&mut self, snapshot: &Snapshot, event: &Event) {
        let (target, level) = self.rank(event);
        let is_shown = match target {
            target::ALARM => shows!(target::ALARM, level),
            target::GRID => shows!(target::GRID, level),
            target::LINK => shows!(target::LINK, level),
            _ => shows!(target::UNIT, level),
        };
        let kind = if level <= Level::WARN { Kind::Grave } else { Kind::Event };
        if !is_shown || !self.admits(kind) {
            return;
        }
        let tick = event.at.tick.0;
        let sim_time = rfc3339(snapshot.start().at_moment(event.at).unix_ns);
        let unit = event.unit.map(UnitId::number);
        let text = event.kind.to_string();
        match event.kind {
            EventKind::State { from, to, trigger, cause } => {
                let (from, to, trigger) = (from.name(), to.name(), trigger.name());
                line!(level, target: target::UNIT, tick, sim_time, unit, from, to, trigger, %cause,
                    "unit changed its state");
            }
            EventKind::Alarm { key, phase, value } => {
                let (code, severity) = (key.code.name(), key.level.name());
                let rack = key.rack_idx.map(|idx| u32::from(idx) + 1);
                let phase = phase.map_or("gone", AlarmPhase::name);
                let value = value.is_finite().then_some(value);
                line!(level, target: target::ALARM, tick, sim_time, unit, rack, code, severity,
                    phase, value, "alarm");
            }
            EventKind::ResetRefused { key } => {
                let (code, severity) = (key.code.name(), key.level.name());
                line!(level, target: target::ALARM, tick, sim_time, unit, code, severity,
                    "reset of an alarm refused");
            }
            EventKind::Grid { .. } | EventKind::Island { .. } => {
                line!(level, target: target::GRID, tick, sim_time, unit, what = text, "grid changed");
            }
            EventKind::Link { effect, on } => {
                let effect = effect.name();
                line!(level, target: target::LINK, tick, sim_time, effect, on,
                    "link condition changed");
            }
            _ => {
                let kind = event.kind.name();
                line!(level, target: target::UNIT, tick, sim_time, unit, kind, what = text,
                    "unit event");
            }
        }
    }

    /// Where an event's line belongs and how grave it is.
    fn rank(&mut self, event: &Event) -> (&'static str, Level) {
        match event.kind {
            EventKind::State { to, .. } => {
                let level = match to {
                    UnitState::LockedOut | UnitState::Fault | UnitState::EmergencyStop => {
                        Level::ERROR
                    }
                    UnitState::Tripped | UnitState::Fallback => Level::WARN,
                    _ => Level::INFO,
                };
                (target::UNIT, level)
            }
            EventKind::Alarm { key, phase, .. } => {
                let place = (event.unit, key);
                let level = match phase {
                    Some(AlarmPhase::Active) => {
                        self.raised.insert(place);
                        // A trip comes back by itself.
                        if key.level >= AlarmLevel::Critical { Level::ERROR } else { Level::WARN }
                    }
                    Some(AlarmPhase::Latched) => Level::INFO,
                    // What was only pending was no alarm yet.
                    None if self.raised.remove(&place) => Level::INFO,
                    Some(AlarmPhase::Pending) | None => Level::DEBUG,
                };
                (target::ALARM, level)
            }
            EventKind::ResetRefused { .. } => (target::ALARM, Level::WARN),
            EventKind::Fuse { .. } => (target::UNIT, Level::ERROR),
            EventKind::Contactor { .. } => (target::UNIT, Level::DEBUG),
            EventKind::Watchdog { state } => {
                let is_bad = matches!(state, WatchdogState::Late | WatchdogState::Lost);
                (target::UNIT, if is_bad { Level::WARN } else { Level::INFO })
            }
            EventKind::Reverted { .. }
            | EventKind::Function { .. }
            | EventKind::Local { .. }
            | EventKind::Restored { .. } => (target::UNIT, Level::INFO),
            // Whoever reads the log must know what is not the farm's own doing.
            EventKind::Fault { .. } => (target::UNIT, Level::WARN),
            EventKind::Grid { what: GridChange::Outage | GridChange::BreakerOpened } => {
                (target::GRID, Level::WARN)
            }
            EventKind::Grid { .. } | EventKind::Island { .. } => (target::GRID, Level::INFO),
            EventKind::Link { .. } => (target::LINK, Level::INFO),
        }
    }

    fn tell_write(&mut self, snapshot: &Snapshot, record: &AuditRecord) {
        let (level, kind) = match (&record.refused, record.needs) {
            (Some(_), _) => (Level::WARN, Kind::RefusedWrite),
            // Settings and tests; setpoints come all the time.
            (None, Role::Engineer | Role::Tester) => (Level::INFO, Kind::Write),
            (None, _) => (Level::DEBUG, Kind::Write),
        };
        if !shows!(target::WRITE, level) || !self.admits(kind) {
            return;
        }
        let message = if record.refused.is_some() { "write refused" } else { "write applied" };
        let origin = &record.origin;
        let modbus = origin.modbus.as_deref();
        let trace_id = origin.trace.map(|trace| trace.trace_text());
        line!(level, target: target::WRITE,
            tick = record.tick.0,
            sim_time = rfc3339(snapshot.start().at(record.tick).unix_ns),
            unit = record.unit.map(UnitId::number),
            source = origin.source.name(),
            peer = origin.peer,
            via = origin.via,
            request_id = origin.request_id.as_deref(),
            trace_id,
            connection = modbus.map(|write| write.connection),
            transaction = modbus.map(|write| write.transaction),
            what = record.what,
            reason = record.refused,
            "{message}");
    }
}

fn rfc3339(unix_ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default().to_string()
}
