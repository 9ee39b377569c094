//! Requests are lost in bursts.

use crate::faults::{FaultKind, Parameter, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.burst_loss",
    catalogue: &["N02"],
    summary: "losses come in bursts",
    effect: "a two-state chain decides for each request (Gilbert-Elliott)",
    symptoms: "runs of timeouts between quiet times",
    reaction: "back-off; no alarm for one loss",
    source: "Gilbert 1960, Elliott 1963",
    parameters: &[
        Parameter::number_or(
            "good_to_bad",
            0.05,
            0.0,
            1.0,
            "chance of a burst to begin, at a request",
        ),
        Parameter::number_or(
            "bad_to_good",
            0.4,
            0.0,
            1.0,
            "chance of a burst to end, at a request",
        ),
        Parameter::number_or("loss_bad", 0.9, 0.0, 1.0, "share lost within a burst"),
        shared::PROBABILITY,
        shared::FUNCTIONS,
        shared::PEER,
    ],
    act: |case, out| {
        shared::link(
            case,
            LinkEffect::BurstLoss {
                good_to_bad: case.args.number("good_to_bad"),
                bad_to_good: case.args.number("bad_to_good"),
                loss_bad: case.args.number("loss_bad"),
            },
            out,
        );
    },
    ..shared::LINK
};
