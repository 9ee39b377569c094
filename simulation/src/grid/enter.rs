//! When a unit may enter service, and how its power comes back after the grid was disturbed.

use super::GridTick;
use crate::persist::persist;
use bess_core::rng::{Domain, Streams};
use bess_core::spec::EnterService;
use bess_core::time::Tick;

/// Watches for a unit whether the grid is fit to enter service. A grid that is good where a run begins
/// is fit at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnterServiceWatch {
    streams: Streams,
    unit_idx: u32,
    fit: bool,
    /// Since when the grid is within the window, in microseconds after the start of the run; `None`
    /// while it is fit or outside.
    good_since_us: Option<u64>,
    remaining_s: f64,
    /// Part of the random delay that comes on top this time, 0 to 1, and how often it was drawn.
    chance: f64,
    n_draws: u32,
    /// The grid was not fit since the unit last ran on it: what comes then is a return with a ramp.
    disturbed: bool,
    /// Tick of the return, and how many ticks its ramp takes.
    ramp: Option<(Tick, f64)>,
}
persist! {
    EnterServiceWatch { fit, good_since_us, remaining_s, chance, n_draws, disturbed, ramp }
    but { streams, unit_idx }
}

impl EnterServiceWatch {
    /// The watch of the unit with dense index `unit_idx`.
    pub(crate) fn new(unit_idx: usize, streams: Streams) -> Self {
        Self {
            streams,
            unit_idx: u32::try_from(unit_idx).expect("a farm has fewer than 2^32 units"),
            fit: true,
            good_since_us: None,
            remaining_s: 0.0,
            chance: 0.0,
            n_draws: 0,
            disturbed: false,
            ramp: None,
        }
    }

    /// Draws the random part of the delay. Each has its own stream, so that it does not depend on what
    /// else was drawn.
    fn draw(&mut self) {
        let index = u64::from(self.unit_idx) << 32 | u64::from(self.n_draws);
        self.chance = self.streams.stream(Domain::EnterService, index).uniform();
        self.n_draws = self.n_draws.wrapping_add(1);
    }

    /// The permit is taken: to the unit that is as if the grid were not fit.
    pub(crate) fn forbid(&mut self, spec: &EnterService) {
        (self.fit, self.good_since_us, self.disturbed) = (false, None, true);
        self.remaining_s = spec.delay_s;
    }

    /// One tick; `connected` says whether the unit is on the grid. A unit that rode through a
    /// disturbance did not leave service, so it has no ramp.
    pub(crate) fn step(&mut self, spec: &EnterService, tick: &GridTick, connected: bool) {
        let within = |low, high, (least, most): (f64, f64)| least >= low && most <= high;
        let all_good = spec.permitted
            && within(spec.voltage_min_pu, spec.voltage_max_pu, tick.voltage_range_pu())
            && within(spec.frequency_min_hz, spec.frequency_max_hz, tick.frequency_range_hz());
        if !(self.fit && all_good) {
            self.watch(spec, tick);
        }
        let troubled = !all_good || !self.fit;
        self.disturbed = troubled || self.disturbed && !connected;
    }

    /// The segments of a tick in which something is not as it should be, or was not.
    fn watch(&mut self, spec: &EnterService, tick: &GridTick) {
        let voltage_pu = spec.voltage_min_pu..=spec.voltage_max_pu;
        let frequency_hz = spec.frequency_min_hz..=spec.frequency_max_hz;
        for segment in tick.segments() {
            let good = spec.permitted
                && voltage_pu.contains(&segment.voltage_pu)
                && frequency_hz.contains(&segment.frequency_hz);
            if !good {
                (self.fit, self.good_since_us) = (false, None);
            } else if !self.fit && self.good_since_us.is_none() {
                self.good_since_us = Some(tick.start_us() + segment.begin_us());
                self.draw();
            }
        }
        let end_us = tick.start_us() + super::TICK_US;
        let delay_us = (spec.delay_s * 1e6).round() as u64;
        let random_us = (self.chance * spec.random_delay_s * 1e6).round() as u64;
        let left_us = match self.good_since_us {
            Some(since) => (since + delay_us + random_us).saturating_sub(end_us),
            None if self.fit => 0,
            None => delay_us,
        };
        self.remaining_s = left_us as f64 / 1e6;
        if self.good_since_us.is_some() && left_us == 0 {
            (self.fit, self.good_since_us) = (true, None);
        }
    }

