//! A rack: cells in series, each an equivalent circuit with its own temperature.
//!
//! The cell: V = OCV(z) + M(z) h - r0 I - v1 - v2, with z from the rack's charge (never accumulated
//! per cell: in `f32` that loses 7 to 14 % of a small charge), v_j exact for a current that is held
//! over the tick, and h the rack's hysteresis. Electrical state moves every tick in one pass over
//! the cells, which also prepares the sums for the next tick's split. Heat, temperature and what
//! depends on them move once a second ([`Rack::refresh`]), staggered over the racks; so do leaks,
//! shorts, balancing and ageing.
//!
//! Source of the form: PyBaMM's Thevenin model, with the hysteresis state of Plett's one-state model.

mod harm;
mod heat;
mod ill;
mod wear;

pub use bess_core::defect::CellDefect as Harm;
pub use heat::Plate;
pub use wear::AGE_EVERY_S;

use super::kernel::{Block, Cells, Extreme, Held, LANES, Total, Voltages, sweep};
use super::parameters::{HalfWidths, Parameters, Since, Slow, Static};
use super::pieces::{Beyond, Grid};
use super::real::Real;
use super::split::Source;
use crate::persist::{leaf, persist};
use bess_core::chemistry::{Chemistry, Table};
use bess_core::math;
use bess_core::rng::{Domain, Streams};
use bess_core::spec::SpreadSpec;
use harm::{Hot, Short};
use ill::Ill;
use std::sync::Arc;
use wear::Wear;

/// Beyond this charge in coulombs the rack's charge is folded into the cells, so that its `f32`
/// image keeps its digits.
const REBASE_C: f64 = 1.0e6;

/// Change of the current, as a multiple of the capacity per hour, at which resistances that depend on
/// it are made anew (engineering choice).
const CURRENT_STEP_C_RATE: f64 = 0.02;

/// What all racks of one kind share.
#[derive(Clone, Debug)]
pub struct RackModel<R> {
    chemistry: Arc<Chemistry>,
    voltages: Voltages<R>,
    /// Whether a rack must have voltages of its own temperature, and of its own current.
    voltages_vary: [bool; 2],
    parameters: Parameters<R>,
    /// Subtracted from every voltage, so that `f32` keeps its digits for what matters.
    reference_v: f64,
    wiring_ohm: f64,
    hysteresis_rate_per_c: f64,
    cells_per_module: usize,
    /// Seconds of a tick.
    tick_s: f64,
    /// How many times faster cells age; 0 for not at all.
    ageing_acceleration: f64,
    heats_by_mean: bool,
}

impl<R: Real> RackModel<R> {
    /// Racks of `chemistry` behind `wiring_ohm` in modules of `cells_per_module` (>= 1), stepped
    /// `tick_s` at a time.
    pub fn new(
        chemistry: &Arc<Chemistry>,
        wiring_ohm: f64,
        cells_per_module: usize,
        tick_s: f64,
    ) -> Self {
        let hysteresis = chemistry.hysteresis.as_ref();
        let rate = hysteresis.map_or(0.0, |h| h.rate_per_soc);
        let reference_v = chemistry.ocv.at(0.5, 25.0, 0.0);
        Self {
            voltages: voltages(
                &Arc::new(voltage_grid(chemistry)),
                chemistry,
                reference_v,
                25.0,
                0.0,
            ),
            voltages_vary: [Table::depends_on_temperature, Table::depends_on_current].map(
                |varies| {
                    varies(&chemistry.ocv) || hysteresis.is_some_and(|h| varies(&h.half_width))
                },
            ),
            parameters: Parameters::new(chemistry, tick_s),
            reference_v,
            wiring_ohm,
            hysteresis_rate_per_c: rate / chemistry.capacity.0,
            chemistry: Arc::clone(chemistry),
            cells_per_module,
            tick_s,
            ageing_acceleration: 1.0,
            heats_by_mean: false,
        }
    }

    /// Whether any resistance depends on the current.
    pub fn depends_on_current(&self) -> bool {
        self.parameters.depends_on_current
    }

    /// The same racks for a study of cells: nothing ages, and RC pairs heat by their mean voltage over
    /// a tick. (A farm takes the voltage at its end, as its meters do, so that its energy adds up.)
    #[must_use]
    pub fn for_study(self) -> Self {
        Self { ageing_acceleration: 0.0, heats_by_mean: true, ..self }
    }

