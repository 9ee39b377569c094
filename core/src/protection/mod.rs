//! Protection profiles: at which values a unit warns, gives less, trips or stops for good, after how
//! long, and when it comes back. Profiles are data files; see `docs/protection-files.md`.

mod parse;
mod quantity;
#[cfg(test)]
mod tests;

pub use parse::parse_protection;
pub use quantity::{Direction, Quantity, quantity};

use crate::alarm::{AlarmCode, AlarmLevel};
use crate::chemistry::Curve;

/// The built-in profiles: name and text. A new one is a file and a line here.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("lfp", include_str!("data/lfp.toml")),
    ("nmc", include_str!("data/nmc.toml")),
    ("soltaro-3000", include_str!("data/soltaro-3000.toml")),
    ("soltaro-3500", include_str!("data/soltaro-3500.toml")),
    ("byd-c130", include_str!("data/byd-c130.toml")),
    ("fenecon-commercial", include_str!("data/fenecon-commercial.toml")),
    ("bmw", include_str!("data/bmw.toml")),
];

/// The text of the built-in profile `name`.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Highest cell voltage in V of a chemistry whose default profile is `lfp`; above it is `nmc`
/// (engineering choice: LFP ends at 3.65 V, NMC begins at 4.1 V).
pub const LFP_VOLTAGE_MAX_V: f64 = 3.8;

/// Name of the profile of cells that nothing else was named for, by their highest voltage in V.
pub fn default_for(voltage_max_v: f64) -> &'static str {
    if voltage_max_v > LFP_VOLTAGE_MAX_V { "nmc" } else { "lfp" }
}

/// A protection profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectionProfile {
    /// Name: built in, or the file's.
    pub name: String,
    /// The elements, in the order of the file.
    pub elements: Vec<ProtectionElement>,
    /// Derating by cell voltage and temperature; `None` for that of the chemistry.
    pub derating: Option<Derating>,
    /// How fast limits recover, in A per second for a rack, > 0; they fall at once. `None` for 5 % of
    /// the rack's largest current per second.
    pub recovery_a_per_s: Option<f64>,
    /// Trips within `lockout_window_s` that lock the unit out; 0 for never.
    pub lockout_trips: u32,
    /// See `lockout_trips`, in s.
    pub lockout_window_s: f64,
    /// Time in s for which the cause of a trip must be gone before the unit comes back, >= 0.
    pub restart_delay_s: f64,
}

/// One element: a quantity that is compared with a threshold.
#[derive(Clone, Copy, Debug)]
pub struct ProtectionElement {
    /// Which alarm it raises, and so what it looks at.
    pub code: AlarmCode,
    /// At which level.
    pub level: AlarmLevel,
    /// Value beyond which it acts, in the unit of the alarm's row; NaN where the quantity is a yes or
    /// no. Over-currents are fractions of the rack's largest current in that direction, insulation is
    /// in ohm per volt of the rack's highest voltage.
    pub threshold: f64,
    /// How long in s the value must be beyond, >= 0.
    pub delay_s: f64,
    /// Value inside which it goes away again, as the threshold; NaN where the quantity is a yes or no.
    pub release: f64,
    /// How long in s the value must be inside, >= 0.
    pub release_delay_s: f64,
    /// For the voltage difference: only while the highest cell is at least at this voltage in V; NaN
    /// for always.
    pub gate_v: f64,
    /// Whether it stays until it is reset, beside those that are critical.
    pub latched: bool,
}

impl PartialEq for ProtectionElement {
    /// As derived, but a value that is not there equals another one that is not.
    fn eq(&self, other: &Self) -> bool {
        let numbers = |e: &Self| {
            [e.threshold, e.delay_s, e.release, e.release_delay_s, e.gate_v].map(f64::to_bits)
        };
        (self.code, self.level, self.latched) == (other.code, other.level, other.latched)
            && numbers(self) == numbers(other)
    }
}

impl ProtectionElement {
    /// Whether it stays until it is reset.
    pub fn latches(&self) -> bool {
        self.latched || self.level == AlarmLevel::Critical
    }
}

impl ProtectionProfile {
    /// The element that raises `code` at `level`.
    pub fn element(&self, code: AlarmCode, level: AlarmLevel) -> Option<&ProtectionElement> {
        self.elements.iter().find(|element| element.code == code && element.level == level)
    }
    /// The first value of `code` in its direction at which the unit stops; `None` where it never does.
    pub fn stops_at(&self, code: AlarmCode) -> Option<f64> {
        let stopping = self.elements.iter().filter(|e| e.code == code && e.level.stops());
        let is_low = quantity(code).is_some_and(|q| q.direction == Direction::Below);
        let values = stopping.map(|element| element.threshold);
        values.reduce(if is_low { f64::max } else { f64::min })
    }
}

/// Derating polylines: factors of the largest currents.
#[derive(Clone, Debug, PartialEq)]
pub struct Derating {
    /// Charge over the highest cell voltage in V.
    pub charge_by_voltage: Curve,
    /// Discharge over the lowest cell voltage in V.
    pub discharge_by_voltage: Curve,
    /// Charge over the temperature in degC.
    pub charge_by_temperature: Curve,
    /// Discharge over the temperature in degC.
    pub discharge_by_temperature: Curve,
}

impl Default for ProtectionProfile {
    /// No elements: a unit that nothing protects.
    fn default() -> Self {
        Self {
            name: "none".to_owned(),
            elements: Vec::new(),
            derating: None,
            recovery_a_per_s: None,
            lockout_trips: 5,
            lockout_window_s: 3600.0,
            restart_delay_s: 300.0,
        }
    }
}
