//! Who gets in: tokens, roles, rates, pages and connections.

use crate::access::{AccessConfig, Token, TokenBook};
use crate::testing::{self, Answer, Served};
use crate::{Api, ApiConfig};
use bess_core::command::Bearer;
use bess_core::link::{self, LinkCondition, LinkEffect, LinkScope};
use bess_core::role::Role;
use bess_core::time::Tick;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The token of a role: `bess_operator`.
fn token(role: Role) -> String {
    format!("bess_{}", role.name())
}

fn entry(name: &str, role: Role, token: &str, expires: Option<&str>, nets: &[&str]) -> String {
    let bearer = Bearer { name: name.to_owned(), role };
    let nets: Vec<_> = nets.iter().map(|net| net.parse().unwrap()).collect();
    Token::entry(&bearer, token, expires, &nets)
}

/// One token of each role, one whose time is over and one of another network.
fn book() -> TokenBook {
    let mut text = String::new();
    for (name, role) in Role::ALL {
        text += &entry(&format!("the-{name}"), role, &token(role), None, &[]);
    }
    text += &entry("old", Role::Tester, "bess_old", Some("2020-01-01"), &[]);
    text += &entry("far", Role::Tester, "bess_far", None, &["192.0.2.0/24"]);
    TokenBook::parse("tokens.toml", &text).unwrap()
}

async fn serve_with(access: AccessConfig) -> Served {
    let config = ApiConfig { access, ..ApiConfig::default() };
    testing::serve_with(testing::snapshot_with(10), config).await
}

async fn guarded() -> Served {
    serve_with(AccessConfig { tokens: Some(book()), ..AccessConfig::default() }).await
}

/// Asks on a connection of its own; with a JSON body where there is one.
async fn ask(
    served: &Served,
    (method, path): (&str, &str),
    authorization: Option<&str>,
    body: &str,
) -> Answer {
    let mut headers = vec![];
    headers.extend(authorization.map(|value| ("authorization", value)));
    if !body.is_empty() {
        headers.push(("content-type", "application/json"));
    }
    served.client().await.ask(method, path, &headers, body).await
}

async fn ask_as(served: &Served, role: Role, call: (&str, &str), body: &str) -> Answer {
    ask(served, call, Some(&format!("Bearer {}", token(role))), body).await
}

/// Every operation of the document of a server with tokens: method, a path that is there, the role.
async fn operations(served: &Served) -> Vec<(String, String, Option<Role>)> {
    let document = served.ask("GET", "/api/openapi.json").await.json();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut path = path.replace("{id}", "1").replace("{rack}", "1");
            path = path.replace("{load}", "village").replace("{name}", "test");
            path = path.replace("{alert}", "BessTickStalled");
            if path.ends_with("/stream") {
                path += "?max_events=1";
            }
            let role = operation["security"].as_array().map(|ways| {
                assert_eq!(ways.len(), 1, "{method} {path}: a token is no option here");
                Role::by_name(ways[0]["token"][0].as_str().unwrap()).unwrap()
            });
            for status in ["401", "403"] {
                let is_told = operation["responses"].get(status).is_some();
                assert_eq!(is_told, role.is_some(), "{method} {path} {status}");
            }
            all.push((method.to_uppercase(), path, role));
        }
    }
    all
}

