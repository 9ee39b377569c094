//! Laws of racks with cells that are weak, leaky, loose or on fire, with an arc, or out of step.

use super::*;

/// Cells that lose nothing by themselves and whose heat is what they lose.
fn quiet() -> Chemistry {
    Chemistry { self_discharge: None, entropic_v_per_k: None, ..lfp() }
}

/// Seconds at rest or with a current, each with a refresh at its end, on plates that take nothing.
fn seconds(model: &RackModel<f64>, rack: &mut Rack<f64>, n: u32, current_a: f64) {
    for _ in 0..n {
        (0..10).for_each(|_| rack.step(model, current_a));
        let _ = rack.refresh(model, &Plate { conductance: 0.0, ..Plate::at(25.0) });
    }
}

/// Energy of the chemistry that is neither at the terminals nor heat nor stored, over the energy given, in
/// `n` seconds in which each tick is as the split expects it.
fn unaccounted(model: &RackModel<f64>, rack: &mut Rack<f64>, n: u32, current_a: f64) -> f64 {
    let (heat_j, stored_j) = (rack.heat_made_j(), rack.stored_j());
    let (mut gap_j, mut given_j) = (0.0, 0.0);
    for _ in 0..n {
        for _ in 0..10 {
            let source = rack.source(model, 1.0);
            rack.step(model, current_a);
            let reading = rack.reading();
            // With what the line and an arc in it keep, the rack shows what the split expects.
            let bus_v = source.e_v - source.r_ohm * current_a;
            gap_j += (reading.chemical_w - bus_v * current_a) * 0.1;
            given_j += reading.chemical_w * 0.1;
            let kept_w = reading.chemical_w - reading.loss_w - bus_v * current_a;
            assert!(kept_w.abs() < 1e-3 * reading.chemical_w.abs() + 0.1, "{kept_w} W");
        }
        let _ = rack.refresh(model, &Plate::at(25.0));
    }
    gap_j -= rack.heat_made_j() - heat_j + rack.stored_j() - stored_j;
    gap_j / given_j
}

#[test]
fn a_leak_empties_its_cell_by_its_current_and_warms_it_until_it_is_empty() {
    let chemistry = quiet();
    let model = model::<f64>(&chemistry);
    let mut rack = rack(&model, 24, 0.5, 25.0, &EQUAL);
    rack.harm(&model, 7, Harm::Leak(0.5));
    seconds(&model, &mut rack, 3601, 0.0);
    let moved = 0.5 - rack.cell(&model, 7).0;
    let expected = 0.5 * 3600.0 / chemistry.capacity.0;
    assert!((moved / expected - 1.0).abs() < 1e-3, "{moved} {expected}");
    assert!((rack.cell(&model, 6).0 - 0.5).abs() < 1e-9, "the others keep theirs");
    let heat_j = 0.5 * 3.3 * 3600.0;
    assert!((rack.heat_made_j() / heat_j - 1.0).abs() < 0.01, "{}", rack.heat_made_j());
    assert!(rack.cell(&model, 7).2 > rack.cell(&model, 20).2, "and it is the warmest");
    assert!(unaccounted(&model, &mut rack, 60, 50.0).abs() < 1e-3);
    rack.harm(&model, 7, Harm::Leak(0.0));
    seconds(&model, &mut rack, 2, 0.0);
    let rests = rack.cell(&model, 7).0;
    seconds(&model, &mut rack, 60, 0.0);
    assert!((rack.cell(&model, 7).0 - rests).abs() < 1e-9, "it has ended");
    // From an empty cell nothing more leaks.
    rack.bring_to(&model, 0.001);
    rack.harm(&model, 7, Harm::Leak(5.0));
    seconds(&model, &mut rack, 600, 0.0);
    assert!(rack.cell(&model, 7).0 > -1e-4, "{:?}", rack.cell(&model, 7));
}

#[test]
fn a_weak_cell_keeps_its_soc_and_goes_through_it_faster() {
    let model = model::<f64>(&quiet());
    let mut rack = rack(&model, 24, 0.8, 25.0, &EQUAL);
    seconds(&model, &mut rack, 10, 50.0);
    let (before, health) = (rack.cell(&model, 3).0, rack.capacity_ratio());
    rack.harm(&model, 3, Harm::Capacity(0.5));
    assert!((rack.cell(&model, 3).0 - before).abs() < 1e-12, "half of its charge is lost");
    assert!((health - rack.capacity_ratio() - 0.5 / 24.0).abs() < 1e-9);
    seconds(&model, &mut rack, 600, 50.0);
    let fallen = |cell: usize| before - rack.cell(&model, cell).0;
    assert!((fallen(3) / fallen(4) - 2.0).abs() < 1e-9, "{} {}", fallen(3), fallen(4));
    assert_eq!(rack.reading().voltage_min.cell, 3);
    rack.harm(&model, 3, Harm::Capacity(1.0));
    assert!((rack.capacity_ratio() - health).abs() < 1e-12);
}

#[test]
fn an_aged_cell_drops_more_voltage_under_load_and_none_at_rest() {
    let model = model::<f64>(&quiet());
    let mut rack = rack(&model, 24, 0.5, 25.0, &EQUAL);
    rack.harm(&model, 9, Harm::Resistance(3.0));
    seconds(&model, &mut rack, 5, 0.0);
    let spread_v = |rack: &Rack<f64>| rack.cell(&model, 8).1 - rack.cell(&model, 9).1;
    assert!(spread_v(&rack).abs() < 1e-9);
    let rest_v = rack.cell(&model, 8).1;
    seconds(&model, &mut rack, 1, 100.0);
    let drop_v = rest_v - rack.cell(&model, 8).1;
    let ratio = (rest_v - rack.cell(&model, 9).1) / drop_v;
    assert!(ratio > 2.5 && ratio < 3.1, "{ratio}");
    assert!(unaccounted(&model, &mut rack, 60, 100.0).abs() < 1e-3);
}

