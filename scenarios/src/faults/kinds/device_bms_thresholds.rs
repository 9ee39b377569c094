//! A wrong set of parameters after an update.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.thresholds",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B08"],
    summary: "protection compares with thresholds of another cell",
    effect: "trips come too early or too late",
    symptoms: "a trip in a normal state, or none in a bad one",
    reaction: "configuration alarm of whoever compares settings",
    source: "Hornsdale 2019 as a class: settings changed by an update",
    parameters: &[
        Parameter::number_or("degc", 0.0, -50.0, 200.0, "added to temperature thresholds"),
        Parameter::number_or("volts", 0.0, -1.0, 1.0, "added to cell voltage thresholds"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(
            case,
            Defect::ThresholdShift {
                degc: case.args.number("degc"),
                volts: case.args.number("volts"),
            },
            out,
        );
    },
    end: |case, out| shared::defect(case, Defect::ThresholdShift { degc: 0.0, volts: 0.0 }, out),
    probe: Probe::Func(shared::thresholds_matter),
};
