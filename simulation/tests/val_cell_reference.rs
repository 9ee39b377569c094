//! The cell against the trajectories of a reference solver: code verification, in microvolts.
//!
//! Source and parameters: `simulation/tests/data/README.md`. The same files are run through
//! `bess cell` in the tests of the command line. Here a cell is stepped as `bess cell` does (heat and
//! resistances follow every tick) in double precision, and as a farm's rack of one cell in single
//! precision; then with the product's refresh once a second.

mod support;

use bess_core::chemistry::{Chemistry, parse_chemistry};
use bess_core::rng::Streams;
use bess_core::spec::SpreadSpec;
use bess_simulation::cell::{CellInput, CellRun};
use bess_simulation::physics::rack::{Plate, Rack, RackModel, RackStart};
use bess_simulation::physics::split::Bus;
use std::sync::Arc;
use support::{direction, figure};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
const TICK_S: f64 = 0.1;

/// A trajectory: which cell it is of, where it starts, and its rows.
struct Case {
    name: &'static str,
    chemistry: &'static str,
    soc: f64,
    /// Start of the cell, and its surroundings all the time.
    ambient_degc: f64,
}

const fn case(name: &'static str, chemistry: &'static str, soc: f64, ambient_degc: f64) -> Case {
    Case { name, chemistry, soc, ambient_degc }
}
/// Constant parameters, isothermal.
const CURRENTS: [Case; 4] = [
    case("a1_1rc_affine_cc_1C", "c280-affine-1rc", 0.95, 25.0),
    case("a3_1rc_lfp_pulse", "c280-lfp-1rc", 0.9, 25.0),
    case("a4_2rc_lfp_pulse", "c280-lfp-2rc", 0.9, 25.0),
    case("a5_2rc_lfp_pulse_10Hz", "c280-lfp-2rc", 0.5, 25.0),
];
const POWER: Case = case("a7_1rc_lfp_dynamic_power_1h", "c280-lfp-1rc", 0.5, 25.0);
/// Tables over SoC, temperature and current; heat through a case.
const TABLES: [Case; 3] = [
    case("b1_ecm_example_cc_1C", "ecm-example", 0.95, 25.0),
    case("b2_ecm_example_cc_charge_05C_cold", "ecm-example", 0.1, 5.0),
    case("b3_ecm_example_pulse", "ecm-example", 0.8, 25.0),
];

/// State at the end of a row and the input that was held since the row before.
struct Row {
    time_s: f64,
    current_a: f64,
    power_w: f64,
    voltage_v: f64,
    soc: f64,
    cell_degc: f64,
    case_degc: f64,
}

impl Case {
    fn rows(&self) -> Vec<Row> {
        let text = std::fs::read_to_string(format!("{DATA}/{}.csv", self.name)).expect("a file");
        let header: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
        let column = |name: &str| header.iter().position(|h| *h == name).expect("a known column");
        let columns = ["t_s", "I_A", "P_W", "V_V", "soc", "T_cell_C", "T_jig_C"].map(column);
        let row = |line: &str| {
            let fields: Vec<f64> = line.split(',').map(|f| f.parse().expect("a number")).collect();
            let [time_s, current_a, power_w, voltage_v, soc, cell_degc, case_degc] =
                columns.map(|column| fields[column]);
            Row { time_s, current_a, power_w, voltage_v, soc, cell_degc, case_degc }
        };
        text.lines().skip(1).map(row).collect()
    }

    fn chemistry(&self) -> Chemistry {
        let path = format!("{DATA}/{}.toml", self.chemistry);
        let text = std::fs::read_to_string(path).expect("a chemistry file");
        parse_chemistry(self.chemistry, &text).unwrap_or_else(|e| panic!("{e}"))
    }

    /// A cell of this case as the farm has it.
    fn rack(&self, model: &RackModel<f32>) -> Rack<f32> {
        let spread = SpreadSpec { capacity_sigma: 0.0, resistance_sigma: 0.0, soc_sigma: 0.0 };
        let start = RackStart {
            n_cells: 1,
            soc: self.soc,
            temperature_degc: self.ambient_degc,
            spread: &spread,
            streams: Streams::new(0),
            index: 0,
        };
        Rack::new(model, &start)
    }

    /// Steps through the rows in ticks of `tick_s`; `step` gives the state after a tick with the
    /// current or the power of the row, and is compared where a row ends.
    fn compare(&self, tick_s: f64, mut step: impl FnMut(&Row) -> State) -> Worst {
        let rows = self.rows();
        let mut worst = Worst::default();
        for pair in rows.windows(2) {
            let row = &pair[1];
            let ticks = ((row.time_s - pair[0].time_s) / tick_s).round();
            assert!(ticks >= 1.0, "{} has rows closer than a tick", self.name);
            let mut state = step(row);
            for _ in 1..ticks as usize {
                state = step(row);
            }
            worst.see(&state, row);
        }
        worst
    }
}

