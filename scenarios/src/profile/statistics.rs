//! Figures that describe an evenly sampled series, measured and stated.

use bess_core::math;
use std::fmt;

/// A figure that can be measured of an evenly sampled series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Arithmetic mean.
    Mean,
    /// Standard deviation.
    Sigma,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Autocorrelation at a lag: the covariance of values this far apart over the variance.
    Autocorrelation {
        /// Lag in seconds; rounded to whole steps.
        lag_s: f64,
    },
    /// Standard deviation of the change from sample to sample.
    StepSigma,
    /// Fraction of samples that equal the one before.
    Unchanged,
    /// Fraction of samples whose magnitude is at least this.
    AtLimit(f64),
    /// Mean over the whole days of the day's largest less its smallest value.
    DayRange,
    /// Standard deviation of the means of the whole days.
    DayMeanSigma,
    /// Mean of the samples in this hour of the day (0 to 23) over the mean of all.
    HourOverMean(u8),
}

/// A figure that a profile aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stated {
    /// Which figure.
    pub figure: Figure,
    /// Its value in the record or by the assumption.
    pub value: f64,
    /// How far that of a long generated series may be from it.
    pub tolerance: f64,
}

impl Stated {
    /// The figure has this value, give or take the tolerance.
    pub const fn new(figure: Figure, value: f64, tolerance: f64) -> Self {
        Self { figure, value, tolerance }
    }
}

const DAY_S: f64 = 86_400.0;
const HOUR_S: f64 = 3600.0;

impl Figure {
    /// The figure of `values`, which lie `step_s` apart and begin at midnight; nothing when the series
    /// is too short for it.
    pub fn of(self, values: &[f64], step_s: f64) -> Option<f64> {
        match self {
            Self::Mean => mean(values),
            Self::Sigma => sigma(values),
            Self::Min => values.iter().copied().reduce(f64::min),
            Self::Max => values.iter().copied().reduce(f64::max),
            Self::Autocorrelation { lag_s } => {
                autocorrelation(values, (lag_s / step_s).round() as usize)
            }
            Self::StepSigma => {
                let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
                sigma(&steps)
            }
            Self::Unchanged => {
                let same = values.windows(2).filter(|pair| pair[0] == pair[1]).count();
                (values.len() > 1).then(|| same as f64 / (values.len() - 1) as f64)
            }
            Self::AtLimit(limit) => {
                let reached = values.iter().filter(|value| value.abs() >= limit).count();
                (!values.is_empty()).then(|| reached as f64 / values.len() as f64)
            }
            Self::DayRange => {
                let ranges = days(values, step_s).map(|day| {
                    let min = day.iter().copied().fold(f64::INFINITY, f64::min);
                    day.iter().copied().fold(f64::NEG_INFINITY, f64::max) - min
                });
                mean(&ranges.collect::<Vec<f64>>())
            }
            Self::DayMeanSigma => {
                let means: Vec<f64> = days(values, step_s).filter_map(mean).collect();
                (means.len() > 1).then(|| sigma(&means)).flatten()
            }
            Self::HourOverMean(hour) => {
                let in_hour = |k: usize| {
                    let second = (k as f64 * step_s) % DAY_S;
                    (second / HOUR_S).floor() == f64::from(hour)
                };
                let of_hour: Vec<f64> =
                    (0..values.len()).filter(|k| in_hour(*k)).map(|k| values[k]).collect();
                Some(mean(&of_hour)? / mean(values)?)
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Sigma => f.write_str("standard deviation"),
            Self::Min => f.write_str("smallest"),
            Self::Max => f.write_str("largest"),
            Self::Autocorrelation { lag_s } => write!(f, "autocorrelation after {lag_s} s"),
            Self::StepSigma => f.write_str("standard deviation of a step"),
            Self::Unchanged => f.write_str("fraction of steps without change"),
            Self::AtLimit(limit) => write!(f, "fraction at {limit} and beyond"),
            Self::DayRange => f.write_str("range of a day, mean"),
            Self::DayMeanSigma => f.write_str("standard deviation of the days' means"),
            Self::HourOverMean(hour) => {
                write!(f, "{hour:02}:00 to {:02}:00 over the mean", hour + 1)
            }
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn sigma(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Some(math::sqrt(squares / values.len() as f64))
}

fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    let n = values.len().checked_sub(lag).filter(|n| *n > 0)?;
    let mean = mean(values)?;
    let variance = sigma(values)?.powi(2);
    if variance == 0.0 {
        return None;
    }
    let products: f64 = (0..n).map(|k| (values[k] - mean) * (values[k + lag] - mean)).sum();
    Some(products / n as f64 / variance)
}

/// The whole days of a series.
fn days(values: &[f64], step_s: f64) -> impl Iterator<Item = &[f64]> {
    let per_day = ((DAY_S / step_s).round() as usize).max(1);
    values.chunks_exact(per_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_small_series_are_those_of_the_textbook() {
        let values = [1.0, 3.0, 3.0, 1.0];
        let of = |figure: Figure| figure.of(&values, 1.0).expect("long enough");
        assert_eq!(of(Figure::Mean), 2.0);
        assert_eq!(of(Figure::Sigma), 1.0);
        assert_eq!((of(Figure::Min), of(Figure::Max)), (1.0, 3.0));
        assert_eq!(of(Figure::Autocorrelation { lag_s: 1.0 }), -1.0 / 3.0);
        assert_eq!(of(Figure::Unchanged), 1.0 / 3.0);
        assert_eq!(of(Figure::AtLimit(3.0)), 0.5);
    }

    #[test]
    fn the_figures_of_days_use_whole_days_only() {
        // Six-hour steps: two days and a rest.
        let values = [0.0, 4.0, 6.0, 2.0, 1.0, 5.0, 7.0, 3.0, 99.0];
        let of = |figure: Figure| figure.of(&values, 21_600.0);
        assert_eq!(of(Figure::DayRange), Some(6.0));
        assert_eq!(of(Figure::DayMeanSigma), Some(0.5));
        assert_eq!(Figure::HourOverMean(6).of(&values[..8], 21_600.0), Some(4.5 / 3.5));
    }

    #[test]
    fn a_series_too_short_for_a_figure_has_none() {
        assert_eq!(Figure::Mean.of(&[], 1.0), None);
        assert_eq!(Figure::Autocorrelation { lag_s: 9.0 }.of(&[1.0], 1.0), None);
        assert_eq!(Figure::DayRange.of(&[1.0, 2.0], 60.0), None);
    }
}
