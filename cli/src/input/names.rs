//! What makes a column fit: the names of time columns, and the units in the names of values.

/// What a series for a farm must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantity {
    /// Power of the farm at the POI; leaves in watts.
    FarmPower {
        /// Rated power of the farm in watts, for columns in percent of it.
        rated_w: f64,
    },
    /// Grid frequency; leaves in hertz.
    Frequency,
    /// Grid voltage; leaves in per unit of nominal.
    Voltage,
    /// Ambient temperature; leaves in degrees Celsius.
    Ambient,
}

/// How a time column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeKind {
    /// Seconds from the start of the run.
    Seconds,
    /// Hours from the start of the run.
    Hours,
    /// Seconds since midnight; the first row is the start of the run.
    SecondOfDay,
    /// RFC 3339; the first row, or a given instant, is the start of the run.
    Calendar,
}

/// Names of time columns in lower case; the first one that a file has counts.
pub(super) const TIME_COLUMNS: &[(&str, TimeKind)] = &[
    ("t_s", TimeKind::Seconds),
    ("time_s", TimeKind::Seconds),
    ("seconds", TimeKind::Seconds),
    ("t_h", TimeKind::Hours),
    ("t_hours", TimeKind::Hours),
    ("time_h", TimeKind::Hours),
    ("second_of_day", TimeKind::SecondOfDay),
    ("time", TimeKind::Calendar),
    ("time_utc", TimeKind::Calendar),
    ("timestamp", TimeKind::Calendar),
    ("datetime", TimeKind::Calendar),
];

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Power,
    /// Fraction of the rated power, once the factor is applied.
    OfRated,
    Frequency,
    Temperature,
    Current,
    CRate,
}

impl Dimension {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Power => "a power",
            Self::OfRated => "a share of the rated power",
            Self::Frequency => "a frequency",
            Self::Temperature => "a temperature",
            Self::Current => "a current",
            Self::CRate => "a C-rate",
        }
    }
}

/// A unit as it stands in the name of a column; value * factor + offset is in the base unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) token: &'static str,
    pub(super) dimension: Dimension,
    pub(super) factor: f64,
    pub(super) offset: f64,
}

pub(super) const fn unit(token: &'static str, dimension: Dimension, factor: f64) -> Unit {
    Unit { token, dimension, factor, offset: 0.0 }
}

/// Tokens in lower case. `mw` is the megawatt: nobody dispatches milliwatts.
pub(super) const UNITS: &[Unit] = &[
    unit("w", Dimension::Power, 1.0),
    unit("kw", Dimension::Power, 1e3),
    unit("mw", Dimension::Power, 1e6),
    unit("gw", Dimension::Power, 1e9),
    unit("pct", Dimension::OfRated, 0.01),
    unit("percent", Dimension::OfRated, 0.01),
    unit("%", Dimension::OfRated, 0.01),
    unit("pu", Dimension::OfRated, 1.0),
    unit("hz", Dimension::Frequency, 1.0),
    unit("degc", Dimension::Temperature, 1.0),
    unit("celsius", Dimension::Temperature, 1.0),
    unit("°c", Dimension::Temperature, 1.0),
    unit("c", Dimension::Temperature, 1.0),
    Unit { token: "k", dimension: Dimension::Temperature, factor: 1.0, offset: -273.15 },
    Unit {
        token: "degf",
        dimension: Dimension::Temperature,
        factor: 5.0 / 9.0,
        offset: -160.0 / 9.0,
    },
    unit("a", Dimension::Current, 1.0),
    unit("ma", Dimension::Current, 1e-3),
    unit("crate", Dimension::CRate, 1.0),
];

/// What the reader is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    Farm(Quantity),
    Cell,
}

impl Wanted {
    pub(super) fn accepts(self, dimension: Dimension) -> bool {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => {
                matches!(dimension, Dimension::Power | Dimension::OfRated)
            }
            Self::Farm(Quantity::Frequency) => dimension == Dimension::Frequency,
            // A voltage in pu or percent is a share of nominal, as a power is of the rating.
            Self::Farm(Quantity::Voltage) => dimension == Dimension::OfRated,
            Self::Farm(Quantity::Ambient) => dimension == Dimension::Temperature,
            Self::Cell => {
                matches!(dimension, Dimension::Current | Dimension::CRate | Dimension::Power)
            }
        }
    }
    /// Whether people can name the column: the flags are those of the dispatch file or the profile.
    pub(super) fn takes_columns(self) -> bool {
        !matches!(self, Self::Farm(Quantity::Frequency | Quantity::Voltage | Quantity::Ambient))
    }
    /// The dimension of a column that has no unit but a scale.
    pub(super) fn base(self) -> Dimension {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => Dimension::Power,
            Self::Farm(Quantity::Frequency) => Dimension::Frequency,
            Self::Farm(Quantity::Voltage) => Dimension::OfRated,
            Self::Farm(Quantity::Ambient) => Dimension::Temperature,
            Self::Cell => Dimension::Current,
        }
    }
    /// The names of the contract; one of them wins over other columns with a fitting unit.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => {
                &["power_w", "power_kw", "power_mw", "power_pct"]
            }
            Self::Farm(Quantity::Frequency) => &["frequency_hz"],
            Self::Farm(Quantity::Voltage) => &["voltage_pu"],
            Self::Farm(Quantity::Ambient) => &["ambient_degc"],
            Self::Cell => &["current_a", "c_rate", "power_w"],
        }
    }
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => "power",
            Self::Farm(Quantity::Frequency) => "frequency",
            Self::Farm(Quantity::Voltage) => "voltage",
            Self::Farm(Quantity::Ambient) => "ambient temperature",
            Self::Cell => "current, C-rate or power",
        }
    }
    pub(super) fn units(self) -> &'static str {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => "w, kw, mw or pct",
            Self::Farm(Quantity::Frequency) => "hz",
            Self::Farm(Quantity::Voltage) => "pu or pct",
            Self::Farm(Quantity::Ambient) => "degc",
            Self::Cell => "a, c_rate or w",
        }
    }
    pub(super) fn base_unit(self) -> &'static str {
        match self {
            Self::Farm(Quantity::FarmPower { .. }) => "W",
            Self::Farm(Quantity::Frequency) => "Hz",
            Self::Farm(Quantity::Voltage) => "pu",
            Self::Farm(Quantity::Ambient) => "degC",
            Self::Cell => "A",
        }
    }
    /// The range that a value must lie in, with the hint for one that does not.
    pub(super) fn bounds(self) -> Option<(f64, f64)> {
        match self {
            Self::Farm(Quantity::Frequency) => Some((40.0, 70.0)),
            Self::Farm(Quantity::Voltage) => Some((0.0, 2.0)),
            Self::Farm(Quantity::Ambient) => Some((-60.0, 80.0)),
            Self::Farm(Quantity::FarmPower { .. }) | Self::Cell => None,
        }
    }
}

/// The unit that the name of a column tells; one that `wanted` accepts comes first, then the last.
pub(super) fn unit_in_name(name: &str, wanted: Wanted) -> Option<Unit> {
    let name = name.to_lowercase();
    if name.replace(['-', ' '], "_").contains("c_rate") {
        return Some(unit("c_rate", Dimension::CRate, 1.0));
    }
    let separators = ['_', '-', ' ', '(', ')', '[', ']', '/'];
    let found: Vec<Unit> = name
        .rsplit(separators)
        .filter_map(|token| UNITS.iter().copied().find(|unit| unit.token == token))
        .collect();
    let fitting = found.iter().find(|unit| wanted.accepts(unit.dimension));
    fitting.or(found.first()).copied()
}
