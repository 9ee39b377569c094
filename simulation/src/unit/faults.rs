//! What somebody made wrong with a unit's converter, its enclosure, its supply and its controller.

use bess_core::alarm::AlarmCode;
use bess_core::defect::Defect;

/// What is wrong now; the default is nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Faults {
    /// The converter has tripped with this alarm.
    pub(crate) pcs_trip: Option<AlarmCode>,
    /// Share of its rating that the converter can give.
    pub(crate) pcs_share: f64,
    /// The converter keeps the power that it gave.
    pub(crate) ignores_setpoint: bool,
    /// The converter gives active power with the wrong sign.
    pub(crate) inverts: bool,
    /// Factor of the converter's ramps.
    pub(crate) ramp_factor: f64,
    /// Further loss as a share of the rated apparent power.
    pub(crate) loss_share: f64,
    /// What is measured too much of the frequency, in Hz.
    pub(crate) pll_offset_hz: f64,
    /// Voltage in pu below which the converter ceases, beside that of its settings; 0 for none.
    pub(crate) ceases_below_pu: f64,
    /// How long in s its power takes to come back after that.
    pub(crate) recovery_s: f64,
    /// How much too near to nominal the thresholds of its relays of voltage are, in pu.
    pub(crate) relay_shift_pu: f64,
    /// Factor of the clearing times of its relays.
    pub(crate) relay_time_factor: f64,
    /// The converter does not come up.
    pub(crate) start_stuck: bool,
    /// The converter trips when the voltage comes back.
    pub(crate) recovery_trip: bool,
    /// The ventilation has failed.
    pub(crate) ventilation_off: bool,
    /// A door is open.
    pub(crate) door_open: bool,
    /// The fire suppression has released its agent.
    pub(crate) suppression: bool,
    /// The auxiliary supply is gone.
    pub(crate) aux_supply_off: bool,
    /// The droop that the converter works with instead of that of its settings.
    pub(crate) droop: Option<f64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            pcs_trip: None,
            pcs_share: 1.0,
            ignores_setpoint: false,
            inverts: false,
            ramp_factor: 1.0,
            loss_share: 0.0,
            pll_offset_hz: 0.0,
            ceases_below_pu: 0.0,
            recovery_s: 0.0,
            relay_shift_pu: 0.0,
            relay_time_factor: 1.0,
            start_stuck: false,
            recovery_trip: false,
            ventilation_off: false,
            door_open: false,
            suppression: false,
            aux_supply_off: false,
            droop: None,
        }
    }
}

impl Faults {
    /// Takes note of `defect`; the caller does what else it needs.
    pub(crate) fn note(&mut self, defect: Defect) {
        match defect {
            Defect::PcsTrip { code } => self.pcs_trip = code,
            Defect::PcsDerate(share) => self.pcs_share = share,
            Defect::SetpointIgnored(on) => self.ignores_setpoint = on,
            Defect::PcsInverted(on) => self.inverts = on,
            Defect::PcsRamp(factor) => self.ramp_factor = factor,
            Defect::PcsLoss(pct) => self.loss_share = pct / 100.0,
            Defect::PllOffset(hz) => self.pll_offset_hz = hz,
            Defect::MomentaryCessation { below_pu, recovery_s } => {
                (self.ceases_below_pu, self.recovery_s) = (below_pu, recovery_s);
            }
            Defect::RelayShift { voltage_pu, time_factor } => {
                (self.relay_shift_pu, self.relay_time_factor) = (voltage_pu, time_factor);
            }
            Defect::StartStuck(on) => self.start_stuck = on,
            Defect::RecoveryTrip(on) => self.recovery_trip = on,
            Defect::VentilationOff(on) => self.ventilation_off = on,
            Defect::DoorOpen(on) => self.door_open = on,
            Defect::Suppression(on) => self.suppression = on,
            Defect::AuxSupplyOff(on) => self.aux_supply_off = on,
            Defect::DroopOverride(droop) => self.droop = droop,
            // These are of the battery, its sensors and its cooling.
            _ => {}
        }
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        if *self == Self::default() {
            return;
        }
        // Every field by its text: the numbers in it are exact.
        sink(format!("{self:?}").as_bytes());
    }
}
