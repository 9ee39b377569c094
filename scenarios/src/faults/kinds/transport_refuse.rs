//! Connections are refused.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.refuse",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Listener],
    catalogue: &["N04"],
    summary: "new connections are refused",
    effect: "nobody gets in",
    symptoms: "connection refused",
    reaction: "back-off",
    source: "toxiproxy",
    parameters: &[Parameter::text(
        "peer",
        "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::Refuse, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
