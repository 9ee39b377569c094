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

use super::real::Real;
use super::split::Source;
use super::table::VoltageTable;
use bess_core::chemistry::{Chemistry, Resistance};
use bess_core::math;
use bess_core::rng::Stream;
use bess_core::spec::SpreadSpec;
use bess_core::units::GAS_CONSTANT_J_PER_MOL_K;

/// Number of cells that the kernel works on at a time.
const LANES: usize = 8;
/// Beyond this charge in coulombs the rack's charge is folded into the cells, so that its `f32`
/// image keeps its digits.
const REBASE_C: f64 = 1.0e6;

/// What all racks of one kind share.
#[derive(Clone, Debug)]
pub struct RackModel<R> {
    table: VoltageTable<R>,
    chemistry: Chemistry,
    wiring_ohm: f64,
    hysteresis_rate_per_c: f64,
    /// Seconds of a tick.
    tick_s: f64,
}

impl<R: Real> RackModel<R> {
    /// Racks of `chemistry` behind `wiring_ohm`, stepped `tick_s` at a time.
    pub fn new(chemistry: &Chemistry, wiring_ohm: f64, tick_s: f64) -> Self {
        let rate = chemistry
            .hysteresis
            .as_ref()
            .map_or(0.0, |h| h.rate_per_soc);
        Self {
            table: VoltageTable::new(chemistry),
            wiring_ohm,
            hysteresis_rate_per_c: rate / chemistry.capacity.0,
            chemistry: chemistry.clone(),
            tick_s,
        }
    }
    /// The chemistry of the cells.
    pub fn chemistry(&self) -> &Chemistry {
        &self.chemistry
    }
}

/// Columns over the cells of a rack.
#[derive(Clone, Debug)]
struct Cells<R> {
    /// SoC at rack charge 0.
    z0: Vec<R>,
    /// 1 / capacity in 1/C.
    inverse_q: Vec<R>,
    /// Factor of every resistance, from the spread.
    r_factor: Vec<R>,
    r0: Vec<R>,
    r1: Vec<R>,
    r2: Vec<R>,
    /// 1 - exp(-tick / tau_j).
    b1: Vec<R>,
    b2: Vec<R>,
    v1: Vec<R>,
    v2: Vec<R>,
    /// Terminal voltage less the table's reference.
    v: Vec<R>,
    /// Heat in J since the last refresh.
    heat: Vec<R>,
    temperature: Vec<R>,
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
            cells
                .inverse_q
                .push(R::of(1.0 / (model.chemistry.capacity.0 * capacity)));
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
        let e_v = n * model.table.reference_v + sums.ocv_v + sums.half_width_v * self.hysteresis
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
        let mut lanes = Lanes::<R, LANES>::new();
        let mut tail = Lanes::<R, 1>::new();
        let whole = n - n % LANES;
        for first in (0..whole).step_by(LANES) {
            lanes.block(&mut self.cells, first, &model.table, &held);
        }
        for first in whole..n {
            tail.block(&mut self.cells, first, &model.table, &held);
        }
        let (a, b) = (lanes.total(), tail.total());
        let sums = &mut self.sums;
        sums.ocv_v = a.ocv + b.ocv;
        sums.half_width_v = a.half_width + b.half_width;
        sums.relaxing_v = a.relaxing + b.relaxing;
        sums.slope_v_per_c = a.slope + b.slope;
        sums.terminal_v = a.terminal + b.terminal;
        let reference_v = model.table.reference_v;
        let reading = &mut self.reading;
        reading.current_a = current_a;
        reading.voltage_v = n as f64 * reference_v + sums.terminal_v;
        reading.soc = sums.z0_mean - self.charge_c * sums.inverse_q_mean;
        reading.voltage_min = offset(lower(a.lowest, b.lowest), reference_v);
        reading.voltage_max = offset(higher(a.highest, b.highest), reference_v);
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

