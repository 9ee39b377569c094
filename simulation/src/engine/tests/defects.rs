//! Defects of BMS, racks and sensors: what is true, and what is told.

use super::operation::{defect, farm_with, started, state, ticks};
use super::*;
use bess_core::alarm::{AlarmCode, AlarmLevel};
use bess_core::defect::{Defect, Distortion, Reading};

/// A unit whose BMS shows the truth, running.
fn ideal(racks: usize) -> Engine {
    started(&farm_with(racks, |design| design.bms.ideal = true), UnitState::Running)
}
fn cells(engine: &Engine) -> bess_core::snapshot::CellsView {
    engine.units[0].cells_view(engine.tick().0).unwrap()
}
fn sensor(quantity: Reading, rack_idx: Option<usize>, distortion: Distortion) -> Defect {
    Defect::Sensor { quantity, rack_idx, distortion }
}

#[test]
fn a_bms_that_hangs_tells_the_same_for_ever_while_the_truth_moves_on() {
    let mut engine = started(&small(1, 2, 16), UnitState::Running);
    set_unit(&mut engine, 0, 6_000.0);
    ticks(&mut engine, 100);
    defect(&mut engine, Defect::BmsFrozen(true));
    let ((before, racks_before), cells_before) = (unit_zero(&engine), cells(&engine));
    defect(&mut engine, Defect::Insulation(Some(10.0)));
    ticks(&mut engine, 3_000);
    set_unit(&mut engine, 0, -6_000.0);
    ticks(&mut engine, 50);
    let ((now, racks_now), cells_now) = (unit_zero(&engine), cells(&engine));
    assert_eq!(now.heartbeat, before.heartbeat);
    assert_eq!(now.measured.soc, before.measured.soc);
    assert!((now.insulation_kohm - before.insulation_kohm).abs() < 1e-9);
    for (is, was) in racks_now.iter().zip(&racks_before) {
        assert_eq!((is.current, is.voltage, is.soc), (was.current, was.voltage, was.soc));
        assert_eq!((is.extremes, is.soc_sigma), (was.extremes, was.soc_sigma));
        assert_eq!(is.discharge_current_max, was.discharge_current_max);
        assert!(is.truth.current.0 < 0.0 && was.truth.current.0 > 0.0, "it obeys the converter");
        assert!(is.truth.soc < was.truth.soc - 0.01);
    }
    assert_eq!(cells_now.voltage_v, cells_before.voltage_v);
    assert_eq!(cells_now.temperature_degc, cells_before.temperature_degc);
    assert_ne!(cells_now.true_voltage_v, cells_before.true_voltage_v);
    assert!(now.alarms.is_empty(), "it sees nothing: {:?}", now.alarms);
    defect(&mut engine, Defect::BmsFrozen(false));
    ticks(&mut engine, 300);
    let (now, racks_now) = unit_zero(&engine);
    assert!(now.heartbeat > before.heartbeat && now.insulation_kohm < 20.0);
    assert!(now.alarms.has(AlarmCode::Insulation), "{:?}", now.alarms);
    assert!(racks_now[0].voltage != racks_before[0].voltage);
}

#[test]
fn limits_of_zero_stop_the_power_and_limits_that_are_not_honoured_let_cells_leave_their_window() {
    let mut engine = ideal(1);
    set_unit(&mut engine, 0, 4_000.0);
    ticks(&mut engine, 50);
    defect(&mut engine, Defect::BmsLimits { charge: 1.0, discharge: 0.0 });
    ticks(&mut engine, 50);
    let view = unit_zero(&engine).0;
    assert!(view.available_discharge_power.0.abs() < 1e-9 && view.ac.active_power.0.abs() < 300.0);
    assert!(view.available_charge_power.0 > 7_000.0, "charging is as before");
    // Nearly full, a sound BMS lets nothing more in; this one does.
    let highest_v = |charge: f64| {
        let mut engine = ideal(1);
        defect(&mut engine, Defect::RackSoc { rack_idx: 0, soc: Some(0.99) });
        defect(&mut engine, Defect::ProtectionOff(true));
        defect(&mut engine, Defect::BmsLimits { charge, discharge: 1.0 });
        set_unit(&mut engine, 0, -8_000.0);
        let mut highest_v = 0f64;
        for _ in 0..3_000 {
            engine.step();
            highest_v = highest_v.max(unit_zero(&engine).1[0].truth.extremes.voltage_max.0);
        }
        highest_v
    };
    let (kept_v, broken_v) = (highest_v(1.0), highest_v(1.5));
    assert!(kept_v < 3.65 && broken_v > 3.7, "{kept_v} {broken_v}");
}

