//! What frequency and voltage are at which time: disturbances before records before the model.

use super::inertia::{Inertia, STEP_S};
use super::{GridTick, Segment, TICK_US, start_us};
use crate::persist::{leaf, persist};
use bess_core::event::{Event, EventKind, GridChange};
use bess_core::series::Series;
use bess_core::spec::{
    Disturbance, DisturbanceKind, FarmSpec, GridKind, Hold, LastingKind, PlannedDisturbance,
};
use bess_core::time::{Moment, Tick};
use std::sync::Arc;

/// Changes of a modelled frequency up to this make no segment of their own, in Hz: no relay is that fine
/// (engineering choice).
const SEGMENT_HZ: f64 = 1e-4;
/// No end.
const NEVER: u64 = u64::MAX;
const STEP_US: u64 = (STEP_S * 1e6) as u64;

/// A disturbance that lasts until an instant in microseconds after the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Held {
    value: f64,
    until_us: u64,
}
leaf!(Held);

/// The grid behind the POI.
#[derive(Debug)]
pub(crate) struct Grid {
    nominal_hz: f64,
    base_pu: f64,
    short_circuit_va: Option<f64>,
    recorded_hz: Option<Arc<Series>>,
    recorded_pu: Option<Arc<Series>>,
    inertia: Option<Inertia>,
    /// What is still to begin, in the order of time.
    planned: Vec<PlannedDisturbance>,
    next: usize,
    voltage: Option<Held>,
    frequency: Option<Held>,
    /// When the outage ends.
    outage: Option<u64>,
    /// Changes of load in W.
    loads: Vec<Held>,
    /// What somebody holds frequency in Hz and voltage in pu at; below a disturbance.
    hold_hz: Option<f64>,
    hold_pu: Option<f64>,
    /// Disturbances that began; no part of the state.
    begun: u64,
}
persist! {
    Grid {
        inertia: within, planned, next, voltage, frequency, outage, loads, hold_hz, hold_pu, begun,
    }
    but { nominal_hz, base_pu, short_circuit_va, recorded_hz, recorded_pu }
}

impl Grid {
    /// The grid of `spec` with the records of its frequency in Hz and its voltage in pu, where there
    /// are any.
    pub(crate) fn new(
        spec: &FarmSpec,
        frequency: Option<Arc<Series>>,
        voltage: Option<Arc<Series>>,
    ) -> Self {
        let inertia = match spec.grid.kind {
            GridKind::Stiff => None,
            GridKind::Inertia(spec) => Some(Inertia::new(spec)),
        };
        let mut planned = spec.grid.events.clone();
        planned.sort_by_key(|event| event.at);
        Self {
            nominal_hz: spec.nominal_frequency.0,
            base_pu: spec.grid.voltage_pu,
            short_circuit_va: spec.grid.short_circuit.map(|va| va.0),
            recorded_hz: frequency,
            recorded_pu: voltage,
            inertia,
            planned,
            next: 0,
            voltage: None,
            frequency: None,
            outage: None,
            loads: Vec::new(),
            hold_hz: None,
            hold_pu: None,
            begun: 0,
        }
    }

    /// Disturbances in force now. Loads that were changed for good count as one.
    pub(crate) fn n_disturbances(&self) -> usize {
        let held = [
            self.voltage.is_some(),
            self.frequency.is_some(),
            self.outage.is_some(),
            self.hold_hz.is_some(),
            self.hold_pu.is_some(),
        ];
        held.into_iter().filter(|holds| *holds).count() + self.loads.len()
    }

    /// Disturbances that began since this was asked last.
    pub(crate) fn take_begun(&mut self) -> u64 {
        std::mem::take(&mut self.begun)
    }

    /// Disturbs the grid from the start of `from` on, a tick that was not made yet. The disturbance was
    /// checked by [`Disturbance::check`].
    pub(crate) fn disturb(&mut self, disturbance: &Disturbance, from: Tick) {
        let at = Moment { tick: from, offset_us: 0 };
        self.planned.drain(..self.next);
        self.next = 0;
        let idx = self.planned.partition_point(|event| event.at <= at);
        self.planned.insert(idx, PlannedDisturbance { at, disturbance: *disturbance });
    }

