//! The loop stands still.

use crate::faults::{Act, FaultKind, HostAct, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;
use bess_core::time::Tick;

pub(super) const KIND: FaultKind = FaultKind {
    name: "infra.stall",
    plane: FaultPlane::Infrastructure,
    targets: &[TargetKind::Farm],
    catalogue: &["I04"],
    summary: "no ticks for a time",
    effect: "the simulation slips behind wall time",
    symptoms: "bess_last_tick ages, lateness and skipped ticks; over as soon as the loop goes on",
    reaction: "missed ticks are counted, never stretched in silence",
    source: "grid-gym health; a live run alone feels it, a stepped one counts it",
    parameters: &[Parameter::number("stall_s", 0.1, 600.0, "how long, in wall time")],
    pace: Pace::OnceSeen,
    act: |case, out| {
        out.push(Act::Host(HostAct::Stall { ticks: Tick::count_in(case.args.number("stall_s")) }));
    },
    end: |_, _| {},
    probe: Probe::Func(shared::loop_stood),
};
