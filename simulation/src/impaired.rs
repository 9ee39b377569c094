//! What may be wrong with the BMS of a unit.

use crate::persist::leaf;
use crate::physics::limits::RackLimits;
use bess_core::alarm::AlarmCode;

/// What is wrong with the BMS of a unit.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct BmsImpairments {
    /// It hangs.
    pub(crate) frozen: bool,
    /// Factors of the limits of discharge and charge that it tells.
    pub(crate) limits: (f64, f64),
    /// Its protection does not act.
    pub(crate) protection_off: bool,
    /// What is added to thresholds of temperature in K and of voltage in V.
    pub(crate) threshold_shift: (f64, f64),
    /// Nothing latches or waits for its release.
    pub(crate) no_latch: bool,
    /// An alarm that trips without cause.
    pub(crate) nuisance: Option<AlarmCode>,
}
leaf!(BmsImpairments);

impl Default for BmsImpairments {
    fn default() -> Self {
        Self {
            frozen: false,
            limits: (1.0, 1.0),
            protection_off: false,
            threshold_shift: (0.0, 0.0),
            no_latch: false,
            nuisance: None,
        }
    }
}

impl BmsImpairments {
    /// The limits that it tells where it should tell `limits`. Above 1 nothing is left of the derating: that
    /// is a table that is stuck, at a multiple of the largest current.
    pub(crate) fn told(&self, limits: RackLimits) -> RackLimits {
        let told = |limit: f64, factor: f64| if factor > 1.0 { factor } else { limit * factor };
        let (discharge, charge) = self.limits;
        RackLimits {
            discharge: told(limits.discharge, discharge),
            charge: told(limits.charge, charge),
        }
    }
}
