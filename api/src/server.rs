//! What the command line wires: the two HTTP servers of a farm.

use crate::metrics::{self, Format};
use crate::problem::{Problem, kind};
use crate::routes;
use crate::traffic::{self, Traffic};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use bess_core::command::Mailbox;
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

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
    /// Modbus TCP.
    pub modbus: SocketAddr,
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
    pub(crate) traffic: Traffic,
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
    /// Ends streams, which would otherwise hold a graceful stop up.
    pub(crate) closing: CancellationToken,
    build: BuildInfo,
    last_encode_ns: AtomicU64,
}

/// How long requests in hand may take once the servers stop.
const DRAIN: Duration = Duration::from_millis(900);

impl Api {
    /// The edges of one farm.
    pub fn new(
        farm: FarmAccess,
        ready: Readiness,
        book: AddressBook,
        config: ApiConfig,
        build: BuildInfo,
    ) -> Arc<Self> {
        Arc::new(Self {
            streams: Arc::new(tokio::sync::Semaphore::new(config.max_streams)),
            farm,
            ready,
            book,
            config,
            traffic: Traffic::default(),
            closing: CancellationToken::new(),
            build,
            last_encode_ns: AtomicU64::new(0),
        })
    }

    /// The latest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.farm.snapshots.borrow())
    }

    /// Serves REST until `shutdown` fires and the requests in hand are answered, for at most 0.9 s.
    pub async fn serve_rest(self: Arc<Self>, listener: TcpListener, shutdown: CancellationToken) {
        let app = routes::router(Arc::clone(&self));
        let closing = self.closing.clone();
        let end_streams = shutdown.clone();
        tokio::spawn(async move {
            end_streams.cancelled().await;
            closing.cancel();
        });
        serve(listener, app, shutdown).await;
    }

    /// Serves metrics until `shutdown` fires and the requests in hand are answered.
    pub async fn serve_metrics(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) {
        let app = Router::new()
            .route("/metrics", get(scrape))
            .route("/healthz", get(routes::health::healthz))
            .route("/", get(async || "bess: the metrics are at /metrics\n"))
            .fallback(async || Problem::new(&kind::NO_SUCH_ROUTE, "the metrics are at /metrics"))
            .method_not_allowed_fallback(async || {
                Problem::new(&kind::WRONG_METHOD, "only GET is served here")
            })
            .with_state(self);
        serve(listener, app, shutdown).await;
    }

    /// The metrics of this moment as text.
    pub fn encode_metrics(&self, openmetrics: bool) -> String {
        let format = if openmetrics {
            Format::OpenMetrics
        } else {
            Format::Classic
        };
        self.encode(format)
    }

    fn encode(&self, format: Format) -> String {
        let started = Instant::now();
        let snapshot = self.snapshot();
        let http = self
            .traffic
            .counts()
            .into_iter()
            .map(|((route, method, code), count)| metrics::HttpRow {
                method,
                route,
                code,
                count,
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
            units_max: self.config.units_in_metrics,
            last_encode_s: self.last_encode_ns.load(Relaxed) as f64 / 1e9,
        };
        let text = metrics::encode(&scrape, format);
        self.last_encode_ns
            .store(started.elapsed().as_nanos() as u64, Relaxed);
        text
    }
}

async fn scrape(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let format = metrics::negotiate(accept);
    let content_type = HeaderValue::from_static(format.content_type());
    ([(header::CONTENT_TYPE, content_type)], api.encode(format)).into_response()
}

/// Serves `app` until `shutdown` fires; then idle connections close and those in hand get [`DRAIN`].
async fn serve(listener: TcpListener, app: Router, shutdown: CancellationToken) {
    let listener = listener.tap_io(|stream| {
        // A connection that was reset already fails here; its task will notice.
        let _ = stream.set_nodelay(true);
    });
    let app = app
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(
                &kind::INTERNAL,
                "the request made the server fail; it goes on",
            )
            .into_response()
        }))
        .into_make_service_with_connect_info::<SocketAddr>();
    let graceful = shutdown.clone();
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(async move { graceful.cancelled().await });
    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        _ = serving => {}
        () = deadline => {}
    }
}

/// The layer that counts requests.
pub(crate) fn counted(router: Router<Arc<Api>>, api: &Arc<Api>) -> Router<Arc<Api>> {
    router.layer(axum::middleware::from_fn_with_state(
        Arc::clone(api),
        traffic::count,
    ))
}
