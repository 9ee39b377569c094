//! The gateway before shards that misbehave, which real ones seldom do on demand.

use super::*;
use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use std::net::SocketAddr;
use tower::ServiceExt;

/// What a shard answers to a write that is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Temper {
    Takes,
    Refuses,
    /// Tries well and then says nothing.
    HangsWhenMeant,
    /// Does not even try.
    Hangs,
}

async fn shard(temper: Temper) -> SocketAddr {
    let answer = move |request: Request| async move {
        let is_dry = request.uri().query().is_some_and(|query| query.contains("dry_run=true"));
        let is_read = request.method() == Method::GET;
        if temper == Temper::Hangs || !is_dry && !is_read && temper == Temper::HangsWhenMeant {
            std::future::pending::<()>().await;
        }
        if !is_dry && !is_read && temper == Temper::Refuses {
            return Problem::new(&kind::WRONG_STATE, "not now").into_response();
        }
        let farm = json!({
            "tick": 4, "applied_tick": 4, "rated_power_w": 12.5e6,
            "available_discharge_power_w": 10e6, "available_charge_power_w": 10e6,
        });
        Json(farm).into_response()
    };
    let app = Router::new().fallback(answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(door(app).serve(listener, CancellationToken::new()));
    address
}

/// A gateway to two shards of five units each.
async fn gateway(tempers: [Temper; 2]) -> Router {
    let spec = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("it is good");
    let [one, other] = [shard(tempers[0]).await, shard(tempers[1]).await];
    let config = GatewayConfig {
        spec: Arc::new(spec),
        units_per_shard: 5,
        url: format!("http://{one},http://{other}").parse().expect("two URLs"),
        timeout: Duration::from_millis(300),
        build: BuildInfo::default(),
    };
    let ready = Readiness::default();
    ready.set(true);
    Gateway::new(config, ready).router()
}

async fn ask(app: &Router, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(format!("{BASE}{path}"));
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let response = app.clone().oneshot(request).await.expect("a router answers");
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

const SET: &str = r#"{"active_power_w": 5e6}"#;

#[tokio::test]
async fn who_took_a_write_and_who_did_not_is_told_when_a_shard_refuses_after_it_had_tried() {
    let app = gateway([Temper::Takes, Temper::Refuses]).await;
    let (status, told) = ask(&app, Method::PUT, "/farm/setpoint", SET).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{told:#}");
    assert_eq!(told["type"], "urn:bess:problem:partly_applied");
    assert_eq!((&told["applied"], &told["not_known"]), (&json!([0]), &json!([])));
    assert_eq!(told["refused"], json!([{"shard": 1, "status": 409, "detail": "not now"}]));
    assert!(told["request_id"].is_string(), "{told:#}");
}

#[tokio::test]
async fn a_shard_that_says_nothing_is_not_waited_for_and_what_it_did_is_not_known() {
    let app = gateway([Temper::Takes, Temper::HangsWhenMeant]).await;
    let (status, told) = ask(&app, Method::DELETE, "/farm/setpoint", "").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "{told:#}");
    assert_eq!((&told["applied"], &told["not_known"]), (&json!([0]), &json!([1])));
}

#[tokio::test]
async fn nothing_is_written_while_a_shard_does_not_answer() {
    let app = gateway([Temper::Refuses, Temper::Hangs]).await;
    // The first would refuse if it were asked in earnest: it is not.
    let (status, told) = ask(&app, Method::DELETE, "/farm/setpoint", "").await;
    assert_eq!((status, &told["value"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(1)), "{told:#}");
    let (status, told) = ask(&app, Method::GET, "/farm", "").await;
    assert_eq!((status, &told["shards_missing"]), (StatusCode::OK, &json!([1])), "{told:#}");
}

#[tokio::test]
async fn a_setpoint_is_read_as_a_farm_reads_it() {
    let app = gateway([Temper::Takes, Temper::Takes]).await;
    let (status, told) = ask(&app, Method::PUT, "/farm/setpoint", SET).await;
    assert_eq!((status, told["shards"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)));
    for (body, kind) in [
        (r#"{"active_power_w": 26e6}"#, "out_of_range"),
        (r#"{"active_power_kw": 5}"#, "unknown_field"),
        (r#"{"active_power_w": 1, "active_power_pct": 1}"#, "contradiction"),
        ("{", "malformed_json"),
    ] {
        let (_, told) = ask(&app, Method::PUT, "/farm/setpoint", body).await;
        assert_eq!(told["type"], format!("urn:bess:problem:{kind}"), "{told:#}");
    }
}

#[tokio::test]
async fn what_a_gateway_does_not_have_says_where_it_is() {
    let app = gateway([Temper::Takes, Temper::Takes]).await;
    let (status, told) = ask(&app, Method::GET, "/runs/x/report", "").await;
    assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "{told:#}");
    let detail = told["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("/api/v1/shards/1/runs/x/report"), "{detail}");
    assert_eq!(ask(&app, Method::GET, "/no/such", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&app, Method::GET, "/units?sort=soc", "").await.0, StatusCode::BAD_REQUEST);
}
