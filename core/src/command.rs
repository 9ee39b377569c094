//! What clients may ask of the farm: one door, one log, one order.
//!
//! A client posts a [`Submission`] into the [`Mailbox`]; the loop takes it at a tick, checks it, and
//! answers through its [`Reply`] after the snapshot that shows the effect has been published. A
//! refused request changes nothing.

mod check;
mod describe;
#[cfg(feature = "serde")]
pub(crate) mod interned;

use crate::alarm::AlarmKey;
use crate::audit::ModbusWrite;
pub use crate::control::{
    ControlChange, ControlSource, FunctionsChange, PowerPriority, Setpoint, SetpointMode,
    UnitControl,
};
use crate::defect::Defect;
use crate::force::ForcedPoint;
use crate::id::{UnitId, UnitNumbers};
use crate::link::LinkCondition;
use crate::role::Role;
use crate::snapshot::UnitView;
use crate::spec::{Disturbance, Hold, LastingKind, PlantChange, PoiMeter, TransformerLimit};
use crate::stage::StageRequest;
use crate::state::UnitState;
use crate::time::Tick;
use crate::trace::{TraceContext, Tracer};
use crate::units::{Celsius, Vars, Watts};
use std::fmt;
use std::sync::Arc;

/// Name of a kind of fault; it lives for ever.
pub type FaultName = &'static str;

/// A change of the farm's state.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "the common command is the large one")]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// Changes settings of the functions of one unit; all fields together or none.
    ConfigureUnit {
        /// The unit.
        unit: UnitId,
        /// What to change.
        change: Box<FunctionsChange>,
    },
    /// Operates one rack of a unit.
    OperateRack {
        /// The unit.
        unit: UnitId,
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// What to do.
        action: RackAction,
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
    /// Changes settings of the plant controller; all fields together or none.
    ConfigurePlant(Box<PlantChange>),
    /// Disturbs the grid from the start of the next tick on.
    Disturb(Disturbance),
    /// Holds frequency or voltage of the grid at a value from the next tick on, or releases them; `None`
    /// leaves one as it is. Replaces a disturbance of that quantity that is in force.
    SetGrid {
        /// Frequency in Hz.
        frequency_hz: Option<Hold>,
        /// Voltage in per unit of nominal.
        voltage_pu: Option<Hold>,
    },
    /// Ends what was done to the grid and lasts: disturbances in force, and what is held.
    EndDisturbances {
        /// Of this kind; `None` for every one.
        kind: Option<LastingKind>,
    },
    /// Sets the ambient temperature; `None` for that of the farm file or its record.
    SetAmbient(Option<Celsius>),
    /// Changes what the power meter at the POI shows.
    PoiMeter(PoiMeter),
    /// Opens or closes the breaker at the POI: open, every unit sees the grid gone.
    PoiBreaker {
        /// Whether it is to be open.
        open: bool,
    },
    /// Sets the relay over the load of the transformer at the POI; `None` for none.
    TransformerLimit(Option<TransformerLimit>),
    /// A fault began or ended: writes the event of it, and nothing else.
    NoteFault {
        /// The unit; `None` for the farm, its grid or its links.
        unit: Option<UnitId>,
        /// Its kind, such as `device.pcs.trip`.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "interned::name"))]
        kind: FaultName,
        /// Whether it is in force now.
        on: bool,
    },
    /// Picks up a load of the island, or drops it.
    PickUpLoad {
        /// Index of the load in the farm file.
        load_idx: usize,
        /// Whether it is to be fed.
        fed: bool,
    },
    /// Somebody asked something of this unit: a sign of life for [`HeartbeatKind::AnyRequest`].
    ///
    /// [`HeartbeatKind::AnyRequest`]: crate::control::HeartbeatKind::AnyRequest
    NoteRequest {
        /// The unit.
        unit: UnitId,
    },
    /// Sets a condition of the links to clients, or replaces the one of its name.
    SetLink(Box<LinkCondition>),
    /// Ends a condition of the links.
    ClearLink {
        /// Its name; `None` for all.
        name: Option<String>,
    },
    /// Forces what a point of the register maps shows.
    ForcePoint(Box<ForcedPoint>),
    /// Lets it show again what is so.
    ReleasePoint {
        /// The unit; `None` for the plant.
        unit: Option<UnitId>,
        /// Its canonical name; `None` for every one of that unit, or of the plant.
        point: Option<String>,
    },
    /// Several commands in one tick: each is checked against the state before the batch, then all are
    /// applied in order; one that fails refuses all.
    Batch(Vec<Command>),
}

