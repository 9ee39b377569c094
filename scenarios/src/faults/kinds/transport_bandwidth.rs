//! A slow line.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.bandwidth",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N01"],
    summary: "bytes trickle",
    effect: "each answer takes as long as its bytes need",
    symptoms: "slow reads that grow with their size",
    reaction: "smaller reads, longer timeouts",
    source: "toxiproxy bandwidth",
    parameters: &[
        Parameter::number("bytes_per_s", 1.0, 1e9, "what the line carries"),
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
            LinkEffect::Bandwidth { bytes_per_s: case.args.number("bytes_per_s") },
            out,
        );
    },
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
