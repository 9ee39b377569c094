//! What happened since the start of the run: actions, events and observations, bounded.

use super::events::{self, EVENTS, EventName, FAULT_OFF, FAULT_ON, Seen};
use super::writes;
use bess_core::id::UnitId;
use bess_core::snapshot::Snapshot;
use bess_core::stage::{Effect, Observation};
use bess_core::time::{TICKS_PER_S, Tick};
use std::collections::VecDeque;

/// Events of one name that are kept; what is older is counted, and a question about it is absent.
const KEPT: usize = 20_000;
/// Observations that are kept.
const OBSERVATIONS_KEPT: usize = 10_000;
/// Seconds of the window of a rate.
const RATE_S: u64 = 10;

/// Events of one name.
#[derive(Clone, Debug, Default)]
struct Lane {
    kept: VecDeque<Seen>,
    total: u64,
    /// The last tick of which some may be missing.
    missing: Option<Tick>,
}

impl Lane {
    fn push(&mut self, seen: Seen) {
        if self.kept.len() == KEPT {
            self.missing = self.kept.pop_front().map(|oldest| oldest.tick);
        }
        // In order, also where the farm tells of a tick late.
        let tick = self.kept.back().map_or(seen.tick, |last| seen.tick.max(last.tick));
        self.kept.push_back(Seen { tick, ..seen });
        self.total += 1;
    }
    fn since(&self, tick: Tick) -> impl DoubleEndedIterator<Item = &Seen> {
        self.kept.range(self.kept.partition_point(|seen| seen.tick < tick)..)
    }
}

/// How far an action is.
#[derive(Clone, Copy, Debug, Default)]
struct Deed {
    begun: Option<Tick>,
    ended: Option<Tick>,
    effect: Effect,
}

/// Something that the system under test noticed.
#[derive(Clone, Debug)]
struct Noticed {
    tick: Tick,
    what: String,
    unit: Option<UnitId>,
}

/// The story of a run so far.
#[derive(Clone, Debug)]
pub struct Story {
    lanes: Vec<Lane>,
    actions: Vec<Deed>,
    observations: VecDeque<Noticed>,
    last_event: u64,
    last_write: u64,
    /// What is new with the last tick, in order.
    fresh: Vec<(EventName, Seen)>,
}

impl Story {
    /// The story of a run with `n_actions` actions that begins after `snapshot`: what happened until then
    /// is no part of it. Actions are in the order in which [`Names`](crate::expr::Names) has them.
    pub fn new(n_actions: usize, snapshot: &Snapshot) -> Self {
        Self {
            lanes: vec![Lane::default(); EVENTS.len()],
            actions: vec![Deed::default(); n_actions],
            observations: VecDeque::new(),
            last_event: snapshot.events.total(),
            last_write: snapshot.audit.total(),
            fresh: Vec::new(),
        }
    }

    /// Takes what is new in a snapshot; to be called once a tick.
    pub fn note(&mut self, snapshot: &Snapshot) {
        let (lanes, fresh) = (&mut self.lanes, &mut self.fresh);
        fresh.clear();
        let mut push = |name: EventName, seen| {
            lanes[usize::from(name.0)].push(seen);
            fresh.push((name, seen));
        };
        for (_, event) in snapshot.events.after(self.last_event) {
            events::named(event).into_iter().flatten().for_each(|(name, seen)| push(name, seen));
        }
        for (_, record) in snapshot.audit.after(self.last_write) {
            writes::named(record, &|number| snapshot.spec.unit_by_number(number), &mut push);
        }
        let has_gap = snapshot.events.first() > self.last_event + 1
            || snapshot.audit.first() > self.last_write + 1;
        if has_gap {
            self.lanes.iter_mut().for_each(|lane| lane.missing = Some(snapshot.tick));
        }
        self.last_event = snapshot.events.total();
        self.last_write = snapshot.audit.total();
    }

    /// An action begins with `tick`; one that is repeated begins again.
    ///
    /// # Panics
    /// When there is no such action; likewise those below.
    pub fn begin(&mut self, action: usize, tick: Tick) {
        self.actions[action].begun = Some(tick);
        self.actions[action].ended = None;
        self.lanes[usize::from(FAULT_ON.0)].push(Seen::plain(tick, None));
    }
    /// An action ends: `tick` is the first without it.
    pub fn end(&mut self, action: usize, tick: Tick) {
        self.actions[action].ended = Some(tick);
        self.lanes[usize::from(FAULT_OFF.0)].push(Seen::plain(tick, None));
    }
    /// What an action did so far.
    pub fn set_effect(&mut self, action: usize, effect: Effect) {
        self.actions[action].effect = effect;
    }
    /// The system under test noticed something.
    pub fn observe(&mut self, tick: Tick, observation: &Observation) {
        if self.observations.len() == OBSERVATIONS_KEPT {
            self.observations.pop_front();
        }
        let what = observation.what.clone();
        self.observations.push_back(Noticed { tick, what, unit: observation.unit });
    }

    /// First tick of an action, if it has begun.
    pub fn begun(&self, action: usize) -> Option<Tick> {
        self.actions.get(action).and_then(|deed| deed.begun)
    }
    /// First tick without an action, if it has ended.
    pub fn ended(&self, action: usize) -> Option<Tick> {
        self.actions.get(action).and_then(|deed| deed.ended)
    }
    /// What an action did so far.
    pub fn effect(&self, action: usize) -> Effect {
        self.actions.get(action).map(|deed| deed.effect).unwrap_or_default()
    }
    /// Events that the last [`Story::note`] took, in the order in which they happened.
    pub fn fresh(&self) -> &[(EventName, Seen)] {
        &self.fresh
    }
    /// Events of a name since `tick`, oldest first; `None` where some of them are no longer kept.
    pub fn since(
        &self,
        name: EventName,
        tick: Tick,
    ) -> Option<impl DoubleEndedIterator<Item = &Seen>> {
        let lane = &self.lanes[usize::from(name.0)];
        lane.missing.is_none_or(|missing| missing < tick).then(|| lane.since(tick))
    }
    /// The newest events of a name, the newest last; older ones may be missing.
    pub fn kept(&self, name: EventName) -> impl DoubleEndedIterator<Item = &Seen> {
        self.lanes[usize::from(name.0)].kept.iter()
    }
    /// Observations of `what` since `tick`: when, and about which unit.
    pub fn noticed<'s>(
        &'s self,
        what: &'s str,
        tick: Tick,
    ) -> impl Iterator<Item = (Tick, Option<UnitId>)> + 's {
        let from = self.observations.partition_point(|seen| seen.tick < tick);
        let later = self.observations.range(from..).filter(move |seen| seen.what == what);
        later.map(|seen| (seen.tick, seen.unit))
    }
    pub(crate) fn count(&self, name: EventName) -> u64 {
        self.lanes[usize::from(name.0)].total
    }
    /// Mean of the last seconds.
    pub(crate) fn per_s(&self, name: EventName, now: Tick) -> f64 {
        let from = Tick(now.0.saturating_sub(RATE_S * TICKS_PER_S) + 1);
        self.since(name, from).map_or(f64::NAN, |seen| seen.count() as f64 / RATE_S as f64)
    }
}
