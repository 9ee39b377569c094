//! Random scenarios on the real engine: nothing panics, no number leaves the numbers, no permanent invariant
//! breaks, and once all faults are over what is not damaged for good comes back.
//!
//! `BESS_CHAOS=100000 cargo test -p bess-cli --test chaos` draws more, from seed `BESS_CHAOS_FROM` on (0 when absent);
//! a failure names its seed. `make soak` does that with seeds that nobody had before.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use bess_core::command::{Command, ControlSource, Origin, UnitAction};
use bess_core::config::parse_farm;
use bess_core::id::UnitId;
use bess_core::rng::{Domain, Stream, Streams};
use bess_core::snapshot::{ClockView, Snapshot, UnitState};
use bess_core::spec::FarmSpec;
use bess_core::stage::{Director, StageBook, StageRequest, Verdict};
use bess_core::stats::Stats;
use bess_core::time::Tick;
use bess_scenarios::book::{Book, Forms, open};
use bess_scenarios::faults::{FaultKind, KINDS, ParameterKind, TargetKind};
use bess_scenarios::report::{Again, Attendance, HostPart};
use bess_scenarios::run::Stage;
use bess_simulation::{Engine, EngineOptions, Inputs};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const FARM: &str = r#"
[farm]
name = "chaos"
nominal_frequency_hz = 50
[farm.initial]
state = "running"
[[units]]
count = 3
chemistry = "lfp-314"
racks = 2
cells_in_series = 16
[units.pcs]
rated_power_kw = 12
rated_apparent_power_kva = 14
[units.cooling]
kind = "liquid"
[units.grid_code.enter_service]
delay_s = 5
ramp_s = 5
"#;

/// Simulated seconds after a run in which a farm without faults must have come back: trips start again after
/// 300 s, and a start takes its time.
const RECOVERY_S: u64 = 420;

fn spec() -> Arc<FarmSpec> {
    let spec = parse_farm("chaos.toml", FARM, &|_| Err("no other files".to_owned()));
    Arc::new(spec.unwrap_or_else(|problems| panic!("{problems}")))
}

/// A number of the parameter, by its order of magnitude where its range has many.
fn number(stream: &mut Stream, min: f64, max: f64) -> f64 {
    let (least, most) = (min.max(-1e6), max.min(1e6));
    let drawn = if least > 0.0 && most / least > 100.0 {
        let (from, to) = (bess_core::math::ln(least), bess_core::math::ln(most));
        bess_core::math::exp(from + (to - from) * stream.uniform())
    } else {
        least + (most - least) * stream.uniform()
    };
    drawn.clamp(least, most)
}

fn pick<'t, T>(stream: &mut Stream, among: &'t [T]) -> &'t T {
    &among[((stream.uniform() * among.len() as f64) as usize).min(among.len() - 1)]
}

fn target_of(kind: &FaultKind) -> Option<&'static str> {
    Some(match kind.targets[0] {
        TargetKind::Farm => "farm",
        TargetKind::Grid => "grid",
        TargetKind::Unit | TargetKind::Sensor => "unit",
        TargetKind::Rack => "rack",
        TargetKind::Cell => "cell",
        TargetKind::Listener => "listener",
        // There is no EMS here.
        TargetKind::Client => return None,
    })
}

