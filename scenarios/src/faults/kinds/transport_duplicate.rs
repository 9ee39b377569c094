//! Answers come twice.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.duplicate",
    catalogue: &["N10"],
    summary: "each answer twice",
    effect: "the second one is one too many",
    symptoms: "a client that is off by one from then on",
    reaction: "match by transaction id",
    source: "eModbus issue 347",
    act: |case, out| shared::link(case, LinkEffect::Duplicate, out),
    ..shared::LINK
};
