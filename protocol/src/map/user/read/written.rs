//! What writing a value does: what it takes, when it takes effect, what it reads as then.

use super::super::field::{Cell, ILLEGAL_VALUE, Kept, Lock, Otherwise, Readback, Shown, Taker};
use super::place::Place;
use super::point::{Access, Told};
use super::value::Bound;
use super::{Block, FaceReader};
use crate::map::source::Source;
use bess_core::config::{Bounds, Section};
use std::sync::Arc;

/// Longest delay in s of what is written (engineering choice).
const DELAY_MAX_S: f64 = 600.0;

impl FaceReader<'_> {
    /// What people should know besides.
    pub(super) fn notes(&self, section: &Section<'_, '_>, told: &Told) -> String {
        let number = &told.number;
        let mut notes = Vec::new();
        if number.scale.offset() != 0.0 {
            notes.push(format!("plus {}", number.scale.offset()));
        }
        if number.is_magnitude {
            notes.push("magnitude".to_owned());
        }
        if let Some(bits) = number.missing {
            notes.push(format!("{bits:#x} is not available"));
        }
        if told.access == Access::Write {
            notes.push("write only".to_owned());
        }
        if let Some((low, high)) = self.span_of_values(section, "range", number, told.counting) {
            notes.push(format!("takes {low} to {high}"));
        }
        for (key, note) in [("write_once", "written once"), ("self_clearing", "clears itself")] {
            if section.bool_or(key, false) {
                notes.push(note.to_owned());
            }
        }
        let delay_s = section.f64_or("delay_s", 0.0, Bounds::within(0.0, DELAY_MAX_S));
        if delay_s > 0.0 {
            notes.push(format!("takes effect after {delay_s} s"));
        }
        notes.join(", ")
    }

    /// Where a value comes from when it is read, and what writing it does.
    pub(super) fn behaviour(
        &mut self,
        section: &Section<'_, '_>,
        told: &Told,
    ) -> (Source, Option<Taker>) {
        let Told { bound, number, counting, access, place, .. } = told;
        let range = self.span_of_values(section, "range", number, *counting);
        let on_invalid = self.on_invalid(section, bound);
        let is_once = section.bool_or("write_once", false);
        let delay_s = section.f64_or("delay_s", 0.0, Bounds::within(0.0, DELAY_MAX_S));
        let delay_ticks = (delay_s * bess_core::time::TICKS_PER_S as f64).round() as u64;
        let clears = section.bool_or("self_clearing", false);
        let readbacks = [("actual", Readback::Actual), ("written", Readback::Written)];
        let readback = section.choice_or("readback", Readback::Actual, &readbacks);
        let Some(effect) = bound.effect.filter(|_| access.writes()) else {
            for key in ["range", "on_invalid", "write_once", "delay_s", "self_clearing", "readback"]
            {
                section.refuse(key, "is for what can be written", "add `access = \"rw\"`");
            }
            return (bound.source.clone(), None);
        };
        if delay_ticks > 0 && !effect.acts() {
            let message = "`delay_s` is for what takes effect; this is only kept".to_owned();
            section.report(section.span_of("delay_s"), message, None);
        }
        if clears && section.has("readback") {
            let message = "what clears itself has no `readback`".to_owned();
            section.report(section.span_of("readback"), message, None);
        }
        let readback = if clears { Readback::SelfClearing } else { readback };
        let kept = (readback != Readback::Actual).then(|| Kept::at(self.take_memory(Kept::LEN)));
        let once = is_once.then(|| Cell(self.take_memory(Cell::LEN)));
        let source = match kept {
            Some(kept) => {
                let source = bound.source.clone();
                Source::Own(Arc::new(Shown { source, kept, readback, delay_ticks }))
            }
            None => bound.source.clone(),
        };
        let locks = self.locks_of(place);
        let taker = Taker {
            effect,
            number: number.clone(),
            is_counter: bound.is_counter,
            source: source.clone(),
            range,
            on_invalid,
            kept,
            once,
            delay_ticks,
            locks,
        };
        (source, Some(taker))
    }

    /// The locks that shut this register.
    pub(super) fn locks_of(&self, place: &Place) -> Vec<Lock> {
        let shuts = |block: &&Block<Lock>| {
            let is_within = (u32::from(block.from)..=block.to.into()).contains(&place.address);
            is_within && place.tables.contains(&block.table)
        };
        self.locks.iter().filter(shuts).map(|block| block.what).collect()
    }

    fn on_invalid(&self, section: &Section<'_, '_>, bound: &Bound) -> Otherwise {
        if !section.has("on_invalid") {
            return Otherwise::Refuse(ILLEGAL_VALUE);
        }
        let text = section.text("on_invalid");
        let named = bound.names.iter().find(|(name, _)| *name == text);
        let code = text.strip_prefix("exception-").and_then(|code| code.parse().ok());
        match (text.as_str(), code, named) {
            ("ignore", ..) => Otherwise::Ignore,
            ("clamp", ..) if section.has("range") => Otherwise::Clamp,
            (_, Some(code @ 1..=11), _) => Otherwise::Refuse(code),
            (_, _, Some((_, value))) => Otherwise::Value(f64::from(*value)),
            _ => {
                let message = format!(
                    "`on_invalid` must be \"exception-1\" to \"exception-11\", \"ignore\", \"clamp\" \
                     (with a `range`) or a value of the point, got \"{text}\""
                );
                section.report(section.span_of("on_invalid"), message, None);
                Otherwise::Refuse(ILLEGAL_VALUE)
            }
        }
    }
}
