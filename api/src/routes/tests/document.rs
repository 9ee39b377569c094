//! The OpenAPI document: committed, whole and true.

use crate::testing;
use bess_core::command::{ControlSource, UnitAction};
use bess_core::link::{self, ActiveLinks, LinkCondition, LinkEffect, LinkScope};
use bess_core::snapshot::UnitState;
use bess_core::time::Tick;
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&crate::openapi()).unwrap()
}

/// Every operation with its path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

/// Every schema inside `value`, the value itself included.
fn inner<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    found.push(value);
    match value {
        Value::Array(values) => values.iter().for_each(|value| inner(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| inner(value, found)),
        _ => {}
    }
}

#[test]
fn the_committed_document_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let document = crate::openapi();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == document, "stale: run UPDATE=1 cargo test -p bess-api");
}

#[test]
fn it_is_openapi_3_1_with_the_problem_schema() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let problem = &document["components"]["schemas"]["Problem"];
    for field in ["type", "title", "status", "detail", "field", "allowed"] {
        assert!(problem["properties"][field].is_object(), "{field}");
    }
}

#[test]
fn every_operation_has_a_summary_an_id_of_its_own_and_described_answers() {
    let document = document();
    let mut ids = Vec::new();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{place}: summary");
        let id = operation["operationId"].as_str().unwrap();
        assert!(!ids.contains(&id), "{place}: operationId {id} is not unique");
        ids.push(id);
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("200"), "{place}");
        for (status, response) in responses {
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{place} {status}: description");
            if status == "304" {
                assert!(response["headers"]["ETag"].is_object(), "{place}");
                continue;
            }
            let content = response["content"].as_object().unwrap();
            assert!(!content.is_empty(), "{place} {status}: content");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{place}: {parameter}");
        }
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    let document = document();
    let mut values = Vec::new();
    inner(&document, &mut values);
    for reference in values.iter().filter_map(|value| value["$ref"].as_str()) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn null_is_allowed_by_exactly_one_branch_of_a_choice() {
    let document = document();
    let mut values = Vec::new();
    inner(&document["components"], &mut values);
    for choice in values.iter().filter_map(|value| value["oneOf"].as_array()) {
        let allows_null = |schema: &Value| {
            let target = schema["$ref"]
                .as_str()
                .map(|reference| document.pointer(reference.strip_prefix('#').unwrap()).unwrap());
            let kind = &target.unwrap_or(schema)["type"];
            *kind == "null" || kind.as_array().is_some_and(|of| of.contains(&"null".into()))
        };
        let n_null = choice.iter().filter(|schema| allows_null(schema)).count();
        assert!(n_null <= 1, "null matches {n_null} branches: {choice:?}");
    }
}

#[test]
fn values_from_a_closed_list_are_enums() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let names = |pointer: &str| -> Vec<String> {
        let schema = schemas.pointer(pointer).unwrap();
        let schema = schema["$ref"].as_str().map_or(schema, |reference| {
            document.pointer(reference.strip_prefix('#').unwrap()).unwrap()
        });
        let values = schema["enum"].as_array();
        let values = values.unwrap_or_else(|| panic!("{pointer} is no enum: {schema}"));
        let values = values.iter().map(|value| value.as_str().unwrap().to_owned());
        values.collect()
    };
    let states = UnitState::ALL.map(UnitState::name);
    assert_eq!(names("/Unit/properties/state"), states);
    let sources = ControlSource::NAMES;
    assert_eq!(names("/Control/properties/source"), sources);
    let modes = ["running", "paused", "free"];
    assert_eq!(names("/ClockAnswer/allOf/1/properties/mode"), modes);
    let actions = UnitAction::ALL.map(|(name, _)| name);
    assert_eq!(names("/UnitCommand/properties/action"), actions);
    assert_eq!(names("/ClockChange/properties/mode"), ["running", "paused"]);
    for (path, name, values) in [
        ("/api/v1/endpoints", "format", &["json", "csv"]),
        ("/api/v1/stream", "units", &["true", "false"]),
    ] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        let mut parameters = parameters.unwrap().iter();
        let parameter = parameters.find(|parameter| parameter["name"] == name);
        let parameter = parameter.unwrap();
        assert_eq!(parameter["schema"]["enum"], serde_json::json!(values));
        assert_eq!(parameter["required"], false);
    }
}

fn one_link() -> ActiveLinks {
    let condition = LinkCondition {
        name: "test".to_owned(),
        effect: LinkEffect::Drop,
        scope: LinkScope::default(),
        probability: 1.0,
        seed: 0,
        until: None,
    };
    link::with(&[], &condition, Tick(0)).unwrap()
}

