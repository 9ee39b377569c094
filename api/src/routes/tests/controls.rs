//! Control settings, modes, functions, the plant controller and the grid: what is applied, and what is
//! refused with nothing changed.

use crate::testing::{self, Served};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel};
use bess_core::command::{
    Command, ControlChange, ControlSource, RackAction, Rejection, Request, UnitAction,
};
use bess_core::control::{
    CapacityChange, EnterServiceChange, FunctionName, FunctionSet, HeartbeatKind, LossAction,
    ReversionChange, WatchdogChange, WatchdogSettings,
};
use bess_core::id::UnitId;
use bess_core::spec::{Disturbance, DisturbanceKind};
use serde_json::{Value, json};

fn unit(number: u32) -> UnitId {
    UnitId::from_number(number).unwrap()
}

/// The only command that the farm got.
fn command(served: &Served) -> Command {
    let mut letters = served.farm.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    match letters.remove(0) {
        Request::Control(command) => command,
        other => panic!("{other:?}"),
    }
}

/// Sends a change that the edge refuses itself: the farm is asked nothing, and told of it once.
async fn refused_here(change: (&str, &str, &str), slug: &str) -> Value {
    let served = testing::serve().await;
    let (method, path, body) = change;
    let problem = served.send(method, path, body).await.problem(422, slug);
    assert!(served.farm.letters().is_empty(), "{change:?}");
    let refusals = served.farm.refusals();
    assert_eq!(refusals.len(), 1, "{change:?}");
    assert_eq!(refusals[0].1, body);
    assert_eq!(refusals[0].2, problem["detail"].as_str().unwrap());
    problem
}

/// Sends a change that the loop refuses: nothing is published, and the edge tells it nothing more.
async fn refused_by_the_loop(change: (&str, &str, &str), slug: &str) -> Value {
    let served = testing::serve().await;
    let publication = served.farm.now().publication;
    let (method, path, body) = change;
    let problem = served.send(method, path, body).await.problem(422, slug);
    assert_eq!(served.farm.now().publication, publication, "{change:?}");
    assert!(served.farm.refusals().is_empty(), "{change:?}");
    problem
}

#[tokio::test]
async fn control_settings_change_together_and_a_watch_keeps_what_is_not_named() {
    let served = testing::serve().await;
    let present =
        WatchdogSettings { timeout_s: 30.0, extra_s: 20.0, ..WatchdogSettings::default() };
    served.farm.publish(|next| next.units[2].control.watchdog = present);
    let body = r#"{"charge_limit_pct": 80, "discharge_limit_pct": null, "soc_reserve": 0.1,
        "watchdog": {"timeout_s": 60, "kind": "increment", "action": "standby"},
        "reversion": {"active_power": {"time_s": 90, "enabled": true, "absolute": 1000}},
        "heartbeat": 7}"#;
    served.apply("PATCH", "units/3/control", body).await;
    // What the body does not name is not written.
    let watchdog = WatchdogChange {
        timeout_s: Some(60.0),
        kind: Some(HeartbeatKind::Increment),
        action: Some(LossAction::Standby),
        ..WatchdogChange::default()
    };
    let reversion = ReversionChange {
        time_s: Some(90),
        enabled: Some(true),
        absolute: Some(1000.0),
        ..ReversionChange::default()
    };
    let change = ControlChange {
        charge_limit_pct: Some(80.0),
        discharge_limit_enabled: Some(false),
        soc_reserve: Some(0.1),
        watchdog,
        active_reversion: reversion,
        controller_heartbeat: Some(7),
        ..ControlChange::default()
    };
    assert_eq!(command(&served), Command::ControlUnit { unit: unit(3), change });
    let shown = served.get("units/3").await;
    let watch = &shown["control"]["watchdog"];
    assert_eq!((&watch["timeout_s"], &watch["extra_s"]), (&json!(60.0), &json!(20.0)));
    assert_eq!((&watch["kind"], &watch["state"]), (&json!("increment"), &json!("disabled")));
    assert_eq!(shown["control"]["reversion"]["active_power"]["time_s"], 90);
    assert_eq!(shown["control"]["charge_limit_pct"], 80.0);
}

