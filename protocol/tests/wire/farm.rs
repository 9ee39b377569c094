//! A served farm with a fake loop behind it, and a client that speaks in bytes.

use crate::testing;
use bess_core::UnitId;
use bess_core::command::{
    Applied, Command, Mailbox, Origin, RackAction, Rejection, Reply, Request, Submission,
    UnitAction, validate,
};
use bess_core::snapshot::{CellsView, Snapshot, UnitState};
use bess_core::stats::{CloseReason, MODBUS_EXCEPTIONS, Stats};
use bess_protocol::{FarmAccess, ListenerConfig, serve};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How the fake loop treats letters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Temper {
    Applies,
    /// Answers everything so.
    Refuses(Rejection),
    Panics,
    /// Applies nothing until [`Farm::release`].
    Holds,
}

/// What the server tells of a write that it refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) unit: Option<UnitId>,
    pub(crate) what: String,
    pub(crate) reason: String,
    pub(crate) origin: Origin,
}

#[derive(Debug)]
pub(crate) struct FakeLoop {
    pub(crate) temper: Temper,
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(crate) letters: Mutex<Vec<(Command, Origin)>>,
    /// Writes that the server says it refused.
    pub(crate) refused: Mutex<Vec<Refused>>,
    /// Units of which something was asked.
    pub(crate) noted: Mutex<Vec<UnitId>>,
    pub(crate) held: Mutex<Vec<(Command, Reply)>>,
}

impl FakeLoop {
    pub(crate) fn apply(snapshots: &watch::Sender<Arc<Snapshot>>, command: &Command, reply: Reply) {
        let mut snapshot = Snapshot::clone(&snapshots.borrow());
        if let Err(rejection) = validate(&snapshot.spec, &snapshot.units, command) {
            return reply.send(Err(rejection));
        }
        Self::change(&mut snapshot, command);
        snapshot.publication += 1;
        let applied = Applied { tick: snapshot.tick, publication: snapshot.publication };
        snapshots.send_replace(Arc::new(snapshot));
        reply.send(Ok(applied));
    }

    fn change(snapshot: &mut Snapshot, command: &Command) {
        match command {
            Command::ControlUnit { unit, change } => {
                change.apply(&mut snapshot.units[unit.idx()].control);
            }
            Command::OperateUnit { unit, action } => {
                let state = &mut snapshot.units[unit.idx()].state;
                *state = match action {
                    UnitAction::Start | UnitAction::ExitStandby => UnitState::Running,
                    UnitAction::Stop => UnitState::Off,
                    UnitAction::EnterStandby => UnitState::Standby,
                    UnitAction::ResetAlarms => *state,
                    other => panic!("no register does {other:?}"),
                };
            }
            Command::OperateRack { unit, rack_idx, action } => {
                let racks = snapshot.spec.units[unit.idx()].racks.clone();
                let rack = &mut snapshot.racks[racks][*rack_idx];
                rack.enabled = *action == RackAction::Connect;
                rack.connected = rack.enabled;
            }
            Command::ConfigureUnit { unit, change } => {
                change.apply(Arc::make_mut(&mut snapshot.functions[unit.idx()]));
            }
            Command::SetFarmPower { active, reactive } => {
                snapshot.farm.setpoint = Some(*active);
                snapshot.farm.reactive_setpoint = reactive.or(snapshot.farm.reactive_setpoint);
            }
            Command::ReleaseFarm => snapshot.farm.setpoint = None,
            Command::Batch(commands) => {
                commands.iter().for_each(|command| Self::change(snapshot, command));
            }
            other => panic!("no register asks for {other:?}"),
        }
    }
}

