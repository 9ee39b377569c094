//! One fault in force: at whom, with what, since when, and whether it acts.

use super::chance::{Chance, fnv1a};
use super::course::Course;
use super::layers::Order;
use crate::faults::{Act, Arg, Args, Before, Case, FaultKind, Pace, Probe, SIGNAL, Target};
use crate::format::Setting;
use crate::report::{HitPart, TimePart};
use bess_core::command::{Command, validate};
use bess_core::defect::Reading;
use bess_core::id::UnitId;
use bess_core::rng::splitmix;
use bess_core::snapshot::{FaultPlane, Snapshot};
use bess_core::stage::{Effect, FaultView};
use bess_core::time::{TICK_S, TICKS_PER_S, Tick};
use std::sync::Arc;

/// What is to be done with the farm and with who runs it, in order. What comes of it is said by
/// [`Layers`](super::layers::Layers): another fault may lie on the same.
#[derive(Debug, Default)]
pub(super) struct Orders(Vec<Order>);

impl Orders {
    /// A command that nobody takes back.
    pub(super) fn command(&mut self, command: Command) {
        self.0.push(Order::Once(command.into()));
    }
    #[cfg(test)]
    pub(super) fn from(orders: Vec<Order>) -> Self {
        Self(orders)
    }
    /// Each of them.
    pub(super) fn into_orders(self) -> Vec<Order> {
        self.0
    }
}

/// What a fault begins with.
#[derive(Debug)]
pub(super) struct Begin<'b> {
    /// Its id as it is shown.
    pub id: String,
    /// The action in the keys of its random streams; of a repetition with its number.
    pub key: &'b str,
    /// Its kind.
    pub kind: &'static FaultKind,
    /// The run it belongs to.
    pub run: Option<&'b str>,
    /// Whom it hits.
    pub targets: Vec<Target>,
    /// Its parameters.
    pub settings: &'b [Setting],
    /// Ticks after which it ends by itself.
    pub lasts: Option<u64>,
    /// Its chance.
    pub chance: Chance,
    /// Whether an expression shows that it acts, and not the probe of its kind.
    pub is_proven_elsewhere: bool,
}

/// One target of it.
#[derive(Clone, Debug)]
struct Hit {
    target: Target,
    course: Course,
    args: Args,
    begun_with: Vec<(&'static str, String)>,
    before: Arc<Before>,
    tag: Arc<str>,
    seed: u64,
    effect: Effect,
    /// Whether it asked for something that changes anything.
    bites: bool,
}

/// A fault in force, or one that was.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    id: String,
    kind: &'static FaultKind,
    run: Option<String>,
    hits: Vec<Hit>,
    /// The instant of its begin: the end of this tick.
    pub begun: Tick,
    /// The instant at which it ends by itself.
    ends: Option<Tick>,
    /// The instant of its end.
    pub ended: Option<Tick>,
    /// When it was seen to act.
    pub confirmed: Option<Tick>,
    effect: Effect,
    is_proven_elsewhere: bool,
    refused: Vec<String>,
    is_begun_told: bool,
    is_end_told: bool,
}

/// Refusals that are kept of one fault.
const REFUSED_KEPT: usize = 10;
/// Longest part of an id in the name of a link condition.
const TAG_MAX: usize = 40;

fn before(seen: &Snapshot, target: &Target) -> Before {
    let idx = target.unit().map_or(0, UnitId::idx);
    Before {
        unit: seen.units[idx],
        functions: Arc::clone(&seen.functions[idx]),
        racks: seen.racks_of(UnitId::from_idx(idx)).to_vec(),
        plant: Arc::clone(&seen.plant),
        farm: seen.farm,
        stalled_ticks: seen.clock.stalled_ticks,
    }
}

/// A name that nothing else has, of what a link condition may be called.
fn tag(id: &str, target: &str) -> Arc<str> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '.' };
    let short: String = id.chars().take(TAG_MAX).map(plain).collect();
    let hash = fnv1a(format!("{id}\0{target}").as_bytes());
    format!("{short}.{:08x}", hash >> 32).into()
}

