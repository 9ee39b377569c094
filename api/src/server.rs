//! The two HTTP servers of a farm: how they start, what they count, how they end.

use crate::access;
use crate::ask::Sender;
use crate::body::Written;
use crate::idempotency;
use crate::metrics::{self, Chosen, Query};
use crate::params::{Params, dry_run};
use crate::problem::{Allowed, Fallible, Problem, RefusedHere, kind};
use crate::request::identify;
use crate::routes;
use crate::state::Api;
use axum::body::{Bytes, HttpBody};
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{RequestExt, Router};
use bess_core::command::{Reply, Request as Asked, Submission};
use bess_core::snapshot::UnitState;
use bess_core::stats::Served;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

impl Api {
    /// Serves REST until `shutdown` fires and the requests in hand are answered, for at most 0.9 s.
    pub async fn serve_rest(self: Arc<Self>, listener: TcpListener, shutdown: CancellationToken) {
        let app = counted(routes::router(), &self).with_state(Arc::clone(&self));
        let end_streams = async {
            shutdown.cancelled().await;
            self.closing.cancel();
        };
        let door = self.door(app, true);
        let records = self.streams.follow(self.farm.snapshots.clone(), self.closing.clone());
        tokio::join!(door.serve(listener, shutdown.clone()), end_streams, records);
    }

    /// Serves metrics until `shutdown` fires and the requests in hand are answered.
    pub async fn serve_metrics(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) {
        let app = Router::new()
            .route("/metrics", get(scrape))
            .route("/metrics/units", get(scrape_units))
            .route("/healthz", get(routes::health::healthz))
            .route("/", get(async || "bess: the metrics are at /metrics, those of units at /metrics/units\n"))
            .fallback(async || Problem::new(&kind::NO_SUCH_ROUTE, "the metrics are at /metrics"))
            .method_not_allowed_fallback(async || {
                Problem::new(&kind::WRONG_METHOD, "only GET is served here")
            })
            .with_state(Arc::clone(&self));
        let app = app.layer(from_fn(async |request, next| {
            access::protect(request, async |request| caught(request, next).await).await
        }));
        self.door(app, false).serve(listener, shutdown).await;
    }
}

async fn scrape(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let format = format_for(&headers);
    encoded(format, move || api.encode(format)).await
}

/// Most units in an answer, and how many when nobody says.
const UNITS_MAX: usize = 100_000;
const UNITS_DEFAULT: usize = 1000;

async fn scrape_units(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    mut query: Params,
) -> Fallible<Response> {
    let names = query.all("collect[]");
    let from = query.whole("from", 0, (0, UNITS_MAX))?;
    let limit = query.whole("limit", UNITS_DEFAULT, (1, UNITS_MAX))?;
    let state = query.choice("state", &UnitState::ALL.map(UnitState::name))?;
    query.finish()?;
    let chosen = Chosen::by_names(&names).map_err(|name| {
        let known: Vec<_> = Chosen::names().collect();
        let detail = format!(
            "`collect[]` must be a family of units, or words of its name such as soc; got {name:?}; the families are {}",
            known.join(", ")
        );
        Problem::new(&kind::BAD_PARAMETER, detail)
            .field("collect[]")
            .value(name)
            .allowed(Allowed::one_of(known))
    })?;
    let state = state.and_then(|name| UnitState::ALL.into_iter().find(|s| s.name() == name));
    let query = Query { chosen, state, from, limit };
    let format = format_for(&headers);
    Ok(encoded(format, move || api.encode_units(&query, format)).await)
}

fn format_for(headers: &HeaderMap) -> metrics::Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    metrics::negotiate(accept)
}

/// Encodes where no other request has to wait for it.
async fn encoded(
    format: metrics::Format,
    encode: impl FnOnce() -> metrics::Page + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(encode).await {
        Ok(page) => {
            let content_type = HeaderValue::from_static(format.content_type());
            ([(header::CONTENT_TYPE, content_type)], Bytes::from_owner(page)).into_response()
        }
        Err(_) => {
            let detail = "the metrics could not be encoded; the server goes on";
            Problem::new(&kind::INTERNAL, detail).into_response()
        }
    }
}

/// Answers a handler that panics with a problem; the server goes on.
pub(crate) async fn caught(request: Request, next: Next) -> Response {
    AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
        let detail = "the request made the server fail; it goes on";
        Problem::new(&kind::INTERNAL, detail).into_response()
    })
}

