//! What a hundred polling clients do to the ticks of the farm.

use crate::child::Server;
use crate::frames::read_frame;
use crate::{Args, Fault};
use bess_benches::report::{Bar, Report};
use bess_benches::stats::quantile;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CLIENTS: usize = 100;
const REGISTERS: u16 = 125;
const PERIOD: Duration = Duration::from_millis(100);
/// How long a phase is: 120 ticks.
const PHASE: Duration = Duration::from_secs(12);

/// A hundred clients, each of which asks once a period, evenly spread over it; their latencies in seconds.
fn poll(address: SocketAddr, units: u8) -> Result<Vec<f64>, Fault> {
    let mut clients = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        clients.push(stream);
    }
    let mut times = Vec::new();
    let begin = Instant::now();
    let step = PERIOD / CLIENTS as u32;
    let mut answer = [0; 9 + 2 * REGISTERS as usize];
    for turn in 0.. {
        let due = begin + step * turn;
        if due - begin >= PHASE {
            break;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let client = turn as usize % CLIENTS;
        let unit = (client % usize::from(units)) as u8 + 1;
        let asked = Instant::now();
        clients[client].write_all(&read_frame(unit, 0, REGISTERS))?;
        clients[client].read_exact(&mut answer)?;
        times.push(asked.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Measures phases with and without clients in turn.
pub(crate) fn measure(args: &Args, report: &mut Report) -> Result<(), Fault> {
    for units in [10u8, 200] {
        let mut server = Server::start(usize::from(units), args.workers)?;
        let [mut alone, mut polled, mut answers] = [const { Vec::new() }; 3];
        for _ in 0..args.runs {
            server.lateness_s()?;
            std::thread::sleep(PHASE);
            alone.extend(server.lateness_s()?);
            answers.extend(poll(server.modbus, units)?);
            polled.extend(server.lateness_s()?);
        }
        let name = format!("{units} units");
        let p99 = (quantile(&mut alone, 0.99), quantile(&mut polled, 0.99));
        report.note(format!("{name}, ticks late, p99: alone"), p99.0 * 1e3, "ms");
        report.note(format!("{name}, ticks late, p99: 100 clients poll"), p99.1 * 1e3, "ms");
        let moved = (p99.1 - p99.0) * 1e3;
        report.row(format!("{name}: clients move it by"), moved, "ms", Bar::AtMost(2.0));
        let p99 = quantile(&mut answers, 0.99);
        report.note(format!("{name}: 125 registers, latency p99"), p99 * 1e3, "ms");
    }
    Ok(())
}
