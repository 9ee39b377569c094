//! Thermal runaway against published temperatures, and its way through a module of 12 cells.
//!
//! The single cell is checked against what its two laws were tuned to, so this is code verification:
//! integrator and data together give the stated onset, runaway and peak. The module is a comparison
//! with an experiment in which one parameter, the conductance between neighbours, is fitted; the
//! product's own rack then burns with that parameter as the chain of cells does that fitted it.

mod support;

use bess_core::chemistry::{
    Chemistry, HeatForm, ONSET_K_PER_S, RUNAWAY_K_PER_S, Runaway, Thermal, built_in,
    parse_chemistry,
};
use bess_core::rng::Streams;
use bess_core::spec::SpreadSpec;
use bess_core::units::Coulombs;
use bess_simulation::physics::rack::{Harm, Plate, Rack, RackModel, RackStart};
use bess_simulation::physics::runaway::Reaction;
use std::sync::Arc;
use support::{curve, figure};

fn parsed(text: &str) -> Chemistry {
    parse_chemistry("built-in", text).unwrap_or_else(|e| panic!("{e}"))
}
fn nmc() -> Runaway {
    parsed(built_in("nmc-94").expect("built in")).runaway.expect("a law")
}
fn lfp() -> (Runaway, Thermal) {
    let chemistry = parsed(built_in("lfp-280").expect("built in"));
    (chemistry.runaway.expect("a law"), chemistry.thermal.expect("heat"))
}

/// A cell that starts at `start_degc` under a heater of `heater_k_per_s`, switched off at 1 K/s of
/// self-heating, and without any loss: temperature at 1 K/s and at the end, in degC.
fn run_away(law: &Runaway, start_degc: f64, heater_k_per_s: f64, span_s: f64) -> (f64, f64) {
    const C: f64 = 1000.0;
    let (mut cell, mut temperature_degc, mut runaway_degc) = (Reaction::FRESH, start_degc, None);
    while cell.left > 1e-6 {
        let heater_w = if runaway_degc.is_none() { heater_k_per_s * C } else { 0.0 };
        let advanced = cell.advance(law, C, temperature_degc, heater_w, span_s);
        if advanced.peak_rate_k_per_s >= RUNAWAY_K_PER_S {
            runaway_degc.get_or_insert(temperature_degc);
        }
        temperature_degc = advanced.temperature_degc;
    }
    (runaway_degc.expect("it ran away"), temperature_degc)
}

/// Temperature in degC at which a fresh cell, integrated for a minute, gains 0.02 K.
fn onset_degc(law: &Runaway) -> f64 {
    (800..3000)
        .map(|tenths| f64::from(tenths) / 10.0)
        .find(|&degc| {
            let mut cell = Reaction::FRESH;
            let gained = cell.advance(law, 1000.0, degc, 0.0, 60.0);
            gained.temperature_degc - degc >= 60.0 * ONSET_K_PER_S
        })
        .expect("it heats itself")
}

#[test]
fn onset_runaway_and_peak_are_those_of_the_published_sets() {
    // In degC: onset; 1 K/s and peak where heated from outside; the same from the onset on without.
    let lfp_bars = ["117..127", "236..246", "536..546", "248..258", "417..427"];
    let nmc_bars = ["98..108", "208..218", "855..865", "212..222", "748..758"];
    for (name, law, bars) in [("lfp", lfp().0, lfp_bars), ("nmc", nmc(), nmc_bars)] {
        let say = |what: &str, degc: f64, bar: &str| {
            figure(&format!("{name} {what}"), degc, "degC", &format!("{bar} degC"));
        };
        let onset = onset_degc(&law);
        say("onset at 0.02 K/min", onset, bars[0]);
        // 20 K/s: so fast that the reactant is fresh when the reaction takes over.
        let (runaway_degc, peak_degc) = run_away(&law, 25.0, 20.0, 0.01);
        say("1 K/s, heated", runaway_degc, bars[1]);
        say("peak, heated", peak_degc, bars[2]);
        let (runaway_degc, peak_degc) = run_away(&law, onset, 0.0, 1.0);
        say("1 K/s, adiabatic", runaway_degc, bars[3]);
        say("peak, adiabatic", peak_degc, bars[4]);
        let (slow_degc, slow_peak_degc) = run_away(&law, 25.0, 0.25, 1.0);
        figure(&format!("{name} 1 K/s, heated by 0.25 K/s"), slow_degc, "degC", "none");
        figure(&format!("{name} peak, heated by 0.25 K/s"), slow_peak_degc, "degC", "none");
    }
}

