//! A ground fault.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.insulation",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["R06"],
    summary: "a path from the battery to earth",
    effect: "the insulation resistance falls",
    symptoms: "the insulation reading, then the alarm",
    reaction: "warning or trip by the protection profile",
    source: "Victorian Big Battery 2021; SunSpec 701.Alrm bit 0",
    parameters: &[Parameter::number(
        "resistance_kohm",
        0.01,
        1e6,
        "resistance of the path to earth",
    )],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(case, Defect::Insulation(Some(case.args.number("resistance_kohm"))), out);
    },
    end: |case, out| shared::defect(case, Defect::Insulation(None), out),
    probe: Probe::Func(shared::insulation_fell),
};
