//! Reads a JSON body into a type, or says what is wrong with it and where.

use crate::problem::{Allowed, Fallible, Kind, Problem, kind};
use crate::state::{Api, ApiConfig};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A JSON object; unknown fields are refused by the types' own `deny_unknown_fields`.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// Reads an optional field that may be absent, but not null; to be used with `default`.
///
/// # Errors
/// When the value is not a `T`.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads an optional field that may be absent, or null for none; to be used with `default`.
///
/// # Errors
/// When the value is neither a `T` nor null.
#[expect(clippy::option_option, reason = "absent and null are two things")]
pub(crate) fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The text of a body, kept for the audit of a write that is refused before it reaches the loop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<String>>);

/// Most characters of a body that the audit keeps.
const WRITTEN_MAX: usize = 300;

impl Written {
    /// Keeps the beginning of this body.
    pub(crate) fn note(&self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let kept = text.split_whitespace().collect::<Vec<_>>().join(" ");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            kept.chars().take(WRITTEN_MAX).collect();
    }
    /// The text, at most [`WRITTEN_MAX`] characters; empty before the body was read.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Body<T> {
    type Rejection = Box<Problem>;

    async fn from_request(request: Request, api: &Arc<Api>) -> Fallible<Self> {
        let written = request.extensions().get::<Written>().cloned();
        check_content_type(&request, &kind::WRONG_CONTENT_TYPE, "application/json")?;
        let bytes = read(request.into_body(), &api.config).await?;
        if let Some(written) = written {
            written.note(&bytes);
        }
        parse(&bytes).map(Self)
    }
}

/// Reads a whole body, within the limits of size and time.
///
/// # Errors
/// When it is too large, too slow or broken off.
pub(crate) async fn read(body: axum::body::Body, config: &ApiConfig) -> Fallible<Vec<u8>> {
    read_within(body, config.max_body_bytes, config.body_timeout).await
}

/// The same within these limits.
///
/// # Errors
/// When it is too large, too slow or broken off.
pub(crate) async fn read_within(
    body: axum::body::Body,
    limit: usize,
    timeout: Duration,
) -> Fallible<Vec<u8>> {
    let reading = read_to_end(body, limit);
    tokio::time::timeout(timeout, reading).await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} s", timeout.as_secs_f64());
        Err(Problem::new(&kind::SLOW_BODY, detail))
    })
}

async fn read_to_end(body: axum::body::Body, limit: usize) -> Fallible<Vec<u8>> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|_| Problem::new(&kind::MALFORMED_JSON, "the body did not arrive whole"))?;
        if bytes.len() + chunk.len() > limit {
            let detail = format!("a body may have at most {limit} bytes");
            return Err(Problem::new(&kind::BODY_TOO_LARGE, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn check_content_type(request: &Request, kind: &Kind, allowed: &'static str) -> Fallible<()> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(allowed) {
        return Ok(());
    }
    let detail = format!("the content type must be {allowed}, got {media_type:?}");
    Err(Problem::new(kind, detail)
        .field("content-type")
        .value(text)
        .allowed(Allowed::one_of([allowed])))
}

/// A TOML document, as text.
#[derive(Debug)]
pub(crate) struct Toml(pub(crate) String);

impl FromRequest<Arc<Api>> for Toml {
    type Rejection = Box<Problem>;

    async fn from_request(request: Request, api: &Arc<Api>) -> Fallible<Self> {
        check_content_type(&request, &kind::NOT_TOML, "application/toml")?;
        let bytes = read(request.into_body(), &api.config).await?;
        let text = String::from_utf8(bytes);
        let refuse = |_| Problem::new(&kind::NOT_TEXT, "the body must be text in UTF-8");
        text.map(Self).map_err(refuse)
    }
}

/// Reads the object that a body is.
///
/// # Errors
/// When it is no JSON, no object, or its fields are not those of `T`.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Fallible<T> {
    // First on its own, so that what follows is a matter of the fields.
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| {
        let detail = format!("the body is not JSON: {error}");
        Problem::new(&kind::MALFORMED_JSON, detail)
    })?;
    if bytes.trim_ascii_start().starts_with(b"[") {
        // serde would fill the fields from an array, by their order.
        let detail = "the body must be a JSON object, got an array";
        return Err(Problem::new(&kind::BAD_FIELD, detail));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refuse(bytes, error.path(), error.inner()))
}

