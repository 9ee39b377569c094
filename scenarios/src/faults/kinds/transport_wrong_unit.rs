//! Answers with a wrong unit id.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.wrong_unit",
    catalogue: &["N10", "I07"],
    summary: "an answer from another unit",
    effect: "the unit id is another one",
    symptoms: "a client that does not compare takes it",
    reaction: "must not be accepted",
    source: "Modbus over TCP 1.0b, 3.1.3",
    act: |case, out| shared::link(case, LinkEffect::WrongUnit, out),
    ..shared::LINK
};
