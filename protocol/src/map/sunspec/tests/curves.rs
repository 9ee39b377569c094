//! Curves: what the first shows, what is staged, and what is adopted or not.

use super::bench::{Bench, MISSING};
use crate::map::Refusal;
use crate::map::sunspec::{Profile, unit_chain};
use bess_core::command::{Command, PowerPriority};
use bess_core::control::{CurveFunction, FunctionName, FunctionSet, UnitFunctions};
use bess_core::role::Role;
use proptest::prelude::*;
use std::sync::Arc;

fn bench() -> Bench {
    Bench::new(|design| unit_chain(design, Profile::Standard))
}

const IN_PROGRESS: i64 = 0;
const COMPLETED: i64 = 1;
const FAILED: i64 = 2;

/// Points of a curve as its registers show them, in their units.
fn points(bench: &Bench, curve: &str, x: &str, y: &str) -> Vec<(f64, f64)> {
    let n = bench.raw(&format!("{curve}.ActPt"));
    let value = |index, name| bench.value(&format!("{curve}.Pt[{index}].{name}")).unwrap();
    (1..=n).map(|index| (value(index, x), value(index, y))).collect()
}

/// Writes points, each register alone and without a check.
fn stage(bench: &mut Bench, curve: &str, (x, y): (&str, &str), points: &[(f64, f64)]) {
    for (index, point) in (1..).zip(points) {
        bench.set(&format!("{curve}.Pt[{index}].{x}"), point.0);
        bench.set(&format!("{curve}.Pt[{index}].{y}"), point.1);
    }
    bench.set(&format!("{curve}.ActPt"), points.len() as f64);
}

#[test]
fn the_first_curve_shows_what_the_function_has_and_is_read_only() {
    let mut bench = bench();
    let defaults = UnitFunctions::default();
    let trips = bench.functions().trips.clone();
    assert_eq!(bench.functions(), &UnitFunctions { trips, ..defaults.clone() });
    for (curve, x, y, curve_of_function) in [
        ("705.Crv[1]", "V", "Var", &defaults.volt_var),
        ("706.Crv[1]", "V", "W", &defaults.volt_watt),
        ("712.Crv[1]", "W", "Var", &defaults.watt_var),
    ] {
        // In whole hundredths of a percent.
        let pct = |share: &f64| (share * 1e4).round() / 100.0;
        let expected: Vec<_> =
            curve_of_function.points.iter().map(|(x, y)| (pct(x), pct(y))).collect();
        assert_eq!(points(&bench, curve, x, y), expected, "{curve}");
        assert_eq!(bench.raw(&format!("{curve}.ReadOnly")), 1);
        // Beyond the points of the curve there are none.
        let beyond = format!("{curve}.Pt[{}].{x}", expected.len() + 1);
        assert_eq!(bench.value(&beyond), None, "{beyond}");
        for of_it in [format!("{curve}.ActPt"), format!("{curve}.Pt[1].{x}")] {
            assert_eq!(bench.try_write(&of_it, &[3]), Err(Refusal::Address), "{of_it}");
        }
        let model = &curve[..3];
        assert_eq!(bench.raw(&format!("{model}.NPt")), 20, "{model}");
        assert_eq!(bench.raw(&format!("{model}.NCrv")), 3, "{model}");
        assert_eq!(bench.raw(&format!("{model}.AdptCrvReq")), 1, "{model}");
        assert_eq!(bench.raw(&format!("{model}.AdptCrvRslt")), COMPLETED, "{model}");
    }
    assert_eq!(bench.raw("705.Crv[1].DeptRef"), 1, "percent of the largest reactive power");
    assert_eq!(bench.value("705.Crv[1].RspTms"), Some(5.0));
    assert_eq!((bench.value("705.Crv[1].VRef"), bench.raw("705.Crv[1].Pri")), (Some(100.0), 0));
    assert_eq!((bench.raw("705.Crv[1].VRefAuto"), bench.raw("705.RvrtCrv")), (MISSING, MISSING));
    let droop = ["DbOf", "DbUf", "KOf", "KUf", "RspTms", "PMin"]
        .map(|name| bench.value(&format!("711.Ctl[1].{name}")).unwrap());
    assert_eq!(droop, [0.036, 0.036, 0.05, 0.05, 5.0, -100.0]);
    assert_eq!((bench.raw("711.NCtl"), bench.raw("711.AdptCtlRslt")), (3, COMPLETED));

    // Whoever changes the function, the first curve follows and the stored ones do not.
    let functions = Arc::make_mut(&mut bench.snapshot.functions[0]);
    functions.volt_watt = CurveFunction { points: vec![(1.0, 0.5), (1.2, 0.25)], response_s: 1.5 };
    let shown = points(&bench, "706.Crv[1]", "V", "W");
    assert_eq!(shown, [(100.0, 50.0), (120.0, 25.0)]);
    assert_eq!(bench.value("706.Crv[1].RspTms"), Some(1.5));
    assert_eq!(points(&bench, "706.Crv[2]", "V", "W")[0], (106.0, 100.0));
}

