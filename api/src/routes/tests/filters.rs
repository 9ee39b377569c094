//! Which units are listed, in which order, on which page, with which fields.

use crate::ApiConfig;
use crate::testing::{self, Served};
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::control::WatchdogState;
use bess_core::id::UnitId;
use bess_core::snapshot::UnitState;
use bess_core::units::{Celsius, Joules, Watts};
use serde_json::{Value, json};

/// Ten units of which no two are alike.
async fn served() -> Served {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        for (idx, unit) in next.units.iter_mut().enumerate() {
            unit.measured.soc = 0.1 * idx as f64;
            unit.measured.energy = Joules(3.6e6 * idx as f64);
            unit.measured.extremes.temperature_max = Celsius(20.0 + idx as f64);
            unit.ac.active_power = Watts(if idx % 2 == 0 { 5e5 } else { -5e5 });
            unit.is_local = idx == 7;
            unit.trips = (idx == 4).into();
        }
        next.units[3].measured.soc = f64::NAN;
        next.units[5].watchdog.state = WatchdogState::Lost;
        next.units[1].alarms.insert(AlarmCode::CellOverTemperature, AlarmLevel::Warning);
        next.units[2].alarms.insert(AlarmCode::CellOverTemperature, AlarmLevel::Trip);
        next.units[2].alarms.insert(AlarmCode::CellUnderVoltage, AlarmLevel::Warning);
        testing::set_state(next, UnitId::from_idx(8), UnitState::Standby);
        testing::set_state(next, UnitId::from_idx(9), UnitState::Fault);
    });
    served
}

/// Numbers of the units of a page.
fn numbers(page: &Value) -> Vec<u64> {
    let units = page["units"].as_array().unwrap();
    units.iter().map(|unit| unit["number"].as_u64().unwrap()).collect()
}

async fn listed(served: &Served, query: &str) -> Vec<u64> {
    let page = served.get(&format!("units?{query}")).await;
    let listed = numbers(&page);
    assert_eq!(page["total"], listed.len(), "{query}");
    listed
}

