//! Ten years of duty against worked examples of the published laws.
//!
//! The examples state temperature, state of charge, cycles a day and depth; what they leave open is
//! closed here, and what another choice would have given is printed beside it. One year is 365 days.

mod support;

use bess_core::chemistry::{AgeingLaw, Chemistry, Table, built_in, parse_chemistry};
use bess_core::math::pow;
use bess_simulation::physics::ageing::{CellAgeing, RackStress};
use bess_simulation::physics::rainflow::{Cycle, DEAD_BAND, Rainflow};
use support::{curve, figure};

const DAY_S: f64 = 86_400.0;
const DAYS: u32 = 3650;
/// Simulated time between two updates of the ageing.
const UPDATE_S: f64 = 300.0;
const NAUMANN: &str = include_str!("data/naumann-ageing.toml");

fn chemistry(ageing: Option<&str>) -> Chemistry {
    let lfp = built_in("lfp-280").expect("a built-in");
    let cell = lfp.split("[ageing]").next().expect("a first part");
    let text = ageing.map_or_else(|| lfp.to_owned(), |ageing| format!("{cell}{ageing}"));
    parse_chemistry("t.toml", &text).unwrap_or_else(|e| panic!("{e}"))
}
fn nmc() -> Chemistry {
    let ocv = Table::new(vec![0.0, 1.0], vec![], vec![], vec![3.3, 4.15]).expect("a table");
    Chemistry { ocv, ..built_in_nmc() }
}
fn built_in_nmc() -> Chemistry {
    let nmc = built_in("nmc-94").expect("a built-in");
    parse_chemistry("nmc-94", nmc).unwrap_or_else(|e| panic!("{e}"))
}
fn law(chemistry: &Chemistry) -> &AgeingLaw {
    chemistry.ageing.as_ref().expect("a law")
}
fn cycle(depth: f64, mean_c_rate: f64, full_equivalents: f64) -> Cycle {
    Cycle { depth, mean_soc: 0.5, weight: 1.0, mean_c_rate, full_equivalents }
}

/// A day of one cycle between 10 and 90 %: a ramp up, a rest, a ramp down and a rest, where both
/// rests together take `rest` of the day.
#[derive(Clone, Copy)]
struct Duty {
    degc: f64,
    rest: f64,
}

impl Duty {
    const DEPTH: f64 = 0.8;

    fn soc(&self, time_s: f64) -> f64 {
        let ramp = 0.5 * (1.0 - self.rest);
        let phase = (time_s / DAY_S).fract();
        let up = (phase / ramp).min(1.0);
        let down = ((phase - 0.5) / ramp).clamp(0.0, 1.0);
        0.1 + Self::DEPTH * (up - down)
    }
    /// C-rate while current flows, and as the mean over the day with its rests.
    fn c_rates(&self) -> (f64, f64) {
        let over_the_day = 2.0 * Self::DEPTH / 24.0;
        (over_the_day / (1.0 - self.rest), over_the_day)
    }
    /// `days` of it, each cycle given at `c_rate`.
    fn worked(&self, chemistry: &Chemistry, days: u32, c_rate: f64) -> CellAgeing {
        let mut cell = CellAgeing::default();
        let updates = (DAY_S / UPDATE_S) as u32;
        for _ in 0..days {
            self.a_day(&mut cell, chemistry, updates, c_rate);
        }
        cell
    }
    /// A day of it in `updates` steps; its cycle closes in the first.
    fn a_day(&self, cell: &mut CellAgeing, chemistry: &Chemistry, updates: u32, c_rate: f64) {
        let closed = [cycle(Self::DEPTH, c_rate, Self::DEPTH)];
        for update in 0..updates {
            let soc = self.soc((f64::from(update) + 0.5) * UPDATE_S);
            let closed = if update == 0 { &closed[..] } else { &[] };
            let stress =
                RackStress::new(law(chemistry), &chemistry.ocv, soc, UPDATE_S, closed, 1.0);
            cell.age(&stress, self.degc);
        }
    }
    /// `days` of it through the counter, sampled every `tick_s`, as the simulator does it.
    fn counted(&self, chemistry: &Chemistry, days: u32, tick_s: f64) -> CellAgeing {
        let mut cell = CellAgeing::default();
        let mut counter = Rainflow::new(DEAD_BAND);
        let mut closed: Vec<Cycle> = Vec::new();
        let per_update = (UPDATE_S / tick_s).round() as u64;
        let ticks = (f64::from(days) * DAY_S / tick_s).round() as u64;
        let mut before = self.soc(0.0);
        counter.push(before, 0.0, tick_s, |cycle| closed.push(cycle));
        for tick in 1..=ticks {
            let soc = self.soc(tick as f64 * tick_s);
            counter.push(soc, (soc - before).abs(), tick_s, |cycle| closed.push(cycle));
            before = soc;
            if tick % per_update == 0 {
                let stress =
                    RackStress::new(law(chemistry), &chemistry.ocv, soc, UPDATE_S, &closed, 1.0);
                cell.age(&stress, self.degc);
                closed.clear();
            }
        }
        let open = counter.residue();
        let stress = RackStress::new(law(chemistry), &chemistry.ocv, before, 0.0, &open, 1.0);
        cell.age(&stress, self.degc);
        cell
    }
}

