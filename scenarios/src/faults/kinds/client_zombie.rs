//! A zombie EMS: its heartbeat counts and its setpoints do not change.

use crate::faults::{ClientAct, FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.zombie",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["K02"],
    summary: "setpoints are frozen",
    effect: "the last ones are written again and again",
    symptoms: "power stays, whatever happens",
    reaction: "frequency response overrides it",
    source: "operations",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::FreezeSetpoint(true), out),
    end: |case, out| shared::client(case, ClientAct::FreezeSetpoint(false), out),
    probe: Probe::Expr("event(\"client.write_setpoint\")"),
};
