//! The coolant pump stands still.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.hvac.pump",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H03"],
    summary: "no coolant flows",
    effect: "heat leaves the cells through air and walls alone",
    symptoms: "cooling_failed; modules drift apart in temperature",
    reaction: "derating; the EMS moves power to others",
    source: "Schneider Galaxy Li-ion alarm list; SunSpec 802.Evt1 bit 21",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::Pump(true), out),
    end: |case, out| shared::defect(case, Defect::Pump(false), out),
    probe: Probe::Expr("any(alarm(target, cooling_failed))"),
};
