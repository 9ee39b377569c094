//! The Modbus server under load, beside a bare TCP echo of same-size frames in the same process, and what
//! clients cost the farm: `make bench-modbus`.
//!
//! The server runs in a child process with the farm live at 10 Hz behind it and the runtime of `bess serve`;
//! this process is the clients, one thread on epoll, the same code for both servers. Runs alternate between
//! the two and the medians are compared. It is a measurement: a bar that is missed is told, not failed.
//!
//! usage: `modbus_load [--json] [--workers N] [--runs N] [--only PART,PART]`, the parts being load, writes,
//! ticks and memory.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

mod child;
mod frames;
mod memory;
mod polling;
mod server;
mod throughput;
mod writes;

use bess_benches::Fault;
use bess_benches::child::ROLE;
use bess_benches::report::{self, Report};

/// What is asked on the command line.
#[derive(Debug)]
struct Args {
    json: bool,
    /// Threads of the server's runtime.
    workers: usize,
    /// Runs of each server.
    runs: usize,
    /// Parts to measure; empty for all.
    only: Vec<String>,
}

impl Args {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut args = Self { json: false, workers: 2, runs: 11, only: Vec::new() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            match word.as_str() {
                "--json" => args.json = true,
                "--workers" => args.workers = value()?.parse()?,
                "--runs" => args.runs = value()?.parse()?,
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

fn measure(args: &Args) -> Result<Report, Fault> {
    let mut report = Report::new(args.workers);
    if args.wants("load") {
        throughput::measure(args, &mut report)?;
    }
    if args.wants("writes") {
        writes::measure(args, &mut report)?;
    }
    if args.wants("ticks") {
        polling::measure(args, &mut report)?;
    }
    if args.wants("memory") {
        memory::measure(args, &mut report)?;
    }
    report.load_after = report::load_average();
    Ok(report)
}

fn main() {
    let mut words = std::env::args().skip(1).peekable();
    let done = if words.next_if(|word| word == ROLE).is_some() {
        server::run(words)
    } else {
        Args::read(words).and_then(|args| {
            let report = measure(&args)?;
            println!("{}", if args.json { report.json() } else { report.table() });
            Ok(())
        })
    };
    if let Err(error) = done {
        eprintln!("modbus_load: {error}");
    }
}
