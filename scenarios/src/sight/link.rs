//! The side of the clients by the counters of this process, sampled once a tick.
//!
//! A run that asks for them is live: how many requests come within a tick is up to the world outside.

use bess_core::stats::{Served, Stats};
use bess_core::time::{TICK_S, TICKS_PER_S};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

/// Reads of a picture older than this count as stale.
const STALE_S: f64 = 1.0;
/// Ticks of the window of a rate.
const RATE_TICKS: usize = 10 * TICKS_PER_S as usize;
/// Ticks of the window of the share of good answers.
const RATIO_TICKS: usize = 30 * TICKS_PER_S as usize;

/// What grows, at the end of one tick.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    requests: u64,
    exceptions: u64,
    answered: u64,
    answering_s: f64,
}

/// Counters of the Modbus server and of the loop, with their last half minute.
#[derive(Clone, Debug, Default)]
pub struct LinkSight {
    recent: VecDeque<Sample>,
    connects: u64,
    rejected: u64,
    disconnects: u64,
    sessions: i64,
    bad_frames: u64,
    link_hits: u64,
    stale_reads: u64,
    slipped_ticks: u64,
    overruns: u64,
}

impl LinkSight {
    /// Takes the counters at the end of a tick. Costs some tens of microseconds: only for runs that ask.
    pub fn note(&mut self, stats: &Stats) {
        let modbus = &stats.modbus;
        let mut sample = Sample {
            requests: modbus.requests.iter().map(|n| n.load(Relaxed)).sum(),
            exceptions: modbus.exceptions.iter().flatten().map(|n| n.load(Relaxed)).sum(),
            ..Sample::default()
        };
        for histogram in &modbus.durations {
            let reading = histogram.read();
            sample.answered += reading.count;
            sample.answering_s += reading.sum;
        }
        if self.recent.len() > RATIO_TICKS {
            self.recent.pop_front();
        }
        self.recent.push_back(sample);
        self.connects = modbus.accepted.load(Relaxed);
        self.rejected = modbus.rejected.load(Relaxed);
        self.disconnects = modbus.closed.iter().map(|n| n.load(Relaxed)).sum();
        self.sessions = modbus.connections.load(Relaxed);
        self.bad_frames = modbus.bad_frames.load(Relaxed);
        self.link_hits = modbus.link_hits.iter().map(|n| n.load(Relaxed)).sum();
        let ages = stats.snapshot_age[Served::Modbus as usize].read();
        let stale = ages.buckets.iter().filter(|(bound, _)| *bound > STALE_S);
        self.stale_reads = stale.map(|(_, count)| count).sum();
        self.slipped_ticks = stats.ticks.skipped.load(Relaxed);
        self.overruns = stats.ticks.overruns.load(Relaxed);
    }

    fn last(&self) -> Sample {
        self.recent.back().copied().unwrap_or_default()
    }
    /// The sample `ticks` before the last one, or the oldest, and how many ticks lie between.
    fn before(&self, ticks: usize) -> Option<(Sample, usize)> {
        let last = self.recent.len().checked_sub(1).filter(|last| *last > 0)?;
        let at = last.saturating_sub(ticks);
        Some((self.recent[at], last - at))
    }
    fn or_absent(&self, value: f64) -> f64 {
        if self.recent.is_empty() { f64::NAN } else { value }
    }

    pub(super) fn requests(&self) -> f64 {
        self.or_absent(self.last().requests as f64)
    }
    pub(super) fn exceptions(&self) -> f64 {
        self.or_absent(self.last().exceptions as f64)
    }
    pub(super) fn requests_per_s(&self) -> f64 {
        self.before(RATE_TICKS).map_or(f64::NAN, |(before, ticks)| {
            (self.last().requests - before.requests) as f64 / (ticks as f64 * TICK_S)
        })
    }
    pub(super) fn ok_ratio_30s(&self) -> f64 {
        self.before(RATIO_TICKS).map_or(f64::NAN, |(before, _)| {
            let requests = (self.last().requests - before.requests) as f64;
            let exceptions = (self.last().exceptions - before.exceptions) as f64;
            if requests > 0.0 { 1.0 - (exceptions / requests).min(1.0) } else { f64::NAN }
        })
    }
    pub(super) fn response_ms(&self) -> f64 {
        self.before(RATE_TICKS).map_or(f64::NAN, |(before, _)| {
            let answered = (self.last().answered - before.answered) as f64;
            let took_s = self.last().answering_s - before.answering_s;
            if answered > 0.0 { took_s / answered * 1e3 } else { f64::NAN }
        })
    }
    pub(super) fn poll_interval_s(&self) -> f64 {
        let per_s = self.requests_per_s();
        if per_s > 0.0 && self.sessions > 0 { self.sessions as f64 / per_s } else { f64::NAN }
    }
    pub(super) fn connects(&self) -> f64 {
        self.or_absent(self.connects as f64)
    }
    pub(super) fn rejected(&self) -> f64 {
        self.or_absent(self.rejected as f64)
    }
    pub(super) fn disconnects(&self) -> f64 {
        self.or_absent(self.disconnects as f64)
    }
    pub(super) fn sessions(&self) -> f64 {
        self.or_absent(self.sessions as f64)
    }
    pub(super) fn bad_frames(&self) -> f64 {
        self.or_absent(self.bad_frames as f64)
    }
    pub(super) fn link_hits(&self) -> f64 {
        self.or_absent(self.link_hits as f64)
    }
    pub(super) fn stale_reads(&self) -> f64 {
        self.or_absent(self.stale_reads as f64)
    }
    pub(super) fn wall_slip_s(&self) -> f64 {
        self.or_absent(self.slipped_ticks as f64 * TICK_S)
    }
    pub(super) fn overruns(&self) -> f64 {
        self.or_absent(self.overruns as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_first_sample_everything_is_absent() {
        let link = LinkSight::default();
        for value in [link.requests(), link.sessions(), link.wall_slip_s(), link.ok_ratio_30s()] {
            assert!(value.is_nan());
        }
    }

    #[test]
    fn rates_and_shares_are_those_of_their_window() {
        let (stats, mut link) = (Stats::default(), LinkSight::default());
        for tick in 0..400 {
            // Two requests a tick; in the first ten seconds every second one is refused.
            stats.modbus.requests[3].fetch_add(2, Relaxed);
            stats.modbus.observe(3, 0.004, 2);
            if tick < 100 {
                stats.modbus.count_exception(3, 6);
            }
            link.note(&stats);
            if tick == 99 {
                assert!((link.ok_ratio_30s() - 0.5).abs() < 1e-9);
            }
        }
        assert!((link.requests_per_s() - 20.0).abs() < 1e-9);
        assert!((link.response_ms() - 4.0).abs() < 1e-6);
        assert_eq!((link.requests(), link.ok_ratio_30s()), (800.0, 1.0));
        assert!(link.poll_interval_s().is_nan());
        stats.modbus.connections.store(4, Relaxed);
        link.note(&stats);
        // The last tick brought none: 198 in ten seconds.
        assert!((link.poll_interval_s() - 4.0 / 19.8).abs() < 1e-9);
    }
}
