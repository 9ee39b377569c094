//! `bess run`: the same engine headless, as fast as the machine allows.

use crate::BadInput;
use crate::record::{self, Recording};
use crate::run_metrics::{MetricsArgs, Recorder};
use crate::setup::{FarmArgs, Setup};
use crate::summary::Collector;
use bess_core::command::{CommandSource, ControlSource};
use bess_core::snapshot::{ClockMode, ClockView, FarmView};
use bess_core::time::{TICK_S, TICKS_PER_S, Tick};
use bess_simulation::{Engine, EngineOptions};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run a farm headless, as fast as the machine allows, and print a summary
#[derive(Debug, clap::Args)]
#[command(after_help = "Columns of series.csv:
  t_s                        simulated time in seconds
  poi_power_w, dispatch_w    power at the POI and what dispatch wanted, positive is discharge
  reactive_power_var         reactive power at the POI
  auxiliary_power_w, transformer_loss_w
  soc                        as the BMSes estimate it, 0 to 1
  frequency_hz, ambient_degc
  cell_voltage_min_v, cell_voltage_max_v, cell_temperature_min_degc, cell_temperature_max_degc
                             over all cells as the BMSes measure them, with the noise and offsets of
                             its sensors; `[units.bms] ideal = true` shows the truth
  discharged_wh, charged_wh  energy at the POI since the start

Examples:
  bess run --for 24h
  bess profile agc --for 4h > dispatch.csv && bess run --dispatch dispatch.csv --out result
  bess run --for 30d --metrics month.om --metrics-every 5m
  bess run --farm my.toml --dispatch caiso.csv --column pct_2016-05-03 --frequency hz.csv --json")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    farm: FarmArgs,
    /// Simulated time, such as 90s, 4h or 7d [default: the length of the dispatch file, else 24h]
    #[arg(long = "for", value_name = "DURATION", allow_hyphen_values = true, value_parser = crate::duration::parse_duration)]
    duration_s: Option<f64>,
    /// Repeat the run that `bess serve --record DIR` kept, and say whether every bit is the same
    #[arg(long, value_name = "DIR", conflicts_with_all = ["farm", "seed", "dispatch", "frequency", "voltage", "ambient", "duration_s", "out", "json", "file"])]
    replay: Option<PathBuf>,
    /// Folder for summary.json and series.csv (one row a second)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Threads that step units; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N", env = "BESS_WORKERS")]
    workers: Option<usize>,
    #[command(flatten)]
    metrics: MetricsArgs,
}

pub(crate) fn run(args: &RunArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(folder) = &args.replay {
        let recording = Recording::open(folder)?;
        let replayed = record::replay::replay(&recording, workers(args.workers)?, None)?;
        return Ok(writeln!(out, "{replayed}")?);
    }
    let setup = args.farm.load(args.metrics.start())?;
    let n_ticks = n_ticks(args, &setup)?;
    let workers = workers(args.workers)?;
    let mut rows = args.out.as_deref().map(Rows::create).transpose()?;
    let Setup { spec, farm, inputs, mut dispatch, .. } = setup;
    let options = EngineOptions { start: args.metrics.start_or_default(), workers };
    let mut engine = Engine::new(spec.clone(), inputs, options);
    let first = engine.farm();
    let mut collector = Collector::new(&spec, &first);
    if let Some(rows) = &mut rows {
        rows.write(Tick(0), &first, None)?;
    }
    let mut metrics = args.metrics.open(crate::serve::build_info(farm.sha256()))?;
    sample(&mut metrics, &mut engine)?;
    let bar = progress(n_ticks);
    let started = Instant::now();
    let mut due = Vec::new();
    let mut broken = None;
    while engine.tick().0 < n_ticks {
        let tick = engine.tick().next();
        let mut ticks = n_ticks - engine.tick().0;
        if let Some(dispatch) = &mut dispatch {
            dispatch.due(tick, &mut due);
            ticks = ticks.min(dispatch.next_after(tick).0 - tick.0);
        }
        if let Some(metrics) = &metrics {
            ticks = ticks.min(metrics.wait(engine.tick()));
        }
        for command in due.drain(..) {
            // What is refused (by a plant controller that is off) is counted, and the run goes on.
            let _ = engine.apply(&command, ControlSource::Schedule);
        }
        engine.run(ticks, &mut |tick, farm| {
            let wanted_w = dispatch.as_ref().map(|d| d.target_w(tick.elapsed_s() - TICK_S));
            collector.add(tick, farm, wanted_w);
            if tick.0.is_multiple_of(TICKS_PER_S) {
                if let Some(rows) = &mut rows {
                    broken = broken.take().or(rows.write(tick, farm, wanted_w).err());
                }
                bar.set_position(tick.0);
            }
        });
        if let Some(error) = broken {
            return Err(error.into());
        }
        sample(&mut metrics, &mut engine)?;
    }
    bar.finish_and_clear();
    let wall_s = started.elapsed().as_secs_f64();
    let summary = collector.summary(&spec, &engine.farm(), n_ticks, wall_s, &engine.state_hash());
    let json = serde_json::to_string_pretty(&summary)?;
    if let (Some(folder), Some(rows)) = (&args.out, rows) {
        rows.finish()?;
        std::fs::write(folder.join("summary.json"), &json)?;
    }
    if let Some(metrics) = metrics {
        metrics.finish()?;
    }
    if args.json {
        writeln!(out, "{json}")?;
    } else {
        summary.write(out)?;
    }
    Ok(())
}