    /// Holds frequency and voltage from the start of `from` on, or releases them. A disturbance of the
    /// same quantity that is in force ends with it. What begins and ends goes to `events`; a hold that
    /// moves does not.
    pub(crate) fn hold(
        &mut self,
        (frequency_hz, voltage_pu): (Option<Hold>, Option<Hold>),
        from: Tick,
        events: &mut Vec<Event>,
    ) {
        let at = start_us(from);
        match frequency_hz {
            Some(Hold::At(hz)) => {
                self.frequency = None;
                if self.hold_hz.replace(hz).is_none() {
                    self.begun += 1;
                    events.push(happened(from, at, GridChange::Frequency(hz)));
                }
            }
            Some(Hold::Release) => self.release(LastingKind::Frequency, from, events),
            None => {}
        }
        match voltage_pu {
            Some(Hold::At(pu)) => {
                self.voltage = None;
                if self.hold_pu.replace(pu).is_none() {
                    self.begun += 1;
                    events.push(happened(from, at, GridChange::Voltage(pu)));
                }
            }
            Some(Hold::Release) => self.release(LastingKind::Voltage, from, events),
            None => {}
        }
    }

    /// Nobody holds this quantity any more from the start of `from` on.
    fn release(&mut self, kind: LastingKind, from: Tick, events: &mut Vec<Event>) {
        let start = start_us(from);
        let recorded = |series: &Option<Arc<Series>>| {
            series.as_ref().map(|series| series.at(start as f64 / 1e6))
        };
        let what = match kind {
            LastingKind::Frequency if self.hold_hz.take().is_some() => {
                GridChange::Frequency(self.frequency_hz(recorded(&self.recorded_hz)))
            }
            LastingKind::Voltage if self.hold_pu.take().is_some() => {
                GridChange::Voltage(self.voltage_pu(recorded(&self.recorded_pu), 0.0))
            }
            _ => return,
        };
        events.push(happened(from, start, what));
    }

    /// Ends what was done to the grid and lasts, of this kind or of every one, at the start of `from`.
    pub(crate) fn end(&mut self, kind: Option<LastingKind>, from: Tick, events: &mut Vec<Event>) {
        let at = start_us(from);
        let ends = |of: LastingKind| kind.is_none_or(|kind| kind == of);
        // What is over at the start of a tick ends there, with its event.
        let cut = |held: &mut Held| held.until_us = held.until_us.min(at);
        if ends(LastingKind::Voltage) {
            self.voltage.iter_mut().for_each(cut);
            self.release(LastingKind::Voltage, from, events);
        }
        if ends(LastingKind::Frequency) {
            self.frequency.iter_mut().for_each(cut);
            self.release(LastingKind::Frequency, from, events);
        }
        if ends(LastingKind::Outage) {
            self.outage = self.outage.map(|until| until.min(at));
        }
        if ends(LastingKind::LoadStep) {
            self.loads.iter_mut().for_each(cut);
        }
    }

    /// Whether the coming ticks do not depend on what the farm does, so that many can be made ahead.
    pub(crate) fn is_autonomous(&self) -> bool {
        (self.inertia.is_none() || self.recorded_hz.is_some())
            && (self.short_circuit_va.is_none() || self.recorded_pu.is_some())
    }

    /// The grid before the first tick: nothing has happened yet.
    pub(crate) fn before(&self) -> GridTick {
        let hz = self.recorded_hz.as_ref().map_or(self.nominal_hz, |series| series.at(0.0));
        let pu = self.recorded_pu.as_ref().map_or(self.base_pu, |series| series.at(0.0));
        GridTick::steady(Tick(0), hz, pu)
    }

