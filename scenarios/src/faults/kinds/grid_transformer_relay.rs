//! The relay of the farm's transformer picks up too early.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::command::Command;
use bess_core::snapshot::FaultPlane;
use bess_core::spec::TransformerLimit;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.transformer_relay",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Farm, TargetKind::Grid],
    catalogue: &["G06", "G07"],
    summary: "the overload relay has a wrong setting",
    effect: "beyond the pick-up it opens the breaker at the POI after its delay",
    symptoms: "all units lose the grid at high power",
    reaction: "the breaker is closed by hand; the EMS does not ask for more",
    source: "overload relays in general; values are ours",
    parameters: &[
        Parameter::number("pickup_pu", 0.01, 10.0, "apparent power over the transformer's rating"),
        Parameter::number_or("delay_s", 1.0, 0.0, 3600.0, "how long it must last"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        out.push(
            Command::TransformerLimit(Some(TransformerLimit {
                overload_pu: case.args.number("pickup_pu"),
                delay_s: case.args.number("delay_s"),
            }))
            .into(),
        );
    },
    end: |_, out| out.push(Command::TransformerLimit(None).into()),
    probe: Probe::Func(shared::relay_picked_up),
};
