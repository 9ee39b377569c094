//! Times of a scenario as a whole: nothing waits for itself, nothing lies beyond the end.

use super::part::Part;
use super::scenario::{
    Action, After, Anchor, Every, Expectation, ExpectationKind, Recovery, Scenario, Start,
};
use crate::text::in_words;
use bess_core::config::Section;
use std::time::Duration;

/// Reports what can never come, or comes after the end.
pub(super) fn check(root: &Part<'_, '_, '_>, scenario: &Scenario) {
    let sections = root.section.sections("timeline");
    let whole = scenario.duration;
    if sections.len() != scenario.timeline.len() || whole.is_zero() {
        return;
    }
    let mut times = Times::new(&scenario.timeline);
    for (place, (action, section)) in scenario.timeline.iter().zip(&sections).enumerate() {
        let Some(begin) = times.begin(place) else {
            let message = format!("the action `{}` waits for itself", action.id);
            section.report(section.span_of("after"), message, None);
            continue;
        };
        if let Start::After(After { anchor: Anchor::End(other), .. }) = &action.start {
            never_ends(section, &scenario.timeline[*other]);
        }
        let key = match action.start {
            Start::At(_) => "at",
            Start::After(_) => "after",
            Start::When { .. } => "when",
        };
        if begin >= whole {
            too_late(section, key, &format!("`{}` begins", action.id), begin, whole);
            continue;
        }
        if let Some(end) = action.duration.map(|duration| begin + duration)
            && end > whole
        {
            too_late(section, "duration", &format!("`{}` ends", action.id), end, whole);
        }
        if let Some(repeat) = &action.repeat
            && let Every::Fixed(every) = repeat.every
            && let Some(last) =
                u32::try_from(repeat.count - 1).ok().and_then(|n| every.checked_mul(n))
            && begin + last >= whole
        {
            let what = format!("`{}` begins for the last time", action.id);
            too_late(section, "repeat", &what, begin + last, whole);
        }
    }
    let sections = root.section.sections("expectations");
    for expectation in &scenario.expectations {
        let section = sections.iter().find(|section| section.text_or("id", "") == expectation.id);
        if let Some(section) = section {
            self::expectation(section, expectation, scenario, &mut times);
        }
    }
}

fn too_late(
    section: &Section<'_, '_>,
    key: &'static str,
    what: &str,
    at: Duration,
    whole: Duration,
) {
    let words = |time: Duration| in_words(time.as_secs_f64());
    let message =
        format!("{what} at {} or later: the scenario ends at {}", words(at), words(whole));
    section.report(section.span_of(key), message, None);
}

fn never_ends(section: &Section<'_, '_>, action: &Action) {
    let ends = action.lasts().is_some_and(|_| action.recovery != Recovery::Never);
    if !ends {
        let message = format!("`{}` has no end before that of the scenario", action.id);
        section.report(section.span_of("after"), message, Some("give it a `duration`".to_owned()));
    }
}

fn expectation(
    section: &Section<'_, '_>,
    expectation: &Expectation,
    scenario: &Scenario,
    times: &mut Times<'_>,
) {
    let whole = scenario.duration;
    let begin = match &expectation.after {
        None => Duration::ZERO,
        Some(after) => {
            if let Anchor::End(action) = after.anchor {
                never_ends(section, &scenario.timeline[action]);
            }
            let Some(begin) = times.after(after) else { return };
            if begin >= whole {
                let what = format!("`{}` is asked from", expectation.id);
                return too_late(section, "after", &what, begin, whole);
            }
            begin
        }
    };
    let (key, needs) = match &expectation.kind {
        ExpectationKind::Within { within, .. } => ("within", Some(*within)),
        ExpectationKind::Settles { within, hold, .. } => ("within", Some(*within + *hold)),
        ExpectationKind::Always { lasts, .. } | ExpectationKind::Never { lasts, .. } => {
            ("for", *lasts)
        }
        ExpectationKind::Eventually { within, .. } => ("within", *within),
        ExpectationKind::Count { window, .. } => ("window", *window),
        ExpectationKind::Sequence(_) => ("order", None),
    };
    if let Some(end) = needs.map(|needs| begin + needs)
        && end > whole
    {
        too_late(section, key, &format!("`{}` is decided", expectation.id), end, whole);
    }
}

/// The earliest begin of each action; what a condition or an event brings can come at once.
struct Times<'s> {
    actions: &'s [Action],
    found: Vec<Found>,
}

#[derive(Clone, Copy)]
enum Found {
    Not,
    Busy,
    At(Duration),
    Cycle,
}

impl<'s> Times<'s> {
    fn new(actions: &'s [Action]) -> Self {
        Self { actions, found: vec![Found::Not; actions.len()] }
    }

    /// `None` for one that waits for itself. Without recursion: a chain may be long.
    fn begin(&mut self, action: usize) -> Option<Duration> {
        let mut open = vec![action];
        while let Some(place) = open.last().copied() {
            let start = match &self.actions[place].start {
                Start::At(at) => Some(*at),
                Start::When { .. } => Some(Duration::ZERO),
                Start::After(after) => match (after.action(), self.found[place]) {
                    (Some(other), Found::Not) if matches!(self.found[other], Found::Not) => {
                        self.found[place] = Found::Busy;
                        open.push(other);
                        continue;
                    }
                    (Some(other), _) => match self.found[other] {
                        Found::At(_) => self.known(after),
                        Found::Not | Found::Busy | Found::Cycle => None,
                    },
                    (None, _) => Some(after.delay),
                },
            };
            self.found[place] = start.map_or(Found::Cycle, Found::At);
            open.pop();
        }
        match self.found[action] {
            Found::At(begin) => Some(begin),
            _ => None,
        }
    }
    fn after(&mut self, after: &After) -> Option<Duration> {
        if let Some(action) = after.action() {
            self.begin(action)?;
        }
        self.known(after)
    }
    /// The time after one that is known.
    fn known(&self, after: &After) -> Option<Duration> {
        let begin = |action: usize| match self.found[action] {
            Found::At(begin) => Some(begin),
            _ => None,
        };
        match after.anchor {
            Anchor::Begin(action) => Some(begin(action)? + after.delay),
            Anchor::End(action) => {
                let lasts = self.actions[action].lasts().unwrap_or_default();
                Some(begin(action)? + lasts + after.delay)
            }
            Anchor::Event(_) => Some(after.delay),
        }
    }
}

impl After {
    /// The action that it counts from.
    pub fn action(&self) -> Option<usize> {
        match self.anchor {
            Anchor::Begin(action) | Anchor::End(action) => Some(action),
            Anchor::Event(_) => None,
        }
    }
}
