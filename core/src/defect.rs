//! What may be wrong with the equipment of a unit, physically: cells and cooling.
//!
//! A defect is a state, not an event: it lasts until it is ended, and setting it again replaces it.

use crate::alarm::AlarmCode;
use crate::command::{Rejection, in_bounds};
use crate::control::DROOP;
use crate::event::Contactor;
use crate::id::UnitId;
use crate::spec::{CoolingKind, UnitDesign};
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

/// What a contactor does whatever it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    // The converter.
    /// The converter has tripped with this alarm and stays so; `None` ends it. The unit comes back by
    /// the rules of the alarm. See [`PCS_TRIPS`].
    PcsTrip {
        /// The alarm, of level trip.
        code: Option<AlarmCode>,
    },
    /// Share of its rating that the converter can give, 0 to 1; 1 is all.
    PcsDerate(f64),
    /// Whether the converter takes setpoints and does not obey them: it keeps the power that it gave.
    SetpointIgnored(bool),
    /// Whether the converter gives the active power that is asked for with the wrong sign.
    PcsInverted(bool),
    /// Factor of the converter's ramps, [`PCS_RAMP_MIN`] to [`PCS_RAMP_MAX`]; 1 is as it was set.
    PcsRamp(f64),
    /// Loss of the converter beside what it loses otherwise, in percent of its rated apparent power, 0
    /// to [`PCS_LOSS_MAX_PCT`].
    PcsLoss(f64),
    /// How much too high the unit measures the grid's frequency, in Hz, -10 to 10: relays, droop and
    /// registers see it.
    PllOffset(f64),
    /// The converter gives no power while the grid's voltage is below a threshold, and comes back
    /// slowly after that, as its grid code does not want it.
    MomentaryCessation {
        /// The threshold in per unit, 0 to 1; 0 ends it.
        below_pu: f64,
        /// How long in s the power takes to come back from 0 to the rating, 0 to 3600.
        recovery_s: f64,
    },
    /// Relays of the grid code that were set wrong: the settings read back as they should be.
    RelayShift {
        /// How much too near to nominal the thresholds of voltage are, in per unit, -0.5 to 0.5.
        voltage_pu: f64,
        /// Factor of every clearing time, [`RELAY_TIME_MIN`] to [`RELAY_TIME_MAX`].
        time_factor: f64,
    },
    /// Whether the converter does not come up: it stays in its start until that has taken too long.
    StartStuck(bool),
    /// Whether the converter trips on its over-current when the voltage comes back after a dip.
    RecoveryTrip(bool),

    // The enclosure, its cooling and its supply.
    /// Whether the ventilation of the container has failed: gas stays in it.
    VentilationOff(bool),
    /// Share of the coolant's flow that is lost, 0 to 1. Only of a unit that liquid cools.
    CoolantLeak(f64),
    /// Whether a door of the container is open.
    DoorOpen(bool),
    /// Whether the fire suppression has released its agent: the unit stops until it is reset. The agent
    /// keeps the ventilation shut and takes no heat from a burning cell.
    Suppression(bool),
    /// Whether the auxiliary supply is gone: no cooling, no ventilation, no BMS.
    AuxSupplyOff(bool),

    // Its controller.
    /// The droop that the converter works with, as a fraction, while its settings read back as they
    /// were set; `None` for what was set.
    DroopOverride(Option<f64>),
}

