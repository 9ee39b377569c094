//! Trips of a unit by voltage and frequency as settings: one curve for each side of each quantity
//! (SunSpec 707 to 710, must trip).
//!
//! A point of a curve is one definite-time element: beyond its threshold for its clearing time without
//! a break, the unit trips. Of several points that are beyond, the shortest time counts, so the corners
//! of a staircase, with its fillers, mean what the staircase means. Between points there is no slope.

use super::limits::in_range;
use crate::command::Rejection;
use crate::spec::{GridCode, GridQuantity, GridTrip};

/// Most points of a trip curve.
pub const TRIP_POINTS_MAX: usize = 10;
/// Longest clearing time in s, the filler's at the end of a staircase too \[engineering choice\].
pub const TRIP_CLEARING_MAX_S: f64 = 1000.0;
/// Voltages in pu that a threshold may have.
pub const TRIP_VOLTAGE_PU: (f64, f64) = (0.0, 2.0);
/// Frequencies over the nominal one that a threshold, or an end of a window, may have.
pub const FREQUENCY_RATIO: (f64, f64) = (0.8, 1.2);
/// Voltage in pu below which a unit may be told to cease for a moment.
pub const CESSATION_MAX_PU: f64 = 0.9;

/// Trips on one side of one quantity.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TripCurve {
    /// Whether it trips at all.
    pub enabled: bool,
    /// Thresholds in pu or Hz with their clearing times in s; none for no trip. They go away from
    /// nominal or towards it, and a threshold further away has no longer time.
    pub points: Vec<(f64, f64)>,
}

/// Trips of a unit, and below which voltage it ceases.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TripSettings {
    /// Above the nominal voltage, in pu (SunSpec 708).
    pub over_voltage: TripCurve,
    /// Below the nominal voltage, in pu (SunSpec 707).
    pub under_voltage: TripCurve,
    /// Above the nominal frequency, in Hz (SunSpec 710).
    pub over_frequency: TripCurve,
    /// Below the nominal frequency, in Hz (SunSpec 709).
    pub under_frequency: TripCurve,
    /// Voltage in pu below which the converter ceases to give power while it stays connected
    /// (momentary cessation); 0 for never.
    pub cessation_below_pu: f64,
}

impl TripSettings {
    /// What a grid code says, the points furthest from nominal first. A side without points is off.
    pub fn of(code: &GridCode) -> Self {
        let curve = |quantity, above| {
            let side = code.trips.iter().filter(|t| t.quantity == quantity && t.above == above);
            let mut points: Vec<(f64, f64)> = side.map(|t| (t.threshold, t.clearing_s)).collect();
            // At one threshold a staircase goes from the short time to the long one.
            points.sort_by(|a, b| {
                let outwards = if above { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) };
                outwards.then(a.1.total_cmp(&b.1))
            });
            TripCurve { enabled: !points.is_empty(), points }
        };
        Self {
            over_voltage: curve(GridQuantity::Voltage, true),
            under_voltage: curve(GridQuantity::Voltage, false),
            over_frequency: curve(GridQuantity::Frequency, true),
            under_frequency: curve(GridQuantity::Frequency, false),
            cessation_below_pu: code.cessation_below_pu,
        }
    }

    /// Each curve with its quantity and whether it is of the side above nominal.
    pub fn curves(&self) -> [(GridQuantity, bool, &TripCurve); 4] {
        [
            (GridQuantity::Voltage, true, &self.over_voltage),
            (GridQuantity::Voltage, false, &self.under_voltage),
            (GridQuantity::Frequency, true, &self.over_frequency),
            (GridQuantity::Frequency, false, &self.under_frequency),
        ]
    }

    /// The trips that are on.
    pub fn trips(&self) -> impl Iterator<Item = GridTrip> {
        self.curves().into_iter().filter(|(.., curve)| curve.enabled).flat_map(
            |(quantity, above, curve)| {
                curve.points.iter().map(move |&(threshold, clearing_s)| GridTrip {
                    quantity,
                    above,
                    threshold,
                    clearing_s,
                })
            },
        )
    }

    /// Checks all of it at a nominal frequency.
    ///
    /// # Errors
    /// The first point that cannot be, or a curve out of order.
    pub fn check(&self, nominal_hz: f64) -> Result<(), Rejection> {
        let points = |curve: &TripCurve| TripCurveChange {
            enabled: None,
            points: Some(curve.points.clone()),
        };
        let all = TripsChange {
            over_voltage: points(&self.over_voltage),
            under_voltage: points(&self.under_voltage),
            over_frequency: points(&self.over_frequency),
            under_frequency: points(&self.under_frequency),
            cessation_below_pu: Some(self.cessation_below_pu),
        };
        all.check(nominal_hz)
    }
}

