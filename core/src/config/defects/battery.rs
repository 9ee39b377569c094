//! Reads what is wrong inside of a battery: cells, racks, BMS and sensors.

use super::super::reader::{Bounds, Section};
use super::{Kind, required_choice};
use crate::alarm::ALARMS;
use crate::defect::{
    ARC_MAX_W, CellDefect, DELAY_MAX_TICKS, Defect, Distortion, GAS_MAX_LITRES_PER_S,
    JOINT_MAX_OHM, LEAK_MAX_A, LIMITS_MAX_FACTOR, PRECHARGE_MAX_FACTOR, RESISTANCE_MAX_FACTOR,
    Reading,
};

/// Keys that belong to one kind alone: with whom they belong to, and whether that is `kind`.
pub(super) fn keys_of(kind: Kind) -> [(&'static str, &'static str, bool); 22] {
    [
        ("capacity_factor", "to a capacity", kind == Kind::Capacity),
        ("resistance_factor", "to a resistance", kind == Kind::Resistance),
        ("leak_a", "to a leak", kind == Kind::Leak),
        ("joint_ohm", "to a joint", kind == Kind::Joint),
        ("litres_per_s", "to gas", kind == Kind::Gas),
        ("soc", "to a rack_soc", kind == Kind::RackSoc),
        ("factor", "to a slow_precharge", kind == Kind::SlowPrecharge),
        ("charge_factor", "to bms_limits", kind == Kind::BmsLimits),
        ("discharge_factor", "to bms_limits", kind == Kind::BmsLimits),
        ("shift_k", "to a threshold_shift", kind == Kind::ThresholdShift),
        ("shift_v", "to a threshold_shift", kind == Kind::ThresholdShift),
        ("by", "to a soc_jump", kind == Kind::SocJump),
        ("alarm", "to a nuisance_trip", kind == Kind::NuisanceTrip),
        ("quantity", "to a sensor", kind == Kind::Sensor),
        ("delay_ticks", "to a sensor", kind == Kind::Sensor),
        ("gain", "to a sensor", kind == Kind::Sensor),
        ("offset", "to a sensor", kind == Kind::Sensor),
        ("noise_sd", "to a sensor", kind == Kind::Sensor),
        ("spike_p", "to a sensor", kind == Kind::Sensor),
        ("spike", "to a sensor", kind == Kind::Sensor),
        ("stuck", "to a sensor", kind == Kind::Sensor),
        ("dropout", "to a sensor", kind == Kind::Sensor),
    ]
}

/// Whether keys in their ranges may still say what a unit cannot have.
pub(super) fn may_be_impossible(defect: Defect) -> bool {
    matches!(
        defect,
        Defect::Cell { defect: CellDefect::Ignite(_), .. }
            | Defect::NuisanceTrip { .. }
            | Defect::Sensor { .. }
            | Defect::SensorsSwapped { .. }
    )
}

/// The defect of `kind`; `rack_idx` and `cell` read the keys of its place.
pub(super) fn read(
    section: &Section<'_, '_>,
    kind: Kind,
    rack_idx: &dyn Fn() -> usize,
    cell: &dyn Fn(CellDefect) -> Defect,
) -> Option<Defect> {
    let within = |key: &'static str, min: f64, max: f64| section.f64(key, Bounds::within(min, max));
    Some(match kind {
        Kind::Capacity => cell(CellDefect::Capacity(within("capacity_factor", 0.05, 1.0))),
        Kind::Resistance => {
            let factor = within("resistance_factor", 1.0, RESISTANCE_MAX_FACTOR);
            cell(CellDefect::Resistance(factor))
        }
        Kind::Leak => cell(CellDefect::Leak(section.f64("leak_a", Bounds::positive(LEAK_MAX_A)))),
        Kind::Joint => {
            cell(CellDefect::Joint(section.f64("joint_ohm", Bounds::positive(JOINT_MAX_OHM))))
        }
        Kind::Ignite => cell(CellDefect::Ignite(true)),
        Kind::Gas => {
            let bounds = Bounds::positive(GAS_MAX_LITRES_PER_S);
            Defect::Gas { litres_per_s: section.f64("litres_per_s", bounds) }
        }
        Kind::Arc => {
            let power_w = section.f64("power_w", Bounds::positive(ARC_MAX_W));
            Defect::DcArc { rack_idx: rack_idx(), power_w }
        }
        Kind::RackOpen => Defect::RackOpen { rack_idx: rack_idx(), open: true },
        Kind::RackSoc => {
            Defect::RackSoc { rack_idx: rack_idx(), soc: Some(within("soc", 0.0, 1.0)) }
        }
        Kind::SlowPrecharge => Defect::SlowPrecharge(within("factor", 0.01, PRECHARGE_MAX_FACTOR)),
        Kind::BmsFrozen => Defect::BmsFrozen(true),
        Kind::BmsLimits => {
            let factor = |key| section.f64_or(key, 1.0, Bounds::within(0.0, LIMITS_MAX_FACTOR));
            Defect::BmsLimits {
                charge: factor("charge_factor"),
                discharge: factor("discharge_factor"),
            }
        }
        Kind::ProtectionOff => Defect::ProtectionOff(true),
        Kind::ThresholdShift => Defect::ThresholdShift {
            degc: section.f64_or("shift_k", 0.0, Bounds::within(-200.0, 200.0)),
            volts: section.f64_or("shift_v", 0.0, Bounds::within(-5.0, 5.0)),
        },
        Kind::NoLatch => Defect::NoLatch(true),
        Kind::SocJump => Defect::SocJump { by: within("by", -1.0, 1.0) },
        Kind::NuisanceTrip => {
            let choices: Vec<_> = ALARMS.iter().map(|row| (row.name, Some(row.code))).collect();
            Defect::NuisanceTrip { code: Some(required_choice(section, "alarm", &choices)?) }
        }
        Kind::GasDetector => Defect::GasDetectorOff(true),
        Kind::Sensor => read_sensor(section, rack_idx)?,
        _ => return None,
    })
}

fn read_sensor(section: &Section<'_, '_>, rack_idx: &dyn Fn() -> usize) -> Option<Defect> {
    let choices = Reading::ALL.map(|(name, reading, ..)| (name, Some(reading)));
    let quantity = required_choice(section, "quantity", &choices);
    let rack_idx = section.has("rack").then(rack_idx);
    let or = |key, default, min, max| section.f64_or(key, default, Bounds::within(min, max));
    let most_ticks = u64::from(DELAY_MAX_TICKS);
    let distortion = Distortion {
        delay_ticks: section.integer_or("delay_ticks", 0, 0, most_ticks) as u32,
        gain: or("gain", 1.0, -100.0, 100.0),
        offset: or("offset", 0.0, -1e9, 1e9),
        noise_sd: or("noise_sd", 0.0, 0.0, 1e9),
        spike_p: or("spike_p", 0.0, 0.0, 1.0),
        spike: or("spike", 0.0, -1e9, 1e9),
        stuck: section.bool_or("stuck", false),
        dropout: section.bool_or("dropout", false),
    };
    Some(Defect::Sensor { quantity: quantity?, rack_idx, distortion })
}
