//! What a fault does: commands to the farm, and what its host and the built-in EMS are told.

use bess_core::command::Command;
use bess_core::link::LinkEffect;
use bess_core::spec::{DisturbanceKind, PoiMeter};
use std::sync::Arc;

/// What a fault does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Something with the farm.
    Command(Box<Command>),
    /// Something with who runs the farm or asks it.
    Host(HostAct),
}

impl Act {
    /// Whether it leaves everything as it is: a defect that is none, a step of 0, a client that does its
    /// work.
    pub fn is_neutral(&self) -> bool {
        match self {
            Self::Command(command) => match &**command {
                Command::SetDefect { defect, .. } => !defect.is_active(),
                Command::Disturb(disturbance) => match disturbance.kind {
                    DisturbanceKind::PhaseJump(degrees) => degrees == 0.0,
                    DisturbanceKind::LoadStep(load) => load.0 == 0.0,
                    _ => false,
                },
                Command::PoiMeter(meter) => *meter == PoiMeter::default(),
                Command::SetLink(link) => {
                    let nothing = LinkEffect::Delay { delay_s: 0.0, jitter_s: 0.0 };
                    link.probability <= 0.0 || link.effect == nothing
                }
                _ => false,
            },
            Self::Host(HostAct::Stall { ticks }) => *ticks == 0,
            Self::Host(HostAct::Client { act, .. }) => match *act {
                ClientAct::Heartbeat(mode) => mode == HeartbeatMode::Normal,
                ClientAct::Setpoint(power_w) => power_w.is_none(),
                ClientAct::FreezeSetpoint(on) | ClientAct::Stop(on) => !on,
                ClientAct::Flood(rate) | ClientAct::Replay(rate) => rate == 0.0,
                ClientAct::Scale(factor) => factor == 1.0,
            },
        }
    }
}

impl From<Command> for Act {
    fn from(command: Command) -> Self {
        Self::Command(Box::new(command))
    }
}

/// What is done by who runs the farm, beside the farm.
#[derive(Clone, Debug, PartialEq)]
pub enum HostAct {
    /// The loop stands still for so many ticks of wall time.
    Stall {
        /// How many.
        ticks: u64,
    },
    /// The built-in EMS does something else than its work.
    Client {
        /// Which one.
        client: Arc<str>,
        /// What.
        act: ClientAct,
    },
}

/// What the built-in EMS is told.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientAct {
    /// How its heartbeat counts.
    Heartbeat(HeartbeatMode),
    /// A setpoint of the farm in W that it writes in place of its own; `None` for its own again.
    Setpoint(Option<f64>),
    /// Whether it goes on writing the setpoint that it wrote last, whatever happens.
    FreezeSetpoint(bool),
    /// Whether it has closed its connections and does nothing.
    Stop(bool),
    /// Requests per second that it makes beside its work; 0 for none.
    Flood(f64),
    /// Whether it writes again, in their order, the writes that it made in the last so many seconds; 0
    /// ends it.
    Replay(f64),
    /// What it writes over what it means: 0.001 for kW where MW were meant, -1 for a reversed sign; 1 ends
    /// it.
    Scale(f64),
}

/// How a heartbeat counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatMode {
    /// Up by one each time.
    Normal,
    /// Nothing is written.
    Stop,
    /// The same number is written again and again.
    Frozen,
    /// Numbers come in no order.
    Erratic,
}

impl HeartbeatMode {
    /// Every one with its name in files.
    pub const ALL: [(&'static str, Self); 4] = [
        ("normal", Self::Normal),
        ("stop", Self::Stop),
        ("frozen", Self::Frozen),
        ("erratic", Self::Erratic),
    ];
}
