//! REST: requests by method, template of the route and status.

use super::{
    BYTES, Count, HistogramReading, Histograms, Kind, Labels, NONE, Number, Numbers, Row, Sight,
    counter, gauge, histogram, row,
};

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    counter("bess_http_requests_total", NONE, "HTTP requests by method, template of the route and status", Numbers(requests)).by(&["method", "route", "code"]),
    histogram("bess_http_request_duration_seconds", "Time to answer an HTTP request, by method and template of the route", Histograms(durations)).by(&["method", "route"]),
    gauge("bess_http_requests_in_flight", NONE, "HTTP requests that are being answered", Count(|s| s.scrape.http.in_flight)),
    row(Kind::Histogram, "bess_http_response_size_bytes", BYTES, "Size of the bodies of HTTP answers whose size is known beforehand, by template of the route", Histograms(sizes)).by(&["route"]),
];

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