#[test]
fn a_jump_of_the_soc_is_one_of_the_belief_and_not_of_the_truth() {
    for ideal in [false, true] {
        let spec = farm_with(2, |design| design.bms.ideal = ideal);
        let mut engine = started(&spec, UnitState::Running);
        ticks(&mut engine, 20);
        let before = unit_zero(&engine).0;
        defect(&mut engine, Defect::SocJump { by: 0.12 });
        ticks(&mut engine, 1);
        let after = unit_zero(&engine).0;
        let stepped = after.measured.soc - before.measured.soc;
        assert!((stepped - 0.12).abs() < 1e-3, "{stepped}");
        assert!((after.truth.soc - before.truth.soc).abs() < 1e-4);
        // Its end takes nothing back.
        defect(&mut engine, Defect::SocJump { by: 0.12 }.ended());
        ticks(&mut engine, 1);
        assert!((unit_zero(&engine).0.measured.soc - after.measured.soc).abs() < 1e-3);
    }
}

#[test]
fn the_other_racks_take_the_current_of_one_that_drops_out_and_it_comes_back() {
    let mut engine = ideal(3);
    set_unit(&mut engine, 0, 12_000.0);
    ticks(&mut engine, 50);
    let before = unit_zero(&engine).1[0].truth.current.0;
    defect(&mut engine, Defect::RackOpen { rack_idx: 1, open: true });
    ticks(&mut engine, 2);
    let (view, racks) = unit_zero(&engine);
    assert_eq!((racks[1].connected, racks[1].contactors), (false, [false; 3]));
    assert!((racks[0].truth.current.0 / before - 1.5).abs() < 0.02, "{:?}", racks[0].truth);
    assert_eq!(state(&engine), UnitState::Running);
    assert!(racks[1].alarms.has(AlarmCode::ContactorFault) && view.racks_connected == 2);
    defect(&mut engine, Defect::RackOpen { rack_idx: 1, open: false });
    set_unit(&mut engine, 0, 0.0);
    ticks(&mut engine, 100);
    assert!(unit_zero(&engine).1[1].connected && unit_zero(&engine).0.alarms.is_empty());
}

#[test]
fn racks_that_do_not_match_exchange_current_without_any_power() {
    let mut engine = ideal(2);
    ticks(&mut engine, 20);
    defect(&mut engine, Defect::RackSoc { rack_idx: 1, soc: Some(0.9) });
    ticks(&mut engine, 1);
    let (view, racks) = unit_zero(&engine);
    assert!((racks[1].truth.soc - 0.9).abs() < 1e-3);
    let (low_a, high_a) = (racks[0].truth.current.0, racks[1].truth.current.0);
    assert!(high_a > 1.0 && (low_a + high_a).abs() < 3.0, "{low_a} {high_a}");
    assert!(view.ac.active_power.0.abs() < 1.0);
}

#[test]
fn a_biased_sensor_is_what_people_and_limits_see_and_no_cell_feels_it() {
    let mut engine = ideal(2);
    set_unit(&mut engine, 0, 6_000.0);
    ticks(&mut engine, 20);
    let hot = Distortion { offset: 70.0, ..Distortion::NONE };
    defect(&mut engine, sensor(Reading::TemperatureMax, None, hot));
    // A rack of its own, which the one for all leaves alone.
    defect(
        &mut engine,
        sensor(Reading::TemperatureMax, Some(1), Distortion { gain: 1.1, ..Distortion::NONE }),
    );
    ticks(&mut engine, 1);
    let (view, racks) = unit_zero(&engine);
    let over_k =
        |rack: &RackView| rack.extremes.temperature_max.0 - rack.truth.extremes.temperature_max.0;
    assert!((over_k(&racks[0]) - 70.0).abs() < 1e-9);
    assert!((over_k(&racks[1]) - 0.1 * racks[1].truth.extremes.temperature_max.0).abs() < 1e-9);
    assert!(view.measured.extremes.temperature_max.0 > 90.0);
    assert!(racks[0].discharge_current_max.0.abs() < 1e-9, "too hot to give anything");
    defect(&mut engine, sensor(Reading::TemperatureMax, None, Distortion::NONE));
    defect(&mut engine, sensor(Reading::TemperatureMax, Some(1), Distortion::NONE));
    ticks(&mut engine, 1);
    assert!(over_k(&unit_zero(&engine).1[0]).abs() < 1e-9);
}

