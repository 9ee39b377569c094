//! One bad file for each rule, with its message, its hint and its place.

use super::{WHOLE, read, read_with};

/// Refused after `from` became `to`: a problem with this message and hint, on the line where they differ
/// or on the line of what must then be wrong.
#[track_caller]
fn refused(from: &str, to: &str, message: &str, hint: Option<&str>) {
    assert!(WHOLE.contains(from), "the scenario has no {from:?}");
    let text = WHOLE.replacen(from, to, 1);
    let problems = read("s.yaml", &text).expect_err(to);
    let problem = problems.0.iter().find(|problem| problem.message.contains(message));
    let problem = problem.unwrap_or_else(|| panic!("{to:?} drew no {message:?} but\n{problems}"));
    assert!(hint.is_none_or(|hint| problem.hint.as_deref() == Some(hint)), "{problem}");
    assert!(problem.line > 0, "{problem}");
}

#[test]
fn names_that_nobody_knows_are_refused_with_a_guess() {
    refused(
        "severity: minor",
        "severty: minor",
        "unknown key `severty` in `metadata`",
        Some("did you mean `severity`?"),
    );
    refused(
        "target: cell\n",
        "target: cel\n",
        "there is no target `cel`",
        Some("did you mean `cell`?"),
    );
    refused(
        "after: {action: short, delay",
        "after: {action: shot, delay",
        "there is no action `shot`",
        Some("did you mean `short`?"),
    );
    refused(
        "action: device.hvac.pump",
        "action: device.hvac.pmp",
        "there is no action `device.hvac.pmp`",
        Some("did you mean `device.hvac.pump`?"),
    );
    refused(
        "signal: farm.active_power_w, to: 2kW",
        "signal: farm.activ_power_w, to: 2kW",
        "farm.activ_power_w",
        Some("did you mean `farm.active_power_w`?"),
    );
    refused(
        "kind: within",
        "kind: witin",
        "`expectations[0].kind` must be one of within, always, never, eventually, sequence, settles, count, got \"witin\"",
        Some("did you mean `within`?"),
    );
    refused(
        "event: contactor.open",
        "event: contactor.opend",
        "there is no event `contactor.opend`",
        Some("did you mean `contactor.open`?"),
    );
    refused(
        "unit-003]",
        "unit-099]",
        "there is no unit `unit-099`; the farm has units 1 to 10",
        None,
    );
    refused(
        "${short_ohm * 2}",
        "${shrt_ohm * 2}",
        "there is no parameter `shrt_ohm`",
        Some("did you mean `short_ohm`?"),
    );
    refused("@victim\"]", "@victims\"]", "there is no target `victims`", None);
}

#[test]
fn units_and_ranges_are_checked() {
    refused(
        "to: 2, over",
        "to: 5MW, over",
        "`timeline[2].with.delay_s.ramp.to`: \"5MW\": `MW` is another quantity; expected a duration such as 250ms, 30s or 1h30m",
        None,
    );
    refused(
        "value: 10%",
        "value: 10",
        "`timeline[2].with.probability.steps[0].value` must be a number from 0 to 1, got 10",
        Some("did you write a percentage? 10 % is written \"10%\""),
    );
    refused(
        "duration: 1h\n",
        "duration: 60\n",
        "`duration` must be a duration such as 250ms, 30s or 1h30m, got 60",
        Some("write a unit: 60s"),
    );
    refused(
        "window: 20s",
        "window: -20s",
        "`steadyState.window` must be a duration such as 250ms, 30s or 1h30m, got \"-20s\"",
        Some("it cannot be negative"),
    );
    refused("tolerance: 50kW", "tolerance: 50Hz", "`Hz` is another quantity than W", None);
    refused("to: 2kW", "to: 2s", "the signal is in W, and what it settles at in s", None);
    refused(
        "soc: 60%",
        "soc: 60",
        "`initial[0].set.soc` must be a number from 0 to 1, got 60",
        Some("did you write a percentage? 60 % is written \"60%\""),
    );
    refused(
        "default: 0.02",
        "default: 20",
        "`params.short_ohm.default` must be from 0.001 to 10, got 20",
        None,
    );
    refused(
        "default: 2, min",
        "default: 2.5, min",
        "`params.units.default` must be a whole number: its type is int",
        None,
    );
    refused(
        "value: 25%",
        "value: 250",
        "`targets.some.value` must be a percentage up to 100: 25 or 25%",
        None,
    );
    refused(
        "rack: 2, cell: 17",
        "rack: 200, cell: 17",
        "`targets.cell.match.rack` must be from 1 to 12, got 200",
        None,
    );
    refused(
        "speed: 30",
        "speed: 0",
        "`clock.speed` must be a number from 0.01 to 10000, got 0",
        None,
    );
    refused(
        "{dist: uniform, min: 0, max: 500ms}",
        "{dist: uniform, min: 1s, max: 500ms}",
        "`max` 0.5 is less than `min` 1",
        None,
    );
    refused(
        "{after: 1m, value: 0.5}",
        "{after: 0s, value: 0.5}",
        "times must increase from step to step",
        None,
    );
    refused(
        "sampleEvery: 200ms",
        "sampleEvery: 20ms",
        "samples are a tick, 100ms, apart at least",
        None,
    );
    refused(
        "apiVersion: bess/v1",
        "apiVersion: bess/v2",
        "`apiVersion` must be \"bess/v1\", got \"bess/v2\"",
        Some("did you mean `bess/v1`?"),
    );
    refused(
        "id: whole-language",
        "id: Whole_Language",
        "`metadata.id` must be an id: lower-case words joined by hyphens, got \"Whole_Language\"",
        None,
    );
}

