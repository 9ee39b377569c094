//! Counters of HTTP itself: requests by method, route template and status, and how long they took.

use crate::state::Api;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bess_core::stats::{Histogram, HistogramReading};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Buckets of a request's duration in seconds; 0.1 s, the objective, is one of them.
const HTTP_BOUNDS_S: &[f64] =
    &[0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// Route of requests that match none.
const UNMATCHED: &str = "(unmatched)";

/// What was served so far. One short lock a request: nothing waits while it is held.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    counts: Mutex<BTreeMap<(String, &'static str, u16), u64>>,
    durations: Mutex<BTreeMap<String, Arc<Histogram>>>,
}

impl Traffic {
    fn add(&self, route: &str, method: &'static str, code: u16, seconds: f64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((route.to_owned(), method, code)).or_default() += 1;
        drop(counts);
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = durations
            .entry(route.to_owned())
            .or_insert_with(|| Arc::new(Histogram::new(HTTP_BOUNDS_S)));
        histogram.observe(seconds);
    }

    /// Requests by (route, method, status).
    pub(crate) fn counts(&self) -> Vec<((String, &'static str, u16), u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(key, count)| (key.clone(), *count)).collect()
    }
    /// Durations by route.
    pub(crate) fn durations(&self) -> Vec<(String, HistogramReading)> {
        let durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        durations.iter().map(|(route, histogram)| (route.clone(), histogram.read())).collect()
    }
}

/// Counts a request; the time is that until the answer's head.
pub(crate) async fn count(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = match request.method().as_str() {
        "GET" => "GET",
        "PUT" => "PUT",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        _ => "other",
    };
    let started = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    api.traffic.add(route, method, response.status().as_u16(), started.elapsed().as_secs_f64());
    response
}
