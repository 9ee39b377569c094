//! What a unit is rated down to, and when it enters service: as it is shown and changed.

use crate::body::present;
use crate::wire::Num;
use bess_core::control::{Capacity, CapacityChange, EnterServiceChange};
use bess_core::spec::EnterService;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a unit is rated down to; its ratings until somebody sets that.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CapacityAnswer {
    /// Active power in both directions; percentages of active power and of the ramp are of this one.
    active_max_w: Num,
    discharge_max_w: Num,
    /// A magnitude.
    charge_max_w: Num,
    /// Percentages of reactive power that is injected are of this one.
    reactive_injected_max_var: Num,
    /// A magnitude; percentages of reactive power that is absorbed are of this one.
    reactive_absorbed_max_var: Num,
    apparent_max_va: Num,
}

impl From<&Capacity> for CapacityAnswer {
    fn from(capacity: &Capacity) -> Self {
        Self {
            active_max_w: Num(capacity.active_max_w),
            discharge_max_w: Num(capacity.discharge_max_w),
            charge_max_w: Num(capacity.charge_max_w),
            reactive_injected_max_var: Num(capacity.reactive_injected_max_var),
            reactive_absorbed_max_var: Num(capacity.reactive_absorbed_max_var),
            apparent_max_va: Num(capacity.apparent_max_va),
        }
    }
}

/// What the unit is to be rated down to, each from 1 % of its rating to all of it; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CapacityWish {
    /// Active power in both directions; percentages of active power and of the ramp are of this one.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    active_max_w: Option<f64>,
    /// Discharge.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    discharge_max_w: Option<f64>,
    /// Charge, as a magnitude.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    charge_max_w: Option<f64>,
    /// Injected reactive power; percentages of it are of this one.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    reactive_injected_max_var: Option<f64>,
    /// Absorbed reactive power as a magnitude; percentages of it are of this one.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    reactive_absorbed_max_var: Option<f64>,
    /// Apparent power.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    apparent_max_va: Option<f64>,
}

impl CapacityWish {
    pub(super) fn change(&self) -> CapacityChange {
        CapacityChange {
            active_max_w: self.active_max_w,
            discharge_max_w: self.discharge_max_w,
            charge_max_w: self.charge_max_w,
            reactive_injected_max_var: self.reactive_injected_max_var,
            reactive_absorbed_max_var: self.reactive_absorbed_max_var,
            apparent_max_va: self.apparent_max_va,
        }
    }
}

/// Whether, when and how a unit enters service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnterServiceAnswer {
    /// Whether it may be in service; without the permit it gives no power and stays out.
    permitted: bool,
    voltage_min_pu: Num,
    voltage_max_pu: Num,
    frequency_min_hz: Num,
    frequency_max_hz: Num,
    /// How long the grid must be within the window after it was not.
    delay_s: Num,
    /// Largest further delay, drawn anew each time.
    random_delay_s: Num,
    /// How long the power takes to come back after that.
    ramp_s: Num,
}

impl From<&EnterService> for EnterServiceAnswer {
    fn from(settings: &EnterService) -> Self {
        Self {
            permitted: settings.permitted,
            voltage_min_pu: Num(settings.voltage_min_pu),
            voltage_max_pu: Num(settings.voltage_max_pu),
            frequency_min_hz: Num(settings.frequency_min_hz),
            frequency_max_hz: Num(settings.frequency_max_hz),
            delay_s: Num(settings.delay_s),
            random_delay_s: Num(settings.random_delay_s),
            ramp_s: Num(settings.ramp_s),
        }
    }
}

/// Whether, when and how the unit is to enter service; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnterServiceWish {
    /// Whether it may be in service: false makes a running unit cease at once and stay out in standby;
    /// with true it comes back by itself, after the delay and with the ramp.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    permitted: Option<bool>,
    /// Lowest voltage of the grid in pu.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    voltage_min_pu: Option<f64>,
    /// Highest voltage of the grid in pu.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1, maximum = 2)]
    voltage_max_pu: Option<f64>,
    /// Lowest frequency, from 0.8 of nominal to nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    frequency_min_hz: Option<f64>,
    /// Highest frequency, from nominal to 1.2 of nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    frequency_max_hz: Option<f64>,
    /// How long the grid must be within the window after it was not.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 3600)]
    delay_s: Option<f64>,
    /// Largest further delay, drawn anew each time.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 3600)]
    random_delay_s: Option<f64>,
    /// How long the power takes to come back after that.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 3600)]
    ramp_s: Option<f64>,
}

impl EnterServiceWish {
    pub(super) fn change(&self) -> EnterServiceChange {
        EnterServiceChange {
            permitted: self.permitted,
            voltage_min_pu: self.voltage_min_pu,
            voltage_max_pu: self.voltage_max_pu,
            frequency_min_hz: self.frequency_min_hz,
            frequency_max_hz: self.frequency_max_hz,
            delay_s: self.delay_s,
            random_delay_s: self.random_delay_s,
            ramp_s: self.ramp_s,
        }
    }
}
