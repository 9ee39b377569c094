//! The plant controller: what it does at the POI and how it splits that over the units.

use crate::control::{CurveFunction, FrequencyResponse, PeakShaving};

/// How a setpoint is split over the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The same share of its rating for each.
    Equal,
    /// By what each has available in that direction.
    #[default]
    Available,
    /// By the energy that each has in that direction.
    Soc,
    /// So that states of charge come together.
    EqualiseSoc,
    /// In the order of a list, each to its limit.
    Priority,
    /// By as few units as can do it near their best loading.
    Efficiency,
    /// As before, with as few changes of who works as possible.
    Sticky,
}

impl Strategy {
    /// Every strategy with its name in files and REST.
    pub const ALL: [(&'static str, Self); 7] = [
        ("equal", Self::Equal),
        ("available", Self::Available),
        ("soc", Self::Soc),
        ("equalise_soc", Self::EqualiseSoc),
        ("priority", Self::Priority),
        ("efficiency", Self::Efficiency),
        ("sticky", Self::Sticky),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Plant controller: frequency response, voltage, ramp, SoC protection, dispatch, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct PlantSpec {
    /// Ticks between two splits of an unchanged setpoint, at least 1. A new setpoint is split at once.
    pub split_period_ticks: u64,
    /// What it does.
    pub settings: PlantSettings,
}

/// What the plant controller does; may be changed while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct PlantSettings {
    /// Whether it acts at all; off, an EMS outside does it, and farm setpoints are refused.
    pub enabled: bool,
    /// How it splits.
    pub strategy: Strategy,
    /// Dense indices of the units in the order of [`Strategy::Priority`]; units that are not named
    /// follow in their own order.
    pub priority: Vec<usize>,
    /// Ramp of the setpoint as a fraction of the rating per second; infinite for none. Frequency
    /// response does not pass through it.
    pub ramp_per_s: f64,
    /// State of charge of a unit below which it is not asked to discharge, 0 to 1.
    pub soc_min: f64,
    /// State of charge of a unit above which it is not asked to charge, 0 to 1.
    pub soc_max: f64,
    /// Frequency response at the POI; `None` for none.
    pub frequency_response: Option<FrequencyResponse>,
    /// Reactive power as a fraction of the rated reactive power over the voltage at the POI in pu;
    /// `None` for the reactive setpoint.
    pub volt_var: Option<CurveFunction>,
    /// Limits of import and export at the POI.
    pub peak_shaving: Option<PeakShaving>,
}

impl Default for PlantSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            strategy: Strategy::default(),
            priority: Vec::new(),
            ramp_per_s: f64::INFINITY,
            soc_min: 0.0,
            soc_max: 1.0,
            frequency_response: None,
            volt_var: None,
            peak_shaving: None,
        }
    }
}

/// Settings to change; absent ones stay.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // Each field is that of `PlantSettings` with the same name.
pub struct PlantChange {
    pub enabled: Option<bool>,
    pub strategy: Option<Strategy>,
    pub priority: Option<Vec<usize>>,
    pub ramp_per_s: Option<f64>,
    pub soc_min: Option<f64>,
    pub soc_max: Option<f64>,
    pub frequency_response: Option<Option<FrequencyResponse>>,
    pub volt_var: Option<Option<CurveFunction>>,
    pub peak_shaving: Option<Option<PeakShaving>>,
}

/// What happens when two masters write to the same unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Arbitration {
    /// The last writer wins.
    #[default]
    LastWriter,
    /// The first writer holds the unit for so many seconds after each of its writes; others are
    /// refused meanwhile.
    Lease(f64),
}
