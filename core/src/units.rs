//! Physical quantities as newtypes, for the seams between modules.
//!
//! Inside a type the unit is fixed and SI based; kernels work on plain slices whose names carry the
//! unit. Only the products that the model needs are defined. Positive power and current mean
//! discharge, out of the battery.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(pub f64);

        impl $name {
            /// Zero of this quantity.
            pub const ZERO: Self = Self(0.0);

            /// The bare number in the unit of this type.
            pub const fn get(self) -> f64 {
                self.0
            }
            /// The magnitude.
            #[must_use]
            pub fn abs(self) -> Self {
                Self(self.0.abs())
            }
            /// The smaller of the two.
            #[must_use]
            pub fn min(self, other: Self) -> Self {
                Self(self.0.min(other.0))
            }
            /// The larger of the two.
            #[must_use]
            pub fn max(self, other: Self) -> Self {
                Self(self.0.max(other.0))
            }
            /// Whether the number is neither infinite nor not-a-number.
            pub fn is_finite(self) -> bool {
                self.0.is_finite()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $symbol))
            }
        }
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }
        impl Div<f64> for $name {
            type Output = Self;
            fn div(self, divisor: f64) -> Self {
                Self(self.0 / divisor)
            }
        }
        impl Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
    };
}

quantity!(
    /// Active power in watts; positive is discharge.
    Watts, "W"
);
quantity!(
    /// Reactive power in vars; positive is injection (over-excited).
    Vars, "var"
);
quantity!(
    /// Apparent power in volt-amperes, never negative.
    VoltAmps, "VA"
);
quantity!(
    /// Electric potential in volts.
    Volts, "V"
);
quantity!(
    /// Current in amperes; positive is discharge.
    Amps, "A"
);
quantity!(
    /// Energy in joules.
    Joules, "J"
);
quantity!(
    /// Charge in coulombs.
    Coulombs, "C"
);
quantity!(
    /// Resistance in ohms.
    Ohms, "ohm"
);
quantity!(
    /// Frequency in hertz.
    Hertz, "Hz"
);
quantity!(
    /// Temperature in degrees Celsius.
    Celsius, "degC"
);
quantity!(
    /// Duration in seconds.
    Seconds, "s"
);

impl Mul<Amps> for Volts {
    type Output = Watts;
    fn mul(self, current: Amps) -> Watts {
        Watts(self.0 * current.0)
    }
}
impl Mul<Seconds> for Watts {
    type Output = Joules;
    fn mul(self, time: Seconds) -> Joules {
        Joules(self.0 * time.0)
    }
}
impl Mul<Seconds> for Amps {
    type Output = Coulombs;
    fn mul(self, time: Seconds) -> Coulombs {
        Coulombs(self.0 * time.0)
    }
}
impl Coulombs {
    /// From ampere-hours.
    pub fn from_amp_hours(amp_hours: f64) -> Self {
        Self(amp_hours * SECONDS_PER_HOUR)
    }
    /// In ampere-hours.
    pub fn amp_hours(self) -> f64 {
        self.0 / SECONDS_PER_HOUR
    }
}
impl Joules {
    /// In watt-hours.
    pub fn watt_hours(self) -> f64 {
        self.0 / SECONDS_PER_HOUR
    }
}
impl Celsius {
    /// The thermodynamic temperature in kelvin.
    pub fn kelvin(self) -> f64 {
        self.0 + ZERO_CELSIUS_K
    }
}

/// Seconds in an hour.
pub const SECONDS_PER_HOUR: f64 = 3600.0;
/// 0 degC in kelvin (definition of the Celsius scale, SI brochure 9th ed.).
pub const ZERO_CELSIUS_K: f64 = 273.15;
/// Molar gas constant in J/(mol K) (CODATA 2018, exact).
pub const GAS_CONSTANT_J_PER_MOL_K: f64 = 8.314_462_618;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_times_time_is_energy() {
        let energy = Volts(1000.0) * Amps(3.6) * Seconds(1000.0);
        assert!((energy.watt_hours() - 1000.0).abs() < 1e-9);
    }

    #[test]
    fn a_quantity_prints_its_unit_and_obeys_the_precision() {
        assert_eq!(format!("{:.1}", Watts(12.34)), "12.3 W");
    }
}
