//! The fans of a converter fail.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.fan",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P10", "P01"],
    summary: "a converter without its fans",
    effect: "its heat sink warms up several times as much",
    symptoms: "temperature rises under load, then derating and a trip",
    reaction: "derating, then pcs_over_temperature",
    source: "SunSpec 701.Alrm over temperature; factor is ours",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::PcsFan(true), out),
    end: |case, out| shared::defect(case, Defect::PcsFan(false), out),
    probe: Probe::Func(shared::pcs_warms),
};
