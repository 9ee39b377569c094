//! Water condenses on live parts.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.hvac.condensation",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H02"],
    summary: "moisture lowers the insulation",
    effect: "the insulation resistance falls slowly and comes back as it dries",
    symptoms: "an insulation trend by the time of day",
    reaction: "insulation alarm",
    source: "Korea 2017 to 2019: condensation and dust; values are ours",
    parameters: &[Parameter::number(
        "insulation_kohm",
        0.01,
        1e6,
        "resistance of the moist path, usually a ramp or a sine",
    )],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(case, Defect::Insulation(Some(case.args.number("insulation_kohm"))), out);
    },
    end: |case, out| shared::defect(case, Defect::Insulation(None), out),
    probe: Probe::Func(shared::insulation_fell),
};
