//! Every named service against the figures of its rule, and the laws of all of them.

use super::ResponseRun;
use bess_core::control::{FrequencyResponse, Sustain};
use bess_core::service::{PRESETS, frequency_response};
use proptest::prelude::*;

const CONTRACT_W: f64 = 1.0e6;

fn service(name: &str) -> FrequencyResponse {
    frequency_response(name).unwrap_or_else(|| panic!("{name}"))
}
/// Share of the contract at the end of each tick after a step to `deviation_hz`.
fn after_step(service: &FrequencyResponse, deviation_hz: f64, s: f64) -> Vec<f64> {
    let mut run = ResponseRun::default();
    let n = (s * 10.0).round() as usize;
    (0..n).map(|_| run.step(service, deviation_hz, CONTRACT_W) / CONTRACT_W).collect()
}
fn at(shares: &[f64], s: f64) -> f64 {
    shares[(s * 10.0).round() as usize - 1]
}
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn a_service_that_follows_is_silent_in_its_dead_band_and_full_where_and_when_its_rule_says() {
    // Name, dead band and full point in Hz, time in s: SO GL Annex V and Fingrid.
    let table = [
        ("fcr", 0.01, 0.2, 30.0),
        ("fcr-gb", 0.015, 0.5, 10.0),
        ("fcr-ie", 0.015, 0.5, 15.0),
        ("fcr-n", 0.01, 0.1, 180.0),
        ("dynamic-containment", 0.015, 0.5, 1.0),
        ("hvdc", 0.03, 0.5, 30.0),
    ];
    for (name, dead_band_hz, full_hz, by_s) in table {
        let service = service(name);
        for sign in [-1.0, 1.0] {
            let silent = after_step(&service, sign * dead_band_hz, 200.0);
            assert!(silent.iter().all(|share| *share == 0.0), "{name}");
            let full = after_step(&service, sign * full_hz, 200.0);
            assert!(-sign * at(&full, by_s) >= 0.99, "{name} {}", at(&full, by_s));
            let half_hz = (dead_band_hz + full_hz) / 2.0;
            let half = -sign * at(&after_step(&service, sign * half_hz, 200.0), 200.0);
            assert!(half > 0.0 && half < 1.0, "{name} {half}");
        }
    }
}

#[test]
fn fcr_gives_half_of_its_contract_at_half_of_its_way() {
    let shares = after_step(&service("fcr"), -0.105, 60.0);
    assert!(near(at(&shares, 60.0), 0.5), "{}", at(&shares, 60.0));
    assert!(near(at(&shares, 3.0), 0.1), "a straight ramp of the contract in 30 s");
}

#[test]
fn fcr_d_has_half_after_5_s_and_all_after_30_s_and_only_below_nominal() {
    let shares = after_step(&service("fcr-d"), -0.5, 30.0);
    assert!(at(&shares, 5.0) >= 0.5 - 1e-9 && near(at(&shares, 30.0), 1.0));
    assert!(after_step(&service("fcr-d"), 0.5, 30.0).iter().all(|share| *share == 0.0));
    assert!(after_step(&service("fcr-d"), -0.1, 30.0).iter().all(|share| *share == 0.0));
}

#[test]
fn dynamic_containment_has_its_knee_and_has_begun_after_half_a_second() {
    let service = service("dynamic-containment");
    assert!(near(at(&after_step(&service, -0.2, 5.0), 5.0), 0.05));
    assert!(near(at(&after_step(&service, 0.35, 5.0), 5.0), -0.525));
    let shares = after_step(&service, -0.5, 5.0);
    assert!(at(&shares, 0.3) == 0.0 && at(&shares, 0.5) > 0.0);
}

#[test]
fn a_ramp_of_the_frequency_is_followed_with_the_delay_of_the_service_only() {
    let service = service("dynamic-containment");
    let mut run = ResponseRun::default();
    // 0.1 Hz/s, from the knee on 1.0 of the contract takes 3.2 s: slower than the service's own ramp.
    for tick in 1..=50_u32 {
        let deviation_hz = -0.01 * f64::from(tick);
        let share = run.step(&service, deviation_hz, CONTRACT_W) / CONTRACT_W;
        let delayed = super::curve_at(&service.points, -0.01 * (f64::from(tick) - 3.0).max(0.0));
        assert!(near(share, delayed), "tick {tick}: {share}, {delayed}");
    }
}

