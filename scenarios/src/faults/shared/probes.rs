//! Probes: how it is seen that a fault acts. Each looks at one target, at each tick while the fault lasts.

use super::acts::{code, which_contactor};
use crate::faults::{Case, Target};
use bess_core::event::Contactor;
use bess_core::snapshot::{RackView, Snapshot, UnitView};
use bess_core::stage::Effect;
use bess_core::state::UnitState;

/// What no BMS would call a current, in A [engineering choice].
const MIN_CURRENT_A: f64 = 1e-4;
/// Below this a rack or unit carries nothing, in A [engineering choice].
const AT_REST_A: f64 = 0.5;

pub(super) fn unit<'s>(case: &Case<'_>, seen: &'s Snapshot) -> &'s UnitView {
    &seen.units[case.unit().idx()]
}
pub(super) fn racks_hit<'s>(
    case: &Case<'_>,
    seen: &'s Snapshot,
) -> impl Iterator<Item = &'s RackView> + use<'s> {
    let hit = case.racks();
    seen.racks_of(case.unit()).iter().skip(hit.start).take(hit.len())
}
pub(super) fn confirmed_if(seen: bool) -> Effect {
    if seen { Effect::Confirmed } else { Effect::Pending }
}
/// Confirmed once `seen`; before that inconclusive while there is nothing in which it could be seen.
pub(super) fn confirmed_where(possible: bool, seen: bool) -> Effect {
    match (seen, possible) {
        (true, _) => Effect::Confirmed,
        (false, true) => Effect::Pending,
        (false, false) => Effect::Inconclusive,
    }
}

/// Voltage in V and temperature in degC of the target's cell, true.
fn cell_of(case: &Case<'_>, seen: &Snapshot) -> Option<(f64, f64)> {
    let Target::Cell { unit, rack_idx, cell_idx } = *case.target else { return None };
    let cells = seen.cells.iter().find(|cells| cells.unit_idx == unit.idx())?;
    let place = rack_idx * cells.cells_per_rack + cell_idx;
    let volts = cells.true_voltage_v.get(place)?;
    let degc = cells.true_temperature_degc.get(place)?;
    Some((f64::from(*volts), f64::from(*degc)))
}

/// A cell has a voltage, so a resistance across it carries a current from its first tick on; an empty
/// one has next to none.
pub(in crate::faults) fn cell_current_flows(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let ohm = case.args.number("resistance_ohm");
    confirmed_if(cell_of(case, seen).is_some_and(|(volts, _)| volts / ohm > MIN_CURRENT_A))
}

/// A cell with a voltage loses charge to what leaks in it, from its first tick on; an empty one does not.
pub(in crate::faults) fn cell_leaks(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if(cell_of(case, seen).is_some_and(|(volts, _)| volts > 0.0))
}

/// The cell is at least 2 K warmer than the mean of its rack.
pub(in crate::faults) fn cell_warms(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let mean_degc = racks_hit(case, seen).next().map(|rack| rack.truth.cell_temperature_mean.0);
    let warmer =
        cell_of(case, seen).zip(mean_degc).is_some_and(|((_, degc), mean)| degc > mean + 2.0);
    confirmed_if(warmer)
}

/// What acts with a current needs one.
pub(in crate::faults) fn carries_current(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let flows = racks_hit(case, seen).any(|rack| rack.truth.current.0.abs() > AT_REST_A);
    confirmed_where(flows, flows)
}

/// The insulation resistance is at least a tenth below what it was.
pub(in crate::faults) fn insulation_fell(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if(unit(case, seen).insulation_kohm < 0.9 * case.before.unit.insulation_kohm)
}

/// The contactor is not where the state of the unit wants it: found at a command only.
pub(in crate::faults) fn contactor_disobeys(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let place = match which_contactor(case) {
        Contactor::Negative => 0,
        Contactor::Precharge => 1,
        Contactor::Positive => 2,
    };
    let view = unit(case, seen);
    let alarm = view.alarms.has(bess_core::alarm::AlarmCode::ContactorFault);
    let off = matches!(view.state, UnitState::Off | UnitState::Fault);
    let differs = racks_hit(case, seen).any(|rack| rack.contactors[place] && off);
    confirmed_where(false, alarm || differs)
}

/// The unit comes through its precharge.
pub(in crate::faults) fn precharge_seen(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let seen = unit(case, seen).state == UnitState::Precharge;
    confirmed_where(seen, seen)
}

