//! `/stream`: server-sent events.

use super::farm::FarmAnswer;
use super::units::Unit;
use crate::ask::aside;
use crate::params::Params;
use crate::problem::{Fallible, Problem, StreamProblems, kind};
use crate::state::Api;
use crate::wire::{SWITCH, SwitchName};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use bess_core::id::UnitId;
use bess_core::snapshot::Snapshot;
use futures_util::Stream;
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior};
use utoipa::ToSchema;

/// Data of an event of kind `snapshot`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamEvent {
    #[serde(flatten)]
    farm: FarmAnswer,
    /// The units, when they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    unit_list: Option<Vec<Unit>>,
}

#[derive(Clone, Copy, Debug)]
struct Wish {
    rate_hz: f64,
    max_events: u64,
    duration: Option<Duration>,
    units: bool,
}

/// Longest stream that may be asked for: a day.
const FOR_MAX_S: f64 = 86_400.0;

/// Snapshots as they come
///
/// Server-sent events of kind `snapshot`; the id is the publication number. A client that reads slowly
/// skips snapshots, nobody waits for it. `max_events` or `for` end the stream.
#[utoipa::path(get, path = "/stream", operation_id = "stream_snapshots", tag = "stream",
    params(
        ("rate_hz" = Option<f64>, Query, description = "Most events a second of wall time; 1 when absent", minimum = 0.01, maximum = 10),
        ("max_events" = Option<u64>, Query, description = "End after this many events", minimum = 1, maximum = 1_000_000),
        ("for" = Option<String>, Query, description = "End after this many seconds of wall time, 0.1 to 86400, such as 10 or 10s", pattern = r"^[0-9]+(\.[0-9]+)?s?$", example = "10s"),
        ("units" = inline(Option<SwitchName>), Query, description = "true to have every unit in each event"),
    ),
    responses((status = 200, description = "The stream.", body = StreamEvent, content_type = "text/event-stream"), StreamProblems))]
pub(crate) async fn stream(
    State(api): State<Arc<Api>>,
    mut query: Params,
) -> Fallible<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let wish = Wish {
        rate_hz: query.number("rate_hz", (0.01, 10.0), "")?.unwrap_or(1.0),
        max_events: query.whole("max_events", usize::MAX, (1, 1_000_000))? as u64,
        duration: query.number("for", (0.1, FOR_MAX_S), "s")?.map(Duration::from_secs_f64),
        units: query.choice("units", &SWITCH)? == Some("true"),
    };
    query.finish()?;
    let permit = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| {
        let detail = format!("{} streams are open, no more are served", api.config.max_streams);
        Problem::new(&kind::TOO_MANY_STREAMS, detail)
    })?;
    Ok(Sse::new(events(api, wish, permit)).keep_alive(KeepAlive::default()))
}

struct Progress {
    api: Arc<Api>,
    interval: tokio::time::Interval,
    end: Option<Instant>,
    sent: u64,
    last_publication: Option<u64>,
    _permit: OwnedSemaphorePermit,
}

fn events(
    api: Arc<Api>,
    wish: Wish,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut interval = tokio::time::interval(Duration::from_secs_f64(1.0 / wish.rate_hz));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = wish.duration.map(|duration| Instant::now() + duration);
    let progress =
        Progress { api, interval, end, sent: 0, last_publication: None, _permit: permit };
    futures_util::stream::unfold(progress, move |mut progress| async move {
        let snapshot = next(&mut progress, &wish).await?;
        progress.sent += 1;
        progress.last_publication = Some(snapshot.publication);
        let event = if wish.units {
            aside(move || event(&snapshot, true)).await
        } else {
            event(&snapshot, false)
        };
        Some((Ok(event), progress))
    })
}

fn event(snapshot: &Snapshot, with_units: bool) -> Event {
    let ids = (0..snapshot.units.len()).map(UnitId::from_idx);
    let data = StreamEvent {
        farm: FarmAnswer::of(snapshot),
        unit_list: with_units.then(|| ids.map(|id| Unit::of(snapshot, id)).collect()),
    };
    Event::default()
        .event("snapshot")
        .id(snapshot.publication.to_string())
        .json_data(&data)
        .unwrap_or_default()
}

/// The next snapshot that is new, at the wanted rate; `None` at the end of the stream.
async fn next(progress: &mut Progress, wish: &Wish) -> Option<Arc<Snapshot>> {
    if progress.sent >= wish.max_events {
        return None;
    }
    let mut snapshots = progress.api.farm.snapshots.clone();
    let closing = progress.api.closing.clone();
    let end = progress.end;
    let over = async {
        match end {
            Some(end) => tokio::time::sleep_until(end).await,
            None => std::future::pending().await,
        }
    };
    let last = progress.last_publication;
    let fresh = async {
        progress.interval.tick().await;
        let newer = snapshots
            .wait_for(|snapshot| last.is_none_or(|last| snapshot.publication > last))
            .await;
        newer.ok().map(|snapshot| Arc::clone(&snapshot))
    };
    tokio::select! {
        biased;
        () = closing.cancelled() => None,
        () = over => None,
        fresh = fresh => fresh,
    }
}
