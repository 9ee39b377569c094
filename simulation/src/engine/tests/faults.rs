//! Faults of converter, enclosure, controller, grid and POI: what each does, and that it ends.

use super::*;
use bess_core::alarm::AlarmCode;
use bess_core::control::FunctionsChange;
use bess_core::defect::{CellDefect, Defect};
use bess_core::event::EventKind;
use bess_core::spec::{Hold, LastingKind, PoiMeter, TransformerLimit};
use bess_core::units::Celsius;

const KW: f64 = 1e3;

fn unit() -> UnitId {
    UnitId::from_idx(0)
}
fn apply(engine: &mut Engine, command: &Command) {
    engine.apply(command, ControlSource::Scenario).unwrap();
}
fn fail(engine: &mut Engine, defect: Defect) {
    apply(engine, &Command::SetDefect { unit: unit(), defect });
}
fn after(engine: &mut Engine, seconds: f64) -> UnitView {
    engine.run(Tick::count_in(seconds), &mut |_, _| {});
    unit_zero(engine).0
}
fn given_w(engine: &mut Engine, seconds: f64) -> f64 {
    after(engine, seconds).ac.active_power.0
}
/// A farm of units of 8 kW, the first one at `power_w`.
fn at(units: usize, power_w: f64) -> Engine {
    let mut engine = engine(&small(units, 1, 16), 1);
    set_unit(&mut engine, 0, power_w);
    engine.run(50, &mut |_, _| {});
    engine
}
fn hold(frequency_hz: Option<Hold>, voltage_pu: Option<Hold>) -> Command {
    Command::SetGrid { frequency_hz, voltage_pu }
}
/// Each defect of this file, as wrong as it may be said with one value.
fn every_defect() -> Vec<Defect> {
    vec![
        Defect::PcsTrip { code: Some(AlarmCode::PcsFault) },
        Defect::PcsDerate(0.5),
        Defect::SetpointIgnored(true),
        Defect::PcsInverted(true),
        Defect::PcsRamp(0.5),
        Defect::PcsLoss(3.0),
        Defect::PllOffset(0.3),
        Defect::MomentaryCessation { below_pu: 0.8, recovery_s: 3.0 },
        Defect::RelayShift { voltage_pu: 0.01, time_factor: 2.0 },
        Defect::StartStuck(true),
        Defect::RecoveryTrip(true),
        Defect::VentilationOff(true),
        Defect::CoolantLeak(0.3),
        Defect::DoorOpen(true),
        Defect::Suppression(true),
        Defect::AuxSupplyOff(true),
        Defect::DroopOverride(Some(0.02)),
    ]
}

#[test]
fn a_defect_is_state_from_its_command_on_and_none_once_it_is_ended() {
    for defect in every_defect() {
        let mut engine = at(1, 4.0 * KW);
        let before = engine.state_hash();
        fail(&mut engine, defect);
        assert_ne!(engine.state_hash(), before, "{defect:?}");
        fail(&mut engine, defect.ended());
        assert_eq!(engine.state_hash(), before, "{defect:?}");
        assert!(defect.is_active() && !defect.ended().is_active(), "{defect:?}");
    }
}

#[test]
fn a_defect_out_of_its_range_is_refused() {
    let mut engine = at(1, 0.0);
    for defect in [
        Defect::PcsTrip { code: Some(AlarmCode::CellOverVoltage) },
        Defect::PcsDerate(1.1),
        Defect::PcsRamp(0.001),
        Defect::PcsLoss(f64::NAN),
        Defect::PllOffset(-11.0),
        Defect::MomentaryCessation { below_pu: 0.5, recovery_s: -1.0 },
        Defect::RelayShift { voltage_pu: 0.0, time_factor: 0.0 },
        Defect::CoolantLeak(2.0),
        Defect::DroopOverride(Some(0.0)),
    ] {
        let before = engine.state_hash();
        let command = Command::SetDefect { unit: unit(), defect };
        assert!(engine.apply(&command, ControlSource::Scenario).is_err(), "{defect:?}");
        assert_eq!(engine.state_hash(), before, "{defect:?}");
    }
}

