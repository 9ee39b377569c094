//! How a value becomes registers and back: types, "not available", scaling and saturation.
//!
//! Big endian, high word first. A number that does not fit saturates at the last value that is not
//! the type's "not available" word; a NaN becomes that word. Nothing here knows a register's meaning.

/// Type of a register or of a run of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    U16,
    I16,
    Enum16,
    Bits16,
    U32,
    I32,
    Bits32,
    U64,
    I64,
    /// A total of 32 bits that begins again at 0 after its last value; 0 is also "not available".
    Acc32,
    /// The same of 64 bits.
    Acc64,
    /// A power of ten, -10 to 10.
    ScaleFactor,
    /// A filler.
    Pad,
    /// Text of this many registers, filled up with NUL.
    Text(u16),
}

/// What is to be encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'v> {
    /// Not available.
    Missing,
    /// A quantity in the unit of the register, still to be scaled.
    Number(f64),
    /// A whole number that goes into the register as it is: an enum, bits, a counter.
    Raw(i64),
    /// Bits that go into the register as they are, whatever its type: what was written to it.
    Bits(u64),
    /// Text.
    Text(&'v str),
    /// Text, what follows it, and a number after that where there is one.
    Tagged(&'v str, &'static str, Option<u32>),
}

impl Encoding {
    /// Number of registers.
    pub(crate) const fn registers(self) -> u16 {
        match self {
            Self::U16 | Self::I16 | Self::Enum16 | Self::Bits16 | Self::ScaleFactor | Self::Pad => {
                1
            }
            Self::U32 | Self::I32 | Self::Bits32 | Self::Acc32 => 2,
            Self::U64 | Self::I64 | Self::Acc64 => 4,
            Self::Text(registers) => registers,
        }
    }

    /// Name in documents, as SunSpec writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::Enum16 => "enum16",
            Self::Bits16 => "bitfield16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::Bits32 => "bitfield32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::Acc32 => "acc32",
            Self::Acc64 => "acc64",
            Self::ScaleFactor => "sunssf",
            Self::Pad => "pad",
            Self::Text(_) => "string",
        }
    }

    const fn is_signed(self) -> bool {
        matches!(self, Self::I16 | Self::I32 | Self::I64 | Self::ScaleFactor | Self::Pad)
    }

    /// The bits that say "not available"; text says it with NUL.
    pub(crate) const fn missing(self) -> u64 {
        match self {
            Self::Text(_) | Self::Acc32 | Self::Acc64 => 0,
            _ if self.is_signed() => 1 << (16 * self.registers() - 1),
            _ => u64::MAX >> (64 - 16 * self.registers()),
        }
    }

    /// The type at a scale, worked out once: reading a register is done far more often.
    pub(crate) const fn form(self, exponent: i8) -> Form {
        Form {
            registers: self.registers(),
            kind: match self {
                Self::Text(_) => Kind::Text,
                Self::Acc32 | Self::Acc64 => Kind::Total,
                _ if self.is_signed() => Kind::Signed,
                _ => Kind::Unsigned,
            },
            missing: self.missing(),
            is_over: exponent > 0,
            power: power_of_ten(exponent.unsigned_abs()),
        }
    }

    /// Writes `value` into `words`, which has [`Self::registers`] elements.
    pub(crate) fn encode(self, value: Value<'_>, exponent: i8, words: &mut [u16]) {
        self.form(exponent).encode(value, words);
    }

    /// The number in `words` in the unit of the register; `None` for text and "not available".
    pub(crate) fn decode(self, words: &[u16], exponent: i8) -> Option<f64> {
        if matches!(self, Self::Text(_)) {
            return None;
        }
        let bits = join(words);
        if bits == self.missing() {
            return None;
        }
        let raw = if self.is_signed() {
            let shift = 64 - 16 * u32::from(self.registers());
            ((bits << shift) as i64 >> shift) as f64
        } else {
            bits as f64
        };
        Some(scale(raw, exponent))
    }

    /// Smallest and largest number, in the unit of the register; `None` for text, bits and fillers.
    pub(crate) fn range(self, exponent: i8) -> Option<(f64, f64)> {
        if matches!(self, Self::Text(_) | Self::Pad | Self::Bits16 | Self::Bits32) {
            return None;
        }
        let max = match self {
            // Every word counts: only 0 may also mean "not available".
            Self::Acc32 | Self::Acc64 => u64::MAX >> (64 - 16 * self.registers()),
            _ => self.missing() - 1,
        };
        let max = max as f64;
        Some((scale(if self.is_signed() { -max } else { 0.0 }, exponent), scale(max, exponent)))
    }

    /// The words of a counter as a number; no word of it means "not available".
    pub(crate) fn count(words: &[u16]) -> f64 {
        join(words) as f64
    }
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Signed,
    Unsigned,
    /// A total, which begins again after its last value.
    Total,
    Text,
}

/// A type at a scale: see [`Encoding::form`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Form {
    /// Number of registers.
    pub(crate) registers: u16,
    kind: Kind,
    /// The bits that say "not available".
    missing: u64,
    /// Whether a number is divided by `power`, or else multiplied with it: with one rounding.
    is_over: bool,
    power: f64,
}

