//! Water from suppression hoses runs over modules.

use crate::faults::{Act, Case, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::command::Command;
use bess_core::defect::CellDefect;
use bess_core::defect::Defect;
use bess_core::defect::SHORT_MIN_OHM;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.module.water",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Rack],
    catalogue: &["M06"],
    summary: "water over a rack",
    effect: "the insulation breaks down, and cells are shorted where the water stands",
    symptoms: "ground fault, then cells that lose voltage and warm up",
    reaction: "the unit trips and is de-energised",
    source: "Moss Landing, September 2021: couplings of a water-based suppression system leaked onto about 7 % of the modules (Vistra); values are ours",
    parameters: &[
        Parameter::number_or("insulation_kohm", 5.0, 0.01, 1e6, "resistance of the wet path"),
        Parameter::number_or(
            "cells",
            4.0,
            0.0,
            100.0,
            "cells that are shorted, spread evenly over the rack",
        ),
        Parameter::number_or(
            "resistance_ohm",
            0.5,
            SHORT_MIN_OHM,
            1e6,
            "resistance of each of these shorts",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        set(
            case,
            Some(case.args.number("insulation_kohm")),
            case.args.number("resistance_ohm"),
            out,
        );
    },
    end: |case, out| set(case, None, f64::INFINITY, out),
    probe: Probe::Func(shared::insulation_fell),
};

fn set(case: &Case<'_>, kohm: Option<f64>, ohm: f64, out: &mut Vec<Act>) {
    let unit = case.unit();
    shared::defect(case, Defect::Insulation(kohm), out);
    let in_series = case.spec.units[unit.idx()].design.cells_in_series;
    let cells = (case.args.number("cells") as usize).min(in_series);
    for rack_idx in case.racks() {
        for cell_idx in (0..cells).map(|k| k * in_series / cells) {
            let defect = Defect::Cell { rack_idx, cell_idx, defect: CellDefect::Short(ohm) };
            out.push(Command::SetDefect { unit, defect }.into());
        }
    }
}
