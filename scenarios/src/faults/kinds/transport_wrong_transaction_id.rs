//! Answers with a wrong transaction id.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.wrong_transaction_id",
    catalogue: &["N10"],
    summary: "an answer to somebody else's question",
    effect: "the transaction id is another one",
    symptoms: "a client that matches by order is confused",
    reaction: "must not be accepted",
    source: "epics modbus issue 8; eModbus issue 347",
    act: |case, out| shared::link(case, LinkEffect::WrongTransaction, out),
    ..shared::LINK
};
