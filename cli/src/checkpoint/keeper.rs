//! Between the tick loop and the disk: the loop writes its state into memory, a thread of its own writes
//! that to the folder. The memory goes back and forth, so that nothing is allocated twice.

use super::folder::Folder;
use super::format::{Clock, Header, Identity};
use anyhow::Context;
use bess_core::snapshot::{ClockMode, Snapshot};
use bess_core::stage::Phase;
use bess_core::stats::Stats;
use bess_simulation::{Keeper, State};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How checkpoints are kept.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) folder: Folder,
    pub(super) identity: Identity,
    pub(super) every: Duration,
    pub(super) keep: usize,
    /// Speed and pause as the command line gives them.
    pub(super) given: (f64, bool),
}

/// Checkpoints that are being kept.
#[derive(Debug)]
pub(crate) struct Keeping(JoinHandle<bool>);

impl Keeping {
    /// Waits until the last checkpoint is on disk; after the loop has ended.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let is_written = self.0.join().map_err(|_| anyhow::anyhow!("its thread broke"));
        let is_written = is_written.context("the last checkpoint was not written")?;
        anyhow::ensure!(is_written, "the last checkpoint was not written; the log says why");
        Ok(())
    }
}

/// Starts the thread that writes.
///
/// # Errors
/// When the system cannot start it.
pub(super) fn start(plan: Plan, stats: Arc<Stats>) -> anyhow::Result<(Keeping, Box<dyn Keeper>)> {
    let Plan { folder, identity, every, keep, given } = plan;
    let (letters, inbox) = channel();
    let (back, returned) = channel();
    stats.checkpoints.is_on.store(1, Relaxed);
    let writer = Writer { folder, keep, stats, inbox, back };
    let thread = std::thread::Builder::new()
        .name("bess-checkpoint".into())
        .spawn(move || writer.run())
        .context("cannot start the thread of the checkpoints")?;
    let loop_end = LoopEnd {
        identity,
        every,
        given,
        last: Instant::now(),
        last_publication: None,
        spare: Some(State::default()),
        letters,
        returned,
    };
    Ok((Keeping(thread), Box::new(loop_end)))
}

/// The loop's end of it.
#[derive(Debug)]
struct LoopEnd {
    identity: Identity,
    every: Duration,
    given: (f64, bool),
    last: Instant,
    /// What was published last when a state was taken: nothing new is not written again.
    last_publication: Option<u64>,
    spare: Option<State>,
    letters: Sender<(Header, State)>,
    returned: Receiver<State>,
}

impl Keeper for LoopEnd {
    fn due(&mut self, seen: &Snapshot) -> Option<State> {
        if self.last.elapsed() < self.every || self.last_publication == Some(seen.publication) {
            return None;
        }
        // While the disk has not taken the last one yet, there is no memory for the next.
        self.spare.take().or_else(|| self.returned.try_recv().ok())
    }

    fn keep(&mut self, state: State, seen: &Snapshot) {
        self.last = Instant::now();
        self.last_publication = Some(seen.publication);
        let runs = seen.stage.runs.iter().filter(|run| run.phase != Phase::Done);
        let header = Header {
            clock: Clock {
                speed: seen.clock.speed,
                paused: seen.clock.mode == ClockMode::Paused,
                given_speed: self.given.0,
                given_paused: self.given.1,
            },
            runs: runs.map(|run| run.id.clone()).collect(),
            audit_total: seen.audit.total(),
            ..Header::of(&seen.spec.name, self.identity.clone(), &state)
        };
        // A writer that is gone has said why, and `finish` says it again.
        let _ = self.letters.send((header, state));
    }

    fn last(&mut self) -> State {
        // The last one may be on its way to the disk still.
        self.spare.take().or_else(|| self.returned.try_recv().ok()).unwrap_or_default()
    }
}

struct Writer {
    folder: Folder,
    keep: usize,
    stats: Arc<Stats>,
    inbox: Receiver<(Header, State)>,
    back: Sender<State>,
}

impl Writer {
    /// Writes until the loop has ended; whether the last one was written.
    fn run(self) -> bool {
        let mut is_written = true;
        while let Ok((header, state)) = self.inbox.recv() {
            is_written = self.write(header, &state);
            let _ = self.back.send(state);
        }
        is_written
    }

    fn write(&self, header: Header, state: &State) -> bool {
        let (stats, wall_unix_ns) = (&self.stats.checkpoints, header.wall_unix_ns);
        let tick = header.tick;
        match self.folder.write(header, state) {
            Ok(size) => {
                stats.written.fetch_add(1, Relaxed);
                stats.last_tick.store(tick, Relaxed);
                stats.size_bytes.store(size, Relaxed);
                stats.last_unix_ns.store(wall_unix_ns, Relaxed);
                tracing::debug!(tick, size, "checkpoint written");
            }
            Err(error) => {
                stats.failures.fetch_add(1, Relaxed);
                tracing::error!(%error, tick, "cannot write a checkpoint; the farm goes on without");
                return false;
            }
        }
        if let Err(error) = self.folder.prune(self.keep) {
            tracing::warn!(%error, "cannot delete old checkpoints");
        }
        true
    }
}
