//! Writes of control settings: setpoints, what they revert to, limits, the watch over the controller.
//!
//! A register changes the fields that it holds and no others, so that what two clients write of a
//! reversion, a power factor or the watch in one tick adds up.

use super::{Edit, Refusal, switch, within};
use bess_core::command::{PowerPriority, SetpointMode};
use bess_core::control::{
    FunctionName, HeartbeatKind, LossAction, PowerFactorChange, ReversionChange,
};
use bess_core::event::Reverted;

pub(crate) fn active_enable(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.active_enabled = Some(switch(value)?);
    Ok(())
}

/// 704.WSetMod: 0 is percent, 1 is watts.
pub(crate) fn active_mode(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.active_mode =
        Some(if switch(value)? { SetpointMode::Absolute } else { SetpointMode::Percent });
    Ok(())
}

pub(crate) fn active_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.active_w = Some(value);
    Ok(())
}

pub(crate) fn active_pct(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.active_pct = Some(value);
    Ok(())
}

pub(crate) fn reactive_enable(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.reactive_enabled = Some(switch(value)?);
    Ok(())
}

/// 704.VarSetMod: 1 is percent of the rated reactive power, 4 is vars; a unit has no other mode.
pub(crate) fn reactive_mode(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.reactive_mode = Some(match value {
        1.0 => SetpointMode::Percent,
        4.0 => SetpointMode::Absolute,
        _ => return Err(Refusal::Value),
    });
    Ok(())
}

pub(crate) fn reactive_var(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.reactive_var = Some(value);
    Ok(())
}

pub(crate) fn reactive_pct(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.reactive_pct = Some(value);
    Ok(())
}

pub(crate) fn priority(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.priority =
        Some(if switch(value)? { PowerPriority::Reactive } else { PowerPriority::Active });
    Ok(())
}

pub(crate) fn discharge_limit_enable(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.discharge_limit_enabled = Some(switch(value)?);
    Ok(())
}

pub(crate) fn discharge_limit_pct(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.discharge_limit_pct = Some(value);
    Ok(())
}

pub(crate) fn ramp(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.ramp_pct_per_s = Some(value);
    Ok(())
}

pub(crate) fn heartbeat(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.controller_heartbeat = Some(value as u32);
    Ok(())
}

/// The compact map's setpoints are in force as soon as they are written.
pub(crate) fn active_w_in_force(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.active_enabled = Some(true);
    edit.change.active_mode = Some(SetpointMode::Absolute);
    active_w(edit, value)
}

/// See [`active_w_in_force`].
pub(crate) fn reactive_var_in_force(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.reactive_enabled = Some(true);
    edit.change.reactive_mode = Some(SetpointMode::Absolute);
    reactive_var(edit, value)
}

/// Which of the two power factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    Injecting,
    Absorbing,
}

fn power_factor<'e>(edit: &'e mut Edit<'_>, which: Factor) -> &'e mut PowerFactorChange {
    match which {
        Factor::Injecting => &mut edit.change.pf_injecting,
        Factor::Absorbing => &mut edit.change.pf_absorbing,
    }
}

/// Active over apparent power: above 0, up to 1.
fn as_factor(value: f64) -> Result<f64, Refusal> {
    if value > 0.0 { within(value, 0.0, 1.0) } else { Err(Refusal::Value) }
}

/// 704.PFWInjEna and PFWAbsEna.
pub(crate) fn factor_enable(edit: &mut Edit<'_>, which: Factor, value: f64) -> Result<(), Refusal> {
    power_factor(edit, which).enabled = Some(switch(value)?);
    Ok(())
}

/// 704.PFWInj.PF and PFWAbs.PF.
pub(crate) fn factor(edit: &mut Edit<'_>, which: Factor, value: f64) -> Result<(), Refusal> {
    power_factor(edit, which).factor = Some(as_factor(value)?);
    Ok(())
}

/// 704.PFWInj.Ext and PFWAbs.Ext.
pub(crate) fn excitation(edit: &mut Edit<'_>, which: Factor, value: f64) -> Result<(), Refusal> {
    power_factor(edit, which).over_excited = Some(!switch(value)?);
    Ok(())
}

/// 123.OutPFSet, for both directions; over-excited is negative.
pub(crate) fn eei_factor(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    for which in [Factor::Injecting, Factor::Absorbing] {
        factor(edit, which, value.abs())?;
        power_factor(edit, which).over_excited = Some(value < 0.0);
    }
    Ok(())
}

/// 123.VArPct_Ena: the setpoint in percent.
pub(crate) fn reactive_percent_enable(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    reactive_enable(edit, value)?;
    edit.change.reactive_mode = Some(SetpointMode::Percent);
    Ok(())
}

/// Whether a function is on.
pub(crate) fn function(
    edit: &mut Edit<'_>,
    which: FunctionName,
    value: f64,
) -> Result<(), Refusal> {
    let is_on = switch(value)?;
    // Of two that cannot be on together a request may switch one on.
    let contradicts = |(known, was_on): &(FunctionName, bool)| {
        *known == which && *was_on != is_on || is_on && *was_on && which.excluded().contains(known)
    };
    if edit.switched.iter().any(contradicts) {
        return Err(Refusal::Value);
    }
    edit.switched.push((which, is_on));
    let present = edit.change.functions.unwrap_or(edit.control().functions);
    let wanted = if is_on { present.with(which) } else { present.without(which) };
    if wanted != present {
        edit.change.functions = Some(wanted);
    }
    Ok(())
}

