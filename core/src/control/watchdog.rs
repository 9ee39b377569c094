//! The watch over a unit's controller: what counts as a sign of life, how long none may come, and what
//! the unit does then.

use super::limits::in_range;
use super::{FunctionName, WatchdogChange};
use crate::command::Rejection;

/// What counts as a sign of life of the controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum HeartbeatKind {
    /// The heartbeat register gets a value that differs from the last one.
    #[default]
    Change,
    /// It gets the last value plus one; the value wraps.
    Increment,
    /// It gets the bitwise complement (of 16 bits) of the last value.
    Complement,
    /// Any accepted write to the unit.
    AnyWrite,
    /// Any request to the unit, reads as well.
    AnyRequest,
    /// The active setpoint is written again.
    SetpointRewrite,
    /// The time of the watch is written again.
    TimeoutRewrite,
}

impl HeartbeatKind {
    /// Every kind with its name in files and REST; the position is its number in registers.
    pub const ALL: [(&'static str, Self); 7] = [
        ("change", Self::Change),
        ("increment", Self::Increment),
        ("complement", Self::Complement),
        ("any_write", Self::AnyWrite),
        ("any_request", Self::AnyRequest),
        ("setpoint_rewrite", Self::SetpointRewrite),
        ("timeout_rewrite", Self::TimeoutRewrite),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What a unit does when its controller is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LossAction {
    /// It keeps the last setpoint.
    Hold,
    /// It ramps to 0 W at the ramp in force.
    #[default]
    RampToZero,
    /// It goes to a set power.
    Value,
    /// It goes to standby.
    Standby,
    /// It switches to a function of its own, from 0 W.
    FallbackFunction,
    /// It stops and opens its contactors.
    OpenContactors,
}

impl LossAction {
    /// Every action with its name in files and REST; the position is its number in registers.
    pub const ALL: [(&'static str, Self); 6] = [
        ("hold", Self::Hold),
        ("ramp_to_zero", Self::RampToZero),
        ("value", Self::Value),
        ("standby", Self::Standby),
        ("fallback_function", Self::FallbackFunction),
        ("open_contactors", Self::OpenContactors),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// How a unit takes its controller back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Recovery {
    /// Mode and alarm return with the first sign of life; power stays at the fallback until a fresh
    /// setpoint comes.
    #[default]
    Automatic,
    /// Only after a reset, and then as above.
    Reset,
}

impl Recovery {
    /// Every way with its name in files and REST.
    pub const ALL: [(&'static str, Self); 2] =
        [("automatic", Self::Automatic), ("reset", Self::Reset)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Settings of the watch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WatchdogSettings {
    /// Longest time in s without a sign of life, as configured; 0 for no watch. At most 86,400.
    pub timeout_s: f64,
    /// What counts as one.
    pub kind: HeartbeatKind,
    /// What happens then.
    pub action: LossAction,
    /// Power in W for [`LossAction::Value`], positive is discharge.
    pub value_w: f64,
    /// The function for [`LossAction::FallbackFunction`].
    pub function: FunctionName,
    /// How the controller is taken back.
    pub recovery: Recovery,
    /// How much longer in s the device really takes than its configured time, >= 0.
    pub extra_s: f64,
    /// Largest further delay in s, drawn anew for each loss from a seeded stream, >= 0.
    pub jitter_s: f64,
}

impl Default for WatchdogSettings {
    fn default() -> Self {
        Self {
            timeout_s: 0.0,
            kind: HeartbeatKind::default(),
            action: LossAction::default(),
            value_w: 0.0,
            function: FunctionName::FrequencyDroop,
            recovery: Recovery::default(),
            extra_s: 0.0,
            jitter_s: 0.0,
        }
    }
}

/// Longest time of a watch in s: a day (engineering choice).
pub const WATCHDOG_MAX_S: f64 = 86_400.0;

impl WatchdogSettings {
    /// Functions that a unit may fall back to. Forming a grid is none of them: that takes a dead one.
    pub const FALLBACKS: [(&'static str, FunctionName); 8] = [
        ("frequency_droop", FunctionName::FrequencyDroop),
        ("frequency_response", FunctionName::FrequencyResponse),
        ("volt_var", FunctionName::VoltVar),
        ("volt_watt", FunctionName::VoltWatt),
        ("watt_var", FunctionName::WattVar),
        ("power_factor", FunctionName::PowerFactor),
        ("peak_shaving", FunctionName::PeakShaving),
        ("schedule", FunctionName::Schedule),
    ];

    /// Whether its function is one that a unit can fall back to, where it is to.
    ///
    /// # Errors
    /// When it is none.
    pub fn check_function(&self) -> Result<(), Rejection> {
        if self.action == LossAction::FallbackFunction
            && !Self::FALLBACKS.iter().any(|(_, function)| *function == self.function)
        {
            let reason = format!("a unit cannot fall back to {}", self.function.name());
            return Err(Rejection::NotPossible { field: "watchdog_function", reason });
        }
        Ok(())
    }
}

impl WatchdogChange {
    /// Checks the figures of the change for a unit rated `rated_w`.
    ///
    /// # Errors
    /// The first that is out of its range.
    pub fn check(&self, rated_w: f64) -> Result<(), Rejection> {
        let time_s = (0.0, WATCHDOG_MAX_S);
        in_range("watchdog_timeout_s", self.timeout_s, time_s, "s")?;
        in_range("watchdog_extra_s", self.extra_s, time_s, "s")?;
        in_range("watchdog_jitter_s", self.jitter_s, time_s, "s")?;
        in_range("watchdog_value_w", self.value_w, (-rated_w, rated_w), "W")
    }
}

/// State of the watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum WatchdogState {
    /// It is off, or no sign of life came yet.
    #[default]
    Disabled,
    /// Signs of life come in time.
    Armed,
    /// Half of the time is over: a warning.
    Late,
    /// The time is over; the unit does what it was told to do then.
    Lost,
}

impl WatchdogState {
    /// Every state; the position is its number in registers.
    pub const ALL: [Self; 4] = [Self::Disabled, Self::Armed, Self::Late, Self::Lost];
    /// Its name in REST and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Armed => "armed",
            Self::Late => "late",
            Self::Lost => "lost",
        }
    }
}

/// The watch as seen from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WatchdogView {
    /// Its state.
    pub state: WatchdogState,
    /// Time left in s until the controller counts as lost, as configured (without what the device
    /// really takes longer); 0 when it is lost or the watch is off.
    pub remaining_s: f64,
    /// Time in s since the last sign of life; NaN before the first.
    pub age_s: f64,
    /// Losses since the start.
    pub losses: u32,
    /// Whether power stays at the fallback until a fresh setpoint comes.
    pub waits_for_setpoint: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_in_each_table_is_the_number() {
        for (number, (_, kind)) in HeartbeatKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
        for (number, (_, action)) in LossAction::ALL.into_iter().enumerate() {
            assert_eq!(action as usize, number);
        }
        for (number, (_, recovery)) in Recovery::ALL.into_iter().enumerate() {
            assert_eq!(recovery as usize, number);
        }
        for (number, state) in WatchdogState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, number);
        }
    }

    #[test]
    fn the_page_on_loss_of_control_has_a_row_for_every_name() {
        let page = include_str!("../../../docs/control-loss.md");
        let names = (HeartbeatKind::ALL.iter().map(|(name, _)| *name))
            .chain(LossAction::ALL.iter().map(|(name, _)| *name))
            .chain(WatchdogState::ALL.iter().map(|state| state.name()));
        for name in names {
            assert!(page.contains(&format!("\n| `{name}` | ")), "{name}");
        }
        for (name, _) in Recovery::ALL {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn fallbacks_have_the_names_of_their_functions() {
        for (name, function) in WatchdogSettings::FALLBACKS {
            assert_eq!(FunctionName::by_name(name), Some(function));
        }
    }

    #[test]
    fn settings_that_a_unit_cannot_have_are_refused_with_their_range() {
        let check = |settings: WatchdogSettings| {
            let change = WatchdogChange::from(settings);
            change.check(1e6).and(settings.check_function()).map_err(|r| r.to_string())
        };
        let default = WatchdogSettings::default();
        assert_eq!(check(default), Ok(()));
        let text = check(WatchdogSettings { timeout_s: 1e5, ..default }).unwrap_err();
        assert_eq!(text, "watchdog_timeout_s must be from 0 to 86400 s, got 100000");
        assert!(check(WatchdogSettings { extra_s: -1.0, ..default }).is_err());
        assert!(check(WatchdogSettings { jitter_s: f64::NAN, ..default }).is_err());
        let text = check(WatchdogSettings { value_w: 2e6, ..default }).unwrap_err();
        assert_eq!(text, "watchdog_value_w must be from -1000000 to 1000000 W, got 2000000");
        let forming = WatchdogSettings {
            action: LossAction::FallbackFunction,
            function: FunctionName::GridForming,
            ..default
        };
        let text = check(forming).unwrap_err();
        assert_eq!(text, "watchdog_function: a unit cannot fall back to grid_forming");
    }
}
