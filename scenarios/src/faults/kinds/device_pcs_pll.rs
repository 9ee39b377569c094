//! A converter that measures a wrong frequency.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.pll",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P06"],
    summary: "the frequency that a unit measures is off",
    effect: "its relays and its frequency response act on what is not so",
    symptoms: "a frequency in its registers that the grid does not have; a trip in a normal event",
    reaction: "a unit must not trip on an instantaneous figure",
    source: "Blue Cut 2016 (NERC): 1,200 MW lost to a wrongly perceived frequency",
    parameters: &[Parameter::number(
        "offset_hz",
        -10.0,
        10.0,
        "added to the frequency that it measures",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::PllOffset(case.args.number("offset_hz")), out),
    end: |case, out| shared::defect(case, Defect::PllOffset(0.0), out),
    probe: Probe::Func(shared::frequency_is_misread),
};
