//! The network between some clients and the farm is cut.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.partition",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Listener],
    catalogue: &["N05"],
    summary: "packets of some clients are lost",
    effect: "nothing of what they send arrives, nothing comes back",
    symptoms: "timeouts",
    reaction: "the watch over the controller acts; the client reconnects",
    source: "network practice",
    parameters: &[Parameter::text(
        "peer",
        "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::Drop, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