/// What an operator does to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UnitAction {
    /// Comes up and runs: contactors closed, converter running.
    Start,
    /// Ramps down and opens the contactors.
    Stop,
    /// Comes up, or goes back, to closed contactors and a converter that stands.
    EnterStandby,
    /// Starts the converter again.
    ExitStandby,
    /// Resets latched alarms, a lock-out, a fault or an emergency stop. Refused as long as the cause
    /// of a latched alarm is there.
    ResetAlarms,
    /// Presses the emergency stop.
    EmergencyStop,
    /// Releases it; the unit stays stopped until it is reset.
    ReleaseEmergencyStop,
    /// Takes the unit out for work on it.
    EnterMaintenance,
    /// Ends that; the unit is off.
    EndMaintenance,
    /// Turns the switch at its panel to local: remote writes are refused.
    Local,
    /// Turns it back to remote.
    Remote,
    /// Forms an island from a dead grid (black start), with the function `grid_forming` on.
    BlackStart,
}

impl UnitAction {
    /// Every action with its name in REST paths and on the command line.
    pub const ALL: [(&'static str, Self); 12] = [
        ("start", Self::Start),
        ("stop", Self::Stop),
        ("standby", Self::EnterStandby),
        ("exit_standby", Self::ExitStandby),
        ("reset_alarms", Self::ResetAlarms),
        ("estop", Self::EmergencyStop),
        ("release_estop", Self::ReleaseEmergencyStop),
        ("maintenance", Self::EnterMaintenance),
        ("end_maintenance", Self::EndMaintenance),
        ("local", Self::Local),
        ("remote", Self::Remote),
        ("black_start", Self::BlackStart),
    ];
    /// The action called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, action)| *action)
    }
    /// Its name in REST paths and on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// Whether it makes the unit safer, so that local control and leases do not keep it from being
    /// done. What undoes that (remote, end of maintenance, release of the emergency stop) is done at
    /// the panel while the unit is local.
    pub const fn is_always_taken(self) -> bool {
        matches!(self, Self::EmergencyStop | Self::EnterMaintenance | Self::Local | Self::Stop)
    }
}

/// What an operator does to a rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RackAction {
    /// Lets it take part: it is connected with its unit, at once if its voltage fits.
    Connect,
    /// Takes it out: its contactors open, and stay open.
    Disconnect,
}

impl RackAction {
    /// Every action with its name in REST paths.
    pub const ALL: [(&'static str, Self); 2] =
        [("connect", Self::Connect), ("disconnect", Self::Disconnect)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
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

impl fmt::Display for ClockCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pause => f.write_str("clock paused"),
            Self::Resume => f.write_str("clock running"),
            Self::SetSpeed(speed) => write!(f, "clock speed = {speed}"),
            Self::Step(ticks) => write!(f, "clock step of {ticks} ticks"),
        }
    }
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
    /// Say whether this command would be refused now; nothing is changed and nothing is on record.
    Check(Command),
    /// Change the clock: all are checked, then applied in order; answered when the last one is done.
    Clock(Vec<ClockCommand>),
    /// Something of who directs scenarios and faults.
    Stage(StageRequest),
    /// Put the cells of a unit into the snapshots of the next seconds.
    ShowCells(UnitId),
    /// Put into the audit what an edge did that is no command, such as to the log.
    Noted {
        /// What was written, with its values.
        what: String,
        /// The least role that may write it.
        needs: Role,
    },
    /// Put into the audit that an edge refused a write before it became a command.
    Refused {
        /// The unit; `None` for the farm.
        unit: Option<UnitId>,
        /// What was written, with its values.
        what: String,
        /// Why it was refused.
        reason: String,
    },
}

/// The holder of a token: who a sender proved to be. Never the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bearer {
    /// Name of the token.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Origin {
    /// Kind of the sender.
    pub source: ControlSource,
    /// Its address, where it has one.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub peer: Option<String>,
    /// Whose token it showed, where tokens are asked for.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub bearer: Option<Box<Bearer>>,
    /// How it asked, for the audit: a function code and register, a route.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub via: Option<String>,
    /// What a Modbus request wrote, word by word.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub modbus: Option<Box<ModbusWrite>>,
    /// Id of the request that it came with, where requests have one.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub request_id: Option<Box<str>>,
    /// The trace that it belongs to.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub trace: Option<TraceContext>,
}

