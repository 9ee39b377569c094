//! The cell kernel: one pass over the cells of a rack, in stages that vectorise.
//!
//! Runs once a tick for each rack; reads the columns and what is held over the tick, writes RC
//! voltages, terminal voltage and heat, and returns the sums and extremes.

use super::real::Real;
use super::table::SocTable;

/// Number of cells that the kernel works on at a time.
const BLOCK: usize = 32;

/// Columns over the cells of a rack.
#[derive(Clone, Debug)]
pub(super) struct Cells<R> {
    /// SoC at rack charge 0.
    pub(super) z0: Vec<R>,
    /// 1 / capacity in 1/C.
    pub(super) inverse_q: Vec<R>,
    /// Factor of every resistance, from the spread.
    pub(super) r_factor: Vec<R>,
    pub(super) r0: Vec<R>,
    pub(super) r1: Vec<R>,
    pub(super) r2: Vec<R>,
    /// 1 - exp(-tick / tau_j).
    pub(super) b1: Vec<R>,
    pub(super) b2: Vec<R>,
    pub(super) v1: Vec<R>,
    pub(super) v2: Vec<R>,
    /// Terminal voltage less the table's reference.
    pub(super) v: Vec<R>,
    /// Heat in J since the last refresh.
    pub(super) heat: Vec<R>,
    pub(super) temperature: Vec<R>,
}

/// What is the same for all cells of a rack during a tick.
pub(super) struct Held<R> {
    pub(super) current: R,
    pub(super) charge: R,
    pub(super) hysteresis: R,
    pub(super) heat_step: R,
}

/// Sums and extremes over cells.
#[derive(Clone, Copy)]
pub(super) struct Total {
    pub(super) ocv: f64,
    pub(super) half_width: f64,
    pub(super) relaxing: f64,
    pub(super) slope: f64,
    pub(super) terminal: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
}

impl Total {
    const NOTHING: Self = Self {
        ocv: 0.0,
        half_width: 0.0,
        relaxing: 0.0,
        slope: 0.0,
        terminal: 0.0,
        lowest: f64::INFINITY,
        highest: f64::NEG_INFINITY,
    };

    fn and(self, other: Self) -> Self {
        Self {
            ocv: self.ocv + other.ocv,
            half_width: self.half_width + other.half_width,
            relaxing: self.relaxing + other.relaxing,
            slope: self.slope + other.slope,
            terminal: self.terminal + other.terminal,
            lowest: if other.lowest < self.lowest { other.lowest } else { self.lowest },
            highest: if other.highest > self.highest { other.highest } else { self.highest },
        }
    }
}

/// All cells, in blocks and then one by one.
pub(super) fn sweep<R: Real>(
    cells: &mut Cells<R>,
    table: &SocTable<R, 2>,
    held: &Held<R>,
) -> Total {
    if table.is_even() {
        sweep_with::<R, true>(cells, table, held)
    } else {
        sweep_with::<R, false>(cells, table, held)
    }
}

fn sweep_with<R: Real, const EVEN: bool>(
    cells: &mut Cells<R>,
    table: &SocTable<R, 2>,
    held: &Held<R>,
) -> Total {
    let n = cells.z0.len();
    let whole = n - n % BLOCK;
    let mut total = Total::NOTHING;
    for first in (0..whole).step_by(BLOCK) {
        total = total.and(block::<R, BLOCK, EVEN>(cells, first, table, held));
    }
    for first in whole..n {
        total = total.and(block::<R, 1, EVEN>(cells, first, table, held));
    }
    total
}

/// One block of `B` cells from `first`. Each stage is a plain loop over small arrays of its own, so
/// that the arithmetic vectorises and only the look-up is scalar. Sums run over fixed lanes: the
/// result does not depend on what the compiler makes of it.
#[inline(always)]
fn block<R: Real, const B: usize, const EVEN: bool>(
    cells: &mut Cells<R>,
    first: usize,
    table: &SocTable<R, 2>,
    held: &Held<R>,
) -> Total {
    let inverse_q = part(&cells.inverse_q, first);
    let z = charge_stage(part(&cells.z0, first), inverse_q, held.charge);
    let (ocv, slope, half_width) = lookup_stage::<R, B, EVEN>(&z, table);
    let parameters = Parameters {
        r0: part(&cells.r0, first),
        r1: part(&cells.r1, first),
        r2: part(&cells.r2, first),
        b1: part(&cells.b1, first),
        b2: part(&cells.b2, first),
    };
    let v1 = part_mut(&mut cells.v1, first);
    let v2 = part_mut(&mut cells.v2, first);
    let v = part_mut(&mut cells.v, first);
    let relaxing = relax_stage(&parameters, v1, v2, held.current);
    voltage_stage(&ocv, &half_width, parameters.r0, (v1, v2), v, held);
    heat_stage(&ocv, v, part_mut(&mut cells.heat, first), held.heat_step);
    let mut slope_per_c = [R::default(); B];
    for l in 0..B {
        slope_per_c[l] = slope[l] * inverse_q[l];
    }
    let (lowest, highest) = extremes(v);
    Total {
        ocv: sum(&ocv),
        half_width: sum(&half_width),
        relaxing: sum(&relaxing),
        slope: sum(&slope_per_c),
        terminal: sum(v),
        lowest,
        highest,
    }
}

