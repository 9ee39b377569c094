//! What a unit looks like.

use super::service::{CapacityAnswer, EnterServiceAnswer};
use crate::problem::BlockingAlarm;
use crate::wire::{
    AlarmLevelName, AlarmName, ControlSourceName, Extremes, FunctionLabel, HeartbeatName,
    LossActionName, Num, Power, PriorityName, RecoveryName, SetpointModeName, Totals,
    UnitStateName, WatchdogStateName, labels, wh,
};
use bess_core::alarm::{Alarm, AlarmLevel, AlarmSet};
use bess_core::command::{PowerPriority, Setpoint, SetpointMode};
use bess_core::control::{PowerFactor, Reversion};
use bess_core::event::Reverted;
use bess_core::id::UnitId;
use bess_core::snapshot::{BatteryView, Snapshot, UnitView};
use serde::Serialize;
use utoipa::ToSchema;

/// A unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unit {
    /// Number from 1.
    #[schema(example = 3)]
    number: u32,
    /// Name.
    #[schema(example = "unit-003")]
    name: String,
    /// State.
    state: UnitStateName,
    /// Tick since which it is in its state.
    state_since_tick: u64,
    /// Whether it is under local control: remote writes are refused.
    local: bool,
    /// Alarms that stand; more about each is at `/alarms`.
    alarms: Vec<StandingAlarm>,
    /// The alarm that keeps the unit from being reset; null for none.
    #[schema(required = true)]
    reset_blocked_by: Option<BlockingAlarm>,
    /// Resets that were refused since the start.
    resets_refused: u32,
    /// Trips since the start.
    trips: u32,
    /// When it may enter service, and with how much power.
    enter_service: EnterService,
    /// Whether it forms an island now.
    forms_island: bool,
    /// Seconds for which its present writer still holds it; 0 for nobody.
    lease_remaining_s: Num,
    /// Insulation resistance against earth, as measured.
    insulation_kohm: Num,
    /// Temperature of the converter.
    pcs_temperature_degc: Num,
    /// Whether there is smoke.
    smoke: bool,
    /// AC terminals.
    ac: Ac,
    /// DC terminals of the PCS.
    dc: Dc,
    /// Setpoints in force.
    setpoint: Power,
    /// Settings behind the setpoints.
    control: Control,
    /// What could be discharged now at the AC terminals.
    available_discharge_power_w: Num,
    /// What could be charged now at the AC terminals, as a magnitude.
    available_charge_power_w: Num,
    /// Largest discharge current that the BMS allows now.
    discharge_current_max_a: Num,
    /// Largest charge current that the BMS allows now, as a magnitude.
    charge_current_max_a: Num,
    /// What the BMS believes.
    measured: Battery,
    /// What is true.
    truth: Battery,
    /// Coolant temperature.
    coolant_temperature_degc: Num,
    /// Air temperature in the container.
    air_temperature_degc: Num,
    /// Gas that its cells have given off, in litres at ambient conditions.
    gas_litres: Num,
    /// Gas in the container's air now over its lower flammable limit; explosion control wants less than
    /// 0.25.
    gas_lfl: Num,
    /// Heat that the chiller takes out.
    cooling_power_w: Num,
    /// Consumption of the auxiliaries.
    auxiliary_power_w: Num,
    /// Racks with closed contactors.
    racks_connected: u32,
    /// Energy at the AC terminals since the start.
    totals: Totals,
    /// Charge moved in both directions over twice the capacity.
    equivalent_full_cycles: Num,
    /// Counts simulated seconds.
    heartbeat: u32,
    /// Ratings.
    rating: Rating,
}

#[derive(Debug, Serialize, ToSchema)]
struct Ac {
    active_power_w: Num,
    reactive_power_var: Num,
    apparent_power_va: Num,
    power_factor: Num,
    /// Line to line.
    voltage_v: Num,
    /// Of a phase.
    current_a: Num,
    frequency_hz: Num,
}

#[derive(Debug, Serialize, ToSchema)]
struct Dc {
    voltage_v: Num,
    current_a: Num,
    power_w: Num,
}

/// An alarm that stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingAlarm {
    /// Name of the alarm.
    code: AlarmName,
    /// How bad it is.
    level: AlarmLevelName,
}

/// The alarms of a set that stand.
pub(crate) fn standing(alarms: AlarmSet) -> Vec<StandingAlarm> {
    let names = |(alarm, level): (&Alarm, AlarmLevel)| StandingAlarm {
        code: AlarmName(alarm.name),
        level: AlarmLevelName(level.name()),
    };
    alarms.iter().map(names).collect()
}

