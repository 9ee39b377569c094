//! The fans of a container fail.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.hvac.fan",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H01"],
    summary: "no air is moved",
    effect: "air-cooled cells keep their heat",
    symptoms: "cooling_failed; cells warm up",
    reaction: "derating",
    source: "SunSpec 802.Evt1 bit 21",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::Fan(true), out),
    end: |case, out| shared::defect(case, Defect::Fan(false), out),
    probe: Probe::Expr("any(alarm(target, cooling_failed))"),
};
