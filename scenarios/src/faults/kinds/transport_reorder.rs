//! Answers come in another order.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.reorder",
    catalogue: &["N10"],
    summary: "answers to pipelined requests change places",
    effect: "the later one first",
    symptoms: "a client that matches by order mixes them up",
    reaction: "match by transaction id",
    source: "Modbus over TCP allows it",
    act: |case, out| shared::link(case, LinkEffect::Reorder, out),
    ..shared::LINK
};