    /// The tick `tick`, where the farm gave `poi_power_w` and `reactive_var` in the one before it.
    /// Ticks are asked for in order, each once. What begins and ends goes to `events`.
    pub(crate) fn tick(
        &mut self,
        tick: Tick,
        poi_power_w: f64,
        reactive_var: f64,
        events: &mut Vec<Event>,
    ) -> GridTick {
        let (start, end) = (start_us(tick), start_us(tick) + TICK_US);
        let lift_pu = self.short_circuit_va.map_or(0.0, |va| reactive_var / va);
        let hz = Pieces::new(self.recorded_hz.as_deref(), start, end);
        let pu = Pieces::new(self.recorded_pu.as_deref(), start, end);
        let mut segments: Vec<Segment> = Vec::with_capacity(1);
        let mut phase_jump: Option<(f64, f64)> = None;
        let mut at = start;
        while at < end {
            self.end_what_is_over(at, tick, events, (hz.at(at), pu.at(at), lift_pu));
            self.begin_what_is_due(at, tick, events, &mut phase_jump);
            let loads_w: f64 = self.loads.iter().map(|load| load.value).sum();
            let mut until = end.min(self.next_change(at)).min(hz.next(at)).min(pu.next(at));
            // The model stands still while something else says the frequency.
            let modelled = self.recorded_hz.is_none()
                && self.frequency.is_none()
                && self.hold_hz.is_none()
                && self.outage.is_none();
            if let Some(inertia) = self.inertia.as_mut().filter(|_| modelled) {
                let change_pu = inertia.change_pu(poi_power_w, loads_w);
                if !inertia.rests(change_pu) {
                    until = until.min(at + STEP_US);
                    inertia.step(change_pu, (until - at) as f64 * 1e-6);
                }
            }
            let segment = Segment {
                from_s: (at - start) as f64 / 1e6,
                to_s: (until - start) as f64 / 1e6,
                frequency_hz: self.frequency_hz(hz.at(at)),
                voltage_pu: self.voltage_pu(pu.at(at), lift_pu),
            };
            let finest_hz = if modelled { SEGMENT_HZ } else { 0.0 };
            match segments.last_mut() {
                Some(last)
                    if (last.frequency_hz - segment.frequency_hz).abs() <= finest_hz
                        && last.voltage_pu == segment.voltage_pu =>
                {
                    last.to_s = segment.to_s;
                }
                _ => segments.push(segment),
            }
            at = until;
        }
        GridTick::new(tick, segments, phase_jump)
    }

    fn frequency_hz(&self, recorded: Option<f64>) -> f64 {
        match (self.outage, self.frequency) {
            (Some(_), _) => self.nominal_hz,
            (None, Some(held)) => held.value,
            (None, None) => self.hold_hz.or(recorded).unwrap_or_else(|| {
                let deviation = self.inertia.as_ref().map_or(0.0, Inertia::deviation_pu);
                self.nominal_hz * (1.0 + deviation)
            }),
        }
    }
    fn voltage_pu(&self, recorded: Option<f64>, lift_pu: f64) -> f64 {
        match (self.outage, self.voltage) {
            (Some(_), _) => 0.0,
            (None, Some(held)) => held.value,
            (None, None) => self.hold_pu.or(recorded).unwrap_or(self.base_pu + lift_pu).max(0.0),
        }
    }

    /// The next instant after `at` at which a disturbance begins or ends.
    fn next_change(&self, at: u64) -> u64 {
        let begin = self.planned.get(self.next).map_or(NEVER, |event| event.at.elapsed_us());
        let held = self.voltage.iter().chain(&self.frequency).chain(&self.loads);
        let end = held.map(|held| held.until_us).min().unwrap_or(NEVER);
        begin.min(end).min(self.outage.unwrap_or(NEVER)).max(at + 1)
    }

    fn begin_what_is_due(
        &mut self,
        at: u64,
        tick: Tick,
        events: &mut Vec<Event>,
        phase_jump: &mut Option<(f64, f64)>,
    ) {
        while let Some(event) = self.planned.get(self.next).copied() {
            if event.at.elapsed_us() > at {
                return;
            }
            self.next += 1;
            self.begun += 1;
            let Disturbance { kind, duration_s } = event.disturbance;
            let until_us = if duration_s.is_finite() {
                at + ((duration_s * 1e6).round() as u64).max(1)
            } else {
                NEVER
            };
            let what = match kind {
                DisturbanceKind::Voltage(value) => {
                    self.voltage = Some(Held { value, until_us });
                    GridChange::Voltage(value)
                }
                DisturbanceKind::Frequency(value) => {
                    self.frequency = Some(Held { value, until_us });
                    GridChange::Frequency(value)
                }
                DisturbanceKind::Outage => {
                    self.outage = Some(until_us);
                    GridChange::Outage
                }
                DisturbanceKind::PhaseJump(degrees) => {
                    // Of several in one tick the largest is told.
                    if phase_jump.is_none_or(|(_, other)| other.abs() < degrees.abs()) {
                        *phase_jump = Some(((at - start_us(tick)) as f64 / 1e6, degrees));
                    }
                    GridChange::PhaseJump(degrees)
                }
                DisturbanceKind::LoadStep(load) => {
                    if until_us == NEVER {
                        self.keep_load(load.0);
                    } else {
                        self.loads.push(Held { value: load.0, until_us });
                    }
                    GridChange::LoadStep(load.0)
                }
            };
            events.push(happened(tick, at, what));
        }
    }

