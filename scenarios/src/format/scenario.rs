//! A scenario as it was read: everything in it is checked, named things are resolved to positions.

use super::value::{Draw, Setting, Value};
use super::{Condition, Deed, Matching};
use crate::faults::{FaultKind, Target};
use crate::text::ParamValue;
use bess_core::command::Command;
use bess_core::control::{ControlChange, FunctionSet, FunctionsChange};
use bess_core::id::UnitId;
use bess_core::stage::{ReportForm, Severity};
use bess_core::units::Watts;
use std::time::Duration;

/// What goes wrong, when, to whom, and what must then be true.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called and what it is about.
    pub metadata: Metadata,
    /// Its parameters with the values of this reading, in the order of the text.
    pub params: Vec<Param>,
    /// Seed of its chance; 0 = draw one and say so.
    pub seed: u64,
    /// How its time goes.
    pub clock: ClockPlan,
    /// Length of the time line.
    pub duration: Duration,
    /// The system under test.
    pub sut: Sut,
    /// The farm on which it runs where nobody names one, of those that come with bess.
    pub farm: Option<&'static str>,
    /// What the farm must have.
    pub requires: Requires,
    /// What is set before the farm is looked at, in order.
    pub initial: Vec<Initial>,
    /// Whom actions and checks are about, in the order of the text.
    pub targets: Vec<Selector>,
    /// What is so without faults.
    pub steady_state: SteadyState,
    /// What happens, in the order of the text.
    pub timeline: Vec<Action>,
    /// What must then be true.
    pub expectations: Vec<Expectation>,
    /// What ends the run before its time.
    pub abort: Vec<Abort>,
    /// What becomes of its faults at the end.
    pub rollback: Rollback,
    /// What is written down.
    pub report: ReportPlan,
}

impl Scenario {
    /// Position of the target called `name`.
    pub fn target(&self, name: &str) -> Option<usize> {
        self.targets.iter().position(|target| target.name == name)
    }
    /// Position of the action `id`.
    pub fn action(&self, id: &str) -> Option<usize> {
        self.timeline.iter().position(|action| action.id == id)
    }
}

/// What a scenario is called and what it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// Its id: lower-case words joined by hyphens.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What happens in it, in a few sentences.
    pub summary: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Incidents, standards and other sources.
    pub refs: Vec<String>,
    /// How grave it is.
    pub severity: Gravity,
    /// How much of the farm it is about.
    pub level: Level,
}

/// How grave an incident is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gravity {
    /// Nothing is at risk.
    #[default]
    Info,
    /// Service suffers.
    Minor,
    /// Equipment suffers, or service is lost.
    Major,
    /// People may be hurt.
    Critical,
}

impl Gravity {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 4] = [
        ("info", Self::Info),
        ("minor", Self::Minor),
        ("major", Self::Major),
        ("critical", Self::Critical),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// How much of the farm a scenario is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// A unit or less.
    Unit,
    /// The farm.
    #[default]
    Farm,
}

impl Level {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 2] = [("unit", Self::Unit), ("farm", Self::Farm)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// A knob of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value in this reading.
    pub value: ParamValue,
    /// Whether that was set from outside.
    pub is_set: bool,
    /// What it is.
    pub description: String,
}

/// How the time of a run goes where nothing else is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockPlan {
    /// Kind of pace.
    pub mode: ClockMode,
    /// Simulated seconds per second of wall time of [`ClockMode::Accelerated`]; else 1.
    pub speed: f64,
    /// Wall time after which the run is given up.
    pub max_wall: Option<Duration>,
}

/// Pace of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// A simulated second takes a second.
    Realtime,
    /// Faster, or slower, than that by a factor.
    Accelerated,
    /// As fast as it goes.
    Stepped,
}

impl ClockMode {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 3] = [
        ("realtime", Self::Realtime),
        ("accelerated", Self::Accelerated),
        ("stepped", Self::Stepped),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// The system under test.
#[derive(Clone, Debug, PartialEq)]
pub struct Sut {
    /// Who it is.
    pub mode: SutMode,
    /// Clients that must have asked something before the time line starts.
    pub expect_clients: usize,
    /// For how long they are waited for.
    pub attach_timeout: Duration,
}

/// Who the system under test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SutMode {
    /// An EMS from outside.
    External,
    /// The built-in reference EMS.
    Stub,
    /// Nobody: the farm by itself.
    None,
}

