//! Laws that a rack must keep: energy, heat, hysteresis, temperature dependence, charge of long runs,
//! leaks, balancing and shorts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod harmed;

use bess_core::chemistry::{Case, Chemistry, HeatForm, Table, built_in, parse_chemistry};
use bess_core::rng::Streams;
use bess_core::spec::SpreadSpec;
use bess_simulation::cell::{CellInput, CellRun};
use bess_simulation::physics::rack::{Harm, Plate, Rack, RackModel, RackStart};
use bess_simulation::physics::real::Real;
use proptest::prelude::*;
use std::sync::Arc;

const SPREAD: SpreadSpec =
    SpreadSpec { capacity_sigma: 0.0, resistance_sigma: 0.1, soc_sigma: 0.0 };
const EQUAL: SpreadSpec = SpreadSpec { resistance_sigma: 0.0, ..SPREAD };
const UNEQUAL: SpreadSpec =
    SpreadSpec { capacity_sigma: 0.01, resistance_sigma: 0.05, soc_sigma: 0.01 };
const MODULE: usize = 12;

fn named(name: &str) -> Chemistry {
    parse_chemistry(name, built_in(name).unwrap()).unwrap_or_else(|e| panic!("{e}"))
}
fn lfp() -> Chemistry {
    named("lfp-314")
}
fn model<R: Real>(chemistry: &Chemistry) -> RackModel<R> {
    RackModel::new(&Arc::new(chemistry.clone()), 0.0, MODULE, 0.1).ageing(0.0)
}
fn rack<R: Real>(
    model: &RackModel<R>,
    n_cells: usize,
    soc: f64,
    degc: f64,
    spread: &SpreadSpec,
) -> Rack<R> {
    let streams = Streams::new(3);
    Rack::new(model, &RackStart { n_cells, soc, temperature_degc: degc, spread, streams, index: 0 })
}
/// An hour at `current_a`: (heat made, heat into the plate, heat held by the cells) in joules, and the
/// spread of the temperatures in K.
fn an_hour(chemistry: &Chemistry, current_a: f64) -> ([f64; 3], f64) {
    let model = model::<f64>(chemistry);
    let mut rack = rack(&model, 24, 0.5, 25.0, &SPREAD);
    let mut plate_j = 0.0;
    for tick in 1..=36_000 {
        rack.step(&model, current_a);
        if tick % 10 == 0 {
            plate_j += rack.refresh(&model, &Plate::at(25.0));
        }
    }
    let capacity_j_per_k = chemistry.thermal.unwrap().heat_capacity_j_per_k;
    let temperatures: Vec<f64> = (0..24).map(|i| rack.cell(&model, i).2).collect();
    let held_j = temperatures.iter().map(|t| (t - 25.0) * capacity_j_per_k).sum();
    let reading = rack.reading();
    let spread_k = reading.temperature_max.value - reading.temperature_min.value;
    ([rack.heat_made_j(), plate_j, held_j], spread_k)
}

