//! The write path: one client that writes to 200 units in turn, and many at once.

use crate::child::Server;
use crate::frames::{answer, setpoint_frame};
use crate::{Args, Fault};
use bess_benches::load::{Answers, Load};
use bess_benches::report::{Bar, Report};
use bess_benches::stats::median;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const UNITS: u8 = 200;
/// Bytes of an answer to function 16.
const ANSWER_LEN: usize = 12;

/// Writes a setpoint to the first `units`, one after the other; how long that takes, in seconds.
fn write_in_turn(address: SocketAddr, units: u8, setpoint_w: i32) -> Result<f64, Fault> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let begin = Instant::now();
    for unit in 1..=units {
        stream.write_all(&setpoint_frame(unit, setpoint_w))?;
        let mut answer = [0; ANSWER_LEN];
        stream.read_exact(&mut answer)?;
        if answer[7] != 16 {
            return Err(format!("unit {unit} answered {answer:?}").into());
        }
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// What the setpoint registers of a unit read.
fn setpoint_of(address: SocketAddr, unit: u8) -> Result<i32, Fault> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&crate::frames::read_frame(unit, 80, 2))?;
    let mut answer = [0; 13];
    stream.read_exact(&mut answer)?;
    Ok(i32::from_be_bytes([answer[9], answer[10], answer[11], answer[12]]))
}

/// Measures both acknowledgements.
pub(crate) fn measure(args: &Args, report: &mut Report) -> Result<(), Fault> {
    let server = Server::start(usize::from(UNITS), args.workers)?;
    let mut took = Vec::new();
    for run in 0..args.runs {
        let setpoint_w = 1000 * (run as i32 + 1);
        took.push(write_in_turn(server.accepting, UNITS, setpoint_w)?);
        // The loop has them a few ticks later, by the listener that shows only what is applied.
        std::thread::sleep(Duration::from_millis(500));
        for unit in 1..=UNITS {
            let shown = setpoint_of(server.modbus, unit)?;
            if shown != setpoint_w {
                return Err(format!("unit {unit} shows {shown} W, not {setpoint_w} W").into());
            }
        }
    }
    let name = "a serial client writes to 200 units, accepted";
    report.row(name.to_owned(), median(&took), "s", Bar::Below(2.0));
    let applied = write_in_turn(server.modbus, 20, 500)?;
    report.note("the same, applied (of 20 units, times 10)".to_owned(), 10.0 * applied, "s");
    for (name, address, connections, depth) in [
        ("accepted, 1 connection x 1", server.accepting, 1, 1),
        ("accepted, 16 connections x 4", server.accepting, 16, 4),
        ("applied, 64 connections x 4", server.modbus, 64, 4),
    ] {
        let load = Load {
            connections,
            depth,
            requests: (1..=UNITS).map(|unit| setpoint_frame(unit, 1_000)).collect(),
            framing: answer,
            warm_up: Duration::from_millis(300),
            duration: Duration::from_secs(3),
        };
        let answers = load.run(address)?;
        report.note(format!("writes, {name}"), Answers::per_second(&answers), "/s");
        let busy = answers.refused / answers.seconds;
        report.note(format!("writes, {name}: the inbox was full"), busy, "/s");
        // The inbox empties within a few ticks.
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}