#[test]
fn a_converter_that_ignores_its_setpoint_keeps_its_power_and_shows_the_new_setpoint() {
    let mut engine = at(1, 4.0 * KW);
    fail(&mut engine, Defect::SetpointIgnored(true));
    set_unit(&mut engine, 0, -2.0 * KW);
    for _ in 0..50 {
        let view = after(&mut engine, 0.1);
        assert!((view.ac.active_power.0 - 4.0 * KW).abs() < 1.0, "{}", view.ac.active_power);
        assert_eq!(view.setpoint.0, -2.0 * KW);
    }
    fail(&mut engine, Defect::SetpointIgnored(false));
    assert!((given_w(&mut engine, 5.0) + 2.0 * KW).abs() < 1.0);
}

#[test]
fn a_converter_with_the_wrong_sign_charges_when_discharge_is_asked_for() {
    let mut engine = at(1, 4.0 * KW);
    fail(&mut engine, Defect::PcsInverted(true));
    let view = after(&mut engine, 5.0);
    assert!((view.ac.active_power.0 + 4.0 * KW).abs() < 1.0 && view.dc.current.0 < 0.0);
    assert_eq!(view.setpoint.0, 4.0 * KW);
    fail(&mut engine, Defect::PcsInverted(false));
    assert!((given_w(&mut engine, 5.0) - 4.0 * KW).abs() < 1.0);
}

#[test]
fn a_derated_converter_gives_its_share_shows_it_as_available_and_is_derated() {
    let mut engine = at(1, 8.0 * KW);
    fail(&mut engine, Defect::PcsDerate(0.25));
    let view = after(&mut engine, 2.0);
    assert!((view.ac.active_power.0 - 2.0 * KW).abs() < 1.0, "{}", view.ac.active_power);
    assert!((view.available_discharge_power.0 - 2.0 * KW).abs() < 1.0);
    assert_eq!(view.state, UnitState::Derated);
    fail(&mut engine, Defect::PcsDerate(1.0));
    assert!(given_w(&mut engine, 5.0) > 7.0 * KW);
}

#[test]
fn a_ramp_limiter_that_is_wrong_changes_the_slope_by_its_factor() {
    let slope = |factor: f64| {
        let mut engine = at(1, 0.0);
        let change = ControlChange { ramp_pct_per_s: Some(5.0), ..ControlChange::default() };
        apply(&mut engine, &Command::ControlUnit { unit: unit(), change });
        fail(&mut engine, Defect::PcsRamp(factor));
        set_unit(&mut engine, 0, 8.0 * KW);
        let first_w = given_w(&mut engine, 2.0);
        given_w(&mut engine, 1.0) - first_w
    };
    let whole = slope(1.0);
    assert!((whole / (0.4 * KW) - 1.0).abs() < 0.01, "5 %/s of 8 kW: {whole}");
    for factor in [0.1, 2.0] {
        assert!((slope(factor) / whole - factor).abs() < 0.02, "{factor}");
    }
}

#[test]
fn a_lossy_converter_takes_more_from_the_battery_for_the_same_power() {
    let mut engine = at(1, 4.0 * KW);
    let before = after(&mut engine, 1.0);
    fail(&mut engine, Defect::PcsLoss(5.0));
    let view = after(&mut engine, 1.0);
    assert!((view.ac.active_power.0 - before.ac.active_power.0).abs() < 1.0);
    let more_w = view.dc.power.0 - before.dc.power.0;
    assert!((more_w - 0.05 * 8.8 * KW).abs() < 1.0, "{more_w}");
}

#[test]
fn a_wrong_measured_frequency_is_shown_and_answered_by_this_unit_alone() {
    let mut engine = at(2, 0.0);
    let functions = Some(FunctionSet::default().with(FunctionName::FrequencyDroop));
    for idx in 0..2 {
        let change = ControlChange { functions, ..ControlChange::default() };
        apply(&mut engine, &Command::ControlUnit { unit: UnitId::from_idx(idx), change });
    }
    fail(&mut engine, Defect::PllOffset(-0.5));
    engine.run(100, &mut |_, _| {});
    let seen = see(&mut engine);
    assert!((seen.units[0].ac.frequency.0 - 49.5).abs() < 1e-9);
    assert!((seen.units[1].ac.frequency.0 - 50.0).abs() < 1e-9);
    assert!((seen.farm.frequency.0 - 50.0).abs() < 1e-9);
    assert!(seen.units[0].ac.active_power.0 > 100.0, "it supports a grid that needs nothing");
    assert!(seen.units[1].ac.active_power.0.abs() < 1.0);
}

