//! A sensor with spikes.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.spike",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S03"],
    summary: "single wrong values",
    effect: "now and then a value is off by the size",
    symptoms: "single outliers",
    reaction: "debouncing; no trip on one value",
    source: "engineering choice: sizes",
    parameters: &[
        Parameter::word(
            "signal",
            shared::SIGNALS,
            "which measured value; of each rack that is hit",
        ),
        Parameter::number("probability", 0.0, 1.0, "of a spike in a tick"),
        Parameter::number("size", -1e9, 1e9, "added then, in the unit of the value"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort(
            case,
            Distortion {
                spike_p: case.args.number("probability"),
                spike: case.args.number("size"),
                ..Distortion::NONE
            },
            out,
        );
    },
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
