//! Answers one request: reads from one snapshot, writes through the loop's inbox.
//!
//! A read takes the latest snapshot once and computes nothing but an encoding. A write becomes
//! one command, checked against that snapshot and again by the loop: all of it is applied in one tick
//! or nothing. The write is answered when the loop has acknowledged it, or at once where the listener
//! says so. The loop publishes before it acknowledges, so the writer's next read shows the effect.
//!
//! Exceptions: 1 for a function that the device does not serve, or a write where nobody may write; 2 for a
//! register that is not there, not writable, or not for the writer's role; 3 for a value that it does not
//! take; 4 where the unit's state is in the way (a wrong state, a reset whose cause is still there, local
//! control) or the loop is silent; 6 where somebody else is (another master holds the unit, the inbox is
//! full); 10 or 11 for a unit that is not there. Whatever refuses a write here also goes into the audit,
//! by a letter that nobody waits for; what the loop refuses it notes itself.

use crate::access::{Absent, Ack, FarmAccess, ListenerConfig};
use crate::conditions::{self, Fate, Frozen, Lens, Whence};
use crate::device::{Device, Gateway, SightRoom};
use crate::frame::HEADER;
use crate::identity;
use crate::images::{Key, REGISTERS_MIN};
use crate::map::desk::LastWrite;
use crate::map::layout::{FIELD_MAX, On};
use crate::map::{Edit, Notes, Refusal, Sight, Sights, Table};
use crate::pdu::{
    self, Ask, DEVICE_FAILURE, GATEWAY_PATH, GATEWAY_TARGET, ILLEGAL_DATA_ADDRESS,
    ILLEGAL_DATA_VALUE, ILLEGAL_FUNCTION,
};
use crate::shelf::Shelves;
use crate::span::RequestSpan;
use bess_core::UnitId;
use bess_core::audit::ModbusWrite;
use bess_core::command::{
    Command, ControlSource, Origin, Outcome, Rejection, Reply, Request as Letter, Submission,
    validate,
};
use bess_core::role::Role;
use bess_core::snapshot::Snapshot;
use bess_core::time::{TICKS_PER_S, Tick};
use bess_core::trace::TraceContext;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tracing::debug;

/// What one connection answers with.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) farm: FarmAccess,
    pub(crate) config: Arc<ListenerConfig>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) shelves: Arc<Shelves>,
    /// What the client may do: that of the listener, or what its certificate says.
    pub(crate) role: Role,
    /// Address of the client.
    pub(crate) peer: SocketAddr,
    /// Place of the connection among those of its listener.
    pub(crate) place: u32,
    /// Number of the connection, from 1.
    pub(crate) connection: u64,
    pub(crate) frozen: Arc<Frozen>,
}

/// A PDU that comes later.
pub(crate) type Pdu = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;

/// An answer.
pub(crate) enum Answer {
    /// It was appended.
    Ready,
    /// There is none.
    Silent,
    /// It comes later.
    Waiting(Pdu),
}

/// A request with what it sees.
#[derive(Clone, Copy, Debug)]
struct Call<'c> {
    device: &'c Arc<Device>,
    snapshot: &'c Arc<Snapshot>,
    /// What a reader sees in place of what is so, in a test.
    lens: Option<&'c Lens>,
    function: u8,
    unit_id: u8,
    transaction: u16,
    /// Its span, where that is collected.
    trace: Option<TraceContext>,
}

/// A write within a request.
#[derive(Clone, Copy, Debug)]
struct Wish<'w> {
    table: Table,
    address: u16,
    words: &'w [u16],
}

impl Wish<'_> {
    /// How it was asked, for the audit.
    fn via(&self, function: u8) -> String {
        let Self { address, words, .. } = self;
        match words.len() {
            0 | 1 => format!("FC{function} {address}"),
            n => format!("FC{function} {address}..{}", usize::from(*address) + n - 1),
        }
    }
}

