//! `bess history`: what the signals of a running farm were.

use super::{Target, path, print};
use std::io::Write;

/// What the signals of a running farm were, as CSV
///
/// Least, mean and greatest value of each signal in buckets of simulated time. Without signals it lists
/// those that are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess history
  bess history poi.active_power battery.soc --from -10m --step 1s > last.csv
  bess history battery.soc --unit 3,7-9 --from -6h --step 1m
  bess history poi.frequency --from 2026-01-01T12:00:00Z --to 2026-01-01T13:00:00Z")]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    target: Target,
    /// Names of signals
    #[arg(value_name = "SIGNAL")]
    signals: Vec<String>,
    /// Of these units: numbers, ranges of numbers or names with commas between them, or all
    #[arg(long, value_name = "UNITS")]
    unit: Option<String>,
    /// From this instant on: RFC 3339, a time before the newest tick, now, or the number of a tick
    #[arg(long, value_name = "INSTANT", default_value = "-10m", allow_hyphen_values = true)]
    from: String,
    /// To before this instant, or to the tick that is named
    #[arg(long, value_name = "INSTANT", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// Length of a bucket, such as 1s or 1m; auto for one that suits the range
    #[arg(long, value_name = "DURATION", default_value = "auto")]
    step: String,
}

pub(crate) fn run(args: &HistoryArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.signals.is_empty() {
        return list(args, out);
    }
    let format = if args.target.json { "json" } else { "csv" };
    let params = [
        ("signal", Some(args.signals.join(","))),
        ("unit", args.unit.clone()),
        ("from", Some(args.from.clone())),
        ("to", Some(args.to.clone())),
        ("step", Some(args.step.clone())),
        ("format", Some(format.to_owned())),
    ];
    let path = path("history", &params);
    if args.target.json {
        return print(&args.target.send("GET", &path, None)?, out);
    }
    Ok(out.write_all(args.target.read_text(&path)?.as_bytes())?)
}

/// The signals that are kept, and how far back their tiers go.
fn list(args: &HistoryArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let answer = args.target.send("GET", "history/signals", None)?;
    if args.target.json {
        return print(&answer, out);
    }
    for level in ["farm", "unit"] {
        let level_answer = answer.get(level).unwrap_or(&serde_json::Value::Null);
        for signal in super::rows(level_answer, "signals")? {
            let (name, help) = (super::text(signal, "signal"), super::text(signal, "help"));
            let unit = super::text(signal, "unit_of_measure");
            writeln!(out, "{level:<5} {name:<28} {unit:<5} {help}")?;
        }
        for tier in super::rows(level_answer, "tiers")? {
            let (step, span) = (super::text(tier, "step"), super::text(tier, "span"));
            let from = super::cell(tier, "from");
            writeln!(out, "{level:<5} every {step:<6} for {span:<6} has from {from}")?;
        }
    }
    Ok(())
}
