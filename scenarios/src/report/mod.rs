//! What a run came to, as one value of plain data: every form of a report is made from it.
//!
//! Times are in seconds from the zero of the time line, in simulated time; what happened before (waiting
//! for clients, the baseline) is negative.
//!
//! The forms are made by [`json()`], [`junit()`] and [`html()`]: the same report gives the same bytes.

mod fields;
mod html;
mod json;
mod junit;
#[cfg(test)]
mod sample;
mod value;
mod words;

pub use html::html;
pub use json::{json, report_schema};
pub use junit::junit;

use bess_core::snapshot::FaultPlane;
use bess_core::stage::{CheckState, Effect, Severity, Verdict};
use bess_core::time::SimTime;

/// A run that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Id of the run.
    pub run: String,
    /// The scenario.
    pub scenario: ScenarioPart,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, in a sentence; empty where it passed.
    pub reason: String,
    /// How it was run.
    pub host: HostPart,
    /// The farm.
    pub farm: FarmPart,
    /// Seed of its chance; never 0, which asks for a drawn one.
    pub seed: u64,
    /// Parameters: name, value, and whether it was set from outside.
    pub params: Vec<(String, String, bool)>,
    /// Whether it comes out the same again.
    pub determinism: Determinism,
    /// Simulated instant of the zero of the time line (of the start, where that never began).
    pub zero: SimTime,
    /// When it was started, <= 0.
    pub start_s: f64,
    /// When the look at the steady state began; `None` where it never did.
    pub baseline_s: Option<f64>,
    /// When it ended.
    pub end_s: f64,
    /// Length of the time line as planned.
    pub duration_s: f64,
    /// The system under test.
    pub sut: SutPart,
    /// Whom the named targets were, in the order of the text.
    pub targets: Vec<TargetPart>,
    /// What was done, in the order of the text.
    pub actions: Vec<ActionPart>,
    /// What was checked: first the steady state, then the expectations, in the order of the text.
    pub checks: Vec<CheckPart>,
    /// What is true in every run.
    pub invariants: Vec<InvariantPart>,
    /// Numbers that an outside system can be graded by.
    pub scores: Scores,
    /// Times of the samples.
    pub sample_s: Vec<f64>,
    /// Recorded signals; each has one sample for each of those times.
    pub signals: Vec<SignalPart>,
    /// Signals that were asked for and are not here, with the reason.
    pub signals_left_out: Vec<(String, String)>,
    /// When alarms stood, by their begin.
    pub alarms: Vec<AlarmPart>,
    /// States of units, by unit and begin.
    pub states: Vec<StatePart>,
    /// What was written to the farm from outside or by `control.*`, by time.
    pub commands: Vec<CommandPart>,
    /// Commands that are not listed because there were too many.
    pub commands_left_out: u64,
    /// What happened, by time.
    pub events: Vec<EventPart>,
    /// Events that are not listed because there were too many.
    pub events_left_out: u64,
    /// What an outside system noticed, by time.
    pub observations: Vec<ObservationPart>,
}

/// What a scenario is called and about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScenarioPart {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What happens in it.
    pub summary: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its sources.
    pub refs: Vec<String>,
    /// How grave it is: `info`, `minor`, `major`, `critical`.
    pub severity: &'static str,
    /// FNV-1a of its text, in hexadecimal: tells two versions apart.
    pub digest: String,
    /// What it was read as: a path, or the id of one that comes with bess; `text` where it was sent.
    pub file: String,
}

/// How a run was run.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPart {
    /// Version of bess.
    pub version: String,
    /// Who asks and writes beside the scenario.
    pub attendance: Attendance,
    /// Whether a farm without the faults ran beside it.
    pub has_shadow: bool,
    /// How its runs are run again.
    pub again: Again,
}

/// How a run is run again from a command line: scenario, seed and parameters come from the run itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Again {
    /// By `bess scenario run`, with these flags more.
    Run(Vec<String>),
    /// By `bess serve`, with these flags more; as far as whoever attends does the same again.
    Serve(Vec<String>),
    /// Out of the recording in this folder.
    Replay(String),
}

impl Default for Again {
    fn default() -> Self {
        Self::Run(Vec::new())
    }
}

