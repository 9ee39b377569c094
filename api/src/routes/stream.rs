//! `/stream`: server-sent events.

use crate::params::Params;
use crate::problem::{Fallible, Problem, StreamProblems, kind};
use crate::state::Api;
use crate::stream::{Feed, Start, StreamData, Wish};
use crate::wire::SwitchName;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

/// The header by which a client says where it was cut off.
const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Snapshots, alarms, events and writes as they come
///
/// Server-sent events. Kinds: `snapshot`, at `rate_hz`; `alarm`, each step in the life of an alarm; `event`,
/// each other event; `write`, each write; with one of the last three also `start`, first of all, and `gap`,
/// where records are missing. A client that reads slowly skips snapshots, and nobody waits for it; one that
/// reads nothing for half a minute is cut off. The id of each event says where the stream is: given back in the
/// header `Last-Event-ID` it makes the next stream go on behind it, without a record twice or missing, but for
/// those that a `gap` tells of. `max_events` (of the kinds snapshot, alarm, event and write) or `for` end the
/// stream.
#[utoipa::path(get, path = "/stream", operation_id = "stream", tag = "stream",
    params(
        ("topics" = Option<String>, Query, description = "What to stream, with commas between: snapshot, alarms, events (alarms are among them), writes; snapshot when absent", pattern = r"^(snapshot|alarms|events|writes)(,(snapshot|alarms|events|writes))*$", example = "snapshot,alarms"),
        ("rate_hz" = Option<f64>, Query, description = "Most snapshots a second of wall time; 1 when absent", minimum = 0.01, maximum = 10),
        ("max_events" = Option<u64>, Query, description = "End after this many events", minimum = 1, maximum = 1_000_000),
        ("for" = Option<String>, Query, description = "End after this many seconds of wall time, 0.1 to 86400, such as 10 or 10s", pattern = r"^[0-9]+(\.[0-9]+)?s?$", example = "10s"),
        ("units" = inline(Option<SwitchName>), Query, description = "true to have every unit in each snapshot"),
        ("unit" = Option<String>, Query, description = "Numbers, ranges of numbers or names of units, with commas between them: only these in snapshots, and only what these do", example = "1-2"),
        ("signals" = Option<String>, Query, description = "Names of signals, with commas between them: snapshots have these alone, those of the farm and, where units are asked for, those of units", example = "poi.active_power,battery.soc"),
        ("last_event_id" = Option<String>, Query, description = "As the header Last-Event-ID, which beats it; 0 for the oldest records that are kept", pattern = r"^(0|[0-9a-f]{8}-[0-9]{1,15}-[0-9]{1,15})$", example = "0"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that the client got", pattern = r"^(0|[0-9a-f]{8}-[0-9]{1,15}-[0-9]{1,15})$", example = "0"),
    ),
    responses((status = 200, description = "The stream; each event's data is one of these.", body = StreamData, content_type = "text/event-stream"), StreamProblems))]
pub(crate) async fn stream(
    State(api): State<Arc<Api>>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    mut query: Params,
) -> Fallible<Response> {
    let snapshot = api.snapshot();
    let wish = Wish::read(&mut query, &snapshot.spec)?;
    let asked = query.text("last_event_id")?;
    query.finish()?;
    let header = headers.get(LAST_EVENT_ID).map(|id| String::from_utf8_lossy(id.as_bytes()));
    let header = header.map(|id| read_id(&api, LAST_EVENT_ID, &id)).transpose()?;
    let asked = asked.map(|id| read_id(&api, "last_event_id", &id)).transpose()?;
    let start = header.or(asked).unwrap_or(Start::Now);
    let seat = api.streams.take_seat(peer.map(|peer| peer.0.0))?;
    let feed = Feed::new(api, wish, start, seat);
    let bytes = futures_util::stream::unfold(feed, |mut feed| async move {
        let bytes = feed.next().await?;
        Some((Ok::<_, Infallible>(bytes), feed))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // Asks proxies to pass events on as they come.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}

/// The id that a client gives back. One of another process is fine; one that this process cannot have given
/// is not.
fn read_id(api: &Api, field: &str, text: &str) -> Fallible<Start> {
    let refused = |detail| Err(Problem::new(&kind::BAD_PARAMETER, detail).field(field).value(text));
    match Start::parse(text) {
        None => refused(format!("`{field}` must be the id of an event of a stream, got {text:?}")),
        Some(Start::After(id)) if api.streams.is_ahead(id, &api.snapshot()) => {
            refused(format!("`{field}` is ahead of all that happened: {text:?}"))
        }
        Some(start) => Ok(start),
    }
}
