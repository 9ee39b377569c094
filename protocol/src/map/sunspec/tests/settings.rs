//! What a unit is rated down to and how it enters service: 702, 703 and 121.

use super::bench::Bench;
use crate::map::Refusal;
use crate::map::sunspec::{Profile, unit_chain};
use bess_core::control::Capacity;
use bess_core::spec::EnterService;

fn bench() -> Bench {
    Bench::new(|design| unit_chain(design, Profile::Standard))
}

fn legacy() -> Bench {
    Bench::new(|design| unit_chain(design, Profile::Legacy))
}

type Get = fn(&Capacity) -> f64;

/// The points of 702 that are settings, with what they set.
const LARGEST: [(&str, Get); 6] = [
    ("WMax", |c| c.active_max_w),
    ("WDisChaRteMax", |c| c.discharge_max_w),
    ("WChaRteMax", |c| c.charge_max_w),
    ("VarMaxInj", |c| c.reactive_injected_max_var),
    ("VarMaxAbs", |c| c.reactive_absorbed_max_var),
    ("VAMax", |c| c.apparent_max_va),
];

#[test]
fn each_largest_power_is_set_by_its_register_from_a_hundredth_of_the_rating_up_to_it() {
    for (name, get) in LARGEST {
        let mut bench = bench();
        let rated = bench.control().capacity;
        let (point, rating) = (format!("702.{name}"), format!("702.{name}Rtg"));
        assert_eq!(bench.raw(&point), bench.raw(&rating), "{name}");
        let half = get(&rated) / 2.0;
        bench.set(&point, half);
        let set = bench.control().capacity;
        assert_eq!((get(&set), bench.value(&point)), (half, Some(half)), "{name}");
        let others = LARGEST.iter().filter(|(other, _)| *other != name);
        assert!(others.clone().all(|(_, get)| get(&set) == get(&rated)), "{name}");
        let one = bench.raw(&rating) as u16;
        for word in [0, one / 100 - 1, one + 1, 0xFFFE, 0xFFFF] {
            assert_eq!(bench.try_write(&point, &[word]), Err(Refusal::Value), "{word} to {name}");
        }
        bench.write(&point, &[one]);
        assert_eq!(bench.control().capacity, rated, "{name}");
    }
    let mut bench = bench();
    for name in ["VAChaRteMax", "VADisChaRteMax", "VNom", "AMax", "WMaxOvrExt", "WMaxRtg"] {
        let name = format!("702.{name}");
        assert_eq!(bench.try_write(&name, &[1]), Err(Refusal::Address), "{name}");
    }
}

#[test]
fn the_word_that_a_register_shows_keeps_a_setting_that_is_finer() {
    let mut bench = bench();
    let control = &mut bench.snapshot.units[0].control;
    control.capacity.active_max_w = 1_234_567.8;
    control.enter_service.delay_s = 7.4;
    control.enter_service.voltage_min_pu = 0.912_345;
    let before = bench.control();
    for name in ["702.WMax", "703.ESDlyTms", "703.ESVLo"] {
        let words = bench.words(name);
        bench.write(name, &words);
    }
    assert_eq!(bench.control(), before);
    bench.write("702.WMax", &[12_345]);
    assert_eq!(bench.control().capacity.active_max_w, 1_234_500.0);
}

#[test]
fn a_rating_that_its_register_rounds_up_can_be_set_again() {
    let mut bench = bench();
    let design = &mut std::sync::Arc::make_mut(&mut bench.snapshot.spec).units[0].design;
    std::sync::Arc::make_mut(design).pcs.rated_power.0 = 2_499_960.0;
    bench.write("702.WMax", &[20_000]);
    assert_eq!(bench.raw("702.WMaxRtg"), 25_000);
    bench.write("702.WMax", &[25_000]);
    assert_eq!(bench.control().capacity.active_max_w, 2_499_960.0);
}

