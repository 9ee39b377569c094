//! Answers one checked request: reads from one snapshot, writes through the loop's inbox.
//!
//! A read takes the latest snapshot once and computes nothing but an encoding. A write becomes
//! one command, checked against that snapshot and again by the loop: all of it is applied in one tick
//! or nothing. The write is answered when the loop has acknowledged it. The loop publishes before it
//! acknowledges, so the writer's next read shows the effect.
//!
//! Exceptions: 2 for a register that is not there or not writable; 3 for a value that it does not take;
//! 4 where the unit's state is in the way (a wrong state, a reset whose cause is still there, local
//! control) or the loop is silent; 6 where somebody else is (another master holds the unit, the inbox is
//! full); 11 for a unit that is not there. Whatever refuses a write here also goes into the audit,
//! by a letter that nobody waits for; what the loop refuses it notes itself.

use crate::access::FarmAccess;
use crate::map::{Edit, Gateway, LastWrite, Refusal};
use bess_core::UnitId;
use bess_core::command::{
    Command, ControlSource, Origin, Outcome, Rejection, Reply, Request as Letter, Submission,
    validate,
};
use bess_core::snapshot::Snapshot;
use bess_core::stats::ModbusStats;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_modbus::prelude::{ExceptionCode, Request, Response, SlaveRequest};
use tracing::debug;

/// What one connection answers with.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) farm: FarmAccess,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) answer_timeout: Duration,
    /// Address of the client.
    pub(crate) peer: String,
}

/// An answer: at hand for a read, waited for after a write.
pub(crate) enum Answer {
    Ready(Option<Result<Response, ExceptionCode>>),
    Waiting(Pin<Box<dyn Future<Output = Result<Response, ExceptionCode>> + Send>>),
}

impl Future for Answer {
    type Output = Result<Response, ExceptionCode>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            // A future that is polled after its end has no answer left; the caller never does.
            Self::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Self::Waiting(future) => future.as_mut().poll(cx),
        }
    }
}

impl tokio_modbus::server::Service for Service {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Answer;

    fn call(&self, request: Self::Request) -> Answer {
        let snapshot = Arc::clone(&self.farm.snapshots.borrow());
        match self.serve(&snapshot, request.slave, &request.request) {
            Ok(answer) => answer,
            Err(exception) => {
                count_exception(&self.farm.stats.modbus, exception.into());
                let (peer, unit_id, code) = (&self.peer, request.slave, u8::from(exception));
                debug!(peer, unit_id, code, "request refused");
                Answer::Ready(Some(Err(exception)))
            }
        }
    }
}

/// Counts an exception by its code.
pub(crate) fn count_exception(stats: &ModbusStats, code: u8) {
    let last = stats.exceptions.len() - 1;
    stats.exceptions[usize::from(code).min(last)].fetch_add(1, Relaxed);
}

/// A write request.
#[derive(Clone, Copy, Debug)]
struct Wish<'r> {
    function: u8,
    address: u16,
    words: &'r [u16],
}

impl Wish<'_> {
    /// How it was asked, for the audit.
    fn via(&self) -> String {
        let Self { function, address, words } = self;
        match words.len() {
            1 => format!("FC{function} {address}"),
            n => format!("FC{function} {address}..{}", usize::from(*address) + n - 1),
        }
    }
}

