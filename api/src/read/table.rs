//! Tables: CSV as RFC 4180 has it, with a header line. A column is a value by its path, so that a table has
//! the names of the JSON documents.

use super::fields::Fields;
use super::select::{Selected, Selection};
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// The table of `rows` with these columns. What is not available is empty; the items of a list have spaces
/// between them, the values of an item colons.
pub(crate) fn csv<T: Serialize>(
    columns: &[impl AsRef<str>],
    rows: impl IntoIterator<Item = T>,
) -> Vec<u8> {
    let selection = Arc::new(Selection::of(columns.iter().map(AsRef::as_ref)));
    let mut writer = writer();
    let mut write = |record: Vec<String>| {
        // Memory takes everything.
        let _ = writer.write_record(record);
    };
    write(columns.iter().map(|column| column.as_ref().to_owned()).collect());
    for row in rows {
        let row = serde_json::to_value(Selected::new(row, Some(&selection))).unwrap_or_default();
        write(columns.iter().map(|column| cell(value_at(&row, column.as_ref()))).collect());
    }
    writer.into_inner().unwrap_or_default()
}

/// A writer of tables into memory.
pub(crate) fn writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().from_writer(Vec::new())
}

fn value_at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(value, |value, name| &value[name])
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => fields.values().map(cell).collect::<Vec<_>>().join(":"),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// The columns of a table whose rows look like `sample`: its values in their order; of an object that it
/// lacks, those that `fields` knows. With `selected` those of these fields, in the order asked for.
pub(crate) fn columns(
    sample: &impl Serialize,
    fields: &Fields,
    selected: Option<&[&str]>,
) -> Vec<String> {
    let mut seen = Vec::new();
    let text = serde_json::to_string(sample).unwrap_or_default();
    let mut json = serde_json::Deserializer::from_str(&text);
    // It was written a line above.
    let _ = Leaves { path: String::new(), found: &mut seen }.deserialize(&mut json);
    let all: Vec<String> = seen
        .iter()
        .flat_map(|path| fields.leaves(path).into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let Some(selected) = selected else { return all };
    let mut columns: Vec<String> = Vec::new();
    for path in selected {
        let inside = |column: &&String| {
            let rest = column.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        for column in all.iter().filter(inside) {
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
    }
    columns
}

/// Gathers the paths of the values of a document in their order; lists are values.
struct Leaves<'f> {
    path: String,
    found: &'f mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Leaves<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A value of no further interest.
macro_rules! leaf {
    ($($method:ident($($kind:ty)?);)*) => {$(
        fn $method<E>(self $(, _: $kind)?) -> Result<(), E> {
            self.found.push(self.path);
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for Leaves<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }
    leaf! {
        visit_bool(bool);
        visit_i64(i64);
        visit_u64(u64);
        visit_f64(f64);
        visit_str(&str);
        visit_unit();
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        self.found.push(self.path);
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { name } else { format!("{}.{name}", self.path) };
            map.next_value_seed(Leaves { path, found: self.found })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::fields::UNIT;
    use serde_json::json;

    #[test]
    fn a_table_quotes_what_it_must_and_leaves_empty_what_is_not_there() {
        let rows = [
            json!({"name": "a, \"b\"", "x": {"y": 1.5}, "list": [{"code": "hot", "level": "trip"}, "cold"]}),
            json!({"name": "line\nbreak", "x": null, "list": []}),
        ];
        let text = String::from_utf8(csv(&["name", "x.y", "list", "none"], rows)).unwrap();
        assert_eq!(
            text,
            "name,x.y,list,none\n\"a, \"\"b\"\"\",1.5,hot:trip cold,\n\"line\nbreak\",,,\n"
        );
    }

    #[test]
    fn columns_are_in_the_order_of_the_document_or_as_asked_for() {
        #[derive(Serialize)]
        struct Sample {
            state: &'static str,
            number: u32,
            reset_blocked_by: Option<u32>,
            alarms: Vec<u32>,
        }
        let sample = Sample { state: "off", number: 1, reset_blocked_by: None, alarms: vec![1, 2] };
        let all = columns(&sample, &UNIT, None);
        let blocked = ["reset_blocked_by.code", "reset_blocked_by.level", "reset_blocked_by.rack"];
        assert_eq!(all, [&["state", "number"], &blocked[..], &["alarms"]].concat());
        let some = ["alarms", "reset_blocked_by.rack", "number", "alarms"];
        let asked = columns(&sample, &UNIT, Some(&some));
        assert_eq!(asked, ["alarms", "reset_blocked_by.rack", "number"]);
    }
}
