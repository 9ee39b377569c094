//! What `initial` and `control.set` may set: one line for each key, with what it does.

use crate::faults::{Parameter, TargetKind};
use crate::format::value::{Setting, Value};
use bess_core::command::{Command, REVERSION_MAX_S};
use bess_core::control::{ControlChange, LossAction, SetpointMode};
use bess_core::id::UnitId;
use bess_core::spec::PlantChange;
use bess_core::units::{Vars, Watts};

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// What it is set at.
    pub target: TargetKind,
    /// Its name and what it may be.
    pub parameter: Parameter,
    write: fn(&Value, &mut Setup),
}

/// What some settings ask of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// Changes of the control of a unit.
    pub control: ControlChange,
    /// Changes of the plant controller.
    pub plant: PlantChange,
    /// State of charge of every cell of the unit, 0 to 1: the truth, and what the BMS makes of it.
    pub soc: Option<f64>,
    /// Ambient temperature of the farm in °C.
    pub ambient_degc: Option<f64>,
    /// Active power of the farm at the POI in W.
    pub power_w: Option<f64>,
    /// Reactive power of the farm at the POI in var.
    pub reactive_power_var: Option<f64>,
}

const fn number(
    target: TargetKind,
    name: &'static str,
    min: f64,
    max: f64,
    text: &'static str,
    write: fn(&Value, &mut Setup),
) -> Key {
    Key { target, parameter: Parameter::optional(name, min, max, text), write }
}

/// Largest power that a key takes in W or var; the farm's own limits are narrower.
const POWER_MAX: f64 = 1e12;
use TargetKind::{Farm, Unit};

/// Every key.
pub const KEYS: &[Key] = &[
    number(Unit, "soc", 0.0, 1.0, "state of charge of every cell", |value, setup| {
        setup.soc = of(value);
    }),
    number(
        Unit,
        "power_setpoint_w",
        -POWER_MAX,
        POWER_MAX,
        "active power, positive is discharge",
        |value, setup| {
            setup.control.active_w = of(value);
            setup.control.active_mode = Some(SetpointMode::Absolute);
            setup.control.active_enabled = Some(true);
        },
    ),
    number(
        Unit,
        "power_setpoint_pct",
        -100.0,
        100.0,
        "active power in percent of the rating",
        |value, setup| {
            setup.control.active_pct = of(value);
            setup.control.active_mode = Some(SetpointMode::Percent);
            setup.control.active_enabled = Some(true);
        },
    ),
    number(
        Unit,
        "reactive_power_setpoint_var",
        -POWER_MAX,
        POWER_MAX,
        "reactive power, positive is injected",
        |value, setup| {
            setup.control.reactive_var = of(value);
            setup.control.reactive_mode = Some(SetpointMode::Absolute);
            setup.control.reactive_enabled = Some(true);
        },
    ),
    number(
        Unit,
        "ramp_pct_per_s",
        0.01,
        1e6,
        "ramp of active power in percent of the rating",
        |value, setup| {
            setup.control.ramp_pct_per_s = of(value);
        },
    ),
    number(Unit, "soc_min", 0.0, 1.0, "below this it does not discharge", |value, setup| {
        setup.control.soc_min = of(value);
    }),
    number(Unit, "soc_max", 0.0, 1.0, "above this it does not charge", |value, setup| {
        setup.control.soc_max = of(value);
    }),
    number(
        Unit,
        "watchdog_s",
        0.0,
        86_400.0,
        "longest time without a sign of life of the controller; 0 for no watch",
        |value, setup| {
            setup.control.watchdog.timeout_s = of(value);
        },
    ),
    number(
        Unit,
        "watchdog_extra_s",
        0.0,
        86_400.0,
        "how much longer the device really takes",
        |value, setup| {
            setup.control.watchdog.extra_s = of(value);
        },
    ),
    Key {
        target: Unit,
        parameter: Parameter {
            is_needed: false,
            ..Parameter::word(
                "watchdog_action",
                &[
                    "hold",
                    "ramp_to_zero",
                    "value",
                    "standby",
                    "fallback_function",
                    "open_contactors",
                ],
                "what happens without a sign of life",
            )
        },
        write: |value, setup| {
            if let Value::Word(word) = value {
                let row = LossAction::ALL.iter().find(|(name, _)| name == word);
                setup.control.watchdog.action = row.map(|(_, action)| *action);
            }
        },
    },
    number(
        Unit,
        "reversion_s",
        0.0,
        REVERSION_MAX_S,
        "time from its last write after which the active setpoint goes back; 0 for never",
        |value, setup| {
            setup.control.active_reversion.time_s = of(value).map(|seconds| seconds.round() as u32);
            setup.control.active_reversion.enabled = Some(true);
        },
    ),
    number(
        Unit,
        "reversion_w",
        -POWER_MAX,
        POWER_MAX,
        "active power that it goes back to",
        |value, setup| {
            setup.control.active_reversion.absolute = of(value);
        },
    ),
    number(Farm, "ambient_degc", -50.0, 60.0, "ambient temperature", |value, setup| {
        setup.ambient_degc = of(value);
    }),
    number(
        Farm,
        "power_setpoint_w",
        -POWER_MAX,
        POWER_MAX,
        "active power at the POI, positive is discharge",
        |value, setup| {
            setup.power_w = of(value);
        },
    ),
    number(
        Farm,
        "reactive_power_setpoint_var",
        -POWER_MAX,
        POWER_MAX,
        "reactive power at the POI, positive is injected",
        |value, setup| {
            setup.reactive_power_var = of(value);
        },
    ),
    number(
        Farm,
        "ramp_pct_per_min",
        0.01,
        60_000.0,
        "ramp of the plant controller in percent of the farm's rating",
        |value, setup| {
            setup.plant.ramp_per_s = of(value).map(|pct| pct / bess_core::spec::PCT_PER_MIN);
        },
    ),
];

fn of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// The keys of a kind of target, as parameters.
pub fn parameters(target: TargetKind) -> Vec<Parameter> {
    KEYS.iter().filter(|key| key.target == target).map(|key| key.parameter).collect()
}

impl Setup {
    /// What `settings`, all of them numbers or words, ask of a target of `kind`.
    pub fn of(kind: TargetKind, settings: &[Setting]) -> Self {
        let mut setup = Self::default();
        for setting in settings {
            let key = |key: &&Key| key.target == kind && key.parameter.name == setting.name;
            if let Some(key) = KEYS.iter().find(key) {
                (key.write)(&setting.value, &mut setup);
            }
        }
        setup
    }

    /// The commands that a client could give as well, for `unit` or the farm; what no client can set (the
    /// state of charge, the weather) is left to the caller.
    pub fn commands(&self, unit: Option<UnitId>, out: &mut Vec<Command>) {
        match unit {
            Some(unit) if self.control != ControlChange::default() => {
                out.push(Command::ControlUnit { unit, change: self.control });
            }
            Some(_) => {}
            None => {
                if self.plant != PlantChange::default() {
                    out.push(Command::ConfigurePlant(Box::new(self.plant.clone())));
                }
                let reactive = self.reactive_power_var.map(Vars);
                if let Some(active) = self.power_w.or(reactive.map(|_| 0.0)) {
                    out.push(Command::SetFarmPower { active: Watts(active), reactive });
                }
            }
        }
    }
}
