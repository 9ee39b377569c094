//! What a run comes to, and its report.

use super::check::{Check, When};
use super::detect::{Words, is_to_be_noticed};
use super::judge::ticks;
use super::phases::Shown;
use super::play::{Counters, Run};
use super::record::Since;
use crate::expr::Expr;
use crate::faults::{Probe, Target};
use crate::format::{Anchor, Deed, Prove};
use crate::report::{
    ActionPart, Attendance, Determinism, FarmPart, ObservationPart, Report, ScenarioPart, Scores,
    SutPart, TargetPart,
};
use crate::text::ParamValue;
use bess_core::stage::{CheckState, Effect, Severity, Verdict};
use bess_core::time::{TICKS_PER_S, Tick};

/// Ids of a target that a report lists.
const IDS_LISTED: usize = 200;

/// Places of the actions on which a check stands: what it says is worth nothing where they did nothing.
pub(super) fn stands_on(check: &Check, run: &Run) -> Vec<usize> {
    let faults = |begun_until: Option<Tick>| -> Vec<usize> {
        let timeline = &run.ready.scenario.timeline;
        let places = (0..timeline.len()).filter(|place| {
            let begun = run.doings[*place].begun;
            let is_fault = matches!(timeline[*place].deed, Deed::Fault(_));
            let in_time = begun_until.is_none_or(|until| begun.is_some_and(|at| at <= until));
            // One that was to be left out, or never came due, is no fault of the run.
            is_fault && begun.is_some() && in_time
        });
        places.collect()
    };
    match (&check.when, check.after.as_ref().map(|after| &after.anchor)) {
        (When::Start, _) => Vec::new(),
        (When::End | When::Always | When::OnChaos, _) | (When::Expected, None) => faults(None),
        (When::Expected, Some(Anchor::Event(_))) => faults(check.judge.from),
        (When::Expected, Some(Anchor::Begin(place) | Anchor::End(place))) => {
            match run.ready.scenario.timeline[*place].deed {
                Deed::Fault(_) => vec![*place],
                // A mark, or something that an operator does: what went wrong until then.
                Deed::Control(_) => faults(run.doings[*place].begun.or(Some(Tick(0)))),
            }
        }
    }
}

/// What the checks say of a run that went to its end.
pub(super) fn of(run: &Run) -> (Verdict, String) {
    let musts = run.checks.iter().filter(|check| check.severity == Severity::Must);
    let mut failed = None;
    let mut invalid = None;
    for check in musts {
        let idle = || {
            let on = stands_on(check, run).into_iter();
            let id = |place: usize| run.ready.scenario.timeline[place].id.clone();
            let mut idle = on.filter(|place| run.doings[*place].effect() != Effect::Confirmed);
            idle.next().map(|place| {
                let effect = run.doings[place].effect().name();
                format!("{} stands on {}, whose effect is {effect}", check.id, id(place))
            })
        };
        match check.judge.state {
            CheckState::Skipped => {}
            CheckState::Failed => match idle() {
                None if failed.is_none() => {
                    failed = Some(format!("{}: {}", check.id, check.judge.seen));
                }
                None => {}
                // It failed because nothing happened: that proves nothing.
                Some(why) => invalid = invalid.or(Some(why)),
            },
            CheckState::Pending | CheckState::Inconclusive => {
                let why = format!("{} is inconclusive: {}", check.id, check.judge.seen);
                invalid = invalid.or(Some(why));
            }
            CheckState::Passed => invalid = invalid.or_else(idle),
        }
    }
    match (failed, invalid) {
        (Some(why), _) => (Verdict::Failed, why),
        (None, Some(why)) => (Verdict::Invalid, why),
        (None, None) => (Verdict::Passed, String::new()),
    }
}

fn determinism(run: &Run) -> Determinism {
    match run.host.attendance {
        Attendance::Alone => Determinism::Deterministic,
        // What a clock on the wall measured is never the same.
        _ if run.uses.transport => Determinism::Live,
        Attendance::Lockstep => Determinism::Deterministic,
        Attendance::Replayed | Attendance::Recorded => Determinism::Recorded,
        Attendance::Live if run.record.as_ref().is_none_or(|record| record.writes().0 == 0) => {
            Determinism::Deterministic
        }
        Attendance::Live => Determinism::Live,
    }
}

/// What shows that an action acts, in words.
fn proof_text(run: &Run, place: usize) -> String {
    let action = &run.ready.scenario.timeline[place];
    match (action.deed, &action.prove, &run.proofs[place]) {
        (Deed::Control(_), ..) => "it is done".to_owned(),
        (Deed::Fault(_), Prove::Condition(condition), _) => condition.text.clone(),
        (Deed::Fault(_), Prove::Auto, Some(expr)) => Expr::text(expr).to_owned(),
        (Deed::Fault(kind), Prove::Auto, None) => match kind.probe {
            Probe::Expr(text) => text.to_owned(),
            Probe::Func(_) => "what the kind of the fault looks at".to_owned(),
        },
    }
}

fn param_text(value: &ParamValue) -> String {
    match value {
        ParamValue::Int(number) => number.to_string(),
        ParamValue::Float(number) => number.to_string(),
        ParamValue::Text(text) => text.clone(),
        ParamValue::Bool(flag) => flag.to_string(),
        ParamValue::Seconds(seconds) => format!("{seconds}s"),
    }
}