/// The picture of both laws: a cell heated by 0.25 K/s until it gains 1 K/s by itself.
#[test]
fn nmc_goes_earlier_and_far_hotter_than_lfp_under_the_same_heater() {
    const C: f64 = 1000.0;
    let mut cells = [lfp().0, nmc()].map(|law| (law, Reaction::FRESH, 25.0, false));
    let (mut rows, mut went_s, mut peaks_degc) = (vec![], [0u32; 2], [25.0f64; 2]);
    for second in 0..1000 {
        let degc: Vec<f64> = cells.iter().map(|cell| cell.2).collect();
        rows.push(vec![f64::from(second), degc[0], degc[1]]);
        for (i, (law, cell, degc, gone)) in cells.iter_mut().enumerate() {
            let heater_w = if *gone { 0.0 } else { 0.25 * C };
            let advanced = cell.advance(law, C, *degc, heater_w, 1.0);
            *degc = advanced.temperature_degc;
            peaks_degc[i] = peaks_degc[i].max(*degc);
            if !*gone && advanced.peak_rate_k_per_s >= RUNAWAY_K_PER_S {
                (*gone, went_s[i]) = (true, second);
            }
        }
    }
    curve("runaway", "t_s,lfp_degc,nmc_degc", rows);
    assert!(went_s[1] > 0 && went_s[1] < went_s[0], "{went_s:?}");
    assert!(peaks_degc[1] > peaks_degc[0] + 200.0, "{peaks_degc:?}");
}

/// Cells in a row on a plate, exchanging heat once a second as in the farm, unless told otherwise.
#[derive(Clone)]
struct Chain {
    law: Runaway,
    thermal: Thermal,
    plate_degc: f64,
    /// Time between two exchanges of heat.
    exchange_s: f64,
    cells: Vec<Reaction>,
    degc: Vec<f64>,
    peak_degc: Vec<f64>,
}

impl Chain {
    fn new(law: Runaway, thermal: Thermal, plate_degc: f64, length: usize) -> Self {
        let degc = vec![plate_degc; length];
        let peak_degc = degc.clone();
        let cells = vec![Reaction::FRESH; length];
        Self { law, thermal, plate_degc, exchange_s: 1.0, cells, degc, peak_degc }
    }

    /// Heat that conduction brings to `cell`, in watts.
    fn conduction_w(&self, cell: usize) -> f64 {
        let own = self.degc[cell];
        let to = |degc: Option<&f64>| degc.map_or(0.0, |degc| degc - own);
        let left = cell.checked_sub(1).and_then(|left| self.degc.get(left));
        self.thermal.neighbour_w_per_k * (to(left) + to(self.degc.get(cell + 1)))
            + self.thermal.plate_w_per_k * (self.plate_degc - own)
    }

    /// One exchange with `heater_w` into the cell `heated`: the fastest self-heating of each cell.
    fn step(&mut self, heated: usize, heater_w: f64) -> Vec<f64> {
        let mut net_w: Vec<f64> = (0..self.cells.len()).map(|c| self.conduction_w(c)).collect();
        net_w[heated] += heater_w;
        let c = self.thermal.heat_capacity_j_per_k;
        let mut rates = Vec::with_capacity(net_w.len());
        for (i, cell) in self.cells.iter_mut().enumerate() {
            let advanced = cell.advance(&self.law, c, self.degc[i], net_w[i], self.exchange_s);
            self.degc[i] = advanced.temperature_degc;
            self.peak_degc[i] = self.peak_degc[i].max(advanced.peak_degc);
            rates.push(advanced.peak_rate_k_per_s);
        }
        rates
    }

    /// Heats `first` until it runs away, then lets go: exchanges since then until each cell ran
    /// away, `None` for those that did not within `limit`.
    fn ignite(&mut self, first: usize, heater_w: f64, limit: u32) -> Vec<Option<u32>> {
        let is_runaway = |k_per_s: f64| k_per_s >= RUNAWAY_K_PER_S;
        while !is_runaway(self.step(first, heater_w)[first]) {}
        let mut times = vec![None; self.cells.len()];
        times[first] = Some(0);
        for exchange in 1..=limit {
            for (time, rate) in times.iter_mut().zip(self.step(first, 0.0)) {
                if is_runaway(rate) {
                    time.get_or_insert(exchange);
                }
            }
            if times.iter().all(Option::is_some) {
                break;
            }
        }
        times
    }
}

