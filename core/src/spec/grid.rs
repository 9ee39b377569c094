//! The grid behind the POI, what may happen to it, and the code by which units stay on it or leave it.

use super::FarmSpec;
use crate::alarm::AlarmCode;
use crate::command::Rejection;
use crate::time::Moment;
use crate::units::{VoltAmps, Watts};

/// The grid behind the POI.
#[derive(Clone, Debug, PartialEq)]
pub struct GridSpec {
    /// How its frequency comes about.
    pub kind: GridKind,
    /// Its voltage without the farm, in per unit of nominal, > 0.
    pub voltage_pu: f64,
    /// Short-circuit power at the POI: the farm's reactive power lifts the voltage by its share of it;
    /// `None` for a stiff voltage.
    pub short_circuit: Option<VoltAmps>,
    /// What happens to it, in the order of time.
    pub events: Vec<PlannedDisturbance>,
    /// Loads that a unit can pick up when it forms an island.
    pub island_loads: Vec<IslandLoad>,
}

impl Default for GridSpec {
    fn default() -> Self {
        Self {
            kind: GridKind::Stiff,
            voltage_pu: 1.0,
            short_circuit: None,
            events: Vec::new(),
            island_loads: Vec::new(),
        }
    }
}

/// How the frequency comes about, where no record says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GridKind {
    /// Nominal, whatever the farm does.
    Stiff,
    /// From the balance of power: `2 H S df/dt = f0 (dP - D S df / f0)`, with a governor.
    Inertia(InertiaSpec),
}

/// A grid with inertia.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InertiaSpec {
    /// Rating of the machines, > 0.
    pub rated: VoltAmps,
    /// Inertia constant H in s, > 0.
    pub inertia_s: f64,
    /// Damping D of the loads: per unit of power for per unit of frequency, >= 0.
    pub damping: f64,
    /// Droop of the governors as a fraction: deviation of frequency that asks for the whole rating; 0
    /// for none.
    pub governor_droop: f64,
    /// Time constant of the governors in s, > 0.
    pub governor_s: f64,
}

/// Something that happens to the grid. Times are exact, not rounded to ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Disturbance {
    /// What.
    pub kind: DisturbanceKind,
    /// How long in s, > 0; infinite for until something else happens to the same quantity.
    pub duration_s: f64,
}

/// Longest that a disturbance with an end may last, in s: ten years.
pub const DISTURBANCE_MAX_S: f64 = 3.2e8;

impl Disturbance {
    /// Checks it against the farm's grid.
    ///
    /// # Errors
    /// When a number is out of its range, a duration is not positive, or a load is to change behind a
    /// grid that has no inertia, where it would do nothing.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Rejection> {
        let in_range = |field, value: f64, min: f64, max: f64, unit| {
            // A NaN is in no range.
            if (min..=max).contains(&value) {
                return Ok(());
            }
            Err(Rejection::OutOfRange { field, value, min, max, unit })
        };
        match self.kind {
            DisturbanceKind::Voltage(pu) => in_range("voltage_pu", pu, 0.0, 2.0, "pu")?,
            DisturbanceKind::Frequency(hz) => in_range("frequency_hz", hz, 40.0, 70.0, "Hz")?,
            DisturbanceKind::PhaseJump(deg) => {
                in_range("phase_jump_deg", deg, -180.0, 180.0, "deg")?;
            }
            DisturbanceKind::LoadStep(load) => {
                let GridKind::Inertia(inertia) = spec.grid.kind else {
                    let reason = "the farm's grid is stiff, so a load behind the POI changes nothing; \
                                  give `[farm.grid]` the kind inertia";
                    return Err(Rejection::NotPossible {
                        field: "load_w",
                        reason: reason.to_owned(),
                    });
                };
                let most = inertia.rated.0;
                in_range("load_w", load.0, -most, most, "W")?;
            }
            DisturbanceKind::Outage => {}
        }
        let has_duration = !matches!(self.kind, DisturbanceKind::PhaseJump(_));
        if has_duration && self.duration_s != f64::INFINITY {
            // The least that a `Moment` can tell apart.
            in_range("duration_s", self.duration_s, 1e-6, DISTURBANCE_MAX_S, "s")?;
        }
        Ok(())
    }
}

/// What happens to the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DisturbanceKind {
    /// Its voltage goes to so many per unit, 0 to 2.
    Voltage(f64),
    /// Its frequency goes to so many Hz, 40 to 70.
    Frequency(f64),
    /// It is gone: no voltage.
    Outage,
    /// Its phase jumps by so many degrees, -180 to 180; it has no duration.
    PhaseJump(f64),
    /// A load behind the POI comes (positive) or goes; only with inertia.
    LoadStep(Watts),
}

