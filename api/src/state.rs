//! What all requests share: the farm, the address book, the limits, and the counters.

use crate::idempotency::Answers;
use crate::metrics::{self, Format};
use crate::traffic::Traffic;
use bess_core::command::Mailbox;
use bess_core::device::DeviceAddress;
use bess_core::point::PointBook;
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How the servers see the farm.
#[derive(Clone, Debug)]
pub struct FarmAccess {
    /// The latest picture of the farm.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The inbox of the loop.
    pub mailbox: Arc<dyn Mailbox>,
    /// Counters.
    pub stats: Arc<Stats>,
}

/// Whether the farm is ready for clients; shared between who knows and who is asked.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether it is.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Relaxed);
    }
    /// Whether it is.
    pub fn get(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// Where the farm listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBook {
    /// The first socket of Modbus TCP.
    pub modbus: SocketAddr,
    /// Where each device answers Modbus.
    pub devices: Vec<DeviceAddress>,
    /// REST.
    pub api: SocketAddr,
    /// Metrics.
    pub metrics: SocketAddr,
}

/// Limits of the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// How long a change waits for the loop.
    pub answer_timeout: Duration,
    /// How long a step of the clock may take.
    pub step_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// Largest body of a request.
    pub max_body_bytes: usize,
    /// Streams at once.
    pub max_streams: usize,
    /// `/metrics` has series of each unit while the farm has at most this many; 0 for never.
    pub units_in_metrics: usize,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            answer_timeout: Duration::from_secs(10),
            step_timeout: Duration::from_secs(600),
            body_timeout: Duration::from_secs(5),
            max_body_bytes: 64 * 1024,
            max_streams: 100,
            units_in_metrics: 1000,
        }
    }
}

/// Which build this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version of the release.
    pub version: String,
    /// Revision of the source.
    pub revision: String,
}

/// What all requests share.
#[derive(Debug)]
pub struct Api {
    pub(crate) farm: FarmAccess,
    pub(crate) ready: Readiness,
    pub(crate) book: AddressBook,
    pub(crate) config: ApiConfig,
    /// The register maps; `None` where nobody serves them.
    pub(crate) points: Option<Arc<dyn PointBook>>,
    pub(crate) traffic: Traffic,
    /// Answers to writes with an idempotency key.
    pub(crate) answers: Arc<Answers>,
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
    /// Ends streams, which would otherwise hold a graceful stop up.
    pub(crate) closing: CancellationToken,
    build: BuildInfo,
    last_encode_ns: AtomicU64,
}

impl Api {
    /// The edges of one farm, without its register maps.
    pub fn new(
        farm: FarmAccess,
        ready: Readiness,
        book: AddressBook,
        config: ApiConfig,
        build: BuildInfo,
    ) -> Arc<Self> {
        Self::with_points(farm, ready, book, config, build, None)
    }

    /// The edges of one farm; the points of its maps are listed and forced through `points`.
    pub fn with_points(
        farm: FarmAccess,
        ready: Readiness,
        book: AddressBook,
        config: ApiConfig,
        build: BuildInfo,
        points: Option<Arc<dyn PointBook>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            points,
            streams: Arc::new(tokio::sync::Semaphore::new(config.max_streams)),
            farm,
            ready,
            book,
            config,
            traffic: Traffic::default(),
            answers: Arc::default(),
            closing: CancellationToken::new(),
            build,
            last_encode_ns: AtomicU64::new(0),
        })
    }

    /// The latest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.farm.snapshots.borrow())
    }

    /// The metrics of this moment as text.
    pub fn encode_metrics(&self, openmetrics: bool) -> String {
        let format = if openmetrics { Format::OpenMetrics } else { Format::Classic };
        self.encode(format)
    }

    pub(crate) fn encode(&self, format: Format) -> String {
        let started = Instant::now();
        let snapshot = self.snapshot();
        let http =
            self.traffic.counts().into_iter().map(|((route, method, code), count)| {
                metrics::HttpRow { method, route, code, count }
            });
        let scrape = metrics::Scrape {
            snapshot: &snapshot,
            stats: &self.farm.stats,
            build: metrics::BuildInfo {
                version: &self.build.version,
                revision: &self.build.revision,
            },
            http: http.collect(),
            http_durations: self.traffic.durations(),
            http_replays: self.answers.replays(),
            units_max: self.config.units_in_metrics,
            last_encode_s: self.last_encode_ns.load(Relaxed) as f64 / 1e9,
        };
        let text = metrics::encode(&scrape, format);
        self.last_encode_ns.store(started.elapsed().as_nanos() as u64, Relaxed);
        text
    }
}
