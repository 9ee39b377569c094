//! One action of a time line: when it begins, each time that it does, and what it did.

use super::chance::{Chance, draw};
use super::course::Course;
use super::deed::{self, Setter};
use super::fault::{Begin, Fault, Orders, best};
use super::judge::ticks;
use super::record::{Record, Since};
use crate::faults::{HostAct, Target, TargetKind};
use crate::format::{
    Action, Anchor, Concurrency, Control, Deed, Every, Recovery, Scenario, Start, Value,
};
use crate::report::{ActionPart, HitPart, TimePart};
use bess_core::rng::Stream;
use bess_core::snapshot::Snapshot;
use bess_core::stage::Effect;
use bess_core::time::{TICK_S, Tick};

/// Most times that one action is told in a report.
const TIMES_TOLD: usize = 200;

/// What an action needs to begin.
#[derive(Debug)]
pub(super) struct Setting<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// Id of the run.
    pub run: &'s str,
    /// Its chance.
    pub chance: Chance,
    /// The farm at this instant.
    pub seen: &'s Snapshot,
}

/// One action.
#[derive(Clone, Debug)]
pub(super) struct Doing {
    place: usize,
    /// The instant at which it begins next, where that is known.
    next: Option<Tick>,
    /// Since when the condition of its begin holds.
    holds: Option<Tick>,
    /// How often it was due.
    turns: usize,
    /// The instant of its first begin.
    pub begun: Option<Tick>,
    /// The instant of its first end.
    pub ended: Option<Tick>,
    /// Its faults, those that ended as well.
    pub faults: Vec<Fault>,
    /// Times that are no longer kept as faults, and those of what is no fault.
    told: Vec<(Tick, TimePart)>,
    setters: Vec<Setter>,
    /// Effects of faults that are no longer kept.
    earlier: Effect,
    /// Why it was not done, or not each time.
    pub left_out: String,
    every: Stream,
}

impl Doing {
    /// The action at `place`.
    pub(super) fn new(place: usize, scenario: &Scenario, chance: Chance) -> Self {
        let id = &scenario.timeline[place].id;
        Self {
            place,
            next: None,
            holds: None,
            turns: 0,
            begun: None,
            ended: None,
            faults: Vec::new(),
            told: Vec::new(),
            setters: Vec::new(),
            earlier: Effect::NoEffect,
            left_out: String::new(),
            every: chance.stream(id, "", "every"),
        }
    }

