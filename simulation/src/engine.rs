//! The farm and the order of its tick.
//!
//! `Engine` is synchronous and pure: time is its tick counter, chance its seed. A tick cannot fail.
//! Commands are applied between ticks; the same commands before the same ticks give the same bits.

use crate::physics::rack::{CellMemory, RackModel};
use crate::physics::transformer;
use crate::plant::Plant;
use crate::unit::{Surroundings, Unit};
use bess_core::command::{Command, ControlSource, Rejection, find_unit, validate_with};
use bess_core::id::UnitId;
use bess_core::rng::Streams;
use bess_core::series::Series;
use bess_core::snapshot::{
    ClockMode, ClockView, EnergyTotals, FarmView, RackView, Snapshot, UnitState,
};
use bess_core::spec::{FarmSpec, UnitSpec};
use bess_core::time::{SimTime, TICK_S, Tick};
use bess_core::units::{Celsius, Hertz, Joules, Watts};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Records that drive a run from outside.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Grid frequency in Hz; absent means nominal.
    pub frequency: Option<Arc<Series>>,
    /// Ambient temperature in degC; absent means the farm file's.
    pub ambient: Option<Arc<Series>>,
}

/// How to run, without effect on the result.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Simulated instant of tick 0.
    pub start: SimTime,
    /// Threads that step units, at least 1.
    pub workers: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { start: SimTime::default(), workers: 1 }
    }
}

/// A farm under simulation.
#[derive(Debug)]
pub struct Engine {
    spec: Arc<FarmSpec>,
    inputs: Inputs,
    start: SimTime,
    tick: Tick,
    publication: u64,
    units: Vec<Unit>,
    plant: Plant,
    poi: EnergyTotals,
    commands_applied: u64,
    commands_refused: u64,
    pool: Option<rayon::ThreadPool>,
    /// Snapshots to build into again once nobody reads them.
    spare: Vec<Arc<Snapshot>>,
}

/// How many snapshots are kept for building into again.
const SPARES: usize = 4;

