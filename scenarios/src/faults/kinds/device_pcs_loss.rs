//! A converter that loses more than it should.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.loss",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P11"],
    summary: "extra loss in the converter",
    effect: "more DC power for the same AC power",
    symptoms: "round-trip efficiency falls, the state of charge drifts from the plan",
    reaction: "energy accounting shows it",
    source: "engineering choice: values",
    parameters: &[Parameter::number(
        "extra_pct",
        0.0,
        20.0,
        "loss in percent of the rated power, beyond the normal one",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::PcsLoss(case.args.number("extra_pct")), out),
    end: |case, out| shared::defect(case, Defect::PcsLoss(0.0), out),
    probe: Probe::Func(shared::converter_loses),
};
