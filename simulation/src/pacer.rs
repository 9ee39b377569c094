//! When ticks are due: the only place in the simulation that asks for wall time.

#![expect(clippy::disallowed_types, reason = "the pacer is where wall time comes in")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Ticks that may be caught up in a row before the rest of the schedule is given up.
const CATCH_UP_TICKS: u32 = 5;

/// Paces ticks at a speed against the wall clock.
#[derive(Debug)]
pub struct Pacer {
    period: Duration,
    due: Instant,
}

impl Pacer {
    /// A pacer whose first tick is due one period from now.
    pub fn new(speed: f64) -> Self {
        let period = period_at(speed);
        Self { period, due: Instant::now() + period }
    }
    /// Wall time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
    /// Changes the speed; the next tick is due one new period from now.
    pub fn set_speed(&mut self, speed: f64) {
        self.period = period_at(speed);
        self.restart();
    }
    /// The schedule begins anew: the next tick is due one period from now.
    pub fn restart(&mut self) {
        self.due = Instant::now() + self.period;
    }
    /// How long until the next tick is due; zero when it is.
    pub fn remaining(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }
    /// Wall time in Unix nanoseconds at which the next tick is due, in the past when it is late.
    pub fn due_unix_ns(&self) -> i64 {
        let now = Instant::now();
        let ns = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let ahead_ns = ns(self.due.saturating_duration_since(now));
        let late_ns = ns(now.saturating_duration_since(self.due));
        wall_unix_ns().saturating_add(ahead_ns).saturating_sub(late_ns)
    }
    /// A tick starts now: returns how late it is and moves the schedule on. When the loop is more
    /// than a few periods behind, the missed ticks are given up and counted instead of run, so that
    /// falling behind never spirals.
    pub fn start(&mut self) -> (Duration, u64) {
        let late = Instant::now().saturating_duration_since(self.due);
        self.due += self.period;
        if late <= self.period * CATCH_UP_TICKS {
            return (late, 0);
        }
        let skipped = (late.as_secs_f64() / self.period.as_secs_f64()) as u64;
        self.restart();
        (late, skipped)
    }
}

fn period_at(speed: f64) -> Duration {
    Duration::from_secs_f64(bess_core::time::TICK_S / speed)
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    /// Time since the start, which is now from here on.
    pub fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let lap = now - self.0;
        self.0 = now;
        lap
    }
}

/// Wall time in nanoseconds since the Unix epoch; 0 before it.
pub fn wall_unix_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_fell_far_behind_gives_the_missed_ticks_up() {
        let mut pacer = Pacer::new(1.0);
        pacer.due = Instant::now() - Duration::from_secs(2);
        let (late, skipped) = pacer.start();
        assert!(late >= Duration::from_secs(2));
        assert!((19..=21).contains(&skipped), "{skipped}");
        assert!(pacer.remaining() > Duration::from_millis(50), "the schedule began anew");
    }

    #[test]
    fn a_loop_that_is_a_little_late_catches_up() {
        let mut pacer = Pacer::new(1.0);
        pacer.due = Instant::now() - Duration::from_millis(150);
        assert_eq!(pacer.start().1, 0);
        assert_eq!(pacer.remaining(), Duration::ZERO, "the next one is due at once");
    }

    #[test]
    fn the_wall_time_at_which_a_tick_is_due_lies_ahead_or_in_the_past_when_it_is_late() {
        // A tick every ten seconds.
        let mut pacer = Pacer::new(0.01);
        let ahead_ns = pacer.due_unix_ns() - wall_unix_ns();
        assert!((5_000_000_000..10_001_000_000).contains(&ahead_ns), "{ahead_ns}");
        pacer.due = Instant::now() - Duration::from_secs(20);
        let late_ns = wall_unix_ns() - pacer.due_unix_ns();
        assert!((19_999_000_000..25_000_000_000).contains(&late_ns), "{late_ns}");
    }

    #[test]
    fn the_period_follows_the_speed() {
        let mut pacer = Pacer::new(10.0);
        assert_eq!(pacer.period(), Duration::from_millis(10));
        pacer.set_speed(0.5);
        assert_eq!(pacer.period(), Duration::from_millis(200));
    }
}