impl Engine {
    /// The farm of `spec` at tick 0.
    ///
    /// # Panics
    /// When the system cannot start `options.workers` threads.
    pub fn new(spec: Arc<FarmSpec>, inputs: Inputs, options: EngineOptions) -> Self {
        let pool = (options.workers > 1).then(|| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(options.workers)
                .thread_name(|i| format!("farm-work-{i}"))
                .build()
                .expect("the system starts worker threads")
        });
        let units = build_units(&spec, pool.as_ref());
        let mut engine = Self {
            spec,
            inputs,
            start: options.start,
            tick: Tick(0),
            publication: 0,
            units,
            plant: Plant::default(),
            poi: EnergyTotals::default(),
            commands_applied: 0,
            commands_refused: 0,
            pool,
            spare: Vec::new(),
        };
        engine.look();
        engine
    }

    /// The farm's description.
    pub fn spec(&self) -> &Arc<FarmSpec> {
        &self.spec
    }
    /// The last tick that was run.
    pub fn tick(&self) -> Tick {
        self.tick
    }

    /// Checks and applies a command; a refused one changes nothing but the count of refusals.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn apply(&mut self, command: &Command, source: ControlSource) -> Result<(), Rejection> {
        let result = self.try_apply(command, source);
        match result {
            Ok(()) => self.commands_applied += 1,
            Err(_) => self.commands_refused += 1,
        }
        result
    }

    fn try_apply(&mut self, command: &Command, source: ControlSource) -> Result<(), Rejection> {
        // The state in the units is fresher than their views when commands follow each other.
        let state_of = |unit: UnitId| self.units[unit.idx()].state;
        validate_with(&self.spec, &state_of, command)?;
        self.apply_checked(command, source);
        Ok(())
    }

    fn apply_checked(&mut self, command: &Command, source: ControlSource) {
        match command {
            Command::ControlUnit { unit, change } => {
                let control = &mut self.units[unit.idx()].control;
                change.apply(control);
                if change.sets_power() {
                    control.source = source;
                }
            }
            Command::OperateUnit { unit, action } => {
                self.units[unit.idx()].operate(*action);
                self.plant.split_again();
            }
            Command::SetFarmPower { active, reactive } => {
                self.plant.set(*active, *reactive, &mut self.units);
            }
            Command::ReleaseFarm => self.plant.release(&mut self.units),
            Command::Batch(commands) => {
                commands.iter().for_each(|command| self.apply_checked(command, source));
            }
        }
    }

    fn surroundings(&self, tick: Tick) -> Surroundings {
        let (from_s, to_s) = (tick.elapsed_s() - TICK_S, tick.elapsed_s());
        let over_tick = |series: &Option<Arc<Series>>, otherwise: f64| {
            series.as_ref().map_or(otherwise, |series| series.mean(from_s, to_s))
        };
        let (ambient_degc, solar_w_per_m2) =
            self.spec.ambient.at(self.start.at(tick).seconds_of_day());
        Surroundings {
            tick,
            frequency: Hertz(over_tick(&self.inputs.frequency, self.spec.nominal_frequency.0)),
            ambient: Celsius(over_tick(&self.inputs.ambient, ambient_degc)),
            solar_w_per_m2,
        }
    }

    /// One tick of the whole farm.
    pub fn step(&mut self) {
        self.tick = self.tick.next();
        self.plant.step(&self.spec, self.tick.0, &mut self.units);
        let around = self.surroundings(self.tick);
        match &self.pool {
            // Units do not read each other, so the order of the workers changes no bit.
            Some(pool) => {
                pool.install(|| {
                    self.units.par_iter_mut().for_each(|unit| unit.step(&around));
                });
            }
            None => self.units.iter_mut().for_each(|unit| unit.step(&around)),
        }
        self.book_poi();
    }

    /// Energy at the POI: sums in the order of the units.
    fn book_poi(&mut self) {
        let (mut power_w, mut reactive_var) = (0.0, 0.0);
        for unit in &self.units {
            power_w += unit.view().ac.active_power.0 - unit.view().auxiliary_power.0;
            reactive_var += unit.view().ac.reactive_power.0;
        }
        let loss_w = transformer::loss_at_w(self.spec.transformer.as_ref(), power_w, reactive_var);
        power_w -= loss_w;
        self.poi.transformer += Joules(loss_w * TICK_S);
        self.poi.discharged += Joules(power_w.max(0.0) * TICK_S);
        self.poi.charged += Joules((-power_w).max(0.0) * TICK_S);
    }

    /// Refreshes the views without a tick.
    pub fn look(&mut self) {
        let around = self.surroundings(self.tick);
        self.units.iter_mut().for_each(|unit| unit.look(&around));
    }

    /// Publishes: the picture of the present state, with the cells of `shown` units.
    pub fn snapshot(
        &mut self,
        clock: ClockView,
        wall_unix_ns: i64,
        shown: &[UnitId],
    ) -> Arc<Snapshot> {
        self.publication += 1;
        let mut arc = self.take_spare();
        let snapshot = Arc::get_mut(&mut arc).expect("a spare snapshot has no reader");
        snapshot.tick = self.tick;
        snapshot.publication = self.publication;
        snapshot.time = self.start.at(self.tick);
        snapshot.wall_unix_ns = wall_unix_ns;
        snapshot.clock = clock;
        snapshot.units.clear();
        snapshot.units.extend(self.units.iter().map(|unit| *unit.view()));
        snapshot.racks.clear();
        snapshot.racks.extend(self.units.iter().flat_map(Unit::rack_views));
        snapshot.cells.clear();
        let cells = shown.iter().filter_map(|id| self.units[id.idx()].cells_view());
        snapshot.cells.extend(cells.map(Arc::new));
        snapshot.farm = self.farm();
        if self.spare.len() < SPARES {
            self.spare.push(Arc::clone(&arc));
        }
        arc
    }

    /// A snapshot that nobody else holds, old or new.
    fn take_spare(&mut self) -> Arc<Snapshot> {
        for idx in 0..self.spare.len() {
            if Arc::strong_count(&self.spare[idx]) == 1 {
                return self.spare.swap_remove(idx);
            }
        }
        // All are read at the moment; forget the oldest so that the list does not go stale.
        if self.spare.len() == SPARES {
            self.spare.remove(0);
        }
        Arc::new(Snapshot {
            tick: self.tick,
            publication: 0,
            time: self.start,
            wall_unix_ns: 0,
            clock: ClockView { mode: ClockMode::Free, ..ClockView::default() },
            spec: Arc::clone(&self.spec),
            farm: FarmView::default(),
            units: Vec::with_capacity(self.units.len()),
            racks: Vec::<RackView>::with_capacity(self.spec.n_racks()),
            cells: Vec::new(),
        })
    }

    /// The whole farm at the end of the last tick: sums in the order of the units.
    pub fn farm(&self) -> FarmView {
        let around = self.surroundings(self.tick);
        let mut farm = FarmView {
            setpoint: self.plant.active,
            reactive_setpoint: self.plant.reactive,
            frequency: around.frequency,
            ambient: around.ambient,
            totals: self.poi,
            commands_applied: self.commands_applied,
            commands_refused: self.commands_refused,
            extremes: self.units[0].view().measured.extremes,
            ..FarmView::default()
        };
        let mut health_j = Joules::ZERO;
        for (unit, spec) in self.units.iter().map(Unit::view).zip(&self.spec.units) {
            farm.units_by_state[unit.state as usize] += 1;
            farm.units_power += unit.ac.active_power;
            farm.reactive_power += unit.ac.reactive_power;
            farm.auxiliary_power += unit.auxiliary_power;
            farm.available_discharge_power += unit.available_discharge_power;
            farm.available_charge_power += unit.available_charge_power;
            farm.energy += unit.measured.energy;
            farm.energy_capacity += unit.measured.energy_capacity;
            health_j += spec.design.nominal_energy();
            farm.totals.cell_loss += unit.totals.cell_loss;
            farm.totals.pcs_loss += unit.totals.pcs_loss;
            farm.totals.auxiliary += unit.totals.auxiliary;
            farm.chemical_energy_drawn += unit.chemical_energy_drawn;
            farm.extremes = farm.extremes.merged(&unit.measured.extremes);
        }
        let reactive_var = farm.reactive_power.0;
        let loss_at = |power: Watts| {
            Watts(transformer::loss_at_w(self.spec.transformer.as_ref(), power.0, reactive_var))
        };
        let net = farm.units_power - farm.auxiliary_power;
        farm.transformer_loss = loss_at(net);
        farm.active_power = net - farm.transformer_loss;
        let most = farm.available_discharge_power - farm.auxiliary_power;
        farm.available_discharge_power = (most - loss_at(most)).max(Watts::ZERO);
        let most = farm.available_charge_power + farm.auxiliary_power;
        farm.available_charge_power = most + loss_at(most);
        farm.soc = farm.energy / farm.energy_capacity;
        farm.soh = farm.energy_capacity / health_j;
        farm
    }

    /// SHA-256 over every bit of the farm's state.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.tick.0.to_le_bytes());
        let mut sink = |bytes: &[u8]| hasher.update(bytes);
        self.units.iter().for_each(|unit| unit.hash_into(&mut sink));
        self.plant.hash_into(&mut sink);
        sink(&self.poi.discharged.0.to_le_bytes());
        sink(&self.poi.charged.0.to_le_bytes());
        sink(&self.poi.transformer.0.to_le_bytes());
        hasher.finalize().into()
    }

    /// Whether the cells of `unit` can be shown.
    ///
    /// # Errors
    /// When there is no such unit, or its state left the numbers.
    pub fn check_cells(&self, unit: UnitId) -> Result<(), Rejection> {
        find_unit(&self.spec, unit)?;
        let state = self.units[unit.idx()].state;
        if state == UnitState::Fault {
            let reason = "its cells are not numbers any more";
            return Err(Rejection::WrongState { unit: unit.number(), state, reason });
        }
        Ok(())
    }
}

