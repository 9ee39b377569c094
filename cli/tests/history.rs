//! The history of a live farm, and the command that reads it.

mod common;

use common::{Farm, PATIENCE, Ran, SMALL_FARM, file, folder, poll, run};
use serde_json::Value;

fn bess(farm: &Farm, args: &[&str]) -> Ran {
    let api = farm.api();
    let mut all = args.to_vec();
    all.extend(["--api", &api]);
    run(all)
}

fn get(farm: &Farm, path: &str) -> Value {
    let (status, body) = farm.get(&format!("/api/v1/{path}")).expect("an answer");
    assert_eq!(status, 200, "{path}: {body:#}");
    body
}

/// The columns of a CSV by their names.
fn column(csv: &str, name: &str) -> Vec<f64> {
    let mut lines = csv.lines();
    let at = lines.next().and_then(|head| head.split(',').position(|column| column == name));
    let at = at.unwrap_or_else(|| panic!("no column {name} in {csv}"));
    lines
        .map(|line| line.split(',').nth(at).and_then(|v| v.parse().ok()).expect("a number"))
        .collect()
}

#[test]
fn a_step_of_an_hour_and_changes_of_speed_lose_no_tick_that_is_not_counted() {
    let folder = folder();
    let path = file(&folder, "farm.toml", SMALL_FARM);
    let farm = Farm::start(&["--farm", &path, "--stepped"]);
    assert_eq!(bess(&farm, &["clock", "step", "36007"]).code, Some(0));
    for speed in ["1000", "50", "0.5"] {
        assert_eq!(bess(&farm, &["clock", "speed", speed]).code, Some(0));
        let before = get(&farm, "clock")["tick"].as_u64().unwrap();
        assert_eq!(bess(&farm, &["clock", "resume"]).code, Some(0));
        poll(PATIENCE, || (get(&farm, "clock")["tick"].as_u64()? > before + 1).then_some(()));
        assert_eq!(bess(&farm, &["clock", "pause"]).code, Some(0));
    }
    let ticks = get(&farm, "clock")["tick"].as_u64().unwrap();
    let dropped = get(&farm, "history/signals")["ticks_dropped"].as_u64().unwrap();
    for step in ["1s", "1m", "10m"] {
        let answer = get(&farm, &format!("history?signal=poi.active_power&from=0&step={step}"));
        let samples = answer["samples"].as_array().unwrap().iter();
        let seen: u64 = samples.map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(seen + dropped, ticks, "{step}");
        assert!(dropped < ticks / 10, "{dropped} of {ticks}");
    }
}

#[test]
fn the_command_prints_csv_with_the_units_in_the_names_of_its_columns() {
    let farm = Farm::start(&["--stepped"]);
    assert_eq!(bess(&farm, &["clock", "step", "100"]).code, Some(0));
    let ran =
        bess(&farm, &["history", "poi.frequency", "battery.soc", "--from", "-5s", "--step", "1s"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let (least, mean) =
        (column(&ran.stdout, "poi.frequency.min_hz"), column(&ran.stdout, "poi.frequency.mean_hz"));
    let most = column(&ran.stdout, "poi.frequency.max_hz");
    assert!(least.iter().zip(&mean).zip(&most).all(|((l, m), h)| l <= m && m <= h && *l > 49.0));
    assert!((column(&ran.stdout, "battery.soc.mean")[0] - 0.5).abs() < 0.01, "{}", ran.stdout);
    // Five seconds, and what the first whole second of them has more.
    let samples = column(&ran.stdout, "samples").iter().sum::<f64>();
    assert!((50.0..=60.0).contains(&samples), "{}", ran.stdout);
    let units =
        bess(&farm, &["history", "cell.voltage_max", "--unit", "all", "--from=-5s", "--step=1s"]);
    assert!(
        units.stdout.starts_with("time,samples,unit1.cell.voltage_max.min_v,"),
        "{}",
        units.stdout
    );
    let list = bess(&farm, &["history"]);
    assert!(
        list.stdout.contains("poi.active_power") && list.stdout.contains("every 1m"),
        "{}",
        list.stdout
    );
    let json = bess(&farm, &["history", "battery.soc", "--json"]).json();
    assert_eq!(json["series"][0]["signal"], "battery.soc");
    let refused = bess(&farm, &["history", "nonsense"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("is called \"nonsense\""), "{}", refused.stderr);
}

#[test]
fn without_memory_there_is_no_history_and_nothing_else_is_missing() {
    let farm = Farm::start(&["--stepped", "--history-memory", "0"]);
    let refused = bess(&farm, &["history", "battery.soc"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("404") && refused.stderr.contains("--history-memory 0"),
        "{}",
        refused.stderr
    );
    let (_, text) = common::http_get(farm.endpoints()["metrics"]["url"].as_str().unwrap()).unwrap();
    let is_there = text.lines().any(|line| line.starts_with("bess_history_"));
    assert!(!is_there, "a series that means nothing is absent");
}
