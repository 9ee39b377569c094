use super::*;
use bess_core::command::UnitAction;
use bess_core::control::{ControlChange, FrequencyResponse, FunctionName, FunctionsChange};
use bess_core::stage::{CheckState, Effect, Phase};
use bess_core::units::Watts;

/// A pump that fails for 5 s, 3 s after the begin, with one expectation.
fn pump(expectation: &str) -> String {
    scenario(&format!(
        "timeline:\n  \
           - {{id: pump, at: 3s, action: device.hvac.pump, target: one, duration: 5s}}\n\
         expectations:\n  - {expectation}\n"
    ))
}

fn verdict_of(text: &str) -> (Verdict, String) {
    let mut play = Play::new(3);
    play.start(text);
    play.verdict()
}

const ALARM: &str = "{id: told, kind: within, after: {action: pump}, within: 2s, \
                     expr: \"alarm(one, cooling_failed)\", severity: must}";

#[test]
fn a_fault_begins_and_ends_at_its_time_and_what_it_must_bring_about_is_seen() {
    let mut play = Play::new(3);
    play.start(&pump(ALARM));
    let report = play.end();
    assert_eq!((report.verdict, report.reason.as_str()), (Verdict::Passed, ""));
    // The look at the steady state begins with tick 1 and lasts 10 more; the zero is the end of 11.
    let zero = 11;
    assert_eq!(play.pumps(true), [zero + 31]);
    assert_eq!(play.pumps(false), [zero + 81]);
    let action = &report.actions[0];
    assert_eq!((action.id.as_str(), action.effect), ("pump", Effect::Confirmed));
    let time = &action.times[0];
    assert_eq!((time.from_s, time.until_s, time.confirmed_s), (3.0, Some(8.0), Some(3.1)));
    assert_eq!(time.hits[0].target, "unit-001");
    assert_eq!(action.stands_for, ["told"]);
    let check = check(&report, "told");
    assert_eq!(
        (check.state, check.from_s, check.decided_s),
        (CheckState::Passed, Some(3.0), Some(3.1))
    );
    assert_eq!((report.end_s, report.duration_s), (20.0, 20.0));
    let alarm = &report.alarms[0];
    assert_eq!((alarm.of.as_str(), alarm.code, alarm.from_s), ("unit-001", "cooling_failed", 3.1));
    assert!((alarm.until_s.expect("gone") - 8.1).abs() < 1e-9);
}

#[test]
fn a_fault_that_bites_nothing_makes_what_stands_on_it_invalid_and_not_passed() {
    let never = "{id: calm, kind: never, after: {action: pump}, expr: \"farm.active_power_w > 1MW\", \
                 severity: must}";
    let (verdict, _) = verdict_of(&pump(never));
    assert_eq!(verdict, Verdict::Passed);
    let mut play = Play::new(3);
    play.pumps_tell = false;
    play.start(&pump(never));
    let (verdict, reason) = play.verdict();
    assert_eq!(verdict, Verdict::Invalid);
    assert_eq!(reason, "calm stands on pump, whose effect is no_effect");
    assert_eq!(play.report().actions[0].effect, Effect::NoEffect);
}

#[test]
fn a_must_that_does_not_hold_fails_and_a_should_does_not() {
    for (severity, expected) in [("must", Verdict::Failed), ("should", Verdict::Passed)] {
        let text = format!(
            "{{id: gone, kind: within, after: {{action: pump}}, within: 2s, \
             expr: \"farm.active_power_w > 1MW\", severity: {severity}}}"
        );
        let (verdict, reason) = verdict_of(&pump(&text));
        assert_eq!(verdict, expected, "{reason}");
        if severity == "must" {
            let text = "gone: not in time: farm.active_power_w = 0 W";
            assert_eq!(reason, text);
        }
    }
}

