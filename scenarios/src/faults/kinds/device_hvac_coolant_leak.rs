//! Coolant is lost.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.hvac.coolant_leak",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H04"],
    summary: "less coolant flows",
    effect: "the plates take less heat",
    symptoms: "temperatures rise more than the load explains",
    reaction: "service alarm; derating",
    source: "Victorian Big Battery 2021: leak of a coolant",
    parameters: &[Parameter::number("flow_lost", 0.0, 1.0, "share of the flow that is lost")],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::CoolantLeak(case.args.number("flow_lost")), out),
    end: |case, out| shared::defect(case, Defect::CoolantLeak(0.0), out),
    probe: Probe::Func(shared::cooling_lacks),
};
