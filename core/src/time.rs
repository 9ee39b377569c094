//! Simulated time: a tick counter and an instant in integer nanoseconds. No float time.

use std::fmt;

/// Number of a tick. Tick 0 is the initial state, before any physics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Tick(pub u64);

/// Ticks per simulated second.
pub const TICKS_PER_S: u64 = 10;
/// Length of a tick in seconds.
pub const TICK_S: f64 = 0.1;
/// Length of a tick in nanoseconds.
pub const TICK_NS: i64 = 100_000_000;

impl Tick {
    /// The tick after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
    /// Simulated seconds from the start of the run to the end of this tick.
    pub fn elapsed_s(self) -> f64 {
        // Exact up to 2^53 ticks; a division keeps 0.1 s multiples correctly rounded.
        self.0 as f64 / TICKS_PER_S as f64
    }
    /// The number of whole ticks in `seconds`, at least 1 when `seconds` is positive.
    pub fn count_in(seconds: f64) -> u64 {
        if seconds <= 0.0 {
            return 0;
        }
        ((seconds * TICKS_PER_S as f64).round() as u64).max(1)
    }
}
impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An instant within a tick, from the start of the run: where an event happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Moment {
    /// The tick in which it is.
    pub tick: Tick,
    /// Microseconds from the start of that tick, 0 to 100,000.
    pub offset_us: u32,
}

impl Moment {
    /// The end of `tick`.
    pub const fn end_of(tick: Tick) -> Self {
        Self { tick, offset_us: (TICK_NS / 1000) as u32 }
    }
    /// `offset_s` seconds (0 to [`TICK_S`]) after the start of `tick`.
    pub fn within(tick: Tick, offset_s: f64) -> Self {
        Self { tick, offset_us: (offset_s.clamp(0.0, TICK_S) * 1e6).round() as u32 }
    }
    /// `seconds` (>= 0) after the start of the run, to the microsecond. An instant between two ticks
    /// is the start of the later one.
    pub fn from_elapsed_s(seconds: f64) -> Self {
        Self::from_elapsed_us((seconds.max(0.0) * 1e6).round() as u64)
    }
    /// `us` microseconds after the start of the run; between two ticks, the start of the later one.
    pub const fn from_elapsed_us(us: u64) -> Self {
        const TICK_US: u64 = TICK_NS as u64 / 1000;
        Self { tick: Tick(us / TICK_US + 1), offset_us: (us % TICK_US) as u32 }
    }
    /// Microseconds from the start of the run; the start of tick 1 is 0.
    pub const fn elapsed_us(self) -> u64 {
        self.tick.0.saturating_sub(1) * (TICK_NS as u64 / 1000) + self.offset_us as u64
    }
    /// Seconds from the start of the run.
    pub fn elapsed_s(self) -> f64 {
        self.elapsed_us() as f64 / 1e6
    }
}

/// An instant of simulated time, UTC, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct SimTime {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_ns: i64,
}

impl SimTime {
    /// The instant `tick` ticks after `self`.
    #[must_use]
    pub const fn at(self, tick: Tick) -> Self {
        Self { unix_ns: self.unix_ns.saturating_add((tick.0 as i64).saturating_mul(TICK_NS)) }
    }
    /// Seconds since midnight (UTC), from 0 to 86,400.
    pub fn seconds_of_day(self) -> f64 {
        const DAY_NS: i64 = 86_400_000_000_000;
        self.unix_ns.rem_euclid(DAY_NS) as f64 / 1e9
    }
    /// The simulated instant of `moment` in a run that began at `self`.
    #[must_use]
    pub const fn at_moment(self, moment: Moment) -> Self {
        let after_ns = (moment.elapsed_us() as i64).saturating_mul(1000);
        Self { unix_ns: self.unix_ns.saturating_add(after_ns) }
    }
    /// Whole milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.unix_ns.div_euclid(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_ticks_are_one_second_exactly() {
        assert_eq!(SimTime::default().at(Tick(36_000)).unix_ms(), 3_600_000);
        assert!((Tick(3).elapsed_s() - 0.3).abs() < f64::EPSILON);
    }

    #[test]
    fn a_day_starts_at_midnight_also_before_the_epoch() {
        assert!((SimTime { unix_ns: 0 }.seconds_of_day()).abs() < 1e-9);
        let noon = SimTime::default().at(Tick(36 * 36_000));
        assert!((noon.seconds_of_day() - 43_200.0).abs() < 1e-9);
        let before = SimTime { unix_ns: -1_000_000_000 };
        assert!((before.seconds_of_day() - 86_399.0).abs() < 1e-9);
    }

    #[test]
    fn a_positive_duration_is_at_least_one_tick() {
        assert_eq!(Tick::count_in(0.01), 1);
        assert_eq!(Tick::count_in(0.0), 0);
        assert_eq!(Tick::count_in(0.34), 3);
    }
}