impl FakeLoop {
    /// Puts the cells of a unit into the snapshots, all at 3.3 V and 25 degC.
    fn show_cells(&self, unit: UnitId, reply: Reply) {
        let mut snapshot = Snapshot::clone(&self.snapshots.borrow());
        let design = &snapshot.spec.units[unit.idx()].design;
        let n = design.n_cells();
        snapshot.cells.push(Arc::new(CellsView {
            unit_idx: unit.idx(),
            cells_per_rack: design.cells_in_series,
            voltage_v: vec![3.3; n],
            temperature_degc: vec![25.0; n],
            soc: vec![0.5; n],
            true_voltage_v: vec![3.3; n],
            true_temperature_degc: vec![25.0; n],
        }));
        snapshot.publication += 1;
        let applied = Applied { tick: snapshot.tick, publication: snapshot.publication };
        self.snapshots.send_replace(Arc::new(snapshot));
        reply.send(Ok(applied));
    }
}

impl Mailbox for FakeLoop {
    fn note_request(&self, unit: UnitId) {
        self.noted.lock().unwrap().push(unit);
    }

    fn post(&self, submission: Submission) {
        let Submission { request, origin, reply } = submission;
        let command = match request {
            Request::Control(command) => command,
            Request::Refused { unit, what, reason } => {
                let refused = Refused { unit, what, reason, origin };
                return self.refused.lock().unwrap().push(refused);
            }
            Request::ShowCells(unit) => return self.show_cells(unit, reply),
            other @ (Request::Clock(_)
            | Request::Stage(_)
            | Request::Check(_)
            | Request::Noted { .. }) => {
                panic!("the server does not ask for {other:?}")
            }
        };
        self.letters.lock().unwrap().push((command.clone(), origin));
        match &self.temper {
            Temper::Applies => Self::apply(&self.snapshots, &command, reply),
            Temper::Panics => panic!("on purpose"),
            Temper::Refuses(rejection) => reply.send(Err(rejection.clone())),
            Temper::Holds => {
                self.held.lock().unwrap().push((command, reply));
            }
        }
    }
}

pub(crate) struct Farm {
    pub(crate) address: SocketAddr,
    pub(crate) fake: Arc<FakeLoop>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) server: JoinHandle<()>,
}

impl Farm {
    pub(crate) async fn start() -> Self {
        Self::with(Temper::Applies, ListenerConfig::default()).await
    }

    pub(crate) async fn with(temper: Temper, config: ListenerConfig) -> Self {
        let (sender, snapshots) = watch::channel(Arc::new(testing::snapshot()));
        let fake = Arc::new(FakeLoop {
            temper,
            snapshots: sender,
            letters: Mutex::default(),
            refused: Mutex::default(),
            noted: Mutex::default(),
            held: Mutex::default(),
        });
        let stats = Arc::new(Stats::default());
        let access = FarmAccess {
            snapshots,
            mailbox: Arc::clone(&fake) as Arc<dyn Mailbox>,
            stats: Arc::clone(&stats),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(serve(listener, access, config, shutdown.clone()));
        Self { address, fake, stats, shutdown, server }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Applies and answers what the loop held back.
    pub(crate) fn release(&self) {
        for (command, reply) in self.fake.held.lock().unwrap().drain(..) {
            FakeLoop::apply(&self.fake.snapshots, &command, reply);
        }
    }

    /// Number of letters that the loop got.
    pub(crate) fn n_letters(&self) -> usize {
        self.fake.letters.lock().unwrap().len()
    }

    /// Exceptions so far with a code of the standard, whatever the function.
    pub(crate) fn exceptions(&self, code: u8) -> u64 {
        let place =
            MODBUS_EXCEPTIONS.iter().position(|known| *known == code).expect("of the standard");
        let of = |codes: &[AtomicU64; MODBUS_EXCEPTIONS.len() + 1]| codes[place].load(Relaxed);
        self.stats.modbus.exceptions.iter().map(of).sum()
    }

    /// Connections closed so far for this reason.
    pub(crate) fn closed(&self, reason: CloseReason) -> u64 {
        self.stats.modbus.closed[reason as usize].load(Relaxed)
    }

    /// Puts a unit into a state, as the simulation would.
    pub(crate) fn set_state(&self, unit_idx: usize, state: UnitState) {
        self.fake.snapshots.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.units[unit_idx].state = state;
            snapshot.publication += 1;
        });
    }

