//! What an expression can see: the farm, the farm as it would be without faults, the side of the
//! clients, and what happened since the start of the run.
//!
//! Once a tick, in this order: [`LinkSight::note`], [`Story::note`], then a [`Sight`] is made of it
//! all, [`Memory::note`] takes what windows and baselines need, and expressions are evaluated.

mod events;
mod link;
mod memory;
mod reference;
mod signals;
mod story;
mod targets;
mod writes;

pub use events::{EVENTS, EventName, EventRow, Says, Seen};
pub use link::LinkSight;
pub(crate) use memory::WINDOW_MAX_TICKS;
pub use memory::{Memory, Need};
pub(crate) use signals::{Get, Source};
pub use signals::{Level, SIGNALS, Signal, find_signal, is_called};
pub use story::Story;
pub(crate) use targets::Resolved;
pub use targets::{Member, TargetKind, Targets};

use bess_core::snapshot::Snapshot;
use bess_core::time::Tick;

/// Everything that an expression can see at the end of one tick.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The farm.
    pub snapshot: &'a Snapshot,
    /// The farm as it would be without the faults, where one runs along.
    pub shadow: Option<&'a Snapshot>,
    /// The side of the clients, by counters of this process.
    pub link: &'a LinkSight,
    /// Who the targets are.
    pub targets: &'a Targets,
    /// What windows and baselines look back to; [`Memory::none`] while memory itself is fed.
    pub memory: &'a Memory,
    /// Actions, events and observations.
    pub story: &'a Story,
    /// From this tick on `event` and `sut` look: the begin of the check that asks.
    pub since: Tick,
    /// Whether this tick belongs to the window of the steady state, of which `baseline` is the mean.
    pub in_baseline: bool,
}
