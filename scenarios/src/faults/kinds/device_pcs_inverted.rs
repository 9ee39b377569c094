//! A converter wired the wrong way round.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.inverted",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P09"],
    summary: "power has the wrong sign",
    effect: "it charges when discharge is asked",
    symptoms: "measured power is the setpoint's mirror",
    reaction: "plausibility in the EMS; stop",
    source: "EPRI 2024: integration and construction lead the root causes",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::PcsInverted(true), out),
    end: |case, out| shared::defect(case, Defect::PcsInverted(false), out),
    probe: Probe::Func(shared::setpoint_not_followed),
};
