//! Repeats a recorded run and says whether every bit is the same.
//!
//! What came from outside comes from the file. Runs and faults are directed anew, from the texts in the file;
//! what the director decides is compared with what it decided then, and the farm gets the latter: so the
//! farm is the same in any case. Counts of requests and connections, on which a decision may hang, are in the
//! file too.

use super::text::{Entry, StageEntry, StageSource};
use super::{Recording, RememberingBook};
use crate::texts::hex;
use anyhow::bail;
use bess_core::audit::AuditRecord;
use bess_core::command::{Command, ControlSource, Origin};
use bess_core::snapshot::{ClockMode, ClockView, Snapshot};
use bess_core::stage::{Director, FaultWish, Observation, Prepared, StageBook, StageRequest};
use bess_core::stats::Stats;
use bess_core::time::Tick;
use bess_simulation::Engine;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// Who directs a replay, and who reads what it is to direct.
pub(crate) struct Stage {
    pub(crate) director: Box<dyn Director>,
    pub(crate) book: Arc<RememberingBook>,
}

/// What a replay came to. Every state was the same.
#[derive(Debug, PartialEq)]
pub(crate) struct Replayed {
    /// The last tick.
    pub(crate) end: Tick,
    /// Commands that came from outside.
    pub(crate) commands: u64,
    /// Hashes of the state that were compared.
    pub(crate) hashes: u64,
    /// Commands of scenarios and faults.
    pub(crate) directed: u64,
    /// The first decision of a scenario that is another one now; `None` where all are the same, or nobody
    /// directs.
    pub(crate) other_decision: Option<String>,
    /// Runs of scenarios that were started.
    pub(crate) runs: Vec<String>,
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { end, commands, hashes, directed, other_decision, .. } = self;
        write!(
            f,
            "replayed {end} ticks ({} s) with {commands} commands of clients and {directed} of scenarios \
             and faults: every bit is the same, by {hashes} hashes of the state",
            end.elapsed_s()
        )?;
        match other_decision {
            None => Ok(()),
            Some(other) => write!(f, "\nnote: a scenario decides otherwise now: {other}"),
        }
    }
}

/// Repeats the run; `stage` directs its runs and faults once more.
///
/// # Errors
/// When the run is another one now, or the recording cannot be repeated.
pub(crate) fn replay(
    recording: &Recording,
    workers: usize,
    stage: Option<Stage>,
) -> anyhow::Result<Replayed> {
    let engine = recording.engine(workers);
    let mut play = Play {
        shadow: (stage.is_some() && recording.header.shadow).then(|| recording.engine(1)),
        engine,
        stage,
        stalled_ticks: 0,
        stats: Stats::default(),
        decided: VecDeque::new(),
        asked_due: None,
        seen: None,
        is_stale: false,
        last_same: None,
        replayed: Replayed {
            end: Tick(0),
            commands: 0,
            hashes: 0,
            directed: 0,
            other_decision: None,
            runs: Vec::new(),
        },
    };
    play.compare(&recording.header.state_sha256)?;
    for entry in recording.entries()? {
        play.take(entry?)?;
    }
    Ok(play.replayed)
}

struct Play {
    engine: Engine,
    shadow: Option<Engine>,
    stage: Option<Stage>,
    /// Ticks for which the loop stood still then.
    stalled_ticks: u64,
    /// Counters of clients as they were then.
    stats: Stats,
    /// What the director decided and the file has not told yet.
    decided: VecDeque<Command>,
    /// The tick for which the director was asked what is due.
    asked_due: Option<Tick>,
    seen: Option<Arc<Snapshot>>,
    is_stale: bool,
    last_same: Option<Tick>,
    replayed: Replayed,
}

impl Play {
    fn take(&mut self, entry: Entry) -> anyhow::Result<()> {
        // The director sees them at the end of their tick.
        if let Entry::Counters { tick, changed } = &entry {
            self.run_to(Tick(tick.0.saturating_sub(1)));
            return self.count(changed);
        }
        self.run_to(entry.tick());
        match entry {
            Entry::Command { from, refused, command, .. } => {
                self.command(&command, &from, refused)?;
            }
            Entry::Stage { request, refused, .. } => self.ask(request, refused)?,
            Entry::Note { from: origin, unit, what, needs, refused, .. } => {
                let tick = self.engine.tick();
                let record =
                    AuditRecord { tick, wall_unix_ns: 0, origin, unit, what, needs, refused };
                self.engine.note_beside(record);
            }
            Entry::Counters { .. } => {}
            Entry::Look { .. } => self.look(),
            Entry::State { sha256, .. } => self.compare(&sha256)?,
            Entry::End { sha256, .. } => {
                self.compare(&sha256)?;
                self.replayed.end = self.engine.tick();
            }
        }
        Ok(())
    }

    fn run_to(&mut self, tick: Tick) {
        if self.stage.is_none() {
            self.engine.run(tick.0.saturating_sub(self.engine.tick().0), &mut |_, _| {});
            return;
        }
        while self.engine.tick() < tick {
            self.ask_due();
            self.note_left_over();
            self.engine.step();
            if let Some(shadow) = &mut self.shadow {
                shadow.step();
            }
            self.is_stale = false;
            self.asked_due = None;
            self.see(true);
        }
    }

    fn count(&mut self, changed: &[(usize, u64)]) -> anyhow::Result<()> {
        let mut counters = Vec::new();
        self.stats.read_counters(&mut counters);
        for (place, value) in changed {
            let Some(counter) = counters.get_mut(*place) else {
                bail!("the recording counts what this version of bess does not");
            };
            *counter = *value;
        }
        self.stats.write_counters(&counters);
        Ok(())
    }

