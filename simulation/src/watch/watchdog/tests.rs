use super::*;
use proptest::prelude::*;

const SETTINGS: WatchdogSettings = WatchdogSettings {
    timeout_s: 60.0,
    kind: HeartbeatKind::Change,
    action: bess_core::control::LossAction::RampToZero,
    value_w: 0.0,
    function: bess_core::control::FunctionName::FrequencyDroop,
    recovery: Recovery::Automatic,
    extra_s: 0.0,
    jitter_s: 0.0,
};

fn watchdog() -> Watchdog {
    Watchdog::new(0, Streams::new(1))
}
/// A watch that was armed at tick 100.
fn armed(settings: &WatchdogSettings) -> Watchdog {
    let mut watchdog = watchdog();
    watchdog.settings_changed(Tick(1), settings);
    let sign = match settings.kind {
        HeartbeatKind::Complement => Sign::Heartbeat(0xFFFF),
        HeartbeatKind::Change | HeartbeatKind::Increment => Sign::Heartbeat(1),
        HeartbeatKind::AnyWrite | HeartbeatKind::AnyRequest | HeartbeatKind::SetpointRewrite => {
            Sign::Setpoint
        }
        HeartbeatKind::TimeoutRewrite => Sign::Timeout,
    };
    watchdog.beat(Tick(100), settings, sign);
    assert_eq!(watchdog.step(Tick(100), settings), Some(Change::Armed));
    watchdog
}
/// Steps from `from` to `to`, and what came of it.
fn run(
    watchdog: &mut Watchdog,
    settings: &WatchdogSettings,
    from: u64,
    to: u64,
) -> Vec<(u64, Change)> {
    (from..=to).filter_map(|t| watchdog.step(Tick(t), settings).map(|what| (t, what))).collect()
}
/// A watch that was lost at tick 700.
fn lost(settings: &WatchdogSettings) -> Watchdog {
    let mut watchdog = armed(settings);
    let changes = run(&mut watchdog, settings, 101, 700);
    assert_eq!(changes, [(400, Change::Late), (700, Change::Lost)]);
    watchdog
}
fn alive(kind: HeartbeatKind, last: u32, sign: Sign) -> bool {
    let settings = WatchdogSettings { kind, ..SETTINGS };
    let mut watchdog = watchdog();
    watchdog.beat(Tick(1), &WatchdogSettings { timeout_s: 0.0, ..settings }, Sign::Heartbeat(last));
    watchdog.beat(Tick(2), &settings, sign);
    watchdog.step(Tick(2), &settings) == Some(Change::Armed)
}

#[test]
fn each_kind_of_heartbeat_takes_its_own_signs_of_life_and_no_others() {
    use HeartbeatKind as K;
    use Sign::{Heartbeat, Request, Setpoint, Timeout, Write};
    for (kind, last, sign, expected) in [
        (K::Change, 5, Heartbeat(9), true),
        (K::Change, 5, Heartbeat(5), false),
        (K::Change, 5, Setpoint, false),
        (K::Increment, 5, Heartbeat(6), true),
        (K::Increment, 5, Heartbeat(7), false),
        (K::Increment, 5, Heartbeat(4), false),
        (K::Increment, 65_535, Heartbeat(0), true),
        (K::Increment, 65_535, Heartbeat(65_536), true),
        (K::Increment, u32::MAX, Heartbeat(0), true),
        (K::Increment, 65_534, Heartbeat(0), false),
        (K::Complement, 0x00FF, Heartbeat(0xFF00), true),
        (K::Complement, 0x00FF, Heartbeat(0x00FF), false),
        (K::Complement, 0x00FF, Heartbeat(0xFF01), false),
        (K::AnyWrite, 5, Heartbeat(5), true),
        (K::AnyWrite, 5, Write, true),
        (K::AnyWrite, 5, Setpoint, true),
        (K::AnyWrite, 5, Request, false),
        (K::AnyRequest, 5, Request, true),
        (K::AnyRequest, 5, Write, true),
        (K::AnyRequest, 5, Heartbeat(5), true),
        (K::SetpointRewrite, 5, Setpoint, true),
        (K::SetpointRewrite, 5, Write, false),
        (K::SetpointRewrite, 5, Heartbeat(6), false),
        (K::SetpointRewrite, 5, Timeout, false),
        (K::AnyWrite, 5, Timeout, true),
        (K::TimeoutRewrite, 5, Timeout, true),
        (K::TimeoutRewrite, 5, Setpoint, false),
        (K::TimeoutRewrite, 5, Write, false),
        (K::TimeoutRewrite, 5, Heartbeat(6), false),
        (K::TimeoutRewrite, 5, Request, false),
    ] {
        assert_eq!(alive(kind, last, sign), expected, "{kind:?} {last} {sign:?}");
    }
}

