//! Counts the cycles of a rack's state of charge while they happen: three-point rainflow.
//!
//! The rule is that of ASTM E1049-85, 5.4.4, applied at every turning point: a range that the next
//! one covers is a full cycle and leaves the record, or a half cycle when it holds the first point.
//! A reversal smaller than the dead band is noise and no turning point, so that the noise of a 10 Hz
//! signal makes no micro-cycles; a slow path gives the same cycles at any sampling whose grid holds
//! its turning points.
//!
//! Nothing is lost. Every cycle carries its share of the charge that flowed, noise included: what
//! passes below the dead band ages the cell as throughput of the cycle around it, at that cycle's
//! depth, once that cycle closes. The record has room for [`CAPACITY`] ranges; when a path keeps
//! shrinking beyond that, the oldest range is counted as a half cycle, so only its pairing is lost.
//!
//! It runs once per rack and tick and does not allocate. It knows no temperature and no ageing law.

use crate::persist::{Fields, Misfit, Persist, Writer, leaf, same_length};
use bess_core::units::SECONDS_PER_HOUR;
use ciborium::Value;

/// Ranges that are kept open at a time, largest first. Engineering choice: paths of grid storage keep under ten.
pub const CAPACITY: usize = 32;
/// Dead band for the state of charge, engineering choice: well above the noise of a tick, well
/// below the 2 to 5 % swings of frequency regulation.
pub const DEAD_BAND: f64 = 0.005;

/// A cycle, or half of one, that has closed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cycle {
    /// Swing of the state of charge, > 0, at most 1.
    pub depth: f64,
    /// State of charge in the middle of the swing.
    pub mean_soc: f64,
    /// 1 for a full cycle, 0.5 for a half one.
    pub weight: f64,
    /// Mean current as a multiple of the capacity per hour, weighted by charge: rests do not count.
    pub mean_c_rate: f64,
    /// Charge that flowed, as a multiple of twice the nominal capacity. Of a clean swing it is
    /// `weight * depth`; noise and a capacity other than nominal make the difference.
    pub full_equivalents: f64,
}
leaf!(Cycle);

/// Charge over nominal capacity and its product with the current, both summed over ticks.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Flow {
    charge: f64,
    charge_times_rate_per_s: f64,
}
leaf!(Flow);

impl Flow {
    fn add(&mut self, other: Self) {
        self.charge += other.charge;
        self.charge_times_rate_per_s += other.charge_times_rate_per_s;
    }
    fn share(self, part: f64) -> Self {
        Self {
            charge: self.charge * part,
            charge_times_rate_per_s: self.charge_times_rate_per_s * part,
        }
    }
    fn cycle(self, from: f64, to: f64, weight: f64) -> Cycle {
        let rate_per_s =
            if self.charge > 0.0 { self.charge_times_rate_per_s / self.charge } else { 0.0 };
        Cycle {
            depth: (to - from).abs(),
            mean_soc: 0.5 * (from + to),
            weight,
            mean_c_rate: rate_per_s * SECONDS_PER_HOUR,
            full_equivalents: 0.5 * self.charge,
        }
    }
}

/// The range from a turning point to the next one.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    from: f64,
    flow: Flow,
}

/// Which way the path goes since the last turning point.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Direction {
    /// Nothing was pushed yet.
    Empty,
    /// Never further from the start than the dead band.
    Unknown,
    Up,
    Down,
}
leaf!(Direction);

/// The counter of one rack.
#[derive(Clone, Debug)]
pub struct Rainflow {
    dead_band: f64,
    direction: Direction,
    /// Furthest point since the last turning point: the next one if the path turns.
    extreme: f64,
    /// What flowed up to the extreme, and since.
    to_extreme: Flow,
    since_extreme: Flow,
    /// Ranges between turning points, oldest first; the last turning point is `turn`.
    ranges: [Range; CAPACITY],
    len: usize,
    turn: f64,
}

