//! A rack with another charge than the rest.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.soc",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Rack],
    catalogue: &["R07", "R08"],
    summary: "the charge of a rack is not that of the others",
    effect: "its state of charge jumps; voltages of the racks no longer match",
    symptoms: "currents between racks without outside power, the lowest rack is at its limit first",
    reaction: "the worst rack limits the unit; closing onto a difference of voltage is refused",
    source: "engineering choice: values",
    parameters: &[Parameter::number("soc", 0.0, 1.0, "its true state of charge")],
    pace: Pace::Once,
    act: |case, out| {
        shared::racks(
            case,
            |rack_idx| Defect::RackSoc { rack_idx, soc: Some(case.args.number("soc")) },
            out,
        );
    },
    end: |_, _| {},
    probe: Probe::Func(shared::rack_soc_moved),
};
