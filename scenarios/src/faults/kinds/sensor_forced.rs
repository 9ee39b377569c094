//! A sensor that shows a given value.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.forced",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Rack],
    catalogue: &["S05", "K06"],
    summary: "a measured value is replaced",
    effect: "the BMS sees the given value",
    symptoms: "whatever the value says",
    reaction: "as if it were so",
    source: "commissioning practice of forcing points",
    parameters: &[
        Parameter::word("signal", shared::SIGNALS, "which measured value"),
        Parameter::number("value", -1e9, 1e9, "what it shows, in its unit"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort(
            case,
            Distortion { gain: 0.0, offset: case.args.number("value"), ..Distortion::NONE },
            out,
        );
    },
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
