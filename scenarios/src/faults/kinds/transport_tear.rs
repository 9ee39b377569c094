//! Values of two registers come from two instants.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.tear",
    catalogue: &["N08"],
    summary: "a value is torn between two ticks",
    effect: "the halves of a long value are of different ticks",
    symptoms: "an impossible jump",
    reaction: "reads of a whole block; plausibility",
    source: "a risk of servers that read state while it changes",
    act: |case, out| shared::link(case, LinkEffect::Tear, out),
    ..shared::LINK
};