#[tokio::test]
async fn every_route_is_refused_without_a_token_and_to_lower_roles_and_open_to_its_own_and_higher()
{
    let served = guarded().await;
    let operations = operations(&served).await;
    assert!(operations.len() > 40, "{}", operations.len());
    let open = operations.iter().filter(|(_, _, role)| role.is_none());
    let open: Vec<&str> = open.map(|(_, path, _)| path.as_str()).collect();
    let texts = ["/runbooks", "/runbooks/BessTickStalled"];
    assert_eq!(open, [&["/", "/api/openapi.json", "/healthz", "/readyz"][..], &texts].concat());
    let condition = LinkCondition {
        name: "test".to_owned(),
        effect: LinkEffect::Drop,
        scope: LinkScope::default(),
        probability: 1.0,
        seed: 0,
        until: None,
    };
    for (method, path, needed) in &operations {
        let call = (method.as_str(), path.as_str());
        let Some(needed) = *needed else {
            // The loop beats, however long this has taken so far.
            let now = testing::now_unix_ns();
            served.stats.ticks.last_beat_unix_ns.store(now, Relaxed);
            for authorization in [None, Some("Bearer bess_wrong"), Some("nonsense")] {
                let answer = ask(&served, call, authorization, "").await;
                assert_eq!(answer.status, 200, "{call:?}");
            }
            continue;
        };
        served.farm.publish(|next| next.link = link::with(&[], &condition, Tick(0)).unwrap());
        let before = served.farm.letters().len();
        // A flood of strangers is another test.
        let stranger = served.access_refusal(call).await;
        assert_eq!(stranger, "unauthenticated", "{call:?}");
        for (name, role) in Role::ALL.into_iter().filter(|(_, role)| *role < needed) {
            let problem = ask_as(&served, role, call, "").await.problem(403, "forbidden");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("needs the role {}", needed.name())), "{detail}");
            assert!(detail.contains(&format!("\"the-{name}\" has {name}")), "{detail}");
            assert_eq!(problem["allowed"][0], needed.name());
        }
        assert_eq!(served.farm.letters().len(), before, "{call:?}: nothing was changed");
        for (_, role) in Role::ALL.into_iter().filter(|(_, role)| *role >= needed) {
            served.farm.publish(|next| next.link = link::with(&[], &condition, Tick(0)).unwrap());
            let answer = ask_as(&served, role, call, "").await;
            // Without a body a write is refused for that, not for its sender.
            let is_let_in = answer.status < 500 && ![401, 403, 429].contains(&answer.status);
            assert!(is_let_in, "{call:?}: {}", answer.text());
        }
    }
}

impl Served {
    /// The kind of the problem that a request without a token gets. It comes from a server of its own, so
    /// that many of them are no flood.
    async fn access_refusal(&self, (method, path): (&str, &str)) -> String {
        let fresh = guarded().await;
        let answer = fresh.ask(method, path).await;
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"bess\""));
        assert!(fresh.farm.letters().is_empty() && fresh.farm.noted().is_empty());
        if method == "HEAD" {
            return String::new();
        }
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(document["status"], 401);
        document["type"].as_str().unwrap().trim_start_matches("urn:bess:problem:").to_owned()
    }
}

