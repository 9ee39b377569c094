//! The cell kernel: one pass over the cells of a rack each tick.
//!
//! Reads the cells and what is held over the tick, writes RC voltages and their heat, and returns the
//! sums and extremes. Written for vector instructions: cells lie in blocks of [`LANES`], each quantity
//! side by side (one stream through memory instead of ten), each sum runs over as many fixed lanes,
//! and the widest instructions that the processor has are chosen when it runs. No instruction fuses
//! or reorders arithmetic, so the bits are the same with all.

use super::pieces::{Column, Grid, PIECES};
use super::real::Real;
use super::wide::widest;
use crate::persist::{Fields, Misfit, Persist, Writer, parts_of, persist, same_length};
use ciborium::Value;
use std::sync::Arc;

/// Cells of a block, and lanes of each sum.
pub(super) const LANES: usize = 16;

/// [`LANES`] cells. The last block of a rack may be filled up with cells that nothing counts.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Block<R> {
    /// SoC at rack charge 0.
    pub(super) z0: [R; LANES],
    /// 1 / capacity in 1/C.
    pub(super) inverse_q: [R; LANES],
    pub(super) r0: [R; LANES],
    /// 1 - exp(-tick / tau_j).
    pub(super) b1: [R; LANES],
    pub(super) b2: [R; LANES],
    /// b_j times r_j, in ohms.
    pub(super) c1: [R; LANES],
    pub(super) c2: [R; LANES],
    /// RC voltages, positive during discharge.
    pub(super) v1: [R; LANES],
    pub(super) v2: [R; LANES],
    /// Integral of the current times the RC voltages since the last refresh, in J.
    pub(super) supplied: [R; LANES],
}

/// The cells of a rack.
#[derive(Clone, Debug)]
pub(super) struct Cells<R> {
    n: usize,
    pub(super) blocks: Vec<Block<R>>,
}

macro_rules! quantities {
    ($($read:ident $write:ident)*) => {
        impl<R: Real> Cells<R> {
            $(
                #[inline(always)]
                pub(super) fn $read(&self, cell: usize) -> R {
                    self.blocks[cell / LANES].$read[cell % LANES]
                }
                #[inline(always)]
                pub(super) fn $write(&mut self, cell: usize) -> &mut R {
                    &mut self.blocks[cell / LANES].$read[cell % LANES]
                }
            )*
        }
    };
}
quantities! {
    z0 z0_mut inverse_q inverse_q_mut r0 r0_mut b1 b1_mut b2 b2_mut c1 c1_mut c2 c2_mut
    v1 v1_mut v2 v2_mut supplied supplied_mut
}

impl<R: Real> Cells<R> {
    /// Cells at rest in `blocks` (which is emptied), with their SoC and inverse capacity.
    pub(super) fn new(mut blocks: Vec<Block<R>>, z0: &[R], inverse_q: &[R]) -> Self {
        let zero = [R::default(); LANES];
        let empty = Block {
            z0: zero,
            inverse_q: zero,
            r0: zero,
            b1: zero,
            b2: zero,
            c1: zero,
            c2: zero,
            v1: zero,
            v2: zero,
            supplied: zero,
        };
        let n = z0.len();
        blocks.clear();
        blocks.resize(n.div_ceil(LANES), empty);
        let mut cells = Self { n, blocks };
        for i in 0..n {
            *cells.z0_mut(i) = z0[i];
            *cells.inverse_q_mut(i) = inverse_q[i];
        }
        cells
    }
    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.n
    }
    /// Number of cells of block `index` that count.
    #[inline(always)]
    pub(super) fn lanes_of(&self, index: usize) -> usize {
        (self.n - index * LANES).min(LANES)
    }
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for b in &self.blocks {
            for column in [&b.z0, &b.inverse_q, &b.r0, &b.b1, &b.b2, &b.c1, &b.c2, &b.v1, &b.v2] {
                column.iter().for_each(|value| value.hash_into(sink));
            }
            b.supplied.iter().for_each(|value| value.hash_into(sink));
        }
    }
}