#[test]
fn what_is_not_there_is_inconclusive_and_makes_a_must_invalid() {
    let absent = "{id: set, kind: always, after: {action: pump}, expr: \"farm.setpoint_w < 1MW\", \
                  severity: must}";
    let (verdict, reason) = verdict_of(&pump(absent));
    assert_eq!(verdict, Verdict::Invalid);
    assert!(reason.starts_with("set is inconclusive"), "{reason}");
}

#[test]
fn a_farm_that_is_not_steady_is_not_tested() {
    let text = scenario(QUIET).replace(
        STEADY,
        "timeout: 2s, checks: [{id: busy, modes: [SoT], expr: \"farm.active_power_w > 1MW\", severity: must}]",
    );
    let mut play = Play::new(2);
    play.start(&text);
    let (verdict, reason) = play.verdict();
    assert_eq!(verdict, Verdict::Invalid);
    assert_eq!(reason, "the farm did not become steady: busy did not hold");
    assert_eq!(play.seen.tick.0 - 100, 1 + 30, "the window and the time to become so");
}

#[test]
fn the_farm_must_be_steady_for_the_whole_window_without_a_break() {
    let text = scenario(
        "timeline: [{id: here, at: 0s, action: control.mark, with: {name: here}}]\n",
    )
    .replace(
        STEADY,
        "timeout: 60s, checks: [{id: calm, modes: [SoT], expr: \"farm.active_power_w < 1MW\", \
             severity: must}]",
    );
    let mut play = Play::new(2);
    play.start(&text);
    for tick in 1..=30 {
        play.tick(|play| {
            let power = if tick == 8 { 2e6 } else { 0.0 };
            play.seen.farm.active_power = Watts(power);
        });
    }
    let report = play.end();
    assert_eq!(report.verdict, Verdict::Passed);
    // Broken in tick 8, steady since its end: the zero is 10 ticks later.
    assert_eq!(report.start_s, -1.8);
    let mark = report.events.iter().find(|event| event.kind == "mark").expect("told");
    assert_eq!((mark.at_s, mark.text.as_str()), (0.0, "here"));
}

#[test]
fn a_condition_to_abort_ends_the_run_and_its_faults() {
    let more = "timeline:\n  - {id: pump, at: 1s, action: device.hvac.pump, target: one}\n\
                abort: [{when: \"farm.active_power_w > 1MW\", for: 500ms, reason: too much}]\n";
    let mut play = Play::new(2);
    play.start(&scenario(more));
    play.seconds(5);
    play.seen.farm.active_power = Watts(2e6);
    play.seconds(1);
    let report = play.report();
    assert_eq!((report.verdict, report.reason.as_str()), (Verdict::Aborted, "too much"));
    assert_eq!(report.end_s, 4.5, "half a second after it came true");
    assert_eq!(play.pumps(false).len(), 1);
}

#[test]
fn rollback_ends_faults_as_it_says_and_what_never_recovers_stays() {
    let more = |policy: &str, recovery: &str| {
        scenario(&format!(
            "timeline:\n  - {{id: pump, at: 1s, action: device.hvac.pump, target: one, recovery: {recovery}}}\n\
             rollback: {{policy: {policy}}}\n"
        ))
    };
    for (policy, recovery, ended) in [
        ("always", "auto", 1),
        ("never", "auto", 0),
        ("deviated", "auto", 0),
        ("always", "never", 0),
    ] {
        let mut play = Play::new(2);
        play.start(&more(policy, recovery));
        assert_eq!(play.verdict().0, Verdict::Passed);
        play.seconds(1);
        assert_eq!(play.pumps(false).len(), ended, "{policy} {recovery}");
        let view = play.stage.view();
        let active = view.faults.iter().filter(|fault| fault.is_active).count();
        assert_eq!(active, 1 - ended, "{policy} {recovery}");
        if ended == 0 {
            play.ask(&StageRequest::EndFault("run/pump".to_owned())).expect("it may be ended");
            assert_eq!(play.pumps(false).len(), 1);
        }
    }
}

