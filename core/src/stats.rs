//! Counters of the loop and of the edges: plain atomics, written where the thing happens, read by the
//! metrics exporter. They are not part of the farm's state.

use crate::control::ControlSource;
use crate::link::LinkEffect;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// A histogram with fixed upper bounds, of seconds or of bytes.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<AtomicU64>,
    /// In parts of the unit, so many to one.
    sum: AtomicU64,
    parts: f64,
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramReading {
    /// Upper bound and number of observations in that bucket alone; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// Sum of the observations, in the unit of the bounds.
    pub sum: f64,
    /// Number of observations.
    pub count: u64,
}

impl Histogram {
    /// An empty histogram with these bounds in seconds, in increasing order.
    pub fn new(bounds_s: &'static [f64]) -> Self {
        Self::with_parts(bounds_s, 1e9)
    }
    /// An empty histogram with these bounds in bytes, in increasing order.
    pub fn of_bytes(bounds_bytes: &'static [f64]) -> Self {
        Self::with_parts(bounds_bytes, 1.0)
    }
    fn with_parts(bounds: &'static [f64], parts: f64) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0), parts }
    }
    /// Its counters, the sum among them.
    fn counters(&self) -> impl Iterator<Item = &AtomicU64> {
        self.counts.iter().chain([&self.sum])
    }
    /// Adds one observation of `value` seconds or bytes (>= 0).
    pub fn observe(&self, value: f64) {
        self.observe_many(value, 1);
    }
    /// Adds `n` observations of `value` seconds or bytes (>= 0) each.
    pub fn observe_many(&self, value: f64, n: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(n, Relaxed);
        self.sum.fetch_add((value * self.parts) as u64 * n, Relaxed);
    }
    /// What it holds; the count is the sum of the buckets, so the reading is consistent in itself.
    pub fn read(&self) -> HistogramReading {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> =
            bounds.zip(self.counts.iter().map(|count| count.load(Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        HistogramReading { buckets, sum: self.sum.load(Relaxed) as f64 / self.parts, count }
    }
}

/// Bounds for the loop: 0.1 s, the deadline of a tick, is one of them.
pub const TICK_BOUNDS_S: &[f64] =
    &[0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25];
/// Bounds for a Modbus request.
pub const MODBUS_BOUNDS_S: &[f64] =
    &[0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
/// Bounds from when a command is received to when it is applied, and for the age of a snapshot: a tick is
/// the scale of both.
pub const AGE_BOUNDS_S: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.5, 1.0, 5.0];

/// What a tick consists of, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickPhase {
    /// Commands are taken and applied.
    Letters,
    /// Defects begin and end, and the plant controller splits its power.
    Plant,
    /// The grid moves on.
    Grid,
    /// Every unit is stepped.
    Units,
    /// Events and energies of the farm are gathered.
    Sums,
    /// The snapshot is built.
    Snapshot,
    /// It is published, and the commands are answered.
    Publish,
}

impl TickPhase {
    /// Every phase with its name in metrics; the position is its number.
    pub const NAMES: [&'static str; 7] =
        ["letters", "plant", "grid", "units", "sums", "snapshot", "publish"];
}

/// Who served a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// A Modbus read.
    Modbus,
    /// A REST request.
    Rest,
    /// A scrape of the metrics.
    Metrics,
}

impl Served {
    /// Every one by its name in metrics; the position is its number.
    pub const NAMES: [&'static str; 3] = ["modbus", "rest", "metrics"];
}

/// Function codes of Modbus with counters of their own; what else arrives counts together.
pub const MODBUS_FUNCTIONS: [u8; 11] = [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43];
/// Exception codes of the standard, likewise (Modbus Application Protocol 1.1b3, section 7).
pub const MODBUS_EXCEPTIONS: [u8; 9] = [1, 2, 3, 4, 5, 6, 8, 10, 11];

/// Position of `code` in `known`, or the one after the last.
fn place(known: &[u8], code: u8) -> usize {
    known.iter().position(|known| *known == code).unwrap_or(known.len())
}

/// A map that registers belong to, as metrics tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapClass {
    /// A SunSpec map.
    Sunspec,
    /// The compact map.
    Compact,
    /// A map of a file.
    File,
}

impl MapClass {
    /// Every class by its name in metrics; the position is its number.
    pub const NAMES: [&'static str; 3] = ["sunspec", "compact", "file"];
    /// The class of the map called `name`.
    pub fn of(name: &str) -> Self {
        match name {
            "sunspec" => Self::Sunspec,
            "compact" => Self::Compact,
            _ => Self::File,
        }
    }
}

/// Why a Modbus connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed it.
    Client,
    /// It was quiet for too long.
    Idle,
    /// A half frame did not go on.
    HalfFrame,
    /// The client did not read its answers.
    SlowReader,
    /// A frame was no Modbus.
    BadFrame,
    /// A condition of the link cut it.
    LinkCondition,
    /// The TLS handshake failed.
    Handshake,
    /// The socket broke, by a reset of the client for example.
    Broken,
    /// The server ended.
    Shutdown,
    /// Its task ended by a panic.
    Panic,
}

impl CloseReason {
    /// Every reason by its name in metrics; the position is its number.
    pub const NAMES: [&'static str; 10] = [
        "client",
        "idle",
        "half_frame",
        "slow_reader",
        "bad_frame",
        "link_condition",
        "handshake",
        "broken",
        "shutdown",
        "panic",
    ];
}

/// Numbers of the tick loop.
#[derive(Debug)]
pub struct LoopStats {
    /// Ticks run.
    pub ticks: AtomicU64,
    /// Ticks whose work took longer than their period.
    pub overruns: AtomicU64,
    /// Ticks of the wall-clock schedule that were given up because the loop fell behind.
    pub skipped: AtomicU64,
    /// Ticks for which the loop stood still because a fault made it.
    pub stalled: AtomicU64,
    /// Work of a tick, from gathering commands to replying.
    pub duration: Histogram,
    /// From when a tick was due to when it started.
    pub lateness: Histogram,
    /// By `TickPhase as usize`: how long each phase of a tick took.
    pub phases: [Histogram; TickPhase::NAMES.len()],
    /// Wall time of the last beat in Unix nanoseconds; it beats also while the clock is paused.
    pub last_beat_unix_ns: AtomicI64,
    /// Wall time in Unix nanoseconds at which the next tick is due; 0 while none is.
    pub due_unix_ns: AtomicI64,
}

/// Commands by source and result.
#[derive(Debug)]
pub struct CommandStats {
    /// By `ControlSource as usize`: applied.
    pub applied: [AtomicU64; ControlSource::NAMES.len()],
    /// By `ControlSource as usize`: refused.
    pub refused: [AtomicU64; ControlSource::NAMES.len()],
    /// Letters turned away because the inbox was full.
    pub busy: AtomicU64,
    /// By `ControlSource as usize`: from when a command was posted to when it was applied.
    pub apply: [Histogram; ControlSource::NAMES.len()],
}

/// Numbers of the Modbus server.
#[derive(Debug)]
pub struct ModbusStats {
    /// Requests by function code (0 to 127).
    pub requests: Vec<AtomicU64>,
    /// Exceptions by place of the function in [`MODBUS_FUNCTIONS`] and of the code in
    /// [`MODBUS_EXCEPTIONS`]; what is in neither comes last.
    pub exceptions: [[AtomicU64; MODBUS_EXCEPTIONS.len() + 1]; MODBUS_FUNCTIONS.len() + 1],
    /// From a whole request to its answer, by place of the function as above.
    pub durations: [Histogram; MODBUS_FUNCTIONS.len() + 1],
    /// Registers and bits that were read, and written, by `MapClass as usize`.
    pub registers: [[AtomicU64; MapClass::NAMES.len()]; 2],
    /// Connections closed, by `CloseReason as usize`.
    pub closed: [AtomicU64; CloseReason::NAMES.len()],
    /// Connections that all listeners together let in; 0 while nobody listens.
    pub connections_limit: AtomicU64,
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
    /// Counts an exception.
    pub fn count_exception(&self, function: u8, code: u8) {
        let of_function = &self.exceptions[place(&MODBUS_FUNCTIONS, function)];
        of_function[place(&MODBUS_EXCEPTIONS, code)].fetch_add(1, Relaxed);
    }
    /// Notes that `n` requests of `function` took `seconds` each.
    pub fn observe(&self, function: u8, seconds: f64, n: u64) {
        self.durations[place(&MODBUS_FUNCTIONS, function)].observe_many(seconds, n);
    }
    /// Counts registers or bits that were read.
    pub fn count_read(&self, map: MapClass, n: usize) {
        self.registers[0][map as usize].fetch_add(n as u64, Relaxed);
    }
    /// Counts registers or bits that were written.
    pub fn count_written(&self, map: MapClass, n: usize) {
        self.registers[1][map as usize].fetch_add(n as u64, Relaxed);
    }
    /// Counts a connection that was closed.
    pub fn count_closed(&self, reason: CloseReason) {
        self.closed[reason as usize].fetch_add(1, Relaxed);
    }
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

/// Checkpoints of the farm's state; all 0 where none are kept.
#[derive(Debug, Default)]
pub struct CheckpointStats {
    /// Whether checkpoints are kept: 1, or 0 for not.
    pub is_on: AtomicU64,
    /// Checkpoints that were written.
    pub written: AtomicU64,
    /// Checkpoints that could not be written.
    pub failures: AtomicU64,
    /// Tick of the last one that is whole on disk.
    pub last_tick: AtomicU64,
    /// When it was written, in Unix nanoseconds; 0 before the first.
    pub last_unix_ns: AtomicI64,
    /// Its size in bytes.
    pub size_bytes: AtomicU64,
    /// How long the loop stood still for the last one, in nanoseconds.
    pub stall_ns: AtomicU64,
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
    /// By `Served as usize`: how old the snapshot was, by wall time, that was served.
    pub snapshot_age: [Histogram; Served::NAMES.len()],
    /// The log.
    pub log: LogStats,
    /// Checkpoints.
    pub checkpoints: CheckpointStats,
}

impl Stats {
    /// Every counter that tells of clients and of the pace of the loop, in a fixed order.
    fn counters(&self) -> impl Iterator<Item = &AtomicU64> {
        let Self { ticks, modbus, snapshot_age, .. } = self;
        [&ticks.skipped, &ticks.overruns, &modbus.accepted, &modbus.rejected, &modbus.bad_frames]
            .into_iter()
            .chain(&modbus.requests)
            .chain(modbus.exceptions.iter().flatten())
            .chain(&modbus.closed)
            .chain(&modbus.link_hits)
            .chain(modbus.durations.iter().flat_map(Histogram::counters))
            .chain(snapshot_age[Served::Modbus as usize].counters())
    }

    /// Puts every counter that tells of clients and of the pace of the loop into `into`, in a fixed order.
    pub fn read_counters(&self, into: &mut Vec<u64>) {
        into.clear();
        into.push(self.modbus.connections.load(Relaxed) as u64);
        into.extend(self.counters().map(|counter| counter.load(Relaxed)));
    }

    /// Sets the counters to what [`Stats::read_counters`] gave; those that `from` has none for stay.
    pub fn write_counters(&self, from: &[u64]) {
        let Some((connections, counters)) = from.split_first() else { return };
        self.modbus.connections.store(*connections as i64, Relaxed);
        self.counters().zip(counters).for_each(|(counter, value)| counter.store(*value, Relaxed));
    }

    /// Notes that a snapshot made at `made_unix_ns` was served `n` times at `now_unix_ns`. One without a
    /// wall time has no age.
    pub fn note_served(&self, by: Served, made_unix_ns: i64, now_unix_ns: i64, n: u64) {
        if made_unix_ns > 0 {
            let age_ns = now_unix_ns.saturating_sub(made_unix_ns).max(0);
            self.snapshot_age[by as usize].observe_many(age_ns as f64 / 1e9, n);
        }
    }
}

fn histograms<const N: usize>(bounds_s: &'static [f64]) -> [Histogram; N] {
    std::array::from_fn(|_| Histogram::new(bounds_s))
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            ticks: LoopStats {
                ticks: AtomicU64::new(0),
                overruns: AtomicU64::new(0),
                skipped: AtomicU64::new(0),
                stalled: AtomicU64::new(0),
                duration: Histogram::new(TICK_BOUNDS_S),
                lateness: Histogram::new(TICK_BOUNDS_S),
                phases: histograms(TICK_BOUNDS_S),
                last_beat_unix_ns: AtomicI64::new(0),
                due_unix_ns: AtomicI64::new(0),
            },
            commands: CommandStats {
                applied: Default::default(),
                refused: Default::default(),
                busy: AtomicU64::new(0),
                apply: histograms(AGE_BOUNDS_S),
            },
            modbus: ModbusStats {
                requests: (0..128).map(|_| AtomicU64::new(0)).collect(),
                exceptions: Default::default(),
                durations: histograms(MODBUS_BOUNDS_S),
                registers: Default::default(),
                closed: Default::default(),
                connections_limit: AtomicU64::new(0),
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
            snapshot_age: histograms(AGE_BOUNDS_S),
            log: LogStats::default(),
            checkpoints: CheckpointStats::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_their_kinds() {
        assert_eq!(TickPhase::NAMES[TickPhase::Publish as usize], "publish");
        assert_eq!(TickPhase::NAMES[TickPhase::Units as usize], "units");
        assert_eq!(Served::NAMES[Served::Metrics as usize], "metrics");
        assert_eq!(MapClass::NAMES[MapClass::of("sunspec") as usize], "sunspec");
        assert_eq!(MapClass::NAMES[MapClass::of("compact") as usize], "compact");
        assert_eq!(MapClass::NAMES[MapClass::of("my own") as usize], "file");
        assert_eq!(CloseReason::NAMES[CloseReason::BadFrame as usize], "bad_frame");
        assert_eq!(CloseReason::NAMES[CloseReason::Panic as usize], "panic");
    }

    #[test]
    fn what_has_no_counter_of_its_own_counts_with_the_others() {
        let stats = Stats::default();
        stats.modbus.count_exception(3, 2);
        stats.modbus.count_exception(99, 77);
        assert_eq!(stats.modbus.exceptions[2][1].load(Relaxed), 1);
        assert_eq!(stats.modbus.exceptions[11][9].load(Relaxed), 1);
    }

    #[test]
    fn a_snapshot_is_as_old_as_the_wall_clock_says_and_never_from_the_future() {
        let stats = Stats::default();
        stats.note_served(Served::Rest, 1_000_000_000, 1_080_000_000, 1);
        stats.note_served(Served::Rest, 1_000_000_000, 900_000_000, 2);
        stats.note_served(Served::Rest, 0, 900_000_000, 1);
        let reading = stats.snapshot_age[Served::Rest as usize].read();
        assert_eq!(reading.count, 3);
        assert!((reading.sum - 0.08).abs() < 1e-9, "{reading:?}");
    }

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
        assert!((reading.sum - 7.6).abs() < 1e-6);
    }

    #[test]
    fn counters_of_clients_are_carried_over_as_they_are() {
        let (from, to) = (Stats::default(), Stats::default());
        from.modbus.requests[3].store(7, Relaxed);
        from.modbus.connections.store(-1, Relaxed);
        from.modbus.observe(16, 0.002, 3);
        from.ticks.skipped.store(5, Relaxed);
        from.note_served(Served::Modbus, 1, 2_000_000_001, 1);
        let (mut read, mut again) = (Vec::new(), Vec::new());
        from.read_counters(&mut read);
        to.write_counters(&read);
        to.read_counters(&mut again);
        assert_eq!(read, again);
        assert_eq!(to.modbus.requests[3].load(Relaxed), 7);
        assert_eq!(to.modbus.connections.load(Relaxed), -1);
        let ages = |stats: &Stats| stats.snapshot_age[Served::Modbus as usize].read();
        assert_eq!((to.ticks.skipped.load(Relaxed), ages(&to)), (5, ages(&from)));
    }

    #[test]
    fn bytes_are_summed_in_bytes() {
        let histogram = Histogram::of_bytes(&[1024.0]);
        // More than nanoseconds would have room for.
        histogram.observe_many(4e9, 10);
        assert_eq!(histogram.read().sum, 4e10);
    }
}
