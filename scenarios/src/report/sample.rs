//! Reports made by hand, as runs make them, for the tests of every form.

use super::{
    ActionPart, AlarmPart, Attendance, BandPart, CheckPart, CommandPart, Determinism, EventPart,
    FarmPart, HitPart, HostPart, InvariantPart, ObservationPart, Report, ScenarioPart, Scores,
    SignalPart, StatePart, SutPart, TargetPart, TimePart,
};
use bess_core::math;
use bess_core::snapshot::FaultPlane;
use bess_core::stage::{CheckState, Effect, Severity, Verdict};
use bess_core::time::SimTime;

/// Length of the time line of the samples.
const LENGTH_S: f64 = 2700.0;

/// XML as a tree, read by a library.
pub(super) mod xml {
    /// An element.
    #[derive(Clone, Debug)]
    pub(in crate::report) struct Element {
        pub(in crate::report) name: String,
        pub(in crate::report) attributes: Vec<(String, String)>,
        pub(in crate::report) children: Vec<Self>,
        pub(in crate::report) text: String,
    }
    impl Element {
        pub(in crate::report) fn attribute(&self, name: &str) -> &str {
            let found = self.attributes.iter().find(|(key, _)| key == name);
            found.map_or_else(|| panic!("{} has no {name}", self.name), |(_, value)| value)
        }
    }
    fn element(node: roxmltree::Node<'_, '_>) -> Element {
        let attributes = node.attributes();
        Element {
            name: node.tag_name().name().to_owned(),
            attributes: attributes.map(|a| (a.name().to_owned(), a.value().to_owned())).collect(),
            children: node.children().filter(roxmltree::Node::is_element).map(element).collect(),
            text: node.text().unwrap_or_default().to_owned(),
        }
    }
    pub(in crate::report) fn read(text: &str) -> Result<Element, roxmltree::Error> {
        roxmltree::Document::parse(text).map(|document| element(document.root_element()))
    }
}

fn fault(id: &str, kind: &'static str, plane: FaultPlane, effect: Effect) -> ActionPart {
    ActionPart {
        id: id.to_owned(),
        kind,
        plane: Some(plane),
        target: "victim".to_owned(),
        times: Vec::new(),
        left_out: String::new(),
        effect,
        proof: "it is done".to_owned(),
        stands_for: Vec::new(),
    }
}

