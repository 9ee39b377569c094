//! A farm that goes on from its state as it was written down is the farm that goes on.

use super::{FARM, any_command, see, unit_ids};
use bess_core::command::{Command, ControlSource};
use bess_core::config::parse_farm;
use bess_core::control::{CurveFunction, FunctionsChange};
use bess_core::defect::{CellDefect, Defect, Distortion, Reading};
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::id::UnitId;
use bess_core::link::{LinkCondition, LinkEffect, LinkScope};
use bess_core::snapshot::Snapshot;
use bess_core::spec::{
    Disturbance, DisturbanceKind, Hold, PlantChange, PoiMeter, TransformerLimit,
};
use bess_core::time::Tick;
use bess_core::units::{Celsius, Watts};
use bess_simulation::{Engine, EngineOptions, Inputs, Section, State};
use proptest::prelude::*;
use std::sync::Arc;

/// Farms that differ in what they are made of: where a BMS has errors, cells age, tables vary with
/// temperature and current, the grid has inertia, an island may form.
fn farms() -> impl Strategy<Value = String> {
    let island = "
[[farm.grid.island_loads]]
name = \"town\"
active_kw = 3
";
    let inertia = "
[farm.grid]
kind = \"inertia\"

[farm.grid.inertia]
rated_mva = 1
inertia_s = 2
";
    let real = FARM.replace("[units.bms]\nideal = true\n", "");
    let aged = real.replace(
        "nominal_frequency_hz = 50",
        "nominal_frequency_hz = 50\nageing_acceleration = 50000",
    );
    proptest::sample::select(vec![
        FARM.to_owned(),
        real.clone(),
        aged.replace("[[units]]", &format!("{inertia}\n[[units]]")),
        real.replace("lfp-314", "nmc-94"),
        aged.replace("lfp-314", "lfp-280").replace("[[units]]", &format!("{island}\n[[units]]")),
    ])
}

fn engine(farm: &str, workers: usize) -> Engine {
    let spec = parse_farm("farm.toml", farm, &|_| Err("no files here".to_owned()));
    let spec = Arc::new(spec.unwrap_or_else(|problems| panic!("{problems}")));
    Engine::new(spec, Inputs::default(), EngineOptions { workers, ..EngineOptions::default() })
}

/// What leaves the deepest traces.
fn deep_command() -> impl Strategy<Value = Command> {
    let cell = |defect| Defect::Cell { rack_idx: 1, cell_idx: 5, defect };
    let defects = vec![
        cell(CellDefect::Short(0.05)),
        cell(CellDefect::Heater(3000.0)),
        cell(CellDefect::Ignite(true)),
        cell(CellDefect::Leak(1.0)),
        Defect::RackSoc { rack_idx: 0, soc: Some(0.55) },
        Defect::SocJump { by: 0.1 },
        Defect::Gas { litres_per_s: 1.0 },
        Defect::CoolantLeak(0.7),
        Defect::BmsFrozen(true),
        Defect::Fuse { rack_idx: 0, blown: true },
        Defect::SensorsSwapped { quantity: Reading::Current, rack_a: 0, rack_b: 1, swapped: true },
        Defect::Sensor {
            quantity: Reading::ActivePower,
            rack_idx: None,
            distortion: Distortion { gain: 1.1, noise_sd: 50.0, ..Distortion::NONE },
        },
        Defect::DroopOverride(Some(0.02)),
        Defect::NoLatch(true),
    ];
    let defect = (unit_ids(), proptest::sample::select(defects))
        .prop_map(|(unit, defect)| Command::SetDefect { unit, defect });
    let curve = CurveFunction { points: vec![(0.9, 0.5), (1.1, -0.5)], response_s: 2.0 };
    let change = FunctionsChange { volt_var: Some(curve), ..FunctionsChange::default() };
    let configure = unit_ids()
        .prop_map(move |unit| Command::ConfigureUnit { unit, change: Box::new(change.clone()) });
    let others = proptest::sample::select(vec![
        Command::ConfigurePlant(Box::new(PlantChange {
            ramp_per_s: Some(0.05),
            soc_min: Some(0.2),
            ..PlantChange::default()
        })),
        Command::SetGrid { frequency_hz: Some(Hold::At(49.7)), voltage_pu: None },
        Command::SetGrid { frequency_hz: None, voltage_pu: Some(Hold::At(0.95)) },
        Command::EndDisturbances { kind: None },
        Command::Disturb(Disturbance { kind: DisturbanceKind::Outage, duration_s: 100.0 }),
        Command::Disturb(Disturbance {
            kind: DisturbanceKind::PhaseJump(40.0),
            duration_s: f64::INFINITY,
        }),
        Command::SetAmbient(Some(Celsius(41.0))),
        Command::PoiMeter(PoiMeter { gain: 1.2, offset_w: 100.0, is_frozen: false }),
        Command::PoiMeter(PoiMeter { is_frozen: true, ..PoiMeter::default() }),
        Command::PoiBreaker { open: true },
        Command::TransformerLimit(Some(TransformerLimit { overload_pu: 0.3, delay_s: 2.0 })),
        Command::SetFarmPower { active: Watts(9_000.0), reactive: None },
        Command::PickUpLoad { load_idx: 0, fed: true },
        Command::NoteFault { unit: None, kind: "device.pcs.trip", on: true },
        Command::SetLink(Box::new(LinkCondition {
            name: "late".to_owned(),
            effect: LinkEffect::Drop,
            scope: LinkScope::default(),
            probability: 0.5,
            seed: 7,
            until: Some(Tick(900)),
        })),
        Command::ForcePoint(Box::new(ForcedPoint {
            unit: Some(UnitId::from_idx(0)),
            point: "compact/soc".to_owned(),
            value: ForcedValue::Number(0.25),
        })),
    ]);
    prop_oneof![3 => defect, 1 => configure, 3 => others]
}

