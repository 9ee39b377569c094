//! What would be right: the response to the frequency that the settings in force ask for, without the
//! time that it takes to get there.

use bess_core::control::{FrequencyDroop, FrequencyResponse, FunctionName};
use bess_core::snapshot::Snapshot;

/// Response to the grid's frequency in W: of the plant controller, or else the sum over the units that
/// run and have a function for it. NaN where nobody has, and where one of them is a triggered service: what
/// that gives hangs on when it was triggered, not on the frequency alone.
pub(crate) fn frequency_response_w(snapshot: &Snapshot) -> f64 {
    let nominal_hz = snapshot.spec.nominal_frequency.0;
    let deviation_hz = snapshot.farm.frequency.0 - nominal_hz;
    if let Some(response) = snapshot.plant.frequency_response.as_ref() {
        return response_w(response, deviation_hz, snapshot.spec.rated_power().0);
    }
    let mut sum_w = None;
    let mut add = |power_w: f64| sum_w = Some(sum_w.unwrap_or(0.0) + power_w);
    for (unit, functions) in snapshot.units.iter().zip(&snapshot.functions) {
        let (on, largest_w) = (unit.control.functions, unit.control.capacity.active_max_w);
        let gives = f64::from(u8::from(unit.state.converts()));
        if on.has(FunctionName::FrequencyResponse) {
            add(gives * response_w(&functions.frequency_response, deviation_hz, largest_w));
        } else if on.has(FunctionName::FrequencyDroop) {
            add(gives * droop_w(&functions.frequency_droop, deviation_hz, nominal_hz, largest_w));
        }
    }
    sum_w.unwrap_or(f64::NAN)
}

/// The same, 0 where nobody responds.
pub(crate) fn frequency_response_or_zero_w(snapshot: &Snapshot) -> f64 {
    let power_w = frequency_response_w(snapshot);
    if power_w.is_nan() { 0.0 } else { power_w }
}

fn response_w(response: &FrequencyResponse, deviation_hz: f64, rated_w: f64) -> f64 {
    if response.sustain.is_some() {
        return f64::NAN;
    }
    response.contract_w.unwrap_or(rated_w) * curve_at(&response.points, deviation_hz)
}

fn droop_w(droop: &FrequencyDroop, deviation_hz: f64, nominal_hz: f64, largest_w: f64) -> f64 {
    let over = (deviation_hz - droop.over_deadband_hz).max(0.0) / (nominal_hz * droop.over_droop);
    let under =
        (-deviation_hz - droop.under_deadband_hz).max(0.0) / (nominal_hz * droop.under_droop);
    (under - over).clamp(-1.0, 1.0) * largest_w
}

/// The value of a piecewise-linear curve at `x`; beyond its ends it holds. 0 for no points.
fn curve_at(points: &[(f64, f64)], x: f64) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return 0.0;
    };
    if x <= first.0 {
        return first.1;
    }
    let piece = points.windows(2).find(|pair| x <= pair[1].0);
    piece.map_or(last.1, |pair| {
        let (from, to) = (pair[0], pair[1]);
        from.1 + (to.1 - from.1) * ((x - from.0) / (to.0 - from.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::service::{frequency_droop, frequency_response};

    #[test]
    fn a_reserve_gives_all_of_its_contract_at_the_end_of_its_curve_and_nothing_in_the_dead_band() {
        let mut fcr = frequency_response("fcr").expect("a preset");
        fcr.contract_w = Some(10e6);
        for (deviation_hz, power_w) in [(-0.3, 10e6), (-0.2, 10e6), (0.005, 0.0), (0.2, -10e6)] {
            assert!((response_w(&fcr, deviation_hz, 25e6) - power_w).abs() < 1e-6);
        }
        // Half of the way between 10 and 200 mHz.
        assert!((response_w(&fcr, -0.105, 25e6) - 5e6).abs() < 1e-3);
    }

    #[test]
    fn a_triggered_service_has_no_answer_that_follows_from_the_frequency_alone() {
        let ffr = frequency_response("ffr-nordic-1.3").expect("a preset");
        assert!(response_w(&ffr, -0.25, 1e6).is_nan());
    }

    #[test]
    fn a_droop_of_five_percent_gives_the_rating_at_two_and_a_half_hertz_beyond_its_dead_band() {
        let droop = frequency_droop("ieee-1547-2018").expect("a preset");
        let at = |deviation_hz| droop_w(&droop, deviation_hz, 50.0, 1e6);
        assert!((at(-2.536) - 1e6).abs() < 1e-3);
        assert!((at(0.036 + 1.25) + 0.5e6).abs() < 1e-3);
        assert_eq!(at(0.03), 0.0);
        assert_eq!(at(-9.0), 1e6);
    }
}
