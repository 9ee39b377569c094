//! Scenarios and faults as the rest of bess sees them: what may be asked of who directs them, what runs
//! and what came of it. The `scenarios` crate directs; the loop, REST, metrics and the command line know
//! this alone.

use crate::command::{Command, Rejection};
use crate::config::Problems;
use crate::id::UnitId;
use crate::role::Role;
use crate::snapshot::{FaultPlane, Snapshot};
use crate::spec::FarmSpec;
use crate::stats::Stats;
use crate::time::Tick;
use std::fmt;
use std::sync::Arc;

/// What a fault did to what it was meant to disturb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// It has not begun, or nothing can be said yet.
    #[default]
    Pending,
    /// The disturbance was seen.
    Confirmed,
    /// It ended, or had its time, and nothing was disturbed.
    NoEffect,
    /// What would show it was not there to be seen: no current, no request, no command.
    Inconclusive,
}

impl Effect {
    /// Every one, with its name in reports, REST and metrics.
    pub const ALL: [(&'static str, Self); 4] = [
        ("pending", Self::Pending),
        ("confirmed", Self::Confirmed),
        ("no_effect", Self::NoEffect),
        ("inconclusive", Self::Inconclusive),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every `must` held, and every fault that one stands on took effect.
    Passed,
    /// A `must` did not hold.
    Failed,
    /// It could not be run: what it needs is not there, or it broke.
    Error,
    /// A condition to abort came true, or somebody ended it.
    Aborted,
    /// Nothing was proven: the farm was not steady at the start, a fault did not bite, or a `must` stayed
    /// inconclusive.
    Invalid,
}

impl Verdict {
    /// Every one, with its name in reports, REST and metrics; the position is the exit code.
    pub const ALL: [(&'static str, Self); 5] = [
        ("passed", Self::Passed),
        ("failed", Self::Failed),
        ("error", Self::Error),
        ("aborted", Self::Aborted),
        ("invalid", Self::Invalid),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// Exit code of `bess scenario run`.
    pub fn exit_code(self) -> u8 {
        self as u8
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It waits for clients.
    #[default]
    Waiting,
    /// It looks whether the farm is steady.
    Baseline,
    /// Its time line runs.
    Running,
    /// It has a verdict.
    Done,
}

impl Phase {
    /// Every one, with its name in REST and metrics.
    pub const ALL: [(&'static str, Self); 4] = [
        ("waiting", Self::Waiting),
        ("baseline", Self::Baseline),
        ("running", Self::Running),
        ("done", Self::Done),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Whether a check holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckState {
    /// Not decided yet.
    #[default]
    Pending,
    /// It held.
    Passed,
    /// It did not.
    Failed,
    /// What it asks about was not there.
    Inconclusive,
    /// It is not asked in this run, such as what an outside system noticed where there is none.
    Skipped,
}

impl CheckState {
    /// Every one, with its name in reports, REST and metrics.
    pub const ALL: [(&'static str, Self); 5] = [
        ("pending", Self::Pending),
        ("passed", Self::Passed),
        ("failed", Self::Failed),
        ("inconclusive", Self::Inconclusive),
        ("skipped", Self::Skipped),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// How much a check weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run fails with it.
    Must,
    /// It is told, and the run passes all the same.
    Should,
    /// For information.
    Info,
}

impl Severity {
    /// Every one, with its name in files, reports and REST.
    pub const ALL: [(&'static str, Self); 3] =
        [("must", Self::Must), ("should", Self::Should), ("info", Self::Info)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// One check of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckView {
    /// Its id in the scenario.
    pub id: String,
    /// `within`, `always`, … or `steady_state`.
    pub kind: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// How it stands.
    pub state: CheckState,
    /// What it says, and what was seen where it does not hold.
    pub message: String,
    /// When it was decided.
    pub decided: Option<Tick>,
}

/// A fault that is in force, or was.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultView {
    /// Its id: of a single fault as it was given, of an action of a run `run/action`.
    pub id: String,
    /// Its kind, such as `device.pcs.trip`.
    pub kind: &'static str,
    /// What it makes wrong.
    pub plane: FaultPlane,
    /// Whom it hits: units, racks, cells, listeners by their names.
    pub targets: Vec<String>,
    /// Its parameters as they are now, with their units in the names.
    pub with: Vec<(&'static str, String)>,
    /// The run it belongs to; `None` for a single one.
    pub run: Option<String>,
    /// First tick with it.
    pub since: Tick,
    /// First tick without it, if it is to end by itself or has ended.
    pub until: Option<Tick>,
    /// Whether it is in force now.
    pub is_active: bool,
    /// Whether it was seen to act.
    pub effect: Effect,
}

/// One run of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// Id of the scenario.
    pub scenario: String,
    /// Title of the scenario.
    pub title: String,
    /// The seed of its chance.
    pub seed: u64,
    /// How far it is.
    pub phase: Phase,
    /// What it came to, once done.
    pub verdict: Option<Verdict>,
    /// Why, in a sentence, where it did not pass.
    pub reason: Option<String>,
    /// Tick of its start, the zero of its time line once that runs.
    pub start: Tick,
    /// Its length in ticks, from the zero of the time line.
    pub length: u64,
    /// Its checks.
    pub checks: Vec<CheckView>,
    /// Observations that an outside system posted.
    pub observations: u64,
}

/// Everything that is directed, at one tick. Rebuilt when something of it changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageView {
    /// Faults in force, and those that ended lately (at most [`ENDED_KEPT`]), by start.
    pub faults: Vec<Arc<FaultView>>,
    /// Runs, by start; at most [`RUNS_KEPT`] of those done.
    pub runs: Vec<Arc<RunView>>,
    /// By `Verdict as usize`: runs that came to it since the start.
    pub verdicts: [u64; Verdict::ALL.len()],
    /// By `CheckState as usize`: checks of runs that are done since the start.
    pub checks: [u64; CheckState::ALL.len()],
    /// By `Effect as usize`: faults that ended since the start.
    pub effects: [u64; Effect::ALL.len()],
    /// Every kind of fault by its name, with how often it was injected since the start.
    pub injected: Vec<(&'static str, u64)>,
}

/// Ended faults that stay to be seen.
pub const ENDED_KEPT: usize = 200;
/// Runs that are done and stay to be seen.
pub const RUNS_KEPT: usize = 20;
/// Single faults that may be in force at a time.
pub const FAULTS_MAX: usize = 1000;

/// A fault that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultWish {
    /// Its id; not one that is in force.
    pub id: String,
    /// What is wrong, checked and resolved by [`StageBook::read_fault`].
    pub prepared: Prepared,
}

/// Something that a book has read and checked and its director will understand; nobody else looks inside.
#[derive(Clone)]
pub struct Prepared(pub Arc<dyn std::any::Any + Send + Sync>);

impl PartialEq for Prepared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}

/// What somebody asks of the director.
#[derive(Clone, Debug, PartialEq)]
pub enum StageRequest {
    /// Begin a single fault.
    Inject(FaultWish),
    /// End a single fault, by its id.
    EndFault(String),
    /// End every single fault.
    EndFaults,
    /// Begin a run of a scenario.
    StartRun {
        /// Its id; not one that there is.
        id: String,
        /// The scenario, checked.
        prepared: Prepared,
    },
    /// End a run before its time; its faults end by the rules of its rollback.
    EndRun(String),
    /// Something that an outside system noticed.
    Observe {
        /// The run.
        run: String,
        /// What.
        observation: Observation,
    },
}

impl StageRequest {
    /// The least role that may ask it.
    pub const ROLE: Role = Role::Tester;

    /// What it asks, for the audit.
    pub fn describe(&self) -> String {
        match self {
            Self::Inject(wish) => format!("fault {} begun", wish.id),
            Self::EndFault(id) => format!("fault {id} ended"),
            Self::EndFaults => "all single faults ended".to_owned(),
            Self::StartRun { id, .. } => format!("run {id} begun"),
            Self::EndRun(id) => format!("run {id} ended"),
            Self::Observe { run, observation } => {
                let Observation { what, unit, .. } = observation;
                let of = unit.map(|unit| format!(" of unit {unit}")).unwrap_or_default();
                format!("run {run}: {what}{of} observed")
            }
        }
    }
}

/// What an outside system says that it noticed.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// What, such as `stale_data`: lower-case words joined by underscores.
    pub what: String,
    /// The unit that it is about, if one.
    pub unit: Option<UnitId>,
    /// In its own words.
    pub text: String,
}

/// Directs faults and scenarios: asked by the loop, on the loop's thread, and as pure as the physics.
///
/// The order in a tick: letters by [`Director::ask`], then [`Director::due`] before the tick, then
/// [`Director::saw`] after it.
pub trait Director: Send + fmt::Debug {
    /// Answers a letter; commands for the farm go to the end of `out` and are applied at once.
    ///
    /// # Errors
    /// Nothing was changed.
    fn ask(
        &mut self,
        request: &StageRequest,
        seen: &Snapshot,
        out: &mut Vec<Command>,
    ) -> Result<(), Rejection>;
    /// Appends to `out` the commands due at the start of tick `now`.
    fn due(&mut self, now: Tick, out: &mut Vec<Command>);
    /// Looks at what the tick made; `shadow` is the farm as it would be without the faults, where one
    /// runs along.
    fn saw(&mut self, seen: &Snapshot, shadow: Option<&Snapshot>, stats: &Stats);
    /// What it directs now: the same `Arc` as long as nothing changed.
    fn view(&self) -> Arc<StageView>;
    /// Units whose cells the next snapshot must show to it.
    fn cells(&self) -> &[UnitId];
    /// Ticks for which the loop shall stand still now (a stall, as a test of who watches it); asked once
    /// after each tick.
    fn stall(&mut self) -> u64 {
        0
    }
    /// Whether everything that it was started for is done: a host that runs for it alone may stop.
    fn is_done(&self) -> bool;
}

/// One kind of fault, for documents.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultKindInfo {
    /// Its name, such as `device.pcs.trip`.
    pub name: &'static str,
    /// What it makes wrong.
    pub plane: FaultPlane,
    /// What a target of it may be: `unit`, `rack`, `cell`, `farm`, `listener`, …; the usual one first.
    pub targets: Vec<&'static str>,
    /// What happens, in a sentence.
    pub summary: &'static str,
    /// What it does to the physics.
    pub effect: &'static str,
    /// How it shows.
    pub symptoms: &'static str,
    /// What is expected of the farm, or of whoever watches it.
    pub reaction: &'static str,
    /// Where that is known from.
    pub source: &'static str,
    /// Where it stands in the catalogue of faults.
    pub catalogue: &'static [&'static str],
    /// Its parameters.
    pub parameters: Vec<ParameterInfo>,
}

/// One parameter of a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterInfo {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it is.
    pub text: &'static str,
    /// What may be given: `number`, `word`, `flag`, `numbers` or `text`.
    pub takes: &'static str,
    /// Smallest value of a number; NaN where it is none.
    pub min: f64,
    /// Largest value of a number; NaN where it is none.
    pub max: f64,
    /// Words that it may be, where it is one of them.
    pub choices: &'static [&'static str],
    /// Its default as it would be written, empty for absent; `None` where it is needed.
    pub default: Option<String>,
}

impl ParameterInfo {
    /// What may be given, for people: `0 to 1`, `none, rate`, `true or false`.
    pub fn range(&self) -> String {
        match self.takes {
            "number" => format!("{} to {}", self.min, self.max),
            "numbers" => format!("a list, each {} to {}", self.min, self.max),
            "flag" => "true or false".to_owned(),
            "word" => self.choices.join(", "),
            _ => "a text".to_owned(),
        }
    }
    /// What it is where it is not given, for people.
    pub fn default_text(&self) -> String {
        match self.default.as_deref() {
            None => "needed".to_owned(),
            Some("") => "may be left out".to_owned(),
            Some(default) => format!("default {default}"),
        }
    }
}

/// One scenario of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioInfo {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is about, in a few sentences.
    pub summary: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its length in seconds.
    pub duration_s: f64,
    /// Its text.
    pub text: Arc<str>,
}

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportForm {
    /// JSON, `bess-report/v1`.
    Json,
    /// JUnit XML.
    Junit,
    /// One page of HTML.
    Html,
}

/// Reads faults and scenarios that somebody asks for, and hands out what runs came to. Shared by the
/// edges; never asked by the loop.
pub trait StageBook: Send + Sync + fmt::Debug {
    /// Every kind of fault, in the order of the list.
    fn kinds(&self) -> &[FaultKindInfo];
    /// The scenarios of the library.
    fn scenarios(&self) -> &[ScenarioInfo];
    /// Reads one fault: `text` is YAML or JSON with the keys `kind`, `target`, `with`, `duration`, …; its
    /// problems name `file`.
    ///
    /// # Errors
    /// Every problem, with its place.
    fn read_fault(&self, file: &str, text: &str, spec: &FarmSpec) -> Result<Prepared, Problems>;
    /// Reads a scenario; `set` are parameters as `name=value`, `seed` beats that of the text.
    ///
    /// # Errors
    /// Every problem, with its place.
    fn read_scenario(
        &self,
        file: &str,
        text: &str,
        set: &[(String, String)],
        seed: Option<u64>,
        spec: &FarmSpec,
    ) -> Result<Prepared, Problems>;
    /// The report of a run that is done; `None` where there is no such run, or not yet.
    fn report(&self, run: &str, form: ReportForm) -> Option<Arc<str>>;
}
