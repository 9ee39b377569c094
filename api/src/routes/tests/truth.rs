//! What the BMS reports and what is true stand side by side, and are never mixed.

use crate::testing::{self, Served};
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::snapshot::{CellsView, RackView};
use bess_core::units::{Amps, Celsius, Volts};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every value of a document by its path.
fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                leaves(value, &format!("{path}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(value, &format!("{path}/{name}"), found);
            }
        }
        value => {
            found.insert(path.to_owned(), value.clone());
        }
    }
}

async fn read(served: &Served, path: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    leaves(&served.get(path).await, "", &mut found);
    found.remove("/publication");
    found
}

#[tokio::test]
async fn a_value_changes_with_the_truth_if_and_only_if_it_stands_under_truth() {
    for path in ["farm", "units", "units/1", "units/1/racks"] {
        let served = testing::serve().await;
        let before = read(&served, path).await;
        served.farm.publish(testing::change_truth);
        let after = read(&served, path).await;
        assert!(before.keys().eq(after.keys()), "{path}");
        assert!(before.keys().any(|name| name.contains("/truth/")), "{path}");
        for (name, value) in &before {
            assert_eq!(after[name] != *value, name.contains("/truth/"), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn every_field_of_a_rack_that_is_true_and_reported_has_one_name() {
    let served = testing::serve().await;
    let rack = &served.get("units/1/racks").await["racks"][0];
    let reported = rack.as_object().unwrap();
    let only_true = ["capacity_lost", "resistance_gained", "cells_vented", "cells_burnt"];
    for name in rack["truth"].as_object().unwrap().keys() {
        let is_reported = reported.contains_key(name);
        assert_ne!(is_reported, only_true.contains(&name.as_str()), "{name}");
    }
}

#[tokio::test]
async fn a_rack_shows_what_its_bms_reports_with_the_truth_beside_it() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        testing::change_truth(next);
        let rack = &mut next.racks[1];
        *rack = RackView {
            current: Amps(61.5),
            voltage: Volts(1372.8),
            soc: 0.61,
            soh: 0.98,
            soc_sigma: 0.015,
            recalibrations: 3,
            cells_balancing: 17,
            truth: rack.truth,
            ..RackView::default()
        };
        rack.extremes.temperature_max = Celsius(31.25);
        rack.truth.capacity_lost = f64::NAN;
    });
    let rack = &served.get("units/1/racks").await["racks"][1];
    for (pointer, value) in [
        ("/current_a", json!(61.5)),
        ("/voltage_v", json!(1372.8)),
        ("/soc", json!(0.61)),
        ("/soc_sigma", json!(0.015)),
        ("/soh", json!(0.98)),
        ("/recalibrations", json!(3)),
        ("/cells_balancing", json!(17)),
        ("/temperature_max_degc", json!(31.25)),
        ("/truth/current_a", json!(-444.0)),
        ("/truth/voltage_v", json!(777.0)),
        ("/truth/soc", json!(0.11)),
        ("/truth/soh", json!(0.22)),
        ("/truth/cell_voltage_mean_v", json!(2.5)),
        ("/truth/cell_temperature_mean_degc", json!(99.0)),
        ("/truth/cell_voltage_min_v", json!(1.5)),
        ("/truth/cell_voltage_max_v", json!(4.75)),
        ("/truth/temperature_min_degc", json!(-17.0)),
        ("/truth/temperature_max_degc", json!(222.0)),
        ("/truth/temperature_max_at", json!({"unit": 9, "rack": 8, "cell": 7})),
        ("/truth/capacity_lost", Value::Null),
        ("/truth/resistance_gained", json!(3.0)),
        ("/truth/cells_vented", json!(9)),
        ("/truth/cells_burnt", json!(8)),
    ] {
        assert_eq!(rack.pointer(pointer), Some(&value), "{pointer}");
    }
}

#[tokio::test]
async fn cells_show_what_is_measured_with_the_truth_beside_it() {
    let served = testing::serve().await;
    let cells = served.get("units/4/cells").await;
    assert_eq!(cells["voltage_v"][0], 3.2_f32);
    assert_eq!(cells["temperature_degc"][4991], 25.0);
    let truth = &cells["truth"];
    assert_eq!(truth.as_object().unwrap().len(), 2);
    for (column, value) in [("voltage_v", 3.3_f32), ("temperature_degc", 26.0)] {
        let values = truth[column].as_array().unwrap();
        assert_eq!(values.len(), 4992, "{column}");
        assert!(values.iter().all(|shown| *shown == value), "{column}");
    }
}

#[tokio::test]
async fn a_cell_without_a_value_is_null_in_every_column() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let column = || vec![1.5, f32::NAN];
        next.cells.push(Arc::new(CellsView {
            unit_idx: 0,
            cells_per_rack: 2,
            voltage_v: column(),
            temperature_degc: column(),
            soc: column(),
            true_voltage_v: column(),
            true_temperature_degc: column(),
        }));
    });
    let cells = served.get("units/1/cells").await;
    for column in
        ["/voltage_v", "/temperature_degc", "/soc", "/truth/voltage_v", "/truth/temperature_degc"]
    {
        assert_eq!(cells.pointer(column), Some(&json!([1.5, null])), "{column}");
    }
}

#[tokio::test]
async fn a_unit_shows_the_climate_and_the_gas_of_its_container() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let view = &mut next.units[0];
        view.coolant_temperature = Celsius(18.5);
        view.air_temperature = Celsius(27.25);
        view.gas_litres = 40.5;
        view.alarms.insert(AlarmCode::Gas, AlarmLevel::Trip);
        view.alarms.insert(AlarmCode::CoolingFailed, AlarmLevel::Warning);
    });
    let unit = served.get("units/1").await;
    assert_eq!(unit["coolant_temperature_degc"], 18.5);
    assert_eq!(unit["air_temperature_degc"], 27.25);
    assert_eq!(unit["gas_litres"], 40.5);
    let alarms = json!([
        {"code": "gas", "level": "trip"},
        {"code": "cooling_failed", "level": "warning"},
    ]);
    assert_eq!(unit["alarms"], alarms);
    served.farm.publish(|next| next.units[0].air_temperature = Celsius(f64::NAN));
    assert_eq!(served.get("units/1").await["air_temperature_degc"], Value::Null);
}
