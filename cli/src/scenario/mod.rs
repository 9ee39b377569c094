//! `bess scenario`: lists, shows, checks and runs scenarios.
//!
//! `find` gets a scenario by its file or its name, `host` runs one on a farm, `repeat` one of a recording,
//! `live` attends a live farm, `serve` is what `bess serve` has of all that, `tell` says what a run came to.

mod find;
mod host;
mod live;
mod repeat;
pub(crate) mod serve;
mod tell;

pub(crate) use find::{Found, find, new_seed};
pub(crate) use host::{Observer, post};
pub(crate) use live::Attendant;
pub(crate) use tell::FORMS;

use crate::ems::Flaw;
use crate::setup::load_farm;
use bess_core::command::{SPEED_MAX, SPEED_MIN};
use bess_core::config::Problems;
use bess_core::stage::{StageBook, Verdict};
use bess_scenarios::book::{Book, open};
use bess_scenarios::report::{Attendance, HostPart};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ScenarioCommand {
    /// The scenarios that come with bess
    List {
        /// Only those with this tag
        #[arg(long)]
        tag: Option<String>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a scenario that comes with bess, to start one of your own from
    Show {
        /// Its id
        id: String,
    },
    /// Check scenarios against a farm, and report all their problems
    Check {
        /// Files, or ids of scenarios that come with bess
        #[arg(required = true, value_name = "FILE|ID")]
        scenarios: Vec<String>,
        /// Farm file; the built-in farm when absent
        #[arg(long, value_name = "FILE", env = "BESS_FARM")]
        farm: Option<PathBuf>,
        /// A parameter of the scenarios
        #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
        set: Vec<(String, String)>,
    },
    /// Run scenarios, each on a farm of its own, and say what they came to
    #[command(
        after_help = "Exit codes: 0 passed, 1 failed, 2 could not be run, 3 aborted, 4 invalid: nothing was proven.
Of several scenarios the gravest counts.

Examples:
  bess scenario run soft-short
  bess scenario run mine.yaml --set dip_pu=0.2 --seed 7 --out result
  bess scenario run ems-heartbeat-loss --stub-ems
  bess scenario run --replay recording --out result

Whoever wants to attend with an EMS of their own runs `bess serve --scenario`."
    )]
    Run(Box<RunArgs>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Files, or ids of scenarios that come with bess
    #[arg(value_name = "FILE|ID", required_unless_present = "replay", conflicts_with = "replay")]
    scenarios: Vec<String>,
    /// A parameter of the scenarios
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting, conflicts_with = "replay")]
    set: Vec<(String, String)>,
    /// Seed of their chance; beats those of the files, 0 draws one
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    seed: Option<u64>,
    /// Farm file; the built-in farm when absent
    #[arg(long, value_name = "FILE", env = "BESS_FARM")]
    farm: Option<PathBuf>,
    /// The built-in EMS attends, over real Modbus, also where a scenario does not ask for it
    #[arg(long, conflicts_with = "replay")]
    stub_ems: bool,
    /// What the built-in EMS does wrong: shows that a scenario notices
    #[arg(long, value_name = "FLAW", value_enum)]
    ems_flaw: Vec<Flaw>,
    #[command(flatten)]
    pace: PaceArgs,
    /// Repeat the runs that `bess serve --record DIR` kept, and say whether every bit is the same
    #[arg(long, value_name = "DIR")]
    replay: Option<PathBuf>,
    /// Folder for report.json, junit.xml and report.html; of several scenarios each has its own in it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads that step units; the result does not depend on it
    #[arg(long, value_name = "N", env = "BESS_WORKERS", default_value_t = 1)]
    workers: usize,
    /// Print no more than the verdicts
    #[arg(long, short)]
    quiet: bool,
}

/// How fast the time of a run goes; as its file says when absent.
#[derive(Debug, clap::Args)]
#[group(required = false, multiple = false)]
pub(crate) struct PaceArgs {
    /// Simulated seconds per second of wall time
    #[arg(long, value_name = "FACTOR")]
    speed: Option<f64>,
    /// A simulated second takes a second
    #[arg(long)]
    realtime: bool,
    /// As fast as it goes, the built-in EMS in step with the ticks
    #[arg(long)]
    stepped: bool,
}

/// How fast the time of a run goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// In steps, as fast as it goes.
    Stepped,
    /// At this speed.
    At(f64),
}

