//! Writes in the words of vendors: one register that asks for several settings at once, or for a part of
//! one. What such a register holds is read back from the settings themselves, so that whoever else
//! changes these is seen in it.
//!
//! A command word (charge, discharge, stop) and the magnitude beside it are one setpoint: its sign is the
//! command, and stopping is a setpoint of 0 % that leaves the magnitude where it is. A command that comes
//! before its magnitude is remembered as the sign of next to nothing.

use super::{Edit, Refusal, operate, switch, within};
use bess_core::command::{SetpointMode, UnitAction, UnitControl};
use bess_core::control::{FunctionName, FunctionSet};
use bess_core::snapshot::UnitView;

/// What a command register asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forced {
    /// 0 W.
    Stop,
    Charge,
    Discharge,
    /// No setpoint is in force.
    Release,
}

impl Forced {
    /// Every command with its name in map files; the position is its number.
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("stop", Self::Stop),
        ("charge", Self::Charge),
        ("discharge", Self::Discharge),
        ("release", Self::Release),
    ];
}

/// The magnitude in W of a direction that has none yet.
const DIRECTION_ALONE_W: f64 = 1e-6;

/// The command that the settings amount to, whether they are in force or not.
pub(crate) fn command_of(control: &UnitControl) -> Forced {
    let setpoint = &control.active;
    let value = match setpoint.mode {
        SetpointMode::Absolute => setpoint.absolute,
        SetpointMode::Percent => setpoint.percent,
    };
    match value {
        value if value > 0.0 => Forced::Discharge,
        value if value < 0.0 => Forced::Charge,
        _ => Forced::Stop,
    }
}

/// The same, with nothing in force as a release.
pub(crate) fn command_in_force(control: &UnitControl) -> Forced {
    if control.active.enabled { command_of(control) } else { Forced::Release }
}

/// The power in W beside a command, >= 0.
pub(crate) fn magnitude_w(control: &UnitControl) -> f64 {
    let setpoint = &control.active;
    let magnitude_w = match setpoint.mode {
        SetpointMode::Percent if setpoint.percent != 0.0 => {
            setpoint.percent / 100.0 * control.capacity.active_max_w
        }
        _ => setpoint.absolute,
    };
    if magnitude_w.abs() > DIRECTION_ALONE_W { magnitude_w.abs() } else { 0.0 }
}

/// The settings as this request leaves them so far: its registers add up.
fn so_far(edit: &Edit<'_>) -> UnitControl {
    let mut control = edit.control();
    edit.change.apply(&mut control);
    control
}

fn hold(edit: &mut Edit<'_>, command: Forced, magnitude_w: f64) {
    let change = &mut edit.change;
    let directed_w = magnitude_w.max(DIRECTION_ALONE_W);
    let (mode, active_w) = match command {
        Forced::Charge => (SetpointMode::Absolute, -directed_w),
        Forced::Discharge => (SetpointMode::Absolute, directed_w),
        Forced::Stop | Forced::Release => {
            change.active_pct = Some(0.0);
            (SetpointMode::Percent, magnitude_w)
        }
    };
    (change.active_mode, change.active_w) = (Some(mode), Some(active_w));
}

fn command_word(value: f64) -> Result<Forced, Refusal> {
    let known = Forced::ALL.iter().enumerate().find(|(number, _)| *number as f64 == value);
    known.map(|(_, (_, command))| *command).ok_or(Refusal::Value)
}

/// A command that is in force at once; the power beside it stays.
pub(crate) fn forced(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let command = command_word(value)?;
    if command != Forced::Release {
        let magnitude_w = magnitude_w(&so_far(edit));
        hold(edit, command, magnitude_w);
    }
    edit.change.active_enabled = Some(command != Forced::Release);
    Ok(())
}

/// The same at the rating, which the limits cut.
pub(crate) fn forced_full(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let command = command_word(value)?;
    if command != Forced::Release {
        let rated_w = edit.design()?.pcs.rated_power.0;
        hold(edit, command, rated_w);
    }
    edit.change.active_enabled = Some(command != Forced::Release);
    Ok(())
}

/// A command that waits until an external setpoint is in force.
pub(crate) fn forced_command(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let magnitude_w = magnitude_w(&so_far(edit));
    hold_without_force(edit, command_word(value)?, magnitude_w)
}

/// The same at the rating, which the limits cut.
pub(crate) fn forced_full_command(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let rated_w = edit.design()?.pcs.rated_power.0;
    hold_without_force(edit, command_word(value)?, rated_w)
}

