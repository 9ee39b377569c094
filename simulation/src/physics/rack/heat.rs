//! Heat between the cells of a rack, their cases and the coolant plates below them.

use super::At;
use crate::physics::kernel::LANES;
use crate::physics::real::Real;
use crate::physics::wide::widest;
use bess_core::chemistry::Thermal;

/// What the cells of a rack stand on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plate {
    /// Temperature with which coolant or air comes to the first module, in degC.
    pub supply_degc: f64,
    /// Factor of the conductance between cell and plate: 1 with the nominal flow, 0 without any.
    pub conductance: f64,
    /// How much warmer the next module's plate is for each watt that a module gives, in K/W.
    pub rise_k_per_w: f64,
}

impl Plate {
    /// Surroundings that keep their temperature.
    pub fn at(degc: f64) -> Self {
        Self { supply_degc: degc, conductance: 1.0, rise_k_per_w: 0.0 }
    }
}

/// The largest share of a node's heat that may move in one explicit step: the error of a step is half
/// its square.
const SHARE_MAX: f64 = 0.02;

/// Conducts for `span_s`: `heat` (J, made in the cells over the span) goes into the temperatures, and
/// what the plates take is returned in J; what was too little to change a temperature's last digit stays
/// in `heat`. Cells conduct to their neighbours within a module of
/// `module` cells. `case` is empty where cells have none.
pub(super) fn conduct<R: Real>(
    thermal: &Thermal,
    temperature: &mut [R],
    heat: &mut [R],
    case: &mut [R],
    module: usize,
    plate: &Plate,
    span_s: f64,
) -> f64 {
    if span_s <= 0.0 {
        return 0.0;
    }
    let out_w_per_k = if thermal.case.is_some() { 1.0 } else { plate.conductance };
    let cell_w_per_k = thermal.plate_w_per_k * out_w_per_k;
    let mut share =
        (cell_w_per_k + 2.0 * thermal.neighbour_w_per_k) / thermal.heat_capacity_j_per_k;
    if let Some(c) = thermal.case {
        let both_w_per_k = thermal.plate_w_per_k + c.to_surroundings_w_per_k;
        share = share.max(both_w_per_k / c.heat_capacity_j_per_k);
    }
    let steps = (share * span_s / SHARE_MAX).ceil().clamp(1.0, 1e6);
    let step_s = span_s / steps;
    let part = R::of(1.0 / steps);
    let per_j = R::of(1.0 / thermal.heat_capacity_j_per_k);
    let capacity = R::of(thermal.heat_capacity_j_per_k);
    let to_neighbour = R::of(thermal.neighbour_w_per_k * step_s);
    let mut plate_j = 0.0;
    for step in 0..steps as u64 {
        let mut behind_w = 0.0;
        for first in (0..temperature.len()).step_by(module) {
            let cells = first..(first + module).min(temperature.len());
            let plate_degc = plate.supply_degc + plate.rise_k_per_w * behind_w;
            let heat = &mut heat[cells.clone()];
            let temperature = &mut temperature[cells.clone()];
            let module_j;
            match thermal.case {
                None => {
                    let conduct = Conduct {
                        to_plate: R::of(cell_w_per_k * step_s),
                        to_neighbour,
                        plate: R::of(plate_degc),
                        part,
                        per_j,
                        capacity,
                        is_last: step + 1 == steps as u64,
                    };
                    module_j = conduct_module(temperature, heat, &conduct);
                }
                Some(c) => {
                    let case = &mut case[cells];
                    let to_case = R::of(thermal.plate_w_per_k * step_s);
                    let outside = R::of(c.to_surroundings_w_per_k * plate.conductance * step_s);
                    let case_per_j = R::of(1.0 / c.heat_capacity_j_per_k);
                    let plate = R::of(plate_degc);
                    let mut left = temperature[0];
                    let mut sum_j = 0.0;
                    for i in 0..temperature.len() {
                        let here = temperature[i];
                        let right = temperature[(i + 1).min(temperature.len() - 1)];
                        let given = to_case * (here - case[i]);
                        let lost = outside * (case[i] - plate);
                        let gained = heat[i] * part
                            + to_neighbour * ((left - here) + (right - here))
                            - given;
                        temperature[i] = here + gained * per_j;
                        if step + 1 == steps as u64 {
                            heat[i] = gained - (temperature[i] - here) * capacity;
                        }
                        case[i] += (given - lost) * case_per_j;
                        sum_j += lost.f64();
                        left = here;
                    }
                    module_j = sum_j;
                }
            }
            plate_j += module_j;
            behind_w += module_j / step_s;
        }
    }
    plate_j
}

