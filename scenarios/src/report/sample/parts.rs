//! What was done, checked and recorded in the samples.

use super::LENGTH_S;
use crate::report::{
    ActionPart, AlarmPart, BandPart, CheckPart, CommandPart, HitPart, ObservationPart, SignalPart,
    StatePart, TimePart,
};
use bess_core::math;
use bess_core::snapshot::FaultPlane;
use bess_core::stage::{CheckState, Effect, Severity};

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

pub(super) fn actions() -> Vec<ActionPart> {
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

pub(super) fn checks() -> Vec<CheckPart> {
    let around = |at_s: f64, value: &dyn Fn(f64) -> f64| -> Vec<(f64, f64)> {
        (0..=200)
            .map(|n| at_s - 10.0 + f64::from(n) * 0.1)
            .map(|at_s| (at_s, value(at_s)))
            .collect()
    };
    let band = |signal: &str, low, high| {
        Some(BandPart { signal: signal.to_owned(), low, high, path: Vec::new() })
    };
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
pub(super) fn wave(at_s: f64, period_s: f64) -> f64 {
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

pub(super) fn signals(times: &[f64]) -> Vec<SignalPart> {
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

pub(super) fn alarms() -> Vec<AlarmPart> {
    vec![
        alarm("unit-003/rack-2", "cell_over_temperature", "critical", (122.3, Some(640.0), None)),
        alarm("unit-003/rack-2", "cell_temperature_spread", "warning", (121.0, None, Some(720.0))),
        alarm("unit-003", "smoke", "trip", (310.0, None, Some(380.0))),
        alarm("unit-003", "gas", "derate", (305.0, None, None)),
        alarm("unit-001", "communication_lost", "warning", (303.0, None, Some(425.0))),
        alarm("unit-001", "communication_lost", "warning", (1503.0, None, Some(1563.0))),
    ]
}

pub(super) fn states() -> Vec<StatePart> {
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

pub(super) fn commands() -> Vec<CommandPart> {
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

pub(super) fn observations() -> Vec<ObservationPart> {
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