#[test]
fn a_stored_curve_takes_any_word_and_holds_the_farm_files_where_none_was_written() {
    let mut bench = bench();
    let settings = bench.functions().clone();
    for word in [0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF] {
        for name in ["705.Crv[2].Pt[3].V", "705.Crv[2].Pt[20].Var", "705.Crv[2].DeptRef"] {
            let command = bench.try_write(name, &[word]).unwrap();
            // Nothing for the loop but a sign of life.
            let Some(Command::ControlUnit { change, .. }) = command else { panic!("{command:?}") };
            assert_eq!(change, bess_core::command::ControlChange::default());
            assert_eq!(bench.raw(name), i64::from(word), "{name}");
        }
    }
    bench.write("705.Crv[3].RspTms", &[1, 2]);
    assert_eq!(bench.words("705.Crv[3].RspTms"), [1, 2]);
    assert_eq!(bench.value("705.Crv[2].Pt[1].V"), Some(92.0), "as in the farm file");
    assert_eq!(bench.value("705.Crv[3].Pt[3].V"), Some(102.0), "each curve for itself");
    assert_eq!(bench.raw("705.Crv[2].ReadOnly"), 0);
    assert_eq!(bench.try_write("705.Crv[3].RspTms", &[1]), Err(Refusal::Value), "half of it");
    assert_eq!(bench.functions(), &settings);
}

#[test]
fn a_curve_that_is_adopted_becomes_that_of_the_function() {
    let mut bench = bench();
    let volt_var = [(90.0, 60.0), (97.5, 10.0), (103.25, -10.0)];
    stage(&mut bench, "705.Crv[2]", ("V", "Var"), &volt_var);
    bench.set("705.Crv[2].RspTms", 12.34);
    bench.set("705.Crv[2].Pri", 1.0);
    bench.set("705.AdptCrvReq", 2.0);
    assert_eq!((bench.raw("705.AdptCrvReq"), bench.raw("705.AdptCrvRslt")), (2, COMPLETED));
    let adopted = bench.functions().volt_var.clone();
    assert_eq!(adopted.points, [(0.9, 0.6), (0.975, 0.1), (1.0325, -0.1)]);
    assert_eq!(adopted.response_s, 12.34);
    assert_eq!(bench.control().priority, PowerPriority::Reactive);
    assert_eq!(points(&bench, "705.Crv[1]", "V", "Var"), volt_var);
    assert_eq!((bench.raw("705.Crv[1].Pri"), bench.raw("704.VarSetPri")), (1, 1));

    stage(&mut bench, "706.Crv[3]", ("V", "W"), &[(105.0, 100.0), (109.0, 20.0)]);
    bench.set("706.AdptCrvReq", 3.0);
    assert_eq!(bench.functions().volt_watt.points, [(1.05, 1.0), (1.09, 0.2)]);
    assert_eq!(bench.functions().volt_watt.response_s, 10.0, "as in the farm file");

    stage(&mut bench, "712.Crv[2]", ("W", "Var"), &[(-100.0, 25.0), (0.0, 0.0), (100.0, -25.0)]);
    bench.set("712.AdptCrvReq", 2.0);
    assert_eq!(bench.functions().watt_var.points, [(-1.0, 0.25), (0.0, 0.0), (1.0, -0.25)]);
    assert_eq!(bench.functions().watt_var.response_s, 10.0, "the model has none");

    for (name, value) in
        [("DbOf", 0.017), ("DbUf", 0.2), ("KOf", 0.02), ("KUf", 0.0333), ("RspTms", 0.5)]
    {
        bench.set(&format!("711.Ctl[3].{name}"), value);
    }
    bench.set("711.AdptCtlReq", 3.0);
    let droop = bench.functions().frequency_droop;
    assert_eq!((droop.over_deadband_hz, droop.under_deadband_hz), (0.017, 0.2));
    assert_eq!((droop.over_droop, droop.under_droop, droop.response_s), (0.02, 0.0333, 0.5));
    assert_eq!(bench.value("711.Ctl[1].KUf"), Some(0.0333));

    // A stored curve that nobody wrote to is that of the farm file.
    bench.set("705.AdptCrvReq", 3.0);
    assert_eq!(bench.functions().volt_var, UnitFunctions::default().volt_var);
    assert_eq!(bench.control().priority, PowerPriority::Reactive, "nobody wrote it there");
    // The first is in force.
    let before = bench.functions().clone();
    bench.set("705.AdptCrvReq", 1.0);
    assert_eq!((bench.functions(), bench.raw("705.AdptCrvRslt")), (&before, COMPLETED));
}

