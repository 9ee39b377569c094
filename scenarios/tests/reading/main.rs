//! Scenario files are read: what they may say, and what is wrong with them.

mod faults;
mod forms;
mod refused;

use bess_core::config::{BUILT_IN_FARM, Problems, parse_farm};
use bess_core::spec::FarmSpec;
use bess_scenarios::format::{Reading, Scenario, no_files, read_scenario};
use std::sync::LazyLock;

const WHOLE: &str = include_str!("whole.yaml");

static SPEC: LazyLock<FarmSpec> = LazyLock::new(|| {
    parse_farm("farm.toml", BUILT_IN_FARM, &|_| Err(String::new()))
        .expect("the built-in farm is right")
});

fn spec() -> &'static FarmSpec {
    &SPEC
}

fn read(file: &str, text: &str) -> Result<Scenario, Problems> {
    read_with(file, text, &[])
}

fn read_with(file: &str, text: &str, set: &[(&str, &str)]) -> Result<Scenario, Problems> {
    let set: Vec<(String, String)> =
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read_scenario(file, text, &Reading { set: &set, spec: spec(), files: &no_files })
}
