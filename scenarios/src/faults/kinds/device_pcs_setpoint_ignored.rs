//! A converter that takes setpoints and does nothing.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.setpoint_ignored",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P07"],
    summary: "writes are acknowledged and have no effect",
    effect: "it keeps the power that it had",
    symptoms: "setpoint and measured power differ, no alarm",
    reaction: "the EMS compares what it asked with what it gets",
    source: "victronenergy/venus issue 1643",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::SetpointIgnored(true), out),
    end: |case, out| shared::defect(case, Defect::SetpointIgnored(false), out),
    probe: Probe::Func(shared::setpoint_not_followed),
};
