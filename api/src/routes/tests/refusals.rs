//! Refusals: the right status and words, and nothing changed.

use crate::ApiConfig;
use crate::testing::{self, Served, Temper};
use bess_core::command::UnitAction;
use bess_core::id::UnitId;
use bess_core::snapshot::UnitState;
use serde_json::{Value, json};
use std::time::Duration;

/// A change with its method, path under the base, and body.
type Change = (&'static str, &'static str, &'static str);

/// One good change of each kind.
const CHANGES: [Change; 17] = [
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
    ("PUT", "units/1/setpoint", r#"{"active_power_w": 1}"#),
    ("POST", "units/1/commands", r#"{"action": "stop"}"#),
    ("PATCH", "clock", r#"{"mode": "paused"}"#),
];

/// Sends a change, expects the problem, and that the farm got no letter.
async fn refused(served: &Served, change: Change, status: u16, slug: &str) -> Value {
    let publication = served.farm.now().publication;
    let n_letters = served.farm.letters().len();
    let (method, path, body) = change;
    let answer = served.send(method, path, body).await;
    let problem = answer.problem(status, slug);
    assert_eq!(served.farm.letters().len(), n_letters, "{change:?}");
    assert_eq!(served.farm.now().publication, publication, "{change:?}");
    problem
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_its_name() {
    let served = testing::serve().await;
    for (method, path, body, field) in [
        ("PUT", "farm/setpoint", r#"{"active_power_w": 1, "watts": 2}"#, "watts"),
        ("PUT", "units/1/setpoint", r#"{"active_power_kw": 1}"#, "active_power_kw"),
        ("POST", "units/1/commands", r#"{"action": "stop", "when": 1}"#, "when"),
        ("PATCH", "clock", r#"{"paused": true}"#, "paused"),
    ] {
        let problem = refused(&served, (method, path, body), 422, "unknown_field").await;
        assert_eq!(problem["field"], field, "{body}");
        // The detail lists what is known.
        assert!(problem["detail"].as_str().unwrap().contains("expected"));
    }
}

#[tokio::test]
async fn a_wrong_type_or_a_null_is_refused_with_the_name_of_its_field() {
    let served = testing::serve().await;
    for (method, path, body, field) in [
        ("PUT", "farm/setpoint", r#"{"active_power_w": "10 MW"}"#, "active_power_w"),
        ("PUT", "farm/setpoint", r#"{"active_power_w": null}"#, "active_power_w"),
        (
            "PUT",
            "farm/setpoint",
            r#"{"active_power_w": 1, "reactive_power_var": null}"#,
            "reactive_power_var",
        ),
        ("PUT", "units/1/setpoint", r#"{"active_power_pct": [50]}"#, "active_power_pct"),
        ("PUT", "units/1/setpoint", r#"{"reactive_power_pct": null}"#, "reactive_power_pct"),
        ("POST", "units/1/commands", r#"{"action": 1}"#, "action"),
        ("PATCH", "clock", r#"{"mode": true}"#, "mode"),
        ("PATCH", "clock", r#"{"speed": null}"#, "speed"),
        ("PATCH", "clock", r#"{"step_ticks": "5"}"#, "step_ticks"),
    ] {
        let problem = refused(&served, (method, path, body), 422, "bad_field").await;
        assert_eq!(problem["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_missing_or_doubled_field_is_refused_with_its_name() {
    let served = testing::serve().await;
    for (method, path, body, field) in [
        ("PUT", "farm/setpoint", "{}", "active_power_w"),
        ("PUT", "farm/setpoint", r#"{"reactive_power_var": 1}"#, "active_power_w"),
        ("PUT", "units/1/setpoint", "{}", "active_power_w"),
        ("POST", "units/1/commands", "{}", "action"),
        ("PATCH", "clock", "{}", "mode"),
        ("PUT", "farm/setpoint", r#"{"active_power_w": 1, "active_power_w": 2}"#, "active_power_w"),
    ] {
        let problem = refused(&served, (method, path, body), 422, "bad_field").await;
        assert_eq!(problem["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let served = testing::serve().await;
    for body in ["[1000000]", " [{}]", "[]", "7", "null", "\"stop\"", "true"] {
        for (method, path, _) in CHANGES {
            if method != "DELETE" {
                refused(&served, (method, path, body), 422, "bad_field").await;
            }
        }
    }
}

#[tokio::test]
async fn both_forms_of_a_setpoint_are_refused() {
    let served = testing::serve().await;
    for (body, field) in [
        (r#"{"active_power_w": 1, "active_power_pct": 1}"#, "active_power_pct"),
        (r#"{"reactive_power_var": 1, "reactive_power_pct": 1}"#, "reactive_power_pct"),
    ] {
        let change = ("PUT", "units/1/setpoint", body);
        let problem = refused(&served, change, 422, "contradiction").await;
        assert_eq!(problem["field"], field);
    }
    let change = ("PATCH", "clock", r#"{"mode": "running", "step_ticks": 3}"#);
    let problem = refused(&served, change, 422, "contradiction").await;
    assert_eq!(problem["field"], "mode");
}

#[tokio::test]
async fn a_value_that_the_loop_finds_out_of_range_comes_back_with_the_range() {
    let served = testing::serve().await;
    for (path, body, field, min, max, unit) in [
        (
            "units/1/setpoint",
            r#"{"active_power_w": 2500001}"#,
            "active_power_w",
            -2.5e6,
            2.5e6,
            "W",
        ),
        (
            "units/1/setpoint",
            r#"{"active_power_pct": -101}"#,
            "active_power_pct",
            -100.0,
            100.0,
            "%",
        ),
        (
            "units/1/setpoint",
            r#"{"reactive_power_var": 2e6}"#,
            "reactive_power_var",
            -1.21e6,
            1.21e6,
            "var",
        ),
        (
            "units/1/setpoint",
            r#"{"reactive_power_pct": 1e300}"#,
            "reactive_power_pct",
            -100.0,
            100.0,
            "%",
        ),
        ("farm/setpoint", r#"{"active_power_w": 2.6e7}"#, "active_power_w", -2.5e7, 2.5e7, "W"),
        (
            "farm/setpoint",
            r#"{"active_power_w": 0, "reactive_power_var": 1e9}"#,
            "reactive_power_var",
            -1.21e7,
            1.21e7,
            "var",
        ),
    ] {
        let before = served.farm.now();
        let answer = served.send("PUT", path, body).await;
        let problem = answer.problem(422, "out_of_range");
        assert_eq!(problem["field"], field, "{body}");
        assert!(problem["value"].is_number(), "{body}");
        assert_eq!(problem["allowed"], json!({"min": min, "max": max, "unit": unit}));
        assert_eq!(served.farm.now().publication, before.publication, "{body}");
    }
}

#[tokio::test]
async fn a_clock_change_with_one_bad_field_sends_nothing() {
    let served = testing::serve().await;
    for (body, field, min, max) in [
        (r#"{"mode": "paused", "speed": 0}"#, "speed", 0.01, 1e4),
        (r#"{"speed": 10001}"#, "speed", 0.01, 1e4),
        (r#"{"speed": 2, "mode": "paused", "step_ticks": 0}"#, "step_ticks", 1.0, 864_000.0),
        (r#"{"speed": 2, "step_ticks": 864001}"#, "step_ticks", 1.0, 864_000.0),
        (r#"{"speed": 2, "step_ticks": -1}"#, "step_ticks", 1.0, 864_000.0),
        (r#"{"speed": 2, "step_ticks": 1.5}"#, "step_ticks", 1.0, 864_000.0),
        (r#"{"speed": 2, "step_ticks": 1e30}"#, "step_ticks", 1.0, 864_000.0),
    ] {
        let problem = refused(&served, ("PATCH", "clock", body), 422, "out_of_range").await;
        assert_eq!(problem["field"], field, "{body}");
        assert_eq!(problem["allowed"]["min"], min, "{body}");
        assert_eq!(problem["allowed"]["max"], max, "{body}");
    }
    let change = ("PATCH", "clock", r#"{"speed": 2, "mode": "free"}"#);
    let problem = refused(&served, change, 422, "out_of_range").await;
    assert_eq!(problem["field"], "mode");
    assert_eq!(problem["allowed"], json!(["running", "paused"]));
}

#[tokio::test]
async fn an_unknown_action_is_refused_with_the_known_ones() {
    let served = testing::serve().await;
    let change = ("POST", "units/1/commands", r#"{"action": "explode"}"#);
    let problem = refused(&served, change, 422, "out_of_range").await;
    assert_eq!((&problem["field"], &problem["value"]), (&json!("action"), &json!("explode")));
    let known = UnitAction::ALL.map(|(name, _)| name);
    assert_eq!(problem["allowed"], json!(known));
}

#[tokio::test]
async fn an_action_that_the_state_forbids_is_a_conflict() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        testing::set_state(next, UnitId::from_idx(0), UnitState::Off);
        testing::set_state(next, UnitId::from_idx(1), UnitState::Fault);
    });
    let before = served.farm.now();
    for (path, action, state) in
        [("units/1/commands", "exit_standby", "off"), ("units/2/commands", "start", "fault")]
    {
        let body = format!(r#"{{"action": "{action}"}}"#);
        let answer = served.send("POST", path, &body).await;
        let problem = answer.problem(409, "wrong_state");
        assert_eq!((&problem["field"], &problem["value"]), (&json!("state"), &json!(state)));
    }
    assert_eq!(served.farm.now().publication, before.publication);
}

#[tokio::test]
async fn a_unit_that_does_not_exist_is_not_found_anywhere() {
    let served = testing::serve().await;
    for id in ["0", "11", "unit-011", "-1", "4294967296", "x%20y", "%C3%A4"] {
        for suffix in ["", "/racks", "/cells"] {
            let path = format!("/api/v1/units/{id}{suffix}");
            let problem = served.ask("GET", &path).await.problem(404, "no_such_unit");
            assert_eq!(problem["field"], "id", "{path}");
            assert_eq!(problem["allowed"], json!({"min": 1.0, "max": 10.0, "unit": ""}));
        }
    }
    // The unit is looked for before the body is read.
    for (method, path, body) in [
        ("PUT", "units/11/setpoint", r#"{"active_power_w": 1}"#),
        ("PUT", "units/11/setpoint", "{"),
        ("POST", "units/none/commands", r#"{"action": "stop"}"#),
    ] {
        refused(&served, (method, path, body), 404, "no_such_unit").await;
    }
    assert!(served.farm.letters().is_empty());
}

#[tokio::test]
async fn a_path_that_is_no_text_is_a_problem_too() {
    let served = testing::serve().await;
    let answer = served.ask("GET", "/api/v1/units/%FF").await;
    assert_eq!(answer.problem(400, "bad_parameter")["field"], "id");
}

#[tokio::test]
async fn what_is_no_json_is_a_bad_request() {
    let served = testing::serve().await;
    for body in ["", " ", "{", "active_power_w=5", "{'a': 1}", "{\"speed\": NaN}", "{} {}", "[1"] {
        for (method, path, _) in CHANGES {
            if method != "DELETE" {
                refused(&served, (method, path, body), 400, "malformed_json").await;
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_or_missing_content_type_is_refused() {
    let served = testing::serve().await;
    let body = r#"{"active_power_w": 1}"#;
    let path = "/api/v1/units/1/setpoint";
    let mut client = served.client().await;
    for headers in [
        &[("content-type", "text/plain")][..],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/jsonl")],
        &[],
    ] {
        let answer = client.ask("PUT", path, headers, body).await;
        let problem = answer.problem(415, "wrong_content_type");
        assert_eq!(problem["field"], "content-type");
        assert_eq!(problem["allowed"], json!(["application/json"]));
    }
    assert!(served.farm.letters().is_empty());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let config = ApiConfig { max_body_bytes: 100, ..ApiConfig::default() };
    let served = testing::serve_with(testing::snapshot_with(1), config).await;
    let body = |length: usize| format!("{:<length$}", r#"{"active_power_w": 1}"#);
    let answer = served.send("PUT", "farm/setpoint", &body(101)).await;
    let problem = answer.problem(413, "body_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("100 bytes"));
    assert!(served.farm.letters().is_empty());
    served.apply("PUT", "farm/setpoint", &body(100)).await;
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_with_the_known_ones() {
    let served = testing::serve().await;
    for path in [
        "farm",
        "units/1",
        "units/1/racks",
        "units/1/cells",
        "units/1/functions",
        "alarms",
        "events",
        "writes",
        "farm/plant",
        "grid",
        "services",
        "clock",
        "units",
        "endpoints",
        "stream",
        "history",
        "history/signals",
    ] {
        let answer = served.ask("GET", &format!("/api/v1/{path}?verbose=1")).await;
        let problem = answer.problem(400, "bad_parameter");
        assert_eq!(problem["field"], "verbose", "{path}");
        assert!(problem["allowed"].is_array(), "{path}");
    }
    let answer = served.ask("GET", "/api/v1/units?page=2").await;
    let problem = answer.problem(400, "bad_parameter");
    let known = problem["allowed"].as_array().unwrap();
    for name in ["from", "limit", "state", "soc_above", "sort", "fields", "format"] {
        assert!(known.contains(&json!(name)), "{name}");
    }
    for (method, path, body) in CHANGES {
        let answer = served.send(method, &format!("{path}?dry_run=1"), body).await;
        assert_eq!(answer.problem(400, "bad_parameter")["field"], "dry_run");
    }
    assert!(served.farm.letters().is_empty());
}

#[tokio::test]
async fn a_bad_or_doubled_parameter_is_refused_with_what_is_allowed() {
    let served = testing::serve().await;
    let range = |min: f64, max: f64, unit: &str| json!({"min": min, "max": max, "unit": unit});
    for (path, field, allowed) in [
        ("units?limit=0", "limit", range(1.0, 1000.0, "")),
        ("units?limit=1001", "limit", range(1.0, 1000.0, "")),
        ("units?limit=-1", "limit", range(1.0, 1000.0, "")),
        ("units?limit=", "limit", range(1.0, 1000.0, "")),
        ("units?from=1.5", "from", range(0.0, 100_000.0, "")),
        ("units?from=99999999999999999999", "from", range(0.0, 100_000.0, "")),
        ("units?state=RUNNING", "state", json!(UnitState::ALL.map(UnitState::name))),
        ("endpoints?format=xml", "format", json!(["json", "csv"])),
        ("stream?rate_hz=0", "rate_hz", range(0.01, 10.0, "")),
        ("stream?rate_hz=nan", "rate_hz", range(0.01, 10.0, "")),
        ("stream?max_events=0", "max_events", range(1.0, 1e6, "")),
        ("stream?for=1h", "for", range(0.1, 86_400.0, "s")),
        ("stream?for=inf", "for", range(0.1, 86_400.0, "s")),
        ("stream?units=yes", "units", json!(["true", "false"])),
    ] {
        let answer = served.ask("GET", &format!("/api/v1/{path}")).await;
        let problem = answer.problem(400, "bad_parameter");
        assert_eq!(problem["field"], field, "{path}");
        assert_eq!(problem["allowed"], allowed, "{path}");
        assert!(problem["value"].is_string(), "{path}");
    }
    let twice = served.ask("GET", "/api/v1/units?from=1&from=2").await;
    assert_eq!(twice.problem(400, "bad_parameter")["field"], "from");
}

#[tokio::test]
async fn a_busy_farm_says_when_to_try_again() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Busy);
    for (method, path, body) in CHANGES {
        let answer = served.send(method, path, body).await;
        answer.problem(503, "busy");
        assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
    }
    let cells = served.ask("GET", "/api/v1/units/1/cells").await;
    cells.problem(503, "busy");
    // Reads need no letter.
    served.get("farm").await;
}

#[tokio::test]
async fn a_farm_that_stops_says_so() {
    let served = testing::serve().await;
    served.farm.set_temper(Temper::Closed);
    for (method, path, body) in CHANGES {
        let answer = served.send(method, path, body).await;
        answer.problem(503, "closing");
        assert_eq!(answer.header("retry-after"), Some("5"), "{path}");
    }
}

#[tokio::test]
async fn a_loop_that_does_not_answer_is_a_timeout() {
    let config = ApiConfig {
        answer_timeout: Duration::from_millis(20),
        step_timeout: Duration::from_millis(30),
        ..ApiConfig::default()
    };
    let served = testing::serve_with(testing::snapshot_with(1), config).await;
    served.farm.set_temper(Temper::Silent);
    for (method, path, body) in CHANGES {
        let answer = served.send(method, path, body).await;
        let problem = answer.problem(504, "answer_timeout");
        assert!(problem["detail"].as_str().unwrap().contains("0.02 s"), "{problem}");
    }
    let cells = served.ask("GET", "/api/v1/units/1/cells").await;
    cells.problem(504, "answer_timeout");
    let step = served.send("PATCH", "clock", r#"{"step_ticks": 1}"#).await;
    let problem = step.problem(504, "answer_timeout");
    assert!(problem["detail"].as_str().unwrap().contains("0.03 s"), "{problem}");
}
