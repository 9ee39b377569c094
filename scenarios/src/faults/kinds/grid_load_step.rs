//! A load behind the POI comes or goes.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;
use bess_core::spec::DisturbanceKind;
use bess_core::units::Watts;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.load_step",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Grid],
    catalogue: &["G01"],
    summary: "a step of load, on a grid with inertia",
    effect: "the frequency moves by the grid's inertia",
    symptoms: "frequency and response",
    reaction: "droop, fast reserve",
    source: "swing equation; needs a farm file whose grid has inertia",
    parameters: &[Parameter::number("load_mw", -1e5, 1e5, "positive is more load")],
    pace: Pace::Once,
    act: |case, out| {
        shared::disturb(
            DisturbanceKind::LoadStep(Watts(case.args.number("load_mw") * 1e6)),
            f64::INFINITY,
            out,
        );
    },
    end: shared::end_load_step,
    probe: Probe::Func(shared::frequency_is_off),
};
