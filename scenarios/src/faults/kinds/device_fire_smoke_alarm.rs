//! A smoke detector that is wrong.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.fire.smoke_alarm",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit],
    catalogue: &["H05"],
    summary: "a smoke alarm without smoke",
    effect: "the unit trips as for smoke",
    symptoms: "smoke alarm while temperatures are normal",
    reaction: "latched; reset by hand",
    source: "Moss Landing 2021",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::SmokeDetector(true), out),
    end: |case, out| shared::defect(case, Defect::SmokeDetector(false), out),
    probe: Probe::Expr("any(alarm(target, smoke))"),
};