/// A request that is answered with an exception.
#[derive(Clone, Copy, Debug)]
enum Refused {
    /// It is no write, or the audit has it already.
    Told(u8),
    /// Before anybody looked at what it writes: the exception, and why.
    Early(u8, &'static str),
}

impl Refused {
    fn code(self) -> u8 {
        match self {
            Self::Told(code) | Self::Early(code, _) => code,
        }
    }
}

const NOBODY: &str = "nobody answers to this unit id";
const NO_FUNCTION: &str = "the device does not serve this function";
const MALFORMED: &str = "the request is malformed";
const NO_REGISTER: &str = "a register is not in the map";
const UNREAD: &str = "what it reads cannot be read, so it writes nothing";

/// What is answered once a write is done.
#[derive(Clone, Debug)]
enum Then {
    /// This PDU.
    Say(Vec<u8>),
    /// What these registers read then.
    Read { address: u16, count: u16 },
}

impl Service {
    /// The latest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.farm.snapshots.borrow())
    }

    /// What conditions of the link do to a whole frame; `None` for nothing.
    pub(crate) fn fate(&self, snapshot: &Arc<Snapshot>, frame: &[u8]) -> Option<Box<Fate>> {
        if snapshot.link.is_empty() {
            return None;
        }
        let device = self.gateway.device(frame[HEADER]);
        let peer = Some(self.peer.ip());
        let whence = Whence { listener: &self.config.name, peer, place: self.place };
        let whom = (device.and_then(|device| device.unit), device.map(|device| device.part));
        let stats = &self.farm.stats.modbus;
        conditions::fate(snapshot, whence, whom, &frame[HEADER + 1..], &self.frozen, stats)
    }

    /// Appends the exception `code` as the answer to a whole frame.
    pub(crate) fn refuse(&self, frame: &[u8], code: u8, out: &mut Vec<u8>) {
        let function = frame[HEADER + 1];
        self.farm.stats.modbus.count_exception(function, code);
        let (peer, unit_id) = (self.peer, frame[HEADER]);
        let transaction = u16::from_be_bytes([frame[0], frame[1]]);
        let connection = self.connection;
        debug!(%peer, connection, transaction, unit_id, function, code, "request refused");
        out.extend_from_slice(&[function | 0x80, code]);
    }

    /// Answers a whole frame from `snapshot`, by appending a PDU to `out`.
    pub(crate) fn answer(
        &self,
        snapshot: &Arc<Snapshot>,
        frame: &[u8],
        lens: Option<&Lens>,
        out: &mut Vec<u8>,
    ) -> Answer {
        let start = out.len();
        let span = self.span(frame);
        let trace = span.as_ref().map(|span| span.context);
        let answer = self.serve(snapshot, frame, lens, trace, out).unwrap_or_else(|refused| {
            out.truncate(start);
            if let Refused::Early(code, why) = refused {
                self.tell_unheard(frame, Some(code), why, trace);
            }
            self.refuse(frame, refused.code(), out);
            Answer::Ready
        });
        match span {
            None => answer,
            Some(span) => span.end_with(answer, &out[start..]),
        }
    }

    /// The span of a whole frame, if it is to be collected.
    fn span(&self, frame: &[u8]) -> Option<RequestSpan> {
        let tracer = self.farm.mailbox.tracer()?;
        RequestSpan::begin(tracer, frame, self.peer, self.connection)
    }