/// Who asks and writes beside the scenario, as far as its repetition is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attendance {
    /// Nobody can.
    Alone,
    /// The built-in EMS, in step with the ticks.
    Lockstep,
    /// A recording of what was written before.
    Replayed,
    /// Anybody, and it is recorded.
    Recorded,
    /// Anybody.
    Live,
}

impl Attendance {
    /// Every one, with its name in reports.
    pub const ALL: [(&'static str, Self); 5] = [
        ("alone", Self::Alone),
        ("lockstep", Self::Lockstep),
        ("replayed", Self::Replayed),
        ("recorded", Self::Recorded),
        ("live", Self::Live),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Whether a run comes out the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Determinism {
    /// From the file and the seed.
    Deterministic,
    /// From those and the recorded commands.
    Recorded,
    /// No.
    Live,
}

impl Determinism {
    /// Every one, with its name in reports.
    pub const ALL: [(&'static str, Self); 3] = [
        ("deterministic", Self::Deterministic),
        ("recorded", Self::Recorded),
        ("live", Self::Live),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// It in a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::Deterministic => "the same file and seed give the same run",
            Self::Recorded => "the same file, seed and recorded commands give the same run",
            Self::Live => "somebody outside took part and was not recorded",
        }
    }
}

/// The farm of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FarmPart {
    /// Its name.
    pub name: String,
    /// Number of units.
    pub n_units: usize,
    /// Sum of the units' rated power in W.
    pub rated_power_w: f64,
    /// Sum of the units' nominal energy in Wh.
    pub nominal_energy_wh: f64,
    /// Its seed.
    pub seed: u64,
}

/// The system under test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SutPart {
    /// `external`, `stub` or `none`.
    pub mode: &'static str,
    /// Clients that had to be there before the time line began.
    pub expect_clients: usize,
    /// Who wrote: addresses, each with the number of its writes.
    pub writers: Vec<(String, u64)>,
}

/// Whom a named target was.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetPart {
    /// Its name.
    pub name: String,
    /// `unit`, `rack`, `cell`, ….
    pub kind: &'static str,
    /// Ids such as `unit-003/rack-1`; as they were last, where it is resolved at each use.
    pub ids: Vec<String>,
    /// Ids that are not listed because there are too many.
    pub left_out: usize,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionPart {
    /// Its id.
    pub id: String,
    /// What, such as `device.pcs.trip` or `control.mark`.
    pub kind: &'static str,
    /// What it makes wrong; `None` for `control.*`.
    pub plane: Option<FaultPlane>,
    /// Name of its target; empty where it has none.
    pub target: String,
    /// Each time that it was done; none where it was left out.
    pub times: Vec<TimePart>,
    /// Why it was not done, or not each time; empty otherwise.
    pub left_out: String,
    /// Whether it took effect; the best of its times.
    pub effect: Effect,
    /// What shows it: an expression, or what the kind looks at.
    pub proof: String,
    /// Ids of the checks of severity `must` that stand on it.
    pub stands_for: Vec<String>,
}

/// One time that something was done.
#[derive(Clone, Debug, PartialEq)]
pub struct TimePart {
    /// When it began.
    pub from_s: f64,
    /// When it ended; `None` where it was in force still at the end of the run.
    pub until_s: Option<f64>,
    /// When it was seen to act.
    pub confirmed_s: Option<f64>,
    /// At each target.
    pub hits: Vec<HitPart>,
    /// Commands of it that the farm refused, with the reason.
    pub refused: Vec<String>,
}

/// Something that was done to one target.
#[derive(Clone, Debug, PartialEq)]
pub struct HitPart {
    /// Id of the target.
    pub target: String,
    /// Its parameters at the begin, draws included.
    pub with: Vec<(&'static str, String)>,
    /// Whether it took effect there.
    pub effect: Effect,
}

/// What was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckPart {
    /// Its id.
    pub id: String,
    /// `steady_state`, `within`, `always`, ….
    pub kind: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// How it came out.
    pub state: CheckState,
    /// What it says to people.
    pub message: String,
    /// Its expression, or a text of what it asks.
    pub asks: String,
    /// What was seen, in a sentence: why it failed or is inconclusive, or when it held.
    pub seen: String,
    /// From when on it was asked; `None` where that never came.
    pub from_s: Option<f64>,
    /// Until when it was to be asked.
    pub to_s: Option<f64>,
    /// When it was decided.
    pub decided_s: Option<f64>,
    /// When it did not hold for the first time.
    pub violated_s: Option<f64>,
    /// The 20 s around that: time, and the compared value where its expression compares one.
    pub window: Vec<(f64, f64)>,
    /// For a chart: signal, lowest and highest value that are right, where it is that simple.
    pub band: Option<BandPart>,
}

/// Where a signal has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct BandPart {
    /// The signal as in the expression.
    pub signal: String,
    /// Lowest value, of a bound that moves the first one; minus infinity for none.
    pub low: f64,
    /// Highest value, of a bound that moves the first one; infinity for none.
    pub high: f64,
    /// Of bounds that move: moments, each with the lowest and the highest value of then. Empty where they
    /// stand still.
    pub path: Vec<(f64, f64, f64)>,
}

