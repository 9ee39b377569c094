//! What a request would change: the answer of a dry run.
//!
//! The loop has said that it would take the request. Here its settings are laid over those of the
//! snapshot, both are written as the resources show them, and what differs is told. Settings alone: in
//! which states units come, and what flows then, only ticks can tell.

use crate::routes::BASE;
use crate::routes::clock::ClockAnswer;
use crate::routes::links::Link;
use crate::routes::plant::PlantAnswer;
use crate::routes::points::Forced;
use crate::routes::units::{Control, FunctionsAnswer};
use crate::wire::{FieldChange, Num};
use bess_core::command::{ClockCommand, Command, RackAction, Request, UnitAction};
use bess_core::control::UnitFunctions;
use bess_core::force::{self, ForcedPoint};
use bess_core::id::UnitId;
use bess_core::link::{self, ActiveLink};
use bess_core::snapshot::{ClockMode, ClockView, Snapshot};
use bess_core::spec::PlantSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The settings that `request` would change, in the order of its commands.
pub(crate) fn changes(snapshot: &Snapshot, request: &Request) -> Vec<FieldChange> {
    let mut preview = Preview { snapshot, changes: Vec::new() };
    match request {
        Request::Control(command) => preview.command(command),
        Request::Clock(commands) => preview.clock(commands),
        // They change no setting.
        Request::Check(_)
        | Request::Stage(_)
        | Request::ShowCells(_)
        | Request::Noted { .. }
        | Request::Refused { .. } => {}
    }
    preview.changes
}

struct Preview<'s> {
    snapshot: &'s Snapshot,
    changes: Vec<FieldChange>,
}

