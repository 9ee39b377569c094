//! HTTP itself: methods, unknown paths, connections, the graceful stop.

use crate::ApiConfig;
use crate::testing::{self, Temper};
use bess_core::stats::Served;
use std::io::Read as _;
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_unknown_path_is_a_problem_that_points_at_the_document() {
    let served = testing::serve().await;
    for path in ["/api/v1/batteries", "/api/v2/farm", "/api/v1/units/", "/x"] {
        let problem = served.ask("GET", path).await.problem(404, "no_such_route");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(path), "{detail}");
        assert!(detail.contains("/api/openapi.json"), "{detail}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_allowed_ones() {
    let served = testing::serve().await;
    for (method, path, allow) in [
        ("POST", "/api/v1/farm", "GET,HEAD"),
        ("GET", "/api/v1/farm/setpoint", "PUT,DELETE"),
        ("DELETE", "/api/v1/units/1", "GET,HEAD"),
        ("GET", "/api/v1/units/1/commands", "POST"),
        ("PUT", "/api/v1/clock", "GET,HEAD,PATCH"),
        ("PATCH", "/healthz", "GET,HEAD"),
        ("OPTIONS", "/api/v1/units", "GET,HEAD"),
    ] {
        let answer = served.ask(method, path).await;
        let problem = answer.problem(405, "wrong_method");
        assert!(problem["detail"].as_str().unwrap().contains(method));
        let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(',').collect();
        let mut expected: Vec<&str> = allow.split(',').collect();
        allowed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(allowed, expected, "{method} {path}");
    }
    assert!(served.farm.letters().is_empty());
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let served = testing::serve().await;
    let mut client = served.client().await;
    for path in ["/api/v1/farm", "/api/v1/units/3", "/healthz"] {
        let head = client.ask("HEAD", path, &[], "").await;
        // The same connection goes on, so no body came.
        let get = client.ask("GET", path, &[], "").await;
        assert_eq!((head.status, get.status), (200, 200));
        for name in ["content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let missing = client.ask("HEAD", "/api/v1/units/99", &[], "").await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_path_that_is_too_long_is_a_problem() {
    let served = testing::serve().await;
    for (length, status) in [(8 * 1024, 404), (8 * 1024 + 1, 414), (60_000, 414)] {
        let path = format!("/{}", "x".repeat(length - 1));
        let answer = served.ask("GET", &path).await;
        assert_eq!(answer.status, status, "{length}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

#[tokio::test]
async fn the_page_of_the_document_comes_from_within_and_loads_nothing_from_outside() {
    let served = testing::serve().await;
    let answer = served.ask("GET", "/api/docs").await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("/api/docs/")));
    let page = served.ask("GET", "/api/docs/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    for element in page.text().split('<').skip(1) {
        assert!(!element.contains("http:") && !element.contains("https:"), "{element}");
        let is_inline_script = element.starts_with("script") && !element.contains("src=");
        assert!(!is_inline_script, "{element}");
    }
    let setup = served.ask("GET", "/api/docs/swagger-initializer.js").await;
    assert!(setup.text().contains("/api/openapi.json"), "{}", setup.text());
    assert!(!setup.text().contains("petstore"), "{}", setup.text());
    served.ask("GET", "/api/docs/none.js").await.problem(404, "no_such_route");
}

#[tokio::test]
async fn the_files_of_that_page_go_packed_to_those_who_take_them_so() {
    let served = testing::serve().await;
    let plain = served.ask("GET", "/api/docs/swagger-ui.css").await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    let takes = [("accept-encoding", "gzip, br")];
    let packed = served.client().await.ask("GET", "/api/docs/swagger-ui.css", &takes, "").await;
    assert_eq!((packed.status, packed.header("content-encoding")), (200, Some("gzip")));
    assert!(packed.body.len() * 4 < plain.body.len(), "{}", packed.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == plain.body, "both are the same file");
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_usable() {
    let served = testing::serve().await;
    let mut client = served.client().await;
    let json = [("content-type", "application/json")];
    let path = "/api/v1/units/1/setpoint";
    let refused = client.ask("PUT", path, &json, "{").await;
    refused.problem(400, "malformed_json");
    let body = r#"{"active_power_w": 5}"#;
    assert_eq!(client.ask("PUT", path, &json, body).await.status, 200);
}

#[tokio::test]
async fn a_graceful_stop_answers_the_request_in_hand() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Silent);
    let mut client = served.client().await;
    let json = [("content-type", "application/json")];
    let body = r#"{"active_power_w": 5}"#;
    client.send("PUT", "/api/v1/units/1/setpoint", &json, body).await;
    while served.farm.n_kept() == 0 {
        tokio::task::yield_now().await;
    }
    served.shutdown.cancel();
    served.farm.answer_kept();
    let answer = client.head().await;
    assert_eq!(answer.status, 200);
    client.closed().await;
    served.task.await.unwrap();
}

#[tokio::test]
async fn a_graceful_stop_closes_idle_connections_at_once() {
    let served = testing::serve().await;
    let mut fresh = served.client().await;
    let mut used = served.client().await;
    used.ask("GET", "/api/v1/farm", &[], "").await;
    let started = Instant::now();
    served.shutdown.cancel();
    used.closed().await;
    fresh.closed().await;
    served.task.await.unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_request_that_is_never_answered_does_not_hold_the_stop_up() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Silent);
    let mut client = served.client().await;
    client.send("DELETE", "/api/v1/farm/setpoint", &[], "").await;
    while served.farm.n_kept() == 0 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    served.shutdown.cancel();
    served.task.await.unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let config = ApiConfig { body_timeout: Duration::from_millis(50), ..ApiConfig::default() };
    let served = testing::serve_with(testing::snapshot_with(1), config).await;
    let mut client = served.client().await;
    client
        .raw(
            "PUT /api/v1/farm/setpoint HTTP/1.1\r\nhost: bess\r\n\
             content-type: application/json\r\ncontent-length: 30\r\n\r\n{",
        )
        .await;
    let answer = client.head().await;
    assert_eq!(answer.status, 408);
    // What is left of the body could not be told from a request.
    client.closed().await;
    assert!(served.farm.letters().is_empty());
}

#[tokio::test]
async fn a_handler_that_panics_is_a_problem_and_the_server_goes_on() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Broken);
    let answer = served.ask("DELETE", "/api/v1/farm/setpoint").await;
    answer.problem(500, "internal");
    served.get("farm").await;
    let counts = counts(&served);
    let route = "/api/v1/farm/setpoint".to_owned();
    assert!(counts.contains(&((route, "DELETE", 500), 1)), "{counts:?}");
}

