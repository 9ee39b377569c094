//! Durations as people type them.

/// Seconds of a duration such as `90s`, `15m`, `24h`, `7d`, `100ms` or `1h30m`.
///
/// # Errors
/// What was expected, in words.
pub(crate) fn parse_duration(text: &str) -> Result<f64, String> {
    const UNITS_S: [(&str, f64); 5] =
        [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    let expected = || {
        let hint = match text.trim().parse::<f64>() {
            Ok(number) if number > 0.0 => format!(" (did you mean {number}s or {number}h?)"),
            _ => String::new(),
        };
        format!("expected a number with a unit, such as 90s, 15m, 24h, 7d or 100ms{hint}")
    };
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0.0);
    }
    let mut total_s = 0.0;
    while !rest.is_empty() {
        let split = rest.find(|c: char| c.is_ascii_alphabetic());
        let (number, tail) = rest.split_at(split.ok_or_else(expected)?);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let factor = UNITS_S.iter().find(|(name, _)| *name == unit);
        let (_, factor) = factor.ok_or_else(expected)?;
        let number: f64 = number.trim().parse().map_err(|_| expected())?;
        if number < 0.0 {
            return Err(format!("a duration cannot be negative; {}", expected()));
        }
        total_s += number * factor;
        rest = next.trim_start();
    }
    if text.trim().is_empty() || !total_s.is_finite() {
        return Err(expected());
    }
    Ok(total_s)
}