/// Each quantity as one column over the blocks, the cells that fill up the last one with it.
macro_rules! kept {
    ($($quantity:ident)*) => {
        impl Persist for Cells<f32> {
            fn save(&self, out: &mut Writer) {
                out.map([$(stringify!($quantity)),*].len());
                $(
                    out.text(stringify!($quantity));
                    out.column(self.blocks.len() * LANES * size_of::<f32>());
                    for block in &self.blocks {
                        out.append(block.$quantity.iter().map(|value| value.to_le_bytes()));
                    }
                )*
            }
            fn load(&mut self, from: &Value) -> Result<(), Misfit> {
                let fields = Fields::of(from)?;
                $(fields.load(stringify!($quantity), |from| {
                    let values = parts_of::<{ size_of::<f32>() }>(from)?;
                    same_length(self.blocks.len() * LANES, values.len())?;
                    let lanes = self.blocks.iter_mut().flat_map(|block| &mut block.$quantity);
                    lanes.zip(values).for_each(|(lane, bytes)| *lane = f32::from_le_bytes(*bytes));
                    Ok(())
                })?;)*
                Ok(())
            }
        }
    };
}
kept! { z0 inverse_q r0 b1 b2 c1 c2 v1 v2 supplied }

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
    pub(super) grid: Arc<Grid<R>>,
    pub(super) ocv: Column<R>,
    pub(super) half_width: Column<R>,
}
persist! {
    Voltages<f32> { ocv, half_width } but { grid }
}

/// An extreme and the index of the first cell of its lane that shows it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Extreme {
    pub(super) value: f64,
    pub(super) cell: usize,
}

/// Sums and extremes over the cells of a rack.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
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
}

widest!(
    /// All cells of a rack.
    pub(super) sweep, sweep_any, sweep_avx2,
    (cells: &mut Cells<R>, table: &Voltages<R>, held: &Held<R>) -> Total
);

#[inline(always)]
fn sweep_any<R: Real>(cells: &mut Cells<R>, table: &Voltages<R>, held: &Held<R>) -> Total {
    if table.grid.is_even() {
        // One table for this rack and tick: the hysteresis is the same for all its cells.
        let (mut value, mut slope) = ([R::default(); PIECES], [R::default(); PIECES]);
        let (ocv, ocv_slope) = table.ocv.arrays();
        let (width, width_slope) = table.half_width.arrays();
        for k in 0..table.ocv.used.min(PIECES) {
            value[k] = ocv[k] + width[k] * held.hysteresis;
            slope[k] = ocv_slope[k] + width_slope[k] * held.hysteresis;
        }
        let (per_soc, from) = table.grid.scale();
        let last = table.grid.last();
        let look_up = |z: R| {
            let x = (z - from) * per_soc;
            let (index, whole) = x.piece(last);
            let index = index as usize % PIECES;
            (value[index] + slope[index] * (x - whole), slope[index])
        };
        sweep_with(cells, look_up, per_soc, held)
    } else {
        sweep_with(cells, |z| table.at(z, held.hysteresis), R::of(1.0), held)
    }
}

#[inline(always)]
fn sweep_with<R: Real>(
    cells: &mut Cells<R>,
    look_up: impl Fn(R) -> (R, R),
    per_soc: R,
    held: &Held<R>,
) -> Total {
    let mut lanes = Lanes::none();
    for index in 0..cells.blocks.len() {
        let count = cells.lanes_of(index);
        if let Some(ahead) = cells.blocks.get(index + AHEAD) {
            fetch(ahead);
        }
        let block = &mut cells.blocks[index];
        // Two copies of the code: the one for a whole block vectorises.
        if count == LANES {
            lanes.take(block, index, LANES, &look_up, held);
        } else {
            lanes.take(block, index, count, &look_up, held);
        }
    }
    let mut total = lanes.total();
    total.slope *= per_soc.f64();
    total
}

/// How many blocks ahead memory is asked for.
const AHEAD: usize = 3;

