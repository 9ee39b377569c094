//! The grid's frequency.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.frequency",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Grid],
    catalogue: &["G01"],
    summary: "a frequency that the farm did not make",
    effect: "every unit sees it",
    symptoms: "frequency and the power that answers to it",
    reaction: "droop, fast reserve, relays",
    source: "Regulation (EU) 2017/1485, Annex V",
    parameters: &[Parameter::number("hz", 40.0, 70.0, "the frequency, usually a shape")],
    pace: Pace::OnChangeEachTick,
    act: |case, out| shared::grid(Some(case.args.number("hz")), None, out),
    end: shared::end_frequency,
    probe: Probe::Func(shared::frequency_is_off),
};
