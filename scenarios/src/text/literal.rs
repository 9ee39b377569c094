//! Durations such as `1h30m` and quantities such as `200mHz`.

use crate::expr::unit::{self, Dim};

/// Longest duration in s: a year and a bit more than a day.
pub const DURATION_MAX_S: f64 = 366.0 * 86_400.0;

const PARTS: [(&str, f64); 5] =
    [("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 1e-3)];

/// The seconds of a duration: `250ms`, `30s`, `1.5m`, `1h30m`, larger parts before smaller ones; a minus
/// in front makes it negative. `None` for anything else, and beyond [`DURATION_MAX_S`].
pub fn duration_s(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let mut total_ms = 0.0;
    let mut parts = PARTS.iter();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(tail.len());
        let (name, tail) = tail.split_at(end);
        let (_, seconds) = parts.find(|(part, _)| *part == name)?;
        if number.starts_with('.') || number.ends_with('.') {
            return None;
        }
        // Whole milliseconds stay whole.
        total_ms += number.parse::<f64>().ok()? * (seconds * 1e3);
        rest = tail;
    }
    let seconds = sign * total_ms / 1e3;
    (seconds.abs() <= DURATION_MAX_S).then_some(seconds)
}

/// A duration in s as it would be written.
pub fn in_words(seconds: f64) -> String {
    let mut ms = (seconds.abs() * 1e3).round() as u64;
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut words = if seconds < 0.0 { "-".to_owned() } else { String::new() };
    for (name, each) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    {
        if ms >= each {
            words.push_str(&format!("{}{name}", ms / each));
            ms %= each;
        }
    }
    words
}

/// What a number is in: the unit at the end of its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    dim: Dim,
    scale: f64,
    /// How it is written after a number; empty for a plain one.
    pub symbol: &'static str,
}

/// Ends of names with their units; the longer ones first.
const ENDS: &[(&str, &str)] = &[
    ("_per_s", "?"),
    ("_per_min", "?"),
    ("_mohm", "mohm"),
    ("_kohm", "kohm"),
    ("_degc", "degC"),
    ("_litres", "l"),
    ("_var", "var"),
    ("_ohm", "ohm"),
    ("_wh", "Wh"),
    ("_kwh", "kWh"),
    ("_kw", "kW"),
    ("_mw", "MW"),
    ("_va", "VA"),
    ("_hz", "Hz"),
    ("_mhz", "mHz"),
    ("_pct", "%"),
    ("_ppm", "?"),
    ("_deg", "?"),
    ("_ms", "ms"),
    ("_pu", "pu"),
    ("_w", "W"),
    ("_v", "V"),
    ("_mv", "mV"),
    ("_a", "A"),
    ("_s", "s"),
    ("_k", "K"),
    ("_j", "J"),
];

impl Quantity {
    /// A plain number.
    pub const PLAIN: Self = Self { dim: Dim::NONE, scale: 1.0, symbol: "" };

