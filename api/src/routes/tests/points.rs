//! Points: listed through the point book, forced and released by letters.

use crate::ApiConfig;
use crate::testing::{self, Served};
use bess_core::command::{Command, Request};
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::id::UnitId;
use bess_core::units::Watts;
use serde_json::{Value, json};

fn unit(number: u32) -> Option<UnitId> {
    UnitId::from_number(number)
}
fn names(answer: &Value) -> Vec<String> {
    let points = answer["points"].as_array().unwrap().iter();
    points.map(|point| format!("{}/{}", point["map"], point["name"]).replace('"', "")).collect()
}
fn letters(served: &Served) -> Vec<Command> {
    let commands = served.farm.letters().into_iter().filter_map(|letter| match letter {
        Request::Control(command) => Some(command),
        _ => None,
    });
    commands.collect()
}
fn force(unit: Option<UnitId>, point: &str, value: ForcedValue) -> Command {
    Command::ForcePoint(Box::new(ForcedPoint { unit, point: point.to_owned(), value }))
}

#[tokio::test]
async fn the_points_of_a_unit_are_those_of_its_maps_with_what_they_show() {
    let served = testing::serve().await;
    served.farm.publish(|next| next.units[2].ac.active_power = Watts(70_000.0));
    let answer = served.get("units/unit-003/points").await;
    assert_eq!((&answer["unit"], &answer["maps"]), (&json!(3), &json!(["main", "extra"])));
    assert_eq!(names(&answer), ["main/ac[0].W", "main/alarms", "main/name", "extra/run"]);
    let power = json!({
        "map": "main", "name": "ac[0].W", "table": "holding", "address": 12, "registers": 2,
        "type": "int32", "unit_of_measure": "W", "access": "RW", "symbols": [],
        "words": [1, 4464], "value": 70_000.0, "text": null, "minimum": -2_147_483_647.0,
        "maximum": 2_147_483_647.0, "is_bits": false, "forced": false,
    });
    assert_eq!(answer["points"][0], power);
    let alarms = &answer["points"][1];
    let symbols = json!([{"name": "HOT", "value": 0}, {"name": "COLD", "value": 17}]);
    assert_eq!((&alarms["symbols"], &alarms["is_bits"]), (&symbols, &json!(true)));
    assert_eq!(alarms["maximum"], 4_294_967_295.0);
    let name = &answer["points"][2];
    assert_eq!((&name["text"], &name["value"]), (&json!("unit"), &Value::Null));
    assert_eq!(name["minimum"], Value::Null);
    assert_eq!(answer["points"][3]["table"], "coil");
    let plant = served.get("farm/points").await;
    assert_eq!((&plant["unit"], names(&plant).len()), (&Value::Null, 1));
    assert_eq!(names(&served.get("units/3/points?map=extra").await), ["extra/run"]);
}

#[tokio::test]
async fn a_point_is_forced_by_any_of_its_names_and_shown_as_forced() {
    let served = testing::serve().await;
    for name in ["ac[0].W", "main/ac[0].W", "main/12"] {
        let body = json!({"point": name, "value": 65_537}).to_string();
        let answer = served.apply("POST", "units/3/points/force", &body).await;
        assert!(answer["applied_tick"].as_u64() > Some(testing::FIRST_TICK));
        let point = &answer["point"];
        assert_eq!((&point["name"], &point["forced"]), (&json!("ac[0].W"), &json!(true)), "{name}");
        assert_eq!(point["words"], json!([1, 1]));
    }
    let body = json!({"point": "alarms", "words": [2, 0]}).to_string();
    served.apply("POST", "units/3/points/force", &body).await;
    let body = json!({"point": "ac[0].W", "value": -1}).to_string();
    served.apply("POST", "farm/points/force", &body).await;
    let number = force(unit(3), "main/ac[0].W", ForcedValue::Number(65_537.0));
    let words = force(unit(3), "main/alarms", ForcedValue::Words(vec![2, 0]));
    let plant = force(None, "main/ac[0].W", ForcedValue::Number(-1.0));
    assert_eq!(letters(&served), [number.clone(), number.clone(), number, words, plant]);
    let forced = names(&served.get("units/3/points?forced=true").await);
    assert_eq!(forced, ["main/ac[0].W", "main/alarms"]);
    assert_eq!(names(&served.get("units/3/points?forced=false").await).len(), 2);
    assert_eq!(names(&served.get("units/2/points?forced=true").await).len(), 0);
    let all = json!([
        {"unit": null, "point": "main/ac[0].W", "value": -1.0, "words": null},
        {"unit": 3, "point": "main/ac[0].W", "value": 65_537.0, "words": null},
        {"unit": 3, "point": "main/alarms", "value": null, "words": [2, 0]},
    ]);
    assert_eq!(served.get("farm/forced").await["forced"], all);
}

