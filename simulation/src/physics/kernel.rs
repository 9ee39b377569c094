//! The cell kernel: one pass over the cells of a rack each tick.
//!
//! Reads the columns and what is held over the tick, writes RC voltages and their heat, and returns
//! the sums and extremes. Written for vector instructions: cells are taken [`LANES`] at a time, each
//! sum runs over as many fixed lanes, and the widest instructions that the processor has are chosen
//! when it runs. No instruction fuses or reorders arithmetic, so the bits are the same with all.

use super::pieces::{Column, Grid, PIECES};
use super::real::Real;

/// Number of cells that the kernel works on at a time, and of lanes of each sum.
const LANES: usize = 16;

/// Columns over the cells of a rack.
#[derive(Clone, Debug)]
pub(super) struct Cells<R> {
    /// SoC at rack charge 0.
    pub(super) z0: Vec<R>,
    /// 1 / capacity in 1/C.
    pub(super) inverse_q: Vec<R>,
    pub(super) r0: Vec<R>,
    /// 1 - exp(-tick / tau_j).
    pub(super) b1: Vec<R>,
    pub(super) b2: Vec<R>,
    /// b_j times r_j, in ohms.
    pub(super) c1: Vec<R>,
    pub(super) c2: Vec<R>,
    /// RC voltages, positive during discharge.
    pub(super) v1: Vec<R>,
    pub(super) v2: Vec<R>,
    /// Integral of the current times the RC voltages since the last refresh, in J.
    pub(super) supplied: Vec<R>,
}

/// What is the same for all cells of a rack during a tick.
pub(super) struct Held<R> {
    pub(super) current: R,
    pub(super) charge: R,
    pub(super) hysteresis: R,
    /// Current times tick, in C.
    pub(super) heat_step: R,
}

/// Open-circuit voltage less the reference, and hysteresis half-width, over one grid.
#[derive(Clone, Debug)]
pub(super) struct Voltages<R> {
    pub(super) grid: Grid<R>,
    pub(super) ocv: Column<R>,
    pub(super) half_width: Column<R>,
}

/// An extreme and the index of the first cell of its lane that shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extreme {
    pub(super) value: f64,
    pub(super) cell: usize,
}

/// Sums and extremes over the cells of a rack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Total {
    /// Of the open-circuit voltages with hysteresis, less the reference.
    pub(super) source: f64,
    /// Of v1 + v2.
    pub(super) relaxing: f64,
    /// Of b1 v1 + b2 v2: what relaxes within the next tick.
    pub(super) relaxed: f64,
    /// Of the slope of the open-circuit voltage over capacity, in V/C.
    pub(super) slope: f64,
    /// Lowest and highest terminal voltage, less the reference.
    pub(super) lowest: Extreme,
    pub(super) highest: Extreme,
}

impl Total {
    pub(super) const NONE: Self = Self {
        source: 0.0,
        relaxing: 0.0,
        relaxed: 0.0,
        slope: 0.0,
        lowest: Extreme { value: f64::INFINITY, cell: 0 },
        highest: Extreme { value: f64::NEG_INFINITY, cell: 0 },
    };
}

impl<R: Real> Voltages<R> {
    /// The open-circuit voltage with `hysteresis`, less the reference, and its slope, at `soc`.
    pub(super) fn at(&self, soc: R, hysteresis: R) -> (R, R) {
        let place = self.grid.find(soc);
        let slope = self.ocv.slope[place.0] + self.half_width.slope[place.0] * hysteresis;
        let v = self.ocv.at(place) + self.half_width.at(place) * hysteresis;
        (v, slope * self.grid.scale().0)
    }

    /// Sums over the cells, whose rack has given `charge`: half-width in V, and its slope over
    /// capacity in V/C.
    pub(super) fn half_width_sums(&self, cells: &Cells<R>, charge: R) -> [f64; 2] {
        let (mut width, mut slope) = (0.0, 0.0);
        let per_soc = self.grid.scale().0;
        for (z0, inverse_q) in cells.z0.iter().zip(&cells.inverse_q) {
            let place = self.grid.find(*z0 - charge * *inverse_q);
            width += self.half_width.at(place).f64();
            slope += (self.half_width.slope[place.0] * per_soc * *inverse_q).f64();
        }
        [width, slope]
    }
}

/// All cells of a rack.
pub(super) fn sweep<R: Real>(cells: &mut Cells<R>, table: &Voltages<R>, held: &Held<R>) -> Total {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(
            unsafe_code,
            reason = "the only way to call code for instructions found at run time"
        )]
        // SAFETY: the processor has these instructions, as was asked on the line before.
        return unsafe { sweep_avx2(cells, table, held) };
    }
    sweep_any(cells, table, held)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sweep_avx2<R: Real>(cells: &mut Cells<R>, table: &Voltages<R>, held: &Held<R>) -> Total {
    sweep_any(cells, table, held)
}

