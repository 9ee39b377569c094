//! The span of a Modbus request: from when it is answered first to when its answer is made.
//!
//! It is begun only where somebody collects spans and asks for requests of this sort; the letter that a write
//! becomes carries it on.

use crate::frame::HEADER;
use crate::pdu;
use crate::service::Answer;
use bess_core::trace::{FieldValue, Sort, Span, SpanKind, TraceContext, Tracer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

fn unix_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct RequestSpan {
    pub(crate) context: TraceContext,
    tracer: Arc<dyn Tracer>,
    function: u8,
    start_unix_ns: i64,
    fields: Vec<(&'static str, FieldValue)>,
}

impl RequestSpan {
    /// The span of a whole frame; `None` when it is not collected.
    pub(crate) fn begin(
        tracer: &Arc<dyn Tracer>,
        frame: &[u8],
        peer: SocketAddr,
        connection: u64,
    ) -> Option<Self> {
        let (unit_id, pdu) = (frame[HEADER], &frame[HEADER + 1..]);
        let function = *pdu.first()?;
        let sort = if pdu::writes(function) { Sort::Write } else { Sort::Read };
        if !tracer.samples(sort) {
            return None;
        }
        let context = tracer.begin(None, sort)?;
        let transaction = u16::from_be_bytes([frame[0], frame[1]]);
        let connection = i64::try_from(connection).unwrap_or(i64::MAX);
        let mut fields: Vec<(&'static str, FieldValue)> = vec![
            ("network.peer.address", peer.to_string().into()),
            ("modbus.connection", connection.into()),
            ("modbus.transaction", i64::from(transaction).into()),
            ("modbus.unit_id", i64::from(unit_id).into()),
            ("modbus.function", i64::from(function).into()),
        ];
        // What it writes, where it reads as well.
        if let Some((first, last)) = pdu::ranges(pdu).last() {
            fields.push(("modbus.address", i64::from(*first).into()));
            fields.push(("modbus.count", (i64::from(*last) - i64::from(*first) + 1).into()));
        }
        let tracer = Arc::clone(tracer);
        Some(Self { context, tracer, function, start_unix_ns: unix_ns(), fields })
    }

    /// The same answer; the span ends when it is made. `ready` is the PDU of one that is ready.
    pub(crate) fn end_with(self, answer: Answer, ready: &[u8]) -> Answer {
        match answer {
            Answer::Waiting(pdu) => Answer::Waiting(Box::pin(async move {
                let pdu = pdu.await;
                self.end(&pdu);
                pdu
            })),
            Answer::Ready | Answer::Silent => {
                self.end(ready);
                answer
            }
        }
    }

    fn end(mut self, pdu: &[u8]) {
        let exception = match pdu {
            [function, code, ..] if function & 0x80 != 0 => Some(*code),
            _ => None,
        };
        let code = exception.map(|code| ("modbus.exception", i64::from(code).into()));
        self.fields.extend(code);
        self.tracer.end(Span {
            context: self.context,
            parent: None,
            name: format!("modbus FC{}", self.function),
            kind: SpanKind::Server,
            start_unix_ns: self.start_unix_ns,
            end_unix_ns: unix_ns(),
            fields: self.fields,
            error: exception.map(|code| format!("exception {code}")),
        });
    }
}
