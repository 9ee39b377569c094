//! What may be wrong with the equipment of a unit, physically: cells and cooling.
//!
//! A defect is a state, not an event: it lasts until it is ended, and setting it again replaces it.

use crate::command::Rejection;
use crate::event::Contactor;
use crate::id::UnitId;
use crate::spec::UnitDesign;
use crate::time::Tick;

/// Something wrong with one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

/// What a contactor does whatever it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ContactorFault {
    /// Nothing: it obeys.
    #[default]
    None,
    /// Once closed it stays closed.
    Welded,
    /// Once open it stays open.
    Stuck,
}

/// A measured value of a rack that a sensor may show wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reading {
    /// Highest cell voltage in V.
    CellVoltageMax,
    /// Lowest cell voltage in V.
    CellVoltageMin,
    /// Highest cell temperature in degC.
    TemperatureMax,
    /// Lowest cell temperature in degC.
    TemperatureMin,
    /// Current in A, positive is discharge.
    Current,
}

impl Reading {
    /// Every reading with its name in files, and the range in which a value may be forced.
    pub const ALL: [(&'static str, Self, f64, f64); 5] = [
        ("cell_voltage_max_v", Self::CellVoltageMax, 0.0, 10.0),
        ("cell_voltage_min_v", Self::CellVoltageMin, 0.0, 10.0),
        ("temperature_max_degc", Self::TemperatureMax, -100.0, 1000.0),
        ("temperature_min_degc", Self::TemperatureMin, -100.0, 1000.0),
        ("current_a", Self::Current, -100_000.0, 100_000.0),
    ];
}

/// Something wrong with a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// With a contactor of a rack.
    Contactor {
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// Which.
        contactor: Contactor,
        /// What.
        fault: ContactorFault,
    },
    /// Whether the fuse of a rack has blown.
    Fuse {
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// Whether it has.
        blown: bool,
    },
    /// Whether the precharge resistor is open, so that the bus does not come up.
    Precharge(bool),
    /// Resistance in kohm, > 0, that a damaged insulation has beside what it has otherwise; `None` for
    /// no damage.
    Insulation(Option<f64>),
    /// Whether BMS and converter do not hear each other.
    BmsCommunication(bool),
    /// Whether the converter's own fans have failed: its heat sink warms up four times as much.
    PcsFan(bool),
    /// Whether the smoke detector says that there is smoke.
    SmokeDetector(bool),
    /// A measured value of a rack that is forced; `None` for what is measured.
    Reading {
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// Which.
        reading: Reading,
        /// The value that the BMS sees instead, in the unit of the reading.
        value: Option<f64>,
    },
}

impl Defect {
    /// Whether something is wrong; a defect that [`Defect::ended`] gives is not.
    pub fn is_active(self) -> bool {
        self != self.ended()
    }
    /// Whether both are about the same thing, so that one replaces the other.
    pub fn replaces(self, other: Self) -> bool {
        self.ended() == other.ended()
    }
    /// Whether it is about what a sensor or detector shows, and not about the equipment itself.
    pub const fn is_of_sensor(self) -> bool {
        matches!(self, Self::Reading { .. } | Self::SmokeDetector(_))
    }

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
            Self::Contactor { rack_idx, contactor, .. } => {
                Self::Contactor { rack_idx, contactor, fault: ContactorFault::None }
            }
            Self::Fuse { rack_idx, .. } => Self::Fuse { rack_idx, blown: false },
            Self::Precharge(_) => Self::Precharge(false),
            Self::Insulation(_) => Self::Insulation(None),
            Self::BmsCommunication(_) => Self::BmsCommunication(false),
            Self::PcsFan(_) => Self::PcsFan(false),
            Self::SmokeDetector(_) => Self::SmokeDetector(false),
            Self::Reading { rack_idx, reading, .. } => {
                Self::Reading { rack_idx, reading, value: None }
            }
        }
    }

    /// Whether a unit of `design` can have it.
    ///
    /// # Errors
    /// A rack or cell that is not there, or a figure out of its range.
    pub fn check(self, design: &UnitDesign) -> Result<(), Rejection> {
        let in_range = |field, value: f64, min: f64, max: f64, unit| {
            // A NaN is in no range.
            if (min..=max).contains(&value) {
                return Ok(());
            }
            Err(Rejection::OutOfRange { field, value, min, max, unit })
        };
        let rack = |rack_idx: usize| {
            in_range("rack", rack_idx as f64 + 1.0, 1.0, design.n_racks as f64, "")
        };
        let (rack_idx, cell_idx, defect) = match self {
            Self::Cell { rack_idx, cell_idx, defect } => (rack_idx, cell_idx, defect),
            Self::Contactor { rack_idx, .. } | Self::Fuse { rack_idx, .. } => {
                return rack(rack_idx);
            }
            Self::Reading { rack_idx, reading, value } => {
                rack(rack_idx)?;
                let (name, _, min, max) = Reading::ALL[reading as usize];
                return value.map_or(Ok(()), |value| in_range(name, value, min, max, ""));
            }
            Self::Insulation(Some(kohm)) => {
                return in_range("resistance_kohm", kohm, 0.01, 1e6, "kohm");
            }
            _ => return Ok(()),
        };
        rack(rack_idx)?;
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
