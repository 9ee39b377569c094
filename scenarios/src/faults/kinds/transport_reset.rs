//! Connections are reset.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.reset",
    catalogue: &["N04"],
    summary: "the connection is reset in place of an answer",
    effect: "the client gets a reset",
    symptoms: "reconnects",
    reaction: "back-off",
    source: "toxiproxy",
    act: |case, out| shared::link(case, LinkEffect::Reset, out),
    ..shared::LINK
};
