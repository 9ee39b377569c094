//! A short within a cell: soft ones empty it, hard ones heat it up.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::CellDefect;
use bess_core::defect::SHORT_MIN_OHM;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.internal_short",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["C01", "C02"],
    summary: "a resistance within a cell, between its electrodes",
    effect: "a current of its own flows in the cell: it loses charge and warms up",
    symptoms: "its voltage falls below that of its neighbours at rest; a hard short heats it to runaway",
    reaction: "the BMS finds it by its voltage or its temperature; the unit isolates",
    source: "Feng et al. 2018, Energy Storage Materials 10: internal short circuit as a cause of runaway; McMicken 2019 (APS and DNV reports)",
    parameters: &[Parameter::number(
        "resistance_ohm",
        SHORT_MIN_OHM,
        1e6,
        "resistance of the short: some ohms are soft, some milliohms are hard",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::cell(case, CellDefect::Short(case.args.number("resistance_ohm")), out),
    end: |case, out| shared::cell(case, CellDefect::Short(f64::INFINITY), out),
    probe: Probe::Func(shared::cell_current_flows),
};
