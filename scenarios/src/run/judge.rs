//! How one check comes to its result, from what is seen of it tick by tick.

use crate::format::{Expectation, ExpectationKind};
use bess_core::stage::CheckState;
use bess_core::time::{TICK_S, Tick};
use std::time::Duration;

/// The way of one check from its begin to its result.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    rule: Rule,
    /// The instant from which it is asked.
    pub from: Option<Tick>,
    /// Its result so far.
    pub state: CheckState,
    /// When it was decided.
    pub decided: Option<Tick>,
    /// When it did not hold for the first time.
    pub violated: Option<Tick>,
    /// What was seen, in a sentence.
    pub seen: String,
    /// Ticks at which what it asks about was not there.
    absent: u64,
    /// Whether it was not there at the last look.
    is_absent: bool,
}

#[derive(Clone, Debug)]
enum Rule {
    /// True in time, and then for a while.
    Becomes { within: Option<u64>, hold: u64, streak: Option<Tick> },
    /// As expected all the time.
    Stays { expected: bool, lasts: Option<u64> },
    /// Events in order.
    Sequence { within: Vec<Option<u64>>, names: Vec<String>, next: usize, last: Tick },
    /// A number of events.
    Count { window: Option<u64>, min: Option<u64>, max: Option<u64>, n: u64 },
}

/// Ticks of a duration: the first one at or after it.
pub(super) fn ticks(duration: Duration) -> u64 {
    const TICK: u128 = 100_000_000;
    u64::try_from(duration.as_nanos().div_ceil(TICK)).unwrap_or(u64::MAX)
}

impl Judge {
    fn new(rule: Rule) -> Self {
        Self {
            rule,
            from: None,
            state: CheckState::Pending,
            decided: None,
            violated: None,
            seen: String::new(),
            absent: 0,
            is_absent: false,
        }
    }
    /// Of an expectation.
    pub(super) fn of(expectation: &Expectation) -> Self {
        Self::new(match &expectation.kind {
            ExpectationKind::Within { within, hold, .. }
            | ExpectationKind::Settles { within, hold, .. } => {
                Rule::Becomes { within: Some(ticks(*within)), hold: ticks(*hold), streak: None }
            }
            ExpectationKind::Eventually { within, .. } => {
                Rule::Becomes { within: within.map(ticks), hold: 0, streak: None }
            }
            ExpectationKind::Always { lasts, .. } => {
                Rule::Stays { expected: true, lasts: lasts.map(ticks) }
            }
            ExpectationKind::Never { lasts, .. } => {
                Rule::Stays { expected: false, lasts: lasts.map(ticks) }
            }
            ExpectationKind::Sequence(steps) => Rule::Sequence {
                within: steps.iter().map(|step| step.within.map(ticks)).collect(),
                names: steps.iter().map(|step| step.pattern.event.clone()).collect(),
                next: 0,
                last: Tick(0),
            },
            ExpectationKind::Count { window, min, max, .. } => {
                Rule::Count { window: window.map(ticks), min: *min, max: *max, n: 0 }
            }
        })
    }
    /// Of something that is to be true all the time, for so many ticks or to the end.
    pub(super) fn stays(lasts: Option<u64>) -> Self {
        Self::new(Rule::Stays { expected: true, lasts })
    }

    /// Whether it has begun and has no result yet.
    pub(super) fn is_open(&self) -> bool {
        self.from.is_some() && self.state == CheckState::Pending
    }
    /// Whether it is still without a result.
    pub(super) fn is_pending(&self) -> bool {
        self.state == CheckState::Pending
    }
    /// Begins after the instant `at`, the end of a tick.
    pub(super) fn begin(&mut self, at: Tick) {
        self.from = Some(at);
        if let Rule::Sequence { last, .. } = &mut self.rule {
            *last = at;
        }
    }
    /// Until when it is asked, where it says so.
    pub(super) fn until(&self) -> Option<Tick> {
        let length = match &self.rule {
            Rule::Becomes { within, hold, .. } => within.map(|within| within + hold),
            Rule::Stays { lasts, .. } => *lasts,
            Rule::Sequence { within, .. } => {
                within.iter().copied().try_fold(0, |sum, within| within.map(|within| sum + within))
            }
            Rule::Count { window, .. } => *window,
        };
        Some(Tick(self.from?.0.saturating_add(length?)))
    }