fn time(
    from_s: f64,
    until_s: Option<f64>,
    target: &str,
    with: &[(&'static str, &str)],
    effect: Effect,
) -> TimePart {
    let with = with.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let hits = vec![HitPart { target: target.to_owned(), with, effect }];
    let confirmed_s = (effect == Effect::Confirmed).then_some(from_s + 1.3);
    TimePart { from_s, until_s, confirmed_s, hits, refused: Vec::new() }
}

fn actions() -> Vec<ActionPart> {
    let short = ActionPart {
        times: vec![time(
            120.0,
            None,
            "unit-003/rack-2/cell-118",
            &[("resistance_mohm", "4.31"), ("delay_s", "0")],
            Effect::Confirmed,
        )],
        proof:
            "cell.truth.temperature_degc@victim > baseline(cell.truth.temperature_degc@victim) + 2"
                .to_owned(),
        stands_for: vec!["isolates".to_owned(), "power-stays".to_owned()],
        ..fault("short", "device.cell.internal_short", FaultPlane::Device, Effect::Confirmed)
    };
    let bias = ActionPart {
        times: vec![time(
            600.0,
            Some(900.0),
            "unit-007/rack-1",
            &[("signal", "temperature_max"), ("bias", "0.4")],
            Effect::NoEffect,
        )],
        target: "sensors".to_owned(),
        stands_for: vec!["insulation-seen".to_owned()],
        ..fault("bias", "sensor.bias", FaultPlane::Sensor, Effect::NoEffect)
    };
    let delay = ActionPart {
        times: vec![
            time(300.0, Some(420.0), "unit-001", &[("delay_ms", "850")], Effect::Confirmed),
            time(1500.0, Some(1560.0), "unit-001", &[("delay_ms", "1210")], Effect::Confirmed),
            time(1800.0, Some(1803.0), "unit-001", &[("delay_ms", "430")], Effect::Confirmed),
        ],
        target: "links".to_owned(),
        ..fault("slow-links", "transport.delay", FaultPlane::Transport, Effect::Confirmed)
    };
    let dip = ActionPart {
        times: vec![time(2640.0, None, "farm", &[("voltage_pu", "0.7")], Effect::Inconclusive)],
        target: String::new(),
        ..fault("dip", "grid.voltage.profile", FaultPlane::Grid, Effect::Inconclusive)
    };
    let storm = ActionPart {
        left_out: "its condition was never true".to_owned(),
        ..fault("storm", "client.flood", FaultPlane::Transport, Effect::Pending)
    };
    let mark = ActionPart {
        plane: None,
        target: String::new(),
        times: vec![TimePart {
            from_s: 240.0,
            until_s: Some(240.0),
            confirmed_s: None,
            hits: Vec::new(),
            refused: vec!["unit-003: reset of alarms: the cause still stands".to_owned()],
        }],
        ..fault("reset", "control.operator_command", FaultPlane::Device, Effect::Confirmed)
    };
    vec![short, bias, delay, dip, storm, mark]
}

fn check(id: &str, kind: &'static str, severity: Severity, state: CheckState) -> CheckPart {
    CheckPart {
        id: id.to_owned(),
        kind,
        severity,
        state,
        message: String::new(),
        asks: "farm.active_power_w > 0".to_owned(),
        seen: String::new(),
        from_s: Some(0.0),
        to_s: Some(LENGTH_S),
        decided_s: Some(LENGTH_S),
        violated_s: None,
        window: Vec::new(),
        band: None,
    }
}

fn checks() -> Vec<CheckPart> {
    let around = |at_s: f64, value: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> {
        (0..=200)
            .map(|n| at_s - 10.0 + f64::from(n) * 0.1)
            .map(|at_s| (at_s, value(at_s)))
            .collect()
    };
    let band = |signal: &str, low, high| Some(BandPart { signal: signal.to_owned(), low, high });
    vec![
        CheckPart {
            asks: "grid.frequency_hz ~= 50 ± 0.2".to_owned(),
            seen: "it held for 20 s".to_owned(),
            from_s: Some(-20.0),
            to_s: Some(LENGTH_S),
            decided_s: Some(LENGTH_S),
            band: band("grid.frequency_hz", 49.8, 50.2),
            ..check("frequency-ok", "steady_state", Severity::Must, CheckState::Passed)
        },
        CheckPart {
            message: "the BMS isolates the unit before the cell runs away".to_owned(),
            asks: "state(victim) == fault".to_owned(),
            seen: "it was true after 4.7 s".to_owned(),
            from_s: Some(120.0),
            to_s: Some(240.0),
            decided_s: Some(124.7),
            ..check("isolates", "within", Severity::Must, CheckState::Passed)
        },
        CheckPart {
            message: "the farm gives what it is asked for".to_owned(),
            asks: "farm.active_power_w > 38MW".to_owned(),
            seen: "34.2 MW at 2:01.5, where at least 38 MW were asked".to_owned(),
            from_s: Some(60.0),
            to_s: Some(1800.0),
            decided_s: Some(121.5),
            violated_s: Some(121.5),
            window: around(121.5, &farm_power_w),
            band: band("farm.active_power_w", 38e6, f64::INFINITY),
            ..check("power-stays", "always", Severity::Must, CheckState::Failed)
        },
        CheckPart {
            message: "no cell of another rack gets hot".to_owned(),
            asks: "max(truth.cell_temperature_max_degc) < 60degC".to_owned(),
            seen: "71 degC at 3:48.0".to_owned(),
            from_s: Some(120.0),
            to_s: None,
            decided_s: Some(228.0),
            violated_s: Some(228.0),
            window: around(228.0, &|at_s| hot_degc(at_s)),
            band: band("max(truth.cell_temperature_max_degc)", f64::NEG_INFINITY, 60.0),
            ..check("stays-cool", "always", Severity::Should, CheckState::Failed)
        },
        CheckPart {
            asks: "max(truth.soc) - min(truth.soc) < 1%".to_owned(),
            seen: "1.4 % at the end".to_owned(),
            ..check("soc-spread", "always", Severity::Should, CheckState::Failed)
        },
        CheckPart {
            asks: "insulation_kohm@sensors < 100".to_owned(),
            seen: "insulation_kohm of unit-007 was absent".to_owned(),
            from_s: Some(600.0),
            to_s: Some(900.0),
            decided_s: Some(900.0),
            ..check("insulation-seen", "eventually", Severity::Must, CheckState::Inconclusive)
        },
        CheckPart {
            asks: "sut(\"stale_data\")".to_owned(),
            seen: "there is no outside system in this run".to_owned(),
            from_s: None,
            to_s: None,
            decided_s: None,
            ..check("ems-notices", "within", Severity::Must, CheckState::Skipped)
        },
    ]
}

/// Between -1 and 1, without chance.
fn wave(at_s: f64, period_s: f64) -> f64 {
    math::sin(at_s / period_s * std::f64::consts::TAU)
}
fn asked_w(at_s: f64) -> f64 {
    if at_s < 30.0 {
        0.0
    } else if at_s < 1800.0 {
        40e6
    } else {
        -20e6
    }
}
fn farm_power_w(at_s: f64) -> f64 {
    let lost = if at_s > 121.0 && at_s < 700.0 { 5.9e6 } else { 0.0 };
    let ramp = ((at_s - 30.0) / 20.0).clamp(0.0, 1.0);
    asked_w(at_s) * ramp - lost + 0.12e6 * wave(at_s, 13.0)
}
fn hot_degc(at_s: f64) -> f64 {
    if at_s < 120.0 {
        27.0
    } else if at_s < 300.0 {
        27.0 + (at_s - 120.0) * 0.41
    } else {
        27.0 + 74.0 * math::exp(-(at_s - 300.0) / 400.0)
    }
}

fn signals(times: &[f64]) -> Vec<SignalPart> {
    let signal = |name: String, unit, value: &dyn Fn(f64) -> f64| SignalPart {
        name,
        unit,
        values: times.iter().map(|at_s| value(*at_s) as f32).collect(),
    };
    let mut list = vec![
        signal("farm.active_power_w".to_owned(), "W", &farm_power_w),
        signal("farm.setpoint_w".to_owned(), "W", &asked_w),
        signal("shadow.farm.active_power_w".to_owned(), "W", &|at_s| {
            asked_w(at_s) * ((at_s - 30.0) / 20.0).clamp(0.0, 1.0)
        }),
        signal("grid.frequency_hz".to_owned(), "Hz", &|at_s| {
            50.0 + 0.03 * wave(at_s, 61.0) + 0.02 * wave(at_s, 7.3)
        }),
        signal("transport.sessions".to_owned(), "", &|at_s| if at_s < -40.0 { 0.0 } else { 10.0 }),
    ];
    for n in 1..=10 {
        let share = 0.1 + 0.002 * f64::from(n);
        list.push(signal(format!("active_power_w{{unit=\"unit-{n:03}\"}}"), "W", &|at_s| {
            let is_out = n == 3 && at_s > 124.7;
            if is_out { 0.0 } else { farm_power_w(at_s) * share }
        }));
    }
    for base in ["truth", "measured"] {
        for n in 1..=10 {
            let name = format!("{base}.cell_temperature_max_degc{{unit=\"unit-{n:03}\"}}");
            let off = if base == "measured" { 0.6 } else { 0.0 };
            list.push(signal(name, "degC", &|at_s| {
                let is_gone = base == "measured" && n == 3 && at_s > 400.0;
                match (n, is_gone) {
                    (_, true) => f64::NAN,
                    (3, _) => hot_degc(at_s) + off,
                    _ => 25.0 + 0.2 * f64::from(n) + (at_s / 900.0) + off,
                }
            }));
        }
    }
    for n in 1..=4 {
        list.push(signal(format!("truth.soc{{unit=\"unit-{n:03}\"}}"), "", &|at_s| {
            0.62 - at_s / 20_000.0 - 0.004 * f64::from(n)
        }));
    }
    list
}

fn alarm(
    of: &str,
    code: &'static str,
    level: &'static str,
    times: (f64, Option<f64>, Option<f64>),
) -> AlarmPart {
    let (from_s, latched_s, until_s) = times;
    AlarmPart { of: of.to_owned(), code, level, from_s, latched_s, until_s }
}

fn alarms() -> Vec<AlarmPart> {
    vec![
        alarm("unit-003/rack-2", "cell_over_temperature", "critical", (122.3, Some(640.0), None)),
        alarm("unit-003/rack-2", "cell_temperature_spread", "warning", (121.0, None, Some(720.0))),
        alarm("unit-003", "smoke", "trip", (310.0, None, Some(380.0))),
        alarm("unit-003", "gas", "derate", (305.0, None, None)),
        alarm("unit-001", "communication_lost", "warning", (303.0, None, Some(425.0))),
        alarm("unit-001", "communication_lost", "warning", (1503.0, None, Some(1563.0))),
    ]
}

fn states() -> Vec<StatePart> {
    let state =
        |of: &str, state, from_s, until_s| StatePart { of: of.to_owned(), state, from_s, until_s };
    let mut list = vec![
        state("unit-001", "standby", -60.0, 12.0),
        state("unit-001", "synchronising", 12.0, 30.0),
        state("unit-001", "running", 30.0, LENGTH_S),
        state("unit-002", "running", -60.0, LENGTH_S),
        state("unit-003", "running", -60.0, 124.7),
        state("unit-003", "fault", 124.7, 310.0),
        state("unit-003", "locked_out", 310.0, LENGTH_S),
    ];
    list.extend((4..=10).map(|n| state(&format!("unit-{n:03}"), "running", -60.0, LENGTH_S)));
    list
}

fn commands() -> Vec<CommandPart> {
    let mut list: Vec<CommandPart> = (0..270)
        .map(|n| CommandPart {
            at_s: 30.0 + f64::from(n) * 9.7,
            source: "modbus",
            peer: format!("127.0.0.1:{}", 40_000 + n),
            of: "farm".to_owned(),
            what: "setpoint 40.0 MW".to_owned(),
            refused: String::new(),
        })
        .collect();
    for (at_s, source, of, what, refused) in [
        (240.0, "scenario", "unit-003", "reset alarms", "the cause still stands"),
        (900.0, "rest", "unit-005", "setpoint 1.0 MW", "it is not remote"),
        (905.0, "rest", "farm", "mode of control: remote", ""),
    ] {
        list.push(CommandPart {
            at_s,
            source,
            peer: if source == "rest" { "[::1]:51000".to_owned() } else { String::new() },
            of: of.to_owned(),
            what: what.to_owned(),
            refused: refused.to_owned(),
        });
    }
    list.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    list
}

fn observations() -> Vec<ObservationPart> {
    let seen = |at_s, what: &str, of: &str, action: &str, delay_s| ObservationPart {
        at_s,
        what: what.to_owned(),
        of: of.to_owned(),
        text: "three reads in a row gave the same counter".to_owned(),
        action: action.to_owned(),
        delay_s,
    };
    vec![
        seen(135.2, "cell_temperature_anomaly", "unit-003", "short", 15.2),
        seen(305.0, "stale_data", "unit-001", "slow-links", 5.0),
        seen(1100.0, "stale_data", "unit-009", "", f64::NAN),
    ]
}

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
        },
        verdict: Verdict::Error,
        reason: "waited 60 s for 2 clients, and none came".to_owned(),
        host: HostPart {
            version: "0.1.0".to_owned(),
            attendance: Attendance::Lockstep,
            has_shadow: true,
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
