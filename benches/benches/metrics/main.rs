//! What the metrics cost: `make bench-metrics`.
//!
//! - encode: 100,000 series of units beside a hand-written writer of the same lines into a buffer that is
//!   used again, and beside the two ways of prometheus-client, all in turn
//! - scrape: the built-in farm of 10 units over HTTP
//! - ticks: a live farm of 1,000 units, scraped every second and not, in turn: how late its ticks are
//!
//! It is a measurement: a bar that is missed is told, and the exit code is 1.
//!
//! usage: `metrics [--rounds N] [--seconds N] [--only PART,PART]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

mod encode;
mod scrape;
mod ticks;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// An error of a measurement: there is nothing to do but to tell.
type Fault = Box<dyn Error>;

#[derive(Debug)]
struct Args {
    /// Turns of each writer.
    rounds: usize,
    /// Seconds of each phase of the live farm.
    seconds: u64,
    /// Parts to measure; empty for all.
    only: Vec<String>,
}

impl Args {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut args = Self { rounds: 41, seconds: 20, only: Vec::new() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            match word.as_str() {
                "--rounds" => args.rounds = value()?.parse()?,
                "--seconds" => args.seconds = value()?.parse()?,
                "--only" => args.only.extend(value()?.split(',').map(str::to_owned)),
                // What cargo adds.
                "--bench" => {}
                other => return Err(format!("unknown: {other}").into()),
            }
        }
        Ok(args)
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == part)
    }
}

/// The value that a share of all is at most at; sorts them.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share).ceil() as usize;
    values[at.clamp(1, values.len()) - 1]
}

/// Tells what came of a bar; whether it was held.
fn judge(what: &str, value: f64, most: f64, unit: &str) -> bool {
    let holds = value <= most;
    let word = if holds { "held" } else { "MISSED" };
    println!("  {what}: {value:.3} {unit}, at most {most} {unit}: {word}");
    holds
}

fn measure(args: &Args) -> Result<bool, Fault> {
    let mut holds = true;
    if args.wants("encode") {
        holds &= encode::measure(args.rounds)?;
    }
    if args.wants("scrape") {
        holds &= scrape::measure(args.rounds * 10)?;
    }
    if args.wants("ticks") {
        holds &= ticks::measure(Duration::from_secs(args.seconds))?;
    }
    Ok(holds)
}

fn main() -> ExitCode {
    let measured = Args::read(std::env::args().skip(1)).and_then(|args| measure(&args));
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
