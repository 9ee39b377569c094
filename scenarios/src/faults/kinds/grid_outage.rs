//! The grid is gone.

use crate::faults::{FaultKind, Pace, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;
use bess_core::spec::DisturbanceKind;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.outage",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Grid],
    catalogue: &["G03"],
    summary: "no voltage at the POI",
    effect: "the farm cannot exchange power",
    symptoms: "every unit disconnects",
    reaction: "anti-islanding; entering service again when it is fit",
    source: "IEEE 1547-2018, 6.3 and 4.10",
    parameters: &[],
    pace: Pace::OnChange,
    act: |_, out| shared::disturb(DisturbanceKind::Outage, f64::INFINITY, out),
    end: shared::end_outage,
    probe: Probe::Func(shared::voltage_is_off),
};
