//! Reads a JSON body into a type, or says what is wrong with it and where.

use crate::problem::{Allowed, Fallible, Problem, kind};
use crate::state::Api;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use std::sync::{Arc, Mutex, PoisonError};

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
    fn note(&self, body: &[u8]) {
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
        check_content_type(&request)?;
        let timeout = api.config.body_timeout;
        let reading = read(request.into_body(), api.config.max_body_bytes);
        let Ok(read) = tokio::time::timeout(timeout, reading).await else {
            let detail = format!("the body did not arrive within {} s", timeout.as_secs_f64());
            return Err(Problem::new(&kind::SLOW_BODY, detail));
        };
        let bytes = read?;
        if let Some(written) = written {
            written.note(&bytes);
        }
        parse(&bytes).map(Self)
    }
}

async fn read(body: axum::body::Body, limit: usize) -> Fallible<Vec<u8>> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            let detail = format!("the body did not arrive whole: {error}");
            Problem::new(&kind::MALFORMED_JSON, detail)
        })?;
        if bytes.len() + chunk.len() > limit {
            let detail = format!("a body may have at most {limit} bytes");
            return Err(Problem::new(&kind::BODY_TOO_LARGE, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn check_content_type(request: &Request) -> Fallible<()> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = format!("the content type must be application/json, got {media_type:?}");
    Err(Problem::new(&kind::WRONG_CONTENT_TYPE, detail)
        .field("content-type")
        .value(text)
        .allowed(Allowed::one_of(["application/json"])))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Fallible<T> {
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
        .map_err(|error| refuse(&error.path().to_string(), error.inner()))
}

fn refuse(path: &str, error: &serde_json::Error) -> Box<Problem> {
    let detail = error.to_string();
    let quoted = |after: &str| detail.split_once(after)?.1.split('`').next().map(str::to_owned);
    let parent = path.trim_end_matches('.').trim_end_matches('?');
    if let Some(field) = quoted("unknown field `") {
        return Problem::new(&kind::UNKNOWN_FIELD, detail).field(field);
    }
    let field = quoted("missing field `")
        .or_else(|| quoted("duplicate field `"))
        .unwrap_or_else(|| parent.to_owned());
    let problem = Problem::new(&kind::BAD_FIELD, detail);
    if field.is_empty() { problem } else { problem.field(field) }
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
    fn what_is_no_json_is_a_bad_request() {
        for text in ["", "{", "{\"active_power_w\": NaN}", "{\"active_power_w\": 1} 2"] {
            assert_eq!(refusal(text)["status"], 400, "{text}");
        }
    }
}
