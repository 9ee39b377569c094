//! The cell model against a real cell: a Nissan Leaf cell of 2013 (33.1 Ah, LMO and NCA on
//! graphite), measured at 25 degC.
//!
//! The chemistry is fitted to the HPPC record alone, with `simulation/tools/fit_leaf.py`; the 1C
//! record is a prediction of its voltage. Heat is fitted to the temperatures of that record, so its
//! figure says how well the form of the model can follow, not how well it predicts. Rms is over
//! time. Origin and licence: `simulation/tests/data/leaf/README.md`.

mod support;

use bess_core::chemistry::parse_chemistry;
use bess_simulation::cell::{CellInput, CellRun, CellState};
use support::figure;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/leaf");
/// The farm's tick, which is also what every time in the records is a multiple of.
const TICK_S: f64 = 0.1;

/// A row: what was measured at the end of an interval, and the current over it.
struct Row {
    ticks: i64,
    current_a: f64,
    voltage_v: f64,
}

/// The rows of a record from `from_s` to `to_s`; discharge is positive here and negative there.
fn record(name: &str, from_s: f64, to_s: f64) -> Vec<Row> {
    let text = std::fs::read_to_string(format!("{DATA}/{name}.csv")).expect("a record");
    let rows = text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |idx: usize| fields[idx].parse::<f64>().expect("a number");
        let time_s = number(0);
        (from_s..=to_s).contains(&time_s).then(|| Row {
            ticks: (time_s / TICK_S).round() as i64,
            current_a: if fields[3] == "REST" { 0.0 } else { -number(1) },
            voltage_v: number(2),
        })
    });
    rows.collect()
}

/// The mean surface temperature of the 1C record: ticks and degC.
fn surface() -> Vec<(i64, f64)> {
    let text = std::fs::read_to_string(format!("{DATA}/temperature-1c.csv")).expect("a record");
    let rows = text.lines().skip(1).map(|line| {
        let f: Vec<f64> = line.split(',').map(|f| f.parse().expect("a number")).collect();
        ((f[0] / TICK_S).round() as i64, (f[1] + f[2] + f[3]) / 3.0)
    });
    rows.collect()
}

/// Runs a rested full cell over `rows`; `see` gets every row with the cell's state at its end.
fn run(rows: &[Row], see: &mut dyn FnMut(&Row, &CellState, f64)) {
    let text = std::fs::read_to_string(format!("{DATA}/leaf-33ah.toml")).expect("a chemistry");
    let chemistry = parse_chemistry("leaf-33ah.toml", &text).unwrap_or_else(|e| panic!("{e}"));
    let mut cell = CellRun::new(&chemistry, 1.0, 25.0, TICK_S);
    for pair in rows.windows(2) {
        let (last, row) = (&pair[0], &pair[1]);
        assert!(row.ticks > last.ticks, "time goes on");
        let mut state = cell.state(false);
        for _ in last.ticks..row.ticks {
            state = cell.step(CellInput::Current(row.current_a));
        }
        see(row, &state, (row.ticks - last.ticks) as f64 * TICK_S);
    }
}

/// Errors, each for a span of time.
#[derive(Default)]
struct Errors {
    square: f64,
    span_s: f64,
    worst: f64,
}

impl Errors {
    fn add(&mut self, error: f64, span_s: f64) {
        self.square += error * error * span_s;
        self.span_s += span_s;
        self.worst = self.worst.max(error.abs());
    }
    fn rms(&self) -> f64 {
        (self.square / self.span_s).sqrt()
    }
}

#[test]
fn the_fitted_cell_follows_the_pulses_and_discharges_of_a_real_cell() {
    // From the rested full cell to the end of the record, at 3.0 V.
    let rows = record("hppc", 15_444.6, f64::INFINITY);
    let (mut all, mut pulses) = (Errors::default(), Errors::default());
    run(&rows, &mut |row, state, span_s| {
        let error_mv = 1e3 * (state.voltage_v - row.voltage_v);
        all.add(error_mv, span_s);
        if row.current_a > 11.0 || row.current_a < -1.0 {
            pulses.add(error_mv, span_s);
        }
    });
    figure("HPPC, 12 h: voltage, rms", all.rms(), "mV", "<= 5 mV");
    figure("HPPC, pulses of 1C and 0.7C: voltage, rms", pulses.rms(), "mV", "<= 10 mV");
    figure("HPPC, 12 h: voltage, worst", all.worst, "mV", "none");
}

#[test]
fn a_discharge_that_the_fit_never_saw_is_predicted() {
    // The second cycle of the record: discharge, rest, charge, rest.
    let rows = record("discharge-1c", 10_085.3, 23_846.2);
    let (mut discharge, mut upper, mut cycle) =
        (Errors::default(), Errors::default(), Errors::default());
    run(&rows, &mut |row, state, span_s| {
        let error_mv = 1e3 * (state.voltage_v - row.voltage_v);
        cycle.add(error_mv, span_s);
        if row.current_a > 0.0 {
            discharge.add(error_mv, span_s);
            if state.soc > 0.1 {
                upper.add(error_mv, span_s);
            }
        }
    });
    figure("1C discharge, predicted: voltage, rms", discharge.rms(), "mV", "<= 20 mV");
    figure("1C discharge, above 10 % SoC: voltage, rms", upper.rms(), "mV", "<= 10 mV");
    figure("1C discharge, rest, charge, rest: voltage, rms", cycle.rms(), "mV", "<= 30 mV");
    figure("1C discharge: voltage, worst", discharge.worst, "mV", "none");
}

#[test]
fn the_surface_warms_and_cools_as_measured() {
    let rows = record("discharge-1c", 10_085.3, 23_846.2);
    let measured = surface();
    let mut errors = Errors::default();
    let mut rise_k = (0.0f64, 0.0f64);
    run(&rows, &mut |row, state, span_s| {
        let next = measured.partition_point(|(ticks, _)| *ticks < row.ticks);
        let ((t0, y0), (t1, y1)) = (measured[next - 1], measured[next]);
        let degc = y0 + (y1 - y0) * ((row.ticks - t0) as f64 / (t1 - t0) as f64);
        errors.add(state.temperature_degc - degc, span_s);
        rise_k = (rise_k.0.max(degc - 25.0), rise_k.1.max(state.temperature_degc - 25.0));
    });
    figure("1C cycle: surface temperature, rms", errors.rms(), "K", "<= 0.5 K");
    figure("1C cycle: largest rise, measured", rise_k.0, "K", "none");
    figure("1C cycle: largest rise, model", rise_k.1, "K", "none");
}
