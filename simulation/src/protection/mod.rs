//! The protection of a unit: every element of its profile with delay, hysteresis and release, and the
//! one list of alarm objects that registers, REST, metrics and events are made of.

mod condition;
mod envelope;
mod impaired;
mod sight;
#[cfg(test)]
mod tests;

pub(crate) use sight::{RackSight, UnitSight};

use crate::persist::{leaf, persist};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase, AlarmSet, AlarmState};
use bess_core::event::{Event, EventKind};
use bess_core::id::{CellAddress, UnitId};
use bess_core::protection::{Direction, ProtectionElement, ProtectionProfile, quantity};
use bess_core::spec::UnitDesign;
use bess_core::time::{Moment, TICK_S, Tick};
use condition::Condition;
use envelope::Envelope;
use impaired::Impaired;
use std::sync::Arc;

/// Time constant in s of the lag against which a temperature's rate is told (engineering choice: of
/// the order of a sensor's own lag).
const RATE_LAG_S: f64 = 10.0;

/// Alarms that belong to the machine: no profile sets their levels, and none of them waits.
const FIXED: &[ProtectionElement] = &[
    fixed(AlarmCode::ContactorFault, AlarmLevel::Critical),
    fixed(AlarmCode::ContactorFault, AlarmLevel::Derate),
    fixed(AlarmCode::PrechargeFailed, AlarmLevel::Critical),
    fixed(AlarmCode::ControllerLost, AlarmLevel::Warning),
    fixed(AlarmCode::ControllerLost, AlarmLevel::Derate),
    fixed(AlarmCode::DcVoltageOutOfWindow, AlarmLevel::Derate),
    fixed(AlarmCode::PowerBeyondMatchedLoad, AlarmLevel::Warning),
    fixed(AlarmCode::EmergencyStop, AlarmLevel::Critical),
    fixed(AlarmCode::SynchronisationFailed, AlarmLevel::Trip),
    fixed(AlarmCode::IslandOverload, AlarmLevel::Trip),
    fixed(AlarmCode::Quarantined, AlarmLevel::Critical),
    fixed(AlarmCode::PcsFault, AlarmLevel::Critical),
    fixed(AlarmCode::DoorOpen, AlarmLevel::Warning),
    fixed(AlarmCode::FireSuppression, AlarmLevel::Critical),
    // NFPA 69: gas is to be kept below a quarter of its lower flammable limit; the way back is an engineering
    // choice.
    ProtectionElement {
        threshold: 0.25,
        release: 0.2,
        release_delay_s: 10.0,
        ..fixed(AlarmCode::GasConcentration, AlarmLevel::Warning)
    },
];

const fn fixed(code: AlarmCode, level: AlarmLevel) -> ProtectionElement {
    ProtectionElement {
        code,
        level,
        threshold: f64::NAN,
        delay_s: 0.0,
        release: f64::NAN,
        release_delay_s: 0.0,
        gate_v: f64::NAN,
        latched: false,
    }
}

/// Whether the alarm is one of each rack.
fn is_of_rack(code: AlarmCode) -> bool {
    code == AlarmCode::ContactorFault || quantity(code).is_some_and(|quantity| quantity.of_rack)
}

/// What an alarm object needs beside what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Memory {
    /// Since when its cause is gone while it is active.
    clear_since: Option<Tick>,
    /// Whether it waits for a reset when its cause is gone.
    latches: bool,
}
leaf!(Memory);

/// State of a unit's protection.
#[derive(Clone, Debug)]
pub(crate) struct Protection {
    unit: UnitId,
    profile: Arc<ProtectionProfile>,
    envelope: Envelope,
    rack_max_v: f64,
    /// The alarm objects that live, in the order of their keys, and what else they need.
    states: Vec<AlarmState>,
    memories: Vec<Memory>,
    /// Made of `states`, whenever these change.
    set: AlarmSet,
    rack_sets: Vec<AlarmSet>,
    /// Lagging temperature of each rack's hottest cell in degC; NaN before the first look.
    lagging_degc: Vec<f64>,
    pcs_factor: f64,
    /// The alarm that a fault of the converter holds, whatever its element sees.
    pcs_trip: Option<AlarmCode>,
    resets_refused: u32,
    impaired: Impaired,
}
persist! {
    Protection { states, memories, lagging_degc: each, pcs_factor, pcs_trip, resets_refused }
    but { unit, profile, envelope, rack_max_v, set, rack_sets, impaired }
}

