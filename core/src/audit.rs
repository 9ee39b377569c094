//! The audit: who wrote what, and what came of it. One record for each write, accepted or refused.

use crate::command::{Origin, Rejection};
use crate::id::UnitId;
use crate::point::Table;
use crate::role::Role;
use crate::time::Tick;

/// One write.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// The least role that may write it; that of whoever reads for what never became a command.
    pub needs: Role,
    /// Why it was refused; `None` when it was applied.
    pub refused: Option<String>,
}

/// First words of the REST routes that ask nothing of the farm: its clock, its log, and who directs faults and
/// scenarios.
const BESIDE: [&str; 5] = ["clock", "faults", "logging", "runs", "scenarios"];

impl AuditRecord {
    /// Whether it was meant for the farm: not for its clock, its log, or who directs faults and scenarios.
    pub fn is_of_farm(&self) -> bool {
        // As in `POST /api/v1/runs`.
        let route = self.origin.via.as_deref().and_then(|via| via.split('/').nth(3));
        route.is_none_or(|first| !BESIDE.contains(&first))
    }
}

/// A write over Modbus, word by word.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ModbusWrite {
    /// Name of the listener.
    pub listener: String,
    /// Role of the client there.
    pub role: Role,
    /// Number of its connection, from 1 since the start of the server.
    pub connection: u64,
    /// Unit id of the request.
    pub unit_id: u8,
    /// Transaction id of the request.
    pub transaction: u16,
    /// Function code.
    pub function: u8,
    /// The table that was written to.
    pub table: Table,
    /// First register or coil.
    pub address: u16,
    /// What was there before; empty where there is nothing to write to.
    pub old: Vec<u16>,
    /// What was written.
    pub new: Vec<u16>,
    /// The points that were touched, each with the engineering value that was written to it.
    pub points: Vec<(String, Option<f64>)>,
    /// Code of the exception that refused it; `None` when it was applied. Where the loop refuses, the
    /// loop fills it in.
    pub exception: Option<u8>,
}

impl Rejection {
    /// The Modbus exception that says it (Modbus Application Protocol 1.1b3, section 7): 3 for a value;
    /// 4 where the state is in the way; 6 where somebody else is; 11 for a unit that is not there.
    pub const fn modbus_exception(&self) -> u8 {
        match self {
            Self::OutOfRange { .. } | Self::NotPossible { .. } => 3,
            Self::WrongState { .. }
            | Self::ResetRefused { .. }
            | Self::Local { .. }
            | Self::StepCutShort { .. } => 4,
            Self::Leased { .. } | Self::Busy | Self::Closed => 6,
            Self::NoSuchUnit { .. } => 11,
        }
    }
}

/// Audit records that a run keeps.
pub const AUDIT_CAPACITY: usize = 10_000;
/// Events that a run keeps.
pub const EVENT_CAPACITY: usize = 10_000;
