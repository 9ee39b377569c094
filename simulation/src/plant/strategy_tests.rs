//! What every strategy must do, and what each does differently.

use super::*;
use bess_core::spec::Strategy;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

/// A unit of 1 MW, best at half of it, half full.
const UNIT: Offer = Offer {
    discharge_w: 1e6,
    charge_w: 1e6,
    rated_w: 1e6,
    best_w: 5e5,
    soc: 0.5,
    energy_to_empty_j: 3.6e9,
    energy_to_full_j: 3.6e9,
    was_working: false,
    priority: 0,
};

fn parts(strategy: Strategy, wanted_w: f64, offers: &[Offer]) -> Vec<f64> {
    let mut out = vec![f64::NAN; 3];
    split(strategy, wanted_w, offers, &mut out);
    out
}
fn assert_parts(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found_w, expected_w) in found.iter().zip(expected) {
        assert!((found_w - expected_w).abs() < 1e-3, "{found:?}, not {expected:?}");
    }
}
fn working(parts: &[f64]) -> Vec<usize> {
    (0..parts.len()).filter(|&idx| parts[idx] != 0.0).collect()
}

#[test]
fn equal_asks_each_for_the_same_share_of_its_rating_and_fills_up_what_a_saturated_one_leaves() {
    let large = Offer { rated_w: 3e6, discharge_w: 3e6, ..UNIT };
    let weak = Offer { discharge_w: 1e5, ..UNIT };
    assert_parts(&parts(Strategy::Equal, 1.2e6, &[UNIT, large]), &[3e5, 9e5]);
    assert_parts(&parts(Strategy::Equal, 1.3e6, &[UNIT, weak, large]), &[3e5, 1e5, 9e5]);
}

#[test]
fn available_asks_by_what_each_has_in_that_direction() {
    let one_sided = Offer { discharge_w: 5e5, ..UNIT };
    assert_parts(&parts(Strategy::Available, 9e5, &[UNIT, one_sided]), &[6e5, 3e5]);
    assert_parts(&parts(Strategy::Available, -9e5, &[UNIT, one_sided]), &[-4.5e5, -4.5e5]);
}

#[test]
fn soc_asks_by_the_energy_in_that_direction_so_that_all_are_empty_or_full_together() {
    let fuller = Offer { energy_to_empty_j: 5.4e9, energy_to_full_j: 1.8e9, ..UNIT };
    assert_parts(&parts(Strategy::Soc, 1e6, &[UNIT, fuller]), &[4e5, 6e5]);
    assert_parts(&parts(Strategy::Soc, -9e5, &[UNIT, fuller]), &[-6e5, -3e5]);
    // Without any energy by the books the power is still given.
    let empty = Offer { energy_to_empty_j: 0.0, ..UNIT };
    assert_parts(&parts(Strategy::Soc, 1e6, &[empty, empty]), &[5e5, 5e5]);
}

#[test]
fn equalise_soc_lets_the_fuller_discharge_more_and_charge_less_and_none_the_wrong_way() {
    let (fuller, emptier) = (Offer { soc: 0.55, ..UNIT }, Offer { soc: 0.45, ..UNIT });
    assert_parts(&parts(Strategy::EqualiseSoc, 1e6, &[fuller, emptier]), &[7.5e5, 2.5e5]);
    assert_parts(&parts(Strategy::EqualiseSoc, -1e6, &[fuller, emptier]), &[-2.5e5, -7.5e5]);
    let (full, empty) = (Offer { soc: 0.9, ..UNIT }, Offer { soc: 0.1, ..UNIT });
    assert_parts(&parts(Strategy::EqualiseSoc, 8e5, &[full, empty]), &[8e5, 0.0]);
    assert_parts(&parts(Strategy::EqualiseSoc, 1.2e6, &[full, empty]), &[1e6, 2e5]);
}

#[test]
fn priority_asks_the_next_only_when_the_one_before_has_no_more() {
    let offers = [2, 0, 1].map(|priority| Offer { priority, ..UNIT });
    assert_parts(&parts(Strategy::Priority, 1.5e6, &offers), &[0.0, 1e6, 5e5]);
    assert_parts(&parts(Strategy::Priority, -2.5e6, &offers), &[-5e5, -1e6, -1e6]);
}

#[test]
fn efficiency_works_with_few_units_at_low_power_and_with_all_at_high_power() {
    let offers = [UNIT; 4];
    for (wanted_w, n) in [(1e5, 1), (7e5, 1), (7.2e5, 2), (1.2e6, 2), (1.3e6, 3), (3e6, 4)] {
        let found = parts(Strategy::Efficiency, wanted_w, &offers);
        assert_eq!(working(&found).len(), n, "{wanted_w}: {found:?}");
    }
    // A unit that can give little does not keep the others out.
    let weak = Offer { discharge_w: 1e5, was_working: true, ..UNIT };
    assert_parts(&parts(Strategy::Efficiency, 4e5, &[UNIT, weak]), &[3e5, 1e5]);
}

