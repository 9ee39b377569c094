//! Types, scales, units and the numbers of vendors.

use super::super::codec::Order;
use super::super::number::{Kind as NumberKind, Number, Scale, Vocabulary};
use super::FaceReader;
use super::value::Bound;
use crate::map::points::Kind;
use bess_core::config::{Bounds, Literal, Section, Shape, did_you_mean};

/// A type of map files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) name: &'static str,
    pub(super) kind: NumberKind,
    /// Bits that hold the number.
    pub(super) width: u32,
    /// Registers; 0 for a part of one.
    pub(super) registers: usize,
}

impl Type {
    const fn new(name: &'static str, kind: NumberKind, width: u32, registers: usize) -> Self {
        Self { name, kind, width, registers }
    }

    /// One bit.
    pub(super) const BIT: Self = Self::new("bit", NumberKind::Unsigned, 1, 0);
    /// A whole word.
    pub(super) const WORD: Self = Self::new("u16", NumberKind::Unsigned, 16, 1);

    /// Every type by its name in map files.
    pub(super) const ALL: [(&'static str, Self); 16] = {
        use NumberKind::{Bcd, Float, Signed, Unsigned};
        [
            ("bit", Self::BIT),
            ("bool", Self::BIT),
            ("u8", Self::new("u8", Unsigned, 8, 0)),
            ("i8", Self::new("i8", Signed, 8, 0)),
            ("u16", Self::WORD),
            ("i16", Self::new("i16", Signed, 16, 1)),
            ("u32", Self::new("u32", Unsigned, 32, 2)),
            ("i32", Self::new("i32", Signed, 32, 2)),
            ("u64", Self::new("u64", Unsigned, 64, 4)),
            ("i64", Self::new("i64", Signed, 64, 4)),
            ("f32", Self::new("f32", Float, 32, 2)),
            ("f64", Self::new("f64", Float, 64, 4)),
            ("bcd16", Self::new("bcd16", Bcd, 16, 1)),
            ("bcd32", Self::new("bcd32", Bcd, 32, 2)),
            ("sunssf", Self::new("sunssf", Signed, 16, 1)),
            ("ip", Self::new("ip", Unsigned, 32, 2)),
        ]
    };
}

/// A unit that a file may count in: its name, the unit of points, what one of it is worth there, and
/// where its 0 is.
const UNITS: &[(&str, &str, f64, f64)] = &[
    ("W", "W", 1.0, 0.0),
    ("kW", "W", 1e3, 0.0),
    ("MW", "W", 1e6, 0.0),
    ("var", "var", 1.0, 0.0),
    ("kvar", "var", 1e3, 0.0),
    ("Mvar", "var", 1e6, 0.0),
    ("VA", "VA", 1.0, 0.0),
    ("kVA", "VA", 1e3, 0.0),
    ("MVA", "VA", 1e6, 0.0),
    ("Wh", "Wh", 1.0, 0.0),
    ("kWh", "Wh", 1e3, 0.0),
    ("MWh", "Wh", 1e6, 0.0),
    ("J", "Wh", 1.0 / 3_600.0, 0.0),
    ("kJ", "Wh", 1e3 / 3_600.0, 0.0),
    ("V", "V", 1.0, 0.0),
    ("mV", "V", 1e-3, 0.0),
    ("kV", "V", 1e3, 0.0),
    ("A", "A", 1.0, 0.0),
    ("mA", "A", 1e-3, 0.0),
    ("kA", "A", 1e3, 0.0),
    ("Ah", "Ah", 1.0, 0.0),
    ("Hz", "Hz", 1.0, 0.0),
    ("mHz", "Hz", 1e-3, 0.0),
    ("degC", "degC", 1.0, 0.0),
    ("K", "degC", 1.0, -273.15),
    ("degF", "degC", 5.0 / 9.0, -160.0 / 9.0),
    ("ohm", "ohm", 1.0, 0.0),
    ("kohm", "ohm", 1e3, 0.0),
    ("s", "s", 1.0, 0.0),
    ("ms", "s", 1e-3, 0.0),
    ("min", "s", 60.0, 0.0),
    ("h", "s", 3_600.0, 0.0),
    ("%", "%", 1.0, 0.0),
    ("permille", "%", 0.1, 0.0),
    ("1", "%", 100.0, 0.0),
    ("%/s", "%/s", 1.0, 0.0),
    ("%/min", "%/s", 1.0 / 60.0, 0.0),
    ("l", "l", 1.0, 0.0),
];

/// How a file counts a value: its unit in those of the point, and the scale of the register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counting {
    factor: f64,
    zero: f64,
    scale: Scale,
}

