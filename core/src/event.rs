//! Events: what happened in the farm, with its cause and its instant.
//!
//! Every transition of a unit, every step in the life of an alarm, every move of a contactor is one.

use crate::alarm::{AlarmKey, AlarmPhase};
use crate::control::{ControlSource, FunctionName, WatchdogState};
use crate::id::UnitId;
use crate::link::LinkEffect;
use crate::state::{Trigger, UnitState};
use crate::time::Moment;
use std::fmt;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Event {
    /// When, to the microsecond where it happened within a tick.
    pub at: Moment,
    /// The unit; `None` for the farm or its grid.
    pub unit: Option<UnitId>,
    /// What.
    pub kind: EventKind,
}

/// Why something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Cause {
    /// Somebody asked for it.
    Command(ControlSource),
    /// A step of a sequence was done, or its time was over.
    Sequence,
    /// An alarm.
    Alarm(AlarmKey),
    /// The controller is lost, or back.
    Watchdog,
    /// The battery's limits, or those of the converter.
    Limits,
    /// The grid is fit again to enter service.
    Grid,
}

/// A contactor of a rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Contactor {
    /// In the negative line.
    Negative,
    /// In series with the precharge resistor, beside the positive one.
    Precharge,
    /// In the positive line.
    Positive,
}

impl Contactor {
    /// Its name in files, REST and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Precharge => "precharge",
            Self::Positive => "positive",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum EventKind {
    /// A unit changed its state.
    State {
        /// From this one.
        from: UnitState,
        /// To this one.
        to: UnitState,
        /// What made it.
        trigger: Trigger,
        /// And why.
        cause: Cause,
    },
    /// An alarm took a step in its life.
    Alarm {
        /// Which.
        key: AlarmKey,
        /// Its phase now; `None` when it is gone.
        phase: Option<AlarmPhase>,
        /// The value then, NaN for a yes or no.
        value: f64,
    },
    /// The reset of an alarm was refused because its cause is still there.
    ResetRefused {
        /// Which.
        key: AlarmKey,
    },
    /// A contactor of a rack closed or opened.
    Contactor {
        /// Index of the rack in its unit.
        rack_idx: u16,
        /// Which.
        contactor: Contactor,
        /// Whether it is closed now.
        closed: bool,
    },
    /// A rack's fuse blew.
    Fuse {
        /// Index of the rack in its unit.
        rack_idx: u16,
    },
    /// The watch over the controller changed its state.
    Watchdog {
        /// The state now.
        state: WatchdogState,
    },
    /// A reversion timer ran out: the value to revert to is in force.
    Reverted {
        /// Of which control.
        control: Reverted,
    },
    /// A function of a unit went on or off.
    Function {
        /// Which.
        function: FunctionName,
        /// Whether it is on now.
        on: bool,
    },
    /// A unit went under local control, or back under remote control.
    Local {
        /// Whether it is local now.
        local: bool,
    },
    /// A unit began to form an island, or its island ended.
    Island {
        /// Whether it stands now.
        formed: bool,
    },
    /// A condition of the links to clients began, or ended.
    Link {
        /// What it does.
        effect: LinkEffect,
        /// Whether it is in force now.
        on: bool,
    },
    /// The grid was disturbed, or the disturbance ended.
    Grid {
        /// What.
        what: GridChange,
    },
    /// A fault that somebody injected began, or ended.
    Fault {
        /// Its kind, such as `device.pcs.trip`.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::command::interned::name"))]
        kind: crate::command::FaultName,
        /// Whether it is in force now.
        on: bool,
    },
    /// The farm goes on from a checkpoint.
    Restored {
        /// The last tick that the checkpoint knows of.
        tick: crate::time::Tick,
    },
}

/// A control with a reversion timer (SunSpec 704).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reverted {
    /// Active power.
    ActivePower,
    /// Reactive power.
    ReactivePower,
    /// The cap of discharge.
    DischargeLimit,
    /// The power factor while injecting.
    PowerFactorInjecting,
    /// The power factor while absorbing.
    PowerFactorAbsorbing,
}

impl Reverted {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::ActivePower,
        Self::ReactivePower,
        Self::DischargeLimit,
        Self::PowerFactorInjecting,
        Self::PowerFactorAbsorbing,
    ];
    /// Its name in REST and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActivePower => "active_power",
            Self::ReactivePower => "reactive_power",
            Self::DischargeLimit => "discharge_limit",
            Self::PowerFactorInjecting => "power_factor_injecting",
            Self::PowerFactorAbsorbing => "power_factor_absorbing",
        }
    }
}