/// When a unit may enter service.
#[derive(Debug, Serialize, ToSchema)]
struct EnterService {
    /// Seconds until it may; 0 when it may.
    remaining_s: Num,
    /// Share of the rating to which the ramp after that limits its power, 0 to 1.
    share: Num,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Control {
    /// Who set the active power last.
    source: ControlSourceName,
    active: SetpointAnswer,
    reactive: SetpointAnswer,
    /// Which power wins when both do not fit.
    priority: PriorityName,
    /// Cap of discharge in percent of the largest active power; null when none is in force.
    #[schema(value_type = Num)]
    discharge_limit_pct: Option<Num>,
    /// Cap of charge in percent of the largest active power; 100 for none.
    charge_limit_pct: Num,
    ramp_pct_per_s: Num,
    /// State of charge below which it does not discharge, 0 to 1.
    soc_min: Num,
    /// State of charge above which it does not charge, 0 to 1.
    soc_max: Num,
    /// Part of the energy above `soc_min` that only frequency response may use, as a state of charge.
    soc_reserve: Num,
    /// Constant power factor while injecting active power.
    power_factor_injecting: PowerFactorAnswer,
    /// Constant power factor while absorbing active power.
    power_factor_absorbing: PowerFactorAnswer,
    /// Functions that are on; none is plain setpoints.
    functions: Vec<FunctionLabel>,
    /// What each control goes back to when its time is over.
    reversion: Reversions,
    /// Watch over the controller.
    watchdog: Watchdog,
    /// Last heartbeat that a controller wrote.
    controller_heartbeat: u32,
    /// What it is rated down to.
    capacity: CapacityAnswer,
    /// Whether, when and how it enters service.
    enter_service: EnterServiceAnswer,
}

/// A constant power factor.
#[derive(Debug, Serialize, ToSchema)]
struct PowerFactorAnswer {
    enabled: bool,
    /// Active over apparent power, above 0 to 1.
    factor: Num,
    /// Whether reactive power is injected or absorbed.
    over_excited: bool,
}

impl From<&PowerFactor> for PowerFactorAnswer {
    fn from(setting: &PowerFactor) -> Self {
        Self {
            enabled: setting.enabled,
            factor: Num(setting.factor),
            over_excited: setting.over_excited,
        }
    }
}

/// What the controls go back to.
#[derive(Debug, Serialize, ToSchema)]
struct Reversions {
    active_power: ReversionAnswer,
    reactive_power: ReversionAnswer,
    discharge_limit: ReversionAnswer,
    power_factor_injecting: PowerFactorReversionAnswer,
    power_factor_absorbing: PowerFactorReversionAnswer,
}

/// What a power, or its cap, goes back to.
#[derive(Debug, Serialize, ToSchema)]
struct ReversionAnswer {
    /// Seconds after the last write; 0 for never.
    time_s: u32,
    /// Seconds until then; 0 while none runs.
    remaining_s: Num,
    /// Whether the control is in force after it.
    enabled: bool,
    /// In watts or vars; not for a cap.
    absolute: Num,
    /// In percent of the rating.
    percent: Num,
}

/// What a power factor goes back to.
#[derive(Debug, Serialize, ToSchema)]
struct PowerFactorReversionAnswer {
    /// Seconds after the last write; 0 for never.
    time_s: u32,
    /// Seconds until then; 0 while none runs.
    remaining_s: Num,
    /// Whether it is in force after it.
    enabled: bool,
    factor: Num,
    over_excited: bool,
}

impl Reversions {
    fn of(view: &UnitView) -> Self {
        let control = &view.control;
        let left = |control: Reverted| Num(view.reversion_remaining_s[control as usize]);
        let power = |of: &Reversion, remaining_s| ReversionAnswer {
            time_s: of.time_s,
            remaining_s,
            enabled: of.enabled,
            absolute: Num(of.absolute),
            percent: Num(of.percent),
        };
        let factor = |of: &Reversion, remaining_s| PowerFactorReversionAnswer {
            time_s: of.time_s,
            remaining_s,
            enabled: of.enabled,
            factor: Num(of.percent),
            over_excited: of.over_excited,
        };
        Self {
            active_power: power(&control.active_reversion, left(Reverted::ActivePower)),
            reactive_power: power(&control.reactive_reversion, left(Reverted::ReactivePower)),
            discharge_limit: power(
                &control.discharge_limit_reversion,
                left(Reverted::DischargeLimit),
            ),
            power_factor_injecting: factor(
                &control.pf_injecting_reversion,
                left(Reverted::PowerFactorInjecting),
            ),
            power_factor_absorbing: factor(
                &control.pf_absorbing_reversion,
                left(Reverted::PowerFactorAbsorbing),
            ),
        }
    }
}

/// The watch over the controller: its settings, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
struct Watchdog {
    /// Longest time without a sign of life; 0 for no watch.
    timeout_s: Num,
    /// What counts as a sign of life.
    kind: HeartbeatName,
    /// What the unit does when none comes.
    action: LossActionName,
    /// Power for the action `value`, positive is discharge.
    value_w: Num,
    /// Function for the action `fallback_function`.
    function: FunctionLabel,
    /// How the controller is taken back.
    recovery: RecoveryName,
    /// How much longer the device really takes than configured.
    extra_s: Num,
    /// Largest further delay, drawn anew for each loss.
    jitter_s: Num,
    /// How it stands.
    state: WatchdogStateName,
    /// Seconds until the controller counts as lost, as configured.
    remaining_s: Num,
    /// Seconds since the last sign of life; null before the first.
    age_s: Num,
    /// Losses since the start.
    losses: u32,
    /// Whether power stays at the fallback until a fresh setpoint comes.
    waits_for_setpoint: bool,
}

impl From<&UnitView> for Watchdog {
    fn from(view: &UnitView) -> Self {
        let (settings, watch) = (&view.control.watchdog, &view.watchdog);
        Self {
            timeout_s: Num(settings.timeout_s),
            kind: HeartbeatName(settings.kind.name()),
            action: LossActionName(settings.action.name()),
            value_w: Num(settings.value_w),
            function: FunctionLabel(settings.function.name()),
            recovery: RecoveryName(settings.recovery.name()),
            extra_s: Num(settings.extra_s),
            jitter_s: Num(settings.jitter_s),
            state: WatchdogStateName(watch.state.name()),
            remaining_s: Num(watch.remaining_s),
            age_s: Num(watch.age_s),
            losses: watch.losses,
            waits_for_setpoint: watch.waits_for_setpoint,
        }
    }
}

impl From<&UnitView> for Control {
    fn from(view: &UnitView) -> Self {
        let control = &view.control;
        Self {
            source: ControlSourceName(control.source.name()),
            active: SetpointAnswer::from(&control.active),
            reactive: SetpointAnswer::from(&control.reactive),
            priority: PriorityName(match control.priority {
                PowerPriority::Active => "active",
                PowerPriority::Reactive => "reactive",
            }),
            discharge_limit_pct: control
                .discharge_limit_enabled
                .then_some(Num(control.discharge_limit_pct)),
            charge_limit_pct: Num(control.charge_limit_pct),
            soc_min: Num(control.soc_min),
            soc_max: Num(control.soc_max),
            soc_reserve: Num(control.soc_reserve),
            power_factor_injecting: PowerFactorAnswer::from(&control.pf_injecting),
            power_factor_absorbing: PowerFactorAnswer::from(&control.pf_absorbing),
            functions: labels(control.functions),
            reversion: Reversions::of(view),
            watchdog: Watchdog::from(view),
            ramp_pct_per_s: Num(control.ramp_pct_per_s),
            controller_heartbeat: control.controller_heartbeat,
            capacity: CapacityAnswer::from(&control.capacity),
            enter_service: EnterServiceAnswer::from(&control.enter_service),
        }
    }
}

/// A setpoint as it was written.
#[derive(Debug, Serialize, ToSchema)]
struct SetpointAnswer {
    enabled: bool,
    /// Which of the two is in force.
    mode: SetpointModeName,
    /// In watts or vars.
    absolute: Num,
    /// In percent of the rating.
    percent: Num,
}

impl From<&Setpoint> for SetpointAnswer {
    fn from(setpoint: &Setpoint) -> Self {
        Self {
            enabled: setpoint.enabled,
            mode: SetpointModeName(match setpoint.mode {
                SetpointMode::Absolute => "absolute",
                SetpointMode::Percent => "percent",
            }),
            absolute: Num(setpoint.absolute),
            percent: Num(setpoint.percent),
        }
    }
}

/// The battery of a unit.
#[derive(Debug, Serialize, ToSchema)]
struct Battery {
    /// State of charge, 0 to 1.
    soc: Num,
    /// State of health, 0 to 1.
    soh: Num,
    energy_wh: Num,
    energy_capacity_wh: Num,
    cell_voltage_mean_v: Num,
    cell_temperature_mean_degc: Num,
    #[serde(flatten)]
    extremes: Extremes,
}

impl From<&BatteryView> for Battery {
    fn from(battery: &BatteryView) -> Self {
        Self {
            soc: Num(battery.soc),
            soh: Num(battery.soh),
            energy_wh: wh(battery.energy),
            energy_capacity_wh: wh(battery.energy_capacity),
            cell_voltage_mean_v: Num(battery.cell_voltage_mean.0),
            cell_temperature_mean_degc: Num(battery.cell_temperature_mean.0),
            extremes: Extremes::from(&battery.extremes),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Rating {
    active_power_w: Num,
    apparent_power_va: Num,
    reactive_power_var: Num,
    voltage_v: Num,
    energy_wh: Num,
    racks: usize,
    cells: usize,
    manufacturer: String,
    model: String,
    chemistry: String,
}

impl Unit {
    pub(crate) fn of(snapshot: &Snapshot, id: UnitId) -> Self {
        let spec = &snapshot.spec.units[id.idx()];
        let view = &snapshot.units[id.idx()];
        let design = &spec.design;
        Self {
            number: id.number(),
            name: spec.name.clone(),
            state: UnitStateName(view.state.name()),
            state_since_tick: view.state_since.0,
            local: view.is_local,
            alarms: standing(view.alarms),
            reset_blocked_by: view.reset_blocked_by.map(BlockingAlarm::from),
            resets_refused: view.resets_refused,
            trips: view.trips,
            enter_service: EnterService {
                remaining_s: Num(view.enter_service_remaining_s),
                share: Num(view.enter_service_share),
            },
            forms_island: view.forms_island,
            lease_remaining_s: Num(view.lease_remaining_s),
            insulation_kohm: Num(view.insulation_kohm),
            pcs_temperature_degc: Num(view.pcs_temperature.0),
            smoke: view.smoke,
            ac: Ac {
                active_power_w: Num(view.ac.active_power.0),
                reactive_power_var: Num(view.ac.reactive_power.0),
                apparent_power_va: Num(view.ac.apparent_power.0),
                power_factor: Num(view.ac.power_factor()),
                voltage_v: Num(view.ac.voltage.0),
                current_a: Num(view.ac.current.0),
                frequency_hz: Num(view.ac.frequency.0),
            },
            dc: Dc {
                voltage_v: Num(view.dc.voltage.0),
                current_a: Num(view.dc.current.0),
                power_w: Num(view.dc.power.0),
            },
            setpoint: Power {
                active_power_w: Num(view.setpoint.0),
                reactive_power_var: Num(view.reactive_setpoint.0),
            },
            control: Control::from(view),
            available_discharge_power_w: Num(view.available_discharge_power.0),
            available_charge_power_w: Num(view.available_charge_power.0),
            discharge_current_max_a: Num(view.discharge_current_max.0),
            charge_current_max_a: Num(view.charge_current_max.0),
            measured: Battery::from(&view.measured),
            truth: Battery::from(&view.truth),
            coolant_temperature_degc: Num(view.coolant_temperature.0),
            air_temperature_degc: Num(view.air_temperature.0),
            gas_litres: Num(view.gas_litres),
            gas_lfl: Num(view.gas_lfl),
            cooling_power_w: Num(view.cooling_power.0),
            auxiliary_power_w: Num(view.auxiliary_power.0),
            racks_connected: view.racks_connected,
            totals: Totals::from(&view.totals),
            equivalent_full_cycles: Num(view.equivalent_full_cycles),
            heartbeat: view.heartbeat,
            rating: Rating {
                active_power_w: Num(design.pcs.rated_power.0),
                apparent_power_va: Num(design.pcs.rated_apparent_power.0),
                reactive_power_var: Num(design.pcs.rated_reactive_power.0),
                voltage_v: Num(design.pcs.nominal_voltage.0),
                energy_wh: wh(design.nominal_energy()),
                racks: design.n_racks,
                cells: design.n_cells(),
                manufacturer: design.manufacturer.clone(),
                model: design.model.clone(),
                chemistry: design.chemistry.name.clone(),
            },
        }
    }
}