#[test]
fn naumanns_cell_loses_what_the_worked_example_says_when_its_c_rate_is_a_tenth() {
    // 25 degC, 50 % SoC, 0.8 full equivalents a day in cycles of 80 %. The example leaves the C-rate
    // open; 6.3 % needs 0.09C to 0.117C, and 0.1C is the round figure within.
    let chemistry = chemistry(Some(NAUMANN));
    let mut cell = CellAgeing::default();
    for _ in 0..DAYS {
        let day = [cycle(0.8, 0.1, 0.8)];
        let stress = RackStress::new(law(&chemistry), &chemistry.ocv, 0.5, DAY_S, &day, 1.0);
        cell.age(&stress, 25.0);
    }
    let (calendar, cycles) = (100.0 * cell.capacity_calendar, 100.0 * cell.capacity_cycle);
    figure("naumann 10 y calendar loss", calendar, "%", "13.35..13.45 %");
    figure("naumann 10 y cycle loss at 0.1C", cycles, "%", "6.25..6.35 %");
    figure("naumann 10 y resistance, of new", 100.0 * cell.resistance(), "%", "none");
    for c_rate in [1.0 / 15.0, 0.25, 0.5] {
        let mut other = CellAgeing::default();
        let all = [cycle(0.8, c_rate, 0.8 * f64::from(DAYS))];
        let stress = RackStress::new(law(&chemistry), &chemistry.ocv, 0.5, 0.0, &all, 1.0);
        other.age(&stress, 25.0);
        let name = format!("naumann 10 y cycle loss at {c_rate:.3}C");
        figure(&name, 100.0 * other.capacity_cycle, "%", "none");
    }
}

#[test]
fn a_large_cell_keeps_888_thousandths_after_ten_years_of_a_daily_cycle_with_rests() {
    // The example says 0.888 and no more. It closes with the duty of Naumann's example: 25 degC, one
    // cycle a day between 10 and 90 %, resting six hours at either end, when evaluated as the source
    // of the law does: calendar rate and C-rate (0.067C) as means over the whole day. It does not
    // close uniquely; the figures tell what other choices give.
    let chemistry = chemistry(None);
    let duty = Duty { degc: 25.0, rest: 0.5 };
    let (flowing_c, daily_c) = duty.c_rates();
    let exact = duty.worked(&chemistry, DAYS, daily_c);

    // After one day at a constant state of charge the loss is the rate itself.
    let updates = (DAY_S / UPDATE_S) as u32;
    let rates = (0..updates).map(|update| {
        let soc = duty.soc((f64::from(update) + 0.5) * UPDATE_S);
        let mut cell = CellAgeing::default();
        cell.rest(law(&chemistry), duty.degc, soc, chemistry.ocv.at(soc, 25.0, 0.0), DAY_S);
        cell.capacity_calendar
    });
    let AgeingLaw::LargeFormat(large) = law(&chemistry) else { panic!("another law") };
    let calendar =
        rates.sum::<f64>() / f64::from(updates) * pow(f64::from(DAYS), large.calendar.exponent);
    let capacity = 1.0 - calendar - exact.capacity_cycle;
    figure("large-format 10 y capacity", 100.0 * capacity, "%", "88.75..88.85 %");
    figure("large-format 10 y calendar loss", 100.0 * calendar, "%", "none");
    figure("large-format 10 y cycle loss", 100.0 * exact.capacity_cycle, "%", "none");

    // Virtual time follows the state of charge within the day: the mean of k^(1/p) is above that of
    // k, so full hours cost more than the mean over the day tells.
    let exact_pct = 100.0 * exact.capacity();
    figure("large-format 10 y capacity in virtual time", exact_pct, "%", "none");
    assert!(exact.capacity() < capacity && exact.capacity() > capacity - 0.006, "{exact:?}");

    let other = |degc: f64, rest: f64, c_rate: f64| {
        Duty { degc, rest }.worked(&chemistry, DAYS, c_rate).capacity()
    };
    for (what, value) in [
        ("at 20 degC", other(20.0, 0.5, daily_c)),
        ("at 30 degC", other(30.0, 0.5, daily_c)),
        ("without rests", other(25.0, 0.0, daily_c)),
        ("at 0.25C", other(25.0, 0.5, 0.25)),
        ("at 0.5C", other(25.0, 0.5, 0.5)),
    ] {
        let name = format!("large-format 10 y capacity in virtual time {what}");
        figure(&name, 100.0 * value, "%", "none");
    }

    // The simulator's counter takes the C-rate while current flows, which rests do not dilute.
    let counted = duty.counted(&chemistry, DAYS, UPDATE_S);
    let by_hand = duty.worked(&chemistry, DAYS, flowing_c);
    let counted_pct = 100.0 * counted.capacity();
    figure("large-format 10 y capacity as simulated", counted_pct, "%", "none");
    let difference = (counted.capacity_cycle / by_hand.capacity_cycle - 1.0).abs();
    assert!(difference < 5e-4, "one cycle in 3650 may be booked otherwise: {difference}");
    assert!(counted.capacity() < exact.capacity());
}

