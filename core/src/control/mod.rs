//! Control settings of a unit: what its writable registers and REST fields hold, and changes of them.
//!
//! `function` has what a unit does by itself (droop, volt-var and so on), `trips` when it leaves the
//! grid, `enter_service` when it comes back, `capacity` what it is rated down to, `watchdog` what it does
//! when nobody tells it what to do any more.

mod capacity;
mod change;
mod enter_service;
mod function;
mod limits;
mod trips;
mod watchdog;

pub use capacity::{CAPACITY_MIN, Capacity};
pub use change::{
    CapacityChange, ControlChange, EnterServiceChange, PowerFactorChange, ReversionChange,
    WatchdogChange,
};
pub use enter_service::ENTER_SERVICE_MAX_S;
pub use function::{
    CurveFunction, FrequencyDroop, FrequencyResponse, FunctionName, FunctionSet, FunctionsChange,
    PeakShaving, Sustain, UnitFunctions,
};
pub(crate) use limits::in_range;
pub use limits::{
    CURVE_POINTS, DEACTIVATION_MAX_PER_S, DEVIATION_MAX_HZ, DROOP, RESPONSE_MAX_S, SUSTAIN_MAX_S,
};
pub use trips::{
    CESSATION_MAX_PU, FREQUENCY_RATIO, TRIP_CLEARING_MAX_S, TRIP_POINTS_MAX, TRIP_VOLTAGE_PU,
    TripCurve, TripCurveChange, TripSettings, TripsChange,
};
pub use watchdog::{
    HeartbeatKind, LossAction, Recovery, WATCHDOG_MAX_S, WatchdogSettings, WatchdogState,
    WatchdogView,
};

use crate::command::Rejection;
use crate::spec::{EnterService, UnitDesign};

/// How a setpoint is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SetpointMode {
    /// In watts or vars.
    #[default]
    Absolute,
    /// In percent of the largest active (or reactive) power; see [`Capacity`].
    Percent,
}

/// One setpoint with both of its forms, as SunSpec model 704 keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Setpoint {
    /// Whether it is in force; when not, the target is 0.
    pub enabled: bool,
    /// Which form is in force.
    pub mode: SetpointMode,
    /// In watts or vars, positive is discharge or injection.
    pub absolute: f64,
    /// In percent of the largest power, same sign.
    pub percent: f64,
}

impl Setpoint {
    /// The target in watts or vars for a unit with this largest power.
    pub fn target(&self, largest: f64) -> f64 {
        match (self.enabled, self.mode) {
            (false, _) => 0.0,
            (true, SetpointMode::Absolute) => self.absolute,
            (true, SetpointMode::Percent) => self.percent / 100.0 * largest,
        }
    }
}

/// Which power gives way when both do not fit on the capability circle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PowerPriority {
    /// Reactive power gives way.
    #[default]
    Active,
    /// Active power gives way.
    Reactive,
}

/// Who last set a unit's power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ControlSource {
    /// Nobody yet.
    #[default]
    None,
    /// The plant controller of the farm.
    Plant,
    /// A Modbus client.
    Modbus,
    /// A REST client.
    Rest,
    /// A dispatch file or the farm file.
    Schedule,
    /// A person at the container's panel.
    Local,
    /// A scenario, or a fault that somebody injected.
    Scenario,
}

impl ControlSource {
    /// Every source with its name; the position is its number in registers and metrics.
    pub const NAMES: [&'static str; 7] =
        ["none", "plant", "modbus", "rest", "schedule", "local", "scenario"];
    /// Its name in REST and metrics.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What a control goes back to when its reversion timer runs out (SunSpec 704 *Rvrt, *RvrtTms).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reversion {
    /// Time in s from the last write of the control; 0 for no reversion.
    pub time_s: u32,
    /// Whether the control is in force after it.
    pub enabled: bool,
    /// Its value after it in watts or vars; not for controls that are in percent only.
    pub absolute: f64,
    /// Its value after it in percent of the rating; for a power factor that factor.
    pub percent: f64,
    /// For a power factor, whether it is over-excited after it.
    pub over_excited: bool,
}

/// A constant power factor (SunSpec 704 PFWInj, PFWAbs).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PowerFactor {
    /// Whether it is in force.
    pub enabled: bool,
    /// Active over apparent power, > 0 to 1.
    pub factor: f64,
    /// Whether reactive power is injected (over-excited) or absorbed (under-excited).
    pub over_excited: bool,
}

