//! The farm at its POI, its units as one, and the grid behind it.

use super::{
    AMPERES, CELSIUS, Count, Get, HERTZ, JOULES, Kind, Labels, NONE, Number, Numbers, RATIO, Real,
    Row, SECONDS, Sight, VOLTS, WATTS, counter, gauge, row, series, unix_s,
};
use bess_core::alarm::{ALARMS, AlarmLevel};
use bess_core::control::WatchdogState;
use bess_core::snapshot::{Before, FaultPlane, UnitState, UnitView};
use bess_core::units::Joules;

/// A gauge of the farm: the signal's sentence and unit, with an addition to the sentence.
const fn farm(name: &'static str, signal: &'static str, addition: &'static str) -> Row {
    row(Kind::Gauge, name, NONE, addition, Get::Farm(signal))
}
/// What the farm had counted before this process; counters are of the process.
fn before<'s>(sight: &Sight<'s>) -> &'s Before {
    &sight.snapshot().counts.before
}

const TRUE: &str = ", which only a simulator knows";
const DISCHARGE: &str = ", positive is discharge";

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    // Its units.
    gauge("bess_units", NONE, "Units in each state; they sum to the number of units", Numbers(by_state)).by(&["state"]),
    gauge("bess_units_alarm", NONE, "Units on which each alarm stands at each level, active or latched", Numbers(by_alarm)).by(&["code", "level"]),
    gauge("bess_units_local", NONE, "Units under local control", Count(|s| s.units().filter(|unit| unit.is_local).count() as u64)),
    gauge("bess_units_watchdog", NONE, "Units by how the watch over their controller stands", Numbers(by_watchdog)).by(&["state"]),
    gauge("bess_units_soc_at_most", NONE, "Units whose state of charge, as the BMS believes it, is at most le", Numbers(|s| at_most(s, SOC, |unit| unit.measured.soc))).by(&["le"]),
    gauge("bess_units_cell_temperature_at_most", NONE, "Units whose hottest cell, as the BMS measures it, is at most at le degC", Numbers(|s| at_most(s, CELL_DEGC, |unit| unit.measured.extremes.temperature_max.0))).by(&["le"]),
    gauge("bess_units_soh_at_most", NONE, "Units whose state of health, as the BMS believes it, is at most le", Numbers(|s| at_most(s, SOH, |unit| unit.measured.soh))).by(&["le"]),
    counter("bess_unit_trips_total", NONE, "Trips of units since the start by the alarm that caused them", Numbers(|s| by_code("cause", &s.snapshot().counts.trips))).by(&["cause"]),
    counter("bess_alarms_raised_total", NONE, "Alarms that became active since the start", Numbers(|s| by_code("code", &s.snapshot().counts.alarms_raised))).by(&["code"]),
    counter("bess_events_total", NONE, "Events since the start", Count(|s| s.snapshot().events.total() - before(s).events)),
    counter("bess_writes_total", NONE, "Writes since the start by what came of them, as the audit has them", Numbers(writes)).by(&["result"]),
    gauge("bess_ems_heartbeat_timestamp_seconds", SECONDS, "Wall time in Unix seconds of the oldest last sign of life among the controllers of watched units; absent while no unit is watched", Real(heartbeat_unix_s)),
    gauge("bess_faults_active", NONE, "What is wrong now because somebody made it so: defects, sensor defects, link conditions, grid disturbances, forced points", Numbers(faults_active)).by(&["plane"]),
    counter("bess_fault_injections_total", NONE, "What was made wrong since the start, as bess_faults_active", Numbers(fault_injections)).by(&["plane"]),

    // Its batteries.
    farm("bess_farm_soc_ratio", "battery.soc", ""),
    farm("bess_farm_true_soc_ratio", "truth.soc", TRUE),
    gauge("bess_farm_soc_spread_ratio", RATIO, "Highest less lowest state of charge of a unit, as the BMS believes it", Real(|s| spread(s, |unit| unit.measured.soc))),
    farm("bess_farm_soh_mean_ratio", "battery.soh", ""),
    gauge("bess_farm_soh_min_ratio", RATIO, "Lowest state of health of a unit, as the BMS believes it", Real(|s| s.units().map(|unit| unit.measured.soh).fold(f64::INFINITY, f64::min))),
    farm("bess_farm_energy_joules", "battery.energy", ""),
    farm("bess_farm_energy_capacity_joules", "battery.energy_capacity", ""),
    gauge("bess_farm_equivalent_full_cycles", NONE, "Equivalent full cycles of the units, weighted by their nominal energy; survives a restart", Real(equivalent_full_cycles)),
    gauge("bess_farm_cells", NONE, "Cells in the farm", Count(|s| s.snapshot().spec.n_cells() as u64)),
    gauge("bess_farm_cells_vented", NONE, "Cells that have vented gas, which only a simulator knows", Count(|s| s.snapshot().racks.iter().map(|rack| u64::from(rack.truth.cells_vented)).sum())),
    gauge("bess_farm_cells_burnt", NONE, "Cells that have burnt out, which only a simulator knows", Count(|s| s.snapshot().racks.iter().map(|rack| u64::from(rack.truth.cells_burnt)).sum())),
    farm("bess_farm_cell_voltage_min_volts", "cell.voltage_min", ""),
    farm("bess_farm_cell_voltage_max_volts", "cell.voltage_max", ""),
    gauge("bess_farm_cell_voltage_spread_max_volts", VOLTS, "Largest difference between two cells of one unit", Real(|s| s.units().map(|unit| (unit.measured.extremes.voltage_max - unit.measured.extremes.voltage_min).0).fold(0.0, f64::max))),
    farm("bess_farm_cell_temperature_min_celsius", "cell.temperature_min", ""),
    farm("bess_farm_cell_temperature_max_celsius", "cell.temperature_max", ""),
    gauge("bess_farm_dc_current_amperes", AMPERES, "Sum of the units' DC currents, positive is discharge", Real(|s| s.units().map(|unit| unit.dc.current.0).sum())),

    // Its power.
    farm("bess_farm_ac_power_watts", "poi.active_power", ""),
    farm("bess_farm_ac_reactive_power_vars", "poi.reactive_power", ""),
    farm("bess_farm_ac_power_setpoint_watts", "setpoint.active_power", ", positive is discharge; absent while there is none"),
    gauge("bess_farm_ac_power_rated_watts", WATTS, "Sum of the units' rated active power", Real(|s| s.snapshot().spec.rated_power().0)),
    farm("bess_farm_available_charge_power_watts", "available.charge_power", ""),
    farm("bess_farm_available_discharge_power_watts", "available.discharge_power", ""),
    farm("bess_farm_auxiliary_power_watts", "auxiliary.power", ""),
    farm("bess_farm_transformer_loss_watts", "transformer.loss", ""),
    counter("bess_farm_charged_joules_total", JOULES, "Energy taken at the POI since the start", Real(|s| (s.snapshot().farm.totals.charged - before(s).totals.charged).0)),
    counter("bess_farm_discharged_joules_total", JOULES, "Energy delivered at the POI since the start", Real(|s| (s.snapshot().farm.totals.discharged - before(s).totals.discharged).0)),
    counter("bess_farm_auxiliary_joules_total", JOULES, "Energy drawn by the auxiliaries since the start", Real(|s| (s.snapshot().farm.totals.auxiliary - before(s).totals.auxiliary).0)),
    counter("bess_farm_loss_joules_total", JOULES, "Energy turned into heat since the start, in cells with their wiring (and what their polarisation holds), in the PCS and in the transformer", Numbers(losses)).by(&["kind"]),
    farm("bess_farm_frequency_response_watts", "poi.frequency_response", DISCHARGE),
    farm("bess_farm_ramped_setpoint_watts", "setpoint.ramped_power", ", positive is discharge; 0 while there is none"),

    // What is around it.
    farm("bess_grid_frequency_hertz", "poi.frequency", ""),
    gauge("bess_grid_frequency_nominal_hertz", HERTZ, "Nominal grid frequency", Real(|s| s.snapshot().spec.nominal_frequency.0)),
    farm("bess_grid_voltage_ratio", "poi.voltage", ", as a share of nominal; 0 while the grid is gone"),
    gauge("bess_ambient_temperature_celsius", CELSIUS, "Ambient temperature", Real(|s| s.snapshot().farm.ambient.0)),
];

