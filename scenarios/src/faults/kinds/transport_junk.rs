//! Answers are no Modbus.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.junk",
    catalogue: &["N11"],
    summary: "bytes without a meaning",
    effect: "the client gets garbage",
    symptoms: "parse errors",
    reaction: "reconnect",
    source: "fuzzing practice",
    act: |case, out| shared::link(case, LinkEffect::Junk, out),
    ..shared::LINK
};
