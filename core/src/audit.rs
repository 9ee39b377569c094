//! The audit: who wrote what, and what came of it. One record for each write, accepted or refused.

use crate::command::Origin;
use crate::id::UnitId;
use crate::time::Tick;

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// The last tick before it.
    pub tick: Tick,
    /// Wall time in Unix nanoseconds; 0 in headless runs.
    pub wall_unix_ns: i64,
    /// Who.
    pub origin: Origin,
    /// The unit; `None` for the farm.
    pub unit: Option<UnitId>,
    /// What was written: names and engineering values, as `active_power_w = 1500000`.
    pub what: String,
    /// Why it was refused; `None` when it was applied.
    pub refused: Option<String>,
}

/// Audit records that a run keeps.
pub const AUDIT_CAPACITY: usize = 10_000;
/// Events that a run keeps.
pub const EVENT_CAPACITY: usize = 10_000;