/// The racks are out: their contactors are open, or no current flows while the others carry one.
pub(in crate::faults) fn rack_is_out(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if(racks_hit(case, seen).all(|rack| !rack.connected))
}

/// The racks have the charge that they were given, within 5 %.
pub(in crate::faults) fn rack_soc_moved(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let soc = case.args.number("soc");
    confirmed_if(racks_hit(case, seen).all(|rack| (rack.truth.soc - soc).abs() < 0.05))
}

/// What the BMS believes of the charge is off by at least half of the jump.
pub(in crate::faults) fn soc_is_wrong(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let view = unit(case, seen);
    let least = (0.5 * case.args.number("by").abs()).max(1e-3);
    confirmed_if((view.measured.soc - view.truth.soc).abs() > least)
}

/// The heartbeat has not moved for more than a second.
pub(in crate::faults) fn measured_stands(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let stands = unit(case, seen).heartbeat == case.before.unit.heartbeat;
    confirmed_if(case.age > 20 && stands)
}

/// The published limits are not those of before.
pub(in crate::faults) fn limits_moved(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let (view, before) = (unit(case, seen), &case.before.unit);
    let moved = |now: f64, then: f64| (now - then).abs() > 0.01 * then.max(1.0);
    confirmed_if(
        moved(view.discharge_current_max.0, before.discharge_current_max.0)
            || moved(view.charge_current_max.0, before.charge_current_max.0),
    )
}

/// The alarm of the parameter `code` stands.
pub(in crate::faults) fn alarm_of_code_stands(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if(unit(case, seen).alarms.has(code(case)))
}

/// The unit does not run and gives nothing.
pub(in crate::faults) fn gives_no_power(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let view = unit(case, seen);
    confirmed_if(view.state != UnitState::Running && view.ac.active_power.0.abs() < 1.0)
}

/// The converter is at least 3 K warmer than it was; it needs a load for that.
pub(in crate::faults) fn pcs_warms(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let view = unit(case, seen);
    let warmer = view.pcs_temperature.0 > case.before.unit.pcs_temperature.0 + 3.0;
    confirmed_where(view.ac.apparent_power.0 > 1.0, warmer)
}

/// Available power is at least a hundredth below what it was.
pub(in crate::faults) fn available_fell(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let (view, before) = (unit(case, seen), &case.before.unit);
    confirmed_if(
        view.available_discharge_power.0 < 0.99 * before.available_discharge_power.0
            || view.available_charge_power.0 < 0.99 * before.available_charge_power.0,
    )
}

/// The power differs from the setpoint by more than 2 % of the rating. Inconclusive while the setpoint is
/// the one that it had before: then nothing was ignored.
pub(in crate::faults) fn setpoint_not_followed(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let view = unit(case, seen);
    let rated_w = case.spec.units[case.unit().idx()].design.pcs.rated_power.0;
    let off = (view.ac.active_power.0 - view.setpoint.0).abs() > 0.02 * rated_w;
    let could_show = view.setpoint.0.abs() > 0.02 * rated_w
        || (view.setpoint.0 - case.before.unit.setpoint.0).abs() > 0.02 * rated_w;
    confirmed_where(could_show, off && case.age > 20)
}

/// There was a dip in which it could act.
pub(in crate::faults) fn dip_seen(_case: &Case<'_>, seen: &Snapshot) -> Effect {
    let dips = seen.farm.voltage_pu < 0.9;
    confirmed_where(dips, dips)
}

/// The unit is in its start sequence.
pub(in crate::faults) fn start_seen(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let starts = matches!(
        unit(case, seen).state,
        UnitState::Initialising | UnitState::Precharge | UnitState::Synchronising
    );
    confirmed_where(starts, starts)
}

/// The frequency is off nominal by more than 5 mHz.
pub(in crate::faults) fn frequency_is_off(case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if((seen.farm.frequency.0 - case.spec.nominal_frequency.0).abs() > 0.005)
}

/// The voltage is off nominal by more than half a percent.
pub(in crate::faults) fn voltage_is_off(_case: &Case<'_>, seen: &Snapshot) -> Effect {
    confirmed_if((seen.farm.voltage_pu - 1.0).abs() > 0.005)
}

/// The relay has opened the breaker: there is no voltage at the units any more. Inconclusive while the
/// load is below its pick-up.
pub(in crate::faults) fn relay_picked_up(_case: &Case<'_>, seen: &Snapshot) -> Effect {
    let open = seen.units.iter().all(|unit| unit.ac.voltage.0 < 1.0);
    confirmed_where(false, open)
}
