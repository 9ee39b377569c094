//! Alarms do not reach SCADA.

use crate::faults::{Act, Case, FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.alarm_path_cut",
    plane: FaultPlane::Point,
    targets: &[TargetKind::Unit],
    catalogue: &["K11"],
    summary: "the alarm registers of a unit stay empty",
    effect: "alarms stand, and nobody who reads registers sees them",
    symptoms: "silence in SCADA; REST shows them",
    reaction: "a heartbeat of the alarm path",
    source: "Victorian Big Battery 2021: mapping to SCADA took 24 h",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| set(case, true, out),
    end: |case, out| set(case, false, out),
    probe: Probe::Func(shared::alarm_stands),
};

/// What a SCADA reads alarms from.
const POINTS: [&str; 2] = ["sunspec/701.Alrm", "sunspec/802.Evt1"];

fn set(case: &Case<'_>, cut: bool, out: &mut Vec<Act>) {
    for point in POINTS {
        shared::force_point(case, point, cut.then_some(0.0), out);
    }
}