impl Preview<'_> {
    /// Notes what differs between two looks of a part of a resource, or of the whole of it.
    fn note(
        &mut self,
        resource: &str,
        part: &str,
        before: &impl Serialize,
        after: &impl Serialize,
    ) {
        // Answers are maps with names for keys and numbers: they always serialise.
        let value = |look: Result<Value, _>| look.unwrap_or_default();
        let (before, after) =
            (value(serde_json::to_value(before)), value(serde_json::to_value(after)));
        self.differ(&format!("{BASE}/{resource}"), part, before, after);
    }

    fn differ(&mut self, resource: &str, path: &str, before: Value, after: Value) {
        match (before, after) {
            (Value::Object(before), Value::Object(mut after)) => {
                for (name, before) in before {
                    let after = after.remove(&name).unwrap_or_default();
                    self.differ(resource, &inner(path, &name), before, after);
                }
                for (name, after) in after {
                    self.differ(resource, &inner(path, &name), Value::Null, after);
                }
            }
            (before, after) if before == after => {}
            (before, after) => {
                let (resource, field) = (resource.to_owned(), path.to_owned());
                self.changes.push(FieldChange { resource, field, before, after });
            }
        }
    }

    fn command(&mut self, command: &Command) {
        let snapshot = self.snapshot;
        match command {
            Command::ControlUnit { unit, change } => {
                let before = &snapshot.units[unit.idx()];
                let mut after = *before;
                change.apply(&mut after.control);
                let resource = format!("units/{}", unit.number());
                self.note(&resource, "control", &Control::from(before), &Control::from(&after));
            }
            Command::ConfigureUnit { unit, change } => {
                let before = &snapshot.functions[unit.idx()];
                let mut after = UnitFunctions::clone(before);
                change.apply(&mut after);
                let look = |functions| FunctionsAnswer::of(snapshot, *unit, functions);
                let resource = format!("units/{}/functions", unit.number());
                self.note(&resource, "", &look(before), &look(&after));
            }
            Command::OperateUnit { unit, action } => {
                let before = snapshot.units[unit.idx()].is_local;
                let after = match action {
                    UnitAction::Local => true,
                    UnitAction::Remote => false,
                    _ => before,
                };
                self.note(&format!("units/{}", unit.number()), "local", &before, &after);
            }
            Command::OperateRack { unit, rack_idx, action } => {
                let rack = snapshot.spec.units[unit.idx()].racks.start + rack_idx;
                let resource = format!("units/{}/racks", unit.number());
                let (before, after) =
                    (snapshot.racks[rack].enabled, *action == RackAction::Connect);
                self.note(&resource, &format!("racks[{rack_idx}].enabled"), &before, &after);
            }
            Command::SetFarmPower { active, reactive } => {
                let reactive = reactive.or(snapshot.farm.reactive_setpoint);
                self.farm_setpoint(Some(active.0), reactive.map(|power| power.0));
            }
            Command::ReleaseFarm => self.farm_setpoint(None, None),
            Command::ConfigurePlant(change) => {
                let mut after = PlantSettings::clone(&snapshot.plant);
                change.apply(&mut after);
                let look = |settings| PlantAnswer::of(snapshot, settings);
                self.note("farm/plant", "", &look(&snapshot.plant), &look(&after));
            }
            Command::SetLink(condition) => {
                self.links(link::with(&snapshot.link, condition, snapshot.tick).ok().as_deref());
            }
            Command::ClearLink { name } => {
                self.links(link::without(&snapshot.link, name.as_deref()).ok().as_deref());
            }
            Command::ForcePoint(point) => {
                self.forced(force::with(&snapshot.forced, point).ok().as_deref());
            }
            Command::ReleasePoint { unit, point } => {
                let after = force::without(&snapshot.forced, *unit, point.as_deref());
                self.forced(after.ok().as_deref());
            }
            Command::Batch(commands) => commands.iter().for_each(|command| self.command(command)),
            // What they change is no setting.
            Command::Disturb(_)
            | Command::SetGrid { .. }
            | Command::EndDisturbances { .. }
            | Command::SetAmbient(_)
            | Command::PoiMeter(_)
            | Command::PoiBreaker { .. }
            | Command::TransformerLimit(_)
            | Command::NoteFault { .. }
            | Command::PickUpLoad { .. }
            | Command::SetDefect { .. }
            | Command::NoteRequest { .. } => {}
        }
    }

    fn farm_setpoint(&mut self, active_w: Option<f64>, reactive_var: Option<f64>) {
        let look = |active_w: Option<f64>, reactive_var: Option<f64>| {
            json!({
                "setpoint_active_power_w": active_w.map(Num),
                "setpoint_reactive_power_var": reactive_var.map(Num),
            })
        };
        let farm = &self.snapshot.farm;
        let before =
            look(farm.setpoint.map(|power| power.0), farm.reactive_setpoint.map(|power| power.0));
        self.note("farm", "", &before, &look(active_w, reactive_var));
    }

    /// Link conditions by their names; `None` where the loop has refused them meanwhile.
    fn links(&mut self, after: Option<&[Arc<ActiveLink>]>) {
        let snapshot = self.snapshot;
        let look = |links: &[Arc<ActiveLink>]| -> Map<String, Value> {
            let shown = links.iter().map(|link| {
                let look = serde_json::to_value(Link::of(snapshot, link));
                (link.condition.name.clone(), look.unwrap_or_default())
            });
            shown.collect()
        };
        if let Some(after) = after {
            self.note("links", "", &look(&snapshot.link), &look(after));
        }
    }

    /// Forced points by their names, those of units after the unit's number.
    fn forced(&mut self, after: Option<&[ForcedPoint]>) {
        let look = |points: &[ForcedPoint]| -> Map<String, Value> {
            let shown = points.iter().map(|point| {
                let unit = point.unit.map(UnitId::number).unwrap_or_default();
                let look = serde_json::to_value(Forced::from(point));
                (format!("{unit}/{}", point.point), look.unwrap_or_default())
            });
            shown.collect()
        };
        if let Some(after) = after {
            self.note("farm/forced", "", &look(&self.snapshot.forced), &look(after));
        }
    }

    fn clock(&mut self, commands: &[ClockCommand]) {
        let mut after: ClockView = self.snapshot.clock;
        for command in commands {
            match *command {
                ClockCommand::Pause => (after.mode, after.steps_left) = (ClockMode::Paused, 0),
                ClockCommand::Resume => (after.mode, after.steps_left) = (ClockMode::Running, 0),
                ClockCommand::SetSpeed(speed) => after.speed = speed,
                ClockCommand::Step(ticks) => {
                    after.mode = ClockMode::Paused;
                    after.steps_left = after.steps_left.saturating_add(ticks);
                }
            }
        }
        let look = |clock| ClockAnswer::of(self.snapshot, clock);
        let (before, after) = (look(&self.snapshot.clock), look(&after));
        self.note("clock", "", &before, &after);
    }
}

fn inner(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
