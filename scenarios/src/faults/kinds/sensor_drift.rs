//! A sensor that drifts.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.drift",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S01"],
    summary: "a measured value that drifts away",
    effect: "an offset that grows with time",
    symptoms: "a slow divergence from the truth",
    reaction: "cross checks over days",
    source: "engineering choice: rates",
    parameters: &[
        Parameter::word(
            "signal",
            shared::SIGNALS,
            "which measured value; of each rack that is hit",
        ),
        Parameter::number(
            "rate_per_h",
            -1e9,
            1e9,
            "growth of the offset per hour, in the unit of the value",
        ),
    ],
    pace: Pace::EachSecond,
    act: |case, out| {
        shared::distort(
            case,
            Distortion {
                offset: case.args.number("rate_per_h") * case.age as f64 / 36_000.0,
                ..Distortion::NONE
            },
            out,
        );
    },
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
