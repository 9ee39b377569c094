//! Several units in one letter, the farm's setpoint in its forms, and the check of a farm file.

use crate::testing;
use bess_core::command::{Command, ControlChange, Request, UnitAction};
use bess_core::config::BUILT_IN_FARM;
use bess_core::id::UnitId;
use bess_core::units::{Vars, Watts};
use serde_json::{Value, json};

fn operate(idx: usize, action: UnitAction) -> Command {
    Command::OperateUnit { unit: UnitId::from_idx(idx), action }
}

#[tokio::test]
async fn several_units_are_operated_by_one_letter() {
    let served = testing::serve().await;
    let body = r#"{"action": "standby", "units": [3, "unit-001"]}"#;
    served.apply("POST", "farm/commands", body).await;
    let both = [2, 0].map(|idx| operate(idx, UnitAction::EnterStandby));
    assert_eq!(served.farm.letters(), [Request::Control(Command::Batch(both.to_vec()))]);
    for (unit, state) in [(1, "standby"), (2, "running"), (3, "standby")] {
        assert_eq!(served.get(&format!("units/{unit}")).await["state"], state);
    }
}

#[tokio::test]
async fn without_names_every_unit_is_meant() {
    let served = testing::serve().await;
    served.apply("POST", "farm/commands", r#"{"action": "stop"}"#).await;
    served.apply("POST", "alarms/reset", "{}").await;
    let all = |action| Command::Batch((0..10).map(|idx| operate(idx, action)).collect());
    let letters = [UnitAction::Stop, UnitAction::ResetAlarms].map(|a| Request::Control(all(a)));
    assert_eq!(served.farm.letters(), letters);
    served.apply("POST", "alarms/reset", r#"{"units": [2]}"#).await;
    let one = Command::Batch(vec![operate(1, UnitAction::ResetAlarms)]);
    assert_eq!(served.farm.letters()[2], Request::Control(one));
}

#[tokio::test]
async fn several_units_get_their_setpoints_by_one_letter() {
    let served = testing::serve().await;
    let body = r#"{"setpoints": [{"unit": 1, "active_power_w": 5e5}, {"unit": "unit-002", "active_power_pct": -20}]}"#;
    served.apply("POST", "farm/setpoints", body).await;
    assert_eq!(served.farm.letters().len(), 1);
    assert_eq!(served.get("units/1").await["setpoint"]["active_power_w"], 5e5);
    assert_eq!(served.get("units/2").await["setpoint"]["active_power_w"], -5e5);
    let Request::Control(Command::Batch(commands)) = &served.farm.letters()[0] else {
        panic!("a batch");
    };
    let change = ControlChange::active_power(Watts(5e5));
    assert_eq!(commands[0], Command::ControlUnit { unit: UnitId::from_idx(0), change });
}

#[tokio::test]
async fn one_bad_unit_refuses_all_and_is_named() {
    let served = testing::serve().await;
    for (path, body, status, slug, field) in [
        ("farm/commands", r#"{"action": "fly"}"#, 422, "out_of_range", "action"),
        (
            "farm/commands",
            r#"{"action": "stop", "units": [1, 11]}"#,
            422,
            "out_of_range",
            "units[1]",
        ),
        ("farm/commands", r#"{"action": "stop", "units": []}"#, 422, "bad_field", "units"),
        (
            "farm/commands",
            r#"{"action": "stop", "units": [1, "1"]}"#,
            422,
            "contradiction",
            "units[1]",
        ),
        ("alarms/reset", r#"{"units": ["x"]}"#, 422, "out_of_range", "units[0]"),
        ("farm/setpoints", r#"{"setpoints": []}"#, 422, "bad_field", "setpoints"),
        (
            "farm/setpoints",
            r#"{"setpoints": [{"unit": 1, "active_power_w": 1}, {"unit": 2, "active_power_w": 1e9}]}"#,
            422,
            "out_of_range",
            "setpoints[1].active_power_w",
        ),
        (
            "farm/setpoints",
            r#"{"setpoints": [{"unit": 1, "active_power_w": 1}, {"unit": 2}]}"#,
            422,
            "bad_field",
            "setpoints[1].active_power_w",
        ),
        (
            "farm/setpoints",
            r#"{"setpoints": [{"unit": 1, "watts": 1}]}"#,
            422,
            "unknown_field",
            "setpoints[0].watts",
        ),
    ] {
        let answer = served.send("POST", path, body).await;
        assert_eq!(answer.problem(status, slug)["field"], field, "{body}");
    }
    assert!(served.farm.letters().is_empty());
}

#[tokio::test]
async fn the_farm_takes_percent_of_its_rating_and_a_strategy_with_the_setpoint() {
    let served = testing::serve().await;
    let body = r#"{"active_power_pct": -50, "reactive_power_pct": 10}"#;
    served.apply("PUT", "farm/setpoint", body).await;
    let set = Command::SetFarmPower { active: Watts(-12.5e6), reactive: Some(Vars(1.21e6)) };
    let body = r#"{"active_power_w": 1, "strategy": "equalise_soc"}"#;
    served.apply("PUT", "farm/setpoint", body).await;
    let letters = served.farm.letters();
    assert_eq!(letters[0], Request::Control(set));
    assert!(matches!(&letters[1], Request::Control(Command::Batch(two)) if two.len() == 2));
    assert_eq!(served.get("farm/plant").await["strategy"], "equalise_soc");
    for (body, slug, field) in [
        (r#"{"active_power_w": 1, "active_power_pct": 1}"#, "contradiction", "active_power_pct"),
        (
            r#"{"active_power_w": 1, "reactive_power_var": 1, "reactive_power_pct": 1}"#,
            "contradiction",
            "reactive_power_pct",
        ),
        (r#"{"active_power_pct": 101}"#, "out_of_range", "active_power_pct"),
        (
            r#"{"active_power_w": 1, "reactive_power_pct": -101}"#,
            "out_of_range",
            "reactive_power_pct",
        ),
        (r#"{"active_power_w": 1, "strategy": "luck"}"#, "out_of_range", "strategy"),
        (r#"{"strategy": "equal"}"#, "bad_field", "active_power_w"),
    ] {
        let answer = served.send("PUT", "farm/setpoint", body).await;
        assert_eq!(answer.problem(422, slug)["field"], field, "{body}");
    }
    assert_eq!(served.farm.letters().len(), 2);
}

async fn check(text: &str) -> Value {
    let served = testing::serve().await;
    let headers = [("content-type", "application/toml")];
    let mut client = served.client().await;
    let answer = client.ask("POST", "/api/v1/farm/check", &headers, text).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(served.farm.letters().is_empty() && served.farm.refusals().is_empty());
    answer.json()
}

#[tokio::test]
async fn a_good_farm_file_is_summed_up() {
    let answer = check(BUILT_IN_FARM).await;
    assert_eq!((&answer["valid"], &answer["problems"]), (&json!(true), &json!([])));
    assert_eq!(answer["farm"]["units"], 10);
    assert_eq!(answer["farm"]["cells"], 49_920);
    assert_eq!(answer["farm"]["rated_power_w"], 25e6);
}

#[tokio::test]
async fn a_farm_file_gets_all_its_problems_with_their_places() {
    let text = BUILT_IN_FARM
        .replace("count = 10", "count = -1")
        .replace("rated_power_kw = 2500", "rated_power_kw = \"much\"");
    let answer = check(&text).await;
    assert_eq!((&answer["valid"], &answer["farm"]), (&json!(false), &Value::Null));
    let problems = answer["problems"].as_array().unwrap();
    assert!(problems.len() >= 2, "{answer}");
    for problem in problems {
        let line = problem["line"].as_u64().unwrap() as usize;
        assert_eq!(text.lines().nth(line - 1), problem["source_line"].as_str());
    }
}

#[tokio::test]
async fn a_farm_file_from_outside_reads_no_file_of_this_machine() {
    let text = BUILT_IN_FARM.replace("chemistry = \"", "chemistry = \"/etc/passwd.toml\" #");
    assert_ne!(text, BUILT_IN_FARM);
    let answer = check(&text).await;
    let message = answer["problems"].to_string();
    assert!(message.contains("not read here"), "{message}");
}

#[tokio::test]
async fn what_is_no_toml_text_is_refused() {
    let served = testing::serve().await;
    served.send("POST", "farm/check", "{}").await.problem(415, "not_toml");
    assert!(served.farm.refusals().is_empty(), "nobody wrote anything");
    assert_eq!(check("= =").await["valid"], false);
    assert_eq!(check("").await["valid"], false);
}