#[test]
fn efficiency_loses_no_more_than_any_other_number_of_equal_units() {
    // Loss 2 kW + 8 kW (P / MW)^2: best at half the rating.
    let lost_w = |parts: &[f64]| -> f64 {
        parts.iter().filter(|p| **p != 0.0).map(|p| 2e3 + 8e3 * (p / 1e6) * (p / 1e6)).sum()
    };
    for wanted_w in (1..40).map(|k| f64::from(k) * 1e5) {
        let chosen = parts(Strategy::Efficiency, wanted_w, &[UNIT; 4]);
        for n in (1..=4).filter(|n| f64::from(*n) * 1e6 >= wanted_w) {
            let others = vec![wanted_w / f64::from(n); n as usize];
            assert!(lost_w(&chosen) <= lost_w(&others) + 1e-6, "{wanted_w} W by {n}");
        }
    }
}

#[test]
fn sticky_keeps_those_that_work_adds_one_when_needed_and_drops_one_late() {
    let mut offers = [UNIT; 4];
    offers[2].was_working = true;
    let mut run = |wanted_w: f64| {
        let found = parts(Strategy::Sticky, wanted_w, &offers);
        offers.iter_mut().zip(&found).for_each(|(offer, part)| offer.was_working = *part != 0.0);
        working(&found)
    };
    assert_eq!(run(4e5), [2]);
    assert_eq!(run(1e6), [2]);
    assert_eq!(run(1.01e6), [0, 2]);
    assert_eq!(run(9.5e5), [0, 2], "one could do it, but without a margin");
    assert_eq!(run(9e5), [0]);
    assert_eq!(run(-9.9e5), [0], "also in the other direction");
    assert_eq!(run(3.5e6), [0, 1, 2, 3]);
}

#[test]
fn the_best_loading_of_a_converter_is_where_it_loses_the_smallest_part() {
    let loss = |standby, linear, quadratic| PcsLoss {
        standby,
        saturating: 0.0,
        knee: 0.01,
        linear,
        quadratic,
    };
    assert!((best_loading(&loss(0.002, 0.01, 0.0128)) - 0.40).abs() < 0.011);
    assert!((best_loading(&loss(0.001, 0.0, 0.016)) - 0.25).abs() < 0.011);
    assert!((best_loading(&loss(0.01, 0.01, 0.0)) - 1.0).abs() < 1e-12);
}

fn offer() -> impl proptest::strategy::Strategy<Value = Offer> {
    let limit = prop_oneof![1 => Just(0.0), 4 => 0.0..2e6f64];
    (
        limit.clone(),
        limit,
        1e5..2e6f64,
        0.0..1.0f64,
        0.0..1e10f64,
        0.0..1e10f64,
        any::<bool>(),
        0..9usize,
    )
        .prop_map(
            |(discharge_w, charge_w, rated_w, soc, empty_j, full_j, was_working, priority)| Offer {
                discharge_w,
                charge_w,
                rated_w,
                best_w: 0.4 * rated_w,
                soc,
                energy_to_empty_j: empty_j,
                energy_to_full_j: full_j,
                was_working,
                priority,
            },
        )
}
proptest! {
    #[test]
    fn parts_add_up_to_what_is_wanted_or_to_everything_and_none_is_beyond_its_offer(
        offers in proptest::collection::vec(offer(), 0..24),
        wanted_w in prop_oneof![-4e7..4e7f64, -2e6..2e6f64, Just(0.0)],
        which in 0..Strategy::ALL.len(),
    ) {
        let (name, strategy) = Strategy::ALL[which];
        let out = parts(strategy, wanted_w, &offers);
        prop_assert_eq!(out.len(), offers.len());
        let limit_w = |o: &Offer| if wanted_w >= 0.0 { o.discharge_w } else { o.charge_w };
        let offered_w: f64 = offers.iter().map(limit_w).sum();
        let expected_w = wanted_w.abs().min(offered_w) * wanted_w.signum();
        let sum_w: f64 = out.iter().sum();
        prop_assert!((sum_w - expected_w).abs() < 1e-3, "{name}: {sum_w} W of {expected_w} W");
        for (part_w, offer) in out.iter().zip(&offers) {
            prop_assert!(part_w.abs() <= limit_w(offer), "{name}: {part_w} of {offer:?}");
            prop_assert!(*part_w == 0.0 || (*part_w > 0.0) == (wanted_w > 0.0), "{name}");
        }
    }

    #[test]
    fn the_same_offers_get_the_same_parts_and_a_larger_demand_asks_nobody_of_equal_split_for_less(
        offers in proptest::collection::vec(offer(), 1..12),
        wanted_w in 0.0..1e7f64, more_w in 0.0..1e6f64,
    ) {
        for (name, strategy) in Strategy::ALL {
            prop_assert_eq!(
                parts(strategy, wanted_w, &offers), parts(strategy, wanted_w, &offers), "{}", name
            );
        }
        for strategy in [Strategy::Equal, Strategy::Available, Strategy::Soc, Strategy::Priority] {
            let less = parts(strategy, wanted_w, &offers);
            let more = parts(strategy, wanted_w + more_w, &offers);
            prop_assert!(less.iter().zip(&more).all(|(a, b)| a <= &(b + 1e-6)), "{strategy:?}");
        }
    }
}
