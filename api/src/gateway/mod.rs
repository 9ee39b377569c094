//! The gateway: one API for a farm that runs in shards.
//!
//! It has no farm and no state: a request is passed to the shard that has its unit, or asked of all shards
//! and put together. Any number of gateways may run beside each other, and one that starts anew has lost
//! nothing. Who may do what is the shards' to say: the client's token goes with each request.
//!
//! - `shards`: the way to the shards, and which of them answer
//! - `reads`: totals (`sum`) and lists over all shards
//! - `writes`: one write for several shards, all of them or none as far as that can be had; how a setpoint is
//!   shared (`split`)
//! - `numbers`: what the gateway counts

mod numbers;
mod reads;
mod shards;
mod split;
mod sum;
#[cfg(test)]
mod tests;
mod writes;

use crate::access::{self, Access, AccessConfig};
use crate::listen::{Door, Limits};
use crate::problem::{Fallible, Problem, kind};
use crate::request::{id_of, named_by};
use crate::routes::BASE;
use crate::server::caught;
use crate::state::{BuildInfo, Readiness};
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use axum::{Json, Router};
use bess_core::spec::FarmSpec;
use numbers::Numbers;
use serde_json::{Value, json};
use shards::Shards;
pub use shards::{BadShardUrl, ShardUrl};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Which shards there are and how they are asked.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The whole farm, as every shard read it.
    pub spec: Arc<FarmSpec>,
    /// Units of a shard, at least 1.
    pub units_per_shard: usize,
    /// Where the shards answer.
    pub url: ShardUrl,
    /// How long a shard may take to begin its answer; longer only for steps of the clock.
    pub timeout: Duration,
    /// Which build this is.
    pub build: BuildInfo,
}

/// One API for all shards of a farm.
#[derive(Debug)]
pub struct Gateway {
    shards: Shards,
    build: BuildInfo,
    ready: Readiness,
}

/// Connections at once, and from one address: most clients come through few proxies.
const CONNECTIONS: usize = 2048;
/// How long the head of a request may take to arrive, a pause before it included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long a connection may take nothing of what is sent to it.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

impl Gateway {
    /// A gateway to these shards; it asks none of them yet. Clients may come only while `ready` is on.
    pub fn new(config: GatewayConfig, ready: Readiness) -> Arc<Self> {
        let build = config.build.clone();
        Arc::new(Self { shards: Shards::new(config), build, ready })
    }

    /// Serves REST until `shutdown` fires and the requests in hand are answered, for at most 0.9 s; and
    /// looks every two seconds which shards answer.
    pub async fn serve_rest(self: Arc<Self>, listener: TcpListener, shutdown: CancellationToken) {
        let watch = async {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.shards.watch() => {}
            }
        };
        let door = door(self.router());
        tokio::join!(door.serve(listener, shutdown.clone()), watch);
    }

    /// Serves the gateway's own metrics until `shutdown` fires.
    pub async fn serve_metrics(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) {
        let app = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(healthz))
            .fallback(async || Problem::new(&kind::NO_SUCH_ROUTE, "the metrics are at /metrics"))
            .with_state(self);
        door(app).serve(listener, shutdown).await;
    }

    fn router(self: &Arc<Self>) -> Router {
        let v1 = Router::new()
            .route("/shards", get(reads::shards))
            .route("/shards/{shard}/{*path}", any(of_shard))
            .route("/farm", get(reads::farm))
            .route("/farm/setpoint", put(writes::set_farm).delete(writes::to_all))
            .route("/farm/setpoints", post(writes::setpoints))
            .route("/farm/commands", post(writes::of_units))
            .route("/farm/plant", get(reads::plant).patch(writes::plant))
            .route("/farm/check", post(of_any))
            .route("/alarms", get(reads::alarms))
            .route("/alarms/reset", post(writes::of_units))
            .route("/units", get(reads::units))
            .route("/units/{id}", any(of_unit))
            .route("/units/{id}/{*path}", any(of_unit))
            .route("/grid", get(of_any))
            .route("/grid/disturbances", post(writes::to_all).delete(writes::to_all))
            .route("/clock", get(reads::clock).patch(writes::to_all))
            .route("/endpoints", get(reads::endpoints))
            .route("/services", get(of_any))
            .method_not_allowed_fallback(wrong_method);
        Router::new()
            .route("/", get(index))
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .nest(BASE, v1)
            .fallback(elsewhere)
            .layer(from_fn_with_state(Arc::clone(self), around))
            .with_state(Arc::clone(self))
    }
}

fn door(app: Router) -> Door {
    let limits = Limits {
        connections: CONNECTIONS,
        connections_per_address: CONNECTIONS,
        head_timeout: HEAD_TIMEOUT,
        stall_timeout: STALL_TIMEOUT,
    };
    let access = Arc::new(Access::new(AccessConfig::default()));
    Door { app, access, speaks_tls: false, limits, on_stall: Arc::new(|_| {}) }
}