#[test]
fn each_write_of_the_time_restarts_the_time_written_and_0_ends_the_watch() {
    let settings = WatchdogSettings { kind: HeartbeatKind::TimeoutRewrite, ..SETTINGS };
    let write = |watchdog: &mut Watchdog, tick, settings: &WatchdogSettings| {
        watchdog.settings_changed(Tick(tick), settings);
        watchdog.beat(Tick(tick), settings, Sign::Timeout);
    };
    let mut watchdog = watchdog();
    write(&mut watchdog, 100, &settings);
    assert_eq!(watchdog.step(Tick(100), &settings), Some(Change::Armed), "the first one arms it");
    write(&mut watchdog, 390, &settings);
    watchdog.beat(Tick(500), &settings, Sign::Setpoint);
    assert_eq!(run(&mut watchdog, &settings, 390, 800), [(690, Change::Late)]);
    let short = WatchdogSettings { timeout_s: 10.0, ..settings };
    write(&mut watchdog, 800, &short);
    let changes = [(800, Change::Armed), (850, Change::Late), (900, Change::Lost)];
    assert_eq!(run(&mut watchdog, &short, 800, 1000), changes);
    let off = WatchdogSettings { timeout_s: 0.0, ..settings };
    write(&mut watchdog, 1000, &off);
    assert_eq!(run(&mut watchdog, &off, 1000, 5000), [(1000, Change::Back)]);
    assert_eq!(watchdog.view(Tick(5000), &off).state, WatchdogState::Disabled);
}

#[test]
fn an_increment_goes_on_from_the_last_value_also_when_that_was_no_sign_of_life() {
    let settings = WatchdogSettings { kind: HeartbeatKind::Increment, ..SETTINGS };
    let mut watchdog = watchdog();
    watchdog.beat(Tick(1), &settings, Sign::Heartbeat(1000));
    assert_eq!(watchdog.step(Tick(1), &settings), None, "the register held 0");
    watchdog.beat(Tick(2), &settings, Sign::Heartbeat(1001));
    assert_eq!(watchdog.step(Tick(2), &settings), Some(Change::Armed));
}

#[test]
fn nothing_is_watched_before_the_first_sign_of_life_or_without_a_time() {
    let mut watchdog = watchdog();
    watchdog.settings_changed(Tick(1), &SETTINGS);
    assert_eq!(run(&mut watchdog, &SETTINGS, 1, 5000), []);
    let off = WatchdogSettings { timeout_s: 0.0, ..SETTINGS };
    watchdog.settings_changed(Tick(5000), &off);
    watchdog.beat(Tick(5001), &off, Sign::Heartbeat(1));
    assert_eq!(run(&mut watchdog, &off, 5001, 10_000), []);
    let view = watchdog.view(Tick(10_001), &off);
    assert_eq!((view.state, view.losses), (WatchdogState::Disabled, 0));
    assert!((view.age_s - 500.0).abs() < 1e-9 && view.remaining_s <= 0.0);
}

