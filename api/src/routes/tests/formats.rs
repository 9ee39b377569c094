//! Forms of an answer: JSON, tables and columns say the same, and one place chooses.

use crate::testing::{self, Served};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase, AlarmState};
use bess_core::command::Request;
use bess_core::id::{CellAddress, UnitId};
use bess_core::time::{Moment, Tick};
use serde_json::{Value, json};

/// Rows of a table by the names of its columns.
fn rows(csv: &[u8]) -> Vec<Vec<(String, String)>> {
    let mut reader = csv::Reader::from_reader(csv);
    let names = reader.headers().unwrap().clone();
    let named = |row: csv::StringRecord| {
        let both = names.iter().zip(row.iter());
        both.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    reader.records().map(|row| named(row.unwrap())).collect()
}

/// What a table shows of a value.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn csv(served: &Served, path: &str) -> Vec<u8> {
    let answer = served.ask("GET", &format!("/api/v1/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"), "{path}");
    assert_eq!(answer.header("bess-tick"), Some("20"), "{path}");
    assert!(answer.header("bess-publication").is_some(), "{path}");
    answer.body
}

/// Every value of the table is the one that the JSON document has at the path of its column.
async fn assert_alike(served: &Served, path: &str, list: &str) {
    let joint = if path.contains('?') { '&' } else { '?' };
    let table = rows(&csv(served, &format!("{path}{joint}format=csv")).await);
    let document = served.get(path).await;
    let items = document[list].as_array().unwrap();
    assert!(!items.is_empty(), "{path}");
    assert_eq!(table.len(), items.len(), "{path}");
    for (row, item) in table.iter().zip(items) {
        for (column, text) in row {
            let value = column.split('.').fold(item, |value, name| &value[name]);
            if !value.is_array() {
                assert_eq!(*text, shown(value), "{path}: {column}");
            }
        }
    }
}

fn alarm(unit_idx: usize) -> AlarmState {
    AlarmState {
        unit: UnitId::from_idx(unit_idx),
        key: AlarmKey {
            code: AlarmCode::CellOverTemperature,
            level: AlarmLevel::Trip,
            rack_idx: Some(2),
        },
        phase: AlarmPhase::Active,
        since: Moment { tick: Tick(7), offset_us: 1500 },
        value: 61.5,
        threshold: f64::NAN,
        cell: Some(CellAddress { unit_idx: 1, rack_idx: 2, cell_idx: 3 }),
        resets_refused: 1,
    }
}

#[tokio::test]
async fn a_table_has_the_values_of_the_document() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        next.alarms = vec![alarm(1), AlarmState { cell: None, ..alarm(4) }];
        next.units[2].measured.soc = f64::NAN;
    });
    assert_alike(&served, "units", "units").await;
    assert_alike(&served, "units?limit=3&sort=-number", "units").await;
    assert_alike(&served, "units/4/racks", "racks").await;
    assert_alike(&served, "alarms", "alarms").await;
    assert_alike(&served, "endpoints", "endpoints").await;
}

#[tokio::test]
async fn the_table_of_units_has_every_value_or_those_that_are_asked_for() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        next.units[0].alarms.insert(AlarmCode::CellOverTemperature, AlarmLevel::Trip);
        next.units[0].alarms.insert(AlarmCode::CellUnderVoltage, AlarmLevel::Warning);
    });
    let text = csv(&served, "units?format=csv").await;
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("number,name,state,state_since_tick,local,alarms,"), "{text}");
    let n_columns = text.lines().next().unwrap().split(',').count();
    let leaves = crate::read::fields::UNIT.paths().len();
    assert!(n_columns > 150 && n_columns < leaves, "{n_columns} columns of {leaves} fields");
    let path = "units?format=csv&limit=1&fields=measured.soc,number,alarms,dc";
    let text = String::from_utf8(csv(&served, path).await).unwrap();
    let expected = "measured.soc,number,alarms,dc.voltage_v,dc.current_a,dc.power_w\n0.0,1,";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("cell_over_temperature:trip"), "{text}");
    assert!(text.contains("cell_under_voltage:warning"), "{text}");
    // Nobody matches: the names are there.
    let path = "units?format=csv&state=fault&fields=number";
    assert_eq!(csv(&served, path).await, b"number\n");
}