/// The text of a random scenario.
fn scenario(seed: u64, kinds: &[(&'static FaultKind, &'static str)]) -> String {
    let mut stream = Streams::new(seed).stream(Domain::Scenario, 1);
    let length_s = 20.0 + 40.0 * stream.uniform();
    let mut text = format!(
        "apiVersion: bess/v1\nkind: Scenario\nmetadata: {{id: chaos-{seed}, title: Chaos, summary: Drawn from a seed.}}\n\
         seed: {}\nduration: {length_s:.1}s\nsut: {{mode: none}}\ntargets:\n",
        seed + 1
    );
    for kind in ["farm", "grid", "unit", "rack", "cell", "listener"] {
        let mode = *pick(&mut stream, &["one", "one", "all"]);
        let mode = if kind == "cell" { "one" } else { mode };
        writeln!(text, "  {kind}: {{kind: {kind}, mode: {mode}}}").unwrap();
    }
    text.push_str("steadyState:\n  window: 1s\n  checks: [{id: there, modes: [SoT], expr: \"farm.soc > 0\"}]\ntimeline:\n");
    let power_w = number(&mut stream, -36_000.0, 36_000.0);
    writeln!(text, "  - {{id: load, at: 0s, action: control.set, target: farm, with: {{power_setpoint_w: {power_w:.0}}}}}").unwrap();
    for n in 0..1 + (4.0 * stream.uniform()) as usize {
        let (kind, target) = *pick(&mut stream, kinds);
        let at_s = 0.5 * length_s * stream.uniform();
        write!(
            text,
            "  - {{id: fault-{n}, at: {at_s:.1}s, action: {}, target: {target}",
            kind.name
        )
        .unwrap();
        let mut with = Vec::new();
        for parameter in kind.parameters {
            match parameter.kind {
                ParameterKind::Number { min, max, default } => {
                    if default.is_none() && parameter.is_needed || stream.uniform() < 0.5 {
                        with.push(format!(
                            "{}: {:.6}",
                            parameter.name,
                            number(&mut stream, min, max)
                        ));
                    }
                }
                ParameterKind::Word { choices, .. } => {
                    with.push(format!("{}: {}", parameter.name, pick(&mut stream, choices)));
                }
                ParameterKind::Flag => {
                    with.push(format!("{}: {}", parameter.name, stream.uniform() < 0.5));
                }
                ParameterKind::Numbers { .. } | ParameterKind::Text => {}
            }
        }
        if !with.is_empty() {
            write!(text, ", with: {{{}}}", with.join(", ")).unwrap();
        }
        if stream.uniform() < 0.5 {
            write!(text, ", duration: {:.1}s", 1.0 + 0.4 * length_s * stream.uniform()).unwrap();
        }
        text.push_str("}\n");
    }
    text.push_str("rollback: {policy: always, resetAlarms: true}\n");
    text
}

/// A farm with its director.
struct Play {
    engine: Engine,
    stage: Stage,
    book: Book,
    stats: Stats,
    due: Vec<Command>,
}

impl Play {
    fn new(spec: &Arc<FarmSpec>) -> Self {
        let host = HostPart {
            version: String::new(),
            attendance: Attendance::Alone,
            has_shadow: false,
            again: Again::default(),
        };
        let (stage, book) = open(host, Forms::default(), Box::new(|| 1));
        let engine = Engine::new(Arc::clone(spec), Inputs::default(), EngineOptions::default());
        Self { engine, stage, book, stats: Stats::default(), due: Vec::new() }
    }

    fn apply(&mut self) {
        let origin = Origin::local(ControlSource::Scenario);
        for command in std::mem::take(&mut self.due) {
            // What is refused is in the report.
            let _ = self.engine.apply_from(&command, &origin, 0);
        }
    }

    fn tick(&mut self) -> Arc<Snapshot> {
        self.stage.due(Tick(self.engine.tick().0 + 1), &mut self.due);
        self.apply();
        self.engine.step();
        let cells = self.stage.cells().to_vec();
        let snapshot = self.engine.snapshot(ClockView::default(), 0, &cells);
        self.stage.saw(&snapshot, None, &self.stats);
        snapshot
    }

    fn operate(&mut self, unit: UnitId, action: UnitAction) {
        let command = Command::OperateUnit { unit, action };
        let _ = self.engine.apply_from(&command, &Origin::local(ControlSource::Local), 0);
    }
}

/// Whether the unit is hurt in a way that no reset mends, or has to wait for hours.
fn is_damaged(snapshot: &Snapshot, unit: UnitId) -> bool {
    let view = &snapshot.units[unit.idx()];
    let burnt = snapshot
        .racks_of(unit)
        .iter()
        .any(|rack| rack.truth.cells_vented > 0 || rack.truth.cells_burnt > 0);
    let extremes = &view.truth.extremes;
    let empty_or_full = extremes.voltage_min.0 < 2.9 || extremes.voltage_max.0 > 3.45;
    let hot_or_cold = extremes.temperature_max.0 > 45.0 || extremes.temperature_min.0 < 10.0;
    burnt || view.gas_litres > 0.0 || empty_or_full || hot_or_cold || view.pcs_temperature.0 > 60.0
}

