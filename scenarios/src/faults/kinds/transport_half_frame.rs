//! Answers end in their middle.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.half_frame",
    catalogue: &["N11"],
    summary: "half an answer",
    effect: "the rest never comes",
    symptoms: "timeouts",
    reaction: "reconnect",
    source: "toxiproxy limit_data",
    act: |case, out| shared::link(case, LinkEffect::HalfFrame, out),
    ..shared::LINK
};
