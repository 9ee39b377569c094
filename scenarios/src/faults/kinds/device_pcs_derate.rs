//! A converter that gives less.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.derate",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P01"],
    summary: "the converter's power is cut to a share of its rating",
    effect: "power saturates below the setpoint; what it may give is published",
    symptoms: "available power falls, the setpoint is not met",
    reaction: "the EMS splits anew by available power",
    source: "ems-simulator: derating curve of a converter",
    parameters: &[Parameter::number("factor", 0.0, 1.0, "share of the rating that it still gives")],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::PcsDerate(case.args.number("factor")), out),
    end: |case, out| shared::defect(case, Defect::PcsDerate(1.0), out),
    probe: Probe::Func(shared::available_fell),
};
