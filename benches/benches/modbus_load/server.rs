//! The process under test: a live farm behind Modbus and, on the same runtime, the bare echo.

use crate::Fault;
use bess_benches::farms;
use bess_core::command::{Command, ControlSource};
use bess_core::snapshot::{Observer, Snapshot};
use bess_core::units::Watts;
use bess_protocol::{Ack, FarmAccess, ListenerConfig};
use bess_simulation::{Engine, EngineOptions, Inputs, LoopOptions};
use std::io::BufRead;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Ticks a second.
const TICK_S: f64 = 0.1;
/// Bytes of a request, and of an answer with 60 registers.
pub(crate) const REQUEST_LEN: usize = 12;
pub(crate) const RESPONSE_LEN: usize = 9 + 2 * 60;

/// When snapshots were published.
#[derive(Clone, Debug, Default)]
struct Published(Arc<Mutex<Vec<Instant>>>);

impl Published {
    fn take(&self) -> Vec<Instant> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Published {
    fn published(&mut self, _: &Snapshot) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
    }
}

/// By how much each was later than the earliest would have it: ticks are due at even intervals.
fn lateness_s(published: &[Instant]) -> Vec<f64> {
    let Some(first) = published.first() else { return Vec::new() };
    let off =
        |(n, at): (usize, &Instant)| at.duration_since(*first).as_secs_f64() - n as f64 * TICK_S;
    let off: Vec<f64> = published.iter().enumerate().map(off).collect();
    let earliest = off.iter().copied().fold(f64::INFINITY, f64::min);
    off.iter().map(|off| off - earliest).collect()
}

/// Serves until the clients' process closes its end.
pub(crate) fn run(mut words: impl Iterator<Item = String>) -> Result<(), Fault> {
    let mut number = || -> Result<usize, Fault> { Ok(words.next().ok_or("a number")?.parse()?) };
    let (units, workers) = (number()?, number()?);
    rlimit::increase_nofile_limit(65_536)?;
    let mut engine = Engine::new(farms::farm(units), Inputs::default(), EngineOptions::default());
    let setpoint = Command::SetFarmPower { active: Watts(1e6), reactive: None };
    engine.apply(&setpoint, ControlSource::Schedule).map_err(|refused| refused.to_string())?;
    let published = Published::default();
    let observers: Vec<Box<dyn Observer>> = vec![Box::new(published.clone())];
    let farm = bess_simulation::spawn(engine, LoopOptions { observers, ..LoopOptions::default() })?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let bind = || runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let (modbus, accepting, echo) = (bind()?, bind()?, bind()?);
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    println!("{} {} {}", port(&modbus)?, port(&accepting)?, port(&echo)?);
    let access =
        FarmAccess { snapshots: farm.snapshots(), mailbox: farm.mailbox(), stats: farm.stats() };
    let accepted = ListenerConfig { ack: Ack::Accepted, ..ListenerConfig::default() };
    for (listener, config) in [(modbus, ListenerConfig::default()), (accepting, accepted)] {
        let closing = CancellationToken::new();
        runtime.spawn(bess_protocol::serve(listener, access.clone(), config, closing));
    }
    runtime.spawn(accept_echo(echo));
    for order in std::io::stdin().lock().lines() {
        if order? == "lateness" {
            let samples = lateness_s(&published.take());
            println!("{}", samples.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        }
    }
    farm.stop().map_err(|_| "the loop panicked".into())
}

async fn accept_echo(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(echo(stream));
    }
}

/// Answers every whole request in its buffer with one write, and does nothing else.
async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answer = [0; RESPONSE_LEN];
    // The header of an answer to function 3, which the client checks.
    (answer[5], answer[7], answer[8]) = ((RESPONSE_LEN - 6) as u8, 3, 120);
    let answers = answer.repeat(4096 / REQUEST_LEN + 1);
    let mut buffer = [0; 4096];
    let mut rest = 0;
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        let (frames, left) = ((rest + n) / REQUEST_LEN, (rest + n) % REQUEST_LEN);
        rest = left;
        stream.write_all(&answers[..frames * RESPONSE_LEN]).await?;
    }
}
