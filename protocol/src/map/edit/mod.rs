//! What a write asks: the registers of one request gathered into the commands that it becomes.
//!
//! A request is all or nothing. The fields are taken first and change nothing; a refused one refuses
//! the request. Values and enables land in one `ControlUnit`, so their order in the request does not
//! matter; operations of the unit and then of its racks follow it. `controls` takes what the unit holds,
//! `settings` what it is rated down to and how it enters service, `operate` what it does. What depends on several registers of a request, as a curve that is adopted,
//! is settled after all of them were taken.

pub(super) mod controls;
pub(super) mod operate;
pub(super) mod settings;
pub(super) mod vendor;

use super::desk::LaterRoom;
use super::source::Sight;
use bess_core::UnitId;
use bess_core::command::{
    Command, ControlChange, FunctionsChange, Origin, RackAction, UnitAction, UnitControl,
};
use bess_core::control::FunctionName;
use bess_core::snapshot::UnitState;
use bess_core::spec::UnitDesign;
use bess_core::units::{Vars, Watts};
use settings::Held;
use std::fmt;
use std::sync::Arc;

/// Why a register does not take what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The register does not exist or is not writable: exception 2.
    Address,
    /// The register does not take this value: exception 3.
    Value,
    /// The value is good, but not in the present state: exception 4.
    State,
    /// The register is not for the role of the writer: exception 2.
    Role,
    /// The map says that the register answers so.
    Exception(u8),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "a register is not in the map or not writable",
            Self::Value => "a register does not take this value, or only a part of it is written",
            Self::State => "not in the present state",
            Self::Exception(_) => "the map says so",
            Self::Role => "the listener's role does not allow to write this register",
        })
    }
}