    /// Looks at the end of the tick `now` whether it is so; `None` where what it asks about is not there.
    /// `what` says what was seen, asked for only where it decides.
    pub(super) fn look(&mut self, now: Tick, truth: Option<bool>, what: &dyn Fn() -> String) {
        let (Some(from), CheckState::Pending) = (self.from, self.state) else { return };
        if now <= from {
            return;
        }
        let age = now.0 - from.0;
        self.is_absent = truth.is_none();
        self.absent += u64::from(self.is_absent);
        match &mut self.rule {
            Rule::Becomes { within, hold, streak } => {
                let in_time = within.is_none_or(|within| age <= within);
                if truth == Some(true) {
                    // It may begin to be so in time only.
                    if streak.is_none() && in_time {
                        *streak = Some(now);
                    }
                    if let Some(since) = *streak
                        && now.0 - since.0 >= *hold
                    {
                        let after_s = (since.0 - from.0) as f64 * TICK_S;
                        return self.decide(
                            CheckState::Passed,
                            now,
                            format!("after {after_s:.1} s"),
                        );
                    }
                } else {
                    if truth == Some(false) && self.violated.is_none() && streak.is_some() {
                        self.violated = Some(now);
                    }
                    *streak = None;
                }
                if !within.is_none_or(|within| age < within) && streak.is_none() {
                    self.run_out(now, "not in time", what);
                }
            }
            Rule::Stays { expected, lasts } => {
                let lasts = *lasts;
                if truth.is_some_and(|truth| truth != *expected) {
                    self.violated = Some(now);
                    let after_s = age as f64 * TICK_S;
                    let seen = format!("after {after_s:.1} s: {}", what());
                    return self.decide(CheckState::Failed, now, seen);
                }
                if lasts.is_some_and(|lasts| age >= lasts) {
                    self.complete(now);
                }
            }
            Rule::Sequence { .. } | Rule::Count { .. } => {}
        }
    }

    /// Looks at the events of the tick `now`, in order; `fits` says whether an event is that of a step
    /// (0 for a count).
    pub(super) fn events<E>(&mut self, now: Tick, events: &[E], fits: &dyn Fn(usize, &E) -> bool) {
        let (Some(from), CheckState::Pending) = (self.from, self.state) else { return };
        if now <= from {
            return;
        }
        match &mut self.rule {
            Rule::Sequence { within, names, next, last } => {
                for event in events {
                    let in_time = within[*next].is_none_or(|within| now.0 - last.0 <= within);
                    if in_time && fits(*next, event) {
                        *next += 1;
                        *last = now;
                        if *next == names.len() {
                            let after_s = (now.0 - from.0) as f64 * TICK_S;
                            let seen = format!("the last one after {after_s:.1} s");
                            return self.decide(CheckState::Passed, now, seen);
                        }
                    }
                }
                if let Some(within) = within[*next]
                    && now.0 - last.0 >= within
                {
                    let seen = missing(names, *next);
                    self.violated = Some(now);
                    self.decide(CheckState::Failed, now, seen);
                }
            }
            Rule::Count { window, min, max, n } => {
                *n += events.iter().filter(|event| fits(0, event)).count() as u64;
                let (n, min) = (*n, *min);
                let is_over = window.is_some_and(|window| now.0 - from.0 >= window);
                if max.is_some_and(|max| n > max) {
                    self.violated = Some(now);
                    self.decide(CheckState::Failed, now, format!("{n} came"));
                } else if is_over {
                    self.counted(now, n, min);
                }
            }
            Rule::Becomes { .. } | Rule::Stays { .. } => {}
        }
    }

    /// The run is over after the tick `now`: decides what is still open. `is_full` says that the time
    /// line ran to its end.
    pub(super) fn finish(&mut self, now: Tick, is_full: bool, what: &dyn Fn() -> String) {
        if self.state != CheckState::Pending {
            return;
        }
        if self.from.is_none() {
            let seen = "what it begins with never came".to_owned();
            return self.decide(CheckState::Inconclusive, now, seen);
        }
        // Its own time may be longer than the run.
        let is_cut = self.until().is_some_and(|until| until > now) || !is_full;
        match &self.rule {
            _ if is_cut => {
                let seen = "the run ended before its time was over".to_owned();
                self.decide(CheckState::Inconclusive, now, seen);
            }
            Rule::Becomes { .. } => self.run_out(now, "not until the end", what),
            Rule::Stays { .. } => self.complete(now),
            Rule::Sequence { names, next, .. } => {
                let seen = missing(names, *next);
                self.violated = Some(now);
                self.decide(CheckState::Failed, now, seen);
            }
            Rule::Count { n, min, .. } => self.counted(now, *n, *min),
        }
    }

