//! Ventilation fails.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.hvac.ventilation_off",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H08"],
    summary: "gas stays in the container",
    effect: "nothing thins the gas out",
    symptoms: "the concentration stays or rises above a quarter of the lower flammable limit",
    reaction: "a do-not-enter alarm",
    source: "NFPA 855; McMicken 2019: the door was opened hours later",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::VentilationOff(true), out),
    end: |case, out| shared::defect(case, Defect::VentilationOff(false), out),
    probe: Probe::Func(shared::gas_is_there),
};
