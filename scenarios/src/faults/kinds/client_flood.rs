//! The EMS asks far too often.

use crate::faults::{ClientAct, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.flood",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["K10", "N12"],
    summary: "a flood of requests",
    effect: "so many requests a second beside its work",
    symptoms: "requests per second, latency",
    reaction: "the server stays in time; a limit",
    source: "denial of service in general",
    parameters: &[Parameter::number("rate_per_s", 0.0, 1e5, "requests a second")],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::Flood(case.args.number("rate_per_s")), out),
    end: |case, out| shared::client(case, ClientAct::Flood(0.0), out),
    probe: Probe::Expr("transport.requests_per_s > 1.2 * baseline(transport.requests_per_s)"),
};
