//! A ramp limiter with a wrong figure.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.ramp",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P08"],
    summary: "the ramp of a unit times a factor",
    effect: "power follows its setpoint too slowly or in a step",
    symptoms: "a slope that is not the one that was set",
    reaction: "scoring of the response shows it",
    source: "WATTMORE: plant controller pipeline",
    parameters: &[Parameter::number("factor", 0.01, 100.0, "slope over the one that was set")],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::PcsRamp(case.args.number("factor")), out),
    end: |case, out| shared::defect(case, Defect::PcsRamp(1.0), out),
    probe: Probe::Func(shared::setpoint_moved),
};
