//! The way to the shards: which has what, how they are asked, and which of them answer.

use super::GatewayConfig;
use super::numbers::{Numbers, Outcome};
use crate::problem::{Allowed, Fallible, Problem, kind};
use crate::routes::BASE;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::Response;
use bess_core::id::UnitNumbers;
use bess_core::spec::FarmSpec;
use futures_util::future::join_all;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Where shards answer: an URL with `{shard}` where their number stands, or one URL for each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardUrl(Vec<String>);

/// Why a text is no URL of shards.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no URL of shards: {reason}")]
pub struct BadShardUrl {
    text: String,
    reason: String,
}

impl std::str::FromStr for ShardUrl {
    type Err = BadShardUrl;
    /// `http://host:port` with `{shard}` in it, or several without, with commas between them.
    fn from_str(text: &str) -> Result<Self, BadShardUrl> {
        let urls = text.split(',').map(|url| url.trim().trim_end_matches('/'));
        let urls: Vec<String> = urls.map(str::to_owned).collect();
        for url in &urls {
            let bad = |reason: String| BadShardUrl { text: url.clone(), reason };
            let uri: Uri =
                url.replace(SHARD, "0").parse().map_err(|error| bad(format!("{error}")))?;
            match uri.scheme_str() {
                Some("http") => {}
                Some("https") => {
                    let reason =
                        "shards are asked by plain HTTP within their cluster: write http://";
                    return Err(bad(reason.to_owned()));
                }
                _ => return Err(bad("it must begin with http://".to_owned())),
            }
            if uri.path() != "/" || uri.query().is_some() {
                return Err(bad("it must end with the host or its port".to_owned()));
            }
            if urls.len() > 1 && url.contains(SHARD) {
                return Err(bad("give one URL with {shard}, or a list without".to_owned()));
            }
        }
        Ok(Self(urls))
    }
}

/// Where the number of a shard stands.
const SHARD: &str = "{shard}";

impl ShardUrl {
    /// Where the shard `shard` answers.
    pub fn of(&self, shard: usize) -> String {
        match &self.0[..] {
            [one] => one.replace(SHARD, &shard.to_string()),
            list => list.get(shard).cloned().unwrap_or_default(),
        }
    }
    /// Whether each of `n` shards has an URL of its own, and there are no others.
    pub fn fits(&self, n: usize) -> bool {
        match &self.0[..] {
            [one] => n == 1 || one.contains(SHARD),
            list => list.len() == n,
        }
    }
}

/// How long a look at a shard may take, and the pause between two.
const LOOK: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(2);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a step of the clock may take: a little longer than a shard lets it.
const STEP: Duration = Duration::from_secs(610);
/// Most bytes of an answer that is put together with others.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Headers that are of one connection (RFC 9110, 7.6.1), and what is made anew.
const OF_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
];

/// What a client sends with a request that is asked of several shards, as far as they are to see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    headers: HeaderMap,
}

impl Shown {
    /// Of these headers: who asks, what the request is called, and its trace.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let names = ["authorization", "x-request-id", "traceparent", "content-type"];
        let mut shown = HeaderMap::new();
        for name in names.map(HeaderName::from_static) {
            if let Some(value) = headers.get(&name) {
                shown.insert(name, value.clone());
            }
        }
        Self { headers: shown }
    }
    /// The same with the key of a write that is sent again.
    pub(super) fn with_key(mut self, headers: &HeaderMap) -> Self {
        if let Some(key) = headers.get(crate::idempotency::KEY) {
            self.headers.insert(crate::idempotency::KEY, key.clone());
        }
        self
    }
}

/// A request to one shard.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Path and query below the base, without a leading slash.
    pub(super) target: String,
    pub(super) body: Bytes,
}

impl Ask {
    pub(super) fn get(target: impl Into<String>) -> Self {
        Self { method: Method::GET, target: target.into(), body: Bytes::new() }
    }
}

