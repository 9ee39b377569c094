//! The plant controller over hours: states of charge.

use crate::engine::{Engine, EngineOptions, Inputs};
use bess_core::command::{Command, ControlSource};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::ControlChange;
use bess_core::id::UnitId;
use bess_core::spec::{PlantChange, Strategy};
use bess_core::units::Watts;
use std::sync::Arc;

const HOUR: u64 = 36_000;

/// Four units of one rack of 418 kWh and 209 kW.
fn engine() -> Engine {
    let text = BUILT_IN_FARM
        .replace("count = 10", "count = 4")
        .replace("racks = 12", "racks = 1")
        .replace("rated_power_kw = 2500", "rated_power_kw = 209")
        .replace("rated_apparent_power_kva = 2750", "rated_apparent_power_kva = 230")
        .replace("rated_reactive_power_kvar = 1210", "rated_reactive_power_kvar = 100");
    let spec = parse_farm("farm.toml", &text, &|_| unreachable!()).unwrap();
    Engine::new(Arc::new(spec), Inputs::default(), EngineOptions::default())
}
fn apply(engine: &mut Engine, command: &Command) {
    engine.apply(command, ControlSource::Rest).unwrap();
}
/// Power of each unit in W.
fn given_w(engine: &Engine) -> impl Iterator<Item = f64> {
    engine.units_for_tests().map(|unit| unit.active.0)
}
fn ask(engine: &mut Engine, power_w: f64) {
    apply(engine, &Command::SetFarmPower { active: Watts(power_w), reactive: None });
}
fn socs(engine: &Engine) -> Vec<f64> {
    engine.units_for_tests().map(|unit| unit.soc).collect()
}
fn apart(socs: &[f64]) -> f64 {
    let most = socs.iter().copied().fold(0.0, f64::max);
    most - socs.iter().copied().fold(1.0, f64::min)
}

/// Drives the units 20 % of the state of charge apart.
fn drive_apart(engine: &mut Engine) {
    for (idx, power_w) in [84e3, 28e3, -28e3, -84e3].into_iter().enumerate() {
        let change = ControlChange::active_power(Watts(power_w));
        apply(engine, &Command::ControlUnit { unit: UnitId::from_idx(idx), change });
    }
    engine.run(HOUR / 2, &mut |_, _| {});
}

#[test]
fn equalising_brings_states_of_charge_together_under_load_and_nobody_works_against_the_others() {
    let mut engine = engine();
    drive_apart(&mut engine);
    let before = apart(&socs(&engine));
    assert!(before > 0.18, "{before}");
    let strategy = Some(Strategy::EqualiseSoc);
    let change = PlantChange { strategy, ..PlantChange::default() };
    apply(&mut engine, &Command::ConfigurePlant(Box::new(change)));
    let mut last = before;
    for power_w in [250e3, -250e3, 250e3, -250e3] {
        ask(&mut engine, power_w);
        // The converters turn round first.
        engine.run(50, &mut |_, _| {});
        for _ in 0..180 {
            engine.run(100, &mut |_, _| {});
            let given: Vec<f64> = given_w(&engine).collect();
            assert!(given.iter().all(|w| w * power_w >= 0.0), "{power_w}: {given:?}");
            assert!((engine.farm().active_power.0 - power_w).abs() < 5e3, "{given:?}");
        }
        let now = apart(&socs(&engine));
        assert!(now < 0.8 * last + 0.003, "{last} to {now}");
        last = now;
    }
    assert!(last < 0.25 * before, "{before} to {last}");
}

#[test]
fn a_split_by_what_is_available_leaves_them_apart() {
    let mut engine = engine();
    drive_apart(&mut engine);
    let before = apart(&socs(&engine));
    ask(&mut engine, 250e3);
    engine.run(HOUR, &mut |_, _| {});
    assert!(apart(&socs(&engine)) > 0.9 * before);
}

#[test]
fn a_unit_at_its_lowest_state_of_charge_stops_once_and_comes_back_only_when_it_was_charged() {
    let mut engine = engine();
    let change = PlantChange { soc_min: Some(0.45), ..PlantChange::default() };
    apply(&mut engine, &Command::ConfigurePlant(Box::new(change)));
    ask(&mut engine, 400e3);
    engine.run(50, &mut |_, _| {});
    assert!(given_w(&engine).all(|w| w > 50e3));
    let (mut works, mut changes) = ([true; 4], [0; 4]);
    for _ in 0..HOUR / 20 {
        engine.run(10, &mut |_, _| {});
        for (idx, given_w) in given_w(&engine).enumerate() {
            let works_now = given_w.abs() > 1.0;
            changes[idx] += u32::from(works_now != works[idx]);
            works[idx] = works_now;
        }
    }
    assert_eq!(changes, [1; 4], "each stops once, and none begins again");
    assert!(socs(&engine).iter().all(|soc| (soc - 0.45).abs() < 0.006), "{:?}", socs(&engine));
    ask(&mut engine, -400e3);
    engine.run(1200, &mut |_, _| {});
    ask(&mut engine, 400e3);
    engine.run(50, &mut |_, _| {});
    assert!(given_w(&engine).all(|w| w > 50e3), "{:?}", socs(&engine));
}
