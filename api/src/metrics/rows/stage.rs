//! Faults and scenarios that are directed: what is made wrong on purpose, and what came of it.

use super::{Labels, NONE, Number, Numbers, Real, Row, SECONDS, Sight, counter, gauge, series};
use bess_core::snapshot::Snapshot;
use bess_core::stage::{CheckState, Effect, Phase, StageView, Verdict};
use std::collections::BTreeMap;

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    gauge("bess_scenario_active", NONE, "Runs of scenarios by how far they are; those done are the last ones that are kept", Numbers(runs)).by(&["phase"]),
    counter("bess_scenario_runs_total", NONE, "Runs of scenarios that are done, by what they came to", Numbers(verdicts)).by(&["verdict"]),
    counter("bess_scenario_checks_total", NONE, "Checks of runs that are done, by how they were decided", Numbers(checks)).by(&["state"]),
    gauge("bess_scenario_faults_active", NONE, "Faults in force that a scenario or a client injected, by kind", Numbers(faults)).by(&["kind"]),
    counter("bess_scenario_injections_total", NONE, "Faults that scenarios and clients injected since the start, by kind", Numbers(injections)).by(&["kind"]),
    counter("bess_scenario_effects_total", NONE, "Faults that ended since the start, by whether they were seen to act", Numbers(effects)).by(&["effect"]),
    gauge("bess_scenario_started_timestamp_seconds", SECONDS, "Simulated time in Unix seconds at which the newest run that goes on began its time line; absent while none does", Real(started)),
];

fn stage<'s>(sight: &Sight<'s>) -> &'s StageView {
    &sight.snapshot().stage
}

fn named<const N: usize>(
    label: &'static str,
    names: [&'static str; N],
    counts: [u64; N],
) -> Vec<(Labels, Number)> {
    names.into_iter().zip(counts).map(|(name, count)| series(label, name, count)).collect()
}

fn runs(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let mut counts = [0; Phase::ALL.len()];
    stage(sight).runs.iter().for_each(|run| counts[run.phase as usize] += 1);
    named("phase", Phase::ALL.map(|(name, _)| name), counts)
}

fn verdicts(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    named("verdict", Verdict::ALL.map(|(name, _)| name), stage(sight).verdicts)
}

fn checks(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    named("state", CheckState::ALL.map(|(name, _)| name), stage(sight).checks)
}

fn effects(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    named("effect", Effect::ALL.map(|(name, _)| name), stage(sight).effects)
}

fn faults(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let stage = stage(sight);
    let mut counts: BTreeMap<&'static str, u64> =
        stage.injected.iter().map(|(kind, _)| (*kind, 0)).collect();
    for fault in stage.faults.iter().filter(|fault| fault.is_active) {
        *counts.entry(fault.kind).or_default() += 1;
    }
    counts.into_iter().map(|(kind, count)| series("kind", kind, count)).collect()
}

fn injections(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    stage(sight).injected.iter().map(|(kind, count)| series("kind", *kind, *count)).collect()
}

fn started(sight: &Sight<'_>) -> f64 {
    let snapshot: &Snapshot = sight.snapshot();
    let running = stage(sight).runs.iter().filter(|run| run.phase == Phase::Running);
    let newest = running.map(|run| run.start).max();
    newest.map_or(f64::NAN, |tick| snapshot.start().at(tick).unix_ns as f64 / 1e9)
}