#[test]
fn the_controller_is_late_after_half_of_the_time_and_lost_after_all_of_it_to_the_tick() {
    let mut watchdog = lost(&SETTINGS);
    let view = watchdog.view(Tick(700), &SETTINGS);
    assert_eq!((view.state, view.losses), (WatchdogState::Lost, 1));
    assert!(view.waits_for_setpoint && watchdog.holds_fallback());
    assert_eq!(run(&mut watchdog, &SETTINGS, 701, 5000), [], "it is lost once");
}

#[test]
fn a_sign_of_life_in_the_very_tick_in_which_the_time_runs_out_still_counts() {
    let mut watchdog = armed(&SETTINGS);
    run(&mut watchdog, &SETTINGS, 101, 699);
    watchdog.beat(Tick(700), &SETTINGS, Sign::Heartbeat(2));
    assert_eq!(watchdog.step(Tick(700), &SETTINGS), Some(Change::Armed));
}

#[test]
fn the_time_left_is_the_configured_one_and_the_loss_comes_later_where_the_device_is_slow() {
    // 60 s configured, about 80 s on the device.
    let settings = WatchdogSettings { extra_s: 20.0, ..SETTINGS };
    let mut watchdog = armed(&settings);
    assert!((watchdog.view(Tick(400), &settings).remaining_s - 30.0).abs() < 1e-9);
    let changes = run(&mut watchdog, &settings, 101, 899);
    assert_eq!(changes, [(400, Change::Late)]);
    let view = watchdog.view(Tick(899), &settings);
    assert_eq!(view.state, WatchdogState::Late);
    assert!(view.remaining_s <= 0.0 && (view.age_s - 79.9).abs() < 1e-9);
    assert_eq!(watchdog.step(Tick(900), &settings), Some(Change::Lost));
}

#[test]
fn a_heartbeat_that_returns_brings_the_mode_back_but_never_the_power() {
    let mut watchdog = lost(&SETTINGS);
    watchdog.beat(Tick(800), &SETTINGS, Sign::Heartbeat(2));
    assert_eq!(watchdog.step(Tick(800), &SETTINGS), Some(Change::Back));
    for t in 801..3000 {
        watchdog.beat(Tick(t), &SETTINGS, Sign::Heartbeat(t as u32));
        assert_eq!(watchdog.step(Tick(t), &SETTINGS), None);
    }
    assert!(watchdog.holds_fallback());
    watchdog.fresh_setpoint();
    assert!(!watchdog.holds_fallback());
}

#[test]
fn a_setpoint_that_came_during_the_loss_is_not_fresh_when_the_heartbeat_returns() {
    let mut watchdog = lost(&SETTINGS);
    watchdog.beat(Tick(800), &SETTINGS, Sign::Setpoint);
    watchdog.fresh_setpoint();
    watchdog.beat(Tick(900), &SETTINGS, Sign::Heartbeat(2));
    assert_eq!(watchdog.step(Tick(900), &SETTINGS), Some(Change::Back));
    assert!(watchdog.holds_fallback());
}

#[test]
fn one_write_can_be_the_sign_of_life_and_the_fresh_setpoint() {
    let settings = WatchdogSettings { kind: HeartbeatKind::SetpointRewrite, ..SETTINGS };
    let mut watchdog = lost(&settings);
    watchdog.beat(Tick(800), &settings, Sign::Setpoint);
    watchdog.fresh_setpoint();
    assert_eq!(watchdog.step(Tick(800), &settings), Some(Change::Back));
    assert!(!watchdog.holds_fallback());
}

#[test]
fn with_recovery_by_reset_only_a_sign_of_life_after_the_reset_counts() {
    let settings = WatchdogSettings { recovery: Recovery::Reset, ..SETTINGS };
    let mut watchdog = lost(&settings);
    watchdog.beat(Tick(800), &settings, Sign::Heartbeat(2));
    assert_eq!(watchdog.step(Tick(800), &settings), None);
    watchdog.reset(Tick(810));
    assert_eq!(run(&mut watchdog, &settings, 810, 900), [], "a reset alone is not enough");
    watchdog.beat(Tick(901), &settings, Sign::Heartbeat(3));
    assert_eq!(watchdog.step(Tick(901), &settings), Some(Change::Back));
    assert!(watchdog.holds_fallback());
}

