//! Requests are taken and never answered.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.blackhole",
    catalogue: &["N05"],
    summary: "accepted, and no answer",
    effect: "each request is lost, the connection stays open",
    symptoms: "timeouts only",
    reaction: "values are marked as stale",
    source: "venus issue 1643",
    parameters: &[shared::PEER],
    act: |case, out| shared::link(case, LinkEffect::Drop, out),
    ..shared::LINK
};
