//! REST: requests by method, template of the route and status.

use super::{
    BYTES, Count, HistogramReading, Histograms, Kind, Labels, NONE, Number, Numbers, Real, Row,
    Sight, counter, gauge, histogram, row, series,
};

use crate::history::HistoryNumbers;
use crate::stream::{KINDS, Sent};

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    counter("bess_http_rejected_total", NONE, "HTTP requests and connections that were turned away before their route, by reason", Numbers(rejected)).by(&["reason"]),
    counter("bess_http_requests_total", NONE, "HTTP requests by method, template of the route and status", Numbers(requests)).by(&["method", "route", "code"]),
    histogram("bess_http_request_duration_seconds", "Time to answer an HTTP request, by method and template of the route", Histograms(durations)).by(&["method", "route"]),
    gauge("bess_http_requests_in_flight", NONE, "HTTP requests that are being answered", Count(|s| s.scrape.http.in_flight)),
    row(Kind::Histogram, "bess_http_response_size_bytes", BYTES, "Size of the bodies of HTTP answers whose size is known beforehand, by template of the route", Histograms(sizes)).by(&["route"]),

    counter("bess_http_idempotent_replays_total", NONE, "Writes that came again with their idempotency key, and got the answer of the first time", Count(|s| s.scrape.http.replays)),

    // Streams and history.
    gauge("bess_http_streams", NONE, "Open streams of server-sent events", Count(|s| s.scrape.http.streams.open)),
    gauge("bess_http_streams_limit", NONE, "Streams that may be open at once", Count(|s| s.scrape.http.streams.limit)),
    counter("bess_http_stream_events_total", NONE, "Events of streams by kind, each counted once for each client", Numbers(|s| by_kind(s.scrape.http.streams.sent))).by(&["kind"]),
    counter("bess_http_stream_skipped_total", NONE, "Snapshots that slow clients skipped, and records that clients were told they missed, by kind; alarms count as events", Numbers(|s| by_kind(s.scrape.http.streams.skipped))).by(&["kind"]),
    counter("bess_http_streams_dropped_total", NONE, "Streams that were cut off because their client took nothing", Count(|s| s.scrape.http.streams.dropped)),
    gauge("bess_history_points", NONE, "Values that the history keeps, buckets times signals", Real(|s| of_history(s, |history| history.points))),
    gauge("bess_history_bytes", BYTES, "Memory that the history takes", Real(|s| of_history(s, |history| history.bytes))),
    gauge("bess_history_bytes_limit", NONE, "Bytes that the history may take", Real(|s| of_history(s, |history| history.bytes_limit))),
    counter("bess_history_dropped_total", NONE, "Ticks that the history did not keep because they came too fast", Real(|s| of_history(s, |history| history.dropped))),
];

fn by_kind(counts: Sent) -> Vec<(Labels, Number)> {
    let kinds = KINDS.into_iter().zip(counts.0);
    kinds.map(|(kind, count)| series("kind", kind, count)).collect()
}

/// A number of the history; NaN where there is none.
fn of_history(sight: &Sight<'_>, number: fn(&HistoryNumbers) -> u64) -> f64 {
    sight.scrape.http.history.as_ref().map_or(f64::NAN, |history| number(history) as f64)
}

fn rejected(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let rejected = sight.scrape.http.rejected.iter();
    rejected.map(|(reason, count)| series("reason", *reason, *count)).collect()
}

fn requests(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let rows = sight.scrape.http.requests.iter();
    rows.map(|row| {
        let labels = vec![
            ("method", row.method.into()),
            ("route", row.route.clone().into()),
            ("code", row.code.to_string().into()),
        ];
        (labels, Number::Count(row.count))
    })
    .collect()
}

fn durations(sight: &Sight<'_>) -> Vec<(Labels, HistogramReading)> {
    let durations = sight.scrape.http.durations.iter();
    durations
        .map(|(method, route, reading)| {
            let labels = vec![("method", (*method).into()), ("route", route.clone().into())];
            (labels, reading.clone())
        })
        .collect()
}

fn sizes(sight: &Sight<'_>) -> Vec<(Labels, HistogramReading)> {
    let sizes = sight.scrape.http.sizes.iter();
    sizes.map(|(route, reading)| (vec![("route", route.clone().into())], reading.clone())).collect()
}
