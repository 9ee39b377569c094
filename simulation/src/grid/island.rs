//! The island that a grid-forming unit makes: it brings up the voltage, and picks up loads.

use crate::persist::leaf;
use bess_core::math;
use bess_core::spec::IslandLoad;
use bess_core::time::{TICK_S, Tick};

/// Time in which the voltage comes up, in s: a soft start so that transformers draw no inrush
/// (engineering choice).
const RAMP_S: f64 = 5.0;
/// Frequency droop: per unit of frequency at the rated apparent power (engineering choice).
const FREQUENCY_DROOP: f64 = 0.02;
/// Voltage droop: per unit of voltage at the rated apparent power as reactive power (engineering
/// choice).
const VOLTAGE_DROOP: f64 = 0.05;
/// How long the unit bears more load than it can feed, in s (engineering choice).
const OVERLOAD_S: f64 = 1.0;

/// A load's place in the island.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Fed {
    /// What a command said; `None` leaves it to the load's own time.
    commanded: Option<bool>,
    /// First tick in which it is fed.
    since: Option<Tick>,
}

/// The island of one unit.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Island {
    begun: Tick,
    nominal_hz: f64,
    loads: Vec<Fed>,
    /// Ticks for which the load is more than the unit can feed.
    overload_ticks: u64,
}
leaf!(Island);

/// The island over one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct IslandTick {
    /// Voltage in pu at its end.
    pub(crate) voltage_pu: f64,
    /// Frequency in Hz.
    pub(crate) frequency_hz: f64,
    /// Active power that the loads take in W, >= 0.
    pub(crate) active_w: f64,
    /// Reactive power that they take in var.
    pub(crate) reactive_var: f64,
    /// Whether that was more than the unit can feed for too long: it trips.
    pub(crate) overloaded: bool,
}
leaf!(IslandTick);

impl Island {
    /// An island of `n_loads` loads, none of them fed, whose voltage begins to rise at the start of
    /// `tick`.
    pub(crate) fn begin(tick: Tick, nominal_hz: f64, n_loads: usize) -> Self {
        Self { begun: tick, nominal_hz, loads: vec![Fed::default(); n_loads], overload_ticks: 0 }
    }

    /// Picks up the load `load_idx`, or drops it, from the next tick on; before the voltage stands
    /// nothing is fed. A command wins over the load's own time. A load that is not there is nothing.
    pub(crate) fn feed(&mut self, load_idx: usize, fed: bool) {
        if let Some(load) = self.loads.get_mut(load_idx) {
            load.commanded = Some(fed);
        }
    }

    /// Whether the load is fed.
    #[cfg(test)]
    pub(crate) fn is_fed(&self, load_idx: usize) -> bool {
        self.loads.get(load_idx).is_some_and(|load| load.since.is_some())
    }

    /// One tick with the farm's `loads`, where the unit can give at most `capability_w` and
    /// `capability_va` (its rated apparent power, > 0).
    pub(crate) fn step(
        &mut self,
        tick: Tick,
        loads: &[IslandLoad],
        capability_w: f64,
        capability_va: f64,
    ) -> IslandTick {
        let ticks = (tick.0 + 1).saturating_sub(self.begun.0);
        let up_ticks = Tick::count_in(RAMP_S);
        let raised = (ticks as f64 / up_ticks as f64).min(1.0);
        let stands_for = ticks.checked_sub(up_ticks + 1);
        let (mut active_w, mut reactive_var) = (0.0, 0.0);
        for (load, fed) in loads.iter().zip(&mut self.loads) {
            let by_itself = |for_ticks: u64| for_ticks as f64 * TICK_S >= load.pick_up_s - 1e-9;
            let wanted = stands_for.is_some_and(|t| fed.commanded.unwrap_or_else(|| by_itself(t)));
            match fed.since {
                None if wanted => fed.since = Some(tick),
                Some(_) if !wanted => fed.since = None,
                _ => {}
            }
            if let Some(since) = fed.since {
                let factor = inrush(load, (tick.0 - since.0) as f64 * TICK_S);
                active_w += load.active_w * factor;
                reactive_var += load.reactive_var * factor;
            }
        }
        // Loads are impedances: they take power with the square of the voltage, v = v0 - k q v^2.
        let droop = VOLTAGE_DROOP * reactive_var / capability_va;
        let voltage_pu = if droop.abs() < 1e-12 {
            raised
        } else {
            let root = math::sqrt((1.0 + 4.0 * droop * raised).max(0.0));
            ((root - 1.0) / (2.0 * droop)).min(1.5)
        };
        let square = voltage_pu * voltage_pu;
        let (active_w, reactive_var) = (active_w * square, reactive_var * square);
        let apparent_va = math::sqrt(active_w * active_w + reactive_var * reactive_var);
        let too_much = active_w > capability_w || apparent_va > capability_va;
        self.overload_ticks = if too_much { self.overload_ticks + 1 } else { 0 };
        IslandTick {
            voltage_pu,
            frequency_hz: self.nominal_hz * (1.0 - FREQUENCY_DROOP * active_w / capability_va),
            active_w,
            reactive_var,
            overloaded: self.overload_ticks > Tick::count_in(OVERLOAD_S),
        }
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.begun.0.to_le_bytes());
        sink(&self.overload_ticks.to_le_bytes());
        for load in &self.loads {
            sink(&[load.commanded.map_or(2, u8::from), u8::from(load.since.is_some())]);
            sink(&load.since.unwrap_or_default().0.to_le_bytes());
        }
    }
}

