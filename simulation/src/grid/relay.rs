//! Relays of a unit: definite-time elements that act at the exact instant.
//!
//! An element begins to count where its quantity leaves the threshold, and trips when it was beyond
//! without a break for its clearing time; it forgets everything when the quantity is back inside. A
//! value on the threshold is inside.

use super::{FREQUENCY_ABOVE_PU, GridTick, Segment};
use crate::persist::{leaf, persist};
use bess_core::alarm::AlarmCode;
use bess_core::control::TripSettings;
use bess_core::spec::{GridQuantity, GridTrip};
use bess_core::time::Moment;

/// What a relay does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RelayAction {
    /// When, to the microsecond.
    pub(crate) at: Moment,
    /// The alarm that it raises or clears.
    pub(crate) code: AlarmCode,
    /// The value then, in the unit of the alarm; of a phase jump in degrees.
    pub(crate) value: f64,
    /// The threshold, in the same unit.
    pub(crate) threshold: f64,
    /// Whether it trips; otherwise the condition of an earlier trip has gone.
    pub(crate) trips: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Phase {
    Inside,
    /// Since so many microseconds after the start of the run.
    Beyond(u64),
    Tripped,
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Element {
    trip: GridTrip,
    clearing_us: u64,
    phase: Phase,
}
leaf!(Element);

impl Element {
    fn new(trip: GridTrip) -> Self {
        let clearing_us = (trip.clearing_s * 1e6).round() as u64;
        Self { trip, clearing_us, phase: Phase::Inside }
    }
    /// Whether the quantity is beyond the threshold; `None` where it cannot be measured.
    fn is_beyond(&self, segment: &Segment) -> Option<bool> {
        let trip = &self.trip;
        let value = self.value(segment);
        if trip.quantity == GridQuantity::Frequency && segment.voltage_pu < FREQUENCY_ABOVE_PU {
            return None;
        }
        Some(if trip.above { value > trip.threshold } else { value < trip.threshold })
    }
    fn value(&self, segment: &Segment) -> f64 {
        match self.trip.quantity {
            GridQuantity::Voltage => segment.voltage_pu,
            GridQuantity::Frequency => segment.frequency_hz,
        }
    }
}

/// The relays of a unit.
#[derive(Clone, Debug)]
pub(crate) struct Relays {
    elements: Vec<Element>,
    phase_jump_max_deg: f64,
    /// Between these nothing is beyond any threshold: lowest and highest voltage and frequency.
    voltage_pu: (f64, f64),
    frequency_hz: (f64, f64),
    /// How much too near to nominal its thresholds of voltage are in pu, and the factor of its times.
    shift: (f64, f64),
    /// Whether every element is inside.
    at_rest: bool,
    /// A phase jump tripped, and its alarm was not cleared yet.
    jumped: bool,
}
persist! {
    Relays { elements, voltage_pu, frequency_hz, shift, at_rest, jumped }
    but { phase_jump_max_deg }
}

impl Relays {
    /// The relays of these trips, and of jumps of the phase beyond `phase_jump_max_deg`.
    pub(crate) fn new(trips: &TripSettings, phase_jump_max_deg: f64) -> Self {
        let mut relays = Self {
            elements: Vec::new(),
            phase_jump_max_deg,
            voltage_pu: (f64::NEG_INFINITY, f64::INFINITY),
            frequency_hz: (f64::NEG_INFINITY, f64::INFINITY),
            shift: (0.0, 1.0),
            at_rest: true,
            jumped: false,
        };
        let _ = relays.set(trips);
        relays
    }

    /// Other trips from the next tick on. An element that stays as it is goes on where it stands, one
    /// that is new or changed begins with nothing. Returns the alarms that tripped and that no element
    /// would clear any more.
    pub(crate) fn set(&mut self, trips: &TripSettings) -> Vec<AlarmCode> {
        let before = std::mem::take(&mut self.elements);
        let shift = self.shift;
        let element = |trip: GridTrip| {
            let same = before.iter().find(|element| element.trip == trip);
            same.copied().unwrap_or_else(|| Element::new(trip))
        };
        self.elements = trips.trips().map(|trip| element(shifted(trip, shift))).collect();
        self.at_rest = self.elements.iter().all(|element| element.phase == Phase::Inside);
        self.voltage_pu = self.tightest(GridQuantity::Voltage);
        self.frequency_hz = self.tightest(GridQuantity::Frequency);
        let codes = |elements: &[Element]| {
            let tripped = elements.iter().filter(|element| element.phase == Phase::Tripped);
            tripped.map(|element| element.trip.code()).collect::<Vec<AlarmCode>>()
        };
        let kept = codes(&self.elements);
        let mut orphans = codes(&before);
        orphans.dedup();
        orphans.retain(|code| !kept.contains(code));
        orphans
    }

    /// Sets the relays wrong, or right again: like [`Relays::set`], with thresholds of voltage that are
    /// `shift_pu` nearer to nominal and with clearing times that are `time_factor` as long.
    pub(crate) fn set_wrong(
        &mut self,
        trips: &TripSettings,
        (shift_pu, time_factor): (f64, f64),
    ) -> Vec<AlarmCode> {
        self.shift = (shift_pu, time_factor);
        self.set(trips)
    }

    /// The nearest thresholds of a quantity: the highest one below, the lowest one above.
    fn tightest(&self, quantity: GridQuantity) -> (f64, f64) {
        let of = |above| {
            let trips = self.elements.iter().map(|element| element.trip);
            trips.filter(move |t| t.quantity == quantity && t.above == above).map(|t| t.threshold)
        };
        (of(false).fold(f64::NEG_INFINITY, f64::max), of(true).fold(f64::INFINITY, f64::min))
    }

    /// One tick. A unit that is not `connected` cannot trip, and begins to count when it connects; what
    /// tripped before clears when the quantity is back. Actions go to `out` in the order of time.
    pub(crate) fn step(&mut self, tick: &GridTick, connected: bool, out: &mut Vec<RelayAction>) {
        let holds =
            |(low, high): (f64, f64), (least, most): (f64, f64)| low >= least && high <= most;
        if self.at_rest
            && !self.jumped
            && tick.phase_jump.is_none()
            && holds(tick.voltage_range_pu(), self.voltage_pu)
            && holds(tick.frequency_range_hz(), self.frequency_hz)
        {
            return;
        }
        let first = out.len();
        self.watch_phase(tick, connected, out);
        for segment in tick.segments() {
            for idx in 0..self.elements.len() {
                out.extend(self.watch(idx, segment, tick, connected));
            }
        }
        self.at_rest = self.elements.iter().all(|element| element.phase == Phase::Inside);
        out[first..].sort_by_key(|action| action.at);
    }

    /// What the element does in a segment.
    fn watch(
        &mut self,
        idx: usize,
        segment: &Segment,
        tick: &GridTick,
        connected: bool,
    ) -> Option<RelayAction> {
        let element = self.elements[idx];
        let (from_us, to_us) = (segment.begin_us(), segment.end_us());
        let beyond = element.is_beyond(segment);
        let action = |us, trips| RelayAction {
            at: tick.moment(us),
            code: element.trip.code(),
            value: element.value(segment),
            threshold: element.trip.threshold,
            trips,
        };
        let (phase, done) = match (element.phase, beyond) {
            (Phase::Tripped, Some(false)) => {
                // Elements of one code share its alarm: the last one that comes back clears it.
                let is_other = |other: &(usize, &Element)| {
                    other.0 != idx
                        && other.1.phase == Phase::Tripped
                        && other.1.trip.code() == element.trip.code()
                };
                let is_last = !self.elements.iter().enumerate().any(|other| is_other(&other));
                (Phase::Inside, is_last.then(|| action(from_us, false)))
            }
            (Phase::Tripped, _) => (Phase::Tripped, None),
            (Phase::Inside | Phase::Beyond(_), Some(true)) if connected => {
                let since = match element.phase {
                    Phase::Beyond(since) => since,
                    _ => tick.start_us() + from_us,
                };
                let due = since + element.clearing_us;
                if due <= tick.start_us() + to_us {
                    (Phase::Tripped, Some(action(due.saturating_sub(tick.start_us()), true)))
                } else {
                    (Phase::Beyond(since), None)
                }
            }
            (Phase::Inside | Phase::Beyond(_), _) => (Phase::Inside, None),
        };
        self.elements[idx].phase = phase;
        done
    }

    /// A phase jump beyond what the converter bears trips at once; its cause is gone a tick later.
    fn watch_phase(&mut self, tick: &GridTick, connected: bool, out: &mut Vec<RelayAction>) {
        let action = |us, value, trips| RelayAction {
            at: tick.moment(us),
            code: AlarmCode::SynchronisationFailed,
            value,
            threshold: self.phase_jump_max_deg,
            trips,
        };
        if self.jumped {
            out.push(action(0, 0.0, false));
        }
        let too_far = tick
            .phase_jump
            .filter(|(_, degrees)| connected && degrees.abs() > self.phase_jump_max_deg);
        if let Some((offset_s, degrees)) = too_far {
            out.push(action((offset_s * 1e6).round() as u64, degrees, true));
        }
        self.jumped = too_far.is_some();
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[u8::from(self.jumped)]);
        for element in &self.elements {
            let (kind, since) = match element.phase {
                Phase::Inside => (0, 0),
                Phase::Beyond(since) => (1, since),
                Phase::Tripped => (2, 0),
            };
            sink(&[kind]);
            sink(&since.to_le_bytes());
        }
    }
}

/// `trip` as a relay has it that was set wrong.
fn shifted(trip: GridTrip, (shift_pu, time_factor): (f64, f64)) -> GridTrip {
    let shift_pu = if trip.quantity == GridQuantity::Voltage { shift_pu } else { 0.0 };
    let threshold = if trip.above { trip.threshold - shift_pu } else { trip.threshold + shift_pu };
    GridTrip { threshold, clearing_s: trip.clearing_s * time_factor, ..trip }
}

#[cfg(test)]
mod tests;
