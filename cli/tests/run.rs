//! `bess run`: the headless engine through the command line, on small farms and real records.

#![expect(clippy::print_stderr, reason = "a skipped test has to say so")]

mod common;

use common::{SMALL_FARM, file, folder, run, shared, text};
use serde_json::Value;
use tempfile::TempDir;

/// Three minutes over both signs and both ratings of the small farm.
const DISPATCH: &str = "t_s,power_kw\n0,0\n10,250\n60,-300\n120,90\n150,-12.5\n180,0\n";

struct Bench {
    folder: TempDir,
    farm: String,
    dispatch: String,
}

impl Bench {
    fn new() -> Self {
        let folder = folder();
        let farm = file(&folder, "farm.toml", SMALL_FARM);
        let dispatch = file(&folder, "dispatch.csv", DISPATCH);
        Self { folder, farm, dispatch }
    }

    /// The summary of a run of the small farm.
    fn summary(&self, more: &[&str]) -> Value {
        let mut args = vec!["run", "--json", "--farm", &self.farm];
        args.extend(more);
        run(args).json()
    }
}

fn number(value: &Value, path: &str) -> f64 {
    let found = value.pointer(path).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {path} in {value:#}"))
}

#[test]
fn the_json_summary_has_the_promised_fields() {
    let bench = Bench::new();
    let summary = bench.summary(&["--dispatch", &bench.dispatch, "--for", "3m"]);
    assert_eq!(summary["schema"], 1);
    assert_eq!(summary["farm"], "small");
    assert_eq!((&summary["units"], &summary["cells"]), (&3.into(), &624.into()));
    assert_eq!((&summary["ticks"], &summary["seed"]), (&1800.into(), &7.into()));
    assert_eq!(number(&summary, "/simulated_s"), 180.0);
    assert!((number(&summary, "/rated_power_mw") - 0.3).abs() < 1e-9);
    // 624 cells of 314 Ah at 3.2 V.
    assert!((number(&summary, "/nominal_energy_mwh") - 0.627).abs() < 0.001);
    for path in [
        "/energy/discharged_mwh",
        "/energy/charged_mwh",
        "/energy/cell_loss_mwh",
        "/energy/pcs_loss_mwh",
        "/energy/auxiliary_mwh",
        "/energy/transformer_loss_mwh",
        "/energy/throughput_mwh",
        "/wall_s",
        "/times_real_time",
        "/cell_steps_per_s",
        "/following/rms_w",
        "/following/max_abs_w",
    ] {
        assert!(number(&summary, path) > 0.0, "{path} in {summary:#}");
    }
    let within = |path: &str, min: f64, max: f64| {
        let value = number(&summary, path);
        assert!((min..=max).contains(&value), "{path} is {value}");
    };
    within("/energy/round_trip_efficiency", 0.5, 1.0);
    within("/energy/stored_change_mwh", -0.02, 0.02);
    within("/following/rms_pct_of_rated", 0.01, 20.0);
    within("/following/mean_abs_w", 1.0, 0.1 * 300e3);
    within("/following/time_within_1_pct_of_rated", 0.8, 1.0);
    within("/soc/start", 0.49, 0.51);
    within("/soc/end", 0.48, 0.52);
    assert!(number(&summary, "/soc/min") <= number(&summary, "/soc/end"));
    assert!(number(&summary, "/soc/max") >= number(&summary, "/soc/end"));
    for path in ["/frequency_hz/min", "/frequency_hz/mean", "/frequency_hz/max"] {
        within(path, 60.0, 60.0);
    }
    for (name, min, max) in [
        ("voltage_min_v", 2.5, 3.4),
        ("voltage_max_v", 3.2, 3.7),
        ("temperature_min_degc", 15.0, 26.0),
        ("temperature_max_degc", 24.0, 35.0),
    ] {
        within(&format!("/cells_extremes/{name}/value"), min, max);
        within(&format!("/cells_extremes/{name}/unit"), 1.0, 3.0);
        within(&format!("/cells_extremes/{name}/rack"), 1.0, 2.0);
        within(&format!("/cells_extremes/{name}/cell"), 1.0, 104.0);
        within(&format!("/cells_extremes/{name}/at_s"), 0.1, 180.0);
    }
    let hash = summary["state_sha256"].as_str().expect("a text");
    assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
}

#[test]
fn the_same_seed_gives_the_same_bits_with_any_number_of_workers() {
    let bench = Bench::new();
    let state = |more: &[&str]| {
        let mut args = vec!["--dispatch", &bench.dispatch];
        args.extend(more);
        let mut summary = bench.summary(&args);
        for of_the_machine in ["wall_s", "times_real_time", "cell_steps_per_s"] {
            summary.as_object_mut().expect("an object").remove(of_the_machine);
        }
        summary
    };
    let one = state(&["--workers", "1"]);
    for workers in ["2", "3"] {
        assert_eq!(state(&["--workers", workers]), one, "{workers} workers");
    }
    assert_eq!(state(&["--seed", "7"]), one, "the seed of the file as a flag");
    let other = state(&["--seed", "8"]);
    assert_eq!(other["seed"], 8);
    assert_ne!(other["state_sha256"], one["state_sha256"]);
}

#[test]
fn the_energy_book_closes() {
    let bench = Bench::new();
    for more in [
        &["--dispatch", &bench.dispatch][..],
        &["--dispatch", &bench.dispatch, "--loop", "--for", "2h"],
    ] {
        let summary = bench.summary(more);
        let energy = |name: &str| number(&summary, &format!("/energy/{name}_mwh"));
        let book = energy("charged")
            - energy("discharged")
            - energy("cell_loss")
            - energy("pcs_loss")
            - energy("auxiliary")
            - energy("transformer_loss")
            - energy("stored_change");
        assert!((book - energy("unexplained")).abs() < 1e-9, "{summary:#}");
        let share = energy("unexplained").abs() / energy("throughput");
        assert!(share < 1e-6, "{share:.1e} of the throughput is unexplained: {summary:#}");
    }
}

#[test]
fn the_power_follows_the_dispatch_with_its_sign() {
    let bench = Bench::new();
    let folder = text(&bench.folder.path().join("result"));
    let summary = bench.summary(&["--dispatch", &bench.dispatch, "--for", "3m", "--out", &folder]);
    let written = std::fs::read_to_string(format!("{folder}/summary.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), summary);

    let series = std::fs::read_to_string(format!("{folder}/series.csv")).unwrap();
    let mut lines = series.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 181, "one row a second and the start");
    assert!(rows.iter().all(|row| row.len() == header.len()));
    let at = |second: usize, name: &str| -> f64 {
        let column = header.iter().position(|h| *h == name).expect("a column");
        rows[second][column].parse().expect("a number")
    };
    assert_eq!((at(0, "t_s"), at(180, "t_s")), (0.0, 180.0));
    for (second, kilowatts) in [(50, 250.0), (110, -300.0), (140, 90.0), (170, -12.5)] {
        let (power, wanted) = (at(second, "poi_power_w"), at(second, "dispatch_w"));
        assert_eq!(wanted, kilowatts * 1e3, "after {second} s");
        assert!((power - wanted).abs() < 0.02 * 300e3, "{power} W after {second} s");
    }
    assert!(at(60, "soc") < at(10, "soc"), "discharging empties");
    assert!(at(120, "soc") > at(60, "soc"), "charging fills");
    assert_eq!(at(90, "frequency_hz"), 60.0);
    assert!(at(180, "discharged_wh") > 0.0 && at(180, "charged_wh") > 0.0);
}

#[test]
fn the_length_of_the_dispatch_is_the_length_of_the_run() {
    let bench = Bench::new();
    // The last row holds for as long as the one before it.
    assert_eq!(number(&bench.summary(&["--dispatch", &bench.dispatch]), "/simulated_s"), 210.0);
    let without = bench.summary(&["--for", "1.5s"]);
    assert_eq!(number(&without, "/simulated_s"), 1.5);
    assert!(without["following"].is_null());
}

#[test]
fn the_summary_for_people_says_the_same() {
    let bench = Bench::new();
    let args = ["run", "--farm", &bench.farm, "--dispatch", &bench.dispatch, "--for", "1m"];
    let people = run(args);
    assert_eq!(people.code, Some(0), "{}", people.stderr);
    let json = bench.summary(&["--dispatch", &bench.dispatch, "--for", "1m"]);
    let hash = json["state_sha256"].as_str().unwrap();
    for part in [
        "small: 3 units, 624 cells, 300.0 kW, 627",
        " kWh, seed 7",
        "seed 7",
        "times real time",
        "out (discharged)",
        "in (charged)",
        "round-trip efficiency",
        "SoC window",
        "following error",
        "grid frequency",
        "lowest cell voltage",
        "hottest cell",
        "as measured",
        hash,
    ] {
        assert!(people.stdout.contains(part), "{part:?} is not in:\n{}", people.stdout);
    }
}

#[test]
fn a_small_farm_that_rests_has_figures_of_its_size_and_no_efficiency() {
    let bench = Bench::new();
    let people = run(["run", "--farm", &bench.farm, "--for", "1m"]).stdout;
    let line = |name: &str| {
        let line = people.lines().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in:\n{people}"))
    };
    assert!(line("round-trip efficiency").contains("n/a  (not enough energy"), "{people}");
    let auxiliaries: Vec<&str> = line("auxiliaries").split_whitespace().collect();
    assert!(["Wh", "kWh"].contains(&auxiliaries[2]), "{people}");
    assert!(auxiliaries[1].parse::<f64>().unwrap() > 0.0, "{people}");
}

#[test]
fn made_profiles_are_accepted_as_inputs() {
    let bench = Bench::new();
    let make = |kind: &str, more: &[&str]| {
        let mut args = vec!["profile", kind, "--for", "10m", "--seed", "5"];
        args.extend(more);
        let made = run(args.clone());
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        assert_eq!(run(args).stdout, made.stdout, "the same seed, the same bytes");
        file(&bench.folder, &format!("{kind}.csv"), made.stdout)
    };
    let dispatch = make("agc", &[]);
    let frequency = make("frequency", &["--nominal-hz", "60"]);
    let ambient = make("ambient", &["--step", "1m"]);
    let summary =
        bench.summary(&["--dispatch", &dispatch, "--frequency", &frequency, "--ambient", &ambient]);
    assert_eq!(number(&summary, "/simulated_s"), 600.0);
    assert!(number(&summary, "/energy/throughput_mwh") > 0.0);
    let (low, high) =
        (number(&summary, "/frequency_hz/min"), number(&summary, "/frequency_hz/max"));
    assert!(59.8 < low && low < high && high < 60.2, "{low} to {high} Hz");
    let load = make("load", &["--step", "1m", "--mean-kw", "100"]);
    let summary = bench.summary(&["--dispatch", &load, "--for", "1m"]);
    assert!(number(&summary, "/energy/discharged_mwh") > 0.0);
}

#[test]
fn dispatch_beyond_the_rating_is_cut_to_it_with_a_warning() {
    let bench = Bench::new();
    let wild = file(&bench.folder, "wild.csv", "t_s,power_mw\n0,0.1\n1,2\n");
    let ran = run(["run", "--json", "--farm", &bench.farm, "--dispatch", &wild, "--for", "10s"]);
    assert!(ran.stderr.contains("warning: 1 of 2 dispatch rows are beyond"), "{}", ran.stderr);
    let energy = number(&ran.json(), "/energy/discharged_mwh");
    assert!(energy < 0.31 * 10.0 / 3600.0, "{energy} MWh in 10 s");
}

#[test]
fn a_frequency_record_of_another_grid_draws_a_warning() {
    let bench = Bench::new();
    let record = file(&bench.folder, "hz.csv", "t_s,frequency_hz\n0,50.01\n1,49.99\n");
    let ran = run(["run", "--json", "--farm", &bench.farm, "--frequency", &record, "--for", "2s"]);
    assert!(
        ran.stderr.contains("warning: the frequency record is around 50.0 Hz"),
        "{}",
        ran.stderr
    );
    assert_eq!(number(&ran.json(), "/frequency_hz/min"), 49.99);
}

/// The main job: a day of CAISO's regulation signal beside a measured grid frequency.
#[test]
fn val_a_measured_regulation_day_is_followed_beside_a_measured_frequency() {
    let records =
        shared("reference/data/dispatch/lbnl_caiso_agc_4s_5days.csv").and_then(|dispatch| {
            Ok((dispatch, shared("reference/data/frequency/gmlc_us60_24h_1s.csv")?))
        });
    let (dispatch, frequency) = match records {
        Ok((dispatch, frequency)) => (text(&dispatch), text(&frequency)),
        Err(absent) => {
            eprintln!("skipped: no record at {}; BESS_SHARED names the folder", absent.display());
            return;
        }
    };
    let bench = Bench::new();
    let summary = bench.summary(&[
        "--dispatch",
        &dispatch,
        "--column",
        "pct_2016-05-03",
        "--frequency",
        &frequency,
        "--for",
        "10m",
    ]);
    assert_eq!(number(&summary, "/simulated_s"), 600.0);
    let (low, high) =
        (number(&summary, "/frequency_hz/min"), number(&summary, "/frequency_hz/max"));
    assert!(59.9 < low && low < high && high < 60.1, "{low} to {high} Hz");
    assert!(number(&summary, "/energy/throughput_mwh") > 0.001);
    let error = number(&summary, "/following/rms_pct_of_rated");
    assert!(error < 5.0, "{error} % of the rating, rms");
    let share = number(&summary, "/energy/unexplained_mwh").abs()
        / number(&summary, "/energy/throughput_mwh");
    assert!(share < 1e-6, "{share:.1e} of the throughput is unexplained");
}

#[test]
fn a_record_with_several_days_needs_the_day_to_be_named() {
    let bench = Bench::new();
    let days =
        file(&bench.folder, "days.csv", "t_s,pct_2016-05-03,pct_2016-05-04\n0,10,-10\n4,20,-20\n");
    let run_day = |more: &[&str]| {
        let mut args =
            vec!["run", "--json", "--farm", &bench.farm, "--dispatch", &days, "--for", "1m"];
        args.extend(more);
        run(args)
    };
    let ran = run_day(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--column pct_2016-05-03"), "{}", ran.stderr);
    let out = |more: &[&str]| number(&run_day(more).json(), "/energy/discharged_mwh");
    let first = out(&["--column", "pct_2016-05-03"]);
    assert!(first > 0.0);
    let inverted = out(&["--column", "pct_2016-05-04", "--invert"]);
    assert_eq!(inverted, first, "the second day is the first one with the other sign");
}
