//! Models of trips, 707 to 710: read only, what the grid code of the unit's design says. `ratings::trips_of`
//! alone knows where that is.
//!
//! A point of the curve of must-trip is a trip: beyond its voltage or frequency the unit is off after its
//! time. The farthest from the nominal value comes first. A unit has no region of may-trip. Below a voltage
//! it may cease to give power at once (momentary cessation): one point with no time.

use super::super::bindings::{MILLI_SF, PERCENT_SF, Row, r};
use crate::map::ratings::trips_of;
use crate::map::source::{Bind, Place, Sight};
use bess_core::spec::GridQuantity::{self, Frequency, Voltage};
use bess_core::spec::{GridTrip, UnitDesign};

/// Sets of curves of a model: the one in force.
pub(in super::super) const N_TRIP_SETS: u32 = 1;
/// Fewest points of a curve of trips that a model has room for.
const N_TRIP_POINTS_MIN: usize = 8;

/// Points of a curve of trips in the models of a design, the same in all four.
pub(in super::super) fn n_trip_points(design: &UnitDesign) -> usize {
    let of_one = |(quantity, above)| trips_of(design, quantity, above).len();
    SIDES.map(of_one).into_iter().max().unwrap_or_default().max(N_TRIP_POINTS_MIN)
}

/// What the four models are about.
const SIDES: [(GridQuantity, bool); 4] =
    [(Voltage, false), (Voltage, true), (Frequency, false), (Frequency, true)];

fn trips(sight: Sight<'_>, (quantity, above): (GridQuantity, bool)) -> Vec<GridTrip> {
    sight.spec().map(|spec| trips_of(&spec.design, quantity, above)).unwrap_or_default()
}

fn count(sight: Sight<'_>, side: (GridQuantity, bool)) -> i64 {
    trips(sight, side).len() as i64
}

/// Of the trip in its place: the threshold in percent of the nominal voltage or in Hz.
fn threshold(sight: Sight<'_>, side: (GridQuantity, bool), place: Place) -> f64 {
    let per_unit = if side.0 == Voltage { 100.0 } else { 1.0 };
    trips(sight, side).get(place.index[1]).map_or(f64::NAN, |trip| trip.threshold * per_unit)
}

/// Of the trip in its place: the time in s.
fn time_s(sight: Sight<'_>, side: (GridQuantity, bool), place: Place) -> f64 {
    trips(sight, side).get(place.index[1]).map_or(f64::NAN, |trip| trip.clearing_s)
}

/// Voltage in percent of nominal below which the unit ceases to give power; `None` for never.
fn cessation_pct(sight: Sight<'_>) -> Option<f64> {
    let below_pu = sight.spec()?.design.grid_code.cessation_below_pu;
    (below_pu > 0.0).then_some(below_pu * 100.0)
}

fn cessation(sight: Sight<'_>, place: Place, get: fn(f64) -> f64) -> f64 {
    let point = cessation_pct(sight).filter(|_| place.index[1] == 0);
    point.map_or(f64::NAN, get)
}

/// The rows of a model: its side, the name of its threshold and of that one's scale, and whether the unit
/// ceases on that side.
macro_rules! model {
    ($side:expr, $threshold:literal, $scale:literal, $scale_factor:expr, [$($own:expr),*]) => {
        &[
            r("Ena", Bind::Whole(|s| i64::from(count(s, $side) > 0))),
            r("AdptCrvReq", Bind::Raw(1)),
            r("AdptCrvRslt", Bind::Raw(1)),
            r($scale, $scale_factor),
            r("Tms_SF", PERCENT_SF),
            r("Crv.ReadOnly", Bind::Raw(1)),
            r("Crv.MustTrip.ActPt", Bind::Whole(|s| count(s, $side))),
            r(concat!("Crv.MustTrip.Pt.", $threshold), Bind::NumberAt(|s, place| threshold(s, $side, place))),
            r("Crv.MustTrip.Pt.Tms", Bind::NumberAt(|s, place| time_s(s, $side, place))),
            r("Crv.MayTrip.ActPt", Bind::Raw(0)),
            $($own,)*
        ]
    };
}

const NO_CESSATION: Row = r("Crv.MomCess.ActPt", Bind::Raw(0));

pub(in super::super) const TRIP_LV: &[Row] = model!(
    SIDES[0],
    "V",
    "V_SF",
    PERCENT_SF,
    [
        r("Crv.MomCess.ActPt", Bind::Whole(|s| i64::from(cessation_pct(s).is_some()))),
        r("Crv.MomCess.Pt.V", Bind::NumberAt(|s, place| cessation(s, place, |pct| pct))),
        r("Crv.MomCess.Pt.Tms", Bind::NumberAt(|s, place| cessation(s, place, |_| 0.0)))
    ]
);
pub(in super::super) const TRIP_HV: &[Row] =
    model!(SIDES[1], "V", "V_SF", PERCENT_SF, [NO_CESSATION]);
pub(in super::super) const TRIP_LF: &[Row] =
    model!(SIDES[2], "Hz", "Hz_SF", MILLI_SF, [NO_CESSATION]);
pub(in super::super) const TRIP_HF: &[Row] =
    model!(SIDES[3], "Hz", "Hz_SF", MILLI_SF, [NO_CESSATION]);