impl Protection {
    pub(crate) fn new(unit: UnitId, design: &UnitDesign) -> Self {
        let profile = Arc::clone(&design.protection);
        let rack_max_v = design.dc_voltage_window().1.0;
        Self {
            unit,
            envelope: Envelope::of(&profile, rack_max_v),
            profile,
            rack_max_v,
            states: Vec::new(),
            memories: Vec::new(),
            set: AlarmSet::default(),
            rack_sets: vec![AlarmSet::default(); design.n_racks],
            lagging_degc: vec![f64::NAN; design.n_racks],
            pcs_factor: 1.0,
            pcs_trip: None,
            resets_refused: 0,
            impaired: Impaired::default(),
        }
    }

    /// Looks at the unit at the end of a tick; to be called once in each.
    pub(crate) fn step(&mut self, sight: &UnitSight<'_>, events: &mut Vec<Event>) {
        self.pcs_factor = self.envelope.pcs_factor(sight.pcs_degc);
        if sight.pcs_trip.is_some() || self.pcs_trip.is_some() {
            self.hold_trip(sight.pcs_trip, sight.now, events);
        }
        let largest_a = (sight.discharge_max_a, sight.charge_max_a);
        for (idx, rack) in sight.racks.iter().enumerate() {
            let rate_k_per_s = self.rate(idx, rack.temperature_max.0);
            let is_quiet = self.envelope.holds_rack(rack, rate_k_per_s, largest_a);
            if is_quiet && (self.states.is_empty() || !self.lives_of(Some(idx as u16))) {
                continue;
            }
            self.evaluate(Some(idx), sight.now, events, |element| {
                condition::of_rack(element, rack, rate_k_per_s, sight)
            });
        }
        if !self.envelope.holds_unit(sight) || (!self.states.is_empty() && self.lives_of(None)) {
            let rack_max_v = self.rack_max_v;
            self.evaluate(None, sight.now, events, |element| {
                condition::of_unit(element, sight, rack_max_v)
            });
        }
        self.trip_without_cause(sight.now, events);
    }

    /// How fast the hottest cell of rack `idx` warms up in K/s: its distance from a first-order lag.
    fn rate(&mut self, idx: usize, degc: f64) -> f64 {
        let lagging_degc = &mut self.lagging_degc[idx];
        if !lagging_degc.is_finite() {
            *lagging_degc = degc;
        }
        let rate_k_per_s = (degc - *lagging_degc) / RATE_LAG_S;
        *lagging_degc += rate_k_per_s * TICK_S;
        rate_k_per_s
    }

    fn lives_of(&self, rack_idx: Option<u16>) -> bool {
        self.states.iter().any(|state| state.key.rack_idx == rack_idx)
    }

    /// Takes every element of one rack, or of the unit as a whole, one tick further.
    fn evaluate(
        &mut self,
        rack_idx: Option<usize>,
        now: Tick,
        events: &mut Vec<Event>,
        condition: impl Fn(&ProtectionElement) -> Condition,
    ) {
        let profile = Arc::clone(&self.profile);
        for element in profile.elements.iter().chain(FIXED) {
            if is_of_rack(element.code) != rack_idx.is_some() {
                continue;
            }
            if self.pcs_trip == Some(element.code) && element.level == AlarmLevel::Trip {
                continue;
            }
            let key = match rack_idx {
                Some(idx) => AlarmKey::rack(element.code, element.level, idx),
                None => AlarmKey::unit(element.code, element.level),
            };
            if self.impaired.nuisance != Some(key) {
                let condition = self.impaired.take(key.code, condition(element));
                self.advance(key, element, &condition, now, events);
            }
        }
    }