/// Fields of a [`TripCurve`] to change; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // Each field is that of `TripCurve` with the same name.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TripCurveChange {
    pub enabled: Option<bool>,
    pub points: Option<Vec<(f64, f64)>>,
}

impl TripCurveChange {
    fn apply(&self, curve: &mut TripCurve) {
        curve.enabled = self.enabled.unwrap_or(curve.enabled);
        if let Some(points) = &self.points {
            curve.points.clone_from(points);
        }
    }
}

/// Fields of [`TripSettings`] to change; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // Each field is that of `TripSettings` with the same name.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TripsChange {
    pub over_voltage: TripCurveChange,
    pub under_voltage: TripCurveChange,
    pub over_frequency: TripCurveChange,
    pub under_frequency: TripCurveChange,
    pub cessation_below_pu: Option<f64>,
}

impl TripsChange {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Writes the present fields into `settings`.
    pub fn apply(&self, settings: &mut TripSettings) {
        self.over_voltage.apply(&mut settings.over_voltage);
        self.under_voltage.apply(&mut settings.under_voltage);
        self.over_frequency.apply(&mut settings.over_frequency);
        self.under_frequency.apply(&mut settings.under_frequency);
        settings.cessation_below_pu =
            self.cessation_below_pu.unwrap_or(settings.cessation_below_pu);
    }

    /// Checks the change at a nominal frequency.
    ///
    /// # Errors
    /// The first point that cannot be, or a curve out of order.
    pub fn check(&self, nominal_hz: f64) -> Result<(), Rejection> {
        let hz = (FREQUENCY_RATIO.0 * nominal_hz, FREQUENCY_RATIO.1 * nominal_hz);
        let pu = TRIP_VOLTAGE_PU;
        check_curve("trips_over_voltage", &self.over_voltage, true, 1.0, (pu, "pu"))?;
        check_curve("trips_under_voltage", &self.under_voltage, false, 1.0, (pu, "pu"))?;
        check_curve("trips_over_frequency", &self.over_frequency, true, nominal_hz, (hz, "Hz"))?;
        check_curve("trips_under_frequency", &self.under_frequency, false, nominal_hz, (hz, "Hz"))?;
        let cessation = ("trips_cessation_below_pu", self.cessation_below_pu);
        in_range(cessation.0, cessation.1, (0.0, CESSATION_MAX_PU), "pu")
    }
}

