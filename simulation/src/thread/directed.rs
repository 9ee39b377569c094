//! Who directs scenarios and faults, who records the run, and the farm without the faults beside it.

use super::{BEAT, Laps, Loop};
use crate::engine::Engine;
use crate::pacer::wall_unix_ns;
use bess_core::audit::AuditRecord;
use bess_core::command::{Command, ControlSource, Origin, Rejection};
use bess_core::id::UnitId;
use bess_core::record::Recorder;
use bess_core::snapshot::{ClockMode, ClockView, Snapshot};
use bess_core::stage::{Director, Phase, StageRequest};
use bess_core::stats::Stats;
use bess_core::time::Tick;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What stands beside the farm in a loop.
pub(super) struct Beside {
    pub(super) director: Option<Box<dyn Director>>,
    pub(super) shadow: Option<Engine>,
    pub(super) recorder: Option<Box<dyn Recorder>>,
    /// The director's commands on their way.
    wishes: Vec<Command>,
    /// Whether a command came since the units were last looked at.
    is_stale: bool,
    /// Counters of clients as the director sees them: they stand still meanwhile, and are on record.
    seen: Stats,
    counters: Vec<u64>,
    counters_before: Vec<u64>,
}

impl Beside {
    pub(super) fn new(
        director: Option<Box<dyn Director>>,
        shadow: Option<Engine>,
        recorder: Option<Box<dyn Recorder>>,
    ) -> Self {
        Self {
            director,
            shadow,
            recorder,
            wishes: Vec::new(),
            is_stale: false,
            seen: Stats::default(),
            counters: Vec::new(),
            counters_before: Vec::new(),
        }
    }

    /// Units whose cells the director wants to see.
    pub(super) fn cells(&self) -> &[UnitId] {
        self.director.as_ref().map_or(&[], |director| director.cells())
    }

    /// Notes a command that the farm took or refused. The farm without the faults takes what the other one
    /// took, but for the faults.
    pub(super) fn note(
        &mut self,
        tick: Tick,
        command: &Command,
        origin: &Origin,
        result: &Result<(), Rejection>,
    ) {
        self.is_stale = true;
        if let Some(recorder) = &mut self.recorder {
            recorder.came(tick, command, origin, result.is_err());
        }
        if let Some(shadow) = &mut self.shadow
            && result.is_ok()
            && origin.source != ControlSource::Scenario
        {
            // What only the state with the faults allows, such as a reset, is refused here.
            let _ = shadow.apply_from(command, origin, 0);
        }
    }

    /// Notes what was no command and is in the audit and in the counts all the same.
    pub(super) fn noted(&mut self, record: &AuditRecord) {
        if let Some(recorder) = &mut self.recorder {
            recorder.noted(record);
        }
    }

    /// Takes the counters of clients for the director, while it directs something.
    fn count(&mut self, tick: Tick, stats: &Stats) {
        let Some(director) = &self.director else { return };
        let view = director.view();
        let has_run = view.runs.iter().any(|run| run.phase != Phase::Done);
        if !has_run && !view.faults.iter().any(|fault| fault.is_active) {
            return;
        }
        std::mem::swap(&mut self.counters, &mut self.counters_before);
        stats.read_counters(&mut self.counters);
        self.seen.write_counters(&self.counters);
        let Some(recorder) = &mut self.recorder else { return };
        let before = self.counters_before.iter().copied().chain(std::iter::repeat(0));
        let pairs = self.counters.iter().copied().zip(before).enumerate();
        let changed = pairs.filter(|(_, (now, before))| now != before);
        let changes: Vec<(usize, u64)> = changed.map(|(place, (now, _))| (place, now)).collect();
        if !changes.is_empty() {
            recorder.counted(tick, &changes);
        }
    }

    /// Lets the recorder have the hash of the state, if it wants one.
    pub(super) fn record(&mut self, engine: &Engine) {
        if let Some(recorder) = &mut self.recorder
            && recorder.wants_hash(engine.tick())
        {
            recorder.passed(engine.tick(), &engine.state_hash());
        }
    }

    /// The last thing that the recorder hears.
    pub(super) fn end(&mut self, engine: &Engine) {
        if let Some(recorder) = &mut self.recorder {
            recorder.ended(engine.tick(), &engine.state_hash());
        }
    }
}

