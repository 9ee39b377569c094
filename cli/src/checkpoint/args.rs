//! The flags of `bess serve` about the farm's state, and what a start makes of what is there.

use super::folder::{self, Folder};
use super::format::{Checkpoint, Clock, Identity};
use super::keeper::{self, Keeping, Plan};
use crate::BadInput;
use bess_core::command::{ControlSource, Origin};
use bess_core::stage::StageRequest;
use bess_core::stats::Stats;
use bess_core::time::{SimTime, Tick};
use bess_simulation::pacer::wall_unix_ns;
use bess_simulation::{Engine, Keeper};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Where the farm's state is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct StateArgs {
    /// Keep the farm's state in this folder and go on from it at the next start
    #[arg(long, value_name = "DIR", env = "BESS_STATE")]
    state: Option<PathBuf>,
    /// Wall time between two checkpoints of the state, at least 100ms; one more is written at a stop
    #[arg(long, value_name = "DURATION", env = "BESS_CHECKPOINT_EVERY", default_value = "60s", value_parser = crate::duration::parse_duration)]
    checkpoint_every: f64,
    /// How many checkpoints stay in the folder, at least 1
    #[arg(long, value_name = "N", env = "BESS_CHECKPOINTS_KEEP", default_value_t = 3)]
    checkpoints_keep: usize,
    /// When the newest checkpoint cannot be read, move such files aside and go on from the newest whole one
    #[arg(long)]
    state_ignore_corrupt: bool,
    /// Go on from a checkpoint of another version of the farm file, or of another seed, as far as it fits
    #[arg(long)]
    state_other_farm: bool,
    /// End every fault, disturbance, link condition and forced point that was in force
    #[arg(long)]
    state_mend: bool,
}

/// The shortest time between two checkpoints in seconds.
const EVERY_MIN_S: f64 = 0.1;

/// A folder that was taken, and what a start goes on from.
#[derive(Debug)]
pub(crate) struct Taken {
    folder: Folder,
    every: Duration,
    keep: usize,
    other_farm: bool,
    pub(crate) found: Option<Restored>,
}

/// A checkpoint to go on from.
#[derive(Debug)]
pub(crate) struct Restored {
    path: PathBuf,
    checkpoint: Checkpoint,
    /// Whether what testers left in force ends.
    mend: bool,
}

impl StateArgs {
    /// Takes the folder and reads the newest checkpoint in it.
    ///
    /// # Errors
    /// When a flag is out of range, the folder cannot be used, or the checkpoint cannot be read.
    pub(crate) fn take(&self) -> Result<Option<Taken>, BadInput> {
        if !(EVERY_MIN_S..=86_400.0).contains(&self.checkpoint_every) {
            let given = self.checkpoint_every;
            let message =
                format!("--checkpoint-every must be from {EVERY_MIN_S}s to 24h, got {given}s");
            return Err(BadInput(message));
        }
        if self.checkpoints_keep == 0 {
            return Err(BadInput("--checkpoints-keep must be at least 1, got 0".to_owned()));
        }
        let Some(path) = &self.state else {
            let flags = [
                ("--state-ignore-corrupt", self.state_ignore_corrupt),
                ("--state-other-farm", self.state_other_farm),
                ("--state-mend", self.state_mend),
            ];
            return match flags.iter().find(|(_, given)| *given) {
                Some((flag, _)) => Err(BadInput(format!("{flag} needs --state"))),
                None => Ok(None),
            };
        };
        let folder = Folder::take(path)?;
        let found = self.newest(path)?;
        let every = Duration::from_secs_f64(self.checkpoint_every);
        let (keep, other_farm) = (self.checkpoints_keep, self.state_other_farm);
        Ok(Some(Taken { folder, every, keep, other_farm, found }))
    }

    /// Whether the state is kept anywhere.
    pub(crate) fn is_kept(&self) -> bool {
        self.state.is_some()
    }

    fn newest(&self, folder: &Path) -> Result<Option<Restored>, BadInput> {
        let unreadable = |path: &Path, error: &std::io::Error| {
            BadInput(format!("cannot read {}: {error}", path.display()))
        };
        let mut all = folder::list(folder).map_err(|error| unreadable(folder, &error))?;
        while let Some(path) = all.pop() {
            let read = folder::read(&path).map_err(|error| unreadable(&path, &error))?;
            let why = match read {
                Ok(checkpoint) => {
                    return Ok(Some(Restored { path, checkpoint, mend: self.state_mend }));
                }
                Err(broken) => broken,
            };
            if !self.state_ignore_corrupt {
                let path = path.display();
                return Err(BadInput(format!(
                    "cannot go on from the checkpoint {path}: {why}\nhint: nothing was changed. `bess checkpoint show {path}` says more; move the file away, or start with --state-ignore-corrupt, to go on from the one before it; `bess restore` brings a backup back"
                )));
            }
            let mut aside = path.clone().into_os_string();
            aside.push(".corrupt");
            std::fs::rename(&path, &aside).map_err(|error| unreadable(&path, &error))?;
            tracing::error!(path = %path.display(), %why, "a checkpoint cannot be read; it was moved aside to *.corrupt");
        }
        Ok(None)
    }
}

