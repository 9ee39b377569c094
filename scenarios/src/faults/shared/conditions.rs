//! Probes of what shows through something else: settings that act at an excursion, a trip or a write,
//! detectors that miss what there is, values that somebody reads. Inconclusive until their cause is there.

use super::acts::setpoint_before;
use super::probes::{carries_current, confirmed_if, confirmed_where, racks_hit, unit};
use crate::faults::{Case, Target};
use bess_core::alarm::AlarmCode;
use bess_core::command::UnitControl;
use bess_core::control::{FunctionName, WatchdogState};
use bess_core::force::ForcedValue;
use bess_core::snapshot::{Snapshot, UnitView};
use bess_core::stage::Effect;
use bess_core::time::Tick;

/// Time in s in which an EMS that lives gives a sign of it [engineering choice].
const SILENCE_S: f64 = 3.0;

/// The loop has stood still for as many ticks more as it was to.
pub(in crate::faults) fn loop_stood(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let stood = seen.clock.stalled_ticks.saturating_sub(case.before.stalled_ticks);
    confirmed_if(stood >= Tick::count_in(case.args.number("stall_s")))
}

/// The frequency is beyond the dead band of a droop that is at work, and the droop is another one than
/// the one that can be read.
pub(in crate::faults) fn droop_differs(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let idx = case.unit().idx();
    let set = &seen.functions[idx].frequency_droop;
    let off_hz = seen.farm.frequency.0 - case.spec.nominal_frequency.0;
    let (is_out, droop) = if off_hz > 0.0 {
        (off_hz > set.over_deadband_hz, set.over_droop)
    } else {
        (-off_hz > set.under_deadband_hz, set.under_droop)
    };
    if (droop - case.args.number("droop_pct") / 100.0).abs() < 1e-9 {
        return Effect::Pending;
    }
    let view = unit(case, seen);
    let works = view.control.functions.has(FunctionName::FrequencyDroop)
        || view.watchdog.state == WatchdogState::Lost;
    confirmed_where(false, works && is_out)
}

/// Voltage or frequency is where relays count: off by 5 % or 100 mHz, or one has tripped.
pub(in crate::faults) fn relays_count(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let off_hz = (seen.farm.frequency.0 - case.spec.nominal_frequency.0).abs();
    let alarms = unit(case, seen).alarms;
    let tripped = [
        AlarmCode::AcOverVoltage,
        AlarmCode::AcUnderVoltage,
        AlarmCode::AcOverFrequency,
        AlarmCode::AcUnderFrequency,
    ];
    let tripped = tripped.into_iter().any(|code| alarms.has(code));
    confirmed_where(false, tripped || off_hz > 0.1 || (seen.farm.voltage_pu - 1.0).abs() > 0.05)
}

/// The unit is under local control and was not before.
pub(in crate::faults) fn became_local(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if(unit(case, seen).is_local && !case.before.unit.is_local)
}

/// Active setpoint as it was written: of the unit, or of the farm.
fn written_w(case: &Case<'_>, seen: &Snapshot) -> f64 {
    match case.target {
        Target::Unit(unit) => seen.units[unit.idx()].control.active.absolute,
        _ => seen.farm.setpoint.map_or(f64::NAN, |power| power.0),
    }
}

/// The setpoint is off the one of before by a good part of the swing.
pub(in crate::faults) fn setpoint_swings(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let amplitude_w = case.args.number("amplitude_w");
    let off_w = (written_w(case, seen) - setpoint_before(case)).abs();
    confirmed_if(amplitude_w > 0.0 && off_w > 0.2 * amplitude_w)
}

/// The setpoint that was written stands, and is another one than before.
pub(in crate::faults) fn setpoint_stands(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let power_w = case.args.number("power_w");
    let near_w = 1000.0_f64.max(0.01 * power_w.abs());
    let differs = (power_w - setpoint_before(case)).abs() > near_w;
    confirmed_if(differs && (written_w(case, seen) - power_w).abs() <= near_w)
}

