//! What connections cost that do nothing, and those that claim a frame larger than there is.

use crate::child::Server;
use crate::frames::read_frame;
use crate::{Args, Fault};
use bess_benches::report::{Bar, Report};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const CONNECTIONS: usize = 2000;

/// Connections that have each sent `bytes`, and got `answer_len` bytes for them.
fn connect(address: SocketAddr, bytes: &[u8], answer_len: usize) -> Result<Vec<TcpStream>, Fault> {
    let mut streams = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(bytes)?;
        stream.read_exact(&mut vec![0; answer_len])?;
        streams.push(stream);
    }
    std::thread::sleep(Duration::from_millis(500));
    Ok(streams)
}

/// Measures each kind in a process of its own: memory that one kind gave back would serve the next.
pub(crate) fn measure(args: &Args, report: &mut Report) -> Result<(), Fault> {
    rlimit::increase_nofile_limit(65_536)?;
    let asked = read_frame(1, 0, 125);
    let half = &read_frame(1, 0, 125)[..8];
    let claims = [0, 1, 0, 0, 0xFF, 0xFF, 1, 3];
    for (name, bytes, answer_len, bar) in [
        ("idle after a read of 125 registers", &asked[..], 9 + 250, Bar::AtMost(12.0)),
        ("idle, never asked", &[], 0, Bar::AtMost(12.0)),
        ("holds half a frame", half, 0, Bar::AtMost(12.0)),
    ] {
        let server = Server::start(10, args.workers)?;
        let before = server.rss_kb()?;
        let streams = connect(server.modbus, bytes, answer_len)?;
        let each_kb = (server.rss_kb()? - before) / CONNECTIONS as f64;
        drop(streams);
        report.row(format!("memory of a connection: {name}"), each_kb, "kB", bar);
    }
    // What a connection costs is there already; the claim is to add nothing.
    let server = Server::start(10, args.workers)?;
    drop(connect(server.modbus, &[], 0)?);
    std::thread::sleep(Duration::from_millis(500));
    let before = server.rss_kb()?;
    let streams = connect(server.modbus, &claims, 0)?;
    let each_kb = (server.rss_kb()? - before) / CONNECTIONS as f64;
    drop(streams);
    let name = "memory of a connection: claims 64 KB, on top of an idle one";
    report.row(name.to_owned(), each_kb, "kB", Bar::AtMost(0.1));
    Ok(())
}
