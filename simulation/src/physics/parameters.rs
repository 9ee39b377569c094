//! What the cells' resistances and heat depend on, and their refresh once a second.
//!
//! Where the tables depend on SoC alone (and on temperature by Arrhenius' law), one look-up of a grid
//! serves all quantities and the refresh runs on vector instructions. Tables over temperature or
//! current are read cell by cell.

use super::kernel::{Block, Cells, LANES};
use super::pieces::{Beyond, Column, Grid, PIECES};
use super::real::{Real, SERIES_BELOW};
use super::wide::widest;
use crate::persist::{leaf, persist};
use bess_core::chemistry::{Chemistry, HeatForm, RcPair, Resistance, Table};
use bess_core::units::{GAS_CONSTANT_J_PER_MOL_K, ZERO_CELSIUS_K};

/// Columns that only the refresh touches; filled up to whole blocks.
#[derive(Clone, Debug)]
pub(super) struct Slow<R> {
    /// Factor of every resistance: spread and ageing.
    pub(super) r_factor: Vec<R>,
    pub(super) temperature: Vec<R>,
    /// Energy in the capacitors at the last refresh, in J.
    pub(super) stored: Vec<R>,
    /// Heat made since the last refresh, in J, before it is conducted away.
    pub(super) heat: Vec<R>,
}
persist! {
    Slow<f32> { r_factor: each, temperature: each, stored: each, heat: each }
}

/// What a rack went through since its last refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Since {
    pub(super) ticks: u32,
    /// Integral of the current, in C.
    pub(super) charge_c: f64,
    /// Integral of its magnitude, in C.
    pub(super) throughput_c: f64,
    /// Integral of the current squared, in A2 s.
    pub(super) square_a2s: f64,
    /// Integral of the current times the hysteresis state, in C.
    pub(super) hysteresis_c: f64,
}
leaf!(Since);

/// Quantities of all racks of one kind.
#[derive(Clone, Debug)]
pub(super) struct Parameters<R> {
    grid: Grid<R>,
    /// r0, r1, r2 at 25 degC, entropic coefficient, hysteresis half-width.
    columns: [Column<R>; 5],
    /// Those that do not depend on SoC.
    constant: [Option<R>; 5],
    /// Activation energies of r0, r1, r2 over the gas constant, in K.
    activation_k: [R; 3],
    one_energy: bool,
    /// Tick over capacitance, in ohms; 0 where there is no pair.
    tick_over_c: [R; 2],
    /// Half a capacitance, in F.
    half_c: [R; 2],
    /// Whether tables must be read for each cell.
    tables: bool,
    books_stored: bool,
    tick_s: f64,
    pub(super) depends_on_current: bool,
}

impl<R: Real> Parameters<R> {
    pub(super) fn new(chemistry: &Chemistry, tick_s: f64) -> Self {
        let zero = Table::constant(0.0);
        let none = Resistance::constant(0.0);
        let pair = |j: usize| chemistry.rc.get(j);
        let resistances =
            [Some(&chemistry.r0), pair(0).map(|p| &p.resistance), pair(1).map(|p| &p.resistance)]
                .map(|r| r.unwrap_or(&none));
        let entropic = chemistry.entropic_v_per_k.as_ref().unwrap_or(&zero);
        let half_width = chemistry.hysteresis.as_ref().map_or(&zero, |h| &h.half_width);
        let capacitances = [0, 1].map(|j| pair(j).map(|p| &p.capacitance_f));
        let tables =
            resistances.iter().any(|r| r.value.depends_on_temperature() || r.depends_on_current())
                || [entropic, half_width]
                    .iter()
                    .any(|t| t.depends_on_temperature() || t.depends_on_current())
                || capacitances.iter().flatten().any(|c| c.as_constant().is_none());
        let factor_nodes = |r: &Resistance| {
            let factors = r.soc_factor.as_ref().map_or(&[][..], |curve| curve.nodes());
            [r.value.soc_nodes(), factors].concat()
        };
        let nodes: Vec<f64> = resistances
            .iter()
            .flat_map(|r| factor_nodes(r))
            .chain(entropic.soc_nodes().iter().copied())
            .chain(half_width.soc_nodes().iter().copied())
            .collect();
        let grid = Grid::over(nodes.into_iter());
        let [r0, r1, r2] =
            resistances.map(|r| grid.column(Beyond::Holds, |soc| r.at(soc, 25.0, 0.0)));
        let [e, m] =
            [entropic, half_width].map(|t| grid.column(Beyond::Holds, |soc| t.at(soc, 25.0, 0.0)));
        let constant_c = capacitances.map(|c| c.and_then(Table::as_constant));
        let energies =
            resistances.map(|r| R::of(r.activation_energy_j_per_mol / GAS_CONSTANT_J_PER_MOL_K));
        Self {
            constant: [&r0, &r1, &r2, &e, &m].map(Column::constant),
            columns: [r0, r1, r2, e, m],
            grid,
            one_energy: energies[0] == energies[1] && energies[0] == energies[2],
            activation_k: energies,
            tick_over_c: constant_c.map(|c| R::of(c.map_or(0.0, |c| tick_s / c))),
            half_c: constant_c.map(|c| R::of(0.5 * c.unwrap_or(0.0))),
            tables,
            tick_s,
            books_stored: chemistry.thermal.is_some_and(|t| t.rc_heat == HeatForm::Dissipated),
            depends_on_current: [Some(&chemistry.r0.value), Some(entropic), Some(half_width)]
                .into_iter()
                .chain(capacitances)
                .chain([0, 1].map(|j| pair(j).map(|p: &RcPair| &p.resistance.value)))
                .flatten()
                .any(Table::depends_on_current),
        }
    }

