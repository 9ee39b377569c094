//! The value of a compiled expression at one tick. Numbers are NaN and truths `None` where they are
//! absent; nothing is allocated but by `quantile` and for a vector that is asked for as such.

use super::node::{Aggregate, Arithmetic, Compare, Domain, Num, Selection, Subject, Truth, Window};
use crate::sight::{Get, Level, Resolved, Sight};
use bess_core::alarm::{AlarmCode, AlarmLevel, AlarmPhase, AlarmSet};
use bess_core::snapshot::{CellsView, RackView, Snapshot};
use bess_core::spec::UnitSpec;
use bess_core::time::Tick;

/// One element of a vector: a unit, a rack or a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Dense index of the unit.
    pub unit: u32,
    /// Index of the rack in the farm; `u32::MAX` where the element is a unit.
    pub rack: u32,
    /// Index of the cell in its rack; `u16::MAX` where the element is a unit or a rack.
    pub cell: u16,
}

/// Relative difference below which two numbers count as equal: what arithmetic leaves behind.
const EQUAL: f64 = 1e-9;

/// What is evaluated against.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'e> {
    pub(crate) sight: &'e Sight<'e>,
    pub(crate) selections: &'e [Selection],
}

fn seconds(since: Tick, now: Tick) -> f64 {
    Tick(now.0.saturating_sub(since.0)).elapsed_s()
}

