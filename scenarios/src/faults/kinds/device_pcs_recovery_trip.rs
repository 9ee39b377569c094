//! A converter that trips when the voltage comes back.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.recovery_trip",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P04"],
    summary: "over-current at the return of the voltage",
    effect: "it trips right after a dip has cleared",
    symptoms: "power is back for a moment, then the unit is in fault",
    reaction: "a unit should stay on",
    source: "San Fernando 2020 (NERC): AC over-current",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::RecoveryTrip(true), out),
    end: |case, out| shared::defect(case, Defect::RecoveryTrip(false), out),
    probe: Probe::Func(shared::dip_seen),
};
