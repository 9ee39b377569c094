//! What a BMS believes against what is true: errors of SoC and SoH over hours and days.
//!
//! The truth is one cell in double precision at 10 Hz; the rack is many of it in series. The figures
//! are printed; the bars say what a change may not worsen. SoC and SoH are in per cent of the capacity.

mod support;

use bess_core::chemistry::{Chemistry, built_in, parse_chemistry};
use bess_core::rng::Streams;
use bess_core::spec::{BmsSpec, SensorSpec, SpreadSpec};
use bess_simulation::bms::{BmsModel, RackBms, Truth};
use bess_simulation::cell::{CellInput, CellRun};
use bess_simulation::physics::rack::{At, Plate, Rack, RackModel, RackStart};
use std::sync::Arc;
use support::figure;

const N_CELLS: usize = 416;
const HOUR: u64 = 36_000;
const SEED: u64 = 1;

fn lfp() -> Chemistry {
    let text = built_in("lfp-280").expect("a built-in chemistry");
    parse_chemistry("lfp-280", text).unwrap_or_else(|e| panic!("{e}"))
}
/// A cell whose voltage slopes over the whole range, as NMC's does.
fn sloped() -> Chemistry {
    let text = r#"
name = "sloped"
[cell]
capacity_ah = 280
nominal_voltage_v = 3.7
source = "test"
[ocv]
soc = [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
voltage_v = [3.0, 3.35, 3.45, 3.52, 3.58, 3.62, 3.68, 3.76, 3.86, 3.96, 4.06, 4.18]
source = "test: shape of NMC/graphite"
[r0]
resistance_ohm = 0.0004
source = "test"
[rc1]
resistance_ohm = 0.0003
time_constant_s = 30
source = "test"
"#;
    parse_chemistry("sloped", text).unwrap_or_else(|e| panic!("{e}"))
}
fn exact() -> BmsSpec {
    BmsSpec { sensors: SensorSpec::EXACT, ..BmsSpec::default() }
}

/// A cell, and the BMS of a rack of such cells.
struct Bench {
    cell: CellRun,
    model: BmsModel,
    bms: RackBms,
    tick: u64,
    /// Added to the true current ahead of the sensor: an offset that nobody corrected.
    extra_offset_a: f64,
    /// Resistance of the cells over what the BMS was told.
    resistance_factor: f64,
    worst: f64,
    capacity_c: f64,
    /// SoC that the current sensor's errors explain: what was shown less what flowed, now and at most.
    misread: f64,
    misread_most: f64,
    /// Largest error beyond what is explained, and largest error in sigmas that the BMS believes in.
    beyond: f64,
    sigmas: f64,
    /// Most recalibrations between two passes of 50 %, and how many there were at the last pass.
    most_in_a_visit: u32,
    at_pass: u32,
    below_half: bool,
}

impl Bench {
    /// The BMS knows `known`, the cells are `real`; it believes in `believed` and `soc` is true.
    fn new(spec: &BmsSpec, known: &Chemistry, real: &Chemistry, soc: f64, believed: f64) -> Self {
        Self::of_rack(0, spec, known, real, (soc, believed))
    }
    /// The same with the sensors of another rack; `soc` is the true one and what the BMS believes.
    fn of_rack(
        rack: usize,
        spec: &BmsSpec,
        known: &Chemistry,
        real: &Chemistry,
        (soc, believed): (f64, f64),
    ) -> Self {
        let model = BmsModel::new(spec, known);
        Self {
            cell: CellRun::new(real, soc, 25.0, 0.1),
            bms: RackBms::new(&model, N_CELLS, rack, Streams::new(SEED), believed, 25.0),
            model,
            tick: 0,
            extra_offset_a: 0.0,
            resistance_factor: 1.0,
            worst: 0.0,
            capacity_c: real.capacity.0,
            misread: 0.0,
            misread_most: 0.0,
            beyond: 0.0,
            sigmas: 0.0,
            most_in_a_visit: 0,
            at_pass: 0,
            below_half: soc < 0.5,
        }
    }
    /// One tick at `current_a`; returns the cell's true voltage.
    fn step(&mut self, current_a: f64) -> f64 {
        let state = self.cell.step(CellInput::Current(current_a));
        let drop_v = 0.2e-3 * current_a + state.rc_v.0 + state.rc_v.1;
        let voltage_v = state.voltage_v - (self.resistance_factor - 1.0) * drop_v;
        let volts = At { value: voltage_v, cell: 0 };
        let degc = At { value: state.temperature_degc, cell: 0 };
        self.bms.sense(
            &self.model,
            &Truth {
                tick: self.tick,
                connected: true,
                current_a: current_a + self.extra_offset_a,
                voltage_v: voltage_v * N_CELLS as f64,
                voltage_min: volts,
                voltage_max: volts,
                temperature_min: degc,
                temperature_max: degc,
                temperature_mean_degc: state.temperature_degc,
                soc: state.soc,
                soh: 1.0,
            },
        );
        self.tick += 1;
        self.misread += (self.bms.reading().current_a - current_a) * 0.1 / self.capacity_c;
        self.misread_most = self.misread_most.max(self.misread.abs());
        if self.tick.is_multiple_of(10) {
            self.bms.estimate(&self.model);
            let error = self.error().abs();
            self.worst = self.worst.max(error);
            self.beyond = self.beyond.max(error - self.misread_most);
            self.sigmas = self.sigmas.max(error / self.bms.soc_sigma(&self.model));
            let so_far = self.bms.recalibrations();
            self.most_in_a_visit = self.most_in_a_visit.max(so_far - self.at_pass);
            if self.below_half != (self.soc() < 0.5) {
                self.below_half = !self.below_half;
                self.at_pass = so_far;
            }
        }
        voltage_v
    }
    fn soc(&self) -> f64 {
        self.cell.state(false).soc
    }
    /// Estimated less true SoC.
    fn error(&self) -> f64 {
        self.bms.reading().soc - self.soc()
    }
    fn run(&mut self, ticks: u64, current_a: f64) {
        for _ in 0..ticks {
            self.step(current_a);
        }
    }
    /// At `current_a` until the cell's voltage passes `volts`.
    fn run_to(&mut self, volts: f64, current_a: f64) {
        for _ in 0..20 * HOUR {
            let v = self.step(current_a);
            if (current_a > 0.0 && v <= volts) || (current_a < 0.0 && v >= volts) {
                return;
            }
        }
        panic!("the cell never reached {volts} V");
    }
    /// At `current_a` until a voltage or SoC of `cell` ends it.
    fn run_out(&mut self, cell: &Chemistry, current_a: f64) {
        let window = cell.ocv.at(0.0, 25.0, 0.0)..=cell.ocv.at(1.0, 25.0, 0.0);
        for _ in 0..20 * HOUR {
            let volts = self.step(current_a);
            let soc = self.soc();
            let (over, limit_v) = if current_a > 0.0 {
                (soc < 0.005, volts < *window.start())
            } else {
                (soc > 0.995, volts > *window.end())
            };
            if over || limit_v {
                return;
            }
        }
    }
    /// Minutes of dispatch: steps of charge and discharge between `low` and `high` SoC, as a grid
    /// service asks for them. Returns the largest error.
    fn dispatch(&mut self, hours: u64, low: f64, high: f64) -> f64 {
        self.dispatch_of(hours, (low, high), 1.0)
    }
    /// The same with currents that are `scale` times as large.
    fn dispatch_of(&mut self, hours: u64, (low, high): (f64, f64), scale: f64) -> f64 {
        const STEPS_A: [f64; 8] = [70.0, 140.0, -35.0, 0.0, 210.0, 20.0, -70.0, 105.0];
        self.worst = 0.0;
        let mut sign = 1.0;
        for minute in 0..hours * 60 {
            if self.soc() < low {
                sign = -1.0;
            } else if self.soc() > high {
                sign = 1.0;
            }
            self.run(600, sign * scale * STEPS_A[(minute % 8) as usize]);
        }
        self.worst
    }
}

#[test]
fn a_start_that_is_ten_percent_wrong_is_mended_at_a_knee_and_stays_mended() {
    for (name, current_a, volts, wrong) in [
        ("low knee, believed too full", 70.0, 2.9, 0.1),
        ("low knee, believed too empty", 70.0, 2.9, -0.1),
        ("high knee, believed too full", -70.0, 3.5, 0.1),
        ("high knee, believed too empty", -70.0, 3.5, -0.1),
    ] {
        let lfp = lfp();
        let mut bench = Bench::new(&exact(), &lfp, &lfp, 0.5, 0.5 + wrong);
        bench.run_to(volts, current_a);
        let at_knee = 100.0 * bench.error().abs();
        let recalibrations = bench.bms.recalibrations();
        bench.run(HOUR, -current_a);
        let worst = 100.0 * bench.dispatch(6, 0.2, 0.9);
        figure(&format!("bms error after the {name}"), at_knee, "%", "0..1 %");
        figure(&format!("bms worst error in 6 h after the {name}"), worst, "%", "<= 1 %");
        assert!(recalibrations >= 1, "{name}");
    }
}

#[test]
fn a_sloped_voltage_mends_a_wrong_start_within_minutes_with_ordinary_sensors() {
    for (name, wrong) in [("believed too full", 0.1), ("believed too empty", -0.1)] {
        let sloped = sloped();
        let mut bench = Bench::new(&BmsSpec::default(), &sloped, &sloped, 0.6, 0.6 + wrong);
        // The cell is not at rest when the BMS starts.
        let mut seconds = 0;
        while bench.error().abs() >= 0.02 {
            bench.run(10, if seconds % 120 < 60 { 140.0 } else { 20.0 });
            seconds += 1;
            assert!(seconds < 3600, "still wrong after an hour");
        }
        // From five minutes after the start on.
        for second in seconds..300 {
            bench.run(10, if second % 120 < 60 { 140.0 } else { 20.0 });
        }
        let first_hour = 100.0 * bench.dispatch(1, 0.15, 0.9);
        let worst = 100.0 * bench.dispatch(12, 0.15, 0.9);
        figure(&format!("bms worst error in the next hour, {name}"), first_hour, "%", "<= 2 %");
        figure(
            &format!("bms time to 2 % on a sloped voltage, {name}"),
            f64::from(seconds),
            "s",
            "<= 300 s",
        );
        figure(
            &format!("bms worst error in 12 h on a sloped voltage, {name}"),
            worst,
            "%",
            "<= 1 %",
        );
    }
}

#[test]
fn half_an_ampere_of_offset_drifts_on_the_plateau_until_a_full_charge_recalibrates() {
    let lfp = lfp();
    let sensors = SensorSpec { current_offset_a: 0.0, current_gain: 0.0, ..SensorSpec::default() };
    let spec = BmsSpec { sensors, ..BmsSpec::default() };
    let mut bench = Bench::new(&spec, &lfp, &lfp, 0.55, 0.55);
    bench.extra_offset_a = 0.5;
    let days = 3;
    for day in 1..=days {
        bench.dispatch(24, 0.45, 0.65);
        let counted = -100.0 * 0.5 * 24.0 / 280.0 * f64::from(day);
        figure(&format!("bms pure counting after day {day}"), counted, "%", "none");
        figure(&format!("bms estimate after day {day}"), 100.0 * bench.error(), "%", "none");
        let sigma_pct = 100.0 * bench.bms.soc_sigma(&bench.model);
        figure(&format!("bms sigma it believes in after day {day}"), sigma_pct, "%", "none");
    }
    let per_day = 100.0 * bench.error() / f64::from(days);
    let recalibrations = bench.bms.recalibrations();
    bench.run_to(3.5, -70.0);
    let after = 100.0 * bench.error();
    figure("bms drift on the plateau", per_day, "%/day", "-4.4..-2 %/day");
    figure("bms error after the full charge", after, "%", "-1..1 %");
    figure("bms offset found by the full charge", bench.bms.current_offset_a(), "A", "none");
    assert_eq!(recalibrations, 0, "nothing to recalibrate on the plateau");
    assert!(bench.bms.recalibrations() >= 1, "the full charge recalibrates");
}

#[test]
fn two_full_cycles_find_a_rack_with_ninety_percent_of_its_capacity() {
    let known = lfp();
    let mut real = known.clone();
    real.capacity.0 *= 0.9;
    let mut bench = Bench::new(&BmsSpec::default(), &known, &real, 0.5, 0.5);
    bench.run_to(3.5, -70.0);
    for cycle in 1..=2 {
        bench.run_to(2.8, 70.0);
        bench.run_to(3.5, -70.0);
        let soh = 100.0 * bench.bms.reading().soh;
        let bar = if cycle == 2 { "88..92 %" } else { "none" };
        figure(&format!("bms SoH after cycle {cycle} of a rack at 90 %"), soh, "%", bar);
    }
    assert!(bench.bms.soh_sigma(&bench.model) < 0.02);
}

#[test]
fn a_rack_of_full_capacity_keeps_its_soh() {
    let lfp = lfp();
    let mut bench = Bench::new(&BmsSpec::default(), &lfp, &lfp, 0.5, 0.5);
    bench.run_to(3.5, -70.0);
    for _ in 0..2 {
        bench.run_to(2.8, 70.0);
        bench.run_to(3.5, -70.0);
    }
    let soh = bench.bms.reading().soh;
    figure("bms SoH of a new rack after 2 cycles", 100.0 * soh, "%", "98.5..101.5 %");
}

#[test]
fn cells_that_differ_from_the_data_sheet_cost_accuracy_but_not_the_estimate() {
    // Up to twice the resistance, and hysteresis that builds up over twice the charge.
    let text = built_in("lfp-280").unwrap().replace("rate_per_soc = 75", "rate_per_soc = 37");
    let real = parse_chemistry("lfp-280", &text).unwrap();
    let known = lfp();
    assert_ne!(real, known);
    for factor in [1.5, 2.0] {
        let mut bench = Bench::new(&BmsSpec::default(), &known, &real, 0.5, 0.6);
        bench.resistance_factor = factor;
        bench.run_to(3.5, -70.0);
        let at_knee = 100.0 * bench.error().abs();
        let worst = 100.0 * bench.dispatch(48, 0.1, 0.95);
        let (found, _) = bench.bms.resistance_factor();
        figure(&format!("bms error at the knee, resistance x {factor}"), at_knee, "%", "0..1 %");
        figure(&format!("bms worst error in 48 h, resistance x {factor}"), worst, "%", "<= 5 %");
        let name = format!("bms resistance found, of the real x {factor}");
        figure(&name, 100.0 * found / factor, "%", "90..110 %");
    }
}

#[test]
fn a_rack_of_spread_cells_is_known_to_a_percent_after_a_full_charge() {
    let lfp = lfp();
    let racks = RackModel::<f32>::new(&Arc::new(lfp.clone()), 0.005, 52, 0.1);
    // As the built-in farm has it.
    let spread = SpreadSpec { capacity_sigma: 0.0025, resistance_sigma: 0.01, soc_sigma: 0.003 };
    let model = BmsModel::new(&BmsSpec::default(), &lfp);
    let streams = Streams::new(SEED);
    let start = RackStart {
        n_cells: N_CELLS,
        soc: 0.6,
        temperature_degc: 25.0,
        spread: &spread,
        streams,
        index: 0,
    };
    let mut rack = Rack::new(&racks, &start);
    let mut bms = RackBms::new(&model, N_CELLS, 0, streams, 0.5, 25.0);
    let (mut tick, mut worst_v, mut worst_degc) = (0, 0.0f64, 0.0f64);
    while rack.reading().voltage_max.value < 3.55 {
        rack.step(&racks, -70.0);
        if tick % 10 == 0 {
            let _ = rack.refresh(&racks, &Plate::at(25.0));
        }
        let truth = *rack.reading();
        bms.sense(
            &model,
            &Truth {
                tick,
                connected: true,
                current_a: truth.current_a,
                voltage_v: truth.voltage_v,
                voltage_min: truth.voltage_min,
                voltage_max: truth.voltage_max,
                temperature_min: truth.temperature_min,
                temperature_max: truth.temperature_max,
                temperature_mean_degc: truth.temperature_mean_degc,
                soc: truth.soc,
                soh: 1.0,
            },
        );
        tick += 1;
        if tick % 10 == 0 {
            bms.estimate(&model);
            let shown = bms.reading();
            worst_v = worst_v.max((shown.voltage_max.value - truth.voltage_max.value).abs());
            worst_degc =
                worst_degc.max((shown.temperature_max.value - truth.temperature_max.value).abs());
        }
    }
    let error = 100.0 * (bms.reading().soc - rack.reading().soc);
    figure("bms error of a spread rack after a full charge", error, "%", "-1..1 %");
    figure("bms worst error of the highest cell voltage", 1e3 * worst_v, "mV", "0.001..8 mV");
    figure("bms worst error of the highest temperature", worst_degc, "K", "<= 2 K");
    assert!(bms.recalibrations() >= 1, "a full charge recalibrates");
}

/// A cell as a user might write it: nodes of the OCV in V at the SoC given, and the drop of a steady
/// current of 1C in V, half of it over r0 and the rest over one or two RC pairs.
fn user_cell(
    ocv: &(&str, &str),
    capacity_ah: f64,
    drop_v: f64,
    pairs: usize,
    loops: bool,
) -> Chemistry {
    let (soc, volts) = ocv;
    let ohm = drop_v / capacity_ah;
    let mut text = format!(
        "name = \"user\"\n[cell]\ncapacity_ah = {capacity_ah}\nnominal_voltage_v = 3.2\nsource = \"test\"\n\
         [ocv]\nsoc = [{soc}]\nvoltage_v = [{volts}]\nsource = \"test\"\n\
         [r0]\nresistance_ohm = {}\nsource = \"test\"\n",
        0.5 * ohm,
    );
    for pair in 1..=pairs {
        let ohm = 0.5 * ohm / pairs as f64;
        let tau_s = [20, 500][pair - 1];
        text += &format!(
            "[rc{pair}]\nresistance_ohm = {ohm}\ntime_constant_s = {tau_s}\nsource = \"test\"\n"
        );
    }
    if loops {
        text += "[hysteresis]\nhalf_width_v = 0.015\nrate_per_soc = 50\nsource = \"test\"\n";
    }
    parse_chemistry("user", &text).unwrap_or_else(|e| panic!("{e}"))
}

/// Flat with two knees, sloped, flatter than any LFP, and of a low voltage: SoC and volts.
const OCVS: [(&str, &str); 4] = [
    ("0, 0.1, 0.9, 1", "2.5, 3.2, 3.3, 3.6"),
    ("0, 0.1, 0.9, 1", "3.0, 3.4, 4.05, 4.2"),
    ("0, 0.05, 0.95, 1", "2.8, 3.28, 3.30, 3.5"),
    ("0, 0.1, 0.9, 1", "1.8, 2.2, 2.4, 2.7"),
];

#[derive(Clone, Copy, Debug)]
enum Load {
    /// Discharge and then charge at so many C, with ten minutes of rest after each.
    Constant(f64),
    /// A minute of 1C and a minute of rest in turn: discharge, then charge.
    Pulses,
    /// Six hours of steps as [`Bench::dispatch`] has them.
    Dispatch,
}
const LOADS: [Load; 6] = [
    Load::Constant(0.5),
    Load::Constant(1.0),
    Load::Constant(2.0),
    Load::Constant(6.0),
    Load::Pulses,
    Load::Dispatch,
];

/// `load` on `cell` from 85 % on, which the BMS of rack number `rack` believes rightly.
fn under(load: Load, cell: &Chemistry, rack: usize) -> Bench {
    let spec = BmsSpec::default();
    let mut bench = Bench::of_rack(rack, &spec, cell, cell, (0.85, 0.85));
    let one_c_a = cell.capacity.0 / 3600.0;
    match load {
        Load::Constant(rate) => {
            for current_a in [rate * one_c_a, -rate * one_c_a] {
                bench.run_out(cell, current_a);
                bench.run(6000, 0.0);
            }
        }
        Load::Pulses => {
            for minute in 0..240 {
                let rate = [1.0, 0.0, -1.0, 0.0][minute % 2 + 2 * (minute / 120)];
                for _ in 0..600 {
                    let soc = bench.soc();
                    let over = if rate > 0.0 { soc < 0.03 } else { soc > 0.97 };
                    bench.step(if over { 0.0 } else { rate * one_c_a });
                }
            }
        }
        Load::Dispatch => {
            bench.dispatch_of(6, (0.1, 0.95), one_c_a / 280.0);
        }
    }
    bench
}

#[test]
fn any_cell_that_a_user_writes_is_known_under_any_load_as_well_as_its_current_sensor_allows() {
    let (mut cases, mut beyond, mut sigmas, mut visit) = (0, 0.0f64, 0.0f64, 0);
    for load in LOADS {
        for ocv in &OCVS {
            for capacity_ah in [5.0, 50.0, 300.0] {
                for drop_v in [0.03, 0.1, 0.25] {
                    // One pair or two, with hysteresis or without, and another rack's sensors in turn.
                    let (pairs, loops) = (1 + cases % 2, cases / 2 % 2 == 1);
                    let cell = user_cell(ocv, capacity_ah, drop_v, pairs, loops);
                    let bench = under(load, &cell, cases);
                    cases += 1;
                    beyond = beyond.max(bench.beyond);
                    sigmas = sigmas.max(bench.sigmas);
                    visit = visit.max(bench.most_in_a_visit);
                }
            }
        }
    }
    figure("bms cells and loads of users", cases as f64, "", ">= 200");
    figure(
        "bms worst error beyond the current sensor's, cells of users",
        100.0 * beyond,
        "%",
        "<= 3 %",
    );
    figure("bms worst error in sigmas it believes in, cells of users", sigmas, "", "<= 4");
    figure("bms most recalibrations between two passes of 50 %", f64::from(visit), "", "<= 3");
}

#[test]
fn a_small_cell_of_a_large_drop_is_known_from_full_to_empty_at_1c() {
    // 50 Ah with 2 and 5 mOhm over r0, and as much over the pairs.
    for (drop_v, loops) in [(0.2, false), (0.2, true), (0.5, false), (0.5, true)] {
        for pairs in [1, 2] {
            let cell = user_cell(&OCVS[0], 50.0, drop_v, pairs, loops);
            let spec = BmsSpec::default();
            let mut bench = Bench::of_rack(0, &spec, &cell, &cell, (0.9, 0.9));
            bench.run_out(&cell, 50.0);
            let name = format!(
                "{drop_v} V of drop, {pairs} pairs, {} hysteresis",
                if loops { "with" } else { "without" }
            );
            figure(&format!("bms worst error, {name}"), 100.0 * bench.worst, "%", "<= 3 %");
            let recalibrations = f64::from(bench.bms.recalibrations());
            figure(&format!("bms recalibrations, {name}"), recalibrations, "", "<= 3");
            let (factor, _) = bench.bms.resistance_factor();
            figure(&format!("bms resistance found, {name}"), 100.0 * factor, "%", "95..105 %");
        }
    }
}
