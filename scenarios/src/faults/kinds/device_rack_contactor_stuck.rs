//! A contactor that does not close.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::ContactorFault;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.contactor_stuck",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Rack],
    catalogue: &["R02"],
    summary: "a contactor that cannot close",
    effect: "once open it stays open, whatever it is told",
    symptoms: "found at the next command to close: the rack stays out",
    reaction: "some attempts, then a lock-out",
    source: "OpenEMS: 30 attempts of 30 s",
    parameters: &[Parameter::word_or(
        "contactor",
        "positive",
        &["negative", "precharge", "positive"],
        "which one",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::contactor(case, ContactorFault::Stuck, out),
    end: |case, out| shared::contactor(case, ContactorFault::None, out),
    probe: Probe::Func(shared::contactor_disobeys),
};
