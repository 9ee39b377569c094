//! Ambient temperature: the year's and the day's curve plus weather.
//!
//! Model: a cosine of the year, two harmonics of the day (the second makes the morning's rise steeper
//! than the evening's fall), and weather as the sum of two Ornstein-Uhlenbeck processes cut at 3.5
//! standard deviations.
//!
//! Figures: 8760 h of Miami, NREL/BLAST-Lite (from the NSRDB; commit bae8c71), measured by us: mean
//! 24.51 degC, standard deviation 4.53 K, extremes 5.0 and 35.6 degC; the year's cosine 4.35 K with its
//! top on day 208; the day's harmonics 2.53 K (top at 13:43) and 0.72 K (11:35); what remains has 2.76 K
//! and the autocorrelation 0.953 after 1 h, 0.705 after 6 h, 0.494 after 24 h, 0.194 after 48 h. A day's
//! range is 7.08 K in the mean, the days' means have a standard deviation of 3.83 K; autocorrelation of
//! the whole 0.975 after 1 h, 0.709 after 6 h, 0.515 after 12 h, 0.814 after 24 h, 0.665 after 72 h.
//!
//! The noise is rougher than weather: a day's range comes out 0.4 K wider than the record's at 1 h and 1 K
//! wider at 10 min, and the autocorrelation within 0.06 of the record's.
//!
//! One climate: other places are made by the parameters, without their own kind of weather.

use super::noise::Mixture;
use super::statistics::{Figure, Stated};
use super::{Kind, Profile, ProfileError, Sampling, in_range, rounded};
use bess_core::math;
use bess_core::rng::Stream;
use std::f64::consts::TAU;

/// The row of this kind.
pub const KIND: Kind = Kind {
    name: "ambient",
    stream_index: 3,
    column: "ambient_degc",
    unit: "degC",
    step_s: 600.0,
    about: "ambient temperature with the day's curve, the season and weather",
    source: "NREL/BLAST-Lite (NSRDB), Miami, a year of 1 h",
    usual: || Box::new(Ambient::default()),
};

/// Day of the year with the warmest mean, from 0 at the start of 1 January.
const WARMEST_DAY: f64 = 207.8;
const YEAR_DAYS: f64 = 365.0;
/// Hour of the day at the top of the first harmonic.
const FIRST_TOP_HOUR: f64 = 13.72;
/// Hour of the day at the first top of the second harmonic.
const SECOND_TOP_HOUR: f64 = 11.59;
/// Amplitude of the second harmonic over that of the first.
const SECOND_OVER_FIRST: f64 = 0.283;
/// Fitted by hand to the autocorrelation of what remains of the record, from 1 h to 72 h.
const WEATHER: Mixture =
    Mixture { slow_share: 0.85, slow_tau_s: 36.0 * 3600.0, fast_tau_s: 6.0 * 3600.0 };
/// The weather is cut at this many standard deviations.
const WEATHER_CUT: f64 = 3.5;
/// Values are rounded to 0.01 K.
const PER_K: f64 = 100.0;

/// Ambient temperature in degrees Celsius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ambient {
    /// Mean of the year in degC, -40 to 45.
    pub mean_degc: f64,
    /// Amplitude of the day's first harmonic in kelvin, 0 to 15; a day's range is nearly three times it.
    pub day_amplitude_k: f64,
    /// Amplitude of the year's curve in kelvin, 0 to 25.
    pub year_amplitude_k: f64,
    /// Standard deviation of the weather in kelvin, 0 to 6.
    pub weather_sigma_k: f64,
    /// Day of the year on which the series begins at 00:00 local time, 1 (1 January) to 366.
    pub start_day: f64,
}

impl Default for Ambient {
    fn default() -> Self {
        Self {
            mean_degc: 24.5,
            day_amplitude_k: 2.53,
            year_amplitude_k: 4.35,
            weather_sigma_k: 2.76,
            // 27 April, when the year's curve crosses its mean.
            start_day: 117.0,
        }
    }
}

