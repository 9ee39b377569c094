//! The limits that a BMS publishes are wrong.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.limits",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B04", "B09", "C06", "C07"],
    summary: "published current limits times a factor",
    effect: "0 takes all power away, more than 1 lets cells be driven beyond their window",
    symptoms: "capability and behaviour do not agree; cells leave their window",
    reaction: "an EMS follows reported limits; protection is the last to act",
    source: "OpenEMS battery protection; factors are ours",
    parameters: &[
        Parameter::number_or("charge_factor", 1.0, 0.0, 5.0, "charge limit over the right one"),
        Parameter::number_or(
            "discharge_factor",
            1.0,
            0.0,
            5.0,
            "discharge limit over the right one",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(
            case,
            Defect::BmsLimits {
                charge: case.args.number("charge_factor"),
                discharge: case.args.number("discharge_factor"),
            },
            out,
        );
    },
    end: |case, out| shared::defect(case, Defect::BmsLimits { charge: 1.0, discharge: 1.0 }, out),
    probe: Probe::Func(shared::limits_moved),
};
