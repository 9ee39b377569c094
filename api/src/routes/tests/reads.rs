//! Reads: the shape of every answer.

use crate::ApiConfig;
use crate::testing::{self, FIRST_TICK, Served};
use bess_core::command::Request;
use bess_core::id::{CellAddress, UnitId};
use bess_core::snapshot::{RackView, UnitState};
use bess_core::units::{Celsius, Joules, Vars, VoltAmps, Volts, Watts};
use serde_json::{Value, json};

/// Numbers of the units of a page.
fn numbers(page: &Value) -> Vec<u64> {
    let units = page["units"].as_array().unwrap();
    let numbers = units.iter().map(|unit| unit["number"].as_u64().unwrap());
    numbers.collect()
}

async fn serve_farm(n_units: usize) -> Served {
    testing::serve_with(testing::snapshot_with(n_units), ApiConfig::default()).await
}

#[tokio::test]
async fn every_answer_says_of_which_instant_it_is() {
    let served = testing::serve().await;
    for path in [
        "farm",
        "units",
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
        "endpoints",
        "history?signal=battery.soc",
        "history/signals",
    ] {
        let answer = served.get(path).await;
        assert_eq!(answer["tick"], FIRST_TICK, "{path}");
        assert!(answer["publication"].as_u64() > Some(FIRST_TICK), "{path}");
        assert_eq!(answer["simulation_time"], "2026-01-01T00:00:02Z", "{path}");
        assert_eq!(answer["wall_time"], "2026-01-01T00:00:00.0000005Z", "{path}");
    }
}

#[tokio::test]
async fn a_headless_run_has_no_wall_time() {
    let served = testing::serve().await;
    served.farm.publish(|next| next.wall_unix_ns = 0);
    assert_eq!(served.get("farm").await.get("wall_time"), None);
}

#[tokio::test]
async fn the_farm_is_shown_in_the_units_that_its_fields_name() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        next.farm.active_power = Watts(-2.5e6);
        next.farm.reactive_power = Vars(1e5);
        next.farm.voltage_pu = 0.97;
        next.farm.frequency_response = Watts(4e5);
        next.farm.ramped_setpoint = Watts(-2e6);
        next.farm.trips = 2;
        next.farm.energy = Joules(3.6e9);
        next.farm.totals.discharged = Joules(7200.0);
        next.farm.extremes.voltage_min = Volts(3.1);
        next.farm.extremes.voltage_min_at = CellAddress { unit_idx: 2, rack_idx: 0, cell_idx: 415 };
    });
    let farm = served.get("farm").await;
    assert_eq!(farm["name"], "built-in");
    assert_eq!((&farm["units"], &farm["cells"]), (&json!(10), &json!(49_920)));
    let by_state = farm["units_by_state"].as_object().unwrap();
    assert_eq!(by_state.len(), UnitState::ALL.len());
    assert!(by_state.iter().all(|(state, n)| *n == if state == "running" { 10 } else { 0 }));
    assert_eq!(farm["active_power_w"], -2.5e6);
    assert_eq!(farm["reactive_power_var"], 1e5);
    assert_eq!((&farm["voltage_pu"], &farm["trips"]), (&json!(0.97), &json!(2)));
    assert_eq!(farm["frequency_response_w"], 4e5);
    assert_eq!(farm["ramped_setpoint_w"], -2e6);
    assert_eq!(farm["rated_power_w"], 25e6);
    assert_eq!(farm["energy_wh"], 1e6);
    assert_eq!(farm["totals"]["discharged_energy_wh"], 2.0);
    assert_eq!(farm["soc"], 0.5);
    assert_eq!(farm["nominal_frequency_hz"], 50.0);
    assert_eq!(farm["extremes"]["cell_voltage_min_v"], 3.1);
    let place = json!({"unit": 3, "rack": 1, "cell": 416});
    assert_eq!(farm["extremes"]["cell_voltage_min_at"], place);
    assert_eq!(farm["setpoint_active_power_w"], Value::Null);
    assert!(farm.as_object().unwrap().contains_key("setpoint_active_power_w"));
}

