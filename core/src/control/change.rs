//! Changes of control settings: what is absent in them stays.
//!
//! Settings that belong together (a power factor, a reversion, the watch) are changed field by field, so
//! that what two clients write of them in one tick adds up.

use super::{
    Capacity, FunctionName, FunctionSet, HeartbeatKind, LossAction, PowerFactor, PowerPriority,
    Recovery, Reversion, SetpointMode, UnitControl, WatchdogSettings,
};
use crate::spec::EnterService;
use crate::units::{Vars, Watts};

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

/// Fields of one struct of settings to change: the change, how it is applied, and one of every field.
macro_rules! change_of {
    ($(#[$doc:meta])* $change:ident of $settings:ident { $($field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
        #[allow(missing_docs)] // Each field is that of the settings with the same name.
        pub struct $change {
            $(
                #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
                pub $field: Option<$kind>,
            )*
        }

        impl $change {
            /// Whether it changes nothing.
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }
            /// Writes the present fields into `settings`.
            pub fn apply(&self, settings: &mut $settings) {
                $(set(&mut settings.$field, self.$field);)*
            }
        }

        impl From<$settings> for $change {
            /// Every field.
            fn from(settings: $settings) -> Self {
                Self { $($field: Some(settings.$field),)* }
            }
        }
    };
}

change_of! {
    /// Fields of [`PowerFactor`] to change; absent fields stay.
    PowerFactorChange of PowerFactor {
        enabled: bool,
        factor: f64,
        over_excited: bool,
    }
}
change_of! {
    /// Fields of [`Reversion`] to change; absent fields stay.
    ReversionChange of Reversion {
        time_s: u32,
        enabled: bool,
        absolute: f64,
        percent: f64,
        over_excited: bool,
    }
}
change_of! {
    /// Fields of [`WatchdogSettings`] to change; absent fields stay.
    WatchdogChange of WatchdogSettings {
        timeout_s: f64,
        kind: HeartbeatKind,
        action: LossAction,
        value_w: f64,
        function: FunctionName,
        recovery: Recovery,
        extra_s: f64,
        jitter_s: f64,
    }
}
change_of! {
    /// Fields of [`Capacity`] to change; absent fields stay.
    CapacityChange of Capacity {
        active_max_w: f64,
        discharge_max_w: f64,
        charge_max_w: f64,
        reactive_injected_max_var: f64,
        reactive_absorbed_max_var: f64,
        apparent_max_va: f64,
    }
}
change_of! {
    /// Fields of [`EnterService`] to change; absent fields stay.
    EnterServiceChange of EnterService {
        permitted: bool,
        voltage_min_pu: f64,
        voltage_max_pu: f64,
        frequency_min_hz: f64,
        frequency_max_hz: f64,
        delay_s: f64,
        random_delay_s: f64,
        ramp_s: f64,
    }
}

/// A struct of changes of which most are absent: where it is written down, what changes nothing is left out.
macro_rules! sparse {
    ($(#[$doc:meta])* pub struct $change:ident { $(pub $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
        pub struct $change {
            $(
                #[cfg_attr(feature = "serde", serde(skip_serializing_if = "changes_nothing"))]
                pub $field: $kind,
            )*
        }
    };
}

#[cfg(feature = "serde")]
fn changes_nothing<T: Default + PartialEq>(change: &T) -> bool {
    *change == T::default()
}

sparse! {
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
        pub pf_injecting: PowerFactorChange,
        pub pf_absorbing: PowerFactorChange,
        pub functions: Option<FunctionSet>,
        pub watchdog: WatchdogChange,
        pub active_reversion: ReversionChange,
        pub reactive_reversion: ReversionChange,
        pub discharge_limit_reversion: ReversionChange,
        pub pf_injecting_reversion: ReversionChange,
        pub pf_absorbing_reversion: ReversionChange,
        pub capacity: CapacityChange,
        pub enter_service: EnterServiceChange,
    }
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
        self.sets_active_power()
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
        set(&mut control.functions, self.functions);
        self.pf_injecting.apply(&mut control.pf_injecting);
        self.pf_absorbing.apply(&mut control.pf_absorbing);
        self.watchdog.apply(&mut control.watchdog);
        self.active_reversion.apply(&mut control.active_reversion);
        self.reactive_reversion.apply(&mut control.reactive_reversion);
        self.discharge_limit_reversion.apply(&mut control.discharge_limit_reversion);
        self.pf_injecting_reversion.apply(&mut control.pf_injecting_reversion);
        self.pf_absorbing_reversion.apply(&mut control.pf_absorbing_reversion);
        self.capacity.apply(&mut control.capacity);
        self.enter_service.apply(&mut control.enter_service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_clients_write_of_one_setting_adds_up() {
        let mut control = UnitControl::default();
        let of = |watchdog: WatchdogChange, factor: PowerFactorChange, back: ReversionChange| {
            ControlChange {
                watchdog,
                pf_injecting: factor,
                active_reversion: back,
                ..ControlChange::default()
            }
        };
        of(
            WatchdogChange { timeout_s: Some(60.0), ..Default::default() },
            PowerFactorChange { factor: Some(0.9), ..Default::default() },
            ReversionChange { time_s: Some(30), ..Default::default() },
        )
        .apply(&mut control);
        of(
            WatchdogChange { action: Some(LossAction::Standby), ..Default::default() },
            PowerFactorChange { enabled: Some(true), ..Default::default() },
            ReversionChange { absolute: Some(5e5), ..Default::default() },
        )
        .apply(&mut control);
        let watchdog = control.watchdog;
        assert_eq!((watchdog.timeout_s, watchdog.action), (60.0, LossAction::Standby));
        assert_eq!((control.pf_injecting.factor, control.pf_injecting.enabled), (0.9, true));
        let reversion = control.active_reversion;
        assert_eq!((reversion.time_s, reversion.absolute), (30, 5e5));
    }

    #[test]
    fn a_change_of_every_field_makes_the_settings_and_one_of_none_leaves_them() {
        let settings = EnterService { delay_s: 7.0, permitted: false, ..EnterService::default() };
        let change = EnterServiceChange::from(settings);
        let mut present = EnterService::default();
        EnterServiceChange::default().apply(&mut present);
        assert_eq!(present, EnterService::default());
        change.apply(&mut present);
        assert_eq!(present, settings);
        assert!(EnterServiceChange::default().is_empty() && !change.is_empty());
    }
}