impl Eval<'_> {
    /// A number at a place, NaN where it is absent.
    pub(crate) fn num(&self, node: &Num, at: Place) -> f64 {
        match node {
            Num::Const(value) => *value,
            Num::Signal { get, scale, shadow } => self.signal(*get, *shadow, at) * scale,
            Num::Minus(inner) => -self.num(inner, at),
            Num::Abs(inner) => self.num(inner, at).abs(),
            Num::Clamp(three) => {
                let [value, low, high] = three.each_ref().map(|part| self.num(part, at));
                let is_there = low <= high && !value.is_nan();
                if is_there { value.clamp(low, high) } else { f64::NAN }
            }
            Num::Pair(op, two) => {
                let [left, right] = two.each_ref().map(|part| self.num(part, at));
                arithmetic(*op, left, right)
            }
            Num::Aggregate(op, inner, domain) => self.aggregate(*op, inner, *domain),
            Num::Quantile(two, domain) => self.quantile(&two[0], &two[1], *domain),
            Num::CountValues(inner, domain) => {
                let (mut n, mut absent) = (0.0, false);
                self.each(*domain, &mut |at| {
                    absent |= self.num(inner, at).is_nan();
                    n += 1.0;
                });
                if absent || n <= 0.0 { f64::NAN } else { n }
            }
            Num::CountTrue(inner, domain) => {
                let (mut n, mut all, mut absent) = (0.0, 0_u64, false);
                self.each(*domain, &mut |at| {
                    let truth = self.truth(inner, at);
                    absent |= truth.is_none();
                    all += 1;
                    n += f64::from(u8::from(truth == Some(true)));
                });
                if absent || all == 0 { f64::NAN } else { n }
            }
            Num::CountMembers(target) => match self.sight.targets.count(*target) {
                0 => f64::NAN,
                n => n as f64,
            },
            Num::Window(op, key) => {
                let memory = self.sight.memory;
                memory.window(*key, at).map_or(f64::NAN, |window| match op {
                    Window::Rate => window.rate(),
                    Window::Delta => window.delta(),
                    Window::Mean => window.mean(),
                    Window::Min => window.min(),
                    Window::Max => window.max(),
                    Window::Changes => window.changes(),
                })
            }
            Num::Baseline(key) => self.sight.memory.baseline(*key, at),
            Num::CountSince(action, pattern) => {
                let Some(begun) = self.sight.story.begun(*action) else { return f64::NAN };
                let events = pattern.since(begun, self.sight.story, self.sight.targets);
                events.map_or(f64::NAN, |events| events.count() as f64)
            }
            Num::SinceEvent(pattern) => {
                let last = pattern.last(self.sight.story, self.sight.targets);
                last.map_or(f64::NAN, |seen| seconds(seen.tick, self.sight.snapshot.tick))
            }
            Num::SinceAction(action) => {
                let begun = self.sight.story.begun(*action);
                begun.map_or(f64::NAN, |tick| seconds(tick, self.sight.snapshot.tick))
            }
            Num::State => {
                let unit = self.sight.snapshot.units.get(at.unit as usize);
                unit.map_or(f64::NAN, |unit| f64::from(unit.state as u8))
            }
            Num::AlarmLevel(code, subject) => self.level(*code, *subject, at),
            Num::Contactor(subject) => self.contactor(*subject, at),
            Num::Effect(action) => f64::from(self.sight.story.effect(*action) as u8),
        }
    }

    /// A truth at a place; `None` where nobody can say.
    pub(crate) fn truth(&self, node: &Truth, at: Place) -> Option<bool> {
        match node {
            Truth::Const(truth) => Some(*truth),
            Truth::Flag(flag) => {
                let value = self.num(flag, at);
                (!value.is_nan()).then_some(value != 0.0)
            }
            Truth::Compare(op, two) => {
                let [left, right] = two.each_ref().map(|part| self.num(part, at));
                compare(*op, left, right)
            }
            Truth::Near(three, is_relative) => {
                let [left, right, within] = three.each_ref().map(|part| self.num(part, at));
                let within = if *is_relative { within * right.abs() } else { within };
                compare(Compare::LessOrEqual, (left - right).abs(), within.abs())
            }
            Truth::OneOf(inner, set) => {
                let value = self.num(inner, at);
                (!value.is_nan()).then(|| set.iter().any(|other| is_equal(value, *other)))
            }
            Truth::Absent(inner) => Some(self.num(inner, at).is_nan()),
            Truth::Not(inner) => self.truth(inner, at).map(|truth| !truth),
            // What one side decides needs no other side.
            Truth::And(two) => match self.truth(&two[0], at) {
                Some(false) => Some(false),
                left => and(left, self.truth(&two[1], at)),
            },
            Truth::Or(two) => match self.truth(&two[0], at) {
                Some(true) => Some(true),
                left => or(left, self.truth(&two[1], at)),
            },
            Truth::Every(inner, domain) => self.every(inner, *domain),
            Truth::Any(inner, domain) => {
                let mut any: Option<Option<bool>> = None;
                self.each(*domain, &mut |at| {
                    if any != Some(Some(true)) {
                        any = Some(or(any.unwrap_or(Some(false)), self.truth(inner, at)));
                    }
                });
                any.flatten()
            }
            Truth::Within(target) => {
                let target = self.sight.targets.get(*target)?;
                Some(target.has_cell(at.rack, at.cell) || self.has_coarse(target, at))
            }
            Truth::Alarm(code, level, subject) => {
                let set = self.alarms(*subject, at)?;
                Some(match (code, level) {
                    (None, None) => !set.is_empty(),
                    (None, Some(level)) => set.iter().any(|(_, other)| other == *level),
                    (Some(code), None) => set.has(*code),
                    (Some(code), Some(level)) => set.has_level(*code, *level),
                })
            }
            Truth::Latched(code, subject) => {
                let snapshot = self.sight.snapshot;
                let UnitSpec { id: unit, racks, .. } = snapshot.spec.units.get(at.unit as usize)?;
                let racks = racks.start;
                let of_rack = |rack_idx: Option<u16>| match subject {
                    Subject::Unit => true,
                    Subject::Rack => {
                        rack_idx.is_some_and(|idx| racks + usize::from(idx) == at.rack as usize)
                    }
                };
                Some(snapshot.alarms.iter().any(|alarm| {
                    alarm.unit == *unit
                        && alarm.phase == AlarmPhase::Latched
                        && code.is_none_or(|code| alarm.key.code == code)
                        && of_rack(alarm.key.rack_idx)
                }))
            }
            Truth::Event(pattern) => {
                let sight = self.sight;
                pattern
                    .since(sight.since, sight.story, sight.targets)
                    .map(|mut e| e.next().is_some())
            }
            Truth::Noticed(what, target) => {
                let mut noticed = self.sight.story.noticed(what, self.sight.since);
                let target = target.map(|target| self.sight.targets.get(target));
                Some(noticed.any(|(_, unit)| match (target, unit) {
                    (None, _) => true,
                    (Some(Some(target)), Some(unit)) => {
                        target.units.get(unit.idx()).copied().unwrap_or(false)
                    }
                    _ => false,
                }))
            }
            Truth::IsActive(action) => {
                let story = self.sight.story;
                Some(story.begun(*action).is_some() && story.ended(*action).is_none())
            }
            Truth::Stuck(key) => self.sight.memory.window(*key, at)?.is_stuck(),
        }
    }

    /// Whether it is true everywhere in the domain; absent where the domain is empty.
    pub(crate) fn every(&self, inner: &Truth, domain: Domain) -> Option<bool> {
        if domain.level == Level::One {
            return self.truth(inner, Place::default());
        }
        let mut every: Option<Option<bool>> = None;
        self.each(domain, &mut |at| {
            if every != Some(Some(false)) {
                every = Some(and(every.unwrap_or(Some(true)), self.truth(inner, at)));
            }
        });
        every.flatten()
    }

    fn signal(&self, get: Get, shadow: bool, at: Place) -> f64 {
        let snapshot = match (shadow, self.sight.shadow) {
            (false, _) => self.sight.snapshot,
            (true, Some(shadow)) => shadow,
            (true, None) => return f64::NAN,
        };
        match get {
            Get::Farm(get) => get(&snapshot.farm),
            Get::Snapshot(get) => get(snapshot),
            Get::Link(get) => get(self.sight.link),
            Get::Writes(get) => get(self.sight.story, snapshot),
            Get::Unit(get) => {
                let idx = at.unit as usize;
                match (snapshot.units.get(idx), snapshot.spec.units.get(idx)) {
                    (Some(view), Some(spec)) => get(view, &spec.design),
                    _ => f64::NAN,
                }
            }
            Get::Rack(get) => snapshot.racks.get(at.rack as usize).map_or(f64::NAN, get),
            Get::Cell(get) => cell(snapshot, get, at),
        }
    }

    fn aggregate(&self, op: Aggregate, inner: &Num, domain: Domain) -> f64 {
        let (mut n, mut total) = (0_u64, f64::NAN);
        self.each(domain, &mut |at| {
            let value = self.num(inner, at);
            total = match op {
                _ if n == 0 => value,
                _ if total.is_nan() || value.is_nan() => f64::NAN,
                Aggregate::Sum | Aggregate::Mean => total + value,
                Aggregate::Min => total.min(value),
                Aggregate::Max => total.max(value),
            };
            n += 1;
        });
        if op == Aggregate::Mean { total / n as f64 } else { total }
    }

    fn quantile(&self, part: &Num, inner: &Num, domain: Domain) -> f64 {
        let mut values = Vec::new();
        self.each(domain, &mut |at| values.push(self.num(inner, at)));
        let part = self.num(part, Place::default());
        if values.is_empty() || part.is_nan() || values.iter().any(|value| value.is_nan()) {
            return f64::NAN;
        }
        values.sort_unstable_by(f64::total_cmp);
        let place = part.clamp(0.0, 1.0) * (values.len() - 1) as f64;
        let (below, share) = (place.floor() as usize, place - place.floor());
        let above = (below + 1).min(values.len() - 1);
        values[below] + (values[above] - values[below]) * share
    }

    fn alarms(&self, subject: Subject, at: Place) -> Option<AlarmSet> {
        let snapshot = self.sight.snapshot;
        match subject {
            Subject::Unit => snapshot.units.get(at.unit as usize).map(|unit| unit.alarms),
            Subject::Rack => snapshot.racks.get(at.rack as usize).map(|rack| rack.alarms),
        }
    }
    fn level(&self, code: Option<AlarmCode>, subject: Subject, at: Place) -> f64 {
        let Some(set) = self.alarms(subject, at) else { return f64::NAN };
        let worst = match code {
            None => set.worst(),
            Some(code) => {
                AlarmLevel::ALL.into_iter().rev().find(|level| set.has_level(code, *level))
            }
        };
        worst.map_or(0.0, |level| f64::from(level as u8) + 1.0)
    }
    fn contactor(&self, subject: Subject, at: Place) -> f64 {
        let snapshot = self.sight.snapshot;
        match subject {
            Subject::Rack => snapshot.racks.get(at.rack as usize).map_or(f64::NAN, of_rack),
            Subject::Unit => {
                let Some(unit) = snapshot.spec.units.get(at.unit as usize) else { return f64::NAN };
                let racks = snapshot.racks.get(unit.racks.clone()).unwrap_or_default();
                let mut all = racks.iter().map(of_rack);
                let first = all.next().unwrap_or(f64::NAN);
                all.fold(first, |sum, one| if is_equal(sum, one) { sum } else { PARTLY })
            }
        }
    }
    /// Whether a place that is coarser than the target has a part of it.
    fn has_coarse(&self, target: &Resolved, at: Place) -> bool {
        let is_unit = at.rack == UNIT.rack;
        let has = |list: &[bool], idx: u32| list.get(idx as usize).copied().unwrap_or(false);
        if is_unit {
            has(&target.units, at.unit)
        } else {
            at.cell == RACK_CELL && has(&target.racks, at.rack)
        }
    }

    /// Calls `each` for every place of the domain, in order.
    pub(crate) fn each(&self, domain: Domain, each: &mut dyn FnMut(Place)) {
        let selection = &self.selections[domain.selection];
        let spec = &self.sight.snapshot.spec;
        if domain.level == Level::One {
            each(Place::default());
            return;
        }
        let targets = |f: &dyn Fn(&Resolved) -> bool| {
            selection.targets.iter().all(|(target, wanted)| {
                self.sight.targets.get(*target).is_some_and(|target| f(target) == *wanted)
            })
        };
        // A target of single cells is walked by its cells.
        let cells = || selection.targets.iter().filter(|(_, wanted)| *wanted);
        let few = cells().filter_map(|(target, _)| self.sight.targets.get(*target));
        let few = few.map(|target| &target.cells).find(|cells| !cells.is_empty());
        let masked = |mask: &[bool], idx: usize| mask.get(idx).copied().unwrap_or(mask.is_empty());
        for (unit_idx, unit) in spec.units.iter().enumerate() {
            if !masked(&selection.units, unit_idx) {
                continue;
            }
            if domain.level == Level::Unit {
                if targets(&|target| target.units.get(unit_idx).copied().unwrap_or(false))
                    && unit.racks.clone().any(|rack| masked(&selection.racks, rack))
                {
                    each(Place { unit: unit_idx as u32, ..UNIT });
                }
                continue;
            }
            let shown = self.sight.snapshot.cells.iter().any(|view| view.unit_idx == unit_idx);
            for rack in unit.racks.clone().filter(|rack| masked(&selection.racks, *rack)) {
                let at = Place { unit: unit_idx as u32, rack: rack as u32, cell: RACK_CELL };
                if domain.level == Level::Rack {
                    if targets(&|target| target.racks.get(rack).copied().unwrap_or(false)) {
                        each(at);
                    }
                    continue;
                }
                let has = |cell: u16| targets(&|target| target.has_cell(rack as u32, cell));
                if let Some(few) = few {
                    let from = few.partition_point(|(other, _)| *other < rack as u32);
                    let here = few[from..].iter().take_while(|(other, _)| *other == rack as u32);
                    here.filter(|(_, cell)| has(*cell)).for_each(|(_, cell)| {
                        each(Place { cell: *cell, ..at });
                    });
                    continue;
                }
                // Cells that nobody is shown: one absent value stands for them all.
                let n = if shown { unit.design.cells_in_series } else { 1 };
                (0..n as u16).filter(|cell| has(*cell)).for_each(|cell| each(Place { cell, ..at }));
            }
        }
    }
}

