//! Writes of what a unit is rated down to and of when it enters service.
//!
//! These settings are finer than their registers. A register that is written with the word that it shows
//! keeps the setting as it is, and the word that a rating shows means the rating.

use super::{Edit, Refusal, switch};
use bess_core::control::{CAPACITY_MIN, Capacity, CapacityChange, EnterServiceChange};
use bess_core::spec::EnterService;

/// What was written to a register: the number, and the steps in which the register holds numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) value: f64,
    pub(crate) step: f64,
}

impl Held {
    /// The first of `settings` that the register shows just so, `per_unit` of the register to one of the
    /// setting; without one what it holds.
    fn or_near(self, per_unit: f64, settings: &[f64]) -> f64 {
        let half = 0.5 * self.step * (1.0 + 1e-9);
        let is_shown = |setting: &&f64| (**setting * per_unit - self.value).abs() <= half;
        settings.iter().find(is_shown).copied().unwrap_or(self.value / per_unit)
    }

    /// The same with the other sign.
    pub(crate) fn negated(self) -> Self {
        Self { value: -self.value, ..self }
    }
}

/// One of the largest powers of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Largest {
    Active,
    Discharge,
    Charge,
    Injected,
    Absorbed,
    Apparent,
}

impl Largest {
    fn of(self, capacity: &Capacity) -> f64 {
        match self {
            Self::Active => capacity.active_max_w,
            Self::Discharge => capacity.discharge_max_w,
            Self::Charge => capacity.charge_max_w,
            Self::Injected => capacity.reactive_injected_max_var,
            Self::Absorbed => capacity.reactive_absorbed_max_var,
            Self::Apparent => capacity.apparent_max_va,
        }
    }

    fn slot(self, change: &mut CapacityChange) -> &mut Option<f64> {
        match self {
            Self::Active => &mut change.active_max_w,
            Self::Discharge => &mut change.discharge_max_w,
            Self::Charge => &mut change.charge_max_w,
            Self::Injected => &mut change.reactive_injected_max_var,
            Self::Absorbed => &mut change.reactive_absorbed_max_var,
            Self::Apparent => &mut change.apparent_max_va,
        }
    }
}

/// A largest power: from a hundredth of its rating up to it.
pub(crate) fn largest(edit: &mut Edit<'_>, which: Largest, held: Held) -> Result<(), Refusal> {
    let pcs = &edit.design()?.pcs;
    let present = which.of(&edit.control().capacity);
    let rating = which.of(&Capacity::rated(pcs));
    let wanted = held.or_near(1.0, &[present, rating, CAPACITY_MIN * rating]);
    let capacity = &mut edit.change.capacity;
    let slot = which.slot(capacity);
    // The older models have two registers for one setting.
    if slot.is_some_and(|other| other != wanted) {
        return Err(Refusal::Value);
    }
    *slot = Some(wanted);
    capacity.check(pcs).map_err(|_| Refusal::Value)
}

/// 703.ES: whether the unit may be in service.
pub(crate) fn permit(edit: &mut Edit<'_>, held: Held) -> Result<(), Refusal> {
    edit.change.enter_service.permitted = Some(switch(held.value)?);
    Ok(())
}

/// A setting of entering service, `per_unit` of the register to one of it.
pub(crate) fn enter_service(
    edit: &mut Edit<'_>,
    held: Held,
    per_unit: f64,
    get: fn(&EnterService) -> f64,
    slot: fn(&mut EnterServiceChange) -> &mut Option<f64>,
) -> Result<(), Refusal> {
    let present = get(&edit.control().enter_service);
    let change = &mut edit.change.enter_service;
    *slot(change) = Some(held.or_near(per_unit, &[present]));
    let nominal_hz = edit.sight.snapshot.spec.nominal_frequency.0;
    change.check(nominal_hz).map_err(|_| Refusal::Value)
}
