//! What a scenario can make of the EMS, and what it may do wrong for ever.

use super::unit::Write;
use bess_scenarios::faults::{ClientAct, HeartbeatMode};
use std::collections::VecDeque;

/// Something that an EMS may do wrong: with one of them a test shows that a check of a scenario can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Flaw {
    /// It goes on with units whose data stand still
    IgnoresStaleData,
    /// It goes on with units in fault
    IgnoresFaults,
    /// It connects again and again without a pause
    HammersReconnects,
    /// It gives no sign of life
    NoHeartbeat,
    /// It never changes a setpoint once it was written
    NeverRedispatches,
    /// It tells nobody what it notices
    Mute,
}

/// Writes that are kept to be written again.
const KEPT_S: f64 = 3600.0;

/// A write as it was made.
#[derive(Clone, Debug)]
struct Made {
    at_s: f64,
    unit_idx: usize,
    write: Write,
}

/// What it was told to do beside its work.
#[derive(Clone, Debug, Default)]
pub(super) struct Tricks {
    flaws: Vec<Flaw>,
    pub(super) heartbeat: Option<HeartbeatMode>,
    pub(super) setpoint_w: Option<f64>,
    pub(super) is_frozen: bool,
    pub(super) is_stopped: bool,
    /// What it writes over what it means.
    scale: Option<f64>,
    flood_per_s: f64,
    flood_left: f64,
    made: VecDeque<Made>,
    replay: Option<Replay>,
}

/// Writes of some time, again and again.
#[derive(Clone, Debug)]
struct Replay {
    length_s: f64,
    /// With the times from its begin.
    writes: Vec<Made>,
    begun_s: Option<f64>,
    next: usize,
}

impl Tricks {
    pub(super) fn new(flaws: &[Flaw]) -> Self {
        Self { flaws: flaws.to_vec(), ..Self::default() }
    }
    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaws.contains(&flaw)
    }

    pub(super) fn act(&mut self, act: &ClientAct, now_s: f64) {
        match *act {
            ClientAct::Heartbeat(mode) => self.heartbeat = Some(mode),
            ClientAct::Setpoint(watts) => self.setpoint_w = watts,
            ClientAct::FreezeSetpoint(is_frozen) => self.is_frozen = is_frozen,
            ClientAct::Stop(is_stopped) => self.is_stopped = is_stopped,
            ClientAct::Scale(factor) => self.scale = Some(factor),
            ClientAct::Flood(per_s) => (self.flood_per_s, self.flood_left) = (per_s.max(0.0), 0.0),
            ClientAct::Replay(seconds) => self.replay = self.replay_of(seconds, now_s),
        }
    }

    fn replay_of(&self, seconds: f64, now_s: f64) -> Option<Replay> {
        let from_s = now_s - seconds;
        let recent = self.made.iter().filter(|made| made.at_s >= from_s);
        let writes: Vec<Made> =
            recent.map(|made| Made { at_s: made.at_s - from_s, ..made.clone() }).collect();
        let is_on = seconds > 0.0 && !writes.is_empty();
        is_on.then_some(Replay { length_s: seconds, writes, begun_s: None, next: 0 })
    }

    /// What it writes where it means `watts`.
    pub(super) fn scaled(&self, watts: f64) -> f64 {
        watts * self.scale.unwrap_or(1.0)
    }

    /// The next sign of life after `last`; `None` where none is written.
    pub(super) fn heartbeat_after(&self, last: u32) -> Option<u32> {
        if self.has(Flaw::NoHeartbeat) {
            return None;
        }
        match self.heartbeat.unwrap_or(HeartbeatMode::Normal) {
            HeartbeatMode::Normal => Some(last.wrapping_add(1)),
            HeartbeatMode::Stop => None,
            HeartbeatMode::Frozen => Some(last),
            // A step of a generator of full period (Numerical Recipes).
            HeartbeatMode::Erratic => {
                Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
            }
        }
    }

    /// Keeps a write.
    pub(super) fn note(&mut self, at_s: f64, unit_idx: usize, write: &Write) {
        while self.made.front().is_some_and(|made| at_s - made.at_s > KEPT_S) {
            self.made.pop_front();
        }
        self.made.push_back(Made { at_s, unit_idx, write: write.clone() });
    }

    /// Writes of earlier that are due again now.
    pub(super) fn again(&mut self, now_s: f64) -> Vec<(usize, Write)> {
        let Some(replay) = &mut self.replay else { return Vec::new() };
        let begun_s = *replay.begun_s.get_or_insert(now_s);
        let mut due = Vec::new();
        while let Some(made) = replay.writes.get(replay.next)
            && begun_s + made.at_s <= now_s
        {
            due.push((made.unit_idx, made.write.clone()));
            replay.next += 1;
        }
        if replay.next == replay.writes.len() && now_s - begun_s >= replay.length_s {
            (replay.begun_s, replay.next) = (Some(now_s), 0);
        }
        due
    }

    /// Requests to make beside the work in `dt_s`.
    pub(super) fn flood(&mut self, dt_s: f64) -> u64 {
        self.flood_left += self.flood_per_s * dt_s;
        let whole = self.flood_left.floor();
        self.flood_left -= whole;
        whole as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(address: u16) -> Write {
        Write { address, words: vec![1] }
    }

    #[test]
    fn a_heartbeat_counts_stops_stands_still_or_jumps() {
        let next = |mode, last| {
            let mut tricks = Tricks::default();
            tricks.act(&ClientAct::Heartbeat(mode), 0.0);
            tricks.heartbeat_after(last)
        };
        assert_eq!(Tricks::default().heartbeat_after(7), Some(8));
        assert_eq!(next(HeartbeatMode::Normal, u32::MAX), Some(0));
        assert_eq!(next(HeartbeatMode::Stop, 7), None);
        assert_eq!(next(HeartbeatMode::Frozen, 7), Some(7));
        let jump = next(HeartbeatMode::Erratic, 7).unwrap();
        assert!(jump.abs_diff(7) > 1000 && next(HeartbeatMode::Erratic, jump) != Some(jump));
    }

    #[test]
    fn writes_of_the_last_seconds_come_again_in_their_order_and_time_and_again_after_that() {
        let mut tricks = Tricks::default();
        for (at_s, address) in [(1.0, 1), (8.0, 2), (9.5, 3)] {
            tricks.note(at_s, 0, &write(address));
        }
        tricks.act(&ClientAct::Replay(4.0), 10.0);
        let mut seen = Vec::new();
        for second in 10..20 {
            let due = tricks.again(f64::from(second));
            seen.extend(due.into_iter().map(|(_, write)| (second, write.address)));
        }
        assert_eq!(seen, [(12, 2), (14, 3), (16, 2), (18, 3)]);
        tricks.act(&ClientAct::Replay(0.0), 20.0);
        assert!(tricks.again(40.0).is_empty());
    }

    #[test]
    fn a_flood_has_its_rate_also_where_a_round_is_a_part_of_a_request() {
        let mut tricks = Tricks::default();
        tricks.act(&ClientAct::Flood(2.5), 0.0);
        let requests: Vec<u64> = (0..4).map(|_| tricks.flood(1.0)).collect();
        assert_eq!(requests, [2, 3, 2, 3]);
    }
}