    /// Adds the heat made since the last refresh to `slow.heat` and starts anew; returns the sums of the
    /// half-widths, which it needs anyway.
    pub(super) fn gather_heat(
        &self,
        chemistry: &Chemistry,
        cells: &mut Cells<R>,
        slow: &mut Slow<R>,
        charge_c: f64,
        since: &Since,
    ) -> HalfWidths {
        // In the middle of the charge that has passed.
        let charge_c = charge_c - 0.5 * since.charge_c;
        let made = Made {
            charge: R::of(charge_c),
            passed: R::of(since.charge_c),
            square: R::of(since.square_a2s),
            hysteresis: R::of(since.hysteresis_c),
        };
        let [sum_v, slope_v_per_c] = if self.tables {
            let sum_v = self.gather_heat_by_tables(chemistry, cells, slow, &made, since);
            // The slope is that of 25 degC; it counts within the second only.
            [sum_v, self.half_widths(cells, made.charge)[1]]
        } else {
            gather_heat(self, cells, slow, &made)
        };
        HalfWidths { sum_v, slope_v_per_c, charge_c }
    }

    /// Sums over the cells, whose rack has given `charge`: half-width in V at 25 degC, and its slope
    /// over capacity in V/C.
    pub(super) fn half_widths(&self, cells: &Cells<R>, charge: R) -> [f64; 2] {
        let (mut sum_v, mut slope_v_per_c) = (0.0, 0.0);
        let (column, per_soc) = (&self.columns[4], self.grid.scale().0);
        for i in 0..cells.len() {
            let inverse_q = cells.inverse_q(i);
            let place = self.grid.find(cells.z0(i) - charge * inverse_q);
            sum_v += column.at(place).f64();
            slope_v_per_c += (column.slope[place.0] * per_soc * inverse_q).f64();
        }
        [sum_v, slope_v_per_c]
    }

    fn gather_heat_by_tables(
        &self,
        chemistry: &Chemistry,
        cells: &mut Cells<R>,
        slow: &mut Slow<R>,
        made: &Made<R>,
        since: &Since,
    ) -> f64 {
        let mut half_width_v = 0.0;
        let current_a = since.charge_c / (f64::from(since.ticks.max(1)) * self.tick_s);
        for i in 0..cells.len() {
            *cells.v1_mut(i) = settled(cells.v1(i));
            *cells.v2_mut(i) = settled(cells.v2(i));
            let soc = (cells.z0(i) - made.charge * cells.inverse_q(i)).f64();
            let degc = slow.temperature[i].f64();
            let read =
                |table: Option<&Table>| R::of(table.map_or(0.0, |t| t.at(soc, degc, current_a)));
            let entropic = read(chemistry.entropic_v_per_k.as_ref());
            let half_width = read(chemistry.hysteresis.as_ref().map(|h| &h.half_width));
            half_width_v += half_width.f64();
            let stored = if self.books_stored {
                let half_c = |j: usize| read(chemistry.rc.get(j).map(|p| &p.capacitance_f)).f64();
                let (v1, v2) = (cells.v1(i).f64(), cells.v2(i).f64());
                R::of(0.5 * (half_c(0) * v1 * v1 + half_c(1) * v2 * v2))
            } else {
                R::default()
            };
            slow.heat[i] += cells.supplied(i) + cells.r0(i) * made.square
                - half_width * made.hysteresis
                - (slow.temperature[i] + R::of(ZERO_CELSIUS_K)) * entropic * made.passed
                + (slow.stored[i] - stored);
            slow.stored[i] = stored;
            *cells.supplied_mut(i) = R::default();
        }
        half_width_v
    }

