//! The tick loop: one thread owns the farm; everything else reads a picture or posts a letter.
//!
//! A tick gathers letters and timed commands, applies them, steps the physics, publishes the
//! snapshot and only then answers the letters: who has an answer for tick n reads tick n or later.
//! While the clock is paused the thread sleeps until a letter wakes it, applies it and publishes.

mod directed;

use crate::engine::{Engine, PhaseMarks, State};
use crate::pacer::{Pacer, Stopwatch, wall_unix_ns};
use bess_core::command::{
    Applied, ClockCommand, Command, CommandSource, ControlSource, Mailbox, Origin, Outcome,
    Rejection, Reply, Request, Submission, validate_clock,
};
use bess_core::id::UnitId;
use bess_core::record::Recorder;
use bess_core::snapshot::{CELLS_LEASE, ClockMode, ClockView, Observer, Snapshot};
use bess_core::stage::Director;
use bess_core::stats::{Histogram, Stats, TickPhase};
use bess_core::time::Tick;
use bess_core::trace::{FieldValue, Span, SpanKind, TraceContext, Tracer};
use directed::Beside;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How the loop runs.
#[derive(Debug)]
pub struct LoopOptions {
    /// Simulated seconds per second of wall time.
    pub speed: f64,
    /// Whether the clock starts paused.
    pub paused: bool,
    /// Letters that may wait.
    pub inbox: usize,
    /// Timed commands, asked in this order before every tick.
    pub sources: Vec<Box<dyn CommandSource>>,
    /// See every snapshot.
    pub observers: Vec<Box<dyn Observer>>,
    /// Counters, shared with who made them.
    pub stats: Arc<Stats>,
    /// Collects spans of what the loop makes of letters that carry a trace.
    pub tracer: Option<Arc<dyn Tracer>>,
    /// Directs scenarios and faults; without one, letters about them are refused.
    pub director: Option<Box<dyn Director>>,
    /// The same farm at the same tick, which gets every command but those of the director.
    pub shadow: Option<Engine>,
    /// Hears of everything that comes from outside.
    pub recorder: Option<Box<dyn Recorder>>,
    /// Gets checkpoints.
    pub keeper: Option<Box<dyn Keeper>>,
}

/// Keeps checkpoints of a running farm. It is asked on the loop's thread between two ticks, and must neither
/// wait nor fail: what it gets it hands on.
pub trait Keeper: Send + std::fmt::Debug {
    /// Memory for the state, when a checkpoint is due now that `seen` is published; `None` otherwise.
    fn due(&mut self, seen: &Snapshot) -> Option<State>;
    /// Keeps `state`, of which `seen` is the picture.
    fn keep(&mut self, state: State, seen: &Snapshot);
    /// Memory for the last state, after the last tick.
    fn last(&mut self) -> State;
}

impl Default for LoopOptions {
    fn default() -> Self {
        Self {
            speed: 1.0,
            paused: false,
            inbox: 1024,
            sources: Vec::new(),
            observers: Vec::new(),
            stats: Arc::default(),
            tracer: None,
            director: None,
            shadow: None,
            recorder: None,
            keeper: None,
        }
    }
}

/// The outside's hold on a running loop.
#[derive(Debug)]
pub struct FarmHandle {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    inbox: Arc<Inbox>,
    stats: Arc<Stats>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl FarmHandle {
    /// The latest snapshot, now and later.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
    /// Where letters go.
    pub fn mailbox(&self) -> Arc<dyn Mailbox> {
        Arc::clone(&self.inbox) as Arc<dyn Mailbox>
    }
    /// Counters of the loop and the edges.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }
    /// Whether the loop has ended, by itself or by a panic.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
    /// Lets the loop finish its tick and end; letters that wait are answered as closed.
    ///
    /// # Errors
    /// When the loop panicked.
    pub fn stop(self) -> std::thread::Result<()> {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join()
    }
}

/// A letter in the inbox.
#[derive(Debug)]
struct Letter {
    submission: Submission,
    /// Since when it waits.
    since: Stopwatch,
}

#[derive(Debug)]
struct Inbox {
    letters: mpsc::Sender<Letter>,
    /// By unit: whether somebody asked something of it since the last tick.
    asked: Arc<[AtomicBool]>,
    thread: Thread,
    stats: Arc<Stats>,
}

impl Mailbox for Inbox {
    fn note_request(&self, unit: UnitId) {
        // Written once a tick at most: all connections share it.
        if let Some(asked) = self.asked.get(unit.idx())
            && !asked.load(Ordering::Relaxed)
        {
            asked.store(true, Ordering::Relaxed);
        }
    }

