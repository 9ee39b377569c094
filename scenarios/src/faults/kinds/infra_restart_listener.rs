//! A listener restarts.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "infra.restart_listener",
    plane: FaultPlane::Infrastructure,
    targets: &[TargetKind::Listener],
    catalogue: &["I02", "N04"],
    summary: "a listener is down and up again",
    effect: "while it lasts nobody gets in, and each connection is reset at its next request",
    symptoms: "connection reset, then refused, then service as before",
    reaction: "back-off, then reconnect",
    source: "Kubernetes: a pod that moves; the socket itself stays bound",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::link(case, LinkEffect::Refuse, out);
        shared::link_named(case, RESET, LinkEffect::Reset, out);
    },
    end: |case, out| {
        shared::link_end(case, out);
        shared::link_named_end(case, RESET, out);
    },
    probe: Probe::Func(link_probe),
};

/// Of the condition that ends the connections there are.
const RESET: &str = "reset";
