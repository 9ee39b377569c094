//! The EMS's heartbeat.

use crate::faults::{
    ClientAct, FaultKind, HeartbeatMode, Pace, Parameter, Probe, TargetKind, shared,
};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.heartbeat",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["K01"],
    summary: "how the EMS's heartbeat counts",
    effect: "it stops, stands still or jumps",
    symptoms: "715.ControllerHb",
    reaction: "the watch over the controller acts after its time",
    source: "evcc issue 33575; SunSpec 715",
    parameters: &[Parameter::word(
        "mode",
        &["normal", "stop", "frozen", "erratic"],
        "how it counts",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::Heartbeat(shared::heartbeat(case)), out),
    end: |case, out| shared::client(case, ClientAct::Heartbeat(HeartbeatMode::Normal), out),
    probe: Probe::Func(shared::heartbeat_is_wrong),
};
