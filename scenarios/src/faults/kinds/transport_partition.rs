//! The network between some clients and the farm is cut.

use crate::faults::{FaultKind, TargetKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.partition",
    targets: &[TargetKind::Listener],
    catalogue: &["N05"],
    summary: "packets of some clients are lost",
    effect: "nothing of what they send arrives, nothing comes back",
    symptoms: "timeouts",
    reaction: "the watch over the controller acts; the client reconnects",
    source: "network practice",
    parameters: &[shared::PEER],
    act: |case, out| shared::link(case, LinkEffect::Drop, out),
    ..shared::LINK
};
