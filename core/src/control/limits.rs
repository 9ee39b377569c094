//! What settings of functions must be like.

use super::{CurveFunction, FrequencyDroop, FrequencyResponse, FunctionsChange, PeakShaving};
use crate::command::Rejection;
use crate::spec::UnitDesign;

/// Fewest and most points of a curve.
pub const CURVE_POINTS: (usize, usize) = (2, 20);
/// Longest response, dead or full activation time in s [engineering choice].
pub const RESPONSE_MAX_S: f64 = 3600.0;
/// Largest deviation in Hz that a curve or a dead band may speak of [engineering choice].
pub const DEVIATION_MAX_HZ: f64 = 10.0;
/// Smallest and largest droop [engineering choice].
pub const DROOP: (f64, f64) = (0.001, 1.0);
/// Longest hold of a triggered service and longest time until its next trigger, in s: a day.
pub const SUSTAIN_MAX_S: f64 = 86_400.0;
/// Fastest return of a triggered service in shares of the contract per second [engineering choice].
pub const DEACTIVATION_MAX_PER_S: f64 = 10.0;

fn within(
    field: &'static str,
    value: f64,
    (min, max): (f64, f64),
    unit: &'static str,
) -> Result<(), Rejection> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(Rejection::OutOfRange { field, value, min, max, unit })
    }
}

/// Refuses what is given and beyond `min` to `max`. Ratings come from files in other units: their last
/// digit is no reason to refuse. A NaN is in no range.
pub(crate) fn in_range(
    field: &'static str,
    value: Option<f64>,
    (min, max): (f64, f64),
    unit: &'static str,
) -> Result<(), Rejection> {
    let slack = 1e-9 * max.abs().max(min.abs());
    match value {
        Some(value) if !(min - slack..=max + slack).contains(&value) => {
            Err(Rejection::OutOfRange { field, value, min, max, unit })
        }
        _ => Ok(()),
    }
}

fn positive(
    field: &'static str,
    value: f64,
    max: f64,
    unit: &'static str,
) -> Result<(), Rejection> {
    within(field, value, (f64::MIN_POSITIVE, max), unit).map_err(|_| Rejection::OutOfRange {
        field,
        value,
        min: 0.0,
        max,
        unit,
    })
}

/// Points of a curve: 2 to 20, within their ranges, and in order.
fn check_points(
    field: &'static str,
    points: &[(f64, f64)],
    x: (f64, f64),
    y: (f64, f64),
    must_not_rise: bool,
) -> Result<(), Rejection> {
    let refuse = |reason: String| Err(Rejection::NotPossible { field, reason });
    let (fewest, most) = CURVE_POINTS;
    if !(fewest..=most).contains(&points.len()) {
        return refuse(format!("a curve has {fewest} to {most} points, got {}", points.len()));
    }
    for (index, point) in points.iter().enumerate() {
        for (name, value, (min, max)) in [("x", point.0, x), ("y", point.1, y)] {
            if !(min..=max).contains(&value) {
                let number = index + 1;
                return refuse(format!(
                    "{name} of point {number} must be from {min} to {max}, got {value}"
                ));
            }
        }
    }
    for (index, pair) in points.windows(2).enumerate() {
        if pair[1].0 <= pair[0].0 {
            let number = index + 2;
            return refuse(format!(
                "x of point {number} must be greater than that of the point before"
            ));
        }
        if must_not_rise && pair[1].1 > pair[0].1 {
            return refuse(format!(
                "y of point {} must not be above that of the point before",
                index + 2
            ));
        }
    }
    Ok(())
}

