//! Answers one checked request: reads from one snapshot, writes through the loop's inbox.
//!
//! A read takes the latest snapshot once and computes nothing but an encoding. A write becomes
//! one command, checked against that snapshot and again by the loop: all of it is applied in one tick
//! or nothing. The write is answered when the loop has acknowledged it. The loop publishes before it
//! acknowledges, so the writer's next read shows the effect.

use crate::access::FarmAccess;
use crate::map::{Gateway, Refusal, Sight};
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

impl Service {
    fn serve(
        &self,
        snapshot: &Arc<Snapshot>,
        unit_id: u8,
        request: &Request<'_>,
    ) -> Result<Answer, ExceptionCode> {
        let (unit, layout) =
            self.gateway.find(unit_id).ok_or(ExceptionCode::GatewayTargetDevice)?;
        let sight = Sight { snapshot, unit };
        let ready = |response| Answer::Ready(Some(Ok(response)));
        match request {
            Request::ReadHoldingRegisters(address, count) => {
                let words = layout.read(sight, *address, *count).map_err(exception)?;
                Ok(ready(Response::ReadHoldingRegisters(words)))
            }
            // Each map shows the same registers in both tables.
            Request::ReadInputRegisters(address, count) => {
                let words = layout.read(sight, *address, *count).map_err(exception)?;
                Ok(ready(Response::ReadInputRegisters(words)))
            }
            Request::WriteSingleRegister(address, word) => {
                let edit = layout.write(sight, *address, &[*word]).map_err(exception)?;
                let response = Response::WriteSingleRegister(*address, *word);
                self.submit(snapshot, edit.commands().map_err(exception)?, response)
            }
            Request::WriteMultipleRegisters(address, words) => {
                let edit = layout.write(sight, *address, words).map_err(exception)?;
                // The guard lets at most 123 registers through.
                let response = Response::WriteMultipleRegisters(*address, words.len() as u16);
                self.submit(snapshot, edit.commands().map_err(exception)?, response)
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }

    /// Posts `commands` as one; the answer is `response` when the loop has applied them.
    fn submit(
        &self,
        snapshot: &Snapshot,
        mut commands: Vec<Command>,
        response: Response,
    ) -> Result<Answer, ExceptionCode> {
        let command = match commands.len() {
            0 => return Ok(Answer::Ready(Some(Ok(response)))),
            1 => commands.remove(0),
            _ => Command::Batch(commands),
        };
        validate(&snapshot.spec, &snapshot.units, &command)
            .map_err(|rejection| exception_of(&rejection))?;
        let outcome = self.post(command);
        let stats = Arc::clone(&self.farm.stats);
        let timeout = self.answer_timeout;
        Ok(Answer::Waiting(Box::pin(async move {
            let result = match tokio::time::timeout(timeout, outcome).await {
                Ok(Ok(Ok(_applied))) => Ok(response),
                Ok(Ok(Err(rejection))) => Err(exception_of(&rejection)),
                // A letter that is dropped unanswered is one that the loop's end swallowed.
                Ok(Err(_)) => Err(exception_of(&Rejection::Closed)),
                // The loop is late: whether the write takes effect is not known.
                Err(_) => Err(ExceptionCode::ServerDeviceFailure),
            };
            result.inspect_err(|exception| count_exception(&stats.modbus, (*exception).into()))
        })))
    }

    fn post(&self, command: Command) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        self.farm.mailbox.post(Submission {
            request: Letter::Control(command),
            origin: Origin { source: ControlSource::Modbus, peer: Some(self.peer.clone()) },
            reply: Reply::new(move |outcome| {
                // A client that gave up no longer listens.
                let _ = sender.send(outcome);
            }),
        });
        receiver
    }
}

fn exception(refusal: Refusal) -> ExceptionCode {
    match refusal {
        Refusal::Address => ExceptionCode::IllegalDataAddress,
        Refusal::Value => ExceptionCode::IllegalDataValue,
        Refusal::State => ExceptionCode::ServerDeviceFailure,
    }
}

fn exception_of(rejection: &Rejection) -> ExceptionCode {
    match rejection {
        Rejection::OutOfRange { .. } => ExceptionCode::IllegalDataValue,
        Rejection::NoSuchUnit { .. } => ExceptionCode::GatewayTargetDevice,
        Rejection::WrongState { .. } => ExceptionCode::ServerDeviceFailure,
        Rejection::Busy | Rejection::Closed => ExceptionCode::ServerDeviceBusy,
    }
}