    /// The time line begins at the instant `zero`.
    pub(super) fn start(&mut self, action: &Action, zero: Tick) {
        if let Start::At(after) = action.start {
            self.next = Some(Tick(zero.0 + ticks(after)));
        }
    }
    /// What it comes after is known to be at the instant `at`.
    pub(super) fn anchor(&mut self, action: &Action, at: Tick) {
        if let Start::After(after) = &action.start
            && self.turns == 0
            && self.next.is_none()
        {
            self.next = Some(Tick(at.0 + ticks(after.delay)));
        }
    }
    /// The action that it comes after, and whether its end is meant.
    pub(super) fn comes_after(action: &Action) -> Option<(usize, bool)> {
        match &action.start {
            Start::After(after) => match after.anchor {
                Anchor::Begin(place) => Some((place, false)),
                Anchor::End(place) => Some((place, true)),
                Anchor::Event(_) => None,
            },
            Start::At(_) | Start::When { .. } => None,
        }
    }
    /// Whether it waits for a condition.
    pub(super) fn waits_for_condition(&self, action: &Action) -> bool {
        matches!(action.start, Start::When { .. })
            && self.turns == 0
            && self.next.is_none()
            && self.left_out.is_empty()
    }
    /// Looks at the end of a tick whether the condition of its begin holds.
    pub(super) fn condition(
        &mut self,
        action: &Action,
        truth: Option<bool>,
        zero: Tick,
        now: Tick,
    ) {
        let Start::When { hold, timeout, .. } = &action.start else { return };
        if truth == Some(true) {
            let since = *self.holds.get_or_insert(now);
            if now.0 - since.0 >= ticks(*hold) {
                self.next = Some(now);
                return;
            }
        } else {
            self.holds = None;
        }
        if timeout.is_some_and(|timeout| now.0 - zero.0 >= ticks(timeout)) {
            self.left_out = "what it waits for did not come in time".to_owned();
        }
    }
    /// Whether it is to begin at the instant `now`.
    pub(super) fn is_due(&self, now: Tick) -> bool {
        self.next.is_some_and(|next| next <= now)
    }
    /// Whether one of its faults is in force.
    pub(super) fn is_active(&self) -> bool {
        self.faults.iter().any(Fault::is_active)
    }
    /// What it did: the best of its times.
    pub(super) fn effect(&self) -> Effect {
        let each = self.faults.iter().map(Fault::effect);
        best(each.chain([self.earlier]))
    }
    /// Begins once more, at `targets`. Says whether a fault began.
    pub(super) fn begin(
        &mut self,
        with: &Setting<'_>,
        targets: Vec<Target>,
        is_proven_elsewhere: bool,
        record: &mut Record,
        orders: &mut Orders,
    ) -> bool {
        let action = &with.scenario.timeline[self.place];
        let now = with.seen.tick;
        self.turns += 1;
        self.plan_next(action, now);
        if self.is_active() {
            match action.repeat.as_ref().map(|repeat| repeat.concurrency) {
                Some(Concurrency::Allow) => {}
                Some(Concurrency::Replace) => self.end_all(with.seen, orders),
                Some(Concurrency::Forbid) | None => {
                    "it was still in force when it was due again".clone_into(&mut self.left_out);
                    return false;
                }
            }
        }
        if targets.is_empty() && action.target.is_some() {
            "its target is nobody".clone_into(&mut self.left_out);
            return false;
        }
        self.begun = self.begun.or(Some(now));
        // The first time has the plain key, so that a repetition shifts none of its draws.
        let key = match self.turns {
            1 => action.id.clone(),
            turn => format!("{}#{turn}", action.id),
        };
        let lasts = match action.recovery {
            Recovery::Never => None,
            Recovery::Auto | Recovery::Manual => action.duration.map(ticks),
        };
        match action.deed {
            Deed::Fault(kind) => {
                let id = match self.turns {
                    1 => format!("{}/{}", with.run, action.id),
                    turn => format!("{}/{}#{turn}", with.run, action.id),
                };
                let begin = Begin {
                    id,
                    key: &key,
                    kind,
                    run: Some(with.run),
                    targets: own_targets(targets, kind.targets),
                    settings: &action.settings,
                    lasts,
                    chance: with.chance,
                    is_proven_elsewhere,
                };
                self.forget_old();
                self.faults.push(Fault::begin(begin, with.seen, orders));
                true
            }
            Deed::Control(control) => {
                let given = match control.act {
                    Control::Mark => {
                        let name =
                            action.settings.iter().find_map(|setting| match &setting.value {
                                Value::Word(word) if setting.name == "name" => Some(word.clone()),
                                _ => None,
                            });
                        record.mark(now, "mark", None, name.unwrap_or_else(|| action.id.clone()));
                        Vec::new()
                    }
                    Control::Operate | Control::OperateRack => {
                        deed::operate(control, &targets, &action.settings, with.seen, orders)
                    }
                    Control::Set => {
                        let kind = targets.first().map(Target::kind);
                        let parameters = action.deed.parameters(kind);
                        let courses = targets.iter().map(|target| {
                            let name = target.to_string();
                            let course = Course::new(
                                &action.settings,
                                &parameters,
                                with.chance,
                                &key,
                                &name,
                            );
                            (target.clone(), course)
                        });
                        let courses = courses.collect();
                        let (setter, given) = Setter::begin(courses, lasts, with.seen, orders);
                        self.setters.push(setter);
                        given
                    }
                };
                let refused: Vec<String> = given
                    .iter()
                    .filter(|given| !given.refused.is_empty())
                    .map(|given| format!("{}: {}", given.what, given.refused))
                    .collect();
                for given in &given {
                    record.command(now, None, given.what.clone(), given.refused.clone());
                }
                let all_refused = !given.is_empty() && refused.len() == given.len();
                let effect = if all_refused { Effect::NoEffect } else { Effect::Confirmed };
                self.earlier = best([self.earlier, effect].into_iter());
                self.ended = self.ended.or(Some(now));
                let hit = |target: &Target| HitPart {
                    target: target.to_string(),
                    with: Vec::new(),
                    effect,
                };
                if self.told.len() < TIMES_TOLD {
                    let part = TimePart {
                        from_s: 0.0,
                        until_s: None,
                        confirmed_s: None,
                        hits: targets.iter().map(hit).collect(),
                        refused,
                    };
                    self.told.push((now, part));
                }
                false
            }
        }
    }