#[test]
fn a_loose_joint_heats_its_cell_with_the_square_of_the_current_and_shows_under_load_only() {
    let model = model::<f64>(&quiet());
    let excess_k = |current_a: f64| {
        let mut rack = rack(&model, 24, 0.8, 25.0, &EQUAL);
        rack.harm(&model, 10, Harm::Joint(1e-3));
        seconds(&model, &mut rack, 1, 0.0);
        let at_rest_v = rack.cell(&model, 10).1 - rack.cell(&model, 4).1;
        assert!(at_rest_v.abs() < 1e-9);
        seconds(&model, &mut rack, 120, current_a);
        let under_load_v = rack.cell(&model, 4).1 - rack.cell(&model, 10).1;
        // Its own warmth takes a little of the cell's resistance.
        assert!((under_load_v / (1e-3 * current_a) - 1.0).abs() < 0.05, "{under_load_v}");
        rack.cell(&model, 10).2 - rack.cell(&model, 4).2
    };
    let (half_k, full_k) = (excess_k(75.0), excess_k(150.0));
    assert!(full_k > 0.3 && (full_k / half_k - 4.0).abs() < 0.1, "{half_k} {full_k}");
    let mut loose = rack(&model, 24, 0.8, 25.0, &EQUAL);
    loose.harm(&model, 10, Harm::Joint(1e-3));
    seconds(&model, &mut loose, 1, 150.0);
    assert!(unaccounted(&model, &mut loose, 60, 150.0).abs() < 1e-3);
}

#[test]
fn an_arc_takes_its_power_from_the_line_into_the_first_cell_and_goes_out_without_current() {
    let model = model::<f64>(&quiet());
    let mut rack = rack(&model, 24, 0.8, 25.0, &EQUAL);
    rack.set_arc(500.0);
    seconds(&model, &mut rack, 1, 100.0);
    assert!(rack.arc_noise_a() > 0.0);
    let gap = unaccounted(&model, &mut rack, 60, 100.0);
    assert!(gap.abs() < 1e-3, "{gap} of the energy are not accounted for");
    let loss_w = rack.reading().loss_w;
    let hotter_k = rack.cell(&model, 0).2 - rack.cell(&model, 12).2;
    // 500 W for a minute into 5.4 kJ/K and its neighbours.
    assert!(hotter_k > 3.0 && hotter_k < 6.0, "{hotter_k}");
    rack.set_arc(0.0);
    seconds(&model, &mut rack, 1, 100.0);
    assert!((loss_w - rack.reading().loss_w - 500.0).abs() < 5.0, "{loss_w}");
    rack.set_arc(500.0);
    seconds(&model, &mut rack, 1, 0.0);
    rack.step(&model, 0.0);
    assert!(rack.arc_noise_a() <= 0.0 && rack.reading().loss_w.abs() < 1e-6, "no current, no arc");
}

#[test]
fn a_cell_on_fire_burns_out_opens_the_string_and_leaves_its_neighbours_to_the_physics() {
    let chemistry = lfp();
    let model = model::<f64>(&chemistry);
    let mut rack = rack(&model, 24, 0.9, 25.0, &EQUAL);
    rack.harm(&model, 6, Harm::Ignite(true));
    let mut hottest_degc = f64::MIN;
    for _ in 0..600 {
        seconds(&model, &mut rack, 1, 0.0);
        hottest_degc = hottest_degc.max(rack.cell(&model, 6).2);
    }
    assert!(rack.is_open() && rack.n_burnt() >= 1 && rack.n_vented() >= 1);
    assert!(hottest_degc > 300.0, "{hottest_degc}");
    let degc = |cell: usize| rack.cell(&model, cell).2;
    assert!(degc(5) > 40.0 && degc(5) > degc(4) && degc(4) > degc(2), "{}", degc(5));
    // It burns once.
    let (burnt, heat_j) = (rack.n_burnt(), rack.heat_made_j());
    rack.harm(&model, 6, Harm::Ignite(false));
    assert_eq!((rack.n_burnt(), rack.heat_made_j()), (burnt, heat_j));
}

#[test]
fn a_rack_that_is_brought_to_another_soc_shows_its_voltage_at_once_and_keeps_its_spread() {
    let model = model::<f64>(&quiet());
    let mut moved = rack(&model, 24, 0.5, 25.0, &UNEQUAL);
    seconds(&model, &mut moved, 60, 50.0);
    let spread = moved.cell(&model, 3).0 - moved.cell(&model, 8).0;
    assert!(spread.abs() > 1e-4, "{spread}");
    moved.bring_to(&model, 0.8);
    assert!((moved.reading().soc - 0.8).abs() < 1e-6);
    assert!((moved.cell(&model, 3).0 - moved.cell(&model, 8).0 - spread).abs() < 1e-9);
    let source = moved.source(&model, 1.0);
    moved.step(&model, 50.0);
    let expected_v = source.e_v - source.r_ohm * 50.0;
    assert!((moved.reading().voltage_v - expected_v).abs() < 1e-3, "{:?}", moved.reading());
    assert!(unaccounted(&model, &mut moved, 60, 50.0).abs() < 1e-3);
}
