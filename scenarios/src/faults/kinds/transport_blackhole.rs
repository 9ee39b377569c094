//! Requests are taken and never answered.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.blackhole",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N05"],
    summary: "accepted, and no answer",
    effect: "each request is lost, the connection stays open",
    symptoms: "timeouts only",
    reaction: "values are marked as stale",
    source: "venus issue 1643",
    parameters: &[Parameter::text(
        "peer",
        "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::Drop, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