#[inline(always)]
fn sweep_any<R: Real>(cells: &mut Cells<R>, table: &Voltages<R>, held: &Held<R>) -> Total {
    if table.grid.is_even() {
        // One table for this rack and tick: the hysteresis is the same for all its cells.
        let (mut value, mut slope) = ([R::default(); PIECES], [R::default(); PIECES]);
        let (ocv, ocv_slope) = table.ocv.arrays();
        let (width, width_slope) = table.half_width.arrays();
        for k in 0..PIECES {
            value[k] = ocv[k] + width[k] * held.hysteresis;
            slope[k] = ocv_slope[k] + width_slope[k] * held.hysteresis;
        }
        let (per_soc, from) = table.grid.scale();
        let last = table.grid.last();
        let look_up = |z: R| {
            let x = (z - from) * per_soc;
            let (index, whole) = x.piece(last);
            let index = index as usize % PIECES;
            (value[index] + slope[index] * (x - whole), slope[index] * per_soc)
        };
        sweep_with(cells, look_up, held)
    } else {
        sweep_with(cells, |z| table.at(z, held.hysteresis), held)
    }
}

#[inline(always)]
fn sweep_with<R: Real>(
    cells: &mut Cells<R>,
    look_up: impl Fn(R) -> (R, R),
    held: &Held<R>,
) -> Total {
    let n = cells.z0.len();
    let whole = n - n % LANES;
    let mut lanes = Lanes::<R, LANES>::none();
    for first in (0..whole).step_by(LANES) {
        lanes.take(cells, first, &look_up, held);
    }
    let mut total = Total::NONE;
    lanes.add_to(&mut total);
    for first in whole..n {
        let mut one = Lanes::<R, 1>::none();
        one.take(cells, first, &look_up, held);
        one.add_to(&mut total);
    }
    total
}

/// Sums and extremes, one for each lane.
struct Lanes<R, const B: usize> {
    source: [R; B],
    relaxing: [R; B],
    relaxed: [R; B],
    slope: [R; B],
    lowest: [R; B],
    highest: [R; B],
    /// First cell of the block in which the lane's extreme was.
    lowest_in: [i32; B],
    highest_in: [i32; B],
}

impl<R: Real, const B: usize> Lanes<R, B> {
    #[inline(always)]
    fn none() -> Self {
        let zero = [R::default(); B];
        Self {
            source: zero,
            relaxing: zero,
            relaxed: zero,
            slope: zero,
            lowest: [R::INFINITY; B],
            highest: [-R::INFINITY; B],
            lowest_in: [0; B],
            highest_in: [0; B],
        }
    }

    /// One tick of the `B` cells from `first`.
    #[inline(always)]
    fn take(
        &mut self,
        cells: &mut Cells<R>,
        first: usize,
        look_up: &impl Fn(R) -> (R, R),
        held: &Held<R>,
    ) {
        let inverse_q = part::<R, B>(&cells.inverse_q, first);
        let z0 = part::<R, B>(&cells.z0, first);
        let (mut source, mut slope) = ([R::default(); B], [R::default(); B]);
        for l in 0..B {
            (source[l], slope[l]) = look_up(z0[l] - held.charge * inverse_q[l]);
        }
        let r0 = part::<R, B>(&cells.r0, first);
        let (b1, b2) = (part::<R, B>(&cells.b1, first), part::<R, B>(&cells.b2, first));
        let (c1, c2) = (part::<R, B>(&cells.c1, first), part::<R, B>(&cells.c2, first));
        let v1 = part_mut::<R, B>(&mut cells.v1, first);
        let v2 = part_mut::<R, B>(&mut cells.v2, first);
        let supplied = part_mut::<R, B>(&mut cells.supplied, first);
        let block = first as i32;
        for l in 0..B {
            // Exact for a current that is held over the tick.
            v1[l] += c1[l] * held.current - b1[l] * v1[l];
            v2[l] += c2[l] * held.current - b2[l] * v2[l];
            let drop = v1[l] + v2[l];
            supplied[l] += held.heat_step * drop;
            self.source[l] += source[l];
            self.relaxing[l] += drop;
            self.relaxed[l] += b1[l] * v1[l] + b2[l] * v2[l];
            self.slope[l] += slope[l] * inverse_q[l];
            let v = source[l] - r0[l] * held.current - drop;
            let lower = v < self.lowest[l];
            self.lowest[l] = if lower { v } else { self.lowest[l] };
            self.lowest_in[l] = if lower { block } else { self.lowest_in[l] };
            let higher = v > self.highest[l];
            self.highest[l] = if higher { v } else { self.highest[l] };
            self.highest_in[l] = if higher { block } else { self.highest_in[l] };
        }
    }

    #[inline(always)]
    fn add_to(&self, total: &mut Total) {
        for l in 0..B {
            total.source += self.source[l].f64();
            total.relaxing += self.relaxing[l].f64();
            total.relaxed += self.relaxed[l].f64();
            total.slope += self.slope[l].f64();
            let (low, high) = (self.lowest[l].f64(), self.highest[l].f64());
            if low < total.lowest.value {
                total.lowest = Extreme { value: low, cell: self.lowest_in[l] as usize + l };
            }
            if high > total.highest.value {
                total.highest = Extreme { value: high, cell: self.highest_in[l] as usize + l };
            }
        }
    }
}

#[inline(always)]
pub(super) fn part<R, const B: usize>(column: &[R], first: usize) -> &[R; B] {
    column[first..first + B].try_into().expect("a block has B cells")
}
#[inline(always)]
pub(super) fn part_mut<R, const B: usize>(column: &mut [R], first: usize) -> &mut [R; B] {
    (&mut column[first..first + B]).try_into().expect("a block has B cells")
}
