//! What may be wrong with single cells: internal shorts, heat from outside, runaway.
//!
//! Few cells at a time are so, therefore the pass over all cells does not know of them; they are set
//! right after it.

use super::{Rack, RackModel, Real, heat, heat::Plate};
use crate::persist::leaf;
use crate::physics::kernel::Extreme;
use crate::physics::runaway::{Reaction, self_heating_degc};
use bess_core::chemistry::{Runaway, Thermal};
use bess_core::defect::CellDefect;

/// A cell with an internal short.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Short {
    cell: usize,
    ohm: f64,
    /// Current through the short in the last tick, in A.
    current_a: f64,
    /// Charge through it that is not in the cell's SoC yet, in C.
    charge_c: f64,
}
leaf!(Short);

/// Charge below empty, as a fraction, over which a short brings a cell to 0 V (engineering choice).
const BELOW_EMPTY_SOC: f64 = 0.02;

/// Self-heating at which a cell counts as being in thermal runaway, in K/s: Feng et al. 2018
/// (doi 10.1016/j.ensm.2017.05.013) define their temperature T2 by it.
const IGNITED_K_PER_S: f64 = 1.0;

/// A cell whose reaction is followed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Hot {
    cell: usize,
    reaction: Reaction,
}
leaf!(Hot);

/// What the shorted cells of a rack change in its sums.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Shorted {
    /// Of the terminal voltage of this tick.
    pub(super) terminal_v: f64,
    /// Power of the open-circuit voltages into the shorts, in W.
    pub(super) power_w: f64,
}

impl<R: Real> Rack<R> {
    /// Makes cell `cell` defect, instead of what was wrong with it before in the same way.
    pub fn harm(&mut self, model: &RackModel<R>, cell: usize, defect: CellDefect) {
        match defect {
            CellDefect::Short(ohm) => {
                self.fold_shorts();
                self.shorts.retain(|short| short.cell != cell);
                if ohm.is_finite() {
                    self.shorts.push(Short { cell, ohm, current_a: 0.0, charge_c: 0.0 });
                }
            }
            CellDefect::Heater(power_w) => {
                self.heaters.retain(|(heated, _)| *heated != cell);
                if power_w > 0.0 {
                    self.heaters.push((cell, power_w));
                }
            }
            CellDefect::Capacity(factor) => {
                self.fall_ill(cell, |ill| ill.capacity = factor);
                self.resize(model, cell);
            }
            CellDefect::Resistance(factor) => {
                self.fall_ill(cell, |ill| ill.resistance = factor);
                self.renew(cell);
            }
            // What flows and where it flows through changes with the next refresh, as its heat does.
            CellDefect::Leak(leak_a) => self.fall_ill(cell, |ill| ill.leak_a = leak_a),
            CellDefect::Joint(ohm) => self.fall_ill(cell, |ill| ill.joint_ohm = ohm),
            CellDefect::Ignite(true) => self.ignite(model, cell),
            CellDefect::Ignite(false) => {}
        }
    }

    /// Brings `cell` to where its own reaction warms it by [`IGNITED_K_PER_S`], by heat from outside.
    fn ignite(&mut self, model: &RackModel<R>, cell: usize) {
        let (Some(law), Some(thermal)) = (&model.chemistry.runaway, &model.chemistry.thermal)
        else {
            return;
        };
        let capacity = thermal.heat_capacity_j_per_k;
        let now_degc = self.slow.temperature[cell].f64() + self.slow.heat[cell].f64() / capacity;
        let missing_k = self_heating_degc(law, IGNITED_K_PER_S) - now_degc;
        self.slow.heat[cell] += R::of(missing_k.max(0.0) * capacity);
        if !self.hot.iter().any(|hot| hot.cell == cell) {
            self.hot.push(Hot { cell, reaction: Reaction::FRESH });
        }
    }

    /// Whether any cell is or was hot enough to be watched.
    pub fn is_watched(&self) -> bool {
        !self.hot.is_empty()
    }
    /// Cells that vented so far.
    pub fn n_vented(&self) -> usize {
        self.hot.iter().filter(|hot| hot.reaction.vented).count()
    }
    /// Cells that burnt out so far.
    pub fn n_burnt(&self) -> usize {
        self.hot.iter().filter(|hot| hot.reaction.burnt).count()
    }
    /// Gas that the cells have given off, in litres, and whether any of it smokes.
    pub fn gas(&self, model: &RackModel<R>) -> (f64, bool) {
        let Some(law) = &model.chemistry.runaway else { return (0.0, false) };
        let capacity_ah = model.chemistry.capacity.amp_hours();
        self.hot.iter().fold((0.0, false), |(litres, smokes), hot| {
            let litres = litres + hot.reaction.gas_litres(law, capacity_ah);
            (litres, smokes || hot.reaction.smokes(law))
        })
    }

