//! Connections are refused.

use crate::faults::{FaultKind, TargetKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.refuse",
    targets: &[TargetKind::Listener],
    catalogue: &["N04"],
    summary: "new connections are refused",
    effect: "nobody gets in",
    symptoms: "connection refused",
    reaction: "back-off",
    source: "toxiproxy",
    parameters: &[shared::PEER],
    act: |case, out| shared::link(case, LinkEffect::Refuse, out),
    ..shared::LINK
};
