//! Faults one by one, by the command line, on a live farm.

mod common;

use common::{Farm, PATIENCE, Ran, SMALL_FARM, file, folder, run, text};

fn ask(farm: &Farm, args: &[&str]) -> Ran {
    let mut args = args.to_vec();
    let api = farm.api();
    args.extend(["--api", &api]);
    run(args)
}

#[test]
fn a_fault_is_injected_seen_to_act_and_cleared_and_a_recording_of_that_is_repeated() {
    let folder = folder();
    let farm_file = file(&folder, "farm.toml", SMALL_FARM);
    let recording = text(&folder.path().join("recording"));
    let mut farm = Farm::start(&["--farm", &farm_file, "--stepped", "--record", &recording]);
    let begun = ask(
        &farm,
        &["fault", "inject", "device.estop", "--target", "unit-002", "--id", "a", "--for", "60s"],
    );
    assert_eq!(begun.code, Some(0), "{}", begun.stderr);
    assert!(begun.stdout.contains("fault a begun"), "{}", begun.stdout);
    assert_eq!(ask(&farm, &["clock", "step", "50"]).code, Some(0));
    let listed = ask(&farm, &["fault", "list"]);
    let line = listed.stdout.lines().nth(1).unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["a", "device.estop", "active", "confirmed", "unit-002"]);
    let twice =
        ask(&farm, &["fault", "inject", "device.estop", "--target", "unit-001", "--id", "a"]);
    assert_eq!(twice.code, Some(1), "{}", twice.stdout);
    let unknown = ask(&farm, &["fault", "inject", "device.estopp", "--target", "unit-001"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.stdout);
    assert!(unknown.stderr.contains("device.estop"), "{}", unknown.stderr);
    assert_eq!(ask(&farm, &["fault", "clear", "a"]).code, Some(0));
    assert_eq!(ask(&farm, &["fault", "clear", "a"]).code, Some(1), "it is cleared already");
    assert_eq!(ask(&farm, &["clock", "step", "50"]).code, Some(0));
    farm.signal("TERM");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    for command in [["run", "--replay"].as_slice(), &["scenario", "run", "--replay"]] {
        let again = run(command.iter().copied().chain([recording.as_str()]));
        assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
        assert!(again.stdout.contains("every bit is the same"), "{}", again.stdout);
        assert!(!again.stdout.contains("decides otherwise"), "{}", again.stdout);
    }
}
