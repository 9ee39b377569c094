//! How a run goes on, tick by tick.

use super::check::{Check, When};
use super::fault::Orders;
use super::judge::ticks;
use super::play::{Counters, Run};
use super::timeline::{Doing, Setting};
use super::verdict;
use crate::expr::EventPattern;
use crate::format::{Anchor, Recovery, RollbackPolicy, Start, SutMode};
use crate::report::Report;
use crate::sight::{Memory, Sight};
use bess_core::snapshot::Snapshot;
use bess_core::stage::{CheckState, Phase, Severity, Verdict};
use bess_core::stats::Stats;
use bess_core::time::Tick;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What a tick showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'s> {
    /// The farm.
    pub seen: &'s Snapshot,
    /// The farm without the faults, where one runs along.
    pub shadow: Option<&'s Snapshot>,
    /// Counters of the process.
    pub stats: &'s Stats,
}

/// What a run leaves when it is done.
#[derive(Debug)]
pub(super) struct Left {
    /// Its report.
    pub report: Report,
    /// Whether latched alarms are to be reset.
    pub resets: bool,
}

impl Run {
    /// Looks at the end of a tick; what it leaves where it is done with it.
    pub(super) fn saw(&mut self, shown: Shown<'_>, orders: &mut Orders) -> Option<Left> {
        if self.is_done() {
            return None;
        }
        let Shown { seen, shadow, stats } = shown;
        self.eyes.story.note(seen);
        if self.uses.transport {
            self.eyes.link.note(stats);
        }
        let ready = Arc::clone(&self.ready);
        if self.record.is_some() {
            self.eyes.resolve_moving(&ready.scenario, self.chance, seen);
            let in_baseline = self.phase == Phase::Baseline;
            self.memory.note(&self.eyes.sight(seen, shadow, Memory::none(), in_baseline));
        }
        if let Some(record) = &mut self.record {
            record.note(&self.eyes.sight(seen, shadow, &self.memory, false));
        }
        self.invariants.look(seen);
        if self.verdict.is_none() {
            match self.phase {
                Phase::Waiting => self.wait(shown),
                Phase::Baseline => self.look_for_steady(shown),
                Phase::Running | Phase::Done => {}
            }
        }
        if self.verdict.is_none() && self.phase == Phase::Running {
            self.look(shown);
            self.go_on(shown, orders);
            self.look_for_abort(shown);
        }
        let is_over = self.zero.is_some_and(|zero| {
            seen.tick.0 >= zero.0.saturating_add(ticks(ready.scenario.duration))
        });
        (is_over || self.verdict.is_some()).then(|| self.finish(shown, orders))
    }

    /// Gives it a verdict from outside its checks; the run ends with the next look.
    pub(super) fn settle(&mut self, verdict: Verdict, reason: String) {
        if self.verdict.is_none() {
            (self.verdict, self.reason) = (Some(verdict), reason);
            self.is_changed = true;
        }
    }

    fn wait(&mut self, shown: Shown<'_>) {
        let sut = &self.ready.scenario.sut;
        let expected = sut.expect_clients as u64;
        let now = shown.seen.tick;
        if sut.mode != SutMode::None && expected > 0 {
            let open = shown.stats.modbus.connections.load(Relaxed);
            let here = u64::try_from(open).unwrap_or(0);
            let asked = Counters::read(shown.stats).requests;
            if here < expected || asked < expected {
                if now.0 - self.start.0 >= ticks(sut.attach_timeout) {
                    let reason = format!("only {here} of {expected} clients were there in time");
                    self.settle(Verdict::Error, reason);
                }
                return;
            }
        }
        self.phase = Phase::Baseline;
        self.baseline = Some(now);
        self.is_changed = true;
    }

