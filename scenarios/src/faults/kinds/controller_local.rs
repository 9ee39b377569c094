//! Somebody turned the switch at the panel.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::command::UnitAction;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.local",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Unit],
    catalogue: &["K09"],
    summary: "a unit under local control",
    effect: "remote writes are refused",
    symptoms: "exceptions and 409s; 802.LocRemCtl local",
    reaction: "an alarm; the EMS splits over the others",
    source: "SunSpec 802 LocRemCtl",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| shared::operate(case, UnitAction::Local, out),
    end: |case, out| shared::operate(case, UnitAction::Remote, out),
    probe: Probe::Func(shared::became_local),
};