#[tokio::test]
async fn a_unit_is_rated_down_and_its_service_is_set_and_both_are_shown() {
    let served = testing::serve().await;
    let shown = served.get("units/3").await;
    assert_eq!(shown["control"]["capacity"]["active_max_w"], shown["rating"]["active_power_w"]);
    assert_eq!(shown["control"]["enter_service"]["permitted"], true);
    let body = r#"{"capacity": {"active_max_w": 2e6, "reactive_absorbed_max_var": 5e5},
        "enter_service": {"permitted": false, "delay_s": 60, "frequency_max_hz": 50.2}}"#;
    served.apply("PATCH", "units/3/control", body).await;
    let change = ControlChange {
        capacity: CapacityChange {
            active_max_w: Some(2e6),
            reactive_absorbed_max_var: Some(5e5),
            ..CapacityChange::default()
        },
        enter_service: EnterServiceChange {
            permitted: Some(false),
            delay_s: Some(60.0),
            frequency_max_hz: Some(50.2),
            ..EnterServiceChange::default()
        },
        ..ControlChange::default()
    };
    assert_eq!(command(&served), Command::ControlUnit { unit: unit(3), change });
    let control = &served.get("units/3").await["control"];
    assert_eq!(control["capacity"]["active_max_w"], 2e6);
    assert_eq!(control["capacity"]["discharge_max_w"], 2.5e6);
    let enter = &control["enter_service"];
    assert_eq!((&enter["permitted"], &enter["delay_s"]), (&json!(false), &json!(60.0)));
    assert_eq!((&enter["ramp_s"], &enter["frequency_max_hz"]), (&json!(300.0), &json!(50.2)));
}

