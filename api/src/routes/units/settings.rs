//! Bodies of changes of a unit's control settings: what is absent in them stays.

use super::service::{CapacityWish, EnterServiceWish};
use crate::body::{nullable, present};
use crate::problem::{Fallible, Problem};
use crate::wire::{
    FunctionLabel, HeartbeatName, LossActionName, PriorityName, RecoveryName, by_name,
};
use bess_core::command::{ControlChange, PowerPriority};
use bess_core::control::{
    FunctionName, HeartbeatKind, LossAction, PowerFactorChange, Recovery, ReversionChange,
    WatchdogChange,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// Control settings to change, all together or none; at least one. What is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ramp_pct_per_s": 10.0, "watchdog": {"timeout_s": 60.0}}))]
pub(crate) struct UnitControlChange {
    /// Cap of discharge in percent of the largest active power; null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    discharge_limit_pct: Option<Option<f64>>,
    /// Cap of charge in percent of the largest active power; 100 for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 100)]
    charge_limit_pct: Option<f64>,
    /// Ramp in percent of the largest active power per second; never faster than the converter itself.
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
    /// What the unit is rated down to.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    capacity: Option<CapacityWish>,
    /// Whether, when and how the unit enters service.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enter_service: Option<EnterServiceWish>,
}

/// A constant power factor; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerFactorWish {
    /// Whether it is in force.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// Active over apparent power, 0.1 to 1.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0.1, maximum = 1)]
    factor: Option<f64>,
    /// Whether reactive power is injected or absorbed.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    over_excited: Option<bool>,
}

impl PowerFactorWish {
    fn change(&self) -> PowerFactorChange {
        PowerFactorChange {
            enabled: self.enabled,
            factor: self.factor,
            over_excited: self.over_excited,
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
    /// Active over apparent power, 0.1 to 1.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0.1, maximum = 1)]
    factor: Option<f64>,
    /// Whether reactive power is injected or absorbed after it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    over_excited: Option<bool>,
}

impl PowerReversionWish {
    fn change(&self) -> ReversionChange {
        ReversionChange {
            time_s: self.time_s,
            enabled: self.enabled,
            absolute: self.absolute,
            percent: self.percent,
            ..ReversionChange::default()
        }
    }
}
impl LimitReversionWish {
    fn change(&self) -> ReversionChange {
        ReversionChange {
            time_s: self.time_s,
            enabled: self.enabled,
            percent: self.percent,
            ..ReversionChange::default()
        }
    }
}
impl PowerFactorReversionWish {
    fn change(&self) -> ReversionChange {
        ReversionChange {
            time_s: self.time_s,
            enabled: self.enabled,
            percent: self.factor,
            over_excited: self.over_excited,
            ..ReversionChange::default()
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

/// The named value if a name is given.
fn named<T: Copy>(
    field: &str,
    name: Option<&String>,
    table: &[(&'static str, T)],
) -> Fallible<Option<T>> {
    name.map(|name| by_name(field, name, table)).transpose()
}

impl WatchdogWish {
    fn change(&self) -> Fallible<WatchdogChange> {
        let function = self.function.as_ref();
        Ok(WatchdogChange {
            timeout_s: self.timeout_s,
            kind: named("watchdog.kind", self.kind.as_ref(), &HeartbeatKind::ALL)?,
            action: named("watchdog.action", self.action.as_ref(), &LossAction::ALL)?,
            value_w: self.value_w,
            function: named("watchdog.function", function, &FunctionName::ALL)?,
            recovery: named("watchdog.recovery", self.recovery.as_ref(), &Recovery::ALL)?,
            extra_s: self.extra_s,
            jitter_s: self.jitter_s,
        })
    }
}

/// Every field of a change of control settings.
const CONTROL_FIELDS: [&str; 14] = [
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
    "capacity",
    "enter_service",
];

const PRIORITIES: [(&str, PowerPriority); 2] =
    [("active", PowerPriority::Active), ("reactive", PowerPriority::Reactive)];

impl UnitControlChange {
    /// The change that it asks for.
    pub(super) fn change(&self) -> Fallible<ControlChange> {
        let factor = |wish: &Option<PowerFactorWish>| {
            wish.as_ref().map(PowerFactorWish::change).unwrap_or_default()
        };
        let watchdog = self.watchdog.as_ref().map(WatchdogWish::change).transpose()?;
        let mut change = ControlChange {
            discharge_limit_enabled: self.discharge_limit_pct.map(|cap| cap.is_some()),
            discharge_limit_pct: self.discharge_limit_pct.flatten(),
            charge_limit_pct: self.charge_limit_pct,
            ramp_pct_per_s: self.ramp_pct_per_s,
            priority: named("priority", self.priority.as_ref(), &PRIORITIES)?,
            soc_min: self.soc_min,
            soc_max: self.soc_max,
            soc_reserve: self.soc_reserve,
            pf_injecting: factor(&self.power_factor_injecting),
            pf_absorbing: factor(&self.power_factor_absorbing),
            watchdog: watchdog.unwrap_or_default(),
            controller_heartbeat: self.heartbeat,
            capacity: self.capacity.as_ref().map(CapacityWish::change).unwrap_or_default(),
            enter_service: self
                .enter_service
                .as_ref()
                .map(EnterServiceWish::change)
                .unwrap_or_default(),
            ..ControlChange::default()
        };
        if let Some(wish) = &self.reversion {
            let power = |wish: &Option<PowerReversionWish>| {
                wish.as_ref().map(PowerReversionWish::change).unwrap_or_default()
            };
            let factor = |wish: &Option<PowerFactorReversionWish>| {
                wish.as_ref().map(PowerFactorReversionWish::change).unwrap_or_default()
            };
            let limit = wish.discharge_limit.as_ref();
            change.active_reversion = power(&wish.active_power);
            change.reactive_reversion = power(&wish.reactive_power);
            change.discharge_limit_reversion =
                limit.map(LimitReversionWish::change).unwrap_or_default();
            change.pf_injecting_reversion = factor(&wish.power_factor_injecting);
            change.pf_absorbing_reversion = factor(&wish.power_factor_absorbing);
        }
        if change == ControlChange::default() {
            return Err(Problem::nothing_given(&CONTROL_FIELDS));
        }
        Ok(change)
    }
}
