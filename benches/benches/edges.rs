//! The edges: Modbus round trips beside a bare echo of same-size frames, snapshot to registers, and
//! the encoding of metrics. The farm behind them is the built-in one, paused.

use bess_benches::farms;
use bess_protocol::Gateway;
use bess_simulation::{Engine, EngineOptions, FarmHandle, Inputs, LoopOptions};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Registers of a read; the SunSpec measurements of a unit fit.
const REGISTERS: u16 = 60;
const REQUEST: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, REGISTERS as u8];
const RESPONSE_LEN: usize = 9 + 2 * REGISTERS as usize;

fn farm() -> FarmHandle {
    let engine = Engine::new(farms::farm(10), Inputs::default(), EngineOptions::default());
    let options = LoopOptions { paused: true, ..LoopOptions::default() };
    bess_simulation::spawn(engine, options).expect("a thread")
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Answers each frame of the request's size with one of the response's size, and does nothing else.
fn start_echo(runtime: &Runtime) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let mut request = [0; REQUEST.len()];
                let response = [0; RESPONSE_LEN];
                while stream.read_exact(&mut request).await.is_ok() {
                    if stream.write_all(&response).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn start_modbus(runtime: &Runtime, farm: &FarmHandle) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    let access = bess_protocol::FarmAccess {
        snapshots: farm.snapshots(),
        mailbox: farm.mailbox(),
        stats: farm.stats(),
    };
    let config = bess_protocol::ListenerConfig::default();
    runtime.spawn(bess_protocol::serve(listener, access, config, CancellationToken::new()));
    address
}

fn round_trip(stream: &mut TcpStream) -> [u8; RESPONSE_LEN] {
    let mut response = [0; RESPONSE_LEN];
    stream.write_all(&REQUEST).expect("sent");
    stream.read_exact(&mut response).expect("answered");
    response
}

fn modbus(c: &mut Criterion) {
    let (farm, runtime) = (farm(), runtime());
    let mut group = c.benchmark_group("protocol/round-trip");
    group.throughput(Throughput::Elements(1));
    for (name, address) in
        [("bare-echo", start_echo(&runtime)), ("modbus-60", start_modbus(&runtime, &farm))]
    {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_nodelay(true).expect("no delay");
        group.bench_function(name, |b| b.iter(|| black_box(round_trip(&mut stream))));
        let response = round_trip(&mut stream);
        if name == "modbus-60" {
            assert_eq!(response[7..11], [3, 120, 0xBE, 0x55], "the compact map begins with its id");
        }
    }
    group.finish();
    farm.stop().expect("the loop ends");
}

fn registers(c: &mut Criterion) {
    let farm = farm();
    let snapshot = Arc::clone(&farm.snapshots().borrow());
    let gateway = Gateway::new(&snapshot.spec);
    let mut group = c.benchmark_group("protocol/registers");
    for (name, address, count) in [("compact-125", 0, 125), ("sunspec-701-125", 40_070, 125)] {
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(name, |b| {
            b.iter(|| black_box(gateway.read(&snapshot, 3, address, count)));
        });
        let words = gateway.read(&snapshot, 3, address, count).expect("in the map");
        assert_eq!(words.len(), usize::from(count));
    }
    group.finish();
    farm.stop().expect("the loop ends");
}

fn metrics(c: &mut Criterion) {
    let mut group = c.benchmark_group("api/metrics");
    for (name, units) in [("scrape/10units", 10), ("scrape/1000units", 1000)] {
        let engine = Engine::new(farms::farm(units), Inputs::default(), EngineOptions::default());
        let options = LoopOptions { paused: true, ..LoopOptions::default() };
        let farm = bess_simulation::spawn(engine, options).expect("a thread");
        let access = bess_api::FarmAccess {
            snapshots: farm.snapshots(),
            mailbox: farm.mailbox(),
            stats: farm.stats(),
        };
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let book = bess_api::AddressBook {
            modbus: nowhere,
            devices: Vec::new(),
            api: nowhere,
            metrics: nowhere,
        };
        let build = bess_api::BuildInfo::default();
        let config = bess_api::ApiConfig::default();
        let api = bess_api::Api::new(access, bess_api::Readiness::default(), book, config, build);
        let page = api.encode_metrics(false);
        let series = page.text().lines().filter(|line| !line.starts_with('#')).count();
        assert!(series > 15 * units, "per-unit series are in: {series}");
        group.throughput(Throughput::Elements(series as u64));
        group.bench_function(name, |b| b.iter(|| black_box(api.encode_metrics(false))));
        farm.stop().expect("the loop ends");
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(4));
    targets = modbus, registers, metrics
}
criterion_main!(benches);