    /// The same racks with cells that age `acceleration` times as fast; 0 for not at all.
    #[must_use]
    pub fn ageing(self, acceleration: f64) -> Self {
        Self { ageing_acceleration: acceleration, ..self }
    }
}

/// Nodes of the open-circuit voltage and the half-width.
fn voltage_grid<R: Real>(chemistry: &Chemistry) -> Grid<R> {
    let half_width = chemistry.hysteresis.as_ref().map_or(&[][..], |h| h.half_width.soc_nodes());
    Grid::over(chemistry.ocv.soc_nodes().iter().chain(half_width).copied())
}

/// Open-circuit voltage less `reference_v`, and half-width, at a temperature and current.
fn voltages<R: Real>(
    grid: &Arc<Grid<R>>,
    chemistry: &Chemistry,
    reference_v: f64,
    degc: f64,
    current_a: f64,
) -> Voltages<R> {
    let zero = Table::constant(0.0);
    let half_width = chemistry.hysteresis.as_ref().map_or(&zero, |h| &h.half_width);
    Voltages {
        ocv: grid.column(Beyond::Extends, |soc| {
            chemistry.ocv.at_extended(soc, degc, current_a) - reference_v
        }),
        half_width: grid.column(Beyond::Holds, |soc| half_width.at(soc, degc, current_a)),
        grid: Arc::clone(grid),
    }
}

/// Sums over the cells at the end of a tick, which make next tick's source.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Sums {
    total: Total,
    fixed: Static,
    /// Of b1 v1 + b2 v2, after the last pass or refresh.
    relaxed_v: f64,
    half_widths: HalfWidths,
    /// What shorted cells change.
    shorts: harm::Shorted,
    /// Power of leaks and balancing, in W.
    leak_w: f64,
    bleed_w: f64,
}
leaf!(Sums);

/// A value and the index of its cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct At {
    /// The value.
    pub value: f64,
    /// Index of the cell in its rack.
    pub cell: usize,
}

/// What a rack shows at the end of a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Reading {
    /// Current in A, positive is discharge.
    pub current_a: f64,
    /// Sum of the cell voltages in V.
    pub voltage_v: f64,
    /// Mean SoC of the cells.
    pub soc: f64,
    /// Lowest cell voltage in V.
    pub voltage_min: At,
    /// Highest cell voltage in V.
    pub voltage_max: At,
    /// Lowest cell temperature in degC.
    pub temperature_min: At,
    /// Highest cell temperature in degC.
    pub temperature_max: At,
    /// Mean cell temperature in degC.
    pub temperature_mean_degc: f64,
    /// Power lost in the cells and the wiring during the tick, in W: heat, and what the cells'
    /// capacitors store for a while.
    pub loss_w: f64,
    /// Power taken from the cells' chemistry during the tick (open-circuit voltage times current), W.
    pub chemical_w: f64,
    /// Heat that goes into the coolant: from the plates, the wiring and balancing, in W.
    pub plate_w: f64,
}
leaf!(Reading);

/// State of one rack.
#[derive(Clone, Debug)]
pub struct Rack<R> {
    cells: Cells<R>,
    slow: Slow<R>,
    wear: Wear<R>,
    /// Temperatures of the cells' cases; empty where they have none.
    case: Vec<R>,
    /// Voltages at the rack's own temperature and current, where they depend on them.
    voltages: Option<Box<Voltages<R>>>,
    /// Charge taken out since the cells' `z0` was set, in C.
    charge_c: f64,
    /// Hysteresis state, -1 to 1.
    hysteresis: f64,
    /// Current for which the resistances were made.
    parameters_current_a: f64,
    since: Since,
    /// Heat made in the cells since the start, in J.
    heat_made_j: f64,
    /// Heat that was too little to change a temperature's last digit, carried to the next refresh.
    carried_j: f64,
    shorts: Vec<Short>,
    hot: Vec<Hot>,
    heaters: Vec<(usize, f64)>,
    ills: Vec<Ill>,
    arc: ill::Arc,
    is_open: bool,
    capacity_ratio: f64,
    sums: Sums,
    reading: Reading,
}
persist! {
    Rack<f32> {
        cells, slow, wear, case: each, voltages: within, charge_c, hysteresis, parameters_current_a, since,
        heat_made_j, carried_j, shorts, hot, heaters, ills, arc, is_open, capacity_ratio, sums, reading,
    }
}

