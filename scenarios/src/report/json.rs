//! The JSON form, `bess-report/v1`, and its schema.

use super::Report;
use super::fields::Whole;
use super::value::{part, schema};
use serde_json::{Value, json};

/// A report as JSON, `bess-report/v1`: one line, keys in the order of the schema.
pub fn json(report: &Report) -> String {
    // Only a map whose keys are no texts, or a broken pipe, could fail here.
    serde_json::to_string(&part::<Whole>(report)).unwrap_or_default()
}

/// The schema of that, JSON Schema 2020-12.
pub fn report_schema() -> Value {
    let mut schema = schema::<Whole>();
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.insert("title".to_owned(), json!("bess report of a run, bess-report/v1"));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/report.schema.json");

    #[test]
    fn the_committed_schema_is_that_of_the_rows() {
        let schema = report_schema();
        if std::env::var_os("UPDATE").is_some() {
            let text = serde_json::to_string_pretty(&schema).expect("a value") + "\n";
            std::fs::write(COMMITTED, text).expect("docs can be written");
        }
        let committed = std::fs::read_to_string(COMMITTED).expect("it is committed");
        let committed: Value = serde_json::from_str(&committed).expect("JSON");
        assert!(
            committed == schema,
            "docs/report.schema.json is stale: run UPDATE=1 cargo test -p bess-scenarios report"
        );
    }

    /// What in `value` is not as `schema` says; of the keywords those that this schema uses.
    fn wrong(value: &Value, schema: &Value, at: &str, out: &mut Vec<String>) {
        if let Some(any) = schema["anyOf"].as_array() {
            let tried = any.iter().map(|schema| {
                let mut wrongs = Vec::new();
                wrong(value, schema, at, &mut wrongs);
                wrongs
            });
            let best = tried.min_by_key(Vec::len).expect("anyOf has members");
            out.extend(best);
            return;
        }
        if let Some(words) = schema["enum"].as_array() {
            if !words.contains(value) {
                out.push(format!("{at}: {value} is none of {words:?}"));
            }
            return;
        }
        if let Some(word) = schema.get("const") {
            if word != value {
                out.push(format!("{at}: {value} is not {word}"));
            }
            return;
        }
        let right = match schema["type"].as_str().expect("a type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "number" => value.is_number(),
            "integer" => value.is_u64(),
            other => panic!("{other} is no type of this schema"),
        };
        if !right {
            out.push(format!("{at}: {value} is no {}", schema["type"]));
        }
        for (name, value) in value.as_object().into_iter().flatten() {
            match schema["properties"].get(name) {
                Some(schema) => wrong(value, schema, &format!("{at}.{name}"), out),
                None => out.push(format!("{at}.{name} is not described")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if value.get(name.as_str().expect("a name")).is_none() {
                out.push(format!("{at}.{name} is missing"));
            }
        }
        for (place, value) in value.as_array().into_iter().flatten().enumerate() {
            wrong(value, &schema["items"], &format!("{at}[{place}]"), out);
        }
    }

    #[test]
    fn a_report_is_as_its_schema_says() {
        for report in [sample::report(), sample::passed(), sample::empty()] {
            let value: Value = serde_json::from_str(&json(&report)).expect("JSON");
            let mut wrongs = Vec::new();
            wrong(&value, &report_schema(), "report", &mut wrongs);
            assert!(wrongs.is_empty(), "{wrongs:#?}");
        }
        let mut value: Value = serde_json::from_str(&json(&sample::report())).expect("JSON");
        value["verdict"] = json!("nice");
        value["checks"][0]["extra"] = json!(1);
        value["run"].as_object_mut().expect("an object").remove("seed");
        let mut wrongs = Vec::new();
        wrong(&value, &report_schema(), "report", &mut wrongs);
        assert_eq!(wrongs.len(), 3, "this test sees what is wrong: {wrongs:#?}");
    }

    #[test]
    fn every_member_is_described() {
        fn look(schema: &Value, at: &str) {
            for (name, of) in schema["properties"].as_object().into_iter().flatten() {
                let text = of["description"].as_str().unwrap_or_default();
                assert!(text.ends_with('.'), "{at}.{name}: {text:?} is no sentence");
                look(of, &format!("{at}.{name}"));
                look(&of["items"], &format!("{at}.{name}[]"));
                of["anyOf"].as_array().into_iter().flatten().for_each(|any| look(any, at));
            }
        }
        look(&report_schema(), "report");
    }

    #[test]
    fn it_says_what_was_done_and_what_came_of_it() {
        let value: Value = serde_json::from_str(&json(&sample::report())).expect("JSON");
        assert_eq!(value["format"], "bess-report/v1");
        assert_eq!((&value["verdict"], &value["exit_code"]), (&json!("failed"), &json!(1)));
        assert_eq!(value["run"]["seed"], 42);
        assert_eq!(value["run"]["zero"], "2026-03-01T12:00:00Z");
        assert_eq!(value["run"]["ticks"], 27_300 + 600);
        let short = &value["timeline"][0];
        assert_eq!(short["effect"], "confirmed");
        assert_eq!(short["times"][0]["hits"][0]["with"][0]["name"], "resistance_mohm");
        let check = value["checks"].as_array().expect("a list");
        let check = check.iter().find(|check| check["id"] == "power-stays").expect("there");
        assert_eq!(check["violation"]["at_s"], 121.5);
        assert!(check["violation"]["value"].is_number());
        assert!(check["window"].as_array().expect("a list").len() > 100);
        assert_eq!(check["band"]["high"], Value::Null, "infinity is no number in JSON");
        let series = value["signals"]["series"].as_array().expect("a list");
        let samples = value["signals"]["sample_s"].as_array().expect("a list").len();
        assert!(series.iter().all(|one| one["values"].as_array().map(Vec::len) == Some(samples)));
        assert!(
            series
                .iter()
                .any(|one| one["values"].as_array().expect("a list").contains(&Value::Null)),
            "what was not there is null"
        );
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        assert_eq!(json(&sample::report()), json(&sample::report()));
    }
}