#[tokio::test]
async fn requests_are_counted_by_template_method_and_status() {
    let served = testing::serve().await;
    for path in ["/api/v1/units/1", "/api/v1/units/2", "/api/v1/units/99", "/a", "/b"] {
        served.ask("GET", path).await;
    }
    served.ask("BREW", "/api/v1/units/1").await;
    let unit = "/api/v1/units/{id}".to_owned();
    let expected = [
        (("(unmatched)".to_owned(), "GET", 404), 2),
        ((unit.clone(), "GET", 200), 2),
        ((unit.clone(), "GET", 404), 1),
        ((unit.clone(), "other", 405), 1),
    ];
    assert_eq!(counts(&served), expected);
    let numbers = served.api.traffic.numbers();
    let timed = |method: &str| {
        let mut of = numbers.durations.iter();
        of.find(|(by, route, _)| *by == method && *route == unit).unwrap().2.count
    };
    assert_eq!((timed("GET"), timed("other")), (3, 1));
    let (_, sizes) = numbers.sizes.iter().find(|(route, _)| *route == unit).unwrap();
    // Two units and two problems.
    assert_eq!(sizes.count, 4);
    assert!(sizes.sum > 2.0 * 500.0, "{sizes:?}");
    assert_eq!(numbers.in_flight, 0);
    let ages = served.stats.snapshot_age[Served::Rest as usize].read();
    assert_eq!(ages.count, 2, "of the snapshots that were served");
}

/// Requests so far by route, method and status.
fn counts(served: &testing::Served) -> Vec<((String, &'static str, u16), u64)> {
    let rows = served.api.traffic.numbers().requests.into_iter();
    rows.map(|row| ((row.route, row.method, row.code), row.count)).collect()
}
