//! Counters of the loop and of the edges: plain atomics, written where the thing happens, read by the
//! metrics exporter. They are not part of the farm's state.

use crate::control::ControlSource;
use crate::link::LinkEffect;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// A histogram with fixed upper bounds in seconds.
#[derive(Debug)]
pub struct Histogram {
    bounds_s: &'static [f64],
    counts: Vec<AtomicU64>,
    sum_ns: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramReading {
    /// Upper bound in seconds and number of observations in that bucket alone; the last bound is
    /// infinite.
    pub buckets: Vec<(f64, u64)>,
    /// Sum of the observations in seconds.
    pub sum_s: f64,
    /// Number of observations.
    pub count: u64,
}

impl Histogram {
    /// An empty histogram with these bounds, in increasing order.
    pub fn new(bounds_s: &'static [f64]) -> Self {
        let counts = (0..=bounds_s.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds_s, counts, sum_ns: AtomicU64::new(0) }
    }
    /// Adds one observation of `seconds` (>= 0).
    pub fn observe(&self, seconds: f64) {
        self.observe_many(seconds, 1);
    }
    /// Adds `n` observations of `seconds` (>= 0) each.
    pub fn observe_many(&self, seconds: f64, n: u64) {
        let bucket = self.bounds_s.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(n, Relaxed);
        self.sum_ns.fetch_add((seconds * 1e9) as u64 * n, Relaxed);
    }
    /// What it holds; the count is the sum of the buckets, so the reading is consistent in itself.
    pub fn read(&self) -> HistogramReading {
        let bounds = self.bounds_s.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> =
            bounds.zip(self.counts.iter().map(|count| count.load(Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        HistogramReading { buckets, sum_s: self.sum_ns.load(Relaxed) as f64 / 1e9, count }
    }
}

/// Bounds for the loop: 0.1 s, the deadline of a tick, is one of them.
pub const TICK_BOUNDS_S: &[f64] =
    &[0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25];
/// Bounds for a Modbus request.
pub const MODBUS_BOUNDS_S: &[f64] =
    &[0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

/// Numbers of the tick loop.
#[derive(Debug)]
pub struct LoopStats {
    /// Ticks run.
    pub ticks: AtomicU64,
    /// Ticks whose work took longer than their period.
    pub overruns: AtomicU64,
    /// Ticks of the wall-clock schedule that were given up because the loop fell behind.
    pub skipped: AtomicU64,
    /// Work of a tick, from gathering commands to replying.
    pub duration: Histogram,
    /// From when a tick was due to when it started.
    pub lateness: Histogram,
    /// Wall time of the last beat in Unix nanoseconds; it beats also while the clock is paused.
    pub last_beat_unix_ns: AtomicI64,
}

/// Commands by source and result.
#[derive(Debug, Default)]
pub struct CommandStats {
    /// By `ControlSource as usize`: applied.
    pub applied: [AtomicU64; ControlSource::NAMES.len()],
    /// By `ControlSource as usize`: refused.
    pub refused: [AtomicU64; ControlSource::NAMES.len()],
    /// Letters turned away because the inbox was full.
    pub busy: AtomicU64,
}

/// Numbers of the Modbus server.
#[derive(Debug)]
pub struct ModbusStats {
    /// Requests by function code (0 to 127).
    pub requests: Vec<AtomicU64>,
    /// Exceptions by exception code (0 to 15; higher ones count as 15).
    pub exceptions: [AtomicU64; 16],
    /// From a whole request to its answer.
    pub duration: Histogram,
    /// Connections that are open.
    pub connections: AtomicI64,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections turned away by the cap.
    pub rejected: AtomicU64,
    /// Frames that were no Modbus.
    pub bad_frames: AtomicU64,
    /// Bytes received and sent.
    pub bytes: [AtomicU64; 2],
    /// Accepts that failed; the loop waits a little after each.
    pub accept_errors: AtomicU64,
    /// TLS handshakes that failed.
    pub handshake_errors: AtomicU64,
    /// Connections that ended by a panic.
    pub panics: AtomicU64,
    /// By [`LinkEffect::position`]: requests and connections that link conditions hit.
    pub link_hits: [AtomicU64; LinkEffect::NAMES.len()],
}

impl ModbusStats {
    /// Counts a request or a connection that a link condition hit.
    pub fn count_link(&self, effect: &LinkEffect) {
        self.link_hits[effect.position()].fetch_add(1, Relaxed);
    }
}

/// Numbers of the log.
#[derive(Debug, Default)]
pub struct LogStats {
    /// Events by level, by position in [`LogStats::LEVELS`].
    pub events: [AtomicU64; 5],
    /// Lines that a writer could not take: its queue was full, or its disk.
    pub dropped: AtomicU64,
    /// Panics of any thread; each was caught.
    pub panics: AtomicU64,
}

impl LogStats {
    /// The levels, the gravest first.
    pub const LEVELS: [&'static str; 5] = ["error", "warn", "info", "debug", "trace"];
}

/// All counters of a process.
#[derive(Debug)]
pub struct Stats {
    /// The tick loop.
    pub ticks: LoopStats,
    /// Commands.
    pub commands: CommandStats,
    /// The Modbus server.
    pub modbus: ModbusStats,
    /// The log.
    pub log: LogStats,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            ticks: LoopStats {
                ticks: AtomicU64::new(0),
                overruns: AtomicU64::new(0),
                skipped: AtomicU64::new(0),
                duration: Histogram::new(TICK_BOUNDS_S),
                lateness: Histogram::new(TICK_BOUNDS_S),
                last_beat_unix_ns: AtomicI64::new(0),
            },
            commands: CommandStats::default(),
            modbus: ModbusStats {
                requests: (0..128).map(|_| AtomicU64::new(0)).collect(),
                exceptions: Default::default(),
                duration: Histogram::new(MODBUS_BOUNDS_S),
                connections: AtomicI64::new(0),
                accepted: AtomicU64::new(0),
                rejected: AtomicU64::new(0),
                bad_frames: AtomicU64::new(0),
                bytes: Default::default(),
                accept_errors: AtomicU64::new(0),
                handshake_errors: AtomicU64::new(0),
                panics: AtomicU64::new(0),
                link_hits: Default::default(),
            },
            log: LogStats::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_on_a_bound_belongs_below_it() {
        let histogram = Histogram::new(&[0.1, 0.2]);
        for seconds in [0.05, 0.1, 7.0] {
            histogram.observe(seconds);
        }
        histogram.observe_many(0.15, 3);
        let reading = histogram.read();
        let counts: Vec<u64> = reading.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!((counts, reading.count), (vec![2, 3, 1], 6));
        assert!((reading.sum_s - 7.6).abs() < 1e-6);
    }
}