    fn look_for_steady(&mut self, shown: Shown<'_>) {
        let now = shown.seen.tick;
        let plan = &self.ready.scenario.steady_state;
        let (window, timeout) = (ticks(plan.window), ticks(plan.timeout));
        let begun = self.baseline.unwrap_or(now);
        let sight = self.eyes.sight(shown.seen, shown.shadow, &self.memory, true);
        let mut wrong: Option<(usize, Option<bool>)> = None;
        let is_asked = |check: &Check| {
            matches!(check.when, When::Start) && check.judge.state != CheckState::Skipped
        };
        for (place, check) in self.checks.iter_mut().enumerate().filter(|(_, c)| is_asked(c)) {
            check.judge.from = check.judge.from.or(Some(begun));
            check.keep_window(&sight);
            if check.severity == Severity::Must && wrong.is_none() {
                let truth = check.truth(&sight);
                if truth != Some(true) {
                    wrong = Some((place, truth));
                }
            }
        }
        if let Some((place, truth)) = wrong {
            self.steady = None;
            self.memory.restart_baseline();
            if now.0 - begun.0 >= window.saturating_add(timeout) {
                let check = &mut self.checks[place];
                let (state, why) = match truth {
                    Some(_) => (CheckState::Failed, "did not hold"),
                    None => (CheckState::Inconclusive, "asks about what is not there"),
                };
                check.judge.violated = Some(now);
                check.judge.decide(state, now, format!("it {why} before the time line"));
                let reason = format!("the farm did not become steady: {} {why}", check.id);
                self.settle(Verdict::Invalid, reason);
            }
            return;
        }
        let since = *self.steady.get_or_insert(Tick(now.0.saturating_sub(1)));
        if now.0 - since.0 < window {
            return;
        }
        for check in self.checks.iter_mut().filter(|check| is_asked(check)) {
            let (state, seen) = match check.truth(&sight) {
                Some(true) => (CheckState::Passed, "over the whole window"),
                Some(false) => (CheckState::Failed, "not at its end"),
                None => (CheckState::Inconclusive, "what it asks about was not there"),
            };
            check.judge.decide(state, now, seen.to_owned());
        }
        // The zero of the time line is this instant.
        for check in &mut self.checks {
            check.set_band(&sight);
            let begins = match check.when {
                When::Always | When::OnChaos => true,
                When::Expected => check.after.is_none(),
                When::Start | When::End => false,
            };
            if begins {
                check.judge.begin(now);
            }
        }
        self.phase = Phase::Running;
        self.zero = Some(now);
        self.eyes.since = now.next();
        self.counters = Counters::read(shown.stats);
        self.is_changed = true;
        for (doing, action) in self.doings.iter_mut().zip(&self.ready.scenario.timeline) {
            doing.start(action, now);
        }
    }

    /// Begins checks whose anchor came, and looks at every one.
    fn look(&mut self, shown: Shown<'_>) {
        let chaos = self.doings.iter().any(Doing::is_active);
        let sight = self.eyes.sight(shown.seen, shown.shadow, &self.memory, false);
        for check in &mut self.checks {
            let before = check.judge.state;
            check.look(&sight, chaos);
            self.is_changed |= check.judge.state != before;
        }
    }

    /// Begins checks at the instants of what they count from.
    fn begin_checks(&mut self, now: Tick) {
        for check in &mut self.checks {
            let Some(after) = check.after.as_ref().filter(|_| check.judge.from.is_none()) else {
                continue;
            };
            let at = match &after.anchor {
                Anchor::Begin(place) => self.doings[*place].begun,
                Anchor::End(place) => self.doings[*place].ended,
                Anchor::Event(_) => {
                    let came =
                        check.anchor.as_ref().is_some_and(|pattern| has_come(pattern, &self.eyes));
                    (came && self.zero < Some(now)).then_some(now)
                }
            };
            if let Some(at) = at {
                check.judge.begin(Tick(at.0.saturating_add(ticks(after.delay))));
            }
        }
    }

    /// Goes on with the time line at this instant.
    fn go_on(&mut self, shown: Shown<'_>, orders: &mut Orders) {
        let seen = shown.seen;
        let (now, zero) = (seen.tick, self.zero.unwrap_or(seen.tick));
        let ready = Arc::clone(&self.ready);
        // A fault that is over now may have acted in its last tick.
        self.prove(shown);
        for place in 0..self.doings.len() {
            self.is_changed |= self.doings[place].go_on(seen, orders);
        }
        // An action may begin with another one of the same instant: they are gone through until none
        // begins, each of them at most once.
        for place in 0..self.doings.len() {
            let action = &ready.scenario.timeline[place];
            if self.doings[place].waits_for_condition(action)
                && let Start::When { condition, .. } = &action.start
            {
                let sight = self.eyes.sight(seen, shown.shadow, &self.memory, false);
                let truth = condition.expr.truth(&sight);
                self.doings[place].condition(action, truth, zero, now);
            }
            if let Some(pattern) = &self.triggers[place]
                && has_come(pattern, &self.eyes)
                && zero < now
            {
                self.doings[place].anchor(action, now);
            }
        }
        for _ in 0..self.doings.len() {
            let mut has_begun = false;
            for place in 0..self.doings.len() {
                let action = &ready.scenario.timeline[place];
                if let Some((other, is_end)) = Doing::comes_after(action) {
                    let other = &self.doings[other];
                    let at = if is_end { other.ended } else { other.begun };
                    if let Some(at) = at {
                        self.doings[place].anchor(action, at);
                    }
                }
                if self.doings[place].is_due(now) {
                    self.begin(place, shown, orders);
                    has_begun = true;
                }
            }
            if !has_begun {
                break;
            }
        }
        self.tell();
        self.begin_checks(now);
    }

