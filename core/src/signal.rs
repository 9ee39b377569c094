//! The table of signals: one row for each quantity that leaves the farm as a number.
//!
//! Metrics, register maps and later histories, expressions and forcing name a row instead of
//! computing a value. A value that is not available is NaN, which each edge turns into its own "not
//! available". Values are in the SI-based unit of the row; fractions are 0 to 1.

use crate::snapshot::{FarmView, RackView, UnitView};
use crate::spec::UnitDesign;
use crate::state::UnitState;

/// What a signal's number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Quantity {
    Watts,
    Vars,
    VoltAmps,
    Volts,
    Amps,
    Joules,
    Litres,
    Hertz,
    Celsius,
    Ohms,
    Seconds,
    Ratio,
    Count,
}

/// A unit with its design, as getters see it.
#[derive(Clone, Copy, Debug)]
pub struct UnitSight<'s> {
    /// The view.
    pub view: &'s UnitView,
    /// The design.
    pub design: &'s UnitDesign,
}

/// A signal of a unit, a rack or the farm.
#[derive(Clone, Copy, Debug)]
pub struct Signal<V: 'static> {
    /// Dotted name, unique within its level.
    pub name: &'static str,
    /// What the number means.
    pub quantity: Quantity,
    /// One sentence.
    pub help: &'static str,
    /// Reads the value.
    pub get: V,
}

