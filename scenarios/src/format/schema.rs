//! The JSON Schema of scenario files, from the tables that the reader goes by.

use super::deed::Deed;
use super::objects::{CSV, DRAWS, FAULT, OBJECTS, OU, RAMP, SCENARIO, SINE, STEP_TO};
use super::setup;
use super::table::{Key, Kind, Object};
use crate::faults::{Parameter, ParameterKind, TargetKind};
use serde_json::{Map, Value, json};

/// The schema of a scenario, JSON Schema 2020-12.
///
/// It describes the text before parameters are put in: wherever a number, a truth value or a word stands
/// there may be a `${…}`. What goes beyond the form (names, units, times) the reader checks.
pub fn scenario_schema() -> Value {
    let mut defs = definitions();
    let mut schema = object(&SCENARIO);
    defs.remove(SCENARIO.name);
    let map = schema.as_object_mut().expect("an object's schema is an object");
    map.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    map.insert("title".to_owned(), json!("bess scenario, bess/v1"));
    map.insert("$defs".to_owned(), Value::Object(defs));
    schema
}

/// The schema of a single fault, by which REST describes `POST faults`.
pub fn fault_schema() -> Value {
    let mut schema = object(&FAULT);
    let map = schema.as_object_mut().expect("an object's schema is an object");
    map.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    map.insert("title".to_owned(), json!("bess fault"));
    map.insert("$defs".to_owned(), Value::Object(definitions()));
    schema
}

fn definitions() -> Map<String, Value> {
    let mut defs = Map::new();
    for object in OBJECTS {
        defs.insert(object.name.to_owned(), self::object(object));
    }
    let put_in = json!({ "type": "string", "pattern": "\\$\\{[^}]+\\}" });
    let mut put = |name: &str, schema: Value| defs.insert(name.to_owned(), schema);
    put("put-in", put_in);
    put("id", json!({ "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" }));
    let parts = "(\\d+(\\.\\d+)?d)?(\\d+(\\.\\d+)?h)?(\\d+(\\.\\d+)?m)?(\\d+(\\.\\d+)?s)?\
                 (\\d+(\\.\\d+)?ms)?";
    let duration = json!({ "type": "string", "pattern": format!("^(?=.){parts}$") });
    put("duration", or_put_in(duration));
    put("number", json!({ "type": ["number", "string"] }));
    let ramp = |name: &str, of: Value| {
        json!({
            "type": "object", "additionalProperties": false, "required": [name],
            "properties": { name: of },
        })
    };
    let shapes = [
        ramp("ramp", reference(RAMP.name)),
        ramp("steps", json!({ "type": "array", "minItems": 1, "items": reference(STEP_TO.name) })),
        ramp("sine", reference(SINE.name)),
        ramp("ou", reference(OU.name)),
        ramp("csv", reference(CSV.name)),
    ];
    put("shape", json!({ "oneOf": shapes }));
    let draws: Vec<Value> = DRAWS.iter().map(|object| reference(object.name)).collect();
    put("draw", json!({ "oneOf": draws }));
    for deed in Deed::names().into_iter().filter_map(Deed::by_name) {
        if deed.parameters(None).is_empty() && deed.targets().len() > 1 {
            let sets = [TargetKind::Unit, TargetKind::Farm]
                .map(|kind| with(&setup::parameters(kind), "the settings of one kind of target"));
            put(&with_name(deed), json!({ "anyOf": sets, "description": deed.summary() }));
        } else {
            put(&with_name(deed), with(&deed.parameters(None), deed.summary()));
        }
    }
    let sets = [TargetKind::Unit, TargetKind::Farm]
        .map(|kind| with(&setup::parameters(kind), "the settings of one kind of target"));
    put("set", json!({ "anyOf": sets }));
    defs
}

fn with_name(deed: Deed) -> String {
    format!("with.{}", deed.name())
}
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}
fn any_of(schemas: Vec<Value>) -> Value {
    Value::Object(Map::from_iter([("anyOf".to_owned(), Value::Array(schemas))]))
}
fn or_put_in(schema: Value) -> Value {
    any_of(vec![schema, reference("put-in")])
}

/// An object by its table.
fn object(object: &Object) -> Value {
    let by_kind = EXPECTATION_KINDS.contains(&object.name);
    let is_draw = DRAWS.iter().any(|draw| draw.name == object.name);
    let mut properties = Map::new();
    for key in object.keys() {
        let schema = match key.name {
            // Of one of several objects its name is the one that it is chosen by.
            "kind" if by_kind => json!({ "const": object.name }),
            "dist" if is_draw => json!({ "const": object.name }),
            _ => self::key(key),
        };
        properties.insert(key.name.to_owned(), described(schema, key.text));
    }
    let needed: Vec<&str> = object.keys().filter(|key| key.is_needed).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": object.text.trim(),
        "additionalProperties": false,
        "properties": properties,
    });
    let map = schema.as_object_mut().expect("an object");
    if !needed.is_empty() {
        map.insert("required".to_owned(), json!(needed));
    }
    if !object.one_of.is_empty() {
        let each = object.one_of.iter().map(|key| json!({ "required": [key] }));
        map.insert("oneOf".to_owned(), Value::Array(each.collect()));
    }
    let by = match object.name {
        "action" => Some(("action", Deed::names())),
        "fault" => Some(("kind", crate::faults::KINDS.iter().map(|kind| kind.name).collect())),
        _ => None,
    };
    if let Some((key, names)) = by {
        let each = names.into_iter().filter_map(Deed::by_name).map(|deed| {
            let needs_with = deed.parameters(None).iter().any(|parameter| parameter.is_needed);
            let mut then = json!({ "properties": { "with": reference(&with_name(deed)) } });
            if needs_with {
                then["required"] = json!(["with"]);
            }
            let name = deed.name();
            json!({
                "if": { "properties": { key: { "const": name } }, "required": [key] },
                "then": then,
            })
        });
        map.insert("allOf".to_owned(), Value::Array(each.collect()));
    }
    schema
}

