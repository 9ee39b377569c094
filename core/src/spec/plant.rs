//! The plant controller: what it does at the POI and how it splits that over the units.

use super::FarmSpec;
use crate::command::Rejection;
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

impl PlantChange {
    /// Writes the present fields into `settings`.
    pub fn apply(&self, settings: &mut PlantSettings) {
        fn set<T: Clone>(slot: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                slot.clone_from(value);
            }
        }
        set(&mut settings.enabled, self.enabled.as_ref());
        set(&mut settings.strategy, self.strategy.as_ref());
        set(&mut settings.priority, self.priority.as_ref());
        set(&mut settings.ramp_per_s, self.ramp_per_s.as_ref());
        set(&mut settings.soc_min, self.soc_min.as_ref());
        set(&mut settings.soc_max, self.soc_max.as_ref());
        set(&mut settings.frequency_response, self.frequency_response.as_ref());
        set(&mut settings.volt_var, self.volt_var.as_ref());
        set(&mut settings.peak_shaving, self.peak_shaving.as_ref());
    }

    /// Checks the change against the farm.
    ///
    /// # Errors
    /// When a number is out of its range, a list names a unit twice or one that does not exist, or a
    /// curve is none.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Rejection> {
        let range = |field, value: Option<f64>, min: f64, max: f64, unit| match value {
            Some(value) if !(min..=max).contains(&value) => {
                Err(Rejection::OutOfRange { field, value, min, max, unit })
            }
            _ => Ok(()),
        };
        let no =
            |field, reason: &str| Err(Rejection::NotPossible { field, reason: reason.to_owned() });
        range("ramp_per_s", self.ramp_per_s, RAMP_MIN_PER_S, f64::INFINITY, "1/s")?;
        range("soc_min", self.soc_min, 0.0, 1.0, "")?;
        range("soc_max", self.soc_max, 0.0, 1.0, "")?;
        if let (Some(min), Some(max)) = (self.soc_min, self.soc_max)
            && min >= max
        {
            return no("soc_min", "must be below soc_max");
        }
        if let Some(order) = &self.priority {
            for (at, &idx) in order.iter().enumerate() {
                if idx >= spec.units.len() {
                    let number = u32::try_from(idx + 1).unwrap_or(u32::MAX);
                    return Err(Rejection::NoSuchUnit { number, n_units: spec.units.len() });
                }
                if order[..at].contains(&idx) {
                    return no("priority", "names a unit twice; name each at most once");
                }
            }
        }
        if let Some(Some(curve)) = &self.volt_var {
            check_points("volt_var", &curve.points)?;
            range("volt_var.response_s", Some(curve.response_s), 0.0, 3600.0, "s")?;
        }
        if let Some(Some(response)) = &self.frequency_response {
            check_points("frequency_response", &response.points)?;
            let rated_w = spec.rated_power().0;
            range("contract_w", response.contract_w, 0.0, rated_w * (1.0 + 1e-9), "W")?;
            range("dead_time_s", Some(response.dead_time_s), 0.0, 3600.0, "s")?;
            range("full_s", Some(response.full_s), 1e-3, 3600.0, "s")?;
        }
        if let Some(Some(limits)) = &self.peak_shaving {
            range("import_max_w", Some(limits.import_max_w), 0.0, f64::INFINITY, "W")?;
            range("export_max_w", Some(limits.export_max_w), 0.0, f64::INFINITY, "W")?;
        }
        Ok(())
    }
}

/// Slowest ramp of the plant, as a fraction of the rating per second: 0.01 % a minute (engineering
/// choice).
pub(crate) const RAMP_MIN_PER_S: f64 = 1e-4 / 60.0;

/// Inputs must increase, outputs must not, and be fractions.
fn check_points(field: &'static str, points: &[(f64, f64)]) -> Result<(), Rejection> {
    let fits = points.len() >= 2
        && points.iter().all(|p| p.0.is_finite() && (-1.0..=1.0).contains(&p.1))
        && points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 >= pair[1].1);
    if fits {
        return Ok(());
    }
    let reason = "needs at least two points (x, y): x increases, y from 1 to -1 does not rise";
    Err(Rejection::NotPossible { field, reason: reason.to_owned() })
}
