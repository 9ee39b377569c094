//! A farm in shards: every unit has the bits that it has in the whole farm.

use super::*;
use bess_core::snapshot::CellsView;
use bess_core::spec::PlantChange;

/// A farm of seven small units with defects, functions of units and weather.
fn farm() -> Arc<FarmSpec> {
    let defects = "\n[[defects]]\nkind = \"short\"\nunit = 2\nrack = 1\ncell = 3\nresistance_ohm = 2\nfrom_s = 3.3\n\
                   [[defects]]\nkind = \"sensor\"\nunit = 6\nrack = 2\nquantity = \"current_a\"\nnoise_sd = 0.5\nfrom_s = 20\nuntil_s = 60\n\
                   [[defects]]\nkind = \"pump\"\nunit = 7\nfrom_s = 10";
    let small = small(7, 3, 26);
    let planned = spec(|text| text.replace("count = 10", "count = 7") + defects).defects.clone();
    Arc::new(FarmSpec { ageing_acceleration: 1000.0, defects: planned, ..(*small).clone() })
}

/// A command for the unit with this number in the farm, where `spec` has it.
fn for_unit(spec: &FarmSpec, number: u32, make: impl Fn(UnitId) -> Command) -> Option<Command> {
    spec.unit_by_number(number).map(make)
}

/// What clients and the grid do before `tick`: the same in any split of the farm.
fn happens(engine: &mut Engine, tick: u64) {
    let spec = Arc::clone(engine.spec());
    let power = |number: u32, power_w: f64| {
        for_unit(&spec, number, |unit| Command::ControlUnit {
            unit,
            change: ControlChange::active_power(Watts(power_w)),
        })
    };
    let operate =
        |number, action| for_unit(&spec, number, |unit| Command::OperateUnit { unit, action });
    let on = |number, function| {
        let functions = Some([function].into_iter().collect::<FunctionSet>());
        for_unit(&spec, number, |unit| Command::ControlUnit {
            unit,
            change: ControlChange { functions, ..ControlChange::default() },
        })
    };
    let disturb = |kind, duration_s| Some(Command::Disturb(Disturbance { kind, duration_s }));
    let commands: Vec<Option<Command>> = match tick {
        5 => (1..=7).map(|number| power(number, 2_000.0 * (f64::from(number) - 4.0))).collect(),
        40 => vec![on(3, FunctionName::FrequencyDroop), on(5, FunctionName::VoltVar)],
        100 => vec![disturb(DisturbanceKind::Frequency(49.7), 30.0)],
        200 => vec![operate(6, UnitAction::Stop)],
        // All trip, and enter service again after delays that are drawn.
        500 => vec![disturb(DisturbanceKind::Outage, 12.0)],
        900 => vec![operate(6, UnitAction::Start), power(7, -9_000.0)],
        _ => Vec::new(),
    };
    for command in commands.into_iter().flatten() {
        // A refusal is the same everywhere too, and the bits tell.
        let _ = engine.apply(&command, ControlSource::Rest);
    }
}

/// Every bit of a unit's state, and the views of it, its racks and its cells as exact text.
fn bits_of(engine: &mut Engine) -> Vec<(u32, [u8; 32], String)> {
    let ids: Vec<UnitId> = engine.spec().units.iter().map(|unit| unit.id).collect();
    let seen = engine.snapshot(ClockView::default(), 0, &ids);
    let of = |id: &UnitId| {
        let mut hasher = Sha256::new();
        engine.units[id.idx()].hash_into(&mut |bytes: &[u8]| hasher.update(bytes));
        let unit = &seen.spec.units[id.idx()];
        let cells = seen.cells.iter().find(|cells| cells.unit_idx == id.idx());
        let cells =
            CellsView { unit_idx: 0, ..cells.map_or_else(CellsView::default, |c| (**c).clone()) };
        // The place in the process is the one thing that may differ.
        let alarms = seen.alarms.iter().filter(|alarm| alarm.unit == *id);
        let alarms: Vec<_> = alarms.map(|alarm| (alarm.key, alarm.phase, alarm.cell)).collect();
        let text = format!(
            "{} {:?} {:?} {cells:?} {alarms:?}",
            unit.name,
            seen.units[id.idx()],
            &seen.racks[unit.racks.clone()],
        );
        (id.number(), hasher.finalize().into(), text)
    };
    ids.iter().map(of).collect()
}

#[test]
fn three_shards_give_unit_by_unit_the_same_bits_as_one_process_with_the_whole_farm() {
    let whole = farm();
    let shards = |k: usize| (0..whole.n_shards(k)).map(move |index| (index, k));
    let mut one = engine(&whole, 1);
    // Shards of 3, 3 and 1 unit.
    let shards = shards(3).map(|(index, k)| whole.in_shard(index, k).expect("it is there"));
    let mut shards: Vec<Engine> = shards.map(|spec| engine(&Arc::new(spec), 1)).collect();
    assert_eq!(shards.len(), 3);
    let mut had_trips = false;
    for tick in 0..1_800u64 {
        happens(&mut one, tick);
        one.step();
        for shard in &mut shards {
            happens(shard, tick);
            shard.step();
        }
        if tick % 150 == 0 || tick == 1_799 {
            let in_shards: Vec<_> = shards.iter_mut().flat_map(bits_of).collect();
            let in_one = bits_of(&mut one);
            for (shard, whole) in in_shards.iter().zip(&in_one) {
                assert_eq!(shard.2, whole.2, "unit {} at tick {tick}", whole.0);
            }
            assert_eq!(in_shards, in_one, "at tick {tick}");
        }
        had_trips |= one.farm().trips > 0;
    }
    assert!(had_trips, "the outage is to make chance matter");
}