const EXPECTATION_KINDS: [&str; 7] = super::scenario::ExpectationKind::NAMES;

fn described(mut schema: Value, text: &str) -> Value {
    if let Some(map) = schema.as_object_mut() {
        map.insert("description".to_owned(), json!(text));
    }
    schema
}

fn key(key: &Key) -> Value {
    match key.kind {
        Kind::Const(text) => json!({ "const": text }),
        Kind::Text | Kind::Condition | Kind::Signal | Kind::Target | Kind::Action => {
            json!({ "type": "string", "minLength": 1 })
        }
        Kind::Id => reference("id"),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Duration => reference("duration"),
        Kind::Whole { min, max } => {
            or_put_in(json!({ "type": "integer", "minimum": min, "maximum": max }))
        }
        Kind::Number { min, max } => or_text(number(min, max)),
        Kind::Numbers => json!({ "type": "array", "items": reference("number") }),
        Kind::Flag => or_put_in(json!({ "type": "boolean" })),
        Kind::Word(names) => or_put_in(json!({ "enum": names() })),
        Kind::Words(names) => {
            json!({ "type": "array", "uniqueItems": true, "items": or_put_in(json!({ "enum": names() })) })
        }
        Kind::Scalar => reference("number"),
        Kind::Literal => json!({ "type": ["number", "string", "boolean"] }),
        Kind::Targets => {
            json!({ "anyOf": [
                { "type": "string" }, { "type": "array", "items": { "type": "string" } }
            ] })
        }
        Kind::Units => {
            let one = json!({ "type": ["string", "integer"] });
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        // Its own schema comes with the name of the action.
        Kind::With => json!({ "type": "object" }),
        Kind::Set => reference("set"),
        Kind::Functions => super::functions::schema(),
        Kind::Every => json!({ "anyOf": [reference("duration"), reference("draw")] }),
        Kind::Object(object) => reference(object.name),
        Kind::List(object) => json!({ "type": "array", "items": reference(object.name) }),
        Kind::ListByKind(objects) => {
            let each: Vec<Value> = objects.iter().map(|object| reference(object.name)).collect();
            json!({ "type": "array", "items": { "oneOf": each } })
        }
        Kind::Map(object) => {
            json!({ "type": "object", "additionalProperties": reference(object.name) })
        }
        Kind::Who => json!({ "anyOf": [
            { "type": ["string", "integer"] },
            { "type": "array", "minItems": 1, "items": { "type": ["string", "integer"] } },
            reference("target"),
        ] }),
    }
}

fn number(min: f64, max: f64) -> Value {
    let mut schema = json!({ "type": "number" });
    if min.is_finite() {
        schema["minimum"] = json!(min);
    }
    if max.is_finite() {
        schema["maximum"] = json!(max);
    }
    schema
}

/// A number may be a text with a unit, or a `${…}`.
fn or_text(number: Value) -> Value {
    any_of(vec![number, json!({ "type": "string" })])
}

/// The table of an action's parameters.
fn with(parameters: &[Parameter], text: &str) -> Value {
    let mut properties = Map::new();
    for parameter in parameters {
        let mut schema = match parameter.kind {
            ParameterKind::Number { min, max, .. } => json!({ "anyOf": [
                number(min, max), { "type": "string" }, reference("shape"), reference("draw"),
            ] }),
            ParameterKind::Word { choices, .. } => or_put_in(json!({ "enum": choices })),
            ParameterKind::Flag => or_put_in(json!({ "type": "boolean" })),
            ParameterKind::Numbers { min, max } => {
                json!({ "type": "array", "items": or_text(number(min, max)) })
            }
            ParameterKind::Text => json!({ "type": "string", "minLength": 1 }),
        };
        match parameter.kind {
            ParameterKind::Number { default: Some(default), .. } => {
                schema["default"] = json!(default);
            }
            ParameterKind::Word { default: Some(default), .. } => {
                schema["default"] = json!(default);
            }
            _ => {}
        }
        properties.insert(parameter.name.to_owned(), described(schema, parameter.text));
    }
    let needed: Vec<&str> =
        parameters.iter().filter(|parameter| parameter.is_needed).map(|p| p.name).collect();
    let mut schema = json!({
        "type": "object", "description": text, "additionalProperties": false,
        "properties": properties,
    });
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema
}
