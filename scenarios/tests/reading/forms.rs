//! YAML, JSON and TOML say the same; a good file is read as it is meant; no text brings the reader down.

use super::{WHOLE, read, read_with, spec};
use bess_core::id::UnitId;
use bess_scenarios::format::{
    Anchor, Deed, Every, ExpectationKind, Goal, Mode, Recovery, Shape, Start, Tolerance, Value,
    scenario_schema,
};
use bess_scenarios::text::parse;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// Another notation of a tree, in the order of its text.
fn written(table: &DeTable<'_>, is_toml: bool, depth: usize) -> String {
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| key.span().start);
    let each = keys.iter().map(|(key, value)| {
        let key = serde_json::to_string(key.get_ref()).expect("a text");
        let sign = if is_toml { " = " } else { ": " };
        format!("{key}{sign}{}", one(value.get_ref(), is_toml, depth + 1))
    });
    let each: Vec<String> = each.collect();
    match (is_toml, depth) {
        (true, 0) => each.join("\n"),
        _ => format!("{{ {} }}", each.join(", ")),
    }
}

fn one(value: &DeValue<'_>, is_toml: bool, depth: usize) -> String {
    match value {
        DeValue::String(text) => serde_json::to_string(text).expect("a text"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Array(array) => {
            let each: Vec<_> = array.iter().map(|v| one(v.get_ref(), is_toml, depth)).collect();
            format!("[{}]", each.join(", "))
        }
        DeValue::Table(table) => written(table, is_toml, depth),
        DeValue::Datetime(_) => unreachable!("YAML has none"),
    }
}

fn in_other_notations() -> (String, String) {
    let tree = parse("whole.yaml", WHOLE).expect("a tree");
    tree.with(|table| (written(table.get_ref(), false, 0), written(table.get_ref(), true, 0)))
}

#[test]
fn yaml_json_and_toml_of_one_tree_are_one_scenario() {
    let scenario = read("whole.yaml", WHOLE).unwrap_or_else(|problems| panic!("{problems}"));
    let scenario = format!("{scenario:?}");
    let (json, toml) = in_other_notations();
    for (file, text) in [("whole.json", json), ("whole.toml", toml)] {
        let other = read(file, &text).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(format!("{other:?}"), scenario, "{file}");
    }
}

#[test]
fn a_scenario_is_read_as_it_is_meant() {
    let set = [("units", "3"), ("wait", "2m"), ("short_ohm", "0.05")];
    let s = read_with("whole.yaml", WHOLE, &set).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!((s.seed, s.duration), (u64::MAX, Duration::from_secs(3600)));
    assert!(s.params.iter().filter(|param| param.is_set).count() == 3);

    let target = |name: &str| &s.targets[s.target(name).expect(name)];
    let unit = UnitId::from_idx;
    assert_eq!(target("victim").matching.units, Some(vec![unit(0), unit(2)]));
    assert_eq!(target("cell").matching.rack_idx, Some(1));
    assert_eq!(target("cell").matching.cell_idx, Some(16));
    assert_eq!((target("around").near, target("around").radius), (s.target("cell"), 3));
    assert_eq!(target("sound").not.len(), 2);
    assert_eq!(target("slow").mode, Mode::Fixed(3));
    assert_eq!(target("some").mode, Mode::RandomMaxPercent(0.25));
    assert_eq!(target("farm").mode, Mode::All);

    let action = |id: &str| &s.timeline[s.action(id).expect(id)];
    assert_eq!(action("short").settings[0].value, Value::Number(0.1));
    assert_eq!(action("short").recovery, Recovery::Never);
    let Start::After(after) = &action("pump").start else { panic!("after") };
    assert_eq!(after.delay, Duration::from_secs(150));
    let late = action("late");
    let setting = |name: &str| &late.settings.iter().find(|s| s.name == name).expect(name).value;
    let Value::Shape(Shape::Ramp { from, to, .. }) = setting("delay_s") else { panic!("ramp") };
    assert_eq!((*from, *to), (0.1, 2.0));
    let steps = vec![(Duration::ZERO, 0.1), (Duration::from_secs(60), 0.5)];
    assert_eq!(*setting("probability"), Value::Shape(Shape::Steps(steps)));
    let repeat = late.repeat.as_ref().expect("it comes again");
    assert!(matches!(repeat.every, Every::Drawn(_)) && repeat.count == 3);
    let Start::After(after) = &action("pump-is-back").start else { panic!("after") };
    assert!(matches!(after.anchor, Anchor::End(1)));
    let name = Value::Word("the pump is back, says ems".to_owned());
    assert_eq!(action("pump-is-back").settings[0].value, name);
    assert!(matches!(action("less").deed, Deed::Control(kind) if kind.name == "control.set"));
    assert_eq!(action("less").settings[0].value, Value::Number(2000.0));

    let ExpectationKind::Settles { goal, tolerance, .. } = &s.expectations[5].kind else {
        panic!("settles")
    };
    assert!(matches!(goal, Goal::Expression(goal) if goal.text == "2kW"));
    assert_eq!(*tolerance, Tolerance::Absolute(50_000.0));
    let ExpectationKind::Settles { tolerance, .. } = &s.expectations[6].kind else {
        panic!("settles")
    };
    assert_eq!(*tolerance, Tolerance::Relative(0.02));
}

#[test]
fn a_record_is_read_beside_the_scenario() {
    use bess_scenarios::format::{Reading, read_scenario};
    let with = "with: {delay_s: {csv: {file: delays.csv, column: delay_s, interpolate: true}}}";
    let at = WHOLE.find("    with:\n      delay_s").expect("there");
    let end = at + WHOLE[at..].find("    duration: 5m").expect("there");
    let text = format!("{}    {with}\n{}", &WHOLE[..at], &WHOLE[end..]);
    let files = |name: &str| match name {
        "delays.csv" => Ok("# a record\ntime_s, delay_s\n0, 0.5\n10, 1.5\n".to_owned()),
        name => Err(format!("no {name}")),
    };
    let reading = Reading { set: &[], spec: spec(), files: &files };
    let s = read_scenario("s.yaml", &text, &reading).unwrap_or_else(|p| panic!("{p}"));
    let Value::Shape(Shape::Csv { series, linear, .. }) = &s.timeline[2].settings[0].value else {
        panic!("a record")
    };
    assert_eq!((series.values(), *linear), ([0.5, 1.5].as_slice(), true));
    let refused = read_scenario("s.yaml", &text.replace("delay_s,", "lag,"), &reading);
    let message = refused.expect_err("no such column").to_string();
    let wanted = "delays.csv: there is no column `lag`; there is time_s, delay_s";
    assert!(message.contains(wanted), "{message}");
}

#[test]
fn the_schema_in_the_docs_is_that_of_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario.schema.json");
    let schema = serde_json::to_string_pretty(&scenario_schema()).expect("a schema") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &schema).expect("the schema can be written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let hint = "UPDATE=1 cargo test -p bess-scenarios --test reading";
    assert!(kept == schema, "docs/scenario.schema.json is not that of the tables: {hint}");
}

