//! What a write asks: the registers of one request gathered into the commands that it becomes.
//!
//! A request is all or nothing. The fields are taken first and change nothing; a refused one refuses
//! the request. Values and enables land in one `ControlUnit`, so their order in the request does not
//! matter; operations of the unit and then of its racks follow it. `controls` takes what the unit holds,
//! `operate` what it does.

pub(super) mod controls;
pub(super) mod operate;

use super::source::Sight;
use bess_core::UnitId;
use bess_core::command::{Command, ControlChange, RackAction, UnitAction, UnitControl};
use bess_core::snapshot::UnitState;
use bess_core::spec::UnitDesign;
use bess_core::units::{Vars, Watts};
use std::fmt;

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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "a register is not in the map or not writable",
            Self::Value => "a register does not take this value, or only a part of it is written",
            Self::State => "not in the present state",
        })
    }
}

/// Puts a value, in the unit of its register, into the edit.
pub(crate) type Put = fn(&mut Edit<'_>, f64) -> Result<(), Refusal>;
/// The same for the rack with this index in its unit.
pub(crate) type PutRack = fn(&mut Edit<'_>, usize, f64) -> Result<(), Refusal>;

/// What a writable register does with what is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    /// It takes a value; the word that means "not available" is none.
    Value(Put),
    /// It takes any word, as a counter that wraps does.
    Counter(Put),
    /// It takes a value for the rack with this index.
    Rack(PutRack, usize),
}

impl Write {
    /// The same in the repetition `rack_idx` of a group.
    pub(crate) fn of_rack(self, rack_idx: usize) -> Self {
        match self {
            Self::Rack(put, _) => Self::Rack(put, rack_idx),
            other => other,
        }
    }
}

/// A write request in the making.
#[derive(Debug)]
pub(crate) struct Edit<'s> {
    sight: Sight<'s>,
    change: ControlChange,
    actions: Vec<UnitAction>,
    racks: Vec<(usize, RackAction)>,
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
            racks: Vec::new(),
            farm_active_w: None,
            farm_reactive_var: None,
            farm_in_force: None,
        }
    }

    /// The one command that the request becomes. A request to a unit that asks for what is so already
    /// becomes a change of nothing: it is a sign of life and stands in the audit. One to the plant
    /// becomes nothing.
    ///
    /// # Errors
    /// When fields contradict each other or the present state.
    pub(crate) fn command(self) -> Result<Option<Command>, Refusal> {
        let mut commands = match self.sight.unit {
            Some(unit) => self.unit_commands(unit)?,
            None => self.farm_commands()?,
        };
        Ok(match commands.len() {
            0 => None,
            1 => commands.pop(),
            _ => Some(Command::Batch(commands)),
        })
    }

    fn unit_commands(self, unit: UnitId) -> Result<Vec<Command>, Refusal> {
        let mut control = self.control();
        self.change.apply(&mut control);
        control.check().map_err(|_| Refusal::Value)?;
        let mut commands = Vec::new();
        let operates = !self.actions.is_empty() || !self.racks.is_empty();
        if self.change != ControlChange::default() || !operates {
            commands.push(Command::ControlUnit { unit, change: self.change });
        }
        let operate = |action| Command::OperateUnit { unit, action };
        commands.extend(self.actions.into_iter().map(operate));
        let operate_rack = |(rack_idx, action)| Command::OperateRack { unit, rack_idx, action };
        commands.extend(self.racks.into_iter().map(operate_rack));
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

    /// The present settings of the unit, without those of this request.
    fn control(&self) -> UnitControl {
        self.sight.view().map_or_else(UnitControl::default, |view| view.control)
    }

    /// The design of the unit; the plant has none, and binds nothing that asks for one.
    fn design(&self) -> Result<&'s UnitDesign, Refusal> {
        self.sight.spec().map(|spec| &*spec.design).ok_or(Refusal::Address)
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

/// `value` if it is from `min` to `max`; the last digit of a rating is no reason to refuse.
fn within(value: f64, min: f64, max: f64) -> Result<f64, Refusal> {
    let slack = 1e-9 * max.abs().max(min.abs());
    if (min - slack..=max + slack).contains(&value) { Ok(value) } else { Err(Refusal::Value) }
}
