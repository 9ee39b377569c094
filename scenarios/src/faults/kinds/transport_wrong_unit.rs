//! Answers with a wrong unit id.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.wrong_unit",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N10", "I07"],
    summary: "an answer from another unit",
    effect: "the unit id is another one",
    symptoms: "a client that does not compare takes it",
    reaction: "must not be accepted",
    source: "Modbus over TCP 1.0b, 3.1.3",
    parameters: &[
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| shared::link(case, LinkEffect::WrongUnit, out),
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
