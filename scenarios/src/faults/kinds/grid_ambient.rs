//! Heat or cold around the containers.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::command::Command;
use bess_core::snapshot::FaultPlane;
use bess_core::units::Celsius;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.ambient",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Farm],
    catalogue: &["H10"],
    summary: "another ambient temperature",
    effect: "coolers work harder or less, walls pass heat",
    symptoms: "derating of many units at the same time",
    reaction: "the farm's capability falls; the EMS plans with it",
    source: "engineering choice: values",
    parameters: &[Parameter::number("degc", -60.0, 80.0, "ambient temperature, usually a shape")],
    pace: Pace::OnChange,
    act: |case, out| out.push(Command::SetAmbient(Some(Celsius(case.args.number("degc")))).into()),
    end: |_, out| out.push(Command::SetAmbient(None).into()),
    probe: Probe::Func(shared::ambient_moved),
};