#[test]
fn a_reset_before_a_loss_does_not_count_for_it() {
    let settings = WatchdogSettings { recovery: Recovery::Reset, ..SETTINGS };
    let mut watchdog = armed(&settings);
    watchdog.reset(Tick(101));
    run(&mut watchdog, &settings, 101, 700);
    watchdog.beat(Tick(800), &settings, Sign::Heartbeat(2));
    assert_eq!(watchdog.step(Tick(800), &settings), None);
}

#[test]
fn switching_the_watch_off_ends_a_loss_but_power_waits_for_a_fresh_setpoint() {
    for recovery in [Recovery::Automatic, Recovery::Reset] {
        let settings = WatchdogSettings { recovery, ..SETTINGS };
        let mut watchdog = lost(&settings);
        let off = WatchdogSettings { timeout_s: 0.0, ..settings };
        watchdog.settings_changed(Tick(800), &off);
        assert_eq!(watchdog.step(Tick(800), &off), Some(Change::Back));
        assert_eq!(watchdog.view(Tick(800), &off).state, WatchdogState::Disabled);
        assert!(watchdog.holds_fallback());
        watchdog.fresh_setpoint();
        assert!(!watchdog.holds_fallback());
    }
}

#[test]
fn a_new_time_counts_from_its_write_and_the_same_time_written_again_changes_nothing() {
    let mut watchdog = armed(&SETTINGS);
    let short = WatchdogSettings { timeout_s: 10.0, ..SETTINGS };
    watchdog.settings_changed(Tick(300), &short);
    assert_eq!(run(&mut watchdog, &short, 300, 400), [(350, Change::Late), (400, Change::Lost)]);
    let mut watchdog = armed(&SETTINGS);
    let mut changes = Vec::new();
    for t in 101..=700 {
        watchdog.settings_changed(Tick(t), &SETTINGS);
        changes.extend(watchdog.step(Tick(t), &SETTINGS));
    }
    assert_eq!(changes, [Change::Late, Change::Lost]);
}

/// The ticks from the sign of life to each of the first losses.
fn delays(seed: u64, unit_idx: usize, settings: &WatchdogSettings) -> Vec<u64> {
    let mut watchdog = Watchdog::new(unit_idx, Streams::new(seed));
    let mut now = 1;
    (0..8)
        .map(|n| {
            watchdog.beat(Tick(now), settings, Sign::Heartbeat(n + 1));
            let began = now;
            while watchdog.step(Tick(now), settings) != Some(Change::Lost) {
                now += 1;
            }
            now - began
        })
        .collect()
}

#[test]
fn jitter_is_drawn_for_each_loss_and_the_same_for_the_same_seed_and_unit() {
    let settings = WatchdogSettings { jitter_s: 100.0, ..SETTINGS };
    let first = delays(1, 0, &settings);
    assert_eq!(first, delays(1, 0, &settings));
    assert_ne!(first, delays(2, 0, &settings));
    assert_ne!(first, delays(1, 1, &settings));
    assert!(first.windows(2).any(|pair| pair[0] != pair[1]), "{first:?}");
}

