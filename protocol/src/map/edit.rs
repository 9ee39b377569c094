//! What a write asks: the registers of one request gathered into the commands that it becomes.
//!
//! A request is all or nothing. The fields are taken first and change nothing; a refused one refuses
//! the request. Values and enables land in one `ControlUnit`, so their order in the request does not
//! matter; operations follow it.

use super::source::Sight;
use bess_core::command::{Command, ControlChange, PowerPriority, SetpointMode, UnitAction};
use bess_core::snapshot::UnitState;
use bess_core::units::{Vars, Watts};

/// Why a register does not take what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The register does not exist or is not writable: exception 2.
    Address,
    /// The register does not take this value: exception 3.
    Value,
    /// The value is good, but not in the present state: exception 4.
    State,
}

/// Puts a value, in the unit of its register, into the edit.
pub(crate) type Put = fn(&mut Edit<'_>, f64) -> Result<(), Refusal>;

/// What a writable register does with what is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    /// It takes a value; the word that means "not available" is none.
    Value(Put),
    /// It takes any word, as a counter that wraps does.
    Counter(Put),
}

/// A write request in the making.
#[derive(Debug)]
pub(crate) struct Edit<'s> {
    sight: Sight<'s>,
    change: ControlChange,
    actions: Vec<UnitAction>,
    farm_active_w: Option<f64>,
    farm_reactive_var: Option<f64>,
    farm_in_force: Option<bool>,
}

impl<'s> Edit<'s> {
    /// An edit that asks nothing yet.
    pub(crate) fn new(sight: Sight<'s>) -> Self {
        Self {
            sight,
            change: ControlChange::default(),
            actions: Vec::new(),
            farm_active_w: None,
            farm_reactive_var: None,
            farm_in_force: None,
        }
    }

    /// The commands in the order in which they must be applied.
    ///
    /// # Errors
    /// When fields contradict each other or the present state.
    pub(crate) fn commands(self) -> Result<Vec<Command>, Refusal> {
        let Some(unit) = self.sight.unit else {
            return self.farm_commands();
        };
        let mut commands = Vec::new();
        if self.change != ControlChange::default() {
            commands.push(Command::ControlUnit { unit, change: self.change });
        }
        let operate = |action| Command::OperateUnit { unit, action };
        commands.extend(self.actions.into_iter().map(operate));
        Ok(commands)
    }

    fn farm_commands(self) -> Result<Vec<Command>, Refusal> {
        let in_force = self.sight.snapshot.farm.setpoint;
        match (self.farm_active_w, self.farm_reactive_var, self.farm_in_force) {
            (None, None, None) => Ok(vec![]),
            (None, None, Some(false)) if in_force.is_some() => Ok(vec![Command::ReleaseFarm]),
            (None, None, Some(wanted)) if wanted == in_force.is_some() => Ok(vec![]),
            (Some(_), _, Some(false)) | (_, Some(_), Some(false)) => Err(Refusal::Value),
            (active_w, reactive_var, _) => {
                // Reactive power alone must not take the units over at a power that nobody gave.
                let active = active_w.map(Watts).or(in_force).ok_or(Refusal::State)?;
                Ok(vec![Command::SetFarmPower { active, reactive: reactive_var.map(Vars) }])
            }
        }
    }

    fn state(&self) -> UnitState {
        self.sight.view().map_or(UnitState::Off, |view| view.state)
    }

    fn act(&mut self, action: UnitAction) -> Result<(), Refusal> {
        self.actions.push(action);
        Ok(())
    }
}

/// The switch that an enable register holds.
fn switch(value: f64) -> Result<bool, Refusal> {
    match value {
        0.0 => Ok(false),
        1.0 => Ok(true),
        _ => Err(Refusal::Value),
    }
}

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

/// 802.SetOp moves the contactors; asking for what they do already asks nothing.
pub(crate) fn contactors(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    let closed = matches!(edit.state(), UnitState::Standby | UnitState::Running);
    match value {
        1.0 if closed => Ok(()),
        1.0 => edit.act(UnitAction::Start),
        2.0 if edit.state() == UnitState::Off => Ok(()),
        2.0 => edit.act(UnitAction::Stop),
        _ => Err(Refusal::Value),
    }
}

/// 802.SetInvState tells the battery what its converter does. Both are one unit here, which knows.
pub(crate) fn inverter_told(_: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    if (1.0..=3.0).contains(&value) { Ok(()) } else { Err(Refusal::Value) }
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

/// The compact map's mode word; the mode that a unit is in already asks nothing.
pub(crate) fn mode(edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
    match (value, edit.state()) {
        (0.0, UnitState::Off | UnitState::Fault)
        | (1.0, UnitState::Standby)
        | (2.0, UnitState::Running) => Ok(()),
        (0.0, _) => edit.act(UnitAction::Stop),
        (1.0, _) => edit.act(UnitAction::EnterStandby),
        (2.0, UnitState::Standby) => edit.act(UnitAction::ExitStandby),
        (2.0, _) => edit.act(UnitAction::Start),
        _ => Err(Refusal::Value),
    }
}

/// A register whose only setting so far is 0, off.
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
    let in_force = edit.sight.snapshot.farm.reactive_setpoint.is_some();
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