impl Form {
    /// The bits of `number` in units of the scale.
    #[inline]
    fn number_bits(&self, number: f64) -> u64 {
        if number.is_nan() {
            return self.missing;
        }
        let scaled = if self.is_over { number / self.power } else { number * self.power };
        // Conversions saturate; the bounds keep clear of the word that means "not available".
        if self.kind == Kind::Signed {
            let max = (self.missing - 1) as i64;
            return round(scaled).clamp(-max, max) as u64;
        }
        let whole = if scaled < WHOLE_FROM { round(scaled).max(0) as u64 } else { scaled as u64 };
        match self.kind {
            // What does not fit is cut off where the words are written: it has begun again.
            Kind::Total => whole,
            _ => whole.min(self.missing - 1),
        }
    }

    /// Writes `value` into `words`, which has as many elements as there are registers.
    #[inline]
    pub(crate) fn encode(&self, value: Value<'_>, words: &mut [u16]) {
        if self.kind == Kind::Text {
            return encode_text(value, words);
        }
        let bits = match value {
            Value::Number(number) => self.number_bits(number),
            Value::Raw(raw) => raw as u64,
            Value::Bits(bits) => bits,
            Value::Missing | Value::Text(_) | Value::Tagged(..) => self.missing,
        };
        match words {
            [word] => *word = bits as u16,
            [high, low] => (*high, *low) = ((bits >> 16) as u16, bits as u16),
            words => {
                for (index, word) in words.iter_mut().rev().enumerate() {
                    *word = (bits >> (16 * index)) as u16;
                }
            }
        }
    }
}

fn join(words: &[u16]) -> u64 {
    let word = |bits, word: &u16| bits << 16 | u64::from(*word);
    words.iter().fold(0, word)
}

/// `raw` times 10^`exponent`, with one rounding.
fn scale(raw: f64, exponent: i8) -> f64 {
    let power = power_of_ten(exponent.unsigned_abs());
    if exponent < 0 { raw / power } else { raw * power }
}

const fn power_of_ten(exponent: u8) -> f64 {
    // Powers of ten up to 10^22 are exact, so repeated products are too.
    let (mut power, mut n) = (1.0, 0);
    while n < exponent {
        (power, n) = (power * 10.0, n + 1);
    }
    power
}

/// From here on every number is whole: 2^52.
const WHOLE_FROM: f64 = 4_503_599_627_370_496.0;

/// The nearest whole number, halves away from zero, saturated: what `f64::round` gives, without its call
/// into the mathematical library on processors of the baseline.
fn round(number: f64) -> i64 {
    let whole = number as i64;
    if number.abs() >= WHOLE_FROM {
        return whole;
    }
    let rest = number - whole as f64;
    whole + i64::from(rest >= 0.5) - i64::from(rest <= -0.5)
}

/// Writes a text, filled up with NUL; what is no text leaves none.
fn encode_text(value: Value<'_>, words: &mut [u16]) {
    match value {
        Value::Text(text) => write_text(text, words),
        Value::Tagged(text, tag, number) => {
            let number = number.map(|number| number.to_string()).unwrap_or_default();
            write_text(&format!("{text}{tag}{number}"), words);
        }
        Value::Missing | Value::Number(_) | Value::Raw(_) | Value::Bits(_) => words.fill(0),
    }
}

fn write_text(text: &str, words: &mut [u16]) {
    let mut end = text.len().min(2 * words.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut bytes = text.as_bytes()[..end].iter().copied();
    for word in words {
        *word = u16::from_be_bytes([bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)]);
    }
}