#[test]
fn momentary_cessation_takes_the_power_in_a_dip_and_gives_it_back_slowly() {
    let mut engine = at(1, 8.0 * KW);
    fail(&mut engine, Defect::MomentaryCessation { below_pu: 0.8, recovery_s: 10.0 });
    assert!((given_w(&mut engine, 1.0) - 8.0 * KW).abs() < 200.0, "without a dip nothing happens");
    apply(&mut engine, &hold(None, Some(Hold::At(0.75))));
    let view = after(&mut engine, 0.3);
    assert!(view.ac.active_power.0.abs() < 1e-6, "{}", view.ac.active_power);
    assert_eq!(view.state, UnitState::Running, "it rides through");
    apply(&mut engine, &hold(None, Some(Hold::Release)));
    let half_w = given_w(&mut engine, 5.0);
    assert!((half_w / (4.4 * KW) - 1.0).abs() < 0.02, "half of the apparent power: {half_w}");
    assert!(given_w(&mut engine, 6.0) > 7.0 * KW);
}

#[test]
fn a_droop_that_is_overridden_answers_otherwise_and_reads_back_as_it_was_set() {
    let mut engine = at(1, 0.0);
    let functions = Some(FunctionSet::default().with(FunctionName::FrequencyDroop));
    let change = ControlChange { functions, ..ControlChange::default() };
    apply(&mut engine, &Command::ControlUnit { unit: unit(), change });
    apply(&mut engine, &hold(Some(Hold::At(49.5)), None));
    let right_w = given_w(&mut engine, 60.0);
    let set = see(&mut engine).functions[0].frequency_droop;
    fail(&mut engine, Defect::DroopOverride(Some(set.under_droop * 4.0)));
    let wrong_w = given_w(&mut engine, 60.0);
    assert!(right_w > 500.0 && (wrong_w / right_w - 0.25).abs() < 0.01, "{right_w} {wrong_w}");
    assert_eq!(see(&mut engine).functions[0].frequency_droop, set);
    fail(&mut engine, Defect::DroopOverride(None));
    assert!((given_w(&mut engine, 60.0) - right_w).abs() < 1.0);
}

#[test]
fn relays_set_wrong_read_back_as_they_were_set() {
    let mut engine = at(1, 0.0);
    let before = Arc::clone(&see(&mut engine).functions[0]);
    fail(&mut engine, Defect::RelayShift { voltage_pu: 0.05, time_factor: 0.1 });
    let trips = before.trips.clone();
    assert_eq!(see(&mut engine).functions[0].trips, trips);
    // Settings that somebody writes meanwhile are wrong in the same way.
    let change = Box::new(FunctionsChange::default());
    apply(&mut engine, &Command::ConfigureUnit { unit: unit(), change });
    assert_eq!(see(&mut engine).functions[0].trips, trips);
}

#[test]
fn without_its_auxiliary_supply_a_unit_does_not_cool_and_draws_nothing() {
    let mut engine = at(1, 0.0);
    assert!(after(&mut engine, 1.0).auxiliary_power.0 > 0.0);
    fail(&mut engine, Defect::AuxSupplyOff(true));
    let view = after(&mut engine, 15.0);
    assert_eq!((view.auxiliary_power.0, view.cooling_power.0), (0.0, 0.0));
    assert!(view.alarms.has(AlarmCode::BmsCommunication));
}

#[test]
fn a_leak_cools_less_is_told_of_from_half_the_flow_on_and_stops_the_pump_without_flow() {
    let hottest = |lost: f64| {
        let mut engine = at(1, 8.0 * KW);
        fail(&mut engine, Defect::CoolantLeak(lost));
        let view = after(&mut engine, 900.0);
        let told = view.alarms.has(AlarmCode::CoolingFailed);
        (view.truth.extremes.temperature_max.0, told)
    };
    let (whole, some, most, all) = (hottest(0.0), hottest(0.4), hottest(0.8), hottest(1.0));
    assert!(whole.0 < some.0 && some.0 < most.0 && most.0 < all.0, "{whole:?} {some:?} {most:?}");
    assert_eq!([whole.1, some.1, most.1, all.1], [false, false, true, true]);
}