    pub(crate) fn control_of_unit_1(&self) -> bess_core::command::UnitControl {
        self.fake.snapshots.borrow().units[0].control
    }
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) transaction: u16,
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn frame(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut bytes = transaction.to_be_bytes().to_vec();
    bytes.extend([0, 0]);
    bytes.extend((pdu.len() as u16 + 1).to_be_bytes());
    bytes.push(unit);
    bytes.extend(pdu);
    bytes
}

pub(crate) fn read_pdu(function: u8, address: u16, count: u16) -> Vec<u8> {
    let mut pdu = vec![function];
    pdu.extend(address.to_be_bytes());
    pdu.extend(count.to_be_bytes());
    pdu
}

pub(crate) fn write_pdu(address: u16, words: &[u16]) -> Vec<u8> {
    let mut pdu = read_pdu(16, address, words.len() as u16);
    pdu.push(2 * words.len() as u8);
    pdu.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    pdu
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream, transaction: 0 }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Transaction, unit and PDU of the next answer; `None` when the connection was closed.
    pub(crate) async fn receive(&mut self) -> Option<(u16, u8, Vec<u8>)> {
        let answer = async {
            let mut header = [0; 7];
            self.stream.read_exact(&mut header).await.ok()?;
            assert_eq!(header[2..4], [0, 0], "protocol id");
            let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
            let mut pdu = vec![0; length - 1];
            self.stream.read_exact(&mut pdu).await.ok()?;
            let transaction = u16::from_be_bytes([header[0], header[1]]);
            Some((transaction, header[6], pdu))
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.expect("neither an answer nor an end")
    }

    pub(crate) async fn ask(&mut self, unit: u8, pdu: &[u8]) -> Vec<u8> {
        self.transaction += 1;
        self.send(&frame(self.transaction, unit, pdu)).await;
        let (transaction, from, pdu) = self.receive().await.expect("an answer");
        assert_eq!((transaction, from), (self.transaction, unit));
        pdu
    }

    /// The registers, or the code of the exception.
    pub(crate) async fn read(
        &mut self,
        unit: u8,
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, u8> {
        let pdu = self.ask(unit, &read_pdu(3, address, count)).await;
        match pdu[0] {
            3 => {
                assert_eq!(usize::from(pdu[1]), 2 * usize::from(count));
                let words = pdu[2..].chunks(2);
                Ok(words.map(|w| u16::from_be_bytes([w[0], w[1]])).collect())
            }
            0x83 => Err(pdu[1]),
            other => panic!("function {other}"),
        }
    }

    pub(crate) async fn write(&mut self, unit: u8, address: u16, words: &[u16]) -> Result<(), u8> {
        let pdu = self.ask(unit, &write_pdu(address, words)).await;
        match pdu[0] {
            16 => {
                assert_eq!(pdu[..], read_pdu(16, address, words.len() as u16)[..]);
                Ok(())
            }
            0x90 => Err(pdu[1]),
            other => panic!("function {other}"),
        }
    }

    pub(crate) async fn write_one(&mut self, unit: u8, address: u16, word: u16) -> Result<(), u8> {
        let request = read_pdu(6, address, word);
        let pdu = self.ask(unit, &request).await;
        match pdu[0] {
            6 => {
                assert_eq!(pdu, request);
                Ok(())
            }
            0x86 => Err(pdu[1]),
            other => panic!("function {other}"),
        }
    }

    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        assert!(rest.is_empty(), "answered {rest:?} before closing");
        end.is_ok()
    }
}

/// First register of a model in the chain of unit 1, found as clients find it.
pub(crate) async fn model(client: &mut Client, wanted: u16) -> u16 {
    let mut address = 40_002;
    loop {
        let head = client.read(1, address, 2).await.unwrap();
        if head[0] == wanted {
            return address;
        }
        assert_ne!(head[0], 0xFFFF, "model {wanted} is not in the chain");
        address += 2 + head[1];
    }
}
