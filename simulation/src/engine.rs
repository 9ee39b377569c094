//! The farm and the order of its tick.
//!
//! `Engine` is synchronous and pure: time is its tick counter, chance its seed. A tick cannot fail.
//! Commands are applied between ticks; the same commands before the same ticks give the same bits.
//! `commands` has what clients ask, `picture` what they see, `tester` what is done to the wire, `counts`
//! what is counted of all that.

mod commands;
mod counts;
mod picture;
mod regroup;
mod site;
mod state;
mod tester;

pub use regroup::{APART_MAX_TICKS, NotRegrouped};
pub use state::{Section, State};

use crate::battery::BatteryModel;
use crate::bms::BmsModel;
use crate::grid::{Grid, GridTick};
use crate::physics::pcs::Power;
use crate::physics::rack::{CellMemory, RackModel};
use crate::physics::transformer;
use crate::plant::{Plant, Poi};
use crate::unit::{Common, Share, Surroundings, Unit};
use bess_core::audit::{AUDIT_CAPACITY, AuditRecord, EVENT_CAPACITY};
use bess_core::command::{Command, ControlSource, Origin};
use bess_core::event::Event;
use bess_core::force::ForcedPoints;
use bess_core::id::UnitId;
use bess_core::link::ActiveLinks;
use bess_core::log::Log;
use bess_core::series::Series;
use bess_core::snapshot::{Before, EnergyTotals, FarmView, Snapshot};
use bess_core::spec::{FarmSpec, UnitDesign, UnitSpec};
use bess_core::stats::TickPhase;
use bess_core::time::{SimTime, TICK_S, Tick};
use bess_core::units::{Celsius, Joules};
use counts::Counter;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use site::Site;
use std::sync::Arc;

/// Records that drive a run from outside.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Grid frequency in Hz; absent means nominal.
    pub frequency: Option<Arc<Series>>,
    /// Grid voltage in pu of nominal; absent means the farm file's.
    pub voltage: Option<Arc<Series>>,
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

/// Hears when a phase of a tick is over. The engine reads no clock: whoever has one times the phases by it.
pub trait PhaseMarks {
    /// This phase is over, and the next one begins.
    fn ended(&mut self, phase: TickPhase);
}

/// Nobody times the phases.
impl PhaseMarks for () {
    fn ended(&mut self, _phase: TickPhase) {}
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
    /// What each unit added to the farm in each tick of the present visit; no state.
    visits: Vec<Vec<Share>>,
    plant: Plant,
    grid: Grid,
    /// What testers do at the POI.
    site: Site,
    /// What the units see alike in each tick of the present visit; the last one is now.
    around: Vec<Surroundings>,
    /// Power at the POI in the last tick.
    poi_now: Power,
    events: Arc<Log<Event>>,
    audit: Arc<Log<Arc<AuditRecord>>>,
    /// What the edges do to requests and registers; no unit sees it.
    link: ActiveLinks,
    forced: ForcedPoints,
    /// Events on their way into the log.
    event_room: Vec<Event>,
    poi: EnergyTotals,
    commands_applied: u64,
    commands_refused: u64,
    /// What it had counted before this process.
    before: Before,
    counter: Counter,
    pool: Option<rayon::ThreadPool>,
    /// The last snapshot: what a unit in quarantine showed last.
    last: Option<Arc<Snapshot>>,
    /// Snapshots to build into again once nobody reads them.
    spare: Vec<Arc<Snapshot>>,
}

/// How many snapshots are kept for building into again.
const SPARES: usize = 5;

/// Room in the log for a start of every unit at once.
const EVENTS_PER_UNIT: usize = 100;

