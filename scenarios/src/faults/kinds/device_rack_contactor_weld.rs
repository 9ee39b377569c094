//! A contactor whose contacts have welded.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::ContactorFault;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.rack.contactor_weld",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Rack],
    catalogue: &["R01"],
    summary: "a contactor that cannot open",
    effect: "once closed it stays closed, whatever it is told",
    symptoms: "found at the next command to open: current could still flow",
    reaction: "contactor alarm; the converter goes to zero power; work on it by hand",
    source: "Battery-Emulator issue 581; SunSpec 803 StrConFail 6",
    parameters: &[Parameter::word_or(
        "contactor",
        "positive",
        &["negative", "precharge", "positive"],
        "which one",
    )],
    pace: Pace::OnChange,
    act: |case, out| shared::contactor(case, ContactorFault::Welded, out),
    end: |case, out| shared::contactor(case, ContactorFault::None, out),
    probe: Probe::Func(shared::contactor_disobeys),
};