#[test]
fn what_contradicts_itself_is_refused() {
    refused(
        "    at: 60s\n",
        "    at: 60s\n    after: {action: pump}\n",
        "`at` and `after` exclude each other",
        Some("one of `at`, `after`, `when`"),
    );
    refused("    at: 60s\n", "", "one of `at`, `after`, `when` is needed", None);
    refused(
        "recovery: never",
        "recovery: never\n    duration: 5m",
        "`timeline[0].duration` contradicts `recovery: never`",
        Some("leave one of them out"),
    );
    refused(
        "with: {action: reset_alarms}",
        "with: {action: reset_alarms}\n    duration: 5m",
        "`timeline[4].duration` is of faults",
        Some("this action is done at once: leave it out"),
    );
    refused(
        "mode: accelerated, speed: 30",
        "mode: realtime, speed: 30",
        "`clock.speed` is of an accelerated clock",
        Some("mode: accelerated"),
    );
    refused(
        "mode: accelerated, speed: 30",
        "mode: accelerated",
        "an accelerated clock needs a `speed`",
        Some("speed: 30"),
    );
    refused(
        "near: cell, radius: 3",
        "radius: 3",
        "`targets.around.radius` is of `near`",
        Some("leave it out, or say near what"),
    );
    refused(
        "mode: fixed, value: \"${units}\"",
        "mode: fixed",
        "the mode fixed needs a `value`",
        None,
    );
    refused(
        "farm: {kind: farm}",
        "farm: {kind: farm, value: 3}",
        "`targets.farm.value` is of the modes fixed, percent and random-max-percent",
        Some("leave it out, or choose one of these"),
    );
    refused("min: 0, max: 12}", "min: 13, max: 12}", "`max` 12 is less than `min` 13", None);
    refused("min: 0, max: 12}", "min: 0}", "`min: 0` holds whatever happens", None);
    refused(
        "window: 5m, min: 0, max: 12}",
        "window: 5m}",
        "a count needs `min`, `max` or both",
        None,
    );
    refused(
        "kind: never, expr",
        "kind: never, within: 5s, expr",
        "unknown key `within` in `expectations[2]`",
        None,
    );
    refused(
        "match: {signal: current_a, rack: 1}",
        "match: {rack: 1}",
        "a sensor is chosen by `match: {signal: …}`",
        None,
    );
    refused(
        "farm: {kind: farm}",
        "farm: {kind: farm, match: {rack: 1}}",
        "`targets.farm.match.rack` does not concern a farm",
        Some("it is for targets of kind rack, cell, sensor"),
    );
    refused(
        "cell: {kind: cell, of: victim",
        "cell: {kind: cell, of: sensor",
        "a cell is no part of a sensor, which `sensor` is",
        None,
    );
    refused(
        "around: {kind: cell, near: cell",
        "around: {kind: cell, near: victim",
        "only cells are near to each other",
        None,
    );
    refused(
        "    target: victim\n    duration: 10m",
        "    target: cell\n    duration: 10m",
        "`device.hvac.pump` is done to a unit, and this target is a cell",
        None,
    );
    refused(
        "    target: victim\n    duration: 10m",
        "    duration: 10m",
        "`device.hvac.pump` lacks a `target`: a unit",
        None,
    );
    refused(
        "    with: {resistance_ohm: \"${short_ohm * 2}\"}\n",
        "",
        "`device.cell.internal_short` needs `resistance_ohm` (resistance of the short: some ohms are soft, some milliohms are hard) in `with`",
        None,
    );
    refused(
        "sut: {mode: external, expectClients: 2",
        "sut: {mode: none, expectClients: 2",
        "nobody attaches where the system under test is `none`",
        None,
    );
    refused(
        "{action: pump, edge: end}",
        "{event: grid.outage, edge: end}",
        "`timeline[3].after.edge` is of an action",
        Some("leave it out"),
    );
}

