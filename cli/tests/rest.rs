//! Writing by REST to a farm that lives: once for a key, tried without a trace, all or none.

mod common;

use common::{Farm, SMALL_FARM, file, folder};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

/// Sends one request on a connection of its own; returns status, whether it was replayed, and body.
fn send(farm: &Farm, method: &str, path: &str, headers: &str, body: &str) -> (u16, bool, Value) {
    let mut stream = TcpStream::connect(farm.address("api")).expect("the API listens");
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: bess\r\nconnection: close\r\n\
         content-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).expect("the request is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let is_replay = head.to_ascii_lowercase().contains("idempotency-replayed: true");
    (status, is_replay, serde_json::from_str(body).expect("a JSON body"))
}

fn writes(farm: &Farm) -> Vec<Value> {
    let (_, body) = farm.get("/api/v1/writes?limit=1000").expect("the audit");
    body["writes"].as_array().expect("a list").clone()
}

#[test]
fn of_many_writes_with_one_key_at_once_one_is_applied_and_the_audit_has_it_once() {
    let folder = folder();
    let farm = Farm::start(&["--farm", &file(&folder, "farm.toml", SMALL_FARM)]);
    let path = "/api/v1/units/2/setpoint";
    let key = "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324\r\n";
    let ask = || send(&farm, "PUT", path, key, r#"{"active_power_w": 10}"#);
    let answers: Vec<_> = thread::scope(|scope| {
        let tasks: Vec<_> = (0..24).map(|_| scope.spawn(ask)).collect();
        tasks.into_iter().map(|task| task.join().expect("an answer")).collect()
    });
    let first = answers.iter().find(|(status, is_replay, _)| *status == 200 && !is_replay);
    let (_, _, first) = first.expect("one is applied");
    for (status, is_replay, body) in &answers {
        match status {
            200 => assert_eq!(body, first, "every answer is that of the first"),
            409 => assert_eq!(body["type"], "urn:bess:problem:idempotency_key_in_use"),
            other => panic!("{other}: {body}"),
        }
        assert!(*status == 200 || !is_replay);
    }
    assert_eq!(answers.iter().filter(|(s, replay, _)| *s == 200 && !replay).count(), 1);
    assert!(ask().1, "who comes later hears the same");
    let applied = writes(&farm);
    let applied = applied.iter().filter(|write| write["reason"].is_null());
    assert_eq!(applied.count(), 1, "the audit has one application");
}

#[test]
fn a_dry_run_meets_the_farm_as_it_is_and_leaves_no_trace() {
    let folder = folder();
    let farm = Farm::start(&["--farm", &file(&folder, "farm.toml", SMALL_FARM)]);
    let dry = |path: &str, body: &str| {
        send(&farm, "POST", &format!("/api/v1/{path}?dry_run=true"), "", body)
    };
    let (status, _, body) = dry("units/1/commands", r#"{"action": "end_maintenance"}"#);
    assert_eq!((status, &body["type"]), (409, &json!("urn:bess:problem:wrong_state")));
    let (status, _, body) = dry("units/1/commands", r#"{"action": "black_start"}"#);
    assert_eq!(status, 409, "{body}");
    let (status, _, body) = dry("farm/commands", r#"{"action": "local"}"#);
    assert_eq!((status, &body["changes"][0]["field"]), (200, &json!("local")));
    let (_, unit) = farm.get("/api/v1/units/1").expect("the unit");
    assert_eq!(unit["local"], false);
    assert!(writes(&farm).is_empty());
}

#[test]
fn one_unit_that_must_refuse_refuses_a_whole_list() {
    let folder = folder();
    let farm = Farm::start(&["--farm", &file(&folder, "farm.toml", SMALL_FARM)]);
    let body = r#"{"action": "local"}"#;
    assert_eq!(send(&farm, "POST", "/api/v1/units/2/commands", "", body).0, 200);
    let body =
        r#"{"setpoints": [{"unit": 1, "active_power_w": 7}, {"unit": 2, "active_power_w": 7}]}"#;
    let (status, _, problem) = send(&farm, "POST", "/api/v1/farm/setpoints", "", body);
    assert_eq!((status, &problem["type"]), (409, &json!("urn:bess:problem:local_control")));
    let (_, unit) = farm.get("/api/v1/units/1").expect("the unit");
    assert_eq!(unit["control"]["active"]["enabled"], false, "nothing is applied in part");
}
