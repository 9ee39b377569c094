//! A dispatch series as a source of timed commands: one farm setpoint at each change of the series.
//!
//! The loop asks before every tick. Tick n covers the time from (n - 1) * 0.1 s to n * 0.1 s and gets the
//! value that the series holds at the start of it. What happens between two ticks that are asked
//! about (a skip, or samples closer than a tick) shows only in the value that holds then.
//!
//! It does not repeat a setpoint: when another client takes the farm over, the dispatch takes it
//! back with the next change of its series.

use bess_core::command::{Command, CommandSource};
use bess_core::series::Series;
use bess_core::time::{TICKS_PER_S, Tick};
use bess_core::units::Watts;

/// A sample counts as begun this much before its time, so that a time that is a tick's start up to
/// rounding (a loop's seam, a calendar time) does not slip by a whole tick.
const ROUNDING_S: f64 = 1e-6;

/// Sends the farm along a series of power.
#[derive(Clone, Debug)]
pub struct Dispatch {
    series: Series,
    rated_w: f64,
    /// The part of the series that is asked for.
    share: f64,
    clamped: usize,
    emitted_w: Option<f64>,
}

impl Dispatch {
    /// A dispatch along `series`, which holds the power at the POI in watts (positive is discharge),
    /// of a farm with this rated power (> 0). Values beyond the rating are cut to it.
    pub fn new(series: Series, rated: Watts) -> Self {
        let rated_w = rated.0.abs();
        let clamped = series.values().iter().filter(|w| w.abs() > rated_w).count();
        Self { series, rated_w, share: 1.0, clamped, emitted_w: None }
    }
    /// The same for a shard of the farm, which takes so much of it, > 0 and at most 1.
    pub fn for_share(self, share: f64) -> Self {
        Self { share, ..self }
    }
    /// The same dispatch, of a farm that goes on after `tick`: what it asked for by then it does not ask for
    /// again.
    #[must_use]
    pub fn going_on_after(mut self, tick: Tick) -> Self {
        self.emitted_w =
            (tick.0 > 0).then(|| self.asked_w((tick.0 - 1) as f64 / TICKS_PER_S as f64)).flatten();
        self
    }
    /// How many samples of the series lay beyond the rating and were cut.
    pub fn clamped_samples(&self) -> usize {
        self.clamped
    }
    /// The series as it was given, before any cut.
    pub fn series(&self) -> &Series {
        &self.series
    }
    /// The power in watts that is asked for at `time_s`; 0 before the series begins.
    pub fn target_w(&self, time_s: f64) -> f64 {
        self.asked_w(time_s).unwrap_or(0.0)
    }

    fn asked_w(&self, time_s: f64) -> Option<f64> {
        let time_s = time_s + ROUNDING_S;
        // Adding 0.0 turns a negative zero into zero, as people would print it.
        (time_s >= self.series.start_s())
            .then(|| self.series.at(time_s).clamp(-self.rated_w, self.rated_w) * self.share + 0.0)
    }
}

impl CommandSource for Dispatch {
    fn due(&mut self, now: Tick, out: &mut Vec<Command>) {
        let start_s = now.0.saturating_sub(1) as f64 / TICKS_PER_S as f64;
        let asked_w = self.asked_w(start_s);
        if asked_w.is_some() && asked_w != self.emitted_w {
            self.emitted_w = asked_w;
            out.extend(
                asked_w.map(|watts| Command::SetFarmPower { active: Watts(watts), reactive: None }),
            );
        }
    }

    fn next_after(&self, now: Tick) -> Tick {
        let start_s = |tick: u64| (tick - 1) as f64 / TICKS_PER_S as f64;
        let changes = |tick: &u64| self.asked_w(start_s(*tick)) != self.emitted_w;
        let ahead = now.0 + 1..now.0 + LOOK_AHEAD_TICKS;
        Tick(ahead.clone().find(changes).unwrap_or(ahead.end))
    }
}