#[test]
fn actions_follow_each_other_and_conditions() {
    let more = "timeline:\n  \
        - {id: first, at: 2s, action: device.hvac.pump, target: one, duration: 2s}\n  \
        - {id: second, after: {action: first, delay: 1s}, action: device.hvac.pump, target: two, duration: 1s}\n  \
        - {id: third, when: {expr: \"farm.active_power_w > 1MW\", for: 300ms}, action: device.hvac.pump, target: three}\n  \
        - {id: never, when: {expr: \"farm.active_power_w > 9MW\", timeout: 4s}, action: control.mark, with: {name: x}}\n";
    let text = scenario(more).replace(
        "  everybody:",
        "  two: {kind: unit, match: {units: [unit-002]}, mode: all}\n  \
           three: {kind: unit, match: {units: [unit-003]}, mode: all}\n  everybody:",
    );
    let mut play = Play::new(3);
    play.start(&text);
    for tick in 1..=300 {
        play.tick(|play| {
            let power = if tick >= 11 + 100 { 2e6 } else { 0.0 };
            play.seen.farm.active_power = Watts(power);
        });
    }
    let report = play.report();
    let begun = |place: usize| report.actions[place].times.first().map(|time| time.from_s);
    assert_eq!([begun(0), begun(1), begun(2), begun(3)], [Some(2.0), Some(3.0), Some(10.3), None]);
    assert_eq!(report.actions[3].left_out, "what it waits for did not come in time");
}

#[test]
fn events_in_order_are_heard() {
    let expectation = "{id: order, kind: sequence, after: {action: pump}, severity: must, order: [\
        {event: alarm.active, code: cooling_failed, target: one}, \
        {event: unit.state, value: fault, target: one, within: 3s}]}";
    let run = |state: UnitState| {
        let mut play = Play::new(2);
        play.start(&pump(expectation));
        for tick in 1..=300 {
            play.tick(|play| {
                if tick == 60 {
                    play.change_state(0, state);
                }
            });
        }
        let report = play.report();
        (report.verdict, check(&report, "order").seen.clone())
    };
    assert_eq!(run(UnitState::Fault).0, Verdict::Passed);
    let (verdict, seen) = run(UnitState::Tripped);
    assert_eq!(verdict, Verdict::Failed);
    assert_eq!(seen, "after alarm.active: unit.state (number 2 of 2) did not come in time");
}

#[test]
fn a_repeated_action_comes_again_as_often_as_it_says() {
    let more = "timeline:\n  - {id: pump, at: 1s, action: device.hvac.pump, target: one, duration: 1s, \
                repeat: {every: 4s, count: 3}}\n";
    let mut play = Play::new(2);
    play.start(&scenario(more));
    let report = play.end();
    let begun: Vec<f64> = report.actions[0].times.iter().map(|time| time.from_s).collect();
    assert_eq!(begun, [1.0, 5.0, 9.0]);
    assert_eq!(play.pumps(false).len(), 3);
}

#[test]
fn a_reset_that_is_refused_reaches_the_farm_which_tells_of_it() {
    let more = "timeline:\n  - {id: reset, at: 1s, action: control.operate, target: one, \
                with: {action: reset_alarms}}\n";
    let mut play = Play::new(2);
    let key = AlarmKey::unit(AlarmCode::Gas, AlarmLevel::Critical);
    play.seen.units.iter_mut().for_each(|unit| unit.reset_blocked_by = Some(key));
    play.start(&scenario(more));
    play.end();
    let reset = |command: &Command| {
        matches!(command, Command::OperateUnit { action: UnitAction::ResetAlarms, .. })
    };
    assert_eq!(play.given.iter().filter(|(_, command)| reset(command)).count(), 1);
}