impl Fault {
    /// Begins a fault at the instant that `seen` shows.
    pub(super) fn begin(begin: Begin<'_>, seen: &Snapshot, orders: &mut Orders) -> Self {
        let Begin { id, key, kind, run, targets, settings, lasts, chance, .. } = begin;
        let mut befores: Vec<(Option<usize>, Arc<Before>)> = Vec::new();
        let hits = targets.into_iter().map(|target| {
            let name = target.to_string();
            let mut course = Course::new(settings, kind.parameters, chance, key, &name);
            if let Target::Sensor { reading_idx, .. } = target
                && let Some((reading, ..)) = Reading::ALL.get(reading_idx)
            {
                course.set(SIGNAL, Arg::Word(reading));
            }
            let args = course.at(0);
            // Targets in one unit share what stood before.
            let unit_idx = target.unit().map(UnitId::idx);
            let before = match befores.iter().find(|(idx, _)| *idx == unit_idx) {
                Some((_, before)) => Arc::clone(before),
                None => {
                    befores.push((unit_idx, Arc::new(before(seen, &target))));
                    Arc::clone(&befores[befores.len() - 1].1)
                }
            };
            let (tag, seed) = (tag(&id, &name), chance.derived(key, &name, ""));
            let begun_with = course.texts();
            let (effect, bites) = (Effect::Pending, false);
            Hit { target, course, args, begun_with, before, tag, seed, effect, bites }
        });
        let mut fault = Self {
            hits: hits.collect(),
            id,
            kind,
            run: run.map(str::to_owned),
            begun: seen.tick,
            ends: None,
            ended: None,
            confirmed: None,
            effect: Effect::Pending,
            is_proven_elsewhere: begin.is_proven_elsewhere,
            refused: Vec::new(),
            is_begun_told: false,
            is_end_told: false,
        };
        // What lasts by itself ends with the last of its targets.
        let number = |hit: &Hit, name: &str| hit.args.maybe(name);
        let own = fault.hits.iter().filter_map(|hit| kind.own_length_s(|name| number(hit, name)));
        let own = own.map(|own_s| (own_s / TICK_S - 1e-9).ceil() as u64).max();
        let ends = lasts.into_iter().chain(own).min();
        fault.ends = ends.map(|lasts| Tick(seen.tick.0.saturating_add(lasts)));
        for at in 0..fault.hits.len() {
            fault.act(at, 0, false, seen, orders);
        }
        fault.note(true, orders, seen);
        fault.sum_up(seen.tick);
        fault
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
    /// Its kind.
    pub(super) fn kind(&self) -> &'static FaultKind {
        self.kind
    }
    /// Whether it is in force.
    pub(super) fn is_active(&self) -> bool {
        self.ended.is_none()
    }
    /// Whether it was seen to act.
    pub(super) fn effect(&self) -> Effect {
        self.effect
    }
    /// Why the farm refused the first thing that it asked, if it did.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.first().map(String::as_str)
    }
    /// Whether it has begun and that was not asked before.
    pub(super) fn take_begun(&mut self) -> bool {
        !std::mem::replace(&mut self.is_begun_told, true)
    }
    /// Whether it has ended and that was not asked since.
    pub(super) fn take_ended(&mut self) -> bool {
        !self.is_active() && !std::mem::replace(&mut self.is_end_told, true)
    }
    /// Whom it hits.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.hits.iter().map(|hit| &hit.target)
    }
    /// Whether it is over now by itself.
    pub(super) fn is_over(&self, now: Tick) -> bool {
        let is_done = self.kind.pace == Pace::OnceSeen && self.effect == Effect::Confirmed;
        self.is_active() && (is_done || self.ends.is_some_and(|ends| ends <= now))
    }
    /// The expression of its kind that shows that it acts, if that is how.
    pub(super) fn probe_text(kind: &FaultKind) -> Option<&'static str> {
        match kind.probe {
            Probe::Expr(text) => Some(text),
            Probe::Func(_) => None,
        }
    }

    /// Goes on at the end of a tick: acts again where its pace says so, and looks whether it acts. Says
    /// whether something changed that others may see.
    pub(super) fn go_on(&mut self, seen: &Snapshot, orders: &mut Orders) -> bool {
        if !self.is_active() {
            return false;
        }
        let age = seen.tick.0.saturating_sub(self.begun.0);
        let is_second = age.is_multiple_of(TICKS_PER_S);
        let (is_due, is_each) = match self.kind.pace {
            Pace::Once | Pace::OnceFor(_) | Pace::OnceSeen => (false, false),
            Pace::OnChange => (is_second, false),
            Pace::OnChangeEachTick => (true, false),
            Pace::EachSecond => (is_second, true),
            Pace::EachTick => (true, true),
        };
        let mut is_changed = false;
        for at in 0..self.hits.len() {
            if is_due && age > 0 {
                let hit = &mut self.hits[at];
                let args = if hit.course.moves() { hit.course.at(age) } else { hit.args.clone() };
                let moved = args != hit.args;
                hit.args = args;
                if moved || is_each {
                    self.act(at, age, false, seen, orders);
                }
                is_changed |= moved && is_second;
            }
        }
        let effect = self.effect;
        self.probe(age, seen);
        self.sum_up(seen.tick);
        is_changed || self.effect != effect
    }

    /// An expression says whether it acts; `None` where what it asks about is not there.
    pub(super) fn prove(&mut self, truth: Option<bool>, now: Tick) {
        if self.effect == Effect::Confirmed {
            return;
        }
        let effect = match truth {
            Some(true) => Effect::Confirmed,
            Some(false) => Effect::Pending,
            None => Effect::Inconclusive,
        };
        // What changed nothing proves nothing, whatever else made the expression true.
        self.hits.iter_mut().filter(|hit| hit.bites).for_each(|hit| hit.effect = effect);
        self.sum_up(now);
    }

    /// Whether it waits for [`Fault::prove`].
    pub(super) fn wants_proof(&self) -> bool {
        let by_expression = self.is_proven_elsewhere || matches!(self.kind.probe, Probe::Expr(_));
        by_expression && self.effect != Effect::Confirmed
    }

    fn probe(&mut self, age: u64, seen: &Snapshot) {
        let Probe::Func(probe) = self.kind.probe else { return };
        if self.is_proven_elsewhere {
            return;
        }
        for hit in &mut self.hits {
            if hit.effect != Effect::Confirmed && hit.bites {
                let case = Case {
                    args: &hit.args,
                    target: &hit.target,
                    spec: &seen.spec,
                    before: &hit.before,
                    tag: &hit.tag,
                    seed: hit.seed,
                    age,
                };
                hit.effect = probe(&case, seen);
            }
        }
    }

    fn sum_up(&mut self, now: Tick) {
        self.effect = best(self.hits.iter().map(|hit| hit.effect));
        if self.effect == Effect::Confirmed && self.confirmed.is_none() {
            self.confirmed = Some(now);
        }
    }

    /// Ends it at the instant that `seen` shows. What it did not do until now it did not do; `undo` says
    /// whether what it made wrong is put right.
    pub(super) fn end(&mut self, undo: bool, seen: &Snapshot, orders: &mut Orders) {
        if !self.is_active() {
            return;
        }
        let age = seen.tick.0.saturating_sub(self.begun.0);
        if undo {
            for at in 0..self.hits.len() {
                self.act(at, age, true, seen, orders);
            }
            self.note(false, orders, seen);
        }
        self.ended = Some(seen.tick);
        self.settle();
    }

    /// Nothing more will be seen of it: what is pending did nothing.
    pub(super) fn settle(&mut self) {
        for hit in &mut self.hits {
            if hit.effect == Effect::Pending {
                hit.effect = Effect::NoEffect;
            }
        }
        self.effect = best(self.hits.iter().map(|hit| hit.effect));
    }

    /// Calls the kind for the target at place `at`; what the farm does not take is noted.
    fn act(&mut self, at: usize, age: u64, is_end: bool, seen: &Snapshot, orders: &mut Orders) {
        let hit = &mut self.hits[at];
        let case = Case {
            args: &hit.args,
            target: &hit.target,
            spec: &seen.spec,
            before: &hit.before,
            tag: &hit.tag,
            // Another one each time: what is set anew does not draw the same again.
            seed: splitmix(hit.seed ^ age),
            age,
        };
        let mut acts = Vec::new();
        if is_end {
            (self.kind.end)(&case, &mut acts);
        } else {
            (self.kind.act)(&case, &mut acts);
        }
        acts.retain(|act| {
            let Act::Command(command) = act else { return true };
            let Err(refused) = validate(&seen.spec, &seen.units, command) else { return true };
            if self.refused.len() < REFUSED_KEPT {
                self.refused.push(format!("{}: {refused}", hit.target));
            }
            false
        });
        let (owner, at) = (Arc::clone(&hit.tag), seen.tick);
        if is_end {
            let unit = hit.target.unit();
            orders.0.push(Order::Lift { owner, unit, acts, at });
        } else if !acts.is_empty() {
            hit.bites |= !acts.iter().all(Act::is_neutral);
            orders.0.push(Order::Lay { owner, acts, at });
        }
    }

    /// Notes its begin or its end with the farm, once for each unit.
    fn note(&self, on: bool, orders: &mut Orders, seen: &Snapshot) {
        let mut units: Vec<_> = self.hits.iter().map(|hit| hit.target.unit()).collect();
        units.sort_unstable();
        units.dedup();
        for unit in units {
            let command = Command::NoteFault { unit, kind: self.kind.name, on };
            debug_assert_eq!(validate(&seen.spec, &seen.units, &command), Ok(()));
            orders.command(command);
        }
    }

    /// How others see it.
    pub(super) fn view(&self) -> FaultView {
        let with = self.hits.first().map(|hit| texts(&hit.args)).unwrap_or_default();
        FaultView {
            id: self.id.clone(),
            kind: self.kind.name,
            plane: self.plane(),
            targets: self.hits.iter().map(|hit| hit.target.to_string()).collect(),
            with,
            run: self.run.clone(),
            since: self.begun.next(),
            until: self.ended.or(self.ends).map(Tick::next),
            is_active: self.is_active(),
            effect: self.effect,
        }
    }
    /// What it makes wrong.
    pub(super) fn plane(&self) -> FaultPlane {
        self.kind.plane
    }

    /// For the report; `seconds` gives the time of an instant.
    pub(super) fn part(&self, seconds: impl Fn(Tick) -> f64) -> TimePart {
        let hit = |hit: &Hit| HitPart {
            target: hit.target.to_string(),
            with: hit.begun_with.clone(),
            effect: hit.effect,
        };
        TimePart {
            from_s: seconds(self.begun),
            until_s: self.ended.map(&seconds),
            confirmed_s: self.confirmed.map(&seconds),
            hits: self.hits.iter().map(hit).collect(),
            refused: self.refused.clone(),
        }
    }
}

fn texts(args: &Args) -> Vec<(&'static str, String)> {
    args.values().iter().map(|(name, value)| (*name, value.to_string())).collect()
}

/// The best of several effects: one that is confirmed confirms all, one that may still come keeps it open.
pub(super) fn best(effects: impl Iterator<Item = Effect>) -> Effect {
    let rank = |effect: &Effect| match effect {
        Effect::Confirmed => 3,
        Effect::Pending => 2,
        Effect::Inconclusive => 1,
        Effect::NoEffect => 0,
    };
    effects.max_by_key(rank).unwrap_or(Effect::NoEffect)
}
