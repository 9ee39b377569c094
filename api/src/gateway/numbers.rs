//! What the gateway counts. Its series depend on the number of shards, never on clients or units.

use crate::state::BuildInfo;
use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

type Labels = Vec<(&'static str, String)>;

/// Bounds of times in s, as those of `bess_http_request_duration_seconds`.
const TIMES: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// What became of a request to a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done.
    Ok,
    /// The shard refused it.
    Refused,
    /// The shard failed.
    Failed,
    /// Nobody answered.
    Unreachable,
    /// The answer did not begin in time.
    Timeout,
}

impl Outcome {
    const ALL: [(&'static str, Self); 5] = [
        ("ok", Self::Ok),
        ("refused", Self::Refused),
        ("failed", Self::Failed),
        ("unreachable", Self::Unreachable),
        ("timeout", Self::Timeout),
    ];
    pub(super) fn of(status: StatusCode) -> Self {
        match status {
            status if status.is_client_error() => Self::Refused,
            status if status.is_server_error() => Self::Failed,
            _ => Self::Ok,
        }
    }
    fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// The counters.
#[derive(Debug)]
pub(super) struct Numbers {
    requests: Family<Labels, Counter>,
    took: Family<Labels, Histogram, fn() -> Histogram>,
    shard_requests: Family<Labels, Counter>,
    shard_took: Family<Labels, Histogram, fn() -> Histogram>,
    up: Family<Labels, Gauge>,
    shards: Gauge,
}

fn times() -> Histogram {
    Histogram::new(TIMES)
}

impl Numbers {
    /// Of a gateway to `n` shards: everything whose labels are known is there at 0.
    pub(super) fn new(n: usize) -> Self {
        let numbers = Self {
            requests: Family::default(),
            took: Family::new_with_constructor(times),
            shard_requests: Family::default(),
            shard_took: Family::new_with_constructor(times),
            up: Family::default(),
            shards: Gauge::default(),
        };
        numbers.shards.set(i64::try_from(n).unwrap_or(i64::MAX));
        for shard in 0..n {
            numbers.up.get_or_create(&of_shard(shard)).set(0);
            for (name, _) in Outcome::ALL {
                let _ = numbers.shard_requests.get_or_create(&with_outcome(shard, name));
            }
        }
        let _ = numbers.shard_took.get_or_create(&Vec::new());
        numbers
    }

    /// A request of a client was answered.
    pub(super) fn note_request(
        &self,
        method: &Method,
        route: &str,
        status: StatusCode,
        took: Duration,
    ) {
        // Others than these are refused; their names are the clients'.
        let known = [Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
        let method = if known.contains(method) { method.as_str() } else { "other" };
        let labels = vec![("method", method.to_owned()), ("route", route.to_owned())];
        self.took.get_or_create(&labels).observe(took.as_secs_f64());
        let code = ("code", status.as_str().to_owned());
        self.requests.get_or_create(&labels.into_iter().chain([code]).collect()).inc();
    }

    /// A shard was asked.
    pub(super) fn note_shard(&self, shard: usize, outcome: Outcome, took: Duration) {
        self.shard_requests.get_or_create(&with_outcome(shard, outcome.name())).inc();
        self.shard_took.get_or_create(&Vec::new()).observe(took.as_secs_f64());
    }

    /// Whether a shard answers.
    pub(super) fn note_up(&self, shard: usize, is_up: bool) {
        self.up.get_or_create(&of_shard(shard)).set(i64::from(is_up));
    }

    /// Everything, as OpenMetrics.
    pub(super) fn encode(&self, build: &BuildInfo) -> String {
        let mut registry = Registry::default();
        let labels = [
            ("version", build.version.clone()),
            ("revision", build.revision.clone()),
            ("rustc", build.rustc.clone()),
            ("target", build.target.clone()),
        ];
        registry.register("bess_build", "Which build this is", Info::new(labels.to_vec()));
        let hash = vec![("sha256", build.farm_sha256.clone())];
        let help =
            "Hash of the farm file and the files that it names, as they were read at the start";
        registry.register("bess_config_hash", help, Info::new(hash));
        let help = "Shards of the farm";
        registry.register("bess_gateway_shards", help, self.shards.clone());
        let help = "Whether the shard answered when it was asked or looked at last: 1 or 0";
        registry.register("bess_gateway_shard_up", help, self.up.clone());
        let help = "Requests of clients, by route";
        registry.register("bess_gateway_requests", help, self.requests.clone());
        let help = "Time until the head of the answer to a client";
        let unit = Unit::Seconds;
        registry.register_with_unit("bess_gateway_request_duration", help, unit, self.took.clone());
        let help = "Requests to shards, by what became of them";
        registry.register("bess_gateway_shard_requests", help, self.shard_requests.clone());
        let help = "Time until the head of a shard's answer";
        let (name, took) = ("bess_gateway_shard_request_duration", self.shard_took.clone());
        registry.register_with_unit(name, help, Unit::Seconds, took);
        let mut text = String::new();
        // A text takes whatever is written.
        let _ = encode(&mut text, &registry);
        text
    }
}

fn of_shard(shard: usize) -> Labels {
    vec![("shard", shard.to_string())]
}

fn with_outcome(shard: usize, outcome: &str) -> Labels {
    vec![("shard", shard.to_string()), ("outcome", outcome.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_shards_is_there_from_the_start_and_counts_stand_by_route() {
        let numbers = Numbers::new(2);
        let (took, status) = (Duration::from_millis(3), StatusCode::OK);
        numbers.note_request(&Method::GET, "/api/v1/farm", status, took);
        numbers.note_shard(1, Outcome::Timeout, took);
        numbers.note_up(1, true);
        let text = numbers.encode(&BuildInfo::default());
        for line in [
            "bess_gateway_shards 2",
            "bess_gateway_shard_up{shard=\"0\"} 0",
            "bess_gateway_shard_up{shard=\"1\"} 1",
            "bess_gateway_shard_requests_total{shard=\"0\",outcome=\"unreachable\"} 0",
            "bess_gateway_shard_requests_total{shard=\"1\",outcome=\"timeout\"} 1",
            "bess_gateway_requests_total{method=\"GET\",route=\"/api/v1/farm\",code=\"200\"} 1",
            "bess_gateway_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/farm\"} 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
    }

    #[test]
    fn outcomes_stand_in_the_order_of_their_names() {
        for (name, outcome) in Outcome::ALL {
            assert_eq!(outcome.name(), name);
        }
    }
}
