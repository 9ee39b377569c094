//! A rack: cells in series, each an equivalent circuit with its own temperature.
//!
//! The cell: V = OCV(z) + M(z) h - r0 I - v1 - v2, with z from the rack's charge (never accumulated
//! per cell: in `f32` that loses 7 to 14 % of a small charge), v_j exact for a current that is held
//! over the tick, and h the rack's hysteresis. Electrical state moves every tick in one pass over
//! the cells, which also prepares the sums for the next tick's split. Heat, temperature and the
//! temperature-dependent parameters move once a second (`refresh`), staggered over the racks.
//!
//! Not modelled here: ageing, balancing, internal shorts, runaway. Sources of the form:
//! PyBaMM's Thevenin model (heat is I (OCV - V): a capacitor's energy counts as heat at once).

use super::kernel::{Cells, Held, sweep};
use super::real::Real;
use super::split::Source;
use super::table::SocTable;
use bess_core::chemistry::{Chemistry, Curve, Resistance};
use bess_core::math;
use bess_core::rng::Stream;
use bess_core::spec::SpreadSpec;
use bess_core::units::{GAS_CONSTANT_J_PER_MOL_K, Ohms, ZERO_CELSIUS_K};

/// Beyond this charge in coulombs the rack's charge is folded into the cells, so that its `f32`
/// image keeps its digits.
const REBASE_C: f64 = 1.0e6;

/// What all racks of one kind share.
#[derive(Clone, Debug)]
pub struct RackModel<R> {
    /// Open-circuit voltage less the reference, and hysteresis half-width.
    voltages: SocTable<R, 2>,
    /// Resistances at 25 degC of r0, r1, r2, and the entropic coefficient.
    parameters: SocTable<R, 4>,
    /// Subtracted from every voltage, so that `f32` keeps its digits for what matters.
    reference_v: f64,
    chemistry: Chemistry,
    wiring_ohm: f64,
    hysteresis_rate_per_c: f64,
    /// Activation energies of r0, r1, r2 over the gas constant, in K.
    activation_k: [R; 3],
    /// Tick over capacitance of the RC pairs, in ohms.
    tick_over_c: [R; 2],
    /// Seconds of a tick.
    tick_s: f64,
}

impl<R: Real> RackModel<R> {
    /// Racks of `chemistry` behind `wiring_ohm`, stepped `tick_s` at a time.
    pub fn new(chemistry: &Chemistry, wiring_ohm: f64, tick_s: f64) -> Self {
        let flat = |value: f64| {
            Curve::new(vec![0.0, 1.0], vec![value, value]).expect("two increasing nodes")
        };
        let (zero, one) = (flat(0.0), flat(1.0));
        let half_width = chemistry.hysteresis.as_ref().map_or(&zero, |h| &h.half_width);
        let rate = chemistry.hysteresis.as_ref().map_or(0.0, |h| h.rate_per_soc);
        let reference_v = chemistry.ocv.at(0.5);
        let none =
            Resistance { value: Ohms(0.0), activation_energy_j_per_mol: 0.0, soc_factor: None };
        let pair = |j: usize| chemistry.rc.get(j).map_or(&none, |pair| &pair.resistance);
        let resistances = [&chemistry.r0, pair(0), pair(1)];
        let scaled = resistances.map(|resistance| {
            let factor = resistance.soc_factor.as_ref().unwrap_or(&one);
            let ohms = factor.values().iter().map(|f| f * resistance.value.0).collect();
            Curve::new(factor.nodes().to_vec(), ohms).expect("nodes of a curve")
        });
        let entropic = chemistry.entropic_v_per_k.as_ref().unwrap_or(&zero);
        let [r0, r1, r2] = &scaled;
        Self {
            voltages: SocTable::new([(&chemistry.ocv, -reference_v), (half_width, 0.0)]),
            parameters: SocTable::new([(r0, 0.0), (r1, 0.0), (r2, 0.0), (entropic, 0.0)]),
            reference_v,
            wiring_ohm,
            hysteresis_rate_per_c: rate / chemistry.capacity.0,
            activation_k: resistances
                .map(|r| R::of(r.activation_energy_j_per_mol / GAS_CONSTANT_J_PER_MOL_K)),
            tick_over_c: std::array::from_fn(|j| {
                R::of(chemistry.rc.get(j).map_or(0.0, |pair| tick_s / pair.capacitance_f()))
            }),
            chemistry: chemistry.clone(),
            tick_s,
        }
    }
}

/// Sums over the cells at the end of a tick, which make next tick's source.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    ocv_v: f64,
    half_width_v: f64,
    /// Sum of (1 - b_j) v_j.
    relaxing_v: f64,
    /// Sum of dOCV/dz / Q, in V/C.
    slope_v_per_c: f64,
    terminal_v: f64,
    /// Sum of r0 + b1 r1 + b2 r2; changes with a refresh only.
    resistance_ohm: f64,
    /// Mean SoC at rack charge 0 and mean of 1 / capacity.
    z0_mean: f64,
    inverse_q_mean: f64,
}

