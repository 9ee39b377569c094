//! The auxiliary supply of a container is lost.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "infra.aux_loss",
    plane: FaultPlane::Infrastructure,
    targets: &[TargetKind::Unit],
    catalogue: &["I01"],
    summary: "no power for BMS and cooling",
    effect: "values are missing and nothing is cooled",
    symptoms: "bms_communication, then the unit stops",
    reaction: "black start of the auxiliaries; excluded meanwhile",
    source: "containers with one auxiliary transformer",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::AuxSupplyOff(true), out),
    end: |case, out| shared::defect(case, Defect::AuxSupplyOff(false), out),
    probe: Probe::Expr("any(alarm(target, bms_communication))"),
};
