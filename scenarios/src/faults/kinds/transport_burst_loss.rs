//! Requests are lost in bursts.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.burst_loss",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
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
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
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
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
