//! Requests a second and their latency, beside the echo.

use crate::child::Server;
use crate::frames::{answer, read_frame};
use crate::{Args, Fault};
use bess_benches::load::{Answers, Load};
use bess_benches::report::{Bar, Report};
use bess_benches::stats::median;
use std::net::SocketAddr;
use std::time::Duration;

/// Registers of a read.
const REGISTERS: u16 = 60;

/// Runs of one server.
#[derive(Debug, Default)]
struct Runs {
    answers: Vec<Answers>,
    /// CPU seconds of the server for each request.
    cpu_s: Vec<f64>,
}

impl Runs {
    fn add(&mut self, load: &Load, server: &Server, address: SocketAddr) -> Result<(), Fault> {
        let before = server.cpu_s()?;
        let answers = load.run(address)?;
        let used = server.cpu_s()? - before;
        if answers.refused > 0.0 {
            return Err("a read was refused".into());
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

/// Measures both shapes of load, and each once more with requests of which no two ask for the same: then
/// nothing can be shown again that was encoded for another client.
pub(crate) fn measure(args: &Args, report: &mut Report) -> Result<(), Fault> {
    let server = Server::start(10, args.workers)?;
    let same = || (1..=10).map(|unit| read_frame(unit, 0, REGISTERS)).collect();
    let other = || {
        let ranges = (0..=65).flat_map(|from| (1..=10).map(move |unit| (unit, from)));
        ranges.map(|(unit, from)| read_frame(unit, from, REGISTERS)).collect()
    };
    shape(args, report, &server, (16, 1, same()), Some(0.85))?;
    shape(args, report, &server, (64, 4, same()), Some(0.75))?;
    shape(args, report, &server, (16, 1, other()), None)?;
    shape(args, report, &server, (64, 4, other()), None)
}

/// Measures one shape: connections, requests in flight on each, and what they ask.
fn shape(
    args: &Args,
    report: &mut Report,
    server: &Server,
    (connections, depth, requests): (usize, usize, Vec<Vec<u8>>),
    bar: Option<f64>,
) -> Result<(), Fault> {
    let load = Load {
        connections,
        depth,
        requests,
        framing: answer,
        warm_up: Duration::from_millis(300),
        duration: Duration::from_millis(1500),
    };
    let (mut modbus, mut echo) = (Runs::default(), Runs::default());
    for _ in 0..args.runs {
        modbus.add(&load, server, server.modbus)?;
        echo.add(&load, server, server.echo)?;
    }
    let name = format!("{connections} connections x {depth} in flight");
    let name = if bar.is_some() { name } else { format!("{name}, no two alike") };
    let rates = (modbus.median(Answers::per_second), echo.median(Answers::per_second));
    let p50 = (modbus.median(|run| run.p50_s), echo.median(|run| run.p50_s));
    let p99 = (modbus.median(|run| run.p99_s), echo.median(|run| run.p99_s));
    let cpu = (median(&modbus.cpu_s), median(&echo.cpu_s));
    report.note(format!("{name}: Modbus, 60 registers"), rates.0, "/s");
    report.note(format!("{name}: echo"), rates.1, "/s");
    report.add(format!("{name}: of the echo"), rates.0 / rates.1, "", bar.map(Bar::AtLeast));
    report.note(format!("{name}: latency, median: Modbus"), p50.0 * 1e6, "us");
    report.note(format!("{name}: latency, median: echo"), p50.1 * 1e6, "us");
    report.note(format!("{name}: latency, p99: Modbus"), p99.0 * 1e6, "us");
    report.note(format!("{name}: latency, p99: echo"), p99.1 * 1e6, "us");
    let p99_bar = bar.map(|_| Bar::AtMost(1.5));
    report.add(format!("{name}: p99, times the echo's"), p99.0 / p99.1, "", p99_bar);
    report.note(format!("{name}: CPU of the server a request: Modbus"), cpu.0 * 1e6, "us");
    report.note(format!("{name}: CPU of the server a request: echo"), cpu.1 * 1e6, "us");
    Ok(())
}