/// What a unit's place has in place of a rack, and a rack's in place of a cell.
const UNIT: Place = Place { unit: 0, rack: u32::MAX, cell: u16::MAX };
const RACK_CELL: u16 = u16::MAX;

const OPEN: f64 = 0.0;
const PARTLY: f64 = 1.0;
const CLOSED: f64 = 2.0;

fn of_rack(rack: &RackView) -> f64 {
    match (rack.connected, rack.contactors) {
        (true, _) => CLOSED,
        (false, [false, false, false]) => OPEN,
        (false, _) => PARTLY,
    }
}

fn cell(snapshot: &Snapshot, get: fn(&CellsView) -> &[f32], at: Place) -> f64 {
    // Where every unit is shown the view is at the unit's own index.
    let idx = at.unit as usize;
    let here = snapshot.cells.get(idx).filter(|view| view.unit_idx == idx);
    let view = here.or_else(|| snapshot.cells.iter().find(|view| view.unit_idx == idx));
    let (Some(view), Some(unit)) = (view, snapshot.spec.units.get(idx)) else { return f64::NAN };
    let rack = (at.rack as usize).wrapping_sub(unit.racks.start);
    let place = rack.wrapping_mul(view.cells_per_rack).wrapping_add(usize::from(at.cell));
    get(view).get(place).map_or(f64::NAN, |value| f64::from(*value))
}

