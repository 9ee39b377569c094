//! Units of measure: what a literal such as `200mHz` is worth in SI, and which quantities may meet.

/// The dimension of a quantity, as powers of W, var, VA, s, A, K and l.
///
/// Active, reactive and apparent power are kept apart: to add or compare them is a mistake. A
/// temperature counts as K, so that `45degC - 5K` is one; nothing is converted, 45 stays 45.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dim([i8; 7]);

const BASES: [&str; 7] = ["W", "var", "VA", "s", "A", "K", "l"];

impl Dim {
    /// A ratio or a count.
    pub const NONE: Self = Self([0; 7]);
    /// W.
    pub const POWER: Self = Self([1, 0, 0, 0, 0, 0, 0]);
    /// var.
    pub const REACTIVE: Self = Self([0, 1, 0, 0, 0, 0, 0]);
    /// VA.
    pub const APPARENT: Self = Self([0, 0, 1, 0, 0, 0, 0]);
    /// s.
    pub const TIME: Self = Self([0, 0, 0, 1, 0, 0, 0]);
    /// A.
    pub const CURRENT: Self = Self([0, 0, 0, 0, 1, 0, 0]);
    /// K.
    pub const TEMPERATURE: Self = Self([0, 0, 0, 0, 0, 1, 0]);
    /// l.
    pub const VOLUME: Self = Self([0, 0, 0, 0, 0, 0, 1]);
    /// J.
    pub const ENERGY: Self = Self([1, 0, 0, 1, 0, 0, 0]);
    /// Hz.
    pub const FREQUENCY: Self = Self([0, 0, 0, -1, 0, 0, 0]);
    /// V.
    pub const VOLTAGE: Self = Self([1, 0, 0, 0, -1, 0, 0]);
    /// ohm.
    pub const RESISTANCE: Self = Self([1, 0, 0, 0, -2, 0, 0]);
    /// C.
    pub const CHARGE: Self = Self([0, 0, 0, 1, 1, 0, 0]);

    /// That of a product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].saturating_add(other.0[i])))
    }
    /// That of a quotient.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].saturating_sub(other.0[i])))
    }
    /// Its unit for people; `a plain number` for none.
    pub fn name(self) -> String {
        if self == Self::NONE {
            return "a plain number".to_owned();
        }
        if let Some(unit) = UNITS.iter().find(|unit| unit.dim == self && is_one(unit.factor)) {
            return unit.name.to_owned();
        }
        let powers = BASES.iter().zip(self.0).filter(|(_, power)| *power != 0);
        let each = powers.map(|(base, power)| match power {
            1 => (*base).to_owned(),
            _ => format!("{base}^{power}"),
        });
        each.collect::<Vec<_>>().join(" ")
    }
}

fn is_one(factor: f64) -> bool {
    (factor - 1.0).abs() < f64::EPSILON
}

/// A unit that may follow a number.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// As it is written.
    pub name: &'static str,
    /// Its worth in the SI unit of its dimension.
    pub factor: f64,
    /// Its dimension.
    pub dim: Dim,
}

macro_rules! units {
    ($($name:literal $factor:literal $dim:ident;)*) => {
        /// Every unit that may follow a number; the first of a dimension with factor 1 names it.
        pub const UNITS: &[Unit] = &[$(Unit { name: $name, factor: $factor, dim: Dim::$dim },)*];
    };
}

