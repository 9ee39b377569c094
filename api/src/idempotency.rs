//! `Idempotency-Key`: a write that is sent again is answered again, and applied once.
//!
//! After the IETF draft "The Idempotency-Key HTTP Header Field": the same key with the same request
//! gets the answer of the first one; with another request it is refused; while the first is in hand,
//! too. Keys belong to their client. What was not decided (busy, closing, a body that did not arrive)
//! is forgotten, so that trying again helps; "the loop did not answer in time" is kept, because
//! whether that request takes effect is not known and it must not happen twice.
//!
//! A request with a key is carried out to its end even if its client goes away: who comes back with
//! the key is told how it ended.

use crate::access::Visitor;
use crate::body::{self, Written};
use crate::problem::{Fallible, Problem, kind};
use crate::request::named;
use crate::server::caught;
use crate::state::Api;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Name of the header of a request.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Name of the header of an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key.
pub(crate) const KEY_MAX: usize = 255;
/// How long an answer is kept after it was given.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// Most answers that are kept; the oldest goes first.
const ANSWERS_MAX: usize = 10_000;
/// Most bytes of all answers that are kept.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Whose key it is, and the key.
type Name = (String, String);
/// What tells two requests apart: method, path, query and body.
type Print = [u8; 32];

/// An answer as it is given again.
#[derive(Clone, Debug)]
struct Answer {
    status: StatusCode,
    content_type: Option<HeaderValue>,
    body: Bytes,
}

#[derive(Debug)]
enum Entry {
    InHand(Print),
    Done(Print, Answer),
}

#[derive(Debug, Default)]
struct Kept {
    entries: BTreeMap<Name, Entry>,
    /// The answers that are kept, oldest first, and when they were given.
    order: VecDeque<(Instant, Name)>,
    bytes: usize,
}

impl Kept {
    fn forget_oldest(&mut self) {
        if let Some((_, name)) = self.order.pop_front()
            && let Some(Entry::Done(_, answer)) = self.entries.remove(&name)
        {
            self.bytes -= cost(&name, &answer);
        }
    }
}

/// Bytes that an answer takes, about.
fn cost((client, key): &Name, answer: &Answer) -> usize {
    2 * (client.len() + key.len()) + answer.body.len() + 256
}

/// The answers to requests with keys.
#[derive(Debug)]
pub(crate) struct Answers {
    kept: Mutex<Kept>,
    replays: AtomicU64,
    answers_max: usize,
    bytes_max: usize,
    kept_for: Duration,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(ANSWERS_MAX, BYTES_MAX, KEPT_FOR)
    }
}

/// How a request with a key stands.
#[derive(Debug)]
enum Turn {
    /// It is the first; the ticket takes its answer.
    First(Ticket),
    /// It was answered so.
    Again(Answer),
    /// The first one is still in hand.
    InHand,
    /// The key belongs to another request.
    Another,
}

/// The right to answer for a key; dropped without an answer the key is free again.
#[derive(Debug)]
struct Ticket {
    answers: Arc<Answers>,
    name: Name,
    print: Print,
}

impl Answers {
    fn new(answers_max: usize, bytes_max: usize, kept_for: Duration) -> Self {
        let (kept, replays) = (Mutex::default(), AtomicU64::new(0));
        Self { kept, replays, answers_max, bytes_max, kept_for }
    }

