//! Numbers of a unit by which a list of units is filtered and sorted: one row each.

use bess_core::snapshot::UnitView;

/// A number of a unit.
#[derive(Debug)]
pub(super) struct Quantity {
    /// Its name, with its unit.
    pub(super) name: &'static str,
    /// Name of the parameter that wants more than a value.
    pub(super) above: &'static str,
    /// Name of the parameter that wants less.
    pub(super) below: &'static str,
    /// What it is, for the document.
    pub(super) text: &'static str,
    /// What it is of a unit.
    pub(super) of: fn(&UnitView) -> f64,
}

macro_rules! quantities {
    ($($name:literal $text:literal $of:expr;)*) => {
        /// All of them.
        pub(super) const QUANTITIES: &[Quantity] = &[$(Quantity {
            name: $name,
            above: concat!($name, "_above"),
            below: concat!($name, "_below"),
            text: $text,
            of: $of,
        },)*];
    };
}

quantities! {
    "soc" "State of charge as the BMS estimates it, 0 to 1" |unit| unit.measured.soc;
    "soh" "State of health as the BMS estimates it, 0 to 1" |unit| unit.measured.soh;
    "energy_wh" "Energy that is left as the BMS estimates it" |unit| unit.measured.energy.0 / 3600.0;
    "active_power_w" "Active power, positive is discharge" |unit| unit.ac.active_power.0;
    "reactive_power_var" "Reactive power, positive is injection" |unit| unit.ac.reactive_power.0;
    "available_discharge_power_w" "What could be discharged now" |unit| unit.available_discharge_power.0;
    "available_charge_power_w" "What could be charged now, as a magnitude" |unit| unit.available_charge_power.0;
    "cell_voltage_min_v" "Lowest measured cell voltage" |unit| unit.measured.extremes.voltage_min.0;
    "cell_voltage_max_v" "Highest measured cell voltage" |unit| unit.measured.extremes.voltage_max.0;
    "temperature_min_degc" "Lowest measured cell temperature" |unit| unit.measured.extremes.temperature_min.0;
    "temperature_max_degc" "Highest measured cell temperature" |unit| unit.measured.extremes.temperature_max.0;
    "pcs_temperature_degc" "Temperature of the converter" |unit| unit.pcs_temperature.0;
    "coolant_temperature_degc" "Coolant temperature" |unit| unit.coolant_temperature.0;
    "insulation_kohm" "Insulation resistance against earth" |unit| unit.insulation_kohm;
    "equivalent_full_cycles" "Equivalent full cycles" |unit| unit.equivalent_full_cycles;
    "racks_connected" "Racks with closed contactors" |unit| f64::from(unit.racks_connected);
    "trips" "Trips since the start" |unit| f64::from(unit.trips);
}