#[tokio::test]
async fn what_is_written_may_need_more_than_its_route() {
    let served = guarded().await;
    let control = ("PATCH", "/api/v1/units/1/control");
    let cap = r#"{"discharge_limit_pct": 50}"#;
    assert_eq!(ask_as(&served, Role::Operator, control, cap).await.status, 200);
    let ramp = r#"{"ramp_pct_per_s": 5}"#;
    let letters = served.farm.letters().len();
    let refused = ask_as(&served, Role::Operator, control, ramp).await;
    let problem = refused.problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("engineer"), "{problem}");
    assert_eq!(problem["allowed"], json!(["engineer", "tester"]));
    assert_eq!(served.farm.letters().len(), letters, "the loop was not asked");
    let (_, what, reason) = served.farm.refusals().pop().unwrap();
    assert_eq!(what, ramp, "the audit has what was refused");
    assert!(reason.contains("needs the role engineer"), "{reason}");
    assert_eq!(ask_as(&served, Role::Engineer, control, ramp).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_refused_in_words_that_tell_nothing_of_it() {
    let served = guarded().await;
    let call = ("DELETE", "/api/v1/farm/setpoint");
    let invalid = r#"Bearer realm="bess", error="invalid_token""#;
    let malformed = r#"Bearer realm="bess", error="invalid_request""#;
    for (authorization, challenge, detail) in [
        ("Bearer bess_secret", invalid, "the token is not accepted"),
        ("Bearer bess_operator2", invalid, "the token is not accepted"),
        // The right one in the wrong place is told as any other.
        ("Bearer bess_far", invalid, "the token is not accepted"),
        ("Bearer bess_old", invalid, "\"old\" expired at 2020-01-01T00:00:00Z"),
        ("bess_operator", malformed, "must be one `Bearer TOKEN`"),
        ("Basic YTpi", malformed, "must be one `Bearer TOKEN`"),
        ("Bearer ", malformed, "must be one `Bearer TOKEN`"),
        ("Bearer bess_operator bess_tester", malformed, "must be one `Bearer TOKEN`"),
        ("Bearer \u{e4}\u{f6}", malformed, "must be one `Bearer TOKEN`"),
    ] {
        let answer = ask(&served, call, Some(authorization), "").await;
        let problem = answer.problem(401, "unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        assert_eq!(problem["field"], "authorization");
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{authorization}");
        assert!(!answer.text().contains("bess_"), "{}", answer.text());
    }
    let twice = [("authorization", "Bearer bess_tester"), ("authorization", "Bearer bess_tester")];
    let answer = served.client().await.ask(call.0, call.1, &twice, "").await;
    answer.problem(401, "unauthenticated");
    assert!(served.farm.letters().is_empty());
    let good = ask(&served, call, Some("bEARER   bess_operator "), "").await;
    assert_eq!(good.status, 200, "the scheme is a word of HTTP: {}", good.text());
}

#[tokio::test]
async fn the_audit_has_whose_token_it_was_and_never_the_token() {
    let served = guarded().await;
    let call = ("PUT", "/api/v1/units/2/setpoint");
    let body = r#"{"active_power_w": 5}"#;
    ask_as(&served, Role::Operator, call, body).await;
    ask_as(&served, Role::Viewer, call, body).await;
    ask(&served, call, Some("Bearer bess_far"), body).await;
    ask(&served, call, Some("Bearer bess_unknown"), body).await;
    let origins = served.farm.origins();
    let who: Vec<Option<(&str, Role)>> = origins
        .iter()
        .map(|origin| origin.bearer.as_ref().map(|bearer| (bearer.name.as_str(), bearer.role)))
        .collect();
    let expected = [
        Some(("the-operator", Role::Operator)),
        Some(("the-viewer", Role::Viewer)),
        Some(("far", Role::Tester)),
        None,
    ];
    assert_eq!(who, expected);
    assert!(!format!("{origins:?}").contains("bess_"));
    let refusals = served.farm.refusals();
    let reasons: Vec<&str> = refusals.iter().map(|(_, _, reason)| reason.as_str()).collect();
    assert!(reasons[0].contains("needs the role operator"), "{reasons:?}");
    assert_eq!(reasons[1..], ["the token is not accepted", "the token is not accepted"]);
    assert!(refusals.iter().all(|(unit, _, _)| unit.map(bess_core::UnitId::number) == Some(2)));
}

#[tokio::test]
async fn a_flood_of_strangers_is_cut_short_and_does_not_wash_the_audit_away() {
    let served = guarded().await;
    let call = ("DELETE", "/api/v1/farm/setpoint");
    let mut refused = [0, 0];
    for _ in 0..100 {
        let answer = ask(&served, call, Some("Bearer bess_guess"), "").await;
        match answer.status {
            401 => refused[0] += 1,
            _ => {
                answer.problem(429, "rate_limited");
                assert_eq!(answer.header("retry-after"), Some("1"));
                refused[1] += 1;
            }
        }
    }
    assert!((20..40).contains(&refused[0]), "{refused:?}");
    assert_eq!(served.farm.refusals().len(), refused[0]);
    let good = ask_as(&served, Role::Operator, call, "").await;
    assert_eq!(good.status, 200, "who is known is not held up by who is not");
    let counts = served.api.access.rejected();
    assert_eq!(counts[0], ("unauthenticated", refused[0] as u64));
    assert_eq!(counts[2], ("rate_limited", refused[1] as u64));
}

#[tokio::test]
async fn tokens_are_replaced_while_it_serves() {
    let served = guarded().await;
    let call = ("GET", "/api/v1/farm");
    assert_eq!(ask_as(&served, Role::Viewer, call, "").await.status, 200);
    let text = entry("new", Role::Viewer, "bess_new", None, &["127.0.0.0/8"]);
    served.api.set_tokens(TokenBook::parse("tokens.toml", &text).unwrap());
    ask_as(&served, Role::Viewer, call, "").await.problem(401, "unauthenticated");
    assert_eq!(ask(&served, call, Some("Bearer bess_new"), "").await.status, 200);
}

#[tokio::test]
async fn a_server_without_tokens_asks_for_none_and_says_so() {
    let served = testing::serve().await;
    let document = served.ask("GET", "/api/openapi.json").await.json();
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    let ways = &document["paths"]["/api/v1/clock"]["patch"]["security"];
    assert_eq!(*ways, json!([{}, {"token": ["tester"]}]));
    assert!(document["paths"]["/healthz"]["get"].get("security").is_none());
    let call = ("PATCH", "/api/v1/clock");
    for authorization in [None, Some("Bearer bess_any"), Some("Basic YTpi")] {
        let answer = ask(&served, call, authorization, r#"{"mode": "paused"}"#).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(served.farm.origins().iter().all(|origin| origin.bearer.is_none()));
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_write_to_an_open_farm() {
    let origins = vec!["https://board.example".parse().unwrap()];
    let served = serve_with(AccessConfig { origins, ..AccessConfig::default() }).await;
    let call = ("DELETE", "/api/v1/farm/setpoint");
    for page in ["http://evil.example:8000", "null", "https://board.example.evil.example"] {
        let headers = [("origin", page)];
        let answer = served.client().await.ask(call.0, call.1, &headers, "").await;
        let problem = answer.problem(403, "foreign_page");
        assert!(problem["detail"].as_str().unwrap().contains("--cors-origin"), "{problem}");
        let read = served.client().await.ask("GET", "/api/v1/farm", &headers, "").await;
        assert_eq!(read.status, 200, "the browser keeps the answer from the page");
        assert_eq!(read.header("access-control-allow-origin"), None);
    }
    assert!(served.farm.letters().is_empty());
    for page in ["http://127.0.0.1:8000", "http://localhost:8000", "https://board.example"] {
        let headers = [("origin", page)];
        let answer = served.client().await.ask(call.0, call.1, &headers, "").await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
    }
}

#[tokio::test]
async fn pages_of_other_origins_get_in_where_their_origin_is_given_and_nowhere_else() {
    let preflight = [
        ("origin", "https://board.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let path = "/api/v1/units/1/setpoint";
    let closed = guarded().await;
    let answer = closed.client().await.ask("OPTIONS", path, &preflight, "").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), None);

    let origins = vec!["https://board.example".parse().unwrap()];
    let open = AccessConfig { tokens: Some(book()), origins, ..AccessConfig::default() };
    let served = serve_with(open).await;
    let mut client = served.client().await;
    let answer = client.ask("OPTIONS", path, &preflight, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://board.example"));
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert!(methods.contains("PUT") && methods.contains("DELETE"), "{methods}");
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("authorization") && allowed.contains("idempotency-key"), "{allowed}");
    // A page must be able to read why it was refused.
    let refused = client.ask("GET", "/api/v1/farm", &preflight[..1], "").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://board.example"));
    let other = [("origin", "https://evil.example"), preflight[1], preflight[2]];
    let answer = client.ask("OPTIONS", path, &other, "").await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_a_browser() {
    let served = guarded().await;
    let bearer = [("authorization", "Bearer bess_tester")];
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/api/v1/farm"),
        ("GET", "/api/v1/endpoints?format=csv"),
        ("GET", "/api/v1/stream?max_events=1"),
        ("GET", "/nowhere"),
        ("POST", "/api/v1/farm"),
        ("PUT", "/api/v1/farm/setpoint"),
        ("GET", "/api/v1/units/99"),
    ] {
        for headers in [&bearer[..], &[]] {
            let answer = served.client().await.ask(method, path, headers, "").await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-resource-policy", "same-origin"),
                ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{method} {path} {name}");
            }
            assert!(answer.header("cache-control").is_some(), "{method} {path}");
            assert_eq!(answer.header("server"), None);
        }
    }
}

#[tokio::test]
async fn who_asks_too_often_waits_and_probes_never_do() {
    let access = AccessConfig { requests_per_s: NonZeroU32::new(5), ..AccessConfig::default() };
    let served = serve_with(access).await;
    let mut client = served.client().await;
    for _ in 0..10 {
        assert_eq!(client.ask("GET", "/api/v1/clock", &[], "").await.status, 200);
    }
    let mut limited = 0;
    for _ in 0..10 {
        let answer = client.ask("DELETE", "/api/v1/farm/setpoint", &[], "").await;
        if answer.status == 429 {
            answer.problem(429, "rate_limited");
            assert_eq!(answer.header("retry-after"), Some("1"));
            limited += 1;
        }
    }
    assert!(limited >= 5, "{limited}");
    assert!(served.farm.refusals().is_empty(), "it is no matter of the audit");
    for _ in 0..50 {
        assert_eq!(client.ask("GET", "/healthz", &[], "").await.status, 200);
        assert_eq!(client.ask("GET", "/readyz", &[], "").await.status, 200);
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_problem_and_changes_nothing() {
    let served = testing::serve().await;
    let long = "x".repeat(20_000);
    let path = format!("/api/v1/units?state={long}");
    served.ask("GET", &path).await.problem(414, "uri_too_long");
    let headers = [("x-long", long.as_str())];
    let mut client = served.client().await;
    let answer = client.ask("DELETE", "/api/v1/farm/setpoint", &headers, "").await;
    let problem = answer.problem(431, "head_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("16384"), "{problem}");
    assert!(served.farm.letters().is_empty());
    assert_eq!(client.ask("GET", "/api/v1/farm", &[], "").await.status, 200, "it goes on");
}

async fn serve_limited(change: impl FnOnce(&mut ApiConfig)) -> Served {
    let mut config = ApiConfig::default();
    change(&mut config);
    testing::serve_with(testing::snapshot_with(1), config).await
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_a_closed_one_makes_room() {
    let served = serve_limited(|config| config.max_connections_per_address = 2).await;
    let mut one = served.client().await;
    let mut two = served.client().await;
    for client in [&mut one, &mut two] {
        assert_eq!(client.ask("GET", "/healthz", &[], "").await.status, 200);
    }
    served.client().await.closed().await;
    let counts: Vec<_> = served.api.access.rejected();
    assert!(counts.contains(&("too_many_connections", 1)), "{counts:?}");
    drop(one);
    // The server sees the end of the first in its own time.
    let room = async {
        loop {
            let mut client = served.client().await;
            client.send("GET", "/healthz", &[], "").await;
            if client.answers().await {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), room).await.expect("there is room again");
    assert_eq!(two.ask("GET", "/healthz", &[], "").await.status, 200, "the others live on");
}

#[tokio::test]
async fn what_is_no_http_ends_its_own_connection_and_nothing_else() {
    let served = testing::serve().await;
    for bytes in [
        "\0\u{1}\u{2}",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "PUT /api/v1/farm/setpoint HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "DELETE /api/v1/farm/setpoint HTTP/1.1\r\ntransfer-encoding: nonsense\r\n\r\n",
        "DELETE /api/v1/farm/setpoint HTTP/1.1\r\nbad header\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = served.client().await;
        client.raw(bytes).await;
        client.raw("\r\n\r\n").await;
        client.closed().await;
    }
    assert!(served.farm.letters().is_empty());
    assert_eq!(served.ask("GET", "/healthz").await.status, 200);
}

#[tokio::test]
async fn a_head_that_does_not_come_costs_its_own_connection() {
    let served = serve_limited(|config| config.head_timeout = Duration::from_millis(50)).await;
    let mut silent = served.client().await;
    let mut slow = served.client().await;
    slow.raw("GET /api/v1/farm HTTP/1.1\r\nhost: be").await;
    silent.closed().await;
    slow.closed().await;
    assert_eq!(served.ask("GET", "/healthz").await.status, 200);
}

#[tokio::test]
async fn what_was_turned_away_is_in_the_metrics_by_reason_from_the_start() {
    let served = guarded().await;
    let count = |api: &Arc<Api>, reason: &str| {
        let page = api.encode_metrics(false);
        let text = page.text();
        let name = format!("bess_http_rejected_total{{reason=\"{reason}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name}")).parse::<f64>().unwrap()
    };
    for reason in [
        "unauthenticated",
        "forbidden",
        "rate_limited",
        "body_too_large",
        "head_too_large",
        "too_many_connections",
        "tls_handshake",
    ] {
        assert!(count(&served.api, reason).abs() < 0.5, "{reason}");
    }
    ask(&served, ("GET", "/api/v1/farm"), None, "").await.problem(401, "unauthenticated");
    let call = ("PUT", "/api/v1/farm/setpoint");
    ask_as(&served, Role::Viewer, call, "{}").await.problem(403, "forbidden");
    let long = format!("{{\"active_power_w\": {}}}", " ".repeat(70_000));
    ask_as(&served, Role::Operator, call, &long).await.problem(413, "body_too_large");
    for reason in ["unauthenticated", "forbidden", "body_too_large"] {
        assert!((count(&served.api, reason) - 1.0).abs() < 0.5, "{reason}");
    }
}
