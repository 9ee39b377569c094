//! `bess cell`: one cell against a profile of current or power.

use crate::BadInput;
use crate::input::{CellInput as ProfileInput, ColumnOptions, read_cell_profile};
use crate::setup::unreadable;
use bess_core::chemistry::{self, Chemistry, parse_chemistry};
use bess_simulation::cell::{CellInput, CellRun, CellState};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Run one cell against a profile, in double precision; a row of CSV for every tick
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Columns of the result: t_s, current_a, voltage_v, soc, rc1_v, rc2_v (drops, positive
during discharge), temperature_degc. Each row holds the state at the end of a tick.

Time of the profile: each row holds until the next; the last one holds as long as the row before it.
A single row has no length and is refused: two rows 1800 s apart last 3600 s. A trajectory (columns
I_A and V_V) ends at its last row, because there each row carries the current of the time before it.

Examples:
  bess cell --chemistry lfp-314 --profile pulse.csv --initial-soc 0.9 > out.csv
  bess cell --chemistry mine.toml --profile power.csv --tick 1s --out out.csv"
)]
pub(crate) struct CellArgs {
    /// Built-in chemistry, or a file that ends in .toml
    #[arg(long, value_name = "NAME or FILE", default_value = "lfp-314")]
    chemistry: String,
    /// CSV with t_s and one of current_a, c_rate, power_w; positive is discharge
    #[arg(long, value_name = "CSV")]
    profile: PathBuf,
    /// State of charge at the start, 0 to 1
    #[arg(long, value_name = "SOC", default_value_t = 0.5)]
    initial_soc: f64,
    /// Temperature at the start and of the surroundings
    #[arg(long, value_name = "DEGC", default_value_t = 25.0, allow_negative_numbers = true)]
    ambient_degc: f64,
    /// Length of a tick
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = crate::duration::parse_duration)]
    tick: f64,
    /// End the run where the current drives the cell to a limit: a voltage of the chemistry's limits,
    /// or SoC 0 or 1 where it has none
    #[arg(long)]
    stop_at_limits: bool,
    /// File for the result; stdout when absent
    #[arg(long, value_name = "CSV")]
    out: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Profile file")]
    columns: ColumnOptions,
}

pub(crate) fn run(args: &CellArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    in_range("--initial-soc", args.initial_soc, 0.0, 1.0, "a fraction from 0 to 1")?;
    in_range("--ambient-degc", args.ambient_degc, -60.0, 100.0, "from -60 to 100 degC")?;
    in_range("--tick", args.tick, 0.001, 3600.0, "from 1ms to 1h")?;
    let chemistry = load_chemistry(&args.chemistry)?;
    let profile = read_cell_profile(&args.profile, &args.columns, None)?;
    match &args.out {
        None => write_rows(args, &chemistry, &profile, &mut BufWriter::new(out)),
        Some(path) => {
            let file = std::fs::File::create(path)
                .map_err(|error| BadInput(format!("cannot write {}: {error}", path.display())))?;
            write_rows(args, &chemistry, &profile, &mut BufWriter::new(file))
        }
    }
}

fn in_range(flag: &str, value: f64, min: f64, max: f64, expected: &str) -> Result<(), BadInput> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(BadInput(format!("{flag} must be {expected}, got {value}")))
}

