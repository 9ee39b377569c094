//! The two HTTP servers of a farm: how they start, what they count, how they end.

use crate::ask::Sender;
use crate::body::Written;
use crate::metrics;
use crate::patience::{PatientListener, Peer};
use crate::problem::{Problem, RefusedHere, kind};
use crate::routes;
use crate::state::Api;
use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bess_core::command::{Reply, Request as Asked, Submission};
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
        let records = self.streams.follow(self.farm.snapshots.clone(), self.closing.clone());
        tokio::join!(serve(&self, listener, app, shutdown.clone()), end_streams, records);
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
            .with_state(Arc::clone(&self));
        serve(&self, listener, caught(app), shutdown).await;
    }
}

async fn scrape(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = metrics::negotiate(accept);
    let content_type = HeaderValue::from_static(format.content_type());
    ([(header::CONTENT_TYPE, content_type)], api.encode(format)).into_response()
}

/// Serves `app` until `shutdown` fires; then idle connections close and those in hand get [`DRAIN`].
async fn serve(api: &Arc<Api>, listener: TcpListener, app: Router, shutdown: CancellationToken) {
    let streams = Arc::clone(&api.streams);
    let listener = PatientListener {
        listener,
        patience: api.config.stall_timeout,
        on_stall: Arc::new(move |peer| streams.stalled(peer)),
    };
    let app = app.layer(axum::middleware::from_fn(name_peer));
    let app = app.into_make_service_with_connect_info::<Peer>();
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

/// Tells handlers who is at the other end, by the type that they look for.
async fn name_peer(mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(Peer(peer))) = request.extensions().get().copied() {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    next.run(request).await
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
    caught(router)
        .layer(audited)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(api), count))
}

/// Tells the loop of writes to the farm that are refused before they reach it, for its audit. The clock
/// is not the farm.
async fn audit(
    State(api): State<Arc<Api>>,
    sender: Sender,
    path: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let is_clock = route.is_none_or(|route| route.as_str().ends_with("/clock"));
    if is_clock || request.method().is_safe() {
        return next.run(request).await;
    }
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
