//! All slots for clients are taken.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.limit_clients",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Listener],
    catalogue: &["N06"],
    summary: "fewer clients are served",
    effect: "clients beyond the number get nothing",
    symptoms: "one poller starves",
    reaction: "an alarm to the operator",
    source: "heliograph issue 71",
    parameters: &[
        Parameter::number("max_clients", 0.0, 10_000.0, "clients that are served"),
        Parameter::word_or(
            "policy",
            "silence",
            &["silence", "refuse"],
            "what the others get: an open connection without answers, or none",
        ),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, shared::client_limit(case), out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
