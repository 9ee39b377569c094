//! The loop's inbox with spans: each letter of a trace that is collected leaves one, from when it was posted
//! to when it was answered.

use bess_core::UnitId;
use bess_core::command::{Mailbox, Reply, Request, Submission};
use bess_core::trace::{FieldValue, Span, SpanKind, TraceContext, Tracer};
use bess_simulation::pacer::wall_unix_ns;
use std::sync::Arc;

/// An inbox whose letters are traced.
#[derive(Debug)]
pub(crate) struct TracedMailbox {
    inbox: Arc<dyn Mailbox>,
    tracer: Arc<dyn Tracer>,
}

impl TracedMailbox {
    /// `inbox`, with spans where somebody collects them.
    pub(crate) fn around(
        inbox: Arc<dyn Mailbox>,
        tracer: Option<&Arc<dyn Tracer>>,
    ) -> Arc<dyn Mailbox> {
        match tracer {
            None => inbox,
            Some(tracer) => Arc::new(Self { inbox, tracer: Arc::clone(tracer) }),
        }
    }

    /// The letter with a span of its own, below the one that it came with.
    fn traced(&self, letter: Submission, parent: TraceContext) -> Submission {
        let Submission { request, mut origin, reply } = letter;
        let context = self.tracer.child(parent);
        origin.trace = Some(context);
        let (name, mut fields) = about(&request);
        fields.push(("bess.source", origin.source.name().into()));
        let (tracer, start_unix_ns) = (Arc::clone(&self.tracer), wall_unix_ns());
        let reply = Reply::new(move |outcome| {
            if let Ok(applied) = &outcome {
                fields.push(("bess.tick", count(applied.tick.0)));
            }
            tracer.end(Span {
                context,
                parent: Some(parent),
                name: name.to_owned(),
                kind: SpanKind::Internal,
                start_unix_ns,
                end_unix_ns: wall_unix_ns(),
                fields,
                error: outcome.as_ref().err().map(ToString::to_string),
            });
            reply.send(outcome);
        });
        Submission { request, origin, reply }
    }
}

fn count(n: u64) -> FieldValue {
    FieldValue::Count(i64::try_from(n).unwrap_or(i64::MAX))
}

/// Name and fields of a letter's span.
fn about(request: &Request) -> (&'static str, Vec<(&'static str, FieldValue)>) {
    let of = |unit: Option<UnitId>| {
        unit.map(|unit| ("bess.unit", count(u64::from(unit.number())))).into_iter()
    };
    let mut fields = Vec::new();
    let name = match request {
        Request::Control(command) => {
            fields.push(("bess.command", command.describe().into()));
            fields.extend(of(command.unit()));
            "command"
        }
        Request::Check(command) => {
            fields.push(("bess.command", command.describe().into()));
            fields.extend(of(command.unit()));
            "dry run"
        }
        Request::Clock(_) => "clock",
        Request::Stage(request) => {
            fields.push(("bess.command", request.describe().into()));
            "stage"
        }
        Request::ShowCells(unit) => {
            fields.extend(of(Some(*unit)));
            "show cells"
        }
        Request::Noted { what, .. } => {
            fields.push(("bess.command", what.clone().into()));
            "noted write"
        }
        Request::Refused { unit, what, reason } => {
            fields.push(("bess.command", what.clone().into()));
            fields.push(("bess.reason", reason.clone().into()));
            fields.extend(of(*unit));
            "refused write"
        }
    };
    (name, fields)
}

impl Mailbox for TracedMailbox {
    fn note_request(&self, unit: UnitId) {
        self.inbox.note_request(unit);
    }

    fn tracer(&self) -> Option<&Arc<dyn Tracer>> {
        Some(&self.tracer)
    }

    fn post(&self, letter: Submission) {
        let letter = match letter.origin.trace {
            Some(trace) if trace.is_sampled => self.traced(letter, trace),
            _ => letter,
        };
        self.inbox.post(letter);
    }
}
