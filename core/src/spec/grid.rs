//! The grid behind the POI, what may happen to it, and the code by which units stay on it or leave it.

use super::FarmSpec;
use crate::alarm::AlarmCode;
use crate::command::{Rejection, in_bounds};
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

/// Shortest that a disturbance may last, in s: the least that a moment can tell apart.
pub const DISTURBANCE_MIN_S: f64 = 1e-6;
/// Longest that a disturbance with an end may last, in s: ten years.
pub const DISTURBANCE_MAX_S: f64 = 3.2e8;

impl Disturbance {
    /// Checks it against the farm's grid.
    ///
    /// # Errors
    /// When a number is out of its range, a duration is not positive, or a load is to change behind a
    /// grid that has no inertia, where it would do nothing.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Rejection> {
        match self.kind {
            DisturbanceKind::Voltage(pu) => {
                in_bounds("voltage_pu", pu, VOLTAGE_PU.0, VOLTAGE_PU.1, "pu")?;
            }
            DisturbanceKind::Frequency(hz) => {
                in_bounds("frequency_hz", hz, FREQUENCY_HZ.0, FREQUENCY_HZ.1, "Hz")?;
            }
            DisturbanceKind::PhaseJump(deg) => {
                in_bounds("phase_jump_deg", deg, -180.0, 180.0, "deg")?;
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
                in_bounds("load_w", load.0, -most, most, "W")?;
            }
            DisturbanceKind::Outage => {}
        }
        let has_duration = !matches!(self.kind, DisturbanceKind::PhaseJump(_));
        if has_duration && self.duration_s != f64::INFINITY {
            in_bounds("duration_s", self.duration_s, DISTURBANCE_MIN_S, DISTURBANCE_MAX_S, "s")?;
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

/// A kind of disturbance that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LastingKind {
    /// Of the voltage.
    Voltage,
    /// Of the frequency.
    Frequency,
    /// The grid is gone.
    Outage,
    /// Loads behind the POI.
    LoadStep,
}

impl LastingKind {
    /// Every kind with its name in REST and on the command line.
    pub const ALL: [(&'static str, Self); 4] = [
        ("voltage", Self::Voltage),
        ("frequency", Self::Frequency),
        ("outage", Self::Outage),
        ("load_step", Self::LoadStep),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// A quantity of the grid that is held at a value, tick by tick where somebody draws a ramp with it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Hold {
    /// At this value, until it is released; a disturbance that begins later lies on top.
    At(f64),
    /// Held no longer.
    Release,
}

/// Lowest and highest voltage of a disturbed grid in per unit.
pub const VOLTAGE_PU: (f64, f64) = (0.0, 2.0);
/// Lowest and highest frequency of a disturbed grid in Hz.
pub const FREQUENCY_HZ: (f64, f64) = (40.0, 70.0);
/// Lowest and highest ambient temperature in degC.
pub const AMBIENT_DEGC: (f64, f64) = (-60.0, 80.0);

impl Hold {
    /// Whether it may hold `field`, whose values go from `least` to `most`.
    ///
    /// # Errors
    /// When its value is out of range.
    pub fn check(
        hold: Option<Self>,
        field: &'static str,
        (least, most): (f64, f64),
        unit: &'static str,
    ) -> Result<(), Rejection> {
        match hold {
            Some(Self::At(value)) => in_bounds(field, value, least, most, unit),
            Some(Self::Release) | None => Ok(()),
        }
    }
}

/// What the power meter at the POI makes of what flows there: the plant controller and peak shaving go by
/// it, and registers and REST show it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PoiMeter {
    /// Factor of active and reactive power, -10 to 10; -1 for current transformers that are reversed.
    pub gain: f64,
    /// What it shows too much of active power, in W; as much as the farm's rating at most.
    pub offset_w: f64,
    /// Whether it stands still at what it showed when this began.
    pub is_frozen: bool,
}

impl Default for PoiMeter {
    /// A meter that shows what is so.
    fn default() -> Self {
        Self { gain: 1.0, offset_w: 0.0, is_frozen: false }
    }
}

impl PoiMeter {
    /// Whether it shows something else than what is so.
    pub fn is_distorted(&self) -> bool {
        *self != Self::default()
    }
    /// Checks it against the farm.
    ///
    /// # Errors
    /// When a number is out of its range.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Rejection> {
        in_bounds("gain", self.gain, -10.0, 10.0, "")?;
        let rated_w = spec.rated_power().0;
        in_bounds("offset_w", self.offset_w, -rated_w, rated_w, "W")
    }
}

/// A relay over the load of the farm's transformer, that opens the breaker at the POI.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TransformerLimit {
    /// Apparent power in per unit of the transformer's rating, or of all converters' where the farm has
    /// no transformer, beyond which it counts; 0.01 to 10.
    pub overload_pu: f64,
    /// How long in s it may be beyond, 0 to 3600.
    pub delay_s: f64,
}

impl TransformerLimit {
    /// Checks it.
    ///
    /// # Errors
    /// When a number is out of its range.
    pub fn check(&self) -> Result<(), Rejection> {
        in_bounds("overload_pu", self.overload_pu, 0.01, 10.0, "pu")?;
        in_bounds("delay_s", self.delay_s, 0.0, 3600.0, "s")
    }
}

/// A disturbance that a farm file tells of.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum GridQuantity {
    /// Voltage in pu.
    Voltage,
    /// Frequency in Hz.
    Frequency,
}

/// When and how a unit enters service (SunSpec 703).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