#[test]
fn each_bms_of_two_racks_with_exchanged_sensors_sees_the_other_rack() {
    let mut engine = ideal(2);
    // A current that flows in one of them alone.
    defect(&mut engine, Defect::RackOpen { rack_idx: 1, open: true });
    set_unit(&mut engine, 0, 6_000.0);
    ticks(&mut engine, 20);
    let (quantity, rack_a, rack_b) = (Reading::Current, 0, 1);
    let swapped = Defect::SensorsSwapped { quantity, rack_a, rack_b, swapped: true };
    defect(&mut engine, swapped);
    ticks(&mut engine, 1);
    let (_, racks) = unit_zero(&engine);
    assert!(racks[0].truth.current.0 > 1.0 && racks[0].current.0.abs() < 1e-9);
    assert!(racks[1].truth.current.0.abs() < 1e-9, "the truth stays where it is");
    defect(&mut engine, swapped.ended());
    ticks(&mut engine, 1);
    let (_, racks) = unit_zero(&engine);
    assert!((racks[0].current.0 - racks[0].truth.current.0).abs() < 1e-9);
}

#[test]
fn a_current_sensor_that_is_turned_round_spoils_what_the_bms_counts() {
    let soc_error = |distortion| {
        let mut engine = started(&small(1, 1, 16), UnitState::Running);
        defect(&mut engine, sensor(Reading::Current, Some(0), distortion));
        set_unit(&mut engine, 0, 6_000.0);
        ticks(&mut engine, 6_000);
        let (view, racks) = unit_zero(&engine);
        (view.measured.soc - view.truth.soc, racks[0].current.0, racks[0].truth.current.0)
    };
    let (sound, shown_a, true_a) = soc_error(Distortion::NONE);
    assert!(sound.abs() < 0.02 && (shown_a - true_a).abs() < 3.0, "{sound}");
    let turned = Distortion { gain: -1.0, ..Distortion::NONE };
    let (wrong, shown_a, true_a) = soc_error(turned);
    assert!((shown_a + true_a).abs() < 3.0 && true_a > 50.0, "{shown_a} {true_a}");
    assert!(wrong > 0.05, "it believes that it charges: {wrong}");
    // Nothing that a sensor can show takes the unit's numbers away.
    for gain in [-100.0, 100.0] {
        let mad = Distortion { gain, offset: 1e9, noise_sd: 1e9, ..Distortion::NONE };
        let (error, shown_a, _) = soc_error(mad);
        assert!(error.is_finite() && shown_a.abs() <= 1e5, "{error} {shown_a}");
    }
}

#[test]
fn a_value_that_is_missing_is_none_and_the_bms_holds_the_last_one_until_the_converter_gives_up() {
    let mut engine = ideal(2);
    set_unit(&mut engine, 0, 6_000.0);
    ticks(&mut engine, 20);
    let before = unit_zero(&engine).1[0];
    let gone = Distortion { dropout: true, ..Distortion::NONE };
    for quantity in [Reading::Soc, Reading::CellVoltageMin] {
        defect(&mut engine, sensor(quantity, Some(0), gone));
    }
    ticks(&mut engine, 300);
    let (view, racks) = unit_zero(&engine);
    assert!(racks[0].soc.is_nan() && racks[0].extremes.voltage_min.0.is_nan());
    assert!(!racks[0].extremes.voltage_max.0.is_nan() && !racks[1].soc.is_nan());
    let mean = (before.soc + racks[1].soc) / 2.0;
    assert!((view.measured.soc - mean).abs() < 1e-3, "{} {mean}", view.measured.soc);
    assert!(view.available_discharge_power.0.is_finite());
    assert!(view.alarms.has(AlarmCode::BmsCommunication));
    assert_eq!(state(&engine), UnitState::Running, "a warning at first");
    ticks(&mut engine, 400);
    assert_eq!(state(&engine), UnitState::Tripped);
    for quantity in [Reading::Soc, Reading::CellVoltageMin] {
        defect(&mut engine, sensor(quantity, Some(0), Distortion::NONE));
    }
    ticks(&mut engine, 1);
    assert!(!unit_zero(&engine).0.alarms.has(AlarmCode::BmsCommunication));
}

