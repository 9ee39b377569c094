//! The plant controller on the built-in farm.

use crate::engine::{Engine, EngineOptions, Inputs};
use bess_core::command::{Command, ControlSource};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::ControlChange;
use bess_core::control::{FrequencyResponse, PeakShaving, UnitFunctions};
use bess_core::id::UnitId;
use bess_core::series::Series;
use bess_core::service;
use bess_core::spec::{Disturbance, DisturbanceKind, PlantChange, Strategy};
use bess_core::units::Watts;
use std::sync::Arc;

fn engine(hz: f64) -> Engine {
    engine_of(BUILT_IN_FARM, hz)
}
fn engine_of(text: &str, hz: f64) -> Engine {
    let spec = parse_farm("farm.toml", text, &|_| unreachable!()).unwrap();
    let frequency = Some(Arc::new(Series::new(&[(0.0, hz)], false).unwrap()));
    let inputs = Inputs { frequency, ..Inputs::default() };
    Engine::new(Arc::new(spec), inputs, EngineOptions::default())
}
fn apply(engine: &mut Engine, command: &Command) {
    engine.apply(command, ControlSource::Rest).unwrap();
}
fn configure(engine: &mut Engine, change: PlantChange) {
    apply(engine, &Command::ConfigurePlant(Box::new(change)));
}
/// Power of each unit in W.
fn given_w(engine: &Engine) -> impl Iterator<Item = f64> {
    engine.units_for_tests().map(|unit| unit.active.0)
}
fn ask(engine: &mut Engine, power_w: f64) {
    apply(engine, &Command::SetFarmPower { active: Watts(power_w), reactive: None });
}
fn run(engine: &mut Engine, ticks: u64) {
    engine.run(ticks, &mut |_, _| {});
}
fn fcr(contract_w: f64) -> PlantChange {
    let response = service::frequency_response("fcr").unwrap();
    let frequency_response =
        Some(Some(FrequencyResponse { contract_w: Some(contract_w), ..response }));
    PlantChange { frequency_response, ..PlantChange::default() }
}
/// Ten per cent of the rating a minute: 2.5 MW.
const SLOWLY: Option<f64> = Some(0.1 / 60.0);

#[test]
fn a_frequency_step_brings_the_full_contract_in_30_s_past_a_slow_ramp_and_without_a_setpoint() {
    for (hz, sign) in [(49.8, 1.0), (50.2, -1.0)] {
        let mut engine = engine(hz);
        configure(&mut engine, PlantChange { ramp_per_s: SLOWLY, ..fcr(10e6) });
        run(&mut engine, 310);
        let farm = engine.farm();
        assert!((farm.frequency_response.0 - sign * 10e6).abs() < 1.0, "{farm:?}");
        assert!((farm.active_power.0 - sign * 10e6).abs() < 2e4, "{farm:?}");
    }
}

#[test]
fn the_contract_is_there_in_30_s_while_the_setpoint_goes_on_slowly_along_its_ramp() {
    for (hz, sign) in [(49.8, 1.0), (50.2, -1.0)] {
        let mut engine = engine(50.0);
        configure(&mut engine, PlantChange { ramp_per_s: SLOWLY, ..fcr(10e6) });
        ask(&mut engine, 10e6);
        run(&mut engine, 600);
        let before = engine.farm();
        assert!((before.frequency_response.0).abs() < 1.0, "{before:?}");
        assert!((before.ramped_setpoint.0 - 2.5e6).abs() < 1e5, "{before:?}");
        let kind = DisturbanceKind::Frequency(hz);
        apply(&mut engine, &Command::Disturb(Disturbance { kind, duration_s: f64::INFINITY }));
        run(&mut engine, 305);
        let after = engine.farm();
        assert!((after.frequency_response.0 - sign * 10e6).abs() < 1.0, "{after:?}");
        let ramped_w = after.ramped_setpoint.0 - before.ramped_setpoint.0;
        assert!((ramped_w - 305.0 / 600.0 * 2.5e6).abs() < 1e3, "{ramped_w}");
        let expected_w = sign * 10e6 + after.ramped_setpoint.0;
        assert!((after.active_power.0 - expected_w).abs() < 5e4, "{expected_w} {after:?}");
    }
}

