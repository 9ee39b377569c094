//! A rack drops out under load.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.open",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Rack],
    catalogue: &["R09"],
    summary: "a rack's contactors open by themselves",
    effect: "the others take its current at once",
    symptoms: "a step in the currents of the others; over-current where they were near their limit",
    reaction: "over-current alarms or derating of the others",
    source: "Schneider Galaxy Li-ion: over-current 250 A for 2 s",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::racks(case, |rack_idx| Defect::RackOpen { rack_idx, open: true }, out),
    end: |case, out| {
        shared::racks(case, |rack_idx| Defect::RackOpen { rack_idx, open: false }, out);
    },
    probe: Probe::Func(shared::rack_is_out),
};
