//! The words of long values are swapped.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.word_order",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N09", "I07"],
    summary: "values of several registers in the opposite order",
    effect: "a wrong map after an update, or at commissioning",
    symptoms: "absurd values",
    reaction: "plausibility",
    source: "bess-ems: low word first",
    parameters: &[
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::SwapWords, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
