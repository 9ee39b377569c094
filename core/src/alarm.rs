//! Alarms: the table of what can be wrong, the one object that an alarm is, and the set of those that
//! stand. Registers, REST, metrics and events all read these.

use crate::id::{CellAddress, UnitId};
use crate::time::Moment;

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AlarmCode {
    /// A cell's voltage is too high.
    CellOverVoltage,
    /// A cell's voltage is too low.
    CellUnderVoltage,
    /// A cell is too warm.
    CellOverTemperature,
    /// A cell is too cold for what flows.
    CellUnderTemperature,
    /// The cells of a rack differ too much in temperature.
    TemperatureDifference,
    /// A cell warms up too fast.
    TemperatureRate,
    /// The cells of a rack differ too much in voltage.
    VoltageDifference,
    /// A rack is charged with too much current.
    ChargeOverCurrent,
    /// A rack is discharged with too much current.
    DischargeOverCurrent,
    /// A rack's string is open: a cell of it is burnt.
    StringOpen,
    /// A rack's fuse has blown.
    FuseBlown,
    /// A contactor does not do what it was told: welded or stuck.
    ContactorFault,
    /// The bus did not come up to the racks' voltage in time.
    PrechargeFailed,
    /// The insulation against earth is too low.
    Insulation,
    /// The gas of cells smokes, or the detector says so.
    Smoke,
    /// Cells have vented gas.
    Gas,
    /// BMS and PCS do not hear each other.
    BmsCommunication,
    /// The controller is late, or lost.
    ControllerLost,
    /// The state of charge is above its window.
    SocHigh,
    /// The state of charge is below its window.
    SocLow,
    /// The grid's voltage is too high.
    AcOverVoltage,
    /// The grid's voltage is too low.
    AcUnderVoltage,
    /// The grid's frequency is too high.
    AcOverFrequency,
    /// The grid's frequency is too low.
    AcUnderFrequency,
    /// The converter is too warm.
    PcsOverTemperature,
    /// The DC voltage is outside of the converter's window: it gives no power.
    DcVoltageOutOfWindow,
    /// The cells could not deliver the power asked for (beyond the matched load).
    PowerBeyondMatchedLoad,
    /// Chiller, pump or fan has failed.
    CoolingFailed,
    /// The emergency stop is pressed.
    EmergencyStop,
    /// The unit cannot get in step with the grid.
    SynchronisationFailed,
    /// The load on an island is more than the unit can feed.
    IslandOverload,
    /// The unit's state left the finite numbers and is held at its last good values.
    Quarantined,
    /// The converter has failed in itself.
    PcsFault,
    /// The converter's AC current is too high.
    AcOverCurrent,
    /// A door of the container is open.
    DoorOpen,
    /// The fire suppression has released its agent.
    FireSuppression,
    /// The gas in the container comes near to what can burn.
    GasConcentration,
}

/// How bad it is, from mild to grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AlarmLevel {
    /// Somebody should know.
    Warning,
    /// The unit gives less.
    Derate,
    /// The unit stops, and starts again by itself when the cause is gone.
    Trip,
    /// The unit stops and stays stopped until somebody resets it; it is latched.
    Critical,
}

impl AlarmLevel {
    /// Every level, from mild to grave.
    pub const ALL: [Self; 4] = [Self::Warning, Self::Derate, Self::Trip, Self::Critical];
    /// Its name in files, REST, metrics and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Derate => "derate",
            Self::Trip => "trip",
            Self::Critical => "critical",
        }
    }
    /// Whether the unit stops.
    pub const fn stops(self) -> bool {
        matches!(self, Self::Trip | Self::Critical)
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// Which alarm.
    pub code: AlarmCode,
    /// Name in files, REST, metrics and events.
    pub name: &'static str,
    /// One sentence for people.
    pub text: &'static str,
    /// Unit of the values that it compares; empty where it is a yes or no.
    pub unit: &'static str,
    /// Bits of SunSpec 802.Evt1, and of 803.StrEvt1 where it is about a rack: of a warning or
    /// derating, and of a trip or critical alarm.
    pub evt1_bits: (u8, u8),
    /// Bit of SunSpec 701.Alrm, see [`Alarm::raises_alrm`].
    pub alrm_bit: Option<u8>,
}