fn write_rows(
    args: &CellArgs,
    chemistry: &Chemistry,
    profile: &crate::input::CellProfile,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let capacity_ah = chemistry.capacity.amp_hours();
    let n_ticks = (profile.end_s / args.tick).round() as u64;
    if n_ticks == 0 {
        let (end_s, tick_s) = (profile.end_s, args.tick);
        let message = format!(
            "the profile ends after {end_s} s, before one --tick of {tick_s} s\n\
             hint: the last row holds as long as the row before it, and a single one not at all; \
             add a row at a later time: rows at 0 and 1800 s last 3600 s"
        );
        return Err(BadInput(message).into());
    }
    let mut cell = CellRun::new(chemistry, args.initial_soc, args.ambient_degc, args.tick);
    writeln!(out, "t_s,current_a,voltage_v,soc,rc1_v,rc2_v,temperature_degc")?;
    write_row(out, 0.0, &cell.state(false))?;
    let mut beyond = 0u64;
    let (mut left, mut stopped) = (None, None);
    let mut n_run = n_ticks;
    for n in 1..=n_ticks {
        let (from_s, to_s) = ((n - 1) as f64 * args.tick, n as f64 * args.tick);
        // The mean of what is held over the tick: exact in charge for any tick.
        let value = profile.series.mean(from_s, to_s);
        let state = cell.step(match profile.input {
            ProfileInput::CurrentA => CellInput::Current(value),
            ProfileInput::CRate => CellInput::Current(value * capacity_ah),
            ProfileInput::PowerW => CellInput::Power(value),
        });
        beyond += u64::from(state.beyond_matched_load);
        // Rounded, so that 0.1 s steps print as such.
        let at_s = (to_s * 1e6).round() / 1e6;
        write_row(out, at_s, &state)?;
        if left.is_none() && !is_possible(&state) {
            left = Some((n, at_s, state));
        }
        if args.stop_at_limits
            && let Some(limit) = limit_reached(chemistry, &state)
        {
            stopped = Some((at_s, limit));
            n_run = n;
            break;
        }
    }
    out.flush()?;
    if let Some((n, at_s, state)) = left {
        let _ = writeln!(
            std::io::stderr(),
            "warning: at t_s = {at_s} (line {} of the result) the profile leaves what a cell can do (SoC {:.4}, {:.3} V, {:.1} degC); from there on all is extrapolation\n\
             hint: --stop-at-limits ends the run at the cell's limits",
            // After the header and the state at the start.
            n + 2,
            state.soc,
            state.voltage_v,
            state.temperature_degc
        );
    }
    if let Some((at_s, limit)) = stopped {
        let _ = writeln!(std::io::stderr(), "stopped at t_s = {at_s}: {limit}");
    }
    if beyond > 0 {
        let _ = writeln!(
            std::io::stderr(),
            "warning: in {beyond} of {n_run} ticks the power was beyond what the cell can give; it gave the most that it could"
        );
    }
    Ok(())
}

/// Whether the model still describes a cell: charge from empty to full (a little beyond is rounding
/// and spread), a voltage, a temperature that the tables were made for.
fn is_possible(state: &CellState) -> bool {
    (-0.02..=1.02).contains(&state.soc)
        && state.voltage_v > 0.0
        && (-60.0..=200.0).contains(&state.temperature_degc)
}

/// The limit at which the cell is, going further towards it: a voltage of `[limits]`, or empty and
/// full without that table.
fn limit_reached(chemistry: &Chemistry, state: &CellState) -> Option<String> {
    // A rounding of the counted charge is no tick more.
    const SLACK: f64 = 1e-9;
    let (name, unit, value, (min, max)) = match &chemistry.limits {
        Some(limits) => {
            ("voltage", " V", state.voltage_v, (limits.voltage_min.0, limits.voltage_max.0))
        }
        None => ("SoC", "", state.soc, (0.0, 1.0)),
    };
    if state.current_a > 0.0 && value <= min + SLACK {
        Some(format!("the cell's lowest {name}, {min}{unit}, is reached"))
    } else if state.current_a < 0.0 && value >= max - SLACK {
        Some(format!("the cell's highest {name}, {max}{unit}, is reached"))
    } else {
        None
    }
}

fn write_row(out: &mut dyn Write, time_s: f64, state: &CellState) -> std::io::Result<()> {
    writeln!(
        out,
        "{time_s},{:.9},{:.10},{:.12},{:.12},{:.12},{:.6}",
        state.current_a,
        state.voltage_v,
        state.soc,
        state.rc_v.0,
        state.rc_v.1,
        state.temperature_degc
    )
}

fn load_chemistry(name: &str) -> anyhow::Result<Chemistry> {
    let text = match chemistry::built_in(name) {
        Some(text) => text.to_owned(),
        None if name.ends_with(".toml") => std::fs::read_to_string(name).map_err(|error| {
            let mut problems = unreadable(name, &error);
            problems.0.iter_mut().for_each(|problem| problem.hint = None);
            problems
        })?,
        None => {
            let known: Vec<&str> = chemistry::BUILT_IN.iter().map(|(name, _)| *name).collect();
            return Err(BadInput(format!(
                "no chemistry \"{name}\"\nhint: built in are {}; or name a file that ends in .toml",
                known.join(", ")
            ))
            .into());
        }
    };
    Ok(parse_chemistry(name, &text)?)
}