    fn post(&self, submission: Submission) {
        match self.letters.try_send(Letter { submission, since: Stopwatch::start() }) {
            // A paused loop sleeps; a running one wakes at its next tick anyway.
            Ok(()) => self.thread.unpark(),
            Err(mpsc::error::TrySendError::Full(letter)) => {
                self.stats.commands.busy.fetch_add(1, Ordering::Relaxed);
                letter.submission.reply.send(Err(Rejection::Busy));
            }
            Err(mpsc::error::TrySendError::Closed(letter)) => {
                letter.submission.reply.send(Err(Rejection::Closed));
            }
        }
    }
}

/// Starts the thread `farm-tick` that owns `engine`.
///
/// # Errors
/// When the system cannot start the thread.
pub fn spawn(mut engine: Engine, options: LoopOptions) -> std::io::Result<FarmHandle> {
    let (letters, inbox) = mpsc::channel(options.inbox);
    let clock = ClockView {
        mode: if options.paused { ClockMode::Paused } else { ClockMode::Running },
        speed: options.speed,
        ..ClockView::default()
    };
    let (publisher, snapshots) = watch::channel(engine.snapshot(clock, wall_unix_ns(), &[]));
    let stats = options.stats;
    stats.ticks.last_beat_unix_ns.store(wall_unix_ns(), Ordering::Relaxed);
    let stop = Arc::new(AtomicBool::new(false));
    let asked: Arc<[AtomicBool]> =
        engine.spec().units.iter().map(|_| AtomicBool::new(false)).collect();
    let ticker = Loop {
        pacer: Pacer::new(options.speed),
        engine,
        inbox,
        publisher,
        clock,
        sources: options.sources,
        observers: options.observers,
        tracer: options.tracer,
        beside: Beside::new(options.director, options.shadow, options.recorder),
        keeper: options.keeper,
        stats: Arc::clone(&stats),
        stop: Arc::clone(&stop),
        asked: Arc::clone(&asked),
        due: Vec::new(),
        answers: Vec::new(),
        steppers: Vec::new(),
        shown: Vec::new(),
    };
    let thread = std::thread::Builder::new().name("farm-tick".into()).spawn(|| ticker.run())?;
    let inbox = Arc::new(Inbox {
        letters,
        asked,
        thread: thread.thread().clone(),
        stats: Arc::clone(&stats),
    });
    Ok(FarmHandle { snapshots, inbox, stats, stop, thread })
}

/// Longest sleep of the loop: it beats at least this often, also while paused.
const BEAT: Duration = Duration::from_millis(200);
/// Time for letters in one tick; the rest wait for the next.
const LETTERS_BUDGET: Duration = Duration::from_millis(20);

/// Times the phases of a tick.
struct Laps<'s> {
    phases: &'s [Histogram],
    watch: Stopwatch,
}

impl PhaseMarks for Laps<'_> {
    fn ended(&mut self, phase: TickPhase) {
        self.phases[phase as usize].observe(self.watch.lap().as_secs_f64());
    }
}

/// A letter that was taken and is not answered yet.
struct Treated {
    reply: Reply,
    /// The trace that it belongs to, if that is collected, and since when it is taken.
    traced: Option<(TraceContext, i64)>,
}

/// A letter that waits for its step.
struct Stepper {
    letter: Treated,
    /// The tick at which it was taken, and how many from there it waits for.
    from: Tick,
    asked: u64,
}

struct Loop {
    engine: Engine,
    pacer: Pacer,
    inbox: mpsc::Receiver<Letter>,
    publisher: watch::Sender<Arc<Snapshot>>,
    clock: ClockView,
    sources: Vec<Box<dyn CommandSource>>,
    observers: Vec<Box<dyn Observer>>,
    tracer: Option<Arc<dyn Tracer>>,
    beside: Beside,
    keeper: Option<Box<dyn Keeper>>,
    stats: Arc<Stats>,
    stop: Arc<AtomicBool>,
    asked: Arc<[AtomicBool]>,
    due: Vec<Command>,
    /// Replies to send after the next publication.
    answers: Vec<(Treated, Result<(), Rejection>)>,
    /// Those to answer when the steps are done.
    steppers: Vec<Stepper>,
    shown: Vec<(UnitId, Stopwatch)>,
}

