//! Names that clients rely on are frozen in `docs/frozen/`: none of them disappears unnoticed.
//!
//! `UPDATE=1 cargo test -p bess-cli --test frozen` adds names that are new. A name is taken out by hand,
//! with a line in CHANGELOG.md that says why.

mod common;

use common::run;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What is served now must be what the list of `kind` says.
fn hold(kind: &str, now: &BTreeSet<String>) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/frozen"));
    let path = path.join(format!("{kind}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut frozen: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let gone: Vec<&String> = frozen.difference(now).collect();
    assert!(
        gone.is_empty(),
        "{kind} that clients rely on are gone; bring them back, or take them out of {} by hand and \
         say so in the changelog: {gone:#?}",
        path.display()
    );
    if std::env::var_os("UPDATE").is_some() {
        frozen.extend(now.iter().cloned());
        let lines: String = frozen.iter().map(|name| format!("{name}\n")).collect();
        std::fs::write(&path, lines).expect("the list is written");
        return;
    }
    let new: Vec<&String> = now.difference(&frozen).collect();
    assert!(new.is_empty(), "UPDATE=1 freezes the new {kind}: {new:#?}");
}

#[test]
fn no_route_and_no_parameter_disappears() {
    let document: Value = serde_json::from_str(&bess_api::openapi()).unwrap();
    let mut now = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let route = format!("{} {path}", method.to_uppercase());
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let (place, name) = (&parameter["in"], &parameter["name"]);
                let (place, name) = (place.as_str().unwrap(), name.as_str().unwrap());
                now.insert(format!("{route} {place} {name}"));
            }
            now.insert(route);
        }
    }
    assert!(now.len() > 60, "{now:#?}");
    hold("routes", &now);
}

#[test]
fn no_field_of_an_answer_or_a_body_disappears() {
    let document: Value = serde_json::from_str(&bess_api::openapi()).unwrap();
    let mut now = BTreeSet::new();
    for (schema, shape) in document["components"]["schemas"].as_object().unwrap() {
        // Shapes that are made of others are a list of them.
        let parts = shape["allOf"].as_array().into_iter().flatten().chain([shape]);
        for properties in parts.filter_map(|part| part["properties"].as_object()) {
            now.extend(properties.keys().map(|field| format!("{schema}.{field}")));
        }
    }
    assert!(now.len() > 200, "{now:#?}");
    hold("fields", &now);
}

/// A name of a point without the places of repeating groups: `705.Crv[2].Pt[1].V` is `705.Crv[].Pt[].V`.
fn without_places(name: &str) -> String {
    let mut parts = name.split('[');
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        bare.push('[');
        bare.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_digit()));
    }
    bare
}

#[test]
fn no_register_disappears_or_moves() {
    let mut now = BTreeSet::new();
    for map in bess_protocol::map::MAPS {
        let ran = run(["registers", "--map", map, "--format", "json"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
        let mut seen = BTreeSet::new();
        for row in &rows {
            let of = |key: &str| row[key].as_str().unwrap();
            let (table, name, kind) = (of("table"), without_places(of("name")), of("type"));
            let address = row["address"].as_u64().unwrap();
            // Of what repeats the first; the others follow from it and from the length of each.
            if seen.insert((table.to_owned(), name.clone())) {
                now.insert(format!("{map} {table} {address:05} {kind} {name}"));
            }
        }
    }
    assert!(now.len() > 300, "{now:#?}");
    hold("registers", &now);
}