#[test]
fn a_plant_that_follows_afrr_has_a_step_of_the_whole_rating_in_five_minutes() {
    let text = BUILT_IN_FARM.replace("[farm.plant]", "[farm.plant]\nfollowing = \"afrr\"");
    let mut engine = engine_of(&text, 50.0);
    ask(&mut engine, 20e6);
    run(&mut engine, 1200);
    let half = engine.farm();
    assert!((half.active_power.0 - 10e6).abs() < 2e5, "{half:?}");
    run(&mut engine, 1300);
    assert!((engine.farm().active_power.0 - 20e6).abs() < 2e4);
}

#[test]
fn the_voltage_moves_the_reactive_power_along_its_curve_with_90_percent_after_its_time() {
    let mut engine = engine(50.0);
    let curve = UnitFunctions::default().volt_var;
    configure(&mut engine, PlantChange { volt_var: Some(Some(curve)), ..Default::default() });
    run(&mut engine, 100);
    assert!(engine.farm().reactive_power.0.abs() < 1e5, "{:?}", engine.farm());
    // Half-way between 1.02 and 1.08 pu: half of 12.1 Mvar is absorbed.
    let kind = DisturbanceKind::Voltage(1.05);
    apply(&mut engine, &Command::Disturb(Disturbance { kind, duration_s: f64::INFINITY }));
    run(&mut engine, 54);
    let units_var: f64 = engine.units_for_tests().map(|unit| unit.reactive.0).sum();
    assert!((units_var + 0.9 * 6.05e6).abs() < 1e5, "{units_var}");
    run(&mut engine, 200);
    let units_var: f64 = engine.units_for_tests().map(|unit| unit.reactive.0).sum();
    assert!((units_var + 6.05e6).abs() < 1e4, "{units_var}");
    configure(&mut engine, PlantChange { volt_var: Some(None), ..Default::default() });
    run(&mut engine, 50);
    let units_var: f64 = engine.units_for_tests().map(|unit| unit.reactive.0).sum();
    assert!(units_var.abs() < 1.0, "{units_var}");
}

#[test]
fn a_voltage_curve_that_is_taken_away_takes_its_reactive_power_with_it_beside_a_setpoint_too() {
    let mut engine = engine(50.0);
    let curve = UnitFunctions::default().volt_var;
    configure(&mut engine, PlantChange { volt_var: Some(Some(curve)), ..Default::default() });
    let kind = DisturbanceKind::Voltage(1.05);
    apply(&mut engine, &Command::Disturb(Disturbance { kind, duration_s: f64::INFINITY }));
    ask(&mut engine, 10e6);
    run(&mut engine, 200);
    let given_var = |engine: &Engine| engine.units_for_tests().map(|u| u.reactive.0).sum::<f64>();
    assert!(given_var(&engine) < -6e6);
    configure(&mut engine, PlantChange { volt_var: Some(None), ..Default::default() });
    run(&mut engine, 50);
    assert!(given_var(&engine).abs() < 1.0, "{}", given_var(&engine));
    assert!((engine.farm().active_power.0 - 10e6).abs() < 2e4);
}

