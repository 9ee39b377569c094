//! A loose busbar at a cell.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::CellDefect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.joint",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["C09"],
    summary: "a joint with too much resistance",
    effect: "heat grows with the square of the current and goes into the cell; the voltage across it adds to the cell's",
    symptoms: "a hot spot and a voltage spread under load, none at rest",
    reaction: "temperature difference alarm; derating",
    source: "Korea 2019: careless installation; alarm of 40 K for 30 s in Schneider's list; values are ours",
    parameters: &[Parameter::number(
        "extra_ohm",
        1e-6,
        0.1,
        "resistance of the joint beyond what it should have",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::cell(case, CellDefect::Joint(case.args.number("extra_ohm")), out),
    end: |case, out| shared::cell(case, CellDefect::Joint(0.0), out),
    probe: Probe::Func(shared::carries_current),
};
