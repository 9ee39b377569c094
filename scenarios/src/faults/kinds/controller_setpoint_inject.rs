//! Somebody else writes setpoints.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.setpoint_inject",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Unit, TargetKind::Farm],
    catalogue: &["K05", "N12"],
    summary: "a setpoint that the EMS did not send",
    effect: "the power goes where the intruder wants",
    symptoms: "a setpoint without a line in the EMS's log; in the audit with another source",
    reaction: "allow-lists, audit; the EMS notices and takes over",
    source: "FrostyGoop 2024 (Dragos): write_multiple_registers to heating controllers in Lviv",
    parameters: &[
        Parameter::number("power_w", -1e9, 1e9, "what is written"),
        Parameter::number_or("every_s", 1.0, 0.1, 3600.0, "how often it is written"),
    ],
    pace: Pace::EachTick,
    act: |case, out| {
        if shared::is_turn(case, case.args.number("every_s")) {
            shared::setpoint(case, case.args.number("power_w"), out);
        }
    },
    end: |_, _| {},
    probe: Probe::Func(shared::setpoint_stands),
};
