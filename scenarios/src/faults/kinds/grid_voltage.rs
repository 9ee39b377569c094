//! The grid's voltage.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.voltage",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Grid],
    catalogue: &["G02", "G10"],
    summary: "a sag, a swell or a swing",
    effect: "every unit sees it",
    symptoms: "voltage and the reactive power that answers to it",
    reaction: "ride-through, volt-var, relays",
    source: "IEEE 1547-2018, tables of ride-through",
    parameters: &[Parameter::number("pu", 0.0, 2.0, "the voltage in per unit, usually a shape")],
    pace: Pace::OnChangeEachTick,
    act: |case, out| shared::grid(None, Some(case.args.number("pu")), out),
    end: shared::end_voltage,
    probe: Probe::Func(shared::voltage_is_off),
};
