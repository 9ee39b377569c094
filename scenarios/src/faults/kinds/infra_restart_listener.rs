//! A listener restarts.

use crate::faults::{Act, FaultKind, HostAct, Pace, Probe, TargetKind};
use crate::faults::shared;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "infra.restart_listener",
    plane: FaultPlane::Infrastructure,
    targets: &[TargetKind::Listener],
    catalogue: &["I02", "N04"],
    summary: "all connections are closed and the port is opened again",
    effect: "clients must connect again",
    symptoms: "reconnects",
    reaction: "back-off, then service as before",
    source: "Kubernetes: a pod that moves",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| if case.age == 0 { out.push(Act::Host(HostAct::RestartListener { listener: shared::listener(case) })); },
    end: |_, _| {},
    probe: Probe::Immediate,
};
