//! A start that does not get on.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.start_stuck",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P14"],
    summary: "the start sequence waits for ever",
    effect: "a step of the start never ends",
    symptoms: "the state of a start stays",
    reaction: "a time limit of the start, then a fault",
    source: "Delta PCS100HV start sequence; OpenEMS 300 s",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::StartStuck(true), out),
    end: |case, out| shared::defect(case, Defect::StartStuck(false), out),
    probe: Probe::Func(shared::start_seen),
};
