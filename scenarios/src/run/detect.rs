//! Which fault an observation is about.

use super::check::Check;
use super::fault::Fault;
use super::play::{Noticed, Run};
use super::verdict::stands_on;
use crate::format::Deed;
use bess_core::id::UnitId;
use bess_core::time::{TICKS_PER_S, Tick};

/// Ticks after the end of a fault in which what somebody notices may still be it [engineering choice].
const AFTERMATH_TICKS: u64 = 60 * TICKS_PER_S;

/// Whether an action is something that should be noticed: an order that the built-in EMS carries out is
/// none.
pub(super) fn is_to_be_noticed(deed: Deed) -> bool {
    matches!(deed, Deed::Fault(kind) if !kind.is_order())
}

/// The words by which the expectations want faults to be noticed.
#[derive(Debug)]
pub(super) struct Words(Vec<(String, Vec<usize>)>);

impl Words {
    /// Those of a run: each word with the actions on which an expectation of it stands.
    pub(super) fn of(run: &Run) -> Self {
        let mut words: Vec<(String, Vec<usize>)> = Vec::new();
        // What must never be said is no word for a fault.
        for check in run.checks.iter().filter(|check| check.uses().sut && !check.is_never()) {
            let places = stands_on(check, run);
            for word in check.exprs().flat_map(|expr| asked(expr.text())) {
                match words.iter_mut().find(|(known, _)| known == word) {
                    Some((_, all)) => all.extend(&places),
                    None => words.push((word.to_owned(), places.clone())),
                }
            }
        }
        Self(words)
    }

    /// Whether the expectations want this word for the action at `place`.
    fn wants(&self, place: usize, word: &str) -> bool {
        self.0.iter().any(|(known, places)| known == word && places.contains(&place))
    }

    /// Whether it was noticed with this word: one of those that the expectations want for it, any where they
    /// want none.
    pub(super) fn detects(&self, place: usize, word: &str) -> bool {
        let wants_any = self.0.iter().any(|(_, places)| places.contains(&place));
        !wants_any || self.wants(place, word)
    }

    /// The fault that somebody noticed, with its begin, of those that are in force or just over and hit what
    /// the observation is about: one for which its word is wanted before others, and of these the last one.
    pub(super) fn noticed(&self, run: &Run, seen: &Noticed) -> Option<(usize, Tick)> {
        let actions = run.ready.scenario.timeline.iter().zip(&run.doings).enumerate();
        let began = actions.filter_map(|(place, (action, doing))| {
            if !is_to_be_noticed(action.deed) {
                return None;
            }
            let faults = doing.faults.iter().filter(|fault| {
                let over = fault.ended.is_some_and(|ended| ended.0 + AFTERMATH_TICKS < seen.at.0);
                fault.begun < seen.at && !over && hits(fault, seen.unit)
            });
            faults.map(|fault| fault.begun).max().map(|begun| (place, begun))
        });
        began.max_by_key(|(place, begun)| (self.wants(*place, &seen.what), *begun))
    }
}

/// Whether a fault is one of this unit, or of more than single units.
fn hits(fault: &Fault, unit: Option<UnitId>) -> bool {
    let mut targets = fault.targets();
    unit.is_none() || targets.any(|target| target.unit().is_none() || target.unit() == unit)
}

/// The words that an expression asks for: those of its `sut("...")`.
fn asked(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("sut").filter_map(|(at, _)| {
        let inside = text[at + 3..].trim_start().strip_prefix('(')?.trim_start();
        let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        inside[1..].split(quote).next()
    })
}

impl Check {
    fn is_never(&self) -> bool {
        self.kind() == "never"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_expression_are_those_that_it_asks_the_outside_system_for() {
        let of = |text| asked(text).collect::<Vec<_>>();
        assert_eq!(
            of(r#"sut("stale_data", target=dead) or sut( 'late' )"#),
            ["stale_data", "late"]
        );
        assert!(of("farm.soc > 0.5").is_empty());
    }
}
