//! Cell chemistries as data: what a cell is, with the source of every figure.
//!
//! A chemistry is a TOML text in the format of the files in `data/`. The parameters describe one
//! cell as an equivalent circuit: open-circuit voltage, hysteresis, an ohmic resistance and one or
//! two RC pairs, with heat and limits. The model that uses them lives in `bess-simulation`.

mod curve;
mod parse;

pub use curve::{Curve, CurveError};
pub use parse::parse_chemistry;

use crate::units::{Coulombs, Ohms, Seconds, Volts};

/// The built-in chemistries: name and text. A new one is a file and a line here.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("lfp-280", include_str!("data/lfp-280.toml")),
    ("lfp-314", include_str!("data/lfp-314.toml")),
];

/// The text of the built-in chemistry `name`.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Parameters of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Chemistry {
    /// Name, as farm files refer to it.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Charge between SoC 0 and 1.
    pub capacity: Coulombs,
    /// Voltage with which nominal energy is stated.
    pub nominal_voltage: Volts,
    /// Open-circuit voltage in volts over SoC, strictly increasing, covers 0 to 1.
    pub ocv: Curve,
    /// Ohmic resistance.
    pub r0: Resistance,
    /// One or two RC pairs, fast first.
    pub rc: Vec<RcPair>,
    /// Voltage hysteresis, if the chemistry shows it.
    pub hysteresis: Option<Hysteresis>,
    /// Entropic coefficient dU/dT in V/K over SoC; absent means none.
    pub entropic_v_per_k: Option<Curve>,
    /// Heat; absent means that the cell keeps its temperature.
    pub thermal: Option<Thermal>,
    /// What the BMS allows; needed in a farm.
    pub limits: Option<Limits>,
}

impl Chemistry {
    /// Energy of one cell at nominal voltage, in joules.
    pub fn nominal_energy_j(&self) -> f64 {
        self.capacity.0 * self.nominal_voltage.0
    }
}

/// A resistance with its dependence on SoC and temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Resistance {
    /// Value at 25 degC, > 0.
    pub value: Ohms,
    /// Activation energy of Arrhenius' law in J/mol, >= 0; 0 means no dependence on temperature.
    pub activation_energy_j_per_mol: f64,
    /// Factor over SoC, > 0; absent means 1.
    pub soc_factor: Option<Curve>,
}

impl Resistance {
    /// The resistance in ohms at `soc` and `temperature_degc`.
    pub fn at(&self, soc: f64, temperature_degc: f64) -> f64 {
        let factor = self.soc_factor.as_ref().map_or(1.0, |curve| curve.at_clamped(soc));
        let arrhenius = if self.activation_energy_j_per_mol > 0.0 {
            crate::math::arrhenius(self.activation_energy_j_per_mol, temperature_degc)
        } else {
            1.0
        };
        self.value.0 * factor * arrhenius
    }
}

/// A resistor and a capacitor in parallel. The capacitance is constant, so that the time constant
/// follows the resistance.
#[derive(Clone, Debug, PartialEq)]
pub struct RcPair {
    /// The resistor.
    pub resistance: Resistance,
    /// Time constant at 25 degC where the SoC factor is 1, > 0.
    pub time_constant: Seconds,
}

impl RcPair {
    /// The constant capacitance in farads.
    pub fn capacitance_f(&self) -> f64 {
        self.time_constant.0 / self.resistance.value.0
    }
}

/// Hysteresis of the open-circuit voltage: V = OCV + M(SoC) h, where h moves towards +1 while
/// charging and -1 while discharging.
#[derive(Clone, Debug, PartialEq)]
pub struct Hysteresis {
    /// Half-width M in volts over SoC, >= 0.
    pub half_width: Curve,
    /// Build-up rate of h per unit of SoC, > 0.
    pub rate_per_soc: f64,
}

/// Thermal parameters of a cell between two neighbours on a cooled base plate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermal {
    /// Heat capacity in J/K, > 0.
    pub heat_capacity_j_per_k: f64,
    /// Conductance to each neighbour in W/K, >= 0.
    pub neighbour_w_per_k: f64,
    /// Conductance to the base plate in W/K, >= 0.
    pub plate_w_per_k: f64,
}

/// What the BMS allows a cell, as derating polylines: factors 0 to 1 that multiply the C-rates.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Lowest cell voltage.
    pub voltage_min: Volts,
    /// Highest cell voltage.
    pub voltage_max: Volts,
    /// Largest charge current as a multiple of the capacity per hour.
    pub charge_c_rate_max: f64,
    /// Largest discharge current as a multiple of the capacity per hour.
    pub discharge_c_rate_max: f64,
    /// Charge factor over the highest cell voltage.
    pub charge_by_voltage: Curve,
    /// Discharge factor over the lowest cell voltage.
    pub discharge_by_voltage: Curve,
    /// Charge factor over cell temperature in degC.
    pub charge_by_temperature: Curve,
    /// Discharge factor over cell temperature in degC.
    pub discharge_by_temperature: Curve,
}
