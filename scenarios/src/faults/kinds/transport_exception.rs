//! Answers are exceptions.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.exception",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N03"],
    summary: "a Modbus exception in place of an answer",
    effect: "nothing is read or written",
    symptoms: "exception codes",
    reaction: "a retry policy by code",
    source: "node-modbus issue 164; Modbus Application Protocol 1.1b3, 7",
    parameters: &[
        Parameter::number("code", 1.0, 255.0, "the exception code"),
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::link(case, LinkEffect::Exception(case.args.number("code").round() as u8), out);
    },
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
