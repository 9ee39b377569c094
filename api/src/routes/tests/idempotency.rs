//! Idempotency keys: the same write with the same key is applied once.

use crate::testing::{self, Answer, Served, Temper};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/units/3/setpoint";
const BODY: &str = r#"{"active_power_w": 5000}"#;

async fn keyed(served: &Served, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    served.client().await.ask(method, path, &headers, body).await
}

#[tokio::test]
async fn the_same_request_with_the_same_key_is_answered_again_and_applied_once() {
    let served = testing::serve().await;
    let first = keyed(&served, "PUT", PATH, "k-1", BODY).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (200, None));
    served.farm.tick();
    // The draft writes keys in quotes.
    for key in ["k-1", "\"k-1\""] {
        let again = keyed(&served, "PUT", PATH, key, BODY).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.json(), first.json());
    }
    assert_eq!(served.farm.letters().len(), 1);
    let other = keyed(&served, "PUT", PATH, "k-2", BODY).await;
    assert!(other.json()["applied_tick"].as_u64() > first.json()["applied_tick"].as_u64());
    assert_eq!(served.farm.letters().len(), 2);
    let page = served.api.encode_metrics(true);
    let metrics = page.text();
    assert!(metrics.contains("\nbess_http_idempotent_replays_total 2\n"), "{metrics}");
}

#[tokio::test]
async fn a_refusal_is_answered_again_and_on_record_once() {
    let served = testing::serve().await;
    let body = r#"{"active_power_kw": 5}"#;
    let first = keyed(&served, "PUT", PATH, "k", body).await;
    let again = keyed(&served, "PUT", PATH, "k", body).await;
    assert_eq!(first.problem(422, "unknown_field"), again.problem(422, "unknown_field"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(served.farm.refusals().len(), 1);
}

#[tokio::test]
async fn a_key_that_belongs_to_another_request_is_refused() {
    let served = testing::serve().await;
    keyed(&served, "PUT", PATH, "k", BODY).await;
    for (method, path, body) in [
        ("PUT", PATH, r#"{"active_power_w": 5001}"#),
        ("PUT", "/api/v1/units/4/setpoint", BODY),
        ("PUT", "/api/v1/units/3/setpoint?panel=true", BODY),
        ("DELETE", "/api/v1/farm/setpoint", ""),
    ] {
        let answer = keyed(&served, method, path, "k", body).await;
        let problem = answer.problem(422, "idempotency_key_reused");
        assert_eq!(
            (&problem["field"], &problem["value"]),
            (&json!("Idempotency-Key"), &json!("k"))
        );
    }
    assert_eq!(served.farm.letters().len(), 1);
    assert_eq!(served.farm.refusals().len(), 4, "a write that was refused is on record");
}

#[tokio::test]
async fn a_malformed_key_is_refused_and_a_read_does_not_look_at_it() {
    let served = testing::serve().await;
    let long = "k".repeat(256);
    for key in ["a b", "\"a", "\u{e4}", long.as_str()] {
        let problem = keyed(&served, "PUT", PATH, key, BODY).await.problem(400, "bad_header");
        assert_eq!(problem["field"], "Idempotency-Key", "{key}");
    }
    assert!(served.farm.letters().is_empty());
    for path in ["/api/v1/farm", "/healthz"] {
        let answer = keyed(&served, "GET", path, "a b", "").await;
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (200, None));
    }
}

#[tokio::test]
async fn of_many_at_once_one_is_applied_and_the_others_wait_or_hear_its_answer() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Silent);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = served.client().await;
        let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
        client.send("PUT", PATH, &headers, BODY).await;
        clients.push(client);
    }
    while served.farm.letters().is_empty() {
        tokio::task::yield_now().await;
    }
    // Nineteen are told at once that one is in hand.
    let (mut in_hand, mut kept) = (0, Vec::new());
    for mut client in clients {
        match tokio::time::timeout(std::time::Duration::from_millis(500), client.whole()).await {
            Ok(answer) => {
                answer.problem(409, "idempotency_key_in_use");
                assert_eq!(answer.header("retry-after"), Some("1"));
                in_hand += 1;
            }
            Err(_) => kept.push(client),
        }
    }
    assert_eq!((in_hand, kept.len(), served.farm.letters().len()), (19, 1, 1));
    assert_eq!(served.farm.refusals().len(), 19, "in the audit as refused");
    served.farm.answer_kept();
    let first = kept.pop().unwrap().whole().await;
    assert_eq!(first.status, 200);
    let again = keyed(&served, "PUT", PATH, "k", BODY).await;
    assert_eq!(again.json(), first.json());
    assert_eq!(served.farm.letters().len(), 1);
}

#[tokio::test]
async fn who_went_away_comes_back_for_the_answer() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Silent);
    let mut client = served.client().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    client.send("PUT", PATH, &headers, BODY).await;
    while served.farm.n_kept() == 0 {
        tokio::task::yield_now().await;
    }
    drop(client);
    // The server notices, and carries the request out nevertheless.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    served.farm.answer_kept();
    let answer = loop {
        let answer = keyed(&served, "PUT", PATH, "k", BODY).await;
        if answer.status != 409 {
            break answer;
        }
    };
    assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    assert_eq!(answer.json()["applied_tick"], testing::FIRST_TICK + 1);
    assert_eq!(served.farm.letters().len(), 1);
}

#[tokio::test]
async fn what_was_not_decided_is_tried_again() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Busy);
    keyed(&served, "PUT", PATH, "k", BODY).await.problem(503, "busy");
    served.farm.set_temper(Temper::Good);
    let answer = keyed(&served, "PUT", PATH, "k", BODY).await;
    assert_eq!((answer.status, answer.header("idempotency-replayed")), (200, None));
}

#[tokio::test]
async fn a_dry_run_and_the_real_thing_are_two_requests() {
    let served = testing::serve().await;
    let dry = keyed(&served, "PUT", &format!("{PATH}?dry_run=true"), "k", BODY).await;
    assert_eq!(dry.json()["dry_run"], true);
    keyed(&served, "PUT", PATH, "k", BODY).await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn every_write_documents_the_key() {
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let has_key =
                parameters.into_iter().any(|parameter| parameter["name"] == "Idempotency-Key");
            assert_eq!(has_key, method != "get", "{method} {path}");
            if has_key {
                for status in ["400", "409", "422"] {
                    let problems = &operation["responses"][status]["content"];
                    assert!(problems["application/problem+json"].is_object(), "{path} {status}");
                }
            }
        }
    }
}
