//! What clients may ask of the farm: one door, one log, one order.
//!
//! A client posts a [`Submission`] into the [`Mailbox`]; the loop takes it at a tick, checks it, and
//! answers through its [`Reply`] after the snapshot that shows the effect has been published. A
//! refused request changes nothing.

pub use crate::control::{
    ControlChange, ControlSource, PowerPriority, Setpoint, SetpointMode, UnitControl,
};
use crate::defect::Defect;
use crate::id::UnitId;
use crate::snapshot::UnitView;
use crate::spec::{FarmSpec, UnitDesign};
use crate::state::UnitState;
use crate::time::Tick;
use crate::units::{Vars, Watts};
use std::fmt;

/// A change of the farm's state.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Changes control settings of one unit; all fields together or none.
    ControlUnit {
        /// The unit.
        unit: UnitId,
        /// What to change.
        change: ControlChange,
    },
    /// Operates one unit.
    OperateUnit {
        /// The unit.
        unit: UnitId,
        /// What to do.
        action: UnitAction,
    },
    /// Gives the farm a setpoint at the POI; the plant controller splits it over all running units
    /// and takes them over from whoever controlled them.
    SetFarmPower {
        /// Active power at the POI.
        active: Watts,
        /// Reactive power at the POI; absent keeps what is in force.
        reactive: Option<Vars>,
    },
    /// Makes something of a unit defect, or ends that; see [`Defect::ended`].
    SetDefect {
        /// The unit.
        unit: UnitId,
        /// What is wrong.
        defect: Defect,
    },
    /// Takes the farm setpoint back: the units under plant control go to 0 W.
    ReleaseFarm,
    /// Several commands in one tick: each is checked against the state before the batch, then all are
    /// applied in order; one that fails refuses all.
    Batch(Vec<Command>),
}

/// What an operator does to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitAction {
    /// Closes the contactors and starts the converter.
    Start,
    /// Stops the converter and opens the contactors.
    Stop,
    /// Keeps the contactors closed and stops the converter.
    EnterStandby,
    /// Starts the converter again.
    ExitStandby,
    /// Clears latched alarms whose cause is gone.
    ResetAlarms,
}

impl UnitAction {
    /// Every action with its name in REST paths and on the command line.
    pub const ALL: [(&'static str, Self); 5] = [
        ("start", Self::Start),
        ("stop", Self::Stop),
        ("standby", Self::EnterStandby),
        ("exit_standby", Self::ExitStandby),
        ("reset_alarms", Self::ResetAlarms),
    ];
    /// The action called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, action)| *action)
    }
}

/// A change of the clock. It moves the pace of the loop, never the state of the farm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClockCommand {
    /// No ticks until resumed or stepped.
    Pause,
    /// Ticks at the speed in force.
    Resume,
    /// Simulated seconds per second of wall time, [`SPEED_MIN`] to [`SPEED_MAX`].
    SetSpeed(f64),
    /// Runs this many ticks as fast as possible, then stays paused; 1 to [`STEP_MAX`].
    Step(u64),
}

/// Slowest speed of the clock.
pub const SPEED_MIN: f64 = 0.01;
/// Fastest speed that may be asked for; the machine decides what is reached.
pub const SPEED_MAX: f64 = 10_000.0;
/// Largest number of ticks in one step: a day.
pub const STEP_MAX: u64 = 864_000;

/// What a letter to the loop asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Change the farm.
    Control(Command),
    /// Change the clock: all are checked, then applied in order; answered when the last one is done.
    Clock(Vec<ClockCommand>),
    /// Put the cells of a unit into the snapshots of the next seconds.
    ShowCells(UnitId),
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Kind of the sender.
    pub source: ControlSource,
    /// Its address, where it has one.
    pub peer: Option<String>,
}

impl Origin {
    /// An origin without an address.
    pub fn local(source: ControlSource) -> Self {
        Self { source, peer: None }
    }
}

