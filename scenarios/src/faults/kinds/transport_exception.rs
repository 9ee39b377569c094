//! Answers are exceptions.

use crate::faults::{FaultKind, Parameter, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.exception",
    catalogue: &["N03"],
    summary: "a Modbus exception in place of an answer",
    effect: "nothing is read or written",
    symptoms: "exception codes",
    reaction: "a retry policy by code",
    source: "node-modbus issue 164; Modbus Application Protocol 1.1b3, 7",
    parameters: &[
        Parameter::number("code", 1.0, 255.0, "the exception code"),
        shared::PROBABILITY,
        shared::FUNCTIONS,
        shared::PEER,
    ],
    act: |case, out| {
        shared::link(case, LinkEffect::Exception(case.args.number("code").round() as u8), out);
    },
    ..shared::LINK
};