#[tokio::test]
async fn a_unit_is_found_by_number_and_by_name() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let view = &mut next.units[2];
        view.ac.active_power = Watts(3e5);
        view.ac.apparent_power = VoltAmps(6e5);
        view.measured.soc = 0.61;
        view.truth.soc = 0.60;
    });
    let unit = served.get("units/3").await;
    assert_eq!(unit, served.get("units/unit-003").await);
    assert_eq!((&unit["number"], &unit["name"]), (&json!(3), &json!("unit-003")));
    assert_eq!(unit["state"], "running");
    assert_eq!(unit["alarms"], json!([]));
    assert_eq!(unit["ac"]["active_power_w"], 3e5);
    assert_eq!(unit["ac"]["power_factor"], 0.5);
    assert_eq!(unit["measured"]["soc"], 0.61);
    assert_eq!(unit["truth"]["soc"], 0.60);
    assert_eq!(unit["control"]["source"], "none");
    assert_eq!(unit["control"]["active"]["mode"], "absolute");
    assert_eq!(unit["control"]["priority"], "active");
    assert_eq!(unit["control"]["discharge_limit_pct"], Value::Null);
    assert_eq!(unit["rating"]["active_power_w"], 2.5e6);
    assert_eq!(unit["rating"]["racks"], 12);
    assert_eq!(unit["rating"]["cells"], 4992);
}

#[tokio::test]
async fn a_cap_that_is_in_force_is_shown() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let control = &mut next.units[0].control;
        control.discharge_limit_enabled = true;
        control.discharge_limit_pct = 40.0;
    });
    let unit = served.get("units/1").await;
    assert_eq!(unit["control"]["discharge_limit_pct"], 40.0);
}

#[tokio::test]
async fn units_come_in_pages() {
    let served = serve_farm(120).await;
    let first = served.get("units").await;
    assert_eq!(first["total"], 120);
    assert_eq!(numbers(&first), (1..=100).collect::<Vec<u64>>());
    let rest = served.get("units?from=100").await;
    assert_eq!(numbers(&rest), (101..=120).collect::<Vec<u64>>());
    assert_eq!(numbers(&served.get("units?from=7&limit=2").await), [8, 9]);
    let beyond = served.get("units?from=500").await;
    assert_eq!((&beyond["total"], numbers(&beyond)), (&json!(120), vec![]));
}

#[tokio::test]
async fn units_are_filtered_by_state_before_they_are_paged() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        for idx in [1, 4, 8] {
            testing::set_state(next, UnitId::from_idx(idx), UnitState::Standby);
        }
    });
    let page = served.get("units?state=standby&from=1&limit=1").await;
    assert_eq!((&page["total"], numbers(&page)), (&json!(3), vec![5]));
    let none = served.get("units?state=fault").await;
    assert_eq!((&none["total"], numbers(&none)), (&json!(0), vec![]));
}

#[tokio::test]
async fn racks_are_those_of_their_unit_in_order() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        next.racks[12] =
            RackView { connected: true, voltage: Volts(1372.8), ..RackView::default() };
    });
    let answer = served.get("units/2/racks").await;
    assert_eq!(answer["unit"], 2);
    let racks = answer["racks"].as_array().unwrap();
    assert_eq!(racks.len(), 12);
    assert_eq!((&racks[0]["number"], &racks[11]["number"]), (&json!(1), &json!(12)));
    assert_eq!(racks[0]["connected"], true);
    assert_eq!(racks[0]["voltage_v"], 1372.8);
    assert_eq!(racks[1]["connected"], false);
    assert!(racks[0]["cell_voltage_min_at"]["cell"].is_u64());
}

#[tokio::test]
async fn cells_are_columns_that_the_loop_is_asked_for() {
    let served = testing::serve().await;
    let answer = served.get("units/unit-004/cells").await;
    assert_eq!(answer["unit"], 4);
    assert_eq!(answer["cells_per_rack"], 416);
    for column in ["voltage_v", "temperature_degc", "soc"] {
        assert_eq!(answer[column].as_array().unwrap().len(), 4992, "{column}");
    }
    assert_eq!(answer["voltage_v"][0], 3.2_f32);
    assert_eq!(answer["soc"][4991], 0.5);
    let unit = UnitId::from_number(4).unwrap();
    assert_eq!(served.farm.letters(), [Request::ShowCells(unit)]);
}