/// A request was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// A snapshot of this tick or a later one shows the effect.
    pub tick: Tick,
    /// A snapshot with this publication number or a later one shows the effect.
    pub publication: u64,
}

/// Why a request was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A number is outside its range or not a number.
    #[error("{field} must be from {min} to {max} {unit}, got {value}")]
    OutOfRange {
        /// Name of the field as commands name it.
        field: &'static str,
        /// What was sent.
        value: f64,
        /// Smallest allowed value.
        min: f64,
        /// Largest allowed value.
        max: f64,
        /// Unit of the three numbers.
        unit: &'static str,
    },
    /// There is no such unit.
    #[error("the farm has units 1 to {n_units}, not {number}")]
    NoSuchUnit {
        /// What was sent.
        number: u32,
        /// Number of units.
        n_units: usize,
    },
    /// The unit's state does not allow it.
    #[error("unit {unit} is {}: {reason}", .state.name())]
    WrongState {
        /// Number of the unit.
        unit: u32,
        /// Its state.
        state: UnitState,
        /// Why that is in the way, and what would help.
        reason: &'static str,
    },
    /// The loop's inbox is full; try again.
    #[error("the inbox of the loop is full; try again in a moment")]
    Busy,
    /// The loop is shutting down.
    #[error("the farm is shutting down")]
    Closed,
}

/// Answer to a request.
pub type Outcome = Result<Applied, Rejection>;

/// How the loop answers: called once, after publication. `core` needs no channel for it.
pub struct Reply(Box<dyn FnOnce(Outcome) + Send>);

impl Reply {
    /// A reply that calls `answer`.
    pub fn new(answer: impl FnOnce(Outcome) + Send + 'static) -> Self {
        Self(Box::new(answer))
    }
    /// A reply that nobody reads.
    pub fn none() -> Self {
        Self::new(|_| {})
    }
    /// Answers.
    pub fn send(self, outcome: Outcome) {
        (self.0)(outcome);
    }
}
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// A letter to the loop.
#[derive(Debug)]
pub struct Submission {
    /// What is asked.
    pub request: Request,
    /// By whom.
    pub origin: Origin,
    /// Where the answer goes.
    pub reply: Reply,
}

/// The bounded inbox of the loop, as the edges see it.
pub trait Mailbox: Send + Sync + fmt::Debug {
    /// Posts a letter; never waits. When the inbox is full or closed the letter is answered with
    /// [`Rejection::Busy`] or [`Rejection::Closed`] at once.
    fn post(&self, submission: Submission);
}

/// Timed commands of a file or a scenario, asked once before every tick.
pub trait CommandSource: Send + fmt::Debug {
    /// Appends to `out` the commands that are due at the start of tick `now`, in order.
    fn due(&mut self, now: Tick, out: &mut Vec<Command>);

    /// The first tick after `now` at which something may be due; asked between calls of `due`. A
    /// headless run takes the ticks before it at one go. By default the next one.
    fn next_after(&self, now: Tick) -> Tick {
        now.next()
    }
}

/// Checks `command` against the farm and what is seen of the unit; the loop applies what passes.
///
/// # Errors
/// The reason why the command must be refused.
pub fn validate(spec: &FarmSpec, units: &[UnitView], command: &Command) -> Result<(), Rejection> {
    validate_with(spec, &|unit| units[unit.idx()].state, command)
}

/// Like [`validate`], with the present state of a unit from `state_of` (asked for existing units).
///
/// # Errors
/// The reason why the command must be refused.
pub fn validate_with(
    spec: &FarmSpec,
    state_of: &dyn Fn(UnitId) -> UnitState,
    command: &Command,
) -> Result<(), Rejection> {
    match command {
        Command::ControlUnit { unit, change } => {
            let design = &find_unit(spec, *unit)?.design;
            validate_change(design, change)
        }
        Command::OperateUnit { unit, action } => {
            find_unit(spec, *unit)?;
            validate_action(*unit, state_of(*unit), *action)
        }
        Command::SetDefect { unit, defect } => defect.check(&find_unit(spec, *unit)?.design),
        Command::SetFarmPower { active, reactive } => {
            let rated_w = spec.rated_power().0;
            in_range("active_power_w", active.0, -rated_w, rated_w, "W")?;
            let rated_var = spec.rated_reactive_power().0;
            reactive.map_or(Ok(()), |q| {
                in_range("reactive_power_var", q.0, -rated_var, rated_var, "var")
            })
        }
        Command::ReleaseFarm => Ok(()),
        Command::Batch(commands) => {
            commands.iter().try_for_each(|command| validate_with(spec, state_of, command))
        }
    }
}