/// Bounds of the distributions over units, so that a farm of any size shows in a few series.
const SOC: &[f64] = &[0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0];
const CELL_DEGC: &[f64] =
    &[-10.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 80.0];
const SOH: &[f64] = &[0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98, 1.0];

/// Units of which a quantity is at most each of the bounds; the last bound is infinite, and what is not
/// available counts nowhere.
fn at_most(sight: &Sight<'_>, bounds: &[f64], of: fn(&UnitView) -> f64) -> Vec<(Labels, Number)> {
    let mut counts = vec![0; bounds.len() + 1];
    for value in sight.units().map(of).filter(|value| !value.is_nan()) {
        counts[bounds.partition_point(|bound| *bound < value)] += 1;
    }
    let mut sum = 0;
    let names = bounds.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".to_owned()]);
    let cumulative = |(name, count)| {
        sum += count;
        series("le", name, sum)
    };
    names.zip(counts).map(cumulative).collect()
}

/// Highest less lowest of a quantity over the units.
fn spread(sight: &Sight<'_>, of: fn(&UnitView) -> f64) -> f64 {
    let (lowest, highest) = sight
        .units()
        .map(of)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    highest - lowest
}

fn by_state(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let counts = sight.snapshot().farm.units_by_state;
    UnitState::ALL
        .iter()
        .zip(counts)
        .map(|(state, count)| series("state", state.name(), u64::from(count)))
        .collect()
}