#[test]
fn the_hash_tells_a_watch_that_waits_from_one_that_does_not() {
    let hash = |watchdog: &Watchdog| {
        let mut all = Vec::new();
        watchdog.hash_into(&mut |bytes| all.extend_from_slice(bytes));
        all
    };
    let mut one = lost(&SETTINGS);
    let mut other = one.clone();
    one.beat(Tick(800), &SETTINGS, Sign::Heartbeat(2));
    other.beat(Tick(800), &SETTINGS, Sign::Heartbeat(2));
    assert_eq!(hash(&one), hash(&other));
    other.fresh_setpoint();
    assert_ne!(hash(&one), hash(&other));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Sign(Sign),
    Wait(u64),
    Reset,
    Setpoint,
    Timeout(f64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u32..3).prop_map(|value| Step::Sign(Sign::Heartbeat(value))),
        1 => Just(Step::Sign(Sign::Write)),
        1 => Just(Step::Sign(Sign::Request)),
        1 => Just(Step::Sign(Sign::Setpoint)),
        6 => (1_u64..60).prop_map(Step::Wait),
        1 => Just(Step::Reset),
        1 => Just(Step::Setpoint),
        1 => prop_oneof![Just(0.0), 0.1..5.0_f64].prop_map(Step::Timeout),
    ];
    proptest::collection::vec(step, 1..200)
}
fn settings() -> impl Strategy<Value = WatchdogSettings> {
    (0_usize..6, 0_usize..2, 0.1..5.0_f64, 0.0..2.0_f64, 0.0..2.0_f64).prop_map(
        |(kind, recovery, timeout_s, extra_s, jitter_s)| WatchdogSettings {
            timeout_s,
            kind: HeartbeatKind::ALL[kind].1,
            recovery: Recovery::ALL[recovery].1,
            extra_s,
            jitter_s,
            ..SETTINGS
        },
    )
}

proptest! {
    #[test]
    fn a_loss_comes_neither_before_the_configured_time_nor_after_the_longest_one(
        settings in settings(), seed: u64, beats in proptest::collection::btree_set(1_u64..100, 1..20),
    ) {
        let mut watchdog = Watchdog::new(3, Streams::new(seed));
        let mut lost = 0;
        for t in 1..300 {
            if beats.contains(&t) {
                // Every kind takes one of these.
                for sign in [Sign::Setpoint, Sign::Heartbeat(0), Sign::Heartbeat(0xFFFF)] {
                    watchdog.beat(Tick(t), &settings, sign);
                }
                watchdog.beat(Tick(t), &settings, Sign::Heartbeat(0));
            }
            if watchdog.step(Tick(t), &settings) == Some(Change::Lost) {
                lost += 1;
                let over_s = (t - watchdog.since.0) as f64 / 10.0;
                prop_assert!(over_s + 1e-6 >= settings.timeout_s, "{over_s} {settings:?}");
                let longest_s = settings.timeout_s + settings.extra_s + settings.jitter_s;
                prop_assert!(over_s < longest_s + 0.1, "{over_s} {settings:?}");
            }
        }
        prop_assert!(lost >= 1 && watchdog.losses == lost);
    }

    #[test]
    fn after_a_loss_only_a_fresh_setpoint_ends_the_wait(
        start in settings(), steps in steps(), seed: u64,
    ) {
        let (mut settings, mut now) = (start, Tick(1));
        let mut watchdog = Watchdog::new(0, Streams::new(seed));
        watchdog.settings_changed(now, &settings);
        for step in steps {
            let (waited, was_lost) = (watchdog.holds_fallback(), watchdog.state == WatchdogState::Lost);
            match step {
                Step::Sign(sign) => watchdog.beat(now, &settings, sign),
                Step::Reset => watchdog.reset(now),
                Step::Setpoint => watchdog.fresh_setpoint(),
                Step::Timeout(timeout_s) => {
                    settings.timeout_s = timeout_s;
                    watchdog.settings_changed(now, &settings);
                }
                Step::Wait(ticks) => {
                    for _ in 0..ticks {
                        let losses = watchdog.losses;
                        let change = watchdog.step(now, &settings);
                        prop_assert_eq!(watchdog.losses - losses, u32::from(change == Some(Change::Lost)));
                        now = now.next();
                    }
                }
            }
            let is_lost = watchdog.state == WatchdogState::Lost;
            prop_assert!(!is_lost || watchdog.holds_fallback());
            if waited && !watchdog.holds_fallback() {
                prop_assert!(matches!(step, Step::Setpoint) && !was_lost, "{:?}", step);
            }
        }
    }
}