    /// One tick in the life of the alarm `key`.
    fn advance(
        &mut self,
        key: AlarmKey,
        element: &ProtectionElement,
        condition: &Condition,
        now: Tick,
        events: &mut Vec<Event>,
    ) {
        let at = Moment::end_of(now);
        let waits = element.delay_s > 0.0;
        let place = match self.find(key) {
            Ok(place) => place,
            Err(place) => {
                if condition.violated {
                    let phase = if waits { AlarmPhase::Pending } else { AlarmPhase::Active };
                    let latches = element.latches() && !self.impaired.no_latch;
                    self.raise(place, key, phase, at, condition, latches, events);
                }
                return;
            }
        };
        let (state, memory) = (&mut self.states[place], &mut self.memories[place]);
        if condition.violated {
            memory.clear_since = None;
            if is_worse(key.code, condition.value, state.value) {
                state.value = condition.value;
                state.cell = cell_address(self.unit, key, condition.cell_idx);
            }
        }
        let next = match state.phase {
            AlarmPhase::Pending if !condition.violated => None,
            AlarmPhase::Pending => {
                let has_waited = is_over(state.since.tick, element.delay_s, now);
                Some(if has_waited { AlarmPhase::Active } else { AlarmPhase::Pending })
            }
            AlarmPhase::Active if condition.released => {
                let since = *memory.clear_since.get_or_insert(now);
                let waits = !self.impaired.no_latch;
                if waits && !is_over(since, element.release_delay_s, now) {
                    Some(AlarmPhase::Active)
                } else {
                    memory.latches.then_some(AlarmPhase::Latched)
                }
            }
            AlarmPhase::Active => {
                memory.clear_since = None;
                Some(AlarmPhase::Active)
            }
            AlarmPhase::Latched if condition.violated => Some(AlarmPhase::Active),
            AlarmPhase::Latched => Some(AlarmPhase::Latched),
        };
        self.go_to(place, next, at, condition.value, events);
    }

    fn find(&self, key: AlarmKey) -> Result<usize, usize> {
        self.states.binary_search_by(|state| state.key.cmp(&key))
    }

    #[expect(clippy::too_many_arguments, reason = "what an alarm object is made of")]
    fn raise(
        &mut self,
        place: usize,
        key: AlarmKey,
        phase: AlarmPhase,
        at: Moment,
        condition: &Condition,
        latches: bool,
        events: &mut Vec<Event>,
    ) {
        let state = AlarmState {
            unit: self.unit,
            key,
            phase,
            since: at,
            value: condition.value,
            threshold: condition.threshold,
            cell: cell_address(self.unit, key, condition.cell_idx),
            resets_refused: 0,
        };
        self.states.insert(place, state);
        self.memories.insert(place, Memory { clear_since: None, latches });
        self.tell(at, key, Some(phase), condition.value, events);
        self.derive();
    }

    /// The alarm at `place` goes to `next`; `None` when it is gone.
    fn go_to(
        &mut self,
        place: usize,
        next: Option<AlarmPhase>,
        at: Moment,
        value: f64,
        events: &mut Vec<Event>,
    ) {
        let state = &mut self.states[place];
        let key = state.key;
        if next == Some(state.phase) {
            return;
        }
        match next {
            Some(phase) => {
                (state.phase, state.since) = (phase, at);
                self.memories[place].clear_since = None;
            }
            None => {
                self.states.remove(place);
                self.memories.remove(place);
            }
        }
        self.tell(at, key, next, value, events);
        self.derive();
    }

    fn tell(
        &self,
        at: Moment,
        key: AlarmKey,
        phase: Option<AlarmPhase>,
        value: f64,
        events: &mut Vec<Event>,
    ) {
        let kind = EventKind::Alarm { key, phase, value };
        events.push(Event { at, unit: Some(self.unit), kind });
    }

