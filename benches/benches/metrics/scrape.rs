//! Scrapes over HTTP on the loopback, on one connection that stays open, as Prometheus does it.

use crate::{Fault, judge, quantile};
use bess_benches::farms;
use bess_simulation::{FarmHandle, LoopOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Longest time of a scrape of the farm of 10 units.
const MOST_MS: f64 = 1.0;

/// The edges of a farm.
pub(crate) fn api(access: bess_api::FarmAccess) -> std::sync::Arc<bess_api::Api> {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let book = bess_api::AddressBook {
        modbus: nowhere,
        devices: Vec::new(),
        api: nowhere,
        metrics: nowhere,
    };
    let (ready, build) = (bess_api::Readiness::default(), bess_api::BuildInfo::default());
    bess_api::Api::new(access, ready, book, bess_api::ApiConfig::default(), build)
}

/// A runtime as that of `bess serve`, and where it serves the metrics of this farm.
pub(crate) fn serve(farm: &FarmHandle) -> Result<(Runtime, SocketAddr), Fault> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let access = bess_api::FarmAccess {
        snapshots: farm.snapshots(),
        mailbox: farm.mailbox(),
        stats: farm.stats(),
    };
    runtime.spawn(api(access).serve_metrics(listener, CancellationToken::new()));
    Ok((runtime, address))
}

/// A connection to the metrics.
#[derive(Debug)]
pub(crate) struct Scraper(BufReader<TcpStream>);

impl Scraper {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, Fault> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// One scrape; the size of its text.
    pub(crate) fn scrape(&mut self) -> Result<usize, Fault> {
        let request = "GET /metrics HTTP/1.1\r\nhost: bess\r\n\
                       accept: application/openmetrics-text;version=1.0.0\r\n\r\n";
        self.0.get_mut().write_all(request.as_bytes())?;
        let (mut length, mut line) = (None, String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = Some(value.trim().parse()?);
            }
        }
        let mut body = vec![0; length.ok_or("the answer has no length")?];
        self.0.read_exact(&mut body)?;
        if body.ends_with(b"# EOF\n") { Ok(body.len()) } else { Err("the text is cut".into()) }
    }
}

pub(crate) fn measure(rounds: usize) -> Result<bool, Fault> {
    let options = LoopOptions { paused: true, ..LoopOptions::default() };
    let farm = bess_simulation::spawn(farms::engine(10, 1), options)?;
    let (runtime, address) = serve(&farm)?;
    let mut scraper = Scraper::connect(address)?;
    let bytes = scraper.scrape()?;
    let mut took_ms = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        scraper.scrape()?;
        took_ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let (median, p99) = (quantile(&mut took_ms, 0.5), quantile(&mut took_ms, 0.99));
    println!("scrape of 10 units over HTTP, {bytes} bytes, {rounds} times: p99 {p99:.3} ms");
    drop(runtime);
    farm.stop().map_err(|_| "the loop panicked")?;
    Ok(judge("median of a scrape of 10 units", median, MOST_MS, "ms"))
}
