//! Alarms that clear themselves.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.no_latch",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B07"],
    summary: "alarms neither latch nor have hysteresis",
    effect: "an alarm is gone the moment its value is",
    symptoms: "alarm chatter",
    reaction: "an EMS or SCADA debounces",
    source: "MG Energy: hysteresis of 0.05 V and 20 s as what is missing here",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::NoLatch(true), out),
    end: |case, out| shared::defect(case, Defect::NoLatch(false), out),
    probe: Probe::Func(shared::alarm_stands),
};