/// A value and the index of its cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct At {
    /// The value.
    pub value: f64,
    /// Index of the cell in its rack.
    pub cell: usize,
}

/// What a rack shows at the end of a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// Heat made in the cells and the wiring during the tick, in W.
    pub loss_w: f64,
    /// Power taken from the cells' chemistry during the tick (open-circuit voltage times current), W.
    pub chemical_w: f64,
    /// Heat that goes into the coolant plate, in W.
    pub plate_w: f64,
}

/// State of one rack.
#[derive(Clone, Debug)]
pub struct Rack<R> {
    cells: Cells<R>,
    /// Charge taken out since the cells' `z0` was set, in C.
    charge_c: f64,
    /// Hysteresis state, -1 to 1.
    hysteresis: f64,
    sums: Sums,
    reading: Reading,
    ticks_since_refresh: u32,
    charge_since_refresh_c: f64,
}

impl<R: Real> Rack<R> {
    /// A rested rack of `n_cells` around `soc` at `temperature_degc`, with the spread drawn from
    /// `stream`: for each cell capacity, resistance and SoC, in this order.
    pub fn new(
        model: &RackModel<R>,
        n_cells: usize,
        soc: f64,
        temperature_degc: f64,
        spread: &SpreadSpec,
        stream: &mut Stream,
    ) -> Self {
        let zeros = vec![R::default(); n_cells];
        let mut cells = Cells {
            z0: Vec::with_capacity(n_cells),
            inverse_q: Vec::with_capacity(n_cells),
            r_factor: Vec::with_capacity(n_cells),
            r0: zeros.clone(),
            r1: zeros.clone(),
            r2: zeros.clone(),
            b1: zeros.clone(),
            b2: zeros.clone(),
            v1: zeros.clone(),
            v2: zeros.clone(),
            v: zeros.clone(),
            heat: zeros,
            temperature: vec![R::of(temperature_degc); n_cells],
        };
        for _ in 0..n_cells {
            let capacity = 1.0 + stream.normal_within_3_sigma(spread.capacity_sigma);
            let resistance = 1.0 + stream.normal_within_3_sigma(spread.resistance_sigma);
            let z0 = (soc + stream.normal_within_3_sigma(spread.soc_sigma)).clamp(0.0, 1.0);
            cells.inverse_q.push(R::of(1.0 / (model.chemistry.capacity.0 * capacity)));
            cells.r_factor.push(R::of(resistance));
            cells.z0.push(R::of(z0));
        }
        let mut rack = Self {
            cells,
            charge_c: 0.0,
            hysteresis: 0.0,
            sums: Sums::default(),
            reading: Reading::default(),
            ticks_since_refresh: 0,
            charge_since_refresh_c: 0.0,
        };
        rack.refresh_parameters(model);
        rack.pass(model, 0.0);
        rack.refresh_temperatures_seen();
        rack
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.cells.z0.len()
    }
    /// What it showed at the end of the last tick.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The rack as next tick's split sees it: the voltage at the end of the tick is `e - r I`.
    /// `direction` (-1, 0, 1) is the expected sign of the current; the hysteresis that a current
    /// builds up within the tick acts as a resistance.
    pub fn source(&self, model: &RackModel<R>, direction: f64) -> Source {
        let sums = &self.sums;
        let n = self.n_cells() as f64;
        let e_v = n * model.reference_v + sums.ocv_v + sums.half_width_v * self.hysteresis
            - sums.relaxing_v;
        let build_up = model.hysteresis_rate_per_c * (1.0 + direction * self.hysteresis);
        let r_ohm = sums.resistance_ohm
            + model.wiring_ohm
            + model.tick_s * (sums.slope_v_per_c + sums.half_width_v * build_up);
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
        self.ticks_since_refresh += 1;
        self.charge_since_refresh_c += charge_c;
        self.pass(model, current_a);
    }

    /// Folds the rack's charge into each cell's `z0`.
    fn rebase(&mut self) {
        for (z0, inverse_q) in self.cells.z0.iter_mut().zip(&self.cells.inverse_q) {
            *z0 = R::of(z0.f64() - self.charge_c * inverse_q.f64());
        }
        self.charge_c = 0.0;
        self.sum_static();
    }