impl Alarm {
    /// Whether it raises its bit of 701.Alrm at this level: when the unit stops, when a part of it is gone
    /// although the rest goes on, and when a cabinet is open.
    pub const fn raises_alrm(&self, level: AlarmLevel) -> bool {
        let part_is_gone = matches!(
            self.code,
            AlarmCode::StringOpen | AlarmCode::FuseBlown | AlarmCode::DcVoltageOutOfWindow
        );
        // A cabinet that is open is told of whatever the unit does.
        level.stops()
            || part_is_gone && matches!(level, AlarmLevel::Derate)
            || matches!(self.code, AlarmCode::DoorOpen)
    }
}

macro_rules! alarms {
    ($($code:ident $name:literal $unit:literal ($warning:literal $alarm:literal) $alrm:expr, $text:literal;)*) => {
        /// All alarms; the position is the code.
        pub const ALARMS: &[Alarm] = &[
            $(Alarm {
                code: AlarmCode::$code,
                name: $name,
                text: $text,
                unit: $unit,
                evt1_bits: ($warning, $alarm),
                alrm_bit: $alrm,
            },)*
        ];
    };
}

// 802.Evt1: 0 communication error, 1/2 over temperature alarm/warning, 3/4 under temperature, 5/6 over
// charge current, 7/8 over discharge current, 9/10 over voltage, 11/12 under voltage, 13/14 under
// SoC minimum, 15/16 over SoC maximum, 17 voltage imbalance warning, 18/19 temperature imbalance,
// 20 contactor error, 21 fan error, 22 ground fault, 23 open door, 25/26 other alarm/warning.
// 701.Alrm: 0 ground fault, 1 DC over voltage, 3 DC disconnect, 4 grid disconnect, 5 cabinet open, 6 manual shutdown, 7
// over temperature, 8 over frequency, 9 under frequency, 10 AC over voltage, 11 AC under voltage, 12
// blown string fuse, 13 under temperature, 15 hardware test failure, 16 manufacturer alarm.
#[rustfmt::skip]
alarms! {
    CellOverVoltage "cell_over_voltage" "V" (10 9) Some(16), "a cell's voltage is too high";
    CellUnderVoltage "cell_under_voltage" "V" (12 11) Some(16), "a cell's voltage is too low";
    CellOverTemperature "cell_over_temperature" "degC" (2 1) Some(7), "a cell is too warm";
    CellUnderTemperature "cell_under_temperature" "degC" (4 3) Some(13), "a cell is too cold for what flows";
    TemperatureDifference "temperature_difference" "K" (19 18) Some(16), "the cells of a rack differ too much in temperature";
    TemperatureRate "temperature_rate" "K/s" (2 1) Some(7), "a cell warms up too fast";
    VoltageDifference "voltage_difference" "V" (17 17) Some(16), "the cells of a rack differ too much in voltage";
    ChargeOverCurrent "charge_over_current" "A" (6 5) Some(16), "a rack is charged with too much current";
    DischargeOverCurrent "discharge_over_current" "A" (8 7) Some(16), "a rack is discharged with too much current";
    StringOpen "string_open" "" (26 25) Some(12), "a string is open because a cell of it is burnt";
    FuseBlown "fuse_blown" "" (26 25) Some(12), "the fuse of a rack has blown";
    ContactorFault "contactor_fault" "" (20 20) Some(15), "a contactor is welded or stuck";
    PrechargeFailed "precharge_failed" "V" (20 20) Some(3), "the DC bus did not come up in time";
    Insulation "insulation" "kohm" (22 22) Some(0), "the insulation against earth is too low";
    Smoke "smoke" "" (26 25) Some(16), "there is smoke";
    Gas "gas" "" (26 25) Some(16), "cells have vented gas";
    BmsCommunication "bms_communication" "s" (0 0) Some(16), "BMS and converter do not hear each other";
    ControllerLost "controller_lost" "s" (0 0) None, "the controller is late or lost";
    SocHigh "soc_high" "" (16 15) Some(16), "the state of charge is above its window";
    SocLow "soc_low" "" (14 13) Some(16), "the state of charge is below its window";
    AcOverVoltage "ac_over_voltage" "pu" (26 25) Some(10), "the grid's voltage is too high";
    AcUnderVoltage "ac_under_voltage" "pu" (26 25) Some(11), "the grid's voltage is too low";
    AcOverFrequency "ac_over_frequency" "Hz" (26 25) Some(8), "the grid's frequency is too high";
    AcUnderFrequency "ac_under_frequency" "Hz" (26 25) Some(9), "the grid's frequency is too low";
    PcsOverTemperature "pcs_over_temperature" "degC" (26 25) Some(7), "the converter is too warm";
    DcVoltageOutOfWindow "dc_voltage_out_of_window" "V" (26 25) Some(16), "the DC voltage is outside of the converter's window; it gives no power";
    PowerBeyondMatchedLoad "power_beyond_matched_load" "" (26 25) Some(16), "the racks cannot deliver the power asked for at any current";
    CoolingFailed "cooling_failed" "" (21 21) None, "the chiller, the coolant pump or the fans have failed";
    EmergencyStop "emergency_stop" "" (26 25) Some(6), "the emergency stop is pressed, or was and is not reset";
    SynchronisationFailed "synchronisation_failed" "" (26 25) Some(4), "the converter cannot get in step with the grid";
    IslandOverload "island_overload" "W" (26 25) Some(16), "the load on the island is more than the unit can feed";
    Quarantined "quarantined" "" (26 25) Some(16), "the unit's simulated state is not finite; it is stopped at its last good values";
    PcsFault "pcs_fault" "" (26 25) Some(15), "the converter has failed";
    AcOverCurrent "ac_over_current" "" (26 25) Some(16), "the converter's AC current is too high";
    DoorOpen "door_open" "" (23 23) Some(5), "a door of the container is open";
    FireSuppression "fire_suppression" "" (26 25) Some(16), "the fire suppression has released its agent";
    GasConcentration "gas_concentration" "" (26 25) Some(16), "the gas in the container's air is at a quarter of its lower flammable limit";
}

