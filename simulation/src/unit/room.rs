//! Gas in the container's air: well mixed, thinned out by the ventilation, by leaks and by an open door.
//!
//! Explosion control by NFPA 855 and NFPA 69 keeps the gas below 25 % of its lower flammable limit; that is
//! what a figure here is to be held against.

use crate::persist::persist;
use bess_core::time::TICK_S;

/// Litres of air for each J/K of its heat capacity, with that of the light parts in it: 38 m3 have 60 kJ/K
/// [engineering choice, as in farm files].
const AIR_L_PER_J_PER_K: f64 = 38_000.0 / 60_000.0;
/// Lower flammable limit of what lithium-ion cells give off, as a share of the volume [engineering
/// choice: published figures of the mixtures of hydrogen, carbon oxides and hydrocarbons lie between 5 and
/// 11 %].
const LFL: f64 = 0.07;
/// Air changes in a second by the ventilation: 5.1 l/s for each m2 of floor, the least that fire codes ask
/// of a mechanical exhaust, under a ceiling of 2.6 m [engineering choice].
const VENTILATED_PER_S: f64 = 5.1e-3 / 2.6;
/// By leaks of a shut container: a fifth of an air change an hour [engineering choice].
const LEAKS_PER_S: f64 = 0.2 / 3600.0;
/// By an open door: 30 air changes an hour [engineering choice].
const DOOR_PER_S: f64 = 30.0 / 3600.0;

/// The gas in a container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    air_l: f64,
    /// In its air, in litres.
    gas_l: f64,
    /// What the cells had given off in all at the last look, in litres.
    given_l: f64,
}
persist! {
    Room { gas_l, given_l } but { air_l }
}

impl Room {
    /// A room without gas, whose air has this heat capacity.
    pub(super) fn new(air_j_per_k: f64) -> Self {
        Self { air_l: AIR_L_PER_J_PER_K * air_j_per_k, gas_l: 0.0, given_l: 0.0 }
    }

    /// One tick. `given_l` is what the cells have given off since the start.
    pub(super) fn step(&mut self, given_l: f64, ventilated: bool, door_open: bool) {
        let fresh_l = (given_l - self.given_l).max(0.0);
        self.given_l = given_l;
        if fresh_l <= 0.0 && self.gas_l <= 0.0 {
            return;
        }
        let changes_per_s = LEAKS_PER_S
            + if ventilated { VENTILATED_PER_S } else { 0.0 }
            + if door_open { DOOR_PER_S } else { 0.0 };
        // Implicit, so that what is left is never negative.
        self.gas_l = (self.gas_l + fresh_l).min(self.air_l) / (1.0 + changes_per_s * TICK_S);
        // The last millilitre is gone at once, so that rest is rest.
        if self.gas_l < 1e-3 {
            self.gas_l = 0.0;
        }
    }

    /// Gas in the air over its lower flammable limit.
    pub(super) fn lfl(&self) -> f64 {
        self.gas_l / self.air_l / LFL
    }

    /// Feeds the state to `sink`, for hashing.
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.gas_l.to_le_bytes());
        sink(&self.given_l.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of the limit after `seconds` in which nothing more comes, from 500 l at once.
    fn after(seconds: u64, ventilated: bool, door_open: bool) -> f64 {
        let mut room = Room::new(60e3);
        (0..seconds * 10).for_each(|_| room.step(500.0, ventilated, door_open));
        room.lfl()
    }

    #[test]
    fn gas_is_thinned_out_by_ventilation_and_by_a_door_and_stays_for_hours_without_both() {
        let at_once = 500.0 / 38e3 / LFL;
        assert!(after(1, false, false) > 0.999 * at_once && at_once < 0.25);
        let left = |ventilated, door| after(600, ventilated, door) / at_once;
        assert!((left(false, false) - 0.967).abs() < 0.001, "{}", left(false, false));
        assert!((left(true, false) - 0.298).abs() < 0.002, "{}", left(true, false));
        assert!((left(true, true) - 0.002).abs() < 0.001, "{}", left(true, true));
        assert!(after(36_000, true, true) == 0.0, "rest is rest");
    }

    #[test]
    fn air_holds_no_more_gas_than_it_has_room_for() {
        let mut room = Room::new(60e3);
        room.step(1e9, false, false);
        assert!((room.lfl() - 1.0 / LFL).abs() < 1e-3);
    }
}