#[test]
fn meters_of_a_unit_may_be_wrong_while_the_farm_gets_what_is_true() {
    let mut engine = ideal(1);
    set_unit(&mut engine, 0, 5_000.0);
    let turned = Distortion { gain: -1.0, ..Distortion::NONE };
    defect(&mut engine, sensor(Reading::ActivePower, None, turned));
    let damp = Distortion { gain: 0.0, offset: 5.0, ..Distortion::NONE };
    defect(&mut engine, sensor(Reading::Insulation, None, damp));
    let hot = Distortion { offset: 40.0, ..Distortion::NONE };
    let cool = unit_zero(&engine).0.pcs_temperature.0;
    defect(&mut engine, sensor(Reading::PcsTemperature, None, hot));
    ticks(&mut engine, 30);
    let view = unit_zero(&engine).0;
    assert!((view.ac.active_power.0 + 5_000.0).abs() < 1.0, "{}", view.ac.active_power);
    let farm_gets_w = engine.units[0].share().active.0;
    assert!((farm_gets_w - 5_000.0).abs() < 1.0, "{farm_gets_w}");
    assert!((view.insulation_kohm - 5.0).abs() < 1e-9);
    assert!(view.pcs_temperature.0 - cool > 39.0);
    ticks(&mut engine, 100);
    assert!(unit_zero(&engine).0.alarms.has(AlarmCode::Insulation));
}

#[test]
fn a_bus_voltage_that_stands_still_is_one_of_the_sensor_alone() {
    let mut engine = ideal(1);
    set_unit(&mut engine, 0, 4_000.0);
    ticks(&mut engine, 50);
    let stuck = Distortion { stuck: true, ..Distortion::NONE };
    defect(&mut engine, sensor(Reading::DcVoltage, None, stuck));
    ticks(&mut engine, 1);
    let shown_v = unit_zero(&engine).0.dc.voltage;
    set_unit(&mut engine, 0, -4_000.0);
    ticks(&mut engine, 50);
    let (view, racks) = unit_zero(&engine);
    assert_eq!(view.dc.voltage, shown_v);
    let true_v = racks[0].truth.voltage.0;
    assert!((true_v - shown_v.0).abs() > 0.01, "{true_v} {shown_v}");
    assert!(view.dc.power.0 < -3_000.0 && view.alarms.is_empty(), "{view:?}");
    defect(&mut engine, sensor(Reading::DcVoltage, None, Distortion::NONE));
    ticks(&mut engine, 1);
    assert_ne!(unit_zero(&engine).0.dc.voltage, shown_v);
}

#[test]
fn a_gas_detector_that_is_late_tells_what_was_there_then() {
    let mut engine = ideal(1);
    let late = Distortion { delay_ticks: 80, ..Distortion::NONE };
    defect(&mut engine, sensor(Reading::GasLfl, None, late));
    ticks(&mut engine, 100);
    defect(&mut engine, Defect::Gas { litres_per_s: 2.0 });
    ticks(&mut engine, 79);
    let view = unit_zero(&engine).0;
    assert!(view.gas_lfl > 0.0 && view.gas_lfl_measured == 0.0, "{}", view.gas_lfl);
    assert!(!view.alarms.has(AlarmCode::Gas));
    ticks(&mut engine, 50);
    let view = unit_zero(&engine).0;
    assert!(view.gas_lfl_measured > 0.0 && view.gas_lfl > view.gas_lfl_measured);
    assert!(view.alarms.has(AlarmCode::Gas));
}

