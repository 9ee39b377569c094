//! Counters of HTTP itself: requests by method, route template and status, how long they took and how
//! large their answers were.

use crate::metrics::{HttpNumbers, HttpRow};
use bess_core::stats::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Buckets of a request's duration in seconds; 0.1 s, the objective, is one of them.
const HTTP_BOUNDS_S: &[f64] =
    &[0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// Buckets of an answer's size in bytes.
const SIZE_BOUNDS_BYTES: &[f64] = &[1024.0, 16_384.0, 262_144.0, 4_194_304.0];

/// Kinds of requests (method and route) with times of their own. Those that come first have them; all
/// others count together, so that the number of series is bounded whatever clients ask for.
const KINDS_MAX: usize = 18;
/// Routes with sizes of their own, likewise.
const SIZES_MAX: usize = 12;
/// Kinds of answers (method, route and status) with counts of their own, likewise.
const ANSWERS_MAX: usize = 70;
/// Route and method of what counts together.
const OTHER: (&str, &str) = ("(other)", "other");

/// What was served so far. One short lock a request: nothing waits or allocates while it is held, but for
/// the first request of its kind.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    numbers: Mutex<Numbers>,
    in_flight: AtomicU64,
}

#[derive(Debug, Default)]
struct Numbers {
    routes: BTreeMap<String, OfRoute>,
    /// How often a kind was new; beyond the most that have numbers of their own it is one of the others.
    n_answers: usize,
    n_kinds: usize,
    n_sizes: usize,
}

/// Numbers of a route; of each kind those that have some of their own.
#[derive(Debug, Default)]
struct OfRoute {
    /// By method and status.
    answers: BTreeMap<(&'static str, u16), u64>,
    /// By method.
    durations: BTreeMap<&'static str, Histogram>,
    sizes: Option<Histogram>,
}

impl Numbers {
    /// For what is new: the numbers of `route`, which has some from now on.
    fn new_of(&mut self, route: &str) -> &mut OfRoute {
        self.routes.entry(route.to_owned()).or_default()
    }

    fn count(&mut self, route: &str, method: &'static str, code: u16) {
        let known = self.routes.get_mut(route);
        if let Some(count) = known.and_then(|of| of.answers.get_mut(&(method, code))) {
            *count += 1;
            return;
        }
        let (route, method) = if self.n_answers < ANSWERS_MAX { (route, method) } else { OTHER };
        self.n_answers += 1;
        *self.new_of(route).answers.entry((method, code)).or_default() += 1;
    }

    fn time(&mut self, route: &str, method: &'static str, seconds: f64) {
        let known = self.routes.get(route);
        if let Some(times) = known.and_then(|of| of.durations.get(method)) {
            times.observe(seconds);
            return;
        }
        let (route, method) = if self.n_kinds < KINDS_MAX { (route, method) } else { OTHER };
        self.n_kinds += 1;
        let times = self.new_of(route).durations.entry(method);
        times.or_insert_with(|| Histogram::new(HTTP_BOUNDS_S)).observe(seconds);
    }

    fn size(&mut self, route: &str, bytes: f64) {
        if let Some(sizes) = self.routes.get(route).and_then(|of| of.sizes.as_ref()) {
            sizes.observe(bytes);
            return;
        }
        let route = if self.n_sizes < SIZES_MAX { route } else { OTHER.0 };
        self.n_sizes += 1;
        let sizes =
            self.new_of(route).sizes.get_or_insert_with(|| Histogram::of_bytes(SIZE_BOUNDS_BYTES));
        sizes.observe(bytes);
    }
}

/// The request that is being answered, until this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'t>(&'t Traffic);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

impl Traffic {
    /// A request is being answered.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(self)
    }

    /// Adds a request whose answer took `seconds`, and has a body of `bytes` if that is known.
    pub(crate) fn add(
        &self,
        route: &str,
        method: &'static str,
        code: u16,
        seconds: f64,
        bytes: Option<u64>,
    ) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.count(route, method, code);
        numbers.time(route, method, seconds);
        if let Some(bytes) = bytes {
            numbers.size(route, bytes as f64);
        }
    }

    /// Everything.
    pub(crate) fn numbers(&self) -> HttpNumbers {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all =
            HttpNumbers { in_flight: self.in_flight.load(Relaxed), ..HttpNumbers::default() };
        for (route, of) in &numbers.routes {
            let answers = of.answers.iter().map(|(&(method, code), &count)| HttpRow {
                method,
                route: route.clone(),
                code,
                count,
            });
            all.requests.extend(answers);
            let durations = of.durations.iter();
            let durations = durations.map(|(method, times)| (*method, route.clone(), times.read()));
            all.durations.extend(durations);
            all.sizes.extend(of.sizes.iter().map(|sizes| (route.clone(), sizes.read())));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_beyond_those_that_came_first_count_together_and_none_is_lost() {
        let traffic = Traffic::default();
        let n_requests = 500;
        for n in 0..n_requests {
            traffic.add(&format!("/{n}"), "GET", 200 + (n % 3) as u16, 0.01, Some(10));
        }
        traffic.add("/3", "GET", 200, 0.01, None);
        let numbers = traffic.numbers();
        assert!(numbers.requests.len() <= ANSWERS_MAX + 3, "one for each status of the others");
        assert_eq!((numbers.durations.len(), numbers.sizes.len()), (KINDS_MAX + 1, SIZES_MAX + 1));
        let counted: u64 = numbers.requests.iter().map(|row| row.count).sum();
        let timed: u64 = numbers.durations.iter().map(|(_, _, reading)| reading.count).sum();
        let sized: u64 = numbers.sizes.iter().map(|(_, reading)| reading.count).sum();
        assert_eq!((counted, timed, sized), (n_requests + 1, n_requests + 1, n_requests));
        let first =
            numbers.durations.iter().find(|(_, route, _)| route == "/3").expect("it was early");
        assert_eq!(first.2.count, 2);
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_answered_or_given_up() {
        let traffic = Traffic::default();
        let first = traffic.begin();
        let second = traffic.begin();
        assert_eq!(traffic.numbers().in_flight, 2);
        drop((first, second));
        assert_eq!(traffic.numbers().in_flight, 0);
    }
}
