//! A protection trips without a cause.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.nuisance_trip",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B06"],
    summary: "an alarm of trip level with no cause",
    effect: "the unit trips while everything is well",
    symptoms: "a trip whose measured values are all within limits",
    reaction: "out until it ends, then it starts again by its rules",
    source: "Moss Landing 2021: sprinkler logic had been changed after false alarms (NBC)",
    parameters: &[Parameter::word_or(
        "code",
        "cell_over_voltage",
        shared::TRIP_CODES,
        "the alarm that it shows",
    )],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(case, Defect::NuisanceTrip { code: Some(shared::code(case)) }, out);
    },
    end: |case, out| shared::defect(case, Defect::NuisanceTrip { code: None }, out),
    probe: Probe::Func(shared::alarm_of_code_stands),
};
