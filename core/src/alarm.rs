//! The table of alarms: one row each; registers, REST and metrics read it.

/// What an alarm says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AlarmCode {
    /// The unit's state left the finite numbers and is held at its last good values.
    Quarantined = 0,
    /// The cells could not deliver the power asked for (beyond the matched load).
    PowerBeyondMatchedLoad = 1,
    /// The DC voltage is outside of the converter's window: it gives no power.
    DcVoltageOutOfWindow = 2,
    /// Cells have vented gas.
    Gas = 3,
    /// The gas of cells smokes.
    Smoke = 4,
    /// A rack's string is open: a cell of it is burnt.
    StringOpen = 5,
    /// Chiller, pump or fan has failed.
    CoolingFailed = 6,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// Which alarm.
    pub code: AlarmCode,
    /// Name in REST and metrics.
    pub name: &'static str,
    /// Whether it stays until it is reset.
    pub latched: bool,
    /// One sentence for people.
    pub text: &'static str,
    /// Bit of SunSpec 802.Evt1 that it raises, if one means it.
    pub evt1_bit: Option<u8>,
    /// Bit of SunSpec 701.Alrm that it raises, if one means it.
    pub alrm_bit: Option<u8>,
}

/// All alarms; the position is the code.
pub const ALARMS: &[Alarm] = &[
    Alarm {
        code: AlarmCode::Quarantined,
        name: "quarantined",
        latched: true,
        text: "the unit's simulated state is not finite; it is stopped at its last good values",
        // 802.Evt1 25: OTHER_ALARM. 701.Alrm 16: MANUFACTURER_ALRM.
        evt1_bit: Some(25),
        alrm_bit: Some(16),
    },
    Alarm {
        code: AlarmCode::PowerBeyondMatchedLoad,
        name: "power_beyond_matched_load",
        latched: false,
        text: "the racks cannot deliver the power asked for at any current",
        // 802.Evt1 26: OTHER_WARNING.
        evt1_bit: Some(26),
        alrm_bit: None,
    },
    Alarm {
        code: AlarmCode::DcVoltageOutOfWindow,
        name: "dc_voltage_out_of_window",
        latched: false,
        text: "the DC voltage is outside of the converter's window; it gives no power",
        // Too low or too high, and of the converter rather than the battery.
        // 802.Evt1 25: OTHER_ALARM. 701.Alrm 16: MANUFACTURER_ALRM.
        evt1_bit: Some(25),
        alrm_bit: Some(16),
    },
    Alarm {
        code: AlarmCode::Gas,
        name: "gas",
        latched: true,
        text: "cells have vented gas",
        // 802.Evt1 25: OTHER_ALARM. 701.Alrm 16: MANUFACTURER_ALRM.
        evt1_bit: Some(25),
        alrm_bit: Some(16),
    },
    Alarm {
        code: AlarmCode::Smoke,
        name: "smoke",
        latched: true,
        text: "the gas of cells smokes",
        evt1_bit: Some(25),
        alrm_bit: Some(16),
    },
    Alarm {
        code: AlarmCode::StringOpen,
        name: "string_open",
        latched: true,
        text: "a string is open because a cell of it is burnt",
        // 802.Evt1 25: OTHER_ALARM. 701.Alrm 12: BLOWN_STRING_FUSE.
        evt1_bit: Some(25),
        alrm_bit: Some(12),
    },
    Alarm {
        code: AlarmCode::CoolingFailed,
        name: "cooling_failed",
        latched: false,
        text: "the chiller, the coolant pump or the fans have failed",
        // 802.Evt1 21: FAN_ERROR, the nearest that the model has.
        evt1_bit: Some(21),
        alrm_bit: None,
    },
];

/// A set of active alarms, one bit for each code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlarmSet(pub u64);

impl AlarmSet {
    /// Whether `code` is active.
    pub fn has(self, code: AlarmCode) -> bool {
        self.0 & (1 << code as u8) != 0
    }
    /// Raises or clears `code`.
    pub fn set(&mut self, code: AlarmCode, active: bool) {
        let bit = 1 << code as u8;
        self.0 = if active { self.0 | bit } else { self.0 & !bit };
    }
    /// The active alarms in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = &'static Alarm> {
        ALARMS.iter().filter(move |alarm| self.has(alarm.code))
    }
    /// The bits of SunSpec 802.Evt1.
    pub fn evt1(self) -> u32 {
        self.iter().filter_map(|alarm| alarm.evt1_bit).fold(0, |bits, bit| bits | 1 << bit)
    }
    /// The bits of SunSpec 701.Alrm.
    pub fn alrm(self) -> u32 {
        self.iter().filter_map(|alarm| alarm.alrm_bit).fold(0, |bits, bit| bits | 1 << bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_in_the_table_is_the_code() {
        for (index, alarm) in ALARMS.iter().enumerate() {
            assert_eq!(alarm.code as usize, index);
        }
    }

    #[test]
    fn a_raised_alarm_shows_in_its_register_bits_and_clears_again() {
        let mut set = AlarmSet::default();
        set.set(AlarmCode::Quarantined, true);
        assert_eq!((set.evt1(), set.alrm()), (1 << 25, 1 << 16));
        set.set(AlarmCode::Quarantined, false);
        assert_eq!(set, AlarmSet::default());
        set.set(AlarmCode::DcVoltageOutOfWindow, true);
        assert_eq!((set.evt1(), set.alrm()), (1 << 25, 1 << 16));
    }
}
