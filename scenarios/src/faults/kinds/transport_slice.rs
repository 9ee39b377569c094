//! Answers come in pieces.

use crate::faults::{FaultKind, Parameter, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.slice",
    catalogue: &["N11"],
    summary: "an answer in two segments",
    effect: "a gap within each answer",
    symptoms: "parsers that read once fail",
    reaction: "reassemble",
    source: "toxiproxy slicer",
    parameters: &[
        Parameter::number_or("gap_s", 0.02, 0.0, 3600.0, "time between the pieces"),
        shared::PROBABILITY,
        shared::FUNCTIONS,
        shared::PEER,
    ],
    act: |case, out| {
        shared::link(case, LinkEffect::Split { gap_s: case.args.number("gap_s") }, out);
    },
    ..shared::LINK
};
