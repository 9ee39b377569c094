//! Powers as people type them.

use crate::BadInput;

/// A power with its unit: the suffix of the REST field and the value for it.
pub(super) fn parse_power(text: &str, base: &str) -> Result<(String, f64), BadInput> {
    let refuse = || {
        BadInput(format!(
            "\"{text}\" is no power: write a number with its unit, such as 1500k{base}, 1.5M{base} or 60%"
        ))
    };
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '%').trim();
    let unit = text[digits.len()..].trim();
    let value: f64 = digits.parse().map_err(|_| refuse())?;
    if !value.is_finite() {
        return Err(refuse());
    }
    if unit == "%" {
        return Ok(("pct".to_owned(), value));
    }
    let factor = match unit.strip_suffix(base) {
        Some("") => 1.0,
        Some("k") => 1e3,
        Some("M") => 1e6,
        _ => return Err(refuse()),
    };
    Ok((base.to_lowercase(), value * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_read_with_its_unit() {
        assert_eq!(parse_power("1.5MW", "W").unwrap(), ("w".into(), 1.5e6));
        assert_eq!(parse_power("-250 kW", "W").unwrap(), ("w".into(), -250e3));
        assert_eq!(parse_power("-20%", "W").unwrap(), ("pct".into(), -20.0));
        assert_eq!(parse_power("0.2Mvar", "var").unwrap(), ("var".into(), 2e5));
    }

    #[test]
    fn a_power_without_a_unit_or_with_another_one_is_refused() {
        for text in ["1500", "1.5GW", "MW", "1.5mw", "nanW", ""] {
            assert!(parse_power(text, "W").is_err(), "{text}");
        }
    }
}