/// What is true in every run.
#[derive(Clone, Debug, PartialEq)]
pub struct InvariantPart {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
    /// Ticks at which it was looked at.
    pub ticks: u64,
    /// When it was broken first, and how.
    pub broken: Option<(f64, String)>,
}

/// Numbers that an outside system can be graded by. Absent where nothing was there to count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// For each fault that was noticed: id of the action, what was noticed, s from its begin.
    pub detected: Vec<(String, String, f64)>,
    /// Faults that did something and that nobody noticed, by id of the action.
    pub undetected: Vec<String>,
    /// Observations without any fault in force or just over.
    pub false_alarms: u64,
    /// Writes from outside per second of the time line.
    pub writes_per_s: f64,
    /// Writes that were refused.
    pub writes_refused: u64,
    /// Modbus requests per second of the time line.
    pub requests_per_s: f64,
    /// Reads that got what was not of the last tick, because a fault froze it.
    pub stale_reads: u64,
}

/// One recorded signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalPart {
    /// Its name with what it is of, such as `active_power_w{unit="unit-001"}`.
    pub name: String,
    /// Unit of its values; empty where they have none.
    pub unit: &'static str,
    /// NaN where there was none.
    pub values: Vec<f32>,
}

/// A time that an alarm stood.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmPart {
    /// Unit, and rack where it is about one: `unit-001/rack-2`.
    pub of: String,
    /// Its code.
    pub code: &'static str,
    /// Its level.
    pub level: &'static str,
    /// When it became active.
    pub from_s: f64,
    /// When its cause was gone and it stayed latched.
    pub latched_s: Option<f64>,
    /// When it was gone; `None` where it stood at the end.
    pub until_s: Option<f64>,
}

/// A time that a unit was in a state.
#[derive(Clone, Debug, PartialEq)]
pub struct StatePart {
    /// The unit.
    pub of: String,
    /// The state.
    pub state: &'static str,
    /// From when on; that of the begin is the start of the run.
    pub from_s: f64,
    /// Until when; the end of the run for the last one.
    pub until_s: f64,
}

/// A write to the farm.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandPart {
    /// When.
    pub at_s: f64,
    /// Kind of the writer, such as `modbus`.
    pub source: &'static str,
    /// Its address, where it has one.
    pub peer: String,
    /// The unit; `farm` where it is not about one.
    pub of: String,
    /// What was written.
    pub what: String,
    /// Why it was refused; empty when it was applied.
    pub refused: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPart {
    /// When.
    pub at_s: f64,
    /// The unit; `farm` where it is not about one.
    pub of: String,
    /// Its kind, such as `state`, or `mark` for what the scenario itself notes.
    pub kind: &'static str,
    /// It in words.
    pub text: String,
}

/// What an outside system noticed.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservationPart {
    /// When it was told.
    pub at_s: f64,
    /// What.
    pub what: String,
    /// The unit; empty where it is not about one.
    pub of: String,
    /// In its own words.
    pub text: String,
    /// Id of the action that it is taken for: the latest in force or just over.
    pub action: String,
    /// s from the begin of that; NaN where there is none, and it is a false alarm.
    pub delay_s: f64,
}