    /// Where many times were, the earlier ones are told and not kept.
    fn forget_old(&mut self) {
        if self.faults.len() < TIMES_TOLD {
            return;
        }
        if let Some(place) = self.faults.iter().position(|fault| !fault.is_active()) {
            let fault = self.faults.remove(place);
            self.earlier = best([self.earlier, fault.effect()].into_iter());
        }
    }

    fn plan_next(&mut self, action: &Action, now: Tick) {
        self.next = match &action.repeat {
            Some(repeat) if self.turns < repeat.count => {
                let after = match &repeat.every {
                    Every::Fixed(every) => ticks(*every),
                    Every::Drawn(of) => (draw(of, &mut self.every) / TICK_S).round() as u64,
                };
                Some(Tick(now.0.saturating_add(after.max(1))))
            }
            _ => None,
        };
    }

    /// Goes on with what is in force, and ends what is over. Says whether something changed that others may
    /// see; the host's part and commands go to `orders`.
    pub(super) fn go_on(&mut self, seen: &Snapshot, orders: &mut Orders) -> bool {
        let mut is_changed = false;
        for fault in &mut self.faults {
            if fault.is_active() {
                is_changed |= fault.go_on(seen, orders);
                if fault.is_over(seen.tick) {
                    fault.end(true, seen, orders);
                    self.ended = self.ended.or(Some(seen.tick));
                    is_changed = true;
                }
            }
        }
        self.setters.retain_mut(|setter| setter.go_on(seen, orders));
        is_changed
    }
    /// Ends every fault that is in force.
    pub(super) fn end_all(&mut self, seen: &Snapshot, orders: &mut Orders) {
        for fault in self.faults.iter_mut().filter(|fault| fault.is_active()) {
            fault.end(true, seen, orders);
            self.ended = self.ended.or(Some(seen.tick));
        }
    }

    /// For the report.
    pub(super) fn part(&self, scenario: &Scenario, since: Since, proof: String) -> ActionPart {
        let action = &scenario.timeline[self.place];
        // What never began did not fail to act.
        let effect = if self.begun.is_some() { self.effect() } else { Effect::Pending };
        let told = self.told.iter().cloned().map(|(tick, part)| {
            let at_s = since.tick(tick);
            TimePart { from_s: at_s, until_s: Some(at_s), confirmed_s: Some(at_s), ..part }
        });
        let mut left_out = self.left_out.clone();
        if self.begun.is_none() && left_out.is_empty() {
            "it never began".clone_into(&mut left_out);
        }
        ActionPart {
            id: action.id.clone(),
            kind: action.deed.name(),
            plane: match action.deed {
                Deed::Fault(kind) => Some(kind.plane),
                Deed::Control(_) => None,
            },
            target: action
                .target
                .map(|place| scenario.targets[place].name.clone())
                .unwrap_or_default(),
            times: told
                .chain(self.faults.iter().map(|f| f.part(|tick| since.tick(tick))))
                .collect(),
            left_out,
            effect,
            proof,
            stands_for: Vec::new(),
        }
    }
}

/// A fault of the farm or the grid is done there once, whoever of the two was named.
fn own_targets(targets: Vec<Target>, kinds: &[TargetKind]) -> Vec<Target> {
    match kinds {
        [TargetKind::Farm] => vec![Target::Farm],
        [TargetKind::Grid] => vec![Target::Grid],
        _ => targets,
    }
}

/// Ticks for which the loop is to stand still, out of what the host is to do; those are taken out.
pub(super) fn take_stall(host: &mut Vec<HostAct>) -> u64 {
    let mut ticks = 0;
    host.retain(|act| match act {
        HostAct::Stall { ticks: more } => {
            ticks += more;
            false
        }
        _ => true,
    });
    ticks
}