    /// Resistances and decay factors at the present temperature and SoC, with `current_a` flowing.
    pub(super) fn refresh(
        &self,
        chemistry: &Chemistry,
        cells: &mut Cells<R>,
        slow: &Slow<R>,
        charge_c: f64,
        current_a: f64,
        tick_s: f64,
    ) -> Static {
        if self.tables {
            self.refresh_by_tables(chemistry, cells, slow, charge_c, current_a, tick_s);
            let mut total = Static::default();
            (0..cells.len()).for_each(|i| total.add(cells, i));
            total
        } else {
            refresh(self, cells, slow, R::of(charge_c))
        }
    }

    fn refresh_by_tables(
        &self,
        chemistry: &Chemistry,
        cells: &mut Cells<R>,
        slow: &Slow<R>,
        charge_c: f64,
        current_a: f64,
        tick_s: f64,
    ) {
        for i in 0..cells.len() {
            let soc = cells.z0(i).f64() - charge_c * cells.inverse_q(i).f64();
            let degc = slow.temperature[i].f64();
            let factor = slow.r_factor[i].f64();
            *cells.r0_mut(i) = R::of(chemistry.r0.at(soc, degc, current_a) * factor);
            let pair = |j: usize| {
                let Some(pair) = chemistry.rc.get(j) else { return (R::default(), R::default()) };
                let r_ohm = pair.resistance.at(soc, degc, current_a) * factor;
                let c_f = pair.capacitance_f.at(soc, degc, current_a);
                let b = (tick_s / (r_ohm * c_f)).decay();
                (R::of(b), R::of(b * r_ohm))
            };
            (*cells.b1_mut(i), *cells.c1_mut(i)) = pair(0);
            (*cells.b2_mut(i), *cells.c2_mut(i)) = pair(1);
        }
    }

    /// One exponential serves all three where they share an activation energy, as they mostly do.
    #[inline(always)]
    fn arrhenius(&self, temperature: R, factor: R) -> [R; 3] {
        let inverse_k = inverse_k_above_reference(temperature);
        let [e0, e1, e2] = self.activation_k;
        let first = (e0 * inverse_k).exp() * factor;
        if self.one_energy {
            return [first; 3];
        }
        [first, (e1 * inverse_k).exp() * factor, (e2 * inverse_k).exp() * factor]
    }
}

/// What the heat of a span is made from.
struct Made<R> {
    charge: R,
    passed: R,
    square: R,
    hysteresis: R,
}

/// Sums that change with a refresh only.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Static {
    pub(super) r0_ohm: f64,
    /// Of c1 + c2.
    pub(super) c_ohm: f64,
    /// Of b1 v1 + b2 v2.
    pub(super) relaxed_v: f64,
    pub(super) z0: f64,
    pub(super) inverse_q: f64,
}

/// Sums of the hysteresis half-widths in V, and of their slopes over capacity in V/C, where the rack had
/// given `charge_c`.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct HalfWidths {
    pub(super) sum_v: f64,
    pub(super) slope_v_per_c: f64,
    pub(super) charge_c: f64,
}

impl HalfWidths {
    /// The sum where the rack has given `charge_c`.
    pub(super) fn at(&self, charge_c: f64) -> f64 {
        self.sum_v - (charge_c - self.charge_c) * self.slope_v_per_c
    }
}

impl Static {
    pub(super) fn add<R: Real>(&mut self, cells: &Cells<R>, i: usize) {
        self.r0_ohm += cells.r0(i).f64();
        self.c_ohm += cells.c1(i).f64() + cells.c2(i).f64();
        self.relaxed_v +=
            cells.b1(i).f64() * cells.v1(i).f64() + cells.b2(i).f64() * cells.v2(i).f64();
        self.z0 += cells.z0(i).f64();
        self.inverse_q += cells.inverse_q(i).f64();
    }
}

widest!(gather_heat, gather_heat_any, gather_heat_avx2,
    (p: &Parameters<R>, cells: &mut Cells<R>, slow: &mut Slow<R>, made: &Made<R>) -> [f64; 2]);
