//! The Modbus server under test, and what it listens on.

use crate::Fault;
use std::net::SocketAddr;

/// A running server process; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    process: bess_benches::child::Server,
    /// Modbus, writes answered when they are applied.
    pub(crate) modbus: SocketAddr,
    /// Modbus, writes answered when they are accepted.
    pub(crate) accepting: SocketAddr,
    /// The bare echo.
    pub(crate) echo: SocketAddr,
}

impl Server {
    /// Starts one with a farm of `units` and a runtime of `workers` threads.
    pub(crate) fn start(units: usize, workers: usize) -> Result<Self, Fault> {
        let process = bess_benches::child::Server::start(units, workers)?;
        let [modbus, accepting, echo] = process.addresses[..] else {
            return Err("three ports".into());
        };
        Ok(Self { process, modbus, accepting, echo })
    }

    /// By how much each tick since the last question was published later than the earliest, in seconds.
    pub(crate) fn lateness_s(&mut self) -> Result<Vec<f64>, Fault> {
        let line = self.process.ask("lateness")?;
        let samples = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        Ok(samples)
    }

    /// CPU time that it has used so far, in seconds.
    pub(crate) fn cpu_s(&self) -> Result<f64, Fault> {
        self.process.cpu_s()
    }

    /// Memory that it holds, in kB.
    pub(crate) fn rss_kb(&self) -> Result<f64, Fault> {
        self.process.rss_kb()
    }
}