    fn begin(&mut self, place: usize, shown: Shown<'_>, orders: &mut Orders) {
        let ready = Arc::clone(&self.ready);
        let action = &ready.scenario.timeline[place];
        let members = action.target.map(|target| self.eyes.cast.members(target).to_vec());
        let Some(record) = &mut self.record else { return };
        let setting = Setting {
            scenario: &ready.scenario,
            run: &self.id,
            chance: self.chance,
            seen: shown.seen,
        };
        let doing = &mut self.doings[place];
        let (begun, is_proven_elsewhere) = (doing.begun, self.proofs[place].is_some());
        let is_fault =
            doing.begin(&setting, members.unwrap_or_default(), is_proven_elsewhere, record, orders);
        if is_fault || doing.begun != begun {
            self.eyes.story.begin(place, shown.seen.tick.next());
            self.eyes.story.set_effect(place, doing.effect());
        }
        self.is_changed = true;
    }

    /// Asks the expressions that show whether faults act.
    fn prove(&mut self, shown: Shown<'_>) {
        let now = shown.seen.tick;
        for place in 0..self.doings.len() {
            let doing = &mut self.doings[place];
            if let Some(proof) = &self.proofs[place] {
                // What acts is seen in the first tick with it, not before.
                let open = |fault: &super::fault::Fault| {
                    fault.is_active() && fault.wants_proof() && fault.begun < now
                };
                let sight = self.eyes.sight(shown.seen, shown.shadow, &self.memory, false);
                for fault in doing.faults.iter_mut().filter(|fault| open(fault)) {
                    // Events count since it began.
                    let sight = Sight { since: fault.begun.next(), ..sight };
                    fault.prove(proof.truth(&sight), now);
                }
            }
        }
    }

    /// Tells the story what actions did, and that they ended.
    fn tell(&mut self) {
        for (place, doing) in self.doings.iter().enumerate() {
            let effect = doing.effect();
            if self.eyes.story.effect(place) != effect {
                self.eyes.story.set_effect(place, effect);
                self.is_changed = true;
            }
            if let Some(ended) = doing.ended.filter(|_| !doing.is_active())
                && self.eyes.story.ended(place).is_none()
            {
                self.eyes.story.end(place, ended.next());
            }
        }
    }

    fn look_for_abort(&mut self, shown: Shown<'_>) {
        let now = shown.seen.tick;
        let sight = self.eyes.sight(shown.seen, shown.shadow, &self.memory, false);
        let mut reason = None;
        for (abort, since) in self.ready.scenario.abort.iter().zip(&mut self.aborts) {
            if abort.condition.expr.truth(&sight) == Some(true) {
                let since = *since.get_or_insert(now);
                if now.0 - since.0 >= ticks(abort.hold) && reason.is_none() {
                    reason = Some(abort.reason.clone());
                }
            } else {
                *since = None;
            }
        }
        if let Some(reason) = reason {
            self.settle(Verdict::Aborted, reason);
        }
    }

    /// The run is done: decides what is open, ends its faults by its rules, and makes its report.
    fn finish(&mut self, shown: Shown<'_>, orders: &mut Orders) -> Left {
        let is_full = self.verdict.is_none();
        let seen = shown.seen;
        let sight = self.eyes.sight(seen, shown.shadow, &self.memory, false);
        for check in &mut self.checks {
            check.finish(&sight, is_full);
        }
        // What a fault did not do until now it did not do, also where it goes on.
        for fault in self.doings.iter_mut().flat_map(|doing| &mut doing.faults) {
            fault.settle();
        }
        let (verdict, reason) = match self.verdict.take() {
            Some(verdict) => (verdict, std::mem::take(&mut self.reason)),
            None => verdict::of(self),
        };
        // What was broken counts whatever else was found.
        let (verdict, reason) = match (verdict, self.invariants.broken()) {
            (Verdict::Passed | Verdict::Invalid | Verdict::Failed, Some((name, how))) => {
                (Verdict::Failed, format!("the invariant {name} was broken: {how}"))
            }
            _ => (verdict, reason),
        };
        let rollback = self.ready.scenario.rollback;
        let undoes = match rollback.policy {
            RollbackPolicy::Always => true,
            RollbackPolicy::Deviated => verdict != Verdict::Passed,
            RollbackPolicy::Never => false,
        };
        if undoes {
            let actions = &self.ready.scenario.timeline;
            for (doing, action) in self.doings.iter_mut().zip(actions) {
                if action.recovery != Recovery::Never {
                    doing.end_all(seen, orders);
                }
            }
        }
        self.verdict = Some(verdict);
        self.reason = reason;
        self.phase = Phase::Done;
        self.is_changed = true;
        let report = verdict::report(self, shown);
        Left { report, resets: undoes && rollback.reset_alarms }
    }
}

/// Whether an event of the last tick is one of those.
fn has_come(pattern: &EventPattern, eyes: &super::eyes::Eyes) -> bool {
    let mut fresh = eyes.story.fresh().iter();
    fresh.any(|(name, seen)| pattern.name() == *name && pattern.fits(seen, eyes.cast.targets()))
}
