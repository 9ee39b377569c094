//! The log's levels over REST.

use crate::ApiConfig;
use crate::testing;
use serde_json::json;

#[tokio::test]
async fn levels_are_shown_set_and_set_back() {
    let served = testing::serve().await;
    let expected = json!({
        "filter": "info", "filter_at_start": "info", "format": "json", "file": null,
        "modules": ["bess", "bess_api"], "lines_dropped": 0,
    });
    assert_eq!(served.get("logging").await, expected);
    let set = served.send("PUT", "logging", r#"{"filter": "debug"}"#).await;
    assert_eq!((set.status, &set.json()["filter"]), (200, &json!("debug")));
    assert_eq!(served.get("logging").await["filter"], "debug");
    let back = served.ask("DELETE", "/api/v1/logging").await;
    assert_eq!((back.status, &back.json()["filter"]), (200, &json!("info")));
    let on_record = [r#"log levels {"filter": "debug"}"#, "log levels as at the start"];
    assert_eq!(served.farm.noted_writes(), on_record);
    for method in ["PUT", "DELETE"] {
        let dry = served.send(method, "logging?dry_run=true", r#"{"filter": "debug"}"#).await;
        dry.problem(400, "bad_parameter");
    }
    assert_eq!(served.get("logging").await["filter"], "info", "it cannot be tried");
}

#[tokio::test]
async fn a_bad_filter_is_refused_with_what_would_do_and_changes_nothing() {
    let served = testing::serve().await;
    let refused = served.send("PUT", "logging", r#"{"filter": "loud"}"#).await;
    let problem = refused.problem(422, "out_of_range");
    let expected = (json!("filter"), json!("loud"), json!(["info", "debug"]));
    let named = |key: &str| problem[key].clone();
    assert_eq!((named("field"), named("value"), named("allowed")), expected);
    assert!(named("detail").as_str().unwrap().contains("at character 1"), "{problem}");
    for bad in ["{}", r#"{"filter": 3}"#, r#"{"filter": "info", "for": 3}"#] {
        assert_eq!(served.send("PUT", "logging", bad).await.status, 422, "{bad}");
    }
    assert_eq!(served.get("logging").await["filter"], "info");
    assert_eq!(served.farm.refusals().len(), 4, "who was refused is on record");
}

#[tokio::test]
async fn a_server_without_a_log_says_so() {
    let served = testing::serve_with(testing::snapshot_with(1), ApiConfig::default()).await;
    for method in ["GET", "DELETE"] {
        served.ask(method, "/api/v1/logging").await.problem(404, "no_log");
    }
}