#[tokio::test]
async fn a_mode_operates_the_unit_or_leaves_one_function_on() {
    let functions = |set| ControlChange { functions: Some(set), ..ControlChange::default() };
    let only = |function| FunctionSet::default().with(function);
    let operate = |action| Command::OperateUnit { unit: unit(1), action };
    let control = |set| Command::ControlUnit { unit: unit(1), change: functions(set) };
    for (body, expected) in [
        (r#"{"mode": "off"}"#, operate(UnitAction::Stop)),
        (r#"{"mode": "standby"}"#, operate(UnitAction::EnterStandby)),
        (r#"{"mode": "maintenance"}"#, operate(UnitAction::EnterMaintenance)),
        (r#"{"mode": "pq"}"#, control(FunctionSet::default())),
        (r#"{"mode": "volt_var"}"#, control(only(FunctionName::VoltVar))),
        (r#"{"mode": "fast_frequency_response"}"#, control(only(FunctionName::FrequencyResponse))),
        (
            r#"{"functions": ["volt_var", "frequency_droop"]}"#,
            control(only(FunctionName::VoltVar).with(FunctionName::FrequencyDroop)),
        ),
    ] {
        let served = testing::serve().await;
        served.apply("PUT", "units/1/mode", body).await;
        assert_eq!(command(&served), expected, "{body}");
    }
}

#[tokio::test]
async fn a_mode_that_is_unknown_or_contradicts_itself_is_refused_with_what_is_allowed() {
    let change = ("PUT", "units/1/mode", r#"{"mode": "turbo"}"#);
    let problem = refused_here(change, "out_of_range").await;
    assert_eq!((&problem["field"], &problem["value"]), (&json!("mode"), &json!("turbo")));
    assert_eq!(problem["allowed"], json!(crate::wire::MODES));
    let change = ("PUT", "units/1/mode", r#"{"functions": ["volt_war"]}"#);
    assert_eq!(refused_here(change, "out_of_range").await["value"], "volt_war");
    for body in [r#"{"functions": ["volt_var", "watt_var"]}"#, r#"{"mode": "pq", "functions": []}"#]
    {
        let problem = refused_here(("PUT", "units/1/mode", body), "contradiction").await;
        assert_eq!(problem["field"], "functions", "{body}");
    }
    refused_here(("PUT", "units/1/mode", "{}"), "bad_field").await;
}

#[tokio::test]
async fn bad_control_settings_are_refused_with_their_field() {
    for (body, slug, field) in [
        ("{}", "bad_field", "discharge_limit_pct"),
        (r#"{"ramp": 5}"#, "unknown_field", "ramp"),
        (r#"{"watchdog": {"timeout": 5}}"#, "unknown_field", "watchdog.timeout"),
        (r#"{"watchdog": {"action": "panic"}}"#, "out_of_range", "watchdog.action"),
        (r#"{"watchdog": {"kind": 3}}"#, "bad_field", "watchdog.kind"),
        (r#"{"priority": "both"}"#, "out_of_range", "priority"),
        (r#"{"heartbeat": -1}"#, "bad_field", "heartbeat"),
        (r#"{"soc_min": null}"#, "bad_field", "soc_min"),
        (r#"{"capacity": {"active_max_kw": 1}}"#, "unknown_field", "capacity.active_max_kw"),
        (r#"{"enter_service": {}}"#, "bad_field", "discharge_limit_pct"),
    ] {
        let problem = refused_here(("PATCH", "units/1/control", body), slug).await;
        assert_eq!(problem["field"], field, "{body}");
    }
    for (body, field, max) in [
        (r#"{"charge_limit_pct": 101}"#, "charge_limit_pct", 100.0),
        (r#"{"soc_max": 1.5}"#, "soc_max", 1.0),
        (r#"{"watchdog": {"timeout_s": 1e6}}"#, "watchdog.timeout_s", 86_400.0),
        (r#"{"watchdog": {"value_w": 9e6}}"#, "watchdog.value_w", 2.5e6),
        (r#"{"capacity": {"charge_max_w": 9e6}}"#, "capacity.charge_max_w", 2.5e6),
        (r#"{"capacity": {"apparent_max_va": 0}}"#, "capacity.apparent_max_va", 2.75e6),
        (r#"{"enter_service": {"ramp_s": -1}}"#, "enter_service.ramp_s", 3600.0),
        (r#"{"enter_service": {"frequency_min_hz": 51}}"#, "enter_service.frequency_min_hz", 50.0),
    ] {
        let change = ("PATCH", "units/1/control", body);
        let problem = refused_by_the_loop(change, "out_of_range").await;
        assert_eq!(problem["field"], field, "{body}");
        assert_eq!(problem["allowed"]["max"], max, "{body}");
    }
}

#[tokio::test]
async fn functions_are_shown_and_changed_in_part() {
    let served = testing::serve().await;
    let body = r#"{"volt_var": {"response_s": 7},
        "frequency_response": {"preset": "fcr", "contract_w": 1e6}}"#;
    served.apply("PATCH", "units/2/functions", body).await;
    let shown = served.get("units/2/functions").await;
    assert_eq!(shown["volt_var"]["response_s"], 7.0);
    assert_eq!(shown["volt_var"]["points"][0], json!([0.92, 1.0]));
    assert_eq!(shown["frequency_response"]["name"], "fcr");
    assert_eq!(shown["frequency_response"]["contract_w"], 1e6);
    assert_eq!(shown["schedule"], Value::Null);
    assert_eq!(shown["on"], json!([]));
    let other = served.get("units/1/functions").await;
    assert_eq!(other["volt_var"]["response_s"], 5.0);
    let body = r#"{"frequency_response": {"full_s": 1}}"#;
    served.apply("PATCH", "units/2/functions", body).await;
    let shown = served.get("units/2/functions").await;
    assert_eq!(shown["frequency_response"]["name"], "custom");
    assert_eq!(shown["frequency_response"]["contract_w"], 1e6);
}

#[tokio::test]
async fn trips_are_shown_and_changed_side_by_side() {
    let served = testing::serve().await;
    let before = served.get("units/2/functions").await;
    assert_eq!(before["trips"]["under_voltage"]["points"], json!([[0.5, 2.0], [0.88, 21.0]]));
    assert_eq!(before["trips"]["over_frequency"]["enabled"], true);
    let body = r#"{"trips": {"under_voltage": {"points": [[0.9, 3], [0.7, 0.5]]},
        "over_frequency": {"enabled": false}, "cessation_below_pu": 0.4}}"#;
    served.apply("PATCH", "units/2/functions", body).await;
    let trips = &served.get("units/2/functions").await["trips"];
    assert_eq!(trips["under_voltage"]["points"], json!([[0.9, 3.0], [0.7, 0.5]]));
    assert_eq!(trips["under_voltage"]["enabled"], true);
    assert_eq!(trips["over_frequency"]["enabled"], false);
    assert_eq!(trips["over_frequency"]["points"], before["trips"]["over_frequency"]["points"]);
    assert_eq!(trips["over_voltage"], before["trips"]["over_voltage"]);
    assert_eq!(trips["cessation_below_pu"], 0.4);
    for (body, slug, field) in [
        (
            r#"{"trips": {"over_voltage": {"points": [[0.9, 1]]}}}"#,
            "not_possible",
            "trips.over_voltage",
        ),
        (
            r#"{"trips": {"under_frequency": {"points": [[39, 1]]}}}"#,
            "not_possible",
            "trips.under_frequency",
        ),
        (r#"{"trips": {"cessation_below_pu": 1}}"#, "out_of_range", "trips.cessation_below_pu"),
    ] {
        let problem = refused_by_the_loop(("PATCH", "units/1/functions", body), slug).await;
        assert_eq!(problem["field"], field, "{body}");
    }
    let change = ("PATCH", "units/1/functions", r#"{"trips": {}}"#);
    assert_eq!(refused_here(change, "bad_field").await["field"], "frequency_droop");
}

#[tokio::test]
async fn a_curve_that_is_not_monotone_is_refused_and_changes_nothing() {
    for (body, field) in [
        (r#"{"volt_var": {"points": [[1.0, 1], [0.9, 0]]}}"#, "volt_var"),
        (r#"{"volt_var": {"points": [[0.9, 0], [1.0, 1]]}}"#, "volt_var"),
        (r#"{"volt_watt": {"points": [[1.0, 1]]}}"#, "volt_watt"),
    ] {
        let change = ("PATCH", "units/1/functions", body);
        let problem = refused_by_the_loop(change, "not_possible").await;
        assert_eq!(problem["field"], field, "{body}");
    }
    for (body, slug, field) in [
        (r#"{"frequency_response": {"preset": "x"}}"#, "out_of_range", "frequency_response.preset"),
        (r#"{"schedule": {"rows": [[5, 1], [5, 2]]}}"#, "not_possible", "schedule.rows"),
        (r#"{"volt_var": {"points": [[1, 2, 3]]}}"#, "bad_field", "volt_var.points[0]"),
        (r#"{"volt_war": {}}"#, "unknown_field", "volt_war"),
        ("{}", "bad_field", "frequency_droop"),
    ] {
        let problem = refused_here(("PATCH", "units/1/functions", body), slug).await;
        assert_eq!(problem["field"], field, "{body}");
    }
}

#[tokio::test]
async fn the_plant_controller_is_shown_and_changed() {
    let served = testing::serve().await;
    let body = r#"{"strategy": "sticky", "ramp_pct_per_min": 30,
        "frequency_response": {"preset": "fcr"}}"#;
    served.apply("PATCH", "farm/plant", body).await;
    let shown = served.get("farm/plant").await;
    assert_eq!((&shown["enabled"], &shown["strategy"]), (&json!(true), &json!("sticky")));
    assert!((shown["ramp_pct_per_min"].as_f64().unwrap() - 30.0).abs() < 1e-9);
    assert_eq!(shown["frequency_response"]["name"], "fcr");
    assert_eq!(shown["peak_shaving"], Value::Null);
    let body = r#"{"frequency_response": null, "ramp_pct_per_min": null}"#;
    served.apply("PATCH", "farm/plant", body).await;
    let shown = served.get("farm/plant").await;
    assert_eq!(shown["frequency_response"], Value::Null);
    assert_eq!(shown["ramp_pct_per_min"], Value::Null);
    for (body, slug, field) in [
        ("{}", "bad_field", "enabled"),
        (r#"{"strategy": "greedy"}"#, "out_of_range", "strategy"),
        (r#"{"priority": [11]}"#, "out_of_range", "priority"),
        (r#"{"priority": [1, 1]}"#, "contradiction", "priority"),
        (r#"{"volt_var": {"response_s": 5}}"#, "bad_field", "volt_var.points"),
        (r#"{"frequency_response": {"full_s": 5}}"#, "bad_field", "frequency_response.preset"),
        (r#"{"ramp": 5}"#, "unknown_field", "ramp"),
    ] {
        let problem = refused_here(("PATCH", "farm/plant", body), slug).await;
        assert_eq!(problem["field"], field, "{body}");
    }
}

#[tokio::test]
async fn the_grid_is_shown_disturbed_and_its_loads_are_fed() {
    let served = testing::serve().await;
    served.farm.publish(|next| next.farm.voltage_pu = 0.5);
    let grid = served.get("grid").await;
    assert_eq!((&grid["kind"], &grid["energised"]), (&json!("stiff"), &json!(true)));
    assert_eq!(grid["loads"][0]["name"], "village");
    let body = r#"{"kind": "voltage", "value": 0.5, "duration_s": 0.12}"#;
    served.apply("POST", "grid/disturbances", body).await;
    let kind = DisturbanceKind::Voltage(0.5);
    assert_eq!(command(&served), Command::Disturb(Disturbance { kind, duration_s: 0.12 }));
    served.apply("POST", "grid/loads/1", r#"{"fed": true}"#).await;
    let fed = Request::Control(Command::PickUpLoad { load_idx: 0, fed: true });
    assert_eq!(served.farm.letters()[1], fed);
    served.apply("DELETE", "grid/disturbances", "").await;
    let ended = Request::Control(Command::EndDisturbances { kind: None });
    assert_eq!(served.farm.letters()[2], ended);
    let answer = served.send("POST", "grid/loads/2", r#"{"fed": true}"#).await;
    assert_eq!(answer.problem(404, "no_such_load")["field"], "load");
    for (body, slug, field) in [
        (r#"{"kind": "storm"}"#, "out_of_range", "kind"),
        (r#"{"kind": "voltage"}"#, "bad_field", "value"),
        (r#"{"kind": "voltage", "value": 2.5}"#, "out_of_range", "value"),
        (r#"{"kind": "outage", "value": 1}"#, "contradiction", "value"),
        (r#"{"kind": "outage", "duration_s": 0}"#, "out_of_range", "duration_s"),
        (r#"{"kind": "phase_jump", "value": 30, "duration_s": 1}"#, "contradiction", "duration_s"),
        (r#"{"kind": "outage", "at": 5}"#, "unknown_field", "at"),
    ] {
        let problem = refused_here(("POST", "grid/disturbances", body), slug).await;
        assert_eq!(problem["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_rack_is_taken_out_and_put_back() {
    let served = testing::serve().await;
    served.apply("POST", "units/2/racks/12/commands", r#"{"action": "connect"}"#).await;
    let action = RackAction::Connect;
    assert_eq!(command(&served), Command::OperateRack { unit: unit(2), rack_idx: 11, action });
    let racks = served.get("units/2/racks").await;
    assert_eq!(racks["racks"][11]["enabled"], true);
    let contactors = json!({"negative": false, "precharge": false, "positive": false});
    assert_eq!(racks["racks"][11]["contactors"], contactors);
    for rack in ["0", "13", "x"] {
        let path = format!("units/2/racks/{rack}/commands");
        let answer = served.send("POST", &path, r#"{"action": "connect"}"#).await;
        assert_eq!(answer.problem(404, "no_such_rack")["field"], "rack");
    }
    let change = ("POST", "units/2/racks/1/commands", r#"{"action": "eject"}"#);
    assert_eq!(
        refused_here(change, "out_of_range").await["allowed"],
        json!(["connect", "disconnect"])
    );
}

#[tokio::test]
async fn a_request_at_the_panel_comes_from_there_and_says_its_route() {
    let served = testing::serve().await;
    served.apply("PUT", "units/1/setpoint?panel=true", r#"{"active_power_w": 1}"#).await;
    served.apply("PATCH", "units/1/control?panel=true", r#"{"heartbeat": 1}"#).await;
    served.apply("PUT", "units/1/mode?panel=false", r#"{"mode": "pq"}"#).await;
    let body = r#"{"action": "stop", "panel": true}"#;
    served.apply("POST", "units/unit-001/commands", body).await;
    let origins = served.farm.origins();
    let sources: Vec<ControlSource> = origins.iter().map(|origin| origin.source).collect();
    let (local, rest) = (ControlSource::Local, ControlSource::Rest);
    assert_eq!(sources, [local, local, rest, local]);
    let via: Vec<&str> = origins.iter().filter_map(|origin| origin.via.as_deref()).collect();
    let routes = [
        "PUT /api/v1/units/{id}/setpoint",
        "PATCH /api/v1/units/{id}/control",
        "PUT /api/v1/units/{id}/mode",
        "POST /api/v1/units/{id}/commands",
    ];
    assert_eq!(via, routes);
}

#[tokio::test]
async fn any_request_to_a_unit_is_noted_but_none_to_the_farm() {
    let served = testing::serve().await;
    served.get("units/4").await;
    served.get("units/4/racks").await;
    served.get("farm").await;
    assert_eq!(served.farm.noted(), [unit(4), unit(4)]);
}

#[tokio::test]
async fn what_the_loop_refuses_for_its_state_is_a_conflict_that_says_why() {
    let key = AlarmKey::rack(AlarmCode::CellOverVoltage, AlarmLevel::Critical, 4);
    let leased = Rejection::Leased { unit: 1, holder: "modbus 10.0.0.1".into(), remaining_s: 7.5 };
    for (rejection, slug, pointer, value) in [
        (Rejection::Local { unit: 1 }, "local_control", "/field", json!("panel")),
        (leased.clone(), "leased", "/holder", json!("modbus 10.0.0.1")),
        (leased, "leased", "/remaining_s", json!(7.5)),
        (
            Rejection::ResetRefused { unit: 1, alarm: key },
            "reset_refused",
            "/alarm",
            json!({"code": "cell_over_voltage", "level": "critical", "rack": 5}),
        ),
    ] {
        let served = testing::serve().await;
        served.farm.reject(rejection);
        let body = r#"{"action": "reset_alarms"}"#;
        let answer = served.send("POST", "units/1/commands", body).await;
        assert_eq!(answer.problem(409, slug).pointer(pointer), Some(&value));
        assert!(served.farm.refusals().is_empty(), "its audit has it already");
    }
}

#[tokio::test]
async fn the_farm_is_told_of_writes_that_did_not_reach_it_but_of_nothing_else() {
    let served = testing::serve().await;
    served.send("PUT", "units/unit-002/setpoint", "{").await.problem(400, "malformed_json");
    served.send("PUT", "units/99/setpoint", "{}").await.problem(404, "no_such_unit");
    served.send("PATCH", "clock", r#"{"speed": -1}"#).await.problem(422, "out_of_range");
    served.ask("GET", "/api/v1/units?limit=0").await.problem(400, "bad_parameter");
    served.send("PUT", "units/1", "{}").await.problem(405, "wrong_method");
    let refusals = served.farm.refusals();
    let told: Vec<_> = refusals.iter().map(|(unit, what, _)| (*unit, what.as_str())).collect();
    assert_eq!(told, [(Some(unit(2)), "{"), (None, "")]);
}
