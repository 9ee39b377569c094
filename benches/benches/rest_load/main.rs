//! REST reads beside a bare axum that sends the same bytes, in the same process: `make bench-rest`.
//!
//! The server runs in a child process with the farm live at 10 Hz behind it and the runtime of `bess serve`;
//! this process is the clients, one thread on epoll, the same code for both servers, over connections that
//! are kept. Runs alternate between the two and the medians are compared. It is a measurement: a bar that is
//! missed is told, not failed.
//!
//! usage: `rest_load [--json] [--workers N] [--runs N] [--seconds S]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

mod http;
mod server;

use bess_benches::Fault;
use bess_benches::child::{ROLE, Server};
use bess_benches::load::{Answers, Load};
use bess_benches::report::{self, Bar, Report};
use bess_benches::stats::median;
use std::net::SocketAddr;
use std::time::Duration;

/// Units of the farm.
const UNITS: usize = 100;

/// What is asked on the command line.
#[derive(Debug)]
struct Args {
    json: bool,
    /// Threads of the server's runtime.
    workers: usize,
    /// Runs of each server.
    runs: usize,
    /// How long a run is.
    seconds: f64,
}

impl Args {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut args = Self { json: false, workers: 2, runs: 9, seconds: 1.5 };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            match word.as_str() {
                "--json" => args.json = true,
                "--workers" => args.workers = value()?.parse()?,
                "--runs" => args.runs = value()?.parse()?,
                "--seconds" => args.seconds = value()?.parse()?,
                // What cargo adds.
                "--bench" => {}
                other => return Err(format!("unknown: {other}").into()),
            }
        }
        Ok(args)
    }
}

/// Runs of one server.
#[derive(Debug, Default)]
struct Runs {
    answers: Vec<Answers>,
    /// CPU seconds of the server for each request; the farm's ticks are in it.
    cpu_s: Vec<f64>,
}

impl Runs {
    fn add(&mut self, load: &Load, server: &Server, address: SocketAddr) -> Result<(), Fault> {
        let before = server.cpu_s()?;
        let answers = load.run(address)?;
        let used = server.cpu_s()? - before;
        if answers.refused > 0.0 || answers.answered == 0.0 {
            return Err(format!("a read was refused: {answers:?}").into());
        }
        let measured = answers.seconds / (answers.seconds + load.warm_up.as_secs_f64());
        self.cpu_s.push(used * measured / answers.answered);
        self.answers.push(answers);
        Ok(())
    }
    fn median(&self, of: fn(&Answers) -> f64) -> f64 {
        median(&self.answers.iter().map(of).collect::<Vec<_>>())
    }
}

/// What is read: its name, connections, paths in turn, and the bar of the ratio.
type Shape<'s> = (&'s str, usize, Vec<String>, Option<f64>);

fn shape(
    args: &Args,
    report: &mut Report,
    server: &Server,
    (name, connections, paths, bar): Shape<'_>,
) -> Result<(), Fault> {
    let [rest, bare] = server.addresses[..] else { return Err("two ports".into()) };
    let load = Load {
        connections,
        depth: 1,
        requests: paths.iter().map(|path| http::request(path)).collect(),
        framing: http::answer,
        warm_up: Duration::from_millis(300),
        duration: Duration::from_secs_f64(args.seconds),
    };
    let (mut ours, mut theirs) = (Runs::default(), Runs::default());
    for _ in 0..args.runs {
        ours.add(&load, server, rest)?;
        theirs.add(&load, server, bare)?;
    }
    let name = format!("{name}, {connections} connections");
    let rates = (ours.median(Answers::per_second), theirs.median(Answers::per_second));
    let p99 = (ours.median(|run| run.p99_s), theirs.median(|run| run.p99_s));
    report.note(format!("{name}: bess"), rates.0, "/s");
    report.note(format!("{name}: bare axum"), rates.1, "/s");
    report.add(format!("{name}: of bare axum"), rates.0 / rates.1, "", bar.map(Bar::AtLeast));
    report.note(format!("{name}: latency, p99: bess"), p99.0 * 1e6, "us");
    report.note(format!("{name}: latency, p99: bare axum"), p99.1 * 1e6, "us");
    let cpu = (median(&ours.cpu_s), median(&theirs.cpu_s));
    report.note(format!("{name}: CPU of the server a request: bess"), cpu.0 * 1e6, "us");
    report.note(format!("{name}: CPU of the server a request: bare axum"), cpu.1 * 1e6, "us");
    Ok(())
}

fn measure(args: &Args) -> Result<Report, Fault> {
    let mut report = Report::new(args.workers);
    let server = Server::start(UNITS, args.workers)?;
    let units = || (1..=UNITS).map(|unit| format!("/api/v1/units/{unit}")).collect();
    let page = || vec![format!("/api/v1/units?limit={UNITS}")];
    let cells = |form: &str| vec![format!("/api/v1/units/1/cells?format={form}")];
    for of in [
        ("one unit", 16, vec!["/api/v1/units/3".to_owned()], Some(0.7)),
        ("one unit", 64, vec!["/api/v1/units/3".to_owned()], Some(0.7)),
        ("each of 100 units in turn", 16, units(), Some(0.7)),
        ("a page of 100 units", 4, page(), None),
        ("4992 cells, JSON", 4, cells("json"), None),
        ("4992 cells, binary", 4, cells("binary"), None),
    ] {
        shape(args, &mut report, &server, of)?;
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
        eprintln!("rest_load: {error}");
    }
}