#[test]
fn events_and_the_audit_of_a_shard_name_units_as_the_whole_farm_does() {
    let mut shard = engine(&Arc::new(farm().in_shard(1, 3).expect("it is there")), 1);
    for tick in 0..620 {
        happens(&mut shard, tick);
        shard.step();
    }
    let seen = see(&mut shard);
    let units = |ids: &mut dyn Iterator<Item = UnitId>| {
        let mut numbers: Vec<u32> = ids.map(UnitId::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    assert_eq!(units(&mut seen.events.after(0).filter_map(|(_, event)| event.unit)), [4, 5, 6]);
    assert_eq!(units(&mut seen.audit.after(0).filter_map(|(_, record)| record.unit)), [4, 5, 6]);
    let nobody = Command::OperateUnit { unit: UnitId::of_shard(3, 3), action: UnitAction::Stop };
    let told = shard.apply(&nobody, ControlSource::Rest).expect_err("it is elsewhere");
    assert_eq!(told.to_string(), "this shard has units 4 to 6, not 7");
    let functions = Some([FunctionName::PeakShaving].into_iter().collect::<FunctionSet>());
    let change = ControlChange { functions, ..ControlChange::default() };
    let shave = Command::ControlUnit { unit: seen.spec.units[0].id, change };
    let told = shard.apply(&shave, ControlSource::Rest).expect_err("others are behind the meter");
    assert!(told.to_string().contains("the farm's POI"), "{told}");
}

/// The shards of `farm` with at most `k` units.
fn cut(farm: &Arc<FarmSpec>, k: usize) -> Vec<Engine> {
    let shards = (0..farm.n_shards(k)).map(|index| farm.in_shard(index, k).expect("it is there"));
    shards.map(|spec| engine(&Arc::new(spec), 1)).collect()
}

/// What the parts become in shards of at most `k` units.
fn regroup(farm: &Arc<FarmSpec>, k: usize, parts: &[Engine]) -> Vec<Engine> {
    let mut shards = cut(farm, k);
    for shard in &mut shards {
        shard.regroup(parts).expect("the parts are a farm");
    }
    shards
}

#[test]
fn a_farm_that_is_cut_anew_goes_on_unit_by_unit_to_the_bit() {
    let whole = farm();
    let (mut one, mut shards) = (cut(&whole, 7), cut(&whole, 3));
    let step = |engines: &mut [Engine], tick: u64| {
        for engine in engines {
            happens(engine, tick);
            engine.step();
        }
    };
    for tick in 0..1_200 {
        step(&mut one, tick);
        step(&mut shards, tick);
        // From 3 shards to 4, to one, and to 3 again, in the middle of what happens.
        let k = match tick {
            210 => 2,
            540 => 7,
            910 => 3,
            _ => continue,
        };
        shards = regroup(&whole, k, &shards);
        let bits =
            |engines: &mut [Engine]| engines.iter_mut().flat_map(bits_of).collect::<Vec<_>>();
        assert_eq!(bits(&mut shards), bits(&mut one), "at tick {tick}");
    }
    let bits = |engines: &mut [Engine]| engines.iter_mut().flat_map(bits_of).collect::<Vec<_>>();
    assert_eq!(bits(&mut shards), bits(&mut one));
    let defects = |engines: &[Engine]| {
        let all = engines.iter().flat_map(|engine| engine.counter.defects());
        let mut all: Vec<_> =
            all.map(|(unit, defect)| (unit.number(), format!("{defect:?}"))).collect();
        all.sort();
        all
    };
    assert_eq!(defects(&shards), defects(&one));
}

#[test]
fn what_is_the_farms_is_cut_anew_and_nothing_of_it_is_lost() {
    let whole = farm();
    let mut parts = cut(&whole, 3);
    for part in &mut parts {
        let share = part.spec.shard.as_ref().expect("a shard").share;
        let setpoint = Command::SetFarmPower { active: Watts(21_000.0 * share), reactive: None };
        part.apply(&setpoint, ControlSource::Rest).expect("the plant takes it");
        part.run(200, &mut |_, _| {});
    }
    let energy = |parts: &[Engine]| parts.iter().map(|part| part.poi.discharged.0).sum::<f64>();
    let setpoint = |parts: &[Engine]| {
        parts.iter().map(|part| part.plant.active.expect("one is in force").0).sum::<f64>()
    };
    for k in [2, 4, 7] {
        let shards = regroup(&whole, k, &parts);
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs();
        assert!(near(energy(&shards), energy(&parts)) && energy(&parts) > 0.0);
        assert!(near(setpoint(&shards), setpoint(&parts)));
        // Numbers of events go on, so that nobody who follows them takes a new one for an old one.
        let last = parts.iter().map(|part| part.events.total()).max();
        assert_eq!(shards.iter().map(|part| part.events.total()).max(), last);
    }
}

#[test]
fn parts_that_are_no_farm_are_refused() {
    let whole = farm();
    let mut parts = cut(&whole, 3);
    let mut new = cut(&whole, 7).remove(0);
    assert_eq!(new.regroup(&parts[..2]), Err(NotRegrouped::Missing { number: 7 }));
    parts[1].run(APART_MAX_TICKS + 1, &mut |_, _| {});
    let apart = NotRegrouped::Apart { first: 0, last: APART_MAX_TICKS + 1 };
    assert_eq!(new.regroup(&parts), Err(apart));
    let mut parts = cut(&whole, 3);
    let change = PlantChange { soc_min: Some(0.2), ..PlantChange::default() };
    parts[2]
        .apply(&Command::ConfigurePlant(Box::new(change)), ControlSource::Rest)
        .expect("it is allowed");
    assert_eq!(new.regroup(&parts), Err(NotRegrouped::Differs { field: "soc_min" }));
}