/// A minute of `currents_a`, each held for a second: (chemical, electrical, heat, stored) in joules.
fn a_minute<R: Real>(
    model: &RackModel<R>,
    rack: &mut Rack<R>,
    currents_a: &[f64],
) -> ([f64; 4], f64) {
    let (mut chemical_j, mut electrical_j, mut throughput_j) = (0.0, 0.0, 0.0);
    let (heat_j, stored_j) = (rack.heat_made_j(), rack.stored_j());
    for current_a in currents_a {
        for _ in 0..10 {
            rack.step(model, *current_a);
            let reading = rack.reading();
            chemical_j += reading.chemical_w * 0.1;
            electrical_j += reading.voltage_v * current_a * 0.1;
            throughput_j += reading.voltage_v * current_a.abs() * 0.1;
        }
        let _ = rack.refresh(model, &Plate::at(25.0));
    }
    let stored_j = rack.stored_j() - stored_j;
    ([chemical_j, electrical_j, rack.heat_made_j() - heat_j, stored_j], throughput_j)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn over_any_minute_chemical_energy_is_electrical_energy_and_heat_and_what_capacitors_store(
        seconds in proptest::collection::vec(-300.0..300.0f64, 10),
        soc in 0.05..0.95f64,
        supplied in any::<bool>(),
        name in prop_oneof![Just("lfp-280"), Just("lfp-314"), Just("nmc-94")],
    ) {
        // Entropic heat is exchanged with the surroundings beside this balance.
        let mut chemistry = Chemistry { entropic_v_per_k: None, ..named(name) };
        if supplied {
            chemistry.thermal.as_mut().unwrap().rc_heat = HeatForm::Supplied;
        }
        let model = model::<f32>(&chemistry);
        let mut rack = rack(&model, 52, soc, 20.0, &UNEQUAL);
        for minute in 0..3 {
            let currents: Vec<f64> = (0..60).map(|s| seconds[(s / 6 + minute) % 10]).collect();
            let ([chemical, electrical, heat, stored], throughput) =
                a_minute(&model, &mut rack, &currents);
            let gap = chemical - electrical - heat - stored;
            prop_assert!(gap.abs() <= 1e-6 * throughput, "{} of {throughput} J", gap / throughput);
        }
    }

    #[test]
    fn hysteresis_loses_energy_over_every_closed_cycle(
        stops in proptest::collection::vec(0.2..0.8f64, 2..6),
    ) {
        // Nothing but hysteresis: the cell's terminals show it alone.
        let mut chemistry = lfp();
        chemistry.r0.value = chemistry.r0.value.map_values(|_| 1e-12);
        chemistry.rc.clear();
        let model = model::<f64>(&Chemistry { self_discharge: None, ..chemistry });
        let mut rack = rack(&model, 1, stops[0], 25.0, &EQUAL);
        let capacity_c = lfp().capacity.0;
        // Around all stops and back to the first, twice: the second round is a closed cycle.
        let mut round_j = [0.0; 2];
        for out_j in &mut round_j {
            for stop in stops[1..].iter().chain(&stops[..1]) {
                let charge_c = (rack.reading().soc - stop) * capacity_c;
                let ticks = (charge_c.abs() / 100.0).ceil().max(1.0);
                for _ in 0..ticks as usize {
                    let before_v = rack.reading().voltage_v;
                    rack.step(&model, charge_c / ticks / 0.1);
                    *out_j += 0.5 * (before_v + rack.reading().voltage_v) * charge_c / ticks;
                }
            }
        }
        prop_assert!(round_j[1] <= 0.0, "a closed cycle gave {} J", round_j[1]);
    }
}

#[test]
fn hysteresis_heats_in_steady_discharge_and_in_steady_charge() {
    let mut chemistry = Chemistry { entropic_v_per_k: None, ..lfp() };
    let model_with = model::<f64>(&chemistry);
    chemistry.hysteresis = None;
    let model_without = model::<f64>(&chemistry);
    for current_a in [150.0, -150.0] {
        let heat = |model: &RackModel<f64>| {
            let mut rack = rack(model, 1, 0.5, 25.0, &EQUAL);
            // 6 % of SoC settle the hysteresis; the next minute is steady.
            let _ = a_minute(model, &mut rack, &[current_a; 450]);
            a_minute(model, &mut rack, &[current_a; 60]).0[2]
        };
        let hysteresis_w = (heat(&model_with) - heat(&model_without)) / 60.0;
        let expected_w = 150.0 * 0.0187;
        assert!((hysteresis_w / expected_w - 1.0).abs() < 0.15, "{current_a} A: {hysteresis_w} W");
    }
}

#[test]
fn the_heat_that_cells_make_is_in_the_cells_or_went_into_the_plate() {
    let chemistry = Chemistry { entropic_v_per_k: None, ..lfp() };
    for current_a in [157.0, -157.0] {
        let ([made_j, plate_j, held_j], _) = an_hour(&chemistry, current_a);
        assert!(made_j > 24.0 * 3600.0 * 5.0, "ohmic and hysteresis heat of some watts: {made_j}");
        assert!((made_j - plate_j - held_j).abs() < 1e-9 * made_j, "{made_j} {plate_j} {held_j}");
        assert!(plate_j > 0.2 * made_j && held_j > 0.2 * made_j, "{plate_j} {held_j}");
    }
}

