//! Ride-through settings are wrong.

use crate::faults::{FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Defect;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "controller.relay",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Unit],
    catalogue: &["P05", "K04", "I07"],
    summary: "trips by voltage and frequency with other figures",
    effect: "the unit leaves the grid where others stay",
    symptoms: "a trip in a normal event",
    reaction: "settings are compared at commissioning",
    source: "Blue Cut 2016, San Fernando 2020 (NERC)",
    parameters: &[
        Parameter::number_or(
            "voltage_pu",
            0.0,
            -0.5,
            0.5,
            "added to the voltage of each trip towards nominal",
        ),
        Parameter::number_or("time_factor", 1.0, 0.01, 100.0, "times of trips over the right ones"),
    ],
    pace: Pace::OnChange,
    act: |case, out| {
        shared::defect(
            case,
            Defect::RelayShift {
                voltage_pu: case.args.number("voltage_pu"),
                time_factor: case.args.number("time_factor"),
            },
            out,
        );
    },
    end: |case, out| {
        shared::defect(case, Defect::RelayShift { voltage_pu: 0.0, time_factor: 1.0 }, out);
    },
    probe: Probe::Func(shared::relays_count),
};