    /// Makes the sets of the objects that stand.
    fn derive(&mut self) {
        self.set = AlarmSet::default();
        self.rack_sets.fill(AlarmSet::default());
        for state in self.states.iter().filter(|state| state.is_standing()) {
            self.set.insert(state.key.code, state.key.level);
            if let Some(idx) = state.key.rack_idx {
                self.rack_sets[usize::from(idx)].insert(state.key.code, state.key.level);
            }
        }
    }

    /// A relay of the grid code tripped on `value` at an instant within the tick.
    pub(crate) fn grid_trip(
        &mut self,
        code: AlarmCode,
        at: Moment,
        value: f64,
        threshold: f64,
        events: &mut Vec<Event>,
    ) {
        let key = AlarmKey::unit(code, AlarmLevel::Trip);
        if let Err(place) = self.find(key) {
            let condition =
                Condition { violated: true, released: false, value, threshold, cell_idx: None };
            self.raise(place, key, AlarmPhase::Active, at, &condition, false, events);
        }
    }

    /// The converter has tripped with `code` by a fault of its own, or not any more: then its element lets
    /// go of the alarm by its own rules, or the alarm is gone where no element has it.
    fn hold_trip(&mut self, code: Option<AlarmCode>, now: Tick, events: &mut Vec<Event>) {
        let (at, before) = (Moment::end_of(now), std::mem::replace(&mut self.pcs_trip, code));
        if let Some(code) = code {
            let key = AlarmKey::unit(code, AlarmLevel::Trip);
            let element = self.profile.element(code, AlarmLevel::Trip);
            let latches = element.is_some_and(ProtectionElement::latches);
            match self.find(key) {
                Ok(place) => {
                    self.go_to(place, Some(AlarmPhase::Active), at, f64::NAN, events);
                }
                Err(place) => {
                    let condition = Condition::yes(true, f64::NAN);
                    self.raise(place, key, AlarmPhase::Active, at, &condition, latches, events);
                }
            }
        }
        let Some(old) = before.filter(|old| Some(*old) != code) else { return };
        let own =
            |element: &&ProtectionElement| (element.code, element.level) == (old, AlarmLevel::Trip);
        let has_element = self.profile.elements.iter().chain(FIXED).any(|e| own(&e));
        if let (false, Ok(place)) = (has_element, self.find(AlarmKey::unit(old, AlarmLevel::Trip)))
        {
            self.go_to(place, None, at, f64::NAN, events);
        }
    }

    /// The unit's state left the finite numbers: nothing more will be looked at.
    pub(crate) fn quarantine(&mut self, now: Tick, events: &mut Vec<Event>) {
        let key = AlarmKey::unit(AlarmCode::Quarantined, AlarmLevel::Critical);
        if let Err(place) = self.find(key) {
            let condition = Condition::yes(true, f64::NAN);
            let at = Moment::end_of(now);
            self.raise(place, key, AlarmPhase::Active, at, &condition, true, events);
        }
    }

    /// The cause of `code` is gone at once, so that a reset need not wait for the next look.
    pub(crate) fn end(&mut self, code: AlarmCode, at: Moment, events: &mut Vec<Event>) {
        if let Ok(place) = self.find(AlarmKey::unit(code, AlarmLevel::Critical)) {
            let value = self.states[place].value;
            self.go_to(place, Some(AlarmPhase::Latched), at, value, events);
        }
    }

    /// The cause of a relay's trip is gone.
    pub(crate) fn grid_clear(&mut self, code: AlarmCode, at: Moment, events: &mut Vec<Event>) {
        if self.pcs_trip == Some(code) {
            return;
        }
        if let Ok(place) = self.find(AlarmKey::unit(code, AlarmLevel::Trip)) {
            // The relay tells of its end, not of the value then.
            self.go_to(place, None, at, f64::NAN, events);
        }
    }

    /// The first alarm that a reset would be refused for: it latches, and its cause is still there.
    pub(crate) fn blocked_by(&self) -> Option<AlarmKey> {
        self.blocking().map(|place| self.states[place].key)
    }

    fn blocking(&self) -> Option<usize> {
        let mut both = self.states.iter().zip(&self.memories);
        both.position(|(state, memory)| memory.latches && state.phase == AlarmPhase::Active)
    }