/// How the cells of a module conduct in one step.
struct Conduct<R> {
    /// Heat in J for each K between a cell and the plate, and between neighbours.
    to_plate: R,
    to_neighbour: R,
    plate: R,
    /// Share of the heat made that comes in this step.
    part: R,
    per_j: R,
    capacity: R,
    /// Whether the heat has been used up after this step.
    is_last: bool,
}

widest!(
    /// One step of a module's cells on their plate; returns what the plate takes, in J.
    conduct_module, conduct_module_any, conduct_module_avx2,
    (temperature: &mut [R], heat: &mut [R], by: &Conduct<R>) -> f64
);

#[inline(always)]
fn conduct_module_any<R: Real>(temperature: &mut [R], heat: &mut [R], by: &Conduct<R>) -> f64 {
    let n = temperature.len();
    let mut sum = [R::default(); LANES];
    let mut left = temperature[0];
    for first in (0..n).step_by(LANES) {
        let count = LANES.min(n - first);
        // The temperatures before the step, with a neighbour at either end (itself where there is none).
        let mut around = [R::default(); LANES + 2];
        around[0] = left;
        around[1..=count].copy_from_slice(&temperature[first..first + count]);
        around[count + 1] = temperature[(first + count).min(n - 1)];
        left = around[count];
        let mut made = [R::default(); LANES];
        made[..count].copy_from_slice(&heat[first..first + count]);
        let mut after = [R::default(); LANES];
        for l in 0..LANES {
            let here = around[l + 1];
            let lost = by.to_plate * (here - by.plate);
            let gained = made[l] * by.part
                + by.to_neighbour * ((around[l] - here) + (around[l + 2] - here))
                - lost;
            after[l] = here + gained * by.per_j;
            // What rounding kept from the temperature.
            made[l] = if by.is_last { gained - (after[l] - here) * by.capacity } else { made[l] };
            sum[l] += if l < count { lost } else { R::default() };
        }
        temperature[first..first + count].copy_from_slice(&after[..count]);
        heat[first..first + count].copy_from_slice(&made[..count]);
    }
    sum.iter().fold(0.0, |sum, lane| sum + lane.f64())
}

widest!(
    /// The sum of a column, in lanes.
    pub(super) sum, sum_any, sum_avx2, (column: &[R]) -> f64
);

#[inline(always)]
fn sum_any<R: Real>(column: &[R]) -> f64 {
    let mut lanes = [R::default(); LANES];
    let (blocks, rest) = column.as_chunks::<LANES>();
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += *value;
        }
    }
    lanes.iter().chain(rest).fold(0.0, |sum, lane| sum + lane.f64())
}

/// Extremes and mean of temperatures.
pub(super) struct Seen {
    pub(super) lowest: At,
    pub(super) highest: At,
    pub(super) mean: f64,
}

widest!(
    /// Looks at all temperatures, in lanes as the kernel does.
    pub(super) see, see_any, see_avx2, (temperature: &[R]) -> Seen
);

#[inline(always)]
fn see_any<R: Real>(temperature: &[R]) -> Seen {
    let (mut low, mut high) = ([R::INFINITY; LANES], [-R::INFINITY; LANES]);
    let (mut low_in, mut high_in) = ([0i32; LANES], [0i32; LANES]);
    let mut sum = [R::default(); LANES];
    let (blocks, rest) = temperature.as_chunks::<LANES>();
    let mut take = |l: usize, block: usize, degc: R| {
        sum[l] += degc;
        let lower = degc < low[l];
        low[l] = if lower { degc } else { low[l] };
        low_in[l] = if lower { block as i32 } else { low_in[l] };
        let higher = degc > high[l];
        high[l] = if higher { degc } else { high[l] };
        high_in[l] = if higher { block as i32 } else { high_in[l] };
    };
    for (index, block) in blocks.iter().enumerate() {
        for (l, degc) in block.iter().enumerate() {
            take(l, index, *degc);
        }
    }
    for (l, degc) in rest.iter().enumerate() {
        take(l, blocks.len(), *degc);
    }
    let mut seen = Seen {
        lowest: At { value: f64::INFINITY, cell: 0 },
        highest: At { value: f64::NEG_INFINITY, cell: 0 },
        mean: 0.0,
    };
    for l in 0..LANES {
        seen.mean += sum[l].f64() / temperature.len() as f64;
        if low[l].f64() < seen.lowest.value {
            seen.lowest = At { value: low[l].f64(), cell: low_in[l] as usize * LANES + l };
        }
        if high[l].f64() > seen.highest.value {
            seen.highest = At { value: high[l].f64(), cell: high_in[l] as usize * LANES + l };
        }
    }
    seen
}