impl CurveFunction {
    /// Checks the curve `field` with the time `time`, as both are called; its inputs and outputs must be
    /// within `x` and `y`.
    ///
    /// # Errors
    /// What is wrong with its points or its time.
    pub fn check(
        &self,
        (field, time): (&'static str, &'static str),
        x: (f64, f64),
        y: (f64, f64),
        must_not_rise: bool,
    ) -> Result<(), Rejection> {
        check_points(field, &self.points, x, y, must_not_rise)?;
        within(time, self.response_s, (0.0, RESPONSE_MAX_S), "s")
    }
    /// Checks it as a volt-var curve.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_volt_var(&self) -> Result<(), Rejection> {
        self.check(("volt_var", "volt_var.response_s"), (0.0, 2.0), (-1.0, 1.0), true)
    }
    /// Checks it as a volt-watt curve.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_volt_watt(&self) -> Result<(), Rejection> {
        self.check(("volt_watt", "volt_watt.response_s"), (0.0, 2.0), (0.0, 1.0), true)
    }
    /// Checks it as a watt-var curve.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_watt_var(&self) -> Result<(), Rejection> {
        self.check(("watt_var", "watt_var.response_s"), (-1.0, 1.0), (-1.0, 1.0), false)
    }
}

impl FrequencyDroop {
    /// Checks dead bands, droops and time.
    ///
    /// # Errors
    /// The first that is out of its range.
    pub fn check(&self) -> Result<(), Rejection> {
        within(
            "frequency_droop.over_deadband_hz",
            self.over_deadband_hz,
            (0.0, DEVIATION_MAX_HZ),
            "Hz",
        )?;
        within(
            "frequency_droop.under_deadband_hz",
            self.under_deadband_hz,
            (0.0, DEVIATION_MAX_HZ),
            "Hz",
        )?;
        within("frequency_droop.over_droop", self.over_droop, DROOP, "")?;
        within("frequency_droop.under_droop", self.under_droop, DROOP, "")?;
        within("frequency_droop.response_s", self.response_s, (0.0, RESPONSE_MAX_S), "s")
    }
}

impl FrequencyResponse {
    /// Checks curve and timing; the contract is checked against a rating by [`Self::check_contract`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Rejection> {
        let hz = (-DEVIATION_MAX_HZ, DEVIATION_MAX_HZ);
        check_points("frequency_response", &self.points, hz, (-1.0, 1.0), true)?;
        within("frequency_response.dead_time_s", self.dead_time_s, (0.0, RESPONSE_MAX_S), "s")?;
        positive("frequency_response.full_s", self.full_s, RESPONSE_MAX_S, "s")?;
        if self.dead_time_s >= self.full_s {
            let (dead, full) = (self.dead_time_s, self.full_s);
            let reason = format!("it must be below full_s ({full} s), got {dead} s");
            return Err(Rejection::NotPossible { field: "frequency_response.dead_time_s", reason });
        }
        if let Some(sustain) = self.sustain {
            positive(
                "frequency_response.sustain.duration_s",
                sustain.duration_s,
                SUSTAIN_MAX_S,
                "s",
            )?;
            let rate = sustain.deactivation_per_s;
            positive(
                "frequency_response.sustain.deactivation_per_s",
                rate,
                DEACTIVATION_MAX_PER_S,
                "1/s",
            )?;
            within(
                "frequency_response.sustain.recovery_s",
                sustain.recovery_s,
                (0.0, SUSTAIN_MAX_S),
                "s",
            )?;
            if self.points.iter().any(|p| p.0 < 0.0 && p.1 < 0.0 || p.0 > 0.0 && p.1 > 0.0) {
                let reason =
                    "a triggered service gives power below nominal frequency and takes it \
                              above"
                        .to_owned();
                return Err(Rejection::NotPossible { field: "frequency_response", reason });
            }
        }
        Ok(())
    }

    /// Checks the contract of something rated `rated_w`.
    ///
    /// # Errors
    /// When it is not above 0 or is beyond the rating.
    pub fn check_contract(&self, rated_w: f64) -> Result<(), Rejection> {
        self.contract_w.map_or(Ok(()), |w| {
            positive("frequency_response.contract_w", w, rated_w * (1.0 + 1e-9), "W")
        })
    }
}

impl PeakShaving {
    /// Checks both limits: infinite is none.
    ///
    /// # Errors
    /// When one is negative or not a number.
    pub fn check(&self) -> Result<(), Rejection> {
        within("peak_shaving.import_max_w", self.import_max_w, (0.0, f64::INFINITY), "W")?;
        within("peak_shaving.export_max_w", self.export_max_w, (0.0, f64::INFINITY), "W")
    }
}

