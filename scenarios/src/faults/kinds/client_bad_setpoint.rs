//! The EMS writes what is out of range.

use crate::faults::{ClientAct, FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.bad_setpoint",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["K07"],
    summary: "a setpoint beyond any rating",
    effect: "it is refused, and nothing changes",
    symptoms: "exception 3; a refused write in the audit",
    reaction: "refuse or clamp, and report",
    source: "Modbus Application Protocol 1.1b3, 7: exception 3",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::Setpoint(Some(1e9)), out),
    end: |case, out| shared::client(case, ClientAct::Setpoint(None), out),
    probe: Probe::Expr("event(\"client.refused\")"),
};