#[test]
fn the_entropic_heat_is_temperature_times_coefficient_times_charge() {
    let with = lfp();
    let without = Chemistry { entropic_v_per_k: None, ..lfp() };
    // Between SoC 0.5 and 0.4 the coefficient is positive: discharging takes heat up.
    let hold = |c: &Chemistry| {
        let mut insulated = c.clone();
        let thermal = insulated.thermal.as_mut().unwrap();
        thermal.plate_w_per_k = 0.0;
        thermal.neighbour_w_per_k = 0.0;
        let mut cell = CellRun::new(&insulated, 0.5, 25.0, 1.0);
        for _ in 0..720 {
            let _ = cell.step(CellInput::Current(157.0));
        }
        cell.state(false).temperature_degc
    };
    // Colder cells also make a little more ohmic heat.
    let measured_k = hold(&with) - hold(&without);
    let curve = with.entropic_v_per_k.as_ref().unwrap().curve(25.0, 0.0);
    let coefficient = (curve.integral_to(0.5) - curve.integral_to(0.4)) / 0.1;
    let heat_j = -157.0 * 720.0 * 298.6 * coefficient;
    let expected_k = heat_j / with.thermal.unwrap().heat_capacity_j_per_k;
    assert!((measured_k / expected_k - 1.0).abs() < 0.02, "{measured_k} {expected_k}");
}

#[test]
fn neighbours_even_their_temperatures_out_within_their_module_only() {
    let chemistry = lfp();
    let mut alone = chemistry.clone();
    alone.thermal.as_mut().unwrap().neighbour_w_per_k = 0.0;
    let (coupled_k, alone_k) = (an_hour(&chemistry, 157.0).1, an_hour(&alone, 157.0).1);
    assert!(coupled_k < 0.9 * alone_k, "{coupled_k} {alone_k}");
    let model = model::<f64>(&chemistry);
    let mut heated = rack(&model, 24, 0.5, 25.0, &EQUAL);
    heated.harm(&model, MODULE - 1, Harm::Heater(100.0));
    for _ in 0..600 {
        (0..10).for_each(|_| heated.step(&model, 0.0));
        let _ = heated.refresh(&model, &Plate::at(25.0));
    }
    let degc = |i: usize| heated.cell(&model, i).2;
    assert!(degc(MODULE - 2) > 25.1, "its neighbour warms: {}", degc(MODULE - 2));
    assert!((degc(MODULE) - 25.0).abs() < 0.02, "the next module does not: {}", degc(MODULE));
}

#[test]
fn the_modules_behind_stand_on_warmer_plates() {
    let model = model::<f64>(&lfp());
    let mut rack = rack(&model, 24, 0.5, 25.0, &EQUAL);
    let plate = Plate { rise_k_per_w: 0.02, ..Plate::at(20.0) };
    for _ in 0..36_000 {
        rack.step(&model, 0.0);
        let _ = rack.refresh(&model, &plate);
        if rack.reading().temperature_max.value < 21.0 {
            break;
        }
    }
    assert!(rack.cell(&model, 23).2 > rack.cell(&model, 0).2 + 0.1);
}

#[test]
fn a_case_delays_and_insulates_between_cell_and_surroundings() {
    let mut chemistry = lfp();
    let bare_degc = |c: &Chemistry, seconds: usize| {
        let model = model::<f64>(c);
        let mut rack = rack(&model, 1, 0.5, 45.0, &EQUAL);
        for _ in 0..seconds {
            rack.step(&model, 0.0);
            let _ = rack.refresh(&model, &Plate::at(25.0));
        }
        rack.cell(&model, 0).2
    };
    let without = bare_degc(&chemistry, 36_000);
    chemistry.thermal.as_mut().unwrap().case =
        Some(Case { heat_capacity_j_per_k: 500.0, to_surroundings_w_per_k: 1.8 });
    let with = bare_degc(&chemistry, 36_000);
    // Two equal conductances in a row: half the rate of cooling, so the square root of the excess.
    let (excess, slow) = ((without - 25.0) / 20.0, (with - 25.0) / 20.0);
    assert!((slow / excess.sqrt() - 1.0).abs() < 0.05, "{excess} {slow}");
}

