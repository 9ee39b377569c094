//! What all requests share: the farm, the address book, the limits, and the counters.

use crate::access::{Access, AccessConfig, TokenBook};
use crate::history::History;
use crate::idempotency::Answers;
use crate::listen::{Door, Limits};
use crate::metrics::{Chosen, Exporter, Format, HttpNumbers, Page, Query, Sources};
use crate::read::Reads;
use crate::stream::Streams;
use crate::traffic::Traffic;
use axum::Router;
use bess_core::command::Mailbox;
use bess_core::device::DeviceAddress;
use bess_core::logging::LogControl;
use bess_core::point::PointBook;
use bess_core::snapshot::Snapshot;
use bess_core::stage::StageBook;
use bess_core::stats::Stats;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;
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
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// How long a change waits for the loop.
    pub answer_timeout: Duration,
    /// How long a step of the clock may take.
    pub step_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// Largest body of a request.
    pub max_body_bytes: usize,
    /// Connections at once to each of the two ports.
    pub max_connections: usize,
    /// Connections at once from one address.
    pub max_connections_per_address: usize,
    /// How long the head of a request may take to arrive, a pause before it included.
    pub head_timeout: Duration,
    /// Streams at once.
    pub max_streams: usize,
    /// How long a connection may take nothing of what is sent to it.
    pub stall_timeout: Duration,
    /// `/metrics` has series of each unit while the farm has at most this many; 0 for never.
    pub units_in_metrics: usize,
    /// Levels of the log; `None` where they cannot be changed.
    pub log: Option<Arc<dyn LogControl>>,
    /// Who may do what on the REST port.
    pub access: AccessConfig,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            answer_timeout: Duration::from_secs(10),
            step_timeout: Duration::from_secs(600),
            body_timeout: Duration::from_secs(5),
            max_body_bytes: 64 * 1024,
            max_connections: 2048,
            max_connections_per_address: 512,
            head_timeout: Duration::from_secs(75),
            max_streams: 100,
            stall_timeout: Duration::from_secs(30),
            units_in_metrics: 1000,
            log: None,
            access: AccessConfig::default(),
        }
    }
}

/// Which build this is, and of which farm file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version of the release.
    pub version: String,
    /// Revision of the source.
    pub revision: String,
    /// The compiler and its version.
    pub rustc: String,
    /// The platform that it was built for.
    pub target: String,
    /// SHA-256 in hexadecimal digits of the farm file with the files that it names; empty where that is
    /// not known.
    pub farm_sha256: String,
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
    /// What can be directed; empty where nobody directs.
    pub(crate) stage: OnceLock<Arc<dyn StageBook>>,
    /// Ids that were drawn for faults and runs.
    pub(crate) stage_ids: AtomicU64,
    /// What the signals were; empty where nobody keeps it.
    pub(crate) history: OnceLock<Arc<History>>,
    pub(crate) traffic: Traffic,
    /// Answers to writes with an idempotency key.
    pub(crate) answers: Arc<Answers>,
    pub(crate) reads: Reads,
    pub(crate) access: Arc<Access>,
    pub(crate) streams: Arc<Streams>,
    /// Ends streams, which would otherwise hold a graceful stop up.
    pub(crate) closing: CancellationToken,
    build: BuildInfo,
    exporter: Exporter,
    /// By index of the unit: the first Modbus unit id under which it answers.
    modbus_ids: Vec<Option<u8>>,
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
        let n_units = farm.snapshots.borrow().spec.units.len();
        let mut modbus_ids = vec![None; n_units];
        for device in &book.devices {
            let of_unit = device.unit.and_then(|unit| modbus_ids.get_mut(unit.idx()));
            if let (Some(known), Some(id)) = (of_unit, device.unit_id) {
                known.get_or_insert(id);
            }
        }
        let first = Arc::clone(&farm.snapshots.borrow());
        Arc::new(Self {
            modbus_ids,
            exporter: Exporter::default(),
            access: Arc::new(Access::new(config.access.clone())),
            points,
            streams: Arc::new(Streams::new(config.max_streams, first)),
            farm,
            ready,
            book,
            config,
            stage: OnceLock::new(),
            stage_ids: AtomicU64::new(0),
            history: OnceLock::new(),
            traffic: Traffic::default(),
            answers: Arc::default(),
            reads: Reads::default(),
            closing: CancellationToken::new(),
            build,
        })
    }

    /// Replaces the tokens; requests that come from now on show one of these.
    pub fn set_tokens(&self, tokens: TokenBook) {
        self.access.set_tokens(tokens);
    }
    /// Replaces certificate and key of HTTPS for the connections that come from now on.
    pub fn set_tls(&self, tls: Arc<ServerConfig>) {
        self.access.set_tls(tls);
    }
    /// The way to `app`, over TLS where the API has a certificate and `speaks_tls`.
    pub(crate) fn door(&self, app: Router, speaks_tls: bool) -> Door {
        let streams = Arc::clone(&self.streams);
        let limits = Limits {
            connections: self.config.max_connections,
            connections_per_address: self.config.max_connections_per_address,
            head_timeout: self.config.head_timeout,
            stall_timeout: self.config.stall_timeout,
        };
        let on_stall = Arc::new(move |peer| streams.stalled(peer));
        Door { app, access: Arc::clone(&self.access), speaks_tls, limits, on_stall }
    }
    /// Reads faults and scenarios by this book; the first one stays.
    pub fn set_stage(&self, book: Arc<dyn StageBook>) {
        let _ = self.stage.set(book);
    }
    /// Serves this history; the first one stays.
    pub fn set_history(&self, history: Arc<History>) {
        let _ = self.history.set(history);
    }

    /// The latest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.farm.snapshots.borrow())
    }

    /// `/metrics` of this moment.
    pub fn encode_metrics(&self, openmetrics: bool) -> Page {
        self.encode(if openmetrics { Format::OpenMetrics } else { Format::Classic })
    }

    pub(crate) fn encode(&self, format: Format) -> Page {
        self.with_sources(|exporter, sources| {
            exporter.farm(sources, self.config.units_in_metrics, format)
        })
    }

    /// All families of all units, as `/metrics/units` has them.
    pub fn encode_all_units(&self, openmetrics: bool) -> Page {
        let query = Query { chosen: Chosen::all(), state: None, from: 0, limit: usize::MAX };
        self.encode_units(&query, if openmetrics { Format::OpenMetrics } else { Format::Classic })
    }

    /// `/metrics/units` of this moment.
    pub(crate) fn encode_units(&self, query: &Query, format: Format) -> Page {
        self.with_sources(|exporter, sources| exporter.units(sources, query, format))
    }

    fn with_sources(&self, encode: impl FnOnce(&Exporter, Sources<'_>) -> Page) -> Page {
        let snapshot = self.snapshot();
        let sources = Sources {
            snapshot: &snapshot,
            stats: &self.farm.stats,
            build: &self.build,
            http: HttpNumbers {
                rejected: self.access.rejected(),
                replays: self.answers.replays(),
                streams: self.streams.numbers(),
                history: self.history.get().map(|history| history.numbers()),
                ..self.traffic.numbers()
            },
            modbus_ids: &self.modbus_ids,
        };
        encode(&self.exporter, sources)
    }
}
