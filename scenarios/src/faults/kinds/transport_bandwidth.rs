//! A slow line.

use crate::faults::{FaultKind, Parameter, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.bandwidth",
    catalogue: &["N01"],
    summary: "bytes trickle",
    effect: "each answer takes as long as its bytes need",
    symptoms: "slow reads that grow with their size",
    reaction: "smaller reads, longer timeouts",
    source: "toxiproxy bandwidth",
    parameters: &[
        Parameter::number("bytes_per_s", 1.0, 1e9, "what the line carries"),
        shared::PROBABILITY,
        shared::FUNCTIONS,
        shared::PEER,
    ],
    act: |case, out| {
        shared::link(
            case,
            LinkEffect::Bandwidth { bytes_per_s: case.args.number("bytes_per_s") },
            out,
        );
    },
    ..shared::LINK
};