/// Takes a sample of the metrics, if one is due.
fn sample(metrics: &mut Option<Recorder>, engine: &mut Engine) -> std::io::Result<()> {
    match metrics {
        Some(metrics) if metrics.is_due(engine.tick()) => {
            let clock = ClockView { mode: ClockMode::Free, ..ClockView::default() };
            metrics.add(&engine.snapshot(clock, 0, &[]))
        }
        _ => Ok(()),
    }
}

/// The number of worker threads asked for, or one for each core.
pub(crate) fn workers(asked: Option<usize>) -> anyhow::Result<usize> {
    match asked {
        Some(n @ 1..=256) => Ok(n),
        Some(n) => Err(BadInput(format!("--workers must be from 1 to 256, got {n}")).into()),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}

fn n_ticks(args: &RunArgs, setup: &Setup) -> anyhow::Result<u64> {
    let dispatched_s = setup.dispatch.as_ref().map(|dispatch| dispatch.series().end_s());
    let seconds = args.duration_s.or(dispatched_s).unwrap_or(86_400.0);
    check_duration(seconds)?;
    Ok(Tick::count_in(seconds))
}

/// Checks a simulated duration.
pub(crate) fn check_duration(seconds: f64) -> Result<(), BadInput> {
    const YEARS_10_S: f64 = 3.2e8;
    if (TICK_S..=YEARS_10_S).contains(&seconds) {
        return Ok(());
    }
    Err(BadInput(format!("--for must be from 100ms to 10 years, got {seconds} s")))
}

fn progress(n_ticks: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} % {eta} left");
    let bar = ProgressBar::new(n_ticks);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// The farm as CSV, one row a second.
struct Rows(BufWriter<std::fs::File>);

impl Rows {
    fn create(folder: &Path) -> anyhow::Result<Self> {
        let refuse = |error| BadInput(format!("cannot write to {}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(refuse)?;
        let file = std::fs::File::create(folder.join("series.csv")).map_err(refuse)?;
        let mut rows = BufWriter::new(file);
        writeln!(
            rows,
            "t_s,poi_power_w,dispatch_w,reactive_power_var,auxiliary_power_w,transformer_loss_w,soc,frequency_hz,ambient_degc,\
             cell_voltage_min_v,cell_voltage_max_v,cell_temperature_min_degc,cell_temperature_max_degc,\
             discharged_wh,charged_wh"
        )?;
        Ok(Self(rows))
    }

    fn write(&mut self, tick: Tick, farm: &FarmView, wanted_w: Option<f64>) -> std::io::Result<()> {
        let wanted = wanted_w.map(|w| format!("{w:.1}")).unwrap_or_default();
        let x = &farm.extremes;
        writeln!(
            self.0,
            "{},{:.1},{wanted},{:.1},{:.1},{:.1},{:.6},{:.4},{:.2},{:.5},{:.5},{:.3},{:.3},{:.1},{:.1}",
            tick.elapsed_s(),
            farm.active_power.0,
            farm.reactive_power.0,
            farm.auxiliary_power.0,
            farm.transformer_loss.0,
            farm.soc,
            farm.frequency.0,
            farm.ambient.0,
            x.voltage_min.0,
            x.voltage_max.0,
            x.temperature_min.0,
            x.temperature_max.0,
            farm.totals.discharged.watt_hours(),
            farm.totals.charged.watt_hours()
        )
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
