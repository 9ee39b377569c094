//! Reports made by hand, as runs make them, for the tests of every form.

mod parts;
pub(super) mod xml;

use super::{
    Again, AlarmPart, Attendance, CommandPart, Determinism, EventPart, FarmPart, HostPart,
    InvariantPart, Report, ScenarioPart, Scores, SignalPart, SutPart, TargetPart,
};
use bess_core::stage::{CheckState, Severity, Verdict};
use bess_core::time::SimTime;
use parts::{actions, alarms, checks, commands, observations, signals, states, wave};

/// Length of the time line of the samples.
const LENGTH_S: f64 = 2700.0;

/// A run that failed, with everything that a report can hold.
pub(super) fn report() -> Report {
    let sample_s: Vec<f64> = (-60..=LENGTH_S as i32).map(f64::from).collect();
    let mut report = empty();
    report.run = "run-7".to_owned();
    report.verdict = Verdict::Failed;
    report.reason = "power-stays: 34.2 MW at 2:01.5, where at least 38 MW were asked".to_owned();
    report.params = vec![
        ("limit".to_owned(), "38MW".to_owned(), false),
        ("note".to_owned(), "<b>it's & \"odd\"</b>".to_owned(), true),
        ("victims".to_owned(), "1".to_owned(), true),
    ];
    report.baseline_s = Some(-20.0);
    report.end_s = LENGTH_S + 30.0;
    report.sut.writers = vec![("127.0.0.1".to_owned(), 270), ("[::1]".to_owned(), 2)];
    report.targets = vec![
        TargetPart {
            name: "victim".to_owned(),
            kind: "cell",
            ids: vec!["unit-003/rack-2/cell-118".to_owned()],
            left_out: 0,
        },
        TargetPart {
            name: "links".to_owned(),
            kind: "listener",
            ids: vec!["unit-001".to_owned(), "unit-002".to_owned()],
            left_out: 8,
        },
        TargetPart { name: "nobody".to_owned(), kind: "unit", ids: Vec::new(), left_out: 0 },
    ];
    report.actions = actions();
    report.checks = checks();
    report.scores = Scores {
        detected: vec![
            ("short".to_owned(), "cell_temperature_anomaly".to_owned(), 15.2),
            ("slow-links".to_owned(), "stale_data".to_owned(), 5.0),
        ],
        undetected: vec!["dip".to_owned()],
        false_alarms: 1,
        writes_per_s: 0.1011,
        writes_refused: 2,
        requests_per_s: 31.25,
        stale_reads: 118,
    };
    report.signals = signals(&sample_s);
    report.sample_s = sample_s;
    report.signals_left_out =
        vec![("cell.*".to_owned(), "cells are recorded of a target alone".to_owned())];
    report.alarms = alarms();
    report.states = states();
    report.commands = commands();
    report.commands_left_out = 3;
    report.events = alarms()
        .iter()
        .map(|alarm| EventPart {
            at_s: alarm.from_s,
            of: alarm.of.clone(),
            kind: "alarm",
            text: format!("{} is active", alarm.code),
        })
        .collect();
    report.observations = observations();
    for invariant in &mut report.invariants {
        invariant.ticks = 27_900;
    }
    report
}

/// One that passed.
pub(super) fn passed() -> Report {
    let mut report = report();
    report.verdict = Verdict::Passed;
    report.reason = String::new();
    report.checks.retain(|check| {
        let is_info = check.severity != Severity::Must;
        is_info || matches!(check.state, CheckState::Passed | CheckState::Skipped)
    });
    report.actions.iter_mut().for_each(|action| {
        action.stands_for.retain(|id| report.checks.iter().any(|check| check.id == *id));
    });
    report
}

/// One of a run that could not begin.
pub(super) fn empty() -> Report {
    let invariant = |name, text| InvariantPart { name, text, ticks: 0, broken: None };
    Report {
        run: "run-1".to_owned(),
        scenario: ScenarioPart {
            id: "short-in-a-cell".to_owned(),
            title: "A cell shorts while the farm gives power".to_owned(),
            summary: "A particle pierces a separator: the cell discharges into itself and gets hot. The BMS has to find it and to take the unit off before the cell runs away; the other units take over what it gave.\n\nLeft out: the fire itself, and what the operator on site does.".to_owned(),
            tags: vec!["thermal".to_owned(), "safety".to_owned()],
            refs: vec!["UL 9540A".to_owned(), "EPRI failure database".to_owned()],
            severity: "critical",
            digest: "9f86d081884c7d65".to_owned(),
            file: "scenarios/my short.yaml".to_owned(),
        },
        verdict: Verdict::Error,
        reason: "waited 60 s for 2 clients, and none came".to_owned(),
        host: HostPart {
            version: "0.1.0".to_owned(),
            attendance: Attendance::Lockstep,
            has_shadow: true,
            again: Again::Run(vec!["--farm".to_owned(), "my farm.toml".to_owned(), "--stub-ems".to_owned()]),
        },
        farm: FarmPart {
            name: "demo".to_owned(),
            n_units: 10,
            rated_power_w: 50e6,
            nominal_energy_wh: 100e6,
            seed: 1,
        },
        seed: 42,
        params: Vec::new(),
        determinism: Determinism::Deterministic,
        // 2026-03-01T12:00:00Z
        zero: SimTime { unix_ns: 1_772_366_400_000_000_000 },
        start_s: -60.0,
        baseline_s: None,
        end_s: 0.0,
        duration_s: LENGTH_S,
        sut: SutPart { mode: "stub", expect_clients: 2, writers: Vec::new() },
        targets: Vec::new(),
        actions: Vec::new(),
        checks: Vec::new(),
        invariants: vec![
            invariant("finite", "power, true current, charge and temperature are finite numbers"),
            invariant("within_capability", "no unit gives or takes more than 101 % of its rated apparent power"),
        ],
        scores: Scores::default(),
        sample_s: Vec::new(),
        signals: Vec::new(),
        signals_left_out: Vec::new(),
        alarms: Vec::new(),
        states: Vec::new(),
        commands: Vec::new(),
        commands_left_out: 0,
        events: Vec::new(),
        events_left_out: 0,
        observations: Vec::new(),
    }
}

/// 45 minutes of as many restless signals, sampled twice a second, with as many writes and events as are listed.
pub(super) fn long(n_signals: usize) -> Report {
    let mut report = report();
    let times: Vec<f64> = (-120..=5400).map(|n| f64::from(n) * 0.5).collect();
    report.signals = (0..n_signals)
        .map(|n| SignalPart {
            name: format!("dc.current_a{{unit=\"unit-{:03}\"}}", n + 1),
            unit: "A",
            values: times
                .iter()
                .map(|at_s| (400.0 * wave(*at_s, 3.1 + n as f64 * 0.37) + n as f64) as f32)
                .collect(),
        })
        .collect();
    report.sample_s = times;
    let (command, event) = (report.commands[0].clone(), report.events[0].clone());
    report.commands =
        (0..5000).map(|n| CommandPart { at_s: f64::from(n) * 0.5, ..command.clone() }).collect();
    report.events =
        (0..5000).map(|n| EventPart { at_s: f64::from(n) * 0.5, ..event.clone() }).collect();
    report.alarms = (0..400)
        .map(|n| AlarmPart {
            of: format!("unit-{:03}", n % 200),
            from_s: f64::from(n),
            ..report.alarms[0].clone()
        })
        .collect();
    report
}