/// Puts a value, in the unit of its register, into the edit.
pub(crate) type Put = fn(&mut Edit<'_>, f64) -> Result<(), Refusal>;
/// The same of a setting that is finer than its register.
pub(crate) type PutSetting = fn(&mut Edit<'_>, Held) -> Result<(), Refusal>;
/// The same for the rack with this index in its unit.
pub(crate) type PutRack = fn(&mut Edit<'_>, usize, f64) -> Result<(), Refusal>;

/// What a writable register does with what is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    /// It takes a value; the word that means "not available" is none.
    Value(Put),
    /// It takes a value of a setting that is finer than the register.
    Setting(PutSetting),
    /// It takes any word, as a counter that wraps does.
    Counter(Put),
    /// It takes a value for the rack with this index.
    Rack(PutRack, usize),
}

/// What a field does with what is written.
#[derive(Clone, Debug)]
pub(crate) enum Writer {
    /// As a row of one of our tables says.
    Row(Write),
    /// Something of its own.
    Own(Arc<dyn OwnWrite>),
}

/// A write with something of its own to remember: where a curve is staged, what a map file says.
pub(crate) trait OwnWrite: Send + Sync + fmt::Debug {
    /// Takes `words`, which cover the register, into the edit; `value` is what they hold, `None` for
    /// text and "not available".
    ///
    /// # Errors
    /// When the register does not take it.
    fn take(&self, edit: &mut Edit<'_>, value: Option<f64>, words: &[u16]) -> Result<(), Refusal>;
}

/// What is settled when all registers of a request were taken.
pub(crate) trait Late: Send + Sync + fmt::Debug {
    /// Makes of the edit what follows from its registers; `false` where that is not possible: then the
    /// request changes nothing but what it staged.
    ///
    /// # Errors
    /// When the request must be refused.
    fn settle(&self, edit: &mut Edit<'_>) -> Result<bool, Refusal>;
    /// Whether everything that was to be settled was.
    fn told(&self, _edit: &mut Edit<'_>, _is_done: bool) {}
}

impl Write {
    /// Puts just this value into the edit.
    ///
    /// # Errors
    /// When the register does not take it.
    pub(crate) fn put(self, edit: &mut Edit<'_>, value: f64) -> Result<(), Refusal> {
        match self {
            Self::Value(put) | Self::Counter(put) => put(edit, value),
            Self::Setting(put) => put(edit, Held { value, step: 0.0 }),
            Self::Rack(put, rack_idx) => put(edit, rack_idx, value),
        }
    }

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
    functions: Option<Box<FunctionsChange>>,
    /// Functions that registers of this request switch.
    switched: Vec<(FunctionName, bool)>,
    memory: Vec<(usize, Vec<u16>)>,
    staged: Vec<(u16, u16)>,
    /// What is to take effect later, with the number of ticks until then.
    delayed: Vec<(u64, Edit<'s>)>,
    if_refused: Vec<(u16, u16)>,
    late: Vec<Arc<dyn Late>>,
    farm_active_w: Option<f64>,
    farm_reactive_var: Option<f64>,
    farm_in_force: Option<bool>,
}

/// What a request leaves at the desk of its device.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) memory: Vec<(usize, Vec<u16>)>,
    pub(crate) staged: Vec<(u16, u16)>,
    /// Commands to take effect after so many ticks.
    pub(crate) later: Vec<(u64, Command)>,
    /// Room for them.
    pub(crate) room: Option<LaterRoom>,
    /// Who asked for them.
    pub(crate) origin: Option<Origin>,
    /// What to stage besides when the command was accepted here and the loop refuses it.
    pub(crate) if_refused: Vec<(u16, u16)>,
}

impl<'s> Edit<'s> {
    /// An edit that asks nothing yet.
    pub(crate) fn new(sight: Sight<'s>) -> Self {
        Self {
            sight,
            change: ControlChange::default(),
            actions: Vec::new(),
            racks: Vec::new(),
            functions: None,
            switched: Vec::new(),
            memory: Vec::new(),
            staged: Vec::new(),
            delayed: Vec::new(),
            if_refused: Vec::new(),
            late: Vec::new(),
            farm_active_w: None,
            farm_reactive_var: None,
            farm_in_force: None,
        }
    }

    /// What the request sees.
    pub(crate) fn sight(&self) -> Sight<'s> {
        self.sight
    }

    /// Scratch memory from `offset` on is to hold `words`.
    pub(crate) fn remember(&mut self, offset: usize, words: &[u16]) {
        self.memory.push((offset, words.to_vec()));
    }

    /// The register `key` of the device is to hold `word` until something is made of it.
    pub(crate) fn stage(&mut self, key: u16, word: u16) {
        self.staged.push((key, word));
    }

    /// The edit of what is to take effect after so many ticks.
    pub(crate) fn delayed(&mut self, ticks: u64) -> &mut Self {
        let known = self.delayed.iter().position(|(of, _)| *of == ticks);
        let index = known.unwrap_or_else(|| {
            self.delayed.push((ticks, Self::new(self.sight)));
            self.delayed.len() - 1
        });
        &mut self.delayed[index].1
    }

    /// The word that this request stages for the register `key`.
    pub(crate) fn staged_now(&self, key: u16) -> Option<u16> {
        self.staged.iter().rev().find(|(known, _)| *known == key).map(|(_, word)| *word)
    }

    /// The word of the register `key` as this request leaves it, if one was ever staged.
    pub(crate) fn staged(&self, key: u16) -> Option<u16> {
        self.staged_now(key).or_else(|| self.sight.desk().staged(key))
    }

    /// Control settings to change.
    pub(crate) fn change_mut(&mut self) -> &mut ControlChange {
        &mut self.change
    }

    /// The register `key` is to hold `word` if the loop refuses what was accepted here.
    pub(crate) fn stage_if_refused(&mut self, key: u16, word: u16) {
        self.if_refused.push((key, word));
    }

    /// Settles `late` when all registers were taken, once.
    pub(crate) fn later(&mut self, late: Arc<dyn Late>) {
        if !self.late.iter().any(|known| Arc::ptr_eq(known, &late)) {
            self.late.push(late);
        }
    }

    /// Settles what was left for when all registers were taken.
    ///
    /// # Errors
    /// When the request must be refused.
    pub(crate) fn settle(&mut self) -> Result<(), Refusal> {
        let late = std::mem::take(&mut self.late);
        let mut is_done = true;
        for one in &late {
            is_done &= one.settle(self)?;
        }
        if !is_done {
            // Nothing of the unit changes by half of a request.
            self.change = ControlChange::default();
            self.functions = None;
            self.actions.clear();
            self.racks.clear();
        }
        late.iter().for_each(|one| one.told(self, is_done));
        Ok(())
    }

    /// Settings of the unit's functions to change.
    pub(crate) fn functions(&mut self) -> &mut FunctionsChange {
        self.functions.get_or_insert_default()
    }

    /// What the desk of the device is to keep when the command of the edit was taken, and what is to
    /// take effect later.
    ///
    /// # Errors
    /// When fields of the latter contradict each other or the present state.
    pub(crate) fn notes(&mut self) -> Result<Notes, Refusal> {
        let mut later = Vec::new();
        for (ticks, mut edit) in std::mem::take(&mut self.delayed) {
            edit.settle()?;
            later.extend(edit.command()?.map(|command| (ticks, command)));
        }
        Ok(Notes {
            memory: std::mem::take(&mut self.memory),
            staged: std::mem::take(&mut self.staged),
            if_refused: std::mem::take(&mut self.if_refused),
            later,
            ..Notes::default()
        })
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
        let operates =
            !self.actions.is_empty() || !self.racks.is_empty() || self.functions.is_some();
        if self.change != ControlChange::default() || !operates {
            commands.push(Command::ControlUnit { unit, change: self.change });
        }
        let configure = |change| Command::ConfigureUnit { unit, change };
        commands.extend(self.functions.map(configure));
        let operate = |action| Command::OperateUnit { unit, action };
        commands.extend(self.actions.into_iter().map(operate));
        let operate_rack = |(rack_idx, action)| Command::OperateRack { unit, rack_idx, action };
        commands.extend(self.racks.into_iter().map(operate_rack));
        Ok(commands)
    }

    fn farm_commands(self) -> Result<Vec<Command>, Refusal> {
        let in_force = self.sight.farm.setpoint;
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
pub(crate) fn switch(value: f64) -> Result<bool, Refusal> {
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
