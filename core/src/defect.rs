//! What may be wrong with the equipment of a unit: cells, racks, BMS, sensors, converter and cooling.
//!
//! A defect is a state, not an event: it lasts until it is ended, and setting it again replaces it. A few
//! act once, when they are set; their end takes nothing back.

mod cell;
mod sensor;

pub use cell::{
    CellDefect, HEATER_MAX_W, JOINT_MAX_OHM, LEAK_MAX_A, RESISTANCE_MAX_FACTOR, SHORT_MIN_OHM,
};
pub use sensor::{DELAY_MAX_TICKS, Distortion, Reading};

use crate::alarm::AlarmCode;
use crate::command::{Rejection, in_bounds};
use crate::control::DROOP;
use crate::event::Contactor;
use crate::id::UnitId;
use crate::spec::{CoolingKind, UnitDesign};
use crate::time::Tick;

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
    /// It moves [`SLOW_CONTACTOR_S`] after it was told: later than a BMS waits for the feedback.
    Slow,
}

/// Time in s after which a slow contactor moves (engineering choice: some ten times the 30 to 100 ms of a
/// sound one).
pub const SLOW_CONTACTOR_S: f64 = 1.0;
/// Largest power of an arc in W.
pub const ARC_MAX_W: f64 = 100_000.0;
/// Largest flow of gas in litres per second.
pub const GAS_MAX_LITRES_PER_S: f64 = 1000.0;
/// Largest factor of the limits that a BMS tells.
pub const LIMITS_MAX_FACTOR: f64 = 5.0;
/// Largest factor of the time constant of the precharge.
pub const PRECHARGE_MAX_FACTOR: f64 = 1000.0;

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
        /// Which: one of a rack. One of the unit is forced by [`Defect::Sensor`] with a gain of 0.
        reading: Reading,
        /// The value that the BMS sees instead, in the unit of the reading.
        value: Option<f64>,
    },

    // Racks.
    /// Gas in litres per second that cells vent into the container without a reaction that runs away, 0
    /// to [`GAS_MAX_LITRES_PER_S`]; 0 ends it. What was vented stays.
    Gas {
        /// The flow.
        litres_per_s: f64,
    },
    /// An arc in the DC line of a rack: its power warms the rack's first cell, while the rack's contactors
    /// are closed, and its current is noisy; 0 W ends it.
    DcArc {
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// Power in W, 0 to [`ARC_MAX_W`].
        power_w: f64,
    },
    /// Whether a rack drops out, under load too: its contactors open by themselves and stay so, which its
    /// BMS finds.
    RackOpen {
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// Whether it does.
        open: bool,
    },
    /// Brings every cell of a rack to this state of charge, once, as by a replacement that was not
    /// matched: the truth, not what the BMS believes. `None` does nothing.
    RackSoc {
        /// Index of the rack in its unit.
        rack_idx: usize,
        /// The state of charge, 0 to 1.
        soc: Option<f64>,
    },
    /// Factor of the time constant of the precharge, 0.01 to [`PRECHARGE_MAX_FACTOR`], as by a wrong or an
    /// aged resistor; 1 ends it.
    SlowPrecharge(f64),

    // BMS.
    /// Whether the BMS hangs: what it measures, believes and tells stands still, and so does the heartbeat.
    BmsFrozen(bool),
    /// Factors, 0 to [`LIMITS_MAX_FACTOR`], of the current limits that the BMS tells the converter: 0 for a
    /// table that is stuck, above 1 for limits that are not honoured; 1 and 1 end it.
    BmsLimits {
        /// Of charging.
        charge: f64,
        /// Of discharging.
        discharge: f64,
    },
    /// Whether the protection of the battery is off, as in a service mode: none of its alarms is raised,
    /// nothing trips and nothing gives less because of them. Relays of the grid, emergency stop and
    /// controller are watched as before.
    ProtectionOff(bool),
    /// The thresholds of another cell type: what is added to every threshold of cell temperature and of
    /// cell voltage; 0 and 0 end it.
    ThresholdShift {
        /// Of temperatures, in K, -200 to 200.
        degc: f64,
        /// Of voltages, in V, -5 to 5.
        volts: f64,
    },
    /// Whether no alarm latches, waits for its release or its delay of release: alarms flap.
    NoLatch(bool),
    /// What is added to the state of charge that every BMS of the unit believes, once, -1 to 1, as a wrong
    /// recalibration does. The truth stays. Its end does nothing.
    SocJump {
        /// What is added.
        by: f64,
    },
    /// An alarm of trip level without cause, of the first rack where it is one of racks; `None` ends it.
    NuisanceTrip {
        /// Which.
        code: Option<AlarmCode>,
    },
    /// Whether the gas detector does not work.
    GasDetectorOff(bool),
    /// A sensor that shows something else than what is.
    Sensor {
        /// What it measures.
        quantity: Reading,
        /// Index of the rack in its unit, `None` for all that have no such defect of their own. Of what is
        /// measured of a unit: `None`.
        rack_idx: Option<usize>,
        /// What it makes of it; [`Distortion::NONE`] ends it.
        distortion: Distortion,
    },
    /// The sensors of two racks that are exchanged: each BMS sees what is so in the other rack.
    SensorsSwapped {
        /// What they measure: of a rack, and not the state of charge, which nothing measures.
        quantity: Reading,
        /// Index of one rack in its unit.
        rack_a: usize,
        /// Index of the other one.
        rack_b: usize,
        /// Whether they are.
        swapped: bool,
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
        matches!(
            self,
            Self::Reading { .. }
                | Self::SmokeDetector(_)
                | Self::Sensor { .. }
                | Self::SensorsSwapped { .. }
                | Self::GasDetectorOff(_)
        )
    }

    /// What ends it.
    #[must_use]
    pub fn ended(self) -> Self {
        match self {
            Self::Cell { rack_idx, cell_idx, defect } => {
                Self::Cell { rack_idx, cell_idx, defect: defect.ended() }
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

            Self::Gas { .. } => Self::Gas { litres_per_s: 0.0 },
            Self::DcArc { rack_idx, .. } => Self::DcArc { rack_idx, power_w: 0.0 },
            Self::RackOpen { rack_idx, .. } => Self::RackOpen { rack_idx, open: false },
            Self::RackSoc { rack_idx, .. } => Self::RackSoc { rack_idx, soc: None },
            Self::SlowPrecharge(_) => Self::SlowPrecharge(1.0),
            Self::BmsFrozen(_) => Self::BmsFrozen(false),
            Self::BmsLimits { .. } => Self::BmsLimits { charge: 1.0, discharge: 1.0 },
            Self::ProtectionOff(_) => Self::ProtectionOff(false),
            Self::ThresholdShift { .. } => Self::ThresholdShift { degc: 0.0, volts: 0.0 },
            Self::NoLatch(_) => Self::NoLatch(false),
            Self::SocJump { .. } => Self::SocJump { by: 0.0 },
            Self::NuisanceTrip { .. } => Self::NuisanceTrip { code: None },
            Self::GasDetectorOff(_) => Self::GasDetectorOff(false),
            Self::Sensor { quantity, rack_idx, .. } => {
                Self::Sensor { quantity, rack_idx, distortion: Distortion::NONE }
            }
            Self::SensorsSwapped { quantity, rack_a, rack_b, .. } => {
                Self::SensorsSwapped { quantity, rack_a, rack_b, swapped: false }
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
            within("rack", rack_idx as f64 + 1.0, (1.0, design.n_racks as f64), "")
        };
        match self {
            Self::Cell { rack_idx, cell_idx, defect } => {
                rack(rack_idx)?;
                let last = design.cells_in_series as f64;
                within("cell", cell_idx as f64 + 1.0, (1.0, last), "")?;
                let can_burn = design.chemistry.runaway.is_some();
                if defect == CellDefect::Ignite(true) && !can_burn {
                    let reason = "the chemistry of the unit has no `[runaway]`".to_owned();
                    return Err(Rejection::NotPossible { field: "ignite", reason });
                }
                defect.check()
            }
            Self::Contactor { rack_idx, .. }
            | Self::Fuse { rack_idx, .. }
            | Self::RackOpen { rack_idx, .. } => rack(rack_idx),
            Self::Reading { rack_idx, reading, value } => {
                rack(rack_idx)?;
                if !reading.is_of_rack() {
                    let reason = "is measured of the unit as a whole, not of a rack".to_owned();
                    return Err(Rejection::NotPossible { field: reading.name(), reason });
                }
                let (name, _, min, max) = Reading::ALL[reading as usize];
                value.map_or(Ok(()), |value| within(name, value, (min, max), ""))
            }
            Self::Insulation(Some(kohm)) => within("resistance_kohm", kohm, (0.01, 1e6), "kohm"),

            Self::Gas { litres_per_s } => {
                within("litres_per_s", litres_per_s, (0.0, GAS_MAX_LITRES_PER_S), "l/s")
            }
            Self::DcArc { rack_idx, power_w } => {
                rack(rack_idx)?;
                within("power_w", power_w, (0.0, ARC_MAX_W), "W")
            }
            Self::RackSoc { rack_idx, soc } => {
                rack(rack_idx)?;
                soc.map_or(Ok(()), |soc| within("soc", soc, (0.0, 1.0), ""))
            }
            Self::SlowPrecharge(factor) => {
                within("factor", factor, (0.01, PRECHARGE_MAX_FACTOR), "")
            }
            Self::BmsLimits { charge, discharge } => {
                within("charge_factor", charge, (0.0, LIMITS_MAX_FACTOR), "")?;
                within("discharge_factor", discharge, (0.0, LIMITS_MAX_FACTOR), "")
            }
            Self::ThresholdShift { degc, volts } => {
                within("shift_k", degc, (-200.0, 200.0), "K")?;
                within("shift_v", volts, (-5.0, 5.0), "V")
            }
            Self::NuisanceTrip { code: Some(code) }
                if matches!(
                    code,
                    AlarmCode::EmergencyStop | AlarmCode::ControllerLost | AlarmCode::Quarantined
                ) =>
            {
                let reason = format!("{} is none that a protection trips by", code.name());
                Err(Rejection::NotPossible { field: "alarm", reason })
            }
            Self::SocJump { by } => within("by", by, (-1.0, 1.0), ""),
            Self::Sensor { quantity, rack_idx, distortion } => {
                if let Some(rack_idx) = rack_idx {
                    rack(rack_idx)?;
                    if !quantity.is_of_rack() {
                        let reason = "is measured of the unit: leave the rack out".to_owned();
                        return Err(Rejection::NotPossible { field: quantity.name(), reason });
                    }
                }
                distortion.check()
            }
            Self::SensorsSwapped { quantity, rack_a, rack_b, .. } => {
                rack(rack_a)?;
                rack(rack_b)?;
                if rack_a == rack_b {
                    let reason = "it takes two racks to exchange their sensors".to_owned();
                    return Err(Rejection::NotPossible { field: "rack_b", reason });
                }
                if !quantity.is_of_rack() || quantity == Reading::Soc {
                    let reason = "no sensor of a rack measures it".to_owned();
                    return Err(Rejection::NotPossible { field: quantity.name(), reason });
                }
                Ok(())
            }
            _ => self.check_converter(design),
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

/// A NaN is in no range.
fn within(
    field: &'static str,
    value: f64,
    (min, max): (f64, f64),
    unit: &'static str,
) -> Result<(), Rejection> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Rejection::OutOfRange { field, value, min, max, unit })
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

#[cfg(test)]
mod tests;