/// Most ticks for which a unit is visited at a time: its cells stay in the processor's cache.
const VISIT_TICKS: u64 = 10;

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
        let plant = Plant::new(&spec);
        let grid = Grid::new(&spec, inputs.frequency.clone(), inputs.voltage.clone());
        let mut engine = Self {
            plant,
            grid,
            site: Site::default(),
            around: Vec::new(),
            poi_now: Power::default(),
            events: Arc::new(Log::new(EVENT_CAPACITY.max(EVENTS_PER_UNIT * spec.units.len()))),
            audit: Arc::new(Log::new(AUDIT_CAPACITY)),
            link: ActiveLinks::default(),
            forced: ForcedPoints::default(),
            event_room: Vec::new(),
            spec,
            inputs,
            start: options.start,
            tick: Tick(0),
            publication: 0,
            visits: vec![Vec::new(); units.len()],
            units,
            poi: EnergyTotals::default(),
            commands_applied: 0,
            commands_refused: 0,
            before: Before::default(),
            counter: Counter::default(),
            pool,
            last: None,
            spare: Vec::new(),
        };
        let before = engine.grid.before();
        let first = engine.surroundings_of(Tick(0), before);
        engine.around.push(first);
        engine.look();
        engine
    }

    /// The newest events.
    pub fn events(&self) -> &Log<Event> {
        &self.events
    }
    /// The newest records of writes.
    pub fn audit(&self) -> &Log<Arc<AuditRecord>> {
        &self.audit
    }
    /// Whether the watch of `unit` counts any request as a sign of life.
    pub fn counts_requests(&self, unit: UnitId) -> bool {
        self.units[unit.idx()].counts_requests()
    }

    /// The farm's description.
    pub fn spec(&self) -> &Arc<FarmSpec> {
        &self.spec
    }
    /// The last tick that was run.
    pub fn tick(&self) -> Tick {
        self.tick
    }

    /// What all units see alike in `tick`; the grid is moved on to it.
    fn surroundings(&mut self, tick: Tick) -> Surroundings {
        let grid = self.grid.tick(tick, self.poi_now.p_w, self.poi_now.q_var, &mut self.event_room);
        let grid = self.behind_breaker(tick, grid);
        self.surroundings_of(tick, grid)
    }

    fn surroundings_of(&self, tick: Tick, grid: GridTick) -> Surroundings {
        let (from_s, to_s) = (tick.elapsed_s() - TICK_S, tick.elapsed_s());
        let (ambient_degc, solar_w_per_m2) =
            self.spec.ambient.at(self.start.at(tick).seconds_of_day());
        let recorded = self.inputs.ambient.as_ref();
        Surroundings {
            tick,
            ambient: Celsius(self.site.ambient_degc.unwrap_or_else(|| {
                recorded.map_or(ambient_degc, |series| series.mean(from_s, to_s))
            })),
            solar_w_per_m2,
            nominal_hz: self.spec.nominal_frequency.0,
            poi_w: self.site.measured(self.poi_now).p_w,
            units_sharing: self.units.iter().filter(|unit| unit.shaves_peaks()).count(),
            grid,
        }
    }

    /// One tick of the whole farm.
    pub fn step(&mut self) {
        self.step_marked(&mut ());
    }

    /// Like [`Engine::step`], with the same bits; `marks` hears when each phase of it is over.
    pub fn step_marked(&mut self, marks: &mut dyn PhaseMarks) {
        self.visit(1, marks);
        self.book_poi(0);
        marks.ended(TickPhase::Sums);
    }

    /// `ticks` ticks of the whole farm. After each `seen` gets its number and the farm. Units are
    /// visited for several ticks at a time, with the same bits as tick by tick.
    pub fn run(&mut self, ticks: u64, seen: &mut dyn FnMut(Tick, &FarmView)) {
        let end = self.tick.0 + ticks;
        while self.tick.0 < end {
            let first = self.tick.next();
            let n = self.visit(end - self.tick.0, &mut ());
            for k in 0..n {
                self.book_poi(k as usize);
                let tick = Tick(first.0 + k);
                let shares = self.visits.iter().map(|visit| &visit[k as usize]);
                seen(tick, &self.farm_of(&self.around[k as usize], shares));
            }
        }
    }

    /// Steps every unit for as many ticks as nothing from outside of it changes, at most `most`;
    /// returns how many.
    fn visit(&mut self, most: u64, marks: &mut dyn PhaseMarks) -> u64 {
        let first = self.tick.next();
        self.apply_defects(first);
        self.end_links(first);
        let seen = self.around.last().expect("there is always one");
        let poi = Poi {
            deviation_hz: seen.grid.frequency_mean_hz() - self.spec.nominal_frequency.0,
            voltage_pu: seen.grid.voltage_mean_pu(),
            metered_w: self.site.meter_is_distorted().then(|| self.site.measured(self.poi_now).p_w),
        };
        self.plant.step(&self.spec, first.0, poi, &mut self.units);
        let split = self.plant.next_split(&self.spec, first.0).unwrap_or(u64::MAX);
        let defect = self.next_defect(first).unwrap_or(u64::MAX);
        // What depends on the farm's own power must be made tick by tick.
        let alone = self.grid.is_autonomous()
            && !self.site.looks_at_power()
            && !self.units.iter().any(Unit::shaves_peaks);
        let most = if alone { most.min(VISIT_TICKS) } else { 1 };
        let link = self.next_link_end().unwrap_or(u64::MAX);
        let n = most.min(split - first.0).min(defect - first.0).min(link - first.0);
        marks.ended(TickPhase::Plant);
        let mut around = std::mem::take(&mut self.around);
        around.clear();
        around.extend((first.0..first.0 + n).map(|tick| self.surroundings(Tick(tick))));
        marks.ended(TickPhase::Grid);
        let visit = |(unit, shares): (&mut Unit, &mut Vec<Share>)| {
            shares.clear();
            for around in &around {
                unit.step(around);
                shares.push(*unit.share());
            }
        };
        match &self.pool {
            // Units do not read each other, so the order of the workers changes no bit.
            Some(pool) => pool.install(|| {
                self.units.par_iter_mut().zip(self.visits.par_iter_mut()).for_each(visit);
            }),
            None => self.units.iter_mut().zip(&mut self.visits).for_each(visit),
        }
        marks.ended(TickPhase::Units);
        self.around = around;
        self.tick = Tick(first.0 + n - 1);
        self.counter.note_disturbances(self.grid.take_begun());
        self.gather_events();
        n
    }

    /// Begins and ends the farm file's defects that are due at the start of `tick`.
    fn apply_defects(&mut self, tick: Tick) {
        let spec = Arc::clone(&self.spec);
        for planned in &spec.defects {
            let unit = planned.unit;
            let due =
                [(Some(planned.from), planned.defect), (planned.until, planned.defect.ended())];
            for (_, defect) in due.into_iter().filter(|(at, _)| *at == Some(tick)) {
                // By the door of every command; the file was checked when it was read.
                let origin = Origin::local(ControlSource::Schedule);
                self.apply_checked(&Command::SetDefect { unit, defect }, &origin);
            }
        }
    }

    /// The first tick after `tick` at which a planned defect begins or ends.
    fn next_defect(&self, tick: Tick) -> Option<u64> {
        let ticks =
            self.spec.defects.iter().flat_map(|planned| [Some(planned.from), planned.until]);
        ticks.flatten().filter(|due| *due > tick).map(|due| due.0).min()
    }

    /// Energy at the POI in the tick `k` of the visit: sums in the order of the units.
    fn book_poi(&mut self, k: usize) {
        let (mut power_w, mut reactive_var) = (0.0, 0.0);
        for visit in &self.visits {
            power_w += visit[k].active.0 - visit[k].auxiliary.0;
            reactive_var += visit[k].reactive.0;
        }
        let through = self.site.passing(Power { p_w: power_w, q_var: reactive_var });
        let loss_w = self.transformer_loss_w(through);
        let power_w = through.p_w - loss_w;
        self.poi_now = Power { p_w: power_w, ..through };
        if self.site.watch_transformer(&self.spec, through) {
            // It opens with the next tick; those of a visit with a relay are made one by one.
            self.set_breaker(true, self.tick.next());
            self.log_events();
        }
        self.poi.transformer += Joules(loss_w * TICK_S);
        self.poi.discharged += Joules(power_w.max(0.0) * TICK_S);
        self.poi.charged += Joules((-power_w).max(0.0) * TICK_S);
    }

    /// Loss in watts of the transformer at the POI while `through` passes it; none behind an open breaker.
    fn transformer_loss_w(&self, through: Power) -> f64 {
        if self.site.breaker_is_open {
            return 0.0;
        }
        transformer::loss_at_w(self.spec.transformer.as_ref(), through.p_w, through.q_var)
    }

    /// Looks at the units again without a tick: after commands while the clock stands.
    pub fn look(&mut self) {
        self.units.iter_mut().for_each(Unit::look);
    }

    /// What each unit showed last.
    #[cfg(test)]
    pub(crate) fn units_for_tests(&self) -> impl Iterator<Item = &Share> {
        self.units.iter().map(Unit::share)
    }

    /// SHA-256 over every bit of the farm's state.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.tick.0.to_le_bytes());
        let mut sink = |bytes: &[u8]| hasher.update(bytes);
        self.units.iter().for_each(|unit| unit.hash_into(&mut sink));
        self.plant.hash_into(&mut sink);
        self.grid.hash_into(&mut sink);
        self.site.hash_into(&mut sink);
        self.hash_tester_into(&mut sink);
        sink(&self.poi.discharged.0.to_le_bytes());
        sink(&self.poi.charged.0.to_le_bytes());
        sink(&self.poi.transformer.0.to_le_bytes());
        hasher.finalize().into()
    }
}

