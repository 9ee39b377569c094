//! Laws that a rack must keep: heat, temperature dependence, and the charge of long runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use bess_core::chemistry::{Chemistry, built_in, parse_chemistry};
use bess_core::rng::{Domain, Streams};
use bess_core::spec::SpreadSpec;
use bess_simulation::cell::{CellInput, CellRun};
use bess_simulation::physics::rack::{Rack, RackModel};

const SPREAD: SpreadSpec =
    SpreadSpec { capacity_sigma: 0.0, resistance_sigma: 0.1, soc_sigma: 0.0 };

fn lfp() -> Chemistry {
    parse_chemistry("lfp-314", built_in("lfp-314").unwrap()).unwrap()
}
fn rack(model: &RackModel<f64>, soc: f64, temperature_degc: f64) -> Rack<f64> {
    let mut stream = Streams::new(3).stream(Domain::CellSpread, 0);
    Rack::new(model, 24, soc, temperature_degc, &SPREAD, &mut stream)
}
/// An hour at `current_a`: (heat made, heat into the plate, heat held by the cells) in joules, and the
/// spread of the temperatures in K.
fn an_hour(chemistry: &Chemistry, current_a: f64) -> ([f64; 3], f64) {
    let model = RackModel::new(chemistry, 0.0, 0.1);
    let mut rack = rack(&model, 0.5, 25.0);
    let (mut made_j, mut plate_j) = (0.0, 0.0);
    for tick in 1..=36_000 {
        rack.step(&model, current_a);
        made_j += rack.reading().loss_w * 0.1;
        if tick % 10 == 0 {
            plate_j += rack.refresh(&model, 25.0);
        }
    }
    let capacity_j_per_k = chemistry.thermal.unwrap().heat_capacity_j_per_k;
    let temperatures: Vec<f64> = (0..24).map(|i| rack.cell(&model, i).2).collect();
    let held_j = temperatures.iter().map(|t| (t - 25.0) * capacity_j_per_k).sum();
    let reading = rack.reading();
    let spread_k = reading.temperature_max.value - reading.temperature_min.value;
    ([made_j, plate_j, held_j], spread_k)
}

#[test]
fn the_heat_that_cells_make_is_in_the_cells_or_went_into_the_plate() {
    let mut chemistry = lfp();
    chemistry.entropic_v_per_k = None;
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
    let mut without = lfp();
    without.entropic_v_per_k = None;
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
    let curve = with.entropic_v_per_k.as_ref().unwrap();
    let coefficient = (curve.integral_to(0.5) - curve.integral_to(0.4)) / 0.1;
    let heat_j = -157.0 * 720.0 * 298.6 * coefficient;
    let expected_k = heat_j / with.thermal.unwrap().heat_capacity_j_per_k;
    assert!((measured_k / expected_k - 1.0).abs() < 0.02, "{measured_k} {expected_k}");
}

#[test]
fn neighbours_even_their_temperatures_out() {
    let chemistry = lfp();
    let mut alone = chemistry.clone();
    alone.thermal.as_mut().unwrap().neighbour_w_per_k = 0.0;
    let (coupled_k, alone_k) = (an_hour(&chemistry, 157.0).1, an_hour(&alone, 157.0).1);
    assert!(coupled_k < 0.9 * alone_k, "{coupled_k} {alone_k}");
}

#[test]
fn the_ohmic_drop_follows_arrhenius_and_soc() {
    let chemistry = lfp();
    for (soc, degc) in [(0.5, 0.0), (0.5, 25.0), (0.5, 40.0), (0.05, 25.0), (0.05, 5.0)] {
        let mut cell = CellRun::new(&chemistry, soc, degc, 0.001);
        let before_v = cell.state(false).voltage_v;
        let after_v = cell.step(CellInput::Current(100.0)).voltage_v;
        let measured_ohm = (before_v - after_v) / 100.0;
        let expected_ohm = chemistry.r0.at(soc, degc);
        assert!((measured_ohm / expected_ohm - 1.0).abs() < 0.01, "{soc} {degc}: {measured_ohm}");
    }
    let warm = chemistry.r0.at(0.5, 25.0);
    assert!(chemistry.r0.at(0.5, 10.0) > 1.3 * warm, "40 to 60 % more at 10 degC, or nearly so");
}

#[test]
fn beyond_full_and_empty_resistances_stay_positive() {
    let text = built_in("lfp-314").unwrap().replacen(
        "activation_energy_j_per_mol = 15000",
        "activation_energy_j_per_mol = 15000\nsoc = [0.0, 0.99, 1.0]\nfactor = [1.0, 1.0, 0.1]",
        1,
    );
    let chemistry = parse_chemistry("steep", &text).unwrap();
    let model = RackModel::<f64>::new(&chemistry, 0.0, 0.1);
    let mut rack = rack(&model, 1.0, 25.0);
    for tick in 1..=1_000 {
        rack.step(&model, -100.0);
        if tick % 10 == 0 {
            let _ = rack.refresh(&model, 25.0);
        }
    }
    assert!(rack.reading().soc > 1.005);
    assert!(rack.source(&model, -1.0).r_ohm > 24.0 * 1e-5, "{:?}", rack.source(&model, -1.0));
}

#[test]
fn charge_is_kept_when_the_racks_charge_is_folded_into_its_cells() {
    let chemistry = lfp();
    let none = SpreadSpec { resistance_sigma: 0.0, ..SPREAD };
    let (single, double) =
        (RackModel::<f32>::new(&chemistry, 0.0, 0.1), RackModel::<f64>::new(&chemistry, 0.0, 0.1));
    let mut stream = Streams::new(0).stream(Domain::CellSpread, 0);
    let mut in_f32 = Rack::new(&single, 1, 0.99, 25.0, &none, &mut stream);
    let mut in_f64 = Rack::new(&double, 1, 0.99, 25.0, &none, &mut stream);
    // 1.1e6 C: more than the charge at which a rack folds, and nearly the whole cell.
    for _ in 0..70_000 {
        in_f32.step(&single, 157.0);
        in_f64.step(&double, 157.0);
    }
    let expected = 0.99 - 70_000.0 * 0.1 * 157.0 / chemistry.capacity.0;
    let (a, b) = (in_f32.reading().soc, in_f64.reading().soc);
    assert!((b - expected).abs() < 1e-9 && (a - expected).abs() < 1e-6, "{a} {b} {expected}");
}
