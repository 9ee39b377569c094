//! The meter at the POI is wrong.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::command::Command;
use bess_core::snapshot::FaultPlane;
use bess_core::spec::PoiMeter;

pub(super) const KIND: FaultKind = FaultKind {
    name: "grid.meter",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Farm, TargetKind::Grid],
    catalogue: &["G09"],
    summary: "what the plant controller measures is not so",
    effect: "a reversed or frozen meter in a closed loop",
    symptoms: "the farm runs away from its setpoint, to a limit",
    reaction: "the plant controller stops on an implausible meter",
    source: "commissioning practice; EPRI 2024: integration leads the root causes",
    parameters: &[
        Parameter::number_or(
            "gain",
            1.0,
            -10.0,
            10.0,
            "factor; -1 for reversed current transformers",
        ),
        Parameter::number_or("offset_w", 0.0, -1e9, 1e9, "added"),
        Parameter::flag("frozen", "whether it stands still"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        out.push(
            Command::PoiMeter(PoiMeter {
                gain: case.args.number("gain"),
                offset_w: case.args.number("offset_w"),
                is_frozen: case.args.flag("frozen"),
            })
            .into(),
        );
    },
    end: |_, out| out.push(Command::PoiMeter(PoiMeter::default()).into()),
    probe: Probe::Func(shared::meter_is_wrong),
};
