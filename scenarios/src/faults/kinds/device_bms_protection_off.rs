//! A container in service mode: its protection does nothing.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.protection_off",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B05"],
    summary: "no alarm and no trip of the battery",
    effect: "nothing stops what goes wrong",
    symptoms: "silence, while cells get hot",
    reaction: "nothing by the BMS: EMS or SCADA must notice the silence",
    source: "Victorian Big Battery 2021: unit in off-line service mode, mapped to SCADA after 24 h",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::ProtectionOff(true), out),
    end: |case, out| shared::defect(case, Defect::ProtectionOff(false), out),
    probe: Probe::Func(shared::protection_is_needed),
};
