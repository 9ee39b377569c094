//! Traces: which request led to which change, from the door to the tick that applied it.
//!
//! The farm carries a trace and never looks at it: a door begins one, the letter takes it along in its
//! [`Origin`](crate::command::Origin), and the loop says when the letter was taken and when its effect was
//! published. Who collects spans implements [`Tracer`]; without one nothing is made and nothing is asked.

use std::fmt;

/// Which span of which trace, as W3C Trace Context names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; not 0.
    pub trace_id: u128,
    /// The span in it; not 0.
    pub span_id: u64,
    /// Whether spans of this trace are collected.
    pub is_sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent` (W3C Trace Context, 3.2.2); `None` for anything that is not one. Later versions
    /// than 00 may have more behind the flags.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.trim().splitn(5, '-');
        let mut hex = |length: usize| {
            let part = parts.next()?;
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            (part.len() == length && part.bytes().all(is_hex)).then_some(part)
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        if version == "ff" || version == "00" && parts.next().is_some() {
            return None;
        }
        let context = Self {
            trace_id: u128::from_str_radix(trace, 16).ok()?,
            span_id: u64::from_str_radix(span, 16).ok()?,
            is_sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        };
        (context.trace_id != 0 && context.span_id != 0).then_some(context)
    }

    /// The trace as logs and the audit write it: 32 hexadecimal digits.
    pub fn trace_text(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    /// As a `traceparent` header has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, is_sampled } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(*is_sampled))
    }
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// It serves a request from outside.
    Server,
    /// It is a part of what the farm does for it.
    Internal,
}

/// A value of a span's field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// A whole number.
    Count(i64),
    /// A text.
    Text(String),
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for FieldValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for FieldValue {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

/// A span that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What [`Tracer::begin`] gave it.
    pub context: TraceContext,
    /// The span that it belongs to, if it is not the first.
    pub parent: Option<TraceContext>,
    /// What was done: few different names.
    pub name: String,
    /// Which side it is.
    pub kind: SpanKind,
    /// Wall time of its start in Unix nanoseconds.
    pub start_unix_ns: i64,
    /// Wall time of its end in Unix nanoseconds.
    pub end_unix_ns: i64,
    /// What else is to be known of it.
    pub fields: Vec<(&'static str, FieldValue)>,
    /// What went wrong; `None` when nothing did.
    pub error: Option<String>,
}

/// What a new trace would be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A request that is to change something.
    Write,
    /// A request that only reads.
    Read,
}

/// Collects spans. Neither function waits: what cannot be kept is dropped and counted.
pub trait Tracer: Send + Sync + fmt::Debug {
    /// Whether a request without a trace of its own could begin one; asked before anything is computed.
    fn samples(&self, sort: Sort) -> bool;

    /// A request comes in, with the context of its caller's trace if it has one; `None` when it is not
    /// collected.
    fn begin(&self, caller: Option<TraceContext>, sort: Sort) -> Option<TraceContext>;

    /// A context for a part of `parent`, which is collected.
    fn child(&self, parent: TraceContext) -> TraceContext;

    /// A span is over.
    fn end(&self, span: Span);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written_as_it_was() {
        let context = TraceContext::parse(GOOD).unwrap();
        assert_eq!(context.trace_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(context.is_sampled);
        assert_eq!(context.to_string(), GOOD);
        let other = TraceContext::parse(&GOOD.replace("-01", "-02")).unwrap();
        assert!(!other.is_sampled, "only the lowest bit says it");
    }

    #[test]
    fn a_later_version_may_say_more_and_this_one_may_not() {
        assert!(TraceContext::parse(&format!("{GOOD}-more")).is_none());
        assert!(TraceContext::parse(&format!("{}-more", GOOD.replacen("00", "01", 1))).is_some());
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let upper = GOOD.to_uppercase();
        for bad in [
            "",
            "00",
            "ff-",
            zero_trace,
            zero_span,
            &upper,
            &GOOD[..54],
            &GOOD.replacen("00", "ff", 1),
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