/// Checks a clock command.
///
/// # Errors
/// When the speed or the number of ticks is out of range.
pub fn validate_clock(command: ClockCommand) -> Result<(), Rejection> {
    match command {
        ClockCommand::Pause | ClockCommand::Resume => Ok(()),
        ClockCommand::SetSpeed(speed) => in_range("speed", speed, SPEED_MIN, SPEED_MAX, "x"),
        ClockCommand::Step(ticks) => {
            in_range("step_ticks", ticks as f64, 1.0, STEP_MAX as f64, "ticks")
        }
    }
}

/// Finds a unit of the farm.
///
/// # Errors
/// When there is none with this id.
pub fn find_unit(spec: &FarmSpec, unit: UnitId) -> Result<&crate::spec::UnitSpec, Rejection> {
    let n_units = spec.units.len();
    spec.units.get(unit.idx()).ok_or(Rejection::NoSuchUnit { number: unit.number(), n_units })
}

fn validate_change(design: &UnitDesign, change: &ControlChange) -> Result<(), Rejection> {
    let (rated_w, rated_var) = (design.pcs.rated_power.0, design.pcs.rated_reactive_power.0);
    let ramp_max = design.pcs.ramp_per_s * 100.0;
    let checks = [
        ("active_power_w", change.active_w, -rated_w, rated_w, "W"),
        ("active_power_pct", change.active_pct, -100.0, 100.0, "%"),
        ("reactive_power_var", change.reactive_var, -rated_var, rated_var, "var"),
        ("reactive_power_pct", change.reactive_pct, -100.0, 100.0, "%"),
        ("discharge_limit_pct", change.discharge_limit_pct, 0.0, 100.0, "%"),
        ("ramp_pct_per_s", change.ramp_pct_per_s, RAMP_MIN_PCT_PER_S, ramp_max, "%/s"),
    ];
    for (field, value, min, max, unit) in checks {
        if let Some(value) = value {
            in_range(field, value, min, max, unit)?;
        }
    }
    Ok(())
}

/// Slowest ramp that may be set, in percent of the rating per second.
pub const RAMP_MIN_PCT_PER_S: f64 = 0.1;

fn in_range(
    field: &'static str,
    value: f64,
    min: f64,
    max: f64,
    unit: &'static str,
) -> Result<(), Rejection> {
    // Ratings come from files in other units: their last digit is not a reason to refuse. A NaN is in
    // no range.
    let slack = 1e-9 * max.abs().max(min.abs());
    if (min - slack..=max + slack).contains(&value) {
        Ok(())
    } else {
        Err(Rejection::OutOfRange { field, value, min, max, unit })
    }
}

fn validate_action(unit: UnitId, state: UnitState, action: UnitAction) -> Result<(), Rejection> {
    let refuse = |reason| Err(Rejection::WrongState { unit: unit.number(), state, reason });
    match (state, action) {
        (UnitState::Fault, UnitAction::ResetAlarms) => {
            refuse("its state left the numbers; only a new run clears that")
        }
        (UnitState::Fault, UnitAction::Stop) => Ok(()),
        (UnitState::Fault, _) => refuse("a unit in fault cannot start"),
        (UnitState::Off, UnitAction::EnterStandby | UnitAction::ExitStandby) => {
            refuse("start it first")
        }
        _ => Ok(()),
    }
}