/// The module of Energies 2019, 12, 3099 (doi 10.3390/en12163099): 12 prismatic NMC cells of 37 Ah.
/// Its central cell was heated until it ran away, the fire went to both sides, and all 12 burnt in
/// about 43 min. Taken here as the time from the first runaway to the last.
const MODULE_CELLS: usize = 12;
const MODULE_S: f64 = 43.0 * 60.0;
/// Heater of the first cell \[E\]; the paper's power is not at hand.
const HEATER_W: f64 = 500.0;
/// Loss of a cell to the surroundings \[E\]: about 10 W/(m2 K) on the 0.013 m2 of its narrow sides.
const LOSS_W_PER_K: f64 = 0.1;

/// A 37 Ah cell, scaled by capacity from 94 Ah, 2.1 kg and 1000 J/(kg K): 827 J/K. To the surroundings
/// `loss_w_per_k`. Between neighbours: fitted.
fn module(neighbour_w_per_k: f64, loss_w_per_k: f64) -> Chain {
    let heat_capacity_j_per_k = 37.0 / 94.0 * 2.1 * 1000.0;
    let thermal = Thermal {
        heat_capacity_j_per_k,
        neighbour_w_per_k,
        plate_w_per_k: loss_w_per_k,
        case: None,
        rc_heat: HeatForm::Dissipated,
    };
    Chain::new(nmc(), thermal, 25.0, MODULE_CELLS)
}

/// How a module burns that starts at the cell `first`.
#[derive(Clone, Copy)]
struct Case {
    first: usize,
    loss_w_per_k: f64,
}

impl Case {
    fn times(self, neighbour_w_per_k: f64) -> Vec<Option<u32>> {
        module(neighbour_w_per_k, self.loss_w_per_k).ignite(self.first, HEATER_W, 20_000)
    }
    /// Seconds from the first cell to the last; infinite when one is spared.
    fn duration_s(self, neighbour_w_per_k: f64) -> f64 {
        let seconds = |time: Option<u32>| time.map_or(f64::INFINITY, f64::from);
        self.times(neighbour_w_per_k).into_iter().map(seconds).fold(0.0, f64::max)
    }
    /// The conductance in W/K with which the module takes as long as in the experiment.
    fn fitted_w_per_k(self) -> f64 {
        let (mut slow, mut fast) = (0.1, 20.0);
        assert!(self.duration_s(slow) > MODULE_S && self.duration_s(fast) < MODULE_S);
        for _ in 0..30 {
            let middle = 0.5 * (slow + fast);
            if self.duration_s(middle) > MODULE_S { slow = middle } else { fast = middle }
        }
        0.5 * (slow + fast)
    }
}

/// Times of all cells in their order of burning, and the steps between them, in seconds.
fn order_and_steps(times: &[Option<u32>]) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<f64> =
        times.iter().map(|time| f64::from(time.expect("all cells burn"))).collect();
    order.sort_by(f64::total_cmp);
    let steps = order.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (order, steps)
}

#[test]
fn one_fitted_conductance_burns_the_module_of_12_cells_in_43_minutes() {
    for (place, first) in [("from the middle", 5), ("from the end", 0)] {
        let case = Case { first, loss_w_per_k: LOSS_W_PER_K };
        let fitted = case.fitted_w_per_k();
        let (order, steps) = order_and_steps(&case.times(fitted));
        let mean_s = steps.iter().sum::<f64>() / steps.len() as f64;
        let name = format!("12S1P {place}");
        figure(&format!("{name}: fitted conductance"), fitted, "W/K", "none");
        figure(&format!("{name}: from cell to cell, mean"), mean_s, "s", "none");
        let minutes = order[MODULE_CELLS - 1] / 60.0;
        figure(&format!("{name}: all cells have gone after"), minutes, "min", "42.95..43.05 min");
    }
}

/// A wave through equal cells is steady; an end has one neighbour fewer to heat and goes sooner.
#[test]
fn the_fire_passes_from_cell_to_cell_at_a_steady_pace_and_the_last_cell_goes_sooner() {
    let case = Case { first: 0, loss_w_per_k: LOSS_W_PER_K };
    let times = case.times(case.fitted_w_per_k());
    assert!(times.is_sorted(), "in the order of place: {times:?}");
    let (_, steps) = order_and_steps(&times);
    let (last, inner) = steps.split_last().expect("eleven steps");
    let (shortest, longest) =
        inner.iter().fold((f64::INFINITY, 0.0f64), |(s, l), &step| (s.min(step), l.max(step)));
    figure("12S1P from the end: shortest inner step", shortest, "s", "none");
    figure("12S1P from the end: longest inner step", longest, "s", "none");
    figure("12S1P from the end: step to the last cell", *last, "s", "none");
    assert!(longest - shortest <= 0.05 * longest && *last < 0.9 * shortest);
}