/// Getter of a unit's signal.
pub type UnitGetter = fn(UnitSight<'_>) -> f64;
/// Getter of a rack's signal.
pub type RackGetter = fn(&RackView) -> f64;
/// Getter of a farm's signal.
pub type FarmGetter = fn(&FarmView) -> f64;

macro_rules! table {
    ($(#[$doc:meta])* $table:ident: $getter:ty { $($name:literal $quantity:ident $help:literal $get:expr;)* }) => {
        $(#[$doc])*
        pub const $table: &[Signal<$getter>] = &[
            $(Signal { name: $name, quantity: Quantity::$quantity, help: $help, get: $get },)*
        ];
    };
}

table! {
    /// Signals of a unit. Names that begin with `truth.` are what is true; the rest of the battery's
    /// are what its BMS believes.
    UNIT: UnitGetter {
        "state" Count "State of the unit, as its position in the list of states" |u| u.view.state as u8 as f64;
        "ac.active_power" Watts "Active power at the AC terminals, positive is discharge" |u| u.view.ac.active_power.0;
        "ac.reactive_power" Vars "Reactive power at the AC terminals, positive is injection" |u| u.view.ac.reactive_power.0;
        "ac.apparent_power" VoltAmps "Apparent power at the AC terminals" |u| u.view.ac.apparent_power.0;
        "ac.power_factor" Ratio "Power factor with the sign of the active power" |u| u.view.ac.power_factor();
        "ac.voltage" Volts "Line-to-line voltage" |u| u.view.ac.voltage.0;
        "ac.phase_voltage" Volts "Line-to-neutral voltage" |u| u.view.ac.voltage.0 / 3f64.sqrt();
        "ac.current" Amps "Current of a phase" |u| u.view.ac.current.0;
        "ac.frequency" Hertz "Grid frequency" |u| u.view.ac.frequency.0;
        "ac.discharged_energy" Joules "Energy delivered at the AC terminals since the start" |u| u.view.totals.discharged.0;
        "ac.charged_energy" Joules "Energy taken at the AC terminals since the start" |u| u.view.totals.charged.0;
        "dc.voltage" Volts "DC bus voltage" |u| u.view.dc.voltage.0;
        "dc.current" Amps "DC current, positive is discharge" |u| u.view.dc.current.0;
        "dc.power" Watts "DC power, positive is discharge" |u| u.view.dc.power.0;
        "setpoint.active_power" Watts "Active setpoint in force" |u| u.view.setpoint.0;
        "setpoint.reactive_power" Vars "Reactive setpoint in force" |u| u.view.reactive_setpoint.0;
        "available.discharge_power" Watts "Discharge power available now" |u| u.view.available_discharge_power.0;
        "available.charge_power" Watts "Charge power available now, as a magnitude" |u| u.view.available_charge_power.0;
        "available.discharge_current" Amps "Discharge current that the BMS allows now" |u| u.view.discharge_current_max.0;
        "available.charge_current" Amps "Charge current that the BMS allows now, as a magnitude" |u| u.view.charge_current_max.0;
        "battery.soc" Ratio "State of charge" |u| u.view.measured.soc;
        "battery.soh" Ratio "State of health" |u| u.view.measured.soh;
        "battery.dod" Ratio "Depth of discharge" |u| 1.0 - u.view.measured.soc;
        "battery.energy" Joules "Energy left, at nominal voltage" |u| u.view.measured.energy.0;
        "battery.energy_to_full" Joules "Energy to full, at nominal voltage" |u| u.view.measured.energy_capacity.0 - u.view.measured.energy.0;
        "battery.energy_capacity" Joules "Energy when full, at nominal voltage and present health" |u| u.view.measured.energy_capacity.0;
        "battery.cycles" Count "Equivalent full cycles" |u| u.view.equivalent_full_cycles;
        "battery.racks_connected" Count "Racks with closed contactors" |u| f64::from(u.view.racks_connected);
        "cell.voltage_max" Volts "Highest cell voltage" |u| u.view.measured.extremes.voltage_max.0;
        "cell.voltage_min" Volts "Lowest cell voltage" |u| u.view.measured.extremes.voltage_min.0;
        "cell.voltage_mean" Volts "Mean cell voltage" |u| u.view.measured.cell_voltage_mean.0;
        "cell.voltage_spread" Volts "Highest less lowest cell voltage" |u| (u.view.measured.extremes.voltage_max - u.view.measured.extremes.voltage_min).0;
        "cell.temperature_max" Celsius "Highest cell temperature" |u| u.view.measured.extremes.temperature_max.0;
        "cell.temperature_min" Celsius "Lowest cell temperature" |u| u.view.measured.extremes.temperature_min.0;
        "cell.temperature_mean" Celsius "Mean cell temperature" |u| u.view.measured.cell_temperature_mean.0;
        "truth.soc" Ratio "True state of charge" |u| u.view.truth.soc;
        "truth.soh" Ratio "True state of health" |u| u.view.truth.soh;
        "truth.cell.voltage_max" Volts "True highest cell voltage" |u| u.view.truth.extremes.voltage_max.0;
        "truth.cell.voltage_min" Volts "True lowest cell voltage" |u| u.view.truth.extremes.voltage_min.0;
        "truth.cell.temperature_max" Celsius "True highest cell temperature" |u| u.view.truth.extremes.temperature_max.0;
        "truth.cell.temperature_min" Celsius "True lowest cell temperature" |u| u.view.truth.extremes.temperature_min.0;
        "coolant.temperature" Celsius "Coolant temperature" |u| u.view.coolant_temperature.0;
        "air.temperature" Celsius "Air temperature in the container" |u| u.view.air_temperature.0;
        "pcs.temperature" Celsius "Temperature of the converter" |u| u.view.pcs_temperature.0;
        "insulation.resistance" Ohms "Insulation resistance against earth" |u| u.view.insulation_kohm * 1000.0;
        "watchdog.remaining" Seconds "Time until the controller counts as lost" |u| u.view.watchdog.remaining_s;
        "gas.lfl" Ratio "Gas in the container's air over its lower flammable limit" |u| u.view.gas_lfl;
        "gas.volume" Litres "Gas that the cells have given off, at ambient conditions" |u| u.view.gas_litres;
        "auxiliary.power" Watts "Consumption of the auxiliaries" |u| u.view.auxiliary_power.0;
        "rating.active_power" Watts "Rated active power" |u| u.design.pcs.rated_power.0;
        "rating.apparent_power" VoltAmps "Rated apparent power" |u| u.design.pcs.rated_apparent_power.0;
        "rating.reactive_power" Vars "Rated reactive power" |u| u.design.pcs.rated_reactive_power.0;
        "rating.voltage" Volts "Nominal line-to-line voltage" |u| u.design.pcs.nominal_voltage.0;
        "rating.current" Amps "Current of a phase at the rated apparent power and nominal voltage" |u| u.design.pcs.rated_apparent_power.0 / (3f64.sqrt() * u.design.pcs.nominal_voltage.0);
        "rating.dc_current" Amps "DC current at the rated active power and the lowest rack voltage that the cells allow" |u| u.design.pcs.rated_power.0 / u.design.dc_voltage_window().0.0;
        "rating.energy" Joules "Nominal energy" |u| u.design.nominal_energy().0;
        "rating.charge" Count "Nominal charge in ampere-hours" |u| u.design.nominal_charge_c() / 3600.0;
        "rating.racks" Count "Number of racks" |u| u.design.n_racks as f64;
        "rating.dc_voltage_max" Volts "Highest rack voltage that the cells allow" |u| u.design.dc_voltage_window().1.0;
        "rating.dc_voltage_min" Volts "Lowest rack voltage that the cells allow" |u| u.design.dc_voltage_window().0.0;
        "capacity.active_power" Watts "Largest active power as set, what percentages are of" |u| u.view.control.capacity.active_max_w;
        "capacity.discharge_power" Watts "Largest discharge power as set" |u| u.view.control.capacity.discharge_max_w;
        "capacity.charge_power" Watts "Largest charge power as set, as a magnitude" |u| u.view.control.capacity.charge_max_w;
        "capacity.reactive_injected" Vars "Largest injected reactive power as set" |u| u.view.control.capacity.reactive_injected_max_var;
        "capacity.reactive_absorbed" Vars "Largest absorbed reactive power as set, as a magnitude" |u| u.view.control.capacity.reactive_absorbed_max_var;
        "capacity.apparent_power" VoltAmps "Largest apparent power as set" |u| u.view.control.capacity.apparent_max_va;
        "control.active_w" Watts "Active setpoint as written" |u| u.view.control.active.absolute;
        "control.active_pct" Ratio "Active setpoint in percent, as a fraction of the largest active power" |u| u.view.control.active.percent / 100.0;
        "control.reactive_var" Vars "Reactive setpoint as written" |u| u.view.control.reactive.absolute;
        "control.reactive_pct" Ratio "Reactive setpoint in percent, as a fraction of the largest reactive power" |u| u.view.control.reactive.percent / 100.0;
        "control.discharge_limit" Ratio "Cap of discharge as a fraction of the largest active power" |u| u.view.control.discharge_limit_pct / 100.0;
        "control.ramp" Ratio "Ramp as a fraction of the largest active power per second" |u| u.view.control.ramp_pct_per_s / 100.0;
        "control.source" Count "Who controls the unit, as its position in the list of sources" |u| u.view.control.source as u8 as f64;
        "control.heartbeat" Count "Last heartbeat that a controller wrote" |u| f64::from(u.view.control.controller_heartbeat);
        "heartbeat" Count "Counts simulated seconds" |u| f64::from(u.view.heartbeat);
    }
}

table! {
    /// Signals of a rack, as its BMS reports them; names that begin with `truth.` are what is true.
    RACK: RackGetter {
        "connected" Count "1 when the contactors are closed" |r| f64::from(u8::from(r.connected));
        "current" Amps "Current, positive is discharge" |r| r.current.0;
        "voltage" Volts "Voltage, as the rack's own sensor shows it" |r| r.voltage.0;
        "soc" Ratio "State of charge" |r| r.soc;
        "soc_sigma" Ratio "Standard deviation of the estimated state of charge, as the BMS reckons it" |r| r.soc_sigma;
        "soh" Ratio "State of health" |r| r.soh;
        "cells_balancing" Count "Cells that are being balanced" |r| f64::from(r.cells_balancing);
        "cell.voltage_max" Volts "Highest cell voltage" |r| r.extremes.voltage_max.0;
        "cell.voltage_min" Volts "Lowest cell voltage" |r| r.extremes.voltage_min.0;
        "cell.voltage_mean" Volts "Mean cell voltage" |r| r.cell_voltage_mean.0;
        "cell.temperature_max" Celsius "Highest cell temperature" |r| r.extremes.temperature_max.0;
        "cell.temperature_min" Celsius "Lowest cell temperature" |r| r.extremes.temperature_min.0;
        "cell.temperature_mean" Celsius "Mean cell temperature" |r| r.cell_temperature_mean.0;
        "truth.soc" Ratio "True state of charge" |r| r.truth.soc;
        "truth.soh" Ratio "True state of health" |r| r.truth.soh;
        "truth.capacity_lost" Ratio "Fraction of the capacity that ageing has taken" |r| r.truth.capacity_lost;
    }
}

table! {
    /// Signals of the farm. Those of the battery are what the BMSes believe, but for names that begin
    /// with `truth.`.
    FARM: FarmGetter {
        "poi.active_power" Watts "Active power at the POI, positive is discharge" |f| f.active_power.0;
        "poi.reactive_power" Vars "Reactive power at the POI, positive is injection" |f| f.reactive_power.0;
        "poi.frequency" Hertz "Grid frequency at the POI" |f| f.frequency.0;
        "poi.voltage" Ratio "Voltage at the POI" |f| f.voltage_pu;
        "poi.frequency_response" Watts "What frequency response at the POI asks for now" |f| f.frequency_response.0;
        "setpoint.ramped_power" Watts "Farm setpoint after the plant's ramp, without frequency response" |f| f.ramped_setpoint.0;
        "poi.discharged_energy" Joules "Energy delivered at the POI since the start" |f| f.totals.discharged.0;
        "poi.charged_energy" Joules "Energy taken at the POI since the start" |f| f.totals.charged.0;
        "units.active_power" Watts "Sum of the units' AC power before auxiliaries" |f| f.units_power.0;
        "auxiliary.power" Watts "Consumption of the auxiliaries" |f| f.auxiliary_power.0;
        "transformer.loss" Watts "Loss of the transformer at the POI" |f| f.transformer_loss.0;
        "setpoint.active_power" Watts "Farm setpoint in force" |f| f.setpoint.map_or(f64::NAN, |p| p.0);
        "available.discharge_power" Watts "Discharge power available now at the POI" |f| f.available_discharge_power.0;
        "available.charge_power" Watts "Charge power available now at the POI, as a magnitude" |f| f.available_charge_power.0;
        "battery.soc" Ratio "Energy-weighted state of charge, as the BMSes estimate it" |f| f.soc;
        "battery.soh" Ratio "Energy-weighted state of health, as the BMSes estimate it" |f| f.soh;
        "truth.soc" Ratio "True energy-weighted state of charge" |f| f.true_soc;
        "truth.poi.active_power" Watts "Active power that really flows at the POI, positive is discharge" |f| f.true_active_power.0;
        "truth.poi.reactive_power" Vars "Reactive power that really flows at the POI, positive is injection" |f| f.true_reactive_power.0;
        "battery.energy" Joules "Energy left, at nominal voltage" |f| f.energy.0;
        "battery.energy_capacity" Joules "Energy when full, at nominal voltage and present health" |f| f.energy_capacity.0;
        "cell.voltage_max" Volts "Highest cell voltage" |f| f.extremes.voltage_max.0;
        "cell.voltage_min" Volts "Lowest cell voltage" |f| f.extremes.voltage_min.0;
        "cell.temperature_max" Celsius "Highest cell temperature" |f| f.extremes.temperature_max.0;
        "cell.temperature_min" Celsius "Lowest cell temperature" |f| f.extremes.temperature_min.0;
        "ambient.temperature" Celsius "Ambient temperature" |f| f.ambient.0;
        "units.running" Count "Units that are running" |f| f64::from(f.units_by_state[UnitState::Running as usize]);
    }
}

/// The unit signal called `name`.
///
/// # Panics
/// When there is none: names are written in our own tables, and a test resolves each of them.
pub fn unit(name: &str) -> &'static Signal<UnitGetter> {
    find(UNIT, name)
}
/// The rack signal called `name`.
///
/// # Panics
/// When there is none: names are written in our own tables, and a test resolves each of them.
pub fn rack(name: &str) -> &'static Signal<RackGetter> {
    find(RACK, name)
}
/// The farm signal called `name`.
///
/// # Panics
/// When there is none: names are written in our own tables, and a test resolves each of them.
pub fn farm(name: &str) -> &'static Signal<FarmGetter> {
    find(FARM, name)
}

fn find<V>(table: &'static [Signal<V>], name: &str) -> &'static Signal<V> {
    table
        .iter()
        .find(|signal| signal.name == name)
        .unwrap_or_else(|| panic!("no signal is called {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_within_a_level() {
        for names in [
            UNIT.iter().map(|s| s.name).collect::<Vec<_>>(),
            RACK.iter().map(|s| s.name).collect(),
            FARM.iter().map(|s| s.name).collect(),
        ] {
            for (index, name) in names.iter().enumerate() {
                assert!(!names[..index].contains(name), "{name} twice");
            }
        }
    }
}