    /// Loads that stay are one sum, so that a run of many steps does not grow.
    fn keep_load(&mut self, watts: f64) {
        match self.loads.iter_mut().find(|load| load.until_us == NEVER) {
            Some(load) => load.value += watts,
            None => self.loads.push(Held { value: watts, until_us: NEVER }),
        }
    }

    fn end_what_is_over(
        &mut self,
        at: u64,
        tick: Tick,
        events: &mut Vec<Event>,
        (recorded_hz, recorded_pu, lift_pu): (Option<f64>, Option<f64>, f64),
    ) {
        let mut told = |what| events.push(happened(tick, at, what));
        if self.outage.is_some_and(|until| until <= at) {
            self.outage = None;
            if let Some(inertia) = &mut self.inertia {
                inertia.restart();
            }
            told(GridChange::Restored);
        }
        if self.voltage.is_some_and(|held| held.until_us <= at) {
            self.voltage = None;
            told(GridChange::Voltage(self.voltage_pu(recorded_pu, lift_pu)));
        }
        if self.frequency.is_some_and(|held| held.until_us <= at) {
            self.frequency = None;
            told(GridChange::Frequency(self.frequency_hz(recorded_hz)));
        }
        self.loads.retain(|load| {
            let lasts = load.until_us > at;
            if !lasts {
                told(GridChange::LoadStep(-load.value));
            }
            lasts
        });
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let held = self.voltage.iter().chain(&self.frequency).chain(&self.loads);
        for held in held {
            sink(&held.value.to_le_bytes());
            sink(&held.until_us.to_le_bytes());
        }
        let present = [self.voltage.is_some(), self.frequency.is_some()];
        sink(&present.map(u8::from));
        sink(&self.outage.unwrap_or(0).to_le_bytes());
        for hold in [self.hold_hz, self.hold_pu] {
            sink(&hold.unwrap_or(f64::NAN).to_le_bytes());
        }
        // What is over may be forgotten or not; what is to come is state.
        for event in &self.planned[self.next..] {
            sink(&event.at.elapsed_us().to_le_bytes());
            sink(&event.disturbance.duration_s.to_le_bytes());
            let (kind, value) = match event.disturbance.kind {
                DisturbanceKind::Voltage(pu) => (0, pu),
                DisturbanceKind::Frequency(hz) => (1, hz),
                DisturbanceKind::Outage => (2, 0.0),
                DisturbanceKind::PhaseJump(degrees) => (3, degrees),
                DisturbanceKind::LoadStep(load) => (4, load.0),
            };
            sink(&[kind]);
            sink(&value.to_le_bytes());
        }
        if let Some(inertia) = &self.inertia {
            inertia.hash_into(sink);
        }
    }
}

fn happened(tick: Tick, at_us: u64, what: GridChange) -> Event {
    let at = Moment { tick, offset_us: (at_us - start_us(tick)) as u32 };
    Event { at, unit: None, kind: EventKind::Grid { what } }
}

/// What a record says over one tick, its seams in whole microseconds.
enum Pieces {
    None,
    One(f64),
    /// Begin and value of each piece.
    Many(Vec<(u64, f64)>),
}

impl Pieces {
    fn new(series: Option<&Series>, start: u64, end: u64) -> Self {
        let Some(series) = series else { return Self::None };
        let mut pieces = series.pieces(start as f64 / 1e6, end as f64 / 1e6);
        let first = pieces.next().expect("a tick has a length");
        let us = |seconds: f64| (seconds * 1e6).round() as u64;
        if us(first.to_s) >= end {
            return Self::One(first.value);
        }
        // A sliver that rounding leaves before a seam gives way to what follows.
        let rest = pieces.filter(|piece| us(piece.from_s) < end).map(|p| (us(p.from_s), p.value));
        let mut all = vec![(start, first.value)];
        for (from, value) in rest {
            all.retain(|(other, _)| *other < from);
            all.push((from.max(start), value));
        }
        Self::Many(all)
    }
    fn at(&self, at: u64) -> Option<f64> {
        match self {
            Self::None => None,
            Self::One(value) => Some(*value),
            Self::Many(pieces) => {
                let idx = pieces.partition_point(|(from, _)| *from <= at);
                Some(pieces[idx.saturating_sub(1)].1)
            }
        }
    }
    fn next(&self, at: u64) -> u64 {
        match self {
            Self::None | Self::One(_) => NEVER,
            Self::Many(pieces) => {
                pieces.iter().map(|(from, _)| *from).find(|from| *from > at).unwrap_or(NEVER)
            }
        }
    }
}

#[cfg(test)]
mod tests;