impl Origin {
    /// An origin without an address.
    pub fn local(source: ControlSource) -> Self {
        Self { source, ..Self::default() }
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
    #[error("{field} must be {}, got {value}", range_in_words(*min, *max, unit))]
    OutOfRange {
        /// Name of the field as commands name it.
        field: &'static str,
        /// What was sent.
        value: f64,
        /// Smallest allowed value; infinite for no limit.
        min: f64,
        /// Largest allowed value; infinite for no limit.
        max: f64,
        /// Unit of the three numbers.
        unit: &'static str,
    },
    /// There is no such unit.
    #[error("{units}, not {number}")]
    NoSuchUnit {
        /// What was sent.
        number: u32,
        /// Which there are.
        units: UnitNumbers,
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
    /// The cause of a latched alarm is still there.
    #[error("unit {unit} cannot be reset: {} {} is still there", .alarm.code.name(), .alarm.level.name())]
    ResetRefused {
        /// Number of the unit.
        unit: u32,
        /// The alarm.
        alarm: AlarmKey,
    },
    /// The unit is under local control.
    #[error(
        "unit {unit} is under local control: remote writes are refused until its switch is turned back to remote"
    )]
    Local {
        /// Number of the unit.
        unit: u32,
    },
    /// Somebody else holds the unit.
    #[error("unit {unit} is held by {holder} for {remaining_s:.1} s more")]
    Leased {
        /// Number of the unit.
        unit: u32,
        /// Who.
        holder: String,
        /// For how long still, in s.
        remaining_s: f64,
    },
    /// A setting contradicts itself or is not possible here.
    #[error("{field}: {reason}")]
    NotPossible {
        /// Name of the field as commands name it.
        field: &'static str,
        /// Why, and what would do.
        reason: String,
    },
    /// Something else was asked of the clock before all ticks of a step had run.
    #[error("the step was cut short at tick {tick}: {ran} of its {asked} ticks have run")]
    StepCutShort {
        /// The tick at which the clock stands.
        tick: Tick,
        /// Ticks that ran since the step was asked for.
        ran: u64,
        /// Ticks that had to run until it would have been done.
        asked: u64,
    },
    /// The loop's inbox is full; try again.
    #[error("the inbox of the loop is full; try again in a moment")]
    Busy,
    /// The loop is shutting down.
    #[error("the farm is shutting down")]
    Closed,
}

/// What a number must be to lie within a range, whose ends are infinite where it has none.
fn range_in_words(min: f64, max: f64, unit: &str) -> String {
    let range = match (min.is_finite(), max.is_finite()) {
        (true, true) => format!("from {min} to {max}"),
        (true, false) => format!("at least {min}"),
        (false, true) => format!("at most {max}"),
        (false, false) => "a number".to_owned(),
    };
    if unit.is_empty() { range } else { format!("{range} {unit}") }
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
    /// Notes that somebody asked something of `unit`, a read as well; never waits. By default nobody
    /// is interested.
    fn note_request(&self, unit: UnitId) {
        let _ = unit;
    }

    /// Who collects the spans of requests, if somebody does. By default nobody.
    fn tracer(&self) -> Option<&Arc<dyn Tracer>> {
        None
    }

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

/// What a check must know of a unit's present state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Its state.
    pub state: UnitState,
    /// The alarm that keeps it from being reset, if one does.
    pub reset_blocked_by: Option<AlarmKey>,
}

impl From<&UnitView> for Standing {
    fn from(view: &UnitView) -> Self {
        Self { state: view.state, reset_blocked_by: view.reset_blocked_by }
    }
}

pub use check::{
    PF_MIN, RAMP_MIN_PCT_PER_S, REVERSION_MAX_S, find_unit, validate, validate_clock, validate_with,
};
pub(crate) use check::{in_bounds, in_range};