/// The smallest scale factor at which 1.25 times `rating` fits into 15 bits, as the exponent of ten;
/// static for a device, so that a reader may keep it.
pub(crate) fn scale_factor_for(rating: f64) -> i8 {
    const EXPONENTS: std::ops::RangeInclusive<i8> = -10..=10;
    EXPONENTS
        .clone()
        .find(|exponent| 1.25 * rating.abs() <= scale(32_767.0, *exponent))
        .unwrap_or(*EXPONENTS.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(encoding: Encoding, value: Value<'_>, exponent: i8) -> Vec<u16> {
        let mut words = vec![0xAAAA; usize::from(encoding.registers())];
        encoding.encode(value, exponent, &mut words);
        words
    }

    proptest! {
        #[test]
        fn whole_numbers_are_those_of_the_standard_library(
            number in prop_oneof![any::<f64>(), -1e6..1e6f64, (-1_000i32..1_000).prop_map(|n| f64::from(n) / 2.0)],
        ) {
            // A NaN is told before.
            prop_assume!(!number.is_nan());
            prop_assert_eq!(round(number), number.round() as i64);
        }
    }

    #[test]
    fn halves_are_rounded_away_from_zero_and_what_is_just_below_is_not() {
        let below = 0.5f64.next_down();
        let numbers = [0.5, -0.5, below, -below, 2.5, f64::INFINITY, -1e300, WHOLE_FROM + 1.0];
        for number in numbers {
            assert_eq!(round(number), number.round() as i64, "{number}");
        }
    }

    #[test]
    fn a_value_that_is_not_available_is_the_word_of_its_type() {
        for (encoding, words) in [
            (Encoding::I16, &[0x8000][..]),
            (Encoding::U16, &[0xFFFF]),
            (Encoding::Enum16, &[0xFFFF]),
            (Encoding::Bits16, &[0xFFFF]),
            (Encoding::ScaleFactor, &[0x8000]),
            (Encoding::Pad, &[0x8000]),
            (Encoding::I32, &[0x8000, 0]),
            (Encoding::U32, &[0xFFFF, 0xFFFF]),
            (Encoding::Bits32, &[0xFFFF, 0xFFFF]),
            (Encoding::I64, &[0x8000, 0, 0, 0]),
            (Encoding::U64, &[0xFFFF; 4]),
            (Encoding::Acc32, &[0, 0]),
            (Encoding::Acc64, &[0; 4]),
            (Encoding::Text(2), &[0, 0]),
        ] {
            assert_eq!(encode(encoding, Value::Missing, 0), words, "{encoding:?}");
            assert_eq!(encoding.decode(words, 0), None, "{encoding:?}");
            let nan = encode(encoding, Value::Number(f64::NAN), 0);
            assert_eq!(nan, words, "NaN as {encoding:?}");
        }
    }

    #[test]
    fn a_number_that_does_not_fit_saturates_and_is_never_the_missing_word() {
        for (encoding, number, words) in [
            (Encoding::I16, 1e9, &[0x7FFF][..]),
            (Encoding::I16, -1e9, &[0x8001]),
            (Encoding::U16, 65_535.0, &[0xFFFE]),
            (Encoding::U16, -5.0, &[0]),
            (Encoding::I32, f64::NEG_INFINITY, &[0x8000, 1]),
            (Encoding::U32, f64::INFINITY, &[0xFFFF, 0xFFFE]),
            (Encoding::U64, 1e30, &[0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE]),
            (Encoding::I64, -1e30, &[0x8000, 0, 0, 1]),
        ] {
            assert_eq!(
                encode(encoding, Value::Number(number), 0),
                words,
                "{number} as {encoding:?}"
            );
        }
    }

    #[test]
    fn a_total_begins_again_after_its_last_value() {
        for (number, words) in [
            (4_294_967_295.0, [0xFFFF, 0xFFFF]),
            (4_294_967_296.0, [0, 0]),
            (4_294_967_298.4, [0, 2]),
            (-3.0, [0, 0]),
        ] {
            assert_eq!(encode(Encoding::Acc32, Value::Number(number), 0), words, "{number}");
        }
        assert_eq!(encode(Encoding::Acc64, Value::Number(1e13), 3), [0, 2, 0x540B, 0xE400]);
    }

    #[test]
    fn a_tagged_text_ends_with_its_tag_and_number() {
        let text = |value| {
            let words = encode(Encoding::Text(6), value, 0);
            String::from_utf8(words.iter().flat_map(|word| word.to_be_bytes()).collect()).unwrap()
        };
        assert_eq!(text(Value::Tagged("unit", "-rack-", Some(12))), "unit-rack-12");
        assert_eq!(text(Value::Tagged("unit", "-bms", None)), "unit-bms\0\0\0\0");
    }

    #[test]
    fn words_are_big_endian_with_the_high_word_first() {
        assert_eq!(encode(Encoding::I32, Value::Number(-2.0), 0), [0xFFFF, 0xFFFE]);
        assert_eq!(encode(Encoding::U32, Value::Raw(0x0102_0304), 0), [0x0102, 0x0304]);
        assert_eq!(encode(Encoding::Text(3), Value::Text("abc"), 0), [0x6162, 0x6300, 0]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(encode(Encoding::Text(1), Value::Text("a\u{e9}"), 0), [0x6100]);
    }

    #[test]
    fn what_was_encoded_decodes_to_the_nearest_step() {
        for (number, exponent) in [(50.012, -3), (-1_234_500.0, 2), (0.0, 0), (99.995, -2)] {
            let words = encode(Encoding::I32, Value::Number(number), exponent);
            let back = Encoding::I32.decode(&words, exponent).unwrap();
            assert!((back - number).abs() <= 0.5 * scale(1.0, exponent), "{number}: {back}");
        }
    }

    #[test]
    fn a_total_reaches_to_the_last_value_of_its_registers() {
        assert_eq!(Encoding::Acc32.range(0), Some((0.0, f64::from(u32::MAX))));
        assert_eq!(Encoding::Acc64.range(0), Some((0.0, u64::MAX as f64)));
        assert_eq!(Encoding::U16.range(0), Some((0.0, 65_534.0)));
        assert_eq!(Encoding::I16.range(0), Some((-32_767.0, 32_767.0)));
    }

    #[test]
    fn the_scale_factor_leaves_a_quarter_of_headroom() {
        // Watts, a line voltage, and energies in watt-hours.
        for (rating, exponent) in [(1e6, 2), (100e6, 4), (2e6, 2), (1e9, 5), (690.0, -1)] {
            assert_eq!(scale_factor_for(rating), exponent, "{rating}");
        }
    }
}