fn arithmetic(op: Arithmetic, left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() {
        return f64::NAN;
    }
    match op {
        Arithmetic::Plus => left + right,
        Arithmetic::Minus => left - right,
        Arithmetic::Times => left * right,
        Arithmetic::Over if right.abs() <= 0.0 => f64::NAN,
        Arithmetic::Over => left / right,
        Arithmetic::Smaller => left.min(right),
        Arithmetic::Larger => left.max(right),
    }
}

fn is_equal(left: f64, right: f64) -> bool {
    left.total_cmp(&right).is_eq() || (left - right).abs() <= EQUAL * left.abs().max(right.abs())
}

fn compare(op: Compare, left: f64, right: f64) -> Option<bool> {
    if left.is_nan() || right.is_nan() {
        return None;
    }
    let equal = is_equal(left, right);
    Some(match op {
        Compare::Equal => equal,
        Compare::NotEqual => !equal,
        Compare::Less => !equal && left < right,
        Compare::LessOrEqual => equal || left < right,
        Compare::Greater => !equal && left > right,
        Compare::GreaterOrEqual => equal || left > right,
    })
}

/// Kleene's and: what is false stays so whatever the other is.
pub(crate) fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}
/// Kleene's or.
pub(crate) fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

impl Place {
    /// The element of a coarser level that it belongs to.
    pub(crate) fn at_level(self, level: Level) -> Self {
        match level {
            Level::One | Level::Unit => Self { unit: self.unit, ..UNIT },
            Level::Rack => Self { cell: RACK_CELL, ..self },
            Level::Cell => self,
        }
    }
}
