//! What a request is called: its id, its trace, and the line and the span that it leaves.
//!
//! The id is the caller's `x-request-id` where that is sane, else a new one. It is in the answer's header, in
//! problem documents, in the audit and in the log. A caller's `traceparent` (W3C Trace Context) is carried
//! on; one that cannot be read is passed over, as that standard asks.

use crate::state::Api;
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bess_core::trace::{FieldValue, Sort, Span, SpanKind, TraceContext};
use std::collections::hash_map::RandomState;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// In the extensions of a request: what it is called.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) id: Arc<str>,
    /// Its span where that is collected, else its caller's.
    pub(crate) trace: Option<TraceContext>,
}

/// Header with the id of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: &str = "traceparent";

/// Longest id of a caller.
const ID_MAX: usize = 128;

tokio::task_local! {
    static ID: Arc<str>;
}

/// Id of the request that this task answers, if it answers one.
pub(crate) fn current_id() -> Option<String> {
    ID.try_with(|id| id.as_ref().to_owned()).ok()
}

/// `work` in a task of its own, which answers the request that this one answers.
pub(crate) fn named<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    ID.scope(ID.try_with(Arc::clone).unwrap_or_else(|_| new_id()), work)
}

/// The id that the caller gave, if it can stand in a header, a log line and a file as it is.
fn id_of_caller(headers: &HeaderMap) -> Option<Arc<str>> {
    let mut given = headers.get_all(REQUEST_ID).iter();
    let id = given.next()?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=+/@".contains(&byte);
    let is_sane = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(is_plain);
    (is_sane && given.next().is_none()).then(|| id.into())
}

/// The id that the caller gave, or a new one.
pub(crate) fn id_of(headers: &HeaderMap) -> Arc<str> {
    id_of_caller(headers).unwrap_or_else(new_id)
}

/// `work` for the request with this id.
pub(crate) fn named_by<T>(id: Arc<str>, work: impl Future<Output = T>) -> impl Future<Output = T> {
    ID.scope(id, work)
}

/// An id that no other request has: a number of this process, drawn at its start, and a count.
fn new_id() -> Arc<str> {
    static PROCESS: LazyLock<u32> =
        LazyLock::new(|| (RandomState::new().build_hasher().finish() >> 32) as u32);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Relaxed) + 1;
    let mut id = String::with_capacity(25);
    // A text takes whatever is written.
    let _ = write!(id, "{:08x}-{count:08x}", *PROCESS);
    id.into()
}

fn trace_of_caller(headers: &HeaderMap) -> Option<TraceContext> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let context = TraceContext::parse(given.next()?.to_str().ok()?)?;
    given.next().is_none().then_some(context)
}

fn unix_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Names a request, and tells what became of it.
pub(crate) async fn identify(
    api: &Api,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let headers = request.headers();
    let id = id_of(headers);
    let caller = trace_of_caller(headers);
    let sort = if request.method().is_safe() { Sort::Read } else { Sort::Write };
    let tracer = api.farm.mailbox.tracer();
    let tracer = tracer.filter(|tracer| caller.is_some() || tracer.samples(sort));
    let begun = tracer.and_then(|tracer| Some((tracer, tracer.begin(caller, sort)?)));
    let trace = begun.map(|(_, context)| context).or(caller);
    request.extensions_mut().insert(Mark { id: Arc::clone(&id), trace });
    let is_told = tracing::enabled!(tracing::Level::DEBUG);
    let about = (begun.is_some() || is_told).then(|| About::of(&request));
    let start_unix_ns = begun.map_or(0, |_| unix_ns());
    let mut response = ID.scope(Arc::clone(&id), next(request)).await;
    let status = response.status();
    if let Some(about) = about {
        if is_told {
            let took_ms = about.started.elapsed().as_secs_f64() * 1e3;
            let trace_id = trace.map(|trace| trace.trace_text());
            let About { method, route, path, peer, .. } = &about;
            tracing::debug!(
                request_id = &*id,
                trace_id,
                method,
                route,
                path,
                peer,
                status = status.as_u16(),
                took_ms,
                "request answered"
            );
        }
        if let Some((tracer, context)) = begun {
            let parent = caller;
            tracer.end(about.span(context, parent, start_unix_ns, &id, status));
        }
    }
    // The characters of an id fit into a header.
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What there is to tell of a request when it is over.
struct About {
    started: Instant,
    method: String,
    route: String,
    path: String,
    peer: Option<String>,
}

impl About {
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        Self {
            started: Instant::now(),
            method: request.method().as_str().to_owned(),
            route: route.map_or("(unmatched)", MatchedPath::as_str).to_owned(),
            path: request.uri().path().to_owned(),
            peer: peer.map(|info| info.0.to_string()),
        }
    }

    /// With the attributes of OpenTelemetry's conventions for HTTP servers.
    fn span(
        self,
        context: TraceContext,
        parent: Option<TraceContext>,
        start_unix_ns: i64,
        id: &str,
        status: StatusCode,
    ) -> Span {
        let name = format!("{} {}", self.method, self.route);
        let mut fields: Vec<(&'static str, FieldValue)> = vec![
            ("http.request.method", self.method.into()),
            ("http.route", self.route.into()),
            ("url.path", self.path.into()),
            ("http.response.status_code", i64::from(status.as_u16()).into()),
            ("bess.request_id", id.into()),
        ];
        fields.extend(self.peer.map(|peer| ("network.peer.address", peer.into())));
        let error = status.is_server_error().then(|| status.to_string());
        let (kind, end_unix_ns) = (SpanKind::Server, unix_ns());
        Span { context, parent, name, kind, start_unix_ns, end_unix_ns, fields, error }
    }
}
