//! Answers come twice.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.duplicate",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N10"],
    summary: "each answer twice",
    effect: "the second one is one too many",
    symptoms: "a client that is off by one from then on",
    reaction: "match by transaction id",
    source: "eModbus issue 347",
    parameters: &[
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::Duplicate, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