/// How far ahead a headless run is told that nothing is due.
const LOOK_AHEAD_TICKS: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const RATED: Watts = Watts(1e6);

    fn dispatch(samples: &[(f64, f64)], looped: bool) -> Dispatch {
        Dispatch::new(Series::new(samples, looped).expect("valid samples"), RATED)
    }
    /// The setpoints with their ticks when these ticks are asked about.
    fn sent(mut dispatch: Dispatch, ticks: impl IntoIterator<Item = u64>) -> Vec<(u64, f64)> {
        let mut sent = Vec::new();
        for tick in ticks {
            let mut out = Vec::new();
            dispatch.due(Tick(tick), &mut out);
            for command in out {
                match command {
                    Command::SetFarmPower { active, reactive: None } => sent.push((tick, active.0)),
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
        sent
    }

    #[test]
    fn asking_only_where_something_may_be_due_misses_nothing() {
        let rows: Vec<(f64, f64)> =
            (0..40).map(|i| (0.07 * f64::from(i * i), f64::from((i % 3) * 1000))).collect();
        let every = sent(dispatch(&rows, true), 1..2000);
        let mut skipping = dispatch(&rows, true);
        let (mut tick, mut seen, mut asked) = (Tick(1), Vec::new(), 0);
        while tick.0 < 2000 {
            let mut out = Vec::new();
            skipping.due(tick, &mut out);
            seen.extend(out.iter().map(|_| tick.0));
            tick = skipping.next_after(tick);
            asked += 1;
        }
        assert_eq!(seen, every.iter().map(|(tick, _)| *tick).collect::<Vec<_>>());
        assert!(asked < 1000, "{asked}");
    }

    #[test]
    fn a_row_takes_effect_in_the_tick_that_starts_at_its_time() {
        let rows = dispatch(&[(0.0, 5e5), (0.3, -2e5), (1.0, 0.0)], false);
        assert_eq!(sent(rows, 1..100), [(1, 5e5), (4, -2e5), (11, 0.0)]);
    }

    #[test]
    fn a_value_that_does_not_change_is_sent_once() {
        let rows = dispatch(&[(0.0, 5e5), (4.0, 5e5), (8.0, 6e5)], false);
        assert_eq!(sent(rows, 1..200), [(1, 5e5), (81, 6e5)]);
    }

    #[test]
    fn nothing_is_sent_before_the_series_begins() {
        let rows = dispatch(&[(2.0, 5e5)], false);
        assert_eq!(rows.target_w(1.9).to_bits(), 0.0f64.to_bits());
        assert_eq!(sent(rows, 0..100), [(21, 5e5)]);
    }

    #[test]
    fn a_skip_lands_on_the_value_that_holds_then() {
        let rows = dispatch(&[(0.0, 1e5), (1.0, 2e5), (2.0, 3e5), (3.0, 4e5)], false);
        assert_eq!(sent(rows.clone(), [5, 25, 26, 5000]), [(5, 1e5), (25, 3e5), (5000, 4e5)]);
        assert_eq!(sent(rows, [5000, 5001]), [(5000, 4e5)]);
    }

    #[test]
    fn values_beyond_the_rating_are_cut_and_counted() {
        let rows = dispatch(&[(0.0, 3e6), (1.0, 1e6), (2.0, -1.5e6)], false);
        assert_eq!(rows.clamped_samples(), 2);
        assert_eq!(sent(rows, 1..40), [(1, 1e6), (21, -1e6)]);
    }

    #[test]
    fn a_looped_series_starts_over_in_the_right_tick() {
        let rows = dispatch(&[(0.0, 1e5), (0.1, 2e5), (0.2, 3e5)], true);
        let turns: Vec<(u64, f64)> =
            (0..90_000).map(|tick: u64| (tick + 1, [1e5, 2e5, 3e5][(tick % 3) as usize])).collect();
        assert_eq!(sent(rows, 1..=90_000), turns);
    }

    #[test]
    fn the_target_is_what_was_sent() {
        let rows = dispatch(&[(0.0, 5e5), (0.7, 2e6)], false);
        let targets = [0.0, 0.6, 0.7, 9.0].map(|time_s| rows.target_w(time_s));
        assert_eq!(targets, [5e5, 5e5, 1e6, 1e6]);
    }

    #[test]
    fn the_same_series_sends_the_same_commands() {
        let samples: Vec<(f64, f64)> =
            (0..500).map(|k| (f64::from(k) * 0.4, f64::from(k % 17) * 1e4)).collect();
        let first = sent(dispatch(&samples, true), 1..5000);
        assert_eq!(first, sent(dispatch(&samples, true), 1..5000));
        assert!(first.len() > 400);
    }
}