/// What a model shows.
struct State {
    voltage_v: f64,
    soc: f64,
    cell_degc: f64,
    /// Where the model tells it.
    case_degc: Option<f64>,
}

/// Largest deviations from the rows.
#[derive(Default)]
struct Worst {
    voltage_uv: f64,
    soc_ppm: f64,
    temperature_mk: f64,
}

impl Worst {
    fn see(&mut self, state: &State, row: &Row) {
        let case_k = state.case_degc.map_or(0.0, |degc| (degc - row.case_degc).abs());
        let cell_k = (state.cell_degc - row.cell_degc).abs();
        self.voltage_uv = self.voltage_uv.max(1e6 * (state.voltage_v - row.voltage_v).abs());
        self.soc_ppm = self.soc_ppm.max(1e6 * (state.soc - row.soc).abs());
        self.temperature_mk = self.temperature_mk.max(1e3 * cell_k.max(case_k));
    }
}

fn shown(rack: &Rack<f32>, model: &RackModel<f32>) -> State {
    let (soc, voltage_v, cell_degc) = rack.cell(model, 0);
    State { voltage_v, soc, cell_degc, case_degc: rack.case_degc(0) }
}

/// One tick of a cell in double precision.
fn stepped(run: &mut CellRun, input: CellInput) -> State {
    let state = run.step(input);
    State {
        voltage_v: state.voltage_v,
        soc: state.soc,
        cell_degc: state.temperature_degc,
        case_degc: None,
    }
}

#[test]
fn a_cell_follows_the_solver_within_a_microvolt_and_a_millionth_of_soc_at_any_tick() {
    for case in CURRENTS {
        let rows = case.rows();
        let row_s = rows[1].time_s - rows[0].time_s;
        for ticks_per_row in [1, 2, 10] {
            let tick_s = row_s / f64::from(ticks_per_row);
            let mut run = CellRun::new(&case.chemistry(), case.soc, case.ambient_degc, tick_s);
            let worst =
                case.compare(tick_s, |row| stepped(&mut run, CellInput::Current(row.current_a)));
            let run = format!("{} at a tick of {tick_s} s", case.name);
            figure(&format!("{run}: voltage, worst"), worst.voltage_uv, "uV", "<= 1 uV");
            figure(&format!("{run}: SoC, worst"), worst.soc_ppm, "ppm", "<= 1 ppm");
        }
    }
}

#[test]
fn the_farms_single_precision_cell_follows_the_solver_within_five_microvolts() {
    for case in CURRENTS {
        let rows = case.rows();
        let tick_s = rows[1].time_s - rows[0].time_s;
        let model = RackModel::new(&Arc::new(case.chemistry()), 0.0, 1, tick_s);
        let mut rack = case.rack(&model);
        let worst = case.compare(tick_s, |row| {
            rack.step(&model, row.current_a);
            shown(&rack, &model)
        });
        let name = format!("{} in f32: voltage, worst", case.name);
        figure(&name, worst.voltage_uv, "uV", "<= 5 uV");
    }
}

/// The solver holds the power at every instant, bess the current over a tick, so that the power is met
/// at its end.
#[test]
fn a_cell_that_gives_a_power_follows_the_solver_too() {
    let case = POWER;
    let mut run = CellRun::new(&case.chemistry(), case.soc, case.ambient_degc, TICK_S);
    let worst = case.compare(TICK_S, |row| stepped(&mut run, CellInput::Power(row.power_w)));
    let name = format!("{} at a tick of {TICK_S} s", case.name);
    figure(&format!("{name}: voltage, worst"), worst.voltage_uv, "uV", "<= 1 uV");
    figure(&format!("{name}: SoC, worst"), worst.soc_ppm, "ppm", "<= 2 ppm");

    let model = RackModel::new(&Arc::new(case.chemistry()), 0.0, 1, TICK_S);
    let mut rack = case.rack(&model);
    let worst = case.compare(TICK_S, |row| {
        let source = rack.source(&model, direction(row.power_w));
        let bus = Bus::of(std::iter::once(source)).expect("one closed rack");
        rack.step(&model, bus.at_power(row.power_w).current_a);
        shown(&rack, &model)
    });
    let name = format!("{} in f32 at a tick of {TICK_S} s", case.name);
    figure(&format!("{name}: voltage, worst"), worst.voltage_uv, "uV", "<= 5 uV");
    figure(&format!("{name}: SoC, worst"), worst.soc_ppm, "ppm", "<= 2 ppm");
}