impl Counting {
    /// A number of the file in the unit of the point.
    pub(super) fn value(self, of_file: f64) -> f64 {
        of_file * self.factor + self.zero
    }
}

impl FaceReader<'_> {
    /// The type of a register, or `default` where a table has one by itself.
    pub(super) fn number_type(
        &self,
        section: &Section<'_, '_>,
        default: Option<Type>,
    ) -> Option<Type> {
        if !section.has("type") {
            if default.is_none() {
                // Tells that it is missing.
                let _ = section.text("type");
            }
            return default;
        }
        let unknown = Type::new("", NumberKind::Unsigned, 1, 0);
        let found = section.choice_or("type", unknown, &Type::ALL);
        (found != unknown).then_some(found)
    }

    /// How the file counts the value.
    pub(super) fn counting(&self, section: &Section<'_, '_>, bound: &Bound) -> Counting {
        let (factor, zero) = unit(section, bound);
        let any = Bounds::within(-1e30, 1e30);
        let mut scale = section.f64_or("scale", 1.0, any);
        if scale == 0.0 {
            let message = format!("`{}` must not be 0", section.name("scale"));
            let hint = "the value is the register times this".to_owned();
            section.report(section.span_of("scale"), message, Some(hint));
            scale = 1.0;
        }
        if section.has("fix") {
            if section.has("scale") {
                let message = "write `scale` or `fix`, not both".to_owned();
                section.report(section.span_of("fix"), message, None);
            }
            let decimals = section.integer("fix", 0, 9) as i32;
            scale = 1.0 / 10f64.powi(decimals);
        }
        let offset = section.f64_or("offset", 0.0, any);
        let is_scaled = section.has("scale") || section.has("fix") || section.has("offset");
        let counts = matches!(bound.kind, Kind::Quantity | Kind::Counter);
        if is_scaled && !counts {
            let key = if section.has("offset") { "offset" } else { "scale" };
            let key = if section.has("fix") { "fix" } else { key };
            let message = format!("`{key}` is for quantities; `{}` is none", bound.label);
            let hint = "numbers of named values are given by `enum`".to_owned();
            section.report(section.span_of(key), message, Some(hint));
        }
        Counting { factor, zero, scale: Scale::new(scale * factor, offset * factor + zero) }
    }

    /// The number of a register of this type.
    pub(super) fn number(
        &self,
        section: &Section<'_, '_>,
        of: Type,
        bound: &Bound,
        counting: Counting,
        has_extreme: bool,
    ) -> Number {
        let wraps = matches!(bound.kind, Kind::Counter | Kind::Bits);
        let mut number = Number {
            scale: counting.scale,
            wraps: !section.bool_or("saturate", !wraps),
            kind: of.kind,
            is_magnitude: section.bool_or("magnitude", false),
            ..Number::bits(of.width)
        };
        number.missing = missing(section, of, has_extreme);
        number.limits = self.span_of_values(section, "limits", &number, counting);
        number
    }

    /// Two values of the file, the smaller one first, in the unit of the point.
    pub(super) fn span_of_values(
        &self,
        section: &Section<'_, '_>,
        key: &'static str,
        number: &Number,
        counting: Counting,
    ) -> Option<(f64, f64)> {
        if !section.has(key) {
            return None;
        }
        let ends = section.numbers(key, Bounds::within(-1e30, 1e30));
        let [low, high] = ends[..] else {
            let message = format!("`{}` must be two numbers, as in [0, 100]", section.name(key));
            section.report(section.span_of(key), message, None);
            return None;
        };
        if low > high {
            let message = format!("`{}` begins above its end: {low} and {high}", section.name(key));
            section.report(section.span_of(key), message, None);
            return None;
        }
        let (from, to) = number.range();
        for end in [low, high] {
            let raw = number.scale.raw(counting.value(end)).round();
            if raw < from as f64 || raw > to as f64 {
                let ends = [from, to].map(|raw| (raw as f64) * counting.scale_of_file());
                let [least, most] = if ends[0] <= ends[1] { ends } else { [ends[1], ends[0]] };
                let message = format!(
                    "`{}` goes to {end}, which the type cannot hold: it goes from {least} to {most}",
                    section.name(key)
                );
                section.report(section.span_of(key), message, None);
                return None;
            }
        }
        let (low, high) = (counting.value(low), counting.value(high));
        Some(if low <= high { (low, high) } else { (high, low) })
    }

    /// The order of the words of a number of this many registers.
    pub(super) fn order(&self, section: &Section<'_, '_>, registers: usize) -> Order {
        let (low_first, swaps_bytes) = self.options.word_order;
        let own = Order::new(registers, low_first && registers > 1, swaps_bytes && registers > 1);
        match section.shape("word_order") {
            Shape::Absent => own,
            Shape::Array => {
                let words = section.integers("word_order", 0, 3);
                let words: Vec<u8> = words.into_iter().map(|(word, _)| word as u8).collect();
                let mut sorted = words.clone();
                sorted.sort_unstable();
                if sorted.iter().copied().eq(0..registers as u8) {
                    return Order::of_words(words);
                }
                let message = format!(
                    "`word_order` must have each word from 0 to {} once; 0 is the highest",
                    registers.saturating_sub(1)
                );
                section.report(section.span_of("word_order"), message, None);
                own
            }
            _ => {
                let name = section.text("word_order");
                let pair = [("AB", (false, false)), ("BA", (false, true))];
                let known = if registers > 1 { &Order::NAMES[..] } else { &pair[..] };
                match known.iter().find(|(known, _)| *known == name) {
                    Some((_, (low_first, swaps_bytes))) => {
                        Order::new(registers, *low_first, *swaps_bytes)
                    }
                    None => {
                        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                        let message = format!(
                            "`word_order` of {registers} registers must be one of {}, got \"{name}\"",
                            names.join(", ")
                        );
                        let hint = did_you_mean(&name, &names);
                        section.report(section.span_of("word_order"), message, hint);
                        own
                    }
                }
            }
        }
    }

    /// The numbers that the vendor gives to named values, with their names for documents.
    pub(super) fn vocabulary(
        &self,
        section: &Section<'_, '_>,
        bound: &Bound,
        number: &Number,
        (is_read, is_written): (bool, bool),
    ) -> Option<(Vocabulary, Vec<(String, u32)>)> {
        let (from, to) = number.range();
        let (from, to) = (clamped(from), clamped(to));
        let otherwise = section
            .has("otherwise")
            .then(|| section.signed_or("otherwise", 0, from, to) as u64 & number.mask());
        if section.shape("enum") == Shape::Absent {
            if otherwise.is_some() {
                let message = "`otherwise` is for what `enum` leaves out; there is none".to_owned();
                section.report(section.span_of("otherwise"), message, None);
            }
            return None;
        }
        let is_own = bound.point.is_none();
        if !is_own && !matches!(bound.kind, Kind::Enum | Kind::Switch) {
            let message = format!("`{}` has no named values: it is no enum", bound.label);
            section.report(section.span_of("enum"), message, None);
            return None;
        }
        let mut vocabulary = Vocabulary { words: Vec::new(), otherwise };
        let (mut names, mut symbols) = (Vec::new(), Vec::new());
        for (name, raws, span) in section.named_integer_lists("enum", from, to) {
            let raws: Vec<u64> = raws.into_iter().map(|raw| raw as u64 & number.mask()).collect();
            let Some(first) = raws.first().copied() else {
                let message = format!("`enum.{name}` needs a number");
                section.report(span, message, None);
                continue;
            };
            let taken = raws.iter().enumerate().find(|(at, raw)| {
                let words: &[(i64, Vec<u64>)] = &vocabulary.words;
                let before = words.iter().any(|(_, known)| known.contains(raw));
                raws[..*at].contains(raw) || before && is_written
            });
            if let Some((_, raw)) = taken {
                let message =
                    format!("`enum` has the number {raw} twice: a write of it would be unclear");
                let hint = "what only reads so may be left to `otherwise`".to_owned();
                section.report(span.clone(), message, Some(hint));
            }
            let known = bound.names.iter().find(|(known, _)| *known == name);
            let value = match known {
                Some((_, value)) => i64::from(*value),
                None if is_own => first as i64,
                None => {
                    let known: Vec<&str> = bound.names.iter().map(|(n, _)| n.as_str()).collect();
                    let message = format!("`{}` has no value called \"{name}\"", bound.label);
                    let hint = did_you_mean(&name, &known)
                        .unwrap_or_else(|| format!("it has {}", known.join(", ")));
                    section.report(span, message, Some(hint));
                    continue;
                }
            };
            symbols.extend(raws.iter().map(|raw| (name.clone(), *raw as u32)));
            vocabulary.words.push((value, raws));
            names.push(name);
        }
        let left_out = bound.names.iter().map(|(name, _)| name);
        let left_out: Vec<&str> =
            left_out.filter(|name| !names.contains(name)).map(String::as_str).collect();
        if is_read && !is_own && otherwise.is_none() && !left_out.is_empty() && section.is_clean() {
            let message = format!("`enum` has no number for {}", left_out.join(", "));
            let hint = "add them, or `otherwise = ...` for what reads like nothing else".to_owned();
            section.report(section.span_of("enum"), message, Some(hint));
        }
        Some((vocabulary, symbols))
    }
}

