//! What goes over the wire: events of a stream, encoded once for all who asked for the same.

use super::cursor::{Cursor, EventId};
use super::wish::Selection;
use super::{KINDS, Sent};
use crate::ask::aside;
use crate::routes::{EventAnswer, FarmAnswer, Unit, WriteAnswer};
use crate::wire::{Num, Stamp};
use axum::body::Bytes;
use bess_core::event::EventKind;
use bess_core::id::UnitId;
use bess_core::signal::{FARM, UNIT, UnitSight};
use bess_core::snapshot::Snapshot;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;

/// A snapshot: the farm, and the units that were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamEvent {
    #[serde(flatten)]
    farm: FarmAnswer,
    /// The units, when they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    unit_list: Option<Vec<Unit>>,
}

/// A snapshot of signals that were asked for by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalsEvent {
    #[serde(flatten)]
    stamp: Stamp,
    /// Signals of the farm, by name.
    farm: BTreeMap<&'static str, Num>,
    /// Signals of units, when units were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    units: Option<Vec<UnitSignals>>,
}

/// Signals of a unit.
#[derive(Debug, Serialize, ToSchema)]
struct UnitSignals {
    /// Number of the unit.
    unit: u32,
    /// By name.
    signals: BTreeMap<&'static str, Num>,
}

/// Begin of a stream with alarms, events or writes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StartEvent {
    #[serde(flatten)]
    pub(crate) stamp: Stamp,
    /// Which process this is; part of each id.
    pub(crate) run: String,
    /// Whether the stream goes on where an earlier one ended.
    pub(crate) resumed: bool,
    /// Number of the newest event.
    pub(crate) events: u64,
    /// Number of the newest write.
    pub(crate) writes: u64,
}

/// Records that the client will never get.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GapEvent {
    /// `overrun` when the records fell out of what is kept, `restarted` when the id is of another process.
    #[schema(example = "overrun")]
    pub(crate) reason: &'static str,
    /// What is missing: `events` (alarms are events) or `writes`; null for both.
    #[schema(required = true)]
    pub(crate) topic: Option<&'static str>,
    /// How many; null when that is not known.
    #[schema(required = true)]
    pub(crate) lost: Option<u64>,
}

/// Data of the events of a stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum StreamData {
    /// `snapshot`
    Snapshot(StreamEvent),
    /// `snapshot`, with `signals`
    Signals(SignalsEvent),
    /// `event` and `alarm`
    Event(EventAnswer),
    /// `write`
    Write(WriteAnswer),
    /// `start`
    Start(StartEvent),
    /// `gap`
    Gap(GapEvent),
}

/// Appends one event.
pub(super) fn push(text: &mut String, kind: &str, id: EventId, data: &StreamData) {
    // Names, texts and finite numbers always serialise, and on one line; a String takes every write.
    let data = serde_json::to_string(data).unwrap_or_default();
    let _ = write!(text, "event: {kind}\nid: {id}\ndata: {data}\n\n");
}

fn units_of<'s>(
    snapshot: &'s Snapshot,
    selection: &'s Selection,
) -> Option<Box<dyn Iterator<Item = UnitId> + 's>> {
    match &selection.only {
        Some(only) => Some(Box::new(only.iter().copied())),
        None if selection.all_units => {
            Some(Box::new(snapshot.spec.units.iter().map(|unit| unit.id)))
        }
        None => None,
    }
}

fn snapshot_text(run: u32, snapshot: &Snapshot, selection: &Selection) -> String {
    let cursor = Cursor { events: snapshot.events.total(), writes: snapshot.audit.total() };
    let id = EventId { run, cursor };
    let units = units_of(snapshot, selection);
    let mut text = String::new();
    match &selection.signals {
        None => {
            let unit_list = units.map(|units| units.map(|id| Unit::of(snapshot, id)).collect());
            let event = StreamEvent { farm: FarmAnswer::of(snapshot), unit_list };
            push(&mut text, KINDS[0], id, &StreamData::Snapshot(event));
        }
        Some((of_farm, of_units)) => {
            let farm = of_farm.iter().map(|index| {
                let signal = &FARM[*index];
                (signal.name, Num((signal.get)(&snapshot.farm)))
            });
            let unit = |unit: UnitId| {
                let design = &snapshot.spec.units[unit.idx()].design;
                let sight = UnitSight { view: &snapshot.units[unit.idx()], design };
                let signals = of_units.iter().map(|index| {
                    let signal = &UNIT[*index];
                    (signal.name, Num((signal.get)(sight)))
                });
                UnitSignals { unit: unit.number(), signals: signals.collect() }
            };
            let event = SignalsEvent {
                stamp: Stamp::of(snapshot),
                farm: farm.collect(),
                units: units.map(|units| units.map(unit).collect()),
            };
            push(&mut text, KINDS[0], id, &StreamData::Signals(event));
        }
    }
    text
}