widest!(refresh, refresh_any, refresh_avx2,
    (p: &Parameters<R>, cells: &mut Cells<R>, slow: &Slow<R>, charge: R) -> Static);

#[inline(always)]
fn gather_heat_any<R: Real>(
    p: &Parameters<R>,
    cells: &mut Cells<R>,
    slow: &mut Slow<R>,
    made: &Made<R>,
) -> [f64; 2] {
    let temperature = slow.temperature.as_chunks::<LANES>().0;
    let stored = slow.stored.as_chunks_mut::<LANES>().0;
    let heat = slow.heat.as_chunks_mut::<LANES>().0;
    let mut sums = [[R::default(); LANES]; 2];
    let per_soc = p.grid.scale().0;
    for index in 0..cells.blocks.len() {
        let count = cells.lanes_of(index);
        let block = &mut cells.blocks[index];
        let (half_width, slope) =
            gather_block(p, block, &temperature[index], &mut stored[index], &mut heat[index], made);
        for l in 0..LANES {
            // Lanes that nothing counts have no capacity, but would count here.
            let counted = if l < count { half_width[l] } else { R::default() };
            sums[0][l] += counted;
            sums[1][l] += slope[l] * per_soc * block.inverse_q[l];
        }
    }
    sums.map(|lanes| lanes.iter().fold(0.0, |sum, lane| sum + lane.f64()))
}

#[inline(always)]
fn gather_block<R: Real>(
    p: &Parameters<R>,
    block: &mut Block<R>,
    temperature: &[R; LANES],
    stored: &mut [R; LANES],
    heat: &mut [R; LANES],
    made: &Made<R>,
) -> ([R; LANES], [R; LANES]) {
    let place = places(p, block, made.charge);
    let (entropic, (half_width, slope)) = (values(p, 3, &place), pieces(p, 4, &place));
    let [c1, c2] = p.half_c;
    let zero_k = R::of(ZERO_CELSIUS_K);
    let Block { v1, v2, r0, supplied, .. } = block;
    for l in 0..LANES {
        (v1[l], v2[l]) = (settled(v1[l]), settled(v2[l]));
        let now =
            if p.books_stored { c1 * (v1[l] * v1[l]) + c2 * (v2[l] * v2[l]) } else { R::default() };
        heat[l] += supplied[l] + r0[l] * made.square
            - half_width[l] * made.hysteresis
            - (temperature[l] + zero_k) * entropic[l] * made.passed
            + (stored[l] - now);
        stored[l] = now;
        supplied[l] = R::default();
    }
    (half_width, slope)
}

#[inline(always)]
fn refresh_any<R: Real>(
    p: &Parameters<R>,
    cells: &mut Cells<R>,
    slow: &Slow<R>,
    charge: R,
) -> Static {
    let temperature = slow.temperature.as_chunks::<LANES>().0;
    let factor = slow.r_factor.as_chunks::<LANES>().0;
    let mut sums = [[R::default(); LANES]; 5];
    for index in 0..cells.blocks.len() {
        let count = cells.lanes_of(index);
        let block = &mut cells.blocks[index];
        refresh_block(p, block, &temperature[index], &factor[index], charge);
        // Two copies of the code: the one for a whole block vectorises.
        if count == LANES {
            add_block(&mut sums, block, LANES);
        } else {
            add_block(&mut sums, block, count);
        }
    }
    let [r0_ohm, c_ohm, relaxed_v, z0, inverse_q] =
        sums.map(|lanes| lanes.iter().fold(0.0, |sum, lane| sum + lane.f64()));
    Static { r0_ohm, c_ohm, relaxed_v, z0, inverse_q }
}

#[inline(always)]
fn add_block<R: Real>(sums: &mut [[R; LANES]; 5], block: &Block<R>, count: usize) {
    let Block { z0, inverse_q, r0, b1, b2, c1, c2, v1, v2, .. } = block;
    for l in 0..count {
        sums[0][l] += r0[l];
        sums[1][l] += c1[l] + c2[l];
        sums[2][l] += b1[l] * v1[l] + b2[l] * v2[l];
        sums[3][l] += z0[l];
        sums[4][l] += inverse_q[l];
    }
}