    /// How many answers were given again.
    pub(crate) fn replays(&self) -> u64 {
        self.replays.load(Relaxed)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(self: &Arc<Self>, name: Name, print: Print, now: Instant) -> Turn {
        let mut kept = self.kept();
        while kept.order.front().is_some_and(|(since, _)| now - *since >= self.kept_for) {
            kept.forget_oldest();
        }
        match kept.entries.get(&name) {
            Some(Entry::InHand(first) | Entry::Done(first, _)) if *first != print => Turn::Another,
            Some(Entry::InHand(_)) => Turn::InHand,
            Some(Entry::Done(_, answer)) => {
                self.replays.fetch_add(1, Relaxed);
                Turn::Again(answer.clone())
            }
            None => {
                kept.entries.insert(name.clone(), Entry::InHand(print));
                Turn::First(Ticket { answers: Arc::clone(self), name, print })
            }
        }
    }
}

impl Ticket {
    /// Keeps the answer for who comes with the same key.
    fn answer(self, answer: Answer, now: Instant) {
        let answers = Arc::clone(&self.answers);
        let mut kept = answers.kept();
        kept.bytes += cost(&self.name, &answer);
        kept.entries.insert(self.name.clone(), Entry::Done(self.print, answer));
        kept.order.push_back((now, self.name.clone()));
        while kept.order.len() > answers.answers_max || kept.bytes > answers.bytes_max {
            kept.forget_oldest();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut kept = self.answers.kept();
        if matches!(kept.entries.get(&self.name), Some(Entry::InHand(_))) {
            kept.entries.remove(&self.name);
        }
    }
}

/// Whether an answer with this status says how the request ended.
fn is_final(status: StatusCode) -> bool {
    !matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// The key of a request: visible ASCII, bare or quoted as the draft has it.
fn key_of(headers: &HeaderMap) -> Fallible<Option<String>> {
    let mut given = headers.get_all(KEY).iter();
    let Some(value) = given.next() else {
        return Ok(None);
    };
    let refuse = |detail: String| {
        let problem = Problem::new(&kind::BAD_HEADER, detail).field("Idempotency-Key");
        problem
            .value(String::from_utf8_lossy(value.as_bytes()).chars().take(300).collect::<String>())
    };
    if given.next().is_some() {
        return Err(refuse("Idempotency-Key is given more than once".to_owned()));
    }
    let bare = value.to_str().unwrap_or_default();
    let key = match bare.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').unwrap_or_default(),
        None => bare,
    };
    let is_good = (1..=KEY_MAX).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if is_good {
        return Ok(Some(key.to_owned()));
    }
    Err(refuse(format!(
        "Idempotency-Key must have 1 to {KEY_MAX} visible ASCII characters but \" and \\, bare or in \
         quotes"
    )))
}

/// Whose keys they are: those of the same token, or without one of the same address.
fn client_of(request: &Request) -> String {
    let visitor = request.extensions().get::<Visitor>();
    if let Some(bearer) = visitor.and_then(|visitor| visitor.bearer.as_ref()) {
        return format!("token {}", bearer.name);
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or_else(String::new, |peer| peer.ip().to_string())
}

fn print_of(request: &Request, body: &[u8]) -> Print {
    let mut hash = Sha256::new();
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    for part in [request.method().as_str().as_bytes(), target.as_bytes(), body] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Carries a write out once for its key, and answers those that come again.
pub(crate) async fn once(api: &Api, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return caught(request, next).await;
    }
    match key_of(request.headers()) {
        Ok(None) => caught(request, next).await,
        Ok(Some(key)) => keyed(api, key, request, next).await.unwrap_or_else(Problem::answer),
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(api: &Api, key: String, request: Request, next: Next) -> Fallible<Response> {
    let (parts, body) = request.into_parts();
    let bytes = Bytes::from(body::read(body, &api.config).await?);
    if let Some(written) = parts.extensions.get::<Written>() {
        written.note(&bytes);
    }
    let request = Request::from_parts(parts, Body::from(bytes.clone()));
    let (name, print) = ((client_of(&request), key), print_of(&request, &bytes));
    let key = name.1.clone();
    match api.answers.turn(name, print, Instant::now()) {
        Turn::First(ticket) => {
            // A task of its own: the client may go away, the answer must be kept nevertheless.
            let carried_out =
                tokio::spawn(named(async move { keep(ticket, caught(request, next).await).await }));
            carried_out.await.map_err(|_| {
                Problem::new(&kind::INTERNAL, "the request made the server fail; it goes on")
            })
        }
        Turn::Again(answer) => {
            let mut response = (answer.status, answer.body).into_response();
            let headers = response.headers_mut();
            headers.remove(header::CONTENT_TYPE);
            headers.extend(answer.content_type.map(|kind| (header::CONTENT_TYPE, kind)));
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(response)
        }
        Turn::InHand => {
            let detail =
                "a request with this Idempotency-Key is still in hand; try again for its answer";
            Err(Problem::new(&kind::KEY_IN_USE, detail).field("Idempotency-Key").value(key))
        }
        Turn::Another => {
            let detail = "this Idempotency-Key belongs to another request: take a new one";
            Err(Problem::new(&kind::KEY_REUSED, detail).field("Idempotency-Key").value(key))
        }
    }
}

async fn keep(ticket: Ticket, response: Response) -> Response {
    if !is_final(response.status()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // What is answered here is in memory already.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
    let answer = Answer { status: parts.status, content_type, body: body.clone() };
    ticket.answer(answer, Instant::now());
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(key: &str) -> Name {
        ("127.0.0.1".to_owned(), key.to_owned())
    }
    fn answer(bytes: usize) -> Answer {
        let body = Bytes::from(vec![b'x'; bytes]);
        Answer { status: StatusCode::OK, content_type: None, body }
    }
    fn first(answers: &Arc<Answers>, key: &str, now: Instant) -> Ticket {
        match answers.turn(name(key), [0; 32], now) {
            Turn::First(ticket) => ticket,
            other => panic!("{key}: {other:?}"),
        }
    }
    fn is_kept(answers: &Arc<Answers>, key: &str, now: Instant) -> bool {
        matches!(answers.turn(name(key), [0; 32], now), Turn::Again(_))
    }
    fn keys(values: &[&'static str]) -> Fallible<Option<String>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_static(value));
        }
        key_of(&headers)
    }

    #[test]
    fn a_key_is_bare_or_quoted() {
        assert_eq!(keys(&[]).unwrap(), None);
        assert_eq!(keys(&["a-1"]).unwrap().as_deref(), Some("a-1"));
        assert_eq!(keys(&["\"a-1\""]).unwrap().as_deref(), Some("a-1"));
    }

    #[test]
    fn a_malformed_key_is_refused() {
        for bad in ["", "\"\"", "\"a", "a\"", "a b", "a\\b"] {
            assert!(keys(&[bad]).is_err(), "{bad:?}");
        }
        assert!(keys(&["a", "a"]).is_err());
        let mut headers = HeaderMap::new();
        for length in [KEY_MAX, KEY_MAX + 1] {
            headers.insert(KEY, HeaderValue::from_str(&"k".repeat(length)).unwrap());
            assert_eq!(key_of(&headers).is_ok(), length == KEY_MAX);
        }
        headers.insert(KEY, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(key_of(&headers).is_err());
    }

    #[test]
    fn a_key_is_in_hand_until_it_is_answered_and_then_belongs_to_its_request() {
        let (answers, now) = (Arc::new(Answers::default()), Instant::now());
        let ticket = first(&answers, "a", now);
        assert!(matches!(answers.turn(name("a"), [0; 32], now), Turn::InHand));
        assert!(matches!(answers.turn(name("a"), [1; 32], now), Turn::Another));
        ticket.answer(answer(1), now);
        assert!(is_kept(&answers, "a", now));
        assert!(matches!(answers.turn(name("a"), [1; 32], now), Turn::Another));
        let other = ("10.0.0.1".to_owned(), "a".to_owned());
        assert!(matches!(answers.turn(other, [1; 32], now), Turn::First(_)), "another client");
        assert_eq!(answers.replays(), 1);
    }

    #[test]
    fn a_key_without_an_answer_is_free_again() {
        let (answers, now) = (Arc::new(Answers::default()), Instant::now());
        drop(first(&answers, "a", now));
        drop(first(&answers, "a", now));
    }

    #[test]
    fn an_answer_is_forgotten_after_its_time() {
        let answers = Arc::new(Answers::new(10, 1 << 20, Duration::from_secs(60)));
        let now = Instant::now();
        first(&answers, "a", now).answer(answer(1), now);
        assert!(is_kept(&answers, "a", now + Duration::from_secs(59)));
        drop(first(&answers, "a", now + Duration::from_secs(60)));
        assert_eq!(answers.kept().bytes, 0);
    }

    #[test]
    fn the_oldest_answers_go_when_there_are_too_many_or_too_large() {
        let answers = Arc::new(Answers::new(3, 10_000, Duration::from_secs(60)));
        let now = Instant::now();
        for key in ["a", "b", "c", "d"] {
            first(&answers, key, now).answer(answer(1), now);
        }
        assert!(!is_kept(&answers, "a", now));
        assert!(is_kept(&answers, "b", now) && is_kept(&answers, "d", now));
        first(&answers, "large", now).answer(answer(9_000), now);
        assert!(is_kept(&answers, "large", now) && is_kept(&answers, "d", now));
        assert!(!is_kept(&answers, "b", now));
        first(&answers, "huge", now).answer(answer(20_000), now);
        let kept = answers.kept();
        assert_eq!((kept.order.len(), kept.bytes), (0, 0));
    }
}
