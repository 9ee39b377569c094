//! A sense wire is open.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::defect::Reading;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.open_wire",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Rack],
    catalogue: &["M01"],
    summary: "the lowest cell voltage reads 0 V",
    effect: "a wire is off: its cell seems to have no voltage",
    symptoms: "module sum and rack voltage differ; under-voltage",
    reaction: "under-voltage trip, or a sense alarm",
    source: "Schneider: module voltage sense alarm of 190 mV for 5 s",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort_reading(
            case,
            Reading::CellVoltageMin,
            Distortion { gain: 0.0, ..Distortion::NONE },
            out,
        );
    },
    end: |case, out| shared::distort_reading(case, Reading::CellVoltageMin, Distortion::NONE, out),
    probe: Probe::Func(|case, seen| shared::reading_is_wrong(case, seen, Reading::CellVoltageMin)),
};
