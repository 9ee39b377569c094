//! A sensor that is off by a constant.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.bias",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S01"],
    summary: "a measured value plus an offset",
    effect: "the BMS sees the value plus the offset; the truth is untouched",
    symptoms: "the SoC drifts with a current that is off, limits come early or late",
    reaction: "cross checks",
    source: "Schneider: voltage sense error of 40.8 V for 10 s",
    parameters: &[
        Parameter::word(
            "signal",
            shared::SIGNALS,
            "which measured value; of each rack that is hit",
        ),
        Parameter::number("offset", -1e9, 1e9, "added to the value, in its unit"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort(
            case,
            Distortion { offset: case.args.number("offset"), ..Distortion::NONE },
            out,
        );
    },
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