impl Loop {
    fn run(mut self) {
        while !self.stop.load(Ordering::Acquire) {
            self.stats.ticks.last_beat_unix_ns.store(wall_unix_ns(), Ordering::Relaxed);
            self.keep();
            self.note_due();
            match (self.clock.mode, self.clock.steps_left) {
                (ClockMode::Paused, 0) => {
                    if self.take_letters() {
                        self.show();
                    } else {
                        std::thread::park_timeout(BEAT);
                    }
                }
                (ClockMode::Paused, _) => {
                    let watch = Stopwatch::start();
                    if self.take_letters() && !self.is_stepping() {
                        self.show();
                        continue;
                    }
                    self.clock.steps_left -= 1;
                    self.tick(watch);
                    self.stall();
                    if self.clock.steps_left == 0 {
                        let done = self.steppers.drain(..).map(|stepper| (stepper.letter, Ok(())));
                        let done = done.collect();
                        self.answer(done);
                    }
                }
                (ClockMode::Running | ClockMode::Free, _) => self.run_paced(),
            }
        }
        self.close();
    }

    /// Writes the state down when a checkpoint is due: all that was published is in it.
    fn keep(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        let seen = Arc::clone(&self.publisher.borrow());
        if let Some(state) = keeper.due(&seen) {
            keeper.keep(write_down(&self.engine, state, &self.stats), &seen);
        }
    }

    /// Says when the next tick is due, for whoever asks how far the loop is behind.
    fn note_due(&self) {
        let is_due = self.clock.mode != ClockMode::Paused;
        let due_unix_ns = if is_due { self.pacer.due_unix_ns() } else { 0 };
        self.stats.ticks.due_unix_ns.store(due_unix_ns, Ordering::Relaxed);
    }

    /// Waits for the next tick of the schedule, or runs it when it is due.
    fn run_paced(&mut self) {
        let wait = self.pacer.remaining();
        if wait > Duration::ZERO {
            // At a slow speed nobody waits for the next tick to be answered.
            if self.pacer.period() > BEAT && self.take_letters() {
                self.show();
            } else {
                std::thread::park_timeout(wait.min(BEAT));
            }
            return;
        }
        let watch = Stopwatch::start();
        let (late, skipped) = self.pacer.start();
        self.note_due();
        if self.take_letters() && self.clock.mode == ClockMode::Paused {
            self.show();
            return;
        }
        let ticks = &self.stats.ticks;
        ticks.lateness.observe(late.as_secs_f64());
        ticks.skipped.fetch_add(skipped, Ordering::Relaxed);
        let took = self.tick(watch);
        if took > self.pacer.period() {
            self.stats.ticks.overruns.fetch_add(1, Ordering::Relaxed);
        }
        self.stall();
    }

    fn is_stepping(&self) -> bool {
        self.clock.mode == ClockMode::Paused && self.clock.steps_left > 0
    }

    /// Publishes what letters changed, without a tick.
    fn show(&mut self) {
        self.look();
        let snapshot = self.build(false);
        self.publish(snapshot);
    }

    /// One tick, whose work began with `watch`; returns how long it took.
    fn tick(&mut self, watch: Stopwatch) -> Duration {
        self.note_requests();
        self.take_timed_commands();
        self.take_directions();
        let stats = Arc::clone(&self.stats);
        let mut laps = Laps { phases: &stats.ticks.phases, watch };
        laps.ended(TickPhase::Letters);
        self.step(&mut laps);
        let snapshot = self.build(true);
        laps.ended(TickPhase::Snapshot);
        self.publish(snapshot);
        laps.ended(TickPhase::Publish);
        let took = watch.elapsed();
        self.stats.ticks.ticks.fetch_add(1, Ordering::Relaxed);
        self.stats.ticks.duration.observe(took.as_secs_f64());
        took
    }

    /// Units whose watch counts any request hear of those since the last tick.
    fn note_requests(&mut self) {
        for (idx, asked) in self.asked.iter().enumerate() {
            let unit = self.engine.spec().units[idx].id;
            if asked.load(Ordering::Relaxed)
                && asked.swap(false, Ordering::Relaxed)
                && self.engine.counts_requests(unit)
            {
                let (command, origin) = (Command::NoteRequest { unit }, Origin::default());
                let result = self.engine.apply_from(&command, &origin, 0);
                self.beside.note(self.engine.tick(), &command, &origin, &result);
            }
        }
    }