#[tokio::test]
async fn one_point_is_released_by_any_of_its_names_or_all_of_a_unit() {
    let served = testing::serve().await;
    for (path, point) in [("units/3", "ac[0].W"), ("units/3", "run"), ("farm", "ac[0].W")] {
        let body = json!({"point": point, "value": 1}).to_string();
        served.apply("POST", &format!("{path}/points/force"), &body).await;
    }
    for name in ["extra/1", "alarms", "nothing"] {
        let body = json!({"point": name}).to_string();
        let answer = served.send("POST", "units/3/points/release", &body).await;
        let problem = answer.problem(422, "not_possible");
        assert_eq!(problem["field"], "point", "{name}");
        assert_eq!(problem["allowed"], json!(["extra/run", "main/ac[0].W"]));
    }
    served.apply("POST", "units/3/points/release", r#"{"point": "extra/0"}"#).await;
    let left = served.get("farm/forced").await;
    assert_eq!(left["forced"].as_array().unwrap().len(), 2);
    served.apply("POST", "units/3/points/release", "{}").await;
    served.apply("POST", "units/3/points/release", "{}").await;
    served.apply("POST", "farm/points/release", "{}").await;
    assert_eq!(served.get("farm/forced").await["forced"], json!([]));
    let point = Some("extra/run".to_owned());
    assert_eq!(letters(&served)[3], Command::ReleasePoint { unit: unit(3), point });
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_the_loop_and_told_to_the_audit() {
    let served = testing::serve().await;
    let cases = [
        (r#"{"point": "x", "value": 1}"#, "not_possible", "point"),
        (r#"{"point": "run", "value": 2}"#, "not_possible", "point"),
        (r#"{"point": "name", "value": 2}"#, "not_possible", "point"),
        (r#"{"point": "run"}"#, "bad_field", "value"),
        (r#"{"point": "run", "value": 1, "words": [1]}"#, "contradiction", "words"),
        (r#"{"point": "run", "words": [65536]}"#, "bad_field", "words[0]"),
        (r#"{"value": 1}"#, "bad_field", "point"),
        (r#"{"point": "run", "value": 1, "for_s": 5}"#, "unknown_field", "for_s"),
    ];
    for (body, slug, field) in cases {
        let answer = served.send("POST", "units/3/points/force", body).await;
        let problem = answer.problem(422, slug);
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    let fits = served.send("POST", "units/3/points/force", cases[1].0).await;
    let detail = fits.problem(422, "not_possible")["detail"].clone();
    assert_eq!(detail, "run takes a value from 0 to 1 or 1 words");
    assert!(served.farm.letters().is_empty());
    let refusals = served.farm.refusals();
    assert_eq!(refusals.len(), cases.len() + 1);
    assert!(refusals.iter().all(|(of, ..)| *of == unit(3)));
    let answer = served.ask("GET", "/api/v1/units/3/points?map=none").await;
    assert_eq!(answer.problem(400, "bad_parameter")["allowed"], json!(["main", "extra"]));
    let answer = served.send("POST", "units/11/points/force", cases[1].0).await;
    answer.problem(404, "no_such_unit");
}

#[tokio::test]
async fn without_register_maps_there_are_no_points_and_what_is_forced_can_be_released() {
    let snapshot = testing::snapshot_with(2);
    let served = testing::serve_all(snapshot, ApiConfig::default(), None).await;
    served.ask("GET", "/api/v1/units/1/points").await.problem(404, "no_maps");
    served.ask("GET", "/api/v1/farm/points").await.problem(404, "no_maps");
    let body = r#"{"point": "main/run", "value": 1}"#;
    served.send("POST", "units/1/points/force", body).await.problem(404, "no_maps");
    served.farm.publish(|next| {
        let (point, value) = ("main/run".to_owned(), ForcedValue::Number(1.0));
        next.forced = [ForcedPoint { unit: unit(1), point, value }].into();
    });
    served.apply("POST", "units/1/points/release", r#"{"point": "main/run"}"#).await;
    assert!(served.farm.now().forced.is_empty());
}
