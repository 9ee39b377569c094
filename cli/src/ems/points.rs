//! The few points of SunSpec that the EMS reads and writes: offsets within a model, as SunSpec gives them.

use std::collections::BTreeMap;

/// Where a chain begins.
pub(super) const CHAIN: u16 = 40_000;
/// The two words of its mark, "SunS".
pub(super) const MARK: [u16; 2] = [0x5375, 0x6e53];
/// Id of the model that ends it.
pub(super) const END: u16 = 0xffff;
/// Most registers of a read.
pub(super) const READ_MAX: u16 = 125;

/// Models by id: where each begins and how long it is with its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain(BTreeMap<u16, (u16, u16)>);

impl Chain {
    pub(super) fn note(&mut self, id: u16, address: u16, length: u16) {
        self.0.entry(id).or_insert((address, length));
    }
    /// Address of a point.
    pub(super) fn address(&self, model: u16, offset: u16) -> Option<u16> {
        self.0.get(&model).map(|(address, _)| address + offset)
    }
    /// The address and length of the models from `first` to `last`, where they lie side by side and fit
    /// into one read.
    pub(super) fn block(&self, first: u16, last: u16) -> Option<(u16, u16)> {
        let (begin, _) = *self.0.get(&first)?;
        let (address, length) = *self.0.get(&last)?;
        let end = address.checked_add(length)?;
        (begin <= address && end - begin <= READ_MAX).then(|| (begin, end - begin))
    }
}

/// Registers of a block of models, as they were read.
#[derive(Debug)]
pub(super) struct Words<'w> {
    pub(super) chain: &'w Chain,
    pub(super) first: u16,
    pub(super) words: &'w [u16],
}

impl Words<'_> {
    fn at(&self, model: u16, offset: u16, n: u16) -> Option<&[u16]> {
        let from = self.chain.address(model, offset)?.checked_sub(self.first)?;
        self.words.get(usize::from(from)..usize::from(from + n))
    }
    /// A number without a sign, where it is implemented.
    pub(super) fn u16(&self, model: u16, offset: u16) -> Option<u16> {
        self.at(model, offset, 1).map(|words| words[0]).filter(|word| *word != 0xffff)
    }
    /// A number of 32 bits.
    pub(super) fn u32(&self, model: u16, offset: u16) -> Option<u32> {
        self.at(model, offset, 2).map(|words| u32::from(words[0]) << 16 | u32::from(words[1]))
    }
    /// A number without a sign, with its scale.
    pub(super) fn scaled(&self, model: u16, offset: u16, scale: u16) -> Option<f64> {
        Some(f64::from(self.u16(model, offset)?) * self.scale(model, scale)?)
    }
    /// A number with a sign, as the register has it.
    pub(super) fn raw(&self, model: u16, offset: u16) -> Option<f64> {
        let word = self.at(model, offset, 1)?[0];
        (word != 0x8000).then(|| f64::from(word as i16))
    }
    /// Ten to the power of a scale factor.
    pub(super) fn scale(&self, model: u16, offset: u16) -> Option<f64> {
        let exponent = self.at(model, offset, 1)?[0] as i16;
        (-10..=10).contains(&exponent).then(|| 10_f64.powi(i32::from(exponent)))
    }
}

/// The converter says what it does.
pub(super) mod inverter {
    pub(in crate::ems) const MODEL: u16 = 701;
    pub(in crate::ems) const STATE: u16 = 4;
    pub(in crate::ems) const ALARMS: u16 = 6;
    pub(in crate::ems) const POWER: u16 = 10;
    /// Registers up to the power.
    pub(in crate::ems) const LENGTH: u16 = 11;
    pub(in crate::ems) const POWER_SCALE: u16 = 116;
    pub(in crate::ems) const RUNNING: [u16; 2] = [3, 4];
    pub(in crate::ems) const FAULT: u16 = 6;
    /// Bits of the alarms that stop it: ground fault, DC disconnect, hardware, the manufacturer's own.
    pub(in crate::ems) const GROUND_FAULT: u32 = 1;
    pub(in crate::ems) const CONTACTOR: u32 = 1 << 3 | 1 << 15;
    pub(in crate::ems) const MANUFACTURER: u32 = 1 << 16;
}

