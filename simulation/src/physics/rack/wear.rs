//! What moves a cell's charge, capacity and resistance slowly: leaks, balancing and ageing.

use super::{Rack, RackModel, RackStart, Real};
use crate::persist::persist;
use crate::physics::ageing::{Ageing, RackStress};
use crate::physics::kernel::LANES;
use crate::physics::parameters::Since;
use crate::physics::rainflow::{Cycle, DEAD_BAND, Rainflow};
use bess_core::chemistry::{AgeingLaw, Chemistry};
use bess_core::math;
use bess_core::rng::Domain;

/// Seconds between two ageing steps of a rack. A step is exact for any length (see
/// [`crate::physics::ageing`]); this one samples temperature and SoC often enough.
pub const AGE_EVERY_S: f64 = 600.0;

/// Columns and counters of what is slow.
#[derive(Clone, Debug)]
pub(super) struct Wear<R> {
    /// Before ageing: 1 / capacity in 1/C and the factor of the resistances.
    inverse_q_new: Vec<R>,
    r_factor_new: Vec<R>,
    /// Leak at 25 degC in A; empty where the chemistry has none.
    leak_a: Vec<R>,
    leak_sum_a: f64,
    /// Charge that leaks and balancing took and that is not in the SoC yet, in C.
    pub(super) drained_c: Vec<R>,
    ageing: Option<Box<Life>>,
}
persist! {
    Wear<f32> { drained_c: each, ageing: within }
    but { inverse_q_new, r_factor_new, leak_a, leak_sum_a }
}

/// Ageing of a rack.
#[derive(Clone, Debug)]
struct Life {
    cells: Ageing,
    rainflow: Rainflow,
    /// Cycles that closed since the last step.
    cycles: Vec<Cycle>,
    /// Seconds since the last step, the SoC summed over them, and when the next step is due.
    seconds: f64,
    soc_seconds: f64,
    due_s: f64,
    /// Means of the capacity lost and the resistance gained.
    mean: (f64, f64),
}
persist! {
    Life { cells, rainflow, cycles, seconds, soc_seconds, due_s, mean }
}

impl<R: Real> Wear<R> {
    pub(super) fn new(
        chemistry: &Chemistry,
        inverse_q: &[R],
        r_factor: &[R],
        start: &RackStart<'_>,
    ) -> Self {
        let n_cells = inverse_q.len();
        let mut stream = start.streams.stream(Domain::SelfDischarge, start.index);
        let leak_a = chemistry.self_discharge.map_or_else(Vec::new, |leak| {
            let mut spread = || math::exp(stream.normal_within_3_sigma(leak.sigma));
            (0..n_cells).map(|_| R::of(leak.current_a * spread())).collect()
        });
        let life = Life {
            cells: Ageing::new(n_cells),
            rainflow: Rainflow::new(DEAD_BAND),
            cycles: vec![],
            seconds: 0.0,
            soc_seconds: 0.0,
            // Racks take turns, so that the load is flat.
            due_s: 1.0 + (start.streams.rack_of_farm(start.index) % AGE_EVERY_S as u64) as f64,
            mean: (0.0, 0.0),
        };
        Self {
            inverse_q_new: inverse_q.to_vec(),
            r_factor_new: r_factor.to_vec(),
            leak_sum_a: leak_a.iter().map(|a: &R| a.f64()).sum(),
            leak_a,
            drained_c: vec![R::default(); n_cells],
            ageing: chemistry.ageing.is_some().then(|| Box::new(life)),
        }
    }

    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.drained_c.iter().for_each(|value| value.hash_into(sink));
        if let Some(life) = &self.ageing {
            life.cells.hash_into(sink);
            life.rainflow.hash_into(sink);
            for value in [life.seconds, life.soc_seconds, life.due_s, life.cycles.len() as f64] {
                sink(&value.to_le_bytes());
            }
            for c in &life.cycles {
                for value in [c.depth, c.mean_soc, c.weight, c.mean_c_rate, c.full_equivalents] {
                    sink(&value.to_le_bytes());
                }
            }
        }
    }
}

impl<R: Real> Rack<R> {
    /// Mean over the cells of the fraction of capacity lost and of resistance gained by ageing.
    pub fn aged(&self) -> (f64, f64) {
        self.wear.ageing.as_ref().map_or((0.0, 0.0), |life| life.mean)
    }

    /// What leaks over `span_s`, and its power from now on.
    pub(super) fn leak(&mut self, model: &RackModel<R>, span_s: f64) {
        self.discharge_itself(model, span_s);
        if !self.ills.is_empty() {
            self.leak_of_ills(model, span_s);
        }
    }

    fn discharge_itself(&mut self, model: &RackModel<R>, span_s: f64) {
        self.sums.leak_w = 0.0;
        let Some(leak) = &model.chemistry.self_discharge else { return };
        // Nothing leaks from what is empty.
        if leak.current_a <= 0.0 || self.reading.soc <= 0.0 {
            return;
        }
        let warmth = leak.at(self.reading.temperature_mean_degc) / leak.current_a;
        let cell_v = self.reading.voltage_v / self.n_cells() as f64;
        let (seconds, volts) = (R::of(warmth * span_s), R::of(cell_v));
        let columns = self.wear.drained_c.iter_mut().zip(&mut self.slow.heat);
        for ((drained, heat), leak_a) in columns.zip(&self.wear.leak_a) {
            let charge = *leak_a * seconds;
            *drained += charge;
            *heat += charge * volts;
        }
        self.sums.leak_w = self.wear.leak_sum_a * warmth * cell_v;
    }