impl AlarmCode {
    /// Its row in the table.
    pub fn row(self) -> &'static Alarm {
        &ALARMS[self as usize]
    }
    /// Its name in files, REST, metrics and events.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

/// Which alarm: what, how bad, and of which rack if it is about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AlarmKey {
    /// What.
    pub code: AlarmCode,
    /// How bad.
    pub level: AlarmLevel,
    /// Index of the rack in its unit; `None` for the unit as a whole.
    pub rack_idx: Option<u16>,
}

impl AlarmKey {
    /// An alarm of the unit as a whole.
    pub const fn unit(code: AlarmCode, level: AlarmLevel) -> Self {
        Self { code, level, rack_idx: None }
    }
    /// An alarm of the rack `rack_idx` of a unit.
    ///
    /// # Panics
    /// Beyond 65,536 racks in a unit; a farm file allows a thousand.
    pub fn rack(code: AlarmCode, level: AlarmLevel, rack_idx: usize) -> Self {
        let rack_idx = u16::try_from(rack_idx).expect("a unit has at most a thousand racks");
        Self { code, level, rack_idx: Some(rack_idx) }
    }
}

/// Where an alarm is in its life. One that is not there has no phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AlarmPhase {
    /// The condition holds, but not yet for as long as it must.
    Pending,
    /// It stands; its cause is there, or gone not yet for as long as it must.
    Active,
    /// Its cause is gone, and it waits for a reset.
    Latched,
}

impl AlarmPhase {
    /// Its name in REST and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Latched => "latched",
        }
    }
}

/// The one object that an alarm is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AlarmState {
    /// The unit.
    pub unit: UnitId,
    /// Which alarm.
    pub key: AlarmKey,
    /// Where it is in its life.
    pub phase: AlarmPhase,
    /// Since when it is in this phase.
    pub since: Moment,
    /// The value that raised it, or that is worst since, in the unit of its row; NaN for a yes or no.
    pub value: f64,
    /// The value beyond which it is raised; NaN for a yes or no.
    pub threshold: f64,
    /// The cell that shows the value, where one does.
    pub cell: Option<CellAddress>,
    /// Resets that were refused because the cause is still there.
    pub resets_refused: u32,
}

impl AlarmState {
    /// Whether it stands: raised, and not yet gone or reset.
    pub fn is_standing(&self) -> bool {
        self.phase != AlarmPhase::Pending
    }
}

const LEVELS: usize = AlarmLevel::ALL.len();

/// The alarms that stand (active or latched), one bit for each code and level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlarmSet([u64; 3]);

// Room for every alarm.
const _: () = assert!(ALARMS.len() * LEVELS <= 192);

/// By the names of the alarms, so that it means the same whatever else is in the table.
#[cfg(feature = "serde")]
impl serde::Serialize for AlarmSet {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(|(alarm, level)| (alarm.code, level)))
    }
}
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for AlarmSet {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut set = Self::default();
        for (code, level) in Vec::<(AlarmCode, AlarmLevel)>::deserialize(from)? {
            set.insert(code, level);
        }
        Ok(set)
    }
}

