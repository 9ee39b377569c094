//! Answers come in pieces.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.slice",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N11"],
    summary: "an answer in two segments",
    effect: "a gap within each answer",
    symptoms: "parsers that read once fail",
    reaction: "reassemble",
    source: "toxiproxy slicer",
    parameters: &[
        Parameter::number_or("gap_s", 0.02, 0.0, 3600.0, "time between the pieces"),
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::link(case, LinkEffect::Split { gap_s: case.args.number("gap_s") }, out);
    },
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
