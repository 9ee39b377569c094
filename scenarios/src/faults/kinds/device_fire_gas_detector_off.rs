//! A gas detector that sees nothing.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.fire.gas_detector_off",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit],
    catalogue: &["H06"],
    summary: "gas is not detected",
    effect: "gas and smoke of cells raise no alarm",
    symptoms: "silence",
    reaction: "a second way to detect",
    source: "McMicken 2019: no gas detection",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::GasDetectorOff(true), out),
    end: |case, out| shared::defect(case, Defect::GasDetectorOff(false), out),
    probe: Probe::Func(shared::gas_is_there),
};
