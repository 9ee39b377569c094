//! Old writes are written again.

use crate::faults::{ClientAct, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.replay",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["K05"],
    summary: "writes of the last seconds are repeated",
    effect: "setpoints of earlier are in force again",
    symptoms: "power goes back in time",
    reaction: "freshness of commands; audit",
    source: "replay attacks in general",
    parameters: &[Parameter::number("last_s", 0.1, 3600.0, "how far back")],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::Replay(case.args.number("last_s")), out),
    end: |case, out| shared::client(case, ClientAct::Replay(0.0), out),
    probe: Probe::Expr("event(\"client.write\")"),
};