/// What is wrong with the run of this seed, if something is.
fn trouble(
    seed: u64,
    spec: &Arc<FarmSpec>,
    kinds: &[(&'static FaultKind, &'static str)],
) -> Option<String> {
    let text = scenario(seed, kinds);
    let mut play = Play::new(spec);
    let prepared = match play.book.read_scenario("chaos.yaml", &text, &[], None, spec) {
        Ok(prepared) => prepared,
        Err(problems) => return Some(format!("it cannot be read: {problems}\n{text}")),
    };
    let first = play.tick();
    let request = StageRequest::StartRun { id: "run".to_owned(), prepared };
    play.stage.ask(&request, &first, &mut play.due).unwrap();
    play.apply();
    let mut last = first;
    for _ in 0..2_000 {
        if play.stage.is_done() {
            break;
        }
        last = play.tick();
    }
    let report = play.book.report_of("run")?;
    if let Some(broken) = report.invariants.iter().find(|invariant| invariant.broken.is_some()) {
        return Some(format!("invariant {} is broken: {:?}\n{text}", broken.name, broken.broken));
    }
    if !matches!(report.verdict, Verdict::Passed | Verdict::Invalid) {
        return Some(format!("it came to {:?}: {}\n{text}", report.verdict, report.reason));
    }
    let stage = play.stage.view();
    if let Some(left) = stage.faults.iter().find(|fault| fault.is_active) {
        return Some(format!("{} is left in force\n{text}", left.kind));
    }
    // Somebody closes the breaker of the farm, goes to each container, resets it and starts it.
    let breaker = Command::PoiBreaker { open: false };
    let _ = play.engine.apply_from(&breaker, &Origin::local(ControlSource::Local), 0);
    for second in 0..RECOVERY_S {
        for unit in (0..spec.units.len()).map(UnitId::from_idx) {
            if second % 60 == 0 {
                for action in [
                    UnitAction::ReleaseEmergencyStop,
                    UnitAction::EndMaintenance,
                    UnitAction::Remote,
                    UnitAction::ResetAlarms,
                    UnitAction::Start,
                ] {
                    play.operate(unit, action);
                }
            }
        }
        for _ in 0..10 {
            last = play.tick();
        }
    }
    for unit in (0..spec.units.len()).map(UnitId::from_idx) {
        let view = &last.units[unit.idx()];
        if !is_damaged(&last, unit)
            && !matches!(view.state, UnitState::Running | UnitState::Derated)
        {
            let alarms: Vec<String> = last
                .alarms
                .iter()
                .filter(|alarm| alarm.unit == unit)
                .map(|alarm| {
                    format!(
                        "{} {} {:?}",
                        alarm.key.code.name(),
                        alarm.key.level.name(),
                        alarm.phase
                    )
                })
                .collect();
            return Some(format!(
                "unit {} stays {}: {alarms:?}\n{text}",
                unit.number(),
                view.state.name()
            ));
        }
    }
    None
}

fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn random_scenarios_leave_a_farm_that_comes_back() {
    let spec = spec();
    let kinds: Vec<(&'static FaultKind, &'static str)> =
        KINDS.iter().filter_map(|kind| Some((*kind, target_of(kind)?))).collect();
    let (from, n) = (asked("BESS_CHAOS_FROM", 0), asked("BESS_CHAOS", 1_000));
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get() as u64).min(4);
    let troubles: Vec<String> = std::thread::scope(|scope| {
        let (spec, kinds) = (&spec, &kinds);
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    let seeds = (from..from + n).filter(|seed| seed % workers == worker);
                    let told = |seed| {
                        let how = || trouble(seed, spec, kinds);
                        let how = catch_unwind(AssertUnwindSafe(how))
                            .unwrap_or_else(|_| Some("it panics".to_owned()))?;
                        let told = format!("seed {seed}: {how}");
                        eprintln!("{told}\n");
                        Some(told)
                    };
                    seeds.filter_map(told).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("panics are caught")).collect()
    });
    assert!(troubles.is_empty(), "{} of {n} seeds:\n\n{}", troubles.len(), troubles.join("\n\n"));
}
