//! A dip of the voltage that is shorter than a tick.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::command::Command;
use bess_core::snapshot::FaultPlane;
use bess_core::spec::{DisturbanceKind, LastingKind};
use bess_core::time::TICK_S;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.dip",
    plane: FaultPlane::Grid,
    targets: &[TargetKind::Grid],
    catalogue: &["G02"],
    summary: "a sag of an exact length",
    effect: "it begins with the tick and ends after so many microseconds",
    symptoms: "relays and ride-through at their exact instants",
    reaction: "ride-through",
    source: "IEEE 1547-2018",
    parameters: &[
        Parameter::number("pu", 0.0, 2.0, "the voltage while it lasts"),
        Parameter::number("for_s", 0.001, 60.0, "its length"),
    ],
    pace: Pace::OnceFor("for_s"),
    act: |case, out| {
        let sag = DisturbanceKind::Voltage(case.args.number("pu"));
        shared::disturb(sag, case.args.number("for_s"), out);
    },
    end: |case, out| {
        // It ends by itself, to the microsecond; who ends it earlier has to say so.
        if (case.age as f64 * TICK_S) < case.args.number("for_s") - 1e-9 {
            out.push(Command::EndDisturbances { kind: Some(LastingKind::Voltage) }.into());
        }
    },
    probe: Probe::Func(shared::voltage_is_off),
};