    /// Gives it a result from outside.
    pub(super) fn decide(&mut self, state: CheckState, now: Tick, seen: String) {
        (self.state, self.decided, self.seen) = (state, Some(now), seen);
    }

    fn counted(&mut self, now: Tick, n: u64, min: Option<u64>) {
        let state = if min.is_some_and(|min| n < min) {
            self.violated = Some(now);
            CheckState::Failed
        } else {
            CheckState::Passed
        };
        self.decide(state, now, format!("{n} came"));
    }
    /// Its time is over and it was not so.
    fn run_out(&mut self, now: Tick, why: &str, what: &dyn Fn() -> String) {
        if self.is_absent {
            return self.decide(CheckState::Inconclusive, now, self.absence());
        }
        self.violated = self.violated.or(Some(now));
        self.decide(CheckState::Failed, now, format!("{why}: {}", what()));
    }
    /// Its time is over and nothing spoke against it.
    fn complete(&mut self, now: Tick) {
        if self.absent > 0 {
            return self.decide(CheckState::Inconclusive, now, self.absence());
        }
        self.decide(CheckState::Passed, now, "all the time".to_owned());
    }
    fn absence(&self) -> String {
        let absent_s = self.absent as f64 * TICK_S;
        format!("what it asks about was not there for {absent_s:.1} s")
    }
}