fn refuse(bytes: &[u8], path: &Path, error: &serde_json::Error) -> Box<Problem> {
    let detail = in_words_of_json(&error.to_string());
    let path_text = path.to_string();
    let quoted = |after: &str| detail.split_once(after)?.1.split('`').next().map(str::to_owned);
    let parent = path_text.trim_end_matches('.').trim_end_matches('?');
    if let Some(field) = quoted("unknown field `") {
        // The path ends with the field itself, or names the object that it is in.
        let known = detail.rsplit_once("expected ").map_or("", |(_, known)| known);
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let place = if parent.is_empty() || parent == "." { field.as_str() } else { parent };
        let problem = Problem::new(&kind::UNKNOWN_FIELD, detail.clone()).field(place);
        return if known.is_empty() { problem } else { problem.allowed(Allowed::one_of(known)) };
    }
    let inner = quoted("missing field `").or_else(|| quoted("duplicate field `"));
    let field = match inner {
        Some(field) if parent.is_empty() || parent == "." || parent == field => field,
        Some(field) if parent.ends_with(&format!(".{field}")) => parent.to_owned(),
        Some(field) => format!("{parent}.{field}"),
        None if parent == "." => String::new(),
        None => parent.to_owned(),
    };
    let mut problem = Problem::new(&kind::BAD_FIELD, detail.clone());
    if let Some(value) = value_at(bytes, path).filter(|_| detail.starts_with("invalid")) {
        problem = problem.value(value);
    }
    if field.is_empty() { problem } else { problem.field(field) }
}

/// What was sent at `path`, if it is a plain value that is not long.
fn value_at(bytes: &[u8], path: &Path) -> Option<Value> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    let mut found = &body;
    for segment in path {
        found = match segment {
            Segment::Map { key } => found.get(key)?,
            Segment::Seq { index } => found.get(index)?,
            Segment::Enum { .. } | Segment::Unknown => found,
        };
    }
    match found {
        Value::Array(_) | Value::Object(_) => None,
        Value::String(text) if text.len() > WRITTEN_MAX => None,
        plain => Some(plain.clone()),
    }
}

/// What serde calls by its type of Rust, and what a client calls it.
const TYPES: [(&str, &str); 12] = [
    ("f64", "a number"),
    ("f32", "a number"),
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0"),
    ("usize", "a whole number from 0"),
    ("i32", "a whole number"),
    ("i64", "a whole number"),
    ("a boolean", "true or false"),
    ("a sequence", "an array"),
    ("a map", "an object"),
];

/// The words of serde without the types of this program.
fn in_words_of_json(detail: &str) -> String {
    let Some((before, rest)) = detail.rsplit_once(", expected ") else {
        return detail.to_owned();
    };
    let (expected, place) = match rest.rfind(" at line ") {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let named = TYPES.iter().find(|(rust, _)| *rust == expected).map(|(_, json)| *json);
    let is_type = expected.starts_with("struct ") || expected.starts_with("internally tagged");
    let expected = named.unwrap_or(if is_type { "an object" } else { expected });
    format!("{before}, expected {expected}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        active_power_w: f64,
    }
    fn refusal(text: &str) -> serde_json::Value {
        serde_json::to_value(parse::<Wish>(text.as_bytes()).expect_err("refused")).unwrap()
    }

    #[test]
    fn a_good_body_is_read() {
        assert!(
            (parse::<Wish>(br#"{"active_power_w": 5}"#).unwrap().active_power_w - 5.0).abs() < 1e-9
        );
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let problem = refusal(r#"{"active_power_kw": 5}"#);
        assert_eq!(
            (problem["status"].as_u64(), problem["field"].as_str()),
            (Some(422), Some("active_power_kw"))
        );
    }

    #[test]
    fn a_missing_field_and_a_wrong_type_name_the_field() {
        assert_eq!(refusal("{}")["field"], "active_power_w");
        assert_eq!(refusal(r#"{"active_power_w": "5 MW"}"#)["field"], "active_power_w");
        assert_eq!(refusal(r#"{"active_power_w": null}"#)["status"], 422);
    }

    #[test]
    fn a_wrong_type_is_told_in_words_of_json_with_what_was_sent() {
        let problem = refusal(r#"{"active_power_w": "5 MW"}"#);
        assert_eq!(problem["value"], "5 MW");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("expected a number at line 1"), "{detail}");
        let problem = refusal("7");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("integer `7`, expected an object"), "{detail}");
        assert!(!detail.contains("Wish") && problem.get("field").is_none(), "{problem}");
    }

    #[test]
    fn an_unknown_field_comes_with_the_known_ones() {
        let problem = refusal(r#"{"a`b": 1}"#);
        assert_eq!(problem["allowed"], serde_json::json!(["active_power_w"]));
    }

    #[test]
    fn what_is_no_json_is_a_bad_request() {
        for text in ["", "{", "{\"active_power_w\": NaN}", "{\"active_power_w\": 1} 2"] {
            assert_eq!(refusal(text)["status"], 400, "{text}");
        }
    }
}
