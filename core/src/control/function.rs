//! Functions of a unit: what it does by itself on top of, or instead of, its setpoints.
//!
//! Settings only; `simulation` evaluates them. Curves are in per unit or as fractions, so that one
//! setting suits any rating.

use super::{TripSettings, TripsChange};
use crate::series::Series;
use std::sync::Arc;

/// A function of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FunctionName {
    /// Active power against the deviation of the frequency, by a droop (IEEE 1547-2018 freq-droop).
    FrequencyDroop,
    /// Active power against the deviation of the frequency, by a service's curve and timing.
    FrequencyResponse,
    /// Reactive power against the voltage.
    VoltVar,
    /// A cap of active power against the voltage.
    VoltWatt,
    /// Reactive power against the active power.
    WattVar,
    /// Reactive power in a fixed proportion to the active power.
    PowerFactor,
    /// Active power that keeps the POI within limits.
    PeakShaving,
    /// Active power from a schedule.
    Schedule,
    /// The unit makes voltage and frequency of an island itself.
    GridForming,
}

impl FunctionName {
    /// Every function with its name in files and REST; the position is its bit.
    pub const ALL: [(&'static str, Self); 9] = [
        ("frequency_droop", Self::FrequencyDroop),
        ("frequency_response", Self::FrequencyResponse),
        ("volt_var", Self::VoltVar),
        ("volt_watt", Self::VoltWatt),
        ("watt_var", Self::WattVar),
        ("power_factor", Self::PowerFactor),
        ("peak_shaving", Self::PeakShaving),
        ("schedule", Self::Schedule),
        ("grid_forming", Self::GridForming),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// The function called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }
    /// Functions that cannot be on together with this one: two masters of the same power.
    pub const fn excluded(self) -> &'static [Self] {
        match self {
            Self::FrequencyDroop => &[Self::FrequencyResponse],
            Self::FrequencyResponse => &[Self::FrequencyDroop],
            Self::VoltVar => &[Self::WattVar, Self::PowerFactor],
            Self::WattVar => &[Self::VoltVar, Self::PowerFactor],
            Self::PowerFactor => &[Self::VoltVar, Self::WattVar],
            Self::PeakShaving => &[Self::Schedule],
            Self::Schedule => &[Self::PeakShaving],
            Self::VoltWatt | Self::GridForming => &[],
        }
    }
}

/// Functions that are on; none is plain P and Q setpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct FunctionSet(u16);

impl FunctionSet {
    /// Whether `function` is on.
    pub const fn has(self, function: FunctionName) -> bool {
        self.0 & (1 << function as u16) != 0
    }
    /// The same with `function` on, and what it excludes off.
    #[must_use]
    pub fn with(self, function: FunctionName) -> Self {
        let off = function.excluded().iter().fold(self, |set, other| set.without(*other));
        Self(off.0 | 1 << function as u16)
    }
    /// The same with `function` off.
    #[must_use]
    pub const fn without(self, function: FunctionName) -> Self {
        Self(self.0 & !(1 << function as u16))
    }
    /// The functions that are on, in the order of [`FunctionName::ALL`].
    pub fn iter(self) -> impl Iterator<Item = FunctionName> {
        FunctionName::ALL.into_iter().map(|(_, function)| function).filter(move |f| self.has(*f))
    }
    /// One bit for each function.
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl FromIterator<FunctionName> for FunctionSet {
    fn from_iter<I: IntoIterator<Item = FunctionName>>(functions: I) -> Self {
        functions.into_iter().fold(Self::default(), Self::with)
    }
}

/// Active power by the deviation of the frequency beyond a dead band:
/// `P += (dead_band - |f - f0|) / (f0 droop)` of the largest active power, towards the nominal frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FrequencyDroop {
    /// Dead band above nominal in Hz, >= 0.
    pub over_deadband_hz: f64,
    /// Dead band below nominal in Hz, >= 0.
    pub under_deadband_hz: f64,
    /// Deviation, as a fraction of nominal, that asks for the whole rating above it; > 0.
    pub over_droop: f64,
    /// The same below it.
    pub under_droop: f64,
    /// Open-loop response time in s (90 % of a step), >= 0.
    pub response_s: f64,
}

impl Default for FrequencyDroop {
    /// IEEE 1547-2018 defaults, as read in `OpenDER`.
    fn default() -> Self {
        Self {
            over_deadband_hz: 0.036,
            under_deadband_hz: 0.036,
            over_droop: 0.05,
            under_droop: 0.05,
            response_s: 5.0,
        }
    }
}

/// A frequency response service: its curve and its timing.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FrequencyResponse {
    /// Name of the preset it comes from; `custom` for one that has been changed.
    pub name: String,
    /// Power as a fraction of the contract over the deviation of the frequency from nominal in Hz:
    /// deviations increase, powers do not; positive is discharge. Beyond its ends the curve holds.
    pub points: Vec<(f64, f64)>,
    /// Contract in W at which the fraction is 1; `None` for the rating.
    pub contract_w: Option<f64>,
    /// Time in s before it reacts, >= 0.
    pub dead_time_s: f64,
    /// Time in s from the deviation until what the curve asks for is there in full; > 0.
    pub full_s: f64,
    /// For a service that is triggered and then runs its course; absent for one that follows.
    pub sustain: Option<Sustain>,
}

