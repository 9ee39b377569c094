use super::*;
use bess_core::control::ReversionChange;
use proptest::prelude::*;

/// Active power of 1 MW that reverts to 100 kW after 10 s.
fn control() -> UnitControl {
    let mut control = UnitControl { source: ControlSource::Modbus, ..UnitControl::default() };
    control.active.enabled = true;
    control.active.absolute = 1e6;
    control.active.percent = 7.0;
    control.active_reversion =
        Reversion { time_s: 10, enabled: true, absolute: 1e5, percent: 4.0, over_excited: false };
    control
}
fn run(
    reversions: &mut Reversions,
    control: &mut UnitControl,
    from: u64,
    to: u64,
) -> Vec<(u64, Reverted)> {
    let (mut all, mut out) = (Vec::new(), Vec::new());
    for t in from..=to {
        reversions.step(Tick(t), control, &mut out);
        all.extend(out.drain(..).map(|which| (t, which)));
    }
    all
}
fn started(which: Reverted, control: &UnitControl) -> Reversions {
    let mut reversions = Reversions::default();
    reversions.written(which, Tick(50), control);
    reversions
}

#[test]
fn a_setpoint_that_nobody_rewrites_reverts_once_and_exactly_at_its_time() {
    let mut control = control();
    let mut reversions = started(Reverted::ActivePower, &control);
    let reverted = run(&mut reversions, &mut control, 50, 5000);
    assert_eq!(reverted, [(150, Reverted::ActivePower)]);
    assert!((control.active.target(5e6) - 1e5).abs() < 1e-9);
    assert_eq!(control.source, ControlSource::None);
    assert!((control.active.percent - 7.0).abs() < 1e-12, "the other form stays");
}

#[test]
fn rewriting_the_setpoint_starts_the_time_anew() {
    let mut control = control();
    let mut reversions = started(Reverted::ActivePower, &control);
    for t in (50..1000).step_by(90) {
        reversions.written(Reverted::ActivePower, Tick(t), &control);
        assert_eq!(run(&mut reversions, &mut control, t, t + 89), []);
    }
    assert!((control.active.absolute - 1e6).abs() < 1e-9);
}

#[test]
fn the_time_left_counts_down_and_is_0_where_no_timer_runs() {
    let control = control();
    let reversions = started(Reverted::ActivePower, &control);
    for (now, expected) in [(50, 10.0), (51, 9.9), (149, 0.1), (150, 0.0)] {
        let left = reversions.remaining_s(Tick(now));
        assert!((left[0] - expected).abs() < 1e-9, "{now}: {left:?}");
        assert!(left[1..].iter().all(|left| *left <= 0.0));
    }
}

#[test]
fn no_time_or_a_control_that_is_not_in_force_stops_the_timer() {
    let mut control = control();
    let mut reversions = started(Reverted::ActivePower, &control);
    control.active_reversion.time_s = 0;
    reversions.written(Reverted::ActivePower, Tick(60), &control);
    assert_eq!(run(&mut reversions, &mut control, 60, 500), []);
    control.active_reversion.time_s = 10;
    control.active.enabled = false;
    let mut reversions = started(Reverted::ActivePower, &control);
    assert_eq!(run(&mut reversions, &mut control, 60, 500), []);
}

#[test]
fn a_setpoint_in_percent_reverts_in_percent_and_one_may_revert_to_none_at_all() {
    let mut control = control();
    control.active.mode = SetpointMode::Percent;
    let mut reversions = started(Reverted::ActivePower, &control);
    run(&mut reversions, &mut control, 50, 150);
    assert!((control.active.target(5e6) - 2e5).abs() < 1e-9);
    assert!((control.active.absolute - 1e6).abs() < 1e-9);
    control.active_reversion.enabled = false;
    let mut reversions = started(Reverted::ActivePower, &control);
    run(&mut reversions, &mut control, 50, 150);
    assert!(control.active.target(5e6).abs() < 1e-9);
}

