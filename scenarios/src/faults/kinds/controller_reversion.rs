//! A reversion timer runs out while its setpoint is still meant.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.reversion",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Unit],
    catalogue: &["K08"],
    summary: "a reversion timer that is shorter than the pause between two writes",
    effect: "a setpoint that is not written again in time goes back to another value",
    symptoms: "control.reverted; the power leaves its setpoint and comes back with the next write",
    reaction: "the EMS reads the timer, or writes more often than it runs",
    source: "SunSpec 704 WSetRvrtTms; evcc issue 33041",
    parameters: &[
        Parameter::number("time_s", 1.0, 86_400.0, "from the last write until it goes back"),
        Parameter::number_or("power_w", 0.0, -1e9, 1e9, "what it goes back to"),
    ],
    pace: Pace::OnChange,
    act: shared::reversion,
    end: shared::reversion_end,
    probe: Probe::Expr("event(\"control.reverted\", unit=target)"),
};
