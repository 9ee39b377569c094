//! One stream: what its connection gets next.
//!
//! [`Feed::next`] is called when the connection can take more. Records come first, so that the id of a
//! snapshot never runs ahead of them; then a snapshot when one is due; else it waits.

use super::cursor::{Cursor, EventId, Start};
use super::frames::{GapEvent, Shared, StartEvent, StreamData, push};
use super::wish::Wish;
use super::{Seat, Sent};
use crate::state::Api;
use crate::wire::Stamp;
use axum::body::Bytes;
use bess_core::snapshot::Snapshot;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Most records in one piece.
const BATCH: u64 = 256;
/// A stream without news says so this often, so that nobody in between takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A snapshot this much late moves those after it.
const SLACK: Duration = Duration::from_millis(5);

/// One stream.
#[derive(Debug)]
pub(crate) struct Feed {
    api: Arc<Api>,
    wish: Wish,
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    records: watch::Receiver<Arc<Snapshot>>,
    /// What comes before everything else.
    opening: Option<Bytes>,
    cursor: Cursor,
    /// When the next snapshot is wanted.
    due: Instant,
    last_publication: Option<u64>,
    sent: u64,
    end: Option<Instant>,
    alive: Instant,
    _seat: Seat,
}

impl Feed {
    /// A stream for whoever has `seat`.
    pub(crate) fn new(api: Arc<Api>, wish: Wish, start: Start, seat: Seat) -> Self {
        let snapshot = api.snapshot();
        let now = Instant::now();
        let run = api.streams.run;
        let newest = Cursor { events: snapshot.events.total(), writes: snapshot.audit.total() };
        let (cursor, is_restarted) = match start {
            Start::Now => (newest, false),
            Start::Oldest => {
                let oldest = |first: u64| first.saturating_sub(1);
                let events = oldest(snapshot.events.first());
                (Cursor { events, writes: oldest(snapshot.audit.first()) }, false)
            }
            Start::After(id) if id.run == run => (id.cursor, false),
            // All that this process ever wrote is new to the client.
            Start::After(_) => (Cursor::default(), true),
        };
        let opening = wish.selection.has_records().then(|| {
            let mut text = String::new();
            let id = EventId { run, cursor };
            let start = StartEvent {
                stamp: Stamp::of(&snapshot),
                run: format!("{run:08x}"),
                resumed: matches!(start, Start::After(_)) && !is_restarted,
                events: newest.events,
                writes: newest.writes,
            };
            push(&mut text, "start", id, &StreamData::Start(start));
            if is_restarted {
                let gap = GapEvent { reason: "restarted", topic: None, lost: None };
                push(&mut text, "gap", id, &StreamData::Gap(gap));
            }
            text.into()
        });
        Self {
            shared: api.streams.shared(&wish.selection),
            snapshots: api.streams.newest.subscribe(),
            records: api.streams.records.subscribe(),
            opening,
            cursor,
            due: now,
            last_publication: None,
            sent: 0,
            end: wish.duration.map(|duration| now + duration),
            alive: now + KEEP_ALIVE,
            api,
            wish,
            _seat: seat,
        }
    }

    /// What comes next; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        let bytes = self.wait().await?;
        self.alive = Instant::now() + KEEP_ALIVE;
        Some(bytes)
    }

    async fn wait(&mut self) -> Option<Bytes> {
        let selection = &self.wish.selection;
        let (has_records, has_snapshots) = (selection.has_records(), selection.snapshot);
        let closing = self.api.closing.clone();
        // What is there already when the stream begins, and what nobody was told of yet.
        let mut look = self.api.snapshot();
        loop {
            let is_over = self.end.is_some_and(|end| Instant::now() >= end);
            if self.sent >= self.wish.max_events || closing.is_cancelled() || is_over {
                return None;
            }
            if let Some(opening) = self.opening.take() {
                return Some(opening);
            }
            if has_records && let Some(bytes) = self.take_records(&look) {
                return Some(bytes);
            }
            if has_snapshots && Instant::now() >= self.due {
                let snapshot = self.api.snapshot();
                if self.last_publication.is_none_or(|last| snapshot.publication > last) {
                    if has_records && let Some(bytes) = self.take_records(&snapshot) {
                        return Some(bytes);
                    }
                    return Some(self.take_snapshot(&snapshot).await);
                }
            }
            let (due, last, end) = (self.due, self.last_publication, self.end);
            let (records, snapshots) = (&mut self.records, &mut self.snapshots);
            let over = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => pending().await,
                }
            };
            let fresh = async {
                sleep_until(due).await;
                let is_new =
                    |snapshot: &Arc<Snapshot>| last.is_none_or(|last| snapshot.publication > last);
                snapshots.wait_for(is_new).await.is_ok()
            };
            tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                () = over => return None,
                changed = records.changed(), if has_records => {
                    changed.ok()?;
                    look = Arc::clone(&self.records.borrow_and_update());
                }
                is_fresh = fresh, if has_snapshots => {
                    if !is_fresh {
                        return None;
                    }
                }
                () = sleep_until(self.alive) => return Some(self.still_here()),
            }
        }
    }

    /// The records of `snapshot` that the client does not have yet, if any is for it.
    fn take_records(&mut self, snapshot: &Snapshot) -> Option<Bytes> {
        let streams = &self.api.streams;
        loop {
            let left = self.wish.max_events - self.sent;
            let Cursor { events, writes } = self.cursor;
            if left == 0 || (events >= snapshot.events.total() && writes >= snapshot.audit.total())
            {
                return None;
            }
            let batch = self.shared.batch(snapshot, self.cursor, left.min(BATCH) as usize);
            self.cursor = batch.to;
            self.sent += batch.sent.total();
            add(&streams.sent, batch.sent);
            add(&streams.skipped, Sent([0, 0, batch.lost.events, batch.lost.writes]));
            if !batch.bytes.is_empty() {
                return Some(batch.bytes);
            }
        }
    }

    async fn take_snapshot(&mut self, snapshot: &Arc<Snapshot>) -> Bytes {
        let (now, interval) = (Instant::now(), self.wish.interval);
        let late = now.saturating_duration_since(self.due);
        if let Some(last) = self.last_publication {
            // What was due and there while the connection took nothing.
            let missed = (late.as_secs_f64() / interval.as_secs_f64()) as u64;
            let missed = missed.min(snapshot.publication - last - 1);
            add(&self.api.streams.skipped, Sent([missed, 0, 0, 0]));
        }
        self.due = if late > SLACK { now + interval } else { self.due + interval };
        self.last_publication = Some(snapshot.publication);
        self.sent += 1;
        add(&self.api.streams.sent, Sent([1, 0, 0, 0]));
        self.shared.snapshot(snapshot).await
    }

    /// A comment; and the id, which moves on past records that are not for this client. A client takes an
    /// id without data as where it is, and shows nothing.
    fn still_here(&self) -> Bytes {
        if self.wish.selection.has_records() {
            let id = EventId { run: self.api.streams.run, cursor: self.cursor };
            return format!(":\nid: {id}\n\n").into();
        }
        Bytes::from_static(b":\n\n")
    }
}

fn add(counters: &[std::sync::atomic::AtomicU64], counts: Sent) {
    for (counter, count) in counters.iter().zip(counts.0).filter(|(_, count)| *count > 0) {
        counter.fetch_add(count, Relaxed);
    }
}