impl Counting {
    /// What a step of the register is in the unit of the file.
    fn scale_of_file(self) -> f64 {
        self.scale.step() / self.factor
    }
}

fn clamped(number: i128) -> i64 {
    number.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// The unit of the file in that of the point, and where its 0 is.
fn unit(section: &Section<'_, '_>, bound: &Bound) -> (f64, f64) {
    if !section.has("unit") {
        return (1.0, 0.0);
    }
    let name = section.text("unit");
    let fitting = UNITS.iter().filter(|(_, of, ..)| *of == bound.unit);
    // A value of nobody else counts in what its map says.
    if bound.point.is_none() {
        return (1.0, 0.0);
    }
    if let Some((_, _, factor, zero)) = fitting.clone().find(|(known, ..)| *known == name) {
        return (*factor, *zero);
    }
    let names: Vec<&str> = fitting.map(|(name, ..)| *name).collect();
    let message = format!("`{}` is no unit of `{}`", name, bound.label);
    let hint = if names.is_empty() {
        "it has none; leave `unit` out".to_owned()
    } else {
        did_you_mean(&name, &names).unwrap_or_else(|| format!("it has {}", names.join(", ")))
    };
    section.report(section.span_of("unit"), message, Some(hint));
    (1.0, 0.0)
}

/// The bits that say "not available".
fn missing(section: &Section<'_, '_>, of: Type, has_extreme: bool) -> Option<u64> {
    let extreme = || Number::extreme(of.kind, of.width);
    let span = section.span_of("nan");
    let whole =
        |bits: i64| u64::try_from(bits).ok().filter(|bits| of.width == 64 || bits >> of.width == 0);
    match section.literal("nan") {
        None => (has_extreme && of.width >= 16).then(extreme),
        Some(Literal::Text(text)) if text == "none" => None,
        Some(Literal::Text(text)) if text == "extreme" => Some(extreme()),
        Some(Literal::Whole(bits)) if whole(bits).is_some() => whole(bits),
        Some(_) => {
            let message = format!(
                "`{}` must be bits of the type, such as {:#x}, \"extreme\" or \"none\"",
                section.name("nan"),
                extreme()
            );
            section.report(span, message, None);
            None
        }
    }
}
