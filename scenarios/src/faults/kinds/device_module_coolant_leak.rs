//! Coolant runs into a module.

use crate::faults::{Act, Case, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "device.module.coolant_leak",
    plane: FaultPlane::Device,
    targets: &[TargetKind::Unit],
    catalogue: &["M05", "H04"],
    summary: "coolant lies between live parts and earth",
    effect: "the insulation resistance falls with the wet surface; less coolant flows",
    symptoms: "insulation trend first, ground fault next, heat last",
    reaction: "the insulation alarm comes before the short",
    source: "Victorian Big Battery 2021 (Energy Safe Victoria): coolant leak, then a short; the fix was an alarm of insulation loss; values are ours",
    parameters: &[
        Parameter::number(
            "insulation_kohm",
            0.01,
            1e6,
            "resistance of the wet path, usually a ramp downwards",
        ),
        Parameter::number_or("flow_lost", 0.0, 0.0, 1.0, "share of the coolant flow that is lost"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        set(case, Some(case.args.number("insulation_kohm")), case.args.number("flow_lost"), out);
    },
    end: |case, out| set(case, None, 0.0, out),
    probe: Probe::Func(shared::insulation_fell),
};

fn set(case: &Case<'_>, kohm: Option<f64>, flow_lost: f64, out: &mut Vec<Act>) {
    shared::defect(case, Defect::Insulation(kohm), out);
    shared::defect(case, Defect::CoolantLeak(flow_lost), out);
}
