//! The coolant pump fails.

use super::{Act, Case, FaultKind, Pace, Probe, TargetKind};
use bess_core::command::Command;
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.pump",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["H02"],
    summary: "the coolant pump of a unit stands still",
    effect: "no coolant flows: heat leaves the cells through the air and the walls alone",
    symptoms: "the alarm cooling_failed; cells warm up under load and drift apart",
    reaction: "the unit derates by temperature, later trips; the EMS moves its power to others",
    source: "Schneider Galaxy Li-ion, alarm list: coolant pump; SunSpec 802.Evt1 bit 21",
    parameters: &[],
    pace: Pace::OnChange,
    act: |case, out| set(case, true, out),
    end: |case, out| set(case, false, out),
    probe: Probe::Expr("alarm(target, cooling_failed)"),
};

fn set(case: &Case<'_>, failed: bool, out: &mut Vec<Act>) {
    let defect = Defect::Pump(failed);
    out.push(Command::SetDefect { unit: case.unit(), defect }.into());
}
