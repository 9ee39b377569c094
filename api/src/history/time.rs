//! Instants and durations as people write them.

use jiff::{Span, SpanRelativeTo, Timestamp};

/// An instant that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instant {
    /// Nanoseconds since 1970.
    Unix(i64),
    /// Nanoseconds before the newest tick.
    Ago(i64),
    /// The end of a tick.
    Tick(u64),
}

/// What an instant may be.
pub(crate) const INSTANTS: &str = "an instant in RFC 3339 (2026-01-01T00:00:00Z), a time ago (-10m), now, or the number of a tick";

/// Nanoseconds of a duration such as `1s`, `100ms`, `10m`, `6h`, `30d` or `1h30m`.
///
/// # Errors
/// What was expected, in words.
pub fn parse_duration_ns(text: &str) -> Result<i64, String> {
    let expected = || {
        format!(
            "expected a duration with its unit, such as 1s, 100ms, 10m, 6h or 30d, got {text:?}"
        )
    };
    let span: Span = text.parse().map_err(|_| expected())?;
    let days = SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).map_err(|_| expected())?;
    i64::try_from(duration.as_nanos()).map_err(|_| expected())
}

impl Instant {
    /// Reads an instant; `None` for what is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "now" {
            return Some(Self::Ago(0));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self::Tick);
        }
        if let Some(ago) = text.strip_prefix('-') {
            return parse_duration_ns(ago).ok().filter(|ns| *ns >= 0).map(Self::Ago);
        }
        let instant: Timestamp = text.parse().ok()?;
        i64::try_from(instant.as_nanosecond()).ok().map(Self::Unix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, ns) in [
            ("100ms", 100_000_000),
            ("1s", 1_000_000_000),
            ("1m", 60_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("30d", 2_592_000_000_000_000),
        ] {
            assert_eq!(parse_duration_ns(text), Ok(ns), "{text}");
        }
        for text in ["", "1", "s", "1mo", "1y", "1 parsec", "99999999d"] {
            assert!(parse_duration_ns(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_instant_is_written_in_one_of_four_ways() {
        for (text, instant) in [
            ("1970-01-01T00:00:01.5Z", Some(Instant::Unix(1_500_000_000))),
            ("1970-01-01T01:00:00+01:00", Some(Instant::Unix(0))),
            ("-10m", Some(Instant::Ago(600_000_000_000))),
            ("now", Some(Instant::Ago(0))),
            ("36000", Some(Instant::Tick(36_000))),
            ("10m", None),
            ("--10m", None),
            ("yesterday", None),
            ("", None),
            ("2026-01-01", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(Instant::parse(text), instant, "{text}");
        }
    }
}