#[test]
fn the_points_of_the_request_itself_are_those_that_are_adopted() {
    let mut bench = bench();
    // The request comes before the points that it names: from 711.AdptCtlReq to the second control.
    let from = bench.field("711.AdptCtlReq").address;
    let to = bench.field("711.Ctl[2].ReadOnly").address;
    let sight = bench.device.sight(&bench.snapshot);
    let mut block = bench.device.layout.read(sight, from, to - from).unwrap();
    block[0] = 2;
    let at = usize::from(bench.field("711.Ctl[2].KOf").address - from);
    block[at] = 200;
    assert_eq!(bench.try_write("711.AdptCtlReq", &block), Err(Refusal::Address), "the result");
    // What is read only ends the block: the function is switched and adopts in one request.
    bench.write("711.Ctl[2].KOf", &block[at..at + 1]);
    let command = bench.try_write("711.Ena", &[1, 2]).unwrap();
    let Some(Command::Batch(commands)) = command else { panic!("{command:?}") };
    assert_eq!(commands.len(), 2, "one letter: the switch and the settings");
    assert_eq!(bench.functions().frequency_droop.over_droop, 0.02);
    assert!(bench.control().functions.has(FunctionName::FrequencyDroop));
}

#[test]
fn a_curve_in_percent_of_something_else_is_converted_or_fails() {
    let mut bench = bench();
    // 2.5 MW, 2.75 MVA, 1.21 Mvar: 44 % of the apparent power are the whole reactive power.
    for (reference, pct, share) in
        [(3.0, 44.0, 1.0), (3.0, 22.0, 0.5), (0.0, 24.2, 0.5), (0.0, 48.4, 1.0), (1.0, 50.0, 0.5)]
    {
        stage(&mut bench, "705.Crv[2]", ("V", "Var"), &[(95.0, pct), (105.0, -pct)]);
        bench.set("705.Crv[2].DeptRef", reference);
        bench.set("705.AdptCrvReq", 2.0);
        assert_eq!(bench.raw("705.AdptCrvRslt"), COMPLETED, "{pct} % of {reference}");
        let adopted = &bench.functions().volt_var.points;
        assert!((adopted[0].1 - share).abs() < 1e-12, "{pct} % of {reference}: {adopted:?}");
        assert_eq!(bench.raw("705.Crv[1].DeptRef"), 1, "as a unit has it");
        assert_eq!(bench.value("705.Crv[1].Pt[1].Var"), Some(share * 100.0));
    }
    for (model, reference) in [("705", 2.0), ("712", 2.0), ("706", 1.0), ("705", 4.0)] {
        bench.set(&format!("{model}.Crv[2].DeptRef"), reference);
        bench.set(&format!("{model}.AdptCrvReq"), 2.0);
        assert_eq!(bench.raw(&format!("{model}.AdptCrvRslt")), FAILED, "{model} {reference}");
    }
}

#[test]
fn what_a_unit_is_rated_down_to_is_what_a_curve_in_percent_of_it_is_converted_by() {
    let mut bench = bench();
    bench.set("702.WMax", 2_000_000.0);
    bench.set("702.VarMaxInj", 800_000.0);
    bench.set("702.VarMaxAbs", 400_000.0);
    stage(&mut bench, "705.Crv[2]", ("V", "Var"), &[(95.0, 10.0), (105.0, -10.0)]);
    bench.set("705.Crv[2].DeptRef", 0.0);
    bench.set("705.AdptCrvReq", 2.0);
    // 200 kvar either way: a quarter of what may be injected, half of what may be absorbed.
    assert_eq!(bench.functions().volt_var.points, [(0.95, 0.25), (1.05, -0.5)]);
}