impl FunctionsChange {
    /// Checks the change for a unit of `design` at a nominal frequency.
    ///
    /// # Errors
    /// The first setting that is not possible.
    pub fn check(&self, design: &UnitDesign, nominal_hz: f64) -> Result<(), Rejection> {
        let rated_w = design.pcs.rated_power.0;
        self.frequency_droop.as_ref().map_or(Ok(()), FrequencyDroop::check)?;
        if let Some(response) = &self.frequency_response {
            response.check()?;
            response.check_contract(rated_w)?;
        }
        self.volt_var.as_ref().map_or(Ok(()), CurveFunction::check_volt_var)?;
        self.volt_watt.as_ref().map_or(Ok(()), CurveFunction::check_volt_watt)?;
        self.watt_var.as_ref().map_or(Ok(()), CurveFunction::check_watt_var)?;
        self.peak_shaving.as_ref().map_or(Ok(()), PeakShaving::check)?;
        self.trips.check(nominal_hz)?;
        let values = self.schedule.iter().flat_map(|schedule| schedule.values());
        for w in values {
            within("schedule", *w, (-rated_w * (1.0 + 1e-9), rated_w * (1.0 + 1e-9)), "W")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};
    use crate::control::{Sustain, TripsChange, UnitFunctions};

    fn refused(points: &[(f64, f64)]) -> String {
        let curve = CurveFunction { points: points.to_vec(), response_s: 5.0 };
        curve.check_volt_var().expect_err("must be refused").to_string()
    }

    #[test]
    fn a_curve_out_of_order_or_of_too_few_or_many_points_is_refused_by_name() {
        assert!(refused(&[(1.0, 0.0)]).contains("volt_var: a curve has 2 to 20 points, got 1"));
        let many: Vec<_> = (0..21).map(|i| (f64::from(i) / 20.0, 0.0)).collect();
        assert!(refused(&many).contains("2 to 20 points, got 21"));
        assert!(refused(&[(1.0, 0.5), (1.0, 0.0)]).contains("x of point 2 must be greater"));
        assert!(refused(&[(0.9, 0.0), (1.0, 0.5)]).contains("y of point 2 must not be above"));
        assert!(
            refused(&[(0.9, f64::NAN), (1.0, 0.5)]).contains("y of point 1 must be from -1 to 1")
        );
        assert!(refused(&[(0.9, 0.0), (2.5, 0.0)]).contains("x of point 2 must be from 0 to 2"));
    }

    /// The change that sets every function but the schedule as `all` has it.
    fn change_to(all: UnitFunctions) -> FunctionsChange {
        FunctionsChange {
            frequency_droop: Some(all.frequency_droop),
            frequency_response: Some(all.frequency_response),
            volt_var: Some(all.volt_var),
            volt_watt: Some(all.volt_watt),
            watt_var: Some(all.watt_var),
            peak_shaving: Some(all.peak_shaving),
            schedule: None,
            trips: TripsChange::default(),
        }
    }

    #[test]
    fn the_defaults_of_every_function_are_possible() {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
        let all = UnitFunctions::default();
        let change = change_to(all);
        assert_eq!(change.check(&farm.units[0].design, 50.0), Ok(()));
    }

    /// The change that only `set` makes to settings that are possible, and what is refused of it.
    fn refused_field(set: impl Fn(&mut UnitFunctions)) -> (&'static str, String) {
        let farm = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
        let mut all = UnitFunctions::default();
        all.frequency_response.sustain =
            Some(Sustain { duration_s: 30.0, deactivation_per_s: 0.2, recovery_s: 900.0 });
        set(&mut all);
        let change = change_to(all);
        let refusal = change.check(&farm.units[0].design, 50.0).expect_err("must be refused");
        let text = refusal.to_string();
        match refusal {
            Rejection::OutOfRange { field, .. } | Rejection::NotPossible { field, .. } => {
                (field, text)
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_refused_setting_is_named_with_its_function() {
        let sustain = |all: &mut UnitFunctions, set: fn(&mut Sustain)| {
            set(all.frequency_response.sustain.as_mut().expect("it has one"));
        };
        let fields = [
            refused_field(|all| all.volt_var.response_s = -1.0),
            refused_field(|all| all.volt_watt.response_s = -1.0),
            refused_field(|all| all.watt_var.response_s = f64::NAN),
            refused_field(|all| all.watt_var.points.clear()),
            refused_field(|all| all.frequency_droop.over_deadband_hz = 11.0),
            refused_field(|all| all.frequency_droop.under_deadband_hz = -0.1),
            refused_field(|all| all.frequency_droop.over_droop = 0.0),
            refused_field(|all| all.frequency_droop.under_droop = 2.0),
            refused_field(|all| all.frequency_droop.response_s = -1.0),
            refused_field(|all| all.frequency_response.dead_time_s = -1.0),
            refused_field(|all| all.frequency_response.dead_time_s = 3600.0),
            refused_field(|all| all.frequency_response.full_s = 0.0),
            refused_field(|all| all.frequency_response.contract_w = Some(1e12)),
            refused_field(|all| sustain(all, |sustain| sustain.duration_s = 0.0)),
            refused_field(|all| sustain(all, |sustain| sustain.deactivation_per_s = 0.0)),
            refused_field(|all| sustain(all, |sustain| sustain.recovery_s = -1.0)),
            refused_field(|all| all.peak_shaving.import_max_w = -1.0),
            refused_field(|all| all.peak_shaving.export_max_w = -1.0),
        ];
        let names = fields.map(|(field, text)| {
            assert!(text.starts_with(field), "{text}");
            field
        });
        assert_eq!(
            names,
            [
                "volt_var.response_s",
                "volt_watt.response_s",
                "watt_var.response_s",
                "watt_var",
                "frequency_droop.over_deadband_hz",
                "frequency_droop.under_deadband_hz",
                "frequency_droop.over_droop",
                "frequency_droop.under_droop",
                "frequency_droop.response_s",
                "frequency_response.dead_time_s",
                "frequency_response.dead_time_s",
                "frequency_response.full_s",
                "frequency_response.contract_w",
                "frequency_response.sustain.duration_s",
                "frequency_response.sustain.deactivation_per_s",
                "frequency_response.sustain.recovery_s",
                "peak_shaving.import_max_w",
                "peak_shaving.export_max_w",
            ]
        );
    }

    #[test]
    fn a_range_without_an_end_is_told_in_words() {
        let (_, text) = refused_field(|all| all.peak_shaving.import_max_w = -5.0);
        assert_eq!(text, "peak_shaving.import_max_w must be at least 0 W, got -5");
        let told = |min, max, unit| {
            Rejection::OutOfRange { field: "x", value: 7.0, min, max, unit }.to_string()
        };
        assert_eq!(told(-1.0, 1.0, "W"), "x must be from -1 to 1 W, got 7");
        assert_eq!(told(0.0, 1.0, ""), "x must be from 0 to 1, got 7");
        assert_eq!(told(f64::NEG_INFINITY, 1.0, "s"), "x must be at most 1 s, got 7");
        assert_eq!(told(f64::NEG_INFINITY, f64::INFINITY, ""), "x must be a number, got 7");
    }

    #[test]
    fn a_response_that_is_full_before_it_starts_or_beyond_its_rating_is_refused() {
        let mut response = UnitFunctions::default().frequency_response;
        response.dead_time_s = 30.0;
        assert!(response.check().is_err_and(|e| e.to_string().contains("below full_s (30 s)")));
        response.dead_time_s = f64::NAN;
        assert!(response.check().is_err());
        response.dead_time_s = 0.0;
        response.contract_w = Some(2.0e6);
        assert!(response.check_contract(1.0e6).is_err() && response.check_contract(2.0e6).is_ok());
        response.sustain =
            Some(Sustain { duration_s: 0.0, deactivation_per_s: 0.2, recovery_s: 900.0 });
        assert!(response.check().is_err_and(|e| e.to_string().contains("duration_s")));
    }
}
