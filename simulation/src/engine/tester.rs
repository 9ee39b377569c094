//! What testers do to the wire: link conditions and forced points. Kept here because a run is a value;
//! the edges obey them, no unit sees them.

use super::Engine;
use bess_core::command::{Command, Rejection};
use bess_core::event::{Event, EventKind};
use bess_core::force::{self, ForcedValue};
use bess_core::id::UnitId;
use bess_core::link::{self, ActiveLinks, LinkCondition};
use bess_core::time::{Moment, Tick};
use std::sync::Arc;

impl Engine {
    /// Refuses what does not agree with the conditions and forced points that there are.
    pub(super) fn check_tester(&self, command: &Command) -> Result<(), Rejection> {
        match command {
            Command::SetLink(condition) => link::with(&self.link, condition, self.tick).map(drop),
            Command::ClearLink { name } => link::without(&self.link, name.as_deref()).map(drop),
            Command::ForcePoint(point) => force::with(&self.forced, point).map(drop),
            Command::ReleasePoint { unit, point } => {
                force::without(&self.forced, *unit, point.as_deref()).map(drop)
            }
            Command::Batch(commands) => {
                commands.iter().try_for_each(|command| self.check_tester(command))
            }
            _ => Ok(()),
        }
    }

    /// Applies a command that passed; one of a batch that no longer fits changes nothing.
    pub(super) fn apply_tester(&mut self, command: &Command) {
        let at = Moment::within(self.tick.next(), 0.0);
        match command {
            Command::SetLink(condition) => {
                if let Ok(after) = link::with(&self.link, condition, self.tick) {
                    self.change_links(after, at);
                }
            }
            Command::ClearLink { name } => {
                if let Ok(after) = link::without(&self.link, name.as_deref()) {
                    self.change_links(after, at);
                }
            }
            Command::ForcePoint(point) => {
                if let Ok(after) = force::with(&self.forced, point) {
                    self.forced = after;
                }
            }
            Command::ReleasePoint { unit, point } => {
                if let Ok(after) = force::without(&self.forced, *unit, point.as_deref()) {
                    self.forced = after;
                }
            }
            _ => {}
        }
    }

    /// Ends the conditions whose first tick without them is `tick`, at its start.
    pub(super) fn end_links(&mut self, tick: Tick) {
        let lasts = |condition: &LinkCondition| condition.until.is_none_or(|until| until > tick);
        if self.link.iter().all(|link| lasts(&link.condition)) {
            return;
        }
        let after = self.link.iter().filter(|link| lasts(&link.condition)).map(Arc::clone);
        self.change_links(after.collect(), Moment::within(tick, 0.0));
    }

    /// The next tick at whose start a condition ends.
    pub(super) fn next_link_end(&self) -> Option<u64> {
        self.link.iter().filter_map(|link| link.condition.until).map(|until| until.0).min()
    }

    /// Puts other conditions in force, with an event for each that ends and each that begins.
    fn change_links(&mut self, after: ActiveLinks, at: Moment) {
        let before = std::mem::replace(&mut self.link, after);
        for (on, of, among) in [(false, &before, &self.link), (true, &self.link, &before)] {
            for link in of.iter().filter(|link| !among.iter().any(|o| Arc::ptr_eq(o, link))) {
                let LinkCondition { effect, scope, .. } = &link.condition;
                let kind = EventKind::Link { effect: *effect, on };
                self.event_room.push(Event { at, unit: scope.unit, kind });
            }
        }
    }

    /// Every bit of them, without the counters.
    pub(super) fn hash_tester_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for link in self.link.iter() {
            hash_link(sink, &link.condition);
            sink(&link.since.0.to_le_bytes());
        }
        for point in self.forced.iter() {
            hash_unit(sink, point.unit);
            hash_text(sink, &point.point);
            match &point.value {
                ForcedValue::Number(value) => {
                    sink(&[0]);
                    sink(&value.to_le_bytes());
                }
                ForcedValue::Words(words) => {
                    // There is at least one.
                    sink(&[words.len() as u8]);
                    words.iter().for_each(|word| sink(&word.to_le_bytes()));
                }
            }
        }
    }
}

fn hash_link(sink: &mut dyn FnMut(&[u8]), condition: &LinkCondition) {
    let LinkCondition { name, effect, scope, probability, seed, until } = condition;
    hash_text(sink, name);
    sink(&[effect.position() as u8]);
    effect.parameters().iter().for_each(|(_, value)| sink(&value.to_le_bytes()));
    hash_text(sink, scope.listener.as_deref().unwrap_or_default());
    hash_unit(sink, scope.unit);
    sink(&[scope.functions.len() as u8]);
    sink(&scope.functions);
    let (first, last) = scope.registers.unwrap_or((u16::MAX, 0));
    sink(&first.to_le_bytes());
    sink(&last.to_le_bytes());
    hash_text(sink, &scope.peer.map(|peer| peer.to_string()).unwrap_or_default());
    sink(&probability.to_le_bytes());
    sink(&seed.to_le_bytes());
    sink(&until.map_or(0, |until| until.0).to_le_bytes());
}

/// Its length first, so that two texts cannot be told as one.
fn hash_text(sink: &mut dyn FnMut(&[u8]), text: &str) {
    sink(&(text.len() as u32).to_le_bytes());
    sink(text.as_bytes());
}

fn hash_unit(sink: &mut dyn FnMut(&[u8]), unit: Option<UnitId>) {
    sink(&unit.map_or(0, UnitId::number).to_le_bytes());
}