#[test]
fn a_setpoint_passes_the_ramp_of_ten_percent_a_minute() {
    let mut engine = engine(50.0);
    configure(&mut engine, PlantChange { ramp_per_s: SLOWLY, ..Default::default() });
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
    let working = given_w(&engine).filter(|power_w| power_w.abs() > 1.0).count();
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

#[test]
fn one_limit_of_the_state_of_charge_is_refused_where_the_other_leaves_nothing_between_them() {
    let mut engine = engine(50.0);
    let soc = |min, max| PlantChange { soc_min: min, soc_max: max, ..PlantChange::default() };
    let command = |change| Command::ConfigurePlant(Box::new(change));
    configure(&mut engine, soc(None, Some(0.6)));
    let refusal = engine.apply(&command(soc(Some(0.7), None)), ControlSource::Rest).unwrap_err();
    assert!(refusal.to_string().contains("soc_max (0.6)"), "{refusal}");
    // What a batch makes on its way counts, and a refused one leaves everything as it was.
    let wider = command(soc(None, Some(0.9)));
    apply(&mut engine, &Command::Batch(vec![wider, command(soc(Some(0.7), None))]));
    let back = Command::Batch(vec![command(soc(Some(0.1), None)), command(soc(None, Some(0.05)))]);
    assert!(engine.apply(&back, ControlSource::Rest).is_err());
    let refusal = engine.apply(&command(soc(None, Some(0.7))), ControlSource::Rest).unwrap_err();
    assert!(refusal.to_string().contains("soc_max (0.7), got 0.7"), "{refusal}");
    configure(&mut engine, soc(Some(0.89), None));
}

#[test]
fn a_batch_may_switch_the_plant_on_and_give_it_a_setpoint() {
    let mut engine = engine(50.0);
    configure(&mut engine, PlantChange { enabled: Some(false), ..Default::default() });
    let on = PlantChange { enabled: Some(true), ..Default::default() };
    let setpoint = Command::SetFarmPower { active: Watts(10e6), reactive: None };
    let on = Command::ConfigurePlant(Box::new(on));
    apply(&mut engine, &Command::Batch(vec![on, setpoint]));
    run(&mut engine, 50);
    assert!((engine.farm().active_power.0 - 10e6).abs() < 2e4);
}

/// Caps the discharge of the unit at `idx`; what it is asked for stays the plant's.
fn cap(engine: &mut Engine, idx: usize, percent: f64) {
    let change = ControlChange {
        discharge_limit_enabled: Some(true),
        discharge_limit_pct: Some(percent),
        ..ControlChange::default()
    };
    let unit = UnitId::from_idx(idx);
    apply(engine, &Command::ControlUnit { unit, change });
}

#[test]
fn what_a_saturated_unit_lacks_the_others_give_with_every_strategy() {
    for (name, strategy) in Strategy::ALL {
        let mut engine = engine(50.0);
        configure(&mut engine, PlantChange { strategy: Some(strategy), ..Default::default() });
        cap(&mut engine, 0, 10.0);
        cap(&mut engine, 4, 40.0);
        ask(&mut engine, 18e6);
        run(&mut engine, 60);
        let given: Vec<f64> = given_w(&engine).collect();
        assert!((engine.farm().active_power.0 - 18e6).abs() < 2e4, "{name}: {given:?}");
        assert!(given[0] <= 0.25e6 + 1.0 && given[4] <= 1e6 + 1.0, "{name}: {given:?}");
        assert!(given.iter().all(|w| *w >= 0.0), "{name}: {given:?}");
    }
}

#[test]
fn a_priority_list_is_worked_off_from_its_front_and_a_saturated_unit_passes_on() {
    let mut engine = engine(50.0);
    let strategy = Some(Strategy::Priority);
    let priority = Some(vec![3, 7]);
    configure(&mut engine, PlantChange { strategy, priority, ..Default::default() });
    cap(&mut engine, 3, 40.0);
    ask(&mut engine, 5e6);
    run(&mut engine, 60);
    let given: Vec<f64> = given_w(&engine).collect();
    assert!((given[3] - 1e6).abs() < 1.0 && (given[7] - 2.5e6).abs() < 1.0, "{given:?}");
    // Those that are not named follow in their own order.
    assert!(given[0] > 1.4e6 && given[1].abs() < 1.0, "{given:?}");
}

#[test]
fn a_ramp_that_the_units_cannot_follow_turns_round_at_once() {
    let mut engine = engine(50.0);
    (0..10).for_each(|idx| cap(&mut engine, idx, 40.0));
    // A tenth of the rating a second: 24 MW would take 9.6 s, the units stop at 10 MW after 4 s.
    configure(&mut engine, PlantChange { ramp_per_s: Some(0.1), ..Default::default() });
    ask(&mut engine, 24e6);
    run(&mut engine, 600);
    let (given_w, ramped_w) = (engine.farm().active_power.0, engine.farm().ramped_setpoint.0);
    assert!(given_w < 10e6 && ramped_w - given_w < 0.3e6, "{given_w} {ramped_w}");
    ask(&mut engine, 0.0);
    run(&mut engine, 20);
    let later_w = engine.farm().active_power.0;
    assert!(later_w < given_w - 3.5e6, "{given_w} {later_w}");
}