#[test]
fn what_can_never_come_is_refused() {
    refused(
        "at: 20m",
        "at: 70m",
        "`reset` begins at 1h10m or later: the scenario ends at 1h",
        None,
    );
    refused(
        "    duration: 10m",
        "    duration: 2h",
        "`pump` ends at 2h3m or later: the scenario ends at 1h",
        None,
    );
    refused(
        "delay: \"${wait + 30s}\"",
        "delay: 59m",
        "`pump` begins at 1h or later: the scenario ends at 1h",
        None,
    );
    refused(
        "    at: 60s\n",
        "    after: {action: pump}\n",
        "the action `short` waits for itself",
        None,
    );
    refused(
        "{action: pump, edge: end}",
        "{action: short, edge: end}",
        "`short` has no end before that of the scenario",
        Some("give it a `duration`"),
    );
    refused(
        "within: 3m, for: 5s",
        "within: 58m, for: 5s",
        "`noticed` is decided at 1h1m or later: the scenario ends at 1h",
        None,
    );
    refused(
        "after: {action: reset, delay: 10s}",
        "after: {action: reset, delay: 50m}",
        "`held` is asked from at 1h10m or later: the scenario ends at 1h",
        None,
    );
    refused(
        "of: victim, match: {rack: 2",
        "of: around, match: {rack: 2",
        "the target `cell` is chosen by itself",
        None,
    );
    refused("timeout: 30m", "timeout: 2h", "the scenario ends before that", None);
}

#[test]
fn what_is_there_twice_is_refused() {
    refused("- id: reset\n", "- id: pump\n", "there is another action `pump`", None);
    refused("id: noticed", "id: follows", "there is another check `follows`", None);
    refused("formats: [junit, json]", "formats: [junit, junit]", "\"junit\" is there twice", None);
    refused("seed: 18446744073709551615\n", "seed: 1\nseed: 2\n", "`seed` is there twice", None);
}

#[test]
fn every_problem_comes_at_once_in_the_order_of_the_text() {
    let text = WHOLE
        .replace("seed: 18446744073709551615", "seed: -1")
        .replace("title: ", "titel: ")
        .replace("action: device.hvac.pump", "action: device.hvac.pmp")
        .replace("farm.frequency_hz < ${50", "farm.frequency_hz < ${fifty")
        .replace("policy: deviated", "policy: sometimes");
    let problems = read("s.yaml", &text).expect_err("five things are wrong").0;
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`metadata` lacks `title`: expected a text",
            "unknown key `titel` in `metadata`",
            "`seed` must be a whole number from 0 to 18446744073709551615, got -1",
            "there is no action `device.hvac.pmp`",
            "there is no parameter `fifty`",
            "`rollback.policy` must be one of always, deviated, never, got \"sometimes\"",
        ]
    );
}

#[test]
fn a_wrong_expression_is_underlined_in_its_text_behind_parameters_and_folds() {
    let place = |text: &str| {
        let problems = read("s.yaml", text).expect_err("a wrong name").0;
        assert_eq!(problems.len(), 1, "{}", problems[0]);
        let problem = &problems[0];
        let line: Vec<char> = problem.source_line.chars().collect();
        line[problem.column - 1..][..problem.width].iter().collect::<String>()
    };
    let from = "\"farm.frequency_hz < ${50 - 0.5}\"";
    let with = |expr: &str| WHOLE.replace(from, expr);
    assert_eq!(place(&with("farm.frequenzy_hz < 50")), "farm.frequenzy_hz");
    assert_eq!(place(&with("\"${50 - 0.5} > farm.frequenzy_hz\"")), "farm.frequenzy_hz");
    assert_eq!(
        place(&with("'farm.voltage_pu > 0 and farm.frequenzy_hz < 50'")),
        "farm.frequenzy_hz"
    );
    let when = "when: {expr: \"farm.frequency_hz < ${50 - 0.5}\", for: 2s, timeout: 30m}";
    let folded = "when:\n      expr: >\n        grid.frequency_hz < ${50 - 0.5}\n        and farm.frequenzy_hz < 50";
    assert!(WHOLE.contains(when));
    assert_eq!(place(&WHOLE.replace(when, folded)), "farm.frequenzy_hz");
}