    /// Terminal voltage of a cell where something is wrong with it: the short's, or nothing.
    pub(super) fn harmed_v(&self, idx: usize) -> Option<f64> {
        if self.hot.iter().any(|hot| hot.cell == idx && hot.reaction.burnt) {
            return Some(0.0);
        }
        let short = self.shorts.iter().find(|short| short.cell == idx);
        short.map(|short| short.ohm * short.current_a)
    }

    /// Sets the shorted cells right after the pass of a tick with `current_a`. The short lies behind
    /// the ohmic resistance as the terminals do. Its current Is loads the RC pairs within the tick:
    /// Is R = E - r0 (I + Is) - (c1 + c2) Is, with E after the pass, which knows I alone.
    pub(super) fn pass_shorts(&mut self, model: &RackModel<R>, current_a: f64) {
        let mut shorts = std::mem::take(&mut self.shorts);
        for short in &mut shorts {
            let i = short.cell;
            let (c1, c2) = (self.cells.c1(i).f64(), self.cells.c2(i).f64());
            let (b1, b2) = (self.cells.b1(i).f64(), self.cells.b2(i).f64());
            let r0_ohm = self.cells.r0(i).f64();
            let swept_v = self.cells.v1(i).f64() + self.cells.v2(i).f64();
            let unshorted_v = model.reference_v + self.open_v(model, i) - r0_ohm * current_a;
            let source_v = self.shorted_source_v(model, i);
            let left_v = source_v - swept_v - r0_ohm * current_a;
            short.current_a = left_v / (short.ohm + r0_ohm + c1 + c2);
            short.charge_c += short.current_a * model.tick_s;
            let (dv1, dv2) = (c1 * short.current_a, c2 * short.current_a);
            *self.cells.v1_mut(i) += R::of(dv1);
            *self.cells.v2_mut(i) += R::of(dv2);
            let terminal_v = short.ohm * short.current_a;
            // The refresh counts I (v1 + v2) as swept and I^2 r0; the rest of what the source gave and
            // the terminals did not is counted here.
            let made_w = source_v * (current_a + short.current_a)
                - terminal_v * current_a
                - current_a * (swept_v + r0_ohm * current_a);
            self.slow.heat[i] += R::of(made_w * model.tick_s);
            let total = &mut self.sums.total;
            total.relaxing += dv1 + dv2;
            total.relaxed += b1 * dv1 + b2 * dv2;
            let shorted = &mut self.sums.shorts;
            // The sum of terminals knows of what the pairs were loaded with already.
            shorted.terminal_v += terminal_v - unshorted_v + dv1 + dv2;
            shorted.power_w += source_v * short.current_a
                + current_a * (source_v - swept_v - r0_ohm * current_a - unshorted_v);
        }
        self.shorts = shorts;
        for idx in 0..self.shorts.len() {
            self.show_shorted(model, self.shorts[idx].cell);
        }
    }

    /// Open-circuit voltage with hysteresis of a shorted cell in V. A short takes what is left below
    /// empty; there the voltage goes to zero, where the table would go on to less.
    fn shorted_source_v(&self, model: &RackModel<R>, cell: usize) -> f64 {
        let soc = self.cells.z0(cell).f64() - self.charge_c * self.cells.inverse_q(cell).f64();
        let rc_v = self.cells.v1(cell).f64() + self.cells.v2(cell).f64();
        let open_v = model.reference_v + self.open_v(model, cell) + rc_v;
        if soc >= 0.0 {
            return open_v;
        }
        let empty_v = model.chemistry.ocv.at(0.0, self.reading.temperature_mean_degc, 0.0);
        empty_v * (1.0 + soc / BELOW_EMPTY_SOC).max(0.0)
    }

    /// What the shorted cells change of next tick's source: voltage in V and resistance in ohms.
    pub(super) fn shorted_source(&self, model: &RackModel<R>) -> (f64, f64) {
        self.shorts.iter().fold((0.0, 0.0), |(e_v, r_ohm), short| {
            let (i, cells) = (short.cell, &self.cells);
            let (c_ohm, r0_ohm) = (cells.c1(i).f64() + cells.c2(i).f64(), cells.r0(i).f64());
            let relaxed_v =
                cells.b1(i).f64() * cells.v1(i).f64() + cells.b2(i).f64() * cells.v2(i).f64();
            let next_v = model.reference_v + self.open_v(model, i) + relaxed_v;
            let rc_v = cells.v1(i).f64() + cells.v2(i).f64();
            let shorted_v = self.shorted_source_v(model, i) - rc_v + relaxed_v;
            let factor = short.ohm / (short.ohm + r0_ohm + c_ohm);
            (e_v + factor * shorted_v - next_v, r_ohm + (factor - 1.0) * (r0_ohm + c_ohm))
        })
    }

