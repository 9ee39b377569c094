//! Commands that talk to a running farm over REST.
//!
//! - `unit`: units and their racks
//! - `clock`: the pace
//! - `fault`: what is made wrong
//! - `history`: what the signals were
//! - `log`: levels of the log
//! - `logs`: alarms, events, writes
//! - `plant`: the plant controller, the services that it knows, the grid
//! - `point`: points of the register maps, forced and walked through (`walk`)
//! - `link`: link conditions
//! - `power`: powers as people type them

pub(crate) mod clock;
pub(crate) mod fault;
pub(crate) mod history;
pub(crate) mod link;
pub(crate) mod log;
pub(crate) mod logs;
pub(crate) mod plant;
pub(crate) mod point;
mod power;
pub(crate) mod unit;
mod walk;

use crate::BadInput;
use anyhow::Context;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

/// Where the running farm is.
#[derive(Debug, clap::Args)]
struct Target {
    /// Base URL of the farm's REST API
    #[arg(
        long,
        value_name = "URL",
        env = "BESS_API",
        default_value = "http://127.0.0.1:8000",
        global = true
    )]
    api: String,
    /// Token to show; better given in the variable, which others do not see in a list of processes
    #[arg(long, value_name = "TOKEN", env = "BESS_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
    /// Certificates that an https:// server must be signed by, in PEM form
    #[arg(long, value_name = "FILE", env = "BESS_CA", global = true)]
    ca: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Target {
    /// One request; a problem document becomes an error that says what it said.
    fn send(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let (status, text, url) = self.ask(method, path, body)?;
        let answer = json(&text, status, &url)?;
        if (200..300).contains(&status) { Ok(answer) } else { Err(refused(status, &answer).into()) }
    }

    /// A read whose answer is no JSON.
    fn read_text(&self, path: &str) -> anyhow::Result<String> {
        let (status, text, url) = self.ask("GET", path, None)?;
        if (200..300).contains(&status) {
            return Ok(text);
        }
        Err(refused(status, &json(&text, status, &url)?).into())
    }

    /// One request: status and body of the answer, and what was asked.
    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<(u16, String, String)> {
        // Both forms are in use: the bare host, and the base that the endpoints file names.
        let base = self.api.trim_end_matches('/');
        let base = base.strip_suffix("/api/v1").unwrap_or(base);
        let url = format!("{base}/api/v1/{path}");
        let agent = self.agent(&url)?;
        let unreachable = |error: ureq::Error| {
            anyhow::anyhow!(
                "no farm answers at {}: {error}\nhint: start one with `bess serve`, or name it with --api",
                self.api
            )
        };
        let authorization = self.authorization()?;
        let mut response = match (method, body) {
            ("GET", _) => with(agent.get(&url), authorization).call(),
            ("PUT", Some(body)) => with(agent.put(&url), authorization).send_json(body),
            ("PATCH", Some(body)) => with(agent.patch(&url), authorization).send_json(body),
            ("DELETE", _) => with(agent.delete(&url), authorization).call(),
            (_, body) => {
                let body = body.unwrap_or(Value::Null);
                with(agent.post(&url), authorization).send_json(body)
            }
        }
        .map_err(unreachable)?;
        // The largest history has some megabytes; ureq stops at ten.
        let body = response.body_mut().with_config().limit(200_000_000);
        let text =
            body.read_to_string().with_context(|| format!("{url} did not answer in full"))?;
        Ok((response.status().as_u16(), text, url))
    }

    fn agent(&self, url: &str) -> anyhow::Result<ureq::Agent> {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A token goes to the farm that was named, and to no other.
            .max_redirects(0)
            .timeout_global(Some(std::time::Duration::from_secs(660)))
            .timeout_connect(Some(std::time::Duration::from_secs(5)));
        if url.to_ascii_lowercase().starts_with("https:") {
            config = config.tls_config(self.tls()?);
        }
        Ok(config.build().into())
    }

    fn tls(&self) -> anyhow::Result<TlsConfig> {
        let Some(path) = &self.ca else {
            return Err(BadInput(format!(
                "{} needs --ca FILE: the certificates that its server must be signed by\nhint: those of \
                 the system are often in /etc/ssl/certs/ca-certificates.crt",
                self.api
            ))
            .into());
        };
        let refuse =
            |what: &dyn std::fmt::Display| BadInput(format!("--ca {}: {what}", path.display()));
        let pem = std::fs::read(path).map_err(|error| refuse(&error))?;
        let mut trusted = Vec::new();
        for item in ureq::tls::parse_pem(&pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|error| refuse(&error))? {
                trusted.push(certificate);
            }
        }
        if trusted.is_empty() {
            return Err(refuse(&"there is no certificate in the file").into());
        }
        let config = TlsConfig::builder()
            .root_certs(RootCerts::from(trusted))
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
        Ok(config.build())
    }

    /// The header that shows the token, if there is one.
    fn authorization(&self) -> anyhow::Result<Option<String>> {
        let Some(token) = self.token.as_deref().map(str::trim) else { return Ok(None) };
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "--token is no token: `bess token new` prints one";
            return Err(BadInput(message.to_owned()).into());
        }
        Ok(Some(format!("Bearer {token}")))
    }
}

