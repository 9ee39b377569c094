//! A BMS that restarts.

use crate::faults::{Act, Case, FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.bms.reboot",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["B02"],
    summary: "the BMS is away for the time of its restart",
    effect: "its values stand still and the converter does not hear it",
    symptoms: "heartbeat stops, then bms_communication",
    reaction: "the converter goes to zero power; the EMS excludes the unit until it is back",
    source: "Battery-Emulator: restart of 30 s",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| set(case, true, out),
    end: |case, out| set(case, false, out),
    probe: Probe::Func(shared::measured_stands),
};

fn set(case: &Case<'_>, away: bool, out: &mut Vec<Act>) {
    shared::defect(case, Defect::BmsFrozen(away), out);
    shared::defect(case, Defect::BmsCommunication(away), out);
}
