//! Writes that operate a unit, its racks or the farm. Asking for what is so already asks nothing.

use super::{Edit, Refusal, switch};
use crate::map::controls::{MODE_FUNCTIONS, MODE_PQ, MODE_STANDBY, MODE_STOP, mode_of};
use crate::map::source::RackSight;
use bess_core::command::{RackAction, UnitAction};
use bess_core::control::{FunctionName, FunctionSet};
use bess_core::snapshot::UnitState;

/// 1 resets; the register goes back to 0 by itself, and writing 0 asks nothing.
pub(crate) fn alarm_reset(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if switch(value)? {
        edit.act(UnitAction::ResetAlarms)?;
    }
    Ok(())
}

/// 715.OpCtl.
pub(crate) fn operation(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.act(match value {
        0.0 => UnitAction::Stop,
        1.0 => UnitAction::Start,
        2.0 => UnitAction::EnterStandby,
        3.0 => UnitAction::ExitStandby,
        _ => return Err(Refusal::Value),
    })
}

/// 802.SetOp moves the contactors: connect brings a unit up to standby, disconnect stops it.
pub(crate) fn contactors(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let state = edit.state();
    match value {
        // Contactors closed, or about to close.
        1.0 if state.row().is_connected && state != UnitState::Stopping => Ok(()),
        1.0 if state.is_starting() => Ok(()),
        1.0 => edit.act(UnitAction::EnterStandby),
        2.0 => stop(edit),
        _ => Err(Refusal::Value),
    }
}

/// 123.Conn: connect brings a unit up to run, disconnect stops it.
pub(crate) fn connect(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if switch(value)? { run(edit) } else { stop(edit) }
}

/// 123.VArPct_Mod: 2 is percent of the largest reactive power; there is no other mode.
pub(crate) fn of_largest_reactive(_: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if value == 2.0 { Ok(()) } else { Err(Refusal::Value) }
}

/// 802.SetInvState tells the battery what its converter does. Both are one unit here, which knows.
pub(crate) fn inverter_told(_: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if (1.0..=3.0).contains(&value) { Ok(()) } else { Err(Refusal::Value) }
}

/// Stops a unit, also one that is off: a start may be on its way to the loop.
pub(super) fn stop(edit: &mut Edit<'_>) -> Result<(), Refusal> {
    edit.act(UnitAction::Stop)
}

/// Has a unit run, however far on its way up it is.
pub(super) fn run(edit: &mut Edit<'_>) -> Result<(), Refusal> {
    match edit.state() {
        UnitState::Standby => edit.act(UnitAction::ExitStandby),
        UnitState::Synchronising => Ok(()),
        state if state.converts() && state != UnitState::Stopping => Ok(()),
        _ => edit.act(UnitAction::Start),
    }
}

/// The compact map's mode word: stop, standby, setpoints alone, or one function alone. Maintenance and
/// several functions are read only.
pub(crate) fn mode(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let present = edit.sight.view().map(mode_of);
    // Whole from 0 to 65,534: it was a register.
    let wanted = value as u16;
    let functions = match wanted {
        // Tripped shows as stopped too, and would come back.
        MODE_STOP => return stop(edit),
        _ if present == Some(wanted) && wanted < MODE_PQ => return Ok(()),
        MODE_STANDBY => return edit.act(UnitAction::EnterStandby),
        MODE_PQ => FunctionSet::default(),
        _ => {
            let position = usize::from(wanted - MODE_FUNCTIONS);
            match FunctionName::ALL.get(position) {
                Some((_, function)) => FunctionSet::default().with(*function),
                // Read only, but a block may be written back as it was read.
                None if present == Some(wanted) => return Ok(()),
                None => return Err(Refusal::Value),
            }
        }
    };
    if edit.control().functions != functions {
        edit.change.functions = Some(functions);
    }
    run(edit)
}

/// 803.StrSetEna and StrSetCon: 1 lets the string take part, 2 takes it out.
pub(crate) fn string(edit: &mut Edit<'_>, rack_idx: usize, value: f64) -> Result<(), Refusal> {
    let rack_idx = edit.sight.rack_shown(rack_idx);
    let action = match value {
        1.0 => RackAction::Connect,
        2.0 => RackAction::Disconnect,
        _ => return Err(Refusal::Value),
    };
    match edit.racks.iter().find(|(known, _)| *known == rack_idx) {
        Some((_, known)) if *known == action => return Ok(()),
        Some(_) => return Err(Refusal::Value),
        None => {}
    }
    let RackSight { rack, view, .. } = edit.sight.rack(rack_idx).ok_or(Refusal::Address)?;
    let is_so = match action {
        // The strings of a unit that is off follow it.
        RackAction::Connect => rack.enabled && (rack.connected || !view.state.row().is_connected),
        RackAction::Disconnect => !rack.enabled,
    };
    if !is_so {
        edit.racks.push((rack_idx, action));
    }
    Ok(())
}

/// 804.SetEna and SetCon, which go back to 0 by themselves; writing 0 asks nothing.
pub(crate) fn string_once(edit: &mut Edit<'_>, rack_idx: usize, value: f64) -> Result<(), Refusal> {
    if value == 0.0 { Ok(()) } else { string(edit, rack_idx, value) }
}

/// A register whose only setting is 0, off.
pub(crate) fn off_only(_: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if value == 0.0 { Ok(()) } else { Err(Refusal::Address) }
}

pub(crate) fn farm_active_w(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.farm_active_w = Some(value);
    Ok(())
}

pub(crate) fn farm_reactive_var(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.farm_reactive_var = Some(value);
    Ok(())
}

/// The plant's 704.WSetEna: 0 gives plant control back; 1 keeps it, or comes with a setpoint.
pub(crate) fn farm_active_enable(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.farm_in_force = Some(switch(value)?);
    Ok(())
}

/// The plant's 704.VarSetEna: 0 asks for 0 var; 1 keeps what is in force, or comes with a setpoint.
pub(crate) fn farm_reactive_enable(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let in_force = edit.sight.farm.reactive_setpoint.is_some();
    if !switch(value)? && in_force {
        edit.farm_reactive_var.get_or_insert(0.0);
    }
    Ok(())
}

/// The plant's mode word: 2 is under plant control, 0 gives it back.
pub(crate) fn farm_mode(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    edit.farm_in_force = Some(match value {
        0.0 => false,
        2.0 => true,
        _ => return Err(Refusal::Value),
    });
    Ok(())
}
