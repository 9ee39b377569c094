//! Registers stand still.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.freeze",
    catalogue: &["N07"],
    summary: "reads give what was when it began",
    effect: "an old picture is served",
    symptoms: "a heartbeat that stands",
    reaction: "who watches the heartbeat notices, who watches values does not",
    source: "EMS practice of staleness",
    act: |case, out| shared::link(case, LinkEffect::FreezeRegisters, out),
    ..shared::LINK
};