#[test]
fn a_fast_reserve_starts_at_its_trigger_and_is_full_in_time() {
    for (name, trigger_hz, by_s) in [
        ("ffr-nordic-1.3", 49.7, 1.3),
        ("ffr-nordic-1.0", 49.6, 1.0),
        ("ffr-nordic-0.7", 49.5, 0.7),
    ] {
        for name in [name.to_owned(), format!("{name}-long")] {
            let service = service(&name);
            let shares = after_step(&service, trigger_hz - 50.0, 2.0);
            assert!(near(at(&shares, by_s), 1.0), "{name} {}", at(&shares, by_s));
            let above = after_step(&service, trigger_hz - 50.0 + 0.001, 2.0);
            assert!(above.iter().all(|share| *share == 0.0), "{name}");
        }
    }
}

#[test]
fn a_fast_reserve_runs_its_course_and_comes_again_only_after_its_recovery() {
    for (name, hold_s, return_s) in
        [("ffr-nordic-1.3", 5.0, 5.0), ("ffr-nordic-1.3-long", 30.0, 1.0)]
    {
        let service = service(name);
        let mut run = ResponseRun::default();
        // One tick at the trigger is enough; the frequency is back at once.
        let mut shares = vec![run.step(&service, -0.3, CONTRACT_W) / CONTRACT_W];
        assert!(run.is_active());
        shares.extend((1..600).map(|_| run.step(&service, 0.0, CONTRACT_W) / CONTRACT_W));
        let full = shares.iter().filter(|share| **share >= 1.0).count() as f64 / 10.0;
        assert!(full >= hold_s && full <= hold_s + 0.2, "{name} {full}");
        let falls = shares.windows(2).map(|pair| pair[0] - pair[1]).fold(0.0, f64::max);
        assert!(falls * 10.0 <= 1.0 / return_s + 1e-9, "{name} {falls}");
        assert!(shares[599] == 0.0 && !run.is_active());
        // 60 s are over: of the 900 s 840 are left.
        let early = (0..8400 - 1).all(|_| run.step(&service, -0.4, CONTRACT_W) == 0.0);
        assert!(early, "{name}");
        let again = (0..3).map(|_| run.step(&service, -0.4, CONTRACT_W)).fold(0.0, f64::max);
        assert!(again > 0.0, "{name}");
    }
}

#[test]
fn a_triggered_service_below_its_trigger_does_nothing_but_one_above_nominal_charges() {
    let service = FrequencyResponse {
        name: "custom".to_owned(),
        points: vec![(-0.3, 1.0), (0.0, 0.0), (0.3, -0.5)],
        contract_w: None,
        dead_time_s: 0.2,
        full_s: 1.0,
        sustain: Some(Sustain { duration_s: 5.0, deactivation_per_s: 0.2, recovery_s: 0.0 }),
    };
    assert!(after_step(&service, -0.29, 2.0).iter().all(|share| *share == 0.0));
    let shares = after_step(&service, 0.3, 2.0);
    assert!(at(&shares, 0.2) == 0.0 && near(at(&shares, 1.0), -0.5));
}

#[test]
fn a_shorter_dead_time_takes_effect_at_once_and_leaves_nothing_behind() {
    let mut service = service("dynamic-containment");
    service.dead_time_s = 0.5;
    let mut run = ResponseRun::default();
    for _ in 0..20 {
        run.step(&service, -0.5, CONTRACT_W);
    }
    service.dead_time_s = 0.0;
    for _ in 0..20 {
        run.step(&service, 0.0, CONTRACT_W);
    }
    assert!(!run.is_active());
}

proptest! {
    #[test]
    fn no_service_ever_gives_more_than_its_contract_and_all_end_in_silence(
        which in 0..PRESETS.len(),
        walk in prop::collection::vec(-1.5_f64..1.5, 1..200),
        contract_w in 0.0_f64..1e9,
    ) {
        let service = service(PRESETS[which].name);
        let mut run = ResponseRun::default();
        for deviation_hz in walk {
            let w = run.step(&service, deviation_hz, contract_w);
            prop_assert!(w.abs() <= contract_w);
        }
        let last = (0..2500).map(|_| run.step(&service, 0.0, contract_w)).last();
        prop_assert!(last == Some(0.0) && !run.is_active());
    }

    #[test]
    fn a_lower_frequency_never_draws_less_discharge(
        which in 0..PRESETS.len(),
        (low, high) in (-1.0_f64..1.0, -1.0_f64..1.0).prop_map(|(a, b)| (a.min(b), a.max(b))),
        s in 0.1_f64..200.0,
    ) {
        let service = service(PRESETS[which].name);
        prop_assume!(service.sustain.is_none());
        let (lower, higher) = (after_step(&service, low, s), after_step(&service, high, s));
        prop_assert!(lower.iter().zip(&higher).all(|(l, h)| l >= h));
    }
}
