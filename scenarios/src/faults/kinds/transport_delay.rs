//! Answers come late.

use crate::faults::{FaultKind, Parameter, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.delay",
    catalogue: &["N01"],
    summary: "answers come later",
    effect: "each answer is held for a time",
    symptoms: "slow reads; tail latency",
    reaction: "timeouts with back-off, no storm of retries",
    source: "modbus-tk issue 122; toxiproxy",
    parameters: &[
        Parameter::number("delay_s", 0.0, 3600.0, "how much later, in wall time"),
        Parameter::number_or("jitter_s", 0.0, 0.0, 3600.0, "and from 0 to this much more"),
        shared::PROBABILITY,
        shared::FUNCTIONS,
        shared::PEER,
    ],
    act: |case, out| {
        shared::link(
            case,
            LinkEffect::Delay {
                delay_s: case.args.number("delay_s"),
                jitter_s: case.args.number("jitter_s"),
            },
            out,
        );
    },
    ..shared::LINK
};
