//! A converter that ceases in a dip and comes back slowly.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.cessation",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P05"],
    summary: "momentary cessation where it should ride through",
    effect: "below a voltage it gives nothing, and after it a slow ramp back",
    symptoms: "power steps to 0 in a dip and takes long to return",
    reaction: "it should ride through by its grid code",
    source: "NERC and WECC 2022 on the events of 9 March and 6 April; San Fernando 2020",
    parameters: &[
        Parameter::number_or("below_pu", 0.7, 0.0, 1.0, "voltage below which it gives nothing"),
        Parameter::number_or(
            "recovery_s",
            10.0,
            0.0,
            3600.0,
            "time of the ramp back to what was asked",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(
            case,
            Defect::MomentaryCessation {
                below_pu: case.args.number("below_pu"),
                recovery_s: case.args.number("recovery_s"),
            },
            out,
        );
    },
    end: |case, out| {
        shared::defect(case, Defect::MomentaryCessation { below_pu: 0.0, recovery_s: 0.0 }, out);
    },
    probe: Probe::Func(shared::dip_seen),
};
