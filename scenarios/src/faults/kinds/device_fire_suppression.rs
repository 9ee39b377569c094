//! The suppression agent is released.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.fire.suppression",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H07"],
    summary: "the agent is released",
    effect: "the unit trips and is locked out; a burning cell keeps its heat",
    symptoms: "fire_suppression alarm, power 0",
    reaction: "locked out until reset",
    source: "McMicken 2019: a clean agent does not stop cascading runaway",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::Suppression(true), out),
    end: |case, out| shared::defect(case, Defect::Suppression(false), out),
    probe: Probe::Expr("any(alarm(target, fire_suppression))"),
};