    /// Resets: what is latched goes. What is active stays.
    pub(crate) fn reset(&mut self, at: Moment, events: &mut Vec<Event>) {
        let is_latched = |state: &AlarmState| state.phase == AlarmPhase::Latched;
        while let Some(place) = self.states.iter().position(is_latched) {
            let value = self.states[place].value;
            self.go_to(place, None, at, value, events);
        }
    }

    /// Refuses a reset because of [`Self::blocked_by`]; without that there is nothing to refuse.
    pub(crate) fn refuse_reset(&mut self, at: Moment, events: &mut Vec<Event>) {
        let Some(place) = self.blocking() else { return };
        let state = &mut self.states[place];
        state.resets_refused = state.resets_refused.saturating_add(1);
        self.resets_refused = self.resets_refused.saturating_add(1);
        let kind = EventKind::ResetRefused { key: state.key };
        events.push(Event { at, unit: Some(self.unit), kind });
    }

    /// The alarms that stand.
    pub(crate) fn set(&self) -> AlarmSet {
        self.set
    }
    /// Those of rack `rack_idx` alone.
    pub(crate) fn rack_set(&self, rack_idx: usize) -> AlarmSet {
        self.rack_sets[rack_idx]
    }
    /// The alarms that stand at this level, each with the moment since when.
    pub(crate) fn standing(&self, level: AlarmLevel) -> impl Iterator<Item = (AlarmKey, Moment)> {
        let states = self.states.iter();
        states
            .filter(move |state| state.key.level == level && state.is_standing())
            .map(|state| (state.key, state.since))
    }
    /// Every alarm object that lives, in the order of the keys.
    pub(crate) fn states(&self) -> &[AlarmState] {
        &self.states
    }
    /// Factor of power, 0 to 1, by the converter's temperature.
    pub(crate) fn pcs_derate(&self) -> f64 {
        self.pcs_factor
    }
    /// Resets refused so far.
    pub(crate) fn resets_refused(&self) -> u32 {
        self.resets_refused
    }

    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for (state, memory) in self.states.iter().zip(&self.memories) {
            let key = state.key;
            sink(&[key.code as u8, key.level as u8, state.phase as u8, u8::from(memory.latches)]);
            sink(&key.rack_idx.map_or(u32::MAX, u32::from).to_le_bytes());
            sink(&state.since.elapsed_us().to_le_bytes());
            sink(&state.value.to_le_bytes());
            sink(&state.threshold.to_le_bytes());
            let cell_idx = state.cell.map_or(u32::MAX, |cell| cell.cell_idx.into());
            sink(&cell_idx.to_le_bytes());
            sink(&state.resets_refused.to_le_bytes());
            sink(&memory.clear_since.map_or(u64::MAX, |tick| tick.0).to_le_bytes());
        }
        self.lagging_degc.iter().for_each(|degc| sink(&degc.to_le_bytes()));
        sink(&self.pcs_factor.to_le_bytes());
        sink(&self.resets_refused.to_le_bytes());
    }
}

/// Whether at least `delay_s` went by between the ends of the ticks `since` and `now`.
fn is_over(since: Tick, delay_s: f64, now: Tick) -> bool {
    now.0 - since.0 >= Tick::count_in(delay_s)
}

fn is_worse(code: AlarmCode, value: f64, than: f64) -> bool {
    match quantity(code).map(|quantity| quantity.direction) {
        Some(Direction::Above) => value > than,
        Some(Direction::Below) => value < than,
        // Of what is no quantity of a profile, the last value counts.
        Some(Direction::Yes) | None => true,
    }
}

fn cell_address(unit: UnitId, key: AlarmKey, cell_idx: Option<u16>) -> Option<CellAddress> {
    let unit_idx = unit.idx() as u32;
    key.rack_idx.zip(cell_idx).map(|(rack_idx, cell_idx)| CellAddress {
        unit_idx,
        rack_idx,
        cell_idx,
    })
}