    fn take_timed_commands(&mut self) {
        let now = self.engine.tick().next();
        let mut due = std::mem::take(&mut self.due);
        for source in &mut self.sources {
            source.due(now, &mut due);
        }
        for command in due.drain(..) {
            let _ = self.control(&command, &Origin::local(ControlSource::Schedule));
        }
        self.due = due;
    }

    fn control(&mut self, command: &Command, origin: &Origin) -> Result<(), Rejection> {
        let result = self.engine.apply_from(command, origin, wall_unix_ns());
        let commands = &self.stats.commands;
        let counters = if result.is_ok() { &commands.applied } else { &commands.refused };
        counters[origin.source as usize].fetch_add(1, Ordering::Relaxed);
        self.beside.note(self.engine.tick(), command, origin, &result);
        result
    }

    /// Applies the letters that wait; whether there were any.
    fn take_letters(&mut self) -> bool {
        let watch = Stopwatch::start();
        let mut any = false;
        while watch.elapsed() < LETTERS_BUDGET {
            let Ok(letter) = self.inbox.try_recv() else {
                break;
            };
            any = true;
            let (since, letter) = (letter.since, letter.submission);
            let trace = letter.origin.trace.filter(|trace| trace.is_sampled);
            let traced = trace.filter(|_| self.tracer.is_some()).map(|t| (t, wall_unix_ns()));
            let result = match letter.request {
                Request::Control(command) => {
                    let result = self.control(&command, &letter.origin);
                    if result.is_ok() {
                        let of_source = &self.stats.commands.apply[letter.origin.source as usize];
                        of_source.observe(since.elapsed().as_secs_f64());
                    }
                    result
                }
                Request::Check(command) => self.engine.check(&command, &letter.origin),
                Request::Stage(request) => self.direct(&request, &letter.origin),
                Request::ShowCells(unit) => self.show_cells(unit),
                Request::Noted { what, needs } => {
                    let applied = &self.stats.commands.applied;
                    applied[letter.origin.source as usize].fetch_add(1, Ordering::Relaxed);
                    let noted = self.engine.note_done(&letter.origin, what, needs, wall_unix_ns());
                    self.beside.noted(&noted);
                    Ok(())
                }
                Request::Refused { unit, what, reason } => {
                    let refused = &self.stats.commands.refused;
                    refused[letter.origin.source as usize].fetch_add(1, Ordering::Relaxed);
                    let wall_ns = wall_unix_ns();
                    let noted =
                        self.engine.note_refused(&letter.origin, unit, what, reason, wall_ns);
                    self.beside.noted(&noted);
                    Ok(())
                }
                Request::Clock(commands) => {
                    match self.set_clock_on_record(&commands, &letter.origin) {
                        Ok(()) if matches!(commands.last(), Some(ClockCommand::Step(_))) => {
                            self.steppers.push(Stepper {
                                letter: Treated { reply: letter.reply, traced },
                                from: self.engine.tick(),
                                asked: self.clock.steps_left,
                            });
                            continue;
                        }
                        result => result,
                    }
                }
            };
            self.answers.push((Treated { reply: letter.reply, traced }, result));
        }
        any
    }

    fn show_cells(&mut self, unit: UnitId) -> Result<(), Rejection> {
        self.engine.check_cells(unit)?;
        self.shown.retain(|(shown, _)| *shown != unit);
        self.shown.push((unit, Stopwatch::start()));
        Ok(())
    }

    /// The clock is no part of the farm's state, and who changed it is on record all the same.
    fn set_clock_on_record(
        &mut self,
        commands: &[ClockCommand],
        origin: &Origin,
    ) -> Result<(), Rejection> {
        let result = self.set_clock(commands);
        let what: Vec<String> = commands.iter().map(ToString::to_string).collect();
        let (what, wall_ns) = (what.join("; "), wall_unix_ns());
        let counters = &self.stats.commands;
        let noted = match &result {
            Ok(()) => {
                counters.applied[origin.source as usize].fetch_add(1, Ordering::Relaxed);
                self.engine.note_done(origin, what, ClockCommand::ROLE, wall_ns)
            }
            Err(rejection) => {
                counters.refused[origin.source as usize].fetch_add(1, Ordering::Relaxed);
                self.engine.note_refused(origin, None, what, rejection.to_string(), wall_ns)
            }
        };
        self.beside.noted(&noted);
        result
    }

