//! How a point of a map file turns its value into bits and back: type, scale, names, "not available",
//! what happens to a value that does not fit.

use crate::map::encoding::Value;

/// What the bits of a number mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unsigned,
    Signed,
    Float,
    /// Four bits for each decimal digit.
    Bcd,
}

/// `value = bits * scale + offset`, with one rounding where the scale or its inverse is whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    factor: f64,
    /// Whether it divides instead.
    divides: bool,
    offset: f64,
}

impl Scale {
    /// The value is the bits.
    pub(crate) const ONE: Self = Self { factor: 1.0, divides: false, offset: 0.0 };

    /// A scale, which is not 0, and an offset.
    pub(crate) fn new(scale: f64, offset: f64) -> Self {
        let inverse = 1.0 / scale;
        let is_whole = |number: f64| (number - number.round()).abs() <= 1e-12 * number.abs();
        if is_whole(inverse) && !is_whole(scale) {
            Self { factor: inverse.round(), divides: true, offset }
        } else if is_whole(scale) {
            Self { factor: scale.round(), divides: false, offset }
        } else {
            Self { factor: scale, divides: false, offset }
        }
    }

    fn is_one(self) -> bool {
        self == Self::ONE
    }

    /// What one step of the bits is worth.
    pub(crate) fn step(self) -> f64 {
        if self.divides { 1.0 / self.factor } else { self.factor }
    }

    /// The offset.
    pub(crate) fn offset(self) -> f64 {
        self.offset
    }

    fn value(self, raw: f64) -> f64 {
        let scaled = if self.divides { raw / self.factor } else { raw * self.factor };
        if self.offset == 0.0 { scaled } else { scaled + self.offset }
    }

    /// The bits, before they are rounded.
    pub(crate) fn raw(self, value: f64) -> f64 {
        let shifted = value - self.offset;
        if self.divides { shifted * self.factor } else { shifted / self.factor }
    }
}

/// Names of values in the numbers of the vendor.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Vocabulary {
    /// A value of the point with the bits that stand for it; the first ones are shown.
    pub(crate) words: Vec<(i64, Vec<u64>)>,
    /// What is shown of a value that has none.
    pub(crate) otherwise: Option<u64>,
}

impl Vocabulary {
    fn shown(&self, value: i64) -> Option<u64> {
        let known = self.words.iter().find(|(known, _)| *known == value);
        known.and_then(|(_, bits)| bits.first().copied()).or(self.otherwise)
    }
    fn meant(&self, bits: u64) -> Option<i64> {
        let known = self.words.iter().find(|(_, known)| known.contains(&bits));
        known.map(|(value, _)| *value)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) kind: Kind,
    /// Number of bits, 1 to 64.
    pub(crate) width: u32,
    pub(crate) scale: Scale,
    pub(crate) vocabulary: Option<Vocabulary>,
    /// The bits that say "not available"; a float without says it with NaN, others with 0.
    pub(crate) missing: Option<u64>,
    /// Smallest and largest value that are shown.
    pub(crate) limits: Option<(f64, f64)>,
    /// Whether the bits of a value that does not fit are cut, instead of the nearest one that does.
    pub(crate) wraps: bool,
    /// Whether the sign of the value is not shown.
    pub(crate) is_magnitude: bool,
}

impl Number {
    /// Plain bits.
    pub(crate) fn bits(width: u32) -> Self {
        Self {
            kind: Kind::Unsigned,
            width,
            scale: Scale::ONE,
            vocabulary: None,
            missing: None,
            limits: None,
            wraps: true,
            is_magnitude: false,
        }
    }

    /// All bits of it.
    pub(crate) fn mask(&self) -> u64 {
        u64::MAX >> (64 - self.width)
    }

    /// The bits that a type of this kind and width has for "not available" by convention: the lowest
    /// signed number, the highest unsigned one.
    pub(crate) fn extreme(kind: Kind, width: u32) -> u64 {
        match kind {
            Kind::Signed => 1 << (width - 1),
            Kind::Unsigned | Kind::Bcd => u64::MAX >> (64 - width),
            Kind::Float => nan(width),
        }
    }

    /// Smallest and largest number that the bits can be, before scaling.
    pub(crate) fn range(&self) -> (i128, i128) {
        match self.kind {
            Kind::Unsigned => (0, i128::from(self.mask())),
            Kind::Signed => (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1),
            Kind::Bcd => (0, 10i128.pow(self.width / 4) - 1),
            // Wider than anything that is scaled into it.
            Kind::Float if self.width == 32 => (-(1 << 126), 1 << 126),
            Kind::Float => (i128::MIN, i128::MAX),
        }
    }