impl SutMode {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 3] =
        [("external", Self::External), ("stub", Self::Stub), ("none", Self::None)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What the farm must have for a scenario to make sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requires {
    /// Least number of units.
    pub min_units: usize,
    /// Least rated power of the farm.
    pub min_power: Option<Watts>,
    /// Name of the chemistry that every cell must have.
    pub chemistry: Option<String>,
    /// Things that not every farm has.
    pub features: Vec<Feature>,
}

/// Something that not every farm has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// A transformer at the POI.
    Transformer,
    /// A plant controller that answers to frequency.
    FrequencyResponse,
    /// An active thermal system in every unit.
    Cooling,
    /// A Modbus server.
    Modbus,
    /// More than one rack in every unit.
    Racks,
}

impl Feature {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 5] = [
        ("transformer", Self::Transformer),
        ("frequency_response", Self::FrequencyResponse),
        ("cooling", Self::Cooling),
        ("modbus", Self::Modbus),
        ("racks", Self::Racks),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Something that is set before the farm is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Initial {
    /// Position of the target.
    pub target: usize,
    /// What is set, by the names that the kind of target has.
    pub set: Vec<Setting>,
    /// What units do by themselves from then on.
    pub functions: Option<Functions>,
}

/// Functions of units, as a farm file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Functions {
    /// Those that are on, all others off; `None` leaves them as they are.
    pub on: Option<FunctionSet>,
    /// Settings of those that have some here.
    pub change: FunctionsChange,
}

impl Functions {
    /// The commands by which a client would ask `unit` for it.
    pub fn commands(&self, unit: UnitId) -> Vec<Command> {
        let mut commands = Vec::new();
        if self.change != FunctionsChange::default() {
            commands.push(Command::ConfigureUnit { unit, change: Box::new(self.change.clone()) });
        }
        if self.on.is_some() {
            let change = ControlChange { functions: self.on, ..ControlChange::default() };
            commands.push(Command::ControlUnit { unit, change });
        }
        commands
    }
}

/// Whom something concerns.
#[derive(Clone, Debug)]
pub struct Selector {
    /// Its name; of a single fault the target as it was written.
    pub name: String,
    /// What it selects.
    pub kind: super::TargetKind,
    /// What they must match.
    pub matching: Matching,
    /// Only parts of what this target selects.
    pub of: Option<usize>,
    /// Only neighbours of what this target selects, without that itself.
    pub near: Option<usize>,
    /// How many cells away a neighbour may be.
    pub radius: usize,
    /// Nothing of what these targets select.
    pub not: Vec<usize>,
    /// How many of them.
    pub mode: Mode,
    /// What follows where nothing is selected.
    pub on_empty: OnEmpty,
    /// Resolved once at the start; else at each use.
    pub sticky: bool,
}

/// How many of those that match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// One, by chance.
    One,
    /// Every one.
    All,
    /// So many, by chance.
    Fixed(usize),
    /// This fraction of them, rounded up, by chance.
    Percent(f64),
    /// A number by chance, up to this fraction of them.
    RandomMaxPercent(f64),
}

impl Mode {
    /// Their names in files.
    pub const NAMES: [&'static str; 5] = ["one", "all", "fixed", "percent", "random-max-percent"];
}

/// What follows where a target selects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnEmpty {
    /// The run is an error.
    Fail,
    /// Its actions are left out.
    Skip,
}

impl OnEmpty {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 2] = [("fail", Self::Fail), ("skip", Self::Skip)];
}

/// What is so without faults.
#[derive(Clone, Debug)]
pub struct SteadyState {
    /// For how long it is looked at, and must hold, before the time line starts.
    pub window: Duration,
    /// For how long it may take to become so.
    pub timeout: Duration,
    /// What must hold.
    pub checks: Vec<SteadyCheck>,
}

/// Something that is so without faults.
#[derive(Clone, Debug)]
pub struct SteadyCheck {
    /// Its id.
    pub id: String,
    /// When it is asked.
    pub modes: Vec<SteadyMode>,
    /// What must be true.
    pub condition: Condition,
    /// How much it weighs.
    pub severity: Severity,
    /// What it says to people.
    pub message: String,
}

/// When a check of the steady state is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SteadyMode {
    /// Before the time line: it must hold over the whole window.
    StartOfTest,
    /// At the end of the run.
    EndOfTest,
    /// At both.
    Edge,
    /// From the start of the time line to its end.
    Continuous,
    /// As long as a fault of the run is in force.
    OnChaos,
}

