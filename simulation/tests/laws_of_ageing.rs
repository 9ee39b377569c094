//! What every law of ageing must obey, whatever its coefficients are.

use bess_core::chemistry::{AgeingLaw, Chemistry, Table, built_in, parse_chemistry};
use bess_simulation::physics::ageing::{Ageing, CellAgeing, RackStress};
use bess_simulation::physics::rainflow::Cycle;
use proptest::prelude::*;

const NAUMANN: &str = include_str!("data/naumann-ageing.toml");
const YEAR_S: f64 = 365.0 * 86_400.0;

/// The laws, each with a cell that it could belong to.
fn chemistries() -> [Chemistry; 3] {
    let lfp = built_in("lfp-280").expect("a built-in");
    let cell = lfp.split("[ageing]").next().expect("a first part");
    let parse = |text: &str| parse_chemistry("t.toml", text).unwrap_or_else(|e| panic!("{e}"));
    let naumann = parse(&format!("{cell}{NAUMANN}"));
    let mut nmc = parse(built_in("nmc-94").expect("a built-in"));
    nmc.ocv = Table::new(vec![0.0, 1.0], vec![], vec![], vec![3.3, 4.15]).expect("a table");
    [parse(lfp), naumann, nmc]
}
fn law(chemistry: &Chemistry) -> &AgeingLaw {
    chemistry.ageing.as_ref().expect("a law")
}
fn cycle(depth: f64, mean_c_rate: f64, full_equivalents: f64) -> Cycle {
    Cycle { depth, mean_soc: 0.5, weight: 1.0, mean_c_rate, full_equivalents }
}
fn parts(cell: &CellAgeing) -> [f64; 4] {
    [cell.capacity_calendar, cell.capacity_cycle, cell.resistance_calendar, cell.resistance_cycle]
}
fn assert_equal(a: &CellAgeing, b: &CellAgeing) {
    for (a, b) in parts(a).into_iter().zip(parts(b)) {
        assert!((a - b).abs() <= 1e-9 * b.abs(), "{a:e} instead of {b:e}");
    }
}
/// One update of one cell.
fn age(
    cell: &mut CellAgeing,
    chemistry: &Chemistry,
    degc: f64,
    soc: f64,
    seconds: f64,
    cycles: &[Cycle],
    acceleration: f64,
) {
    let stress =
        RackStress::new(law(chemistry), &chemistry.ocv, soc, seconds, cycles, acceleration);
    cell.age(&stress, degc);
}

#[test]
fn ten_years_in_updates_of_five_minutes_are_ten_years_in_one() {
    const UPDATES: u32 = 10 * 365 * 288;
    for chemistry in chemistries() {
        let (mut small, mut big) = (CellAgeing::default(), CellAgeing::default());
        let seconds = 10.0 * YEAR_S / f64::from(UPDATES);
        let part = cycle(0.8, 0.25, 2920.0 / f64::from(UPDATES));
        let stress = RackStress::new(law(&chemistry), &chemistry.ocv, 0.5, seconds, &[part], 1.0);
        (0..UPDATES).for_each(|_| small.age(&stress, 30.0));
        let whole = cycle(0.8, 0.25, 2920.0);
        age(&mut big, &chemistry, 30.0, 0.5, 10.0 * YEAR_S, &[whole], 1.0);
        assert!(big.capacity() < 0.95, "{big:?}");
        assert_equal(&small, &big);
    }
}

#[test]
fn a_year_accelerated_ten_times_is_ten_years() {
    for chemistry in chemistries() {
        let (mut fast, mut slow) = (CellAgeing::default(), CellAgeing::default());
        for _ in 0..365 {
            age(&mut fast, &chemistry, 25.0, 0.6, 86_400.0, &[cycle(0.7, 0.3, 0.7)], 10.0);
        }
        for _ in 0..3650 {
            age(&mut slow, &chemistry, 25.0, 0.6, 86_400.0, &[cycle(0.7, 0.3, 0.7)], 1.0);
        }
        assert_equal(&fast, &slow);
    }
}

#[test]
fn a_change_of_stress_goes_on_from_what_was_lost_not_from_the_time_that_passed() {
    for chemistry in chemistries() {
        // A year at 40 degC has cost y; the same y is reached at 20 degC after longer. From there on
        // both cells age alike.
        let mut hot = CellAgeing::default();
        age(&mut hot, &chemistry, 40.0, 0.5, YEAR_S, &[], 1.0);
        let (mut low, mut high) = (0.0, 100.0 * YEAR_S);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            let mut cold = CellAgeing::default();
            age(&mut cold, &chemistry, 20.0, 0.5, middle, &[], 1.0);
            if cold.capacity_calendar < hot.capacity_calendar {
                low = middle;
            } else {
                high = middle;
            }
        }
        assert!(low > 1.1 * YEAR_S, "{low}");
        let mut cold = CellAgeing::default();
        age(&mut cold, &chemistry, 20.0, 0.5, low + YEAR_S, &[], 1.0);
        age(&mut hot, &chemistry, 20.0, 0.5, YEAR_S, &[], 1.0);
        let ratio = hot.capacity_calendar / cold.capacity_calendar;
        assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    }
}

