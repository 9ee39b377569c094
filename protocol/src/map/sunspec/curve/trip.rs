//! Models of trips, 707 to 710, each one side of the voltage or of the frequency. A set of curves is what a
//! curve is in the other models: the first shows the trips of the unit, the others are stored.
//!
//! A point of the curve of must-trip is a trip: beyond its voltage or frequency the unit is off after its
//! time. A unit has no region of may-trip. Below a voltage it may cease to give power at once (momentary
//! cessation, 707 alone): one point with no time.

use super::super::bindings::{MILLI_SF, PERCENT_SF, Row, r};
use crate::map::source::Bind;
use bess_core::control::{TripCurve, TripCurveChange, TripSettings, TripsChange};

/// What a model of trips is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Side {
    UnderVoltage,
    OverVoltage,
    UnderFrequency,
    OverFrequency,
}

impl Side {
    pub(super) fn of(self, trips: &TripSettings) -> &TripCurve {
        match self {
            Self::UnderVoltage => &trips.under_voltage,
            Self::OverVoltage => &trips.over_voltage,
            Self::UnderFrequency => &trips.under_frequency,
            Self::OverFrequency => &trips.over_frequency,
        }
    }

    pub(super) fn of_change(self, change: &TripsChange) -> &TripCurveChange {
        match self {
            Self::UnderVoltage => &change.under_voltage,
            Self::OverVoltage => &change.over_voltage,
            Self::UnderFrequency => &change.under_frequency,
            Self::OverFrequency => &change.over_frequency,
        }
    }

    pub(super) fn in_change(self, change: &mut TripsChange) -> &mut TripCurveChange {
        match self {
            Self::UnderVoltage => &mut change.under_voltage,
            Self::OverVoltage => &mut change.over_voltage,
            Self::UnderFrequency => &mut change.under_frequency,
            Self::OverFrequency => &mut change.over_frequency,
        }
    }

    /// Whether the unit may cease for a moment on this side.
    pub(super) fn ceases(self) -> bool {
        self == Self::UnderVoltage
    }

    /// Units of the register per unit of a threshold: percent of the nominal voltage, or Hz.
    pub(super) fn per_threshold(self) -> f64 {
        match self {
            Self::UnderVoltage | Self::OverVoltage => 100.0,
            Self::UnderFrequency | Self::OverFrequency => 1.0,
        }
    }
}

const NO_MAY_TRIP: Row = r("Crv.MayTrip.ActPt", Bind::Raw(0));
const NO_CESSATION: Row = r("Crv.MomCess.ActPt", Bind::Raw(0));
const TIME_SF: Row = r("Tms_SF", PERCENT_SF);

pub(in super::super) const TRIP_LV: &[Row] = &[r("V_SF", PERCENT_SF), TIME_SF, NO_MAY_TRIP];
pub(in super::super) const TRIP_HV: &[Row] =
    &[r("V_SF", PERCENT_SF), TIME_SF, NO_MAY_TRIP, NO_CESSATION];
/// Of 709 and of 710.
pub(in super::super) const TRIP_HZ: &[Row] =
    &[r("Hz_SF", MILLI_SF), TIME_SF, NO_MAY_TRIP, NO_CESSATION];
