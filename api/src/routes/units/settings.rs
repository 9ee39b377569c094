//! Bodies of changes of a unit's control settings: what is absent in them stays.

use crate::body::{nullable, present};
use crate::problem::{Fallible, Problem};
use crate::wire::{
    FunctionLabel, HeartbeatName, LossActionName, PriorityName, RecoveryName, by_name,
};
use bess_core::command::{ControlChange, PowerPriority, UnitControl};
use bess_core::control::{
    FunctionName, HeartbeatKind, LossAction, PowerFactor, Recovery, Reversion, WatchdogSettings,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// Control settings to change, all together or none; at least one. What is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ramp_pct_per_s": 10.0, "watchdog": {"timeout_s": 60.0}}))]
pub(crate) struct UnitControlChange {
    /// Cap of discharge in percent of the rating; null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    discharge_limit_pct: Option<Option<f64>>,
    /// Cap of charge in percent of the rating; 100 for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 100)]
    charge_limit_pct: Option<f64>,
    /// Ramp in percent of the rating per second; never faster than the converter itself.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    ramp_pct_per_s: Option<f64>,
    /// Which power wins when both do not fit.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<PriorityName>, nullable = false)]
    priority: Option<String>,
    /// State of charge below which the unit does not discharge.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    soc_min: Option<f64>,
    /// State of charge above which the unit does not charge.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    soc_max: Option<f64>,
    /// Part of the energy above `soc_min` that only frequency response may use, as a state of charge.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    soc_reserve: Option<f64>,
    /// Constant power factor while injecting active power.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    power_factor_injecting: Option<PowerFactorWish>,
    /// Constant power factor while absorbing active power.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    power_factor_absorbing: Option<PowerFactorWish>,
    /// What controls go back to some time after their last write.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    reversion: Option<ReversionsWish>,
    /// Watch over the controller.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    watchdog: Option<WatchdogWish>,
    /// The controller's heartbeat: a sign of life.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    heartbeat: Option<u32>,
}

/// A constant power factor; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerFactorWish {
    /// Whether it is in force.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// Active over apparent power, above 0 to 1.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0, maximum = 1)]
    factor: Option<f64>,
    /// Whether reactive power is injected or absorbed.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    over_excited: Option<bool>,
}

impl PowerFactorWish {
    fn onto(&self, present: PowerFactor) -> PowerFactor {
        PowerFactor {
            enabled: self.enabled.unwrap_or(present.enabled),
            factor: self.factor.unwrap_or(present.factor),
            over_excited: self.over_excited.unwrap_or(present.over_excited),
        }
    }
}

/// What controls go back to; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReversionsWish {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    active_power: Option<PowerReversionWish>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    reactive_power: Option<PowerReversionWish>,
    /// In percent only.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    discharge_limit: Option<LimitReversionWish>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    power_factor_injecting: Option<PowerFactorReversionWish>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    power_factor_absorbing: Option<PowerFactorReversionWish>,
}

/// What a setpoint goes back to; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerReversionWish {
    /// Seconds after the last write of the control; 0 for never.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    time_s: Option<u32>,
    /// Whether the control is in force after it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// In watts or vars; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    absolute: Option<f64>,
    /// In percent of the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = -100, maximum = 100)]
    percent: Option<f64>,
}

/// What a cap goes back to; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitReversionWish {
    /// Seconds after the last write of the control; 0 for never.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    time_s: Option<u32>,
    /// Whether the cap is in force after it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// In percent of the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 100)]
    percent: Option<f64>,
}

/// What a power factor goes back to; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerFactorReversionWish {
    /// Seconds after the last write of the control; 0 for never.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    time_s: Option<u32>,
    /// Whether it is in force after it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// Active over apparent power, above 0 to 1.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0, maximum = 1)]
    factor: Option<f64>,
    /// Whether reactive power is injected or absorbed after it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    over_excited: Option<bool>,
}

impl PowerReversionWish {
    fn onto(&self, present: Reversion) -> Reversion {
        Reversion {
            time_s: self.time_s.unwrap_or(present.time_s),
            enabled: self.enabled.unwrap_or(present.enabled),
            absolute: self.absolute.unwrap_or(present.absolute),
            percent: self.percent.unwrap_or(present.percent),
            ..present
        }
    }
}
impl LimitReversionWish {
    fn onto(&self, present: Reversion) -> Reversion {
        Reversion {
            time_s: self.time_s.unwrap_or(present.time_s),
            enabled: self.enabled.unwrap_or(present.enabled),
            percent: self.percent.unwrap_or(present.percent),
            ..present
        }
    }
}
impl PowerFactorReversionWish {
    fn onto(&self, present: Reversion) -> Reversion {
        Reversion {
            time_s: self.time_s.unwrap_or(present.time_s),
            enabled: self.enabled.unwrap_or(present.enabled),
            percent: self.factor.unwrap_or(present.percent),
            over_excited: self.over_excited.unwrap_or(present.over_excited),
            ..present
        }
    }
}