#[rustfmt::skip]
units! {
    "W" 1.0 POWER; "kW" 1e3 POWER; "MW" 1e6 POWER; "GW" 1e9 POWER;
    "var" 1.0 REACTIVE; "kvar" 1e3 REACTIVE; "Mvar" 1e6 REACTIVE;
    "VA" 1.0 APPARENT; "kVA" 1e3 APPARENT; "MVA" 1e6 APPARENT;
    "Hz" 1.0 FREQUENCY; "mHz" 1e-3 FREQUENCY;
    "V" 1.0 VOLTAGE; "mV" 1e-3 VOLTAGE; "kV" 1e3 VOLTAGE;
    "A" 1.0 CURRENT; "mA" 1e-3 CURRENT; "kA" 1e3 CURRENT;
    "ohm" 1.0 RESISTANCE; "mohm" 1e-3 RESISTANCE; "uohm" 1e-6 RESISTANCE; "kohm" 1e3 RESISTANCE; "Mohm" 1e6 RESISTANCE;
    "J" 1.0 ENERGY; "kJ" 1e3 ENERGY; "MJ" 1e6 ENERGY;
    "Wh" 3600.0 ENERGY; "kWh" 3.6e6 ENERGY; "MWh" 3.6e9 ENERGY;
    "C" 1.0 CHARGE; "Ah" 3600.0 CHARGE;
    "K" 1.0 TEMPERATURE; "degC" 1.0 TEMPERATURE; "°C" 1.0 TEMPERATURE;
    "l" 1.0 VOLUME; "L" 1.0 VOLUME; "ml" 1e-3 VOLUME;
    "s" 1.0 TIME; "us" 1e-6 TIME; "ms" 1e-3 TIME; "m" 60.0 TIME; "min" 60.0 TIME; "h" 3600.0 TIME; "d" 86_400.0 TIME;
    "%" 0.01 NONE; "pu" 1.0 NONE;
}

/// The unit called `name`.
pub fn find(name: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.name == name)
}

/// What a signal's number is in: its unit as its name says it, and its worth in SI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// For people; empty for a plain number.
    pub symbol: &'static str,
    /// Its dimension.
    pub dim: Dim,
    /// Worth of 1 of it in SI: 1000 for kohm.
    pub scale: f64,
    /// Whether it is a part of a whole, 0 to 1.
    pub is_fraction: bool,
    /// Whether it is a yes or no.
    pub is_flag: bool,
}

impl Measure {
    const fn of(symbol: &'static str, dim: Dim, scale: f64) -> Self {
        Self { symbol, dim, scale, is_fraction: false, is_flag: false }
    }
    /// W.
    pub const W: Self = Self::of("W", Dim::POWER, 1.0);
    /// var.
    pub const VAR: Self = Self::of("var", Dim::REACTIVE, 1.0);
    /// VA.
    pub const VA: Self = Self::of("VA", Dim::APPARENT, 1.0);
    /// V.
    pub const V: Self = Self::of("V", Dim::VOLTAGE, 1.0);
    /// A.
    pub const A: Self = Self::of("A", Dim::CURRENT, 1.0);
    /// Hz.
    pub const HZ: Self = Self::of("Hz", Dim::FREQUENCY, 1.0);
    /// degC.
    pub const DEGC: Self = Self::of("degC", Dim::TEMPERATURE, 1.0);
    /// s.
    pub const S: Self = Self::of("s", Dim::TIME, 1.0);
    /// ms.
    pub const MS: Self = Self::of("ms", Dim::TIME, 1e-3);
    /// Wh.
    pub const WH: Self = Self::of("Wh", Dim::ENERGY, 3600.0);
    /// kohm.
    pub const KOHM: Self = Self::of("kohm", Dim::RESISTANCE, 1e3);
    /// l.
    pub const L: Self = Self::of("l", Dim::VOLUME, 1.0);
    /// Per second.
    pub const PER_S: Self = Self::of("1/s", Dim::FREQUENCY, 1.0);
    /// In per unit.
    pub const PU: Self = Self::of("pu", Dim::NONE, 1.0);
    /// In percent.
    pub const PCT: Self = Self::of("%", Dim::NONE, 0.01);
    /// A count, or a plain factor.
    pub const COUNT: Self = Self::of("", Dim::NONE, 1.0);
    /// A fraction from 0 to 1.
    pub const FRACTION: Self = Self { is_fraction: true, ..Self::of("", Dim::NONE, 1.0) };
    /// Yes or no.
    pub const FLAG: Self = Self { is_flag: true, ..Self::of("", Dim::NONE, 1.0) };

    /// For people.
    pub fn words(&self) -> &'static str {
        match (self.is_flag, self.is_fraction, self.symbol) {
            (true, ..) => "yes or no",
            (_, true, _) => "0 to 1",
            (.., "") => "number",
            (.., symbol) => symbol,
        }
    }
}
