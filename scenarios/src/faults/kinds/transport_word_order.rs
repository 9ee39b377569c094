//! The words of long values are swapped.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.word_order",
    catalogue: &["N09", "I07"],
    summary: "values of several registers in the opposite order",
    effect: "a wrong map after an update, or at commissioning",
    symptoms: "absurd values",
    reaction: "plausibility",
    source: "bess-ems: low word first",
    act: |case, out| shared::link(case, LinkEffect::SwapWords, out),
    ..shared::LINK
};
