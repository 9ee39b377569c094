//! `bess clock`: the pace of a running farm.

use super::{Target, acknowledge, print};
use serde_json::{Value, json};
use std::io::Write;

/// Show and control the clock of a running farm
#[derive(Debug, clap::Args)]
pub(crate) struct ClockArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: ClockCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ClockCommand {
    /// Pace, speed and tick
    Show,
    /// Stop ticking; commands are still taken
    Pause,
    /// Tick on
    Resume,
    /// Simulated seconds per second of wall time, 0.01 to 10000
    Speed {
        /// Factor
        factor: f64,
    },
    /// Run this many ticks, then stay paused
    Step {
        /// Number of ticks of 0.1 s
        ticks: u64,
    },
}

pub(crate) fn run(args: &ClockArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let patch = |body: Value| target.send("PATCH", "clock", Some(body));
    let answer = match &args.command {
        ClockCommand::Show => return print(&target.send("GET", "clock", None)?, out),
        ClockCommand::Pause => patch(json!({ "mode": "paused" }))?,
        ClockCommand::Resume => patch(json!({ "mode": "running" }))?,
        ClockCommand::Speed { factor } => patch(json!({ "speed": factor }))?,
        ClockCommand::Step { ticks } => patch(json!({ "step_ticks": ticks }))?,
    };
    acknowledge(target, &answer, out)
}