impl SteadyMode {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 5] = [
        ("SoT", Self::StartOfTest),
        ("EoT", Self::EndOfTest),
        ("Edge", Self::Edge),
        ("Continuous", Self::Continuous),
        ("OnChaos", Self::OnChaos),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Something that happens.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its id.
    pub id: String,
    /// When it begins.
    pub start: Start,
    /// What it is.
    pub deed: Deed,
    /// Position of its target; `None` where the deed has none (`control.mark`).
    pub target: Option<usize>,
    /// Its parameters, those with a default included, in the order of the table.
    pub settings: Vec<Setting>,
    /// For how long; `None` = until the end of the run.
    pub duration: Option<Duration>,
    /// What ends it.
    pub recovery: Recovery,
    /// Whether and how it comes again.
    pub repeat: Option<Repeat>,
    /// How it is shown that it took effect.
    pub prove: Prove,
}

impl Action {
    /// After what time it is over, at the latest: its duration, or the length that its kind has by itself
    /// where that is a number; `None` where nothing ends it.
    pub fn lasts(&self) -> Option<Duration> {
        let own = match self.deed {
            Deed::Fault(kind) => kind.own_length_s(|name| {
                self.settings.iter().find_map(|setting| match setting.value {
                    Value::Number(number) if setting.name == name => Some(number),
                    _ => None,
                })
            }),
            Deed::Control(_) => None,
        };
        self.duration.into_iter().chain(own.map(Duration::from_secs_f64)).min()
    }
}

/// When an action begins.
#[derive(Clone, Debug)]
pub enum Start {
    /// So long after the start of the time line.
    At(Duration),
    /// After something else.
    After(After),
    /// As soon as something is true.
    When {
        /// What.
        condition: Condition,
        /// For how long without a break.
        hold: Duration,
        /// So long after the start of the time line it is not waited for any more; the action is
        /// then left out.
        timeout: Option<Duration>,
    },
}

/// After something else.
#[derive(Clone, Debug)]
pub struct After {
    /// After what.
    pub anchor: Anchor,
    /// How long after it.
    pub delay: Duration,
}

/// What a time counts from.
#[derive(Clone, Debug)]
pub enum Anchor {
    /// The begin of an action, by its position.
    Begin(usize),
    /// The end of an action, by its position.
    End(usize),
    /// The first event of this pattern since the start of the time line.
    Event(EventPattern),
}

/// Which events are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPattern {
    /// Their kind, such as `alarm.active`.
    pub event: String,
    /// All of it in words: `alarm.active code=cell_over_temperature`.
    pub text: String,
    /// It, compiled.
    pub pattern: crate::expr::EventPattern,
}

/// What ends a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// Its duration, or the rollback.
    #[default]
    Auto,
    /// Its duration takes away the cause; what it left latched is left to an operator.
    Manual,
    /// Nothing: the damage stays, beyond the run as well.
    Never,
}

impl Recovery {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("manual", Self::Manual), ("never", Self::Never)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// How an action comes again.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// From begin to begin: seconds, fixed or drawn.
    pub every: Every,
    /// How often in all, the first time included.
    pub count: usize,
    /// What happens where the time before has not ended yet.
    pub concurrency: Concurrency,
}

/// Time from one begin to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Every {
    /// Always the same.
    Fixed(Duration),
    /// Drawn each time, in s; less than a tick counts as one.
    Drawn(Draw),
}

/// What happens where an action would begin and has not ended yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// That time is left out.
    #[default]
    Forbid,
    /// Both are in force.
    Allow,
    /// The earlier one is ended.
    Replace,
}

impl Concurrency {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 3] =
        [("forbid", Self::Forbid), ("allow", Self::Allow), ("replace", Self::Replace)];
}

/// How it is shown that an action took effect.
#[derive(Clone, Debug, Default)]
pub enum Prove {
    /// By the probe of its kind.
    #[default]
    Auto,
    /// By a condition that comes true while it is in force.
    Condition(Condition),
}

/// Something that must be true.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Its id.
    pub id: String,
    /// From when on it is asked; `None` = from the start of the time line.
    pub after: Option<After>,
    /// What must be.
    pub kind: ExpectationKind,
    /// How much it weighs.
    pub severity: Severity,
    /// What it says to people.
    pub message: String,
}