/// Builds all units; equal designs share one rack model.
fn build_units(spec: &FarmSpec, pool: Option<&rayon::ThreadPool>) -> Vec<Unit> {
    let streams = Streams::new(spec.seed);
    let mut models: Vec<Arc<RackModel<f32>>> = Vec::new();
    let mut model_of_unit = Vec::with_capacity(spec.units.len());
    for (idx, unit) in spec.units.iter().enumerate() {
        let shared = idx > 0 && Arc::ptr_eq(&unit.design, &spec.units[idx - 1].design);
        if !shared {
            let design = &unit.design;
            let wiring_ohm = design.rack_wiring.0;
            let module = design.cells_per_module;
            models.push(Arc::new(RackModel::new(&design.chemistry, wiring_ohm, module, TICK_S)));
        }
        model_of_unit.push(Arc::clone(models.last().expect("one was pushed for the first unit")));
    }
    // Before anything else takes memory, so that what each tick touches lies together.
    let memory: Vec<Vec<CellMemory<f32>>> = spec
        .units
        .iter()
        .map(|unit| {
            let of_rack = |_| CellMemory::for_cells(unit.design.cells_in_series);
            (0..unit.design.n_racks).map(of_rack).collect()
        })
        .collect();
    let build = |((unit, model), memory): ((&UnitSpec, Arc<RackModel<f32>>), _)| {
        Unit::new(unit, &spec.initial, model, streams, memory)
    };
    match pool {
        Some(pool) => pool
            .install(|| spec.units.par_iter().zip(model_of_unit).zip(memory).map(build).collect()),
        None => spec.units.iter().zip(model_of_unit).zip(memory).map(build).collect(),
    }
}

#[cfg(test)]
mod tests;
