//! Heartbeats stand still.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.freeze_heartbeat",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N07"],
    summary: "the farm's heartbeats do not count",
    effect: "values move, the heartbeat does not",
    symptoms: "a constant heartbeat",
    reaction: "the unit counts as lost",
    source: "SunSpec 802.Hb, 715.DERHb",
    parameters: &[
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::FreezeHeartbeat, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
