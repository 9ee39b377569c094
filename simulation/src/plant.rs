//! The plant controller: splits a farm setpoint over the units by what each has available.
//!
//! It runs when a setpoint arrives and once a period after that, on what the last snapshot of the
//! units showed. The setpoint is at the POI, so it asks the units for the auxiliaries and
//! the transformer's loss as well.

use crate::physics::transformer;
use crate::unit::Unit;
use bess_core::command::{ControlSource, SetpointMode};
use bess_core::snapshot::UnitState;
use bess_core::spec::FarmSpec;
use bess_core::units::{Vars, Watts};

/// The farm's setpoint, if one is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Plant {
    pub(crate) active: Option<Watts>,
    pub(crate) reactive: Option<Vars>,
    due: bool,
}

impl Plant {
    /// A new setpoint: every running unit is taken over at once.
    pub(crate) fn set(&mut self, active: Watts, reactive: Option<Vars>, units: &mut [Unit]) {
        self.active = Some(active);
        self.reactive = reactive.or(self.reactive);
        self.due = true;
        for unit in units {
            unit.control.source = ControlSource::Plant;
        }
    }

    /// No setpoint any more: the units under plant control go to zero.
    pub(crate) fn release(&mut self, units: &mut [Unit]) {
        let had_reactive = self.reactive.is_some();
        *self = Self::default();
        for unit in units.iter_mut().filter(|unit| unit.control.source == ControlSource::Plant) {
            unit.control.active.enabled = false;
            if had_reactive {
                unit.control.reactive.enabled = false;
            }
            unit.control.source = ControlSource::None;
        }
    }

    /// Which units run has changed: the setpoint is split anew at the next tick.
    pub(crate) fn split_again(&mut self) {
        self.due = true;
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for power in [self.active.map(|p| p.0), self.reactive.map(|q| q.0)] {
            sink(&power.unwrap_or(f64::NAN).to_le_bytes());
        }
        sink(&[u8::from(self.due)]);
    }

    /// The first tick after `tick` at which the setpoint may be split again without a command.
    pub(crate) fn next_split(&self, spec: &FarmSpec, tick: u64) -> Option<u64> {
        self.active.map(|_| (tick + 1).next_multiple_of(spec.plant.split_period_ticks))
    }

    /// Splits the setpoint if it is new or the period is over.
    pub(crate) fn step(&mut self, spec: &FarmSpec, tick: u64, units: &mut [Unit]) {
        let periodic = tick.is_multiple_of(spec.plant.split_period_ticks);
        let Some(active) = self.active.filter(|_| self.due || periodic) else {
            return;
        };
        self.due = false;
        let is_ours = |unit: &Unit| {
            unit.control.source == ControlSource::Plant && unit.state == UnitState::Running
        };
        // What the transformer loses at the setpoint, what others' units give and what all auxiliaries
        // take must be asked for or is not ours to ask for.
        let reactive_var: f64 = units.iter().map(|unit| unit.share().reactive.0).sum();
        let transformer = spec.transformer.as_ref();
        let mut wanted_w = transformer::power_before_w(transformer, active.0, reactive_var);
        for unit in units.iter_mut() {
            wanted_w += unit.share().auxiliary.0;
            if unit.control.source == ControlSource::Plant {
                // Whoever starts again must not go back to what was asked long ago.
                unit.control.active.absolute = 0.0;
            } else if unit.state == UnitState::Running {
                wanted_w -= unit.share().active.0;
            }
        }
        let weight = |unit: &Unit| unit.capped_available_w(wanted_w >= 0.0);
        let total_w: f64 = units.iter().filter(|unit| is_ours(unit)).map(weight).sum();
        let rated_var = spec.rated_reactive_power().0;
        let share = if total_w > 0.0 { (wanted_w.abs() / total_w).min(1.0) } else { 0.0 };
        for (unit, unit_spec) in units.iter_mut().zip(&spec.units) {
            if !is_ours(unit) {
                continue;
            }
            let setpoint_w = share * weight(unit) * wanted_w.signum();
            let control = &mut unit.control;
            control.active.enabled = true;
            control.active.mode = SetpointMode::Absolute;
            control.active.absolute = setpoint_w;
            if let Some(reactive) = self.reactive {
                let part = unit_spec.design.pcs.rated_reactive_power.0 / rated_var;
                control.reactive.enabled = true;
                control.reactive.mode = SetpointMode::Absolute;
                control.reactive.absolute = reactive.0 * part;
            }
        }
    }
}