/// How a rack starts.
#[derive(Clone, Copy, Debug)]
pub struct RackStart<'s> {
    /// Number of cells, >= 1.
    pub n_cells: usize,
    /// Mean SoC.
    pub soc: f64,
    /// Temperature of all cells in degC.
    pub temperature_degc: f64,
    /// Cell-to-cell spread.
    pub spread: &'s SpreadSpec,
    /// Where the spread is drawn from.
    pub streams: Streams,
    /// Number of the rack among all racks, which picks its streams.
    pub index: u64,
}

/// Memory for the cells of a rack. What a tick touches lies together for a whole farm when all its
/// racks' memory is taken before anything else: then the processor's address tables hold it, and a
/// 1 GWh farm runs a fifth faster on one core, by half on two.
#[derive(Debug)]
pub struct CellMemory<R>(Vec<Block<R>>);

impl<R: Real> CellMemory<R> {
    /// Memory for `n_cells`.
    pub fn for_cells(n_cells: usize) -> Self {
        Self(Vec::with_capacity(n_cells.div_ceil(LANES)))
    }
}

impl<R: Real> Rack<R> {
    /// A rested rack, with the spread drawn for each cell: capacity, resistance and SoC, in this order.
    pub fn new(model: &RackModel<R>, start: &RackStart<'_>) -> Self {
        Self::within(CellMemory::for_cells(start.n_cells), model, start)
    }

    /// As [`Rack::new`], with the cells in `memory`.
    pub fn within(memory: CellMemory<R>, model: &RackModel<R>, start: &RackStart<'_>) -> Self {
        let n_cells = start.n_cells;
        let filled = n_cells.next_multiple_of(LANES);
        let zeros = vec![R::default(); filled];
        let mut stream = start.streams.stream(Domain::CellSpread, start.index);
        let (mut z0, mut inverse_q, mut r_factor) = (vec![], vec![], vec![]);
        for _ in 0..n_cells {
            let capacity = 1.0 + stream.normal_within_3_sigma(start.spread.capacity_sigma);
            let resistance = 1.0 + stream.normal_within_3_sigma(start.spread.resistance_sigma);
            let soc = start.soc + stream.normal_within_3_sigma(start.spread.soc_sigma);
            inverse_q.push(R::of(1.0 / (model.chemistry.capacity.0 * capacity)));
            r_factor.push(R::of(resistance));
            z0.push(R::of(soc.clamp(0.0, 1.0)));
        }
        let temperature = vec![R::of(start.temperature_degc); filled];
        let has_case = model.chemistry.thermal.is_some_and(|t| t.case.is_some());
        let wear = Wear::new(&model.chemistry, &inverse_q, &r_factor, start);
        r_factor.resize(filled, R::of(1.0));
        let mut rack = Self {
            cells: Cells::new(memory.0, &z0, &inverse_q),
            slow: Slow { r_factor, stored: zeros.clone(), heat: zeros, temperature },
            wear,
            case: if has_case { vec![R::of(start.temperature_degc); n_cells] } else { vec![] },
            voltages: None,
            charge_c: 0.0,
            hysteresis: 0.0,
            parameters_current_a: 0.0,
            since: Since::default(),
            heat_made_j: 0.0,
            carried_j: 0.0,
            shorts: vec![],
            hot: vec![],
            heaters: vec![],
            ills: vec![],
            arc: ill::Arc::default(),
            is_open: false,
            capacity_ratio: 1.0,
            sums: Sums {
                total: Total::NONE,
                fixed: Static::default(),
                relaxed_v: 0.0,
                half_widths: HalfWidths::default(),
                shorts: harm::Shorted::default(),
                leak_w: 0.0,
                bleed_w: 0.0,
            },
            reading: Reading::default(),
        };
        rack.see_capacity(model);
        rack.see_temperatures();
        if model.voltages_vary != [false; 2] {
            rack.refresh_voltages(model, 0.0);
        }
        let [sum_v, slope_v_per_c] = model.parameters.half_widths(&rack.cells, R::default());
        rack.sums.half_widths = HalfWidths { sum_v, slope_v_per_c, charge_c: 0.0 };
        rack.refresh_parameters(model, 0.0);
        rack.pass(model, 0.0);
        rack.leak(model, 0.0);
        rack
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.cells.len()
    }
    /// What it showed at the end of the last tick.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }
    /// Whether its string is interrupted: no current can flow any more.
    pub fn is_open(&self) -> bool {
        self.is_open
    }
    /// Heat made in the cells since the start, up to the last refresh, in J.
    pub fn heat_made_j(&self) -> f64 {
        self.heat_made_j
    }
    /// Energy in the cells' capacitors at the last refresh, in J; 0 where a chemistry books it as heat.
    pub fn stored_j(&self) -> f64 {
        self.slow.stored[..self.n_cells()].iter().map(|j| j.f64()).sum()
    }

