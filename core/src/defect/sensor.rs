//! What a sensor may show wrong.

use super::within;
use crate::command::Rejection;

/// A measured value that a sensor may show wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reading {
    /// Highest cell voltage of a rack in V.
    CellVoltageMax,
    /// Lowest cell voltage of a rack in V.
    CellVoltageMin,
    /// Highest cell temperature of a rack in degC.
    TemperatureMax,
    /// Lowest cell temperature of a rack in degC.
    TemperatureMin,
    /// Current of a rack in A, positive is discharge.
    Current,
    /// Voltage of a rack in V.
    RackVoltage,
    /// State of charge of a rack as its BMS shows it: what it shows, not what it counts with.
    Soc,
    /// Active power of a unit in W at its AC terminals, as its meter shows it.
    ActivePower,
    /// Insulation resistance of a unit in kohm.
    Insulation,
    /// Temperature of a unit's converter in degC.
    PcsTemperature,
    /// Voltage of a unit's DC bus in V.
    DcVoltage,
    /// Gas in a unit's container over its lower flammable limit, as its detector shows it.
    GasLfl,
}

impl Reading {
    /// Every reading with its name in files, and the range in which a value may be forced.
    pub const ALL: [(&'static str, Self, f64, f64); 12] = [
        ("cell_voltage_max_v", Self::CellVoltageMax, 0.0, 10.0),
        ("cell_voltage_min_v", Self::CellVoltageMin, 0.0, 10.0),
        ("temperature_max_degc", Self::TemperatureMax, -100.0, 1000.0),
        ("temperature_min_degc", Self::TemperatureMin, -100.0, 1000.0),
        ("current_a", Self::Current, -100_000.0, 100_000.0),
        ("voltage_v", Self::RackVoltage, 0.0, 10_000.0),
        ("soc", Self::Soc, 0.0, 1.0),
        ("active_power_w", Self::ActivePower, -1e9, 1e9),
        ("insulation_kohm", Self::Insulation, 0.0, 1e6),
        ("pcs_temperature_degc", Self::PcsTemperature, -100.0, 1000.0),
        ("dc_voltage_v", Self::DcVoltage, 0.0, 10_000.0),
        ("gas_lfl", Self::GasLfl, 0.0, 100.0),
    ];
    /// Those of a rack come first in [`Reading::ALL`]: so many.
    pub const N_OF_RACK: usize = 7;

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// Whether it is one of each rack, and not of the unit as a whole.
    pub const fn is_of_rack(self) -> bool {
        (self as usize) < Self::N_OF_RACK
    }
}

/// What a sensor makes of a value: `gain * value + offset`, and what stands below. The parts work together,
/// from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Distortion {
    /// Ticks by which it is late, 0 to [`DELAY_MAX_TICKS`].
    pub delay_ticks: u32,
    /// Factor of the value, -100 to 100: 1 for none, -1 for a current transformer that is turned round.
    pub gain: f64,
    /// What is added, in the unit of the value.
    pub offset: f64,
    /// Standard deviation of a normal noise that is new in every tick, in the unit of the value.
    pub noise_sd: f64,
    /// Probability of a spike in a tick, 0 to 1.
    pub spike_p: f64,
    /// What a spike adds, in the unit of the value.
    pub spike: f64,
    /// Whether it stands still at what it showed last.
    pub stuck: bool,
    /// Whether there is no value: who shows it holds the last one and tells that it is missing.
    pub dropout: bool,
}

/// Largest delay of a sensor in ticks: ten minutes.
pub const DELAY_MAX_TICKS: u32 = 6000;
/// Largest magnitude of an offset, noise or spike.
const MAX_OFFSET: f64 = 1e9;

impl Distortion {
    /// A sensor that shows what is.
    pub const NONE: Self = Self {
        delay_ticks: 0,
        gain: 1.0,
        offset: 0.0,
        noise_sd: 0.0,
        spike_p: 0.0,
        spike: 0.0,
        stuck: false,
        dropout: false,
    };

    pub(super) fn check(&self) -> Result<(), Rejection> {
        let most_ticks = f64::from(DELAY_MAX_TICKS);
        for (field, value, range, unit) in [
            ("delay_ticks", f64::from(self.delay_ticks), (0.0, most_ticks), "ticks"),
            ("gain", self.gain, (-100.0, 100.0), ""),
            ("offset", self.offset, (-MAX_OFFSET, MAX_OFFSET), ""),
            ("noise_sd", self.noise_sd, (0.0, MAX_OFFSET), ""),
            ("spike_p", self.spike_p, (0.0, 1.0), ""),
            ("spike", self.spike, (-MAX_OFFSET, MAX_OFFSET), ""),
        ] {
            within(field, value, range, unit)?;
        }
        Ok(())
    }
}

impl Default for Distortion {
    fn default() -> Self {
        Self::NONE
    }
}
