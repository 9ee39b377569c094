//! The plant controller: what it does at the POI and how it splits that over the units.

use super::FarmSpec;
use crate::command::Rejection;
use crate::control::{CurveFunction, FrequencyResponse, PeakShaving};

/// How a setpoint is split over the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

impl PlantSettings {
    /// Checks what its numbers, each of them checked, are together.
    ///
    /// # Errors
    /// When no state of charge is allowed.
    pub fn check(&self) -> Result<(), Rejection> {
        check_window(self.soc_min, self.soc_max)
    }
}

/// Settings to change; absent ones stay.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // Each field is that of `PlantSettings` with the same name.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

/// Percent per minute in one fraction per second: how people write the ramp of a plant.
pub const PCT_PER_MIN: f64 = 6000.0;

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

    /// Checks the change against the farm. What its settings make together with those in force is for
    /// [`PlantSettings::check`].
    ///
    /// # Errors
    /// When a number is out of its range, a list names a unit twice or one that does not exist, or a
    /// curve or service is not possible.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Rejection> {
        let range = |field, value: Option<f64>, min: f64, max: f64, unit| match value {
            Some(value) if !(min..=max).contains(&value) => {
                Err(Rejection::OutOfRange { field, value, min, max, unit })
            }
            _ => Ok(()),
        };
        let no =
            |field, reason: &str| Err(Rejection::NotPossible { field, reason: reason.to_owned() });
        let ramp_pct_per_min = self.ramp_per_s.map(|ramp| ramp * PCT_PER_MIN);
        let slowest = RAMP_MIN_PER_S * PCT_PER_MIN;
        range("ramp_pct_per_min", ramp_pct_per_min, slowest, f64::INFINITY, "%/min")?;
        range("soc_min", self.soc_min, 0.0, 1.0, "")?;
        range("soc_max", self.soc_max, 0.0, 1.0, "")?;
        if let (Some(min), Some(max)) = (self.soc_min, self.soc_max) {
            check_window(min, max)?;
        }
        if let Some(order) = &self.priority {
            for (at, &idx) in order.iter().enumerate() {
                if idx >= spec.units.len() {
                    let number = spec.number_at(idx);
                    return Err(Rejection::NoSuchUnit { number, units: spec.unit_numbers() });
                }
                if order[..at].contains(&idx) {
                    return no("priority", "names a unit twice; name each at most once");
                }
            }
        }
        if let Some(Some(curve)) = &self.volt_var {
            curve.check_volt_var()?;
        }
        if let Some(Some(response)) = &self.frequency_response {
            response.check()?;
            response.check_contract(spec.rated_power().0)?;
        }
        if let Some(Some(limits)) = &self.peak_shaving {
            limits.check()?;
        }
        Ok(())
    }
}

/// Slowest ramp of the plant, as a fraction of the rating per second: 0.01 % a minute (engineering
/// choice).
pub(crate) const RAMP_MIN_PER_S: f64 = 1e-4 / 60.0;

fn check_window(soc_min: f64, soc_max: f64) -> Result<(), Rejection> {
    if soc_min < soc_max {
        return Ok(());
    }
    let reason = format!("it must be below soc_max ({soc_max}), got {soc_min}");
    Err(Rejection::NotPossible { field: "soc_min", reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};
    use crate::control::UnitFunctions;
    use crate::service;

    fn check(change: &PlantChange) -> Result<(), String> {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
        change.check(&farm).map_err(|rejection| rejection.to_string())
    }
    fn refusal(change: &PlantChange) -> String {
        check(change).expect_err("must be refused")
    }
    fn response(change: impl Fn(&mut FrequencyResponse)) -> PlantChange {
        let mut response = service::frequency_response("fcr").expect("a preset");
        change(&mut response);
        PlantChange { frequency_response: Some(Some(response)), ..PlantChange::default() }
    }

    #[test]
    fn the_names_of_the_strategies_are_in_their_order() {
        for (name, strategy) in Strategy::ALL {
            assert_eq!(strategy.name(), name);
        }
    }

    #[test]
    fn a_priority_list_names_units_that_are_there_and_each_once() {
        let order = |priority: &[usize]| PlantChange {
            priority: Some(priority.to_vec()),
            ..PlantChange::default()
        };
        assert_eq!(check(&order(&[])), Ok(()));
        assert_eq!(check(&order(&[9, 0, 5])), Ok(()));
        assert!(refusal(&order(&[9, 10])).contains("11"));
        assert!(refusal(&order(&[1, 2, 1])).contains("twice"));
    }

    #[test]
    fn a_contract_is_above_zero_and_no_more_than_the_rating_of_the_farm() {
        assert_eq!(check(&response(|r| r.contract_w = Some(25e6))), Ok(()));
        assert_eq!(check(&response(|r| r.contract_w = None)), Ok(()));
        for contract_w in [0.0, -1.0, 25.1e6, f64::NAN] {
            let text = refusal(&response(|r| r.contract_w = Some(contract_w)));
            assert!(text.contains("contract_w"), "{text}");
        }
    }

    #[test]
    fn services_curves_and_limits_are_those_that_units_could_have() {
        assert!(refusal(&response(|r| r.dead_time_s = 30.0)).contains("below full_s"));
        assert!(refusal(&response(|r| r.points.truncate(1))).contains("2 to 20 points"));
        let mut curve = UnitFunctions::default().volt_var;
        let volt_var = |curve: &CurveFunction| PlantChange {
            volt_var: Some(Some(curve.clone())),
            ..PlantChange::default()
        };
        assert_eq!(check(&volt_var(&curve)), Ok(()));
        curve.points[3].0 = 2.5;
        assert!(refusal(&volt_var(&curve)).contains("volt_var: x of point 4"));
        let limits = PeakShaving { import_max_w: -1.0, export_max_w: f64::INFINITY };
        let change = PlantChange { peak_shaving: Some(Some(limits)), ..PlantChange::default() };
        assert!(refusal(&change).contains("import_max_w"));
    }

    #[test]
    fn a_ramp_is_neither_zero_nor_no_number() {
        let ramp =
            |ramp_per_s| PlantChange { ramp_per_s: Some(ramp_per_s), ..PlantChange::default() };
        assert_eq!(check(&ramp(f64::INFINITY)), Ok(()));
        for ramp_per_s in [0.0, -0.1, f64::NAN] {
            assert!(refusal(&ramp(ramp_per_s)).contains("ramp_pct_per_min"));
        }
    }

    #[test]
    fn one_limit_of_the_state_of_charge_is_checked_against_the_other_that_is_in_force() {
        let mut settings = PlantSettings { soc_max: 0.5, ..PlantSettings::default() };
        let change = PlantChange { soc_min: Some(0.6), ..PlantChange::default() };
        assert_eq!(check(&change), Ok(()));
        change.apply(&mut settings);
        let text = settings.check().expect_err("nothing is allowed").to_string();
        assert!(text.contains("below soc_max (0.5), got 0.6"), "{text}");
        let both = PlantChange { soc_min: Some(0.6), soc_max: Some(0.6), ..PlantChange::default() };
        assert!(refusal(&both).contains("below soc_max"));
    }
}