#[test]
fn functions_of_units_are_switched_on_by_the_commands_that_a_client_gives() {
    let initial = "initial:\n  - target: one\n    functions:\n      on: [frequency_response]\n      \
                   frequency_response: {preset: fcr, contract_kw: 500}\n";
    let needs = format!("requires: {{features: [frequency_response]}}\n{QUIET}");
    assert_eq!(
        verdict_of(&scenario(&needs)).1,
        "the farm has no frequency_response, which the scenario needs"
    );
    let mut play = Play::new(2);
    play.start(&scenario(&format!("{initial}{needs}")));
    let fcr = bess_core::service::frequency_response("fcr").expect("a preset");
    let frequency_response = Some(FrequencyResponse { contract_w: Some(5e5), ..fcr });
    let change = FunctionsChange { frequency_response, ..FunctionsChange::default() };
    let functions = [FunctionName::FrequencyResponse].into_iter().collect();
    let control = ControlChange { functions: Some(functions), ..ControlChange::default() };
    let unit = UnitId::from_idx(0);
    let expected = [
        Command::ConfigureUnit { unit, change: Box::new(change) },
        Command::ControlUnit { unit, change: control },
    ];
    let given: Vec<&Command> = play.given.iter().map(|(_, command)| command).collect();
    assert_eq!(given, expected.iter().collect::<Vec<_>>());
    assert_eq!(play.verdict().0, Verdict::Passed);
}

