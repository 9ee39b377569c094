//! A noisy sensor.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.noise",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S03"],
    summary: "noise on a measured value",
    effect: "a seeded normal noise of each tick is added",
    symptoms: "false warnings, a wide band",
    reaction: "debouncing",
    source: "engineering choice: sizes",
    parameters: &[
        Parameter::word(
            "signal",
            shared::SIGNALS,
            "which measured value; of each rack that is hit",
        ),
        Parameter::number("sd", 0.0, 1e9, "standard deviation, in the unit of the value"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort(
            case,
            Distortion { noise_sd: case.args.number("sd"), ..Distortion::NONE },
            out,
        );
    },
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