#[test]
fn the_ohmic_drop_follows_arrhenius_and_soc() {
    let chemistry = lfp();
    for (soc, degc) in [(0.5, 0.0), (0.5, 25.0), (0.5, 40.0), (0.05, 25.0), (0.05, 5.0)] {
        let mut cell = CellRun::new(&chemistry, soc, degc, 0.001);
        let before_v = cell.state(false).voltage_v;
        let after_v = cell.step(CellInput::Current(100.0)).voltage_v;
        let measured_ohm = (before_v - after_v) / 100.0;
        let expected_ohm = chemistry.r0.at(soc, degc, 100.0);
        assert!((measured_ohm / expected_ohm - 1.0).abs() < 0.01, "{soc} {degc}: {measured_ohm}");
    }
    let warm = chemistry.r0.at(0.5, 25.0, 0.0);
    assert!(
        chemistry.r0.at(0.5, 10.0, 0.0) > 1.3 * warm,
        "40 to 60 % more at 10 degC, or nearly so"
    );
}

#[test]
fn beyond_full_and_empty_resistances_stay_positive() {
    let text = built_in("lfp-314").unwrap().replacen(
        "activation_energy_j_per_mol = 15000",
        "activation_energy_j_per_mol = 15000\nsoc = [0.0, 0.99, 1.0]\nfactor = [1.0, 1.0, 0.1]",
        1,
    );
    let chemistry = parse_chemistry("steep", &text).unwrap();
    let model = model::<f64>(&chemistry);
    let mut rack = rack(&model, 24, 1.0, 25.0, &SPREAD);
    for tick in 1..=1_000 {
        rack.step(&model, -100.0);
        if tick % 10 == 0 {
            let _ = rack.refresh(&model, &Plate::at(25.0));
        }
    }
    assert!(rack.reading().soc > 1.005);
    assert!(rack.source(&model, -1.0).r_ohm > 24.0 * 1e-5, "{:?}", rack.source(&model, -1.0));
}

#[test]
fn charge_is_kept_when_the_racks_charge_is_folded_into_its_cells() {
    let chemistry = lfp();
    let (single, double) = (model::<f32>(&chemistry), model::<f64>(&chemistry));
    let mut in_f32 = rack(&single, 1, 0.99, 25.0, &EQUAL);
    let mut in_f64 = rack(&double, 1, 0.99, 25.0, &EQUAL);
    // 1.1e6 C: more than the charge at which a rack folds, and nearly the whole cell.
    for _ in 0..70_000 {
        in_f32.step(&single, 157.0);
        in_f64.step(&double, 157.0);
    }
    let expected = 0.99 - 70_000.0 * 0.1 * 157.0 / chemistry.capacity.0;
    let (a, b) = (in_f32.reading().soc, in_f64.reading().soc);
    assert!((b - expected).abs() < 1e-9 && (a - expected).abs() < 1e-6, "{a} {b} {expected}");
}

#[test]
fn a_resting_cell_loses_its_self_discharge_and_no_more() {
    let chemistry = lfp();
    let leak_a = chemistry.self_discharge.unwrap().current_a;
    let model = model::<f32>(&chemistry);
    let mut rack = rack(&model, 416, 0.5, 25.0, &EQUAL);
    let days = 3.0;
    for _ in 0..(days * 86_400.0) as usize {
        (0..10).for_each(|_| rack.step(&model, 0.0));
        let _ = rack.refresh(&model, &Plate::at(25.0));
    }
    let lost = 0.5 - rack.reading().soc;
    let expected = leak_a * days * 86_400.0 / chemistry.capacity.0;
    // The spread of the leaks is lognormal: their mean is a little above the middle one.
    let mean = bess_core::math::exp(0.5 * chemistry.self_discharge.unwrap().sigma.powi(2));
    assert!((lost / (expected * mean) - 1.0).abs() < 0.05, "{lost} {expected}");
}

