//! Sensors: which measured values a fault is about, and how it is seen that they are wrong.

use super::acts::defect;
use crate::faults::{Act, Case};
use bess_core::defect::{Defect, Distortion, Reading};
use bess_core::snapshot::{RackView, Snapshot};
use bess_core::stage::Effect;

/// Measured values by their names: those of racks, then those of the unit.
pub(in crate::faults) const SIGNALS: &[&str] = &[
    "cell_voltage_max_v",
    "cell_voltage_min_v",
    "temperature_max_degc",
    "temperature_min_degc",
    "current_a",
    "voltage_v",
    "soc",
    "active_power_w",
    "insulation_kohm",
    "pcs_temperature_degc",
];

/// Those of racks that sensors measure.
pub(in crate::faults) const SENSED: &[&str] = &[
    "cell_voltage_max_v",
    "cell_voltage_min_v",
    "temperature_max_degc",
    "temperature_min_degc",
    "current_a",
    "voltage_v",
];

/// The measured value in the parameter `signal`; the lowest cell voltage of a kind without one.
fn reading(case: &Case<'_>) -> Reading {
    let name = case.args.word("signal");
    let row = Reading::ALL.iter().find(|row| row.0 == name);
    row.map_or(Reading::CellVoltageMin, |row| row.1)
}

/// Distorts the value in the parameter `signal`.
pub(in crate::faults) fn distort(case: &Case<'_>, distortion: Distortion, out: &mut Vec<Act>) {
    distort_reading(case, reading(case), distortion, out);
}

/// Distorts one value: of the rack that is hit, else of every rack, or of the unit.
pub(in crate::faults) fn distort_reading(
    case: &Case<'_>,
    quantity: Reading,
    distortion: Distortion,
    out: &mut Vec<Act>,
) {
    let rack_idx = case.target.rack_idx().filter(|_| quantity.is_of_rack());
    defect(case, Defect::Sensor { quantity, rack_idx, distortion }, out);
}

/// Distorts every measured value of the racks that are hit.
pub(in crate::faults) fn distort_all(case: &Case<'_>, distortion: Distortion, out: &mut Vec<Act>) {
    for (_, quantity, ..) in Reading::ALL.into_iter().filter(|row| row.1.is_of_rack()) {
        distort_reading(case, quantity, distortion, out);
    }
}

/// The racks whose sensors are exchanged.
fn pair(case: &Case<'_>) -> (usize, usize) {
    let last = case.spec.units[case.unit().idx()].design.n_racks;
    let rack = |name| (case.args.number(name) as usize).clamp(1, last) - 1;
    (rack("rack_a"), rack("rack_b"))
}

/// Exchanges the sensors of two racks, or puts them back.
pub(in crate::faults) fn swap(case: &Case<'_>, swapped: bool, out: &mut Vec<Act>) {
    let (rack_a, rack_b) = pair(case);
    defect(case, Defect::SensorsSwapped { quantity: reading(case), rack_a, rack_b, swapped }, out);
}

/// What the BMS shows and what is so, of a rack.
fn shown_and_true(rack: &RackView, quantity: Reading) -> Option<(f64, f64)> {
    let (shown, truth) = (&rack.extremes, &rack.truth.extremes);
    Some(match quantity {
        Reading::CellVoltageMax => (shown.voltage_max.0, truth.voltage_max.0),
        Reading::CellVoltageMin => (shown.voltage_min.0, truth.voltage_min.0),
        Reading::TemperatureMax => (shown.temperature_max.0, truth.temperature_max.0),
        Reading::TemperatureMin => (shown.temperature_min.0, truth.temperature_min.0),
        Reading::Current => (rack.current.0, rack.truth.current.0),
        Reading::RackVoltage => (rack.voltage.0, rack.truth.voltage.0),
        Reading::Soc => (rack.soc, rack.truth.soc),
        Reading::ActivePower | Reading::Insulation | Reading::PcsTemperature => return None,
    })
}

/// How far a sound sensor of this quantity may be from the truth, with its lag [engineering choice].
fn usual(quantity: Reading, truth: f64) -> f64 {
    match quantity {
        Reading::CellVoltageMax | Reading::CellVoltageMin => 0.01,
        Reading::TemperatureMax | Reading::TemperatureMin => 2.0,
        Reading::Current => 1.0 + 0.01 * truth.abs(),
        Reading::RackVoltage => 0.005 * truth.abs(),
        Reading::Soc => 0.05,
        Reading::ActivePower | Reading::Insulation | Reading::PcsTemperature => 0.0,
    }
}

/// A value of a rack that is hit is further from the truth than a sound sensor shows it. Of values of the
/// unit the truth is not in the picture, and of what is only late or stands there may be nothing to see
/// yet: inconclusive.
pub(in crate::faults) fn measured_is_wrong(case: &Case<'_>, seen: &Snapshot) -> Effect {
    wrong_in(case, seen, reading(case), case.racks())
}

/// The same of the racks whose sensors are exchanged.
pub(in crate::faults) fn swapped_is_wrong(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let (a, b) = pair(case);
    let wrong = [a, b]
        .into_iter()
        .any(|rack| wrong_in(case, seen, reading(case), rack..rack + 1) == Effect::Confirmed);
    if wrong { Effect::Confirmed } else { Effect::Inconclusive }
}

fn wrong_in(
    case: &Case<'_>,
    seen: &Snapshot,
    quantity: Reading,
    hit: std::ops::Range<usize>,
) -> Effect {
    let racks = seen.racks_of(case.unit()).iter().skip(hit.start).take(hit.len());
    let off = |rack: &RackView| {
        shown_and_true(rack, quantity)
            .is_some_and(|(shown, truth)| (shown - truth).abs() > usual(quantity, truth))
    };
    if racks.into_iter().any(off) { Effect::Confirmed } else { Effect::Inconclusive }
}
