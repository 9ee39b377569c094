//! Two sensors are exchanged.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.swap",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit],
    catalogue: &["S06"],
    summary: "the sensors of two racks are exchanged",
    effect: "each BMS sees what is so in the other rack",
    symptoms: "values that do not fit the rack: heat or current where there is none",
    reaction: "a commissioning check",
    source: "commissioning practice",
    parameters: &[
        Parameter::word("signal", shared::SENSED, "which measured value; of each rack that is hit"),
        Parameter::number_or("rack_a", 1.0, 1.0, 1000.0, "one rack"),
        Parameter::number_or("rack_b", 2.0, 1.0, 1000.0, "the other"),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::swap(case, true, out),
    end: |case, out| shared::swap(case, false, out),
    probe: Probe::Func(shared::swapped_is_wrong),
};