/// The course of a triggered service.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sustain {
    /// How long in s it stays at full power after it has reached it, > 0.
    pub duration_s: f64,
    /// How fast it goes back, as a fraction of the contract per second, > 0.
    pub deactivation_per_s: f64,
    /// Time in s from a trigger until it may be triggered again, >= 0.
    pub recovery_s: f64,
}

/// A function by a curve.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CurveFunction {
    /// Points: the input increases strictly. Beyond its ends the curve holds.
    pub points: Vec<(f64, f64)>,
    /// Open-loop response time in s (90 % of a step), >= 0.
    pub response_s: f64,
}

/// Limits at the POI that the unit keeps as far as it can.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeakShaving {
    /// Largest import at the POI in W, >= 0; infinite for none.
    pub import_max_w: f64,
    /// Largest export at the POI in W, >= 0; infinite for none.
    pub export_max_w: f64,
}

/// Settings of all functions of a unit.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnitFunctions {
    /// Functions that are on from the start.
    pub on_at_start: FunctionSet,
    /// Frequency droop.
    pub frequency_droop: FrequencyDroop,
    /// Frequency response.
    pub frequency_response: FrequencyResponse,
    /// Reactive power as a fraction of the rated reactive power over the voltage in pu; does not rise.
    pub volt_var: CurveFunction,
    /// Cap of discharge as a fraction of the rated power over the voltage in pu; does not rise.
    pub volt_watt: CurveFunction,
    /// Reactive power as a fraction of the rated reactive power over the active power as a fraction of
    /// the rated power.
    pub watt_var: CurveFunction,
    /// Peak shaving.
    pub peak_shaving: PeakShaving,
    /// Active power in W over the time in s from the start of the run.
    pub schedule: Option<Arc<Series>>,
    /// Trips by voltage and frequency: those of the grid code until somebody changes them.
    pub trips: TripSettings,
}

impl Default for UnitFunctions {
    /// IEEE 1547-2018 category B, as read in `OpenDER`: volt-var, volt-watt, watt-var and their times.
    /// No trips: those are the grid code's.
    fn default() -> Self {
        Self {
            on_at_start: FunctionSet::default(),
            frequency_droop: FrequencyDroop::default(),
            frequency_response: FrequencyResponse {
                name: "custom".to_owned(),
                points: vec![(-0.2, 1.0), (-0.01, 0.0), (0.01, 0.0), (0.2, -1.0)],
                contract_w: None,
                dead_time_s: 0.0,
                full_s: 30.0,
                sustain: None,
            },
            volt_var: CurveFunction {
                points: vec![(0.92, 1.0), (0.98, 0.0), (1.02, 0.0), (1.08, -1.0)],
                response_s: 5.0,
            },
            volt_watt: CurveFunction { points: vec![(1.06, 1.0), (1.10, 0.0)], response_s: 10.0 },
            watt_var: CurveFunction {
                points: vec![
                    (-1.0, 1.0),
                    (-0.5, 0.0),
                    (-0.2, 0.0),
                    (0.2, 0.0),
                    (0.5, 0.0),
                    (1.0, -1.0),
                ],
                response_s: 10.0,
            },
            peak_shaving: PeakShaving { import_max_w: f64::INFINITY, export_max_w: f64::INFINITY },
            schedule: None,
            trips: TripSettings::default(),
        }
    }
}

/// Settings to change; absent ones stay.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // Each field is that of `UnitFunctions` with the same name.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FunctionsChange {
    pub frequency_droop: Option<FrequencyDroop>,
    pub frequency_response: Option<FrequencyResponse>,
    pub volt_var: Option<CurveFunction>,
    pub volt_watt: Option<CurveFunction>,
    pub watt_var: Option<CurveFunction>,
    pub peak_shaving: Option<PeakShaving>,
    pub schedule: Option<Arc<Series>>,
    pub trips: TripsChange,
}

impl FunctionsChange {
    /// Writes the present settings into `functions`.
    pub fn apply(&self, functions: &mut UnitFunctions) {
        fn set<T: Clone>(slot: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                slot.clone_from(value);
            }
        }
        set(&mut functions.frequency_droop, self.frequency_droop.as_ref());
        set(&mut functions.frequency_response, self.frequency_response.as_ref());
        set(&mut functions.volt_var, self.volt_var.as_ref());
        set(&mut functions.volt_watt, self.volt_watt.as_ref());
        set(&mut functions.watt_var, self.watt_var.as_ref());
        set(&mut functions.peak_shaving, self.peak_shaving.as_ref());
        self.trips.apply(&mut functions.trips);
        if self.schedule.is_some() {
            functions.schedule.clone_from(&self.schedule);
        }
    }
}
