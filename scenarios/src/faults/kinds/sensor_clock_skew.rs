//! A clock that is wrong.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, link_probe, shared};
use bess_core::link::LinkEffect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.clock_skew",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["S07", "I05"],
    summary: "sample times are those of earlier",
    effect: "the time of the sample in the registers is off",
    symptoms: "a time stamp that does not fit",
    reaction: "quality stale",
    source: "moveet pull request 237; libcosim issue 457",
    parameters: &[Parameter::number("by_s", 0.1, 31_536_000.0, "how far it is behind")],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::link(case, LinkEffect::StaleTime { by_s: case.args.number("by_s") }, out);
    },
    end: shared::link_end,
    probe: Probe::Func(link_probe),
};