#[tokio::test]
async fn every_documented_operation_exists_and_is_served_under_its_method() {
    let served = testing::serve().await;
    let answer = served.ask("GET", "/api/openapi.json").await;
    assert_eq!(answer.json(), document());
    for (path, method, _) in operations(&document()) {
        // What is to be cleared must be there.
        served.farm.publish(|next| {
            next.link = one_link();
            next.stage = crate::testing::stage::one_of_each();
        });
        let path = path.replace("{id}", "1").replace("{rack}", "1").replace("{load}", "1");
        let path = path.replace("{name}", "test").replace("{alert}", "BessAbsent");
        let path = if path.ends_with("/stream") { format!("{path}?max_events=1") } else { path };
        let path =
            if path.ends_with("/history") { format!("{path}?signal=battery.soc") } else { path };
        let answer = served.ask(&method.to_uppercase(), &path).await;
        // Without a body the changes are refused, but not for the path or the method.
        assert!([200, 415].contains(&answer.status), "{method} {path}: {}", answer.status);
    }
}

#[test]
fn a_body_of_optional_fields_needs_one_and_no_unknown_ones() {
    let document = document();
    for name in [
        "ClockChange",
        "FunctionsWish",
        "PlantWish",
        "UnitControlChange",
        "UnitMode",
        "UnitSetpoint",
    ] {
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["minProperties"], 1, "{name}");
        assert_eq!(schema["additionalProperties"], false, "{name}");
        for (field, schema) in schema["properties"].as_object().unwrap() {
            // Absent is not null, which is refused.
            assert_eq!(schema.get("default"), None, "{name}.{field}");
        }
    }
}

#[test]
fn a_busy_farm_is_documented_with_retry_after() {
    let document = document();
    let responses = &document["paths"]["/api/v1/farm/setpoint"]["put"]["responses"];
    let header = &responses["503"]["headers"]["Retry-After"];
    assert_eq!(header["schema"]["type"], "integer");
    assert!(responses["422"]["headers"].is_null());
}

#[tokio::test]
async fn the_index_names_the_document_and_every_path() {
    let served = testing::serve().await;
    let index = served.ask("GET", "/").await.json();
    assert_eq!(index["openapi"], "/api/openapi.json");
    let paths = index["paths"].as_array().unwrap();
    assert_eq!(paths.len(), document()["paths"].as_object().unwrap().len(), "{paths:?}");
}

/// What is wrong with `value` by a schema: missing fields, and values of the wrong type.
fn faults(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        return faults(document, schema, value, place, found);
    }
    for branch in schema["allOf"].as_array().into_iter().flatten() {
        faults(document, branch, value, place, found);
    }
    for choice in ["oneOf", "anyOf"] {
        // Of an answer or a selection of it the whole one is meant here.
        let branches = schema[choice].as_array().into_iter().flatten();
        let branches = branches.take(if choice == "anyOf" { 1 } else { usize::MAX });
        let tried: Vec<Vec<String>> = branches
            .map(|branch| {
                let mut found = Vec::new();
                faults(document, branch, value, place, &mut found);
                found
            })
            .collect();
        if let Some(least) = tried.into_iter().min_by_key(Vec::len) {
            found.extend(least);
        }
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        Value::Null => vec![Value::from(kind)],
        one => vec![one.clone()],
    };
    let is_number = kind == "integer" && kinds.contains(&"number".into());
    if !kinds.contains(&kind.into()) && !is_number {
        found.push(format!("{place} is {kind}, not {kinds:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{place}.{name} is missing"));
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            faults(document, schema, value, &format!("{place}.{name}"), found);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        faults(document, &schema["items"], item, &format!("{place}[]"), found);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_selected_from_has_all_that_the_document_promises() {
    let served = testing::serve().await;
    let document = document();
    for (path, schema) in [
        ("farm", "FarmAnswer"),
        ("units", "UnitsAnswer"),
        ("units/1", "UnitAnswer"),
        ("units/1/racks", "RacksAnswer"),
        ("units/1/cells", "CellsAnswer"),
    ] {
        let mut found = Vec::new();
        let answer = served.get(path).await;
        faults(&document, &document["components"]["schemas"][schema], &answer, path, &mut found);
        assert_eq!(found, Vec::<String>::new());
        // The check sees what is missing.
        let selected = served.get("units/1?fields=number").await;
        faults(&document, &document["components"]["schemas"]["Unit"], &selected, "x", &mut found);
        assert!(found.len() > 20, "{found:?}");
    }
}

#[test]
fn lists_of_units_may_be_filtered_sorted_and_selected_by_what_is_documented() {
    let document = document();
    let parameters = document["paths"]["/api/v1/units"]["get"]["parameters"].as_array().unwrap();
    let items = |name: &str| {
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
        assert_eq!(parameter["explode"], false, "{name}");
        let items = &parameter["schema"]["items"];
        let items = items["$ref"].as_str().map_or(items, |reference| {
            document.pointer(reference.strip_prefix('#').unwrap()).unwrap()
        });
        items["enum"].as_array().unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(items("state"), UnitState::ALL.map(UnitState::name));
    assert!(items("sort").contains(&"-soc".into()));
    assert!(items("fields").contains(&"measured.soc".into()));
    for parameter in parameters {
        assert_eq!(parameter["required"], false, "{parameter}");
    }
    for operation in ["/api/v1/units", "/api/v1/farm", "/api/v1/clock"] {
        let parameters = document["paths"][operation]["get"]["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == "If-None-Match"));
    }
}
