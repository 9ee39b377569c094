//! A heater on a cell, as the fire test of UL 9540A starts one.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::CellDefect;
use bess_core::defect::HEATER_MAX_W;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.heater",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["C04"],
    summary: "a heater film on a cell",
    effect: "its heat goes into the cell and from there into its neighbours",
    symptoms: "the cell and those beside it warm up with no current to explain it",
    reaction: "over-temperature or rate alarms before the cell vents",
    source: "UL 9540A: external heating as initiating method",
    parameters: &[Parameter::number("power_w", 1.0, HEATER_MAX_W, "heat of the film")],
    pace: Pace::OnChange,
    act: |case, out| shared::cell(case, CellDefect::Heater(case.args.number("power_w")), out),
    end: |case, out| shared::cell(case, CellDefect::Heater(0.0), out),
    probe: Probe::Func(shared::cell_warms),
};
