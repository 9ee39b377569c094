//! Dry runs: checked like the real thing, told what would change, and nothing changed.

use crate::testing::{self, Served};
use bess_core::command::{Rejection, Request};
use serde_json::{Value, json};

/// A change with its method, path under the base, and body.
type Change = (&'static str, &'static str, &'static str);

/// One good change of each kind that writes.
const CHANGES: [Change; 20] = [
    ("POST", "links", r#"{"name": "a", "effect": "drop"}"#),
    ("DELETE", "links", ""),
    ("POST", "units/1/points/force", r#"{"point": "main/12", "value": 1}"#),
    ("POST", "farm/points/release", "{}"),
    ("PATCH", "units/1/control", r#"{"heartbeat": 1}"#),
    ("PUT", "units/1/mode", r#"{"mode": "pq"}"#),
    ("PATCH", "units/1/functions", r#"{"volt_var": {"response_s": 5}}"#),
    ("POST", "units/1/racks/1/commands", r#"{"action": "connect"}"#),
    ("PATCH", "farm/plant", r#"{"enabled": true}"#),
    ("POST", "grid/disturbances", r#"{"kind": "outage"}"#),
    ("DELETE", "grid/disturbances", ""),
    ("POST", "grid/loads/1", r#"{"fed": true}"#),
    ("PUT", "farm/setpoint", r#"{"active_power_w": 1}"#),
    ("DELETE", "farm/setpoint", ""),
    ("POST", "farm/commands", r#"{"action": "stop"}"#),
    ("POST", "farm/setpoints", r#"{"setpoints": [{"unit": 1, "active_power_w": 1}]}"#),
    ("POST", "alarms/reset", "{}"),
    ("PUT", "units/1/setpoint", r#"{"active_power_w": 1}"#),
    ("POST", "units/1/commands", r#"{"action": "stop"}"#),
    ("PATCH", "clock", r#"{"mode": "paused"}"#),
];

async fn tried(served: &Served, method: &str, path: &str, body: &str) -> Value {
    let publication = served.farm.now().publication;
    let answer = served.send(method, &format!("{path}?dry_run=true"), body).await;
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
    assert_eq!(served.farm.now().publication, publication, "{path}");
    let answer = answer.json();
    assert_eq!(answer["dry_run"], true);
    assert_eq!(answer.get("applied_tick"), None);
    assert_eq!(answer["tick"], served.farm.now().tick.0);
    answer
}

fn change(resource: &str, field: &str, before: Value, after: Value) -> Value {
    let resource = format!("/api/v1/{resource}");
    let mut change = json!({"resource": resource, "field": field});
    (change["before"], change["after"]) = (before, after);
    change
}

#[tokio::test]
async fn every_write_can_be_tried_and_then_posts_nothing_but_a_check() {
    let served = testing::serve().await;
    for (method, path, body) in CHANGES {
        tried(&served, method, path, body).await;
    }
    let letters = served.farm.letters();
    // The clock is checked without the loop.
    assert_eq!(letters.len(), CHANGES.len() - 1);
    assert!(letters.iter().all(|letter| matches!(letter, Request::Check(_))), "{letters:?}");
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    let operations = document["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|item| item.as_object().unwrap().values());
    let takes = |operation: &&Value| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|parameter| parameter["name"] == "dry_run")
    };
    // Forcing and releasing are there for the plant and for units; one link can be cleared by its name.
    assert_eq!(operations.filter(takes).count(), CHANGES.len() + 3);
}

#[tokio::test]
async fn a_read_takes_no_dry_run() {
    let served = testing::serve().await;
    for path in ["farm", "units/1", "units/1/cells"] {
        let answer = served.ask("GET", &format!("/api/v1/{path}?dry_run=true")).await;
        assert_eq!(answer.problem(400, "bad_parameter")["field"], "dry_run", "{path}");
    }
    let answer = served.send("PUT", "farm/setpoint?dry_run=perhaps", "{}").await;
    assert_eq!(answer.problem(400, "bad_parameter")["allowed"], json!(["true", "false"]));
}

#[tokio::test]
async fn it_says_which_settings_would_change() {
    let served = testing::serve().await;
    let body = r#"{"discharge_limit_pct": 40, "watchdog": {"timeout_s": 60}, "soc_min": 0}"#;
    let answer = tried(&served, "PATCH", "units/3/control", body).await;
    let changes = answer["changes"].as_array().unwrap();
    assert!(changes.contains(&change(
        "units/3",
        "control.discharge_limit_pct",
        Value::Null,
        json!(40.0)
    )));
    let fields: Vec<&str> = changes.iter().map(|c| c["field"].as_str().unwrap()).collect();
    assert!(fields.iter().any(|field| field.starts_with("control.watchdog.")), "{fields:?}");
    assert!(!fields.contains(&"control.soc_min"), "as it is already");

    let body = r#"{"active_power_pct": 10, "strategy": "equalise_soc"}"#;
    let answer = tried(&served, "PUT", "farm/setpoint", body).await;
    let strategy = change("farm/plant", "strategy", json!("available"), json!("equalise_soc"));
    let setpoint = change("farm", "setpoint_active_power_w", Value::Null, json!(2.5e6));
    assert_eq!(answer["changes"], json!([strategy, setpoint]));

    let answer = tried(&served, "PATCH", "clock", r#"{"mode": "paused", "speed": 2}"#).await;
    let mode = change("clock", "mode", json!("running"), json!("paused"));
    let speed = change("clock", "speed", json!(1.0), json!(2.0));
    assert_eq!(answer["changes"], json!([mode, speed]));

    let body = r#"{"volt_var": {"response_s": 7.5}}"#;
    let answer = tried(&served, "PATCH", "units/2/functions", body).await;
    assert_eq!(answer["changes"][0]["resource"], "/api/v1/units/2/functions");
    assert_eq!(answer["changes"][0]["field"], "volt_var.response_s");
    assert_eq!(answer["changes"][0]["after"], 7.5);

    let answer = tried(&served, "POST", "links", r#"{"name": "a", "effect": "drop"}"#).await;
    assert_eq!(answer["changes"][0]["field"], "a");
    assert_eq!(answer["changes"][0]["after"]["effect"], "drop");

    let answer = tried(&served, "POST", "units/1/commands", r#"{"action": "local"}"#).await;
    assert_eq!(answer["changes"], json!([change("units/1", "local", json!(false), json!(true))]));
    let answer = tried(&served, "POST", "units/1/commands", r#"{"action": "stop"}"#).await;
    assert_eq!(answer["changes"], json!([]));
}

#[tokio::test]
async fn what_it_announces_is_what_then_happens() {
    let served = testing::serve().await;
    for (method, path, body) in [
        ("PATCH", "units/3/control", r#"{"discharge_limit_pct": 40, "soc_max": 0.5}"#),
        ("PUT", "units/3/setpoint", r#"{"active_power_w": 5000}"#),
        ("PATCH", "units/3/functions", r#"{"volt_var": {"response_s": 7.5}}"#),
        ("PUT", "farm/setpoint", r#"{"active_power_pct": -10}"#),
        ("PATCH", "farm/plant", r#"{"ramp_pct_per_min": 20}"#),
        ("PATCH", "clock", r#"{"speed": 3}"#),
    ] {
        let answer = tried(&served, method, path, body).await;
        let changes = answer["changes"].as_array().unwrap();
        assert!(!changes.is_empty(), "{path}");
        served.apply(method, path, body).await;
        for change in changes {
            let resource = change["resource"].as_str().unwrap();
            let shown = served.ask("GET", resource).await.json();
            let pointer = format!("/{}", change["field"].as_str().unwrap().replace('.', "/"));
            assert_eq!(shown.pointer(&pointer), Some(&change["after"]), "{path}: {change}");
        }
    }
}

#[tokio::test]
async fn a_dry_run_is_refused_as_the_real_thing_and_leaves_no_record() {
    let served = testing::serve().await;
    for (body, slug) in [
        (r#"{"active_power_w": 1e9}"#, "out_of_range"),
        (r#"{"active_power_kw": 1}"#, "unknown_field"),
        (r#"{"active_power_w": 1, "active_power_pct": 1}"#, "contradiction"),
    ] {
        let answer = served.send("PUT", "units/1/setpoint?dry_run=true", body).await;
        let mut dry = answer.problem(422, slug);
        assert!(served.farm.refusals().is_empty(), "{body}");
        let real = served.send("PUT", "units/1/setpoint?dry_run=false", body).await;
        let mut real = real.problem(422, slug);
        // Each request has an id of its own.
        assert_ne!(dry["request_id"].take(), real["request_id"].take());
        assert_eq!(dry, real);
        served.farm.forget();
    }
    served.farm.reject(Rejection::Local { unit: 1 });
    let body = r#"{"active_power_w": 1}"#;
    let answer = served.send("PUT", "units/1/setpoint?dry_run=true", body).await;
    answer.problem(409, "local_control");
}