impl Taken {
    /// The simulated instant of tick 0, where the farm goes on.
    pub(crate) fn start(&self) -> Option<SimTime> {
        let unix_ns = self.found.as_ref()?.checkpoint.header.start_unix_ns;
        Some(SimTime { unix_ns })
    }

    /// Checks that what was found is of this farm.
    ///
    /// # Errors
    /// What differs.
    pub(crate) fn check(&self, identity: &Identity) -> Result<(), BadInput> {
        let Some(Restored { path, checkpoint, .. }) = &self.found else { return Ok(()) };
        let differences = checkpoint.header.identity.differences(identity);
        if differences.is_empty() {
            return Ok(());
        }
        let differ = differences.join("; ");
        if self.other_farm {
            tracing::warn!(%differ, "the checkpoint is of another farm");
            return Ok(());
        }
        let path = path.display();
        Err(BadInput(format!(
            "the checkpoint {path} is of another farm: {differ}\nhint: give the farm that it is of, or another folder with --state; --state-other-farm goes on from it as far as it fits"
        )))
    }

    /// Starts to keep checkpoints of a farm whose clock was `given` like this.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub(crate) fn begin(
        self,
        identity: Identity,
        given: (f64, bool),
        stats: Arc<Stats>,
    ) -> anyhow::Result<(Keeping, Box<dyn Keeper>)> {
        let Self { folder, every, keep, .. } = self;
        keeper::start(Plan { folder, identity, every, keep, given }, stats)
    }
}

impl Restored {
    /// The last tick that it knows of.
    pub(crate) fn tick(&self) -> Tick {
        Tick(self.checkpoint.header.tick)
    }
    /// Records that the audit had.
    pub(crate) fn audit_total(&self) -> u64 {
        self.checkpoint.header.audit_total
    }

    /// Speed and pause: as they were, unless the command line says something else than it did then.
    pub(crate) fn clock(&self, given: (f64, bool)) -> (f64, bool) {
        let Clock { speed, paused, given_speed, given_paused } = self.checkpoint.header.clock;
        let is_same = given_speed.to_bits() == given.0.to_bits() && given_paused == given.1;
        if is_same { (speed, paused) } else { given }
    }

    /// Puts the farm where it stood.
    ///
    /// # Errors
    /// Where the state does not fit.
    pub(crate) fn load_into(&self, engine: &mut Engine) -> Result<(), BadInput> {
        let loaded = engine.load(&self.checkpoint.sections);
        if loaded.is_ok() && self.mend {
            let ended = engine.mend();
            tracing::warn!(ended, "what was made wrong in the farm was ended");
        }
        loaded.map_err(|misfit| {
            let (path, bess) = (self.path.display(), &self.checkpoint.header.bess);
            BadInput(format!(
                "the checkpoint {path}, of bess {bess}, does not fit: {misfit}\nhint: nothing was changed; start with the farm file and the version that wrote it, or with another folder for --state"
            ))
        })
    }

    /// Says that the farm goes on: in the log, in its events, and in its audit of scenarios that were cut
    /// off.
    pub(crate) fn tell(&self, engine: &mut Engine, stats: &Stats) {
        let (header, path) = (&self.checkpoint.header, self.path.display());
        engine.note_restored();
        let stopped_s = (wall_unix_ns() - header.wall_unix_ns) as f64 / 1e9;
        tracing::info!(tick = header.tick, stopped_s, %path, "the farm goes on from a checkpoint");
        for run in &header.runs {
            tracing::warn!(run, "a scenario was cut off by the restart; its faults stay in force");
            let what = format!("scenario run {run} was cut off by a restart");
            let origin = Origin::local(ControlSource::Scenario);
            engine.note_done(&origin, what, StageRequest::ROLE, wall_unix_ns());
        }
        let checkpoints = &stats.checkpoints;
        checkpoints.last_tick.store(header.tick, Relaxed);
        checkpoints.last_unix_ns.store(header.wall_unix_ns, Relaxed);
        checkpoints.size_bytes.store(self.checkpoint.size as u64, Relaxed);
    }
}