/// Settings of the watch over the controller; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchdogWish {
    /// Longest time without a sign of life, 0 to 86400; 0 for no watch.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 86_400)]
    timeout_s: Option<f64>,
    /// What counts as a sign of life.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<HeartbeatName>, nullable = false)]
    kind: Option<String>,
    /// What the unit does when none comes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<LossActionName>, nullable = false)]
    action: Option<String>,
    /// Power for the action `value`, positive is discharge; within the rating.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    value_w: Option<f64>,
    /// Function for the action `fallback_function`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<FunctionLabel>, nullable = false)]
    function: Option<String>,
    /// How the controller is taken back.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<RecoveryName>, nullable = false)]
    recovery: Option<String>,
    /// How much longer the device really takes than configured.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    extra_s: Option<f64>,
    /// Largest further delay, drawn anew for each loss.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    jitter_s: Option<f64>,
}

/// The named value if a name is given, else the present one.
fn named<T: Copy>(
    field: &str,
    name: Option<&String>,
    table: &[(&'static str, T)],
    present: T,
) -> Fallible<T> {
    name.map_or(Ok(present), |name| by_name(field, name, table))
}

impl WatchdogWish {
    fn onto(&self, present: WatchdogSettings) -> Fallible<WatchdogSettings> {
        let (kinds, actions) = (&HeartbeatKind::ALL, &LossAction::ALL);
        let function = self.function.as_ref();
        let recovery = self.recovery.as_ref();
        Ok(WatchdogSettings {
            timeout_s: self.timeout_s.unwrap_or(present.timeout_s),
            kind: named("watchdog.kind", self.kind.as_ref(), kinds, present.kind)?,
            action: named("watchdog.action", self.action.as_ref(), actions, present.action)?,
            value_w: self.value_w.unwrap_or(present.value_w),
            function: named("watchdog.function", function, &FunctionName::ALL, present.function)?,
            recovery: named("watchdog.recovery", recovery, &Recovery::ALL, present.recovery)?,
            extra_s: self.extra_s.unwrap_or(present.extra_s),
            jitter_s: self.jitter_s.unwrap_or(present.jitter_s),
        })
    }
}

/// Every field of a change of control settings.
const CONTROL_FIELDS: [&str; 12] = [
    "discharge_limit_pct",
    "charge_limit_pct",
    "ramp_pct_per_s",
    "priority",
    "soc_min",
    "soc_max",
    "soc_reserve",
    "power_factor_injecting",
    "power_factor_absorbing",
    "reversion",
    "watchdog",
    "heartbeat",
];

const PRIORITIES: [(&str, PowerPriority); 2] =
    [("active", PowerPriority::Active), ("reactive", PowerPriority::Reactive)];

impl UnitControlChange {
    /// The change of the settings `present`.
    pub(super) fn change(&self, present: &UnitControl) -> Fallible<ControlChange> {
        let priority = self.priority.as_ref();
        let mut change = ControlChange {
            discharge_limit_enabled: self.discharge_limit_pct.map(|cap| cap.is_some()),
            discharge_limit_pct: self.discharge_limit_pct.flatten(),
            charge_limit_pct: self.charge_limit_pct,
            ramp_pct_per_s: self.ramp_pct_per_s,
            priority: priority.map(|name| by_name("priority", name, &PRIORITIES)).transpose()?,
            soc_min: self.soc_min,
            soc_max: self.soc_max,
            soc_reserve: self.soc_reserve,
            pf_injecting: self
                .power_factor_injecting
                .as_ref()
                .map(|wish| wish.onto(present.pf_injecting)),
            pf_absorbing: self
                .power_factor_absorbing
                .as_ref()
                .map(|wish| wish.onto(present.pf_absorbing)),
            watchdog: self.watchdog.as_ref().map(|wish| wish.onto(present.watchdog)).transpose()?,
            controller_heartbeat: self.heartbeat,
            ..ControlChange::default()
        };
        if let Some(wish) = &self.reversion {
            let active = wish.active_power.as_ref();
            change.active_reversion = active.map(|wish| wish.onto(present.active_reversion));
            let reactive = wish.reactive_power.as_ref();
            change.reactive_reversion = reactive.map(|wish| wish.onto(present.reactive_reversion));
            let limit = wish.discharge_limit.as_ref();
            change.discharge_limit_reversion =
                limit.map(|wish| wish.onto(present.discharge_limit_reversion));
            let injecting = wish.power_factor_injecting.as_ref();
            change.pf_injecting_reversion =
                injecting.map(|wish| wish.onto(present.pf_injecting_reversion));
            let absorbing = wish.power_factor_absorbing.as_ref();
            change.pf_absorbing_reversion =
                absorbing.map(|wish| wish.onto(present.pf_absorbing_reversion));
        }
        if change == ControlChange::default() {
            return Err(Problem::nothing_given(&CONTROL_FIELDS));
        }
        Ok(change)
    }
}
