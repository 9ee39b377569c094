//! A value that is missing.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.dropout",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S04"],
    summary: "a measured value is not there",
    effect: "the BMS has no value",
    symptoms: "the not-implemented sentinel, or the last value",
    reaction: "a fallback; no use of the sentinel as a number",
    source: "OpenDTU-OnBattery pull request 2635",
    parameters: &[Parameter::word(
        "signal",
        shared::SIGNALS,
        "which measured value; of each rack that is hit",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::distort(case, Distortion { dropout: true, ..Distortion::NONE }, out),
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_missing),
};