/// What a shard answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) shard: usize,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn is_good(&self) -> bool {
        self.status.is_success()
    }
    /// Its JSON; null for what is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
    /// As the answer to the client, who is told which shard it is of.
    pub(super) fn pass_on(self) -> Response {
        let mut value = self.json();
        let body = match value.as_object_mut() {
            Some(document) => {
                document.insert("shard".to_owned(), self.shard.into());
                Body::from(value.to_string())
            }
            None => Body::from(self.body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for name in [header::CONTENT_TYPE, header::WWW_AUTHENTICATE, header::RETRY_AFTER] {
            if let Some(value) = self.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}

/// A shard did not answer.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub(super) shard: usize,
    pub(super) why: String,
    /// Whether it may have got the request.
    pub(super) may_have_it: bool,
}

/// All shards.
#[derive(Debug)]
pub(super) struct Shards {
    spec: Arc<FarmSpec>,
    units_per_shard: usize,
    authorities: Vec<Authority>,
    url: super::ShardUrl,
    client: Client<HttpConnector, Body>,
    timeout: Duration,
    up: Vec<AtomicBool>,
    numbers: Numbers,
}

impl Shards {
    pub(super) fn new(config: GatewayConfig) -> Self {
        let n = config.spec.n_shards(config.units_per_shard);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        let authority = |shard| {
            let uri: Uri = config.url.of(shard).parse().expect("the URL was checked");
            uri.authority().expect("an http URL has a host").clone()
        };
        Self {
            authorities: (0..n).map(authority).collect(),
            up: (0..n).map(|_| AtomicBool::new(false)).collect(),
            numbers: Numbers::new(n),
            spec: config.spec,
            units_per_shard: config.units_per_shard,
            url: config.url,
            timeout: config.timeout,
            client,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.authorities.len()
    }
    pub(super) fn spec(&self) -> &Arc<FarmSpec> {
        &self.spec
    }
    pub(super) fn numbers(&self) -> &Numbers {
        &self.numbers
    }
    pub(super) fn url_of(&self, shard: usize) -> String {
        self.url.of(shard)
    }
    /// Whether it answered when it was looked at or asked last.
    pub(super) fn is_up(&self, shard: usize) -> bool {
        self.up[shard].load(Relaxed)
    }
    pub(super) fn n_up(&self) -> usize {
        self.up.iter().filter(|up| up.load(Relaxed)).count()
    }
    /// A shard that answers, if there is one.
    pub(super) fn any(&self) -> usize {
        self.up.iter().position(|up| up.load(Relaxed)).unwrap_or(0)
    }
    /// The dense indices of the units of a shard.
    pub(super) fn units_of(&self, shard: usize) -> std::ops::Range<usize> {
        let first = shard * self.units_per_shard;
        first..(first + self.units_per_shard).min(self.spec.units.len())
    }
    /// Numbers of the units of a shard.
    pub(super) fn numbers_of(&self, shard: usize) -> UnitNumbers {
        let units = self.units_of(shard);
        let number = |idx| self.spec.number_at(idx);
        UnitNumbers { first: number(units.start), last: number(units.end - 1), is_part: true }
    }
    /// The shard that has the unit called `name`.
    pub(super) fn of_unit(&self, name: &str) -> Fallible<usize> {
        let unit = self.spec.find_unit(name);
        let unit = unit.ok_or_else(|| Problem::no_such_unit(name, self.spec.unit_numbers()))?;
        Ok(unit.idx() / self.units_per_shard)
    }
    /// The shard with this number.
    pub(super) fn by_number(&self, number: &str) -> Fallible<usize> {
        let last = self.len() - 1;
        number.parse().ok().filter(|shard| *shard <= last).ok_or_else(|| {
            let detail = format!("the farm has shards 0 to {last}, not {number:?}");
            Problem::new(&kind::NO_SUCH_SHARD, detail)
                .field("shard")
                .value(number)
                .allowed(Allowed::range(0.0, last as f64, ""))
        })
    }

    /// Looks again and again which shards answer.
    pub(super) async fn watch(&self) {
        loop {
            join_all((0..self.len()).map(|shard| self.look(shard))).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(&self, shard: usize) {
        let uri = self.uri(shard, "/readyz");
        let request = Request::builder().uri(uri).body(Body::empty());
        let answers = async {
            let response = self.client.request(request.ok()?).await.ok()?;
            Some(response.status().is_success())
        };
        let is_up = tokio::time::timeout(LOOK, answers).await.ok().flatten() == Some(true);
        self.note(shard, is_up);
    }

    fn note(&self, shard: usize, is_up: bool) {
        if self.up[shard].swap(is_up, Relaxed) != is_up {
            if is_up {
                tracing::info!(shard, "the shard answers");
            } else {
                tracing::warn!(shard, url = self.url_of(shard), "the shard does not answer");
            }
        }
        self.numbers.note_up(shard, is_up);
    }

    fn uri(&self, shard: usize, path_and_query: &str) -> Uri {
        // It came in a request or is made of names: anything else is the root, which has no such resource.
        let target = PathAndQuery::try_from(path_and_query)
            .unwrap_or_else(|_| PathAndQuery::from_static("/"));
        let authority = self.authorities[shard].clone();
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(target);
        uri.build().unwrap_or_default()
    }

    /// Sends to a shard; its answer as it begins.
    async fn send(
        &self,
        shard: usize,
        request: axum::http::Request<Body>,
        timeout: Duration,
    ) -> Result<axum::http::Response<Body>, Missing> {
        let started = Instant::now();
        let sent = tokio::time::timeout(timeout, self.client.request(request)).await;
        let (answer, outcome) = match sent {
            Ok(Ok(response)) => {
                let status = response.status();
                // A shard that stops or starts answers so.
                self.note(shard, true);
                (Ok(response.map(Body::new)), Outcome::of(status))
            }
            Ok(Err(error)) => {
                self.note(shard, false);
                let may_have_it = !error.is_connect();
                let why = root_cause(&error);
                (Err(Missing { shard, why, may_have_it }), Outcome::Unreachable)
            }
            Err(_) => {
                let why = format!("it did not answer within {} s", timeout.as_secs_f64());
                (Err(Missing { shard, why, may_have_it: true }), Outcome::Timeout)
            }
        };
        self.numbers.note_shard(shard, outcome, started.elapsed());
        answer
    }

    /// Passes a request on as it is, and the answer back as it comes.
    pub(super) async fn pass(
        &self,
        shard: usize,
        request: Request,
        target: &str,
    ) -> Fallible<Response> {
        let (mut parts, body) = request.into_parts();
        let is_step = parts.method == Method::PATCH && target.starts_with(&format!("{BASE}/clock"));
        let timeout = if is_step { STEP } else { self.timeout };
        OF_CONNECTION.iter().for_each(|name| {
            parts.headers.remove(name);
        });
        let mut onward = axum::http::Request::new(body);
        *onward.method_mut() = parts.method;
        *onward.uri_mut() = self.uri(shard, target);
        *onward.headers_mut() = parts.headers;
        let mut response =
            self.send(shard, onward, timeout).await.map_err(|missing| self.missing(&missing))?;
        OF_CONNECTION.iter().for_each(|name| {
            response.headers_mut().remove(name);
        });
        Ok(response)
    }

    /// Asks a shard and takes the whole answer.
    pub(super) async fn ask(
        &self,
        shard: usize,
        ask: &Ask,
        shown: &Shown,
    ) -> Result<Answer, Missing> {
        let is_step = ask.method == Method::PATCH && ask.target.starts_with("clock");
        let timeout = if is_step { STEP } else { self.timeout };
        let mut request = axum::http::Request::new(Body::from(ask.body.clone()));
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = self.uri(shard, &format!("{BASE}/{}", ask.target));
        *request.headers_mut() = shown.headers.clone();
        let (parts, body) = self.send(shard, request, timeout).await?.into_parts();
        let whole = tokio::time::timeout(timeout, to_bytes(body, ANSWER_MAX)).await;
        let body = whole.ok().and_then(Result::ok).ok_or_else(|| {
            let why = "its answer did not come whole".to_owned();
            Missing { shard, why, may_have_it: true }
        })?;
        Ok(Answer { shard, status: parts.status, headers: parts.headers, body })
    }

    /// Asks several shards at once; the answers come in the order of `asks`.
    pub(super) async fn ask_each(
        &self,
        asks: &[(usize, Ask)],
        shown: &Shown,
    ) -> Vec<Result<Answer, Missing>> {
        join_all(asks.iter().map(|(shard, ask)| self.ask(*shard, ask, shown))).await
    }

    /// The problem that a shard is missing.
    pub(super) fn missing(&self, missing: &Missing) -> Box<Problem> {
        let shard = missing.shard;
        let UnitNumbers { first, last, .. } = self.numbers_of(shard);
        let detail = format!(
            "shard {shard} with units {first} to {last} does not answer at {}: {}",
            self.url_of(shard),
            missing.why
        );
        Problem::new(&kind::SHARD_MISSING, detail).field("shard").value(shard)
    }
}

/// What is behind an error, in its own words.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_url_has_the_number_of_its_shard() {
        let url: ShardUrl = "http://bess-{shard}.bess-headless:8000/".parse().expect("a good one");
        assert_eq!(url.of(12), "http://bess-12.bess-headless:8000");
        assert!(url.fits(1) && url.fits(400));
        let one: ShardUrl = "http://127.0.0.1:8000".parse().expect("a good one");
        assert!(one.fits(1) && !one.fits(2));
        let list: ShardUrl = "http://a:1, http://b:2".parse().expect("a good one");
        assert!(list.fits(2) && !list.fits(3));
        assert_eq!((list.of(0), list.of(1)), ("http://a:1".to_owned(), "http://b:2".to_owned()));
    }

    #[test]
    fn what_is_no_url_of_shards_is_refused_with_the_reason() {
        for (text, reason) in [
            ("https://bess-{shard}:8000", "plain HTTP"),
            ("bess-{shard}:8000", "http://"),
            ("http://bess-{shard}:8000/api/v1", "must end with the host"),
            ("ftp://bess-{shard}", "must begin with http://"),
            ("http://bess {shard}", "is no URL"),
            ("http://bess-{shard},http://b", "or a list without"),
        ] {
            let told = text.parse::<ShardUrl>().expect_err(text).to_string();
            assert!(told.contains(reason), "{told}");
        }
    }
}