    /// The rack as next tick's split sees it: the voltage at the end of the tick is `e - r I`.
    /// `direction` (-1, 0, 1) is the expected sign of the current; the hysteresis that a current
    /// builds up within the tick acts as a resistance.
    pub fn source(&self, model: &RackModel<R>, direction: f64) -> Source {
        let sums = &self.sums;
        let n = self.n_cells() as f64;
        let (shorted_v, shorted_ohm) = self.shorted_source(model);
        let e_v = n * model.reference_v + sums.total.source
            - (sums.total.relaxing - sums.relaxed_v)
            + shorted_v;
        let build_up = model.hysteresis_rate_per_c
            * (1.0 + direction * self.hysteresis)
            * sums.half_widths.at(self.charge_c);
        let r_ohm = sums.fixed.r0_ohm
            + sums.fixed.c_ohm
            + model.wiring_ohm
            + self.arc.ohm
            + model.tick_s * (sums.total.slope + build_up)
            + shorted_ohm;
        Source { e_v, r_ohm }
    }

    /// One tick with the current `current_a` held over it.
    pub fn step(&mut self, model: &RackModel<R>, current_a: f64) {
        let charge_c = current_a * model.tick_s;
        self.charge_c += charge_c;
        let keep = math::exp(-model.hysteresis_rate_per_c * charge_c.abs());
        let towards = if current_a > 0.0 { -1.0 } else { 1.0 };
        self.hysteresis = keep * self.hysteresis + (1.0 - keep) * towards;
        if self.charge_c.abs() > REBASE_C {
            self.rebase();
        }
        self.since.ticks += 1;
        self.since.charge_c += charge_c;
        self.since.throughput_c += charge_c.abs();
        self.since.square_a2s += current_a * charge_c;
        self.since.hysteresis_c += charge_c * self.hysteresis;
        if model.heats_by_mean {
            self.heat_by_mean(charge_c, -0.5);
            self.pass(model, current_a);
            self.heat_by_mean(charge_c, 0.5);
        } else {
            self.pass(model, current_a);
        }
        self.arc.step(current_a, model.tick_s);
    }

    /// Moves a `part` of the present RC voltages' heat out of (positive) what the pass counts.
    fn heat_by_mean(&mut self, charge_c: f64, part: f64) {
        let moved = R::of(part * charge_c);
        for i in 0..self.n_cells() {
            self.slow.heat[i] += -moved * (self.cells.v1(i) + self.cells.v2(i));
        }
    }

    /// Makes the resistances that depend on current for `current_a`, which is about to flow.
    pub fn prepare(&mut self, model: &RackModel<R>, current_a: f64) {
        if model.parameters.depends_on_current {
            if model.voltages_vary[1] {
                self.refresh_voltages(model, current_a);
            }
            self.refresh_parameters(model, current_a);
        }
    }

    /// Whether `current_a` is so far from the current for which the resistances were made that they
    /// should be made anew.
    pub fn wants_to_prepare(&self, model: &RackModel<R>, current_a: f64) -> bool {
        let step_a = CURRENT_STEP_C_RATE * model.chemistry.capacity.amp_hours();
        model.parameters.depends_on_current
            && (current_a - self.parameters_current_a).abs() > step_a
    }

    /// Folds the rack's charge into each cell's `z0`.
    fn rebase(&mut self) {
        for block in &mut self.cells.blocks {
            for (z0, inverse_q) in block.z0.iter_mut().zip(&block.inverse_q) {
                *z0 = R::of(z0.f64() - self.charge_c * inverse_q.f64());
            }
        }
        self.sums.half_widths.charge_c -= self.charge_c;
        self.charge_c = 0.0;
        self.sums.fixed = self.static_sums();
    }

