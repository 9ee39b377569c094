//! What every validation shares: figures with a bar, and curves for plots.
//!
//! A figure is printed as a line that `simulation/tools/validation.py` collects, and the bar is
//! asserted. A curve goes to `$BESS_VALIDATION_DIR/<name>.csv`, where that directory is named.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fmt::Write as _;

/// Prints `figure <name> = <value> <unit> (bar <bar>)` and asserts the bar, which is one of
/// `<= x unit`, `>= x unit`, `a..b unit` and `none`, in the unit of the figure (which may be empty).
///
/// # Panics
/// When the bar is missed, is none of these, or the value is not a number.
#[expect(clippy::print_stderr, reason = "the figures are the point of a validation")]
pub(crate) fn figure(name: &str, value: f64, unit: &str, bar: &str) {
    assert!(!name.contains(" = "), "`{name}` would not be read back");
    let value_and_unit = format!("{} {unit}", significant(value));
    eprintln!("figure {name} = {} (bar {bar})", value_and_unit.trim_end());
    assert!(is_met(value, unit, bar), "{name}: {value} {unit} misses {bar}");
}

/// Writes a curve or a table for a plot: a header with units, as `t_s,temperature_degc`, and rows.
///
/// # Panics
/// When a row has not as many numbers as the header has names, or the file cannot be written.
pub(crate) fn curve(name: &str, header: &str, rows: impl IntoIterator<Item = Vec<f64>>) {
    let Some(directory) = std::env::var_os("BESS_VALIDATION_DIR") else { return };
    let columns = header.split(',').count();
    let mut text = format!("{header}\n");
    for row in rows {
        assert_eq!(row.len(), columns, "a row of {name} does not fit its header");
        let numbers: Vec<String> = row.iter().map(f64::to_string).collect();
        writeln!(text, "{}", numbers.join(",")).expect("writing to a String succeeds");
    }
    let path = std::path::Path::new(&directory).join(format!("{name}.csv"));
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The sign of a current that a power drives, as a rack wants it: -1, 0 or 1.
pub(crate) fn direction(power_w: f64) -> f64 {
    if power_w == 0.0 { 0.0 } else { power_w.signum() }
}

/// Whether `value` meets `bar`.
///
/// # Panics
/// When the bar is not understood.
pub(crate) fn is_met(value: f64, unit: &str, bar: &str) -> bool {
    assert!(value.is_finite(), "{value} {unit} is not a figure");
    if bar == "none" {
        return true;
    }
    let range = bar.strip_suffix(unit).map(str::trim_end);
    let range = range.unwrap_or_else(|| panic!("the bar `{bar}` is not in {unit}"));
    let number = |text: &str| -> f64 {
        text.trim().parse().unwrap_or_else(|_| panic!("`{text}` in the bar `{bar}` is no number"))
    };
    if let Some(most) = range.strip_prefix("<=") {
        value <= number(most)
    } else if let Some(least) = range.strip_prefix(">=") {
        value >= number(least)
    } else if let Some((least, most)) = range.split_once("..") {
        (number(least)..=number(most)).contains(&value)
    } else {
        panic!("the bar `{bar}` is not one of `<= x`, `>= x`, `a..b`, `none`")
    }
}

/// Four significant digits; an exponent where it is very large or small.
fn significant(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let mut decimals = 3;
    let mut bound = 10.0;
    while decimals > 0 && size >= bound {
        decimals -= 1;
        bound *= 10.0;
    }
    let mut bound = 1.0;
    while size != 0.0 && size < bound && decimals < 6 {
        decimals += 1;
        bound /= 10.0;
    }
    format!("{value:.decimals$}")
}