/// Records after a cursor, as text.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Bytes,
    /// Where it ends.
    pub(super) to: Cursor,
    /// Events of each kind in it.
    pub(super) sent: Sent,
    /// Events and writes that were lost before it.
    pub(super) lost: Cursor,
}

/// Of which records a batch is: of which snapshot, after which, and how many at most.
type BatchKey = (u64, Cursor, usize);

/// What is encoded for all who asked for the same.
#[derive(Debug)]
pub(super) struct Shared {
    run: u32,
    selection: Selection,
    /// The newest snapshot, with its publication.
    snapshot: tokio::sync::Mutex<Option<(u64, Bytes)>>,
    batch: Mutex<Option<(BatchKey, Batch)>>,
}

impl Shared {
    pub(super) fn new(run: u32, selection: Selection) -> Self {
        Self { run, selection, snapshot: tokio::sync::Mutex::new(None), batch: Mutex::default() }
    }

    /// `snapshot` as an event; the first who asks encodes it.
    pub(super) async fn snapshot(self: &Arc<Self>, snapshot: &Arc<Snapshot>) -> Bytes {
        let mut newest = self.snapshot.lock().await;
        if let Some((publication, bytes)) = &*newest
            && *publication == snapshot.publication
        {
            return bytes.clone();
        }
        let bytes = if self.selection.shows_units() {
            let (shared, snapshot) = (Arc::clone(self), Arc::clone(snapshot));
            aside(move || snapshot_text(shared.run, &snapshot, &shared.selection)).await
        } else {
            snapshot_text(self.run, snapshot, &self.selection)
        };
        let bytes = Bytes::from(bytes);
        *newest = Some((snapshot.publication, bytes.clone()));
        bytes
    }

    /// The records of `snapshot` after `from`, at most `limit`; streams that go on side by side share it.
    pub(super) fn batch(&self, snapshot: &Snapshot, from: Cursor, limit: usize) -> Batch {
        let key = (snapshot.publication, from, limit);
        let mut newest = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some((known, batch)) if *known == key => batch.clone(),
            _ => {
                let batch = self.encode(snapshot, from, limit);
                *newest = Some((key, batch.clone()));
                batch
            }
        }
    }

    fn encode(&self, snapshot: &Snapshot, from: Cursor, limit: usize) -> Batch {
        let (selection, run) = (&self.selection, self.run);
        let mut batch = Batch { to: from, ..Batch::default() };
        let mut text = String::new();
        let gap = |text: &mut String, cursor: Cursor, topic, lost| {
            let gap = GapEvent { reason: "overrun", topic: Some(topic), lost: Some(lost) };
            push(text, "gap", EventId { run, cursor }, &StreamData::Gap(gap));
        };
        if selection.alarms || selection.events {
            let lost = snapshot.events.first().saturating_sub(from.events + 1);
            if lost > 0 {
                (batch.lost.events, batch.to.events) = (lost, from.events + lost);
                gap(&mut text, batch.to, "events", lost);
            }
            for (number, event) in snapshot.events.after(batch.to.events) {
                if batch.sent.total() as usize >= limit {
                    batch.bytes = text.into();
                    return batch;
                }
                batch.to.events = number;
                let is_alarm = matches!(event.kind, EventKind::Alarm { .. });
                let wanted = selection.events || (is_alarm && selection.alarms);
                if wanted && selection.wants_of(event.unit) {
                    let kind = if is_alarm { 1 } else { 2 };
                    batch.sent.0[kind] += 1;
                    let id = EventId { run, cursor: batch.to };
                    push(
                        &mut text,
                        KINDS[kind],
                        id,
                        &StreamData::Event(EventAnswer::of(snapshot, number, event)),
                    );
                }
            }
        } else {
            batch.to.events = batch.to.events.max(snapshot.events.total());
        }
        if selection.writes {
            let lost = snapshot.audit.first().saturating_sub(from.writes + 1);
            if lost > 0 {
                (batch.lost.writes, batch.to.writes) = (lost, from.writes + lost);
                gap(&mut text, batch.to, "writes", lost);
            }
            for (number, record) in snapshot.audit.after(batch.to.writes) {
                if batch.sent.total() as usize >= limit {
                    break;
                }
                batch.to.writes = number;
                if selection.wants_of(record.unit) {
                    batch.sent.0[3] += 1;
                    let id = EventId { run, cursor: batch.to };
                    push(
                        &mut text,
                        KINDS[3],
                        id,
                        &StreamData::Write(WriteAnswer::of(snapshot, number, record)),
                    );
                }
            }
        } else {
            batch.to.writes = batch.to.writes.max(snapshot.audit.total());
        }
        batch.bytes = text.into();
        batch
    }
}
