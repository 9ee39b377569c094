//! Forged measurements.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.false_measurement",
    plane: FaultPlane::Point,
    targets: &[TargetKind::Unit, TargetKind::Farm],
    catalogue: &["K06"],
    summary: "a point of the register maps shows a given value",
    effect: "clients read what is not so; REST and metrics tell the truth",
    symptoms: "registers and energy do not agree",
    reaction: "plausibility",
    source: "FrostyGoop 2024: false measurements sent to operators",
    parameters: &[
        Parameter::text("point", "canonical name of the point, such as sunspec/701.W"),
        Parameter::number("value", -1e12, 1e12, "what it shows"),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::force(case, case.args.number("value"), out),
    end: |case, out| shared::release(case, out),
    probe: Probe::Func(shared::point_lies),
};
