//! What somebody made wrong with a unit's converter, its enclosure, its supply and its controller.

use super::{Surroundings, Unit};
use crate::grid::{FULL_POWER_FROM_PU, GridTick};
use crate::persist::leaf;
use crate::physics::pcs::Power;
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel};
use bess_core::control::UnitFunctions;
use bess_core::defect::Defect;
use bess_core::state::UnitState;
use bess_core::time::{Moment, TICK_S, Tick};
use std::borrow::Cow;

/// What is wrong now; the default is nothing.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
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

    /// What a converter that ignores its setpoints keeps.
    kept: Option<Power>,
    /// Share of its rating that is back after a momentary cessation.
    recovered: f64,
    /// The voltage is low, and the converter rides through.
    rides: bool,
    /// It tripped on over-current in the last tick.
    over_current: bool,
}
leaf!(Faults);

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
            kept: None,
            recovered: 1.0,
            rides: false,
            over_current: false,
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

    /// The settings that the functions work with where `set` was set.
    pub(super) fn at_work<'s>(&self, set: &'s UnitFunctions) -> Cow<'s, UnitFunctions> {
        let Some(droop) = self.droop else { return Cow::Borrowed(set) };
        let mut functions = set.clone();
        (functions.frequency_droop.over_droop, functions.frequency_droop.under_droop) =
            (droop, droop);
        Cow::Owned(functions)
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

impl Unit {
    /// What the unit sees of its surroundings: a frequency that it measures wrong.
    pub(super) fn measured<'s>(&self, around: &'s Surroundings) -> Cow<'s, Surroundings> {
        let offset_hz = self.faults.pll_offset_hz;
        if offset_hz == 0.0 {
            return Cow::Borrowed(around);
        }
        Cow::Owned(Surroundings { grid: around.grid.with_offset_hz(offset_hz), ..around.clone() })
    }

    /// Loss of the converter at the AC power `power`, in watts.
    pub(super) fn pcs_loss_w(&self, power: Power) -> f64 {
        let spec = &self.design.pcs;
        crate::physics::pcs::loss_w(spec, power)
            + self.faults.loss_share * spec.rated_apparent_power.0
    }

    /// What the converter makes of what it is told to give.
    pub(super) fn obey(&mut self, wanted: Power) -> Power {
        if !self.faults.ignores_setpoint {
            self.faults.kept = None;
        } else if !self.machine.ramps_down() {
            // A stop is no setpoint; all else is.
            let output = self.pcs.output();
            return *self.faults.kept.get_or_insert_with(|| {
                self.pcs.follow(output);
                output
            });
        }
        if self.faults.inverts { Power { p_w: -wanted.p_w, ..wanted } } else { wanted }
    }

    /// The converter stands: one that ignores its setpoints will keep to that.
    pub(super) fn keep_rest(&mut self) {
        if self.faults.ignores_setpoint {
            self.faults.kept = Some(Power::default());
        }
    }

    /// Share (0 to 1) of its rated apparent power that the grid's voltage leaves it in this tick.
    pub(super) fn power_share(&mut self, grid: &GridTick) -> f64 {
        let set_pu = self.functions.trips.cessation_below_pu;
        let faults = &mut self.faults;
        if faults.ceases_below_pu <= 0.0 {
            faults.recovered = 1.0;
            return grid.power_share(set_pu);
        }
        let below_pu = faults.ceases_below_pu.max(set_pu);
        let (lowest_pu, _) = grid.voltage_range_pu();
        faults.recovered = if lowest_pu < below_pu {
            0.0
        } else if faults.recovery_s > 0.0 {
            (faults.recovered + TICK_S / faults.recovery_s).min(1.0)
        } else {
            1.0
        };
        faults.recovered * grid.power_share(below_pu)
    }

    /// A converter whose current is badly controlled trips when the voltage comes back.
    pub(super) fn watch_recovery(&mut self, grid: &GridTick, on_grid: bool) {
        let code = AlarmCode::AcOverCurrent;
        if std::mem::take(&mut self.faults.over_current) {
            // What tripped was gone at once.
            let at = Moment::within(grid.tick, 0.0);
            self.protection.grid_clear(code, at, &mut self.events);
        }
        if !self.faults.recovery_trip || !on_grid {
            self.faults.rides = false;
            return;
        }
        for segment in grid.segments() {
            let is_low = segment.voltage_pu < FULL_POWER_FROM_PU;
            let is_back = self.faults.rides && !is_low;
            self.faults.rides = is_low;
            if is_back && !self.faults.over_current {
                let at = Moment::within(grid.tick, segment.from_s);
                self.faults.over_current = true;
                self.relay_trip.get_or_insert((AlarmKey::unit(code, AlarmLevel::Trip), at));
                self.protection.grid_trip(code, at, f64::NAN, f64::NAN, &mut self.events);
            }
        }
    }

    /// Whether its converter has taken too long to come up.
    pub(super) fn start_failed(&self, now: Tick) -> bool {
        let timeout = Tick::count_in(self.design.sequence.synchronise_timeout_s);
        self.faults.start_stuck
            && self.state() == UnitState::Synchronising
            && now.0 - self.machine.since().0 >= timeout
    }

    /// Whether air goes through the container: with a supply, and while no agent must stay in it.
    pub(super) fn is_ventilated(&self) -> bool {
        let faults = &self.faults;
        self.cooling.supplied && !faults.ventilation_off && !faults.suppression
    }
}