fn check_curve(
    field: &'static str,
    change: &TripCurveChange,
    above: bool,
    nominal: f64,
    ((low, high), unit): ((f64, f64), &str),
) -> Result<(), Rejection> {
    let Some(points) = &change.points else { return Ok(()) };
    let refuse = |reason: String| Err(Rejection::NotPossible { field, reason });
    if points.len() > TRIP_POINTS_MAX {
        let n = points.len();
        return refuse(format!("a trip curve has up to {TRIP_POINTS_MAX} points, got {n}"));
    }
    for (number, (threshold, clearing_s)) in (1..).zip(points) {
        let (side, is_inside) = if above {
            ("above", *threshold > nominal && *threshold <= high)
        } else {
            ("below", *threshold < nominal && *threshold >= low)
        };
        if !is_inside {
            let end = if above { high } else { low };
            return refuse(format!(
                "the threshold of point {number} must be {side} {nominal} {unit} and within {end} \
                 {unit}, got {threshold}"
            ));
        }
        if !(0.0..=TRIP_CLEARING_MAX_S).contains(clearing_s) {
            return refuse(format!(
                "the clearing time of point {number} must be from 0 to {TRIP_CLEARING_MAX_S} s, got \
                 {clearing_s}"
            ));
        }
    }
    // Further from nominal, and no longer; the points may come from either end.
    let goes_away = |a: &(f64, f64), b: &(f64, f64)| {
        (b.0 - nominal).abs() >= (a.0 - nominal).abs() && b.1 <= a.1
    };
    if points.windows(2).all(|pair| goes_away(&pair[0], &pair[1]))
        || points.windows(2).all(|pair| goes_away(&pair[1], &pair[0]))
    {
        return Ok(());
    }
    refuse(
        "the points must go away from nominal, or towards it, and one further away must not have a \
         longer clearing time"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid_code::PRESETS;

    fn refused(change: &TripsChange) -> String {
        change.check(60.0).expect_err("must be refused").to_string()
    }
    fn under(points: &[(f64, f64)]) -> TripsChange {
        let points = Some(points.to_vec());
        let under_voltage = TripCurveChange { points, ..TripCurveChange::default() };
        TripsChange { under_voltage, ..TripsChange::default() }
    }

    #[test]
    fn every_preset_is_a_setting_that_could_be_written_back() {
        for (preset, hz) in PRESETS.iter().flat_map(|preset| [(preset, 50.0), (preset, 60.0)]) {
            let code = preset.code(hz);
            let settings = TripSettings::of(&code);
            assert_eq!(settings.check(hz), Ok(()), "{}", preset.name);
            assert_eq!(settings.trips().count(), code.trips.len());
            assert_eq!(settings.under_voltage.enabled, !preset.under_voltage.is_empty());
        }
        let code = PRESETS[2].code(60.0);
        assert_eq!(TripSettings::of(&code).under_voltage.points, [(0.5, 2.0), (0.88, 21.0)]);
    }

    #[test]
    fn a_staircase_with_its_fillers_is_taken_from_either_end() {
        let mut stairs = vec![(0.45, 2.0), (0.5, 2.0), (0.5, 21.0), (0.88, 21.0), (0.88, 1000.0)];
        assert_eq!(under(&stairs).check(60.0), Ok(()));
        stairs.reverse();
        assert_eq!(under(&stairs).check(60.0), Ok(()));
        assert_eq!(under(&[]).check(60.0), Ok(()));
    }

    #[test]
    fn points_on_the_wrong_side_out_of_range_or_out_of_order_are_refused_by_number() {
        let text = refused(&under(&[(0.5, 2.0), (1.0, 21.0)]));
        assert!(text.contains("trips_under_voltage: the threshold of point 2 must be below 1 pu"));
        assert!(refused(&under(&[(f64::NAN, 1.0)])).contains("point 1"));
        assert!(refused(&under(&[(0.5, 1000.5)])).contains("from 0 to 1000 s, got 1000.5"));
        assert!(refused(&under(&[(0.5, -0.1)])).contains("the clearing time of point 1"));
        assert!(refused(&under(&[(0.5, 2.0), (0.88, 1.0)])).contains("longer clearing"));
        assert!(refused(&under(&[(0.5, 1.0), (0.9, 2.0), (0.7, 1.5)])).contains("go away from"));
        let many = vec![(0.5, 1.0); 11];
        assert!(refused(&under(&many)).contains("up to 10 points, got 11"));
        let points = Some(vec![(73.0, 1.0)]);
        let over_frequency = TripCurveChange { points, ..TripCurveChange::default() };
        let text = refused(&TripsChange { over_frequency, ..TripsChange::default() });
        assert!(text.contains("must be above 60 Hz and within 72 Hz, got 73"), "{text}");
        let cessation = TripsChange { cessation_below_pu: Some(0.95), ..TripsChange::default() };
        assert!(refused(&cessation).contains("trips_cessation_below_pu must be from 0 to 0.9 pu"));
    }

    #[test]
    fn a_change_touches_what_it_names_and_a_side_that_is_off_has_no_trips() {
        let mut settings = TripSettings::of(&PRESETS[2].code(60.0));
        let before = settings.clone();
        under(&[(0.6, 1.5)]).apply(&mut settings);
        assert_eq!(settings.under_voltage.points, [(0.6, 1.5)]);
        assert!(settings.under_voltage.enabled && settings.over_voltage == before.over_voltage);
        let off = TripCurveChange { enabled: Some(false), points: None };
        let change = TripsChange { under_voltage: off, ..TripsChange::default() };
        change.apply(&mut settings);
        assert_eq!(settings.under_voltage.points, [(0.6, 1.5)]);
        assert_eq!(settings.trips().filter(|t| !t.above).count(), 2, "those of the frequency");
        assert!(TripsChange::default().is_empty() && !change.is_empty());
    }
}
