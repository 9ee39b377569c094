//! Trips of a unit on the wire: a curve for each side of voltage and frequency.

use crate::body::present;
use crate::functions::{Point, pairs, shown};
use crate::wire::Num;
use bess_core::control::{TripCurve, TripCurveChange, TripSettings, TripsChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Trips on one side of one quantity.
#[derive(Debug, Serialize, ToSchema)]
struct TripCurveAnswer {
    /// Whether it trips at all.
    enabled: bool,
    /// Points [threshold, clearing time in s]: beyond the threshold for that time without a break, the
    /// unit trips.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<[Num; 2]>,
}

impl From<&TripCurve> for TripCurveAnswer {
    fn from(curve: &TripCurve) -> Self {
        Self { enabled: curve.enabled, points: shown(&curve.points) }
    }
}

/// Trips by voltage and frequency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TripsAnswer {
    /// Thresholds in pu of nominal.
    over_voltage: TripCurveAnswer,
    /// Thresholds in pu of nominal.
    under_voltage: TripCurveAnswer,
    /// Thresholds in Hz.
    over_frequency: TripCurveAnswer,
    /// Thresholds in Hz.
    under_frequency: TripCurveAnswer,
    /// Voltage below which the converter gives no power but stays connected, in pu; 0 for never.
    cessation_below_pu: Num,
}

impl From<&TripSettings> for TripsAnswer {
    fn from(trips: &TripSettings) -> Self {
        Self {
            over_voltage: TripCurveAnswer::from(&trips.over_voltage),
            under_voltage: TripCurveAnswer::from(&trips.under_voltage),
            over_frequency: TripCurveAnswer::from(&trips.over_frequency),
            under_frequency: TripCurveAnswer::from(&trips.under_frequency),
            cessation_below_pu: Num(trips.cessation_below_pu),
        }
    }
}

/// Trips on one side of one quantity to set; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TripCurveWish {
    /// Whether it trips at all.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// Points [threshold, clearing time in s], up to 10, away from nominal or towards it: one further away
    /// has no longer time. Voltages from 0 to 2 pu, frequencies from 0.8 to 1.2 of nominal, times from 0
    /// to 1000 s.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<crate::functions::Pair>>, nullable = false, example = json!([[0.5, 2.0], [0.88, 21.0]]))]
    points: Option<Vec<Point>>,
}

impl TripCurveWish {
    fn change(&self) -> TripCurveChange {
        TripCurveChange { enabled: self.enabled, points: self.points.as_deref().map(pairs) }
    }
}

/// Trips by voltage and frequency to set; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TripsWish {
    /// Thresholds in pu, above nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    over_voltage: Option<TripCurveWish>,
    /// Thresholds in pu, below nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    under_voltage: Option<TripCurveWish>,
    /// Thresholds in Hz, above nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    over_frequency: Option<TripCurveWish>,
    /// Thresholds in Hz, below nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    under_frequency: Option<TripCurveWish>,
    /// Voltage below which the converter gives no power but stays connected, in pu; 0 for never.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 0.9)]
    cessation_below_pu: Option<f64>,
}

impl TripsWish {
    pub(crate) fn change(&self) -> TripsChange {
        let curve = |wish: &Option<TripCurveWish>| {
            wish.as_ref().map(TripCurveWish::change).unwrap_or_default()
        };
        TripsChange {
            over_voltage: curve(&self.over_voltage),
            under_voltage: curve(&self.under_voltage),
            over_frequency: curve(&self.over_frequency),
            under_frequency: curve(&self.under_frequency),
            cessation_below_pu: self.cessation_below_pu,
        }
    }
}