    /// Whether grid and permit let the unit enter service.
    pub(crate) fn is_fit(&self) -> bool {
        self.fit
    }
    /// For how long still the grid must be good, in s; the whole delay, without its random part, while it
    /// is not.
    pub(crate) fn remaining_s(&self) -> f64 {
        self.remaining_s
    }
    /// The unit entered service at the start of `tick`: after a disturbance its power comes back with a
    /// ramp.
    pub(crate) fn entered(&mut self, spec: &EnterService, tick: Tick) {
        let ramp_ticks = Tick::count_in(spec.ramp_s) as f64;
        // A ramp that is not over begins anew: whoever leaves in it does not come back without one.
        let begins = self.disturbed || self.share(tick) < 1.0;
        self.ramp = (begins && ramp_ticks > 0.0).then_some((tick, ramp_ticks));
        self.disturbed = false;
    }
    /// Share (0 to 1) of its rating that the unit may give at the end of `tick`; 1 without a ramp.
    pub(crate) fn share(&self, tick: Tick) -> f64 {
        self.ramp.map_or(1.0, |(from, ticks)| {
            ((tick.0 + 1).saturating_sub(from.0) as f64 / ticks).min(1.0)
        })
    }
    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[u8::from(self.fit), u8::from(self.disturbed)]);
        sink(&self.good_since_us.unwrap_or(u64::MAX).to_le_bytes());
        let (from, ticks) = self.ramp.map_or((0, 0.0), |(from, ticks)| (from.0, ticks));
        sink(&from.to_le_bytes());
        sink(&ticks.to_le_bytes());
        sink(&self.n_draws.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Segment;

    fn spec() -> EnterService {
        EnterService::ieee_1547(50.0)
    }
    fn watch() -> EnterServiceWatch {
        EnterServiceWatch::new(0, Streams::new(7))
    }
    fn good(tick: u64) -> GridTick {
        GridTick::steady(Tick(tick), 50.0, 1.0)
    }
    fn dead(tick: u64) -> GridTick {
        GridTick::steady(Tick(tick), 50.0, 0.0)
    }

    #[test]
    fn a_good_grid_is_fit_where_a_run_begins_and_its_unit_has_no_ramp() {
        let mut watch = watch();
        watch.step(&spec(), &good(1), false);
        assert!(watch.is_fit() && watch.remaining_s() == 0.0);
        watch.entered(&spec(), Tick(2));
        assert_eq!(watch.share(Tick(2)), 1.0);
    }

    #[test]
    fn a_grid_that_was_gone_must_be_good_for_300_s_without_a_break_and_power_comes_back_in_300_s() {
        let mut watch = watch();
        watch.step(&spec(), &dead(1), true);
        assert!(!watch.is_fit() && watch.remaining_s() == 300.0);
        (2..=3000).for_each(|tick| watch.step(&spec(), &good(tick), false));
        assert!(!watch.is_fit() && (watch.remaining_s() - 0.1).abs() < 1e-9);
        // A last dip, and all of it counts anew.
        watch.step(&spec(), &dead(3001), false);
        (3002..=6000).for_each(|tick| watch.step(&spec(), &good(tick), false));
        assert!(!watch.is_fit());
        watch.step(&spec(), &good(6001), false);
        assert!(watch.is_fit() && watch.remaining_s() == 0.0);
        watch.entered(&spec(), Tick(6002));
        let shares = [6002, 7501, 9001, 9002, 20_000].map(|tick| watch.share(Tick(tick)));
        assert_eq!(shares, [1.0 / 3000.0, 0.5, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn the_delay_counts_from_the_exact_return_within_a_tick() {
        let spec = EnterService { delay_s: 0.25, ..spec() };
        let segment =
            |from_s, to_s, voltage_pu| Segment { from_s, to_s, frequency_hz: 50.0, voltage_pu };
        let back = vec![segment(0.0, 0.04, 0.0), segment(0.04, 0.1, 1.0)];
        let mut watch = watch();
        watch.step(&spec, &GridTick::new(Tick(1), back, None), false);
        assert!((watch.remaining_s() - 0.19).abs() < 1e-9);
        watch.step(&spec, &good(2), false);
        assert!(!watch.is_fit() && (watch.remaining_s() - 0.09).abs() < 1e-9);
        watch.step(&spec, &good(3), false);
        assert!(watch.is_fit());
    }

    #[test]
    fn a_unit_that_rode_through_a_dip_and_is_started_again_later_has_no_ramp() {
        let spec = EnterService { delay_s: 1.0, ..spec() };
        let mut watch = watch();
        watch.step(&spec, &dead(1), true);
        (2..=12).for_each(|tick| watch.step(&spec, &good(tick), true));
        (13..=20).for_each(|tick| watch.step(&spec, &good(tick), false));
        watch.entered(&spec, Tick(21));
        assert_eq!(watch.share(Tick(21)), 1.0);
    }

    #[test]
    fn a_unit_that_a_dip_threw_off_has_a_ramp_also_without_a_delay() {
        let spec = EnterService { delay_s: 0.0, ..spec() };
        let mut watch = watch();
        watch.step(&spec, &dead(1), true);
        watch.step(&spec, &good(2), false);
        assert!(watch.is_fit());
        watch.entered(&spec, Tick(3));
        assert!(watch.share(Tick(3)) < 0.01);
    }

    #[test]
    fn without_the_permit_no_grid_is_fit_and_with_it_the_delay_counts_from_there() {
        let (mut spec, mut watch) = (EnterService { delay_s: 1.0, ..spec() }, watch());
        watch.step(&spec, &good(1), true);
        spec.permitted = false;
        watch.forbid(&spec);
        assert!(!watch.is_fit() && watch.remaining_s() == 1.0);
        (2..=50).for_each(|tick| watch.step(&spec, &good(tick), false));
        assert!(!watch.is_fit() && watch.remaining_s() == 1.0);
        spec.permitted = true;
        (51..=59).for_each(|tick| watch.step(&spec, &good(tick), false));
        assert!(!watch.is_fit());
        watch.step(&spec, &good(60), false);
        assert!(watch.is_fit());
        watch.entered(&spec, Tick(61));
        assert!(watch.share(Tick(61)) < 0.01, "it comes back with a ramp");
    }

    #[test]
    fn the_random_delay_is_drawn_anew_each_time_and_differs_between_units() {
        let spec = EnterService { delay_s: 10.0, random_delay_s: 100.0, ..spec() };
        let waits = |unit_idx: usize| {
            let mut watch = EnterServiceWatch::new(unit_idx, Streams::new(7));
            [1u64, 10_000].map(|from| {
                watch.step(&spec, &dead(from), false);
                let ticks = (from + 1..).take_while(|tick| {
                    watch.step(&spec, &good(*tick), false);
                    !watch.is_fit()
                });
                ticks.count() as f64 / 10.0
            })
        };
        let all = [waits(0), waits(1)].concat();
        assert!(all.iter().all(|wait_s| (9.9..=110.0).contains(wait_s)), "{all:?}");
        for (idx, wait_s) in all.iter().enumerate() {
            assert!(!all[..idx].contains(wait_s), "{all:?}");
        }
        assert_eq!(waits(0), waits(0), "the same seed, the same delays");
    }
}
