//! What a connection counts by itself, to touch the counters that all share only now and then.

use bess_core::stats::ModbusStats;
use std::sync::atomic::Ordering::Relaxed;

/// What was counted and is not in the counters yet: all connections share those, so each batch of frames
/// touches them once.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) function: u8,
    /// Requests of that function.
    pub(super) requests: u64,
    /// Answers to that function that were made at once.
    pub(super) answered: u64,
    /// When the snapshot was made that they are of.
    pub(super) made_unix_ns: i64,
}

impl Tally {
    pub(super) fn count(&mut self, function: u8, stats: &ModbusStats) {
        if function != self.function {
            self.note_requests(stats);
            self.function = function;
        }
        self.requests += 1;
    }

    pub(super) fn note_requests(&mut self, stats: &ModbusStats) {
        if self.requests > 0 {
            if let Some(count) = stats.requests.get(usize::from(self.function)) {
                count.fetch_add(self.requests, Relaxed);
            }
            self.requests = 0;
        }
    }
}