#[test]
fn an_open_door_brings_the_air_towards_ambient() {
    let air = |open: bool| {
        let mut engine = at(1, 0.0);
        apply(&mut engine, &Command::SetAmbient(Some(Celsius(45.0))));
        fail(&mut engine, Defect::DoorOpen(open));
        let view = after(&mut engine, 60.0);
        (view.air_temperature.0, view.alarms.alrm() >> 5 & 1, view.alarms.evt1() >> 23 & 1)
    };
    let (shut, open) = (air(false), air(true));
    assert!(open.0 > 40.0 && shut.0 < open.0 - 5.0, "{shut:?} {open:?}");
    assert_eq!((shut.1, shut.2, open.1, open.2), (0, 0, 1, 1), "CABINET_OPEN, OPEN_DOOR");
}

#[test]
fn gas_stays_where_the_ventilation_has_failed() {
    let lfl = |failed: bool| {
        let mut engine = at(1, 0.0);
        fail(&mut engine, Defect::VentilationOff(failed));
        let defect = CellDefect::Heater(2000.0);
        fail(&mut engine, Defect::Cell { rack_idx: 0, cell_idx: 3, defect });
        let mut litres = 0.0;
        while litres <= 0.0 {
            assert!(engine.tick().0 < 20_000, "no gas");
            litres = after(&mut engine, 10.0).gas_litres;
        }
        fail(
            &mut engine,
            Defect::Cell { rack_idx: 0, cell_idx: 3, defect: CellDefect::Heater(0.0) },
        );
        let view = after(&mut engine, 600.0);
        assert!(view.gas_litres >= litres && view.alarms.has(AlarmCode::Gas));
        view.gas_lfl
    };
    let (ventilated, failed) = (lfl(false), lfl(true));
    assert!(failed > 0.0 && ventilated < 0.6 * failed, "{ventilated} {failed}");
}

#[test]
fn the_ambient_is_what_somebody_set_until_it_is_released() {
    let mut engine = at(1, 0.0);
    let before = engine.farm().ambient;
    apply(&mut engine, &Command::SetAmbient(Some(Celsius(-25.0))));
    engine.step();
    assert_eq!(engine.farm().ambient, Celsius(-25.0));
    apply(&mut engine, &Command::SetAmbient(None));
    engine.step();
    assert!((engine.farm().ambient.0 - before.0).abs() < 0.1);
    let too_hot = Command::SetAmbient(Some(Celsius(81.0)));
    assert!(engine.apply(&too_hot, ControlSource::Scenario).is_err());
}

#[test]
fn disturbances_are_ended_by_their_kind_or_all_at_once() {
    let mut engine = at(1, 0.0);
    let disturb = |engine: &mut Engine, kind| {
        apply(engine, &Command::Disturb(Disturbance { kind, duration_s: f64::INFINITY }));
    };
    disturb(&mut engine, DisturbanceKind::Frequency(50.2));
    disturb(&mut engine, DisturbanceKind::Voltage(0.95));
    engine.step();
    assert_eq!((engine.farm().frequency.0, engine.farm().voltage_pu), (50.2, 0.95));
    apply(&mut engine, &Command::EndDisturbances { kind: Some(LastingKind::Frequency) });
    engine.step();
    assert_eq!((engine.farm().frequency.0, engine.farm().voltage_pu), (50.0, 0.95));
    disturb(&mut engine, DisturbanceKind::Outage);
    apply(&mut engine, &hold(Some(Hold::At(49.9)), None));
    engine.step();
    assert_eq!(engine.farm().voltage_pu, 0.0);
    apply(&mut engine, &Command::EndDisturbances { kind: None });
    engine.step();
    assert_eq!((engine.farm().frequency.0, engine.farm().voltage_pu), (50.0, 1.0));
    assert_eq!(see(&mut engine).counts.faults_active[3], 0);
}

