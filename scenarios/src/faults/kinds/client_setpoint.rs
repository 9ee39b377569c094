//! The EMS asks for something else.

use crate::faults::{ClientAct, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.setpoint",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["K03"],
    summary: "another setpoint of the farm",
    effect: "the EMS splits it over the units",
    symptoms: "setpoints",
    reaction: "the farm follows",
    source: "operations",
    parameters: &[Parameter::number("power_w", -1e9, 1e9, "what it asks for")],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::client(case, ClientAct::Setpoint(Some(case.args.number("power_w"))), out);
    },
    end: |case, out| shared::client(case, ClientAct::Setpoint(None), out),
    probe: Probe::Expr("event(\"client.write_setpoint\") or event(\"client.refused\")"),
};
