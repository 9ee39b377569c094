//! The plant controller: what the farm does at the POI, and how that is split over the units.
//!
//! A cycle: frequency response, voltage, ramp of the setpoint (frequency response bypasses it), SoC
//! protection, limits at the POI, dispatch. It runs when a setpoint arrives and once a period after
//! that, and in every tick while something moves: a response, a ramp, a curve. It works on what the
//! last tick showed of the units. Powers at the POI need the auxiliaries and the transformer's loss
//! as well.

mod hash;
mod soc;
mod strategy;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_energy;

use crate::function::{Lag, ResponseRun, curve_at};
use crate::persist::persist;
use crate::physics::transformer;
use crate::unit::Unit;
use bess_core::command::{Command, ControlSource, Rejection, SetpointMode};
use bess_core::spec::{FarmSpec, PlantChange, PlantSettings};
use bess_core::time::TICK_S;
use bess_core::units::{Vars, Watts};
use soc::SocGuard;
use std::sync::Arc;
use strategy::{Offer, best_loading, split};

/// What the plant measures at the POI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poi {
    /// Frequency less the nominal one.
    pub(crate) deviation_hz: f64,
    /// Voltage in per unit.
    pub(crate) voltage_pu: f64,
    /// Active power in W that the meter shows, where that is not what flows.
    pub(crate) metered_w: Option<f64>,
}

/// Part of what the meter lacks of what was asked for that a tick corrects: a time constant of 2 s, slow
/// beside the converters [engineering choice]. A meter that shows what flows lacks nothing, so this acts
/// only on one that does not.
const TRIM: f64 = 0.05;

/// The controller, with the farm's setpoint if one is in force.
#[derive(Clone, Debug)]
pub(crate) struct Plant {
    pub(crate) active: Option<Watts>,
    pub(crate) reactive: Option<Vars>,
    settings: Arc<PlantSettings>,
    due: bool,
    response: ResponseRun,
    response_w: f64,
    /// The setpoint after the ramp; absent while there is none.
    ramped_w: Option<f64>,
    /// What the meter made it add to what it asks for, in W, and whether the meter goes on.
    trim_w: f64,
    trims: bool,
    /// Reactive power that the voltage asks for, as a share of the rated one.
    volt_var: Lag,
    /// Best loading in W of each unit, and which gave power after the last split.
    best_w: Vec<f64>,
    works: Vec<bool>,
    /// Which units are kept from one direction by their state of charge.
    guards: Vec<SocGuard>,
    offers: Vec<Offer>,
    parts: Vec<f64>,
}
persist! {
    Plant {
        active, reactive, settings, due, response, response_w, ramped_w, trim_w, trims, volt_var, works: each,
        guards: each,
    }
    but { best_w, offers, parts }
}