    /// Nothing is left between the terminals of a burnt cell.
    pub(super) fn pass_burnt(&mut self, model: &RackModel<R>) {
        for idx in 0..self.hot.len() {
            let Hot { cell, reaction } = self.hot[idx];
            if reaction.burnt {
                let v =
                    self.open_v(model, cell) - self.cells.r0(cell).f64() * self.reading.current_a;
                self.sums.shorts.terminal_v -= model.reference_v + v;
                self.show_shorted(model, cell);
            }
        }
    }

    /// Corrects the extremes for a shorted or burnt cell, whose voltage is lower than the pass thought.
    fn show_shorted(&mut self, model: &RackModel<R>, cell: usize) {
        let value = self.cell_voltage_v(model, cell) - model.reference_v;
        let total = &mut self.sums.total;
        if value < total.lowest.value {
            total.lowest = Extreme { value, cell };
        }
        if total.highest.cell == cell {
            let all = (0..self.n_cells()).map(|i| (i, self.cell_voltage_v(model, i)));
            let highest = all.fold((cell, f64::NEG_INFINITY), |a, b| if b.1 > a.1 { b } else { a });
            self.sums.total.highest =
                Extreme { value: highest.1 - model.reference_v, cell: highest.0 };
        }
    }

    /// Counts the charge that went through shorts as drained.
    pub(super) fn fold_shorts(&mut self) {
        for short in &mut self.shorts {
            let charge_c = std::mem::take(&mut short.charge_c);
            self.wear.drained_c[short.cell] += R::of(charge_c);
        }
    }

    /// Conducts the heat of `span_s` and lets hot cells react. Returns the heat into the plates in J.
    pub(super) fn heat_up(
        &mut self,
        model: &RackModel<R>,
        thermal: &Thermal,
        plate: &Plate,
        span_s: f64,
    ) -> f64 {
        let before: Vec<f64> =
            self.hot.iter().map(|hot| self.slow.temperature[hot.cell].f64()).collect();
        let n_cells = self.n_cells();
        let plate_j = heat::conduct(
            thermal,
            &mut self.slow.temperature[..n_cells],
            &mut self.slow.heat[..n_cells],
            &mut self.case,
            model.cells_per_module,
            plate,
            span_s,
        );
        if let Some(law) = &model.chemistry.runaway {
            self.react(law, thermal, &before, span_s);
        }
        plate_j
    }

    fn react(&mut self, law: &Runaway, thermal: &Thermal, before: &[f64], span_s: f64) {
        for (hot, before_degc) in self.hot.iter_mut().zip(before) {
            let after_degc = self.slow.temperature[hot.cell].f64();
            let capacity = thermal.heat_capacity_j_per_k;
            let net_w = (after_degc - before_degc) * capacity / span_s.max(f64::MIN_POSITIVE);
            let advanced = hot.reaction.advance(law, capacity, *before_degc, net_w, span_s);
            self.slow.temperature[hot.cell] = R::of(advanced.temperature_degc);
            self.heat_made_j += advanced.heat_j;
            self.is_open |= hot.reaction.burnt;
        }
        // Nothing is left that a short could drain: the reaction's heat contains the cell's charge.
        let burnt = |cell: usize| self.hot.iter().any(|h| h.cell == cell && h.reaction.burnt);
        self.shorts.retain(|short| !burnt(short.cell));
        // The last look at the temperatures is a second old; that is soon enough at 80 degC.
        let watch = R::of(law.watch_above_degc);
        if self.reading.temperature_max.value <= law.watch_above_degc {
            return;
        }
        for cell in 0..self.n_cells() {
            let watched = || self.hot.iter().any(|hot| hot.cell == cell);
            if self.slow.temperature[cell] > watch && !watched() {
                self.hot.push(Hot { cell, reaction: Reaction::FRESH });
            }
        }
    }

    pub(super) fn hash_harm_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[u8::from(self.is_open)]);
        for length in [self.shorts.len(), self.hot.len(), self.heaters.len()] {
            sink(&(length as u64).to_le_bytes());
        }
        for short in &self.shorts {
            sink(&(short.cell as u64).to_le_bytes());
            for value in [short.ohm, short.current_a, short.charge_c] {
                sink(&value.to_le_bytes());
            }
        }
        for hot in &self.hot {
            sink(&(hot.cell as u64).to_le_bytes());
            sink(&hot.reaction.left.to_le_bytes());
            sink(&[u8::from(hot.reaction.vented), u8::from(hot.reaction.burnt)]);
        }
        sink(&(self.ills.len() as u64).to_le_bytes());
        self.ills.iter().for_each(|ill| ill.hash_into(sink));
        self.arc.hash_into(sink);
        for (cell, power_w) in &self.heaters {
            sink(&(*cell as u64).to_le_bytes());
            sink(&power_w.to_le_bytes());
        }
    }
}