    fn static_sums(&self) -> Static {
        let mut fixed = Static::default();
        (0..self.n_cells()).for_each(|i| fixed.add(&self.cells, i));
        fixed
    }

    /// One pass over the cells: SoC, RC voltages, terminal voltage, and the sums.
    fn pass(&mut self, model: &RackModel<R>, current_a: f64) {
        let held = Held {
            current: R::of(current_a),
            charge: R::of(self.charge_c),
            hysteresis: R::of(self.hysteresis),
            heat_step: R::of(current_a * model.tick_s),
        };
        let table = self.voltages.as_deref().unwrap_or(&model.voltages);
        self.sums.total = sweep(&mut self.cells, table, &held);
        self.reading.current_a = current_a;
        self.sums.shorts = harm::Shorted::default();
        if !self.shorts.is_empty() {
            self.pass_shorts(model, current_a);
        }
        if self.is_open {
            self.pass_burnt(model);
        }
        self.sums.relaxed_v = self.sums.total.relaxed;
        let (sums, n) = (&self.sums, self.n_cells() as f64);
        let half_width_v = sums.half_widths.at(self.charge_c);
        let ocv_v = sums.total.source - self.hysteresis * half_width_v;
        let terminal_v = sums.total.source - current_a * sums.fixed.r0_ohm - sums.total.relaxing
            + sums.shorts.terminal_v;
        let aside_w = sums.leak_w + sums.bleed_w + sums.shorts.power_w;
        let reading = &mut self.reading;
        reading.voltage_v = n * model.reference_v + terminal_v;
        reading.soc = sums.fixed.z0 / n - self.charge_c * (sums.fixed.inverse_q / n);
        let at =
            |extreme: Extreme| At { value: extreme.value + model.reference_v, cell: extreme.cell };
        reading.voltage_min = at(sums.total.lowest);
        reading.voltage_max = at(sums.total.highest);
        let line_ohm = model.wiring_ohm + self.arc.ohm;
        reading.loss_w =
            current_a * (ocv_v - terminal_v) + current_a * current_a * line_ohm + aside_w;
        reading.chemical_w = current_a * (n * model.reference_v + ocv_v) + aside_w;
    }

    /// Heat, temperatures, and what depends on them, for the ticks since the last call: in a farm every
    /// ten. Returns the heat that left for the plates, and that of wiring and balancing, in joules.
    pub fn refresh(&mut self, model: &RackModel<R>, plate: &Plate) -> f64 {
        let span_s = f64::from(self.since.ticks) * model.tick_s;
        let since = std::mem::take(&mut self.since);
        self.sums.half_widths = model.parameters.gather_heat(
            &model.chemistry,
            &mut self.cells,
            &mut self.slow,
            self.charge_c,
            &since,
        );
        self.leak(model, span_s);
        for (cell, power_w) in &self.heaters {
            self.slow.heat[*cell] += R::of(power_w * span_s);
        }
        // It burns at the first cell.
        self.slow.heat[0] += R::of(std::mem::take(&mut self.arc.made_j));
        let heat_j = heat::sum(&self.slow.heat[..self.n_cells()]);
        self.heat_made_j += heat_j - std::mem::take(&mut self.carried_j);
        let mut out_j = since.square_a2s * model.wiring_ohm + self.sums.bleed_w * span_s;
        match &model.chemistry.thermal {
            Some(thermal) => out_j += self.heat_up(model, thermal, plate, span_s),
            None => self.slow.heat.fill(R::default()),
        }
        self.carried_j = heat::sum(&self.slow.heat[..self.n_cells()]);
        self.see_temperatures();
        self.follow_wear(model, &since, span_s);
        if model.voltages_vary != [false; 2] {
            self.refresh_voltages(model, self.reading.current_a);
        }
        self.refresh_parameters(model, self.reading.current_a);
        self.reading.plate_w = if span_s > 0.0 { out_j / span_s } else { 0.0 };
        out_j
    }

    /// The voltages at the rack's own temperature and at `current_a`.
    fn refresh_voltages(&mut self, model: &RackModel<R>, current_a: f64) {
        let degc = self.reading.temperature_mean_degc;
        let grid = &model.voltages.grid;
        let own = voltages(grid, &model.chemistry, model.reference_v, degc, current_a);
        self.voltages = Some(Box::new(own));
    }

