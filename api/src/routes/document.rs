//! What the OpenAPI document says beyond what is written at each route: what all writes have in common,
//! and which fields of a body go together.

use crate::idempotency::{KEPT_FOR, KEY_MAX};
use crate::params::DRY_RUN;
use crate::problem::{kind, responses_of};
use crate::wire::SWITCH;
use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Header, OpenApi, RefOr, Required, Response};

/// Completes the document of the routes.
pub(super) fn complete(document: &mut OpenApi) {
    let components = document.components.as_mut();
    if let Some(schemas) = components.map(|components| &mut components.schemas) {
        for (name, constraint) in constraints() {
            if let Some(RefOr::T(Schema::Object(body))) = schemas.get_mut(name) {
                constraint.put_into(body);
            }
        }
    }
    for item in document.paths.paths.values_mut() {
        if let Some(read) = &mut item.get {
            complete_stream(read);
        }
        for operation in
            [&mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
        {
            complete_write(operation);
        }
    }
}

/// What the derive of utoipa has no word for.
enum Constraint {
    /// All fields are optional, and one is needed.
    AtLeastOne,
    /// Keywords of JSON Schema.
    Keywords(Value),
}

impl Constraint {
    fn put_into(self, body: &mut Object) {
        match self {
            Self::AtLeastOne => body.min_properties = Some(1),
            Self::Keywords(Value::Object(keywords)) => {
                body.extensions.get_or_insert_default().merge(Extensions::from_iter(keywords));
            }
            Self::Keywords(_) => {}
        }
    }
}

/// The constraints by the names of their bodies.
fn constraints() -> Vec<(&'static str, Constraint)> {
    use Constraint::{AtLeastOne, Keywords};
    let both = |a: &str, b: &str| json!({"required": [a, b]});
    let active = both("active_power_w", "active_power_pct");
    let reactive = both("reactive_power_var", "reactive_power_pct");
    let one_form = || Keywords(json!({"not": {"anyOf": [active, reactive]}}));
    vec![
        ("FunctionsWish", AtLeastOne),
        ("PlantWish", AtLeastOne),
        ("UnitControlChange", AtLeastOne),
        ("UnitSetpoint", AtLeastOne),
        ("UnitSetpoint", one_form()),
        (
            "NamedSetpoint",
            Keywords(json!({"minProperties": 2, "not": {"anyOf": [active, reactive]}})),
        ),
        (
            "FarmSetpoint",
            Keywords(json!({
                "oneOf": [{"required": ["active_power_w"]}, {"required": ["active_power_pct"]}],
                "not": reactive,
            })),
        ),
        ("UnitMode", AtLeastOne),
        ("UnitMode", Keywords(json!({"not": both("mode", "functions")}))),
        ("ClockChange", AtLeastOne),
        (
            "ClockChange",
            Keywords(json!({
                "not": {
                    "required": ["mode", "step_ticks"],
                    "properties": {"mode": {"const": "running"}},
                },
            })),
        ),
        (
            "ForceWish",
            Keywords(json!({"oneOf": [{"required": ["value"]}, {"required": ["words"]}]})),
        ),
    ]
}

/// An event of a stream is an object of its lines; the schema of the route is that of its data.
fn complete_stream(operation: &mut Operation) {
    let Some(RefOr::T(done)) = operation.responses.responses.get_mut("200") else {
        return;
    };
    if let Some(RefOr::T(events)) = done.content.get_mut("text/event-stream")
        && let Some(RefOr::Ref(data)) = &events.schema
    {
        let line = || ObjectBuilder::new().schema_type(Type::String);
        let data = Extensions::from_iter([
            ("contentMediaType", json!("application/json")),
            ("contentSchema", json!({"$ref": data.ref_location})),
        ]);
        let event = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("event", line())
            .property("id", line())
            .property("data", line().extensions(Some(data)))
            .required("data");
        events.schema = Some(event.into());
    }
}

/// What every write takes and answers.
fn complete_write(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(KEY_MAX + 2))
        .pattern(Some(r#"^("[!#-\[\]-~]+"|[!#-\[\]-~]+)$"#))
        .examples([json!("8e03978e-40d5-43dd-bc93-6894a57f9324")]);
    parameters.push(
        ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(format!(
                "A key of the client's own: the same request with the same key is applied once and \
                 answered again, for {} h",
                KEPT_FOR.as_secs() / 3600
            )))
            .schema(Some(key))
            .build()
            .into(),
    );
    // What is directed is asked in earnest.
    let is_directed = operation.tags.iter().flatten().any(|tag| tag == "scenarios");
    if answers_with_a_tick(operation) && !is_directed {
        let switch = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(SWITCH));
        let dry = ParameterBuilder::new()
            .name(DRY_RUN)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(
                "true to check the request and see what it would change, and change nothing",
            ))
            .schema(Some(switch))
            .build();
        operation.parameters.get_or_insert_default().push(dry.into());
    }
    let responses = &mut operation.responses.responses;
    let refusals = responses_of(&[&kind::BAD_HEADER, &kind::KEY_IN_USE, &kind::KEY_REUSED]);
    for (status, refusal) in refusals {
        match (responses.get_mut(&status), refusal) {
            (Some(RefOr::T(there)), RefOr::T(refusal)) => add_examples(there, refusal),
            (_, refusal) => {
                responses.insert(status, refusal);
            }
        }
    }
    if let Some(RefOr::T(done)) = responses.get_mut("200") {
        let mut header =
            Header::new(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["true"])));
        header.description =
            Some("There when the answer was given before, to the same key.".into());
        done.headers.insert("Idempotency-Replayed".to_owned(), header.into());
    }
}

/// Adds the kinds of `more` to those of a response.
fn add_examples(there: &mut Response, more: Response) {
    there.description =
        format!("{}, or: {}", there.description.trim_end_matches('.'), more.description);
    for (media_type, content) in more.content {
        if let (Some(RefOr::T(known)), RefOr::T(content)) =
            (there.content.get_mut(&media_type), content)
        {
            known.examples.extend(content.examples);
        }
    }
    there.headers.extend(more.headers);
}

/// Whether it answers with the tick of a change, and so can be run dry.
fn answers_with_a_tick(operation: &Operation) -> bool {
    let Some(RefOr::T(done)) = operation.responses.responses.get("200") else {
        return false;
    };
    let schema = match done.content.get("application/json") {
        Some(RefOr::T(content)) => content.schema.as_ref(),
        _ => None,
    };
    let name = match schema {
        Some(RefOr::Ref(reference)) => reference.ref_location.rsplit('/').next(),
        _ => None,
    };
    matches!(name, Some("AppliedAnswer" | "ForcedAnswer"))
}
