//! The converter trips.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pcs.trip",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["P02", "P03", "P04", "P12", "P13"],
    summary: "the converter stops with an alarm of its own",
    effect: "power is 0 as long as it lasts; then the unit starts by its rules",
    symptoms: "its alarm, state fault or tripped, power 0",
    reaction: "the EMS makes up for the power with other units",
    source: "Sungrow manual (converter faults); San Fernando 2020",
    parameters: &[Parameter::word_or(
        "code",
        "pcs_fault",
        shared::PCS_CODES,
        "the alarm that it shows",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::defect(case, Defect::PcsTrip { code: Some(shared::code(case)) }, out),
    end: |case, out| shared::defect(case, Defect::PcsTrip { code: None }, out),
    probe: Probe::Func(shared::gives_no_power),
};
