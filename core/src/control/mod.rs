//! Control settings of a unit: what its writable registers and REST fields hold, and changes of them.
//!
//! `function` has what a unit does by itself (droop, volt-var and so on), `watchdog` what it does when
//! nobody tells it what to do any more.

mod function;
mod limits;
mod watchdog;

pub use function::{
    CurveFunction, FrequencyDroop, FrequencyResponse, FunctionName, FunctionSet, FunctionsChange,
    PeakShaving, Sustain, UnitFunctions,
};
pub use limits::{
    CURVE_POINTS, DEACTIVATION_MAX_PER_S, DEVIATION_MAX_HZ, DROOP, RESPONSE_MAX_S, SUSTAIN_MAX_S,
};
pub use watchdog::{
    HeartbeatKind, LossAction, Recovery, WATCHDOG_MAX_S, WatchdogSettings, WatchdogState,
    WatchdogView,
};

use crate::command::Rejection;
use crate::spec::UnitDesign;
use crate::units::{Vars, Watts};

/// How a setpoint is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetpointMode {
    /// In watts or vars.
    #[default]
    Absolute,
    /// In percent of the rated active (or reactive) power.
    Percent,
}

/// One setpoint with both of its forms, as SunSpec model 704 keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Setpoint {
    /// Whether it is in force; when not, the target is 0.
    pub enabled: bool,
    /// Which form is in force.
    pub mode: SetpointMode,
    /// In watts or vars, positive is discharge or injection.
    pub absolute: f64,
    /// In percent of the rating, same sign.
    pub percent: f64,
}

impl Setpoint {
    /// The target in watts or vars for a unit with this rating.
    pub fn target(&self, rating: f64) -> f64 {
        match (self.enabled, self.mode) {
            (false, _) => 0.0,
            (true, SetpointMode::Absolute) => self.absolute,
            (true, SetpointMode::Percent) => self.percent / 100.0 * rating,
        }
    }
}

/// Which power gives way when both do not fit on the capability circle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PowerPriority {
    /// Reactive power gives way.
    #[default]
    Active,
    /// Active power gives way.
    Reactive,
}

/// Who last set a unit's power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// A dispatch file or a scenario.
    Schedule,
    /// A person at the container's panel.
    Local,
}

impl ControlSource {
    /// Every source with its name; the position is its number in registers and metrics.
    pub const NAMES: [&'static str; 6] = ["none", "plant", "modbus", "rest", "schedule", "local"];
    /// Its name in REST and metrics.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What a control goes back to when its reversion timer runs out (SunSpec 704 *Rvrt, *RvrtTms).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
pub struct UnitControl {
    /// Active power.
    pub active: Setpoint,
    /// Reactive power.
    pub reactive: Setpoint,
    /// Which of the two wins.
    pub priority: PowerPriority,
    /// Whether discharge is capped at `discharge_limit_pct`.
    pub discharge_limit_enabled: bool,
    /// Cap of discharge in percent of the rated power, 0 to 100.
    pub discharge_limit_pct: f64,
    /// Ramp in percent of the rated power per second, > 0; never faster than the PCS itself.
    pub ramp_pct_per_s: f64,
    /// Last heartbeat that a controller wrote.
    pub controller_heartbeat: u32,
    /// Who set its power last.
    pub source: ControlSource,
    /// Cap of charge in percent of the rated power, 0 to 100; 100 for none.
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
            ..Self::default()
        }
    }
}

impl UnitControl {
    /// Whether the settings agree with each other, where a change alone cannot tell.
    ///
    /// # Errors
    /// A window of state of charge without room, or a reserve larger than the window.
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
        Ok(())
    }
}

