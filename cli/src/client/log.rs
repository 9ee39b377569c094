//! `bess log`: the levels of a running farm's log.

use super::{Target, print, text};
use serde_json::{Value, json};
use std::io::Write;

/// Show and set the log levels of a running farm
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess log show
  bess log set info,bess_protocol=debug
  bess log reset")]
pub(crate) struct LogArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Debug, clap::Subcommand)]
enum LogCommand {
    /// Levels, form and file of the log
    Show,
    /// Set the levels until they are set again, or the farm stops
    Set {
        /// A level for all, module=level, or several with commas between
        filter: String,
    },
    /// Set them back to those that the farm was started with
    Reset,
}

pub(crate) fn run(args: &LogArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let answer = match &args.command {
        LogCommand::Show => {
            let answer = target.send("GET", "logging", None)?;
            return if target.json { print(&answer, out) } else { show(&answer, out) };
        }
        LogCommand::Set { filter } => {
            target.send("PUT", "logging", Some(json!({ "filter": filter })))?
        }
        LogCommand::Reset => target.send("DELETE", "logging", None)?,
    };
    if target.json {
        return print(&answer, out);
    }
    Ok(writeln!(out, "the log's levels are {}", text(&answer, "filter"))?)
}

fn show(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let file = answer.get("file").and_then(Value::as_str).unwrap_or("-");
    writeln!(
        out,
        "levels    {} (at the start {})",
        text(answer, "filter"),
        text(answer, "filter_at_start")
    )?;
    writeln!(out, "form      {}", text(answer, "format"))?;
    writeln!(out, "file      {file}")?;
    writeln!(out, "dropped   {} lines", answer.get("lines_dropped").unwrap_or(&Value::Null))?;
    let modules = answer.get("modules").and_then(Value::as_array);
    let modules = modules.into_iter().flatten().filter_map(Value::as_str);
    Ok(writeln!(out, "modules   {}", modules.collect::<Vec<_>>().join(" "))?)
}