    /// Smallest and largest value that are shown; `None` for named values, and for floats, which
    /// show any.
    pub(crate) fn shown_range(&self) -> Option<(f64, f64)> {
        if self.vocabulary.is_some() || self.kind == Kind::Float {
            return None;
        }
        let (low, high) = self.range();
        let (low, high) = (self.scale.value(low as f64), self.scale.value(high as f64));
        Some(if low <= high { (low, high) } else { (high, low) })
    }

    fn missing_bits(&self) -> u64 {
        match (self.missing, self.kind) {
            (Some(bits), _) => bits,
            (None, Kind::Float) => nan(self.width),
            (None, _) => 0,
        }
    }

    /// The bits that show `value`.
    pub(crate) fn show(&self, value: Value<'_>) -> u64 {
        let number = match value {
            Value::Bits(bits) => return bits & self.mask(),
            Value::Missing | Value::Text(_) | Value::Tagged(..) => {
                return self.missing_bits();
            }
            Value::Number(number) if number.is_nan() => return self.missing_bits(),
            Value::Raw(raw) if self.shows_whole_numbers_as_they_are() => {
                return self.fit(raw.into());
            }
            Value::Raw(raw) => raw as f64,
            Value::Number(number) => number,
        };
        if let Some(vocabulary) = &self.vocabulary {
            let shown = vocabulary.shown(number as i64);
            return shown.map_or(self.missing_bits(), |bits| bits & self.mask());
        }
        let number = if self.is_magnitude { number.abs() } else { number };
        let number = self.limits.map_or(number, |(low, high)| number.clamp(low, high));
        let raw = self.scale.raw(number);
        match self.kind {
            Kind::Float if self.width == 32 => u64::from((raw as f32).to_bits()),
            Kind::Float => raw.to_bits(),
            _ => self.fit(raw.round() as i128),
        }
    }

    /// A number of 64 bits has digits that a float has not.
    fn shows_whole_numbers_as_they_are(&self) -> bool {
        self.scale.is_one()
            && self.kind != Kind::Float
            && self.vocabulary.is_none()
            && self.limits.is_none()
            && !self.is_magnitude
    }

    fn fit(&self, raw: i128) -> u64 {
        let (low, high) = self.range();
        let fitting = match (self.wraps, self.kind) {
            (false, _) => raw.clamp(low, high),
            (true, Kind::Bcd) => raw.rem_euclid(high + 1),
            (true, _) => raw,
        };
        let bits = self.pattern(fitting);
        if self.missing != Some(bits) {
            return bits;
        }
        // A value that there is does not read as one that there is not.
        self.pattern(if fitting > 0 { fitting - 1 } else { fitting + 1 })
    }

    fn pattern(&self, number: i128) -> u64 {
        match self.kind {
            Kind::Bcd => (0..self.width / 4).fold(0, |bits, digit| {
                let decimal = number / 10i128.pow(digit) % 10;
                bits | (decimal as u64) << (4 * digit)
            }),
            _ => number as u64 & self.mask(),
        }
    }

    /// The value that `bits` hold; `None` for "not available", and for what is no value of the type.
    pub(crate) fn read(&self, bits: u64) -> Option<f64> {
        if self.missing == Some(bits) {
            return None;
        }
        if let Some(vocabulary) = &self.vocabulary {
            return vocabulary.meant(bits).map(|value| value as f64);
        }
        let raw = match self.kind {
            Kind::Unsigned => bits as f64,
            Kind::Signed => {
                let shift = 64 - self.width;
                ((bits << shift) as i64 >> shift) as f64
            }
            Kind::Float if self.width == 32 => f64::from(f32::from_bits(bits as u32)),
            Kind::Float => f64::from_bits(bits),
            Kind::Bcd => {
                let digits = (0..self.width / 4).rev().map(|digit| bits >> (4 * digit) & 0xF);
                digits.into_iter().try_fold(0.0, |number, digit| {
                    (digit < 10).then_some(10.0 * number + digit as f64)
                })?
            }
        };
        let value = self.scale.value(raw);
        value.is_finite().then_some(value)
    }
}

fn nan(width: u32) -> u64 {
    if width == 32 { f32::NAN.to_bits().into() } else { f64::NAN.to_bits() }
}