#[tokio::test]
async fn a_unit_is_listed_when_it_is_what_every_parameter_says() {
    let served = served().await;
    for (query, expected) in [
        ("state=standby", &[9][..]),
        ("state=standby,fault", &[9, 10]),
        ("state=standby,fault&soc_above=0.85", &[10]),
        ("name=unit-00*", &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("name=unit-0?0", &[10]),
        ("name=nobody", &[]),
        ("local=true", &[8]),
        ("local=false&soc_above=0.65", &[9, 10]),
        ("watchdog=lost", &[6]),
        ("trips_above=0", &[5]),
        ("active_power_w_below=0&soc_below=0.55", &[2, 6]),
        ("temperature_max_degc_above=27.5", &[9, 10]),
        ("temperature_max_degc_above=22.5&temperature_max_degc_below=24.5", &[4, 5]),
        ("energy_wh_below=1500", &[1, 2]),
        ("chemistry=lfp-314,nmc-94&soc_below=0.05", &[1]),
        ("chemistry=nothing", &[]),
        ("soc_above=5&soc_below=3", &[]),
    ] {
        assert_eq!(listed(&served, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_bound_leaves_out_what_is_on_it_and_what_is_no_number() {
    let served = served().await;
    assert_eq!(listed(&served, "soc_above=0.2&soc_below=0.5").await, [5]);
    assert_eq!(listed(&served, "soc_below=1").await, [1, 2, 3, 5, 6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn units_are_listed_by_an_alarm_of_a_name_and_a_level() {
    let served = served().await;
    for (query, expected) in [
        ("alarm=cell_over_temperature", &[2, 3][..]),
        ("alarm=cell_over_temperature&level=trip", &[3]),
        // The unit has a low voltage, and a trip, but not both in one.
        ("alarm=cell_under_voltage&level=trip", &[]),
        ("level=warning", &[2, 3]),
        ("level=trip,critical", &[3]),
        ("alarm=cell_under_voltage,cell_over_temperature", &[2, 3]),
        ("alarmed=true", &[2, 3]),
        ("alarmed=false", &[1, 4, 5, 6, 7, 8, 9, 10]),
    ] {
        assert_eq!(listed(&served, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn units_are_sorted_by_several_keys_and_then_by_number() {
    let served = served().await;
    for (query, expected) in [
        ("sort=-number", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("sort=active_power_w", [2, 4, 6, 8, 10, 1, 3, 5, 7, 9]),
        ("sort=-active_power_w,-temperature_max_degc", [9, 7, 5, 3, 1, 10, 8, 6, 4, 2]),
        // What is no number is last in either direction.
        ("sort=soc", [1, 2, 3, 5, 6, 7, 8, 9, 10, 4]),
        ("sort=-soc", [10, 9, 8, 7, 6, 5, 3, 2, 1, 4]),
        ("sort=state,-name", [10, 8, 7, 6, 5, 4, 3, 2, 1, 9]),
        ("sort=chemistry", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ] {
        assert_eq!(listed(&served, query).await, expected, "{query}");
    }
    let page = served.get("units?sort=-number&from=2&limit=3").await;
    assert_eq!((numbers(&page), &page["total"]), (vec![8, 7, 6], &json!(10)));
}

#[tokio::test]
async fn the_header_link_leads_from_page_to_page() {
    let served = testing::serve_with(testing::snapshot_with(25), ApiConfig::default()).await;
    let mut path = "/api/v1/units?name=unit-*&limit=10".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = served.ask("GET", &path).await;
        assert_eq!(answer.header("bess-total"), Some("25"));
        seen.extend(numbers(&answer.json()));
        let link = answer.header("link").unwrap();
        assert_eq!(link.contains("rel=\"prev\""), seen.len() > 10, "{link}");
        let mut links = link.split(", ");
        let Some(next) = links.find(|link| link.ends_with("rel=\"next\"")) else { break };
        path = next[1..next.find('>').unwrap()].to_owned();
        assert!(path.contains("name=unit-*"), "{path}");
    }
    assert_eq!(seen, (1..=25).collect::<Vec<u64>>());
    let back = served.ask("GET", &path).await;
    let prev = "</api/v1/units?name=unit-*&from=10&limit=10>; rel=\"prev\"";
    assert!(back.header("link").unwrap().contains(prev), "{:?}", back.header("link"));
    // Less than a whole page is left before this one.
    let back = served.ask("GET", "/api/v1/units?from=3&limit=10").await;
    let link = back.header("link").unwrap();
    assert!(link.contains("</api/v1/units?from=0&limit=3>; rel=\"prev\""), "{link}");
    assert!(link.contains("</api/v1/units?from=0&limit=10>; rel=\"first\""), "{link}");
    // All on one page.
    assert_eq!(served.ask("GET", "/api/v1/units").await.header("link"), None);
}

#[tokio::test]
async fn only_the_fields_that_are_asked_for_are_shown() {
    let served = served().await;
    let page = served.get("units?fields=number,measured.soc,ac&limit=1").await;
    let unit = page["units"][0].as_object().unwrap();
    assert_eq!(unit.keys().collect::<Vec<_>>(), ["ac", "measured", "number"]);
    assert_eq!(unit["measured"], json!({"soc": 0.0}));
    assert_eq!(unit["ac"].as_object().unwrap().len(), 7);
    assert!(page["tick"].is_u64() && page["total"].is_u64());
    let unit = served.get("units/3?fields=alarms,reset_blocked_by.code").await;
    assert_eq!(unit["alarms"].as_array().unwrap().len(), 2);
    assert_eq!(unit["reset_blocked_by"], Value::Null);
    assert_eq!(unit.get("number"), None);
    assert!(unit["publication"].is_u64() && unit["simulation_time"].is_string());
    let farm = served.get("farm?fields=truth.soc,extremes.cell_voltage_min_at.rack").await;
    assert_eq!(farm["extremes"], json!({"cell_voltage_min_at": {"rack": 1}}));
    assert_eq!(farm.get("soc"), None);
    assert!(farm["truth"]["soc"].is_number() && farm["tick"].is_u64());
    let racks = served.get("units/1/racks?fields=number,truth.soc").await;
    assert_eq!(racks["racks"][11], json!({"number": 12, "truth": {"soc": 0.0}}));
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_those_that_are_near() {
    let served = served().await;
    for (path, asked, near) in [
        ("units?fields=number,soc", "soc", "measured.soc"),
        ("units/1?fields=measured.soq", "measured.soq", "measured.soc"),
        ("units/1?fields=", "", "ac"),
        ("units/1?fields=ac,,dc", "", "ac"),
        ("farm?fields=truht.soc", "truht.soc", "truth.soc"),
        ("units/1/racks?fields=current", "current", "current_a"),
    ] {
        let answer = served.ask("GET", &format!("/api/v1/{path}")).await;
        let problem = answer.problem(400, "bad_parameter");
        assert_eq!((&problem["field"], &problem["value"]), (&json!("fields"), &json!(asked)));
        assert!(problem["detail"].as_str().unwrap().contains(near), "{problem}");
        assert!(problem["allowed"].as_array().unwrap().contains(&json!(near)), "{path}");
    }
}

#[tokio::test]
async fn a_bad_filter_or_order_is_refused_with_what_is_allowed() {
    let served = served().await;
    for (query, field) in [
        ("state=running,flying", "state"),
        ("state=", "state"),
        ("alarm=hot", "alarm"),
        ("level=bad", "level"),
        ("alarmed=yes", "alarmed"),
        ("local=1", "local"),
        ("watchdog=x", "watchdog"),
        ("soc_above=high", "soc_above"),
        ("soc_above=nan", "soc_above"),
        ("trips_below=1e16", "trips_below"),
        ("sort=size", "sort"),
        ("sort=--soc", "sort"),
        ("sort=soc,", "sort"),
        ("format=xml", "format"),
        ("soc_above=0&soc_above=1", "soc_above"),
        ("soc=0.5", "soc"),
    ] {
        let answer = served.ask("GET", &format!("/api/v1/units?{query}")).await;
        let problem = answer.problem(400, "bad_parameter");
        assert_eq!(problem["field"], field, "{query}");
        if !query.contains('&') {
            assert!(!problem["allowed"].is_null(), "{query}");
        }
    }
}