    fn look(&mut self) {
        self.engine.look();
        if let Some(shadow) = &mut self.shadow {
            shadow.look();
        }
        self.is_stale = false;
        self.see(false);
    }

    /// Shows the farm to the director.
    fn see(&mut self, is_ticked: bool) {
        let Some(Stage { director, .. }) = &mut self.stage else { return };
        let clock = ClockView {
            mode: ClockMode::Free,
            stalled_ticks: self.stalled_ticks,
            ..ClockView::default()
        };
        let cells = director.cells().to_vec();
        let without = self
            .shadow
            .as_mut()
            .filter(|_| is_ticked)
            .map(|shadow| shadow.snapshot(clock, 0, &cells));
        let stats = &self.stats;
        self.seen = Some(self.engine.snapshot_with(clock, 0, &cells, &mut |snapshot| {
            if is_ticked {
                director.saw(snapshot, without.as_deref(), stats);
            }
            snapshot.stage = director.view();
        }));
        if is_ticked {
            // The loop stood still then; nobody waits now.
            self.stalled_ticks += director.stall();
        }
    }

    fn command(&mut self, command: &Command, from: &Origin, refused: bool) -> anyhow::Result<()> {
        let is_directed = from.source == ControlSource::Scenario;
        if is_directed {
            self.replayed.directed += 1;
            self.compare_decision(command);
        } else if !matches!(command, Command::NoteRequest { .. }) {
            self.replayed.commands += 1;
        }
        let result = self.engine.apply_from(command, from, 0);
        self.is_stale = true;
        if result.is_err() != refused {
            let (at, what) = (self.engine.tick(), command.describe());
            let now = result.err().map_or("applied".to_owned(), |error| error.to_string());
            bail!(
                "the run is another one: after tick {at} `{what}` is not treated as it was: {now}"
            );
        }
        if let Some(shadow) = &mut self.shadow
            && !refused
            && !is_directed
        {
            let _ = shadow.apply_from(command, from, 0);
        }
        Ok(())
    }

    fn ask(&mut self, request: StageEntry, refused: bool) -> anyhow::Result<()> {
        if self.stage.is_none() {
            return Ok(());
        }
        if self.seen.is_none() || self.is_stale {
            self.see(false);
        }
        let request = self.request(request)?;
        let (Some(Stage { director, .. }), Some(seen)) = (&mut self.stage, &self.seen) else {
            return Ok(());
        };
        let mut wishes = Vec::new();
        let result = director.ask(&request, seen, &mut wishes);
        if result.is_ok() {
            self.decided.extend(wishes);
            if let StageRequest::StartRun { id, .. } = &request {
                self.replayed.runs.push(id.clone());
            }
        }
        if result.is_err() != refused {
            let now = result.err().map_or("taken".to_owned(), |error| error.to_string());
            self.note_other(&format!("`{}` is now {now}", request.describe()));
        }
        Ok(())
    }

    fn request(&self, request: StageEntry) -> anyhow::Result<StageRequest> {
        Ok(match request {
            StageEntry::Inject { id, source } => {
                let prepared = self.read(&source, false)?;
                StageRequest::Inject(FaultWish { id, prepared })
            }
            StageEntry::EndFault(id) => StageRequest::EndFault(id),
            StageEntry::EndFaults => StageRequest::EndFaults,
            StageEntry::StartRun { id, source } => {
                let prepared = self.read(&source, true)?;
                StageRequest::StartRun { id, prepared }
            }
            StageEntry::EndRun(id) => StageRequest::EndRun(id),
            StageEntry::Observe { run, what, unit, text } => {
                StageRequest::Observe { run, observation: Observation { what, unit, text } }
            }
        })
    }

    fn read(&self, source: &StageSource, is_scenario: bool) -> anyhow::Result<Prepared> {
        let Some(Stage { book, .. }) = &self.stage else { bail!("nobody directs this replay") };
        let spec = self.engine.spec();
        Ok(if is_scenario {
            book.again(source, spec)?
        } else {
            book.read_fault(&source.file, &source.text, spec)?
        })
    }

    /// Asks the director once a tick what is due at its start.
    fn ask_due(&mut self) {
        let next = self.engine.tick().next();
        if self.asked_due == Some(next) {
            return;
        }
        self.asked_due = Some(next);
        if let Some(Stage { director, .. }) = &mut self.stage {
            let mut due = Vec::new();
            director.due(next, &mut due);
            self.decided.extend(due);
        }
    }

    fn compare_decision(&mut self, recorded: &Command) {
        if self.stage.is_none() {
            return;
        }
        if self.decided.is_empty() {
            self.ask_due();
        }
        match self.decided.pop_front() {
            Some(decided) if decided == *recorded => {}
            other => {
                let now = other.map_or("nothing".to_owned(), |command| command.describe());
                self.note_other(&format!("then {}, now {now}", recorded.describe()));
            }
        }
    }

    fn note_left_over(&mut self) {
        if let Some(command) = self.decided.pop_front() {
            self.note_other(&format!("then nothing, now {}", command.describe()));
            self.decided.clear();
        }
    }

    fn note_other(&mut self, what: &str) {
        let at = self.engine.tick();
        self.replayed.other_decision.get_or_insert_with(|| format!("after tick {at} {what}"));
    }

    fn compare(&mut self, recorded: &str) -> anyhow::Result<()> {
        let at = self.engine.tick();
        if hex(&self.engine.state_hash()) == recorded {
            self.last_same = Some(at);
            self.replayed.hashes += 1;
            return Ok(());
        }
        match self.last_same {
            None => bail!(
                "the farm of this bess is not the recorded one, before its first tick: another version?"
            ),
            Some(same) => bail!(
                "the run is another one: its state is the recorded one up to tick {same} and differs at tick {at} ({} s)",
                at.elapsed_s()
            ),
        }
    }
}