/// The setpoint moved by more than 2 % of the rating: there was something to follow.
pub(in crate::faults) fn setpoint_moved(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let rated_w = case.spec.units[case.unit().idx()].design.pcs.rated_power.0;
    let by_w = (unit(case, seen).setpoint.0 - case.before.unit.setpoint.0).abs();
    confirmed_where(false, by_w > 0.02 * rated_w)
}

/// An alarm stands: there is one to tell, to hold or to forget.
pub(in crate::faults) fn alarm_stands(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_where(false, !unit(case, seen).alarms.is_empty())
}

/// Whether something of the battery is truly where its protection acts.
fn is_beyond(case: &Case<'_>, seen: &Snapshot) -> bool {
    let view = unit(case, seen);
    let truth = &view.truth.extremes;
    let design = &case.spec.units[case.unit().idx()].design;
    design.protection.elements.iter().any(|element| match element.code {
        AlarmCode::CellOverVoltage => truth.voltage_max.0 >= element.threshold,
        AlarmCode::CellUnderVoltage => truth.voltage_min.0 <= element.threshold,
        AlarmCode::CellOverTemperature => truth.temperature_max.0 >= element.threshold,
        AlarmCode::CellUnderTemperature => truth.temperature_min.0 <= element.threshold,
        AlarmCode::Insulation => {
            let ohm = 1000.0 * view.insulation_kohm;
            view.dc.voltage.0 > 0.0 && ohm / view.dc.voltage.0 < element.threshold
        }
        AlarmCode::Smoke => view.smoke,
        AlarmCode::Gas => has_gas(case, view),
        _ => false,
    })
}

/// There is something that the protection should have acted on.
pub(in crate::faults) fn protection_is_needed(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_where(false, is_beyond(case, seen))
}

/// The battery is beyond its right thresholds, or an alarm of it stands.
pub(in crate::faults) fn thresholds_matter(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let alarms = unit(case, seen).alarms;
    let codes = [
        AlarmCode::CellOverVoltage,
        AlarmCode::CellUnderVoltage,
        AlarmCode::CellOverTemperature,
        AlarmCode::CellUnderTemperature,
    ];
    let stands = codes.into_iter().any(|code| alarms.has(code));
    confirmed_where(false, stands || is_beyond(case, seen))
}

fn has_gas(case: &Case<'_>, view: &UnitView) -> bool {
    view.gas_lfl > 0.01 || view.gas_litres > case.before.unit.gas_litres + 1.0
}

/// There is gas that is not detected, or not taken out.
pub(in crate::faults) fn gas_is_there(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_where(false, has_gas(case, unit(case, seen)))
}

/// Coolant or cells are at least 1 K warmer than before; they need a current for that.
pub(in crate::faults) fn cooling_lacks(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let (view, before) = (unit(case, seen), &case.before.unit);
    let warmer = view.coolant_temperature.0 > before.coolant_temperature.0 + 1.0
        || view.truth.extremes.temperature_max.0 > before.truth.extremes.temperature_max.0 + 1.0;
    let flows = carries_current(case, seen) == Effect::Confirmed;
    confirmed_where(flows, warmer)
}

/// More is lost between the terminals of the converter than before, by half of the loss that was added.
/// Seen at about the load of before only: what it loses otherwise goes with the load.
pub(in crate::faults) fn converter_loses(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let (view, before) = (unit(case, seen), &case.before.unit);
    let pcs = &case.spec.units[case.unit().idx()].design.pcs;
    let rated_va = pcs.rated_apparent_power.0;
    let lost_w = |view: &UnitView| view.dc.power.0 - view.ac.active_power.0;
    let is_alike = (view.ac.active_power.0 - before.ac.active_power.0).abs() < 0.02 * rated_va;
    let extra_w = case.args.number("extra_pct") / 100.0 * rated_va;
    confirmed_where(is_alike, is_alike && lost_w(view) - lost_w(before) > 0.5 * extra_w)
}