impl PaceArgs {
    /// What is asked for, if anything.
    fn asked(&self) -> anyhow::Result<Option<Pace>> {
        match self.speed {
            Some(speed) if !(SPEED_MIN..=SPEED_MAX).contains(&speed) => {
                let message =
                    format!("--speed must be from {SPEED_MIN} to {SPEED_MAX}, got {speed}");
                Err(crate::BadInput(message).into())
            }
            Some(speed) => Ok(Some(Pace::At(speed))),
            None if self.realtime => Ok(Some(Pace::At(1.0))),
            None => Ok(self.stepped.then_some(Pace::Stepped)),
        }
    }
}

/// A parameter as it is set from outside.
pub(crate) fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected NAME=VALUE, such as dip_pu=0.2".to_owned()),
    }
}

/// How runs are run of which nobody asks more than to be read.
fn alone() -> HostPart {
    HostPart {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        attendance: Attendance::Alone,
        has_shadow: false,
    }
}

/// A book for whoever only reads.
pub(crate) fn reading_book() -> Book {
    open(alone(), FORMS, Box::new(new_seed)).1
}

pub(crate) fn run(command: &ScenarioCommand, out: &mut dyn Write) -> anyhow::Result<()> {
    match command {
        ScenarioCommand::List { tag, json } => list(tag.as_deref(), *json, out),
        ScenarioCommand::Show { id } => {
            let Found { text, .. } = find(id, &reading_book())?;
            Ok(out.write_all(text.as_bytes())?)
        }
        ScenarioCommand::Check { scenarios, farm, set } => {
            let (spec, book) = (load_farm(farm.as_deref())?, reading_book());
            let mut problems = Problems::default();
            for name in scenarios {
                let found = find(name, &book)?;
                match found.read(&book, set, None, &spec) {
                    Ok(prepared) => {
                        let length_s = book.plan(&prepared).map_or(0.0, |plan| plan.duration_s);
                        let file = &found.name;
                        writeln!(out, "{file}: fine: {length_s} s for \"{}\"", spec.name)?;
                    }
                    Err(mut found) => problems.0.append(&mut found.0),
                }
            }
            if problems.0.is_empty() { Ok(()) } else { Err(problems.into()) }
        }
        ScenarioCommand::Run(args) => {
            let verdict = match &args.replay {
                Some(folder) => repeat::repeat(args, folder, out)?,
                None => run_all(args, out)?,
            };
            if verdict == Verdict::Passed { Ok(()) } else { Err(crate::Judged(verdict).into()) }
        }
    }
}

fn run_all(args: &RunArgs, out: &mut dyn Write) -> anyhow::Result<Verdict> {
    // All are read before the first runs.
    let (spec, book) = (load_farm(args.farm.as_deref())?, reading_book());
    let mut problems = Problems::default();
    let mut all = Vec::new();
    for name in &args.scenarios {
        let found = find(name, &book)?;
        match found.read(&book, &args.set, args.seed, &spec) {
            Ok(prepared) => all.push((found, prepared)),
            Err(mut found) => problems.0.append(&mut found.0),
        }
    }
    if !problems.0.is_empty() {
        return Err(problems.into());
    }
    let mut gravest = Verdict::Passed;
    for (place, (found, _)) in all.iter().enumerate() {
        // One that is run twice has a folder for each time.
        let turn = all[..=place].iter().filter(|(other, _)| other.id == found.id).count();
        let name = if turn == 1 { found.id.clone() } else { format!("{}-{turn}", found.id) };
        let folder = args
            .out
            .as_deref()
            .map(|folder| if all.len() == 1 { folder.to_owned() } else { folder.join(name) });
        let ended = host::run_one(args, found)?;
        tell::tell(&ended, folder.as_deref(), args.quiet, out)?;
        if ended.report.verdict.exit_code() > gravest.exit_code() {
            gravest = ended.report.verdict;
        }
    }
    Ok(gravest)
}

fn list(tag: Option<&str>, is_json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let book = reading_book();
    let has_tag = |tags: &[String]| tag.is_none_or(|tag| tags.iter().any(|known| known == tag));
    let found = book.scenarios().iter().filter(|info| has_tag(&info.tags));
    if is_json {
        let found: Vec<_> = found
            .map(|info| {
                json!({
                    "id": info.id,
                    "title": info.title,
                    "summary": info.summary,
                    "tags": info.tags,
                    "duration_s": info.duration_s,
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &found)?;
        return Ok(writeln!(out)?);
    }
    for info in found {
        let minutes = info.duration_s / 60.0;
        writeln!(out, "{:<36} {minutes:>6.1} min  {}", info.id, info.title)?;
    }
    Ok(())
}
