//! The process under test, as its clients' process sees it: its ports, its CPU time and its memory.

use crate::Fault;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// First argument of the process that serves.
pub const ROLE: &str = "--serve";

/// A running server process; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Where it listens, in the order in which it said so.
    pub addresses: Vec<SocketAddr>,
}

impl Server {
    /// Starts this program once more as a server, with a farm of `units` and a runtime of `workers` threads.
    /// It says the ports that it listens on in its first line.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(units: usize, workers: usize) -> Result<Self, Fault> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([ROLE, &units.to_string(), &workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = process.stdin.take().ok_or("no stdin")?;
        let stdout = process.stdout.take().ok_or("no stdout")?;
        let mut answers = BufReader::new(stdout).lines();
        let ports = answers.next().ok_or("the server did not start")??;
        let ports: Vec<u16> =
            ports.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| ports)?;
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        // The start itself is not the question.
        std::thread::sleep(Duration::from_secs(1));
        let addresses = ports.into_iter().map(at).collect();
        Ok(Self { process, orders, answers, addresses })
    }

    /// What it answers to an order: one line for one line.
    ///
    /// # Errors
    /// When it is gone.
    pub fn ask(&mut self, order: &str) -> Result<String, Fault> {
        writeln!(self.orders, "{order}")?;
        Ok(self.answers.next().ok_or("the server is gone")??)
    }

    fn proc(&self, file: &str) -> Result<String, Fault> {
        Ok(std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()))?)
    }

    /// CPU time that it has used so far, in seconds: all its threads, user and system.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn cpu_s(&self) -> Result<f64, Fault> {
        let mut sum_ns = 0.0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let stat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let on_cpu_ns = stat.split_whitespace().next().ok_or("no schedstat")?;
            sum_ns += on_cpu_ns.parse::<f64>()?;
        }
        Ok(sum_ns / 1e9)
    }

    /// Memory that it holds, in kB.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn rss_kb(&self) -> Result<f64, Fault> {
        let status = self.proc("status")?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
