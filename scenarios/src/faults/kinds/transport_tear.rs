//! Values of two registers come from two instants.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.tear",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N08"],
    summary: "a value is torn between two ticks",
    effect: "the halves of a long value are of different ticks",
    symptoms: "an impossible jump",
    reaction: "reads of a whole block; plausibility",
    source: "a risk of servers that read state while it changes",
    parameters: &[
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::Tear, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