impl Ambient {
    /// Temperature without weather at `time_s` from the start.
    fn curve_degc(&self, time_s: f64) -> f64 {
        let days = self.start_day - 1.0 + time_s / 86_400.0;
        let hours = time_s / 3600.0;
        let year = math::cos(TAU * (days - WARMEST_DAY) / YEAR_DAYS);
        let first = math::cos(TAU * (hours - FIRST_TOP_HOUR) / 24.0);
        let second = math::cos(TAU * (hours - SECOND_TOP_HOUR) / 12.0);
        self.mean_degc
            + self.year_amplitude_k * year
            + self.day_amplitude_k * (first + SECOND_OVER_FIRST * second)
    }
}

impl Profile for Ambient {
    fn kind(&self) -> &'static Kind {
        &KIND
    }
    fn stated(&self) -> Vec<Stated> {
        let day = self.day_amplitude_k * math::sqrt(1.0 + SECOND_OVER_FIRST * SECOND_OVER_FIRST);
        let curves = (self.year_amplitude_k * self.year_amplitude_k + day * day) / 2.0;
        let sigma = math::sqrt(curves + self.weather_sigma_k * self.weather_sigma_k);
        let mut stated = vec![
            Stated::new(Figure::Mean, self.mean_degc, 0.4),
            Stated::new(Figure::Sigma, sigma, 0.15),
        ];
        let usual = Self::default();
        let as_recorded =
            Self { mean_degc: usual.mean_degc, start_day: usual.start_day, ..*self } == usual;
        if as_recorded {
            let correlation = |lag_h: f64, value| {
                Stated::new(Figure::Autocorrelation { lag_s: lag_h * 3600.0 }, value, 0.06)
            };
            stated.extend([
                Stated::new(Figure::DayRange, 7.08, 1.2),
                Stated::new(Figure::DayMeanSigma, 3.83, 0.2),
                correlation(1.0, 0.975),
                correlation(6.0, 0.709),
                correlation(12.0, 0.515),
                correlation(24.0, 0.814),
                correlation(72.0, 0.665),
            ]);
        }
        stated
    }
    fn check(&self) -> Result<(), ProfileError> {
        in_range("the mean temperature", self.mean_degc, -40.0, 45.0, "degC")?;
        in_range("the day's amplitude", self.day_amplitude_k, 0.0, 15.0, "K")?;
        in_range("the year's amplitude", self.year_amplitude_k, 0.0, 25.0, "K")?;
        in_range("sigma of the weather", self.weather_sigma_k, 0.0, 6.0, "K")?;
        in_range("the start day", self.start_day, 1.0, 366.0, "days")
    }
    fn values(&self, sampling: Sampling, stream: &mut Stream) -> Vec<f64> {
        let sigma = self.weather_sigma_k;
        let mut weather = WEATHER.start(sigma, sampling.step_s, stream);
        (0..sampling.n)
            .map(|k| {
                let weather = weather.next(stream);
                let weather_k = weather.clamp(-WEATHER_CUT * sigma, WEATHER_CUT * sigma);
                // The extremes of all parameters together would leave what readers accept.
                let degc = (self.curve_degc(sampling.time_s(k)) + weather_k).clamp(-60.0, 80.0);
                rounded(degc, PER_K)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::testing::{DAY_S, assert_states, usual};

    #[test]
    fn eight_years_show_the_stated_figures_at_any_step() {
        for step_s in [3600.0, 600.0] {
            assert_states(Ambient::default(), 8.0 * 365.0 * DAY_S, step_s);
        }
    }

    #[test]
    fn other_climates_keep_the_figures_that_they_state() {
        let continental = Ambient {
            mean_degc: 9.0,
            day_amplitude_k: 4.0,
            year_amplitude_k: 11.0,
            weather_sigma_k: 3.5,
            start_day: 1.0,
        };
        assert_states(continental, 8.0 * 365.0 * DAY_S, 3600.0);
    }

    #[test]
    fn afternoons_are_warmer_than_nights_and_summers_than_winters() {
        let calm = |start_day| Ambient { start_day, weather_sigma_k: 0.0, ..Ambient::default() };
        assert!(calm(1.0).curve_degc(14.0 * 3600.0) > calm(1.0).curve_degc(5.0 * 3600.0) + 4.0);
        assert!(calm(208.0).curve_degc(0.0) > calm(25.0).curve_degc(0.0) + 8.0);
    }

    #[test]
    fn the_first_values_are_pinned_so_that_old_seeds_keep_their_days() {
        assert_eq!(usual(&KIND, 3600.0, 42).values(), [19.57, 19.31, 19.12, 19.19, 19.1, 19.18]);
    }
}
