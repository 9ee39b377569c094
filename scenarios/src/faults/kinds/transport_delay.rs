//! Answers come late.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.delay",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N01"],
    summary: "answers come later",
    effect: "each answer is held for a time",
    symptoms: "slow reads; tail latency",
    reaction: "timeouts with back-off, no storm of retries",
    source: "modbus-tk issue 122; toxiproxy",
    parameters: &[
        Parameter::number("delay_s", 0.0, 3600.0, "how much later, in wall time"),
        Parameter::number_or("jitter_s", 0.0, 0.0, 3600.0, "and from 0 to this much more"),
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
        Parameter::numbers("functions", 1.0, 127.0, "function codes that it hits; all when absent"),
        Parameter::text(
            "peer",
            "address or network of the clients that it hits, such as 192.0.2.0/24; all when absent",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::link(
            case,
            LinkEffect::Delay {
                delay_s: case.args.number("delay_s"),
                jitter_s: case.args.number("jitter_s"),
            },
            out,
        );
    },
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
