//! What clients ask of the farm: who may, what is refused, the audit of it, and the events that follow.

use super::Engine;
use crate::unit::Unit;
use bess_core::audit::AuditRecord;
use bess_core::command::{
    Command, ControlSource, Origin, Rejection, UnitAction, find_unit, validate_with,
};
use bess_core::control::FunctionName;
use bess_core::id::UnitId;
use bess_core::role::Role;
use bess_core::snapshot::UnitState;
use std::sync::Arc;

impl Engine {
    /// Checks and applies a command; a refused one changes nothing but the count of refusals and the
    /// audit.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn apply(&mut self, command: &Command, source: ControlSource) -> Result<(), Rejection> {
        self.apply_from(command, &Origin::local(source), 0)
    }

    /// Like [`Engine::apply`], with where the command came from and the wall time for the audit (Unix
    /// nanoseconds, 0 for none).
    ///
    /// # Errors
    /// Why it is refused.
    pub fn apply_from(
        &mut self,
        command: &Command,
        origin: &Origin,
        wall_unix_ns: i64,
    ) -> Result<(), Rejection> {
        let result = self.try_apply(command, origin);
        match &result {
            // Nobody wrote anything.
            Ok(()) if matches!(command, Command::NoteRequest { .. }) => {}
            Ok(()) => self.commands_applied += 1,
            Err(rejection) => {
                self.commands_refused += 1;
                self.note_refusal(rejection);
            }
        }
        // A fault that changes its shape every second is on record with its begin and its end.
        let is_directed = origin.source == ControlSource::Scenario
            && result.is_ok()
            && !matches!(command, Command::NoteFault { .. });
        if !matches!(command, Command::NoteRequest { .. }) && !is_directed {
            let mut origin = origin.clone();
            if let (Some(write), Err(rejection)) = (&mut origin.modbus, &result) {
                write.exception = Some(rejection.modbus_exception());
            }
            self.note(AuditRecord {
                tick: self.tick,
                wall_unix_ns,
                origin,
                unit: command.unit(),
                what: command.describe(),
                needs: command.role(),
                refused: result.as_ref().err().map(ToString::to_string),
            });
        }
        result
    }

    /// Puts into the audit that an edge refused a write before it became a command; the record of it.
    pub fn note_refused(
        &mut self,
        origin: &Origin,
        unit: Option<UnitId>,
        what: String,
        reason: String,
        wall_unix_ns: i64,
    ) -> Arc<AuditRecord> {
        self.note_beside(AuditRecord {
            tick: self.tick,
            wall_unix_ns,
            origin: origin.clone(),
            unit: unit.filter(|unit| unit.idx() < self.units.len()),
            what,
            needs: Role::default(),
            refused: Some(reason),
        })
    }

    /// Puts into the audit what an edge did that is no command; the record of it.
    pub fn note_done(
        &mut self,
        origin: &Origin,
        what: String,
        needs: Role,
        wall_unix_ns: i64,
    ) -> Arc<AuditRecord> {
        self.note_beside(AuditRecord {
            tick: self.tick,
            wall_unix_ns,
            origin: origin.clone(),
            unit: None,
            what,
            needs,
            refused: None,
        })
    }

    /// Puts a record of what was no command into the audit, and counts it as applied or refused.
    pub fn note_beside(&mut self, record: AuditRecord) -> Arc<AuditRecord> {
        match record.refused {
            None => self.commands_applied += 1,
            Some(_) => self.commands_refused += 1,
        }
        self.note(record)
    }

    fn note(&mut self, record: AuditRecord) -> Arc<AuditRecord> {
        let record = Arc::new(record);
        Arc::make_mut(&mut self.audit).push(Arc::clone(&record));
        record
    }

    /// A reset that was refused counts at the alarm that is in its way.
    fn note_refusal(&mut self, rejection: &Rejection) {
        if let Rejection::ResetRefused { unit, .. } = rejection
            && let Some(unit) = self.spec.unit_by_number(*unit)
        {
            self.units[unit.idx()].refuse_reset(self.tick);
            self.gather_events_of(Some(unit));
        }
    }

    /// Takes the events that one unit has written, or all.
    fn gather_events_of(&mut self, unit: Option<UnitId>) {
        match unit {
            Some(unit) => {
                self.units[unit.idx()].take_events(&mut self.event_room);
                self.log_events();
            }
            None => self.gather_events(),
        }
    }

    /// Takes the events that the units have written, in the order of the units.
    pub(super) fn gather_events(&mut self) {
        let events = &mut self.event_room;
        self.units.iter_mut().for_each(|unit| unit.take_events(events));
        self.log_events();
    }

    pub(super) fn log_events(&mut self) {
        if self.event_room.is_empty() {
            return;
        }
        // A visit of several ticks brings each unit's events by themselves.
        self.event_room.sort_by_key(|event| event.at);
        let log = Arc::make_mut(&mut self.events);
        for event in self.event_room.drain(..) {
            self.counter.note_event(&event);
            log.push(event);
        }
    }

    /// Everything that may refuse a command from this origin now, without applying it.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn check(&self, command: &Command, origin: &Origin) -> Result<(), Rejection> {
        // The state in the units is fresher than their views when commands follow each other.
        let standing_of = |unit: UnitId| self.units[unit.idx()].standing();
        validate_with(&self.spec, &standing_of, command)?;
        self.check_master(command, origin)?;
        self.check_black_start(command)?;
        self.check_settings(command)?;
        self.plant.check(command)?;
        self.check_tester(command)
    }

    fn try_apply(&mut self, command: &Command, origin: &Origin) -> Result<(), Rejection> {
        self.check(command, origin)?;
        self.apply_checked(command, origin);
        if !matches!(command, Command::NoteRequest { .. }) {
            self.gather_events_of(command.unit());
        }
        Ok(())
    }

    /// Refuses what somebody may not ask of a unit now: it is under local control, or another master
    /// holds it.
    fn check_master(&self, command: &Command, origin: &Origin) -> Result<(), Rejection> {
        if origin.source == ControlSource::Scenario {
            // Nobody's switch keeps a scenario from its farm.
            return Ok(());
        }
        match command {
            Command::Batch(commands) => {
                commands.iter().try_for_each(|command| self.check_master(command, origin))
            }
            Command::OperateUnit { action, .. } if action.is_always_taken() => Ok(()),
            // Nothing is asked of the unit.
            Command::SetDefect { .. }
            | Command::NoteFault { .. }
            | Command::NoteRequest { .. }
            | Command::SetLink(_)
            | Command::ForcePoint(_)
            | Command::ReleasePoint { .. } => Ok(()),
            _ => command.unit().map_or(Ok(()), |unit| {
                self.units[unit.idx()].check_master(self.tick, self.spec.arbitration, origin)
            }),
        }
    }

    /// Refuses settings that do not agree with those that stay.
    fn check_settings(&self, command: &Command) -> Result<(), Rejection> {
        match command {
            Command::ControlUnit { unit, change }
                if change.sets_power() && self.units[unit.idx()].forms_island() =>
            {
                let reason = "the unit forms an island: its loads say what it gives";
                Err(Rejection::NotPossible { field: "active_power_w", reason: reason.to_owned() })
            }
            Command::ControlUnit { unit, change } => {
                let mut control = self.units[unit.idx()].control;
                change.apply(&mut control);
                control.check()
            }
            Command::Batch(commands) => {
                commands.iter().try_for_each(|command| self.check_settings(command))
            }
            _ => Ok(()),
        }
    }

    /// An island is made from a dead grid only, and by who may form one.
    fn check_black_start(&self, command: &Command) -> Result<(), Rejection> {
        let refuse = |reason: &str| {
            Err(Rejection::NotPossible { field: "action", reason: reason.to_owned() })
        };
        if let Command::Batch(commands) = command {
            let starts = |command: &&Command| {
                matches!(command, Command::OperateUnit { action: UnitAction::BlackStart, .. })
            };
            if commands.iter().filter(starts).count() > 1 {
                return refuse("only one unit can form an island");
            }
            return commands.iter().try_for_each(|command| self.check_black_start(command));
        }
        let Command::OperateUnit { unit, action: UnitAction::BlackStart } = command else {
            return Ok(());
        };
        if !self.units[unit.idx()].control.functions.has(FunctionName::GridForming) {
            return refuse("a black start needs the unit's function grid_forming on");
        }
        if self.around.last().is_some_and(|around| around.grid.is_energised_at_end()) {
            return refuse("the grid is there: a black start is for a dead one; start it instead");
        }
        let others = self.units.iter().filter(|other| other.id() != *unit);
        if others.into_iter().any(Unit::wants_island) {
            return refuse("another unit forms an island, or is about to; only one can");
        }
        Ok(())
    }

    pub(super) fn apply_checked(&mut self, command: &Command, origin: &Origin) {
        let now = self.tick;
        self.counter.note_applied(command, origin.source);
        if let Command::ConfigureUnit { unit, .. }
        | Command::OperateUnit { unit, .. }
        | Command::OperateRack { unit, .. } = command
        {
            self.units[unit.idx()].note_write(now, origin, self.spec.arbitration);
        }
        match command {
            Command::ControlUnit { unit, change } => {
                self.units[unit.idx()].change(now, change, origin, self.spec.arbitration);
                if change.enter_service.permitted.is_some() {
                    self.plant.split_again();
                }
            }
            Command::ConfigureUnit { unit, change } => {
                self.units[unit.idx()].configure(now, change);
            }
            Command::OperateUnit { unit, action } => {
                self.units[unit.idx()].operate(now, *action, origin.source);
                self.plant.split_again();
            }
            Command::OperateRack { unit, rack_idx, action } => {
                self.units[unit.idx()].operate_rack(*rack_idx, *action);
                self.plant.split_again();
            }
            Command::SetDefect { unit, defect } => {
                self.units[unit.idx()].set_defect(now, *defect);
            }
            Command::NoteRequest { unit } => self.units[unit.idx()].note_request(now),
            Command::SetFarmPower { active, reactive } => {
                let (plant, arbitration) =
                    (Origin::local(ControlSource::Plant), self.spec.arbitration);
                let may_take = |unit: &Unit| unit.check_master(now, arbitration, &plant).is_ok();
                self.plant.set(*active, *reactive, &mut self.units, &may_take);
            }
            Command::ReleaseFarm => self.plant.release(&mut self.units),
            Command::ConfigurePlant(change) => self.plant.configure(change, &mut self.units),
            Command::Disturb(disturbance) => self.grid.disturb(disturbance, now.next()),
            Command::SetGrid { .. }
            | Command::EndDisturbances { .. }
            | Command::SetAmbient(_)
            | Command::PoiMeter(_)
            | Command::PoiBreaker { .. }
            | Command::TransformerLimit(_)
            | Command::NoteFault { .. } => self.apply_site(command),
            Command::PickUpLoad { load_idx, fed } => {
                self.units.iter_mut().for_each(|unit| unit.feed_load(*load_idx, *fed));
            }
            Command::SetLink(_)
            | Command::ClearLink { .. }
            | Command::ForcePoint(_)
            | Command::ReleasePoint { .. } => self.apply_tester(command),
            Command::Batch(commands) => {
                commands.iter().for_each(|command| self.apply_checked(command, origin));
            }
        }
    }

    /// Whether the cells of `unit` can be shown.
    ///
    /// # Errors
    /// When there is no such unit, or its state left the numbers.
    pub fn check_cells(&self, unit: UnitId) -> Result<(), Rejection> {
        find_unit(&self.spec, unit)?;
        if self.units[unit.idx()].is_quarantined() {
            let state = UnitState::Fault;
            let reason = "its cells are not numbers any more";
            return Err(Rejection::WrongState { unit: unit.number(), state, reason });
        }
        Ok(())
    }
}
