//! How a point of a map file turns its value into registers and back.

use crate::map::encoding::{Encoding, Value};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct OwnCodec {
    encoding: Encoding,
}

impl OwnCodec {
    /// Number of registers.
    pub(crate) fn registers(&self) -> u16 {
        self.encoding.registers()
    }
    /// Name of the type in documents.
    pub(crate) fn name(&self) -> &str {
        self.encoding.name()
    }
    /// Unit of the value per unit of the register.
    pub(crate) fn scale(&self) -> f64 {
        1.0
    }
    /// Whether it is a set of bits.
    pub(crate) fn is_bits(&self) -> bool {
        false
    }
    /// Writes `value` into `words`, which has [`Self::registers`] elements.
    pub(crate) fn encode(&self, value: Value<'_>, words: &mut [u16]) {
        self.encoding.encode(value, 0, words);
    }
    /// The number in `words` in the unit of the value; `None` for text and "not available".
    pub(crate) fn decode(&self, words: &[u16]) -> Option<f64> {
        self.encoding.decode(words, 0)
    }
}