#[test]
fn the_fitted_conductance_hardly_depends_on_the_loss_that_is_assumed() {
    let fitted = |loss_w_per_k| Case { first: 5, loss_w_per_k }.fitted_w_per_k();
    let assumed = fitted(LOSS_W_PER_K);
    for loss_w_per_k in [0.0, 0.5 * LOSS_W_PER_K, 2.0 * LOSS_W_PER_K] {
        let change_pct = 100.0 * (fitted(loss_w_per_k) / assumed - 1.0);
        let name = format!("12S1P fitted conductance with {loss_w_per_k} W/K lost, change");
        figure(&name, change_pct, "%", "-25..25 %");
    }
}

#[test]
fn the_neighbour_of_a_burning_lfp_cell_settles_far_below_its_onset_on_a_cooled_plate() {
    let (law, thermal) = lfp();
    let mut pair = Chain::new(law, thermal, 20.0, 2);
    for _ in 0..36_000 {
        pair.degc[0] = 534.0;
        pair.cells[0].left = 0.0;
        pair.step(1, 0.0);
    }
    let above_k = pair.degc[1] - 20.0;
    figure("lfp neighbour of 534 degC settles above its plate by", above_k, "K", "86..96 K");
    let left = pair.cells[1].left;
    assert!(left > 0.95, "after ten hours beside the fire: {left}");

    let insulated = Thermal { plate_w_per_k: 0.0, ..thermal };
    let mut pair = Chain::new(law, insulated, 25.0, 2);
    pair.degc[0] = 534.0;
    let k_per_min = 60.0 * pair.conduction_w(1) / thermal.heat_capacity_j_per_k;
    figure("lfp neighbour without a plate warms by", k_per_min, "K/min", "2.0..2.4 K/min");
}

#[test]
fn lfp_on_a_cooled_plate_burns_alone_where_nmc_without_cooling_burns_to_the_last_cell() {
    let (law, thermal) = lfp();
    let mut chain = Chain::new(law, thermal, 25.0, MODULE_CELLS);
    // 2 kW: the plate takes 0.4 kW from a cell near its runaway.
    let times = chain.ignite(0, 2000.0, 6 * 3600);
    let lost = chain.cells.iter().filter(|cell| cell.burnt).count();
    assert_eq!((lost, times.iter().flatten().count()), (1, 1));
    assert!(chain.peak_degc[0] > 450.0 && chain.peak_degc[1] < 110.0);
}

/// Nothing but time keeps heat from a neighbour here. No module is insulated like that: the plate
/// without flow still takes heat.
#[test]
fn a_chain_without_any_cooling_burns_to_the_last_cell_nmc_faster_than_lfp() {
    let (lfp, thermal) = lfp();
    let insulated = Thermal { plate_w_per_k: 0.0, ..thermal };
    let [nmc_h, lfp_h] = [nmc(), lfp].map(|law| {
        let times = Chain::new(law, insulated, 25.0, MODULE_CELLS).ignite(0, 2000.0, 48 * 3600);
        order_and_steps(&times).0[MODULE_CELLS - 1] / 3600.0
    });
    figure("12 cells of 280 Ah without cooling, nmc: all gone after", nmc_h, "h", "none");
    figure("12 cells of 280 Ah without cooling, lfp: all gone after", lfp_h, "h", "none");
    assert!(nmc_h < 0.5 * lfp_h);
}

#[test]
fn heat_exchanged_once_a_second_is_often_enough() {
    let duration_s = |exchange_s: f64| {
        let mut chain = Chain { exchange_s, ..module(1.0, LOSS_W_PER_K) };
        let times = chain.ignite(0, HEATER_W, 100_000);
        exchange_s * order_and_steps(&times).0[MODULE_CELLS - 1]
    };
    let change_pct = 100.0 * (duration_s(1.0) / duration_s(0.1) - 1.0);
    let name = "12S1P at 1 W/K: duration when heat moves at 1 Hz against 10 Hz, change";
    figure(name, change_pct, "%", "-0.5..0.5 %");
}