#[test]
fn a_frequency_that_is_held_anew_every_tick_is_a_ramp_and_one_disturbance() {
    let mut engine = at(1, 0.0);
    let events = see(&mut engine).events.total();
    for tick in 0..20 {
        let hz = 50.0 - 0.01 * f64::from(tick);
        apply(&mut engine, &hold(Some(Hold::At(hz)), None));
        engine.step();
        assert!((engine.farm().frequency.0 - hz).abs() < 1e-12);
    }
    let seen = see(&mut engine);
    assert_eq!((seen.events.total() - events, seen.counts.faults_injected[3]), (1, 1));
}

fn farm_at(power_w: f64) -> Engine {
    let mut engine = engine(&small(4, 1, 16), 1);
    set_farm(&mut engine, power_w);
    engine.run(100, &mut |_, _| {});
    engine
}
fn meter(engine: &mut Engine, gain: f64, offset_w: f64, is_frozen: bool) {
    apply(engine, &Command::PoiMeter(PoiMeter { gain, offset_w, is_frozen }));
}

#[test]
fn a_reversed_meter_makes_the_plant_run_away_to_the_limits_and_back_when_it_is_right() {
    let mut engine = farm_at(8.0 * KW);
    meter(&mut engine, -1.0, 0.0, false);
    engine.step();
    let farm = engine.farm();
    assert!((farm.active_power.0 + farm.true_active_power.0).abs() < 1e-9);
    engine.run(300, &mut |_, _| {});
    let farm = engine.farm();
    let most_w = farm.available_discharge_power.0;
    assert!((farm.true_active_power.0 / most_w - 1.0).abs() < 0.01 && most_w > 24.0 * KW);
    assert!(farm.active_power.0 < 0.0, "the meter says that it charges");
    meter(&mut engine, 1.0, 0.0, false);
    engine.run(400, &mut |_, _| {});
    assert!((engine.farm().active_power.0 - 8.0 * KW).abs() < 50.0);
    assert_eq!(engine.farm().active_power, engine.farm().true_active_power);
}

#[test]
fn a_meter_with_an_offset_shows_the_setpoint_while_less_flows() {
    let mut engine = farm_at(8.0 * KW);
    meter(&mut engine, 1.0, 2.0 * KW, false);
    engine.run(400, &mut |_, _| {});
    let farm = engine.farm();
    assert!((farm.active_power.0 - 8.0 * KW).abs() < 50.0, "{}", farm.active_power);
    assert!((farm.true_active_power.0 - 6.0 * KW).abs() < 50.0, "{}", farm.true_active_power);
}

#[test]
fn a_frozen_meter_stands_still_and_a_new_setpoint_is_never_reached() {
    let mut engine = farm_at(8.0 * KW);
    meter(&mut engine, 1.0, 0.0, true);
    let frozen = engine.farm().active_power;
    set_farm(&mut engine, -4.0 * KW);
    engine.run(600, &mut |_, _| {});
    let farm = engine.farm();
    assert_eq!(farm.active_power, frozen);
    assert!(farm.true_active_power.0 < -24.0 * KW, "{}", farm.true_active_power);
}

#[test]
fn behind_an_open_breaker_nothing_passes_and_the_grid_is_gone_for_every_unit() {
    let mut engine = farm_at(8.0 * KW);
    apply(&mut engine, &Command::PoiBreaker { open: true });
    engine.step();
    let farm = engine.farm();
    assert_eq!(
        (farm.true_active_power.0, farm.transformer_loss.0, farm.voltage_pu),
        (0.0, 0.0, 0.0)
    );
    assert!(see(&mut engine).units.iter().all(|unit| unit.ac.voltage.0 == 0.0));
    let total = engine.farm().totals;
    engine.run(100, &mut |_, _| {});
    assert_eq!(engine.farm().totals.discharged, total.discharged);
    apply(&mut engine, &Command::PoiBreaker { open: false });
    engine.step();
    assert_eq!(engine.farm().voltage_pu, 1.0);
}

#[test]
fn a_relay_over_the_transformer_bears_a_short_overload_and_opens_the_breaker_after_its_delay() {
    let mut engine = farm_at(8.0 * KW);
    let limit = TransformerLimit { overload_pu: 0.5, delay_s: 3.0 };
    apply(&mut engine, &Command::TransformerLimit(Some(limit)));
    for (seconds, power_w) in [(2.0, 28.0), (2.0, 4.0), (2.0, 28.0)] {
        set_farm(&mut engine, power_w * KW);
        engine.run(Tick::count_in(seconds), &mut |_, _| {});
        assert_eq!(engine.farm().voltage_pu, 1.0);
    }
    engine.run(20, &mut |_, _| {});
    assert_eq!(engine.farm().voltage_pu, 0.0);
}