/// A change of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum GridChange {
    /// Its voltage, in per unit of nominal.
    Voltage(f64),
    /// Its frequency in Hz.
    Frequency(f64),
    /// It is gone.
    Outage,
    /// It is back.
    Restored,
    /// Its phase jumped by so many degrees.
    PhaseJump(f64),
    /// A load of the grid behind the POI changed by so many watts, positive is more load.
    LoadStep(f64),
    /// The breaker at the POI opened, by its relay or by command.
    BreakerOpened,
    /// It closed.
    BreakerClosed,
}

impl EventKind {
    /// Every name in the order of the kinds.
    pub const NAMES: [&'static str; 14] = [
        "state",
        "alarm",
        "reset_refused",
        "contactor",
        "fuse",
        "watchdog",
        "reverted",
        "function",
        "local",
        "grid",
        "island",
        "link",
        "fault",
        "restored",
    ];
    /// Its name in REST and logs.
    pub const fn name(&self) -> &'static str {
        let position = match self {
            Self::State { .. } => 0,
            Self::Alarm { .. } => 1,
            Self::ResetRefused { .. } => 2,
            Self::Contactor { .. } => 3,
            Self::Fuse { .. } => 4,
            Self::Watchdog { .. } => 5,
            Self::Reverted { .. } => 6,
            Self::Function { .. } => 7,
            Self::Local { .. } => 8,
            Self::Grid { .. } => 9,
            Self::Island { .. } => 10,
            Self::Link { .. } => 11,
            Self::Fault { .. } => 12,
            Self::Restored { .. } => 13,
        };
        Self::NAMES[position]
    }
}

/// The rack's number for people, in brackets.
struct OfRack(Option<u16>);

impl fmt::Display for OfRack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |rack_idx| write!(f, " of rack {}", rack_idx + 1))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(source) => write!(f, "command ({})", source.name()),
            Self::Sequence => f.write_str("sequence"),
            Self::Alarm(key) => {
                write!(f, "{} {}{}", key.code.name(), key.level.name(), OfRack(key.rack_idx))
            }
            Self::Watchdog => f.write_str("watchdog"),
            Self::Limits => f.write_str("limits"),
            Self::Grid => f.write_str("grid"),
        }
    }
}

impl fmt::Display for GridChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voltage(pu) => write!(f, "voltage {pu:.4} pu"),
            Self::Frequency(hz) => write!(f, "frequency {hz:.4} Hz"),
            Self::Outage => f.write_str("outage"),
            Self::Restored => f.write_str("restored"),
            Self::PhaseJump(degrees) => write!(f, "phase jump of {degrees} degrees"),
            Self::LoadStep(watts) => write!(f, "load step of {watts} W"),
            Self::BreakerOpened => f.write_str("breaker at the POI opened"),
            Self::BreakerClosed => f.write_str("breaker at the POI closed"),
        }
    }
}

impl fmt::Display for EventKind {
    /// One line for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { from, to, trigger, cause } => {
                write!(f, "{} -> {} by {}: {cause}", from.name(), to.name(), trigger.name())
            }
            Self::Alarm { key, phase, value } => {
                let phase = phase.map_or("gone", AlarmPhase::name);
                let (code, level) = (key.code.name(), key.level.name());
                write!(f, "{code} {level}{} {phase}", OfRack(key.rack_idx))?;
                if value.is_finite() {
                    write!(f, " at {value:.4} {}", key.code.row().unit)?;
                }
                Ok(())
            }
            Self::ResetRefused { key } => {
                let (code, level) = (key.code.name(), key.level.name());
                write!(f, "reset of {code} {level}{} refused", OfRack(key.rack_idx))
            }
            Self::Contactor { rack_idx, contactor, closed } => {
                let done = if *closed { "closed" } else { "opened" };
                write!(f, "{} contactor of rack {} {done}", contactor.name(), rack_idx + 1)
            }
            Self::Fuse { rack_idx } => write!(f, "fuse of rack {} blew", rack_idx + 1),
            Self::Watchdog { state } => write!(f, "controller {}", state.name()),
            Self::Reverted { control } => write!(f, "{} reverted", control.name()),
            Self::Function { function, on } => {
                write!(f, "{} {}", function.name(), if *on { "on" } else { "off" })
            }
            Self::Local { local } => {
                write!(f, "{} control", if *local { "local" } else { "remote" })
            }
            Self::Grid { what } => write!(f, "grid: {what}"),
            Self::Link { effect, on } => {
                write!(f, "link: {} {}", effect.name(), if *on { "begins" } else { "ends" })
            }
            Self::Restored { tick } => write!(f, "goes on from the checkpoint of tick {tick}"),
            Self::Fault { kind, on } => {
                write!(f, "fault {kind} {}", if *on { "begins" } else { "ends" })
            }
            Self::Island { formed } => {
                f.write_str(if *formed { "forms an island" } else { "ends its island" })
            }
        }
    }
}