#[test]
fn gas_without_fire_is_seen_by_its_detector_unless_that_is_broken() {
    let mut engine = ideal(1);
    defect(&mut engine, Defect::GasDetectorOff(true));
    defect(&mut engine, Defect::Gas { litres_per_s: 2.0 });
    ticks(&mut engine, 100);
    let view = unit_zero(&engine).0;
    assert!(view.gas_litres > 10.0 && !view.alarms.has(AlarmCode::Gas), "{}", view.gas_litres);
    assert_eq!(unit_zero(&engine).1[0].truth.cells_vented, 0);
    defect(&mut engine, Defect::GasDetectorOff(false));
    ticks(&mut engine, 50);
    assert!(unit_zero(&engine).0.alarms.has(AlarmCode::Gas));
}

#[test]
fn gas_at_a_quarter_of_what_can_burn_is_told_and_thinned_out_it_is_told_to_be_gone() {
    let mut engine = ideal(1);
    defect(&mut engine, Defect::VentilationOff(true));
    defect(&mut engine, Defect::Gas { litres_per_s: 100.0 });
    let told = |engine: &Engine| {
        let (view, _) = unit_zero(engine);
        (view.gas_lfl, view.alarms.has_level(AlarmCode::GasConcentration, AlarmLevel::Warning))
    };
    let mut last = (0.0, false);
    while last.0 < 0.3 {
        engine.step();
        last = told(&engine);
        assert_eq!(last.1, last.0 >= 0.25, "{last:?}");
    }
    defect(&mut engine, Defect::Gas { litres_per_s: 0.0 });
    defect(&mut engine, Defect::VentilationOff(false));
    defect(&mut engine, Defect::DoorOpen(true));
    while last.0 > 0.2 {
        engine.step();
        last = told(&engine);
    }
    assert!(last.1, "it is not gone before it has stayed low");
    ticks(&mut engine, 110);
    assert!(!told(&engine).1, "{:?}", told(&engine));
}

#[test]
fn an_arc_makes_the_measured_current_noisy_and_warms_the_cell_next_to_it() {
    let mut engine = ideal(1);
    set_unit(&mut engine, 0, 6_000.0);
    ticks(&mut engine, 20);
    defect(&mut engine, Defect::DcArc { rack_idx: 0, power_w: 300.0 });
    let mut errors = Vec::new();
    for _ in 0..600 {
        engine.step();
        let rack = unit_zero(&engine).1[0];
        errors.push(rack.current.0 - rack.truth.current.0);
    }
    let sigma_a = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
    let rack = unit_zero(&engine).1[0];
    assert!((sigma_a / (0.1 * rack.truth.current.0) - 1.0).abs() < 0.2, "{sigma_a}");
    assert_eq!(rack.truth.extremes.temperature_max_at.cell_idx, 0);
}

#[test]
fn with_every_defect_that_draws_chance_or_stands_still_the_bits_are_the_same_on_any_workers() {
    let spec = small(4, 2, 16);
    let noisy =
        Distortion { noise_sd: 3.0, spike_p: 0.1, spike: 50.0, delay_ticks: 7, ..Distortion::NONE };
    let play = |workers: usize, at_once: bool| {
        let mut engine = engine(&spec, workers);
        set_farm(&mut engine, 20_000.0);
        for defects in [
            vec![
                sensor(Reading::Current, None, noisy),
                sensor(Reading::ActivePower, None, noisy),
                Defect::DcArc { rack_idx: 1, power_w: 200.0 },
                Defect::SocJump { by: -0.2 },
            ],
            vec![Defect::BmsFrozen(true), Defect::RackOpen { rack_idx: 0, open: true }],
            vec![
                Defect::BmsFrozen(false),
                Defect::ThresholdShift { degc: -20.0, volts: -0.2 },
                Defect::RackSoc { rack_idx: 0, soc: Some(0.6) },
            ],
        ] {
            defects.into_iter().for_each(|one| defect(&mut engine, one));
            if at_once {
                engine.run(200, &mut |_, _| {});
            } else {
                (0..200).for_each(|_| engine.step());
            }
        }
        engine.state_hash()
    };
    let single = play(1, false);
    assert_eq!(single, play(1, true));
    assert_eq!(single, play(2, true));
    assert_eq!(single, play(8, false));
}
