//! How a field turns its value into registers and back: a plain type of SunSpec with a power of ten, or
//! what a map file says.

use super::encoding::{Encoding, Form, Value};
use super::user::OwnCodec;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) enum Codec {
    /// The register is the value over 10^`exponent`.
    Plain { encoding: Encoding, exponent: i8, form: Form },
    /// As a map file says.
    Own(Arc<OwnCodec>),
}

impl Codec {
    /// A plain type with a power of ten.
    pub(crate) const fn plain(encoding: Encoding, exponent: i8) -> Self {
        Self::Plain { encoding, exponent, form: encoding.form(exponent) }
    }

    /// Number of registers.
    #[inline]
    pub(crate) fn registers(&self) -> u16 {
        match self {
            Self::Plain { form, .. } => form.registers,
            Self::Own(own) => own.registers(),
        }
    }

    /// Name of the type in documents.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Plain { encoding, .. } => encoding.name(),
            Self::Own(own) => own.name(),
        }
    }

    /// What people should know besides.
    pub(crate) fn notes(&self) -> &str {
        match self {
            Self::Plain { .. } => "",
            Self::Own(own) => own.notes(),
        }
    }

    /// Unit of the value per unit of the register.
    pub(crate) fn scale(&self) -> f64 {
        match self {
            Self::Plain { exponent, .. } => 10f64.powi(i32::from(*exponent)),
            Self::Own(own) => own.scale(),
        }
    }

    /// Whether the field is a set of bits.
    pub(crate) fn is_bits(&self) -> bool {
        match self {
            Self::Plain { encoding, .. } => matches!(encoding, Encoding::Bits16 | Encoding::Bits32),
            Self::Own(own) => own.is_bits(),
        }
    }

    /// Whether it holds one number in several words, whose order may be another.
    pub(crate) fn is_number(&self) -> bool {
        match self {
            Self::Plain { encoding, .. } => !matches!(encoding, Encoding::Text(_)),
            Self::Own(own) => own.is_number(),
        }
    }

    /// Smallest and largest value that it can show; `None` where it shows no quantity.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        match self {
            Self::Plain { encoding, exponent, .. } => encoding.range(*exponent),
            Self::Own(own) => own.range(),
        }
    }

    /// Writes `value` into `words`, which has [`Self::registers`] elements.
    #[inline]
    pub(crate) fn encode(&self, value: Value<'_>, words: &mut [u16]) {
        match self {
            Self::Plain { form, .. } => form.encode(value, words),
            Self::Own(own) => own.encode(value, words),
        }
    }

    /// The text in `words`; `None` where they hold none.
    pub(crate) fn text(&self, words: &[u16]) -> Option<String> {
        match self {
            Self::Plain { encoding: Encoding::Text(_), .. } => {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
                let text = String::from_utf8_lossy(&bytes);
                Some(text.trim_end_matches('\0').to_owned())
            }
            Self::Plain { .. } => None,
            Self::Own(own) => own.read_text(words),
        }
    }

    /// The number in `words` in the unit of the value; `None` for text and "not available".
    pub(crate) fn decode(&self, words: &[u16]) -> Option<f64> {
        match self {
            Self::Plain { encoding, exponent, .. } => encoding.decode(words, *exponent),
            Self::Own(own) => own.decode(words),
        }
    }
}
