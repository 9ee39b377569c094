//! A board of a daisy chain is lost.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.slave_lost",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Rack],
    catalogue: &["M04"],
    summary: "every value of a rack is missing",
    effect: "its cells vanish from what the BMS sees",
    symptoms: "a block of missing values, then bms_communication",
    reaction: "a trip after the time of the profile",
    source: "Battery-Emulator: 60 s",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::distort_all(case, Distortion { dropout: true, ..Distortion::NONE }, out);
    },
    end: |case, out| shared::distort_all(case, Distortion::NONE, out),
    probe: Probe::Func(shared::racks_are_missing),
};
