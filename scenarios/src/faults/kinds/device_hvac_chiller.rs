//! The chiller fails.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.hvac.chiller",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H01"],
    summary: "no cooling of the coolant",
    effect: "the container warms up by what the cells lose",
    symptoms: "temperatures rise over minutes, cooling_failed",
    reaction: "derating from about 40 degC",
    source: "ems-simulator: HVAC",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::Chiller(true), out),
    end: |case, out| shared::defect(case, Defect::Chiller(false), out),
    probe: Probe::Expr("any(alarm(target, cooling_failed))"),
};
