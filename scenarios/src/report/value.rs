//! JSON whose keys keep their order, and the rows by which a part of a report is written and described.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

/// A value of a report.
#[derive(Clone, Debug)]
pub(super) enum Json {
    /// Nothing to say; also a number that is none.
    Null,
    Flag(bool),
    Count(u64),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
    /// Many numbers.
    Samples(Vec<f32>),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Count(count) => to.serialize_u64(*count),
            // What is not finite has no form in JSON: serde_json writes null.
            Self::Number(number) => to.serialize_f64(*number),
            Self::Text(text) => to.serialize_str(text),
            Self::List(list) => to.collect_seq(list),
            Self::Object(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Samples(values) => to.collect_seq(values),
        }
    }
}

/// What a value may be.
pub(super) enum Kind {
    Flag,
    Count,
    Number,
    Text,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// Always this word.
    Always(&'static str),
    /// It, or null.
    Or(&'static Self),
    List(&'static Self),
    /// An object of that schema.
    Part(fn() -> Value),
}

impl Kind {
    fn schema(&self) -> Value {
        match self {
            Self::Flag => json!({ "type": "boolean" }),
            Self::Count => json!({ "type": "integer", "minimum": 0 }),
            Self::Number => json!({ "type": "number" }),
            Self::Text => json!({ "type": "string" }),
            Self::Word(words) => json!({ "enum": words() }),
            Self::Always(word) => json!({ "const": word }),
            Self::Or(kind) => json!({ "anyOf": [kind.schema(), { "type": "null" }] }),
            Self::List(kind) => json!({ "type": "array", "items": kind.schema() }),
            Self::Part(schema) => schema(),
        }
    }
}

/// One member of an object: written and described by the same row.
pub(super) struct Field<T> {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) text: &'static str,
    pub(super) get: fn(&T) -> Json,
}

/// An object of a report: what it is made from, and its members.
pub(super) trait Part {
    /// What it is made from.
    type Of: 'static;
    /// Its members, in their order.
    const FIELDS: &'static [Field<Self::Of>];
}

/// A part as a value.
pub(super) fn part<P: Part>(of: &P::Of) -> Json {
    Json::Object(P::FIELDS.iter().map(|field| (field.name, (field.get)(of))).collect())
}
/// Each of a list as a part.
pub(super) fn each<P: Part>(list: &[P::Of]) -> Json {
    Json::List(list.iter().map(part::<P>).collect())
}

/// The schema of a part.
pub(super) fn schema<P: Part>() -> Value {
    let mut properties = Map::new();
    for field in P::FIELDS {
        let mut of = field.kind.schema();
        if let Some(map) = of.as_object_mut() {
            map.insert("description".to_owned(), field.text.into());
        }
        properties.insert(field.name.to_owned(), of);
    }
    let required: Vec<&str> = P::FIELDS.iter().map(|field| field.name).collect();
    json!({
        "type": "object", "additionalProperties": false,
        "required": required, "properties": properties,
    })
}

pub(super) fn text(text: impl Into<String>) -> Json {
    Json::Text(text.into())
}
pub(super) fn seconds(at_s: Option<f64>) -> Json {
    at_s.map_or(Json::Null, Json::Number)
}
pub(super) fn texts(list: &[String]) -> Json {
    Json::List(list.iter().map(text).collect())
}
/// The rows of parts: `Name(Type): "name", kind, "description", |part| value; …`.
macro_rules! parts {
    ($($part:ident($type:ty): $($name:literal, $kind:expr, $text:literal, $get:expr;)*)*) => {
        $(
            pub(super) struct $part;
            impl Part for $part {
                type Of = $type;
                const FIELDS: &'static [Field<Self::Of>] =
                    &[$(Field { name: $name, kind: $kind, text: $text, get: $get },)*];
            }
        )*
    };
}
pub(super) use parts;