    /// Passive balancing for `span_s`: a resistor takes `bleed_a` from each cell that `bleeds` picks
    /// by its index and terminal voltage in V. Returns how many it were.
    pub fn balance(
        &mut self,
        model: &RackModel<R>,
        bleed_a: f64,
        span_s: f64,
        bleeds: impl Fn(usize, f64) -> bool,
    ) -> usize {
        let mut count = 0;
        self.sums.bleed_w = 0.0;
        for i in 0..self.n_cells() {
            let cell_v = self.cell_voltage_v(model, i);
            if bleeds(i, cell_v) {
                count += 1;
                self.wear.drained_c[i] += R::of(bleed_a * span_s);
                self.sums.bleed_w += cell_v * bleed_a;
            }
        }
        count
    }

    /// No cell is balanced any more.
    pub fn end_balancing(&mut self) {
        self.sums.bleed_w = 0.0;
    }

    /// Once a second: what was drained enters the SoC, and ageing goes on.
    pub(super) fn follow_wear(&mut self, model: &RackModel<R>, since: &Since, span_s: f64) {
        self.fold_shorts();
        // An f32 SoC would round a second's drain away; it is folded when it is large beside that.
        for (block, drained) in
            self.cells.blocks.iter_mut().zip(self.wear.drained_c.chunks_mut(LANES))
        {
            let moves = |(charge, inverse_q): (&R, &R)| {
                let soc = (*charge * *inverse_q).f64();
                soc.abs() > R::FINE_SOC
            };
            let many = drained.iter().zip(&block.inverse_q).map(moves).fold(false, |a, b| a | b);
            if !many {
                continue;
            }
            for (l, charge) in drained.iter_mut().enumerate() {
                if moves((charge, &block.inverse_q[l])) {
                    let soc = block.z0[l].f64() - (*charge * block.inverse_q[l]).f64();
                    block.z0[l] = R::of(soc);
                    *charge = R::default();
                }
            }
        }
        if let (Some(law), true) = (&model.chemistry.ageing, model.ageing_acceleration > 0.0) {
            self.live(model, law, since, span_s);
        }
    }

    fn live(&mut self, model: &RackModel<R>, law: &AgeingLaw, since: &Since, span_s: f64) {
        let Some(life) = &mut self.wear.ageing else { return };
        if span_s <= 0.0 {
            return;
        }
        let soc = self.reading.soc;
        life.seconds += span_s;
        life.soc_seconds += soc * span_s;
        let charge = since.throughput_c / model.chemistry.capacity.0;
        let cycles = &mut life.cycles;
        life.rainflow.push(soc, charge, span_s, |cycle| cycles.push(cycle));
        if life.seconds + 1e-9 < life.due_s {
            return;
        }
        let mean_soc = life.soc_seconds / life.seconds;
        let acceleration = model.ageing_acceleration;
        let stress = RackStress::new(
            law,
            &model.chemistry.ocv,
            mean_soc,
            life.seconds,
            &life.cycles,
            acceleration,
        );
        let temperature = &self.slow.temperature;
        life.cells.update(&stress, |i| temperature[i].f64());
        life.cycles.clear();
        life.mean = (1.0 - life.cells.mean_capacity(), life.cells.mean_resistance() - 1.0);
        (life.seconds, life.soc_seconds, life.due_s) = (0.0, 0.0, AGE_EVERY_S);
        self.grow_old();
        self.see_capacity(model);
    }

    /// Brings capacity and resistance of each cell in line with its ageing; SoCs stay.
    fn grow_old(&mut self) {
        self.rebase();
        let Some(life) = &self.wear.ageing else { return };
        for (i, aged) in life.cells.cells().iter().enumerate() {
            let capacity = aged.capacity().max(CAPACITY_LEAST);
            *self.cells.inverse_q_mut(i) = R::of(self.wear.inverse_q_new[i].f64() / capacity);
            self.slow.r_factor[i] = R::of(self.wear.r_factor_new[i].f64() * aged.resistance());
        }
        for place in 0..self.ills.len() {
            self.renew(self.ills[place].cell);
        }
    }

    /// Makes capacity and resistance of cell `i` from what it was born with, its age and what is wrong
    /// with it. The caller has folded the rack's charge into the SoCs before a capacity changes.
    pub(super) fn renew(&mut self, i: usize) {
        let aged = self.wear.ageing.as_ref().map_or((1.0, 1.0), |life| {
            let aged = &life.cells.cells()[i];
            (aged.capacity().max(CAPACITY_LEAST), aged.resistance())
        });
        let ill = self.ills.iter().find(|ill| ill.cell == i);
        let (capacity, resistance) = ill.map_or((1.0, 1.0), |ill| (ill.capacity, ill.resistance));
        let inverse_q = self.wear.inverse_q_new[i].f64() / (aged.0 * capacity);
        *self.cells.inverse_q_mut(i) = R::of(inverse_q);
        self.slow.r_factor[i] = R::of(self.wear.r_factor_new[i].f64() * aged.1 * resistance);
    }
}

/// The laws end long before a cell has so little left of its capacity.
const CAPACITY_LEAST: f64 = 0.05;
