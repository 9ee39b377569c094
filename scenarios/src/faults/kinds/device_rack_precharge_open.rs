//! The precharge resistor is open.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.precharge_open",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["R03"],
    summary: "the bus is not charged before the main contactors close",
    effect: "the bus voltage does not rise while precharging",
    symptoms: "the start ends with precharge_failed",
    reaction: "failure until a reset by hand",
    source: "Battery-Emulator: precharge within 15 s",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::Precharge(true), out),
    end: |case, out| shared::defect(case, Defect::Precharge(false), out),
    probe: Probe::Func(shared::precharge_seen),
};
