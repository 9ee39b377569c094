//! Sensors: which measured values a fault is about, and how it is seen that they are wrong.

use super::acts::defect;
use super::probes::confirmed_if;
use crate::faults::{Act, Case};
use bess_core::defect::{Defect, Distortion, Reading};
use bess_core::snapshot::{RackView, Snapshot};
use bess_core::stage::Effect;
use std::ops::Range;

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
    "dc_voltage_v",
    "gas_lfl",
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

/// The measured value in the parameter `signal`.
///
/// # Panics
/// Of a kind without that parameter.
fn reading(case: &Case<'_>) -> Reading {
    let name = case.args.word("signal");
    let row = Reading::ALL.iter().find(|row| row.0 == name);
    row.expect("a kind with a signal, which is one of these").1
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

/// What is shown over what is so, of a rack; of a value of the unit over what is seen of it elsewhere, or
/// was before.
#[derive(Clone, Copy)]
struct Shown {
    shown: f64,
    truth: f64,
    /// Largest and least difference that tells nothing [engineering choice]: a sound sensor is within the
    /// one, with its lag; one that is wrong by a known size shows it at half of that, down to the other.
    usual: f64,
    least: f64,
}

impl Shown {
    fn off(&self) -> f64 {
        self.shown - self.truth
    }
}

fn of_rack(rack: &RackView, quantity: Reading) -> Option<Shown> {
    let (shown, truth) = (&rack.extremes, &rack.truth.extremes);
    let (shown, truth) = match quantity {
        Reading::CellVoltageMax => (shown.voltage_max.0, truth.voltage_max.0),
        Reading::CellVoltageMin => (shown.voltage_min.0, truth.voltage_min.0),
        Reading::TemperatureMax => (shown.temperature_max.0, truth.temperature_max.0),
        Reading::TemperatureMin => (shown.temperature_min.0, truth.temperature_min.0),
        Reading::Current => (rack.current.0, rack.truth.current.0),
        Reading::RackVoltage => (rack.voltage.0, rack.truth.voltage.0),
        Reading::Soc => (rack.soc, rack.truth.soc),
        Reading::ActivePower
        | Reading::Insulation
        | Reading::PcsTemperature
        | Reading::DcVoltage
        | Reading::GasLfl => return None,
    };
    let (usual, least) = match quantity {
        Reading::CellVoltageMax | Reading::CellVoltageMin => (0.01, 0.002),
        Reading::TemperatureMax | Reading::TemperatureMin => (2.0, 0.5),
        Reading::Current => (1.0 + 0.01 * truth.abs(), 0.5),
        Reading::RackVoltage => (0.005 * truth.abs(), 0.5),
        _ => (0.05, 0.002),
    };
    Some(Shown { shown, truth, usual, least })
}

/// Of a unit: its power beside that of its DC side, less what the converter lost before; its insulation and
/// the converter's temperature beside those of before; the voltage of its bus beside that of the racks on it;
/// its gas beside what there is.
fn of_unit(case: &Case<'_>, seen: &Snapshot, quantity: Reading) -> Option<Shown> {
    let view = &seen.units[case.unit().idx()];
    let before = &case.before.unit;
    let rated_w = case.spec.units[case.unit().idx()].design.pcs.rated_power.0;
    Some(match quantity {
        Reading::ActivePower => {
            let lost_w = before.dc.power.0 - before.ac.active_power.0;
            let moved_w = (view.dc.power.0 - before.dc.power.0).abs();
            let least = if moved_w < 0.02 * rated_w { 0.005 } else { 0.05 } * rated_w;
            let truth = view.dc.power.0 - lost_w;
            Shown { shown: view.ac.active_power.0, truth, usual: 0.1 * rated_w, least }
        }
        Reading::Insulation => {
            let truth = before.insulation_kohm;
            let (usual, least) = (0.1 * truth, 0.01 * truth);
            Shown { shown: view.insulation_kohm, truth, usual, least }
        }
        Reading::PcsTemperature => {
            let (shown, truth) = (view.pcs_temperature.0, before.pcs_temperature.0);
            Shown { shown, truth, usual: 10.0, least: 3.0 }
        }
        Reading::DcVoltage => {
            let racks = seen.racks_of(case.unit()).iter().filter(|rack| rack.connected);
            let (n, sum_v) =
                racks.fold((0.0, 0.0), |(n, sum), rack| (n + 1.0, sum + rack.truth.voltage.0));
            let truth = sum_v / n;
            Shown { shown: view.dc.voltage.0, truth, usual: 0.005 * truth, least: 1.0 }
        }
        Reading::GasLfl => {
            Shown { shown: view.gas_lfl_measured, truth: view.gas_lfl, usual: 0.001, least: 0.001 }
        }
        _ => return None,
    })
}

/// By how much the fault moves a value that is truly `truth`, where its parameters say so.
fn size(case: &Case<'_>, truth: f64) -> Option<f64> {
    let number = |name: &str| case.args.maybe(name);
    let by = number("offset").or_else(|| number("sd")).or_else(|| number("size"));
    let by = by.or_else(|| number("factor").map(|factor| (factor - 1.0) * truth));
    let by = by.or_else(|| number("value").map(|value| value - truth));
    let by = by.or_else(|| number("rate_per_h").map(|rate| rate * case.age as f64 / 36_000.0));
    by.map(f64::abs)
}

/// A value that is hit is further from the truth than it was before, as far as the fault moves it or further
/// than a sound sensor shows it. Of what is only late or stands there may be nothing to see yet:
/// inconclusive.
pub(in crate::faults) fn measured_is_wrong(case: &Case<'_>, seen: &Snapshot) -> Effect {
    reading_is_wrong(case, seen, reading(case))
}

/// The same of one value, of a kind without the parameter `signal`.
pub(in crate::faults) fn reading_is_wrong(
    case: &Case<'_>,
    seen: &Snapshot,
    quantity: Reading,
) -> Effect {
    wrong_in(case, seen, quantity, case.racks())
}

/// A value is missing: there is none where one was.
pub(in crate::faults) fn measured_is_missing(case: &Case<'_>, seen: &Snapshot) -> Effect {
    missing_in(case, seen, reading(case))
}

/// Every value of the racks that are hit is missing.
pub(in crate::faults) fn racks_are_missing(case: &Case<'_>, seen: &Snapshot) -> Effect {
    missing_in(case, seen, Reading::Current)
}

fn missing_in(case: &Case<'_>, seen: &Snapshot, quantity: Reading) -> Effect {
    let all = shown_in(case, seen, quantity, case.racks());
    confirmed_if(all.iter().any(|(now, _)| now.shown.is_nan()))
}

/// The same of the racks whose sensors are exchanged.
pub(in crate::faults) fn swapped_is_wrong(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let (a, b) = pair(case);
    let wrong = [a, b]
        .into_iter()
        .any(|rack| wrong_in(case, seen, reading(case), rack..rack + 1) == Effect::Confirmed);
    if wrong { Effect::Confirmed } else { Effect::Inconclusive }
}

/// What each that is hit shows, now and before.
fn shown_in(
    case: &Case<'_>,
    seen: &Snapshot,
    quantity: Reading,
    hit: Range<usize>,
) -> Vec<(Shown, Option<Shown>)> {
    if !quantity.is_of_rack() {
        let now = of_unit(case, seen, quantity);
        return now.into_iter().map(|now| (now, None)).collect();
    }
    let racks = seen.racks_of(case.unit()).iter().enumerate().skip(hit.start).take(hit.len());
    let both = |(place, rack): (usize, &RackView)| {
        let before = case.before.racks.get(place).and_then(|rack| of_rack(rack, quantity));
        Some((of_rack(rack, quantity)?, before))
    };
    racks.filter_map(both).collect()
}

fn wrong_in(case: &Case<'_>, seen: &Snapshot, quantity: Reading, hit: Range<usize>) -> Effect {
    let is_off = |(now, before): &(Shown, Option<Shown>)| {
        let before = before.map_or(0.0, |before| before.off());
        let by = now.off() - if before.is_nan() { 0.0 } else { before };
        let least = match size(case, now.truth) {
            Some(size) => (0.5 * size).min(now.usual).max(now.least),
            None => now.usual,
        };
        by.abs() > least
    };
    let all = shown_in(case, seen, quantity, hit);
    if all.iter().any(is_off) { Effect::Confirmed } else { Effect::Inconclusive }
}
