//! A sensor that stands still.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.stuck",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S02"],
    summary: "a measured value that does not change",
    effect: "the last value stays",
    symptoms: "no variance at all",
    reaction: "stuck detection by the EMS",
    source: "moveet pull request 237",
    parameters: &[Parameter::word(
        "signal",
        shared::SIGNALS,
        "which measured value; of each rack that is hit",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::distort(case, Distortion { stuck: true, ..Distortion::NONE }, out),
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
