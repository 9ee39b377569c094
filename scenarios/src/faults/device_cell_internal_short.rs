//! A short within a cell: soft ones empty it, hard ones heat it up.

use super::{Act, Case, FaultKind, Pace, Parameter, Probe, Target, TargetKind};
use bess_core::command::Command;
use bess_core::defect::{CellDefect, Defect, SHORT_MIN_OHM};
use bess_core::snapshot::{FaultPlane, Snapshot};
use bess_core::stage::Effect;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.internal_short",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["C01", "C02"],
    summary: "a resistance within a cell, between its electrodes",
    effect: "a current of its own flows in the cell: it loses charge and warms up",
    symptoms: "its voltage falls below that of its neighbours at rest; a hard short heats it to runaway",
    reaction: "the BMS finds it by its voltage, or by its temperature; the unit isolates",
    source: "Feng et al. 2018, Energy Storage Materials 10: internal short circuit as a cause of runaway",
    parameters: &[Parameter::number(
        "resistance_ohm",
        SHORT_MIN_OHM,
        1e6,
        "resistance of the short: some ohms are soft, some milliohms are hard",
    )],
    pace: Pace::OnChange,
    act: |case, out| set(case, case.args.number("resistance_ohm"), out),
    end: |case, out| set(case, f64::INFINITY, out),
    // A cell has a voltage, so a resistance across it carries a current from its first tick on; an
    // empty one has next to none.
    probe: Probe::Func(flows),
};

fn set(case: &Case<'_>, ohm: f64, out: &mut Vec<Act>) {
    if let Target::Cell { unit, rack_idx, cell_idx } = *case.target {
        let defect = Defect::Cell { rack_idx, cell_idx, defect: CellDefect::Short(ohm) };
        out.push(Command::SetDefect { unit, defect }.into());
    }
}

fn flows(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let Target::Cell { unit, rack_idx, cell_idx } = *case.target else { return Effect::Pending };
    let Some(cells) = seen.cells.iter().find(|cells| cells.unit_idx == unit.idx()) else {
        return Effect::Pending;
    };
    let volts = cells.true_voltage_v.get(rack_idx * cells.cells_per_rack + cell_idx);
    match volts {
        Some(volts) if f64::from(*volts) / case.args.number("resistance_ohm") > MIN_CURRENT_A => {
            Effect::Confirmed
        }
        _ => Effect::Pending,
    }
}

/// What no BMS would call a current [engineering choice].
const MIN_CURRENT_A: f64 = 1e-4;