/// Names a request, counts it and protects its answer.
async fn around(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let started = Instant::now();
    let id = id_of(request.headers());
    let name = HeaderValue::from_str(&id).ok();
    if let Some(name) = &name {
        // The shards call it the same.
        request.headers_mut().insert(crate::request::REQUEST_ID, name.clone());
    }
    let answer = access::protect(request, async |request| caught(request, next).await);
    let mut response = named_by(id, answer).await;
    if let Some(name) = name {
        response.headers_mut().insert(crate::request::REQUEST_ID, name);
    }
    let route = route.as_ref().map_or("(unmatched)", MatchedPath::as_str);
    gateway.numbers().note_request(&method, route, response.status(), started.elapsed());
    response
}

impl Gateway {
    fn numbers(&self) -> &Numbers {
        self.shards.numbers()
    }
}

/// What a gateway is.
async fn index(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    Json(json!({
        "name": "bess gateway",
        "version": gateway.build.version,
        "shards": format!("{BASE}/shards"),
        "n_shards": gateway.shards.len(),
    }))
}

/// It is alive when it answers: it has no loop that could be silent.
async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Clients may come when at least one shard answered when it was looked at last: totals are then of those
/// that answer, and say which do not. Not any more from the moment the gateway is asked to stop.
async fn readyz(State(gateway): State<Arc<Gateway>>) -> Fallible<Json<Value>> {
    if !gateway.ready.get() {
        return Err(Problem::new(&kind::NOT_READY, "the gateway is starting or stopping"));
    }
    let up = gateway.shards.n_up();
    if up == 0 {
        let detail = format!("none of the {} shards answers", gateway.shards.len());
        return Err(Problem::new(&kind::NOT_READY, detail));
    }
    Ok(Json(json!({ "status": "ok", "shards": gateway.shards.len(), "shards_up": up })))
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let text = gateway.numbers().encode(&gateway.build);
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

/// Passes a request to the shard that has its unit.
async fn of_unit(
    State(gateway): State<Arc<Gateway>>,
    Path(params): Path<Vec<(String, String)>>,
    request: Request,
) -> Fallible<Response> {
    let name = params.first().map_or("", |(_, id)| id.as_str());
    let shard = gateway.shards.of_unit(name)?;
    let target = target_of(&request);
    gateway.shards.pass(shard, request, &target).await
}

/// Passes a request to a shard by its number: everything that a gateway does not put together.
async fn of_shard(
    State(gateway): State<Arc<Gateway>>,
    Path((shard, path)): Path<(String, String)>,
    request: Request,
) -> Fallible<Response> {
    let shard = gateway.shards.by_number(&shard)?;
    // As it was sent, so that what is percent-encoded stays so.
    let sent = target_of(&request);
    let below = sent.strip_prefix(&format!("{BASE}/shards/{shard}/")).unwrap_or(&path);
    let target = format!("{BASE}/{below}");
    gateway.shards.pass(shard, request, &target).await
}

/// Passes a request to any shard that answers: all would say the same.
async fn of_any(State(gateway): State<Arc<Gateway>>, request: Request) -> Fallible<Response> {
    let shard = gateway.shards.any();
    let target = target_of(&request);
    gateway.shards.pass(shard, request, &target).await
}

/// Path and query of a request, with the base.
fn target_of(request: &Request) -> String {
    let original = request.extensions().get::<axum::extract::OriginalUri>();
    let uri = original.map_or_else(|| request.uri(), |original| &original.0);
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// What only a shard has, said where to ask; or nothing at all.
async fn elsewhere(State(gateway): State<Arc<Gateway>>, request: Request) -> Box<Problem> {
    let target = target_of(&request);
    let path = target.split('?').next().unwrap_or_default();
    let Some(below) = path.strip_prefix(&format!("{BASE}/")) else {
        let detail = format!("there is nothing at {path}; the API is below {BASE}");
        return Problem::new(&kind::NO_SUCH_ROUTE, detail);
    };
    if !crate::routes::has_route(path) {
        let detail = format!("there is nothing at {path}");
        return Problem::new(&kind::NO_SUCH_ROUTE, detail);
    }
    let last = gateway.shards.len() - 1;
    let detail = format!(
        "{path} is of one shard and is not put together over several: ask {BASE}/shards/0/{below} to {BASE}/shards/{last}/{below}"
    );
    Problem::new(&kind::NOT_AT_GATEWAY, detail)
}

async fn wrong_method(request: Request) -> Box<Problem> {
    let target = target_of(&request);
    let path = target.split('?').next().unwrap_or_default();
    let detail = format!("{path} does not have the method {}", request.method());
    Problem::new(&kind::WRONG_METHOD, detail)
}
