//! `docs/protection-files.md` against the code that reads protection files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod pages;

use bess_core::alarm::{ALARMS, AlarmCode, AlarmLevel};
use bess_core::protection::{BUILT_IN, parse_protection, quantity};

const PAGE: &str = include_str!("../../docs/protection-files.md");

fn example() -> &'static str {
    pages::blocks(PAGE).into_iter().find(|(kind, _)| *kind == "toml").unwrap().1
}

#[test]
fn the_example_of_the_page_is_a_profile_that_says_what_the_page_says() {
    let profile =
        parse_protection("docs/protection-files.md", example()).unwrap_or_else(|e| panic!("{e}"));
    let trip = profile.element(AlarmCode::CellOverTemperature, AlarmLevel::Trip).unwrap();
    assert_eq!((trip.threshold, trip.release, trip.latches()), (52.0, 45.0, true));
    assert!(profile.element(AlarmCode::SocHigh, AlarmLevel::Warning).is_none());
    assert_eq!((profile.lockout_trips, profile.recovery_a_per_s), (3, Some(0.5)));
    assert!(profile.derating.is_some());
}

#[test]
fn every_table_needs_its_source() {
    let tables = pages::tables(example());
    assert!(tables.len() >= 4);
    for place in 0..tables.len() {
        let mut without = tables.clone();
        without[place].1.retain(|line| !line.starts_with("source"));
        let problems =
            parse_protection("without", &pages::written(&without)).expect_err("no source");
        assert!(problems.to_string().contains("lacks `source`"), "{problems}");
    }
}

#[test]
fn no_key_of_the_code_and_no_alarm_of_a_profile_is_forgotten() {
    let sources = [
        include_str!("../src/protection/mod.rs"),
        include_str!("../src/protection/parse.rs"),
        include_str!("../src/protection/quantity.rs"),
    ];
    // The name of a profile without elements, and parts of sentences.
    let keys = pages::assert_no_key_is_forgotten(PAGE, &sources, &["none", "above", "below"]);
    assert!(
        ["off", "gate_v", "threshold_k_per_s", "lockout_trips"].iter().all(|k| keys.contains(*k))
    );
    let words = pages::named_words(PAGE);
    for alarm in ALARMS.iter().filter(|alarm| quantity(alarm.code).is_some()) {
        assert!(words.contains(alarm.name), "{}", alarm.name);
    }
    assert!(BUILT_IN.iter().all(|(name, _)| words.contains(*name)));
}
