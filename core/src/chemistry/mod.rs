//! Cell chemistries as data: what a cell is, with the source of every figure.
//!
//! A chemistry is a TOML text in the format of `docs/chemistry-files.md`. The parameters describe one
//! cell as an equivalent circuit: open-circuit voltage, hysteresis, an ohmic resistance and one or
//! two RC pairs, with heat, self-discharge and limits. Each quantity is a [`Table`] over any of SoC,
//! temperature and current. The model that uses them lives in `bess-simulation`.

mod ageing;
mod curve;
mod parse;
mod runaway;
mod table;

pub use ageing::{
    AgeingLaw, AnodePotential, DepthStress, LargeFormatCalendar, LargeFormatCycle, LargeFormatLaw,
    NaumannLaw, SchmalstiegLaw, SocStress, VoltageCalendar, VoltageCycle,
};
pub use curve::{Curve, CurveError};
pub use parse::parse_chemistry;
pub use runaway::{ONSET_K_PER_S, RUNAWAY_K_PER_S, Runaway, Vent};
pub use table::{NonRising, Table, TableError};

use crate::units::{Coulombs, Volts};

/// The built-in chemistries: name and text. A new one is a file and a line here.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("lfp-280", include_str!("data/lfp-280.toml")),
    ("lfp-314", include_str!("data/lfp-314.toml")),
    ("nmc-94", include_str!("data/nmc-94.toml")),
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
    /// Open-circuit voltage in volts: rises strictly with SoC at every temperature and current of
    /// its nodes, covers SoC 0 to 1. Read it by [`Table::at_extended`].
    pub ocv: Table,
    /// Ohmic resistance.
    pub r0: Resistance,
    /// One or two RC pairs, fast first.
    pub rc: Vec<RcPair>,
    /// Voltage hysteresis, if the chemistry shows it.
    pub hysteresis: Option<Hysteresis>,
    /// Entropic coefficient dU/dT in V/K; absent means none.
    pub entropic_v_per_k: Option<Table>,
    /// Heat; absent means that the cell keeps its temperature.
    pub thermal: Option<Thermal>,
    /// Leak of a resting cell; absent means none.
    pub self_discharge: Option<SelfDischarge>,
    /// What the BMS allows; needed in a farm.
    pub limits: Option<Limits>,
    /// How the cell ages; absent means that it stays new.
    pub ageing: Option<AgeingLaw>,
    /// How the cell runs away when it is hot; absent means that it never does.
    pub runaway: Option<Runaway>,
}

impl Chemistry {
    /// Energy of one cell at nominal voltage, in joules.
    pub fn nominal_energy_j(&self) -> f64 {
        self.capacity.0 * self.nominal_voltage.0
    }
}

/// A resistance: a table, times Arrhenius' law, times a factor over SoC.
#[derive(Clone, Debug, PartialEq)]
pub struct Resistance {
    /// Resistance in ohms, > 0; at 25 degC where the activation energy is not 0.
    pub value: Table,
    /// Activation energy of Arrhenius' law in J/mol, >= 0; 0 means that the table alone tells the
    /// dependence on temperature, if any.
    pub activation_energy_j_per_mol: f64,
    /// Factor over SoC, > 0; absent means 1.
    pub soc_factor: Option<Curve>,
}

impl Resistance {
    /// The same resistance in ohms everywhere.
    pub fn constant(ohm: f64) -> Self {
        Self { value: Table::constant(ohm), activation_energy_j_per_mol: 0.0, soc_factor: None }
    }
    /// The resistance in ohms at `soc`, `temperature_degc` and `current_a` (positive: discharge).
    pub fn at(&self, soc: f64, temperature_degc: f64, current_a: f64) -> f64 {
        let factor = self.soc_factor.as_ref().map_or(1.0, |curve| curve.at_clamped(soc));
        let arrhenius = if self.activation_energy_j_per_mol > 0.0 {
            crate::math::arrhenius(self.activation_energy_j_per_mol, temperature_degc)
        } else {
            1.0
        };
        self.value.at(soc, temperature_degc, current_a) * factor * arrhenius
    }
    /// Whether the resistance changes with temperature.
    pub fn depends_on_temperature(&self) -> bool {
        self.activation_energy_j_per_mol > 0.0 || self.value.depends_on_temperature()
    }
    /// Whether the resistance changes with SoC.
    pub fn depends_on_soc(&self) -> bool {
        self.soc_factor.is_some() || self.value.depends_on_soc()
    }
    /// Whether the resistance changes with current.
    pub fn depends_on_current(&self) -> bool {
        self.value.depends_on_current()
    }
}

/// A resistor and a capacitor in parallel. A constant capacitance makes the time constant follow the
/// resistance.
#[derive(Clone, Debug, PartialEq)]
pub struct RcPair {
    /// The resistor.
    pub resistance: Resistance,
    /// Capacitance in farads, > 0.
    pub capacitance_f: Table,
}

impl RcPair {
    /// The time constant in seconds at `soc`, `temperature_degc` and `current_a`.
    pub fn time_constant_s(&self, soc: f64, temperature_degc: f64, current_a: f64) -> f64 {
        self.resistance.at(soc, temperature_degc, current_a)
            * self.capacitance_f.at(soc, temperature_degc, current_a)
    }
}

/// Hysteresis of the open-circuit voltage: V = OCV + M(SoC) h, where h moves towards +1 while
/// charging and -1 while discharging.
#[derive(Clone, Debug, PartialEq)]
pub struct Hysteresis {
    /// Half-width M in volts, >= 0.
    pub half_width: Table,
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
    /// Conductance in W/K, >= 0, to the case where there is one, else to the base plate.
    pub plate_w_per_k: f64,
    /// A second thermal node between the cell and its surroundings.
    pub case: Option<Case>,
    /// How the heat of the RC pairs is booked.
    pub rc_heat: HeatForm,
}

/// The second thermal node: cell -(`plate_w_per_k`)-> case -(`to_surroundings_w_per_k`)-> plate or
/// ambient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// Heat capacity in J/K, > 0.
    pub heat_capacity_j_per_k: f64,
    /// Conductance to the surroundings in W/K, >= 0.
    pub to_surroundings_w_per_k: f64,
}

/// How the heat of an RC pair is booked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeatForm {
    /// v^2 / R: what the resistor dissipates at this moment.
    #[default]
    Dissipated,
    /// I v: what flows into the pair, its capacitor's stored energy included. PyBaMM's Thevenin
    /// model books heat so; needed to compare with it.
    Supplied,
}

/// Leak of a cell at rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelfDischarge {
    /// Leak at 25 degC in amperes, >= 0.
    pub current_a: f64,
    /// Activation energy of its growth with temperature in J/mol, >= 0.
    pub activation_energy_j_per_mol: f64,
    /// Spread between cells: standard deviation of the leak's logarithm, >= 0.
    pub sigma: f64,
}

impl SelfDischarge {
    /// The leak in amperes of a middling cell at `temperature_degc`.
    pub fn at(&self, temperature_degc: f64) -> f64 {
        self.current_a / crate::math::arrhenius(self.activation_energy_j_per_mol, temperature_degc)
    }
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