#[test]
fn ageing_is_the_same_at_ten_hertz_one_hertz_and_a_minute() {
    let duty = Duty { degc: 30.0, rest: 0.25 };
    for (name, chemistry) in [
        ("large-format", chemistry(None)),
        ("naumann", chemistry(Some(NAUMANN))),
        ("schmalstieg", nmc()),
    ] {
        let minute = duty.counted(&chemistry, 5, 60.0);
        for (rate, tick_s) in [("1 Hz", 1.0), ("10 Hz", 0.1)] {
            let fine = duty.counted(&chemistry, 5, tick_s);
            let off = [
                fine.capacity_calendar / minute.capacity_calendar - 1.0,
                fine.capacity_cycle / minute.capacity_cycle - 1.0,
                fine.resistance() - minute.resistance(),
            ];
            let worst = off.into_iter().fold(0.0, |worst: f64, x| worst.max(x.abs()));
            let name = format!("{name} ageing at {rate} against 60 s, relative");
            figure(&name, worst, "", "<= 1e-9");
        }
    }
}

#[test]
fn each_law_gives_what_its_formula_gives_by_hand() {
    // Worked outside of bess: 30 degC, 60 % SoC, 5 years; 1000 equivalents of 70 % at 0.3C around
    // 50 %; for NMC an OCV of 3.3 V + 0.85 V SoC.
    let expected = [
        ("large-format", chemistry(None), LARGE_FORMAT),
        ("naumann", chemistry(Some(NAUMANN)), NAUMANN_BY_HAND),
        ("schmalstieg", nmc(), SCHMALSTIEG_BY_HAND),
    ];
    for (name, chemistry, by_hand) in expected {
        let mut cell = CellAgeing::default();
        let cycles = [cycle(0.7, 0.3, 1000.0)];
        let stress =
            RackStress::new(law(&chemistry), &chemistry.ocv, 0.6, 1825.0 * DAY_S, &cycles, 1.0);
        cell.age(&stress, 30.0);
        let parts = [
            cell.capacity_calendar,
            cell.capacity_cycle,
            cell.resistance_calendar,
            cell.resistance_cycle,
        ];
        let worst = parts
            .iter()
            .zip(by_hand)
            .fold(0.0, |worst: f64, (part, hand)| worst.max((part - hand).abs()));
        figure(&format!("{name} against its formula, of new"), worst, "", "<= 1e-12");
    }
}

/// The duty that all laws share in the picture: 25 degC, a cycle a day between 10 and 90 %, resting six
/// hours at either end, each given at the C-rate while current flows.
#[test]
fn every_law_loses_less_in_the_second_half_of_ten_years_than_in_the_first() {
    let duty = Duty { degc: 25.0, rest: 0.5 };
    let laws = [
        ("large-format", chemistry(None)),
        ("naumann", chemistry(Some(NAUMANN))),
        ("schmalstieg", built_in_nmc()),
    ];
    let (c_rate, _) = duty.c_rates();
    let updates = (DAY_S / UPDATE_S) as u32;
    let mut cells = [CellAgeing::default(); 3];
    let mut rows = vec![];
    for day in 0..=DAYS {
        if day % 5 == 0 {
            let lost_pct = cells.iter().map(|cell| 100.0 * (1.0 - cell.capacity()));
            rows.push(std::iter::once(f64::from(day) / 365.0).chain(lost_pct).collect::<Vec<_>>());
        }
        for (cell, (_, chemistry)) in cells.iter_mut().zip(&laws) {
            duty.a_day(cell, chemistry, updates, c_rate);
        }
    }
    for (law, (name, _)) in laws.iter().enumerate() {
        let (half, whole) = (rows[rows.len() / 2][law + 1], rows[rows.len() - 1][law + 1]);
        figure(&format!("{name} 10 y loss under the duty of the picture"), whole, "%", "none");
        assert!(half > 0.0 && whole > half && whole < 2.0 * half, "{name}: {half} % {whole} %");
    }
    curve("ageing", "time_years,lfp_large_format_pct,lfp_Naumann_pct,nmc_Schmalstieg_pct", rows);
}

/// Capacity lost with time and cycles, resistance gained with time and cycles.
const LARGE_FORMAT: [f64; 4] = [0.036985276308939996, 0.04393422822363765, 0.0, 0.0];
const NAUMANN_BY_HAND: [f64; 4] =
    [0.10704757162421773, 0.0402158660518218, 0.13272997159822908, 0.014594723999999998];
const SCHMALSTIEG_BY_HAND: [f64; 4] =
    [0.14128206108318872, 0.2331645615732374, 0.27887259158451666, 0.740665];