/// What every request passes on its way to its route; requests whose handler panics are counted as well.
///
/// It is one layer, not one for each step: axum clones all that is below a layer for each request.
fn counted(router: Router<Arc<Api>>, api: &Arc<Api>) -> Router<Arc<Api>> {
    let with = || Arc::clone(api);
    // Pages of other origins are answered between the two halves.
    match access::cors(api.access.origins()) {
        Some(cors) => router
            .layer(from_fn_with_state(with(), async |State(api), request, next| {
                inner(&api, request, next).await
            }))
            .layer(cors)
            .layer(from_fn_with_state(with(), async |State(api), request, next: Next| {
                outer(&api, request, async |request| next.run(request).await).await
            })),
        None => router.layer(from_fn_with_state(with(), async |State(api), request, next| {
            outer(&api, request, async |request| inner(&api, request, next).await).await
        })),
    }
}

/// Names a request, counts it, and protects its answer.
async fn outer(
    api: &Arc<Api>,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    identify(api, request, async |request| {
        count(api, request, async |request| access::protect(request, next).await).await
    })
    .await
}

/// Refuses a request, or has its route answer it.
async fn inner(api: &Arc<Api>, request: Request, next: Next) -> Response {
    if let Err(problem) = short(&request) {
        return problem.into_response();
    }
    access::admit(api, request, async |request| {
        audit(api, request, async |request| {
            if let Some(refused) = access::authorize(api, &request) {
                return refused;
            }
            idempotency::once(api, request, next).await
        })
        .await
    })
    .await
}

/// Tells the loop, for its audit, of writes that are refused before they reach it, and of those to the log,
/// which it never sees. A file that is checked is not written.
async fn audit(
    api: &Arc<Api>,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    if request.method().is_safe() {
        return next(request).await;
    }
    let route = request.extensions().get::<MatchedPath>();
    let is_no_write = route.is_none_or(|route| route.as_str().ends_with("/farm/check"));
    let of_log = route
        .filter(|route| route.as_str().ends_with("/logging"))
        .map(|route| access::of_route(request.method(), route.as_str()));
    // A dry run writes nothing.
    let is_dry = dry_run(request.uri()).is_ok_and(|is_dry| is_dry);
    if is_no_write || is_dry {
        return next(request).await;
    }
    let path = request.extract_parts::<RawPathParams>().await;
    let sender = Sender::of(request.method().as_str(), request.extensions());
    let written = Written::default();
    request.extensions_mut().insert(written.clone());
    let response = next(request).await;
    if let Some(RefusedHere(reason)) = response.extensions().get::<RefusedHere>().cloned() {
        let params = path.ok();
        let named = params.as_ref().and_then(|path| path.iter().find(|(name, _)| *name == "id"));
        let unit = named.and_then(|(_, name)| api.snapshot().spec.find_unit(name));
        let request = Asked::Refused { unit, what: written.text(), reason };
        let origin = sender.into_origin();
        api.farm.mailbox.post(Submission { request, origin, reply: Reply::none() });
    } else if let Some(needs) = of_log
        && response.status().is_success()
        && !response.headers().contains_key(idempotency::REPLAYED)
    {
        let written = written.text();
        let written = if written.is_empty() { "as at the start" } else { written.as_str() };
        let request = Asked::Noted { what: format!("log levels {written}"), needs };
        // Who has the answer finds it in the audit. What was done stays done if the loop is gone.
        let _ = api.ask(request, sender, api.config.answer_timeout).await;
    }
    response
}

/// Longest path and query, in bytes; the HTTP library itself closes at 64 KiB.
const TARGET_MAX: usize = 8 * 1024;

/// Refuses what nobody's path and query is.
fn short(request: &Request) -> Fallible<()> {
    let length = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if length <= TARGET_MAX {
        return Ok(());
    }
    let detail = format!("path and query may have {TARGET_MAX} bytes together, got {length}");
    Err(Problem::new(&kind::URI_TOO_LONG, detail))
}

/// Route of requests that match none.
const UNMATCHED: &str = "(unmatched)";

/// Counts a request; the time is that until the answer's head.
async fn count(
    api: &Api,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let _in_flight = api.traffic.begin();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_read = request.method().is_safe();
    let method = match request.method().as_str() {
        "GET" => "GET",
        "PUT" => "PUT",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        _ => "other",
    };
    // At least as old as the one that a read is answered from.
    let made_unix_ns = api.farm.snapshots.borrow().wall_unix_ns;
    let started = Instant::now();
    let response = next(request).await;
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let (status, took_s) = (response.status(), started.elapsed().as_secs_f64());
    let bytes = response.body().size_hint().exact();
    api.traffic.add(route, method, status.as_u16(), took_s, bytes);
    if is_read && status.is_success() && route.starts_with(routes::BASE) {
        api.farm.stats.note_served(Served::Rest, made_unix_ns, metrics::wall_unix_ns(), 1);
    }
    response
}