#[test]
fn each_control_reverts_by_its_own_timer_and_touches_no_other() {
    let to =
        Reversion { time_s: 3, enabled: true, absolute: 4e4, percent: 0.9, over_excited: false };
    for which in Reverted::ALL {
        let mut control = UnitControl { source: ControlSource::Rest, ..UnitControl::default() };
        control.active.enabled = true;
        control.reactive.enabled = true;
        control.discharge_limit_enabled = true;
        control.pf_injecting.enabled = true;
        control.pf_absorbing.enabled = true;
        control.active_reversion = to;
        control.reactive_reversion = to;
        control.discharge_limit_reversion = to;
        control.pf_injecting_reversion = to;
        control.pf_absorbing_reversion = to;
        let mut expected = control;
        let factor = PowerFactor { enabled: true, factor: 0.9, over_excited: false };
        match which {
            Reverted::ActivePower => expected.active.absolute = 4e4,
            Reverted::ReactivePower => expected.reactive.absolute = 4e4,
            Reverted::DischargeLimit => expected.discharge_limit_pct = 0.9,
            Reverted::PowerFactorInjecting => expected.pf_injecting = factor,
            Reverted::PowerFactorAbsorbing => expected.pf_absorbing = factor,
        }
        // Who gives the reactive setpoint does not say who gives the active one.
        if which == Reverted::ActivePower {
            expected.source = ControlSource::None;
        }
        let mut reversions = started(which, &control);
        assert_eq!(run(&mut reversions, &mut control, 50, 200), [(80, which)]);
        assert_eq!(control, expected, "{which:?}");
    }
}

#[test]
fn a_power_factor_to_revert_to_that_nobody_set_leaves_the_factor_as_it_is() {
    let mut control = UnitControl {
        pf_injecting: PowerFactor { enabled: true, factor: 0.95, over_excited: true },
        ..UnitControl::default()
    };
    control.pf_injecting_reversion.time_s = 1;
    let mut reversions = started(Reverted::PowerFactorInjecting, &control);
    run(&mut reversions, &mut control, 50, 60);
    assert!(!control.pf_injecting.enabled && (control.pf_injecting.factor - 0.95).abs() < 1e-12);
}

#[test]
fn a_change_concerns_the_timers_of_the_controls_that_it_writes() {
    let touched = |change: ControlChange| Reversions::touched_by(&change).collect::<Vec<_>>();
    let none = ControlChange::default();
    assert_eq!(touched(none), []);
    assert_eq!(touched(ControlChange { controller_heartbeat: Some(1), ..none }), []);
    let power = ControlChange::active_power(bess_core::units::Watts(1.0));
    assert_eq!(touched(power), [Reverted::ActivePower]);
    let both = power.with_reactive_power(bess_core::units::Vars(1.0));
    assert_eq!(touched(both), [Reverted::ActivePower, Reverted::ReactivePower]);
    let limit = ControlChange { discharge_limit_pct: Some(50.0), ..none };
    assert_eq!(touched(limit), [Reverted::DischargeLimit]);
    let times = ReversionChange::from(Reversion::default());
    let all = ControlChange {
        active_reversion: times,
        reactive_reversion: times,
        discharge_limit_reversion: times,
        pf_injecting_reversion: times,
        pf_absorbing_reversion: times,
        ..none
    };
    assert_eq!(touched(all), Reverted::ALL);
    let factor = PowerFactor::default().into();
    let factors = ControlChange { pf_injecting: factor, pf_absorbing: factor, ..none };
    assert_eq!(touched(factors), [Reverted::PowerFactorInjecting, Reverted::PowerFactorAbsorbing]);
}

proptest! {
    #[test]
    fn whatever_is_written_when_each_write_reverts_at_most_once_and_at_its_time(
        time_s in 0_u32..20, writes in proptest::collection::btree_set(1_u64..1000, 0..20),
    ) {
        let mut control = control();
        control.active_reversion.time_s = time_s;
        let (mut reversions, mut out, mut due) = (Reversions::default(), Vec::new(), None);
        for t in 1..2000 {
            if writes.contains(&t) {
                control.active.enabled = true;
                reversions.written(Reverted::ActivePower, Tick(t), &control);
                due = (time_s > 0).then(|| t + 10 * u64::from(time_s));
            }
            let left_s = due.map_or(0.0, |due: u64| (due - t) as f64 / 10.0);
            prop_assert!((reversions.remaining_s(Tick(t))[0] - left_s).abs() < 1e-9);
            out.clear();
            reversions.step(Tick(t), &mut control, &mut out);
            prop_assert_eq!(out.len(), usize::from(due == Some(t)));
            if due == Some(t) {
                due = None;
            }
        }
    }
}
