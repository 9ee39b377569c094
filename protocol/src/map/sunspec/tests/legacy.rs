//! The older models: what they show, and the controls of 123 and 124.

use super::bench::Bench;
use crate::map::Refusal;
use crate::map::sunspec::{Profile, unit_chain};
use bess_core::command::{Command, SetpointMode, UnitAction};
use bess_core::snapshot::UnitState;
use bess_core::units::Watts;
use proptest::prelude::*;

fn bench() -> Bench {
    Bench::new(|design| unit_chain(design, Profile::Legacy))
}

#[test]
fn the_older_models_show_the_unit() {
    let bench = bench();
    for (name, value) in [
        ("103.W", 1_000_000.0),
        ("103.VAr", -200_000.0),
        // Discharging and absorbing reactive power.
        ("103.PF", 98.06),
        ("103.Hz", 50.01),
        ("103.A", 2_560.0),
        ("103.DCA", 742.0),
        ("103.DCW", 1_020_000.0),
        ("103.TmpSnk", 41.5),
        ("103.St", 4.0),
        ("120.DERTyp", 82.0),
        ("120.WRtg", 2_500_000.0),
        ("120.PFRtgQ1", -0.898),
        ("120.PFRtgQ4", 0.898),
        ("120.VArRtgQ4", -1_210_000.0),
        ("121.WMax", 2_500_000.0),
        ("121.VRef", 690.0),
        ("121.VMax", 759.0),
        ("121.ECPNomHz", 50.0),
        ("122.PVConn", 0.0),
        ("122.StorConn", 7.0),
        ("122.ECPConn", 1.0),
        ("122.WAval", 2_500_000.0),
        ("122.Tms", 753_315_200.0),
        ("122.Ris", 1_000_000.0),
        ("123.Conn", 1.0),
        ("123.WMaxLimPct", 100.0),
        ("123.WMaxLim_Ena", 0.0),
        ("123.OutPFSet", -1.0),
        ("124.ChaState", 63.5),
        ("124.InBatV", 1_375.3),
        ("124.ChaSt", 3.0),
        ("124.StorCtl_Mod", 0.0),
        ("124.OutWRte", 100.0),
        ("124.InWRte", 100.0),
    ] {
        let shown = bench.value(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!((shown - value).abs() < 1e-9, "{name} is {shown}");
    }
    let mut charging = bench;
    let ac = &mut charging.snapshot.units[0].ac;
    ac.active_power = Watts(-1_000_000.0);
    assert_eq!(charging.value("103.PF"), Some(-98.06), "both flow in");
}

#[test]
fn the_output_is_limited_by_model_123() {
    let mut bench = bench();
    bench.set("123.WMaxLimPct", 40.0);
    assert!(!bench.control().discharge_limit_enabled, "not in force yet");
    assert_eq!(bench.value("123.WMaxLimPct"), Some(40.0));
    bench.set("123.WMaxLim_Ena", 1.0);
    let control = bench.control();
    assert_eq!((control.discharge_limit_enabled, control.discharge_limit_pct), (true, 40.0));
    bench.set("123.WMaxLimPct_RvrtTms", 60.0);
    let reversion = bench.control().discharge_limit_reversion;
    assert_eq!((reversion.time_s, reversion.enabled), (60, false));
    // Value, times and switch in one request; the times between are not there.
    let limit = bench.field("123.WMaxLimPct").address;
    assert_eq!(bench.field("123.WMaxLim_Ena").address, limit + 4);
    bench.write("123.WMaxLimPct", &[7_000, 0xFFFF, 30, 0xFFFF, 1]);
    assert_eq!(bench.control().discharge_limit_pct, 70.0);
    assert_eq!(bench.control().discharge_limit_reversion.time_s, 30);
    // Whoever else changes the cap is shown.
    bench.snapshot.units[0].control.discharge_limit_pct = 12.5;
    assert_eq!(bench.value("123.WMaxLimPct"), Some(12.5));
    bench.set("123.WMaxLim_Ena", 0.0);
    assert!(!bench.control().discharge_limit_enabled);
    for (name, word) in
        [("123.WMaxLimPct", 10_001), ("123.WMaxLimPct", 0xFFFF), ("123.WMaxLim_Ena", 2)]
    {
        assert_eq!(bench.try_write(name, &[word]), Err(Refusal::Value), "{word} to {name}");
    }
    assert_eq!(bench.try_write("123.WMaxLimPct_WinTms", &[5]), Err(Refusal::Address));
}

#[test]
fn reactive_power_and_power_factor_are_those_of_model_123() {
    let mut bench = bench();
    bench.set("123.VArMaxPct", -25.0);
    bench.set("123.VArPct_Ena", 1.0);
    let reactive = bench.control().reactive;
    assert_eq!((reactive.enabled, reactive.mode), (true, SetpointMode::Percent));
    assert_eq!((reactive.percent, bench.value("123.VArPct_Ena")), (-25.0, Some(1.0)));
    assert_eq!(bench.try_write("123.VArPct_Mod", &[1]), Err(Refusal::Value));
    bench.set("123.VArPct_Mod", 2.0);
    bench.set("123.VArPct_RvrtTms", 20.0);
    assert_eq!(bench.control().reactive_reversion.time_s, 20);

    // Negative is over-excited.
    bench.set("123.OutPFSet", -0.95);
    bench.set("123.OutPFSet_Ena", 1.0);
    bench.set("123.OutPFSet_RvrtTms", 45.0);
    let control = bench.control();
    for setting in [control.pf_injecting, control.pf_absorbing] {
        assert_eq!((setting.enabled, setting.factor, setting.over_excited), (true, 0.95, true));
    }
    assert_eq!(control.pf_absorbing_reversion.time_s, 45);
    assert_eq!(bench.value("123.OutPFSet"), Some(-0.95));
    bench.set("123.OutPFSet", 0.9);
    assert!(!bench.control().pf_injecting.over_excited);
    for word in [0, 1_001, (-1_001i16) as u16] {
        assert_eq!(bench.try_write("123.OutPFSet", &[word]), Err(Refusal::Value), "{word}");
    }
}

#[test]
fn connecting_starts_a_unit_and_disconnecting_stops_it() {
    let mut bench = bench();
    let mut asked = |state, word| {
        bench.snapshot.units[0].state = state;
        match bench.try_write("123.Conn", &[word]).unwrap().unwrap() {
            Command::OperateUnit { action, .. } => Some(action),
            _ => None,
        }
    };
    assert_eq!(asked(UnitState::Running, 1), None);
    assert_eq!(asked(UnitState::Running, 0), Some(UnitAction::Stop));
    assert_eq!(asked(UnitState::Off, 1), Some(UnitAction::Start));
}

/// Setpoint in force in percent, cap of discharge where there is one, cap of charge.
fn done(bench: &Bench) -> (Option<f64>, Option<f64>, f64) {
    let control = bench.control();
    let active = control.active;
    if active.enabled {
        assert_eq!(active.mode, SetpointMode::Percent);
    }
    (
        active.enabled.then_some(active.percent),
        control.discharge_limit_enabled.then_some(control.discharge_limit_pct),
        control.charge_limit_pct,
    )
}

#[test]
fn modes_of_the_battery_as_an_ems_writes_them() {
    let mut bench = bench();
    let mut write = |sequence: &[(&str, f64)]| {
        for (name, value) in sequence {
            bench.set(&format!("124.{name}"), *value);
        }
        done(&bench)
    };
    // Hold: no discharge, charge as it comes.
    let hold = [("StorCtl_Mod", 2.0), ("OutWRte", 0.0), ("InOutWRte_RvrtTms", 0.0)];
    assert_eq!(write(&hold), (None, Some(0.0), 100.0));
    // Charge with 80 %: a negative rate of discharge.
    let charge = [("ChaGriSet", 1.0), ("StorCtl_Mod", 2.0), ("OutWRte", -80.0)];
    assert_eq!(write(&charge), (Some(-80.0), Some(0.0), 100.0));
    // Back to normal: the setpoint that the rate made goes, too.
    let normal = [("ChaGriSet", 0.0), ("StorCtl_Mod", 0.0), ("OutWRte", 100.0)];
    assert_eq!(write(&normal), (None, None, 100.0));
    // Discharge with all: a negative rate of charge, put in force last.
    let discharge =
        [("StorCtl_Mod", 0.0), ("InWRte", -100.0), ("OutWRte", 100.0), ("StorCtl_Mod", 3.0)];
    assert_eq!(write(&discharge), (Some(100.0), Some(100.0), 0.0));
    // Charge at most with 30 %.
    let gently = [("StorCtl_Mod", 1.0), ("InWRte", 30.0)];
    assert_eq!(write(&gently), (None, None, 30.0));
    assert_eq!(write(&[("StorCtl_Mod", 0.0)]), (None, None, 100.0));
    assert_eq!(bench.value("124.InWRte"), Some(30.0), "it is kept for the next time");
}

#[test]
fn the_lower_cap_of_discharge_wins_and_one_that_goes_leaves_the_other() {
    let mut bench = bench();
    bench.set("123.WMaxLimPct", 60.0);
    bench.set("123.WMaxLim_Ena", 1.0);
    bench.set("124.OutWRte", 25.0);
    bench.set("124.StorCtl_Mod", 2.0);
    assert_eq!(done(&bench), (None, Some(25.0), 100.0));
    assert_eq!(bench.value("123.WMaxLimPct"), Some(60.0), "as it was written");
    bench.set("124.StorCtl_Mod", 0.0);
    assert_eq!(done(&bench), (None, Some(60.0), 100.0));
    bench.set("123.WMaxLim_Ena", 0.0);
    assert_eq!(done(&bench), (None, None, 100.0));
}

#[test]
fn what_somebody_else_does_with_the_unit_shows_and_is_left_alone() {
    let mut bench = bench();
    bench.set("124.OutWRte", -50.0);
    bench.set("124.StorCtl_Mod", 2.0);
    // Somebody takes the setpoint over: the rate is no longer what the unit does.
    let control = &mut bench.snapshot.units[0].control;
    control.active.mode = SetpointMode::Absolute;
    control.active.absolute = 7.0;
    assert_eq!(bench.value("124.StorCtl_Mod"), Some(0.0));
    assert_eq!(bench.value("124.OutWRte"), Some(100.0));
    bench.set("124.StorCtl_Mod", 0.0);
    assert!(bench.control().active.enabled, "its setpoint stays");
    // A cap of charge that somebody set shows as one.
    bench.snapshot.units[0].control.charge_limit_pct = 20.0;
    bench.snapshot.units[0].control.discharge_limit_enabled = true;
    assert_eq!(
        (bench.value("124.StorCtl_Mod"), bench.value("124.InWRte")),
        (Some(1.0), Some(20.0))
    );
    assert_eq!(bench.value("123.WMaxLim_Ena"), Some(1.0));
}

#[test]
fn times_of_reversion_are_those_of_the_cap_and_the_setpoint_and_none_of_a_cap_of_charge() {
    let mut bench = bench();
    bench.set("124.OutWRte", -50.0);
    bench.set("124.StorCtl_Mod", 2.0);
    bench.set("124.InOutWRte_RvrtTms", 90.0);
    let control = bench.control();
    assert_eq!(control.discharge_limit_reversion.time_s, 90);
    assert_eq!((control.active_reversion.time_s, control.active_reversion.enabled), (90, false));
    assert_eq!(bench.value("124.InOutWRte_RvrtTms"), Some(90.0));
    // Charge with 30 % at most, for a time: nothing of a unit does that.
    bench.set("124.StorCtl_Mod", 1.0);
    let before = bench.control();
    let words = bench.encoded("124.InWRte", 30.0);
    assert_eq!(bench.try_write("124.InWRte", &words), Err(Refusal::Value));
    assert_eq!(bench.control().charge_limit_pct, before.charge_limit_pct);
    bench.set("124.InOutWRte_RvrtTms", 0.0);
    bench.set("124.InWRte", 30.0);
    assert_eq!(bench.try_write("124.InOutWRte_RvrtTms", &[60]), Err(Refusal::Value));
}

#[test]
fn rates_that_contradict_each_other_or_are_beyond_the_rating_are_refused() {
    let mut bench = bench();
    let before = bench.control();
    for (name, word) in [
        ("124.StorCtl_Mod", 4),
        ("124.StorCtl_Mod", 0xFFFF),
        ("124.OutWRte", 10_001),
        ("124.InWRte", (-10_001i16) as u16),
        ("124.InWRte", 0x8000),
        ("124.ChaGriSet", 2),
        ("124.MinRsvPct", 10_001),
    ] {
        assert_eq!(bench.try_write(name, &[word]), Err(Refusal::Value), "{word} to {name}");
    }
    for name in ["124.WChaMax", "124.WChaGra", "124.ChaState", "120.WRtg", "124.InOutWRte_WinTms"] {
        assert_eq!(bench.try_write(name, &[1]), Err(Refusal::Address), "{name}");
    }
    let both = [(-1_000i16) as u16, (-1_000i16) as u16];
    bench.write("124.OutWRte", &both);
    assert_eq!(bench.try_write("124.StorCtl_Mod", &[3]), Err(Refusal::Value), "both at once");
    assert_eq!(bench.control(), before);
    bench.set("124.MinRsvPct", 12.5);
    assert_eq!(bench.control().soc_min, 0.125);
}

proptest! {
    #[test]
    fn what_was_written_is_read_and_the_unit_stays_within_both_rates(
        writes in prop::collection::vec((0usize..5, -110i16..=110), 1..12),
    ) {
        let names = ["123.WMaxLimPct", "123.WMaxLim_Ena", "124.StorCtl_Mod", "124.OutWRte", "124.InWRte"];
        let mut bench = bench();
        for (index, value) in writes {
            let name = names[index];
            let value = if index == 1 || index == 2 { value.rem_euclid(4) } else { value };
            let words = bench.encoded(name, f64::from(value));
            if bench.try_write(name, &words).is_err() {
                continue;
            }
            prop_assert_eq!(bench.words(name), words, "{}", name);
            let (forced, discharge, charge) = done(&bench);
            let of = |name: &str| bench.value(name).unwrap();
            let mode = of("124.StorCtl_Mod") as u16;
            if mode & 1 != 0 {
                prop_assert!(charge <= of("124.InWRte").max(0.0));
            }
            if mode & 2 != 0 {
                prop_assert!(discharge.unwrap() <= of("124.OutWRte").max(0.0));
            }
            if of("123.WMaxLim_Ena") > 0.0 {
                prop_assert!(discharge.unwrap() <= of("123.WMaxLimPct"));
            }
            let is_forced = mode & 1 != 0 && of("124.InWRte") < 0.0 || mode & 2 != 0 && of("124.OutWRte") < 0.0;
            prop_assert_eq!(forced.is_some(), is_forced);
        }
    }
}