#[inline(always)]
fn refresh_block<R: Real>(
    p: &Parameters<R>,
    block: &mut Block<R>,
    temperature: &[R; LANES],
    factor: &[R; LANES],
    charge: R,
) {
    let place = places(p, block, charge);
    let r = [values(p, 0, &place), values(p, 1, &place), values(p, 2, &place)];
    let mut factors = [[R::default(); LANES]; 3];
    for l in 0..LANES {
        [factors[0][l], factors[1][l], factors[2][l]] = p.arrhenius(temperature[l], factor[l]);
    }
    let pair = |b: &mut [R; LANES], c: &mut [R; LANES], j: usize| {
        let mut ohm = [R::default(); LANES];
        let mut x = [R::default(); LANES];
        for l in 0..LANES {
            ohm[l] = r[j][l] * factors[j][l];
            x[l] = p.tick_over_c[j - 1] / ohm[l];
        }
        // Pairs are mostly slow beside a tick; then no exponential is needed. (0 / 0 is not small.)
        let small = R::of(SERIES_BELOW);
        if x.iter().fold(true, |all, x| all & (*x < small)) {
            for l in 0..LANES {
                b[l] = x[l].small_decay();
                c[l] = b[l] * ohm[l];
            }
        } else {
            for l in 0..LANES {
                b[l] = if ohm[l] > R::default() { x[l].decay() } else { R::default() };
                c[l] = b[l] * ohm[l];
            }
        }
    };
    for l in 0..LANES {
        block.r0[l] = r[0][l] * factors[0][l];
    }
    pair(&mut block.b1, &mut block.c1, 1);
    pair(&mut block.b2, &mut block.c2, 2);
}

/// A voltage of a rested pair is zero at last: the numbers next to zero are slow on most processors.
#[inline(always)]
fn settled<R: Real>(v: R) -> R {
    let tiny = R::of(1e-20);
    if v < tiny && v > -tiny { R::default() } else { v }
}

/// The pieces of a block of cells.
struct Places<R> {
    index: [u32; LANES],
    beyond: [R; LANES],
}

#[inline(always)]
fn places<R: Real>(p: &Parameters<R>, block: &Block<R>, charge: R) -> Places<R> {
    let Block { z0, inverse_q, .. } = block;
    let mut place = Places { index: [0; LANES], beyond: [R::default(); LANES] };
    if p.grid.is_even() {
        let ((per_soc, from), last) = (p.grid.scale(), p.grid.last());
        for l in 0..LANES {
            let x = (z0[l] - charge * inverse_q[l] - from) * per_soc;
            let (index, whole) = x.piece(last);
            place.index[l] = index;
            place.beyond[l] = x - whole;
        }
    } else {
        for l in 0..LANES {
            let (index, beyond) = p.grid.find(z0[l] - charge * inverse_q[l]);
            (place.index[l], place.beyond[l]) = (index as u32, beyond);
        }
    }
    place
}

/// Quantity `k` of a block of cells.
#[inline(always)]
fn values<R: Real>(p: &Parameters<R>, k: usize, place: &Places<R>) -> [R; LANES] {
    match p.constant[k] {
        Some(value) => [value; LANES],
        None => pieces(p, k, place).0,
    }
}

/// Quantity `k` of a block of cells and its slopes as the grid has them.
#[inline(always)]
fn pieces<R: Real>(p: &Parameters<R>, k: usize, place: &Places<R>) -> ([R; LANES], [R; LANES]) {
    let Places { index, beyond } = place;
    let (mut values, mut slopes) = ([R::default(); LANES], [R::default(); LANES]);
    let lanes = values.iter_mut().zip(&mut slopes).zip(index).zip(beyond);
    if p.grid.is_even() {
        let (value, slope) = p.columns[k].arrays();
        for (((shown, rises), index), beyond) in lanes {
            let index = *index as usize % PIECES;
            *rises = slope[index];
            *shown = value[index] + slope[index] * *beyond;
        }
    } else {
        for (((shown, rises), index), beyond) in lanes {
            *rises = p.columns[k].slope[*index as usize];
            *shown = p.columns[k].at((*index as usize, *beyond));
        }
    }
    (values, slopes)
}

/// 1/T - 1/T_ref in 1/K, with the reference at 25 degC.
#[inline(always)]
fn inverse_k_above_reference<R: Real>(temperature_degc: R) -> R {
    const REFERENCE_K: f64 = 25.0 + ZERO_CELSIUS_K;
    // (T_ref - T) / (T T_ref) keeps its digits where 1/T - 1/T_ref would cancel.
    let above = R::of(25.0) - temperature_degc;
    above / ((temperature_degc + R::of(ZERO_CELSIUS_K)) * R::of(REFERENCE_K))
}
