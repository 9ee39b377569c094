//! The audit as a file: every write of a run, by whatever door, as REST shows it.

mod common;

use common::{Farm, Modbus, PATIENCE, SMALL_FARM, file, folder, poll, run, text};
use serde_json::{Value, json};
use std::path::Path;

fn operate(farm: &Farm, args: &[&str]) -> Option<i32> {
    let mut args = args.to_vec();
    let api = farm.api();
    args.extend(["--api", &api]);
    run(args).code
}

fn writes(farm: &Farm) -> Vec<Value> {
    let (status, answer) = farm.get("/api/v1/writes?after=0&limit=10000").expect("an answer");
    assert_eq!(status, 200, "{answer:#}");
    answer["writes"].as_array().expect("writes").clone()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("the file is there");
    assert!(text.is_empty() || text.ends_with('\n'), "whole lines: {text:?}");
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(line).collect()
}

#[test]
fn writes_of_every_door_are_in_the_file_as_rest_shows_them_and_it_is_whole_at_the_end() {
    let folder = folder();
    let farm_file = file(&folder, "farm.toml", SMALL_FARM);
    let dispatch = file(&folder, "dispatch.csv", "t_s,power_kw\n0,30\n1,60\n");
    let path = folder.path().join("audit.jsonl");
    let audit = text(&path);
    let args = ["--farm", &farm_file, "--dispatch", &dispatch, "--stepped", "--audit", &audit];
    let mut farm = Farm::start(&args);
    assert!(path.exists(), "made at the start");
    assert_eq!(operate(&farm, &["clock", "step", "15"]), Some(0));
    assert_eq!(operate(&farm, &["unit", "set", "2", "40kW"]), Some(0));
    assert_eq!(operate(&farm, &["unit", "stop", "3", "--panel"]), Some(0));
    assert_eq!(operate(&farm, &["unit", "set", "2", "9MW"]), Some(1));
    let mut modbus = Modbus::connect(farm.address("modbus")).unwrap();
    let written = modbus.ask(1, &[16, 0, 80, 0, 2, 4, 0, 0, 0x27, 0x10]).unwrap();
    assert_eq!(written, [16, 0, 80, 0, 2]);
    let shown = writes(&farm);
    let doors: Vec<(&str, &str)> = shown
        .iter()
        .map(|w| (w["source"].as_str().unwrap(), w["result"].as_str().unwrap()))
        .collect();
    let expected = [
        // The step of the clock with what it brought.
        ("rest", "applied"),
        ("schedule", "applied"),
        ("schedule", "applied"),
        ("rest", "applied"),
        ("local", "applied"),
        ("rest", "refused"),
        ("modbus", "applied"),
    ];
    assert_eq!(doors, expected);
    let written = poll(PATIENCE, || Some(lines(&path)).filter(|lines| lines.len() >= shown.len()));
    assert_eq!(written.expect("the file follows"), shown);
    // The last write before the end is in it as well.
    assert_eq!(operate(&farm, &["unit", "set", "1", "-7kW"]), Some(0));
    farm.signal("TERM");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    let all = lines(&path);
    assert_eq!(all[..shown.len()], shown[..]);
    assert_eq!(all.len(), shown.len() + 1);
    assert_eq!(all[shown.len()]["what"].as_str().map(|w| w.contains("-7000")), Some(true));
    // Another run appends.
    drop(farm);
    let mut farm = Farm::start_in(&[("BESS_AUDIT", &audit)], &["--farm", &farm_file, "--stepped"]);
    assert_eq!(operate(&farm, &["unit", "set", "1", "5kW"]), Some(0));
    farm.signal("INT");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    let more = lines(&path);
    assert_eq!(more[..all.len()], all[..]);
    assert_eq!((more.len(), &more[all.len()]["number"]), (all.len() + 1, &json!(1)));
}

#[test]
fn a_hundred_writes_while_the_clock_runs_fast_are_all_in_the_file_once_and_in_order() {
    let folder = folder();
    let farm_file = file(&folder, "farm.toml", SMALL_FARM);
    let path = folder.path().join("audit.jsonl");
    let mut farm = Farm::start(&["--farm", &farm_file, "--speed", "50", "--audit", &text(&path)]);
    let mut modbus = Modbus::connect(farm.address("modbus")).unwrap();
    for n in 0..100 {
        let answer = modbus.ask(1, &[16, 0, 80, 0, 2, 4, 0, 0, 0, n]).unwrap();
        assert_eq!(answer, [16, 0, 80, 0, 2]);
    }
    farm.signal("TERM");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    let lines = lines(&path);
    let numbers: Vec<u64> = lines.iter().map(|line| line["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=100).collect::<Vec<u64>>());
    assert!(!farm.log().contains("audit file"), "{}", farm.log());
}
