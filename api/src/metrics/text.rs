//! The text of a scrape as bytes: lines of series go in without a check of each, and bytes that were
//! written once are there for the next scrape.

use std::fmt::{self, Write};

/// A text in a buffer that is longer than it. What follows the text is left of earlier ones.
#[derive(Debug, Default)]
pub(crate) struct Text {
    bytes: Vec<u8>,
    len: usize,
}

impl Text {
    /// The text so far.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
    /// The same as characters.
    ///
    /// # Panics
    /// When [`Text::advance`] took something in that is none.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("only text was written")
    }
    /// Bytes that it holds in memory.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }
    pub(crate) fn push_str(&mut self, text: &str) {
        self.room(text.len())[..text.len()].copy_from_slice(text.as_bytes());
        self.len += text.len();
    }
    /// At least so many bytes after the text, to write into.
    pub(crate) fn room(&mut self, n_bytes: usize) -> &mut [u8] {
        let wanted = self.len + n_bytes;
        if wanted > self.bytes.len() {
            self.bytes.resize(wanted.max(2 * self.bytes.len()), 0);
        }
        &mut self.bytes[self.len..]
    }
    /// Takes in what was written at the begin of the room.
    pub(crate) fn advance(&mut self, n_bytes: usize) {
        self.len += n_bytes;
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_text_left_is_not_in_the_next_one() {
        let mut text = Text::default();
        text.push_str("a text of some length");
        text.clear();
        assert_eq!(text.as_str(), "");
        text.push_str("one ");
        text.room(6)[..3].copy_from_slice(b"two");
        text.advance(3);
        assert_eq!(text.as_str(), "one two");
        let long = "0123456789".repeat(1000);
        write!(text, " {long}").unwrap();
        assert_eq!(text.as_str(), format!("one two {long}"));
    }
}