/// The unit measures another frequency than the grid has.
pub(in crate::faults) fn frequency_is_misread(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let off_hz = unit(case, seen).ac.frequency.0 - seen.farm.frequency.0;
    confirmed_if(off_hz.abs() > 0.5 * case.args.number("offset_hz").abs())
}

/// The rack's current is noisy, or its hottest cell at least 2 K warmer than before. An arc burns with a
/// current only.
pub(in crate::faults) fn arc_burns(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let before = case.before.racks.iter().skip(case.racks().start);
    let shows = racks_hit(case, seen).zip(before).any(|(rack, before)| {
        let truth_a = rack.truth.current.0;
        let noise_a = (rack.current.0 - truth_a).abs();
        let noise_before_a = (before.current.0 - before.truth.current.0).abs();
        let is_noisy = noise_a > noise_before_a + 1.0 + 0.02 * truth_a.abs();
        let hottest = |degc: f64, then: f64| degc > then + 2.0;
        is_noisy
            || hottest(
                rack.truth.extremes.temperature_max.0,
                before.truth.extremes.temperature_max.0,
            )
    });
    let flows = carries_current(case, seen) == Effect::Confirmed;
    confirmed_where(flows, shows)
}

/// The meter at the POI shows another power than flows there, by 1 % of the rating; one that multiplies or
/// stands still needs a power, or a change of it, for that.
pub(in crate::faults) fn meter_is_wrong(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let off_w = (seen.farm.active_power.0 - seen.farm.true_active_power.0).abs();
    let least_w = 0.01 * case.spec.rated_power().0;
    let least_w = match case.args.number("offset_w").abs() {
        offset_w if offset_w > 0.0 => least_w.min(0.5 * offset_w),
        _ => least_w,
    };
    confirmed_where(false, off_w > least_w)
}

/// The ambient temperature is another one than before.
pub(in crate::faults) fn ambient_moved(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if((seen.farm.ambient.0 - case.before.farm.ambient.0).abs() > 0.1)
}

/// The point is forced, and shows something else than is so where that is known here: power, frequency and
/// state of charge of a unit.
pub(in crate::faults) fn point_lies(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let (unit_id, name) = (case.target.unit(), case.args.text("point").unwrap_or_default());
    let value = case.args.number("value");
    let is_it = |point: &&bess_core::force::ForcedPoint| {
        point.unit == unit_id && point.point == name && point.value == ForcedValue::Number(value)
    };
    if !seen.forced.iter().any(|point| is_it(&point)) {
        return Effect::Pending;
    }
    let true_value = unit_id.and_then(|unit| {
        let view = &seen.units[unit.idx()];
        match name {
            "sunspec/701.W" => Some(view.ac.active_power.0),
            "sunspec/701.Hz" => Some(view.ac.frequency.0),
            "sunspec/713.SoC" => Some(100.0 * view.measured.soc),
            _ => None,
        }
    });
    // A register has so many digits.
    let differs = |so: f64| (so - value).abs() > 1e-3 * so.abs().max(value.abs()).max(1.0);
    confirmed_if(true_value.is_none_or(differs))
}

/// Signs of life of the EMS: none at any unit for some seconds, or numbers in no order. Inconclusive where
/// it never gave one.
pub(in crate::faults) fn heartbeat_is_wrong(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let of = |control: &UnitControl| control.controller_heartbeat;
    if case.args.word("mode") == "erratic" {
        let (now, then) = (of(&seen.units[0].control), of(&case.before.unit.control));
        // One a tick would be many.
        let in_order = u64::from(now.wrapping_sub(then)) <= case.age + 1;
        return confirmed_where(then != 0, then != 0 && !in_order);
    }
    let ages = seen.units.iter().map(|unit| unit.watchdog.age_s).filter(|age_s| age_s.is_finite());
    let youngest_s = ages.reduce(f64::min);
    confirmed_where(youngest_s.is_some(), youngest_s.is_some_and(|age_s| age_s > SILENCE_S))
}
