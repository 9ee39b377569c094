//! A cell goes into runaway; what its neighbours do is the physics' answer.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::CellDefect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.thermal_runaway",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["C03", "C04"],
    summary: "a cell is brought to where its reaction runs by itself",
    effect: "the reaction's heat, gas and, where it is large enough, the heat that reaches the neighbours, follow from the chemistry",
    symptoms: "its temperature jumps, it vents, its voltage is gone; neighbours follow or are spared",
    reaction: "over-temperature, smoke and gas alarms; the unit isolates and stays latched; a reset is refused while it is hot",
    source: "UL 9540A (cell to module to unit); Energies 2019, 12, 3099; McMicken 2019",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::cell(case, CellDefect::Ignite(true), out),
    end: |case, out| shared::cell(case, CellDefect::Ignite(false), out),
    probe: Probe::Expr("any(cell.truth.temperature_degc@target > 120)"),
};
