//! How a point of a map file turns its value into registers and back: the order of words and bytes
//! around its number, or its text.

use super::number::Number;
use crate::map::encoding::Value;

/// Which word stands in which register, and in which order its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// For each register the word that it holds; 0 is the highest.
    words: Vec<u8>,
    swaps_bytes: bool,
}

impl Order {
    /// Names of orders of two words, by their bytes from the highest on.
    pub(crate) const NAMES: [(&'static str, (bool, bool)); 4] = [
        ("ABCD", (false, false)),
        ("CDAB", (true, false)),
        ("BADC", (false, true)),
        ("DCBA", (true, true)),
    ];

    /// An order of `n` words: whether the lowest is first, and whether bytes are swapped.
    pub(crate) fn new(n: usize, low_first: bool, swaps_bytes: bool) -> Self {
        let mut words: Vec<u8> = (0..n as u8).collect();
        if low_first {
            words.reverse();
        }
        Self { words, swaps_bytes }
    }

    /// An order by the word that each register holds, which is a permutation.
    pub(crate) fn of_words(words: Vec<u8>) -> Self {
        Self { words, swaps_bytes: false }
    }

    /// Its name; nothing for the usual one.
    fn name(&self) -> String {
        let n = self.words.len();
        for (name, (low_first, swaps_bytes)) in Self::NAMES {
            if *self == Self::new(n, low_first, swaps_bytes) {
                let is_usual = !swaps_bytes && (n < 2 || !low_first);
                let name = if n < 2 { &name[..2] } else { name };
                return if is_usual { String::new() } else { format!(" {name}") };
            }
        }
        format!(" {:?}", self.words)
    }

    fn swap(&self, word: u16) -> u16 {
        if self.swaps_bytes { word.swap_bytes() } else { word }
    }
}

/// What the registers hold.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Number(Number),
    Text {
        registers: u16,
        /// The byte that fills up what the text leaves.
        pad: u8,
    },
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct OwnCodec {
    form: Form,
    order: Order,
    name: String,
    notes: String,
    is_bits: bool,
}

impl OwnCodec {
    /// A number, whose type has this name.
    pub(crate) fn number(number: Number, order: Order, name: &str) -> Self {
        let name = format!("{name}{}", order.name());
        Self { form: Form::Number(number), order, name, notes: String::new(), is_bits: false }
    }

    /// A text of this many registers, filled up with `pad`.
    pub(crate) fn text(registers: u16, pad: u8, swaps_bytes: bool) -> Self {
        let order = Order::new(1, false, swaps_bytes);
        let name = format!("text{}", order.name());
        let form = Form::Text { registers, pad };
        Self { form, order, name, notes: String::new(), is_bits: false }
    }

    /// The same as a set of bits.
    pub(crate) fn of_bits(self) -> Self {
        Self { is_bits: true, ..self }
    }

    /// The same with what people should know besides.
    pub(crate) fn with_notes(self, notes: String) -> Self {
        Self { notes, ..self }
    }

    /// Number of registers.
    pub(crate) fn registers(&self) -> u16 {
        match &self.form {
            Form::Number(_) => self.order.words.len() as u16,
            Form::Text { registers, .. } => *registers,
        }
    }
    /// Name of the type in documents.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
    /// What people should know besides.
    pub(crate) fn notes(&self) -> &str {
        &self.notes
    }
    /// Unit of the value per unit of the register.
    pub(crate) fn scale(&self) -> f64 {
        match &self.form {
            Form::Number(number) => number.scale.step(),
            Form::Text { .. } => 1.0,
        }
    }
    /// Whether it is a number, and no text.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self.form, Form::Number(_))
    }
    /// Smallest and largest value that it can show; `None` where it shows no quantity.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        match &self.form {
            Form::Number(number) if !self.is_bits => number.shown_range(),
            _ => None,
        }
    }
    /// Whether it is a set of bits.
    pub(crate) fn is_bits(&self) -> bool {
        self.is_bits
    }

    /// Writes `value` into `words`, which has [`Self::registers`] elements.
    pub(crate) fn encode(&self, value: Value<'_>, words: &mut [u16]) {
        match (&self.form, value) {
            (Form::Number(number), value) => self.spread(number.show(value), words),
            (Form::Text { pad, .. }, Value::Text(text)) => self.write_text(text, *pad, words),
            (Form::Text { pad, .. }, _) => self.write_text("", *pad, words),
        }
    }

    /// Writes bits into `words`.
    pub(crate) fn spread(&self, bits: u64, words: &mut [u16]) {
        let n = self.order.words.len();
        for (word, which) in words.iter_mut().zip(&self.order.words) {
            let shift = 16 * (n - 1 - usize::from(*which));
            *word = self.order.swap((bits >> shift) as u16);
        }
    }

    fn write_text(&self, text: &str, pad: u8, words: &mut [u16]) {
        let mut end = text.len().min(2 * words.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = text.as_bytes()[..end].iter().copied();
        for word in words {
            let pair = [bytes.next().unwrap_or(pad), bytes.next().unwrap_or(pad)];
            *word = self.order.swap(u16::from_be_bytes(pair));
        }
    }

    /// The text in `words`; `None` where they hold none.
    pub(crate) fn read_text(&self, words: &[u16]) -> Option<String> {
        let Form::Text { pad, .. } = self.form else { return None };
        let bytes = words.iter().flat_map(|word| self.order.swap(*word).to_be_bytes());
        let mut bytes: Vec<u8> = bytes.collect();
        let end = bytes.iter().rposition(|byte| *byte != pad).map_or(0, |last| last + 1);
        bytes.truncate(end);
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The bits in `words`; of a text none.
    pub(crate) fn gather(&self, words: &[u16]) -> u64 {
        if let Form::Text { .. } = self.form {
            return 0;
        }
        let n = self.order.words.len();
        let places = words.iter().zip(&self.order.words);
        places.fold(0, |bits, (word, which)| {
            bits | u64::from(self.order.swap(*word)) << (16 * (n - 1 - usize::from(*which)))
        })
    }

    /// The number in `words` in the unit of the value; `None` for text and "not available".
    pub(crate) fn decode(&self, words: &[u16]) -> Option<f64> {
        match &self.form {
            Form::Number(number) => number.read(self.gather(words)),
            Form::Text { .. } => None,
        }
    }
}
