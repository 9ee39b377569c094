//! What lies between the units and the grid, and around them: transformer and climate.

use crate::math;
use crate::units::{Celsius, VoltAmps};

/// Transformer between the units with their auxiliaries and the POI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformerSpec {
    /// Rated apparent power, > 0.
    pub rated: VoltAmps,
    /// Loss of the energised core as a fraction of the rating, drawn at all times.
    pub no_load_loss: f64,
    /// Loss in the windings at the rated apparent power, as a fraction of it.
    pub load_loss: f64,
}

/// Climate at the farm, when no record is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AmbientSpec {
    /// Always the same temperature, and no sun.
    Constant(Celsius),
    /// The same day again and again.
    Daily(DailySpec),
}

/// A day: temperature as a cosine around its mean, sun as a half sine between sunrise and sunset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DailySpec {
    /// Mean of the day.
    pub mean: Celsius,
    /// The warmest hour is this much above the mean and the coldest this much below, in K, >= 0.
    pub swing_k: f64,
    /// Hour of the day (0 to 24) when it is warmest.
    pub warmest_hour: f64,
    /// Irradiance in the middle between sunrise and sunset in W/m2, >= 0.
    pub solar_peak_w_per_m2: f64,
    /// Hour of the day when the sun rises.
    pub sunrise_hour: f64,
    /// Hour of the day when the sun sets, after sunrise.
    pub sunset_hour: f64,
}

const HOUR_S: f64 = 3_600.0;
const HOURS_PER_DAY: f64 = 24.0;

impl AmbientSpec {
    /// Temperature in degC and irradiance in W/m2 (>= 0) at `seconds_of_day` since midnight.
    pub fn at(&self, seconds_of_day: f64) -> (f64, f64) {
        let day = match self {
            Self::Constant(degc) => return (degc.0, 0.0),
            Self::Daily(day) => day,
        };
        let hour = seconds_of_day / HOUR_S;
        let turn = (hour - day.warmest_hour) / HOURS_PER_DAY;
        let degc = day.mean.0 + day.swing_k * math::cos(std::f64::consts::TAU * turn);
        let sun = (hour - day.sunrise_hour) / (day.sunset_hour - day.sunrise_hour);
        if sun <= 0.0 || sun >= 1.0 {
            return (degc, 0.0);
        }
        (degc, day.solar_peak_w_per_m2 * math::sin(std::f64::consts::PI * sun))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: AmbientSpec = AmbientSpec::Daily(DailySpec {
        mean: Celsius(20.0),
        swing_k: 6.0,
        warmest_hour: 15.0,
        solar_peak_w_per_m2: 900.0,
        sunrise_hour: 6.0,
        sunset_hour: 18.0,
    });

    #[test]
    fn a_day_is_warmest_at_its_hour_and_coldest_half_a_day_away() {
        assert!((DAY.at(15.0 * HOUR_S).0 - 26.0).abs() < 1e-9);
        assert!((DAY.at(3.0 * HOUR_S).0 - 14.0).abs() < 1e-9);
        assert!((DAY.at(9.0 * HOUR_S).0 - 20.0).abs() < 1e-9);
        let (midnight, end) = (DAY.at(0.0).0, DAY.at(24.0 * HOUR_S).0);
        assert!((midnight - end).abs() < 1e-9, "one day joins the next");
    }

    #[test]
    fn the_sun_peaks_at_noon_and_is_down_at_night() {
        assert!((DAY.at(12.0 * HOUR_S).1 - 900.0).abs() < 1e-9);
        assert!((DAY.at(8.0 * HOUR_S).1 - 450.0).abs() < 1e-9, "half the peak after a third");
        for hour in [0.0, 5.9, 6.0, 18.0, 18.1, 23.9] {
            assert!(DAY.at(hour * HOUR_S).1 == 0.0, "{hour}");
        }
    }

    #[test]
    fn a_constant_climate_has_no_sun() {
        assert_eq!(AmbientSpec::Constant(Celsius(-5.0)).at(12.0 * HOUR_S), (-5.0, 0.0));
    }
}