    fn refresh_parameters(&mut self, model: &RackModel<R>, current_a: f64) {
        self.parameters_current_a = current_a;
        self.sums.fixed = model.parameters.refresh(
            &model.chemistry,
            &mut self.cells,
            &self.slow,
            self.charge_c,
            current_a,
            model.tick_s,
        );
        Self::add_joints(&self.ills, &mut self.cells, &mut self.sums.fixed);
        self.sums.relaxed_v = self.sums.fixed.relaxed_v;
    }

    fn see_temperatures(&mut self) {
        let seen = heat::see(&self.slow.temperature[..self.n_cells()]);
        self.reading.temperature_min = seen.lowest;
        self.reading.temperature_max = seen.highest;
        self.reading.temperature_mean_degc = seen.mean;
    }

    /// SoC, terminal voltage in V and temperature in degC of cell `idx`.
    pub fn cell(&self, model: &RackModel<R>, idx: usize) -> (f64, f64, f64) {
        let soc = self.cells.z0(idx).f64() - self.charge_c * self.cells.inverse_q(idx).f64();
        (soc, self.cell_voltage_v(model, idx), self.slow.temperature[idx].f64())
    }

    /// Terminal voltage of cell `idx` at the end of the last tick, as the pass reckons it. After a
    /// refresh it is that of the present resistances.
    pub fn cell_voltage_v(&self, model: &RackModel<R>, idx: usize) -> f64 {
        let sound = self.shorts.is_empty() && !self.is_open;
        if let Some(harmed_v) = (!sound).then(|| self.harmed_v(idx)).flatten() {
            return harmed_v;
        }
        let drop_v = self.cells.r0(idx).f64() * self.reading.current_a;
        model.reference_v + (self.open_v(model, idx) - drop_v)
    }

    /// Voltage of cell `idx` behind its ohmic resistance, less the reference.
    fn open_v(&self, model: &RackModel<R>, idx: usize) -> f64 {
        let z = self.cells.z0(idx) - R::of(self.charge_c) * self.cells.inverse_q(idx);
        let table = self.voltages.as_deref().unwrap_or(&model.voltages);
        let (source, _) = table.at(z, R::of(self.hysteresis));
        source.f64() - self.cells.v1(idx).f64() - self.cells.v2(idx).f64()
    }

    /// RC voltages of cell `idx` in V, as drops during discharge.
    pub fn cell_rc_v(&self, idx: usize) -> (f64, f64) {
        (self.cells.v1(idx).f64(), self.cells.v2(idx).f64())
    }
    /// Temperature of the case of cell `idx` in degC, where cells have one.
    pub fn case_degc(&self, idx: usize) -> Option<f64> {
        self.case.get(idx).map(|degc| degc.f64())
    }
    /// Sum of capacities over the nominal sum: the health of the rack.
    pub fn capacity_ratio(&self) -> f64 {
        self.capacity_ratio
    }
    fn see_capacity(&mut self, model: &RackModel<R>) {
        let inverse_q = (0..self.n_cells()).map(|i| self.cells.inverse_q(i).f64());
        let sum: f64 = inverse_q.map(|inverse| 1.0 / inverse).sum();
        self.capacity_ratio = sum / (model.chemistry.capacity.0 * self.n_cells() as f64);
    }

    /// Whether every number that the rack shows is one.
    pub fn is_finite(&self) -> bool {
        let reading = &self.reading;
        reading.voltage_v.is_finite()
            && reading.soc.is_finite()
            && reading.current_a.is_finite()
            && reading.temperature_mean_degc.is_finite()
    }

    /// Feeds every bit of the state to `sink`.
    pub fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.cells.hash_into(sink);
        for column in [
            &self.slow.r_factor,
            &self.slow.temperature,
            &self.slow.stored,
            &self.slow.heat,
            &self.case,
        ] {
            column.iter().for_each(|value| value.hash_into(sink));
        }
        self.wear.hash_into(sink);
        self.hash_harm_into(sink);
        sink(&self.since.ticks.to_le_bytes());
        for value in [
            self.charge_c,
            self.hysteresis,
            self.parameters_current_a,
            self.heat_made_j,
            self.carried_j,
            self.reading.plate_w,
            self.sums.leak_w,
            self.sums.bleed_w,
            self.since.charge_c,
            self.since.throughput_c,
            self.since.square_a2s,
            self.since.hysteresis_c,
        ] {
            sink(&value.to_le_bytes());
        }
    }
}
