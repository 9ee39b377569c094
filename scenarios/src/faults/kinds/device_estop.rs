//! Somebody presses the emergency stop.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::command::UnitAction;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.estop",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["R10"],
    summary: "the emergency stop of a container",
    effect: "contactors open at once",
    symptoms: "701.Alrm manual shutdown, power 0",
    reaction: "released and reset by hand only",
    source: "SunSpec 803 StrConFail 1, 701.Alrm bit 6",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::operate(case, UnitAction::EmergencyStop, out),
    end: |case, out| shared::operate(case, UnitAction::ReleaseEmergencyStop, out),
    probe: Probe::Expr("any(alarm(target, emergency_stop))"),
};
