//! Loss of control: the watch over a unit's controller, reversion timers and leases.
//!
//! All of it counts ticks and is asked once a tick after the commands of that tick, so that a sign of
//! life in the tick in which time would run out still counts.

mod lease;
mod reversion;
mod watchdog;

pub(crate) use lease::Lease;
pub(crate) use reversion::Reversions;
pub(crate) use watchdog::{Change, Sign, Watchdog};

use bess_core::time::TICKS_PER_S;

/// Ticks until `seconds` are over: the first tick at which no less has passed.
fn ticks_until(seconds: f64) -> u64 {
    // A millionth of a tick is the rounding of decimal seconds, not a time to wait for.
    (seconds * TICKS_PER_S as f64 - 1e-6).max(0.0).ceil() as u64
}
