//! Which events are meant: `"unit.state", unit=victim, value=fault`.

use super::error::ExprError;
use super::names::Names;
use crate::sight::{EVENTS, EventName, Says, Seen, Story, Targets};
use bess_core::alarm::{ALARMS, AlarmCode, AlarmLevel};
use bess_core::id::UnitId;
use bess_core::state::UnitState;
use bess_core::time::Tick;

/// Events of one name that fit.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPattern {
    name: EventName,
    who: Who,
    code: Option<AlarmCode>,
    level: Option<AlarmLevel>,
    value: Option<f64>,
    is_nonzero: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Anybody,
    Target(usize),
    Unit(UnitId),
}

/// Fields of a pattern: `target` and `unit` are the same.
const FIELDS: [&str; 6] = ["unit", "target", "code", "level", "value", "nonzero"];

impl EventPattern {
    /// The pattern of the events called `name` with these fields: `unit` or `target` (a target of the
    /// scenario, or a unit by its name), `code`, `level`, `value`, `nonzero`.
    ///
    /// # Errors
    /// The index of the field that is to blame, `None` for the name, and why; the span is empty.
    pub fn new(
        name: &str,
        fields: &[(&str, &str)],
        names: &Names<'_>,
    ) -> Result<Self, (Option<usize>, ExprError)> {
        let no = |message: String| ExprError::new(0..0, message);
        let Some(event) = EventName::find(name) else {
            let known: Vec<&str> = EVENTS.iter().map(|row| row.name).collect();
            return Err((None, no(format!("there is no event `{name}`")).among(name, &known)));
        };
        let mut pattern = Self {
            name: event,
            who: Who::Anybody,
            code: None,
            level: None,
            value: None,
            is_nonzero: None,
        };
        for (index, (field, value)) in fields.iter().enumerate() {
            pattern.set(field, value, names).map_err(|error| (Some(index), error))?;
        }
        Ok(pattern)
    }

    fn set(&mut self, field: &str, value: &str, names: &Names<'_>) -> Result<(), ExprError> {
        let no = |message: String| ExprError::new(0..0, message);
        let says = self.name.row().says;
        let fits = match field {
            "unit" | "target" => true,
            "code" | "level" => says == Says::Alarm,
            "value" => matches!(says, Says::State | Says::Power),
            "nonzero" => says == Says::Power,
            _ => {
                let error = no(format!("an event has no `{field}`"));
                return Err(error.among(field, &FIELDS));
            }
        };
        if !fits {
            let name = self.name.name();
            return Err(no(format!("the event {name} has no `{field}`")));
        }
        match field {
            "unit" | "target" => self.who = who(value, names)?,
            "code" => self.code = Some(alarm_code(value).map_err(no_place)?),
            "level" => self.level = Some(alarm_level(value).map_err(no_place)?),
            "value" if says == Says::State => {
                self.value = Some(state(value).map_err(no_place)? as u8 as f64);
            }
            "value" => {
                let number = value.parse::<f64>().ok().filter(|power| power.is_finite());
                let error = no(format!("`value` is a power in W, got {value}"));
                self.value = Some(number.ok_or(error)?);
            }
            _ => {
                let error = no(format!("`nonzero` is true or false, got {value}"));
                self.is_nonzero = Some(value.parse().map_err(|_| error)?);
            }
        }
        Ok(())
    }

    /// The name of the events.
    pub fn name(&self) -> EventName {
        self.name
    }

    /// Whether this is one of them.
    pub fn fits(&self, seen: &Seen, targets: &Targets) -> bool {
        let who = match (self.who, seen.unit) {
            (Who::Anybody, _) => true,
            (Who::Unit(unit), Some(seen)) => unit == seen,
            (Who::Target(index), Some(unit)) => match (targets.get(index), seen.rack_idx) {
                (Some(target), _) => target.units.get(unit.idx()).copied().unwrap_or(false),
                (None, _) => false,
            },
            (_, None) => false,
        };
        who && self.code.is_none_or(|code| seen.alarm.is_some_and(|(c, _)| c == code))
            && self.level.is_none_or(|level| seen.alarm.is_some_and(|(_, l)| l == level))
            && self.value.is_none_or(|value| (seen.value - value).abs() <= value.abs() * 1e-9)
            // A power that nobody can tell is not known to be zero.
            && self.is_nonzero.is_none_or(|nonzero| nonzero != (seen.value.abs() <= 0.0))
    }
    /// Those since `tick`, oldest first; `None` where some of that time are no longer kept.
    pub fn since<'s>(
        &'s self,
        tick: Tick,
        story: &'s Story,
        targets: &'s Targets,
    ) -> Option<impl Iterator<Item = &'s Seen>> {
        let events = story.since(self.name, tick)?;
        Some(events.filter(move |seen| self.fits(seen, targets)))
    }
    /// The newest one.
    pub fn last<'s>(&self, story: &'s Story, targets: &Targets) -> Option<&'s Seen> {
        story.kept(self.name).rev().find(|seen| self.fits(seen, targets))
    }
}

fn who(value: &str, names: &Names<'_>) -> Result<Who, ExprError> {
    if let Some((place, kind)) = names.target(value) {
        if kind.has_units() {
            return Ok(Who::Target(place));
        }
        let message = format!("{value} is a {}: it has no units", kind.name());
        return Err(ExprError::new(0..0, message));
    }
    if let Some(unit) = names.spec().find_unit(value) {
        return Ok(Who::Unit(unit));
    }
    let units = names.spec().units.iter().map(|unit| unit.name.as_str());
    let known: Vec<&str> = names.target_names().chain(units).collect();
    let message = format!("there is no target and no unit `{value}`");
    Err(ExprError::new(0..0, message).among(value, &known))
}

fn no_place((message, known): (String, Vec<&'static str>)) -> ExprError {
    let name = message.rsplit('`').nth(1).unwrap_or_default().to_owned();
    ExprError::new(0..0, message).among(&name, &known)
}

type Unknown = (String, Vec<&'static str>);

/// The alarm called `name`.
pub(super) fn alarm_code(name: &str) -> Result<AlarmCode, Unknown> {
    let found = ALARMS.iter().find(|alarm| alarm.name == name).map(|alarm| alarm.code);
    let known = || ALARMS.iter().map(|alarm| alarm.name).collect();
    found.ok_or_else(|| (format!("there is no alarm `{name}`"), known()))
}
/// The level of an alarm called `name`.
pub(super) fn alarm_level(name: &str) -> Result<AlarmLevel, Unknown> {
    let found = AlarmLevel::ALL.into_iter().find(|level| level.name() == name);
    let known = || AlarmLevel::ALL.map(AlarmLevel::name).to_vec();
    found.ok_or_else(|| (format!("there is no level `{name}` of alarms"), known()))
}
/// The state of a unit called `name`.
pub(super) fn state(name: &str) -> Result<UnitState, Unknown> {
    let found = UnitState::ALL.into_iter().find(|state| state.name() == name);
    let known = || UnitState::ALL.map(UnitState::name).to_vec();
    found.ok_or_else(|| (format!("there is no state `{name}` of units"), known()))
}
