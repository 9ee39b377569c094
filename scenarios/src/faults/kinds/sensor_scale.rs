//! A wrong scale or unit.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.scale",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S05"],
    summary: "a measured value times a factor",
    effect: "ten or a thousand times too much or too little",
    symptoms: "a jump, implausible values",
    reaction: "plausibility",
    source: "bess-ems: MW for kW",
    parameters: &[
        Parameter::word(
            "signal",
            shared::SIGNALS,
            "which measured value; of each rack that is hit",
        ),
        Parameter::number("factor", -1e4, 1e4, "the factor; -1 for a sensor that is turned round"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort(
            case,
            Distortion { gain: case.args.number("factor"), ..Distortion::NONE },
            out,
        );
    },
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