    fn set_clock(&mut self, commands: &[ClockCommand]) -> Result<(), Rejection> {
        commands.iter().try_for_each(|command| validate_clock(*command))?;
        for command in commands {
            match *command {
                ClockCommand::Pause => {
                    self.clock.mode = ClockMode::Paused;
                    self.end_steps();
                }
                ClockCommand::Resume => {
                    if self.clock.mode == ClockMode::Paused {
                        self.pacer.restart();
                    }
                    self.clock.mode = ClockMode::Running;
                    self.end_steps();
                }
                ClockCommand::SetSpeed(speed) => {
                    self.clock.speed = speed;
                    self.pacer.set_speed(speed);
                }
                ClockCommand::Step(ticks) => {
                    self.clock.mode = ClockMode::Paused;
                    self.clock.steps_left = self.clock.steps_left.saturating_add(ticks);
                }
            }
        }
        Ok(())
    }

    /// Whoever waits for steps that will not come is told where the clock stopped.
    fn end_steps(&mut self) {
        self.clock.steps_left = 0;
        let tick = self.engine.tick();
        let cut = self.steppers.drain(..).map(|Stepper { letter, from, asked }| {
            let ran = tick.0 - from.0;
            (letter, Err(Rejection::StepCutShort { tick, ran, asked }))
        });
        self.answers.extend(cut);
    }

    /// The picture of now, after a tick or between two.
    fn build(&mut self, is_ticked: bool) -> Arc<Snapshot> {
        let lease = Duration::from_secs_f64(CELLS_LEASE.0);
        self.shown.retain(|(_, since)| since.elapsed() < lease);
        let mut shown: Vec<UnitId> = self.shown.iter().map(|(unit, _)| *unit).collect();
        for unit in self.beside.cells() {
            if !shown.contains(unit) {
                shown.push(*unit);
            }
        }
        self.picture(&shown, is_ticked)
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        for observer in &mut self.observers {
            observer.published(&snapshot);
        }
        self.publisher.send_replace(snapshot);
        let answers = std::mem::take(&mut self.answers);
        self.answer(answers);
    }

    fn answer(&mut self, answers: Vec<(Treated, Result<(), Rejection>)>) {
        if answers.is_empty() {
            return;
        }
        let applied = {
            let seen = self.publisher.borrow();
            Applied { tick: seen.tick, publication: seen.publication }
        };
        for (letter, result) in answers {
            if let (Some(tracer), Some((parent, since_ns))) = (&self.tracer, letter.traced) {
                tracer.end(span_of_tick(tracer.child(parent), parent, since_ns, applied, &result));
            }
            let outcome: Outcome = result.map(|()| applied);
            letter.reply.send(outcome);
        }
    }

    fn close(mut self) {
        self.inbox.close();
        self.beside.end(&self.engine);
        if let Some(mut keeper) = self.keeper.take() {
            // Letters may have been taken since the last tick, and nobody was told yet.
            let seen = Arc::clone(&self.publisher.borrow());
            let state = keeper.last();
            keeper.keep(write_down(&self.engine, state, &self.stats), &seen);
        }
        let waiting = std::mem::take(&mut self.steppers);
        let closed = |stepper: Stepper| stepper.letter.reply.send(Err(Rejection::Closed));
        waiting.into_iter().for_each(closed);
        while let Ok(letter) = self.inbox.try_recv() {
            letter.submission.reply.send(Err(Rejection::Closed));
        }
    }
}

fn write_down(engine: &Engine, mut state: State, stats: &Stats) -> State {
    let watch = Stopwatch::start();
    engine.save(&mut state);
    let took_ns = u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
    stats.checkpoints.stall_ns.store(took_ns, Ordering::Relaxed);
    state
}

/// What the loop made of a letter: from when it was taken to when a snapshot showed its effect.
fn span_of_tick(
    context: TraceContext,
    parent: TraceContext,
    start_unix_ns: i64,
    applied: Applied,
    result: &Result<(), Rejection>,
) -> Span {
    let number = |n: u64| FieldValue::Count(i64::try_from(n).unwrap_or(i64::MAX));
    let word = if result.is_ok() { "applied" } else { "refused" };
    Span {
        context,
        parent: Some(parent),
        name: "tick".to_owned(),
        kind: SpanKind::Internal,
        start_unix_ns,
        end_unix_ns: wall_unix_ns(),
        fields: vec![
            ("bess.tick", number(applied.tick.0)),
            ("bess.publication", number(applied.publication)),
            ("bess.result", word.into()),
        ],
        error: result.as_ref().err().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests;
