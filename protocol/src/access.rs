//! What the server is given, and how a listener behaves.

use bess_core::command::Mailbox;
use bess_core::net::PeerNet;
use bess_core::role::Role;
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How the server sees the farm.
#[derive(Clone, Debug)]
pub struct FarmAccess {
    /// The latest picture of the farm.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The inbox of the loop.
    pub mailbox: Arc<dyn Mailbox>,
    /// Counters.
    pub stats: Arc<Stats>,
}

/// When a write is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ack {
    /// When the loop has applied it.
    #[default]
    Applied,
    /// At once, when it was checked against the latest snapshot; registers read as written from then on.
    Accepted,
}

/// What a listener does with a request to a unit id that nobody answers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Absent {
    /// Exception 11: the target device failed to respond.
    #[default]
    Target,
    /// Exception 10: the path is not available.
    Path,
    /// No answer.
    Silent,
    /// The first device of the socket answers.
    First,
}

/// How a listener treats its clients.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerConfig {
    /// Its name in the audit, in logs and in link conditions.
    pub name: String,
    /// What its clients may do at most.
    pub role: Role,
    /// Networks whose clients are let in; empty for all.
    pub allow: Vec<PeerNet>,
    /// Connections at once; one more is closed when it is accepted.
    pub max_connections: usize,
    /// Connections at once from one address.
    pub max_connections_per_address: usize,
    /// A connection that is quiet for longer is closed.
    pub idle_timeout: Duration,
    /// A frame whose rest does not come within this time closes its connection.
    pub frame_timeout: Duration,
    /// How long a write waits for the loop before it is answered with exception 4.
    pub answer_timeout: Duration,
    /// When writes are answered.
    pub ack: Ack,
    /// What answers for nobody.
    pub absent: Absent,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            name: "modbus".to_owned(),
            role: Role::Engineer,
            allow: Vec::new(),
            max_connections: 4096,
            max_connections_per_address: 4096,
            idle_timeout: Duration::from_secs(600),
            frame_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(2),
            ack: Ack::default(),
            absent: Absent::default(),
        }
    }
}