impl Default for PowerFactor {
    fn default() -> Self {
        Self { enabled: false, factor: 1.0, over_excited: true }
    }
}

/// The control settings of a unit: what its writable registers and REST fields hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnitControl {
    /// Active power.
    pub active: Setpoint,
    /// Reactive power.
    pub reactive: Setpoint,
    /// Which of the two wins.
    pub priority: PowerPriority,
    /// Whether discharge is capped at `discharge_limit_pct`.
    pub discharge_limit_enabled: bool,
    /// Cap of discharge in percent of the largest active power, 0 to 100.
    pub discharge_limit_pct: f64,
    /// Ramp in percent of the largest active power per second, > 0; never faster than the PCS itself.
    pub ramp_pct_per_s: f64,
    /// Last heartbeat that a controller wrote.
    pub controller_heartbeat: u32,
    /// Who set its power last.
    pub source: ControlSource,
    /// Cap of charge in percent of the largest active power, 0 to 100; 100 for none.
    pub charge_limit_pct: f64,
    /// State of charge below which the unit does not discharge, 0 to 1.
    pub soc_min: f64,
    /// State of charge above which the unit does not charge, 0 to 1.
    pub soc_max: f64,
    /// Part of the energy above `soc_min` that only frequency response may use, as a state of charge;
    /// 0 for none.
    pub soc_reserve: f64,
    /// Power factor while injecting active power.
    pub pf_injecting: PowerFactor,
    /// Power factor while absorbing active power.
    pub pf_absorbing: PowerFactor,
    /// Functions that are on.
    pub functions: FunctionSet,
    /// Watch over the controller.
    pub watchdog: WatchdogSettings,
    /// What the active setpoint reverts to.
    pub active_reversion: Reversion,
    /// What the reactive setpoint reverts to.
    pub reactive_reversion: Reversion,
    /// What the cap of discharge reverts to.
    pub discharge_limit_reversion: Reversion,
    /// What the power factor while injecting reverts to.
    pub pf_injecting_reversion: Reversion,
    /// What the power factor while absorbing reverts to.
    pub pf_absorbing_reversion: Reversion,
    /// What it is rated down to.
    pub capacity: Capacity,
    /// Whether, when and how it enters service.
    pub enter_service: EnterService,
}

/// Ramp of setpoints before somebody sets one, in percent of the rating per second; a converter that is
/// slower keeps its own (engineering choice).
const RAMP_AT_START_PCT_PER_S: f64 = 100.0;

/// A power factor of 1 to go back to.
const UNITY: Reversion =
    Reversion { time_s: 0, enabled: false, absolute: 0.0, percent: 1.0, over_excited: true };

impl UnitControl {
    /// The settings of a unit that nobody has controlled yet.
    pub fn initial(design: &UnitDesign) -> Self {
        Self {
            discharge_limit_pct: 100.0,
            ramp_pct_per_s: (design.pcs.ramp_per_s * 100.0).min(RAMP_AT_START_PCT_PER_S),
            charge_limit_pct: 100.0,
            soc_max: 1.0,
            functions: design.functions.on_at_start,
            pf_injecting_reversion: UNITY,
            pf_absorbing_reversion: UNITY,
            watchdog: design.watchdog,
            capacity: Capacity::rated(&design.pcs),
            enter_service: design.grid_code.enter_service,
            ..Self::default()
        }
    }
}

impl UnitControl {
    /// Whether the settings agree with each other, where a change alone cannot tell.
    ///
    /// # Errors
    /// A window of state of charge without room, a reserve larger than the window, or a fallback
    /// function that is none.
    pub fn check(&self) -> Result<(), Rejection> {
        let (low, high) = (self.soc_min, self.soc_max);
        if low >= high {
            let reason = format!("it must be below soc_max ({high}), got {low}");
            return Err(Rejection::NotPossible { field: "soc_min", reason });
        }
        // A fraction from a file or a register has its last digit rounded.
        if self.soc_reserve > high - low + 1e-9 {
            let reason = format!("the window holds {} of it, got {}", high - low, self.soc_reserve);
            return Err(Rejection::NotPossible { field: "soc_reserve", reason });
        }
        self.watchdog.check_function()
    }
}
