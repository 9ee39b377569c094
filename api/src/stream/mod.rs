//! Server-sent events: snapshots at a rate, and every alarm, event and write, to many clients at once.
//!
//! Nobody waits for a client. A stream is asked for its next bytes when its connection can take some; a
//! slow one finds the newest snapshot then, and those in between are counted as skipped. Alarms, events
//! and writes are read from the logs of the snapshot after the number that the client has: it gets all of
//! them, or is told by an event `gap` how many fell out of the log before it came for them. A client that
//! takes nothing for a while is cut off ([`crate::patience`]) and counted.
//!
//! - `wish`: what a client asks for
//! - `cursor`: ids, by which a client goes on where it was cut off
//! - `frames`: events as text, once for all who asked for the same
//! - `feed`: one stream

mod cursor;
mod feed;
mod frames;
mod wish;

pub(crate) use cursor::{EventId, Start};
pub(crate) use feed::Feed;
pub(crate) use frames::StreamData;
pub(crate) use wish::Wish;

use crate::problem::{Fallible, Problem, kind};
use bess_core::snapshot::Snapshot;
use frames::Shared;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use wish::Selection;

/// Kinds of events that are counted.
pub(crate) const KINDS: [&str; 4] = ["snapshot", "alarm", "event", "write"];

/// A number for each of [`KINDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent(pub(crate) [u64; KINDS.len()]);

impl Sent {
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// What the streams are worth, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamNumbers {
    /// Open streams.
    pub(crate) open: u64,
    /// Streams at once.
    pub(crate) limit: u64,
    /// Events that were handed to connections.
    pub(crate) sent: Sent,
    /// Snapshots that slow clients did not get, and records that were told as lost; alarms count as events.
    pub(crate) skipped: Sent,
    /// Streams that were cut off because their client took nothing.
    pub(crate) dropped: u64,
}

/// Shortest time between two looks for a new snapshot, so that a fast clock wakes no crowd.
const LOOK: Duration = Duration::from_millis(20);

/// All streams of a server.
#[derive(Debug)]
pub(crate) struct Streams {
    /// Tells this process from others.
    run: u32,
    limit: usize,
    places: Arc<Semaphore>,
    /// The newest snapshot. The loop wakes one task, and that one all streams.
    newest: watch::Sender<Arc<Snapshot>>,
    /// The newest snapshot with a new event or write.
    records: watch::Sender<Arc<Snapshot>>,
    shared: Mutex<BTreeMap<Selection, Weak<Shared>>>,
    /// How many streams a connection has: one, or none any more.
    peers: Mutex<BTreeMap<SocketAddr, usize>>,
    sent: [AtomicU64; KINDS.len()],
    skipped: [AtomicU64; KINDS.len()],
    dropped: AtomicU64,
}

/// The place of an open stream.
#[derive(Debug)]
pub(crate) struct Seat {
    streams: Arc<Streams>,
    peer: Option<SocketAddr>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(peer) = self.peer else { return };
        let mut peers = self.streams.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = peers.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&peer);
            }
        }
    }
}

impl Streams {
    pub(crate) fn new(limit: usize, first: Arc<Snapshot>) -> Self {
        Self {
            // The one source of chance in the standard library.
            run: RandomState::new().hash_one(0) as u32,
            limit,
            places: Arc::new(Semaphore::new(limit)),
            newest: watch::Sender::new(Arc::clone(&first)),
            records: watch::Sender::new(first),
            shared: Mutex::default(),
            peers: Mutex::default(),
            sent: Default::default(),
            skipped: Default::default(),
            dropped: AtomicU64::new(0),
        }
    }

    /// Whether an id of this process is ahead of what happened: it was not given.
    pub(crate) fn is_ahead(&self, id: EventId, snapshot: &Snapshot) -> bool {
        id.run == self.run
            && (id.cursor.events > snapshot.events.total()
                || id.cursor.writes > snapshot.audit.total())
    }

    /// A place for a stream of a client.
    pub(crate) fn take_seat(self: &Arc<Self>, peer: Option<SocketAddr>) -> Fallible<Seat> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let detail = format!("{} streams are open, no more are served", self.limit);
            Problem::new(&kind::TOO_MANY_STREAMS, detail)
        })?;
        if let Some(peer) = peer {
            *self.peers.lock().unwrap_or_else(PoisonError::into_inner).entry(peer).or_default() +=
                1;
        }
        Ok(Seat { streams: Arc::clone(self), peer, _permit: permit })
    }

    /// What is encoded for all who asked for `selection`.
    fn shared(&self, selection: &Selection) -> Arc<Shared> {
        let mut all = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = all.get(selection).and_then(Weak::upgrade) {
            return shared;
        }
        all.retain(|_, shared| shared.strong_count() > 0);
        let shared = Arc::new(Shared::new(self.run, selection.clone()));
        all.insert(selection.clone(), Arc::downgrade(&shared));
        shared
    }

    /// The connection of `peer` was cut off because it took nothing.
    pub(crate) fn stalled(&self, peer: SocketAddr) {
        if self.peers.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&peer) {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Tells streams of new snapshots and records until `closing`, which it fires when there are no more.
    pub(crate) async fn follow(
        &self,
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
        closing: CancellationToken,
    ) {
        let totals = |snapshot: &Snapshot| (snapshot.events.total(), snapshot.audit.total());
        let follow = async {
            while snapshots.changed().await.is_ok() {
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                self.newest.send_replace(Arc::clone(&snapshot));
                self.records.send_if_modified(|held| {
                    let is_new = totals(held) != totals(&snapshot);
                    if is_new {
                        *held = snapshot;
                    }
                    is_new
                });
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = closing.cancelled() => {}
            () = follow => closing.cancel(),
        }
    }

    pub(crate) fn numbers(&self) -> StreamNumbers {
        let read = |counters: &[AtomicU64; KINDS.len()]| {
            Sent(std::array::from_fn(|kind| counters[kind].load(Relaxed)))
        };
        StreamNumbers {
            open: (self.limit - self.places.available_permits()) as u64,
            limit: self.limit as u64,
            sent: read(&self.sent),
            skipped: read(&self.skipped),
            dropped: self.dropped.load(Relaxed),
        }
    }
}
