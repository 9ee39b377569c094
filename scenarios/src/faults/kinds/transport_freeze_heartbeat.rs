//! Heartbeats stand still.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.freeze_heartbeat",
    catalogue: &["N07"],
    summary: "the farm's heartbeats do not count",
    effect: "values move, the heartbeat does not",
    symptoms: "a constant heartbeat",
    reaction: "the unit counts as lost",
    source: "SunSpec 802.Hb, 715.DERHb",
    act: |case, out| shared::link(case, LinkEffect::FreezeHeartbeat, out),
    ..shared::LINK
};
