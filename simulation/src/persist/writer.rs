//! Writes a tree as it is walked: no copy of the state is made but the bytes.

use ciborium_ll::{Encoder, Header};
use serde::Serialize;

/// CBOR under way.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

/// Memory takes all that it is given.
const TAKES_ALL: &str = "memory takes all that it is given";

impl Writer {
    /// Goes on behind what `bytes` holds.
    pub(crate) fn behind(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }
    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
    fn header(&mut self, header: Header) {
        Encoder::from(&mut self.bytes).push(header).expect(TAKES_ALL);
    }
    /// A map of `length` names, each with its item, follows.
    pub(crate) fn map(&mut self, length: usize) {
        self.header(Header::Map(Some(length)));
    }
    /// A list of `length` items follows.
    pub(crate) fn list(&mut self, length: usize) {
        self.header(Header::Array(Some(length)));
    }
    /// A name or a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.header(Header::Text(Some(text.len())));
        self.bytes.extend_from_slice(text.as_bytes());
    }
    /// Nothing.
    pub(crate) fn null(&mut self) {
        self.leaf(&());
    }
    /// A column of `length` bytes follows, by [`Writer::append`].
    pub(crate) fn column(&mut self, length: usize) {
        self.header(Header::Bytes(Some(length)));
        self.bytes.reserve(length);
    }
    /// A part of a column.
    pub(crate) fn append<const N: usize>(&mut self, part: impl Iterator<Item = [u8; N]>) {
        part.for_each(|bytes| self.bytes.extend_from_slice(&bytes));
    }
    /// Whatever serde can write.
    pub(crate) fn leaf(&mut self, leaf: &impl Serialize) {
        ciborium::into_writer(leaf, &mut self.bytes).expect(TAKES_ALL);
    }
}
