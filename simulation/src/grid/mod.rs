//! The grid behind the POI: what its frequency and voltage are at which exact time of a tick, the
//! relays that leave it, the watch that enters service again, and the island that one unit can make.
//!
//! A tick of the grid is a short list of segments over which voltage and frequency hold. All times are
//! counted in whole microseconds from the start of the run, so that a relay's instant does not depend
//! on where ticks begin.

mod enter;
mod inertia;
mod island;
mod model;
mod relay;

pub(crate) use enter::EnterServiceWatch;
pub(crate) use island::{Island, IslandTick};
pub(crate) use model::Grid;
pub(crate) use relay::{RelayAction, Relays};

use crate::persist::leaf;
use bess_core::time::{Moment, TICK_NS, TICK_S, Tick};

/// Length of a tick in microseconds.
pub(crate) const TICK_US: u64 = TICK_NS as u64 / 1000;
/// Voltage in pu above which a grid is there at all: engineering choice.
pub(crate) const ENERGISED_ABOVE_PU: f64 = 0.1;
/// Voltage in pu from which on a converter can give its rated apparent power: engineering choice, the
/// lower end of the usual range of continuous operation.
pub(crate) const FULL_POWER_FROM_PU: f64 = 0.9;
/// Voltage in pu below which no relay can measure a frequency: engineering choice.
pub(crate) const FREQUENCY_ABOVE_PU: f64 = 0.3;

/// A stretch of a tick over which the grid holds still.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Segment {
    /// Its begin in s after the start of the tick, 0 to 0.1.
    pub(crate) from_s: f64,
    /// Its end in s after the start of the tick, after the begin.
    pub(crate) to_s: f64,
    /// Frequency in Hz; that of a dead grid is the nominal one and nobody may act on it.
    pub(crate) frequency_hz: f64,
    /// Voltage in pu of nominal.
    pub(crate) voltage_pu: f64,
}

impl Segment {
    /// Begin in microseconds after the start of the tick.
    fn begin_us(&self) -> u64 {
        (self.from_s * 1e6).round() as u64
    }
    /// End in microseconds after the start of the tick.
    fn end_us(&self) -> u64 {
        (self.to_s * 1e6).round() as u64
    }
}

/// The grid over one tick.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct GridTick {
    /// Which tick.
    pub(crate) tick: Tick,
    /// Its segments in order, without a gap from 0 to 0.1 s; one where nothing happens.
    segments: Vec<Segment>,
    /// A jump of the phase: when in s after the start of the tick, and by how many degrees.
    pub(crate) phase_jump: Option<(f64, f64)>,
    voltage_pu: (f64, f64),
    frequency_hz: (f64, f64),
}
leaf!(GridTick);

