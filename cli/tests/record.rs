//! A recording of a live farm, and its repetition.

mod common;

use common::{Farm, Modbus, PATIENCE, SMALL_FARM, file, folder, run, text};
use std::path::Path;

fn ask(farm: &Farm, args: &[&str]) -> Option<i32> {
    let mut args = args.to_vec();
    let api = farm.api();
    args.extend(["--api", &api]);
    run(args).code
}

fn replay(path: &Path) -> common::Ran {
    run(["run", "--replay", text(path).as_str()])
}

/// A live farm with clients at every door while its clock runs, recorded to `to`.
fn live(folder: &tempfile::TempDir, to: &Path) {
    let farm_file = file(folder, "farm.toml", SMALL_FARM);
    let dispatch = file(folder, "dispatch.csv", "t_s,power_kw\n0,30\n1,60\n");
    let frequency = file(folder, "hz.csv", "t_s,frequency_hz\n0,50.0\n2,49.93\n");
    let args = [
        "--farm",
        &farm_file,
        "--seed",
        "77",
        "--dispatch",
        &dispatch,
        "--frequency",
        &frequency,
        "--speed",
        "20",
        "--record",
        &text(to),
    ];
    let mut farm = Farm::start(&args);
    let mut modbus = Modbus::connect(farm.address("modbus")).expect("an answer");
    for n in 1..=40 {
        let answer = modbus.ask(1, &[16, 0, 80, 0, 2, 4, 0, 0, 4, n]).expect("an answer");
        assert_eq!(answer, [16, 0, 80, 0, 2]);
        // Refused: no unit has such a register there.
        assert_eq!(modbus.ask(2, &[16, 0, 36, 0, 1, 2, 0, 7]).expect("an answer")[0], 16 | 0x80);
    }
    assert_eq!(ask(&farm, &["unit", "set", "2", "40kW"]), Some(0));
    assert_eq!(ask(&farm, &["unit", "set", "2", "9MW"]), Some(1));
    assert_eq!(ask(&farm, &["clock", "pause"]), Some(0));
    assert_eq!(ask(&farm, &["unit", "stop", "3", "--panel"]), Some(0));
    assert_eq!(ask(&farm, &["link", "add", "slow", "delay", "--delay", "5ms"]), Some(0));
    assert_eq!(ask(&farm, &["clock", "step", "700"]), Some(0));
    farm.signal("TERM");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
}

#[test]
fn a_live_run_with_writes_of_every_door_is_repeated_bit_for_bit() {
    let folder = folder();
    let to = folder.path().join("recording");
    live(&folder, &to);
    // The files that it was made of are not needed any more.
    for name in ["farm.toml", "dispatch.csv", "hz.csv"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let ran = replay(&to);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("every bit is the same"), "{}", ran.stdout);
    // A folder takes one recording.
    let again = run(["serve", "--record", text(&to).as_str(), "--for", "1s"]);
    assert_eq!(again.code, Some(2), "{}", again.stderr);
    assert!(
        again.stderr.contains("not empty") && again.stderr.contains("hint:"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_recording_that_was_touched_is_refused_with_its_line_before_anything_runs() {
    let folder = folder();
    let to = folder.path().join("recording");
    live(&folder, &to);
    let path = to.join("recording.ron");
    let whole = std::fs::read_to_string(&path).unwrap();
    let at = 1 + whole.lines().position(|line| line.contains("active_w:Some(40000.0)")).unwrap();
    let touched = whole.replacen("active_w:Some(40000.0)", "active_w:Some(41000.0)", 1);
    std::fs::write(&path, touched).unwrap();
    let ran = replay(&to);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains(&format!("recording.ron:{at}")), "{}", ran.stderr);
    std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let ran = replay(&to);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("torn"), "{}", ran.stderr);
    let ran = run(["run", "--replay", text(folder.path()).as_str()]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("--record"), "{}", ran.stderr);
}
