//! The fuse of a rack blows.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.fuse",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Rack],
    catalogue: &["R04"],
    summary: "a rack is lost to its fuse",
    effect: "the rack is out; the others take its current",
    symptoms: "its current is 0, that of the others steps up",
    reaction: "fuse alarm; the unit goes on with less",
    source: "Korea 2019: rack fuses; SunSpec 803 StrConFail 5",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::racks(case, |rack_idx| Defect::Fuse { rack_idx, blown: true }, out),
    end: |case, out| shared::racks(case, |rack_idx| Defect::Fuse { rack_idx, blown: false }, out),
    probe: Probe::Expr("any(alarm(target, fuse_blown))"),
};