/// A disturbance that a farm file tells of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedDisturbance {
    /// When it begins.
    pub at: Moment,
    /// What.
    pub disturbance: Disturbance,
}

/// A load that can be picked up in an island.
#[derive(Clone, Debug, PartialEq)]
pub struct IslandLoad {
    /// Name for people.
    pub name: String,
    /// Active power in W at nominal voltage, >= 0.
    pub active_w: f64,
    /// Reactive power in var at nominal voltage that it takes.
    pub reactive_var: f64,
    /// How many times more it takes at pick-up, >= 1.
    pub inrush_factor: f64,
    /// Time constant in s with which that decays, >= 0.
    pub inrush_s: f64,
    /// Seconds after the island stands at which it is picked up by itself; infinite for by command
    /// only.
    pub pick_up_s: f64,
}

/// The code by which a unit stays on the grid or leaves it.
#[derive(Clone, Debug, PartialEq)]
pub struct GridCode {
    /// Name: of a preset, or `custom`.
    pub name: String,
    /// Trips, until somebody changes them.
    pub trips: Vec<GridTrip>,
    /// Voltage in pu below which the converter ceases to give power while it stays connected
    /// (momentary cessation); 0 for never.
    pub cessation_below_pu: f64,
    /// Phase jump in degrees beyond which the converter trips, > 0 to 180.
    pub phase_jump_max_deg: f64,
    /// When a unit may enter service, until somebody changes that.
    pub enter_service: EnterService,
}

/// A trip by voltage or frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridTrip {
    /// What is watched.
    pub quantity: GridQuantity,
    /// Whether it trips above the threshold, or below.
    pub above: bool,
    /// Threshold in pu of the nominal voltage, or as a deviation-free frequency in Hz.
    pub threshold: f64,
    /// Clearing time in s: how long it may be beyond.
    pub clearing_s: f64,
}

impl GridTrip {
    /// The alarm that it raises.
    pub const fn code(&self) -> AlarmCode {
        match (self.quantity, self.above) {
            (GridQuantity::Voltage, true) => AlarmCode::AcOverVoltage,
            (GridQuantity::Voltage, false) => AlarmCode::AcUnderVoltage,
            (GridQuantity::Frequency, true) => AlarmCode::AcOverFrequency,
            (GridQuantity::Frequency, false) => AlarmCode::AcUnderFrequency,
        }
    }
}

/// What a relay watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridQuantity {
    /// Voltage in pu.
    Voltage,
    /// Frequency in Hz.
    Frequency,
}

/// When and how a unit enters service (SunSpec 703).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnterService {
    /// Whether it may at all: without the permit it ceases to give power and stays out.
    pub permitted: bool,
    /// Lowest voltage in pu.
    pub voltage_min_pu: f64,
    /// Highest voltage in pu.
    pub voltage_max_pu: f64,
    /// Lowest frequency in Hz.
    pub frequency_min_hz: f64,
    /// Highest frequency in Hz.
    pub frequency_max_hz: f64,
    /// How long in s the grid must be fit after it was not, >= 0.
    pub delay_s: f64,
    /// Largest further delay in s, drawn anew each time that the grid becomes fit, >= 0.
    pub random_delay_s: f64,
    /// How long in s the power takes to come back from 0 to the rating after that, >= 0.
    pub ramp_s: f64,
}

impl EnterService {
    /// IEEE 1547-2018 defaults, as read in `OpenDER`, for a nominal frequency; 60 Hz figures hold their
    /// distances from nominal at 50 Hz too.
    pub fn ieee_1547(nominal_hz: f64) -> Self {
        Self {
            permitted: true,
            voltage_min_pu: 0.917,
            voltage_max_pu: 1.05,
            frequency_min_hz: nominal_hz - 0.5,
            frequency_max_hz: nominal_hz + 0.1,
            delay_s: 300.0,
            random_delay_s: 0.0,
            ramp_s: 300.0,
        }
    }
}

impl Default for EnterService {
    /// IEEE 1547-2018 defaults at 50 Hz.
    fn default() -> Self {
        Self::ieee_1547(50.0)
    }
}

impl GridCode {
    /// No trips; the grid must be as IEEE 1547-2018 wants it to enter service.
    pub fn none(nominal_hz: f64) -> Self {
        Self {
            name: "none".to_owned(),
            trips: Vec::new(),
            cessation_below_pu: 0.0,
            phase_jump_max_deg: 180.0,
            enter_service: EnterService::ieee_1547(nominal_hz),
        }
    }
}
