//! The two HTTP servers of a farm: how they start, what they count, how they end.

use crate::ask::Sender;
use crate::body::Written;
use crate::idempotency;
use crate::metrics;
use crate::params::dry_run;
use crate::problem::{Problem, RefusedHere, kind};
use crate::routes;
use crate::state::Api;
use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use bess_core::command::{Reply, Request as Asked, Submission};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

/// How long requests in hand may take once the servers stop.
const DRAIN: Duration = Duration::from_millis(900);

impl Api {
    /// Serves REST until `shutdown` fires and the requests in hand are answered, for at most 0.9 s.
    pub async fn serve_rest(self: Arc<Self>, listener: TcpListener, shutdown: CancellationToken) {
        let app = counted(routes::router(), &self).with_state(Arc::clone(&self));
        let end_streams = async {
            shutdown.cancelled().await;
            self.closing.cancel();
        };
        tokio::join!(serve(listener, app, shutdown.clone()), end_streams);
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
        serve(listener, caught(app), shutdown).await;
    }
}

async fn scrape(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
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
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
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

/// Answers a handler that panics with a problem; the server goes on.
fn caught<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(CatchPanicLayer::custom(|_| {
        let detail = "the request made the server fail; it goes on";
        Problem::new(&kind::INTERNAL, detail).into_response()
    }))
}

/// Counts the requests, those whose handler panics as well.
fn counted(router: Router<Arc<Api>>, api: &Arc<Api>) -> Router<Arc<Api>> {
    let audited = axum::middleware::from_fn_with_state(Arc::clone(api), audit);
    let once = axum::middleware::from_fn_with_state(Arc::clone(api), idempotency::once);
    caught(router)
        .layer(once)
        .layer(audited)
        .layer(axum::middleware::from_fn(short))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(api), count))
}

/// Tells the loop of writes to the farm that are refused before they reach it, for its audit. The clock
/// is not the farm, and a file that is checked is not written.
async fn audit(
    State(api): State<Arc<Api>>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let writes_nothing = |route: &str| route.ends_with("/clock") || route.ends_with("/farm/check");
    let is_no_write = route.is_none_or(|route| writes_nothing(route.as_str()));
    // A dry run writes nothing.
    let is_dry = dry_run(request.uri()).is_ok_and(|is_dry| is_dry);
    if is_no_write || is_dry || request.method().is_safe() {
        return next.run(request).await;
    }
    let sender = Sender::of(request.method().as_str(), request.extensions());
    let written = Written::default();
    request.extensions_mut().insert(written.clone());
    let response = next.run(request).await;
    if let Some(RefusedHere(reason)) = response.extensions().get::<RefusedHere>().cloned() {
        let params = path.ok();
        let named = params.as_ref().and_then(|path| path.iter().find(|(name, _)| *name == "id"));
        let unit = named.and_then(|(_, name)| api.snapshot().spec.find_unit(name));
        let request = Asked::Refused { unit, what: written.text(), reason };
        let origin = sender.into_origin();
        api.farm.mailbox.post(Submission { request, origin, reply: Reply::none() });
    }
    response
}

/// Longest path and query, in bytes; the HTTP library itself closes at 64 KiB.
const TARGET_MAX: usize = 8 * 1024;

/// Refuses what nobody's path and query is.
async fn short(request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if length <= TARGET_MAX {
        return next.run(request).await;
    }
    let detail = format!("path and query may have {TARGET_MAX} bytes together, got {length}");
    Problem::new(&kind::URI_TOO_LONG, detail).into_response()
}

/// Route of requests that match none.
const UNMATCHED: &str = "(unmatched)";

/// Counts a request; the time is that until the answer's head.
async fn count(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
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
