//! The EMS writes what is out of range.

use crate::faults::shared;
use crate::faults::{ClientAct, FaultKind, Pace, Probe, TargetKind};
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
    source: "catalogue K07",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::Setpoint(Some(1e9)), out),
    end: |case, out| shared::client(case, ClientAct::Setpoint(None), out),
    probe: Probe::Immediate,
};