#[test]
fn a_farm_without_what_is_needed_is_an_error_and_clients_are_waited_for() {
    let needs = scenario(&format!("requires: {{minUnits: 5}}\n{QUIET}"));
    let (verdict, reason) = verdict_of(&needs);
    assert_eq!(verdict, Verdict::Error);
    assert_eq!(reason, "the farm has 3 units, the scenario needs 5");

    let waits = scenario(QUIET)
        .replace("{mode: none}", "{mode: stub, expectClients: 2, attachTimeout: 5s}");
    let mut play = Play::new(2);
    play.start(&waits);
    play.stats.modbus.connections.store(1, std::sync::atomic::Ordering::Relaxed);
    play.stats.modbus.requests[3].store(9, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(play.stage.view().runs[0].phase, Phase::Waiting);
    let (verdict, reason) = play.verdict();
    assert_eq!(
        (verdict, reason.as_str()),
        (Verdict::Error, "only 1 of 2 clients were there in time")
    );

    let mut play = Play::new(2);
    play.start(&waits);
    play.stats.modbus.requests[3].store(9, std::sync::atomic::Ordering::Relaxed);
    play.stats.modbus.connections.store(2, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(play.verdict().0, Verdict::Passed);
}

#[test]
fn a_broken_invariant_fails_a_run_whatever_its_checks_say() {
    let mut play = Play::new(2);
    play.start(&pump(ALARM));
    play.seconds(10);
    play.tick(|play| play.seen.racks[0].truth.soc = 1.5);
    let (verdict, reason) = play.verdict();
    assert_eq!(verdict, Verdict::Failed);
    assert!(reason.starts_with("the invariant soc_in_range was broken"), "{reason}");
}

#[test]
fn what_an_outside_system_noticed_is_asked_for_only_where_there_is_one() {
    let asks = pump(
        "{id: seen, kind: within, after: {action: pump}, within: 5s, severity: must, \
                     expr: \"sut(\\\"pump_failed\\\", target=one)\"}",
    );
    let mut play = Play::new(2);
    // With a `must` it would be refused.
    play.start(&asks.replace("severity: must", "severity: should"));
    let report = play.end();
    assert_eq!(
        (report.verdict, check(&report, "seen").state),
        (Verdict::Passed, CheckState::Skipped)
    );

    let external = asks.replace("{mode: none}", "{mode: external, expectClients: 0}");
    let mut play = Play::new(2);
    play.start(&external);
    assert_eq!(play.verdict().0, Verdict::Failed, "nobody told");

    let mut play = Play::new(2);
    play.start(&external);
    let observe = |what: &str| StageRequest::Observe {
        run: "run".to_owned(),
        observation: bess_core::stage::Observation {
            what: what.to_owned(),
            unit: UnitId::from_number(1),
            text: String::new(),
        },
    };
    play.seconds(2);
    play.ask(&observe("too_early")).expect("it goes on");
    play.seconds(4);
    play.ask(&observe("pump_failed")).expect("it goes on");
    let report = play.end();
    assert_eq!(report.verdict, Verdict::Passed, "{}", report.reason);
    assert_eq!(report.scores.false_alarms, 1);
    let (action, what, delay_s) = &report.scores.detected[0];
    assert_eq!((action.as_str(), what.as_str()), ("pump", "pump_failed"));
    assert!((delay_s - 1.9).abs() < 1e-9, "{delay_s}");
}

#[test]
fn an_observation_is_about_a_fault_of_its_unit_and_of_its_word_and_else_a_false_alarm() {
    let text = pump(
        "{id: seen, kind: within, after: {action: pump}, within: 10s, severity: should, \
                     expr: \"sut(\\\"pump_failed\\\", target=one)\"}",
    );
    let text = text.replace("{mode: none}", "{mode: external, expectClients: 0}");
    let run = |what: &str, unit: u32| {
        let mut play = Play::new(3);
        play.start(&text);
        play.seconds(6);
        let observation = bess_core::stage::Observation {
            what: what.to_owned(),
            unit: UnitId::from_number(unit),
            text: String::new(),
        };
        let request = StageRequest::Observe { run: "run".to_owned(), observation };
        play.ask(&request).expect("it goes on");
        play.end()
    };
    let scores = |what, unit| {
        let report = run(what, unit);
        let hit = report.targets[0].ids[0] == format!("unit-{unit:03}");
        (hit, report.scores.detected.len(), report.scores.false_alarms)
    };
    assert_eq!(scores("pump_failed", 1), (true, 1, 0));
    assert_eq!(scores("pump_failed", 2), (false, 0, 1), "another unit");
    // In other words than were wanted it is no detection of the fault, and no false alarm either.
    assert_eq!(scores("hot", 1), (true, 0, 0));
    let orders = text.replace(
        "expectations:",
        "  - {id: order, at: 1s, action: client.setpoint, target: ems, with: {power_w: 1kW}}\nexpectations:",
    );
    let orders = orders.replace("  everybody:", "  ems: {kind: client}\n  everybody:");
    assert_ne!(orders, text);
    let mut play = Play::new(3);
    play.start(&orders);
    play.seconds(6);
    let observation = bess_core::stage::Observation {
        what: "hot".to_owned(),
        unit: UnitId::from_number(2),
        text: String::new(),
    };
    play.ask(&StageRequest::Observe { run: "run".to_owned(), observation }).expect("it goes on");
    let report = play.end();
    assert_eq!(report.scores.false_alarms, 1, "an order is no fault");
    assert_eq!(report.scores.undetected, ["pump"]);
}

#[test]
fn a_bound_that_moves_is_kept_as_it_moves_and_one_that_stands_still_is_not() {
    let limits = "{id: moves, kind: always, severity: must, for: 10s, expr: \"45Hz < farm.frequency_hz\"}\n  \
         - {id: stands, kind: always, severity: must, for: 10s, expr: \"farm.active_power_w > -5MW\"}";
    let mut play = Play::new(2);
    play.start(&pump(limits));
    play.seconds(4);
    play.tick(|play| play.seen.farm.frequency.0 += 0.5);
    let report = play.end();
    let band = |id| check(&report, id).band.clone().expect("a comparison has one");
    let moving = band("moves");
    assert!((9..=11).contains(&moving.path.len()), "{moving:?}");
    let last = moving.path[moving.path.len() - 1];
    assert!((last.2 - moving.high - 0.5).abs() < 1e-9 && last.1 == f64::NEG_INFINITY, "{moving:?}");
    let still = band("stands");
    assert_eq!((still.low, still.path.len()), (-5e6, 0));
}

#[test]
fn a_run_is_seen_while_it_goes_on_and_after_it() {
    let mut play = Play::new(2);
    play.start(&pump(ALARM));
    assert!(!play.stage.is_done());
    play.seconds(5);
    let view = play.stage.view();
    assert_eq!((view.runs[0].phase, view.runs[0].verdict), (Phase::Running, None));
    assert_eq!((view.faults[0].id.as_str(), view.faults[0].is_active), ("run/pump", true));
    assert_eq!(view.faults[0].run.as_deref(), Some("run"));
    let again = play.read(&pump(ALARM));
    let request = StageRequest::StartRun { id: "run".to_owned(), prepared: again };
    assert!(play.ask(&request).is_err(), "there is one of this id");
    play.end();
    let view = play.stage.view();
    assert_eq!((view.runs[0].phase, view.runs[0].verdict), (Phase::Done, Some(Verdict::Passed)));
    assert_eq!(view.verdicts, [1, 0, 0, 0, 0]);
    assert_eq!(view.effects[Effect::Confirmed as usize], 1);
    assert_eq!(view.injected.iter().map(|(_, count)| count).sum::<u64>(), 1);
    let same = play.stage.view();
    play.seconds(1);
    assert!(Arc::ptr_eq(&same, &play.stage.view()), "nothing changed since");
}

#[test]
fn somebody_may_end_a_run_before_its_time() {
    let mut play = Play::new(2);
    play.start(&pump(ALARM));
    play.seconds(5);
    play.ask(&StageRequest::EndRun("run".to_owned())).expect("it goes on");
    let (verdict, reason) = play.verdict();
    assert_eq!((verdict, reason.as_str()), (Verdict::Aborted, "it was ended from outside"));
    play.seconds(1);
    assert_eq!(play.pumps(false).len(), 1, "its fault ended with it");
    assert!(play.ask(&StageRequest::EndRun("run".to_owned())).is_err());
}

#[test]
fn signals_are_sampled_and_states_told() {
    let more = "report: {record: [\"farm.active_power_w\", \"unit.active_power_w@one\", \
                \"farm.truth*\"], sampleEvery: 2s}\n";
    let mut play = Play::new(2);
    play.start(&scenario(&format!("{QUIET}{more}")));
    play.seconds(3);
    play.tick(|play| play.change_state(1, UnitState::Tripped));
    let report = play.end();
    let names: Vec<&str> = report.signals.iter().map(|signal| signal.name.as_str()).collect();
    let unit = play.seen.spec.units[0].name.clone();
    let of_unit = format!("active_power_w{{unit=\"{unit}\"}}");
    assert_eq!(names, ["farm.active_power_w", of_unit.as_str(), "farm.truth.soc"]);
    assert!(report.signals.iter().all(|signal| signal.values.len() == report.sample_s.len()));
    assert!((report.sample_s[1] - report.sample_s[0] - 2.0).abs() < 1e-9);
    let states: Vec<_> = report.states.iter().map(|lane| (lane.of.as_str(), lane.state)).collect();
    assert_eq!(states, [("unit-001", "running"), ("unit-002", "running"), ("unit-002", "tripped")]);
}

#[test]
fn settings_follow_their_course() {
    let more = "timeline:\n  - {id: ramp, at: 1s, action: control.set, target: farm, \
                with: {power_setpoint_w: {ramp: {from: 0, to: 1MW, over: 4s}}}}\n";
    let text = scenario(more).replace("  everybody:", "  farm: {kind: farm}\n  everybody:");
    let mut play = Play::new(2);
    play.start(&text);
    play.end();
    let powers: Vec<f64> = play
        .given
        .iter()
        .filter_map(|(_, command)| match command {
            Command::SetFarmPower { active, .. } => Some(active.0),
            _ => None,
        })
        .collect();
    assert_eq!(powers, [0.0, 2.5e5, 5e5, 7.5e5, 1e6]);
}
