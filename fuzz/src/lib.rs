//! What both targets share: a small farm behind the Modbus server, in memory and without a clock.

use bess_core::command::{Applied, Mailbox, Outcome, Request, Submission};
use bess_core::config::parse_farm;
use bess_core::id::UnitId;
use bess_core::snapshot::{ClockView, Snapshot};
use bess_core::spec::FarmSpec;
use bess_core::stats::Stats;
use bess_protocol::FarmAccess;
use bess_protocol::config::{ModbusConfig, parse_modbus};
use bess_protocol::fuzzing::Lone;
use bess_simulation::{Engine, EngineOptions, Inputs};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

/// Three units of one rack: small, so that many inputs are tried.
const FARM: &str = r#"
[farm]
name = "fuzzed"
nominal_frequency_hz = 50
[[units]]
count = 3
chemistry = "lfp-280"
racks = 1
cells_in_series = 400
[units.pcs]
rated_power_kw = 100
rated_apparent_power_kva = 110
rated_reactive_power_kvar = 50
nominal_voltage_v = 690
"#;
/// Unit 1 in the standard maps, unit 2 in the map with scratch memory, unit 3 in an older profile.
const MODBUS: &str = r#"
[modbus]
[[modbus.units]]
units = [2]
maps = ["conformance"]
[[modbus.units]]
units = [3]
profile = "legacy"
"#;

/// Both, read once: inputs are many.
static FILES: LazyLock<(Arc<FarmSpec>, ModbusConfig)> = LazyLock::new(|| {
    let spec = parse_farm("farm", FARM, &|_| Err(String::new())).expect("a farm without fault");
    let config = parse_modbus("modbus", MODBUS, &spec, &|_| Err(String::new()));
    (Arc::new(spec), config.expect("a configuration without fault"))
});

/// The loop: an engine that takes letters when they come and ticks when it is told.
#[derive(Debug)]
struct Farm {
    engine: Mutex<Engine>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    shown: Mutex<Vec<UnitId>>,
}

impl Farm {
    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, engine: &mut Engine) -> Applied {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = engine.snapshot(ClockView::default(), 0, &shown);
        let applied = Applied { tick: snapshot.tick, publication: snapshot.publication };
        self.snapshots.send_replace(snapshot);
        applied
    }
}

impl Mailbox for Farm {
    fn post(&self, letter: Submission) {
        let mut engine = self.engine();
        let result = match letter.request {
            Request::Control(command) => engine.apply_from(&command, &letter.origin, 0),
            Request::ShowCells(unit) => engine.check_cells(unit).map(|()| {
                self.shown.lock().unwrap_or_else(PoisonError::into_inner).push(unit);
            }),
            Request::Refused { unit, what, reason } => {
                engine.note_refused(&letter.origin, unit, what, reason, 0);
                Ok(())
            }
            Request::Clock(_) | Request::Check(_) | Request::Noted { .. } | Request::Stage(_) => {
                unreachable!("the server asks for none of these")
            }
        };
        engine.look();
        let applied = self.publish(&mut engine);
        drop(engine);
        let outcome: Outcome = result.map(|()| applied);
        letter.reply.send(outcome);
    }
}

/// A farm behind a server, with a runtime.
#[derive(Debug)]
pub struct Bench {
    farm: Arc<Farm>,
    server: Lone,
    access: FarmAccess,
    runtime: tokio::runtime::Runtime,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// A fresh farm.
    ///
    /// # Panics
    /// When the farm or the configuration above is at fault.
    pub fn new() -> Self {
        let (spec, config) = &*FILES;
        let mut engine = Engine::new(Arc::clone(spec), Inputs::default(), EngineOptions::default());
        engine.look();
        let first = engine.snapshot(ClockView::default(), 0, &[]);
        let server = Lone::new(spec, config);
        let (sender, snapshots) = watch::channel(first);
        let farm = Arc::new(Farm {
            engine: Mutex::new(engine),
            snapshots: sender,
            shown: Mutex::default(),
        });
        let mailbox = Arc::clone(&farm) as Arc<dyn Mailbox>;
        let access = FarmAccess { snapshots, mailbox, stats: Arc::new(Stats::default()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        Self { farm, server, access, runtime: runtime.expect("a runtime") }
    }

    /// What the server answers to these bytes on a connection of their own.
    pub fn talk(&self, bytes: &[u8]) -> Vec<u8> {
        self.runtime.block_on(async {
            let (mut client, stream) = tokio::io::duplex(1 << 20);
            let session = self.server.serve(stream, self.access.clone());
            let client = async {
                // The server may close first.
                let _ = client.write_all(bytes).await;
                let _ = client.shutdown().await;
                let mut answer = Vec::new();
                let _ = client.read_to_end(&mut answer).await;
                answer
            };
            tokio::join!(session, client).1
        })
    }

    /// Lets the farm go on.
    pub fn step(&self, ticks: u64) {
        let mut engine = self.farm.engine();
        (0..ticks).for_each(|_| engine.step());
        self.farm.publish(&mut engine);
    }

    /// The latest picture.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.access.snapshots.borrow())
    }

    /// Connections that ended by a panic.
    pub fn panics(&self) -> u64 {
        self.access.stats.modbus.panics.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// Cuts answers into frames: transaction, unit id and PDU of each.
///
/// # Panics
/// When they are no whole frames of Modbus TCP.
pub fn frames(mut bytes: &[u8]) -> Vec<(u16, u8, &[u8])> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        assert!(bytes.len() >= 9, "half an answer: {bytes:?}");
        assert_eq!(bytes[2..4], [0, 0], "protocol id");
        let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        assert!((3..=254).contains(&length), "length {length}");
        let (frame, rest) = bytes.split_at(6 + length);
        frames.push((u16::from_be_bytes([frame[0], frame[1]]), frame[6], &frame[7..]));
        bytes = rest;
    }
    frames
}
