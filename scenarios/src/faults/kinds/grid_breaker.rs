//! The breaker at the POI opens.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::command::Command;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.breaker",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Grid, TargetKind::Farm],
    catalogue: &["G08"],
    summary: "the farm is off the grid",
    effect: "every unit sees the grid gone; the power at the POI is 0",
    symptoms: "power of all units goes to 0 at once",
    reaction: "grid-disconnect on all units",
    source: "SunSpec 701.Alrm bits 2 and 4",
    parameters: &[],
    pace: Pace::OnChange,
    act: |_, out| out.push(Command::PoiBreaker { open: true }.into()),
    end: |_, out| out.push(Command::PoiBreaker { open: false }.into()),
    probe: Probe::Func(shared::voltage_is_off),
};
