//! The tick loop, its clock, and the commands that it takes.

use super::{
    Count, Histogram, HistogramReading, Histograms, Labels, NONE, Number, Numbers, RATIO, Real,
    Row, SECONDS, Sight, counter, gauge, histogram, load, unix_s,
};
use bess_core::command::ControlSource;
use bess_core::snapshot::ClockMode;
use bess_core::stats::{Served, TickPhase};
use bess_core::time::TICK_S;
use std::sync::atomic::Ordering::Relaxed;

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    counter("bess_ticks_total", NONE, "Ticks run by this process", Count(|s| load(&s.stats().ticks.ticks))),
    counter("bess_tick_overruns_total", NONE, "Ticks whose work took longer than their period", Count(|s| load(&s.stats().ticks.overruns))),
    counter("bess_ticks_skipped_total", NONE, "Ticks of the wall-clock schedule that were given up because the loop fell behind", Count(|s| load(&s.stats().ticks.skipped))),
    gauge("bess_tick_period_seconds", SECONDS, "Wall time between two ticks at the speed in force, which is what a tick may take", Real(tick_period_s)),
    histogram("bess_tick_duration_seconds", "Work of a tick, from gathering commands to replying", Histogram(|s| s.stats().ticks.duration.read())),
    histogram("bess_tick_jitter_seconds", "From when a tick was due to when it started", Histogram(|s| s.stats().ticks.lateness.read())),
    histogram("bess_tick_phase_duration_seconds", "Work of each phase of a tick; together they are the work of the tick", Histograms(phases)).by(&["phase"]),
    gauge("bess_simulation_lag_seconds", SECONDS, "How long ago by wall time the next tick was due; 0 while the loop is on time or paused", Real(lag_s)),
    gauge("bess_last_tick_timestamp_seconds", SECONDS, "Wall time of the loop's last beat in Unix seconds; it beats also while the clock is paused", Real(last_beat_unix_s)),
    gauge("bess_simulation_time_seconds", SECONDS, "Simulated time in Unix seconds", Real(|s| unix_s(s.snapshot().time.unix_ns))),
    gauge("bess_time_scale_ratio", RATIO, "Simulated seconds per second of wall time that the clock is set to; 0 while paused", Real(time_scale)),
    gauge("bess_snapshot_tick", NONE, "Tick of the snapshot that this scrape shows", Count(|s| s.snapshot().tick.0)),
    gauge("bess_snapshot_publication", NONE, "Number of the snapshot that this scrape shows; grows also while the clock is paused", Count(|s| s.snapshot().publication)),
    histogram("bess_snapshot_age_seconds", "How old by wall time the snapshot was that was served, by who served it; grows while the clock is paused", Histograms(ages)).by(&["protocol"]),
    counter("bess_setpoint_commands_total", NONE, "Commands to units and farm by who sent them and what came of them", Numbers(commands)).by(&["source", "result"]),
    histogram("bess_command_apply_seconds", "From when a command was received to when it was applied, by who sent it", Histograms(applied)).by(&["source"]),
    counter("bess_commands_busy_total", NONE, "Requests turned away because the loop's inbox was full", Count(|s| load(&s.stats().commands.busy))),
];

/// The clock may be set to a speed that the machine does not reach; a free-running one has none.
fn tick_period_s(sight: &Sight<'_>) -> f64 {
    let speed = sight.snapshot().clock.speed;
    if speed > 0.0 { TICK_S / speed } else { f64::NAN }
}

fn time_scale(sight: &Sight<'_>) -> f64 {
    let clock = sight.snapshot().clock;
    match clock.mode {
        ClockMode::Running => clock.speed,
        ClockMode::Paused => 0.0,
        ClockMode::Free => f64::NAN,
    }
}

/// Also while the loop hangs in a tick, for which no lateness is observed.
fn lag_s(sight: &Sight<'_>) -> f64 {
    match sight.stats().ticks.due_unix_ns.load(Relaxed) {
        0 => 0.0,
        due_unix_ns => (sight.scrape.now_unix_ns - due_unix_ns).max(0) as f64 / 1e9,
    }
}

/// Before the first beat there is no last one: 0 would look like a loop that stalled in 1970.
fn last_beat_unix_s(sight: &Sight<'_>) -> f64 {
    match sight.stats().ticks.last_beat_unix_ns.load(Relaxed) {
        0 => f64::NAN,
        unix_ns => unix_s(unix_ns),
    }
}

fn phases(sight: &Sight<'_>) -> Vec<(Labels, HistogramReading)> {
    let phases = TickPhase::NAMES.into_iter().zip(&sight.stats().ticks.phases);
    phases.map(|(phase, histogram)| (vec![("phase", phase.into())], histogram.read())).collect()
}

fn ages(sight: &Sight<'_>) -> Vec<(Labels, HistogramReading)> {
    let ages = Served::NAMES.into_iter().zip(&sight.stats().snapshot_age);
    ages.map(|(by, histogram)| (vec![("protocol", by.into())], histogram.read())).collect()
}

fn commands(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let commands = &sight.stats().commands;
    let mut samples = Vec::new();
    for (index, source) in ControlSource::NAMES.into_iter().enumerate() {
        for (result, counts) in [("applied", &commands.applied), ("refused", &commands.refused)] {
            let labels = vec![("source", source.into()), ("result", result.into())];
            samples.push((labels, Number::Count(load(&counts[index]))));
        }
    }
    samples
}

/// Who posts letters; the others command within the loop.
const POSTING: [ControlSource; 3] =
    [ControlSource::Modbus, ControlSource::Rest, ControlSource::Local];

fn applied(sight: &Sight<'_>) -> Vec<(Labels, HistogramReading)> {
    let of = |source: ControlSource| {
        let reading = sight.stats().commands.apply[source as usize].read();
        (vec![("source", source.name().into())], reading)
    };
    POSTING.map(of).into()
}
