//! A cell that loses charge by itself.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::CellDefect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.self_discharge",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["C11"],
    summary: "a leakage current within a cell",
    effect: "it loses charge at rest and under load alike",
    symptoms: "its voltage falls behind at rest over hours; balancing never ends",
    reaction: "imbalance warning; balancing time grows",
    source: "engineering choice: figures",
    parameters: &[Parameter::number("current_a", 0.001, 5.0, "its leakage current")],
    pace: Pace::OnChange,
    act: |case, out| shared::cell(case, CellDefect::Leak(case.args.number("current_a")), out),
    end: |case, out| shared::cell(case, CellDefect::Leak(0.0), out),
    probe: Probe::Func(shared::cell_leaks),
};