#[test]
fn what_follows_from_the_largest_powers_follows_the_settings() {
    let mut bench = bench();
    bench.set("702.VAMax", 1_000_000.0);
    bench.set("702.VarMaxInj", 600_000.0);
    bench.set("702.VarMaxAbs", 800_000.0);
    let shown = ["WMaxOvrExt", "WOvrExtPF", "WMaxUndExt", "WUndExtPF", "VAChaRteMax"]
        .map(|name| bench.value(&format!("702.{name}")).unwrap());
    assert_eq!(shown, [800_000.0, 0.8, 600_000.0, 0.6, 1_000_000.0]);
    assert_eq!(bench.value("702.WOvrExtRtg"), Some(2_469_500.0), "the rating stays");
    // Percent are of the largest power: half of what is asked for is cut.
    bench.set("702.WMax", 500_000.0);
    let unit = &mut bench.snapshot.units[0];
    unit.state = bess_core::snapshot::UnitState::Derated;
    unit.setpoint.0 = 500_000.0;
    unit.available_discharge_power.0 = 250_000.0;
    assert_eq!(bench.value("701.ThrotPct"), Some(50.0));
}

#[test]
fn entering_service_is_set_by_its_registers() {
    let mut bench = bench();
    assert_eq!(bench.raw("703.ES"), 1);
    for (name, value) in [
        ("ESVHi", 106.0),
        ("ESVLo", 88.0),
        ("ESHzHi", 50.2),
        ("ESHzLo", 49.123),
        ("ESDlyTms", 60.0),
        ("ESRndTms", 30.0),
        ("ESRmpTms", 600.0),
        ("ES", 0.0),
    ] {
        let name = format!("703.{name}");
        bench.set(&name, value);
        assert_eq!(bench.value(&name), Some(value), "{name}");
    }
    let expected = EnterService {
        permitted: false,
        voltage_min_pu: 0.88,
        voltage_max_pu: 1.06,
        frequency_min_hz: 49.123,
        frequency_max_hz: 50.2,
        delay_s: 60.0,
        random_delay_s: 30.0,
        ramp_s: 600.0,
    };
    assert_eq!(bench.control().enter_service, expected);
    for (name, words) in [
        ("ES", &[2][..]),
        ("ESVHi", &[9_999]),
        ("ESVLo", &[10_001]),
        ("ESHzHi", &[0, 49_999]),
        ("ESHzLo", &[0, 50_001]),
        ("ESDlyTms", &[0, 3_601]),
        ("ESRndTms", &[1, 0]),
        ("ESRmpTms", &[0xFFFF, 0xFFFF]),
        ("ESDlyTms", &[0]),
    ] {
        let name = format!("703.{name}");
        assert_eq!(bench.try_write(&name, words), Err(Refusal::Value), "{words:?} to {name}");
    }
    assert_eq!(bench.try_write("703.ESDlyRemTms", &[0, 0]), Err(Refusal::Address));
    assert_eq!(bench.control().enter_service, expected);
}

#[test]
fn the_older_settings_are_the_same_settings() {
    let mut bench = legacy();
    bench.set("121.WMax", 2_000_000.0);
    bench.set("121.VAMax", 2_100_000.0);
    bench.set("121.VArMaxQ1", 900_000.0);
    bench.set("121.VArMaxQ4", -700_000.0);
    let set = bench.control().capacity;
    assert_eq!((set.active_max_w, set.apparent_max_va), (2e6, 2.1e6));
    assert_eq!((set.reactive_injected_max_var, set.reactive_absorbed_max_var), (9e5, 7e5));
    let shown = ["VArMaxQ1", "VArMaxQ2", "VArMaxQ3", "VArMaxQ4"]
        .map(|name| bench.value(&format!("121.{name}")).unwrap());
    assert_eq!(shown, [9e5, 9e5, -7e5, -7e5], "quadrants share a setting");
    assert_eq!(bench.value("124.WChaMax"), Some(2e6), "what the rates are percentages of");
    let block = ["VArMaxQ1", "VArMaxQ2", "VArMaxQ3", "VArMaxQ4"]
        .map(|name| bench.words(&format!("121.{name}"))[0]);
    bench.write("121.VArMaxQ1", &block);
    assert_eq!(bench.control().capacity, set, "a block is written back as it was read");
    let two = [block[0] - 1, block[1]];
    assert_eq!(bench.try_write("121.VArMaxQ1", &two), Err(Refusal::Value), "two values for one");
    let positive = bench.encoded("121.VArMaxQ3", 700_000.0);
    assert_eq!(bench.try_write("121.VArMaxQ3", &positive), Err(Refusal::Value));
}