/// How it comes back after the grid was gone.
pub(super) mod enter {
    pub(in crate::ems) const MODEL: u16 = 703;
    /// Time in s in which its power comes back.
    pub(in crate::ems) const RAMP: u16 = 13;
}

/// What it is rated for.
pub(super) mod rating {
    pub(in crate::ems) const MODEL: u16 = 702;
    pub(in crate::ems) const POWER: u16 = 2;
    pub(in crate::ems) const POWER_SCALE: u16 = 45;
}

/// Its setpoint: switch, form and value stand side by side.
pub(super) mod setpoint {
    pub(in crate::ems) const MODEL: u16 = 704;
    pub(in crate::ems) const ENABLED: u16 = 22;
    pub(in crate::ems) const VALUE: u16 = 24;
    pub(in crate::ems) const SCALE: u16 = 55;
    /// The form that is in watts.
    pub(in crate::ems) const WATTS: u16 = 1;
}

/// Signs of life, and the switch at the container.
pub(super) mod control {
    pub(in crate::ems) const MODEL: u16 = 715;
    pub(in crate::ems) const LOCAL: u16 = 2;
    pub(in crate::ems) const HEARTBEAT: u16 = 3;
    pub(in crate::ems) const CONTROLLER: u16 = 5;
}

/// The battery.
pub(super) mod battery {
    pub(in crate::ems) const MODEL: u16 = 802;
    pub(in crate::ems) const ENERGY: u16 = 3;
    pub(in crate::ems) const SOC: u16 = 11;
    pub(in crate::ems) const EVENTS: u16 = 26;
    pub(in crate::ems) const VOLTAGE: u16 = 34;
    pub(in crate::ems) const CHARGE_MAX_A: u16 = 45;
    pub(in crate::ems) const DISCHARGE_MAX_A: u16 = 46;
    pub(in crate::ems) const ENERGY_SCALE: u16 = 53;
    pub(in crate::ems) const SOC_SCALE: u16 = 56;
    pub(in crate::ems) const VOLTAGE_SCALE: u16 = 59;
    pub(in crate::ems) const CURRENT_SCALE: u16 = 62;
    /// Bits of the events that are alarms: the unit stops by itself, and should not be asked for power.
    pub(in crate::ems) const ALARMS: u32 = 1 << 1 | 1 << 3 // temperature
        | 1 << 5 | 1 << 7 // current
        | 1 << 9 | 1 << 11 // voltage
        | 1 << 18 | 1 << 25; // temperatures apart, other
    /// Bits that warnings and alarms share, with the bits of the converter's alarms that tell which it is. A
    /// controller that is late is a warning of the first, and nobody's fault but its own.
    pub(in crate::ems) const SHARED: [(u32, u32); 3] = [
        (1, super::inverter::MANUFACTURER),       // communication
        (1 << 20, super::inverter::CONTACTOR),    // contactor
        (1 << 22, super::inverter::GROUND_FAULT), // insulation
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_together_where_they_lie_side_by_side_and_fit() {
        let mut chain = Chain::default();
        chain.note(701, 40_070, 155);
        chain.note(715, 42_266, 9);
        chain.note(802, 42_275, 64);
        assert_eq!(chain.block(715, 802), Some((42_266, 73)));
        assert_eq!(chain.block(701, 715), None, "too far apart for one read");
        assert_eq!(chain.block(802, 715), None, "in another order");
        assert_eq!(chain.address(715, control::CONTROLLER), Some(42_271));
        assert_eq!(chain.address(713, 0), None);
    }

    #[test]
    fn a_value_has_its_scale_and_its_sign_and_one_that_is_not_there_is_none() {
        let mut chain = Chain::default();
        chain.note(1, 100, 6);
        let words = Words { chain: &chain, first: 100, words: &[5, 0xfffe, 0x8000, 0xffff, 1, 2] };
        assert_eq!(words.scaled(1, 0, 1), Some(0.05));
        assert_eq!(words.raw(1, 1), Some(-2.0));
        assert_eq!((words.raw(1, 2), words.scaled(1, 3, 1)), (None, None));
        assert_eq!(words.u32(1, 4), Some(0x0001_0002));
        assert_eq!(words.u16(1, 9), None);
    }
}
