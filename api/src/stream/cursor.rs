//! Where a stream is: the id of each of its events, and how one that was cut off goes on.

use std::fmt;

/// The last records that a client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    /// Number of the last event.
    pub(crate) events: u64,
    /// Number of the last write.
    pub(crate) writes: u64,
}

/// An id as clients get it and give it back: `<run>-<event>-<write>`. Numbers of records begin anew with
/// each process, so the id says of which one they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) run: u32,
    pub(crate) cursor: Cursor,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}-{}", self.run, self.cursor.events, self.cursor.writes)
    }
}

/// Where a stream is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what comes from now on.
    Now,
    /// With the oldest records that are kept.
    Oldest,
    /// After this one.
    After(EventId),
}

impl Start {
    /// Reads what a client gives back; `None` for what no stream ever gave.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self::Oldest);
        }
        let mut parts = text.split('-');
        let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let run = parts.next().filter(|run| run.len() == 8 && run.bytes().all(is_hex))?;
        let run = u32::from_str_radix(run, 16).ok()?;
        let mut number = || -> Option<u64> {
            let part = parts.next()?;
            // 2^53: what JSON numbers and the scripts that read them hold exactly.
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|number| digits && *number <= 1 << 53)
        };
        let cursor = Cursor { events: number()?, writes: number()? };
        parts.next().is_none().then_some(Self::After(EventId { run, cursor }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written_and_nothing_else_is_one() {
        let id = EventId { run: 0xA0B1, cursor: Cursor { events: 1234, writes: 567 } };
        assert_eq!(id.to_string(), "0000a0b1-1234-567");
        assert_eq!(Start::parse(&id.to_string()), Some(Start::After(id)));
        assert_eq!(Start::parse("0"), Some(Start::Oldest));
        for text in [
            "",
            "1",
            "a",
            "0000a0b1",
            "0000a0b1-1",
            "0000a0b1-1-2-3",
            "0000a0b1--1",
            "a0b1-1-2",
            "+000a0b1-1-2",
            "0000A0B1-1-2",
            "0000a0b1-1-99999999999999999999",
            "0000a0b1-1--2",
            "0000a0b1-+1-2",
        ] {
            assert_eq!(Start::parse(text), None, "{text}");
        }
    }
}