/// Fields of [`UnitControl`] to change; absent fields stay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)] // Each field is that of `UnitControl` with the same name.
pub struct ControlChange {
    pub active_enabled: Option<bool>,
    pub active_mode: Option<SetpointMode>,
    pub active_w: Option<f64>,
    pub active_pct: Option<f64>,
    pub reactive_enabled: Option<bool>,
    pub reactive_mode: Option<SetpointMode>,
    pub reactive_var: Option<f64>,
    pub reactive_pct: Option<f64>,
    pub priority: Option<PowerPriority>,
    pub discharge_limit_enabled: Option<bool>,
    pub discharge_limit_pct: Option<f64>,
    pub ramp_pct_per_s: Option<f64>,
    pub controller_heartbeat: Option<u32>,
    pub charge_limit_pct: Option<f64>,
    pub soc_min: Option<f64>,
    pub soc_max: Option<f64>,
    pub soc_reserve: Option<f64>,
    pub pf_injecting: Option<PowerFactor>,
    pub pf_absorbing: Option<PowerFactor>,
    pub functions: Option<FunctionSet>,
    pub watchdog: Option<WatchdogSettings>,
    pub active_reversion: Option<Reversion>,
    pub reactive_reversion: Option<Reversion>,
    pub discharge_limit_reversion: Option<Reversion>,
    pub pf_injecting_reversion: Option<Reversion>,
    pub pf_absorbing_reversion: Option<Reversion>,
}

impl ControlChange {
    /// Active power in watts, in force at once.
    pub fn active_power(power: Watts) -> Self {
        Self {
            active_enabled: Some(true),
            active_mode: Some(SetpointMode::Absolute),
            active_w: Some(power.0),
            ..Self::default()
        }
    }
    /// Adds reactive power in vars, in force at once.
    #[must_use]
    pub fn with_reactive_power(mut self, power: Vars) -> Self {
        self.reactive_enabled = Some(true);
        self.reactive_mode = Some(SetpointMode::Absolute);
        self.reactive_var = Some(power.0);
        self
    }
    /// Whether the change touches a setpoint, so that the writer becomes the unit's controller.
    pub fn sets_power(&self) -> bool {
        self.active_enabled.is_some()
            || self.active_mode.is_some()
            || self.active_w.is_some()
            || self.active_pct.is_some()
            || self.reactive_enabled.is_some()
            || self.reactive_mode.is_some()
            || self.reactive_var.is_some()
            || self.reactive_pct.is_some()
    }
    /// Whether it gives an active setpoint.
    pub fn sets_active_power(&self) -> bool {
        self.active_enabled.is_some()
            || self.active_mode.is_some()
            || self.active_w.is_some()
            || self.active_pct.is_some()
    }
    /// Writes the present fields into `control`.
    pub fn apply(&self, control: &mut UnitControl) {
        fn set<T: Copy>(slot: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *slot = value;
            }
        }
        set(&mut control.active.enabled, self.active_enabled);
        set(&mut control.active.mode, self.active_mode);
        set(&mut control.active.absolute, self.active_w);
        set(&mut control.active.percent, self.active_pct);
        set(&mut control.reactive.enabled, self.reactive_enabled);
        set(&mut control.reactive.mode, self.reactive_mode);
        set(&mut control.reactive.absolute, self.reactive_var);
        set(&mut control.reactive.percent, self.reactive_pct);
        set(&mut control.priority, self.priority);
        set(&mut control.discharge_limit_enabled, self.discharge_limit_enabled);
        set(&mut control.discharge_limit_pct, self.discharge_limit_pct);
        set(&mut control.ramp_pct_per_s, self.ramp_pct_per_s);
        set(&mut control.controller_heartbeat, self.controller_heartbeat);
        set(&mut control.charge_limit_pct, self.charge_limit_pct);
        set(&mut control.soc_min, self.soc_min);
        set(&mut control.soc_max, self.soc_max);
        set(&mut control.soc_reserve, self.soc_reserve);
        set(&mut control.pf_injecting, self.pf_injecting);
        set(&mut control.pf_absorbing, self.pf_absorbing);
        set(&mut control.functions, self.functions);
        set(&mut control.watchdog, self.watchdog);
        set(&mut control.active_reversion, self.active_reversion);
        set(&mut control.reactive_reversion, self.reactive_reversion);
        set(&mut control.discharge_limit_reversion, self.discharge_limit_reversion);
        set(&mut control.pf_injecting_reversion, self.pf_injecting_reversion);
        set(&mut control.pf_absorbing_reversion, self.pf_absorbing_reversion);
    }
}
