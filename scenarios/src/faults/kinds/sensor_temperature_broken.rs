//! A temperature sensor is open or shorted.

use crate::faults::{Case, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::defect::Distortion;
use bess_core::defect::Reading;
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "sensor.temperature_broken",
    plane: FaultPlane::Sensor,
    targets: &[TargetKind::Rack],
    catalogue: &["M03"],
    summary: "an impossible temperature",
    effect: "an open one shows -40 degC, a shorted one 125 degC",
    symptoms: "temperature spread, over or under temperature",
    reaction: "substitute by neighbours; an alarm by difference",
    source: "Battery-Emulator: difference of 15 K",
    parameters: &[Parameter::word_or("mode", "open", &["open", "short"], "open or shorted")],
    pace: Pace::OnChange,
    act: |case, out| {
        let (reading, degc) = which(case);
        shared::distort_reading(
            case,
            reading,
            Distortion { gain: 0.0, offset: degc, ..Distortion::NONE },
            out,
        );
    },
    end: |case, out| shared::distort_reading(case, which(case).0, Distortion::NONE, out),
    probe: Probe::Func(|case, seen| shared::reading_is_wrong(case, seen, which(case).0)),
};

/// What it shows, and of which extreme.
fn which(case: &Case<'_>) -> (Reading, f64) {
    if case.args.word("mode") == "short" {
        (Reading::TemperatureMax, 125.0)
    } else {
        (Reading::TemperatureMin, -40.0)
    }
}
