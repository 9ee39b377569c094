//! Farms of a given size, after the built-in one.

use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::spec::FarmSpec;
use bess_simulation::{Engine, EngineOptions, Inputs};
use std::sync::Arc;

/// The built-in farm with `units` units: 10 is 50 MWh, 200 is 1 GWh, 2,000 is 10 GWh.
///
/// # Panics
/// Never: the built-in farm is valid for any of these numbers.
pub fn farm(units: usize) -> Arc<FarmSpec> {
    let text = BUILT_IN_FARM.replace("count = 10", &format!("count = {units}"));
    let spec = parse_farm("built-in", &text, &|path| Err(format!("no file {path}")));
    Arc::new(spec.expect("the built-in farm is valid"))
}

/// An engine with that farm, discharging at half its rating.
///
/// # Panics
/// Never: the setpoint is within the rating.
pub fn engine(units: usize, workers: usize) -> Engine {
    use bess_core::command::{Command, ControlSource};
    let spec = farm(units);
    let active = spec.rated_power() * 0.5;
    let options = EngineOptions { workers, ..EngineOptions::default() };
    let mut engine = Engine::new(spec, Inputs::default(), options);
    let command = Command::SetFarmPower { active, reactive: None };
    engine.apply(&command, ControlSource::Schedule).expect("within the rating");
    engine
}
