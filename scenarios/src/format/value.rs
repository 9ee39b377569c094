//! What a parameter is set to: a number, a word, a course in time, a draw.

use bess_core::series::Series;
use std::fmt;
use std::time::Duration;

/// A parameter and what it is set to.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it is.
    pub value: Value,
}

/// What a parameter is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number in the unit of the parameter.
    Number(f64),
    /// One of its words, or a text.
    Word(String),
    /// `true` or `false`.
    Flag(bool),
    /// Several numbers.
    Numbers(Vec<f64>),
    /// A number that goes with time.
    Shape(Shape),
    /// A number that is drawn once when the action begins, for each target by itself.
    Draw(Draw),
}

/// A number that goes with the time since the begin of its action. Outside its time it stays at its
/// ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// From one number to another.
    Ramp {
        /// Where it begins.
        from: f64,
        /// Where it ends.
        to: f64,
        /// In what time.
        over: Duration,
        /// On what way.
        curve: Curve,
    },
    /// Steps: the time of each and its number, times increasing from 0 s.
    Steps(Vec<(Duration, f64)>),
    /// A sine around a mean, rising at first.
    Sine {
        /// Its mean.
        mean: f64,
        /// Its amplitude.
        amplitude: f64,
        /// Its period.
        period: Duration,
    },
    /// Noise that comes back to its mean (Ornstein-Uhlenbeck), beginning there.
    Ou {
        /// Its mean.
        mean: f64,
        /// How fast it comes back, in 1/s.
        theta_per_s: f64,
        /// Its strength, in the unit of the parameter per square root of a second.
        sigma: f64,
    },
    /// What a record says.
    Csv {
        /// The file as it was named.
        file: String,
        /// Its samples by the seconds since the begin.
        series: Series,
        /// Straight lines between the samples; else each holds until the next.
        linear: bool,
    },
}

impl Shape {
    /// Their names in files.
    pub const NAMES: [&'static str; 5] = ["ramp", "steps", "sine", "ou", "csv"];
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Steps that are told one by one.
        const TOLD: usize = 6;
        match self {
            Self::Ramp { from, to, over, curve } => {
                let way = match curve {
                    Curve::Linear => "",
                    Curve::Exp => ", fast at first",
                    Curve::S => ", slow at both ends",
                };
                write!(f, "from {from} to {to} over {} s{way}", over.as_secs_f64())
            }
            Self::Steps(steps) => {
                for (n, (after, value)) in steps.iter().take(TOLD).enumerate() {
                    let comma = if n == 0 { "" } else { ", " };
                    write!(f, "{comma}{value} from {} s", after.as_secs_f64())?;
                }
                match steps.len().saturating_sub(TOLD) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more steps"),
                }
            }
            Self::Sine { mean, amplitude, period } => {
                write!(f, "{mean} ± {amplitude} with a period of {} s", period.as_secs_f64())
            }
            Self::Ou { mean, theta_per_s, sigma } => {
                write!(f, "noise around {mean} (theta {theta_per_s} /s, sigma {sigma})")
            }
            Self::Csv { file, .. } => write!(f, "as in {file}"),
        }
    }
}

/// Way of a ramp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// Straight.
    #[default]
    Linear,
    /// Fast at first, like a discharge: 95 % of the way at the end of the first 60 % of the time.
    Exp,
    /// Slow at both ends.
    S,
}

impl Curve {
    /// Every one, with its name in files.
    pub const ALL: [(&'static str, Self); 3] =
        [("linear", Self::Linear), ("exp", Self::Exp), ("s", Self::S)];
}

/// A distribution of which a number is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Draw {
    /// Every number of a range alike.
    Uniform {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// Normal; drawn again outside `min` to `max`.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
        /// Smallest number, or minus infinity.
        min: f64,
        /// Largest number, or infinity.
        max: f64,
    },
    /// The exponential of a normal one.
    Lognormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Weibull.
    Weibull {
        /// Shape, k.
        shape: f64,
        /// Scale, lambda.
        scale: f64,
    },
    /// 1 with this probability, else 0.
    Bernoulli {
        /// The probability.
        p: f64,
    },
    /// One of some numbers.
    Choice {
        /// The numbers.
        of: Vec<f64>,
        /// Their weights, not all 0; as many as numbers.
        weights: Vec<f64>,
    },
    /// Losses in bursts: a good and a bad state, with a loss in each. Only where a parameter says so.
    GilbertElliott {
        /// Probability to become bad.
        p_good_to_bad: f64,
        /// Probability to become good.
        p_bad_to_good: f64,
        /// Loss while good.
        loss_good: f64,
        /// Loss while bad.
        loss_bad: f64,
    },
}

impl Draw {
    /// Their names in files.
    pub const NAMES: [&'static str; 8] = [
        "uniform",
        "normal",
        "lognormal",
        "exponential",
        "weibull",
        "bernoulli",
        "choice",
        "gilbert_elliott",
    ];
}
