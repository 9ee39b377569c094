//! The door of a container is open.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.door",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H09"],
    summary: "somebody opened the door",
    effect: "the door contact is open",
    symptoms: "door_open alarm, 802.Evt1 bit 23, 701.Alrm bit 5",
    reaction: "maintenance interlock",
    source: "SunSpec 802, 701",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::DoorOpen(true), out),
    end: |case, out| shared::defect(case, Defect::DoorOpen(false), out),
    probe: Probe::Expr("any(alarm(target, door_open))"),
};
