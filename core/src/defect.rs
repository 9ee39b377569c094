//! What may be wrong with the equipment of a unit, physically: cells and cooling.
//!
//! A defect is a state, not an event: it lasts until it is ended, and setting it again replaces it.

use crate::command::Rejection;
use crate::id::UnitId;
use crate::spec::UnitDesign;
use crate::time::Tick;

/// Something wrong with one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CellDefect {
    /// A resistance between its electrodes in ohms, [`SHORT_MIN_OHM`] or more: some ohms are a soft
    /// short, milliohms a hard one. Infinite ends it.
    Short(f64),
    /// Power of a heater on it in W, 0 to [`HEATER_MAX_W`]. Zero ends it.
    Heater(f64),
}

/// Smallest resistance of a short in ohms: below, a cell's own resistance is all there is.
pub const SHORT_MIN_OHM: f64 = 1e-4;
/// Largest power of a heater on a cell in W.
pub const HEATER_MAX_W: f64 = 10_000.0;

/// Something wrong with a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Defect {
    /// With a cell.
    Cell {
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// Index of the cell in its rack.
        cell_idx: usize,
        /// What.
        defect: CellDefect,
    },
    /// Whether the chiller or air conditioner has failed.
    Chiller(bool),
    /// Whether the coolant pump has failed.
    Pump(bool),
    /// Whether the fans have failed.
    Fan(bool),
}

impl Defect {
    /// What ends it.
    #[must_use]
    pub fn ended(self) -> Self {
        match self {
            Self::Cell { rack_idx, cell_idx, defect } => {
                let defect = match defect {
                    CellDefect::Short(_) => CellDefect::Short(f64::INFINITY),
                    CellDefect::Heater(_) => CellDefect::Heater(0.0),
                };
                Self::Cell { rack_idx, cell_idx, defect }
            }
            Self::Chiller(_) => Self::Chiller(false),
            Self::Pump(_) => Self::Pump(false),
            Self::Fan(_) => Self::Fan(false),
        }
    }

    /// Whether a unit of `design` can have it.
    ///
    /// # Errors
    /// A rack or cell that is not there, or a figure out of its range.
    pub fn check(self, design: &UnitDesign) -> Result<(), Rejection> {
        let Self::Cell { rack_idx, cell_idx, defect } = self else { return Ok(()) };
        let in_range = |field, value: f64, min: f64, max: f64, unit| {
            // A NaN is in no range.
            if (min..=max).contains(&value) {
                return Ok(());
            }
            Err(Rejection::OutOfRange { field, value, min, max, unit })
        };
        in_range("rack", rack_idx as f64 + 1.0, 1.0, design.n_racks as f64, "")?;
        in_range("cell", cell_idx as f64 + 1.0, 1.0, design.cells_in_series as f64, "")?;
        match defect {
            CellDefect::Short(ohm) => {
                in_range("resistance_ohm", ohm, SHORT_MIN_OHM, f64::INFINITY, "ohm")
            }
            CellDefect::Heater(power_w) => in_range("power_w", power_w, 0.0, HEATER_MAX_W, "W"),
        }
    }
}

/// A defect that a farm file tells of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedDefect {
    /// The unit.
    pub unit: UnitId,
    /// What is wrong.
    pub defect: Defect,
    /// First tick with it.
    pub from: Tick,
    /// First tick without it again, if it ends.
    pub until: Option<Tick>,
}