#[test]
fn a_curve_that_the_function_cannot_have_fails_and_changes_nothing() {
    let settings = bench().functions().clone();
    let cases: [(&str, &[(&str, u16)]); 14] = [
        ("705", &[("Crv[2].ActPt", 1)]),
        ("705", &[("Crv[2].ActPt", 0)]),
        ("705", &[("Crv[2].ActPt", 21)]),
        ("705", &[("Crv[2].ActPt", 0xFFFF)]),
        // More points than were ever written.
        ("705", &[("Crv[2].ActPt", 5)]),
        // The voltage does not rise; the reactive power does; beyond the largest.
        ("705", &[("Crv[2].Pt[2].V", 9_000)]),
        ("705", &[("Crv[2].Pt[2].Var", 10_000), ("Crv[2].Pt[1].Var", 9_000)]),
        ("705", &[("Crv[2].Pt[1].Var", 10_001)]),
        ("705", &[("Crv[2].Pt[1].V", 0xFFFF)]),
        ("705", &[("Crv[2].VRef", 9_900)]),
        ("705", &[("Crv[2].VRefAutoEna", 1)]),
        ("705", &[("Crv[2].Pri", 2)]),
        // A cap of discharge is not negative.
        ("706", &[("Crv[2].Pt[2].W", (-1_000i16) as u16)]),
        ("712", &[("Crv[2].Pt[1].W", (-10_001i16) as u16)]),
    ];
    for (model, words) in cases {
        let mut bench = bench();
        for (name, word) in words {
            bench.write(&format!("{model}.{name}"), &[*word]);
        }
        // The switch of the same request does not land either.
        let (ena, result) = (format!("{model}.Ena"), format!("{model}.AdptCrvRslt"));
        bench.write(&ena, &[1, 2]);
        assert_eq!(bench.raw(&result), FAILED, "{model} {words:?}");
        assert_eq!(bench.functions(), &settings, "{model} {words:?}");
        assert_eq!(bench.control().functions, FunctionSet::default(), "{model} {words:?}");
        for (name, word) in words {
            assert_eq!(bench.raw(&format!("{model}.{name}")), i64::from(*word), "it stays staged");
        }
        bench.set(&format!("{model}.AdptCrvReq"), 3.0);
        assert_eq!(bench.raw(&result), COMPLETED, "the next one may be good");
    }
    let mut bench = bench();
    bench.set("711.Ctl[2].PMin", 0.0);
    bench.set("711.AdptCtlReq", 2.0);
    assert_eq!(bench.raw("711.AdptCtlRslt"), FAILED);
    bench.set("711.Ctl[2].PMin", -100.0);
    bench.write("711.Ctl[2].KUf", &[0]);
    bench.set("711.AdptCtlReq", 2.0);
    assert_eq!((bench.raw("711.AdptCtlRslt"), bench.functions()), (FAILED, &settings));
}

#[test]
fn a_request_for_a_curve_that_there_is_not_is_refused() {
    let mut bench = bench();
    for (name, word) in [
        ("705.AdptCrvReq", 0),
        ("705.AdptCrvReq", 4),
        ("706.AdptCrvReq", 0xFFFF),
        ("711.AdptCtlReq", 4),
        ("705.Ena", 2),
    ] {
        assert_eq!(bench.try_write(name, &[word]), Err(Refusal::Value), "{word} to {name}");
    }
    for name in ["705.AdptCrvRslt", "705.NPt", "705.V_SF", "705.Crv[2].ReadOnly"] {
        assert_eq!(bench.try_write(name, &[7]), Err(Refusal::Address), "{name}");
    }
    // No reversion of curves.
    assert_eq!(bench.try_write("705.RvrtTms", &[0, 60]), Err(Refusal::Address));
    assert_eq!(bench.raw("705.AdptCrvReq"), 1);
}

