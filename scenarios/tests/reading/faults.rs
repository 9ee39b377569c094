//! Single faults, as they are asked for one by one.

use super::spec;
use bess_core::id::UnitId;
use bess_scenarios::faults::Target;
use bess_scenarios::format::{Recovery, Value, Who, read_fault};
use std::time::Duration;

fn messages(text: &str) -> Vec<String> {
    let problems = read_fault("body", text, spec()).expect_err(text);
    problems.0.into_iter().map(|problem| problem.message).collect()
}

#[test]
fn a_fault_names_whom_it_hits_and_how() {
    let text = r#"{"kind": "device.cell.internal_short", "target": "unit-002/rack-1/cell-17",
        "with": {"resistance_ohm": "20mohm"}, "duration": "5m", "seed": 7}"#;
    let fault = read_fault("body", text, spec()).unwrap_or_else(|p| panic!("{p}"));
    let unit = UnitId::from_idx(1);
    let cell = Target::Cell { unit, rack_idx: 0, cell_idx: 16 };
    assert!(matches!(&fault.target, Who::Named(targets) if *targets == [cell]));
    assert_eq!(fault.setting("resistance_ohm"), Some(&Value::Number(0.02)));
    assert_eq!((fault.duration, fault.seed), (Some(Duration::from_secs(300)), Some(7)));
    assert_eq!(fault.recovery, Recovery::Auto);
}

#[test]
fn units_are_named_by_number_or_name_once_or_selected() {
    let text = "kind: device.hvac.pump\ntarget: [2, unit-001, unit-002]\n";
    let fault = read_fault("body", text, spec()).unwrap_or_else(|p| panic!("{p}"));
    let units = [0, 1].map(|idx| Target::Unit(UnitId::from_idx(idx)));
    assert!(matches!(&fault.target, Who::Named(targets) if *targets == units));
    let text =
        "kind: device.hvac.pump\ntarget: {kind: unit, match: {expr: truth.soc > 50%}, mode: one}\n";
    let fault = read_fault("body", text, spec()).unwrap_or_else(|p| panic!("{p}"));
    assert!(matches!(fault.target, Who::Selected(_)));
}

#[test]
fn what_is_wrong_with_a_fault_is_told_all_at_once() {
    assert_eq!(
        messages("kind: device.cell.internal_short\ntarget: unit-099\nduration: 5\nwhom: 1\n"),
        [
            "`device.cell.internal_short` needs `resistance_ohm` (resistance of the short: some ohms \
             are soft, some milliohms are hard) in `with`",
            "there is no unit `unit-099`; the farm has units 1 to 10",
            "`duration` must be a duration such as 250ms, 30s or 1h30m, got 5",
            "unknown key `whom`",
        ]
    );
    assert_eq!(messages("kind: device.hvac.pumps\n"), ["there is no fault `device.hvac.pumps`"]);
    assert_eq!(messages("kind: device.hvac.pump\n"), ["this fault lacks a `target`: a unit"]);
    assert_eq!(
        messages("kind: device.hvac.pump\ntarget: unit-001/rack-1\n"),
        ["`device.hvac.pump` is done to a unit, and this target is a rack"]
    );
    assert_eq!(
        messages("kind: device.hvac.pump\ntarget: [unit-001, unit-001/rack-99]\n"),
        ["`unit-001/rack-99`: there is no rack-99, there is rack-1 to rack-12"]
    );
    let missing = &messages("target: unit-001\n")[0];
    assert!(missing.starts_with("the file lacks `kind`: expected one of "), "{missing}");
    assert_eq!(
        messages("kind: device.hvac.pump\ntarget: 1\nduration: 5m\nrecovery: never\n"),
        ["`duration` contradicts `recovery: never`"]
    );
}

#[test]
fn a_sensor_says_by_itself_which_value_a_fault_is_about() {
    let text = "kind: sensor.bias\ntarget: unit-002/rack-1/current_a\nwith: {offset: 15}\n";
    let fault = read_fault("body", text, spec()).unwrap_or_else(|p| panic!("{p}"));
    assert!(
        matches!(&fault.target, Who::Named(targets) if targets[0].to_string() == "unit-002/rack-1/current_a")
    );
    assert_eq!(fault.setting("signal"), None);
    let twice = "kind: sensor.bias\ntarget: unit-002/rack-1/current_a\n\
                 with: {offset: 15, signal: soc}\n";
    assert!(messages(twice)[0].contains("signal"), "{:?}", messages(twice));
    assert_eq!(
        messages("kind: device.hvac.pump\ntarget: unit-001/rack-1/current_a\n"),
        ["`device.hvac.pump` is done to a unit, and this target is a sensor"]
    );
}
