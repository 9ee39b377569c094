//! The form of a recording: one value of RON a line. Each line begins with a digest of itself and of all
//! before it, so that a changed line is found, and its place.

use crate::texts::{Texts, hex};
use bess_core::command::{Command, Origin};
use bess_core::id::UnitId;
use bess_core::role::Role;
use bess_core::series::Series;
use bess_core::time::{SimTime, Tick};
use bess_simulation::Engine;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What the first line says of the form.
pub(crate) const FORMAT: &str = "bess-recording/v1";

/// Records that drove the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub(crate) frequency: Option<Series>,
    pub(crate) voltage: Option<Series>,
    pub(crate) ambient: Option<Series>,
}

/// The first line: what the run began with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: String,
    /// Version of bess.
    pub(crate) version: String,
    /// Its commit, where it is known.
    pub(crate) revision: String,
    /// SHA-256 of the farm file and of the files that it names.
    pub(crate) farm_sha256: String,
    /// Seed of the farm.
    pub(crate) seed: u64,
    /// The shard that was run and the units of a shard; absent where the farm was run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<(usize, usize)>,
    /// Simulated instant of tick 0.
    pub(crate) start: SimTime,
    /// Whether the farm ran beside one without faults.
    pub(crate) shadow: bool,
    pub(crate) farm: Texts,
    pub(crate) modbus: Option<Texts>,
    pub(crate) inputs: Inputs,
    /// SHA-256 of the state at tick 0.
    pub(crate) state_sha256: String,
}

impl Header {
    /// What a run with `engine`, at tick 0, begins with.
    pub(crate) fn of(
        engine: &Engine,
        start: SimTime,
        farm: Texts,
        modbus: Option<Texts>,
        inputs: &bess_simulation::Inputs,
    ) -> Self {
        let kept = |series: &Option<Arc<Series>>| series.as_deref().cloned();
        Self {
            format: FORMAT.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: option_env!("BESS_REVISION").unwrap_or("unknown").to_owned(),
            farm_sha256: farm.sha256(),
            seed: engine.spec().seed,
            shard: engine.spec().shard.as_ref().map(|shard| (shard.index, shard.units_per_shard)),
            start,
            shadow: false,
            farm,
            modbus,
            inputs: Inputs {
                frequency: kept(&inputs.frequency),
                voltage: kept(&inputs.voltage),
                ambient: kept(&inputs.ambient),
            },
            state_sha256: hex(&engine.state_hash()),
        }
    }
}

/// A later line. Each is after its tick and before the next one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "the common line is the large one")]
pub(crate) enum Entry {
    /// A command came.
    Command {
        tick: Tick,
        from: Origin,
        /// Whether it was refused.
        #[serde(default, skip_serializing_if = "is_not")]
        refused: bool,
        command: Command,
    },
    /// Somebody asked who directs scenarios and faults.
    Stage {
        tick: Tick,
        #[serde(default, skip_serializing_if = "is_not")]
        refused: bool,
        request: StageEntry,
    },
    /// Something that is no command came into the audit: a request to who directs, to the clock or to the
    /// log, or a write that an edge refused.
    Note {
        tick: Tick,
        from: Origin,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<UnitId>,
        what: String,
        needs: Role,
        /// Why it was refused, where it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// Counters of clients, for who directs, at the end of the tick: those that changed.
    Counters { tick: Tick, changed: Vec<(usize, u64)> },
    /// The units were looked at, after commands.
    Look { tick: Tick },
    /// SHA-256 of the state at the end of the tick.
    State { tick: Tick, sha256: String },
    /// The run ended; the last line.
    End { tick: Tick, sha256: String },
}

fn is_not(refused: &bool) -> bool {
    !refused
}

/// What was asked of who directs scenarios and faults, with the texts that were read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum StageEntry {
    Inject { id: String, source: StageSource },
    EndFault(String),
    EndFaults,
    StartRun { id: String, source: StageSource },
    EndRun(String),
    Observe { run: String, what: String, unit: Option<UnitId>, text: String },
}

/// The text of a fault or of a scenario, and what was given beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StageSource {
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) seed: Option<u64>,
    /// Files that it names, each with its name there and its text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<(String, String)>,
}

impl Entry {
    /// The tick after which it is.
    pub(crate) fn tick(&self) -> Tick {
        match self {
            Self::Command { tick, .. }
            | Self::Stage { tick, .. }
            | Self::Note { tick, .. }
            | Self::Counters { tick, .. }
            | Self::Look { tick }
            | Self::State { tick, .. }
            | Self::End { tick, .. } => *tick,
        }
    }
}

/// Digits of a digest before a line: enough that a line is not changed by chance.
const DIGITS: usize = 16;

/// The digest of all lines so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain(Sha256);

impl Chain {
    /// The line that says `value`.
    ///
    /// # Errors
    /// When RON has no form for it.
    pub(crate) fn line(&mut self, value: &impl Serialize) -> Result<String, ron::Error> {
        let text = ron::to_string(value)?;
        Ok(format!("{} {text}\n", self.digest(&text)))
    }

    /// What the next line says.
    ///
    /// # Errors
    /// What is wrong with it, with the column where that is known.
    pub(crate) fn value<T: DeserializeOwned>(&mut self, line: &str) -> Result<T, String> {
        let whole = line.strip_suffix('\n').ok_or("the line is torn off")?;
        let (digest, text) = whole.split_once(' ').ok_or("a line begins with its digest")?;
        if digest != self.digest(text) {
            return Err("the line, or one before it, is not as it was written".to_owned());
        }
        ron::from_str(text).map_err(|error| {
            format!("column {}: {}", error.span.start.col + DIGITS + 1, error.code)
        })
    }

    fn digest(&mut self, text: &str) -> String {
        self.0.update(text.as_bytes());
        self.0.update(b"\n");
        let mut digits = hex(&self.0.clone().finalize());
        digits.truncate(DIGITS);
        digits
    }
}