#[test]
fn every_key_of_the_tables_is_used_in_the_whole_scenario_or_known_to_its_reader() {
    // An unknown key draws a list of the known ones: what the reader asks for is what the table has.
    for object in ["metadata", "clock", "sut", "requires", "steadyState", "rollback", "report"] {
        let text = format!("{object}: {{zzzzzzzzz: 1}}\n");
        let problems = read("s.yaml", &text).expect_err("it lacks nearly everything");
        let hint = problems.0.iter().find(|p| p.message.contains("zzzzzzzzz")).expect(object);
        let table = bess_scenarios::format::objects::OBJECTS;
        let table = table.iter().find(|table| table.name == object).expect(object);
        let mut known = String::from("known keys here: ");
        let keys: Vec<&str> = table.keys().map(|key| key.name).collect();
        write!(known, "{}", keys.join(", ")).expect("a text");
        assert_eq!(hint.hint.as_deref(), Some(known.as_str()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Whatever is done to a scenario: it is read or refused.
    #[test]
    fn a_torn_scenario_is_read_or_refused(
        cuts in prop::collection::vec((0..WHOLE.len(), 0..200_usize, ".{0,12}"), 1..4),
        is_toml in any::<bool>(),
    ) {
        let (_, toml) = in_other_notations();
        let mut text = if is_toml { toml } else { WHOLE.to_owned() };
        for (at, len, insert) in cuts {
            let floor = |at: usize| (0..=at.min(text.len()))
                .rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let (from, to) = (floor(at), floor(at + len));
            text.replace_range(from..to, &insert);
        }
        let file = if is_toml { "s.toml" } else { "s.yaml" };
        if let Err(problems) = read(file, &text) {
            prop_assert!(!problems.0.is_empty());
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    /// Any text at all.
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,400}", is_toml in any::<bool>()) {
        let file = if is_toml { "s.toml" } else { "s.yaml" };
        prop_assert!(read(file, &text).is_err());
    }

    /// Any text in the place of an expression, a duration, a quantity.
    #[test]
    fn any_value_is_read_or_refused(value in "[-+*/${}().0-9a-z%@ ]{0,24}") {
        let quoted = serde_json::to_string(&value).expect("a text");
        for from in ["1h\n", "0.02", "60%", "max(truth.cell_temperature_max_degc) > 200", "25%", "50kW"] {
            let text = WHOLE.replacen(from, &format!("{quoted}{}", if from.ends_with('\n') { "\n" } else { "" }), 1);
            let _ = read("s.yaml", &text);
        }
    }
}

#[test]
fn the_example_in_the_docs_is_read() {
    let docs = include_str!("../../../docs/scenario-files.md");
    let (_, rest) = docs.split_once("```yaml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    read("example.yaml", example).unwrap_or_else(|problems| panic!("{problems}"));
}
