//! What whoever records a run hears of it: enough to do it again, bit for bit.

use crate::audit::AuditRecord;
use crate::command::{Command, Origin};
use crate::stage::StageRequest;
use crate::time::Tick;
use std::fmt;

/// Hears of everything that comes to a farm from outside of it, in the order in which the loop takes it, on
/// the loop's thread: it must neither wait nor fail.
pub trait Recorder: Send + fmt::Debug {
    /// A command came after `tick` and before the next one; one that was refused changed nothing but the
    /// count of refusals.
    fn came(&mut self, tick: Tick, command: &Command, origin: &Origin, is_refused: bool);
    /// A letter came for who directs scenarios and faults; the commands that follow from it come after it.
    fn asked(&mut self, tick: Tick, request: &StageRequest, is_refused: bool);
    /// Something that is no command is in the audit, and counted with the commands: a request to who directs
    /// (which [`Recorder::asked`] told), to the clock or to the log, or a write that an edge refused.
    fn noted(&mut self, record: &AuditRecord);
    /// The units were looked at between two ticks, after commands that came meanwhile: what is available
    /// now, and what the next tick begins with, is made of it.
    fn looked(&mut self, tick: Tick);
    /// Counters of clients as who directs is about to see them at the end of `tick`: those that changed, by
    /// their place in [`Stats::read_counters`](crate::stats::Stats::read_counters). Only while something
    /// is directed.
    fn counted(&mut self, tick: Tick, changes: &[(usize, u64)]);
    /// Whether the hash of the farm's state at the end of `tick` is wanted; asked after each tick.
    fn wants_hash(&self, tick: Tick) -> bool;
    /// The hash of the farm's state at the end of `tick`.
    fn passed(&mut self, tick: Tick, state_hash: &[u8; 32]);
    /// The run ended after `tick`.
    fn ended(&mut self, tick: Tick, state_hash: &[u8; 32]);
}