fn part<R, const B: usize>(column: &[R], first: usize) -> &[R; B] {
    column[first..first + B].try_into().expect("a block has B cells")
}
fn part_mut<R, const B: usize>(column: &mut [R], first: usize) -> &mut [R; B] {
    (&mut column[first..first + B]).try_into().expect("a block has B cells")
}

/// State of charge.
#[inline(always)]
fn charge_stage<R: Real, const B: usize>(z0: &[R; B], inverse_q: &[R; B], charge: R) -> [R; B] {
    let mut z = [R::default(); B];
    for l in 0..B {
        z[l] = z0[l] - charge * inverse_q[l];
    }
    z
}

/// Open-circuit voltage, its slope, and hysteresis half-width.
#[inline(always)]
fn lookup_stage<R: Real, const B: usize, const EVEN: bool>(
    z: &[R; B],
    table: &SocTable<R, 2>,
) -> ([R; B], [R; B], [R; B]) {
    let bins = table.bins();
    let mut bin = [0; B];
    for l in 0..B {
        bin[l] = (z[l] * bins).truncated();
    }
    let zero = [R::default(); B];
    let (mut ocv, mut slope, mut half_width) = (zero, zero, zero);
    for l in 0..B {
        let piece = table.piece::<EVEN>(bin[l], z[l]);
        let beyond = z[l] - piece.soc;
        ocv[l] = piece.value[0] + piece.slope[0] * beyond;
        slope[l] = piece.slope[0];
        // Beyond full and empty the voltage goes on, the half-width does not.
        half_width[l] = piece.value[1] + piece.slope[1] * (z[l].fraction() - piece.soc);
    }
    (ocv, slope, half_width)
}

/// Parameters of a block of cells.
struct Parameters<'c, R, const B: usize> {
    r0: &'c [R; B],
    r1: &'c [R; B],
    r2: &'c [R; B],
    b1: &'c [R; B],
    b2: &'c [R; B],
}

/// RC voltages, exact for a held current; returns what is left of them after another tick.
#[inline(always)]
fn relax_stage<R: Real, const B: usize>(
    p: &Parameters<'_, R, B>,
    v1: &mut [R; B],
    v2: &mut [R; B],
    current: R,
) -> [R; B] {
    let mut left = [R::default(); B];
    for l in 0..B {
        v1[l] += p.b1[l] * (p.r1[l] * current - v1[l]);
        v2[l] += p.b2[l] * (p.r2[l] * current - v2[l]);
        left[l] = v1[l] + v2[l] - p.b1[l] * v1[l] - p.b2[l] * v2[l];
    }
    left
}

/// Terminal voltage less the reference.
#[inline(always)]
fn voltage_stage<R: Real, const B: usize>(
    ocv: &[R; B],
    half_width: &[R; B],
    r0: &[R; B],
    (v1, v2): (&[R; B], &[R; B]),
    v: &mut [R; B],
    held: &Held<R>,
) {
    for l in 0..B {
        v[l] = ocv[l] + half_width[l] * held.hysteresis - r0[l] * held.current - v1[l] - v2[l];
    }
}

/// Heat of the tick: what the chemistry gave and the terminals did not.
#[inline(always)]
fn heat_stage<R: Real, const B: usize>(ocv: &[R; B], v: &[R; B], heat: &mut [R; B], heat_step: R) {
    for l in 0..B {
        heat[l] += heat_step * (ocv[l] - v[l]);
    }
}

/// Lanes of a sum: fixed, so that its rounding is.
const SUM_LANES: usize = 4;

#[inline(always)]
fn sum<R: Real, const B: usize>(values: &[R; B]) -> f64 {
    let mut lanes = [R::default(); SUM_LANES];
    let (chunks, rest) = values.as_chunks::<SUM_LANES>();
    for chunk in chunks {
        for lane in 0..SUM_LANES {
            lanes[lane] += chunk[lane];
        }
    }
    rest.iter().chain(&lanes).fold(0.0, |total, value| total + value.f64())
}

#[inline(always)]
fn extremes<R: Real, const B: usize>(values: &[R; B]) -> (f64, f64) {
    let (mut lowest, mut highest) = ([values[0]; SUM_LANES], [values[0]; SUM_LANES]);
    let (chunks, rest) = values.as_chunks::<SUM_LANES>();
    for chunk in chunks {
        for lane in 0..SUM_LANES {
            let value = chunk[lane];
            lowest[lane] = if value < lowest[lane] { value } else { lowest[lane] };
            highest[lane] = if value > highest[lane] { value } else { highest[lane] };
        }
    }
    let least = |a: f64, b: &R| if b.f64() < a { b.f64() } else { a };
    let most = |a: f64, b: &R| if b.f64() > a { b.f64() } else { a };
    (
        rest.iter().chain(&lowest).fold(f64::INFINITY, least),
        rest.iter().chain(&highest).fold(f64::NEG_INFINITY, most),
    )
}
