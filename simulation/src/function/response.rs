//! A frequency response service: power by the deviation of the frequency, with the service's timing.
//!
//! Services that follow give what their curve asks for, a dead time later and along a straight ramp.
//! Triggered services run their course once the deviation has reached the full point of the curve.

use crate::persist::leaf;
use bess_core::control::{FrequencyResponse, Sustain};
use bess_core::time::{TICK_S, Tick};
use std::collections::VecDeque;

/// A deviation this close to a trigger in Hz has reached it: 49.7 Hz is not exactly 0.3 Hz below 50 Hz
/// in binary. Far below what any meter resolves [engineering choice].
const TRIGGER_SLACK_HZ: f64 = 1e-6;

/// State of a frequency response.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct ResponseRun {
    /// Shares that the curve asked for in the last ticks, oldest first; as long as the dead time.
    asked: VecDeque<f64>,
    /// Share of the contract that is given.
    share: f64,
    /// Where a triggered service is in its course.
    course: Course,
    /// Ticks until it may be triggered again.
    recovery_ticks: u64,
}
leaf!(ResponseRun);

#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
enum Course {
    #[default]
    Idle,
    /// On the way to the share `to`, after `wait_ticks` more.
    Rising {
        to: f64,
        wait_ticks: u64,
    },
    Holding {
        left_ticks: u64,
    },
    Falling,
}

impl ResponseRun {
    /// Watts to add in this tick, positive is discharge, never beyond `contract_w`.
    /// `deviation_hz` is the mean over the tick of the frequency less the nominal one.
    pub(crate) fn step(
        &mut self,
        settings: &FrequencyResponse,
        deviation_hz: f64,
        contract_w: f64,
    ) -> f64 {
        let dead_ticks = Tick::count_in(settings.dead_time_s);
        let rise_ticks = Tick::count_in(settings.full_s).saturating_sub(dead_ticks).max(1);
        let rise = 1.0 / rise_ticks as f64;
        match &settings.sustain {
            None => {
                self.course = Course::Idle;
                self.recovery_ticks = 0;
                let due =
                    self.after_dead_time(share_at(&settings.points, deviation_hz), dead_ticks);
                self.share = approach(self.share, due, rise);
            }
            Some(sustain) => {
                self.asked.clear();
                self.run_course(settings, sustain, deviation_hz, dead_ticks, rise);
            }
        }
        self.share * contract_w.max(0.0)
    }

    /// Whether it gives power or is in its course.
    #[cfg(test)]
    pub(crate) fn is_active(&self) -> bool {
        self.share != 0.0 || self.course != Course::Idle
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.asked.iter().for_each(|share| sink(&share.to_le_bytes()));
        sink(&self.share.to_le_bytes());
        let (course, to, ticks) = match self.course {
            Course::Idle => (0_u8, 0.0, 0),
            Course::Rising { to, wait_ticks } => (1, to, wait_ticks),
            Course::Holding { left_ticks } => (2, 0.0, left_ticks),
            Course::Falling => (3, 0.0, 0),
        };
        sink(&[course]);
        sink(&f64::to_le_bytes(to));
        sink(&u64::to_le_bytes(ticks));
        sink(&self.recovery_ticks.to_le_bytes());
    }

    fn after_dead_time(&mut self, share: f64, dead_ticks: u64) -> f64 {
        while (self.asked.len() as u64) < dead_ticks {
            self.asked.push_front(0.0);
        }
        self.asked.push_back(share);
        // More than one only where the dead time has just been made shorter.
        let mut due = share;
        while self.asked.len() as u64 > dead_ticks {
            due = self.asked.pop_front().unwrap_or(share);
        }
        due
    }

    fn run_course(
        &mut self,
        settings: &FrequencyResponse,
        sustain: &Sustain,
        deviation_hz: f64,
        dead_ticks: u64,
        rise: f64,
    ) {
        self.recovery_ticks = self.recovery_ticks.saturating_sub(1);
        if self.course == Course::Idle
            && self.recovery_ticks == 0
            && let Some(to) = triggered(&settings.points, deviation_hz)
        {
            self.course = Course::Rising { to, wait_ticks: dead_ticks };
            self.recovery_ticks = Tick::count_in(sustain.recovery_s);
        }
        match &mut self.course {
            // What is left of the output of settings that have just been changed.
            Course::Idle => self.share = approach(self.share, 0.0, rise),
            Course::Rising { wait_ticks, .. } if *wait_ticks > 0 => *wait_ticks -= 1,
            Course::Rising { to, .. } => {
                let to = *to;
                self.share = approach(self.share, to, rise);
                if self.share.to_bits() == to.to_bits() {
                    let left_ticks = Tick::count_in(sustain.duration_s);
                    self.course = Course::Holding { left_ticks };
                }
            }
            Course::Holding { left_ticks } if *left_ticks > 0 => *left_ticks -= 1,
            Course::Holding { .. } | Course::Falling => {
                self.share = approach(self.share, 0.0, sustain.deactivation_per_s * TICK_S);
                self.course = if self.share == 0.0 { Course::Idle } else { Course::Falling };
            }
        }
    }
}

/// The share of the contract at `deviation_hz`, -1 to 1.
fn share_at(points: &[(f64, f64)], deviation_hz: f64) -> f64 {
    super::curve_at(points, deviation_hz).clamp(-1.0, 1.0)
}

/// The share that a triggered service goes to when `deviation_hz` has reached a full point of its curve:
/// the highest share (too low a frequency) or the lowest one (too high).
fn triggered(points: &[(f64, f64)], deviation_hz: f64) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    // Shares do not rise, so those equal to the first come first: the last of them is the trigger.
    let low_hz = points.iter().take_while(|p| p.1 >= first.1).last()?.0;
    let high_hz = points.iter().find(|p| p.1 <= last.1)?.0;
    if first.1 > 0.0 && deviation_hz <= low_hz + TRIGGER_SLACK_HZ {
        Some(first.1.min(1.0))
    } else if last.1 < 0.0 && deviation_hz >= high_hz - TRIGGER_SLACK_HZ {
        Some(last.1.max(-1.0))
    } else {
        None
    }
}

/// `step` from `from` towards `to`; what is nearer than a billionth of the contract is reached, so that
/// a sum of steps does not miss its end by a rounding.
fn approach(from: f64, to: f64, step: f64) -> f64 {
    if (to - from).abs() <= step + 1e-9 { to } else { from + step * (to - from).signum() }
}
