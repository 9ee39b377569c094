use super::*;
use bess_core::command::{ControlChange, Origin, Rejection, UnitAction};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::{FunctionName, FunctionSet};
use bess_core::snapshot::{ClockView, RackView, UnitState, UnitView};
use bess_core::spec::{Disturbance, DisturbanceKind};
use bess_core::units::Watts;
use proptest::prelude::*;

mod counts;
mod defects;
mod faults;
mod operation;
mod shards;
mod state;
mod tester;

fn spec(edit: impl Fn(String) -> String) -> Arc<FarmSpec> {
    let text = edit(BUILT_IN_FARM.to_owned());
    Arc::new(parse_farm("farm.toml", &text, &|_| unreachable!()).unwrap_or_else(|e| panic!("{e}")))
}
fn small(units: usize, racks: usize, cells: usize) -> Arc<FarmSpec> {
    let rated_kw = racks as f64 * cells as f64 * 0.5;
    spec(move |text| {
        text.replace("count = 10", &format!("count = {units}"))
            .replace("racks = 12", &format!("racks = {racks}"))
            .replace("cells_in_series = 416", &format!("cells_in_series = {cells}"))
            .replace("cells_per_module = 52", "cells_per_module = 1")
            .replace("rated_power_kw = 2500", &format!("rated_power_kw = {rated_kw}"))
            .replace("power_kva = 2750", &format!("power_kva = {}", rated_kw * 1.1))
            .replace("power_kvar = 1210", &format!("power_kvar = {}", rated_kw * 0.44))
            .replace("capacity_kw = 80", &format!("capacity_kw = {}", rated_kw * 0.03))
            .replace("base_load_kw = 1", &format!("base_load_kw = {}", rated_kw * 0.001))
            .replace("pump_kw = 2.2", &format!("pump_kw = {}", rated_kw * 0.001))
            .replace("area_m2 = 75", "area_m2 = 0.75")
            .replace("coolant_w_per_k = 100", "coolant_w_per_k = 1")
            .replace("sunlit_m2 = 15", "sunlit_m2 = 0.15")
            .replace("air_kj_per_k = 60", "air_kj_per_k = 0.6")
            .replace(
                "heat_capacity_kj_per_k = 1500",
                &format!("heat_capacity_kj_per_k = {}", rated_kw * 0.6),
            )
    })
}
fn engine(spec: &Arc<FarmSpec>, workers: usize) -> Engine {
    let options = EngineOptions { workers, ..EngineOptions::default() };
    Engine::new(Arc::clone(spec), Inputs::default(), options)
}
fn see(engine: &mut Engine) -> Arc<Snapshot> {
    engine.snapshot(ClockView::default(), 0, &[])
}
fn set_unit(engine: &mut Engine, idx: usize, power_w: f64) {
    let change = ControlChange::active_power(Watts(power_w));
    let command = Command::ControlUnit { unit: UnitId::from_idx(idx), change };
    engine.apply(&command, ControlSource::Rest).unwrap();
}
fn set_farm(engine: &mut Engine, power_w: f64) {
    let command = Command::SetFarmPower { active: Watts(power_w), reactive: None };
    engine.apply(&command, ControlSource::Schedule).unwrap();
}

/// The first unit and its racks as they show themselves.
fn unit_zero(engine: &Engine) -> (UnitView, Vec<RackView>) {
    let mut racks = Vec::new();
    let view = engine.units[0].show(engine.around.last().unwrap(), None, &mut racks);
    (view, racks)
}

#[test]
fn several_ticks_at_a_time_give_the_same_bits_and_the_same_pictures_as_tick_by_tick() {
    let defects = "\n[[defects]]\nkind = \"short\"\nunit = 2\nrack = 1\ncell = 3\nresistance_ohm = 2\nfrom_s = 33.3\nuntil_s = 77.7\n[[defects]]\nkind = \"pump\"\nunit = 1\nfrom_s = 50";
    let small = small(4, 3, 26);
    let spec = Arc::new(FarmSpec {
        ageing_acceleration: 1000.0,
        defects: spec(|text| text + defects).defects.clone(),
        ..(*small).clone()
    });
    let (mut one, mut many) = (engine(&spec, 1), engine(&spec, 2));
    let mut seen_by_one = Vec::new();
    let mut seen_by_many = Vec::new();
    for round in 0..24u64 {
        let ticks = 1 + round * 7 % 95;
        for engine in [&mut one, &mut many] {
            if round % 3 == 0 {
                set_farm(engine, (round as f64 - 10.0) * 9_000.0);
            } else if round % 5 == 0 {
                set_unit(engine, 2, 4_000.0);
            }
        }
        for _ in 0..ticks {
            one.step();
            seen_by_one.push((one.tick(), one.farm()));
        }
        many.run(ticks, &mut |tick, farm| seen_by_many.push((tick, *farm)));
        assert_eq!(one.state_hash(), many.state_hash(), "after round {round}");
    }
    assert_eq!(seen_by_one, seen_by_many);
}