impl Loop {
    /// Hands a letter to the director and applies what it makes of it.
    pub(super) fn direct(
        &mut self,
        request: &StageRequest,
        origin: &Origin,
    ) -> Result<(), Rejection> {
        // It sees what those before it in the inbox have done.
        if self.beside.is_stale {
            self.show();
        }
        let seen = Arc::clone(&self.publisher.borrow());
        let mut wishes = std::mem::take(&mut self.beside.wishes);
        let result = match &mut self.beside.director {
            Some(director) => director.ask(request, &seen, &mut wishes),
            None => Err(Rejection::NotPossible {
                field: "request",
                reason: "nobody directs scenarios and faults here".to_owned(),
            }),
        };
        drop(seen);
        if let Some(recorder) = &mut self.beside.recorder {
            recorder.asked(self.engine.tick(), request, result.is_err());
        }
        let counters = &self.stats.commands;
        let (what, wall_ns, at) = (request.describe(), wall_unix_ns(), origin.source as usize);
        let noted = match &result {
            Ok(()) => {
                counters.applied[at].fetch_add(1, Ordering::Relaxed);
                self.engine.note_done(origin, what, StageRequest::ROLE, wall_ns)
            }
            Err(rejection) => {
                counters.refused[at].fetch_add(1, Ordering::Relaxed);
                wishes.clear();
                self.engine.note_refused(origin, None, what, rejection.to_string(), wall_ns)
            }
        };
        self.beside.noted(&noted);
        self.grant(wishes);
        result
    }

    /// Applies what the director wants at the start of the next tick.
    pub(super) fn take_directions(&mut self) {
        let now = self.engine.tick().next();
        let mut wishes = std::mem::take(&mut self.beside.wishes);
        if let Some(director) = &mut self.beside.director {
            director.due(now, &mut wishes);
        }
        self.grant(wishes);
    }

    fn grant(&mut self, mut wishes: Vec<Command>) {
        let origin = Origin::local(ControlSource::Scenario);
        for command in wishes.drain(..) {
            // What is refused is counted, and whoever directs sees that it had no effect.
            let _ = self.control(&command, &origin);
        }
        self.beside.wishes = wishes;
    }

    /// Looks at the units again, after commands between two ticks.
    pub(super) fn look(&mut self) {
        self.engine.look();
        if let Some(shadow) = &mut self.beside.shadow {
            shadow.look();
        }
        if std::mem::take(&mut self.beside.is_stale)
            && let Some(recorder) = &mut self.beside.recorder
        {
            recorder.looked(self.engine.tick());
        }
    }

    /// Steps the farm, and the one without the faults beside it.
    pub(super) fn step(&mut self, laps: &mut Laps<'_>) {
        self.engine.step_marked(laps);
        self.beside.is_stale = false;
        self.beside.count(self.engine.tick(), &self.stats);
        if let Some(shadow) = &mut self.beside.shadow {
            shadow.step();
        }
        self.beside.record(&self.engine);
    }

    /// The picture of now. After a tick the director sees it first, and what it makes of it is in it.
    pub(super) fn picture(&mut self, shown: &[UnitId], is_ticked: bool) -> Arc<Snapshot> {
        let Beside { director, shadow, seen, .. } = &mut self.beside;
        let wall_ns = wall_unix_ns();
        let Some(director) = director else {
            return self.engine.snapshot(self.clock, wall_ns, shown);
        };
        let free = ClockView { mode: ClockMode::Free, ..ClockView::default() };
        let without = shadow
            .as_mut()
            .filter(|_| is_ticked)
            .map(|shadow| shadow.snapshot(free, 0, director.cells()));
        self.engine.snapshot_with(self.clock, wall_ns, shown, &mut |snapshot| {
            if is_ticked {
                director.saw(snapshot, without.as_deref(), seen);
            }
            snapshot.stage = director.view();
        })
    }

    /// Stands still for as long as the director wants: no tick, no letter, no beat. Where ticks are stepped
    /// there is no time to stand still in; whoever steps sees the count. Only once it has stood the clock says so.
    pub(super) fn stall(&mut self) {
        let periods = self.beside.director.as_mut().map_or(0, |director| director.stall());
        if periods == 0 {
            return;
        }
        self.stats.ticks.stalled.fetch_add(periods, Ordering::Relaxed);
        if self.clock.mode != ClockMode::Paused {
            self.stand(periods);
        }
        self.clock.stalled_ticks += periods;
    }

    fn stand(&self, periods: u64) {
        let length = self.pacer.period().mul_f64(periods as f64);
        let watch = crate::pacer::Stopwatch::start();
        while !self.stop.load(Ordering::Acquire) {
            let left = length.saturating_sub(watch.elapsed());
            if left.is_zero() {
                return;
            }
            // Letters wake the thread; it goes on standing.
            std::thread::park_timeout(left.min(BEAT));
        }
    }
}