/// Builds all units; equal designs share one rack model.
fn build_units(spec: &FarmSpec, pool: Option<&rayon::ThreadPool>) -> Vec<Unit> {
    let common = Common {
        initial: spec.initial,
        streams: spec.streams(),
        island_loads: spec.grid.island_loads.as_slice().into(),
    };
    let mut models: Vec<Arc<BatteryModel>> = Vec::new();
    let mut model_of_unit = Vec::with_capacity(spec.units.len());
    for (idx, unit) in spec.units.iter().enumerate() {
        let shared = idx > 0 && Arc::ptr_eq(&unit.design, &spec.units[idx - 1].design);
        if !shared {
            models.push(Arc::new(battery_model(&unit.design, spec.ageing_acceleration)));
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
    let build = |((unit, model), memory): ((&UnitSpec, Arc<BatteryModel>), _)| {
        Unit::new(unit, &common, model, memory)
    };
    match pool {
        Some(pool) => pool
            .install(|| spec.units.par_iter().zip(model_of_unit).zip(memory).map(build).collect()),
        None => spec.units.iter().zip(model_of_unit).zip(memory).map(build).collect(),
    }
}

fn battery_model(design: &UnitDesign, ageing_acceleration: f64) -> BatteryModel {
    let (chemistry, wiring_ohm) = (&design.chemistry, design.rack_wiring.0);
    BatteryModel {
        rack: RackModel::new(chemistry, wiring_ohm, design.cells_per_module, TICK_S)
            .ageing(ageing_acceleration),
        bms: BmsModel::new(&design.bms, chemistry),
    }
}

#[cfg(test)]
mod tests;
