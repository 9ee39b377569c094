//! What a server is given, and what its connections share.

use crate::map::Gateway;
use bess_core::command::Mailbox;
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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

/// Limits of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Connections at once; one more is closed when it is accepted.
    pub max_connections: usize,
    /// A connection that is quiet for longer is closed.
    pub idle_timeout: Duration,
    /// A frame whose rest does not come within this time closes its connection.
    pub frame_timeout: Duration,
    /// How long a write waits for the loop before it is answered with exception 4.
    pub answer_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_connections: 512,
            idle_timeout: Duration::from_secs(600),
            frame_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(2),
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) farm: FarmAccess,
    pub(crate) config: ServerConfig,
    pub(crate) tracker: TaskTracker,
    /// Whether no further request is taken; set before `drain` wakes the connections.
    pub(crate) is_draining: AtomicBool,
    pub(crate) drain: CancellationToken,
    pub(crate) gateway: Arc<Gateway>,
}