fn commands() -> impl Strategy<Value = Vec<(Command, u8)>> {
    let any = prop_oneof![2 => any_command().boxed(), 1 => deep_command().boxed()];
    proptest::collection::vec((any, 1..40u8), 1..25)
}

fn play(engine: &mut Engine, commands: &[(Command, u8)]) {
    for (command, ticks) in commands {
        let _ = engine.apply(command, ControlSource::Rest);
        engine.look();
        let _ = see(engine);
        engine.run(u64::from(*ticks) * 3, &mut |_, _| {});
    }
}

/// All that a snapshot shows, to the bit: numbers by their text are exact. What is counted since the process
/// began is not the farm's.
fn shown(snapshot: &Snapshot) -> Vec<String> {
    let Snapshot { tick, publication, time, farm, units, racks, cells, alarms, .. } = snapshot;
    let Snapshot { functions, plant, events, audit, link, forced, counts, .. } = snapshot;
    let mut shown = vec![
        format!("{tick} {publication} {time:?}"),
        format!("{farm:?}"),
        format!("{:?}", counts.faults_active),
        format!("{functions:?} {plant:?}"),
        format!("{link:?} {forced:?}"),
    ];
    shown.extend(units.iter().map(|unit| format!("{unit:?}")));
    shown.extend(racks.iter().map(|rack| format!("{rack:?}")));
    shown.extend(cells.iter().map(|cells| format!("{cells:?}")));
    shown.extend(alarms.iter().map(|alarm| format!("{alarm:?}")));
    shown.extend(events.after(0).map(|event| format!("{event:?}")));
    shown.extend(audit.after(0).map(|record| format!("{record:?}")));
    shown
}

fn look_at_all(engine: &mut Engine) -> (Vec<String>, [u8; 32]) {
    let units = [0, 1].map(UnitId::from_idx);
    let snapshot = engine.snapshot(Default::default(), 0, &units);
    (shown(&snapshot), engine.state_hash())
}

fn written(engine: &Engine) -> State {
    let mut state = State::default();
    engine.save(&mut state);
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_farm_that_goes_on_from_its_checkpoint_goes_on_to_the_bit(
        farm in farms(),
        before in commands(),
        after in commands(),
        workers in 1..3usize,
    ) {
        let mut first = engine(&farm, 1);
        play(&mut first, &before);
        let state = written(&first);
        let mut second = engine(&farm, workers);
        second.load(&state.sections).unwrap();
        // What was read is what was written.
        prop_assert_eq!(&written(&second).sections, &state.sections);
        let (seen, hash) = look_at_all(&mut first);
        let (again, same_hash) = look_at_all(&mut second);
        prop_assert_eq!(again, seen);
        prop_assert_eq!(same_hash, hash);
        for (command, ticks) in &after {
            let result = first.apply(command, ControlSource::Modbus);
            prop_assert_eq!(second.apply(command, ControlSource::Modbus), result);
            for _ in 0..*ticks {
                first.step();
                second.step();
            }
            let (seen, hash) = look_at_all(&mut first);
            let (again, same_hash) = look_at_all(&mut second);
            prop_assert_eq!(again, seen);
            prop_assert_eq!(same_hash, hash);
        }
        prop_assert_eq!(&written(&second).sections, &written(&first).sections);
    }
}