#[test]
fn the_switch_of_a_model_turns_its_function_on_and_what_it_excludes_off() {
    let mut bench = bench();
    let is_on = |bench: &Bench, names: [&str; 4]| names.map(|name| bench.raw(name));
    let names = ["705.Ena", "706.Ena", "711.Ena", "712.Ena"];
    assert_eq!(is_on(&bench, names), [0, 0, 0, 0]);
    for name in ["705.Ena", "706.Ena", "711.Ena"] {
        bench.write(name, &[1]);
    }
    assert_eq!(is_on(&bench, names), [1, 1, 1, 0]);
    bench.write("712.Ena", &[1]);
    assert_eq!(is_on(&bench, names), [0, 1, 1, 1], "two masters of one power");
    let mut response = bench.control();
    response.functions = response.functions.with(FunctionName::FrequencyResponse);
    bench.snapshot.units[0].control = response;
    assert_eq!(bench.raw("711.Ena"), 0);
    bench.write("711.Ena", &[1]);
    assert!(!bench.control().functions.has(FunctionName::FrequencyResponse));
    // Curve 0 of a droop or of watt-var is none.
    bench.write("712.AdptCrvReq", &[0]);
    assert_eq!((bench.raw("712.Ena"), bench.raw("712.AdptCrvReq")), (0, 0));
    assert_eq!(bench.try_write("711.Ena", &[1, 0]), Err(Refusal::Value), "on and none at once");
    assert_eq!(bench.raw("711.Ena"), 1);
    bench.write("711.Ena", &[0, 0]);
    assert_eq!(bench.raw("711.Ena"), 0);
}

#[test]
fn switching_is_for_operators_and_curves_are_for_engineers() {
    let mut bench = bench();
    assert!(bench.try_write_as(Role::Operator, "705.Ena", &[1]).is_ok());
    for (name, words) in [
        ("705.AdptCrvReq", &[1][..]),
        ("705.Crv[2].ActPt", &[3]),
        ("711.Ctl[2].KOf", &[300]),
        ("802.SoCRsvMin", &[500]),
        ("707.Ena", &[0]),
        ("702.WMax", &[20_000]),
        ("703.ES", &[0]),
        ("704.WRmp", &[5]),
    ] {
        let refused = bench.try_write_as(Role::Operator, name, words);
        assert_eq!(refused, Err(Refusal::Role), "{name}");
        assert!(bench.try_write_as(Role::Engineer, name, words).is_ok(), "{name}");
    }
    assert!(bench.try_write_as(Role::Operator, "704.WSetRvrtTms", &[0, 60]).is_ok());
}

#[test]
fn a_change_that_no_snapshot_shows_yet_is_in_progress() {
    let bench = bench();
    let pending = &bench.device.desk.pending;
    let change = bess_core::control::FunctionsChange {
        volt_var: Some(UnitFunctions::default().volt_var),
        ..Default::default()
    };
    let unit = bench.device.unit.unwrap();
    let publication = bench.snapshot.publication;
    let ticket =
        pending.add(publication, Command::ConfigureUnit { unit, change: Box::new(change) });
    assert_eq!(bench.raw("705.AdptCrvRslt"), IN_PROGRESS);
    assert_eq!(bench.raw("706.AdptCrvRslt"), COMPLETED, "another function");
    pending.applied(ticket, publication);
    assert_eq!(bench.raw("705.AdptCrvRslt"), COMPLETED);
}

/// The trips of a set, in the units of their registers.
fn trips(bench: &Bench, set: &str) -> Vec<(f64, f64)> {
    let threshold = if set.starts_with("707") || set.starts_with("708") { "V" } else { "Hz" };
    points(bench, &format!("{set}.MustTrip"), threshold, "Tms")
}