#[test]
fn the_parts_of_one_update_and_rest_and_cycle_one_by_one_are_the_same() {
    for chemistry in chemistries() {
        let (mut together, mut apart) = (CellAgeing::default(), CellAgeing::default());
        let cycles = [cycle(0.8, 0.25, 0.8), cycle(0.05, 1.0, 0.025)];
        age(&mut together, &chemistry, 30.0, 0.5, 86_400.0, &cycles, 1.0);
        let ocv_v = chemistry.ocv.at(0.5, 25.0, 0.0);
        cycles.iter().for_each(|one| apart.cycle(law(&chemistry), 30.0, one, ocv_v));
        apart.rest(law(&chemistry), 30.0, 0.5, ocv_v, 86_400.0);
        assert_equal(&together, &apart);
    }
}

#[test]
fn no_stress_and_no_temperature_age_nothing() {
    for chemistry in chemistries() {
        let mut cell = CellAgeing::default();
        age(&mut cell, &chemistry, 25.0, 0.5, YEAR_S, &[cycle(0.8, 0.25, 300.0)], 1.0);
        let before = cell;
        age(&mut cell, &chemistry, 25.0, 0.5, 0.0, &[cycle(0.8, 0.25, 0.0)], 1.0);
        age(&mut cell, &chemistry, 25.0, 0.5, YEAR_S, &[], 0.0);
        age(&mut cell, &chemistry, f64::NAN, 0.5, 1e-9, &[], 1.0);
        assert_equal(&cell, &before);
    }
}

#[test]
fn large_cells_age_slower_when_cycled_warm_as_the_tests_behind_the_law_found() {
    let [large, ..] = chemistries();
    let (mut cool, mut warm) = (CellAgeing::default(), CellAgeing::default());
    age(&mut cool, &large, 15.0, 0.5, 0.0, &[cycle(0.8, 0.25, 1000.0)], 1.0);
    age(&mut warm, &large, 35.0, 0.5, 0.0, &[cycle(0.8, 0.25, 1000.0)], 1.0);
    assert!(cool.capacity_cycle > 1.3 * warm.capacity_cycle, "{cool:?} {warm:?}");
}

#[test]
fn each_cell_of_a_rack_ages_by_its_own_temperature_and_the_means_are_those_of_the_cells() {
    let [large, ..] = chemistries();
    let mut rack = Ageing::new(3);
    let stress = RackStress::new(law(&large), &large.ocv, 0.5, YEAR_S, &[], 1.0);
    rack.update(&stress, |index| 20.0 + 5.0 * index as f64);
    let capacities: Vec<f64> = rack.cells().iter().map(CellAgeing::capacity).collect();
    assert!(capacities.is_sorted_by(|a, b| a > b), "{capacities:?}");
    assert!((rack.mean_capacity() - capacities.iter().sum::<f64>() / 3.0).abs() < 1e-15);
    assert_eq!(rack.mean_resistance(), 1.0, "the law says nothing on resistance");
    assert_eq!(rack.cell(1).capacity(), capacities[1]);
    let mut bytes = 0;
    rack.hash_into(&mut |part| bytes += part.len());
    assert_eq!(bytes, 3 * 32);
}

proptest! {
    #[test]
    fn any_split_of_constant_stress_gives_the_same_ageing(
        splits in prop::collection::vec(1e-6..1.0f64, 1..200),
        degc in -10.0..55.0f64,
        soc in 0.0..1.0f64,
        depth in 0.01..1.0f64,
        c_rate in 0.0..1.5f64,
        years in 1e-3..20.0f64,
    ) {
        let total: f64 = splits.iter().sum();
        let equivalents = 300.0 * years;
        for chemistry in chemistries() {
            let (mut small, mut big) = (CellAgeing::default(), CellAgeing::default());
            for split in &splits {
                let share = split / total;
                let part = cycle(depth, c_rate, equivalents * share);
                age(&mut small, &chemistry, degc, soc, years * YEAR_S * share, &[part], 1.0);
            }
            let whole = cycle(depth, c_rate, equivalents);
            age(&mut big, &chemistry, degc, soc, years * YEAR_S, &[whole], 1.0);
            assert_equal(&small, &big);
        }
    }

    #[test]
    fn no_cell_recovers_under_any_history(
        history in prop::collection::vec(
            (-20.0..60.0f64, 0.0..1.0f64, 0.0..1e6f64, 0.0..1.0f64, 0.0..3.0f64),
            1..60,
        ),
    ) {
        for chemistry in chemistries() {
            let mut cell = CellAgeing::default();
            for (degc, soc, seconds, depth, c_rate) in &history {
                let before = cell;
                let one = cycle(*depth, *c_rate, *depth);
                age(&mut cell, &chemistry, *degc, *soc, *seconds, &[one], 1.0);
                prop_assert!(parts(&cell).iter().zip(parts(&before)).all(|(now, then)| *now >= then));
                prop_assert!(cell.capacity().is_finite() && cell.resistance().is_finite());
            }
        }
    }

    #[test]
    fn heat_ages_a_resting_cell_faster(
        degc in 10.0..44.0f64,
        more_k in 0.1..1.0f64,
        soc in 0.2..1.0f64,
        days in 0.01..3000.0f64,
    ) {
        for chemistry in chemistries() {
            let (mut cool, mut warm) = (CellAgeing::default(), CellAgeing::default());
            age(&mut cool, &chemistry, degc, soc, days * 86_400.0, &[], 1.0);
            age(&mut warm, &chemistry, degc + more_k, soc, days * 86_400.0, &[], 1.0);
            prop_assert!(warm.capacity_calendar > cool.capacity_calendar);
            prop_assert!(warm.resistance_calendar >= cool.resistance_calendar);
        }
    }
}