fn reversion<'e>(edit: &'e mut Edit<'_>, which: Reverted) -> &'e mut ReversionChange {
    let change = &mut edit.change;
    match which {
        Reverted::ActivePower => &mut change.active_reversion,
        Reverted::ReactivePower => &mut change.reactive_reversion,
        Reverted::DischargeLimit => &mut change.discharge_limit_reversion,
        Reverted::PowerFactorInjecting => &mut change.pf_injecting_reversion,
        Reverted::PowerFactorAbsorbing => &mut change.pf_absorbing_reversion,
    }
}

/// 704.*RvrtTms in seconds; 0 for no reversion.
pub(crate) fn reversion_time(
    edit: &mut Edit<'_>,
    which: Reverted,
    value: f64,
) -> Result<(), Refusal> {
    // The register holds whole seconds of 32 bits.
    reversion(edit, which).time_s = Some(value as u32);
    Ok(())
}

/// *RvrtTms of the older models, in seconds: the control is off afterwards.
pub(crate) fn reversion_to_off(
    edit: &mut Edit<'_>,
    which: Reverted,
    value: f64,
) -> Result<(), Refusal> {
    reversion(edit, which).enabled = Some(false);
    reversion_time(edit, which, value)
}

/// 704.*EnaRvrt.
pub(crate) fn reversion_enable(
    edit: &mut Edit<'_>,
    which: Reverted,
    value: f64,
) -> Result<(), Refusal> {
    reversion(edit, which).enabled = Some(switch(value)?);
    Ok(())
}

/// 704.WSetRvrt and VarSetRvrt: within the rating.
pub(crate) fn reversion_absolute(
    edit: &mut Edit<'_>,
    which: Reverted,
    value: f64,
) -> Result<(), Refusal> {
    let pcs = &edit.design()?.pcs;
    let rating = match which {
        Reverted::ReactivePower => pcs.rated_reactive_power.0,
        _ => pcs.rated_power.0,
    };
    reversion(edit, which).absolute = Some(within(value, -rating, rating)?);
    Ok(())
}

/// 704.WSetPctRvrt, VarSetPctRvrt and WMaxLimPctRvrt; a cap is not negative.
pub(crate) fn reversion_percent(
    edit: &mut Edit<'_>,
    which: Reverted,
    value: f64,
) -> Result<(), Refusal> {
    let min = if which == Reverted::DischargeLimit { 0.0 } else { -100.0 };
    reversion(edit, which).percent = Some(within(value, min, 100.0)?);
    Ok(())
}

/// 704.PFWInjRvrt.PF and PFWAbsRvrt.PF.
pub(crate) fn reversion_factor(
    edit: &mut Edit<'_>,
    which: Reverted,
    value: f64,
) -> Result<(), Refusal> {
    reversion(edit, which).percent = Some(as_factor(value)?);
    Ok(())
}

/// 704.PFWInjRvrt.Ext and PFWAbsRvrt.Ext.
pub(crate) fn reversion_excitation(
    edit: &mut Edit<'_>,
    which: Reverted,
    value: f64,
) -> Result<(), Refusal> {
    reversion(edit, which).over_excited = Some(!switch(value)?);
    Ok(())
}

/// Longest time in s without a sign of life; 0 for no watch.
pub(crate) fn watchdog_time(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    // What was read as whole seconds and comes back so keeps its fraction. It is written all the same:
    // that may be a sign of life.
    let present_s = edit.control().watchdog.timeout_s;
    let timeout_s = if present_s.round() == value { present_s } else { value };
    edit.change.watchdog.timeout_s = Some(timeout_s);
    Ok(())
}

/// What counts as a sign of life.
pub(crate) fn watchdog_kind(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let (_, kind) = HeartbeatKind::ALL.get(value as usize).ok_or(Refusal::Value)?;
    edit.change.watchdog.kind = Some(*kind);
    Ok(())
}

/// What the unit does when its controller is lost.
pub(crate) fn watchdog_action(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let (_, action) = LossAction::ALL.get(value as usize).ok_or(Refusal::Value)?;
    edit.change.watchdog.action = Some(*action);
    Ok(())
}

/// Power in W to which the unit goes when its controller is lost.
pub(crate) fn fail_safe_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let rated_w = edit.design()?.pcs.rated_power.0;
    edit.change.watchdog.value_w = Some(within(value, -rated_w, rated_w)?);
    edit.change.watchdog.action = Some(LossAction::Value);
    Ok(())
}

/// A state of charge in percent as a fraction.
fn as_soc(value: f64) -> Result<f64, Refusal> {
    Ok(within(value, 0.0, 100.0)? / 100.0)
}

pub(crate) fn soc_min(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.soc_min = Some(as_soc(value)?);
    Ok(())
}

pub(crate) fn soc_max(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.soc_max = Some(as_soc(value)?);
    Ok(())
}

pub(crate) fn soc_reserve(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.soc_reserve = Some(as_soc(value)?);
    Ok(())
}
