//! What may be wrong with one cell.

use super::within;
use crate::command::Rejection;

/// Something wrong with one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CellDefect {
    /// A resistance between its electrodes in ohms, [`SHORT_MIN_OHM`] or more: some ohms are a soft
    /// short, milliohms a hard one. Infinite ends it.
    Short(f64),
    /// Power of a heater on it in W, 0 to [`HEATER_MAX_W`]. Zero ends it.
    Heater(f64),
    /// A weak cell: its capacity times this factor, 0.05 to 1. The cell keeps its state of charge, so the
    /// charge beyond is lost with the capacity. One ends it.
    Capacity(f64),
    /// An aged cell: all of its resistances times this factor, 1 to [`RESISTANCE_MAX_FACTOR`]. One ends it.
    Resistance(f64),
    /// A current in A, 0 to [`LEAK_MAX_A`], that drains it whatever else flows, and whose power warms it:
    /// an outlier of self-discharge (milliamperes) or a bleed resistor of the balancing that is stuck on.
    /// Nothing leaks from an empty cell. Zero ends it.
    Leak(f64),
    /// Resistance in ohms, 0 to [`JOINT_MAX_OHM`], of a loose or corroded joint in series with it. Its
    /// voltage is measured across the joint, whose heat (I2 R) goes into the cell. Zero ends it.
    Joint(f64),
    /// Whether it is set on fire, once: it is brought to where its own reaction runs away. What comes of it,
    /// for its neighbours too, is left to the physics; it cannot be ended.
    Ignite(bool),
}

/// Smallest resistance of a short in ohms: below, a cell's own resistance is all there is.
pub const SHORT_MIN_OHM: f64 = 1e-4;
/// Largest power of a heater on a cell in W.
pub const HEATER_MAX_W: f64 = 10_000.0;
/// Largest factor of a cell's resistances.
pub const RESISTANCE_MAX_FACTOR: f64 = 20.0;
/// Largest leak of a cell in A.
pub const LEAK_MAX_A: f64 = 5.0;
/// Largest resistance of a joint in ohms.
pub const JOINT_MAX_OHM: f64 = 0.1;

impl CellDefect {
    /// What ends it.
    #[must_use]
    pub fn ended(self) -> Self {
        match self {
            Self::Short(_) => Self::Short(f64::INFINITY),
            Self::Heater(_) => Self::Heater(0.0),
            Self::Capacity(_) => Self::Capacity(1.0),
            Self::Resistance(_) => Self::Resistance(1.0),
            Self::Leak(_) => Self::Leak(0.0),
            Self::Joint(_) => Self::Joint(0.0),
            Self::Ignite(_) => Self::Ignite(false),
        }
    }

    pub(super) fn check(self) -> Result<(), Rejection> {
        let (field, value, min, max, unit) = match self {
            Self::Short(ohm) => ("resistance_ohm", ohm, SHORT_MIN_OHM, f64::INFINITY, "ohm"),
            Self::Heater(power_w) => ("power_w", power_w, 0.0, HEATER_MAX_W, "W"),
            Self::Capacity(factor) => ("capacity_factor", factor, 0.05, 1.0, ""),
            Self::Resistance(factor) => {
                ("resistance_factor", factor, 1.0, RESISTANCE_MAX_FACTOR, "")
            }
            Self::Leak(leak_a) => ("current_a", leak_a, 0.0, LEAK_MAX_A, "A"),
            Self::Joint(ohm) => ("resistance_ohm", ohm, 0.0, JOINT_MAX_OHM, "ohm"),
            Self::Ignite(_) => return Ok(()),
        };
        within(field, value, (min, max), unit)
    }
}
