//! The BMS recalibrates its state of charge by a step.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.soc_jump",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B01"],
    summary: "the estimated state of charge jumps",
    effect: "the estimate steps, the truth does not",
    symptoms: "a step in measured SoC with no energy behind it",
    reaction: "an EMS does not trade on it; no alarm",
    source: "engineering choice: size",
    parameters: &[Parameter::number("by", -0.5, 0.5, "how far it jumps")],
    pace: Pace::Once,
    act: |case, out| {
        shared::defect(case, Defect::SocJump { by: case.args.number("by") }, out);
    },
    end: |_, _| {},
    probe: Probe::Func(shared::soc_is_wrong),
};
