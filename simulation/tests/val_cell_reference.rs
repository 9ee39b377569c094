//! The cell against the trajectories of a reference solver: code verification, in microvolts.
//!
//! Source and parameters: `simulation/tests/data/README.md`. The same files are run through
//! `bess cell` in the tests of the command line.

mod support;

use bess_core::chemistry::{Chemistry, parse_chemistry};
use bess_core::rng::Streams;
use bess_core::spec::SpreadSpec;
use bess_simulation::cell::{CellInput, CellRun};
use bess_simulation::physics::rack::{Rack, RackModel, RackStart};
use std::sync::Arc;
use support::figure;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

struct Row {
    current_a: f64,
    voltage_v: f64,
    soc: f64,
}

fn trajectory(name: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(format!("{DATA}/{name}.csv")).expect("a reference file");
    let header: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).expect("a known column");
    let (i, v, soc) = (column("I_A"), column("V_V"), column("soc"));
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<f64> = line.split(',').map(|f| f.parse().expect("a number")).collect();
            Row { current_a: fields[i], voltage_v: fields[v], soc: fields[soc] }
        })
        .collect()
}
fn chemistry(name: &str) -> Chemistry {
    let text = std::fs::read_to_string(format!("{DATA}/{name}.toml")).expect("a chemistry file");
    parse_chemistry(name, &text).unwrap_or_else(|e| panic!("{e}"))
}

const CASES: [(&str, &str, f64, f64); 4] = [
    ("a1_1rc_affine_cc_1C", "c280-affine-1rc", 0.95, 1.0),
    ("a3_1rc_lfp_pulse", "c280-lfp-1rc", 0.9, 1.0),
    ("a4_2rc_lfp_pulse", "c280-lfp-2rc", 0.9, 1.0),
    ("a5_2rc_lfp_pulse_10Hz", "c280-lfp-2rc", 0.5, 0.1),
];

#[test]
fn a_cell_follows_the_solver_within_a_microvolt_and_a_millionth_of_soc_at_any_tick() {
    for (name, cell, soc, row_s) in CASES {
        let rows = trajectory(name);
        let chemistry = chemistry(cell);
        for ticks_per_row in [1, 2, 10] {
            let tick_s = row_s / f64::from(ticks_per_row);
            let mut run = CellRun::new(&chemistry, soc, 25.0, tick_s);
            let (mut worst_v, mut worst_soc) = (0.0f64, 0.0f64);
            for row in &rows[1..] {
                let mut state = run.state(false);
                for _ in 0..ticks_per_row {
                    state = run.step(CellInput::Current(row.current_a));
                }
                worst_v = worst_v.max((state.voltage_v - row.voltage_v).abs());
                worst_soc = worst_soc.max((state.soc - row.soc).abs());
            }
            let run = format!("{name} at a tick of {tick_s} s");
            figure(&format!("{run}: voltage, worst"), worst_v * 1e6, "uV", "<= 1 uV");
            figure(&format!("{run}: SoC, worst"), worst_soc * 1e6, "ppm", "<= 1 ppm");
        }
    }
}

#[test]
fn the_farms_single_precision_cell_follows_the_solver_within_five_microvolts() {
    let none = SpreadSpec { capacity_sigma: 0.0, resistance_sigma: 0.0, soc_sigma: 0.0 };
    for (name, cell, soc, row_s) in CASES {
        let rows = trajectory(name);
        let model = RackModel::<f32>::new(&Arc::new(chemistry(cell)), 0.0, 1, row_s);
        let mut rack = Rack::new(
            &model,
            &RackStart {
                n_cells: 1,
                soc,
                temperature_degc: 25.0,
                spread: &none,
                streams: Streams::new(0),
                index: 0,
            },
        );
        let mut worst_v = 0.0f64;
        for row in &rows[1..] {
            rack.step(&model, row.current_a);
            worst_v = worst_v.max((rack.cell(&model, 0).1 - row.voltage_v).abs());
        }
        figure(&format!("{name} in f32: voltage, worst"), worst_v * 1e6, "uV", "<= 5 uV");
    }
}