#[test]
fn the_first_set_shows_the_trips_that_are_set_and_is_read_only() {
    let mut bench = bench();
    assert_eq!(trips(&bench, "707.Crv[1]"), [(50.0, 2.0), (88.0, 21.0)]);
    assert_eq!(trips(&bench, "708.Crv[1]"), [(120.0, 0.16), (110.0, 13.0)]);
    assert_eq!(trips(&bench, "709.Crv[1]"), [(46.5, 0.16), (48.5, 300.0)]);
    assert_eq!(trips(&bench, "710.Crv[1]"), [(52.0, 0.16), (51.2, 300.0)]);
    assert_eq!(points(&bench, "707.Crv[1].MomCess", "V", "Tms"), [(50.0, 0.0)]);
    for curve in ["707.Crv[1].MayTrip", "708.Crv[1].MomCess", "710.Crv[3].MayTrip"] {
        assert_eq!(bench.raw(&format!("{curve}.ActPt")), 0, "{curve}");
    }
    for model in ["707", "708", "709", "710"] {
        let of = |name: &str| bench.raw(&format!("{model}.{name}"));
        assert_eq!((of("Ena"), of("NPt"), of("NCrvSet")), (1, 10, 3), "{model}");
        assert_eq!((of("Crv[1].ReadOnly"), of("Crv[2].ReadOnly")), (1, 0), "{model}");
        assert_eq!((of("AdptCrvReq"), of("AdptCrvRslt")), (1, COMPLETED), "{model}");
        for name in ["AdptCrvRslt", "Crv[1].MustTrip.ActPt", "Crv[2].MayTrip.ActPt"] {
            let name = format!("{model}.{name}");
            assert_eq!(bench.try_write(&name, &[9]), Err(Refusal::Address), "{name}");
        }
    }
    // Whoever changes them: the registers follow the settings and not the farm file.
    let functions = Arc::make_mut(&mut bench.snapshot.functions[0]);
    functions.trips.over_frequency.points = vec![(51.5, 0.1)];
    functions.trips.over_frequency.enabled = false;
    functions.trips.cessation_below_pu = 0.0;
    assert_eq!((trips(&bench, "710.Crv[1]"), bench.raw("710.Ena")), (vec![(51.5, 0.1)], 0));
    assert_eq!(bench.raw("707.Crv[1].MomCess.ActPt"), 0);
    assert_eq!(bench.value("707.Crv[1].MomCess.Pt[1].V"), None);
    assert_eq!(trips(&bench, "710.Crv[2]"), [(52.0, 0.16), (51.2, 300.0)], "as in the farm file");
}

#[test]
fn a_set_of_trips_that_is_adopted_becomes_that_of_its_side_alone() {
    let mut bench = bench();
    let before = bench.functions().trips.clone();
    stage(&mut bench, "707.Crv[2].MustTrip", ("V", "Tms"), &[(45.0, 0.5), (80.0, 10.0)]);
    bench.set("707.Crv[2].MomCess.Pt[1].V", 40.0);
    assert_eq!(bench.functions().trips, before, "staged is not adopted");
    bench.set("707.AdptCrvReq", 2.0);
    assert_eq!(bench.raw("707.AdptCrvRslt"), COMPLETED);
    let set = bench.functions().trips.clone();
    assert_eq!(set.under_voltage.points, [(0.45, 0.5), (0.8, 10.0)]);
    assert!(set.under_voltage.enabled);
    assert_eq!(set.cessation_below_pu, 0.4);
    assert_eq!(
        (&set.over_voltage, &set.under_frequency),
        (&before.over_voltage, &before.under_frequency)
    );
    assert_eq!(trips(&bench, "707.Crv[1]"), [(45.0, 0.5), (80.0, 10.0)]);
    // 0.8 of 690 V is where it does not stay on for ever; the rating is that of the farm file.
    assert_eq!((bench.value("702.VMin"), bench.value("702.VMinRtg")), (Some(552.0), Some(607.2)));

    stage(&mut bench, "709.Crv[3].MustTrip", ("Hz", "Tms"), &[(47.125, 0.2)]);
    // Adopted and switched off in one request.
    bench.write("709.Ena", &[0, 3]);
    let side = &bench.functions().trips.under_frequency;
    assert_eq!((side.enabled, &side.points[..]), (false, &[(47.125, 0.2)][..]));
    assert_eq!((bench.raw("709.Ena"), bench.raw("710.Ena")), (0, 1));
    bench.write("709.Ena", &[1]);
    assert!(bench.functions().trips.under_frequency.enabled);

    // No points, no trips and no cessation; then those of the farm file again.
    bench.write("707.Crv[2].MustTrip.ActPt", &[0]);
    bench.write("707.Crv[2].MomCess.ActPt", &[0]);
    bench.set("707.AdptCrvReq", 2.0);
    assert!(bench.functions().trips.under_voltage.points.is_empty());
    assert_eq!(bench.functions().trips.cessation_below_pu, 0.0);
    assert_eq!(bench.value("702.VMin"), None);
    bench.set("707.AdptCrvReq", 3.0);
    assert_eq!(bench.functions().trips.under_voltage, before.under_voltage);
    assert_eq!(bench.functions().trips.cessation_below_pu, before.cessation_below_pu);
}

