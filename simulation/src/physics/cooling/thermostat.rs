//! A switch with hysteresis and least times on and off, as compressors have against short cycling.

use bess_core::time::Tick;
use bess_core::units::Seconds;

/// State of the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Thermostat {
    on: bool,
    /// Ticks since it last switched.
    ticks: u64,
}

/// When it switches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Thresholds {
    /// Goes on above this value.
    pub(super) on_above: f64,
    /// Goes off below this value.
    pub(super) off_below: f64,
    /// Stays on at least this long.
    pub(super) min_on: Seconds,
    /// Stays off at least this long.
    pub(super) min_off: Seconds,
}

impl Thermostat {
    /// Off for long.
    pub(super) const OFF: Self = Self { on: false, ticks: u64::MAX };

    /// Whether it is on.
    pub(super) fn on(self) -> bool {
        self.on
    }
    /// Ticks since it last switched, for hashing.
    pub(super) fn ticks(self) -> u64 {
        self.ticks
    }

    /// One tick at `value`. What is not `able` goes off at once and starts to wait from then.
    pub(super) fn step(&mut self, at: &Thresholds, value: f64, able: bool) {
        self.ticks = self.ticks.saturating_add(1);
        let next = if !able {
            false
        } else if self.on {
            value >= at.off_below || self.ticks < Tick::count_in(at.min_on.0)
        } else {
            value > at.on_above && self.ticks >= Tick::count_in(at.min_off.0)
        };
        if next != self.on {
            *self = Self { on: next, ticks: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Thresholds =
        Thresholds { on_above: 27.0, off_below: 23.0, min_on: Seconds(6.0), min_off: Seconds(3.0) };

    fn after(thermostat: &mut Thermostat, value: f64, ticks: usize) -> bool {
        (0..ticks).for_each(|_| thermostat.step(&AT, value, true));
        thermostat.on()
    }

    #[test]
    fn between_its_thresholds_it_keeps_what_it_was() {
        let mut thermostat = Thermostat::OFF;
        assert!(!after(&mut thermostat, 26.9, 100));
        assert!(after(&mut thermostat, 27.1, 1));
        assert!(after(&mut thermostat, 23.1, 1_000));
        assert!(!after(&mut thermostat, 22.9, 1));
        assert!(!after(&mut thermostat, 26.9, 1_000));
    }

    #[test]
    fn it_stays_on_and_off_for_its_least_times() {
        let mut thermostat = Thermostat::OFF;
        assert!(after(&mut thermostat, 30.0, 1));
        assert!(after(&mut thermostat, 10.0, 59), "6 s are not over");
        assert!(!after(&mut thermostat, 10.0, 1));
        assert!(!after(&mut thermostat, 30.0, 29), "3 s are not over");
        assert!(after(&mut thermostat, 30.0, 1));
    }

    #[test]
    fn one_that_fails_goes_off_at_once_and_waits_before_it_returns() {
        let mut thermostat = Thermostat::OFF;
        assert!(after(&mut thermostat, 30.0, 1));
        thermostat.step(&AT, 30.0, false);
        assert!(!thermostat.on());
        assert!(!after(&mut thermostat, 30.0, 29));
        assert!(after(&mut thermostat, 30.0, 1));
    }
}