/// One pass over the units, whose sets are mostly empty.
fn by_alarm(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    const LEVELS: usize = AlarmLevel::ALL.len();
    let mut counts = vec![0; ALARMS.len() * LEVELS];
    for unit in sight.units().filter(|unit| !unit.alarms.is_empty()) {
        for (alarm, level) in unit.alarms.iter() {
            counts[alarm.code as usize * LEVELS + level as usize] += 1;
        }
    }
    let keys = ALARMS.iter().flat_map(|alarm| AlarmLevel::ALL.map(|level| (alarm, level)));
    keys.zip(counts)
        .map(|((alarm, level), count)| {
            let labels = vec![("code", alarm.name.into()), ("level", level.name().into())];
            (labels, Number::Count(count))
        })
        .collect()
}

fn by_code(label: &'static str, counts: &[u64]) -> Vec<(Labels, Number)> {
    ALARMS.iter().zip(counts).map(|(alarm, count)| series(label, alarm.name, *count)).collect()
}

fn by_watchdog(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let mut counts = [0; WatchdogState::ALL.len()];
    sight.units().for_each(|unit| counts[unit.watchdog.state as usize] += 1);
    let states = WatchdogState::ALL.into_iter().zip(counts);
    states.map(|(state, count)| series("state", state.name(), count)).collect()
}

fn faults_active(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let counts = sight.snapshot().counts.faults_active;
    let planes = FaultPlane::NAMES.into_iter().zip(counts);
    planes.map(|(plane, count)| series("plane", plane, u64::from(count))).collect()
}

fn fault_injections(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let counts = sight.snapshot().counts.faults_injected;
    let planes = FaultPlane::NAMES.into_iter().zip(counts);
    planes.map(|(plane, count)| series("plane", plane, count)).collect()
}

fn writes(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let (farm, before) = (&sight.snapshot().farm, before(sight));
    [
        ("applied", farm.commands_applied - before.commands_applied),
        ("refused", farm.commands_refused - before.commands_refused),
    ]
    .map(|(result, count)| series("result", result, count))
    .into()
}

fn losses(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let (totals, before) = (&sight.snapshot().farm.totals, &before(sight).totals);
    [
        ("cell", totals.cell_loss - before.cell_loss),
        ("pcs", totals.pcs_loss - before.pcs_loss),
        ("transformer", totals.transformer - before.transformer),
    ]
    .map(|(kind, energy)| (vec![("kind", kind.into())], Number::Real(energy.0)))
    .into()
}

fn equivalent_full_cycles(sight: &Sight<'_>) -> f64 {
    let (mut moved, mut nominal) = (0.0, Joules::ZERO);
    for (view, unit) in sight.units().zip(&sight.snapshot().spec.units) {
        let energy = unit.design.nominal_energy();
        moved += view.equivalent_full_cycles * energy.0;
        nominal += energy;
    }
    moved / nominal.0
}

/// The watches count simulated time; the age of a sign of life is that at the speed in force.
fn heartbeat_unix_s(sight: &Sight<'_>) -> f64 {
    let snapshot = sight.snapshot();
    let watched = sight.units().filter(|unit| unit.watchdog.state != WatchdogState::Disabled);
    let oldest_s = watched.map(|unit| unit.watchdog.age_s).fold(f64::NAN, f64::max);
    unix_s(snapshot.wall_unix_ns) - oldest_s / snapshot.clock.speed
}