#[tokio::test]
async fn writes_are_a_table_whose_texts_may_have_commas_and_quotes() {
    let served = testing::serve().await;
    // The fake farm keeps no audit, so that the table has its names alone.
    let text = csv(&served, "writes?format=csv").await;
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("number,tick,simulation_time,wall_time,source,peer,token.name,"));
    let text = csv(&served, "events?format=csv").await;
    assert!(text.starts_with(b"number,tick,offset_ms,simulation_time,unit,kind,text,"));
}

#[tokio::test]
async fn every_column_of_a_table_is_a_documented_value_and_every_value_has_a_column() {
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    for (schema, columns) in [
        ("Alarm", &crate::routes::alarms::COLUMNS[..]),
        ("EventAnswer", &crate::routes::logs::COLUMNS),
        ("WriteAnswer", &crate::routes::writes::COLUMNS),
        ("Endpoint", &crate::routes::endpoints::COLUMNS),
    ] {
        let fields = crate::read::fields::Fields::of(schema, None);
        assert!(document["components"]["schemas"][schema].is_object());
        let tops = fields.paths().iter().filter(|path| !path.contains('.'));
        let mut leaves: Vec<&str> = tops.flat_map(|path| fields.leaves(path)).collect();
        let mut columns = columns.to_vec();
        leaves.sort_unstable();
        columns.sort_unstable();
        assert_eq!(columns, leaves, "{schema}");
    }
}

#[tokio::test]
async fn the_parameter_beats_the_header_and_the_header_counts_its_qualities() {
    let served = testing::serve().await;
    let mut client = served.client().await;
    for (path, accept, media_type) in [
        ("units", "*/*", "application/json"),
        ("units", "text/csv", "text/csv; charset=utf-8"),
        ("units", "text/csv;q=0.5, application/json", "application/json"),
        ("units?format=json", "text/csv", "application/json"),
        ("units?format=csv", "application/xml", "text/csv; charset=utf-8"),
        ("units/1/cells", "application/octet-stream", "application/octet-stream"),
        ("units/1/cells?format=csv", "application/octet-stream", "text/csv; charset=utf-8"),
        ("units/1/cells", "text/html, */*;q=0.1", "application/json"),
    ] {
        let path = format!("/api/v1/{path}");
        let answer = client.ask("GET", &path, &[("accept", accept)], "").await;
        assert_eq!(answer.status, 200, "{path} {accept}");
        assert_eq!(answer.header("content-type"), Some(media_type), "{path} {accept}");
        assert_eq!(answer.header("vary"), Some("accept"), "{path}");
    }
}

#[tokio::test]
async fn a_form_that_is_not_there_is_refused_with_those_that_are() {
    let served = testing::serve().await;
    let mut client = served.client().await;
    for (path, accept, allowed) in [
        ("farm", "text/csv", json!(["application/json"])),
        ("units", "application/octet-stream", json!(["application/json", "text/csv"])),
        ("alarms", "image/png, text/html", json!(["application/json", "text/csv"])),
    ] {
        let path = format!("/api/v1/{path}");
        let answer = client.ask("GET", &path, &[("accept", accept)], "").await;
        let problem = answer.problem(406, "not_acceptable");
        assert_eq!(problem["allowed"], allowed, "{path}");
        assert_eq!((&problem["field"], &problem["value"]), (&json!("accept"), &json!(accept)));
    }
    for (path, allowed) in [
        ("units?format=binary", json!(["json", "csv"])),
        ("units/1/cells?format=arrow", json!(["json", "csv", "binary"])),
    ] {
        let answer = served.ask("GET", &format!("/api/v1/{path}")).await;
        let problem = answer.problem(400, "bad_parameter");
        assert_eq!((&problem["field"], &problem["allowed"]), (&json!("format"), &allowed));
    }
}

