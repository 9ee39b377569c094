//! An arc in the DC path of a rack.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.dc_arc",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Rack],
    catalogue: &["R05"],
    summary: "an arc in a rack",
    effect: "its heat goes into the nearest cell, and the measured current is noisy",
    symptoms: "noise on the rack's current, a hot spot",
    reaction: "temperature alarm, isolation",
    source: "Korea 2019: explosion of a DC contactor; power is ours",
    parameters: &[Parameter::number_or("power_w", 500.0, 1.0, 100_000.0, "heat of the arc")],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::racks(
            case,
            |rack_idx| Defect::DcArc { rack_idx, power_w: case.args.number("power_w") },
            out,
        );
    },
    end: |case, out| shared::racks(case, |rack_idx| Defect::DcArc { rack_idx, power_w: 0.0 }, out),
    probe: Probe::Func(shared::arc_burns),
};