/// The alarms that a converter may trip with.
pub const PCS_TRIPS: [AlarmCode; 10] = [
    AlarmCode::PcsFault,
    AlarmCode::AcOverCurrent,
    AlarmCode::AcOverVoltage,
    AlarmCode::AcUnderVoltage,
    AlarmCode::AcOverFrequency,
    AlarmCode::AcUnderFrequency,
    AlarmCode::PcsOverTemperature,
    AlarmCode::DcVoltageOutOfWindow,
    AlarmCode::SynchronisationFailed,
    AlarmCode::Insulation,
];
/// Smallest factor of a converter's ramps.
pub const PCS_RAMP_MIN: f64 = 0.01;
/// Largest factor of a converter's ramps.
pub const PCS_RAMP_MAX: f64 = 100.0;
/// Largest further loss of a converter in percent of its rated apparent power.
pub const PCS_LOSS_MAX_PCT: f64 = 20.0;
/// Largest error of a measured frequency in Hz.
pub const PLL_OFFSET_MAX_HZ: f64 = 10.0;
/// Smallest factor of the clearing times of relays.
pub const RELAY_TIME_MIN: f64 = 0.01;
/// Largest factor of the clearing times of relays.
pub const RELAY_TIME_MAX: f64 = 100.0;
/// Longest return of power after a momentary cessation in s.
pub const RECOVERY_MAX_S: f64 = 3600.0;

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
            Self::PcsTrip { .. } => Self::PcsTrip { code: None },
            Self::PcsDerate(_) => Self::PcsDerate(1.0),
            Self::SetpointIgnored(_) => Self::SetpointIgnored(false),
            Self::PcsInverted(_) => Self::PcsInverted(false),
            Self::PcsRamp(_) => Self::PcsRamp(1.0),
            Self::PcsLoss(_) => Self::PcsLoss(0.0),
            Self::PllOffset(_) => Self::PllOffset(0.0),
            Self::MomentaryCessation { .. } => {
                Self::MomentaryCessation { below_pu: 0.0, recovery_s: 0.0 }
            }
            Self::RelayShift { .. } => Self::RelayShift { voltage_pu: 0.0, time_factor: 1.0 },
            Self::StartStuck(_) => Self::StartStuck(false),
            Self::RecoveryTrip(_) => Self::RecoveryTrip(false),
            Self::VentilationOff(_) => Self::VentilationOff(false),
            Self::CoolantLeak(_) => Self::CoolantLeak(0.0),
            Self::DoorOpen(_) => Self::DoorOpen(false),
            Self::Suppression(_) => Self::Suppression(false),
            Self::AuxSupplyOff(_) => Self::AuxSupplyOff(false),
            Self::DroopOverride(_) => Self::DroopOverride(None),
        }
    }

    /// Whether a unit of `design` can have it.
    ///
    /// # Errors
    /// A rack or cell that is not there, or a figure out of its range.
    pub fn check(self, design: &UnitDesign) -> Result<(), Rejection> {
        let rack = |rack_idx: usize| {
            in_bounds("rack", rack_idx as f64 + 1.0, 1.0, design.n_racks as f64, "")
        };
        let (rack_idx, cell_idx, defect) = match self {
            Self::Cell { rack_idx, cell_idx, defect } => (rack_idx, cell_idx, defect),
            Self::Contactor { rack_idx, .. } | Self::Fuse { rack_idx, .. } => {
                return rack(rack_idx);
            }
            Self::Reading { rack_idx, reading, value } => {
                rack(rack_idx)?;
                let (name, _, min, max) = Reading::ALL[reading as usize];
                return value.map_or(Ok(()), |value| in_bounds(name, value, min, max, ""));
            }
            Self::Insulation(Some(kohm)) => {
                return in_bounds("resistance_kohm", kohm, 0.01, 1e6, "kohm");
            }
            _ => return self.check_converter(design),
        };
        rack(rack_idx)?;
        in_bounds("cell", cell_idx as f64 + 1.0, 1.0, design.cells_in_series as f64, "")?;
        match defect {
            CellDefect::Short(ohm) => {
                in_bounds("resistance_ohm", ohm, SHORT_MIN_OHM, f64::INFINITY, "ohm")
            }
            CellDefect::Heater(power_w) => in_bounds("power_w", power_w, 0.0, HEATER_MAX_W, "W"),
        }
    }

    /// Whether a unit of `design` can have what is about its converter, its enclosure or its controller.
    fn check_converter(self, design: &UnitDesign) -> Result<(), Rejection> {
        match self {
            Self::PcsTrip { code: Some(code) } if !PCS_TRIPS.contains(&code) => {
                let known: Vec<&str> = PCS_TRIPS.iter().map(|code| code.name()).collect();
                let reason = format!(
                    "a converter does not trip with {}, but with {}",
                    code.name(),
                    known.join(", ")
                );
                Err(Rejection::NotPossible { field: "code", reason })
            }
            Self::PcsDerate(share) => in_bounds("share", share, 0.0, 1.0, ""),
            Self::PcsRamp(factor) => in_bounds("factor", factor, PCS_RAMP_MIN, PCS_RAMP_MAX, ""),
            Self::PcsLoss(pct) => in_bounds("loss_pct", pct, 0.0, PCS_LOSS_MAX_PCT, "%"),
            Self::PllOffset(hz) => {
                in_bounds("offset_hz", hz, -PLL_OFFSET_MAX_HZ, PLL_OFFSET_MAX_HZ, "Hz")
            }
            Self::MomentaryCessation { below_pu, recovery_s } => {
                in_bounds("below_pu", below_pu, 0.0, 1.0, "pu")?;
                in_bounds("recovery_s", recovery_s, 0.0, RECOVERY_MAX_S, "s")
            }
            Self::RelayShift { voltage_pu, time_factor } => {
                in_bounds("voltage_pu", voltage_pu, -0.5, 0.5, "pu")?;
                in_bounds("time_factor", time_factor, RELAY_TIME_MIN, RELAY_TIME_MAX, "")
            }
            Self::CoolantLeak(lost) => {
                in_bounds("flow_lost", lost, 0.0, 1.0, "")?;
                if lost > 0.0 && matches!(design.cooling.kind, CoolingKind::Air(_)) {
                    let reason = "the unit is cooled by air: it has no coolant to lose".to_owned();
                    return Err(Rejection::NotPossible { field: "flow_lost", reason });
                }
                Ok(())
            }
            Self::DroopOverride(Some(droop)) => in_bounds("droop", droop, DROOP.0, DROOP.1, ""),
            _ => Ok(()),
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