    /// One pass over the cells: SoC, RC voltages, terminal voltage, heat, and the sums.
    fn pass(&mut self, model: &RackModel<R>, current_a: f64) {
        let held = Held {
            current: R::of(current_a),
            charge: R::of(self.charge_c),
            hysteresis: R::of(self.hysteresis),
            heat_step: R::of(current_a * model.tick_s),
        };
        let n = self.n_cells();
        let total = sweep(&mut self.cells, &model.voltages, &held);
        let sums = &mut self.sums;
        sums.ocv_v = total.ocv;
        sums.half_width_v = total.half_width;
        sums.relaxing_v = total.relaxing;
        sums.slope_v_per_c = total.slope;
        sums.terminal_v = total.terminal;
        let reference_v = model.reference_v;
        let reading = &mut self.reading;
        reading.current_a = current_a;
        reading.voltage_v = n as f64 * reference_v + sums.terminal_v;
        reading.soc = sums.z0_mean - self.charge_c * sums.inverse_q_mean;
        reading.voltage_min = place(&self.cells.v, total.lowest, reading.voltage_min, reference_v);
        reading.voltage_max = place(&self.cells.v, total.highest, reading.voltage_max, reference_v);
        reading.loss_w =
            current_a * (sums.ocv_v - sums.terminal_v) + current_a * current_a * model.wiring_ohm;
        reading.chemical_w = current_a * (n as f64 * reference_v + sums.ocv_v);
    }

    /// Heat, temperatures and temperature-dependent parameters for the ticks since the last call;
    /// called every ten ticks. Returns the heat that went into the plate in joules.
    pub fn refresh(&mut self, model: &RackModel<R>, plate_degc: f64) -> f64 {
        let span_s = f64::from(self.ticks_since_refresh) * model.tick_s;
        self.ticks_since_refresh = 0;
        let plate_j = self.refresh_temperatures(model, plate_degc, span_s);
        self.refresh_parameters(model);
        self.refresh_temperatures_seen();
        self.reading.plate_w = if span_s > 0.0 { plate_j / span_s } else { 0.0 };
        plate_j
    }

    /// Explicit step of every cell between its neighbours and the plate. dt G / C is 4e-4 per second:
    /// far from the bound of stability, and exact to a millikelvin.
    fn refresh_temperatures(&mut self, model: &RackModel<R>, plate_degc: f64, span_s: f64) -> f64 {
        let charge_since_c = std::mem::take(&mut self.charge_since_refresh_c);
        let cells = &mut self.cells;
        let Some(thermal) = model.chemistry.thermal else {
            cells.heat.fill(R::default());
            return 0.0;
        };
        let n = cells.z0.len();
        let to_plate = R::of(thermal.plate_w_per_k * span_s);
        let to_neighbours = R::of(thermal.neighbour_w_per_k * span_s);
        let per_j = R::of(1.0 / thermal.heat_capacity_j_per_k);
        let (plate, zero_k) = (R::of(plate_degc), R::of(ZERO_CELSIUS_K));
        let (charge, charge_since) = (R::of(self.charge_c), R::of(charge_since_c));
        let mut plate_j = 0.0;
        let mut left = cells.temperature[0];
        for i in 0..n {
            let here = cells.temperature[i];
            let right = cells.temperature[(i + 1).min(n - 1)];
            let [_, _, _, entropic] =
                model.parameters.at((cells.z0[i] - charge * cells.inverse_q[i]).fraction());
            let lost = to_plate * (here - plate);
            let gained = cells.heat[i] - charge_since * (here + zero_k) * entropic
                + to_neighbours * ((left - here) + (right - here))
                - lost;
            cells.temperature[i] = here + gained * per_j;
            cells.heat[i] = R::default();
            plate_j += lost.f64();
            left = here;
        }
        plate_j
    }

    /// Resistances and decay factors at the present temperature and SoC.
    fn refresh_parameters(&mut self, model: &RackModel<R>) {
        let [energy0, energy1, energy2] = model.activation_k;
        let one_energy = energy0 == energy1 && energy0 == energy2;
        let [over_c1, over_c2] = model.tick_over_c;
        let charge = R::of(self.charge_c);
        let cells = &mut self.cells;
        for i in 0..cells.z0.len() {
            let [r0, r1, r2, _] =
                model.parameters.at((cells.z0[i] - charge * cells.inverse_q[i]).fraction());
            let inverse_k = inverse_k_above_reference(cells.temperature[i]);
            let arrhenius = |energy: R| (energy * inverse_k).exp() * cells.r_factor[i];
            let factor0 = arrhenius(energy0);
            // The resistances mostly share one activation energy: one exponential serves them all.
            let (factor1, factor2) = if one_energy {
                (factor0, factor0)
            } else {
                (arrhenius(energy1), arrhenius(energy2))
            };
            cells.r0[i] = r0 * factor0;
            cells.r1[i] = r1 * factor1;
            cells.r2[i] = r2 * factor2;
            cells.b1[i] = decay_of(cells.r1[i], over_c1);
            cells.b2[i] = decay_of(cells.r2[i], over_c2);
        }
        self.sum_static();
    }

