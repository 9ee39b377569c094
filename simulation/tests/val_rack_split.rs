//! Racks in parallel at the product's tick against the same racks at a tick of a millisecond.
//!
//! Twelve racks of 24 cells that differ in capacity (1 %), resistance (10 %) and state of charge (2 %)
//! share a power that steps, ramps and reverses over ten minutes. At 0.1 s they are the farm's, in
//! single precision; at 1 ms they are in double precision. Compared is every 0.1 s: the current of
//! each rack and the voltage of the bus.

mod support;

use bess_core::chemistry::{Chemistry, built_in, parse_chemistry};
use bess_core::math;
use bess_core::rng::{Domain, Streams};
use bess_core::spec::SpreadSpec;
use bess_simulation::physics::rack::{Plate, Rack, RackModel, RackStart};
use bess_simulation::physics::real::Real;
use bess_simulation::physics::split::{Bus, BusPoint, Source};
use std::sync::Arc;
use support::{direction, figure};

const RACKS: usize = 12;
const CELLS: usize = 24;
const SECONDS: usize = 600;
const TICK_S: f64 = 0.1;
const FINE_S: f64 = 0.001;
/// Busbars, fuses and contactors of a rack \[E\].
const WIRING_OHM: f64 = 3e-4;
const SEED: u64 = 12;

/// Racks on one bus, stepped together.
struct Parallel<R> {
    /// One for each: its cells' mean capacity and resistance are its own.
    models: Vec<RackModel<R>>,
    racks: Vec<Rack<R>>,
    ticks_per_s: usize,
    tick: usize,
}

/// What the bus and each rack carried over a tick.
struct Shared {
    voltage_v: f64,
    currents_a: Vec<f64>,
}

impl<R: Real> Parallel<R> {
    fn new(chemistry: &Chemistry, tick_s: f64) -> Self {
        let cells = SpreadSpec { capacity_sigma: 0.01, resistance_sigma: 0.1, soc_sigma: 0.005 };
        let mut between = Streams::new(SEED).stream(Domain::Profile, 1);
        let (mut models, mut racks) = (vec![], vec![]);
        for idx in 0..RACKS {
            let own = scaled(
                chemistry,
                1.0 + between.normal_within_3_sigma(0.01),
                1.0 + between.normal_within_3_sigma(0.1),
            );
            let soc = 0.5 + between.normal_within_3_sigma(0.02);
            let model = RackModel::new(&Arc::new(own), WIRING_OHM, 12, tick_s).ageing(0.0);
            let start = RackStart {
                n_cells: CELLS,
                soc,
                temperature_degc: 25.0,
                spread: &cells,
                streams: Streams::new(SEED),
                index: idx as u64,
            };
            racks.push(Rack::new(&model, &start));
            models.push(model);
        }
        Self { models, racks, ticks_per_s: (1.0 / tick_s).round() as usize, tick: 0 }
    }

    /// One tick as the farm steps a unit.
    fn split(&self, power_w: f64) -> (Vec<Source>, BusPoint) {
        let racks = self.racks.iter().zip(&self.models);
        let sources: Vec<_> =
            racks.map(|(rack, model)| rack.source(model, direction(power_w))).collect();
        let bus = Bus::of(sources.iter().copied()).expect("closed racks");
        (sources, bus.at_power(power_w))
    }

    fn step(&mut self, power_w: f64) -> Shared {
        let (mut sources, mut point) = self.split(power_w);
        // As a farm does: resistances follow a changed current, then the power is split again.
        let mut changed = false;
        for ((rack, model), source) in self.racks.iter_mut().zip(&self.models).zip(&sources) {
            let current_a = source.current_a(point.voltage_v);
            if rack.wants_to_prepare(model, current_a) {
                rack.prepare(model, current_a);
                changed = true;
            }
        }
        if changed {
            (sources, point) = self.split(power_w);
        }
        assert!(!point.beyond_matched_load, "the profile is within what the racks give");
        self.tick += 1;
        let mut currents_a = Vec::with_capacity(RACKS);
        for (idx, (rack, model)) in self.racks.iter_mut().zip(&self.models).enumerate() {
            let current_a = sources[idx].current_a(point.voltage_v);
            rack.step(model, current_a);
            currents_a.push(current_a);
            // Racks take turns within the second.
            let turn = idx * self.ticks_per_s / RACKS;
            if self.tick % self.ticks_per_s == turn {
                let _ = rack.refresh(model, &Plate::at(25.0));
            }
        }
        Shared { voltage_v: point.voltage_v, currents_a }
    }
}

