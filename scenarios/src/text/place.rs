//! Where in a text a byte of a scalar stands: quotes, escapes and folded lines between.

use super::Expansion;
use std::ops::Range;

/// The bytes of `text` that made the bytes `wanted` of a scalar's value. The scalar stands at `span`, its
/// value is `value` after `expansion` put parameters in. A place in a parameter is its whole `${…}`.
pub fn place(
    text: &str,
    span: &Range<usize>,
    value: &str,
    expansion: Option<&Expansion>,
    wanted: Range<usize>,
) -> Range<usize> {
    let (raw, wanted) = match expansion {
        Some(expansion) => (expansion.raw.as_str(), expansion.before(wanted)),
        None => (value, wanted),
    };
    let source = text.get(span.clone()).unwrap_or_default();
    let places = align(source, raw);
    let at = |index: usize| places.get(index).copied().unwrap_or(source.len());
    let start = at(wanted.start);
    // The end of the last byte that is wanted, not the begin of the next one: a line may end between.
    let end = match wanted.end > wanted.start {
        true => at(wanted.end - 1) + 1,
        false => start,
    };
    span.start + start..span.start + end.max(start)
}

/// For each byte of `value` where it stands in `source`.
fn align(source: &str, value: &str) -> Vec<usize> {
    let mut at = opening(source);
    let mut places = Vec::with_capacity(value.len());
    let is_white = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    for c in value.chars() {
        let rest = &source[at..];
        let next = rest.chars().next();
        let is_same = next == Some(c) && !(c == '\\' && rest.starts_with("\\\\"));
        if !is_same && !is_white(c) {
            // Indentation, and what folds a line.
            at += rest.len() - rest.trim_start_matches(is_white).len();
        }
        places.extend(std::iter::repeat_n(at, c.len_utf8()));
        let rest = &source[at..];
        if rest.starts_with("''") && c == '\'' {
            at += 2;
        } else if rest.starts_with(c) && !(c == '\\' && rest.starts_with("\\\\")) {
            at += c.len_utf8();
        } else if is_white(c) && rest.starts_with(is_white) {
            at += rest.len() - rest.trim_start_matches(is_white).len();
        } else if rest.starts_with('\\') {
            at += escape(rest);
        }
    }
    places
}

/// How long the opening quotes or the head of a block are.
fn opening(source: &str) -> usize {
    for quotes in ["\"\"\"", "'''"] {
        if source.len() >= 6 && source.starts_with(quotes) {
            return quotes.len();
        }
    }
    match source.chars().next() {
        Some('"' | '\'') => 1,
        Some('|' | '>') => source.find('\n').map_or(0, |at| at + 1),
        _ => 0,
    }
}

/// Length of an escape at the begin of `rest`.
fn escape(rest: &str) -> usize {
    let wanted = match rest.as_bytes().get(1) {
        Some(b'x') => 4,
        Some(b'u') => 6,
        Some(b'U') => 10,
        _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
    };
    (0..=wanted.min(rest.len())).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in `source` where `wanted` is in its value.
    fn found<'s>(source: &'s str, value: &str, wanted: &str) -> &'s str {
        let start = value.find(wanted).expect("wanted is in the value");
        let place = place(source, &(0..source.len()), value, None, start..start + wanted.len());
        &source[place]
    }

    #[test]
    fn a_word_is_found_in_quotes_behind_escapes_and_on_folded_lines() {
        assert_eq!(found("a + fault", "a + fault", "fault"), "fault");
        assert_eq!(found(r#""é \"x\" == fault""#, r#"é "x" == fault"#, "fault"), "fault");
        assert_eq!(found(r#""\u00e9\x41 fault""#, "éA fault", "fault"), "fault");
        assert_eq!(found("'it''s a fault'", "it's a fault", "fault"), "fault");
        assert_eq!(found("one\n    two fault", "one two fault", "fault"), "fault");
        assert_eq!(found("one\n   two\n   fault\n", "one two fault\n", "fault"), "fault");
        assert_eq!(found("'''\na fault'''", "a fault", "fault"), "fault");
        assert_eq!(found(r#""a \\ fault""#, r"a \ fault", "fault"), "fault");
    }
}