    /// The sums that only a refresh or a rebase changes. The decay factors do enter `relaxing_v`, so
    /// that sum is made anew too.
    fn sum_static(&mut self) {
        let cells = &self.cells;
        let n = cells.z0.len() as f64;
        let (mut resistance, mut relaxing, mut z0, mut inverse_q) = (0.0, 0.0, 0.0, 0.0);
        for i in 0..cells.z0.len() {
            let (b1, b2) = (cells.b1[i].f64(), cells.b2[i].f64());
            resistance += cells.r0[i].f64() + b1 * cells.r1[i].f64() + b2 * cells.r2[i].f64();
            relaxing += (1.0 - b1) * cells.v1[i].f64() + (1.0 - b2) * cells.v2[i].f64();
            z0 += cells.z0[i].f64();
            inverse_q += cells.inverse_q[i].f64();
        }
        self.sums.resistance_ohm = resistance;
        self.sums.relaxing_v = relaxing;
        self.sums.z0_mean = z0 / n;
        self.sums.inverse_q_mean = inverse_q / n;
    }

    fn refresh_temperatures_seen(&mut self) {
        let temperature = &self.cells.temperature;
        let (mut lowest, mut highest, mut sum) = (0, 0, 0.0);
        for (i, degc) in temperature.iter().enumerate() {
            if *degc < temperature[lowest] {
                lowest = i;
            }
            if *degc > temperature[highest] {
                highest = i;
            }
            sum += degc.f64();
        }
        let at = |cell: usize| At { value: temperature[cell].f64(), cell };
        self.reading.temperature_min = at(lowest);
        self.reading.temperature_max = at(highest);
        self.reading.temperature_mean_degc = sum / temperature.len() as f64;
    }

    /// SoC, terminal voltage in V and temperature in degC of cell `idx`.
    pub fn cell(&self, model: &RackModel<R>, idx: usize) -> (f64, f64, f64) {
        let soc = self.cells.z0[idx].f64() - self.charge_c * self.cells.inverse_q[idx].f64();
        let voltage_v = model.reference_v + self.cells.v[idx].f64();
        (soc, voltage_v, self.cells.temperature[idx].f64())
    }
    /// RC voltages of cell `idx` in V, as drops during discharge.
    pub fn cell_rc_v(&self, idx: usize) -> (f64, f64) {
        (self.cells.v1[idx].f64(), self.cells.v2[idx].f64())
    }
    /// Sum of capacities over the nominal sum: the health of the rack, without ageing.
    pub fn capacity_ratio(&self, model: &RackModel<R>) -> f64 {
        let nominal = model.chemistry.capacity.0;
        let sum: f64 = self.cells.inverse_q.iter().map(|inverse| 1.0 / inverse.f64()).sum();
        sum / (nominal * self.n_cells() as f64)
    }

    /// Feeds every bit of the state to `sink`.
    pub fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let c = &self.cells;
        for column in [
            &c.z0,
            &c.inverse_q,
            &c.r0,
            &c.r1,
            &c.r2,
            &c.b1,
            &c.b2,
            &c.v1,
            &c.v2,
            &c.v,
            &c.heat,
            &c.temperature,
        ] {
            column.iter().for_each(|value| value.hash_into(sink));
        }
        sink(&self.charge_c.to_le_bytes());
        sink(&self.hysteresis.to_le_bytes());
        sink(&self.charge_since_refresh_c.to_le_bytes());
        sink(&self.ticks_since_refresh.to_le_bytes());
    }
}

/// The cell that shows `extreme`: the one that did last time if it still does, else the first.
fn place<R: Real>(v: &[R], extreme: f64, last: At, reference_v: f64) -> At {
    let shows = |value: &R| value.f64() >= extreme && value.f64() <= extreme;
    let cell = if v.get(last.cell).is_some_and(shows) {
        last.cell
    } else {
        v.iter().position(shows).unwrap_or(0)
    };
    At { value: extreme + reference_v, cell }
}

/// `1 - exp(-tick / (r c))`; 0 where there is no pair.
fn decay_of<R: Real>(r: R, tick_over_c: R) -> R {
    if r > R::default() { (tick_over_c / r).decay() } else { R::default() }
}

/// 1/T - 1/T_ref in 1/K, with the reference at 25 degC.
fn inverse_k_above_reference<R: Real>(temperature_degc: R) -> R {
    const REFERENCE_K: f64 = 25.0 + ZERO_CELSIUS_K;
    // (T_ref - T) / (T T_ref) keeps its digits where 1/T - 1/T_ref would cancel.
    let above = R::of(25.0) - temperature_degc;
    above / ((temperature_degc + R::of(ZERO_CELSIUS_K)) * R::of(REFERENCE_K))
}