fn targets(run: &Run) -> Vec<TargetPart> {
    let part = |(place, selector): (usize, &crate::format::Selector)| {
        let members = run.eyes.cast.members(place);
        TargetPart {
            name: selector.name.clone(),
            kind: selector.kind.name(),
            ids: members.iter().take(IDS_LISTED).map(Target::to_string).collect(),
            left_out: members.len().saturating_sub(IDS_LISTED),
        }
    };
    run.ready.scenario.targets.iter().enumerate().map(part).collect()
}

/// The report of a run that is done. What it recorded goes into it.
pub(super) fn report(run: &mut Run, shown: Shown<'_>) -> Report {
    let end = shown.seen.tick;
    let since = Since { zero: run.zero.unwrap_or(run.start) };
    let ready = std::sync::Arc::clone(&run.ready);
    let scenario = &ready.scenario;
    let spec = &shown.seen.spec;
    let determinism = determinism(run);
    let mut actions: Vec<ActionPart> = (0..run.doings.len())
        .map(|place| run.doings[place].part(scenario, since, proof_text(run, place)))
        .collect();
    for check in run.checks.iter().filter(|check| check.severity == Severity::Must) {
        for place in stands_on(check, run) {
            actions[place].stands_for.push(check.id.clone());
        }
    }
    let words = Words::of(run);
    let observations: Vec<ObservationPart> = run
        .noticed
        .iter()
        .map(|seen| {
            let fault = words.noticed(run, seen);
            ObservationPart {
                at_s: since.tick(seen.at),
                what: seen.what.clone(),
                of: seen.unit.map(|unit| Target::Unit(unit).to_string()).unwrap_or_default(),
                text: seen.text.clone(),
                action: fault
                    .map(|(place, _)| scenario.timeline[place].id.clone())
                    .unwrap_or_default(),
                delay_s: fault.map_or(f64::NAN, |(_, begun)| {
                    (seen.at.0 - begun.0) as f64 / TICKS_PER_S as f64
                }),
            }
        })
        .collect();
    let scores = scores(run, shown, &words, &observations);
    let mut report = Report {
        run: run.id.clone(),
        scenario: ScenarioPart {
            id: scenario.metadata.id.clone(),
            title: scenario.metadata.title.clone(),
            summary: scenario.metadata.summary.clone(),
            tags: scenario.metadata.tags.clone(),
            refs: scenario.metadata.refs.clone(),
            severity: scenario.metadata.severity.name(),
            digest: format!("{:016x}", ready.digest),
            file: ready.file.clone(),
        },
        verdict: run.verdict.unwrap_or(Verdict::Error),
        reason: run.reason.clone(),
        host: run.host.clone(),
        farm: FarmPart {
            name: spec.name.clone(),
            n_units: spec.units.len(),
            rated_power_w: spec.rated_power().0,
            nominal_energy_wh: spec.nominal_energy().watt_hours(),
            seed: spec.seed,
        },
        seed: ready.seed,
        params: scenario
            .params
            .iter()
            .map(|param| (param.name.clone(), param_text(&param.value), param.is_set))
            .collect(),
        determinism,
        zero: shown.seen.start().at(since.zero),
        start_s: since.tick(run.start),
        baseline_s: run.baseline.map(|tick| since.tick(tick)),
        end_s: since.tick(end),
        duration_s: ticks(scenario.duration) as f64 / TICKS_PER_S as f64,
        sut: SutPart {
            mode: scenario.sut.mode.name(),
            expect_clients: scenario.sut.expect_clients,
            writers: Vec::new(),
        },
        targets: targets(run),
        actions,
        checks: run.checks.iter().map(|check| check.part(since)).collect(),
        invariants: run.invariants.parts(|tick| since.tick(tick)),
        scores,
        sample_s: Vec::new(),
        signals: Vec::new(),
        signals_left_out: Vec::new(),
        alarms: Vec::new(),
        states: Vec::new(),
        commands: Vec::new(),
        commands_left_out: 0,
        events: Vec::new(),
        events_left_out: 0,
        observations,
    };
    if let Some(record) = run.record.take() {
        record.into_report(since, end, &mut report);
    }
    report
}

fn scores(run: &Run, shown: Shown<'_>, words: &Words, observations: &[ObservationPart]) -> Scores {
    let mut scores = Scores::default();
    let Some(zero) = run.zero else { return scores };
    let length_s = (shown.seen.tick.0 - zero.0).max(1) as f64 / TICKS_PER_S as f64;
    for (place, doing) in run.doings.iter().enumerate() {
        let action = &run.ready.scenario.timeline[place];
        if doing.faults.is_empty() || !is_to_be_noticed(action.deed) {
            continue;
        }
        let fits =
            |seen: &&ObservationPart| seen.action == action.id && words.detects(place, &seen.what);
        let mut of_action = observations.iter().filter(fits);
        match of_action.next() {
            Some(first) => {
                scores.detected.push((action.id.clone(), first.what.clone(), first.delay_s));
            }
            None if doing.effect() == Effect::Confirmed && !observations.is_empty() => {
                scores.undetected.push(action.id.clone());
            }
            None => {}
        }
    }
    scores.false_alarms = observations.iter().filter(|seen| seen.action.is_empty()).count() as u64;
    let (writes, refused) =
        run.record.as_ref().map(super::record::Record::writes).unwrap_or_default();
    scores.writes_per_s = writes as f64 / length_s;
    scores.writes_refused = refused;
    let counters = Counters::read(shown.stats);
    scores.requests_per_s =
        counters.requests.saturating_sub(run.counters.requests) as f64 / length_s;
    scores.stale_reads = counters.stale_reads.saturating_sub(run.counters.stale_reads);
    scores
}