impl Service {
    fn serve(
        &self,
        snapshot: &Arc<Snapshot>,
        unit_id: u8,
        request: &Request<'_>,
    ) -> Result<Answer, ExceptionCode> {
        if let Some((Some(unit), _)) = self.gateway.find(unit_id) {
            self.farm.mailbox.note_request(unit);
        }
        match request {
            Request::ReadHoldingRegisters(address, count) => {
                let words = self.read(snapshot, unit_id, *address, *count)?;
                Ok(Answer::Ready(Some(Ok(Response::ReadHoldingRegisters(words)))))
            }
            // Each map shows the same registers in both tables.
            Request::ReadInputRegisters(address, count) => {
                let words = self.read(snapshot, unit_id, *address, *count)?;
                Ok(Answer::Ready(Some(Ok(Response::ReadInputRegisters(words)))))
            }
            Request::WriteSingleRegister(address, word) => {
                let wish = Wish { function: 6, address: *address, words: &[*word] };
                let response = Response::WriteSingleRegister(*address, *word);
                self.write(snapshot, unit_id, wish, response)
            }
            Request::WriteMultipleRegisters(address, words) => {
                let wish = Wish { function: 16, address: *address, words };
                // The guard lets at most 123 registers through.
                let response = Response::WriteMultipleRegisters(*address, words.len() as u16);
                self.write(snapshot, unit_id, wish, response)
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }

    fn read(
        &self,
        snapshot: &Snapshot,
        unit_id: u8,
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, ExceptionCode> {
        let found = self.gateway.find(unit_id).ok_or(ExceptionCode::GatewayTargetDevice)?;
        let (unit, layout) = found;
        layout.read(self.gateway.sight(snapshot, unit), address, count).map_err(exception)
    }

    /// Posts what is wished as one command; the answer is `response` when the loop has applied it.
    fn write(
        &self,
        snapshot: &Snapshot,
        unit_id: u8,
        wish: Wish<'_>,
        response: Response,
    ) -> Result<Answer, ExceptionCode> {
        let Wish { address, words, .. } = wish;
        let Some((unit, layout)) = self.gateway.find(unit_id) else {
            let what = format!("unit id {unit_id}, {} registers", words.len());
            self.tell_refused(None, wish, what, "nobody answers to this unit id".to_owned());
            return Err(ExceptionCode::GatewayTargetDevice);
        };
        let sight = self.gateway.sight(snapshot, unit);
        let edit = layout.write(sight, address, words);
        let command = edit
            .and_then(Edit::command)
            .map_err(|refusal| (exception(refusal), refusal.to_string()));
        let command = command.and_then(|command| {
            let checked = command
                .iter()
                .try_for_each(|command| validate(&snapshot.spec, &snapshot.units, command));
            match checked {
                // The loop counts a reset that it refuses, at the alarm that is in the way.
                Ok(()) | Err(Rejection::ResetRefused { .. }) => Ok(command),
                Err(rejection) => Err((exception_of(&rejection), rejection.to_string())),
            }
        });
        let note = move |gateway: &Gateway, code| {
            gateway.note_write(unit, LastWrite { code, address });
        };
        match command {
            Ok(Some(command)) => {
                let outcome = self.post(command, wish.via());
                Ok(self.wait_for(outcome, response, note))
            }
            Ok(None) => {
                note(&self.gateway, DONE);
                Ok(Answer::Ready(Some(Ok(response))))
            }
            Err((exception, reason)) => {
                note(&self.gateway, exception.into());
                let reason = format!("exception {}: {reason}", u8::from(exception));
                self.tell_refused(unit, wish, layout.describe_write(address, words), reason);
                Err(exception)
            }
        }
    }

    /// The answer that follows from what the loop makes of a command.
    fn wait_for(
        &self,
        outcome: oneshot::Receiver<Outcome>,
        response: Response,
        note: impl Fn(&Gateway, u8) + Send + 'static,
    ) -> Answer {
        let stats = Arc::clone(&self.farm.stats);
        let gateway = Arc::clone(&self.gateway);
        let timeout = self.answer_timeout;
        Answer::Waiting(Box::pin(async move {
            let result = match tokio::time::timeout(timeout, outcome).await {
                Ok(Ok(Ok(_applied))) => Ok(response),
                Ok(Ok(Err(rejection))) => Err(exception_of(&rejection)),
                // A letter that is dropped unanswered is one that the loop's end swallowed.
                Ok(Err(_)) => Err(exception_of(&Rejection::Closed)),
                // The loop is late: whether the write takes effect is not known.
                Err(_) => Err(ExceptionCode::ServerDeviceFailure),
            };
            // Before the answer, so that the writer's next read shows it.
            note(&gateway, result.as_ref().map_or_else(|exception| (*exception).into(), |_| DONE));
            result.inspect_err(|exception| count_exception(&stats.modbus, (*exception).into()))
        }))
    }

    fn post(&self, command: Command, via: String) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        self.farm.mailbox.post(Submission {
            request: Letter::Control(command),
            origin: self.origin(via),
            reply: Reply::new(move |outcome| {
                // A client that gave up no longer listens.
                let _ = sender.send(outcome);
            }),
        });
        receiver
    }

    /// Puts into the audit that a write went no further than here.
    fn tell_refused(&self, unit: Option<UnitId>, wish: Wish<'_>, what: String, reason: String) {
        self.farm.mailbox.post(Submission {
            request: Letter::Refused { unit, what, reason },
            origin: self.origin(wish.via()),
            reply: Reply::none(),
        });
    }

    fn origin(&self, via: String) -> Origin {
        let peer = Some(self.peer.clone());
        Origin { source: ControlSource::Modbus, peer, via: Some(via), modbus: None }
    }
}

/// Result of a write that was done.
const DONE: u8 = 0;

fn exception(refusal: Refusal) -> ExceptionCode {
    match refusal {
        Refusal::Address => ExceptionCode::IllegalDataAddress,
        Refusal::Value => ExceptionCode::IllegalDataValue,
        Refusal::State => ExceptionCode::ServerDeviceFailure,
    }
}

fn exception_of(rejection: &Rejection) -> ExceptionCode {
    match rejection {
        Rejection::OutOfRange { .. } | Rejection::NotPossible { .. } => {
            ExceptionCode::IllegalDataValue
        }
        Rejection::NoSuchUnit { .. } => ExceptionCode::GatewayTargetDevice,
        Rejection::WrongState { .. } | Rejection::ResetRefused { .. } | Rejection::Local { .. } => {
            ExceptionCode::ServerDeviceFailure
        }
        Rejection::Leased { .. } | Rejection::Busy | Rejection::Closed => {
            ExceptionCode::ServerDeviceBusy
        }
    }
}
