//! What the faults of the transport have in common: each is one effect on the link.

use super::{link, link_end};
use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

/// Share of the requests that it hits.
pub(in crate::faults) const PROBABILITY: Parameter =
    Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits");
/// Function codes that it hits.
pub(in crate::faults) const FUNCTIONS: Parameter =
    Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent");
/// Clients that it hits.
pub(in crate::faults) const PEER: Parameter = Parameter::text(
    "peer",
    "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
);

/// What a fault of the transport is where it does not say something else. What it is called, where it comes from
/// and its effect it says itself.
pub(in crate::faults) const LINK: FaultKind = FaultKind {
    name: "",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &[],
    summary: "",
    effect: "",
    symptoms: "",
    reaction: "",
    source: "",
    parameters: &[PROBABILITY, FUNCTIONS, PEER],
    pace: Pace::OnChange,
    act: |case, out| link(case, LinkEffect::Drop, out),
    end: link_end,
    probe: Probe::Func(link_probe),
};
