//! `bess cell` against the trajectories of a reference solver, through the command line.
//!
//! The profile is the trajectory itself: its `I_A` column drives the cell, each row carrying the
//! current of the time that ended there. Source of the files: `simulation/tests/data/README.md`.

#![expect(clippy::print_stdout, reason = "the figures are the point of a validation")]

mod common;

use common::{file, folder, run, text};
use std::collections::BTreeMap;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulation/tests/data");
const MICROVOLT: f64 = 1e-6;
const SOC_TOLERANCE: f64 = 1e-6;

/// Times in microseconds, so that equal times are equal keys.
type Points = BTreeMap<i64, (f64, f64)>;

fn points(csv: &str, voltage: &str) -> Points {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).expect("a known column");
    let (t, v, soc) = (column("t_s"), column(voltage), column("soc"));
    lines
        .map(|line| {
            let numbers: Vec<f64> =
                line.split(',').map(|field| field.parse().expect("a number")).collect();
            ((numbers[t] * 1e6).round() as i64, (numbers[v], numbers[soc]))
        })
        .collect()
}

/// Runs the trajectory with this tick and compares every row of it.
fn follows(name: &str, chemistry: &str, soc: &str, tick: &str) {
    let trajectory = format!("{DATA}/{name}.csv");
    let chemistry = format!("{DATA}/{chemistry}.toml");
    let ran = run([
        "cell",
        "--chemistry",
        &chemistry,
        "--profile",
        &trajectory,
        "--initial-soc",
        soc,
        "--tick",
        tick,
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let reference = points(&std::fs::read_to_string(trajectory).expect("a file"), "V_V");
    let result = points(&ran.stdout, "voltage_v");
    assert!(reference.len() > 100);
    let (mut worst_v, mut worst_soc) = (0.0f64, 0.0f64);
    for (at, (voltage_v, soc)) in &reference {
        let (our_voltage_v, our_soc) = result
            .get(at)
            .unwrap_or_else(|| panic!("{name}: no row at {at} us with a tick of {tick}"));
        // Row 0 is the state before the first tick: no current, the same voltage.
        worst_v = worst_v.max((our_voltage_v - voltage_v).abs());
        worst_soc = worst_soc.max((our_soc - soc).abs());
    }
    println!("{name} at {tick}: {:.4} uV, {worst_soc:.1e} SoC", worst_v * 1e6);
    assert!(worst_v <= MICROVOLT, "{name} at {tick}: {worst_v:e} V");
    assert!(worst_soc <= SOC_TOLERANCE, "{name} at {tick}: {worst_soc:e}");
}

#[test]
fn val_a1_a_discharge_at_1c_is_within_a_microvolt() {
    for tick in ["1s", "100ms"] {
        follows("a1_1rc_affine_cc_1C", "c280-affine-1rc", "0.95", tick);
    }
}

#[test]
fn val_a3_pulses_on_one_rc_pair_are_within_a_microvolt() {
    for tick in ["1s", "100ms"] {
        follows("a3_1rc_lfp_pulse", "c280-lfp-1rc", "0.9", tick);
    }
}

#[test]
fn val_a4_pulses_on_two_rc_pairs_are_within_a_microvolt() {
    for tick in ["1s", "100ms"] {
        follows("a4_2rc_lfp_pulse", "c280-lfp-2rc", "0.9", tick);
    }
}

#[test]
fn val_a5_pulses_at_10_hz_are_within_a_microvolt() {
    for tick in ["100ms", "10ms"] {
        follows("a5_2rc_lfp_pulse_10Hz", "c280-lfp-2rc", "0.5", tick);
    }
}

#[test]
fn a_profile_may_be_a_current_a_c_rate_or_a_power() {
    let folder = folder();
    let cell = |profile: &str, more: &[&str]| {
        let profile = file(&folder, "profile.csv", profile);
        let mut args =
            vec!["cell", "--chemistry", "lfp-314", "--profile", &profile, "--tick", "1s"];
        args.extend(more);
        let ran = run(args);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let last = ran.stdout.lines().last().expect("a row").to_owned();
        let numbers: Vec<f64> = last.split(',').map(|field| field.parse().unwrap()).collect();
        numbers
    };
    // An hour at half the capacity of 314 Ah, from 0.75 down to 0.25.
    let current = cell("t_s,current_a\n0,157\n3600,0\n3601,0\n", &["--initial-soc", "0.75"]);
    // Its self-discharge of some milliamperes takes 4e-5 besides.
    assert!((0.249_9..0.25).contains(&current[3]), "{current:?}");
    let rate = cell("t_s,c_rate\n0,0.5\n3600,0\n3601,0\n", &["--initial-soc", "0.75"]);
    assert_eq!(rate, current);
    // Charging by a file in which positive means charge.
    let charge = cell("t_s,c_rate\n0,0.5\n1800,0\n1801,0\n", &["--initial-soc", "0.5", "--invert"]);
    assert!((0.749_9..0.75).contains(&charge[3]), "{charge:?}");
    // Power is met at the terminals in every tick.
    let power = cell("t_s,power_w\n0,500\n60,500\n", &["--initial-soc", "0.5"]);
    assert!((power[1] * power[2] - 500.0).abs() < 0.01, "{power:?}");
}

#[test]
fn the_result_in_a_file_is_the_one_on_stdout() {
    let folder = folder();
    let path = text(&folder.path().join("out.csv"));
    let profile = file(&folder, "profile.csv", "t_s,current_a\n0,100\n30,-50\n60,0\n");
    let to_file = run(["cell", "--profile", &profile, "--out", &path]);
    assert_eq!((to_file.code, to_file.stdout.as_str()), (Some(0), ""));
    let to_stdout = run(["cell", "--profile", &profile]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), to_stdout.stdout);
    assert!(
        to_stdout.stdout.starts_with("t_s,current_a,voltage_v,soc,rc1_v,rc2_v,temperature_degc\n")
    );
}

#[test]
fn a_run_may_stop_where_the_cell_reaches_a_limit() {
    let folder = folder();
    let long = file(&folder, "long.csv", "t_s,c_rate\n0,1\n7200,1\n");
    let cell = |more: &[&str]| {
        let mut args = vec!["cell", "--profile", &long, "--tick", "10s", "--initial-soc", "0.1"];
        args.extend(more);
        let ran = run(args);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let rows: Vec<Vec<f64>> = ran.stdout.lines().skip(1).map(numbers).collect();
        (ran, rows)
    };
    let (_, all) = cell(&[]);
    assert_eq!(all.len(), 1 + 1440, "a row for every tick");
    // By the lowest voltage of the chemistry: the first row at or below it is the last one.
    let (ran, stopped) = cell(&["--stop-at-limits"]);
    assert_eq!(stopped[..], all[..stopped.len()], "the same rows up to there");
    let [.., before, last] = &stopped[..] else { panic!("rows") };
    assert!(before[2] > 2.5 && last[2] <= 2.5, "{before:?} {last:?}");
    let said =
        format!("stopped at t_s = {}: the cell's lowest voltage, 2.5 V, is reached", last[0]);
    assert!(ran.stderr.contains(&said) && !ran.stderr.contains("warning"), "{}", ran.stderr);
    // By the charge where the chemistry has no limits.
    let chemistry = format!("{DATA}/c280-lfp-1rc.toml");
    assert!(!std::fs::read_to_string(&chemistry).unwrap().contains("[limits]"));
    let (ran, stopped) = cell(&["--stop-at-limits", "--chemistry", &chemistry]);
    let [.., before, last] = &stopped[..] else { panic!("rows") };
    assert!(before[3] > 0.0 && last[3] <= 0.0, "{before:?} {last:?}");
    assert!(ran.stderr.contains("the cell's lowest SoC, 0, is reached"), "{}", ran.stderr);
}

#[test]
fn the_warning_of_extrapolation_names_the_first_row_concerned() {
    let folder = folder();
    let long = file(&folder, "long.csv", "t_s,c_rate\n0,1\n3600,1\n");
    let ran = run(["cell", "--profile", &long, "--tick", "10s", "--initial-soc", "0.1"]);
    let (at, rest) = ran
        .stderr
        .split_once("at t_s = ")
        .and_then(|(_, rest)| rest.split_once(" (line "))
        .unwrap();
    let line: usize = rest.split_once(' ').unwrap().0.parse().unwrap();
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(rows[line - 1].split(',').next(), Some(at), "{}", ran.stderr);
    assert!(numbers(rows[line - 1])[3] < -0.02 && numbers(rows[line - 2])[3] >= -0.02);
    assert!(ran.stderr.contains("--stop-at-limits"), "{}", ran.stderr);
}

#[test]
fn a_profile_of_one_row_is_refused_with_what_to_add() {
    let folder = folder();
    let single = file(&folder, "single.csv", "t_s,current_a\n0,100\n");
    let ran = run(["cell", "--profile", &single]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("ends after 0 s"), "{}", ran.stderr);
    assert!(ran.stderr.contains("rows at 0 and 1800 s last 3600 s"), "{}", ran.stderr);
    let two = file(&folder, "two.csv", "t_s,current_a\n0,100\n1800,100\n");
    let ran = run(["cell", "--profile", &two, "--tick", "10s"]);
    assert!(ran.stdout.lines().last().unwrap().starts_with("3600,"), "as the hint says");
}

fn numbers(line: &str) -> Vec<f64> {
    line.split(',').map(|field| field.parse().expect("a number")).collect()
}