/// What must be.
#[derive(Clone, Debug)]
pub enum ExpectationKind {
    /// It becomes true in time, and stays so for `hold`.
    Within {
        /// What.
        condition: Condition,
        /// In what time.
        within: Duration,
        /// For how long then.
        hold: Duration,
    },
    /// It is true all the time.
    Always {
        /// What.
        condition: Condition,
        /// For how long; `None` = to the end.
        lasts: Option<Duration>,
    },
    /// It is never true.
    Never {
        /// What.
        condition: Condition,
        /// For how long; `None` = to the end.
        lasts: Option<Duration>,
    },
    /// It is true at some time.
    Eventually {
        /// What.
        condition: Condition,
        /// In what time; `None` = to the end.
        within: Option<Duration>,
    },
    /// Events come in this order; others may come between them.
    Sequence(Vec<Step>),
    /// A signal comes to a value and stays there.
    Settles {
        /// The signal: an expression with one number.
        signal: Condition,
        /// The value.
        goal: Goal,
        /// How near.
        tolerance: Tolerance,
        /// In what time.
        within: Duration,
        /// For how long then.
        hold: Duration,
    },
    /// So many events in a window.
    Count {
        /// Which events.
        pattern: EventPattern,
        /// How long the window is; `None` = to the end.
        window: Option<Duration>,
        /// Least number.
        min: Option<u64>,
        /// Largest number.
        max: Option<u64>,
    },
}

impl ExpectationKind {
    /// Their names in files, reports and REST.
    pub const NAMES: [&'static str; 7] =
        ["within", "always", "never", "eventually", "sequence", "settles", "count"];
    /// Its conditions.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let all: [Option<&Condition>; 2] = match self {
            Self::Within { condition, .. }
            | Self::Always { condition, .. }
            | Self::Never { condition, .. }
            | Self::Eventually { condition, .. } => [Some(condition), None],
            Self::Settles { signal, goal: Goal::Expression(goal), .. } => {
                [Some(signal), Some(goal)]
            }
            Self::Settles { signal, .. } => [Some(signal), None],
            Self::Sequence(_) | Self::Count { .. } => [None, None],
        };
        all.into_iter().flatten()
    }
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Within { .. } => "within",
            Self::Always { .. } => "always",
            Self::Never { .. } => "never",
            Self::Eventually { .. } => "eventually",
            Self::Sequence(_) => "sequence",
            Self::Settles { .. } => "settles",
            Self::Count { .. } => "count",
        }
    }
}

/// One event of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What comes.
    pub pattern: EventPattern,
    /// In what time after the step before it (the first: after the begin); `None` = to the end.
    pub within: Option<Duration>,
}

/// Where a signal is to settle.
#[derive(Clone, Debug)]
pub enum Goal {
    /// At a number.
    Number(f64),
    /// At what another expression is at the time.
    Expression(Condition),
}

/// How near to its goal a signal must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// In the unit of the signal.
    Absolute(f64),
    /// A fraction of the goal.
    Relative(f64),
}

/// What ends a run before its time.
#[derive(Clone, Debug)]
pub struct Abort {
    /// What must become true.
    pub condition: Condition,
    /// For how long without a break.
    pub hold: Duration,
    /// What it says to people.
    pub reason: String,
}

/// What becomes of the faults at the end of a run. Those that never recover stay in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// When faults are ended.
    pub policy: RollbackPolicy,
    /// Whether latched alarms are reset then.
    pub reset_alarms: bool,
}

/// When faults are ended at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackPolicy {
    /// Always.
    Always,
    /// Only where the run did not pass.
    Deviated,
    /// Never.
    Never,
}

impl RollbackPolicy {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 3] =
        [("always", Self::Always), ("deviated", Self::Deviated), ("never", Self::Never)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What is written down of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportPlan {
    /// Forms that are wanted.
    pub formats: Vec<ReportForm>,
    /// Signals that are recorded, as names or with a `*`.
    pub record: Vec<String>,
    /// Time between two samples.
    pub sample_every: Duration,
}

/// A single fault, as it is asked for one by one.
#[derive(Clone, Debug)]
pub struct SingleFault {
    /// Its id, where one is given.
    pub id: Option<String>,
    /// What it is.
    pub kind: &'static FaultKind,
    /// Whom it hits.
    pub target: Who,
    /// Its parameters, those with a default included, in the order of the table.
    pub settings: Vec<Setting>,
    /// For how long; `None` = until it is ended.
    pub duration: Option<Duration>,
    /// What ends it.
    pub recovery: Recovery,
    /// Seed of its chance.
    pub seed: Option<u64>,
}

/// Whom a single fault hits.
#[derive(Clone, Debug)]
pub enum Who {
    /// These, none twice.
    Named(Vec<Target>),
    /// Those that it selects.
    Selected(Box<Selector>),
}

impl SingleFault {
    /// The parameter `name`.
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.settings.iter().find(|setting| setting.name == name).map(|setting| &setting.value)
    }
}
