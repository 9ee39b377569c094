//! Requests are lost.

use crate::faults::{FaultKind, shared};
use bess_core::link::LinkEffect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.drop",
    catalogue: &["N02"],
    summary: "no answer comes and nothing is done",
    effect: "a share of the requests is lost",
    symptoms: "gaps, timeouts",
    reaction: "back-off",
    source: "toxiproxy pull request 739",
    act: |case, out| shared::link(case, LinkEffect::Drop, out),
    ..shared::LINK
};