/// The ranges as columns, as many as there are.
impl Persist for Rainflow {
    fn save(&self, out: &mut Writer) {
        let open = || self.ranges[..self.len].iter();
        let column = |of: fn(&Range) -> f64| open().map(of).collect::<Vec<f64>>();
        out.map(8);
        for (name, column) in [
            ("from", column(|range| range.from)),
            ("charge", column(|range| range.flow.charge)),
            ("charge_times_rate_per_s", column(|range| range.flow.charge_times_rate_per_s)),
        ] {
            out.text(name);
            column.save(out);
        }
        out.text("direction");
        self.direction.save(out);
        out.text("extreme");
        self.extreme.save(out);
        out.text("turn");
        self.turn.save(out);
        out.text("to_extreme");
        self.to_extreme.save(out);
        out.text("since_extreme");
        self.since_extreme.save(out);
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        let fields = Fields::of(from)?;
        let mut columns = [const { Vec::<f64>::new() }; 3];
        let names = ["from", "charge", "charge_times_rate_per_s"];
        for (column, name) in columns.iter_mut().zip(names) {
            fields.load(name, |from| column.load(from))?;
        }
        let [from, charge, rate] = columns;
        same_length(from.len(), charge.len()).and(same_length(from.len(), rate.len()))?;
        if from.len() > CAPACITY {
            return Err(Misfit::here(format!("{} ranges are more than {CAPACITY}", from.len())));
        }
        self.len = from.len();
        for (idx, range) in self.ranges[..self.len].iter_mut().enumerate() {
            let flow = Flow { charge: charge[idx], charge_times_rate_per_s: rate[idx] };
            *range = Range { from: from[idx], flow };
        }
        fields.load("direction", |from| self.direction.load(from))?;
        fields.load("extreme", |from| self.extreme.load(from))?;
        fields.load("turn", |from| self.turn.load(from))?;
        fields.load("to_extreme", |from| self.to_extreme.load(from))?;
        fields.load("since_extreme", |from| self.since_extreme.load(from))
    }
}

impl Rainflow {
    /// A counter for which a reversal of less than `dead_band` (> 0, fraction of SoC) is noise.
    pub fn new(dead_band: f64) -> Self {
        Self {
            dead_band,
            direction: Direction::Empty,
            extreme: 0.0,
            to_extreme: Flow::default(),
            since_extreme: Flow::default(),
            ranges: [Range::default(); CAPACITY],
            len: 0,
            turn: 0.0,
        }
    }

    /// Follows the path to `soc`, reached after a tick of `tick_s` (> 0) in which `charge` (>= 0)
    /// flowed in either direction as a fraction of the nominal capacity. Each cycle that closes goes
    /// to `on_cycle`.
    pub fn push(&mut self, soc: f64, charge: f64, tick_s: f64, on_cycle: impl FnMut(Cycle)) {
        self.since_extreme
            .add(Flow { charge, charge_times_rate_per_s: charge * (charge / tick_s) });
        let further = match self.direction {
            Direction::Empty => {
                self.turn = soc;
                self.extreme = soc;
                self.direction = Direction::Unknown;
                return;
            }
            Direction::Unknown => {
                if (soc - self.turn).abs() < self.dead_band {
                    return;
                }
                self.direction = if soc > self.turn { Direction::Up } else { Direction::Down };
                true
            }
            Direction::Up => soc >= self.extreme,
            Direction::Down => soc <= self.extreme,
        };
        if further {
            self.advance(soc);
        } else if (soc - self.extreme).abs() >= self.dead_band {
            self.turn_around(on_cycle);
            self.advance(soc);
            self.direction =
                if self.direction == Direction::Up { Direction::Down } else { Direction::Up };
        }
    }

    /// What has not closed yet, the present swing included, as cycles (nearly always half ones):
    /// for reports at the end of a run. The counter goes on as if nobody had asked.
    pub fn residue(&self) -> Vec<Cycle> {
        let mut open = self.clone();
        let mut cycles = Vec::new();
        if open.direction == Direction::Empty {
            return cycles;
        }
        open.turn_around(|cycle| cycles.push(cycle));
        open.ranges[open.len - 1].flow.add(open.since_extreme);
        for index in 0..open.len {
            let Range { from, flow } = open.ranges[index];
            cycles.push(flow.cycle(from, open.end_of(index), 0.5));
        }
        cycles.retain(|cycle| cycle.depth > 0.0 || cycle.full_equivalents > 0.0);
        cycles
    }

