//! Checks that tables reach as far as the limits let the cell go.

use super::super::{Curve, Limits};
use super::quantity::Covered;
use crate::config::Section;

/// Reports each table whose temperatures or currents end within the limits.
pub(super) fn check(
    root: &Section<'_, '_>,
    covered: &[Covered],
    limits: &Limits,
    capacity_ah: f64,
) {
    let (coldest, hottest) = temperatures(limits);
    let (charge_a, discharge_a) =
        (limits.charge_c_rate_max * capacity_ah, limits.discharge_c_rate_max * capacity_ah);
    for axis in covered {
        let (name, first, last) = (&axis.name, axis.first, axis.last);
        if axis.is_temperature && (first > coldest || last < hottest) {
            let message = format!(
                "`{name}` covers {first} to {last} degC, but the limits allow current {}",
                words(coldest, hottest)
            );
            let hint = if coldest.is_finite() && hottest.is_finite() {
                "extend the table or narrow `limits.charge_by_temperature` and \
                 `limits.discharge_by_temperature`"
            } else {
                "let the factors of `limits.charge_by_temperature` and \
                 `limits.discharge_by_temperature` end in 0 at both ends"
            };
            root.report(axis.span.clone(), message, Some(hint.to_owned()));
        }
        // A C-rate times a capacity may differ by a rounding from the same product elsewhere.
        let slack = 1e-9 * (charge_a + discharge_a);
        if !axis.is_temperature && (first > slack - charge_a || last < discharge_a - slack) {
            let message = format!(
                "`{name}` covers {first} to {last} A, but the limits allow {} to {discharge_a} A \
                 (positive is discharge)",
                -charge_a
            );
            let hint = "extend the table or lower `limits.charge_c_rate_max` and \
                        `limits.discharge_c_rate_max`";
            root.report(axis.span.clone(), message, Some(hint.to_owned()));
        }
    }
}

fn words(coldest: f64, hottest: f64) -> String {
    match (coldest.is_finite(), hottest.is_finite()) {
        (true, true) => format!("from {coldest} to {hottest} degC"),
        (true, false) => format!("at any temperature above {coldest} degC"),
        (false, true) => format!("at any temperature below {hottest} degC"),
        (false, false) => "at any temperature".to_owned(),
    }
}

/// The span of temperatures in which charge or discharge is allowed; without end where a polyline
/// ends above 0, because its last factor holds.
fn temperatures(limits: &Limits) -> (f64, f64) {
    let (mut coldest, mut hottest) = (f64::INFINITY, f64::NEG_INFINITY);
    for curve in [&limits.charge_by_temperature, &limits.discharge_by_temperature] {
        if let Some((from, to)) = span_above_zero(curve) {
            coldest = coldest.min(from);
            hottest = hottest.max(to);
        }
    }
    (coldest, hottest)
}

fn span_above_zero(curve: &Curve) -> Option<(f64, f64)> {
    let (nodes, factors) = (curve.nodes(), curve.values());
    let first = factors.iter().position(|factor| *factor > 0.0)?;
    let last = factors.iter().rposition(|factor| *factor > 0.0)?;
    let from = if first == 0 { f64::NEG_INFINITY } else { nodes[first - 1] };
    let to = nodes.get(last + 1).copied().unwrap_or(f64::INFINITY);
    Some((from, to))
}