fn hold_without_force(
    edit: &mut Edit<'_>,
    command: Forced,
    magnitude_w: f64,
) -> Result<(), Refusal> {
    if command == Forced::Release {
        return Err(Refusal::Value);
    }
    hold(edit, command, magnitude_w);
    Ok(())
}

/// The power in W beside a command.
pub(crate) fn forced_power_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let rated_w = edit.design()?.pcs.rated_power.0;
    let magnitude_w = within(value, 0.0, rated_w)?;
    let command = command_of(&so_far(edit));
    hold(edit, command, magnitude_w);
    Ok(())
}

/// Whether a setpoint is in force: 0, the unit is left to itself, or 1, it is told.
pub(crate) fn ems_mode(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.active_enabled = Some(switch(value)?);
    Ok(())
}

/// A setpoint of charging in W, in force at once.
pub(crate) fn charge_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    one_sided_w(edit, value, -1.0)
}

/// The same of discharging.
pub(crate) fn discharge_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    one_sided_w(edit, value, 1.0)
}

/// Two registers share one setpoint: a 0 in one of them must not undo what the other asks for.
fn one_sided_w(edit: &mut Edit<'_>, value: f64, sign: f64) -> Result<(), Refusal> {
    let rated_w = edit.design()?.pcs.rated_power.0;
    let power_w = within(value, 0.0, rated_w)?;
    let present = so_far(edit);
    let is_other = present.active.target(present.capacity.active_max_w) * sign < 0.0;
    if power_w > 0.0 || !is_other {
        edit.change.active_enabled = Some(true);
        edit.change.active_mode = Some(SetpointMode::Absolute);
        edit.change.active_w = Some(sign * power_w);
    }
    Ok(())
}

/// An active setpoint in percent, in force at once.
pub(crate) fn active_pct_in_force(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.active_enabled = Some(true);
    edit.change.active_mode = Some(SetpointMode::Percent);
    edit.change.active_pct = Some(value);
    Ok(())
}

/// A reactive setpoint in percent, in force at once.
pub(crate) fn reactive_pct_in_force(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.reactive_enabled = Some(true);
    edit.change.reactive_mode = Some(SetpointMode::Percent);
    edit.change.reactive_pct = Some(value);
    Ok(())
}

pub(crate) fn charge_limit_pct(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.charge_limit_pct = Some(value);
    Ok(())
}

/// A cap of discharge in percent, in force at once.
pub(crate) fn discharge_limit_pct(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.change.discharge_limit_enabled = Some(true);
    edit.change.discharge_limit_pct = Some(value);
    Ok(())
}

/// A cap of charge in W; one above the largest active power is none.
pub(crate) fn charge_limit_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let percent = percent_of_largest(edit, value)?;
    charge_limit_pct(edit, percent)
}

/// The same of discharge, in force at once.
pub(crate) fn discharge_limit_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let percent = percent_of_largest(edit, value)?;
    discharge_limit_pct(edit, percent)
}

fn percent_of_largest(edit: &Edit<'_>, value_w: f64) -> Result<f64, Refusal> {
    if value_w >= 0.0 {
        Ok((value_w / so_far(edit).capacity.active_max_w * 100.0).min(100.0))
    } else {
        Err(Refusal::Value)
    }
}

/// The cap of discharge that is in force, in percent.
pub(crate) fn discharge_limit_in_force_pct(view: &UnitView) -> f64 {
    let control = &view.control;
    if control.discharge_limit_enabled { control.discharge_limit_pct } else { 100.0 }
}

/// Switches a function on or off; what it excludes goes off.
pub(crate) fn function(
    edit: &mut Edit<'_>,
    function: FunctionName,
    value: f64,
) -> Result<(), Refusal> {
    let is_on = switch(value)?;
    let present: FunctionSet = so_far(edit).functions;
    edit.change.functions =
        Some(if is_on { present.with(function) } else { present.without(function) });
    Ok(())
}

/// 1 has the unit run, 0 stops it.
pub(crate) fn run(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if switch(value)? { operate::run(edit) } else { operate::stop(edit) }
}

/// 1 has the unit run, 0 asks nothing.
pub(crate) fn start(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if switch(value)? { operate::run(edit) } else { Ok(()) }
}

/// 1 stops the unit, 0 asks nothing.
pub(crate) fn stop(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if switch(value)? { operate::stop(edit) } else { Ok(()) }
}

/// 1 presses the emergency stop, which is released at the unit; 0 asks nothing.
pub(crate) fn emergency_stop(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if switch(value)? { edit.act(UnitAction::EmergencyStop) } else { Ok(()) }
}