fn missing(names: &[String], next: usize) -> String {
    let missing =
        format!("{} (number {} of {}) did not come in time", names[next], next + 1, names.len());
    if next == 0 { missing } else { format!("after {}: {missing}", names[next - 1]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(within: u64, hold: u64) -> Judge {
        begun(Rule::Becomes { within: Some(within), hold, streak: None })
    }
    fn begun(rule: Rule) -> Judge {
        let mut judge = Judge::new(rule);
        judge.begin(Tick(100));
        judge
    }
    /// Looks at ticks 101, 102, …: `1` true, `0` false, `?` absent.
    fn look(mut judge: Judge, truths: &str) -> (CheckState, Option<u64>) {
        for (after, truth) in truths.chars().enumerate() {
            let truth = match truth {
                '1' => Some(true),
                '0' => Some(false),
                _ => None,
            };
            judge.look(Tick(101 + after as u64), truth, &String::new);
        }
        (judge.state, judge.decided.map(|tick| tick.0 - 100))
    }
    use CheckState::{Failed, Inconclusive, Passed, Pending};

    #[test]
    fn it_becomes_true_in_time_and_stays_so_as_long_as_asked() {
        assert_eq!(look(becomes(3, 0), "001"), (Passed, Some(3)));
        assert_eq!(look(becomes(3, 0), "000"), (Failed, Some(3)));
        assert_eq!(look(becomes(3, 0), "00"), (Pending, None));
        assert_eq!(look(becomes(3, 0), "0001"), (Failed, Some(3)), "too late");
        assert_eq!(look(becomes(3, 2), "00111"), (Passed, Some(5)), "the holding may end later");
        assert_eq!(look(becomes(3, 2), "0011"), (Pending, None));
        assert_eq!(look(becomes(3, 2), "00110"), (Failed, Some(5)), "broken after its time");
        assert_eq!(look(becomes(4, 2), "101110"), (Passed, Some(5)), "again within its time");
    }

    #[test]
    fn what_was_not_there_in_the_end_is_inconclusive() {
        assert_eq!(look(becomes(3, 0), "???"), (Inconclusive, Some(3)));
        assert_eq!(look(becomes(3, 0), "?01"), (Passed, Some(3)));
        assert_eq!(look(becomes(3, 0), "?00"), (Failed, Some(3)));
        assert_eq!(look(becomes(3, 2), "01?1"), (Inconclusive, Some(3)));
    }

    fn stays(expected: bool) -> Judge {
        begun(Rule::Stays { expected, lasts: Some(4) })
    }

    #[test]
    fn it_stays_so_all_the_time_or_fails_at_once() {
        assert_eq!(look(stays(true), "1111"), (Passed, Some(4)));
        assert_eq!(look(stays(true), "1101"), (Failed, Some(3)));
        assert_eq!(look(stays(false), "0000"), (Passed, Some(4)));
        assert_eq!(look(stays(false), "0001"), (Failed, Some(4)));
        assert_eq!(look(stays(true), "1?11"), (Inconclusive, Some(4)), "never passed unseen");
        assert_eq!(look(stays(true), "1?10"), (Failed, Some(4)), "but failed where seen");
    }

    #[test]
    fn before_its_begin_nothing_is_looked_at() {
        let mut judge = Judge::new(Rule::Stays { expected: true, lasts: None });
        judge.look(Tick(5), Some(false), &String::new);
        assert!(judge.is_pending() && !judge.is_open());
        judge.begin(Tick(5));
        judge.look(Tick(5), Some(false), &String::new);
        assert!(judge.is_open());
        judge.look(Tick(6), Some(false), &String::new);
        assert_eq!(judge.state, Failed);
    }

    fn sequence(within: [Option<u64>; 2]) -> Judge {
        let names = vec!["a".to_owned(), "b".to_owned()];
        begun(Rule::Sequence { within: within.into(), names, next: 0, last: Tick(0) })
    }
    fn hear(mut judge: Judge, ticks: &[&str]) -> (CheckState, Option<u64>) {
        for (after, events) in ticks.iter().enumerate() {
            let events: Vec<char> = events.chars().collect();
            let fits = |step: usize, event: &char| *event == ['a', 'b'][step];
            judge.events(Tick(101 + after as u64), &events, &fits);
        }
        (judge.state, judge.decided.map(|tick| tick.0 - 100))
    }

    #[test]
    fn events_come_in_their_order_with_others_between_them() {
        assert_eq!(hear(sequence([None, None]), &["x", "a", "x", "b"]), (Passed, Some(4)));
        assert_eq!(hear(sequence([None, None]), &["ab"]), (Passed, Some(1)), "in one tick");
        assert_eq!(hear(sequence([None, None]), &["ba"]), (Pending, None), "the wrong way round");
        assert_eq!(hear(sequence([Some(2), None]), &["", "", "a"]), (Failed, Some(2)));
        assert_eq!(hear(sequence([None, Some(2)]), &["a", "", "b"]), (Passed, Some(3)));
        assert_eq!(hear(sequence([None, Some(2)]), &["a", "", "", "b"]), (Failed, Some(3)));
    }

    #[test]
    fn too_many_events_fail_at_once_and_too_few_at_the_end() {
        let count = |min, max| begun(Rule::Count { window: Some(3), min, max, n: 0 });
        assert_eq!(hear(count(Some(2), None), &["a", "", "a"]), (Passed, Some(3)));
        assert_eq!(hear(count(Some(2), None), &["a", "", ""]), (Failed, Some(3)));
        assert_eq!(hear(count(None, Some(1)), &["aa"]), (Failed, Some(1)));
        assert_eq!(hear(count(None, Some(0)), &["", "", ""]), (Passed, Some(3)));
    }

    #[test]
    fn the_end_of_the_run_decides_what_is_open() {
        let end = |mut judge: Judge, is_full| {
            judge.finish(Tick(102), is_full, &String::new);
            judge.state
        };
        let to_the_end = || begun(Rule::Stays { expected: true, lasts: None });
        assert_eq!(end(to_the_end(), true), Passed);
        assert_eq!(end(to_the_end(), false), Inconclusive, "the run was cut short");
        assert_eq!(end(stays(true), true), Inconclusive, "its time is longer than the run");
        let eventually = begun(Rule::Becomes { within: None, hold: 0, streak: None });
        assert_eq!(end(eventually, true), Failed);
        assert_eq!(end(sequence([None, None]), true), Failed);
        let count = |min| begun(Rule::Count { window: None, min, max: None, n: 0 });
        assert_eq!((end(count(Some(1)), true), end(count(None), true)), (Failed, Passed));
        let mut never_begun = Judge::new(Rule::Stays { expected: true, lasts: None });
        never_begun.finish(Tick(9), true, &String::new);
        assert_eq!(never_begun.state, Inconclusive);
    }

    #[test]
    fn a_duration_is_rounded_up_to_ticks() {
        let ticks = |ms| ticks(Duration::from_millis(ms));
        assert_eq!([ticks(0), ticks(1), ticks(100), ticks(101), ticks(5000)], [0, 1, 1, 2, 50]);
    }
}