    /// Feeds every bit of the state to `sink`.
    pub fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let mut number = |value: f64| sink(&value.to_le_bytes());
        number(self.extreme);
        number(self.turn);
        let open = self.ranges[..self.len].iter();
        for flow in
            [self.to_extreme, self.since_extreme].into_iter().chain(open.clone().map(|r| r.flow))
        {
            number(flow.charge);
            number(flow.charge_times_rate_per_s);
        }
        open.for_each(|range| number(range.from));
        sink(&[self.direction as u8, self.len as u8]);
    }

    fn advance(&mut self, soc: f64) {
        self.extreme = soc;
        let flow = std::mem::take(&mut self.since_extreme);
        self.to_extreme.add(flow);
    }

    /// The extreme is a turning point: a range ends there, and what it covers closes.
    fn turn_around(&mut self, mut on_cycle: impl FnMut(Cycle)) {
        if self.len == CAPACITY {
            on_cycle(self.ranges[0].flow.cycle(self.ranges[0].from, self.ranges[1].from, 0.5));
            self.drop_first();
        }
        let flow = std::mem::take(&mut self.to_extreme);
        self.ranges[self.len] = Range { from: self.turn, flow };
        self.len += 1;
        self.turn = self.extreme;
        while self.len >= 2 {
            let (last, before) = (self.ranges[self.len - 1], self.ranges[self.len - 2]);
            let (newest, covered) =
                ((self.turn - last.from).abs(), (last.from - before.from).abs());
            if newest < covered {
                break;
            }
            if self.len == 2 {
                on_cycle(before.flow.cycle(before.from, last.from, 0.5));
                self.drop_first();
                break;
            }
            // The way back of the covered range is the first part of the newest one.
            let back = last.flow.share(covered / newest);
            let mut both = before.flow;
            both.add(back);
            on_cycle(both.cycle(before.from, last.from, 1.0));
            self.len -= 2;
            let rest = last.flow.share(1.0 - covered / newest);
            self.ranges[self.len - 1].flow.add(rest);
        }
    }

    fn drop_first(&mut self) {
        self.ranges.copy_within(1..self.len, 0);
        self.len -= 1;
    }
    fn end_of(&self, index: usize) -> f64 {
        if index + 1 < self.len { self.ranges[index + 1].from } else { self.turn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Follows `points` in straight lines at 1C, each sampled every `step` of SoC.
    fn follow(counter: &mut Rainflow, points: &[f64], step: f64) -> Vec<Cycle> {
        let mut cycles = Vec::new();
        counter.push(points[0], 0.0, 1.0, |cycle| cycles.push(cycle));
        for pair in points.windows(2) {
            let swing = pair[1] - pair[0];
            let samples = (swing.abs() / step).round().max(1.0);
            for index in 1..=samples as u32 {
                let soc = pair[0] + swing * (f64::from(index) / samples);
                let charge = swing.abs() / samples;
                counter.push(soc, charge, (charge * 3600.0).max(1e-3), |cycle| cycles.push(cycle));
            }
        }
        cycles
    }
    fn kinds(cycles: &[Cycle], scale: f64) -> Vec<(f64, f64)> {
        cycles.iter().map(|c| ((c.depth * scale).round(), c.weight)).collect()
    }
    fn throughput(cycles: &[Cycle]) -> f64 {
        cycles.iter().map(|c| c.full_equivalents).sum()
    }

    #[test]
    fn the_worked_example_of_the_standard_gives_its_table() {
        // ASTM E1049-85, figure 6: peaks and valleys of a load between -5 and 5.
        let load = [-2.0, 1.0, -3.0, 5.0, -1.0, 3.0, -4.0, 4.0, -2.0];
        let path: Vec<f64> = load.map(|x| 0.5 + x / 10.0).to_vec();
        let mut counter = Rainflow::new(DEAD_BAND);
        let closed = follow(&mut counter, &path, 0.1);
        assert_eq!(kinds(&closed, 10.0), [(3.0, 0.5), (4.0, 0.5), (4.0, 1.0), (8.0, 0.5)]);
        assert_eq!(kinds(&counter.residue(), 10.0), [(9.0, 0.5), (8.0, 0.5), (6.0, 0.5)]);
        assert!((closed[2].mean_soc - 0.6).abs() < 1e-12, "from -1 to 3: {closed:?}");
        assert!(closed.iter().all(|c| (c.mean_c_rate - 1.0).abs() < 1e-9), "{closed:?}");
    }

    #[test]
    fn a_clean_cycle_counts_as_its_depth_of_full_equivalents() {
        let mut counter = Rainflow::new(DEAD_BAND);
        let closed = follow(&mut counter, &[0.1, 0.9, 0.3, 0.6, 0.1, 0.9], 0.01);
        assert!(closed.len() >= 2);
        for cycle in closed {
            let clean = cycle.weight * cycle.depth;
            assert!((cycle.full_equivalents - clean).abs() < 1e-12, "{cycle:?}");
        }
    }

    #[test]
    fn noise_below_the_dead_band_makes_no_cycle_but_its_charge_is_counted() {
        let mut counter = Rainflow::new(DEAD_BAND);
        let mut closed = Vec::new();
        let mut noise = 0.0;
        let mut charge = 0.0;
        // A day from 20 % to 80 % and back at 10 Hz, with 0.4 % of noise from peak to peak.
        for tick in 0..864_000 {
            let along = f64::from(tick) / 432_000.0;
            let next = if tick % 2 == 0 { 0.002 } else { -0.002 };
            let step = 0.6 / 432_000.0 + (f64::abs(next - noise));
            noise = next;
            charge += step;
            let slow = if along <= 1.0 { 0.2 + 0.6 * along } else { 1.4 - 0.6 * along };
            counter.push(slow + noise, step, 0.1, |cycle| closed.push(cycle));
        }
        assert!(closed.is_empty(), "{closed:?}");
        let open = counter.residue();
        assert_eq!(open.len(), 2, "{open:?}");
        assert!(open.iter().all(|c| (c.depth - 0.6).abs() < 0.005), "{open:?}");
        assert!((throughput(&open) / (0.5 * charge) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn rests_do_not_lower_the_c_rate() {
        let mut counter = Rainflow::new(DEAD_BAND);
        let mut closed = Vec::new();
        for (soc, charge, seconds) in [
            (0.2, 0.0, 1.0),
            (0.7, 0.5, 3600.0),
            (0.7, 0.0, 36_000.0),
            (0.2, 0.5, 3600.0),
            (0.8, 0.6, 3600.0),
        ] {
            counter.push(soc, charge, seconds, |cycle| closed.push(cycle));
        }
        closed.extend(counter.residue());
        assert!((closed[0].mean_c_rate - 0.5).abs() < 1e-12, "{closed:?}");
    }

    #[test]
    fn a_path_that_shrinks_without_end_counts_its_oldest_ranges_as_halves() {
        let mut counter = Rainflow::new(DEAD_BAND);
        let path: Vec<f64> = (0..80)
            .map(|i| 0.5 + (0.49 - 0.005 * f64::from(i)) * if i % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let closed = follow(&mut counter, &path, 1.0);
        assert_eq!(closed.len(), 79 - 1 - CAPACITY, "all but the last are turning points");
        assert!(closed.iter().all(|cycle| cycle.weight == 0.5));
        let travelled: f64 = path.windows(2).map(|p| (p[1] - p[0]).abs()).sum();
        let counted = throughput(&closed) + throughput(&counter.residue());
        assert!((2.0 * counted - travelled).abs() < 1e-9, "{counted} {travelled}");
    }

    #[test]
    fn asking_for_the_residue_changes_nothing_and_a_new_counter_has_none() {
        let mut counter = Rainflow::new(DEAD_BAND);
        assert!(counter.residue().is_empty());
        let _ = follow(&mut counter, &[0.5, 0.9, 0.2, 0.4], 0.01);
        let state = |counter: &Rainflow| {
            let mut bytes = Vec::new();
            counter.hash_into(&mut |part| bytes.extend_from_slice(part));
            bytes
        };
        let before = state(&counter);
        assert_eq!(counter.residue(), counter.residue());
        assert_eq!(state(&counter), before);
        counter.push(0.41, 0.01, 60.0, |_| ());
        assert_ne!(state(&counter), before);
    }

    proptest! {
        // Turning points on a grid of 1 %, sampled every 1 %, every 0.02 % and only at the turns.
        #[test]
        fn cycles_do_not_depend_on_the_sampling_and_no_charge_is_lost(
            grid in prop::collection::vec(0u8..=100, 2..60),
        ) {
            let path: Vec<f64> = grid.iter().map(|&x| f64::from(x) / 100.0).collect();
            let count = |step| {
                let mut counter = Rainflow::new(DEAD_BAND);
                let mut all = follow(&mut counter, &path, step);
                all.extend(counter.residue());
                all
            };
            let coarse = count(2.0);
            let travelled: f64 = path.windows(2).map(|p| (p[1] - p[0]).abs()).sum();
            prop_assert!((2.0 * throughput(&coarse) - travelled).abs() < 1e-9);
            let swings: f64 = coarse.iter().map(|c| 2.0 * c.weight * c.depth).sum();
            prop_assert!((swings - travelled).abs() < 1e-9);
            for step in [0.01, 0.0002] {
                let fine = count(step);
                prop_assert_eq!(fine.len(), coarse.len());
                for (a, b) in fine.iter().zip(&coarse) {
                    prop_assert_eq!(a.weight, b.weight);
                    for (a, b) in [
                        (a.depth, b.depth),
                        (a.mean_soc, b.mean_soc),
                        (a.mean_c_rate, b.mean_c_rate),
                        (a.full_equivalents, b.full_equivalents),
                    ] {
                        prop_assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{} {}", a, b);
                    }
                }
            }
        }
    }
}
