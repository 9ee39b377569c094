//! The grid's phase jumps.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;
use bess_core::spec::DisturbanceKind;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.phase_jump",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Grid],
    catalogue: &["G04"],
    summary: "a step of the phase angle",
    effect: "converters see a jump",
    symptoms: "a kick of power; a trip where the limit is low",
    reaction: "no trip",
    source: "IEEE 1547-2018, 6.5.2.6: 20 and 60 degrees",
    parameters: &[Parameter::number("deg", -180.0, 180.0, "how far")],
    pace: Pace::OnceFor(""),
    act: |case, out| {
        shared::disturb(DisturbanceKind::PhaseJump(case.args.number("deg")), 0.0, out);
    },
    end: |_, _| {},
    probe: Probe::Expr("event(\"grid.phase_jump\")"),
};
