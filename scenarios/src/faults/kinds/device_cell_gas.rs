//! Cells vent without running away.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.gas",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["C10"],
    summary: "gas of cells without their heat",
    effect: "gas comes into the container at a rate",
    symptoms: "the gas concentration rises, no temperature does",
    reaction: "ventilate and warn; no trip unless it nears a quarter of the lower flammable limit",
    source: "NFPA 855: explosion control at 25 % of the lower flammable limit",
    parameters: &[Parameter::number("litres_per_s", 0.001, 1000.0, "gas at ambient conditions")],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(case, Defect::Gas { litres_per_s: case.args.number("litres_per_s") }, out);
    },
    end: |case, out| shared::defect(case, Defect::Gas { litres_per_s: 0.0 }, out),
    probe: Probe::Expr("any(alarm(target, gas))"),
};