const TOKEN_HINT: &str = "\nhint: give a token with --token or in BESS_TOKEN";

fn with<Any>(
    request: ureq::RequestBuilder<Any>,
    authorization: Option<String>,
) -> ureq::RequestBuilder<Any> {
    match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    }
}

fn json(text: &str, status: u16, url: &str) -> anyhow::Result<Value> {
    let parsed = serde_json::from_str(text);
    parsed.with_context(|| format!("{url} answered {status} without JSON: is this a bess API?"))
}

fn refused(status: u16, answer: &Value) -> Refused {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    let hint = if status == 401 { TOKEN_HINT } else { "" };
    let text = format!("{status} {}: {}{hint}", text("title"), text("detail"));
    Refused { status, text }
}

/// The farm answered, but did not do it.
#[derive(Debug)]
struct Refused {
    /// HTTP status.
    status: u16,
    text: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
impl std::error::Error for Refused {}

/// A path with the parameters that are given.
fn path(resource: &str, params: &[(&str, Option<String>)]) -> String {
    let given = params.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    given.fold(resource.to_owned(), |path, (name, value)| {
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{path}{sign}{name}={}", encoded(value))
    })
}

/// Percent-encodes what has a meaning in a path or query.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

fn print(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", serde_json::to_string_pretty(answer)?)?)
}

fn acknowledge(target: &Target, answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    if target.json {
        return print(answer, out);
    }
    let tick = answer.get("applied_tick").or_else(|| answer.get("tick")).cloned();
    Ok(writeln!(out, "applied at tick {}", tick.unwrap_or(Value::Null))?)
}

/// The text of a member, or `?`.
fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("?")
}

/// A member as people read it: its text, its number, or `-` for none.
fn cell(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The rows of an answer.
fn rows<'v>(answer: &'v Value, key: &str) -> anyhow::Result<&'v Vec<Value>> {
    answer.get(key).and_then(Value::as_array).with_context(|| format!("an answer without {key}"))
}

/// A body of the fields that are given.
fn given(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let fields = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(fields.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_has_the_fields_that_are_given_and_null_is_given() {
        let body = given([("a", Some(json!(1))), ("b", None), ("c", Some(Value::Null))]);
        assert_eq!(body, json!({"a": 1, "c": null}));
    }

    #[test]
    fn what_an_answer_does_not_have_is_a_dash_or_an_error() {
        let answer = json!({"unit": null, "rack": 3, "rows": [1]});
        assert_eq!((cell(&answer, "unit"), cell(&answer, "rack")), ("-".into(), "3".into()));
        assert!(rows(&answer, "rows").is_ok() && rows(&answer, "units").is_err());
    }

    #[test]
    fn a_path_has_the_parameters_that_are_given() {
        let params = [("limit", Some("5".to_owned())), ("after", None)];
        assert_eq!(path("events", &params), "events?limit=5");
        let params = [("unit", Some("a b&c".to_owned())), ("kind", Some("grid".to_owned()))];
        assert_eq!(path("events", &params), "events?unit=a%20b%26c&kind=grid");
    }
}
