//! Answers are empty.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.empty",
    catalogue: &["N11"],
    summary: "a frame without a PDU",
    effect: "a header and nothing else",
    symptoms: "parse errors",
    reaction: "reconnect",
    source: "fuzzing practice",
    act: |case, out| shared::link(case, LinkEffect::Empty, out),
    ..shared::LINK
};