fn scaled(chemistry: &Chemistry, capacity: f64, resistance: f64) -> Chemistry {
    let mut own = chemistry.clone();
    own.capacity.0 *= capacity;
    own.r0.value = own.r0.value.map_values(|ohm| ohm * resistance);
    for pair in &mut own.rc {
        pair.resistance.value = pair.resistance.value.map_values(|ohm| ohm * resistance);
    }
    own
}

/// Power at `time_s` for racks of `rated_w` together: steps every half minute to drawn levels, a sine
/// over them, and a full reversal in the middle.
fn power_w(levels: &[f64], time_s: f64, rated_w: f64) -> f64 {
    let step = (time_s / 30.0) as usize;
    let level = match step {
        9 => 1.0,
        10 => -1.0,
        _ => levels[step.min(levels.len() - 1)],
    };
    rated_w * (0.9 * level + 0.1 * math::sin(std::f64::consts::TAU * time_s / 7.0))
}

/// Largest differences between both ticks, and what flowed.
#[derive(Default)]
struct Worst {
    current_ma: f64,
    voltage_mv: f64,
    largest_a: f64,
    /// Between two racks at one time.
    apart_a: f64,
}

impl Worst {
    fn see(&mut self, product: &Shared, exact: &Shared) {
        let off_mv = 1e3 * (product.voltage_v - exact.voltage_v).abs();
        self.voltage_mv = self.voltage_mv.max(off_mv);
        let (mut low_a, mut high_a) = (f64::INFINITY, f64::NEG_INFINITY);
        for (a, b) in product.currents_a.iter().zip(&exact.currents_a) {
            self.current_ma = self.current_ma.max(1e3 * (a - b).abs());
            (low_a, high_a) = (low_a.min(*b), high_a.max(*b));
        }
        self.largest_a = self.largest_a.max(high_a.max(-low_a));
        self.apart_a = self.apart_a.max(high_a - low_a);
    }
}

/// Ten minutes of 0.5C: the largest differences in the first `closing_s` and after them.
fn ten_minutes(chemistry: &Chemistry, closing_s: f64) -> [Worst; 2] {
    let mut stream = Streams::new(SEED).stream(Domain::Profile, 0);
    let levels: Vec<f64> = (0..SECONDS / 30).map(|_| 2.0 * stream.uniform() - 1.0).collect();
    let cell_wh = chemistry.capacity.amp_hours() * chemistry.nominal_voltage.0;
    let rated_w = 0.5 * cell_wh * (RACKS * CELLS) as f64;
    let mut product = Parallel::<f32>::new(chemistry, TICK_S);
    let mut fine = Parallel::<f64>::new(chemistry, FINE_S);
    let mut worst = [Worst::default(), Worst::default()];
    for tick in 0..SECONDS * 10 {
        let time_s = tick as f64 * TICK_S;
        let power_w = power_w(&levels, time_s, rated_w);
        let coarse = product.step(power_w);
        let mut exact = fine.step(power_w);
        for _ in 1..100 {
            exact = fine.step(power_w);
        }
        worst[usize::from(time_s >= closing_s)].see(&coarse, &exact);
    }
    worst
}

fn built_in_chemistry(name: &str) -> Chemistry {
    let text = built_in(name).expect("a built-in chemistry");
    parse_chemistry(name, text).unwrap_or_else(|e| panic!("{e}"))
}
fn say(name: &str, worst: &Worst, [current, voltage]: [&str; 2]) {
    figure(&format!("{name}: current of a rack, worst"), worst.current_ma, "mA", current);
    figure(&format!("{name}: bus voltage, worst"), worst.voltage_mv, "mV", voltage);
    figure(&format!("{name}: largest current of a rack"), worst.largest_a, "A", "none");
    // Else there would be little to share.
    figure(&format!("{name}: racks apart by at most"), worst.apart_a, "A", ">= 10 A");
}

#[test]
fn racks_share_a_power_at_a_tenth_of_a_second_as_they_do_at_a_millisecond() {
    let [_, whole] = ten_minutes(&built_in_chemistry("lfp-314"), 0.0);
    say("12 racks of lfp-314", &whole, ["<= 20 mA", "<= 0.2 mV"]);
}

/// The open-circuit voltage of NMC is steep: 2 % of charge apart when the contactors close, the racks
/// exchange currents near 1C that fall by 10 A a second. A current that is held over a tick lags what
/// moves that fast by half a tick, which the fast pair (10 s) remembers. The bars hold from ten of its
/// time constants on; before, the lag is reported.
#[test]
fn racks_with_a_steep_voltage_share_as_well_once_they_have_met() {
    let [closing, settled] = ten_minutes(&built_in_chemistry("nmc-94"), 100.0);
    say("12 racks of nmc-94, closing", &closing, ["none", "<= 0.2 mV"]);
    say("12 racks of nmc-94, after 100 s", &settled, ["<= 20 mA", "<= 0.2 mV"]);
}
