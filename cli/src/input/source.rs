//! Places in the text of a CSV file, for problems.

use bess_core::config::Problem;
use std::ops::Range;

/// A text in which places are named.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) delimiter: u8,
}

impl Source<'_> {
    pub(super) fn problem(
        &self,
        span: Range<usize>,
        message: String,
        hint: Option<String>,
    ) -> Problem {
        Problem::at(self.file, self.text, span, message, hint)
    }
    /// Start of the record that the reader found from byte `at` on, past blank lines and comments.
    pub(super) fn record_start(&self, record: &csv::StringRecord) -> usize {
        let from = record.position().map_or(0, csv::Position::byte) as usize;
        let mut at = from.min(self.text.len());
        loop {
            let rest = &self.text[at..];
            let line = rest.split_inclusive('\n').next().unwrap_or("");
            let skipped = line.trim_end_matches(['\r', '\n']).is_empty() || line.starts_with('#');
            if line.is_empty() || !skipped {
                return at;
            }
            at += line.len();
        }
    }
    /// The text of field `index` of a record without the blanks around it; the end of the record
    /// when it has fewer fields.
    pub(super) fn field(&self, record: &csv::StringRecord, index: usize) -> Range<usize> {
        let start = self.record_start(record);
        let bytes = self.text.as_bytes();
        let (mut field_start, mut field_idx, mut quoted, mut at) = (start, 0, false, start);
        while at < bytes.len() && (quoted || bytes[at] != b'\n') {
            if bytes[at] == b'"' {
                quoted = !quoted;
            } else if bytes[at] == self.delimiter && !quoted {
                if field_idx == index {
                    break;
                }
                field_idx += 1;
                field_start = at + 1;
            }
            at += 1;
        }
        if field_idx < index {
            field_start = at;
        }
        let field = &self.text[field_start..at];
        let blank = field.len() - field.trim_start().len();
        let start = field_start + blank.min(field.len());
        start..start + field.trim().len()
    }
    pub(super) fn whole_line(&self, record: &csv::StringRecord) -> Range<usize> {
        let start = self.record_start(record);
        let rest = &self.text[start..];
        start..start + rest.lines().next().unwrap_or("").len()
    }
}