impl GridTick {
    /// A tick of these segments, at least one.
    pub(crate) fn new(tick: Tick, segments: Vec<Segment>, phase_jump: Option<(f64, f64)>) -> Self {
        let range = |of: fn(&Segment) -> f64| {
            segments.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                (low.min(x), high.max(x))
            })
        };
        let (voltage_pu, frequency_hz) = (range(|s| s.voltage_pu), range(|s| s.frequency_hz));
        Self { tick, segments, phase_jump, voltage_pu, frequency_hz }
    }
    /// A tick in which nothing happens.
    pub(crate) fn steady(tick: Tick, frequency_hz: f64, voltage_pu: f64) -> Self {
        let segment = Segment { from_s: 0.0, to_s: TICK_S, frequency_hz, voltage_pu };
        Self::new(tick, vec![segment], None)
    }
    /// The same, with a frequency that is `offset_hz` higher.
    pub(crate) fn with_offset_hz(&self, offset_hz: f64) -> Self {
        let mut tick = self.clone();
        tick.segments.iter_mut().for_each(|segment| segment.frequency_hz += offset_hz);
        tick.frequency_hz = (self.frequency_hz.0 + offset_hz, self.frequency_hz.1 + offset_hz);
        tick
    }
    /// Its segments in order.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
    /// Mean frequency in Hz.
    pub(crate) fn frequency_mean_hz(&self) -> f64 {
        self.mean(|segment| segment.frequency_hz)
    }
    /// Mean voltage in pu.
    pub(crate) fn voltage_mean_pu(&self) -> f64 {
        self.mean(|segment| segment.voltage_pu)
    }
    /// Frequency at the end in Hz.
    #[cfg(test)]
    pub(crate) fn frequency_end_hz(&self) -> f64 {
        self.last().frequency_hz
    }
    /// Voltage at the end in pu.
    pub(crate) fn voltage_end_pu(&self) -> f64 {
        self.last().voltage_pu
    }
    /// Lowest and highest voltage in pu.
    pub(crate) fn voltage_range_pu(&self) -> (f64, f64) {
        self.voltage_pu
    }
    /// Lowest and highest frequency in Hz.
    pub(crate) fn frequency_range_hz(&self) -> (f64, f64) {
        self.frequency_hz
    }
    /// Whether there is a voltage at the end.
    pub(crate) fn is_energised_at_end(&self) -> bool {
        self.voltage_end_pu() > ENERGISED_ABOVE_PU
    }
    /// Whether it holds still for the whole tick at good values: within 5 % of the nominal voltage and
    /// 0.2 Hz of the nominal frequency (engineering choice).
    #[cfg(test)]
    pub(crate) fn is_quiet(&self, nominal_hz: f64) -> bool {
        self.segments.len() == 1
            && self.phase_jump.is_none()
            && (self.frequency_end_hz() - nominal_hz).abs() <= 0.2
            && (self.voltage_end_pu() - 1.0).abs() <= 0.05
    }
    /// Share (0 to 1) of its rated apparent power that a converter can give over the tick: its current
    /// is limited to that of the rated power at [`FULL_POWER_FROM_PU`], and it gives none below
    /// `cessation_below_pu` or without a grid.
    pub(crate) fn power_share(&self, cessation_below_pu: f64) -> f64 {
        let share = |voltage_pu: f64| {
            let ceases = voltage_pu < cessation_below_pu || voltage_pu <= ENERGISED_ABOVE_PU;
            if ceases { 0.0 } else { (voltage_pu / FULL_POWER_FROM_PU).min(1.0) }
        };
        self.mean(|segment| share(segment.voltage_pu))
    }
    /// An instant `us` microseconds after the start of the tick.
    fn moment(&self, us: u64) -> Moment {
        Moment { tick: self.tick, offset_us: us.min(TICK_US) as u32 }
    }
    /// The start of the tick in microseconds after the start of the run.
    fn start_us(&self) -> u64 {
        start_us(self.tick)
    }
    fn last(&self) -> &Segment {
        self.segments.last().expect("a tick has a segment")
    }
    fn mean(&self, of: impl Fn(&Segment) -> f64) -> f64 {
        if let [only] = self.segments.as_slice() {
            return of(only);
        }
        let sum: f64 = self.segments.iter().map(|s| of(s) * (s.to_s - s.from_s)).sum();
        sum / TICK_S
    }
}

/// The start of `tick` in microseconds after the start of the run.
fn start_us(tick: Tick) -> u64 {
    tick.0.saturating_sub(1) * TICK_US
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dip(to_pu: f64) -> GridTick {
        let segment =
            |from_s, to_s, voltage_pu| Segment { from_s, to_s, frequency_hz: 50.0, voltage_pu };
        let segments = vec![segment(0.0, 0.04, 1.0), segment(0.04, 0.1, to_pu)];
        GridTick::new(Tick(1), segments, None)
    }

    #[test]
    fn means_weigh_segments_by_their_time() {
        let tick = dip(0.5);
        assert!((tick.voltage_mean_pu() - 0.7).abs() < 1e-12);
        assert!((tick.frequency_mean_hz() - 50.0).abs() < 1e-9);
        assert_eq!((tick.voltage_end_pu(), tick.frequency_end_hz()), (0.5, 50.0));
    }

    #[test]
    fn a_converter_gives_power_by_the_voltage_and_none_below_its_cessation_or_without_a_grid() {
        assert!((dip(0.6).power_share(0.5) - (0.4 + 0.6 * 0.6 / 0.9)).abs() < 1e-12);
        assert!((dip(0.49).power_share(0.5) - 0.4).abs() < 1e-12);
        assert!((dip(0.1).power_share(0.0) - 0.4).abs() < 1e-12);
        assert!((GridTick::steady(Tick(1), 50.0, 0.91).power_share(0.5) - 1.0).abs() < 1e-12);
        assert!((GridTick::steady(Tick(1), 50.0, 1.08).power_share(0.5) - 1.0).abs() < 1e-12);
        assert!(!dip(0.1).is_energised_at_end() && dip(0.11).is_energised_at_end());
    }

    #[test]
    fn a_tick_is_quiet_only_while_nothing_happens_at_good_values() {
        assert!(GridTick::steady(Tick(1), 49.9, 1.0).is_quiet(50.0));
        assert!(!GridTick::steady(Tick(1), 49.7, 1.0).is_quiet(50.0));
        assert!(!GridTick::steady(Tick(1), 50.0, 0.9).is_quiet(50.0));
        let jump = GridTick { phase_jump: Some((0.0, 5.0)), ..dip(1.0) };
        assert!(!dip(1.0).is_quiet(50.0) && !jump.is_quiet(50.0));
    }
}
