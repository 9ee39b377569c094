//! Counters of HTTP itself: requests by method, route template and status, and how long they took.

use bess_core::stats::{Histogram, HistogramReading};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Buckets of a request's duration in seconds; 0.1 s, the objective, is one of them.
const HTTP_BOUNDS_S: &[f64] =
    &[0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// What was served so far. One short lock a request: nothing waits while it is held.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    counts: Mutex<BTreeMap<(String, &'static str, u16), u64>>,
    durations: Mutex<BTreeMap<String, Arc<Histogram>>>,
}

impl Traffic {
    /// Adds a request.
    pub(crate) fn add(&self, route: &str, method: &'static str, code: u16, seconds: f64) {
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
