//! Every unit. `/metrics/units` calls these families without `bess_unit_`.

use super::{Get, Kind, NONE, Row, row};

/// A gauge of every unit: the signal's sentence and unit, with an addition to the sentence.
const fn unit(name: &'static str, signal: &'static str, addition: &'static str) -> Row {
    row(Kind::Gauge, name, NONE, addition, Get::Unit(signal)).by(&["unit"])
}

const MEASURED: &str = ", as the BMS believes it";
const TRUE: &str = ", which only a simulator knows";
const DISCHARGE: &str = ", positive is discharge";

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    row(Kind::Info, "bess_unit_info", NONE, "What each unit is; without a unit id where it has none of the standard map", Get::UnitInfo).by(&["unit", "name", "vendor", "model", "chemistry", "modbus_unit_id"]),
    unit("bess_unit_state", "state", ": 0 off, 1 initialising, 2 precharge, 3 standby, 4 synchronising, 5 running, 6 derated, 7 fallback, 8 stopping, 9 tripped, 10 locked_out, 11 fault, 12 maintenance, 13 emergency_stop"),
    unit("bess_unit_soc_ratio", "battery.soc", MEASURED),
    unit("bess_unit_true_soc_ratio", "truth.soc", TRUE),
    unit("bess_unit_soh_ratio", "battery.soh", MEASURED),
    unit("bess_unit_true_soh_ratio", "truth.soh", TRUE),
    unit("bess_unit_cell_temperature_max_celsius", "cell.temperature_max", MEASURED),
    unit("bess_unit_cell_temperature_min_celsius", "cell.temperature_min", MEASURED),
    unit("bess_unit_cell_voltage_max_volts", "cell.voltage_max", MEASURED),
    unit("bess_unit_cell_voltage_min_volts", "cell.voltage_min", MEASURED),
    unit("bess_unit_cell_voltage_spread_volts", "cell.voltage_spread", MEASURED),
    unit("bess_unit_true_cell_temperature_max_celsius", "truth.cell.temperature_max", TRUE),
    unit("bess_unit_true_cell_temperature_min_celsius", "truth.cell.temperature_min", TRUE),
    unit("bess_unit_true_cell_voltage_max_volts", "truth.cell.voltage_max", TRUE),
    unit("bess_unit_true_cell_voltage_min_volts", "truth.cell.voltage_min", TRUE),
    unit("bess_unit_coolant_temperature_celsius", "coolant.temperature", ""),
    unit("bess_unit_air_temperature_celsius", "air.temperature", ""),
    unit("bess_unit_pcs_temperature_celsius", "pcs.temperature", ""),
    unit("bess_unit_insulation_ohms", "insulation.resistance", ", as measured"),
    unit("bess_unit_watchdog_remaining_seconds", "watchdog.remaining", ", as configured; 0 while it is lost or not watched"),
    unit("bess_unit_gas_litres", "gas.volume", ""),
    unit("bess_unit_gas_lfl_ratio", "gas.lfl", ""),
    unit("bess_unit_dc_voltage_volts", "dc.voltage", ""),
    unit("bess_unit_dc_current_amperes", "dc.current", ""),
    unit("bess_unit_ac_power_watts", "ac.active_power", ""),
    unit("bess_unit_ac_reactive_power_vars", "ac.reactive_power", ""),
    unit("bess_unit_ac_power_setpoint_watts", "setpoint.active_power", DISCHARGE),
    unit("bess_unit_available_charge_power_watts", "available.charge_power", ""),
    unit("bess_unit_available_discharge_power_watts", "available.discharge_power", ""),
    unit("bess_unit_available_energy_joules", "battery.energy", MEASURED),
    unit("bess_unit_equivalent_full_cycles", "battery.cycles", ""),
    unit("bess_unit_racks_connected", "battery.racks_connected", ""),
];
