//! History: what the signals were, in tiers of simulated time.
//!
//! The loop hands the values of each tick over without waiting ([`HistoryFeed`]); a thread of its own sorts
//! them into rings, and requests read those. What the thread could not take is counted as dropped, and its
//! buckets say how many ticks they have seen. Nothing is kept on disk: a history begins with its process.
//!
//! - `plan`: what is kept, and whether it fits into the memory
//! - `tier`: one ring of buckets
//! - `query`: from a range and a step to rows
//! - `time`: instants and durations as people write them

mod plan;
mod query;
#[cfg(test)]
mod tests;
mod tier;
pub(crate) mod time;

pub(crate) use plan::Step;
pub use plan::{HistoryConfig, HistoryMisfit, HistoryPlan, MEMORY_MIN_BYTES, UnitSignals};
pub(crate) use query::{
    Answer, Asked, POINTS_MAX, SERIES_MAX, STEP_MAX_NS, SeriesKey, TierCover, TooMany,
};
pub use tier::TierSpec;
pub use time::parse_duration_ns;

use bess_core::signal::{FARM, UnitSight};
use bess_core::snapshot::{Observer, Snapshot};
use bess_core::time::Tick;
use plan::Level;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tier::Tier;
use tokio::sync::watch;

/// Values of one tick: those of the farm, then of units, signal by signal.
#[derive(Debug)]
struct Record {
    tick: Tick,
    unix_ns: i64,
    values: Box<[f64]>,
}

/// What is kept of the farm, or of its units.
#[derive(Debug)]
struct Shelf {
    level: Level,
    tiers: Vec<Tier>,
}

impl Shelf {
    fn new(level: Level) -> Self {
        let tiers = level.tiers.iter().map(|spec| Tier::new(*spec, &level.columns)).collect();
        Self { level, tiers }
    }

    fn add(&mut self, unix_ns: i64, values: &mut [f64]) {
        for (column, value) in values.iter_mut().enumerate() {
            *value = self.level.columns.rounded(column, *value);
        }
        for tier in &mut self.tiers {
            tier.add(&self.level.columns, unix_ns, values);
        }
    }

    fn points(&self) -> u64 {
        let n_rows: u64 = self.tiers.iter().map(Tier::n_rows).sum();
        n_rows * self.level.columns.len() as u64
    }
    fn bytes(&self) -> u64 {
        self.tiers.iter().map(|tier| tier.bytes(&self.level.columns)).sum()
    }
}

#[derive(Debug)]
struct Book {
    farm: Shelf,
    units: Shelf,
}

/// What the history is worth, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HistoryNumbers {
    /// Values that are kept: buckets times columns.
    pub(crate) points: u64,
    /// Bytes in use.
    pub(crate) bytes: u64,
    /// Bytes that may be used.
    pub(crate) bytes_limit: u64,
    /// Ticks that were not taken.
    pub(crate) dropped: u64,
}

/// The history of a farm, shared by who fills it and who reads it.
#[derive(Debug)]
pub struct History {
    plan: HistoryPlan,
    book: RwLock<Book>,
    /// The newest tick that is in the book.
    newest: watch::Sender<Tick>,
    points: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

/// Hands the values of each tick to the history. The loop never waits for it.
#[derive(Debug)]
pub struct HistoryFeed {
    history: Arc<History>,
    records: SyncSender<Record>,
    /// The last one that was handed over; the state before the first tick is none.
    last: Tick,
}

/// Records that are sorted in while nobody can read: they keep a reader waiting for less than a
/// millisecond or two.
const BATCH: usize = 64;

impl History {
    /// An empty history, filled by a thread `bess-history` from what the feed gives. The thread ends when
    /// the feed is gone.
    ///
    /// # Errors
    /// When the system cannot start the thread.
    pub fn start(plan: HistoryPlan) -> std::io::Result<(Arc<Self>, HistoryFeed)> {
        let (history, feed, received) = Self::unattended(plan);
        let keeper = Arc::clone(&history);
        std::thread::Builder::new()
            .name("bess-history".into())
            .spawn(move || keeper.keep(&received))?;
        Ok((history, feed))
    }

    fn unattended(plan: HistoryPlan) -> (Arc<Self>, HistoryFeed, Receiver<Record>) {
        let book =
            Book { farm: Shelf::new(plan.farm.clone()), units: Shelf::new(plan.units.clone()) };
        let (records, received) = sync_channel(plan.queue);
        let history = Arc::new(Self {
            book: RwLock::new(book),
            newest: watch::Sender::new(Tick(0)),
            points: AtomicU64::new(0),
            bytes: AtomicU64::new(plan.queue_and_open_bytes()),
            dropped: AtomicU64::new(0),
            plan,
        });
        let feed = HistoryFeed { history: Arc::clone(&history), records, last: Tick(0) };
        (history, feed, received)
    }

    /// Sorts records in until there are no more.
    fn keep(&self, received: &Receiver<Record>) {
        while let Ok(first) = received.recv() {
            self.take(std::iter::once(first).chain(received.try_iter().take(BATCH - 1)));
        }
    }

    fn take(&self, records: impl Iterator<Item = Record>) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        let n_farm = book.farm.level.columns.len();
        let mut newest = Tick(0);
        for mut record in records {
            let (farm, units) = record.values.split_at_mut(n_farm);
            book.farm.add(record.unix_ns, farm);
            book.units.add(record.unix_ns, units);
            newest = record.tick;
        }
        self.points.store(book.farm.points() + book.units.points(), Relaxed);
        let queue_bytes = self.plan.bytes() - self.plan.farm.bytes() - self.plan.units.bytes();
        self.bytes.store(book.farm.bytes() + book.units.bytes() + queue_bytes, Relaxed);
        drop(book);
        self.newest.send_replace(newest);
    }

    fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a little until `tick` is kept, so that who was answered after it finds it here.
    pub(crate) async fn reach(&self, tick: Tick) {
        const PATIENCE: Duration = Duration::from_millis(500);
        let mut newest = self.newest.subscribe();
        let reached = newest.wait_for(|newest| *newest >= tick);
        // A tick that was dropped never comes.
        let _ = tokio::time::timeout(PATIENCE, reached).await;
    }

    pub(crate) fn numbers(&self) -> HistoryNumbers {
        HistoryNumbers {
            points: self.points.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            bytes_limit: self.plan.memory_bytes,
            dropped: self.dropped.load(Relaxed),
        }
    }
}

impl Observer for HistoryFeed {
    fn published(&mut self, snapshot: &Snapshot) {
        // While the clock is paused a tick may be shown again, with what a command changed.
        if snapshot.tick <= self.last {
            return;
        }
        self.last = snapshot.tick;
        let signals = &self.history.plan.unit_signals;
        let mut values = Vec::with_capacity(FARM.len() + signals.len() * snapshot.units.len());
        values.extend(FARM.iter().map(|signal| (signal.get)(&snapshot.farm)));
        for signal in signals {
            let units = snapshot.units.iter().zip(&snapshot.spec.units);
            values.extend(
                units.map(|(view, unit)| (signal.get)(UnitSight { view, design: &unit.design })),
            );
        }
        let record = Record {
            tick: snapshot.tick,
            unix_ns: snapshot.time.unix_ns,
            values: values.into_boxed_slice(),
        };
        if self.records.try_send(record).is_err() {
            self.history.dropped.fetch_add(1, Relaxed);
        }
    }
}