#[test]
fn balancing_brings_the_picked_cells_down_by_the_bled_charge() {
    let chemistry = Chemistry { self_discharge: None, ..lfp() };
    let model = model::<f32>(&chemistry);
    let mut rack = rack(&model, 24, 0.99, 25.0, &EQUAL);
    let before = rack.cell(&model, 5).0;
    for _ in 0..36_000 {
        (0..10).for_each(|_| rack.step(&model, 0.0));
        let picked = rack.balance(&model, 0.1, 1.0, |cell, _| cell == 5);
        assert_eq!(picked, 1);
        let _ = rack.refresh(&model, &Plate::at(25.0));
    }
    let moved = before - rack.cell(&model, 5).0;
    let expected = 0.1 * 36_000.0 / chemistry.capacity.0;
    assert!((moved / expected - 1.0).abs() < 0.02, "{moved} {expected}");
    assert!((rack.cell(&model, 4).0 - before).abs() < 1e-6, "the others keep theirs");
}

#[test]
fn a_soft_short_drains_its_cell_by_voltage_over_resistance() {
    let chemistry = Chemistry { self_discharge: None, ..lfp() };
    let model = model::<f32>(&chemistry);
    let mut rack = rack(&model, 24, 0.9, 25.0, &EQUAL);
    rack.harm(&model, 7, Harm::Short(10.0));
    for _ in 0..36_000 {
        (0..10).for_each(|_| rack.step(&model, 0.0));
        let _ = rack.refresh(&model, &Plate::at(25.0));
    }
    let moved = 0.9 - rack.cell(&model, 7).0;
    let expected = 3.33 / 10.0 * 36_000.0 / chemistry.capacity.0;
    assert!((moved / expected - 1.0).abs() < 0.01, "{moved} {expected}");
    assert!((rack.cell(&model, 6).0 - 0.9).abs() < 1e-6);
    assert_eq!(rack.reading().voltage_min.cell, 7);
}

#[test]
fn a_hard_short_pulls_its_cell_down_heats_it_and_the_rack_knows_it() {
    let model = model::<f64>(&lfp());
    let mut rack = rack(&model, 24, 0.9, 25.0, &EQUAL);
    rack.harm(&model, 7, Harm::Short(0.002));
    rack.step(&model, 50.0);
    let (mut gap_j, mut given_j) = (0.0, 0.0);
    let (heat_j, stored_j) = (rack.heat_made_j(), rack.stored_j());
    for _ in 0..60 {
        for _ in 0..10 {
            let source = rack.source(&model, 1.0);
            rack.step(&model, 50.0);
            let reading = rack.reading();
            // What the split expects is what the rack shows, to the change of the short's own current.
            let expected_v = source.e_v - source.r_ohm * 50.0;
            assert!((reading.voltage_v - expected_v).abs() < 1e-3, "{reading:?} {expected_v}");
            gap_j += (reading.chemical_w - reading.voltage_v * 50.0) * 0.1;
            given_j += reading.chemical_w * 0.1;
        }
        let _ = rack.refresh(&model, &Plate::at(25.0));
    }
    gap_j -= rack.heat_made_j() - heat_j + rack.stored_j() - stored_j;
    assert!(gap_j.abs() < 1e-2 * given_j, "{gap_j} of {given_j} J are not accounted for");
    let (_, voltage_v, degc) = rack.cell(&model, 7);
    assert!(voltage_v < 3.2 && rack.cell(&model, 6).1 > 3.25, "{voltage_v}");
    // About 1,500 A times 3.3 V for a minute into 5.6 kJ/K.
    assert!(degc > 60.0 && rack.cell(&model, 6).2 < 30.0, "{degc}");
}

