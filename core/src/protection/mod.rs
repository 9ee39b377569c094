//! Protection profiles: at which values a unit warns, gives less, trips or stops for good, after how
//! long, and when it comes back. Profiles are data files; see `docs/protection-files.md`.

use crate::alarm::{AlarmCode, AlarmLevel};
use crate::chemistry::Curve;

/// A protection profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectionProfile {
    /// Name: built in, or the file's.
    pub name: String,
    /// The elements, in the order of the file.
    pub elements: Vec<ProtectionElement>,
    /// Derating by cell voltage and temperature; `None` for that of the chemistry.
    pub derating: Option<Derating>,
    /// How fast limits recover, in A per second for a rack; they fall at once. > 0.
    pub recovery_a_per_s: f64,
    /// Trips within `lockout_window_s` that lock the unit out; 0 for never.
    pub lockout_trips: u32,
    /// See `lockout_trips`, in s.
    pub lockout_window_s: f64,
    /// Time in s for which the cause of a trip must be gone before the unit comes back, >= 0.
    pub restart_delay_s: f64,
}

/// One element: a quantity that is compared with a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectionElement {
    /// Which alarm it raises, and so what it looks at.
    pub code: AlarmCode,
    /// At which level.
    pub level: AlarmLevel,
    /// Value beyond which it acts, in the unit of the alarm's row; NaN where the quantity is a yes or
    /// no.
    pub threshold: f64,
    /// How long in s the value must be beyond, >= 0.
    pub delay_s: f64,
    /// Value inside which it goes away again; NaN where the quantity is a yes or no.
    pub release: f64,
    /// How long in s the value must be inside, >= 0.
    pub release_delay_s: f64,
    /// For the voltage difference: only while the highest cell is at least at this voltage in V; NaN
    /// for always.
    pub gate_v: f64,
    /// Whether it stays until it is reset, beside those that are critical.
    pub latched: bool,
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
            recovery_a_per_s: 10.0,
            lockout_trips: 5,
            lockout_window_s: 3600.0,
            restart_delay_s: 300.0,
        }
    }
}