    fn serve(
        &self,
        snapshot: &Arc<Snapshot>,
        frame: &[u8],
        lens: Option<&Lens>,
        trace: Option<TraceContext>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refused> {
        let transaction = u16::from_be_bytes([frame[0], frame[1]]);
        let (unit_id, pdu) = (frame[HEADER], &frame[HEADER + 1..]);
        let function = pdu[0];
        let found = self.gateway.device(unit_id);
        let device = match (found, self.config.absent) {
            (Some(device), _) => device,
            (None, Absent::Silent) => {
                self.tell_unheard(frame, None, NOBODY, trace);
                return Ok(Answer::Silent);
            }
            (None, Absent::First) => {
                self.gateway.first().ok_or(Refused::Early(GATEWAY_TARGET, NOBODY))?
            }
            (None, Absent::Path) => return Err(Refused::Early(GATEWAY_PATH, NOBODY)),
            (None, Absent::Target) => return Err(Refused::Early(GATEWAY_TARGET, NOBODY)),
        };
        if let Some(unit) = device.unit {
            self.farm.mailbox.note_request(unit);
        }
        let layout = &device.layout;
        let ask = pdu::parse(pdu, layout.rules.functions).map_err(|code| {
            let known = if code == ILLEGAL_FUNCTION { NO_FUNCTION } else { MALFORMED };
            Refused::Early(code, known)
        })?;
        let call = Call { device, snapshot, lens, function, unit_id, transaction, trace };
        match ask {
            Ask::Read { table, address, count } => {
                self.read(call, table, address, count, out).map_err(Refused::Told)
            }
            Ask::Write { table, address, words } => {
                // Single writes are echoed, of several the address and number are.
                let then = Then::Say(pdu[..5].to_vec());
                self.write(call, Wish { table, address, words: &words }, then)
                    .map_err(Refused::Told)
            }
            Ask::Mask { address, and, or } => {
                let mut present = Vec::new();
                let mut room = None;
                let sights = Sights::one(self.sight(call, &mut room));
                layout
                    .read_into(&sights, Table::Holding, address, 1, &mut present)
                    .map_err(|refusal| Refused::Early(exception(refusal), NO_REGISTER))?;
                let words = [present[0] & and | or & !and];
                let wish = Wish { table: Table::Holding, address, words: &words };
                self.write(call, wish, Then::Say(pdu.to_vec())).map_err(Refused::Told)
            }
            Ask::WriteAndRead { write, words, read, count } => {
                // What cannot be read is not written.
                let unread = |code| Refused::Early(code, UNREAD);
                self.judge_read(call, Table::Holding, read, count).map_err(unread)?;
                let sights = Sights::one(device.sight(snapshot));
                layout
                    .read_into(&sights, Table::Holding, read, count, &mut Vec::new())
                    .map_err(|refusal| unread(exception(refusal)))?;
                let wish = Wish { table: Table::Holding, address: write, words: &words };
                self.write(call, wish, Then::Read { address: read, count }).map_err(Refused::Told)
            }
            Ask::Identify { code, object } => {
                let identity = identity::answer(device, &snapshot.spec, (code, object), out);
                identity.map(|()| Answer::Ready).map_err(Refused::Told)
            }
        }
    }

    /// What the request sees: with what was accepted since, where the listener accepts at once.
    fn sight<'c>(&self, call: Call<'c>, room: &'c mut Option<SightRoom>) -> Sight<'c> {
        match self.config.ack {
            Ack::Applied => call.device.sight(call.snapshot),
            Ack::Accepted => call.device.sight_ahead(call.snapshot, room),
        }
    }

    /// What refuses a read before its registers are looked for.
    fn judge_read(&self, call: Call<'_>, table: Table, address: u16, count: u16) -> Result<(), u8> {
        let layout = &call.device.layout;
        let is_words = matches!(table, Table::Holding | Table::Input);
        if is_words && count > layout.rules.max_read {
            return Err(ILLEGAL_DATA_VALUE);
        }
        layout.trap(table, address, count, On::Read).map_or(Ok(()), Err)
    }

    fn read(
        &self,
        call: Call<'_>,
        table: Table,
        address: u16,
        count: u16,
        out: &mut Vec<u8>,
    ) -> Result<Answer, u8> {
        self.judge_read(call, table, address, count)?;
        if let Some(unit) = self.unit_without_cells(call, address, count) {
            return Ok(self.read_with_cells(call, unit, table, address, count));
        }
        self.read_from(call, table, address, count, out)?;
        Ok(Answer::Ready)
    }

    /// Appends the answer to a read from the snapshot of the call.
    fn read_from(
        &self,
        call: Call<'_>,
        table: Table,
        address: u16,
        count: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), u8> {
        let device = call.device;
        self.read_now(call, table, address, count, out)?;
        let class = device.layout.class_of(table, address);
        self.farm.stats.modbus.count_read(class, usize::from(count));
        Ok(())
    }

    fn read_now(
        &self,
        call: Call<'_>,
        table: Table,
        address: u16,
        count: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), u8> {
        let device = call.device;
        let image = self.image(call, table, address, count);
        if let Some(image) = &image {
            out.extend_from_slice(&[call.function, 2 * count as u8]);
            if device.images.show(image, out) {
                return Ok(());
            }
            out.truncate(out.len() - 2);
        }
        let (mut room, mut lens_room) = (None, None);
        let now = call.lens.map_or(call.snapshot, |lens| lens.snapshot(call.snapshot));
        let mut main = self.sight(Call { snapshot: now, ..call }, &mut room);
        if let Some(lens) = call.lens {
            main = lens.look(main, &mut lens_room);
        }
        // What is frozen is all of one instant.
        let is_frozen = call.lens.is_some_and(Lens::is_frozen);
        let held = device.refresh_periods().filter(|_| !is_frozen);
        let mut held: Vec<_> =
            held.map(|period| (period, self.shelves.held(period), None)).collect();
        let held = held.iter_mut().filter_map(|(period, held, room)| {
            let sight = device.sight(held.as_ref()?);
            Some((*period, call.lens.map_or(sight, |lens| lens.look(sight, room))))
        });
        let torn = call.lens.and_then(|lens| lens.torn.as_ref());
        let mut torn_room = None;
        let sights = Sights {
            held: held.collect(),
            torn: torn.map(|torn| self.sight(Call { snapshot: torn, ..call }, &mut torn_room)),
            swap_words: call.lens.is_some_and(|lens| lens.swap_words),
            ..Sights::with_forced(main)
        };
        if matches!(table, Table::Coil | Table::Discrete) {
            let mut bits = vec![0; usize::from(count)];
            device.layout.read_words(&sights, table, address, &mut bits).map_err(exception)?;
            let byte = |bits: &[u16]| {
                bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit != 0))
            };
            out.extend_from_slice(&[call.function, bits.len().div_ceil(8) as u8]);
            out.extend(bits.chunks(8).map(byte));
        } else {
            let mut room = [0; FIELD_MAX];
            let words = &mut room[..usize::from(count)];
            device.layout.read_words(&sights, table, address, words).map_err(exception)?;
            let mut bytes = [0; 2 * FIELD_MAX];
            for (pair, word) in bytes.chunks_exact_mut(2).zip(&*words) {
                pair.copy_from_slice(&word.to_be_bytes());
            }
            let bytes = &bytes[..2 * words.len()];
            out.extend_from_slice(&[call.function, bytes.len() as u8]);
            out.extend_from_slice(bytes);
            if let Some(image) = image {
                device.images.keep(image, bytes);
            }
        }
        Ok(())
    }

    /// Under what the range is kept once it is encoded: only where it is simply what is so now.
    fn image(&self, call: Call<'_>, table: Table, address: u16, count: u16) -> Option<Key> {
        let Call { device, snapshot, lens, .. } = call;
        let is_plain = matches!(table, Table::Holding | Table::Input)
            && count >= REGISTERS_MIN
            && lens.is_none()
            && device.layout.refresh.is_empty()
            && device.desk.pending.is_empty();
        let edition = device.desk.edition();
        is_plain.then_some(Key {
            publication: snapshot.publication,
            edition,
            table,
            address,
            count,
        })
    }

    /// The unit whose cells the registers show, where the snapshot does not carry them.
    fn unit_without_cells(&self, call: Call<'_>, address: u16, count: u16) -> Option<UnitId> {
        let ((first, last), unit) = call.device.layout.cells.zip(call.device.unit)?;
        let end = u32::from(address) + u32::from(count);
        let touches = address <= last && end > u32::from(first);
        let is_shown = || call.snapshot.cells.iter().any(|cells| cells.unit_idx == unit.idx());
        (touches && !is_shown()).then_some(unit)
    }

    /// Asks the loop to show the cells of the unit, and reads then.
    fn read_with_cells(
        &self,
        call: Call<'_>,
        unit: UnitId,
        table: Table,
        address: u16,
        count: u16,
    ) -> Answer {
        let origin = Origin {
            source: ControlSource::Modbus,
            peer: Some(self.peer.to_string()),
            trace: call.trace,
            ..Origin::default()
        };
        let shown = self.post(Letter::ShowCells(unit), origin);
        let (service, device) = (self.clone(), Arc::clone(call.device));
        let Call { function, unit_id, transaction, trace, .. } = call;
        let lens = call.lens.cloned();
        Answer::Waiting(Box::pin(async move {
            let timeout = service.config.answer_timeout;
            let shown = tokio::time::timeout(timeout, shown).await;
            let snapshot = service.snapshot();
            let call = Call {
                device: &device,
                snapshot: &snapshot,
                lens: lens.as_ref(),
                function,
                unit_id,
                transaction,
                trace,
            };
            let mut pdu = Vec::new();
            let read = match shown {
                Ok(Ok(Ok(_))) => service.read_from(call, table, address, count, &mut pdu),
                Ok(Ok(Err(rejection))) => Err(rejection.modbus_exception()),
                Ok(Err(_)) | Err(_) => Err(DEVICE_FAILURE),
            };
            service.said(function, read.map(|()| pdu))
        }))
    }

    /// The PDU, or that of an exception, which is counted.
    fn said(&self, function: u8, result: Result<Vec<u8>, u8>) -> Vec<u8> {
        result.unwrap_or_else(|code| {
            self.farm.stats.modbus.count_exception(function, code);
            vec![function | 0x80, code]
        })
    }

    /// Posts what is wished as one command; `then` is answered when the loop has applied it.
    fn write(&self, call: Call<'_>, wish: Wish<'_>, then: Then) -> Result<Answer, u8> {
        let Wish { table, address, words } = wish;
        let device = call.device;
        let mut room = None;
        let sight = self.sight(call, &mut room);
        let (command, mut notes) = match self.judge_write(call, wish, sight) {
            Ok(judged) => judged,
            Err((code, reason)) => {
                device.desk.note_write(LastWrite { code, address });
                let reason = format!("exception {code}: {reason}");
                let what = device.layout.describe_write(table, address, words);
                let origin = self.origin(call, wish, Some(code), sight);
                self.tell_refused(device.unit, origin, what, reason);
                return Err(code);
            }
        };
        let origin = self.origin(call, wish, None, sight);
        notes.origin = (!notes.later.is_empty()).then(|| origin.clone());
        // What changes nothing of the farm goes through the loop too: every write is on record.
        let command = command.unwrap_or(Command::Batch(Vec::new()));
        if self.config.ack == Ack::Accepted {
            self.post_accepted(call, command, address, &mut notes, origin)?;
            self.count_written(call.device, wish);
            self.post_later(call.snapshot.tick, notes);
            return self.answered(call, then);
        }
        let outcome = self.post(Letter::Control(command), origin);
        Ok(self.wait_for(call, outcome, wish, notes, then))
    }

    fn count_written(&self, device: &Device, wish: Wish<'_>) {
        let class = device.layout.class_of(wish.table, wish.address);
        self.farm.stats.modbus.count_written(class, wish.words.len());
    }

    /// What a write becomes, or why it is refused: the code and words.
    fn judge_write(
        &self,
        call: Call<'_>,
        wish: Wish<'_>,
        sight: Sight<'_>,
    ) -> Result<(Option<Command>, Notes), (u8, String)> {
        let Wish { table, address, words } = wish;
        let layout = &call.device.layout;
        if self.role < Role::Operator {
            return Err((ILLEGAL_FUNCTION, "whoever only views may not write".to_owned()));
        }
        let is_words = table == Table::Holding;
        if is_words && words.len() > usize::from(layout.rules.max_write) {
            let most = layout.rules.max_write;
            return Err((ILLEGAL_DATA_VALUE, format!("the device takes at most {most} registers")));
        }
        if let Some(code) = layout.trap(table, address, words.len() as u16, On::Write) {
            return Err((code, "the map says so".to_owned()));
        }
        let told = |refusal: Refusal| (exception(refusal), refusal.to_string());
        let mut edit: Edit<'_> =
            layout.write_to(sight, table, address, words, self.role).map_err(told)?;
        let mut notes = edit.notes().map_err(told)?;
        let command = edit.command().map_err(told)?;
        let snapshot = call.snapshot;
        let later = notes.later.iter().map(|(_, command)| command);
        let checked = command
            .iter()
            .chain(later)
            .try_for_each(|command| validate(&snapshot.spec, &snapshot.units, command));
        if !notes.later.is_empty() {
            notes.room = call.device.desk.reserve_later(notes.later.len());
            if notes.room.is_none() {
                let code = Rejection::Busy.modbus_exception();
                return Err((code, "too many writes wait to take effect".to_owned()));
            }
        }
        match checked {
            // The loop counts a reset that it refuses, at the alarm that is in the way.
            Ok(()) | Err(Rejection::ResetRefused { .. }) => Ok((command, notes)),
            Err(rejection) => Err((rejection.modbus_exception(), rejection.to_string())),
        }
    }

    /// The answer to a write that is done.
    fn answered(&self, call: Call<'_>, then: Then) -> Result<Answer, u8> {
        let pdu = self.conclude(call, then)?;
        Ok(Answer::Waiting(Box::pin(std::future::ready(pdu))))
    }

    /// The PDU that ends a write.
    fn conclude(&self, call: Call<'_>, then: Then) -> Result<Vec<u8>, u8> {
        match then {
            Then::Say(pdu) => Ok(pdu),
            Then::Read { address, count } => {
                let mut pdu = Vec::new();
                self.read_from(call, Table::Holding, address, count, &mut pdu)?;
                Ok(pdu)
            }
        }
    }

    /// The answer that follows from what the loop makes of a command.
    fn wait_for(
        &self,
        call: Call<'_>,
        outcome: oneshot::Receiver<Outcome>,
        wish: Wish<'_>,
        notes: Notes,
        then: Then,
    ) -> Answer {
        let (table, address, n_words) = (wish.table, wish.address, wish.words.len());
        let (service, device) = (self.clone(), Arc::clone(call.device));
        let Call { function, unit_id, transaction, trace, .. } = call;
        let (now, lens) = (call.snapshot.tick, call.lens.cloned());
        Answer::Waiting(Box::pin(async move {
            let timeout = service.config.answer_timeout;
            let result = match tokio::time::timeout(timeout, outcome).await {
                Ok(Ok(Ok(_applied))) => Ok(()),
                Ok(Ok(Err(rejection))) => Err(rejection.modbus_exception()),
                // A letter that is dropped unanswered is one that the loop's end swallowed.
                Ok(Err(_)) => Err(Rejection::Closed.modbus_exception()),
                // The loop is late: whether the write takes effect is not known.
                Err(_) => Err(DEVICE_FAILURE),
            };
            // Before the answer, so that the writer's next read shows it.
            match &result {
                Ok(()) => {
                    keep(&device, address, &notes);
                    let class = device.layout.class_of(table, address);
                    service.farm.stats.modbus.count_written(class, n_words);
                    service.post_later(now, notes);
                }
                Err(code) => device.desk.note_write(LastWrite { code: *code, address }),
            }
            let snapshot = service.snapshot();
            let call = Call {
                device: &device,
                snapshot: &snapshot,
                lens: lens.as_ref(),
                function,
                unit_id,
                transaction,
                trace,
            };
            let result = result.and_then(|()| service.conclude(call, then));
            service.said(function, result)
        }))
    }

    /// Posts a letter; the loop's outcome comes, or nothing where it is dropped unanswered.
    fn post(&self, request: Letter, origin: Origin) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        self.farm.mailbox.post(Submission {
            request,
            origin,
            reply: Reply::new(move |outcome| {
                // A client that gave up no longer listens.
                let _ = sender.send(outcome);
            }),
        });
        receiver
    }

    /// Posts commands that are to take effect later, each when so many ticks after `now` are over.
    fn post_later(&self, now: Tick, notes: Notes) {
        let Notes { later, room, origin: Some(origin), .. } = notes else { return };
        let service = self.clone();
        // It ends with the snapshots at the latest.
        tokio::spawn(async move {
            let _room = room;
            let mut later = later;
            later.sort_by_key(|(ticks, _)| *ticks);
            let mut snapshots = service.farm.snapshots.clone();
            for (ticks, command) in later {
                while snapshots.borrow_and_update().tick.0 < now.0 + ticks {
                    if snapshots.changed().await.is_err() {
                        return;
                    }
                }
                let delay_s = ticks as f64 / TICKS_PER_S as f64;
                let via = origin.via.as_ref().map(|via| format!("{via}, {delay_s:.1} s later"));
                // The audit has what comes of it.
                let origin = Origin { via, ..origin.clone() };
                drop(service.post(Letter::Control(command), origin));
            }
        });
    }

    /// Posts a command that is answered at once; until a snapshot shows it, the desk does. If the loop
    /// refuses it, the desk gets back what it had.
    ///
    /// # Errors
    /// The exception, where it was refused already: nobody takes letters, or the inbox is full.
    fn post_accepted(
        &self,
        call: Call<'_>,
        command: Command,
        address: u16,
        notes: &mut Notes,
        origin: Origin,
    ) -> Result<(), u8> {
        let desk = Arc::clone(&call.device.desk);
        let pending = Arc::clone(&desk.pending);
        let ticket = pending.add(call.snapshot.publication, command.clone());
        let if_refused = std::mem::take(&mut notes.if_refused);
        let refusal = Arc::new(Mutex::new(None));
        let refused = Arc::clone(&refusal);
        self.farm.mailbox.post(Submission {
            request: Letter::Control(command),
            origin,
            reply: Reply::new(move |outcome| match outcome {
                Ok(applied) => pending.applied(ticket, applied.publication),
                // The audit has it; the registers go back to what is so.
                Err(rejection) => {
                    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
                    *refused = Some(rejection.modbus_exception());
                    desk.stage(&if_refused);
                    pending.refused(ticket);
                }
            }),
        });
        // Held, so that a refusal comes before what is kept or after it.
        let refusal = refusal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = *refusal {
            call.device.desk.note_write(LastWrite { code, address });
            return Err(code);
        }
        keep(call.device, address, notes);
        Ok(())
    }

    /// Puts into the audit that a write went no further than here.
    fn tell_refused(&self, unit: Option<UnitId>, origin: Origin, what: String, reason: String) {
        self.farm.mailbox.post(Submission {
            request: Letter::Refused { unit, what, reason },
            origin,
            reply: Reply::none(),
        });
    }

    /// Puts into the audit that a whole frame, if it is one that writes, came to nothing before anybody looked
    /// at what it writes; `code` is the exception that answers it, if one does.
    pub(crate) fn tell_unheard(
        &self,
        frame: &[u8],
        code: Option<u8>,
        why: &str,
        trace: Option<TraceContext>,
    ) {
        let transaction = u16::from_be_bytes([frame[0], frame[1]]);
        let (unit_id, pdu) = (frame[HEADER], &frame[HEADER + 1..]);
        let Some((table, address, words)) = pdu::written(pdu) else { return };
        let wish = Wish { table, address, words: &words };
        let device = self.gateway.device(unit_id);
        let what = match device {
            Some(device) if !words.is_empty() => {
                device.layout.describe_write(table, address, &words)
            }
            Some(_) => format!("register {address}"),
            None => format!("unit id {unit_id}, {} registers", words.len()),
        };
        let write = ModbusWrite {
            listener: self.config.name.clone(),
            role: self.role,
            connection: self.connection,
            unit_id,
            transaction,
            function: pdu[0],
            table,
            address,
            new: words.clone(),
            exception: code,
            ..ModbusWrite::default()
        };
        let reason = code.map_or(why.to_owned(), |code| format!("exception {code}: {why}"));
        let unit = device.and_then(|device| device.unit);
        self.tell_refused(unit, self.origin_of(wish.via(pdu[0]), write, trace), what, reason);
    }

    /// Who writes, and what, word by word.
    fn origin(
        &self,
        call: Call<'_>,
        wish: Wish<'_>,
        exception: Option<u8>,
        sight: Sight<'_>,
    ) -> Origin {
        let Wish { table, address, words } = wish;
        let layout = &call.device.layout;
        let mut old = Vec::with_capacity(words.len());
        let count = words.len() as u16;
        // Where there is nothing to read there is no old word.
        if layout.read_into(&Sights::one(sight), table, address, count, &mut old).is_err() {
            old.clear();
        }
        let write = ModbusWrite {
            listener: self.config.name.clone(),
            role: self.role,
            connection: self.connection,
            unit_id: call.unit_id,
            transaction: call.transaction,
            function: call.function,
            table,
            address,
            old,
            new: words.to_vec(),
            points: layout.touched(table, address, words),
            exception,
        };
        self.origin_of(wish.via(call.function), write, call.trace)
    }

    fn origin_of(&self, via: String, write: ModbusWrite, trace: Option<TraceContext>) -> Origin {
        Origin {
            source: ControlSource::Modbus,
            peer: Some(self.peer.to_string()),
            via: Some(via),
            modbus: Some(Box::new(write)),
            trace,
            ..Origin::default()
        }
    }
}

/// Keeps what a write that was done leaves.
fn keep(device: &Device, address: u16, notes: &Notes) {
    device.desk.write_memory(&notes.memory);
    device.desk.stage(&notes.staged);
    device.desk.note_write(LastWrite { code: DONE, address });
}

/// Result of a write that was done.
const DONE: u8 = 0;

fn exception(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::Address | Refusal::Role => ILLEGAL_DATA_ADDRESS,
        Refusal::Value => ILLEGAL_DATA_VALUE,
        Refusal::State => DEVICE_FAILURE,
        Refusal::Exception(code) => code,
    }
}

#[cfg(test)]
mod tests;