/// Factor of a load's power in the tick that begins `after_s` after its pick-up: the exact mean of
/// what decays over the tick.
fn inrush(load: &IslandLoad, after_s: f64) -> f64 {
    if load.inrush_s <= 0.0 || load.inrush_factor <= 1.0 {
        return 1.0;
    }
    let decayed = |seconds: f64| math::exp(-seconds / load.inrush_s);
    let mean = load.inrush_s / TICK_S * (decayed(after_s) - decayed(after_s + TICK_S));
    1.0 + (load.inrush_factor - 1.0) * mean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(active_w: f64, pick_up_s: f64) -> IslandLoad {
        IslandLoad {
            name: "load".to_owned(),
            active_w,
            reactive_var: 0.0,
            inrush_factor: 1.0,
            inrush_s: 0.0,
            pick_up_s,
        }
    }
    /// The island's ticks 1 to `n`, with a unit of 1 MW.
    fn run(island: &mut Island, loads: &[IslandLoad], from: u64, n: u64) -> Vec<IslandTick> {
        (from..from + n).map(|tick| island.step(Tick(tick), loads, 1e6, 1e6)).collect()
    }

    #[test]
    fn the_voltage_comes_up_in_5_s_and_only_then_loads_are_picked_up_at_their_times() {
        let loads = [load(2e5, 0.0), load(3e5, 1.0), load(4e5, f64::INFINITY)];
        let mut island = Island::begin(Tick(1), 50.0, loads.len());
        let ticks = run(&mut island, &loads, 1, 80);
        assert!((ticks[0].voltage_pu - 0.02).abs() < 1e-12 && ticks[24].voltage_pu == 0.5);
        assert_eq!((ticks[49].voltage_pu, ticks[49].active_w), (1.0, 0.0));
        assert_eq!([50, 59, 60, 79].map(|t| ticks[t].active_w), [2e5, 2e5, 5e5, 5e5]);
        assert_eq!([0, 1, 2].map(|idx| island.is_fed(idx)), [true, true, false]);
    }

    #[test]
    fn a_command_picks_up_a_load_or_drops_it_but_not_before_the_voltage_stands() {
        let loads = [load(2e5, f64::INFINITY)];
        let mut island = Island::begin(Tick(1), 50.0, 1);
        island.feed(0, true);
        let ticks = run(&mut island, &loads, 1, 51);
        assert_eq!((ticks[49].active_w, ticks[50].active_w), (0.0, 2e5));
        island.feed(0, false);
        assert_eq!(run(&mut island, &loads, 52, 1)[0].active_w, 0.0);
    }

    #[test]
    fn frequency_and_voltage_droop_with_active_and_reactive_power() {
        let loads = [IslandLoad { reactive_var: 4e5, ..load(5e5, 0.0) }];
        let mut island = Island::begin(Tick(1), 50.0, 1);
        let last = run(&mut island, &loads, 1, 60)[59];
        assert!((last.frequency_hz - 50.0 * (1.0 - 0.02 * last.active_w / 1e6)).abs() < 1e-9);
        assert!((last.voltage_pu - (1.0 - 0.05 * last.reactive_var / 1e6)).abs() < 1e-9);
        assert!(last.voltage_pu < 0.985 && last.active_w < 5e5);
    }

    #[test]
    fn an_inrush_decays_with_its_time_constant() {
        let loads = [IslandLoad { inrush_factor: 4.0, inrush_s: 2.0, ..load(1e5, 0.0) }];
        let mut island = Island::begin(Tick(1), 50.0, 1);
        let ticks = run(&mut island, &loads, 1, 251);
        assert!(ticks[50].active_w > 3.9e5 && ticks[50].active_w < 4e5);
        let share = (ticks[70].active_w - 1e5) / (ticks[50].active_w - 1e5);
        assert!((share - math::exp(-1.0)).abs() < 1e-6, "{share}");
        assert!((ticks[250].active_w - 1e5).abs() < 20.0);
    }

    #[test]
    fn an_overload_of_up_to_a_second_is_borne_and_a_longer_one_is_not() {
        let loads = [load(2e6, 0.0)];
        let mut island = Island::begin(Tick(1), 50.0, 1);
        let ticks = run(&mut island, &loads, 1, 61);
        assert!(!ticks[59].overloaded && ticks[60].overloaded);
        // An inrush that is over in time trips nothing.
        let loads = [IslandLoad { inrush_factor: 3.0, inrush_s: 0.5, ..load(5e5, 0.0) }];
        let mut island = Island::begin(Tick(1), 50.0, 1);
        assert!(run(&mut island, &loads, 1, 200).iter().all(|tick| !tick.overloaded));
    }
}
