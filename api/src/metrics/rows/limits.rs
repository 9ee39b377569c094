//! The values at which protections act, so that alerts compare with what is exported and copy none.

use super::{CELSIUS, Get, OHMS, RATIO, Row, VOLTS, gauge};
use bess_core::alarm::AlarmCode;

const fn limit(
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
    code: AlarmCode,
) -> Row {
    gauge(name, unit, help, Get::Limit(code)).by(&["level"])
}

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    limit("bess_cell_temperature_high_limit_celsius", CELSIUS, "Cell temperature at which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::CellOverTemperature),
    limit("bess_cell_temperature_low_charge_limit_celsius", CELSIUS, "Cell temperature below which the strictest protection of the farm acts while the rack is charged, by level; absent where none does", AlarmCode::CellUnderTemperature),
    limit("bess_cell_voltage_high_limit_volts", VOLTS, "Cell voltage at which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::CellOverVoltage),
    limit("bess_cell_voltage_low_limit_volts", VOLTS, "Cell voltage below which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::CellUnderVoltage),
    limit("bess_cell_voltage_spread_limit_volts", VOLTS, "Difference between two cells of a rack at which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::VoltageDifference),
    limit("bess_soc_high_limit_ratio", RATIO, "State of charge at which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::SocHigh),
    limit("bess_soc_low_limit_ratio", RATIO, "State of charge below which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::SocLow),
    limit("bess_insulation_limit_ohms", OHMS, "Insulation resistance below which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::Insulation),
    limit("bess_pcs_temperature_high_limit_celsius", CELSIUS, "Converter temperature at which the strictest protection of the farm acts, by level; absent where none does", AlarmCode::PcsOverTemperature),
];
