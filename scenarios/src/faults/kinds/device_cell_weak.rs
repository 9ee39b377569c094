//! A cell that has aged before the others.

use crate::faults::{Act, Case, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::CellDefect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.cell.weak",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Cell],
    catalogue: &["C08", "C05"],
    summary: "a cell with less capacity and more resistance than its neighbours",
    effect: "it is full and empty before the others and sags more under load",
    symptoms: "early limits of its rack, a voltage spread that grows towards both ends",
    reaction: "imbalance alarm; the rack is limited by its weakest cell",
    source: "Schneider Galaxy Li-ion: imbalance of 100 mV for 5 s; factors are ours",
    parameters: &[
        Parameter::number_or("capacity_factor", 0.8, 0.05, 1.0, "its capacity over what it was"),
        Parameter::number_or(
            "resistance_factor",
            1.5,
            1.0,
            20.0,
            "its resistance over what it was",
        ),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        set(case, case.args.number("capacity_factor"), case.args.number("resistance_factor"), out);
    },
    end: |case, out| set(case, 1.0, 1.0, out),
    probe: Probe::Func(shared::carries_current),
};

fn set(case: &Case<'_>, capacity: f64, resistance: f64, out: &mut Vec<Act>) {
    shared::cell(case, CellDefect::Capacity(capacity), out);
    shared::cell(case, CellDefect::Resistance(resistance), out);
}
