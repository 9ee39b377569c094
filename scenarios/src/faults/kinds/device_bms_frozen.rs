//! A BMS that hangs.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.frozen",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B02"],
    summary: "measured values and the heartbeat stand still",
    effect: "the BMS's last values stay; what happens to the battery is not seen",
    symptoms: "constant values, a heartbeat that stands, no alarms",
    reaction: "who watches the heartbeat excludes the unit",
    source: "Battery-Emulator: values older than 60 s end operation",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::BmsFrozen(true), out),
    end: |case, out| shared::defect(case, Defect::BmsFrozen(false), out),
    probe: Probe::Func(shared::measured_stands),
};