#[test]
fn a_heated_cell_runs_away_vents_and_opens_the_string() {
    let chemistry = named("nmc-94");
    let model = model::<f32>(&chemistry);
    let mut rack = rack(&model, 24, 0.9, 25.0, &EQUAL);
    rack.harm(&model, 3, Harm::Heater(500.0));
    let mut second = 0;
    while !rack.is_open() {
        second += 1;
        assert!(second < 7200, "it does not run away: {:?}", rack.reading());
        (0..10).for_each(|_| rack.step(&model, 0.0));
        let _ = rack.refresh(&model, &Plate { conductance: 0.0, ..Plate::at(25.0) });
    }
    assert_eq!((rack.n_vented(), rack.n_burnt()), (1, 1));
    assert!(rack.gas(&model).0 > 10.0, "{:?}", rack.gas(&model));
    assert!(rack.reading().temperature_max.value > 500.0);
    rack.step(&model, 0.0);
    assert!(rack.cell(&model, 3).1.abs() < 1e-6, "nothing between its terminals");
    assert_eq!(rack.reading().voltage_min.cell, 3);
}

#[test]
fn a_short_of_a_cell_that_was_driven_below_empty_comes_to_rest() {
    let model = model::<f32>(&lfp());
    let mut rack = rack(&model, 24, 0.02, 25.0, &EQUAL);
    rack.harm(&model, 5, Harm::Short(0.01));
    for second in 0..4200 {
        let current_a = if second < 300 { 140.0 } else { 0.0 };
        (0..10).for_each(|_| rack.step(&model, current_a));
        let _ = rack.refresh(&model, &Plate::at(25.0));
    }
    assert!(rack.cell(&model, 5).0 < 0.0, "it was driven below empty");
    assert!(rack.reading().loss_w.abs() < 5.0, "{:?}", rack.reading());
    assert!(rack.is_finite() && rack.cell(&model, 5).2 < 60.0);
}

#[test]
fn single_precision_loses_no_heat_however_little_moves() {
    let chemistry = Chemistry { self_discharge: None, ..lfp() };
    let model = model::<f32>(&chemistry);
    let mut rack = rack(&model, 24, 0.5, 25.5, &EQUAL);
    let mut plate_j = 0.0;
    for _ in 0..400_000 {
        rack.step(&model, 0.0);
        // A standing pump leaves a fiftieth of the conductance.
        plate_j += rack.refresh(&model, &Plate { conductance: 0.02, ..Plate::at(25.0) });
    }
    let capacity_j_per_k = chemistry.thermal.unwrap().heat_capacity_j_per_k;
    let lost_j: f64 = (0..24).map(|i| (25.5 - rack.cell(&model, i).2) * capacity_j_per_k).sum();
    // Each refresh is a tenth of a second here: 40,000 s are a quarter of the time constant.
    assert!(lost_j > 0.1 * 24.0 * 0.5 * capacity_j_per_k, "{lost_j}");
    assert!((plate_j / lost_j - 1.0).abs() < 1e-3, "{plate_j} {lost_j}");
}

#[test]
fn entropic_heat_over_a_table_of_currents_is_that_of_the_current_at_any_tick() {
    let over_current = Table::new(vec![], vec![], vec![-200.0, 200.0], vec![0.0, 4e-4]).unwrap();
    let chemistry = Chemistry { entropic_v_per_k: Some(over_current), ..lfp() };
    let degc = |tick_s: f64| {
        let mut cell = CellRun::new(&chemistry, 0.5, 25.0, tick_s);
        for _ in 0..(60.0 / tick_s) as usize {
            let _ = cell.step(CellInput::Current(100.0));
        }
        cell.state(false).temperature_degc - 25.0
    };
    let (fine_k, coarse_k) = (degc(0.1), degc(1.0));
    assert!((fine_k / coarse_k - 1.0).abs() < 0.02, "{fine_k} {coarse_k}");
}