#[test]
fn a_fault_is_on_record_with_its_begin_and_end_and_not_with_each_of_its_shapes() {
    let mut engine = at(1, 4.0 * KW);
    let note = |on| Command::NoteFault { unit: Some(unit()), kind: "device.pcs.derate", on };
    let local = Command::OperateUnit { unit: unit(), action: UnitAction::Local };
    engine.apply(&local, ControlSource::Local).unwrap();
    let before = see(&mut engine);
    apply(&mut engine, &note(true));
    for share in [0.9, 0.8, 0.7] {
        fail(&mut engine, Defect::PcsDerate(share));
    }
    fail(&mut engine, Defect::PcsDerate(1.0));
    apply(&mut engine, &note(false));
    let seen = see(&mut engine);
    let rows: Vec<(String, &str)> = seen
        .audit
        .after(before.audit.total())
        .map(|(_, row)| (row.what.clone(), row.origin.source.name()))
        .collect();
    assert_eq!(
        rows,
        [
            ("fault device.pcs.derate begins".to_owned(), "scenario"),
            ("fault device.pcs.derate ends".to_owned(), "scenario"),
        ]
    );
    let faults: Vec<bool> = seen
        .events
        .after(before.events.total())
        .filter_map(|(_, event)| match event.kind {
            EventKind::Fault { kind: "device.pcs.derate", on } => Some(on),
            _ => None,
        })
        .collect();
    assert_eq!(faults, [true, false]);
    assert_eq!(seen.counts.faults_injected[0], 1, "one fault, whatever its shape");
}

#[test]
fn a_scenario_is_kept_by_no_switch_and_holds_nothing() {
    let mut engine = at(1, 0.0);
    let local = Command::OperateUnit { unit: unit(), action: UnitAction::Local };
    engine.apply(&local, ControlSource::Local).unwrap();
    let change = ControlChange::active_power(Watts(4.0 * KW));
    let command = Command::ControlUnit { unit: unit(), change };
    assert!(engine.apply(&command, ControlSource::Rest).is_err());
    engine.apply(&command, ControlSource::Scenario).unwrap();
    let view = after(&mut engine, 5.0);
    assert!((view.ac.active_power.0 - 4.0 * KW).abs() < 1.0);
    assert!(view.lease_remaining_s <= 0.0);
}

#[test]
fn faults_give_the_same_bits_tick_by_tick_and_at_several_at_a_time_on_any_workers() {
    let spec = small(4, 1, 16);
    let (mut one, mut many) = (engine(&spec, 1), engine(&spec, 2));
    let defects = every_defect();
    for round in 0..60usize {
        for engine in [&mut one, &mut many] {
            let unit = UnitId::from_idx(round % 4);
            let defect = defects[round % defects.len()];
            let earlier = defects[(round + 11) % defects.len()].ended();
            for command in [
                Command::SetDefect { unit, defect },
                Command::SetDefect { unit, defect: earlier },
                hold(Some(Hold::At(50.0 - 0.002 * round as f64)), None),
            ] {
                apply(engine, &command);
            }
            match round {
                5 => set_farm(engine, 9.0 * KW),
                12 => meter(engine, 0.9, 300.0, false),
                20 => meter(engine, 1.0, 0.0, false),
                25 => {
                    let limit = TransformerLimit { overload_pu: 0.01, delay_s: 1.0 };
                    apply(engine, &Command::TransformerLimit(Some(limit)));
                }
                30 => apply(engine, &Command::TransformerLimit(None)),
                35 => apply(engine, &Command::PoiBreaker { open: false }),
                40 => apply(engine, &Command::EndDisturbances { kind: None }),
                _ => {}
            }
        }
        let ticks = 1 + round as u64 * 7 % 31;
        (0..ticks).for_each(|_| one.step());
        many.run(ticks, &mut |_, _| {});
        assert_eq!(one.state_hash(), many.state_hash(), "after round {round}");
    }
}