#[test]
fn counters_of_the_process_begin_at_nothing_and_totals_of_the_farm_go_on() {
    let mut first = engine(FARM, 1);
    let power = Command::SetFarmPower { active: Watts(8_000.0), reactive: None };
    let start = |unit| Command::OperateUnit {
        unit: UnitId::from_idx(unit),
        action: bess_core::command::UnitAction::Start,
    };
    play(&mut first, &[(start(0), 40), (start(1), 40), (power, 200)]);
    let seen = see(&mut first);
    let mut second = engine(FARM, 1);
    second.load(&written(&first).sections).unwrap();
    let again = see(&mut second);
    assert!(seen.farm.totals.discharged.0 > 0.0);
    assert_eq!(again.farm.totals, seen.farm.totals);
    assert_eq!(again.counts.before.totals, seen.farm.totals);
    assert_eq!(again.counts.before.events, seen.events.total());
    assert_eq!(again.counts.before.commands_applied, seen.farm.commands_applied);
    assert_eq!(again.counts.alarms_raised.iter().sum::<u64>(), 0);
}

#[test]
fn a_section_or_a_field_that_nobody_knows_is_passed_over_and_one_that_is_missing_is_told() {
    let mut first = engine(FARM, 1);
    first.run(20, &mut |_, _| {});
    let mut state = written(&first);
    state.sections.push(Section { name: "weather".to_owned(), bytes: b"\xa0".to_vec() });
    engine(FARM, 1).load(&state.sections).unwrap();
    state.sections.retain(|section| section.name != "unit/2");
    let misfit = engine(FARM, 1).load(&state.sections).unwrap_err();
    assert_eq!(misfit.to_string(), "unit/2: it is missing");
}

#[test]
fn a_state_of_a_farm_of_another_shape_is_refused_with_the_place() {
    let state = written(&engine(FARM, 1));
    let more = FARM.replace("cells_in_series = 16", "cells_in_series = 48");
    let misfit = engine(&more, 1).load(&state.sections).unwrap_err();
    assert!(misfit.place.starts_with("unit/1.state.battery.racks.0.cells"), "{misfit}");
    assert!(misfit.reason.contains("the farm file makes"), "{misfit}");
    let three = FARM.replace("racks = 2", "racks = 3");
    let misfit = engine(&three, 1).load(&state.sections).unwrap_err();
    assert!(misfit.to_string().contains("it has 2 of them, and the farm file makes 3"), "{misfit}");
}

#[test]
fn a_farm_that_is_mended_is_free_of_what_testers_left_in_it() {
    let mut farm = engine(FARM, 1);
    let unit = UnitId::from_idx(0);
    let defect = |defect| Command::SetDefect { unit, defect };
    let wrong = [
        defect(Defect::Chiller(true)),
        defect(Defect::PcsDerate(0.5)),
        Command::Disturb(Disturbance { kind: DisturbanceKind::Voltage(0.97), duration_s: 1e6 }),
        Command::SetAmbient(Some(Celsius(41.0))),
        Command::PoiBreaker { open: true },
        Command::ForcePoint(Box::new(ForcedPoint {
            unit: Some(unit),
            point: "compact/soc".to_owned(),
            value: ForcedValue::Number(0.25),
        })),
    ];
    wrong.iter().for_each(|command| farm.apply(command, ControlSource::Scenario).unwrap());
    farm.run(20, &mut |_, _| {});
    assert_eq!(see(&mut farm).counts.faults_active.iter().sum::<u32>(), 4);
    let mut again = engine(FARM, 1);
    again.load(&written(&farm).sections).unwrap();
    assert_eq!(again.mend(), wrong.len());
    again.run(20, &mut |_, _| {});
    let seen = see(&mut again);
    assert_eq!(seen.counts.faults_active.iter().sum::<u32>(), 0);
    assert_ne!(seen.farm.ambient, Celsius(41.0));
    assert_eq!(again.mend(), 0);
}
