//! A balancing switch that does not open again.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::CellDefect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.module.balancer_stuck",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["M02"],
    summary: "the bleed resistor of a cell stays on",
    effect: "the cell is drained through its balancer at all times",
    symptoms: "it sinks at rest below the others",
    reaction: "balance fault; imbalance warning",
    source: "engineering choice: passive balancers bleed 50 to 500 mA",
    parameters: &[Parameter::number_or(
        "current_a",
        0.1,
        0.02,
        0.5,
        "current of the bleed resistor",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::cell(case, CellDefect::Leak(case.args.number("current_a")), out),
    end: |case, out| shared::cell(case, CellDefect::Leak(0.0), out),
    probe: Probe::Func(shared::cell_leaks),
};