/// Asks for the memory of `block`. A farm beyond the caches is read in one stream, of which hardware
/// alone fetches too little ahead: this doubles the speed of a 1 GWh farm.
#[inline(always)]
fn fetch<R>(block: &Block<R>) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..size_of::<Block<R>>() / 64 {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = std::ptr::from_ref(block).cast::<i8>();
        #[expect(unsafe_code, reason = "there is no safe way to ask for memory ahead of its use")]
        // SAFETY: the address lies within the block, and a prefetch touches nothing anyway.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(start.add(64 * line));
        }
    }
}

/// Sums and extremes, one for each lane.
struct Lanes<R> {
    source: [R; LANES],
    relaxing: [R; LANES],
    relaxed: [R; LANES],
    slope: [R; LANES],
    lowest: [R; LANES],
    highest: [R; LANES],
    /// Block in which the lane's extreme was.
    lowest_in: [i32; LANES],
    highest_in: [i32; LANES],
}

impl<R: Real> Lanes<R> {
    #[inline(always)]
    fn none() -> Self {
        let zero = [R::default(); LANES];
        Self {
            source: zero,
            relaxing: zero,
            relaxed: zero,
            slope: zero,
            lowest: [R::INFINITY; LANES],
            highest: [-R::INFINITY; LANES],
            lowest_in: [0; LANES],
            highest_in: [0; LANES],
        }
    }

    /// One tick of the first `count` cells of `block`, the one at `index`.
    #[inline(always)]
    fn take(
        &mut self,
        block: &mut Block<R>,
        index: usize,
        count: usize,
        look_up: &impl Fn(R) -> (R, R),
        held: &Held<R>,
    ) {
        let (mut source, mut slope) = ([R::default(); LANES], [R::default(); LANES]);
        for l in 0..count {
            (source[l], slope[l]) = look_up(block.z0[l] - held.charge * block.inverse_q[l]);
        }
        let Block { inverse_q, r0, b1, b2, c1, c2, v1, v2, supplied, .. } = block;
        for l in 0..count {
            // Exact for a current that is held over the tick.
            let v1_now = v1[l] + (c1[l] * held.current - b1[l] * v1[l]);
            let v2_now = v2[l] + (c2[l] * held.current - b2[l] * v2[l]);
            (v1[l], v2[l]) = (v1_now, v2_now);
            let drop = v1_now + v2_now;
            supplied[l] += held.heat_step * drop;
            self.source[l] += source[l];
            self.relaxing[l] += drop;
            self.relaxed[l] += b1[l] * v1_now + b2[l] * v2_now;
            self.slope[l] += slope[l] * inverse_q[l];
            let v = source[l] - r0[l] * held.current - drop;
            let lower = v < self.lowest[l];
            self.lowest[l] = if lower { v } else { self.lowest[l] };
            self.lowest_in[l] = if lower { index as i32 } else { self.lowest_in[l] };
            let higher = v > self.highest[l];
            self.highest[l] = if higher { v } else { self.highest[l] };
            self.highest_in[l] = if higher { index as i32 } else { self.highest_in[l] };
        }
    }

    #[inline(always)]
    fn total(&self) -> Total {
        let sum = |lanes: &[R; LANES]| {
            let mut sums = lanes.map(R::f64);
            // By halves, so that it vectorises; in a fixed order all the same.
            for half in [8, 4, 2, 1] {
                for l in 0..half {
                    sums[l] += sums[l + half];
                }
            }
            sums[0]
        };
        let mut total = Total {
            source: sum(&self.source),
            relaxing: sum(&self.relaxing),
            relaxed: sum(&self.relaxed),
            slope: sum(&self.slope),
            ..Total::NONE
        };
        let (mut low, mut high) = (0, 0);
        for l in 1..LANES {
            low = if self.lowest[l] < self.lowest[low] { l } else { low };
            high = if self.highest[l] > self.highest[high] { l } else { high };
        }
        let at = |value: R, block: i32, l: usize| Extreme {
            value: value.f64(),
            cell: block as usize * LANES + l,
        };
        total.lowest = at(self.lowest[low], self.lowest_in[low], low);
        total.highest = at(self.highest[high], self.highest_in[high], high);
        total
    }
}
