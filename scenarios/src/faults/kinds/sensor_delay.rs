//! A value that comes late.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;
use bess_core::time::Tick;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.delay",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Rack],
    catalogue: &["S07"],
    summary: "a measured value of some time ago",
    effect: "the BMS sees the value late",
    symptoms: "lag between cause and reading",
    reaction: "quality by time",
    source: "engineering choice: delays",
    parameters: &[
        Parameter::word(
            "signal",
            shared::SIGNALS,
            "which measured value; of each rack that is hit",
        ),
        Parameter::number("delay_s", 0.1, 60.0, "how late it is"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort(
            case,
            Distortion {
                delay_ticks: Tick::count_in(case.args.number("delay_s")) as u32,
                ..Distortion::NONE
            },
            out,
        );
    },
    end: |case, out| shared::distort(case, Distortion::NONE, out),
    probe: Probe::Func(shared::measured_is_wrong),
};
