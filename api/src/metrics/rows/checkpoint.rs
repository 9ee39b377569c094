//! Checkpoints of the farm's state; nothing but the counters where none are kept.

use super::{BYTES, Count, NONE, Real, Row, SECONDS, Sight, counter, gauge, load, unix_s};
use std::sync::atomic::Ordering::Relaxed;

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    counter("bess_checkpoints_written_total", NONE, "Checkpoints that were written whole", Count(|s| load(&s.stats().checkpoints.written))),
    counter("bess_checkpoint_failures_total", NONE, "Checkpoints that could not be written; the farm goes on, and the last whole one stays", Count(|s| load(&s.stats().checkpoints.failures))),
    gauge("bess_checkpoint_last_tick", NONE, "Tick of the newest checkpoint; absent where there is none", Real(|s| of_last(s, load(&s.stats().checkpoints.last_tick) as f64))),
    gauge("bess_checkpoint_last_timestamp_seconds", SECONDS, "Wall time in Unix seconds of the newest checkpoint; absent where there is none", Real(|s| of_last(s, unix_s(s.stats().checkpoints.last_unix_ns.load(Relaxed))))),
    gauge("bess_checkpoint_size_bytes", BYTES, "Size of the newest checkpoint; absent where there is none", Real(|s| of_last(s, load(&s.stats().checkpoints.size_bytes) as f64))),
    gauge("bess_checkpoint_stall_seconds", SECONDS, "How long the tick loop stood still to write its state down for the newest checkpoint; absent where there is none", Real(|s| of_last(s, load(&s.stats().checkpoints.stall_ns) as f64 / 1e9))),
];

/// `value`, where checkpoints are kept and there is one.
fn of_last(sight: &Sight<'_>, value: f64) -> f64 {
    let checkpoints = &sight.stats().checkpoints;
    let has_one = load(&checkpoints.is_on) == 1 && checkpoints.last_unix_ns.load(Relaxed) != 0;
    if has_one { value } else { f64::NAN }
}
