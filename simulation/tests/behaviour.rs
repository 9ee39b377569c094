//! Scenarios in text: what is done to a farm, and a table of what happened.
//!
//! Each file of `tests/behaviour/` has a sentence, the keys in which its farm differs, what is done and
//! when, and below `happened:` the table that the engine must write. After a wanted change
//! `UPDATE=1 cargo test -p bess-simulation --test behaviour` writes the tables anew; read the diff.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod play;

use bess_core::protection::{built_in, parse_protection};
use bess_core::state::TRANSITIONS;
use play::Scenario;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_happens_in_every_scenario_is_what_its_table_says() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    let files = files();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let scenario = Scenario::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let happened = scenario.play();
        if update {
            std::fs::write(&file, scenario.with_table(&happened)).unwrap();
        } else if happened.trim_end() != scenario.expected.trim_end() {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            wrong.push(format!("{name}: expected\n{}\nhappened\n{happened}", scenario.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_scenario_that_nobody_can_play_is_refused_with_its_line() {
    let parse = |text: &str| Scenario::parse(text).expect_err("cannot be played");
    assert!(parse("a sentence\nrun:\n  0 unit 1 dance\n  until 1\nhappened:\n").contains("line 3"));
    assert!(parse("a sentence\nhappened:\n").contains("run:"));
}

/// All tables together.
fn tables() -> String {
    files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn every_transition_happens_in_a_scenario() {
    let tables = tables();
    let missing: Vec<String> = TRANSITIONS
        .iter()
        .flat_map(|(_, trigger, to)| {
            let step = format!("-> {} by {}:", to.name(), trigger.name());
            (!tables.contains(&step)).then_some(step)
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_row_of_the_protection_profile_acts_in_a_scenario() {
    let profile = parse_protection("lfp", built_in("lfp").unwrap()).unwrap();
    let tables = tables();
    let missing: Vec<String> = profile
        .elements
        .iter()
        .map(|element| format!("{} {}", element.code.name(), element.level.name()))
        .filter(|row| {
            let alarm = format!("  {row} ");
            let acts = |line: &str| line.contains(&alarm) && line.contains(" active");
            !tables.lines().any(acts)
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
