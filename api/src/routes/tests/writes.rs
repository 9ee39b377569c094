//! Changes that are applied.

use crate::testing::{self, FIRST_TICK};
use bess_core::command::{ClockCommand, Command, ControlChange, Request, SetpointMode, UnitAction};
use bess_core::id::UnitId;
use bess_core::units::{Vars, Watts};
use serde_json::{Value, json};

fn unit(number: u32) -> UnitId {
    UnitId::from_number(number).unwrap()
}

#[tokio::test]
async fn an_applied_change_says_when_and_a_read_that_follows_shows_it() {
    let served = testing::serve().await;
    let body = r#"{"active_power_w": 1250000}"#;
    let applied = served.apply("PUT", "units/3/setpoint", body).await;
    assert_eq!(applied["applied_tick"], FIRST_TICK + 1);
    assert_eq!(applied["tick"], FIRST_TICK + 1);
    assert_eq!(applied["publication"], FIRST_TICK + 2);
    assert_eq!(applied["simulation_time"], "2026-01-01T00:00:02.1Z");
    let shown = served.get("units/3").await;
    assert!(shown["tick"].as_u64() >= applied["applied_tick"].as_u64());
    assert!(shown["publication"].as_u64() >= applied["publication"].as_u64());
    assert_eq!(shown["setpoint"]["active_power_w"], 1.25e6);
    assert_eq!(shown["control"]["active"]["enabled"], true);
    let change = ControlChange::active_power(Watts(1.25e6));
    let command = Command::ControlUnit { unit: unit(3), change };
    assert_eq!(served.farm.letters(), [Request::Control(command)]);
}

#[tokio::test]
async fn a_unit_takes_percent_and_reactive_power_and_its_name() {
    let served = testing::serve().await;
    let body = r#"{"active_power_pct": -50, "reactive_power_var": 100000}"#;
    served.apply("PUT", "units/unit-002/setpoint", body).await;
    let shown = served.get("units/2").await;
    assert_eq!(shown["setpoint"]["active_power_w"], -1.25e6);
    assert_eq!(shown["control"]["active"]["mode"], "percent");
    assert_eq!(shown["control"]["reactive"]["absolute"], 1e5);
    served.apply("PUT", "units/2/setpoint", r#"{"reactive_power_pct": 10}"#).await;
    let change = ControlChange {
        reactive_enabled: Some(true),
        reactive_mode: Some(SetpointMode::Percent),
        reactive_pct: Some(10.0),
        ..ControlChange::default()
    };
    let command = Command::ControlUnit { unit: unit(2), change };
    assert_eq!(served.farm.letters()[1], Request::Control(command));
}

#[tokio::test]
async fn the_ends_of_a_range_are_inside_it() {
    let served = testing::serve().await;
    for body in [
        r#"{"active_power_w": 2500000}"#,
        r#"{"active_power_w": -2500000.0}"#,
        r#"{"active_power_pct": 100}"#,
        r#"{"reactive_power_var": -1.21e6}"#,
        r#"{"active_power_w": -0.0}"#,
    ] {
        served.apply("PUT", "units/1/setpoint", body).await;
    }
}

#[tokio::test]
async fn every_action_reaches_the_unit() {
    let served = testing::serve().await;
    for (name, state) in [
        ("standby", "standby"),
        ("exit_standby", "running"),
        ("stop", "off"),
        ("start", "running"),
        ("reset_alarms", "running"),
    ] {
        let body = format!(r#"{{"action": "{name}"}}"#);
        let applied = served.apply("POST", "units/5/commands", &body).await;
        let shown = served.get("units/5").await;
        assert_eq!(shown["state"], state, "{name}");
        assert!(shown["tick"].as_u64() >= applied["applied_tick"].as_u64());
    }
    let actions: Vec<UnitAction> = served
        .farm
        .letters()
        .into_iter()
        .map(|letter| match letter {
            Request::Control(Command::OperateUnit { action, .. }) => action,
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        UnitAction::EnterStandby,
        UnitAction::ExitStandby,
        UnitAction::Stop,
        UnitAction::Start,
        UnitAction::ResetAlarms,
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn a_farm_setpoint_is_set_and_taken_back() {
    let served = testing::serve().await;
    let body = r#"{"active_power_w": 1e7, "reactive_power_var": -5e5}"#;
    served.apply("PUT", "farm/setpoint", body).await;
    let shown = served.get("farm").await;
    assert_eq!(shown["setpoint_active_power_w"], 1e7);
    assert_eq!(shown["setpoint_reactive_power_var"], -5e5);
    let body = r#"{"active_power_w": 2e6}"#;
    served.apply("PUT", "farm/setpoint", body).await;
    let shown = served.get("farm").await;
    assert_eq!(shown["setpoint_active_power_w"], 2e6);
    assert_eq!(shown["setpoint_reactive_power_var"], -5e5);
    let answer = served.ask("DELETE", "/api/v1/farm/setpoint").await;
    assert!(answer.json()["applied_tick"].is_u64());
    let shown = served.get("farm").await;
    assert_eq!(shown["setpoint_active_power_w"], Value::Null);
    let letters = served.farm.letters();
    let set = Command::SetFarmPower { active: Watts(1e7), reactive: Some(Vars(-5e5)) };
    assert_eq!(letters[0], Request::Control(set));
    assert_eq!(letters[2], Request::Control(Command::ReleaseFarm));
}

#[tokio::test]
async fn the_clock_takes_several_fields_in_a_fixed_order() {
    let served = testing::serve().await;
    let body = r#"{"step_ticks": 5, "mode": "paused", "speed": 10}"#;
    let applied = served.apply("PATCH", "clock", body).await;
    assert_eq!(applied["applied_tick"], FIRST_TICK + 5);
    assert_eq!(applied["simulation_time"], "2026-01-01T00:00:02.5Z");
    let clock = served.get("clock").await;
    assert_eq!(clock["tick"], FIRST_TICK + 5);
    assert_eq!((&clock["mode"], &clock["speed"]), (&json!("paused"), &json!(10.0)));
    let commands = vec![ClockCommand::SetSpeed(10.0), ClockCommand::Pause, ClockCommand::Step(5)];
    assert_eq!(served.farm.letters(), [Request::Clock(commands)], "one letter: all or nothing");
}

#[tokio::test]
async fn the_clock_is_paused_resumed_and_stepped() {
    let served = testing::serve().await;
    for (body, mode) in [
        (r#"{"mode": "paused"}"#, "paused"),
        (r#"{"mode": "running"}"#, "running"),
        (r#"{"step_ticks": 1}"#, "paused"),
        // JSON has one kind of number: this is a whole one.
        (r#"{"step_ticks": 864000.0}"#, "paused"),
        (r#"{"speed": 0.01}"#, "paused"),
    ] {
        served.apply("PATCH", "clock", body).await;
        assert_eq!(served.get("clock").await["mode"], mode, "{body}");
    }
    assert_eq!(served.get("clock").await["tick"], FIRST_TICK + 864_001);
}

#[tokio::test]
async fn the_content_type_may_carry_a_charset_and_capitals() {
    let served = testing::serve().await;
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    let body = r#"{"active_power_w": 1}"#;
    let mut client = served.client().await;
    let path = "/api/v1/farm/setpoint";
    assert_eq!(client.ask("PUT", path, &headers, body).await.status, 200);
}
