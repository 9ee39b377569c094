//! The plant controller on the built-in farm.

use crate::engine::{Engine, EngineOptions, Inputs};
use bess_core::command::{Command, ControlSource};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::{FrequencyResponse, PeakShaving, UnitFunctions};
use bess_core::series::Series;
use bess_core::spec::{PlantChange, Strategy};
use bess_core::units::Watts;
use std::sync::Arc;

fn engine(hz: f64) -> Engine {
    let spec = parse_farm("farm.toml", BUILT_IN_FARM, &|_| unreachable!()).unwrap();
    let frequency = Some(Arc::new(Series::new(&[(0.0, hz)], false).unwrap()));
    let inputs = Inputs { frequency, ..Inputs::default() };
    Engine::new(Arc::new(spec), inputs, EngineOptions::default())
}
fn apply(engine: &mut Engine, command: Command) {
    engine.apply(&command, ControlSource::Rest).unwrap();
}
fn configure(engine: &mut Engine, change: PlantChange) {
    apply(engine, Command::ConfigurePlant(Box::new(change)));
}
fn ask(engine: &mut Engine, power_w: f64) {
    apply(engine, Command::SetFarmPower { active: Watts(power_w), reactive: None });
}
fn run(engine: &mut Engine, ticks: u64) {
    engine.run(ticks, &mut |_, _| {});
}
/// FCR: the whole contract at 200 mHz within 30 s.
fn fcr(contract_w: f64) -> FrequencyResponse {
    let response = UnitFunctions::default().frequency_response;
    FrequencyResponse { contract_w: Some(contract_w), ..response }
}

#[test]
fn a_frequency_step_brings_the_full_contract_in_30_s_past_a_slow_ramp_and_without_a_setpoint() {
    for (hz, sign) in [(49.8, 1.0), (50.2, -1.0)] {
        let mut engine = engine(hz);
        let frequency_response = Some(Some(fcr(10e6)));
        let ramp_per_s = Some(0.1 / 60.0);
        configure(
            &mut engine,
            PlantChange { frequency_response, ramp_per_s, ..Default::default() },
        );
        run(&mut engine, 310);
        let farm = engine.farm();
        assert!((farm.frequency_response.0 - sign * 10e6).abs() < 1.0, "{farm:?}");
        assert!((farm.active_power.0 - sign * 10e6).abs() < 2e4, "{farm:?}");
    }
}

#[test]
fn a_setpoint_passes_the_ramp_of_ten_percent_a_minute() {
    let mut engine = engine(50.0);
    configure(&mut engine, PlantChange { ramp_per_s: Some(0.1 / 60.0), ..Default::default() });
    ask(&mut engine, 10e6);
    run(&mut engine, 600);
    let ramped_w = engine.farm().ramped_setpoint.0;
    assert!((ramped_w - 2.5e6).abs() < 1e5, "{ramped_w}");
    assert!((engine.farm().active_power.0 - 2.5e6).abs() < 1.5e5);
}

#[test]
fn units_below_the_lowest_state_of_charge_are_not_asked_to_discharge_but_still_to_charge() {
    let mut engine = engine(50.0);
    configure(&mut engine, PlantChange { soc_min: Some(0.6), ..Default::default() });
    ask(&mut engine, 10e6);
    run(&mut engine, 50);
    assert!(engine.farm().units_power.0.abs() < 1.0);
    ask(&mut engine, -10e6);
    run(&mut engine, 50);
    assert!((engine.farm().active_power.0 + 10e6).abs() < 2e4);
}

#[test]
fn limits_at_the_poi_hold_a_setpoint() {
    let mut engine = engine(50.0);
    let limits = PeakShaving { import_max_w: 3e6, export_max_w: 5e6 };
    configure(&mut engine, PlantChange { peak_shaving: Some(Some(limits)), ..Default::default() });
    for (asked_w, given_w) in [(10e6, 5e6), (-10e6, -3e6)] {
        ask(&mut engine, asked_w);
        run(&mut engine, 50);
        assert!((engine.farm().active_power.0 - given_w).abs() < 2e4);
    }
}

#[test]
fn efficiency_uses_fewer_units_at_low_power_for_the_same_power_at_the_poi() {
    let mut engine = engine(50.0);
    let strategy = Some(Strategy::Efficiency);
    configure(&mut engine, PlantChange { strategy, ..Default::default() });
    ask(&mut engine, 2e6);
    run(&mut engine, 50);
    let working = engine.units_for_tests().filter(|power_w| power_w.abs() > 1.0).count();
    assert!((1..=2).contains(&working), "{working}");
    assert!((engine.farm().active_power.0 - 2e6).abs() < 2e4);
}

#[test]
fn switched_off_it_lets_go_of_its_units_and_refuses_setpoints() {
    let mut engine = engine(50.0);
    ask(&mut engine, 10e6);
    run(&mut engine, 50);
    configure(&mut engine, PlantChange { enabled: Some(false), ..Default::default() });
    run(&mut engine, 50);
    assert!(engine.farm().units_power.0.abs() < 1.0);
    let setpoint = Command::SetFarmPower { active: Watts(1e6), reactive: None };
    let refusal = engine.apply(&setpoint, ControlSource::Rest).unwrap_err();
    assert!(refusal.to_string().contains("switched off"), "{refusal}");
}