    /// Ticks since the last refresh.
    pub fn ticks_since_refresh(&self) -> u32 {
        self.ticks_since_refresh
    }

    /// Explicit step of every cell between its neighbours and the plate. dt G / C is 4e-4 per second:
    /// far from the bound of stability, and exact to a millikelvin.
    fn refresh_temperatures(&mut self, model: &RackModel<R>, plate_degc: f64, span_s: f64) -> f64 {
        let Some(thermal) = model.chemistry.thermal else {
            self.charge_since_refresh_c = 0.0;
            self.cells
                .heat
                .iter_mut()
                .for_each(|heat| *heat = R::default());
            return 0.0;
        };
        let n = self.n_cells();
        let charge_c = std::mem::take(&mut self.charge_since_refresh_c);
        let mut plate_j = 0.0;
        let mut left = self.cells.temperature[0].f64();
        for i in 0..n {
            let here = self.cells.temperature[i].f64();
            let right = self.cells.temperature[(i + 1).min(n - 1)].f64();
            let to_plate_w = thermal.plate_w_per_k * (here - plate_degc);
            let from_neighbours_w = thermal.neighbour_w_per_k * (left + right - 2.0 * here);
            let reversible_j = model
                .chemistry
                .entropic_v_per_k
                .as_ref()
                .map_or(0.0, |curve| {
                    let soc =
                        self.cells.z0[i].f64() - self.charge_c * self.cells.inverse_q[i].f64();
                    -charge_c * (here + bess_core::units::ZERO_CELSIUS_K) * curve.at_clamped(soc)
                });
            let gained_j =
                self.cells.heat[i].f64() + reversible_j + span_s * (from_neighbours_w - to_plate_w);
            self.cells.temperature[i] = R::of(here + gained_j / thermal.heat_capacity_j_per_k);
            self.cells.heat[i] = R::default();
            plate_j += to_plate_w * span_s;
            left = here;
        }
        plate_j
    }

