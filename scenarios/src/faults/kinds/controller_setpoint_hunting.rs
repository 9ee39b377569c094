//! Setpoints that hunt.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.setpoint_hunting",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Unit, TargetKind::Farm],
    catalogue: &["K03"],
    summary: "setpoints that swing",
    effect: "a sine of setpoints around the one in force",
    symptoms: "power swings; wear",
    reaction: "ramp limits",
    source: "engineering choice: values",
    parameters: &[
        Parameter::number("amplitude_w", 0.0, 1e9, "of the swing"),
        Parameter::number_or("period_s", 20.0, 1.0, 3600.0, "of the swing"),
    ],
    pace: Pace::EachSecond,
    act: |case, out| {
        shared::setpoint(
            case,
            shared::setpoint_before(case)
                + case.args.number("amplitude_w")
                    * shared::sine(case, case.args.number("period_s")),
            out,
        );
    },
    end: |case, out| shared::setpoint(case, shared::setpoint_before(case), out),
    probe: Probe::Func(shared::setpoint_swings),
};