/// A module of the product: a rack at rest of 12 equal cells, at 0.1 s with heat once a second.
struct Module {
    model: RackModel<f32>,
    rack: Rack<f32>,
    plate: Plate,
    peak_degc: [f64; MODULE_CELLS],
}

impl Module {
    fn new(chemistry: Chemistry, conductance: f64) -> Self {
        let model = RackModel::new(&Arc::new(chemistry), 0.0, MODULE_CELLS, 0.1).ageing(0.0);
        let spread = SpreadSpec { capacity_sigma: 0.0, resistance_sigma: 0.0, soc_sigma: 0.0 };
        let start = RackStart {
            n_cells: MODULE_CELLS,
            soc: 1.0,
            temperature_degc: 25.0,
            spread: &spread,
            streams: Streams::new(0),
            index: 0,
        };
        let rack = Rack::new(&model, &start);
        let plate = Plate { conductance, ..Plate::at(25.0) };
        Self { model, rack, plate, peak_degc: [25.0; MODULE_CELLS] }
    }

    fn second(&mut self) {
        (0..10).for_each(|_| self.rack.step(&self.model, 0.0));
        let _ = self.rack.refresh(&self.model, &self.plate);
        for (cell, peak_degc) in self.peak_degc.iter_mut().enumerate() {
            *peak_degc = peak_degc.max(self.rack.cell(&self.model, cell).2);
        }
    }

    /// Heats `first` until it is burnt, then lets go: seconds since then until as many cells were
    /// burnt, one entry for each, within `limit` seconds.
    fn ignite(&mut self, first: usize, heater_w: f64, limit: u32) -> Vec<u32> {
        self.rack.harm(&self.model, first, Harm::Heater(heater_w));
        while self.rack.n_burnt() == 0 {
            self.second();
        }
        self.rack.harm(&self.model, first, Harm::Heater(0.0));
        let mut times = vec![0];
        for second in 1..=limit {
            self.second();
            times.resize(self.rack.n_burnt(), second);
        }
        times
    }
}

/// The module of the experiment in the product's terms, with `loss_w_per_k` where a plate would be.
fn nmc_37ah(neighbour_w_per_k: f64, loss_w_per_k: f64) -> Chemistry {
    let mut chemistry = parsed(built_in("nmc-94").expect("built in"));
    chemistry.capacity = Coulombs(37.0 * 3600.0);
    chemistry.thermal = Some(module(neighbour_w_per_k, loss_w_per_k).thermal);
    chemistry
}

#[test]
fn the_products_rack_burns_the_module_of_12_cells_in_43_minutes_too() {
    for (place, first) in [("from the middle", 5), ("from the end", 0)] {
        for (how, loss_w_per_k, conductance) in
            [("with the loss to the air", LOSS_W_PER_K, 1.0), ("without any loss", 0.0, 0.0)]
        {
            let case = Case { first, loss_w_per_k };
            let fitted = case.fitted_w_per_k();
            let chain_s = case.duration_s(fitted);
            // Without flow the conductance to the plate that a chemistry states does not count.
            let chemistry = nmc_37ah(fitted, loss_w_per_k.max(LOSS_W_PER_K));
            let mut module = Module::new(chemistry, conductance);
            let times = module.ignite(first, HEATER_W, 2 * MODULE_S as u32);
            assert_eq!(times.len(), MODULE_CELLS, "all burn: {times:?}");
            assert!(module.rack.is_open() && module.rack.n_vented() == MODULE_CELLS);
            let rack_s = f64::from(times[MODULE_CELLS - 1]);
            let name = format!("12S1P as a rack, {place}, {how}");
            figure(&format!("{name}: all burnt after"), rack_s / 60.0, "min", "38.7..47.3 min");
            let change_pct = 100.0 * (rack_s / chain_s - 1.0);
            figure(&format!("{name}: against the chain"), change_pct, "%", "-3..3 %");
        }
    }
}

#[test]
fn a_module_of_lfp_on_its_cooled_plate_does_not_pass_the_fire_on() {
    let chemistry = parsed(built_in("lfp-280").expect("built in"));
    let mut module = Module::new(chemistry, 1.0);
    let times = module.ignite(0, 2000.0, 6 * 3600);
    figure("module of lfp on its plate: cells burnt", times.len() as f64, "cells", "1..1 cells");
    let next_degc = module.peak_degc[1..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    figure("module of lfp on its plate: hottest other", next_degc, "degC", "<= 110 degC");
    assert_eq!(module.rack.n_vented(), 1);
}
