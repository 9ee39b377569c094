//! The droop of a unit is changed in silence.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.droop",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Unit],
    catalogue: &["K04", "B08"],
    summary: "another droop than the one that can be read",
    effect: "its response to frequency has another slope; settings read as before",
    symptoms: "power against frequency does not fit the settings",
    reaction: "compare with the reference response",
    source: "Hornsdale 2019 (AER): 1.7 % became 3.7 % with an update, noticed in October",
    parameters: &[Parameter::number("droop_pct", 0.1, 100.0, "the droop in force")],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(
            case,
            Defect::DroopOverride(Some(case.args.number("droop_pct") / 100.0)),
            out,
        );
    },
    end: |case, out| shared::defect(case, Defect::DroopOverride(None), out),
    probe: Probe::Func(shared::droop_differs),
};
