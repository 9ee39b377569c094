//! The EMS is gone.

use crate::faults::{ClientAct, FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.stop",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["K01"],
    summary: "the EMS closes its connections",
    effect: "nothing is asked or written",
    symptoms: "no requests",
    reaction: "the watch over the controller acts",
    source: "evcc issue 33041",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::Stop(true), out),
    end: |case, out| shared::client(case, ClientAct::Stop(false), out),
    probe: Probe::Func(shared::heartbeat_is_wrong),
};