#[test]
fn the_same_farm_seed_and_commands_give_the_same_bits_on_1_2_and_8_workers() {
    let spec = small(8, 3, 26);
    let hashes: Vec<[u8; 32]> = [1, 2, 8]
        .into_iter()
        .map(|workers| {
            let mut engine = engine(&spec, workers);
            for tick in 0..10_000u32 {
                if tick % 40 == 0 {
                    let power_w = f64::from(tick as i32 % 7 - 3) * 50_000.0;
                    set_farm(&mut engine, power_w);
                }
                if tick == 5_000 {
                    set_unit(&mut engine, 3, -12_345.0);
                    let unit = UnitId::from_idx(5);
                    let stop = Command::OperateUnit { unit, action: UnitAction::Stop };
                    engine.apply(&stop, ControlSource::Modbus).unwrap();
                }
                engine.step();
            }
            engine.state_hash()
        })
        .collect();
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0], hashes[2]);
}

#[test]
fn the_seed_matters_and_repeats() {
    let hash = |seed: u64| {
        let spec = spec(move |text| {
            text.replace("seed = 1 ", &format!("seed = {seed} ")).replace("count = 10", "count = 1")
        });
        engine(&spec, 1).state_hash()
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

#[test]
fn a_unit_follows_its_setpoint_and_the_battery_reacts() {
    let spec = small(2, 2, 16);
    let mut engine = engine(&spec, 1);
    let before = see(&mut engine);
    set_unit(&mut engine, 0, -10_000.0);
    engine.step();
    assert!(
        see(&mut engine).units[0].ac.active_power.0.abs() < 1e-9,
        "the dead time holds it back"
    );
    for _ in 0..600 {
        engine.step();
    }
    let after = see(&mut engine);
    let unit = &after.units[0];
    assert!((unit.ac.active_power.0 + 10_000.0).abs() < 1.0, "{:?}", unit.ac);
    assert!(unit.dc.power.0 > unit.ac.active_power.0, "the PCS has losses");
    assert!(unit.truth.soc > before.units[0].truth.soc + 1e-4);
    assert!(unit.truth.cell_voltage_mean > before.units[0].truth.cell_voltage_mean);
    assert!(
        after.units[0].truth.extremes.temperature_max
            > before.units[0].truth.extremes.temperature_max
    );
    assert_eq!(unit.control.source, ControlSource::Rest);
    assert!((after.units[1].ac.active_power.0).abs() < 1e-9, "its neighbour does not care");
}

#[test]
fn the_farm_is_the_sum_of_its_units_less_auxiliaries_and_the_transformers_loss() {
    let spec = small(5, 2, 16);
    let mut engine = engine(&spec, 1);
    for (idx, power_w) in [8_000.0, -5_000.0, 0.0, 3_000.0, -1_000.0].into_iter().enumerate() {
        set_unit(&mut engine, idx, power_w);
    }
    for _ in 0..100 {
        engine.step();
    }
    let seen = see(&mut engine);
    let sum: f64 = seen.units.iter().map(|u| u.ac.active_power.0 - u.auxiliary_power.0).sum();
    let loss_w = seen.farm.transformer_loss.0;
    assert!((seen.farm.active_power.0 - (sum - loss_w)).abs() < 1e-9);
    let transformer = spec.transformer.unwrap();
    let loading = sum / transformer.rated.0;
    let expected_w = transformer.rated.0 * (0.001 + 0.006 * loading * loading);
    assert!((loss_w - expected_w).abs() < 1e-9, "{loss_w} {expected_w}");
    assert!((seen.farm.units_power.0 - 5_000.0).abs() < 2.0, "{}", seen.farm.units_power);
    let rack_sum: f64 = seen.racks_of(UnitId::from_idx(0)).iter().map(|r| r.truth.current.0).sum();
    assert!((rack_sum - seen.units[0].dc.current.0).abs() < 1e-6);
}

#[test]
fn a_farm_setpoint_is_met_at_the_poi_and_a_unit_written_to_leaves_the_plant() {
    let spec = small(4, 2, 16);
    let mut engine = engine(&spec, 1);
    set_farm(&mut engine, 24_000.0);
    for _ in 0..100 {
        engine.step();
    }
    let seen = see(&mut engine);
    assert!((seen.farm.active_power.0 - 24_000.0).abs() < 30.0, "{}", seen.farm.active_power);
    set_unit(&mut engine, 2, 0.0);
    for _ in 0..100 {
        engine.step();
    }
    let seen = see(&mut engine);
    assert!((seen.units[2].ac.active_power.0).abs() < 1.0);
    assert!((seen.farm.active_power.0 - 24_000.0).abs() < 30.0, "the others fill it up");
    engine.apply(&Command::ReleaseFarm, ControlSource::Rest).unwrap();
    for _ in 0..100 {
        engine.step();
    }
    let seen = see(&mut engine);
    assert!((seen.farm.units_power.0).abs() < 1.0);
    assert_eq!(seen.farm.setpoint, None);
}

#[test]
fn a_refused_command_changes_nothing() {
    let spec = small(1, 1, 16);
    let mut engine = engine(&spec, 1);
    let before = engine.state_hash();
    let unit = UnitId::from_idx(0);
    for power_w in [1e9, f64::NAN, f64::NEG_INFINITY] {
        let change = ControlChange {
            active_w: Some(power_w),
            active_enabled: Some(true),
            ..ControlChange::default()
        };
        let refused = engine.apply(&Command::ControlUnit { unit, change }, ControlSource::Rest);
        assert!(matches!(refused, Err(Rejection::OutOfRange { field: "active_power_w", .. })));
    }
    let nobody = Command::OperateUnit { unit: UnitId::from_idx(7), action: UnitAction::Start };
    assert!(matches!(
        engine.apply(&nobody, ControlSource::Rest),
        Err(Rejection::NoSuchUnit { number: 8, .. })
    ));
    assert_eq!(engine.state_hash(), before);
    assert!(!see(&mut engine).units[0].control.active.enabled);
}

#[test]
fn a_check_says_what_the_command_would_be_told_and_changes_nothing() {
    let spec = small(2, 1, 16);
    let mut engine = engine(&spec, 1);
    let before = engine.state_hash();
    let origin = Origin::local(ControlSource::Rest);
    let operate = |idx: usize, action| Command::OperateUnit { unit: UnitId::from_idx(idx), action };
    let local = operate(1, UnitAction::Local);
    let power = |power_w| Command::ControlUnit {
        unit: UnitId::from_idx(1),
        change: ControlChange::active_power(Watts(power_w)),
    };
    let commands = [
        power(1.0),
        power(1e9),
        operate(0, UnitAction::EndMaintenance),
        operate(0, UnitAction::BlackStart),
        Command::Batch(vec![power(1.0), operate(0, UnitAction::ReleaseEmergencyStop)]),
    ];
    for is_local in [false, true] {
        for command in &commands {
            let checked = engine.check(command, &origin);
            assert_eq!(checked.is_ok(), !is_local && *command == commands[0], "{command:?}");
            if checked.is_err() {
                assert_eq!(engine.apply_from(command, &origin, 0), checked, "{command:?}");
            }
        }
        if !is_local {
            assert_eq!(engine.check(&local, &origin), Ok(()));
            assert_eq!(engine.state_hash(), before);
            engine.apply(&local, ControlSource::Local).unwrap();
        }
    }
    // The refused ones that were really asked, and the switch; no check.
    assert_eq!(see(&mut engine).audit.after(0).count(), 4 + 1 + 5);
}

#[test]
fn a_batch_that_starts_two_islands_is_refused() {
    let spec = small(2, 1, 16);
    let mut engine = engine(&spec, 1);
    let start =
        |idx| Command::OperateUnit { unit: UnitId::from_idx(idx), action: UnitAction::BlackStart };
    for idx in 0..2 {
        let unit = UnitId::from_idx(idx);
        let functions = Some(FunctionSet::default().with(FunctionName::GridForming));
        let change = ControlChange { functions, ..ControlChange::default() };
        engine.apply(&Command::ControlUnit { unit, change }, ControlSource::Rest).unwrap();
        let stop = Command::OperateUnit { unit, action: UnitAction::Stop };
        engine.apply(&stop, ControlSource::Rest).unwrap();
    }
    let outage = Disturbance { kind: DisturbanceKind::Outage, duration_s: f64::INFINITY };
    engine.apply(&Command::Disturb(outage), ControlSource::Rest).unwrap();
    (0..600).for_each(|_| engine.step());
    let both = Command::Batch(vec![start(0), start(1)]);
    let refused = engine.apply(&both, ControlSource::Rest).unwrap_err().to_string();
    assert!(refused.contains("only one unit"), "{refused}");
    engine.apply(&Command::Batch(vec![start(0)]), ControlSource::Rest).unwrap();
}

#[test]
fn a_batch_is_applied_whole_or_not_at_all() {
    let spec = small(2, 1, 16);
    let mut engine = engine(&spec, 1);
    let set = |idx: usize, power_w: f64| {
        let change = ControlChange::active_power(Watts(power_w));
        Command::ControlUnit { unit: UnitId::from_idx(idx), change }
    };
    let stop = Command::OperateUnit { unit: UnitId::from_idx(0), action: UnitAction::Stop };
    let bad = Command::Batch(vec![set(0, 1_000.0), stop.clone(), set(1, 1e9)]);
    let before = engine.state_hash();
    assert!(engine.apply(&bad, ControlSource::Modbus).is_err());
    assert_eq!(engine.state_hash(), before);
    let good = Command::Batch(vec![set(0, 1_000.0), stop, set(1, 2_000.0)]);
    engine.apply(&good, ControlSource::Modbus).unwrap();
    engine.step();
    let states = |seen: &Snapshot| (seen.units[0].state, seen.units[1].state);
    assert_eq!(states(&see(&mut engine)), (UnitState::Stopping, UnitState::Running));
    (0..2).for_each(|_| engine.step());
    let seen = see(&mut engine);
    assert_eq!(states(&seen), (UnitState::Off, UnitState::Running));
    assert!((seen.units[1].setpoint.0 - 2_000.0).abs() < 1e-9);
}

#[test]
fn stop_opens_the_contactors_and_start_brings_the_unit_back() {
    let spec = small(1, 2, 16);
    let mut engine = engine(&spec, 1);
    set_unit(&mut engine, 0, 8_000.0);
    let unit = UnitId::from_idx(0);
    let operate = |engine: &mut Engine, action| {
        engine.apply(&Command::OperateUnit { unit, action }, ControlSource::Rest).unwrap();
        for _ in 0..150 {
            engine.step();
        }
        see(engine)
    };
    let off = operate(&mut engine, UnitAction::Stop);
    assert_eq!(off.units[0].state, UnitState::Off);
    assert_eq!(off.units[0].racks_connected, 0);
    assert!(off.units[0].ac.active_power.0.abs() < 1e-9 && off.racks[0].current.0.abs() < 1e-9);
    let standby = operate(&mut engine, UnitAction::Start);
    assert!((standby.units[0].ac.active_power.0 - 8_000.0).abs() < 5.0, "the setpoint is kept");
    let standby = operate(&mut engine, UnitAction::EnterStandby);
    assert_eq!(standby.units[0].racks_connected, 2);
    assert!(standby.units[0].ac.active_power.0.abs() < 1e-9);
}

#[test]
fn a_unit_whose_state_goes_bad_is_quarantined_while_the_farm_goes_on() {
    let spec = small(3, 1, 16);
    let mut engine = engine(&spec, 1);
    set_farm(&mut engine, 6_000.0);
    for _ in 0..50 {
        engine.step();
    }
    engine.units[1].spoil();
    for _ in 0..50 {
        engine.step();
    }
    let seen = see(&mut engine);
    assert_eq!(seen.units[1].state, UnitState::Fault);
    assert!(seen.units[1].alarms.has(bess_core::alarm::AlarmCode::Quarantined));
    assert!(seen.units[1].coolant_temperature.is_finite());
    assert!((seen.farm.active_power.0 - 6_000.0).abs() < 20.0, "{}", seen.farm.active_power);
    assert!(seen.farm.soc.is_finite());
    let start = Command::OperateUnit { unit: UnitId::from_idx(1), action: UnitAction::Start };
    assert!(engine.apply(&start, ControlSource::Rest).is_err());
}

#[test]
fn an_empty_battery_stops_discharging_and_a_full_one_stops_charging() {
    let spec = small(1, 1, 16);
    for (power_w, soc_end) in [(8_000.0, 0.0), (-8_000.0, 1.0)] {
        let mut engine = engine(&spec, 1);
        set_unit(&mut engine, 0, power_w);
        for _ in 0..60_000 {
            engine.step();
        }
        let seen = see(&mut engine);
        let unit = &seen.units[0];
        assert!((unit.truth.soc - soc_end).abs() < 0.08, "{:?} {:?}", seen.racks[0], unit);
        assert!(unit.truth.soc > -0.01 && unit.truth.soc < 1.01);
        assert!(
            unit.truth.extremes.voltage_max.0 < 3.66 && unit.truth.extremes.voltage_min.0 > 2.4
        );
        let available = if power_w > 0.0 {
            unit.available_discharge_power
        } else {
            unit.available_charge_power
        };
        assert!(available.0 < 800.0, "{available}");
        assert!(unit.ac.active_power.abs().0 < 900.0);
    }
}

#[test]
fn a_snapshot_in_the_hands_of_a_reader_never_changes() {
    let spec = small(1, 1, 16);
    let mut engine = engine(&spec, 1);
    let held = see(&mut engine);
    let (tick, publication) = (held.tick, held.publication);
    for _ in 0..20 {
        engine.step();
        let _ = see(&mut engine);
    }
    assert_eq!((held.tick, held.publication), (tick, publication));
}

#[test]
fn the_frequency_record_is_what_the_farm_measures() {
    let spec = small(1, 1, 4);
    let series = Series::new(&[(0.0, 50.0), (1.0, 49.9), (2.0, 50.1)], false).unwrap();
    let inputs = Inputs { frequency: Some(Arc::new(series)), ..Inputs::default() };
    let mut engine = Engine::new(spec, inputs, EngineOptions::default());
    for _ in 0..15 {
        engine.step();
    }
    assert!((see(&mut engine).farm.frequency.0 - 49.9).abs() < 1e-12);
}

#[test]
fn an_empty_battery_is_not_drained_by_its_own_converter() {
    let mut spec = (*small(1, 1, 16)).clone();
    spec.initial.soc = 0.02;
    let mut engine = engine(&Arc::new(spec), 1);
    set_unit(&mut engine, 0, 8_000.0);
    for _ in 0..72_000 {
        engine.step();
    }
    let settled = see(&mut engine).units[0];
    for _ in 0..360_000 {
        engine.step();
    }
    let later = see(&mut engine).units[0];
    assert!(
        (later.truth.soc - settled.truth.soc).abs() < 1e-3,
        "{} {}",
        settled.truth.soc,
        later.truth.soc
    );
    assert!(later.truth.extremes.voltage_min.0 > 2.6, "{}", later.truth.extremes.voltage_min);
    assert!(later.ac.active_power.0 < 0.0 && later.available_discharge_power.0.abs() < 1e-9);
    // It is empty, and says so.
    assert_eq!(later.alarms.worst(), Some(bess_core::alarm::AlarmLevel::Warning));
}

#[test]
fn no_rack_carries_more_than_its_limit_when_racks_differ() {
    let mut spec = (*small(1, 12, 16)).clone();
    let mut design = (*spec.units[0].design).clone();
    design.spread.resistance_sigma = 0.03;
    design.rack_wiring = bess_core::units::Ohms(1e-4);
    spec.units[0].design = Arc::new(design);
    let mut engine = engine(&Arc::new(spec), 1);
    let rated_w = engine.spec().rated_power().0;
    for power_w in [rated_w, -rated_w] {
        set_unit(&mut engine, 0, power_w);
        for _ in 0..3_000 {
            let allowed: Vec<_> = unit_zero(&engine).1;
            engine.step();
            for (rack, allowed) in unit_zero(&engine).1.iter().zip(allowed) {
                assert!(rack.current.0 <= allowed.discharge_current_max.0 * 1.001);
                assert!(-rack.current.0 <= allowed.charge_current_max.0 * 1.001);
            }
        }
    }
}

#[test]
fn a_setpoint_is_split_by_what_each_unit_may_give_in_that_direction() {
    let mut engine = engine(&small(2, 2, 16), 1);
    let change = ControlChange {
        discharge_limit_enabled: Some(true),
        discharge_limit_pct: Some(10.0),
        ..ControlChange::default()
    };
    let cap = Command::ControlUnit { unit: UnitId::from_idx(0), change };
    engine.apply(&cap, ControlSource::Rest).unwrap();
    let mut powers_at = |power_w: f64| {
        set_farm(&mut engine, power_w);
        for _ in 0..100 {
            engine.step();
        }
        let seen = see(&mut engine);
        let units: Vec<f64> = seen.units.iter().map(|u| u.ac.active_power.0).collect();
        (seen.farm.active_power.0, units)
    };
    let (farm_w, units) = powers_at(-16_000.0);
    assert!((farm_w + 16_000.0).abs() < 40.0 && (units[0] - units[1]).abs() < 100.0, "{units:?}");
    let (farm_w, units) = powers_at(16_000.0);
    assert!((farm_w - 16_000.0).abs() < 40.0, "{farm_w} {units:?}");
    assert!(units[0] <= 1_600.0 + 1.0, "the cap holds: {units:?}");
}

#[test]
fn a_unit_that_starts_again_does_not_go_back_to_an_old_setpoint_of_the_plant() {
    let mut engine = engine(&small(2, 2, 16), 1);
    let unit = UnitId::from_idx(0);
    let operate = |engine: &mut Engine, action| {
        engine.apply(&Command::OperateUnit { unit, action }, ControlSource::Rest).unwrap();
    };
    set_farm(&mut engine, 20_000.0);
    (0..50).for_each(|_| engine.step());
    operate(&mut engine, UnitAction::Stop);
    set_farm(&mut engine, -2_000.0);
    (0..50).for_each(|_| engine.step());
    assert_eq!(unit_zero(&engine).0.state, UnitState::Off);
    operate(&mut engine, UnitAction::Start);
    for _ in 0..150 {
        engine.step();
        assert!(unit_zero(&engine).0.ac.active_power.0 < 1.0);
    }
    assert!((see(&mut engine).farm.active_power.0 + 2_000.0).abs() < 30.0);
}

#[test]
fn the_meter_at_the_poi_integrates_its_power() {
    let mut engine = engine(&small(2, 1, 16), 1);
    let (mut out_j, mut in_j) = (0.0, 0.0);
    for (power_w, ticks) in [(6_000.0, 300), (-4_000.0, 500), (0.0, 200)] {
        set_farm(&mut engine, power_w);
        for _ in 0..ticks {
            engine.step();
            let power_w = engine.farm().active_power.0;
            out_j += power_w.max(0.0) * TICK_S;
            in_j += (-power_w).max(0.0) * TICK_S;
        }
    }
    let totals = see(&mut engine).farm.totals;
    assert!((totals.discharged.0 - out_j).abs() < 1e-6 * out_j);
    assert!((totals.charged.0 - in_j).abs() < 1e-6 * in_j);
    let unit_side = see(&mut engine).units.iter().fold(0.0, |sum, unit| {
        sum + unit.totals.discharged.0 - unit.totals.charged.0 - unit.totals.auxiliary.0
    });
    let loss_j = totals.transformer.0;
    assert!(loss_j >= 0.001 * engine.spec().transformer.unwrap().rated.0 * 1_000.0 * TICK_S);
    assert!((out_j - in_j - (unit_side - loss_j)).abs() < 1e-6 * (out_j + in_j));
}

#[test]
fn charge_out_and_in_again_counts_as_cycles_by_the_capacity() {
    let mut engine = engine(&small(1, 1, 16), 1);
    let design = Arc::clone(&engine.spec().units[0].design);
    let mut moved_c = 0.0;
    for power_w in [6_000.0, -6_000.0] {
        set_unit(&mut engine, 0, power_w);
        for _ in 0..600 {
            engine.step();
            moved_c += unit_zero(&engine).0.dc.current.0.abs() * TICK_S;
        }
    }
    let cycles = unit_zero(&engine).0.equivalent_full_cycles;
    let expected = moved_c / (2.0 * design.nominal_charge_c());
    assert!(expected > 0.005 && (cycles / expected - 1.0).abs() < 1e-9, "{cycles} {expected}");
}

#[test]
fn a_ramp_that_a_client_set_is_kept() {
    let mut engine = engine(&small(1, 1, 16), 1);
    let rated_w = engine.spec().rated_power().0;
    let change =
        ControlChange { ramp_pct_per_s: Some(5.0), ..ControlChange::active_power(Watts(rated_w)) };
    let command = Command::ControlUnit { unit: UnitId::from_idx(0), change };
    engine.apply(&command, ControlSource::Modbus).unwrap();
    let mut last_w = 0.0;
    for _ in 0..100 {
        engine.step();
        let power_w = unit_zero(&engine).0.ac.active_power.0;
        assert!(power_w - last_w <= 0.05 * rated_w * TICK_S + 1e-6);
        last_w = power_w;
    }
    assert!(last_w > 0.45 * rated_w && last_w <= 0.5 * rated_w, "{last_w}");
}

#[test]
fn a_quarantined_unit_shows_no_cells_and_still_shows_what_is_written_to_it() {
    let mut engine = engine(&small(2, 1, 16), 1);
    engine.units[1].spoil();
    (0..20).for_each(|_| engine.step());
    let unit = UnitId::from_idx(1);
    assert!(matches!(engine.check_cells(unit), Err(Rejection::WrongState { .. })));
    assert!(engine.snapshot(ClockView::default(), 0, &[unit]).cells.is_empty());
    set_unit(&mut engine, 1, 777.0);
    engine.step();
    assert!((see(&mut engine).units[1].control.active.absolute - 777.0).abs() < 1e-9);
}

#[test]
fn a_farm_setpoint_counts_behind_the_transformer() {
    let mut with = (*small(2, 2, 16)).clone();
    // As lossy as can be told from the error of following.
    let transformer = with.transformer.as_mut().unwrap();
    (transformer.no_load_loss, transformer.load_loss) = (0.02, 0.05);
    let mut without = with.clone();
    without.transformer = None;
    for (spec, least_loss_w) in [(with, 1_000.0), (without, 0.0)] {
        let mut engine = engine(&Arc::new(spec), 1);
        for power_w in [20_000.0, -20_000.0, 0.0] {
            set_farm(&mut engine, power_w);
            for _ in 0..100 {
                engine.step();
            }
            let farm = engine.farm();
            assert!((farm.active_power.0 - power_w).abs() < 30.0, "{power_w}: {farm:?}");
            assert!(farm.transformer_loss.0 >= 0.7 * least_loss_w);
            let net_w = farm.units_power.0 - farm.auxiliary_power.0;
            assert!((net_w - farm.transformer_loss.0 - farm.active_power.0).abs() < 1e-6);
        }
    }
}

#[test]
fn what_is_available_at_the_poi_is_what_the_poi_then_shows() {
    let mut spec = (*small(2, 2, 16)).clone();
    let transformer = spec.transformer.as_mut().unwrap();
    (transformer.no_load_loss, transformer.load_loss) = (0.02, 0.05);
    for sign in [1.0, -1.0] {
        let mut engine = engine(&Arc::new(spec.clone()), 1);
        let offered = engine.farm();
        for idx in 0..2 {
            set_unit(&mut engine, idx, sign * spec.units[idx].design.pcs.rated_power.0);
        }
        for _ in 0..100 {
            engine.step();
        }
        let most_w = if sign > 0.0 {
            offered.available_discharge_power.0
        } else {
            -offered.available_charge_power.0
        };
        let shown_w = engine.farm().active_power.0;
        assert!((shown_w - most_w).abs() < 0.005 * most_w.abs(), "{shown_w} {most_w}");
    }
}

#[test]
fn a_day_of_the_farm_file_runs_by_the_simulated_clock_and_a_record_wins() {
    let day = "[farm.ambient]\nkind = \"daily\"\nmean_degc = 18\nswing_k = 6\nwarmest_hour = 15\n\
               solar_peak_w_per_m2 = 800\n";
    let farm = spec(|text| {
        let line = text.lines().find(|line| line.starts_with("ambient_degc")).unwrap().to_owned();
        text.replace(&line, "").replace("[farm.initial]", &format!("{day}[farm.initial]"))
    });
    let noon = SimTime { unix_ns: 12 * 3_600 * 1_000_000_000 };
    let options = EngineOptions { start: noon, workers: 1 };
    let mut engine = Engine::new(Arc::clone(&farm), Inputs::default(), options);
    engine.step();
    let around = engine.surroundings(engine.tick());
    assert!((around.solar_w_per_m2 - 800.0).abs() < 1e-3);
    assert!((engine.farm().ambient.0 - (18.0 + 6.0 * 0.5f64.sqrt())).abs() < 1e-3);
    let record = Some(Arc::new(Series::new(&[(0.0, -7.0)], false).unwrap()));
    let inputs = Inputs { ambient: record, ..Inputs::default() };
    let mut engine = Engine::new(farm, inputs, options);
    assert!((engine.farm().ambient.0 + 7.0).abs() < 1e-12);
    let around = engine.surroundings(engine.tick());
    assert!((around.solar_w_per_m2 - 800.0).abs() < 1e-9, "the sun stays the farm file's");
}

#[test]
fn a_converter_gives_no_power_outside_of_its_dc_window_and_says_so() {
    let mut spec = (*small(2, 2, 16)).clone();
    let mut design = (*spec.units[0].design).clone();
    // 16 cells at half charge have about 53 V.
    design.pcs.dc_voltage_min = bess_core::units::Volts(54.0);
    spec.units[0].design = Arc::new(design);
    let mut engine = engine(&Arc::new(spec), 1);
    for idx in [0, 1] {
        set_unit(&mut engine, idx, 8_000.0);
    }
    for _ in 0..100 {
        engine.step();
    }
    let code = bess_core::alarm::AlarmCode::DcVoltageOutOfWindow;
    let seen = see(&mut engine);
    assert!(seen.units[0].alarms.has(code) && !seen.units[1].alarms.has(code));
    assert!(seen.units[0].ac.active_power.0.abs() < 1e-9 && seen.units[0].dc.power.0.abs() < 1.0);
    assert!((seen.units[1].ac.active_power.0 - 8_000.0).abs() < 5.0);
    assert_eq!(seen.units[0].state, UnitState::Derated, "it is not latched");
    assert!(seen.units[0].available_discharge_power.0.abs() < 1e-9);
    assert!(seen.units[0].available_charge_power.0.abs() < 1e-9);
    let stop = UnitAction::Stop;
    let unit = UnitId::from_idx(0);
    engine.apply(&Command::OperateUnit { unit, action: stop }, ControlSource::Rest).unwrap();
    (0..3).for_each(|_| engine.step());
    assert_eq!(see(&mut engine).units[0].state, UnitState::Off);
    assert!(!see(&mut engine).units[0].alarms.has(code), "a stopped converter asks for nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What the cells' charge lost is what flowed, and chemistry = electricity + heat.
    #[test]
    fn charge_and_energy_are_conserved(
        steps in proptest::collection::vec((-1.0..1.0f64, 1u32..200), 1..12),
        soc in 0.3..0.7f64,
    ) {
        let base = small(1, 3, 16);
        let mut spec = (*base).clone();
        spec.initial.soc = soc;
        let spec = Arc::new(spec);
        let mut engine = engine(&spec, 1);
        let rated_w = spec.rated_power().0;
        let before = see(&mut engine);
        let (mut charge_c, mut dc_j, mut throughput_j) = (0.0, 0.0, 0.0);
        let mut heat_j_max = 0.0_f64;
        for (fraction, ticks) in steps {
            set_unit(&mut engine, 0, fraction * rated_w);
            for _ in 0..ticks {
                engine.step();
                heat_j_max = heat_j_max.max(engine.units[0].net_cell_loss().0);
                let unit = unit_zero(&engine).0;
                charge_c += unit.dc.current.0 * TICK_S;
                dc_j += unit.dc.power.0 * TICK_S;
                throughput_j += unit.dc.power.0.abs() * TICK_S;
            }
        }
        let after = see(&mut engine);
        let unit = &after.units[0];
        // Charge: the racks' SoC times their capacity.
        let capacity_c = spec.units[0].design.nominal_charge_c() * unit.truth.soh;
        let lost_c = (before.units[0].truth.soc - unit.truth.soc) * capacity_c;
        prop_assert!((lost_c - charge_c).abs() < 2e-7 * capacity_c + 1e-5 * charge_c.abs(), "{lost_c} {charge_c}");
        // Energy at the DC bus: chemistry less heat.
        let chemical_j = unit.chemical_energy_drawn.0;
        let heat_j = engine.units[0].net_cell_loss().0;
        // What is published never falls, and is as much at its highest.
        prop_assert!(unit.totals.cell_loss.0 >= heat_j && heat_j_max == unit.totals.cell_loss.0);
        let residual_j = chemical_j - heat_j - dc_j;
        prop_assert!(residual_j.abs() <= 1e-6 * throughput_j + 1e-3, "{residual_j} of {throughput_j}");
        // And at the AC terminals: less the PCS's losses.
        let ac_j = unit.totals.discharged.0 - unit.totals.charged.0;
        let residual_j = dc_j - unit.totals.pcs_loss.0 - ac_j;
        prop_assert!(residual_j.abs() <= 1e-9 * throughput_j + 1e-3, "{residual_j}");
    }

    /// Whatever is asked, power stays within what the last snapshot offered, and everything finite.
    #[test]
    fn power_never_exceeds_what_was_published(
        setpoints in proptest::collection::vec(-1.0..1.0f64, 1..20),
        soc in 0.0..1.0f64,
    ) {
        let base = small(1, 2, 16);
        let mut spec = (*base).clone();
        spec.initial.soc = soc;
        let mut engine = engine(&Arc::new(spec), 1);
        let rated_w = base.rated_power().0;
        for fraction in setpoints {
            set_unit(&mut engine, 0, fraction * rated_w);
            for _ in 0..30 {
                let offered = unit_zero(&engine).0;
                engine.step();
                let power_w = unit_zero(&engine).0.ac.active_power.0;
                prop_assert!(power_w <= offered.available_discharge_power.0 + 1e-6, "{power_w} {offered:?}");
                prop_assert!(-power_w <= offered.available_charge_power.0 + 1e-6);
                prop_assert!(unit_zero(&engine).0.truth.soc.is_finite());
            }
        }
    }
}