impl Plant {
    pub(crate) fn new(spec: &FarmSpec) -> Self {
        let best_w = spec.units.iter().map(|unit| {
            let pcs = &unit.design.pcs;
            let best_w = best_loading(&pcs.loss) * pcs.rated_apparent_power.0;
            best_w.min(pcs.rated_power.0)
        });
        Self {
            active: None,
            reactive: None,
            settings: Arc::new(spec.plant.settings.clone()),
            due: false,
            response: ResponseRun::default(),
            response_w: 0.0,
            ramped_w: None,
            trim_w: 0.0,
            trims: false,
            volt_var: Lag::default(),
            best_w: best_w.collect(),
            works: vec![false; spec.units.len()],
            guards: vec![SocGuard::default(); spec.units.len()],
            offers: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// What frequency response asks for at the POI now, in W.
    pub(crate) fn frequency_response_w(&self) -> f64 {
        self.response_w
    }
    /// The setpoint after the ramp, without frequency response, in W; 0 while there is none.
    pub(crate) fn ramped_setpoint_w(&self) -> f64 {
        self.ramped_w.unwrap_or(0.0)
    }
    /// The same, absent while there is none.
    pub(crate) fn ramped_w(&self) -> Option<f64> {
        self.ramped_w
    }
    /// Goes on with these settings and this setpoint after its ramp, and splits anew in the next tick.
    pub(crate) fn go_on_with(&mut self, settings: PlantSettings, ramped_w: Option<f64>) {
        self.settings = Arc::new(settings);
        self.ramped_w = ramped_w;
        self.due = true;
    }
    pub(crate) fn settings(&self) -> &Arc<PlantSettings> {
        &self.settings
    }
    /// Checks what `command` asks of the plant against the settings in force; in a batch, against
    /// those that the commands before it make.
    pub(crate) fn check(&self, command: &Command) -> Result<(), Rejection> {
        check_against(&mut Arc::clone(&self.settings), command)
    }

    /// Whether it acts by itself, without a setpoint.
    fn acts_alone(&self) -> bool {
        let settings = &self.settings;
        settings.enabled && (settings.frequency_response.is_some() || settings.volt_var.is_some())
    }

    /// New settings; the caller has checked them. Switched off, or with nothing left to do, it lets
    /// go of its units at 0 W.
    pub(crate) fn configure(&mut self, change: &PlantChange, units: &mut [Unit]) {
        let (acted_alone, had_volt_var) = (self.acts_alone(), self.settings.volt_var.is_some());
        change.apply(Arc::make_mut(&mut self.settings));
        if change.frequency_response.is_some() {
            self.response = ResponseRun::default();
            self.response_w = 0.0;
        }
        if change.volt_var.is_some() {
            self.volt_var = Lag::default();
        }
        if had_volt_var && self.settings.volt_var.is_none() && self.reactive.is_none() {
            // Nobody asks for reactive power any more.
            let ours = units.iter_mut().filter(|unit| unit.control.source == ControlSource::Plant);
            ours.for_each(|unit| unit.control.reactive.enabled = false);
        }
        if change.soc_min.is_some() || change.soc_max.is_some() {
            self.guards.fill(SocGuard::default());
        }
        let is_idle = acted_alone && !self.acts_alone() && self.active.is_none();
        if !self.settings.enabled || is_idle {
            self.release(units);
        }
        self.due = true;
    }

    /// A new setpoint: every running unit is taken over at once.
    pub(crate) fn set(
        &mut self,
        active: Watts,
        reactive: Option<Vars>,
        units: &mut [Unit],
        may_take: &dyn Fn(&Unit) -> bool,
    ) {
        if self.active.is_none() && self.ramped_w.is_none() {
            // The ramp begins with what is given now.
            let given = |unit: &Unit| unit.share().active.0 - unit.share().auxiliary.0;
            self.ramped_w = Some(units.iter().map(given).sum());
        }
        self.active = Some(active);
        self.reactive = reactive.or(self.reactive);
        self.due = true;
        // Who is under local control stays with the person there, and who is held with who holds it.
        for unit in units.iter_mut().filter(|unit| may_take(unit)) {
            unit.take_over();
        }
    }

    /// No setpoint any more: the units under plant control go to zero.
    pub(crate) fn release(&mut self, units: &mut [Unit]) {
        let had_reactive = self.reactive.is_some() || self.settings.volt_var.is_some();
        (self.active, self.reactive, self.ramped_w) = (None, None, None);
        self.trim_w = 0.0;
        self.due = self.acts_alone();
        if !self.due {
            (self.response, self.response_w, self.volt_var) =
                (ResponseRun::default(), 0.0, Lag::default());
        }
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

    /// Whether something moves between two splits.
    fn moves(&self) -> bool {
        let target_w = self.active.map_or(0.0, |active| active.0);
        self.acts_alone()
            || self.trims
            || self.trim_w != 0.0
            || self.ramped_w.is_some_and(|ramped_w| ramped_w != target_w)
    }

    /// The first tick after `tick` at which the plant may act again without a command.
    pub(crate) fn next_split(&self, spec: &FarmSpec, tick: u64) -> Option<u64> {
        if self.settings.enabled && self.moves() {
            return Some(tick + 1);
        }
        self.active.map(|_| (tick + 1).next_multiple_of(spec.plant.split_period_ticks))
    }

    /// One cycle, if one is due in this tick.
    pub(crate) fn step(&mut self, spec: &FarmSpec, tick: u64, poi: Poi, units: &mut [Unit]) {
        let alone = self.acts_alone();
        self.trims = poi.metered_w.is_some();
        if !self.settings.enabled || self.active.is_none() && !alone {
            return;
        }
        let periodic = tick.is_multiple_of(spec.plant.split_period_ticks);
        if !(self.due || periodic || self.moves()) {
            return;
        }
        self.due = false;
        if alone {
            // Nobody else has these.
            let free = units.iter_mut().filter(|unit| unit.control.source == ControlSource::None);
            free.for_each(Unit::take_over);
        }
        let settings = Arc::clone(&self.settings);
        let rated_w = spec.rated_power().0;
        self.response_w = settings.frequency_response.as_ref().map_or(0.0, |service| {
            let contract_w = service.contract_w.unwrap_or(rated_w);
            self.response.step(service, poi.deviation_hz, contract_w)
        });
        let reactive_var = self.reactive_var(spec, poi.voltage_pu);
        let target_w = self.active.map_or(0.0, |active| active.0);
        let step_w = settings.ramp_per_s * rated_w * TICK_S;
        let from_w = self.ramped_w.unwrap_or(0.0);
        let ramped_w = if step_w.is_finite() {
            target_w.clamp(from_w - step_w, from_w + step_w)
        } else {
            target_w
        };
        self.ramped_w = Some(ramped_w);
        self.dispatch(spec, (ramped_w, poi.metered_w), reactive_var, units);
    }

    /// Reactive power for the whole farm: by the voltage where that is on, else the setpoint.
    fn reactive_var(&mut self, spec: &FarmSpec, voltage_pu: f64) -> Option<f64> {
        let Some(curve) = &self.settings.volt_var else {
            return self.reactive.map(|reactive| reactive.0);
        };
        let share = curve_at(&curve.points, voltage_pu).clamp(-1.0, 1.0);
        Some(self.volt_var.step(share, curve.response_s) * spec.rated_reactive_power().0)
    }

    fn dispatch(
        &mut self,
        spec: &FarmSpec,
        (ramped_w, metered_w): (f64, Option<f64>),
        reactive_var: Option<f64>,
        units: &mut [Unit],
    ) {
        let settings = Arc::clone(&self.settings);
        let is_ours = |unit: &Unit| {
            unit.control.source == ControlSource::Plant
                && unit.state().is_dispatchable()
                && !unit.is_local()
                && !unit.forms_island()
                && !unit.waits_for_setpoint()
        };
        let mut poi_w = ramped_w + self.response_w;
        if let Some(limits) = &settings.peak_shaving {
            poi_w = poi_w.max(-limits.import_max_w).min(limits.export_max_w);
        }
        poi_w += self.trim(spec, poi_w, metered_w);
        // What the transformer loses at the setpoint, what others' units give and what all auxiliaries
        // take must be asked for or is not ours to ask for.
        let given_var: f64 = units.iter().map(|unit| unit.share().reactive.0).sum();
        let mut wanted_w = transformer::power_before_w(spec.transformer.as_ref(), poi_w, given_var);
        for unit in units.iter_mut() {
            wanted_w += unit.share().auxiliary.0;
            if !is_ours(unit) && unit.state().converts() {
                wanted_w -= unit.share().active.0;
            }
            if unit.control.source == ControlSource::Plant {
                // Whoever starts again must not go back to what was asked long ago.
                unit.control.active.absolute = 0.0;
            }
        }
        self.collect_offers(units, &is_ours);
        split(settings.strategy, wanted_w, &self.offers, &mut self.parts);
        self.clamp_ramp(ramped_w, poi_w, wanted_w);
        if wanted_w != 0.0 {
            self.works.iter_mut().zip(&self.parts).for_each(|(works, part)| *works = *part != 0.0);
        }
        let most_var = |unit: &Unit| unit.most().reactive_var(reactive_var.unwrap_or(0.0));
        // Those who can share it by what they can.
        let able_var: f64 = units.iter().filter(|unit| is_ours(unit)).map(most_var).sum();
        for (unit, part_w) in units.iter_mut().zip(&self.parts) {
            if !is_ours(unit) {
                continue;
            }
            let most_var = most_var(unit);
            let control = &mut unit.control;
            control.active.enabled = true;
            control.active.mode = SetpointMode::Absolute;
            control.active.absolute = *part_w;
            if let Some(reactive_var) = reactive_var {
                let share = if able_var > 0.0 { reactive_var / able_var } else { 0.0 };
                control.reactive.enabled = true;
                control.reactive.mode = SetpointMode::Absolute;
                control.reactive.absolute = share.clamp(-1.0, 1.0) * most_var;
            }
        }
    }

    /// What is to be added to `poi_w` so that the meter comes to show it: more and more where it never
    /// does. It goes away again with a meter that shows what flows.
    fn trim(&mut self, spec: &FarmSpec, poi_w: f64, metered_w: Option<f64>) -> f64 {
        let most_w = 2.0 * spec.rated_power().0;
        let lacking_w = metered_w.map_or(-self.trim_w, |metered_w| poi_w - metered_w);
        self.trim_w = (self.trim_w + TRIM * lacking_w).clamp(-most_w, most_w);
        if metered_w.is_none() && self.trim_w.abs() < 1.0 {
            self.trim_w = 0.0;
        }
        self.trim_w
    }

    fn collect_offers(&mut self, units: &[Unit], is_ours: &dyn Fn(&Unit) -> bool) {
        let settings = &self.settings;
        let window = (settings.soc_min, settings.soc_max);
        self.offers.clear();
        for (idx, unit) in units.iter().enumerate() {
            let share = unit.share();
            let (energy_j, full_j) = (share.energy.0, share.energy_capacity.0);
            let soc = if full_j > 0.0 { energy_j / full_j } else { 0.0 };
            // SoC protection: who is beyond is not asked in that direction.
            self.guards[idx].see(soc, window);
            let may = |held: bool, discharge| {
                if !held && is_ours(unit) { unit.capped_available_w(discharge) } else { 0.0 }
            };
            self.offers.push(Offer {
                discharge_w: may(self.guards[idx].is_low, true),
                charge_w: may(self.guards[idx].is_high, false),
                rated_w: unit.most().active_w,
                best_w: self.best_w[idx],
                soc,
                energy_to_empty_j: (energy_j - settings.soc_min * full_j).max(0.0),
                energy_to_full_j: (settings.soc_max * full_j - energy_j).max(0.0),
                was_working: self.works[idx],
                priority: settings.priority.len() + idx,
            });
        }
        for (place, &idx) in settings.priority.iter().enumerate() {
            self.offers[idx].priority = place;
        }
    }

    /// A ramp does not run away from units that have no more: what they lack is taken off it.
    fn clamp_ramp(&mut self, ramped_w: f64, poi_w: f64, wanted_w: f64) {
        if self.settings.ramp_per_s.is_infinite() {
            return;
        }
        // Without frequency response: that may be beyond what units have for a while.
        let base_w = wanted_w + ramped_w - poi_w;
        let offered = |o: &Offer| if base_w >= 0.0 { o.discharge_w } else { o.charge_w };
        let offered_w: f64 = self.offers.iter().map(offered).sum();
        let lacking_w = (base_w.abs() - offered_w).clamp(0.0, ramped_w.abs());
        if base_w * ramped_w > 0.0 {
            self.ramped_w = Some(ramped_w - lacking_w * ramped_w.signum());
        }
    }
}

/// Checks `command` against `settings`, and changes them to what they are after it.
fn check_against(settings: &mut Arc<PlantSettings>, command: &Command) -> Result<(), Rejection> {
    match command {
        Command::ConfigurePlant(change) => {
            change.apply(Arc::make_mut(settings));
            settings.check()
        }
        Command::SetFarmPower { .. } if !settings.enabled => Err(Rejection::NotPossible {
            field: "farm setpoint",
            reason: "the plant controller is switched off: enable it, or set the units".to_owned(),
        }),
        Command::Batch(commands) => {
            commands.iter().try_for_each(|command| check_against(settings, command))
        }
        _ => Ok(()),
    }
}
