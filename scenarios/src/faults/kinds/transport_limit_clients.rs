//! All slots for clients are taken.

use crate::faults::{FaultKind, Parameter, TargetKind, shared};

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.limit_clients",
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
        shared::PEER,
    ],
    act: |case, out| shared::link(case, shared::client_limit(case), out),
    ..shared::LINK
};