    /// That of the name `name`: `delay_s` is in s; a name without a unit is a plain number, or a
    /// fraction.
    pub fn of(name: &str) -> Self {
        // A whole name may be a unit: `volts`, `degc`.
        let whole = match name {
            "degc" => Some("degC"),
            "volts" => Some("V"),
            "litres" => Some("l"),
            "ohm" => Some("ohm"),
            _ => None,
        };
        let end = || ENDS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, symbol)| *symbol);
        let symbol = whole.or_else(end);
        match symbol.map(|symbol| (symbol, unit::find(symbol))) {
            Some((symbol, Some(unit))) => Self { dim: unit.dim, scale: unit.factor, symbol },
            // A rate and the like: no literal is one.
            Some((_, None)) => Self { dim: Dim::NONE, scale: f64::NAN, symbol: "" },
            None => Self { dim: Dim::NONE, scale: 1.0, symbol: "" },
        }
    }

    /// The number of `text`, such as `200mHz`, in this unit; durations may have several parts.
    ///
    /// # Errors
    /// What would be right instead.
    pub fn read(self, text: &str) -> Result<f64, String> {
        let text = text.trim();
        if self.dim == Dim::TIME
            && let Some(seconds) = duration_s(text)
        {
            return Ok(if is_one(self.scale) { seconds } else { seconds / self.scale });
        }
        let end = text
            .char_indices()
            .find(|(at, c)| {
                let after_digit = text[..*at].ends_with(|c: char| c.is_ascii_digit());
                // The `e` of 1e6, and the sign after it.
                let rest = &text[at + c.len_utf8()..];
                let is_exponent = matches!(c, 'e' | 'E')
                    && after_digit
                    && rest
                        .trim_start_matches(['+', '-'])
                        .starts_with(|c: char| c.is_ascii_digit());
                let is_sign =
                    matches!(c, '+' | '-') && (*at == 0 || text[..*at].ends_with(['e', 'E']));
                !(c.is_ascii_digit() || *c == '.' || is_exponent || is_sign)
            })
            .map_or(text.len(), |(at, _)| at);
        let (number, symbol) = text.split_at(end);
        let symbol = symbol.trim_start();
        let (Ok(number), true) =
            (number.parse::<f64>(), number.ends_with(|c: char| c.is_ascii_digit()))
        else {
            return Err(format!("expected {}", self.words()));
        };
        if symbol.is_empty() {
            return Ok(number);
        }
        match unit::find(symbol) {
            None => Err(format!("there is no unit `{symbol}`; expected {}", self.words())),
            Some(unit) if unit.dim != self.dim || self.scale.is_nan() => {
                Err(format!("`{symbol}` is another quantity; expected {}", self.words()))
            }
            // Same unit: the number as it is, without rounding.
            Some(unit) if unit.factor.to_bits() == self.scale.to_bits() => Ok(number),
            Some(unit) => Ok(number * unit.factor / self.scale),
        }
    }

    /// What may be written, for messages.
    pub fn words(self) -> String {
        if self.scale.is_nan() {
            return "a bare number; its unit is in the key's name".to_owned();
        }
        if self.dim == Dim::TIME {
            return "a duration such as 250ms, 30s or 1h30m".to_owned();
        }
        let units = unit::UNITS.iter().filter(|unit| unit.dim == self.dim);
        let names: Vec<&str> = units.map(|unit| unit.name).collect();
        match self.symbol {
            "" => "a bare number, or a fraction such as 25%".to_owned(),
            symbol => format!("a number in {symbol}, or with one of {}", names.join(", ")),
        }
    }
}

fn is_one(scale: f64) -> bool {
    scale.to_bits() == 1.0_f64.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_with_a_unit_or_several_from_large_to_small() {
        for (text, seconds) in [
            ("250ms", 0.25),
            ("30s", 30.0),
            ("1.5m", 90.0),
            ("1h30m", 5400.0),
            ("2d", 172_800.0),
            ("1m0.3s", 60.3),
            ("-90s", -90.0),
            ("0s", 0.0),
            ("300ms", 0.3),
        ] {
            assert_eq!(duration_s(text), Some(seconds), "{text}");
        }
        for text in
            ["", "-", "30", "s", "30 s", "30m1h", "5s5s", "1.s", ".5s", "1e3s", "99999d", "5MW"]
        {
            assert_eq!(duration_s(text), None, "{text}");
        }
        for (seconds, words) in [(0.25, "250ms"), (5400.0, "1h30m"), (-90.5, "-1m30s500ms")] {
            assert_eq!(in_words(seconds), words);
            assert_eq!(duration_s(words), Some(seconds));
        }
    }

    #[test]
    fn a_quantity_comes_in_the_unit_of_its_name() {
        for (name, text, number) in [
            ("power_w", "5MW", 5e6),
            ("power_w", "-3 kW", -3000.0),
            ("power_w", "1e6", 1e6),
            ("deadband_hz", "200mHz", 0.2),
            ("soc", "25%", 0.25),
            ("droop_pct", "3.7%", 3.7),
            ("resistance_ohm", "12mohm", 0.012),
            ("insulation_kohm", "50kohm", 50.0),
            ("insulation_kohm", "2Mohm", 2000.0),
            ("delay_s", "400ms", 0.4),
            ("delay_s", "1m30s", 90.0),
            ("offset_s", "-90s", -90.0),
            ("ambient_degc", "32degC", 32.0),
            ("residual_pu", "30%", 0.3),
        ] {
            assert_eq!(Quantity::of(name).read(text), Ok(number), "{name} {text}");
        }
    }

    #[test]
    fn a_wrong_unit_is_refused_with_those_that_would_do() {
        let message = |name: &str, text: &str| Quantity::of(name).read(text).expect_err(text);
        assert_eq!(
            message("power_w", "5Hz"),
            "`Hz` is another quantity; expected a number in W, or with one of W, kW, MW, GW"
        );
        assert_eq!(
            message("power_w", "5mw"),
            "there is no unit `mw`; expected a number in W, or with one of W, kW, MW, GW"
        );
        assert_eq!(message("delay_s", "soon"), "expected a duration such as 250ms, 30s or 1h30m");
        assert_eq!(
            message("ramp_pct_per_s", "5%"),
            "`%` is another quantity; expected a bare number; its unit is in the key's name"
        );
        assert_eq!(message("factor", "5."), "expected a bare number, or a fraction such as 25%");
    }
}