#[test]
fn a_set_of_trips_that_a_unit_cannot_have_fails_and_changes_nothing() {
    /// Words written from a point on.
    type Staged = (&'static str, &'static [u16]);
    let settings = bench().functions().clone();
    let cases: [(&str, &[Staged]); 9] = [
        // On the wrong side of nominal; out of order; more points than were ever written.
        ("707", &[("Crv[2].MustTrip.Pt[1].V", &[10_100])]),
        ("708", &[("Crv[2].MustTrip.Pt[1].V", &[9_900])]),
        ("707", &[("Crv[2].MustTrip.Pt[1].Tms", &[0, 9_000])]),
        ("707", &[("Crv[2].MustTrip.ActPt", &[3])]),
        ("707", &[("Crv[2].MustTrip.ActPt", &[11])]),
        ("709", &[("Crv[2].MustTrip.Pt[2].Hz", &[0, 50_001])]),
        // Longer than 1000 s.
        ("710", &[("Crv[2].MustTrip.Pt[2].Tms", &[1, 60_000])]),
        // It ceases at once, at one voltage.
        ("707", &[("Crv[2].MomCess.Pt[1].Tms", &[0, 5])]),
        ("707", &[("Crv[2].MomCess.ActPt", &[2])]),
    ];
    for (model, writes) in cases {
        let mut bench = bench();
        for (name, words) in writes {
            bench.write(&format!("{model}.{name}"), words);
        }
        // The switch of the same request does not land either.
        bench.write(&format!("{model}.Ena"), &[0, 2]);
        assert_eq!(bench.raw(&format!("{model}.AdptCrvRslt")), FAILED, "{model} {writes:?}");
        assert_eq!(bench.functions(), &settings, "{model} {writes:?}");
        bench.set(&format!("{model}.AdptCrvReq"), 3.0);
        assert_eq!(bench.raw(&format!("{model}.AdptCrvRslt")), COMPLETED);
    }
    let mut bench = bench();
    for (name, word) in [("707.AdptCrvReq", 0), ("707.AdptCrvReq", 4), ("708.Ena", 2)] {
        assert_eq!(bench.try_write(name, &[word]), Err(Refusal::Value), "{word} to {name}");
    }
}

#[test]
fn trips_that_were_accepted_and_that_no_snapshot_shows_yet_read_as_switched() {
    let bench = bench();
    let pending = &bench.device.desk.pending;
    let mut change = bess_core::control::FunctionsChange::default();
    change.trips.over_voltage.enabled = Some(false);
    let unit = bench.device.unit.unwrap();
    let publication = bench.snapshot.publication;
    let command = Command::ConfigureUnit { unit, change: Box::new(change) };
    let ticket = pending.add(publication, Command::Batch(vec![command]));
    assert_eq!((bench.raw("708.Ena"), bench.raw("707.Ena")), (0, 1));
    assert_eq!(bench.raw("708.AdptCrvRslt"), COMPLETED, "no curve is on its way");
    pending.refused(ticket);
    assert_eq!(bench.raw("708.Ena"), 1);
}

proptest! {
    #[test]
    fn what_any_registers_of_a_curve_hold_is_adopted_as_it_is_shown_or_not_at_all(
        model in prop_oneof![Just("705"), Just("706"), Just("712")],
        words in prop::collection::vec(
            (0usize..50, prop_oneof![0u16..5, 8_000u16..11_000, any::<u16>()]), 0..8),
    ) {
        let mut bench = bench();
        let from = bench.field(&format!("{model}.Crv[2].ActPt")).address;
        let to = bench.field(&format!("{model}.Crv[3].ActPt")).address;
        for (skip, word) in words {
            let at = from + skip as u16 % (to - from);
            bench.device.desk.stage(&[(at, word)]);
        }
        let before = bench.functions().clone();
        bench.set(&format!("{model}.AdptCrvReq"), 2.0);
        let (x, y) = match model { "705" => ("V", "Var"), "706" => ("V", "W"), _ => ("W", "Var") };
        if bench.raw(&format!("{model}.AdptCrvRslt")) == FAILED {
            prop_assert_eq!(bench.functions(), &before);
            return Ok(());
        }
        let (stored, shown) = (format!("{model}.Crv[2]"), format!("{model}.Crv[1]"));
        prop_assert_eq!(bench.raw(&format!("{stored}.ActPt")), bench.raw(&format!("{shown}.ActPt")));
        let reference = bench.raw(&format!("{stored}.DeptRef"));
        if reference == bench.raw(&format!("{shown}.DeptRef")) {
            prop_assert_eq!(points(&bench, &stored, x, y), points(&bench, &shown, x, y));
        }
    }
}