#[tokio::test]
async fn what_is_no_number_is_null_everywhere() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        next.farm.soc = f64::NAN;
        next.farm.setpoint = Some(Watts(f64::INFINITY));
        next.units[0].truth.extremes.temperature_max = Celsius(f64::NAN);
        next.racks[0].soc = f64::NEG_INFINITY;
    });
    let farm = served.get("farm").await;
    assert_eq!(farm["soc"], Value::Null);
    assert_eq!(farm["setpoint_active_power_w"], Value::Null);
    let unit = served.get("units/1").await;
    assert_eq!(unit["truth"]["temperature_max_degc"], Value::Null);
    assert_eq!(served.get("units/1/racks").await["racks"][0]["soc"], Value::Null);
    let event = served.ask("GET", "/api/v1/stream?max_events=1").await;
    assert!(event.text().contains("\"soc\":null"));
}

#[tokio::test]
async fn the_clock_is_shown() {
    let served = testing::serve().await;
    let clock = served.get("clock").await;
    assert_eq!((&clock["mode"], &clock["speed"]), (&json!("running"), &json!(1.0)));
    assert_eq!((&clock["steps_left"], &clock["tick_s"]), (&json!(0), &json!(0.1)));
}

#[tokio::test]
async fn the_address_book_has_the_plant_and_every_unit() {
    let served = testing::serve().await;
    let answer = served.get("endpoints").await;
    let endpoints = answer["endpoints"].as_array().unwrap();
    assert_eq!(endpoints.len(), 11);
    let maps = json!(["compact", "sunspec"]);
    let plant = json!({"number": 0, "name": "plant", "host": "127.0.0.1", "port": 5020,
        "unit_id": 255, "device": "plant", "rack": null, "listener": "modbus", "tls": false,
        "role": "engineer", "maps": maps});
    assert_eq!(endpoints[0], plant);
    let last = json!({"number": 10, "name": "unit-010", "host": "127.0.0.1", "port": 5020,
        "unit_id": 10, "device": "whole", "rack": null, "listener": "modbus", "tls": false,
        "role": "engineer", "maps": maps});
    assert_eq!(endpoints[10], last);
}

#[tokio::test]
async fn a_device_that_answers_to_every_unit_id_has_none_of_its_own() {
    let served = serve_farm(248).await;
    let endpoints = served.get("endpoints").await;
    assert_eq!(endpoints["endpoints"][247]["unit_id"], 247);
    assert_eq!(endpoints["endpoints"][248]["number"], 248);
    assert_eq!(endpoints["endpoints"][248]["unit_id"], Value::Null);
    let csv = served.ask("GET", "/api/v1/endpoints?format=csv").await;
    let csv = csv.text();
    let last = "\n248,unit-248,127.0.0.1,5020,,whole,,modbus,false,engineer,compact sunspec\n";
    assert!(csv.ends_with(last), "{csv}");
}

#[tokio::test]
async fn the_address_book_is_csv_by_parameter_or_by_accept() {
    let served = testing::serve().await;
    let by_parameter = served.ask("GET", "/api/v1/endpoints?format=csv").await;
    let csv = by_parameter.text();
    let head = "number,name,host,port,unit_id,device,rack,listener,tls,role,maps\n\
        0,plant,127.0.0.1,5020,255,plant,,modbus,false,engineer,compact sunspec\n1,unit-001,";
    assert!(csv.starts_with(head), "{csv}");
    assert_eq!(csv.lines().count(), 12);
    let media_type = by_parameter.header("content-type");
    assert_eq!(media_type, Some("text/csv; charset=utf-8"));
    let mut client = served.client().await;
    let accept = [("accept", "text/csv")];
    let path = "/api/v1/endpoints";
    let by_accept = client.ask("GET", path, &accept, "").await;
    assert_eq!(by_accept.text(), csv);
    assert_eq!(by_accept.header("vary"), Some("accept"));
    // The parameter beats the header, and browsers get JSON.
    for (path, accept) in
        [("/api/v1/endpoints?format=json", "text/csv"), ("/api/v1/endpoints", "text/html, */*")]
    {
        let answer = client.ask("GET", path, &[("accept", accept)], "").await;
        assert!(answer.json()["endpoints"].is_array());
    }
}