#[test]
fn a_parameter_is_set_by_its_type_and_within_its_range() {
    let message = |name: &str, value: &str| {
        let problems = read_with("s.yaml", WHOLE, &[(name, value)]).expect_err(value).0;
        assert_eq!(problems.len(), 1, "{}", problems[0]);
        let problem = problems[0].clone();
        assert_eq!(problem.file, format!("--set {name}={value}"));
        (problem.message, problem.hint)
    };
    let (refused, hint) = message("unit", "3");
    assert_eq!(refused, "there is no parameter `unit`");
    assert_eq!(hint.as_deref(), Some("did you mean `units`?"));
    assert_eq!(message("units", "3.5").0, "`units` must be a whole number, got \"3.5\"");
    assert_eq!(message("units", "5").0, "`units` must be from 1 to 4, got 5");
    let (refused, hint) = message("wait", "90");
    assert_eq!(refused, "`wait` must be a duration, got \"90\"");
    assert_eq!(hint.as_deref(), Some("write it with a unit: 250ms, 30s, 1h30m"));
    assert_eq!(message("wait", "1h").0, "`wait` must be from 1s to 10m, got 1h");
    assert_eq!(message("short_ohm", "inf").0, "`short_ohm` must be a number, got \"inf\"");
    assert_eq!(message("shadow", "yes").0, "`shadow` must be true or false, got \"yes\"");
}

#[test]
fn what_is_recorded_has_a_signal_of_that_name() {
    let recorded = |to: &str, message: &str, hint: Option<&str>| {
        refused("record: [\"farm.*\"", &format!("record: [\"{to}\""), message, hint);
    };
    recorded("nosuch.*", "no signal is called `nosuch.*`", None);
    recorded(
        "farm.activ_power_w",
        "no signal is called `farm.activ_power_w`",
        Some("did you mean `farm.active_power_w`?"),
    );
    for good in ["*", "unit.truth.*", "shadow.farm.*_w", "active_power_w@victim"] {
        let text = WHOLE.replace("record: [\"farm.*\"", &format!("record: [\"{good}\""));
        read("s.yaml", &text).unwrap_or_else(|problems| panic!("{good}: {problems}"));
    }
}

#[test]
fn a_check_that_can_say_nothing_is_refused() {
    let fixed = "it says nothing";
    refused("expr: max(truth.cell_temperature_max_degc) > 200", "expr: 1 == 1", fixed, None);
    refused("expr: \"min(truth.soc) > 5%\"", "expr: not (abs(-2) > 3)", fixed, None);
    let nobody =
        WHOLE.replace("{mode: external, expectClients: 2, attachTimeout: 2m}", "{mode: none}");
    read("s.yaml", &nobody).expect("a should is left out then");
    let must = nobody.replace("target=slow)', severity: should}", "target=slow)'}");
    assert_ne!(nobody, must);
    let problems = read("s.yaml", &must).expect_err("nobody is there");
    assert!(problems.to_string().contains("nobody is there who could"), "{problems}");
}

#[test]
fn more_units_than_there_are_are_refused() {
    let message = "`99` of 10 units is more than all of them";
    refused("mode: fixed, value: \"${units}\"", "mode: fixed, value: 99", message, None);
}

#[test]
fn one_mistake_is_one_problem() {
    for wrong in ["duration: 300", "duration: -5m", "duration: 100000000000d"] {
        let text = WHOLE.replace("duration: 1h\n", &format!("{wrong}\n"));
        let problems = read("s.yaml", &text).expect_err(wrong);
        assert_eq!(problems.0.len(), 1, "{problems}");
    }
    let pump = "    target: victim\n    duration: 10m\n    recovery: manual\n";
    let with = format!("    with: {{a: 3}}\n{pump}");
    refused(pump, &with, "unknown key `a`", Some("there are no keys here: leave it out"));
}

#[test]
fn what_lasts_by_itself_has_an_end_without_a_duration() {
    let dip = "action: grid.dip\n    target: grid\n    with: {pu: 0.5, for_s: 2s}\n  - id: pump-is-back\n    after: {action: dip, edge: end}";
    let text = WHOLE
        .replace("  farm: {kind: farm}\n", "  farm: {kind: farm}\n  grid: {kind: grid}\n")
        .replace(
            "  - id: pump-is-back\n    after: {action: pump, edge: end}",
            &format!("  - id: dip\n    at: 30m\n    {dip}"),
        );
    read("s.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
}
