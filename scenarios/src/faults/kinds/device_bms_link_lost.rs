//! The link between BMS and converter is cut.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.link_lost",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B03"],
    summary: "BMS and converter do not hear each other",
    effect: "limits go stale; after its delay the unit stops",
    symptoms: "alarm bms_communication",
    reaction: "stop within the time of the profile",
    source: "Battery-Emulator: 60 s without CAN",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::BmsCommunication(true), out),
    end: |case, out| shared::defect(case, Defect::BmsCommunication(false), out),
    probe: Probe::Expr("any(alarm(target, bms_communication))"),
};