#[tokio::test]
async fn cells_have_only_the_columns_and_racks_that_are_asked_for() {
    let served = testing::serve().await;
    let answer = served.get("units/4/cells?columns=soc,truth.voltage_v&racks=12,1").await;
    assert_eq!(answer["racks"], json!([12, 1]));
    assert_eq!(answer["soc"].as_array().unwrap().len(), 832);
    assert_eq!(answer["truth"].as_object().unwrap().len(), 1);
    assert_eq!(answer["truth"]["voltage_v"][831], 3.3_f32);
    assert_eq!(answer.get("voltage_v"), None);
    let answer = served.get("units/4/cells?columns=voltage_v&racks=2").await;
    assert_eq!(answer.get("truth"), None);
    let first = answer["voltage_v"][0].as_f64().unwrap();
    assert!((first - (3.2 + 416.0 * 1e-6)).abs() < 1e-6, "the first cell of the second rack");
    let all = served.get("units/4/cells").await;
    assert_eq!(all["racks"].as_array().unwrap().len(), 12);
    // They were in the snapshot, so that the loop was asked once.
    let unit = UnitId::from_number(4).unwrap();
    assert_eq!(served.farm.letters(), [Request::ShowCells(unit)]);
}

#[tokio::test]
async fn cells_are_the_same_numbers_in_every_form() {
    let served = testing::serve().await;
    let wish = "columns=voltage_v,truth.temperature_degc&racks=3,1";
    let json = served.get(&format!("units/4/cells?{wish}")).await;
    let table = rows(&csv(&served, &format!("units/4/cells?{wish}&format=csv")).await);
    let path = format!("/api/v1/units/4/cells?{wish}&format=binary");
    let binary = served.ask("GET", &path).await;
    for (name, value) in [
        ("bess-columns", "voltage_v,truth.temperature_degc"),
        ("bess-racks", "3,1"),
        ("bess-cells-per-rack", "416"),
        ("bess-byte-order", "little"),
        ("bess-tick", "20"),
    ] {
        assert_eq!(binary.header(name), Some(value));
    }
    let head = u32::from_le_bytes(binary.body[8..12].try_into().unwrap()) as usize;
    let four = binary.body[head..].chunks_exact(4);
    let data: Vec<f32> = four.map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!((table.len(), data.len()), (832, 1664));
    for at in 0..832 {
        let voltage = json["voltage_v"][at].as_f64().unwrap() as f32;
        let temperature = json["truth"]["temperature_degc"][at].as_f64().unwrap() as f32;
        assert_eq!([data[at], data[832 + at]], [voltage, temperature]);
        let row: Vec<&str> = table[at].iter().map(|(_, value)| value.as_str()).collect();
        let rack = if at < 416 { "3" } else { "1" };
        assert_eq!((row[0], row[1]), (rack, (at % 416 + 1).to_string().as_str()));
        assert_eq!(row[2].parse::<f32>(), Ok(voltage));
        assert_eq!(row[3].parse::<f32>(), Ok(temperature));
    }
}

#[tokio::test]
async fn a_column_or_rack_that_is_not_there_is_refused_before_the_loop_is_asked() {
    let served = testing::serve().await;
    for (query, status, slug, field) in [
        ("columns=voltage", 400, "bad_parameter", "columns"),
        ("columns=", 400, "bad_parameter", "columns"),
        ("racks=13", 404, "no_such_rack", "racks"),
        ("racks=0", 404, "no_such_rack", "racks"),
        ("racks=1,x", 404, "no_such_rack", "racks"),
        ("fields=soc", 400, "bad_parameter", "fields"),
    ] {
        let answer = served.ask("GET", &format!("/api/v1/units/1/cells?{query}")).await;
        assert_eq!(answer.problem(status, slug)["field"], field, "{query}");
    }
    assert!(served.farm.letters().is_empty());
}