impl AlarmSet {
    fn place(code: AlarmCode, level: AlarmLevel) -> (usize, u64) {
        let bit = code as usize * LEVELS + level as usize;
        (bit / 64, 1 << (bit % 64))
    }
    /// Whether `code` stands at any level.
    pub fn has(self, code: AlarmCode) -> bool {
        AlarmLevel::ALL.iter().any(|level| self.has_level(code, *level))
    }
    /// Whether `code` stands at this level.
    pub fn has_level(self, code: AlarmCode, level: AlarmLevel) -> bool {
        let (word, bit) = Self::place(code, level);
        self.0[word] & bit != 0
    }
    /// Adds an alarm.
    pub fn insert(&mut self, code: AlarmCode, level: AlarmLevel) {
        let (word, bit) = Self::place(code, level);
        self.0[word] |= bit;
    }
    /// Takes an alarm out.
    pub fn remove(&mut self, code: AlarmCode, level: AlarmLevel) {
        let (word, bit) = Self::place(code, level);
        self.0[word] &= !bit;
    }
    /// Whether nothing stands.
    pub fn is_empty(self) -> bool {
        self.0 == [0; 3]
    }
    /// The alarms that stand, in the order of the table and from mild to grave.
    pub fn iter(self) -> impl Iterator<Item = (&'static Alarm, AlarmLevel)> {
        ALARMS.iter().flat_map(move |alarm| {
            let standing = AlarmLevel::ALL.into_iter();
            standing
                .filter(move |level| self.has_level(alarm.code, *level))
                .map(move |level| (alarm, level))
        })
    }
    /// The gravest level that stands.
    pub fn worst(self) -> Option<AlarmLevel> {
        self.iter().map(|(_, level)| level).max()
    }
    /// The bits of SunSpec 802.Evt1, or 803.StrEvt1 of a rack.
    pub fn evt1(self) -> u32 {
        self.iter().fold(0, |bits, (alarm, level)| {
            let (warning, grave) = alarm.evt1_bits;
            bits | 1 << if level.stops() { grave } else { warning }
        })
    }
    /// The bits of SunSpec 701.Alrm.
    pub fn alrm(self) -> u32 {
        let grave = self.iter().filter(|(alarm, level)| alarm.raises_alrm(*level));
        grave.filter_map(|(alarm, _)| alarm.alrm_bit).fold(0, |bits, bit| bits | 1 << bit)
    }
    /// Every bit, for hashing and as a key.
    pub fn words(self) -> [u64; 3] {
        self.0
    }
}

impl FromIterator<AlarmKey> for AlarmSet {
    fn from_iter<I: IntoIterator<Item = AlarmKey>>(keys: I) -> Self {
        let mut set = Self::default();
        keys.into_iter().for_each(|key| set.insert(key.code, key.level));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_in_the_table_is_the_code_and_names_are_unique() {
        for (index, alarm) in ALARMS.iter().enumerate() {
            assert_eq!(alarm.code as usize, index);
            assert!(ALARMS[..index].iter().all(|other| other.name != alarm.name));
        }
    }

    #[test]
    fn a_warning_and_a_trip_show_in_bits_of_their_own() {
        let mut set = AlarmSet::default();
        set.insert(AlarmCode::CellOverVoltage, AlarmLevel::Warning);
        assert_eq!((set.evt1(), set.alrm(), set.worst()), (1 << 10, 0, Some(AlarmLevel::Warning)));
        set.insert(AlarmCode::CellOverVoltage, AlarmLevel::Trip);
        assert_eq!((set.evt1(), set.alrm()), (1 << 10 | 1 << 9, 1 << 16));
        assert!(set.has(AlarmCode::CellOverVoltage) && !set.has(AlarmCode::CellUnderVoltage));
    }

    #[test]
    fn every_alarm_has_a_place_in_the_set() {
        let every = ALARMS.iter().flat_map(|a| AlarmLevel::ALL.map(|level| (a.code, level)));
        let mut set = AlarmSet::default();
        for (code, level) in every {
            assert!(!set.has_level(code, level));
            set.insert(code, level);
            assert!(set.has_level(code, level));
        }
        assert_eq!(set.iter().count(), ALARMS.len() * LEVELS);
    }
}