/// The millikelvin of double precision and what rounding may add: up to 1 uK (half a digit below
/// 32 degC) in each of cell and case ten times a second, against time constants of 100 s and 25 s, is
/// 2.4 mK in the cell. (A farm moves its temperatures once a second, a tenth as often.)
const F32_TEMPERATURE: &str = "<= 3.4 mK";

#[test]
fn tables_and_heat_follow_the_solver_within_twenty_microvolts_and_a_millikelvin() {
    for case in TABLES {
        let plate = Plate::at(case.ambient_degc);
        let mut run = CellRun::new(&case.chemistry(), case.soc, case.ambient_degc, TICK_S);
        let worst =
            case.compare(TICK_S, |row| stepped(&mut run, CellInput::Current(row.current_a)));
        say(case.name, &worst, ["<= 20 uV", "<= 10 ppm", "<= 1 mK"]);

        let model = RackModel::new(&Arc::new(case.chemistry()), 0.0, 1, TICK_S).for_study();
        let mut rack = case.rack(&model);
        let worst = case.compare(TICK_S, |row| {
            rack.prepare(&model, row.current_a);
            rack.step(&model, row.current_a);
            let _ = rack.refresh(&model, &plate);
            shown(&rack, &model)
        });
        let name = format!("{} in f32", case.name);
        say(&name, &worst, ["<= 30 uV", "<= 10 ppm", F32_TEMPERATURE]);
    }
}

fn say(name: &str, worst: &Worst, [voltage, soc, temperature]: [&str; 3]) {
    figure(&format!("{name}: voltage, worst"), worst.voltage_uv, "uV", voltage);
    figure(&format!("{name}: SoC, worst"), worst.soc_ppm, "ppm", soc);
    figure(&format!("{name}: temperature, worst"), worst.temperature_mk, "mK", temperature);
}

/// Deviations of the product's cell, whose slow part moves once a second.
#[derive(Default)]
struct OnceASecond {
    /// From the solver, at its rows.
    rows: Worst,
    /// From the double-precision cell at the same tick, in uV: the first ticks after a change of the
    /// current, and all others.
    first_uv: f64,
    settled_uv: f64,
}

/// The product's cell, refreshed in tick `turn` of each second.
fn once_a_second(case: &Case, turn: u64, worst: &mut OnceASecond) {
    let model = RackModel::new(&Arc::new(case.chemistry()), 0.0, 1, TICK_S).ageing(0.0);
    let (mut rack, plate) = (case.rack(&model), Plate::at(case.ambient_degc));
    let mut exact = CellRun::new(&case.chemistry(), case.soc, case.ambient_degc, TICK_S);
    let (mut tick, mut before_a) = (0u64, 0.0f64);
    let rows = case.compare(TICK_S, |row| {
        tick += 1;
        // As a farm does when the split changes a rack's current.
        if rack.wants_to_prepare(&model, row.current_a) {
            rack.prepare(&model, row.current_a);
        }
        rack.step(&model, row.current_a);
        if tick % 10 == turn {
            let _ = rack.refresh(&model, &plate);
        }
        // What a rack shows; the cell's own voltage is of the resistances that a refresh just made.
        let state = State { voltage_v: rack.reading().voltage_v, ..shown(&rack, &model) };
        let exact_v = exact.step(CellInput::Current(row.current_a)).voltage_v;
        let off_uv = 1e6 * (state.voltage_v - exact_v).abs();
        let is_first = row.current_a.to_bits() != before_a.to_bits();
        let seen = if is_first { &mut worst.first_uv } else { &mut worst.settled_uv };
        *seen = seen.max(off_uv);
        before_a = row.current_a;
        state
    });
    let all = &mut worst.rows;
    all.voltage_uv = all.voltage_uv.max(rows.voltage_uv);
    all.soc_ppm = all.soc_ppm.max(rows.soc_ppm);
    all.temperature_mk = all.temperature_mk.max(rows.temperature_mk);
}

/// The bars hold at the solver's rows and at every tick between, whichever tick of the second a rack
/// refreshes in. Resistances that depend on the current are made anew in the tick in which it changes,
/// so the first tick after a step is no worse than the others.
#[test]
fn the_products_refresh_once_a_second_costs_less_than_a_fifth_of_a_millivolt() {
    for case in TABLES {
        let mut worst = OnceASecond::default();
        (0..10).for_each(|turn| once_a_second(&case, turn, &mut worst));
        let name = format!("{}, refreshed at 1 Hz in f32", case.name);
        say(&name, &worst.rows, ["<= 200 uV", "<= 10 ppm", "<= 10 mK"]);
        let settled = format!("{name}: voltage, worst of all ticks but the first after a step");
        figure(&settled, worst.settled_uv, "uV", "<= 200 uV");
        let first = format!("{name}: voltage, worst of the first ticks after a step");
        figure(&first, worst.first_uv, "uV", "<= 200 uV");
    }
}
