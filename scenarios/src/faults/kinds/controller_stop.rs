//! Somebody stops a unit.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::command::UnitAction;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.stop",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Unit],
    catalogue: &["K05"],
    summary: "a unit is stopped by an operator",
    effect: "it ramps down and opens its contactors",
    symptoms: "state off",
    reaction: "the EMS splits over the others",
    source: "operations",
    parameters: &[],
    pace: Pace::Once,
    act: |case, out| {
        shared::operate(case, UnitAction::Stop, out);
    },
    end: |case, out| shared::operate(case, UnitAction::Start, out),
    probe: Probe::Func(shared::gives_no_power),
};
