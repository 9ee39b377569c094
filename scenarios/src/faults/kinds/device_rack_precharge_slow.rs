//! Precharging takes too long.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.precharge_slow",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["R03"],
    summary: "the precharge resistor is too large",
    effect: "the bus comes up so many times slower",
    symptoms: "a slow voltage curve at the start; beyond the time limit precharge_failed",
    reaction: "failure until a reset by hand, when it is too slow",
    source: "Battery-Emulator: precharge within 15 s; factor is ours",
    parameters: &[Parameter::number(
        "factor",
        0.01,
        1000.0,
        "time constant over what it should be",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::SlowPrecharge(case.args.number("factor")), out),
    end: |case, out| shared::defect(case, Defect::SlowPrecharge(1.0), out),
    probe: Probe::Func(shared::precharge_seen),
};