    /// Resistances and decay factors at the present temperature and SoC.
    fn refresh_parameters(&mut self, model: &RackModel<R>) {
        let chemistry = &model.chemistry;
        let second = chemistry.rc.get(1);
        let curves = [
            Some(&chemistry.r0),
            chemistry.rc.first().map(|pair| &pair.resistance),
            second.map(|pair| &pair.resistance),
        ];
        let inverse_c: [R; 2] = std::array::from_fn(|j| {
            R::of(
                chemistry
                    .rc
                    .get(j)
                    .map_or(0.0, |pair| model.tick_s / pair.capacitance_f()),
            )
        });
        let cells = &mut self.cells;
        for i in 0..cells.z0.len() {
            let soc = cells.z0[i].f64() - self.charge_c * cells.inverse_q[i].f64();
            let factors = Factors::<R>::at(cells.temperature[i]);
            let mut last = (f64::NAN, R::default());
            let mut resistance = |curve: Option<&Resistance>| {
                let Some(curve) = curve else {
                    return R::default();
                };
                // The pairs mostly share one activation energy: one exponential serves them all.
                if curve.activation_energy_j_per_mol != last.0 {
                    let energy = curve.activation_energy_j_per_mol;
                    last = (energy, factors.arrhenius(energy));
                }
                let by_soc = curve.soc_factor.as_ref().map_or(1.0, |c| c.at_clamped(soc));
                R::of(curve.value.0 * by_soc) * last.1 * cells.r_factor[i]
            };
            let [r0, r1, r2] = curves.map(&mut resistance);
            (cells.r0[i], cells.r1[i], cells.r2[i]) = (r0, r1, r2);
            cells.b1[i] = decay_of(r1, inverse_c[0]);
            cells.b2[i] = decay_of(r2, inverse_c[1]);
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
        let at = |cell: usize| At {
            value: temperature[cell].f64(),
            cell,
        };
        self.reading.temperature_min = at(lowest);
        self.reading.temperature_max = at(highest);
        self.reading.temperature_mean_degc = sum / temperature.len() as f64;
    }

    /// SoC, terminal voltage in V and temperature in degC of cell `idx`.
    pub fn cell(&self, model: &RackModel<R>, idx: usize) -> (f64, f64, f64) {
        let soc = self.cells.z0[idx].f64() - self.charge_c * self.cells.inverse_q[idx].f64();
        let voltage_v = model.table.reference_v + self.cells.v[idx].f64();
        (soc, voltage_v, self.cells.temperature[idx].f64())
    }
    /// RC voltages of cell `idx` in V, as drops during discharge.
    pub fn cell_rc_v(&self, idx: usize) -> (f64, f64) {
        (self.cells.v1[idx].f64(), self.cells.v2[idx].f64())
    }
    /// Sum of capacities over the nominal sum: the health of the rack, without ageing.
    pub fn capacity_ratio(&self, model: &RackModel<R>) -> f64 {
        let nominal = model.chemistry.capacity.0;
        let sum: f64 = self
            .cells
            .inverse_q
            .iter()
            .map(|inverse| 1.0 / inverse.f64())
            .sum();
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

fn decay_of<R: Real>(r: R, tick_over_c: R) -> R {
    if r > R::default() {
        R::of(tick_over_c.f64() / r.f64()).decay()
    } else {
        R::default()
    }
}

/// 1/T - 1/T_ref over the gas constant, for Arrhenius factors of one temperature.
struct Factors<R>(R);
impl<R: Real> Factors<R> {
    fn at(temperature: R) -> Self {
        use bess_core::units::ZERO_CELSIUS_K;
        let kelvin = temperature.f64() + ZERO_CELSIUS_K;
        let reference_k = 25.0 + ZERO_CELSIUS_K;
        Self(R::of(
            (1.0 / kelvin - 1.0 / reference_k) / GAS_CONSTANT_J_PER_MOL_K,
        ))
    }
    fn arrhenius(&self, activation_energy_j_per_mol: f64) -> R {
        if activation_energy_j_per_mol == 0.0 {
            return R::of(1.0);
        }
        (self.0 * R::of(activation_energy_j_per_mol)).exp()
    }
}

/// What is the same for all cells of a rack during a tick.
struct Held<R> {
    current: R,
    charge: R,
    hysteresis: R,
    heat_step: R,
}

/// Partial sums and extremes, a lane for each cell of a block. Lanes are added in fixed order, so
/// the result does not depend on how the compiler vectorises.
struct Lanes<R, const L: usize> {
    ocv: [R; L],
    half_width: [R; L],
    relaxing: [R; L],
    slope: [R; L],
    terminal: [R; L],
    lowest: [R; L],
    lowest_at: [u32; L],
    highest: [R; L],
    highest_at: [u32; L],
}

struct Total {
    ocv: f64,
    half_width: f64,
    relaxing: f64,
    slope: f64,
    terminal: f64,
    lowest: At,
    highest: At,
}

impl<R: Real, const L: usize> Lanes<R, L> {
    fn new() -> Self {
        let zero = [R::default(); L];
        Self {
            ocv: zero,
            half_width: zero,
            relaxing: zero,
            slope: zero,
            terminal: zero,
            lowest: [R::INFINITY; L],
            lowest_at: [0; L],
            highest: [-R::INFINITY; L],
            highest_at: [0; L],
        }
    }

    /// Cells `first..first + L`. Written in stages over small arrays: the arithmetic stages
    /// vectorise, only the look-up is scalar.
    #[inline(always)]
    fn block(
        &mut self,
        cells: &mut Cells<R>,
        first: usize,
        table: &VoltageTable<R>,
        held: &Held<R>,
    ) {
        fn at<R, const L: usize>(column: &[R], first: usize) -> &[R; L] {
            column[first..first + L]
                .try_into()
                .expect("a block has L cells")
        }
        fn at_mut<R, const L: usize>(column: &mut [R], first: usize) -> &mut [R; L] {
            (&mut column[first..first + L])
                .try_into()
                .expect("a block has L cells")
        }
        let z0: &[R; L] = at(&cells.z0, first);
        let inverse_q: &[R; L] = at(&cells.inverse_q, first);
        let (r0, r1, r2): (&[R; L], &[R; L], &[R; L]) = (
            at(&cells.r0, first),
            at(&cells.r1, first),
            at(&cells.r2, first),
        );
        let (b1, b2): (&[R; L], &[R; L]) = (at(&cells.b1, first), at(&cells.b2, first));
        let v1: &mut [R; L] = at_mut(&mut cells.v1, first);
        let v2: &mut [R; L] = at_mut(&mut cells.v2, first);
        let v: &mut [R; L] = at_mut(&mut cells.v, first);
        let heat: &mut [R; L] = at_mut(&mut cells.heat, first);

        let bins = table.bins();
        let mut z = [R::default(); L];
        let mut bin = [0i32; L];
        for l in 0..L {
            z[l] = z0[l] - held.charge * inverse_q[l];
            bin[l] = (z[l] * bins).truncated();
        }
        let mut ocv = [R::default(); L];
        let mut slope = [R::default(); L];
        let mut half_width = [R::default(); L];
        for l in 0..L {
            let piece = table.piece(bin[l], z[l]);
            let beyond = z[l] - piece.soc;
            ocv[l] = piece.ocv + piece.ocv_slope * beyond;
            slope[l] = piece.ocv_slope;
            half_width[l] = piece.half_width + piece.half_width_slope * beyond;
        }
        let current = held.current;
        for l in 0..L {
            v1[l] += b1[l] * (r1[l] * current - v1[l]);
            v2[l] += b2[l] * (r2[l] * current - v2[l]);
            v[l] = ocv[l] + half_width[l] * held.hysteresis - r0[l] * current - v1[l] - v2[l];
            heat[l] += held.heat_step * (ocv[l] - v[l]);
            self.ocv[l] += ocv[l];
            self.half_width[l] += half_width[l];
            self.relaxing[l] += v1[l] + v2[l] - b1[l] * v1[l] - b2[l] * v2[l];
            self.slope[l] += slope[l] * inverse_q[l];
            self.terminal[l] += v[l];
        }
        let first = first as u32;
        for l in 0..L {
            let lower = v[l] < self.lowest[l];
            self.lowest[l] = if lower { v[l] } else { self.lowest[l] };
            self.lowest_at[l] = if lower { first } else { self.lowest_at[l] };
            let higher = v[l] > self.highest[l];
            self.highest[l] = if higher { v[l] } else { self.highest[l] };
            self.highest_at[l] = if higher { first } else { self.highest_at[l] };
        }
    }

    fn total(&self) -> Total {
        let sum = |lanes: &[R; L]| lanes.iter().fold(0.0, |sum, lane| sum + lane.f64());
        let mut lowest = At {
            value: f64::INFINITY,
            cell: 0,
        };
        let mut highest = At {
            value: f64::NEG_INFINITY,
            cell: 0,
        };
        for l in 0..L {
            let at = |value: R, first: u32| At {
                value: value.f64(),
                cell: first as usize + l,
            };
            lowest = lower(lowest, at(self.lowest[l], self.lowest_at[l]));
            highest = higher(highest, at(self.highest[l], self.highest_at[l]));
        }
        Total {
            ocv: sum(&self.ocv),
            half_width: sum(&self.half_width),
            relaxing: sum(&self.relaxing),
            slope: sum(&self.slope),
            terminal: sum(&self.terminal),
            lowest,
            highest,
        }
    }
}

fn lower(a: At, b: At) -> At {
    if b.value < a.value { b } else { a }
}
fn higher(a: At, b: At) -> At {
    if b.value > a.value { b } else { a }
}
fn offset(at: At, by: f64) -> At {
    At {
        value: at.value + by,
        cell: at.cell,
    }
}
