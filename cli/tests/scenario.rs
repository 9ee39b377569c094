//! Scenarios from the command line, end to end.

mod common;

use common::{Farm, PATIENCE, Ran, SMALL_FARM, file, folder, poll, run, text};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// A pump of a unit that somebody picks by chance fails for half a minute.
const PUMP: &str = r#"
apiVersion: bess/v1
kind: Scenario
metadata: {id: pump, title: A pump fails, summary: The coolant pump of one unit fails and works again.}
params:
  lasts: {type: duration, default: 30s, description: how long it fails}
seed: 7
duration: 1m
sut: {mode: none}
targets:
  one: {kind: unit, mode: one}
steadyState:
  window: 2s
  checks:
    - {id: energised, modes: [SoT], expr: "grid.frequency_hz > 45Hz"}
timeline:
  - {id: fails, at: 5s, action: device.hvac.pump, target: one, duration: "${lasts}"}
expectations:
  - {id: stays-up, kind: always, after: {action: fails}, for: 20s, expr: "grid.voltage_pu > 0.5"}
"#;

fn scenario(folder: &TempDir, text: &str) -> String {
    file(folder, "scenario.yaml", text)
}
fn farm(folder: &TempDir) -> String {
    file(folder, "farm.toml", SMALL_FARM)
}
fn go(args: &[&str]) -> Ran {
    run(["scenario"].iter().chain(args))
}
fn report(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_scenario_runs_headless_and_leaves_its_reports() {
    let folder = folder();
    let (scenario, farm) = (scenario(&folder, PUMP), farm(&folder));
    let to = folder.path().join("result");
    let ran = go(&["run", &scenario, "--farm", &farm, "--out", &text(&to)]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("pump: passed (seed 7, deterministic"), "{}", ran.stdout);
    assert!(ran.stdout.contains("stays-up") && ran.stdout.contains("confirmed"), "{}", ran.stdout);
    let report = report(&to);
    assert_eq!(report["verdict"], "passed", "{report:#}");
    let junit = std::fs::read_to_string(to.join("junit.xml")).unwrap();
    assert!(junit.contains("<testsuite") && junit.contains("stays-up"), "{junit}");
    let page = std::fs::read_to_string(to.join("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_one_another() {
    let folder = folder();
    let (scenario, farm) = (scenario(&folder, PUMP), farm(&folder));
    let of = |seed: &str, name: &str| {
        let to = folder.path().join(name);
        let ran = go(&["run", &scenario, "--farm", &farm, "--seed", seed, "--out", &text(&to)]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        std::fs::read(to.join("report.json")).unwrap()
    };
    let first = of("3", "a");
    assert_eq!(first, of("3", "b"));
    // With three units to pick from some other seed picks another one.
    let picked = |report: &[u8]| {
        let report: Value = serde_json::from_slice(report).unwrap();
        report["targets"].to_string()
    };
    let others = ["4", "5", "6", "7", "8"].map(|seed| picked(&of(seed, seed)));
    assert!(others.iter().any(|other| *other != picked(&first)), "{others:?}");
}

#[test]
fn the_exit_code_is_the_verdict() {
    let folder = folder();
    let farm = farm(&folder);
    let with = |from: &str, to: &str| {
        let changed = PUMP.replace(from, to);
        assert_ne!(changed, PUMP);
        let scenario = scenario(&folder, &changed);
        let ran = go(&["run", &scenario, "--farm", &farm]);
        (ran.code, ran.stdout + &ran.stderr)
    };
    let (code, said) = with("grid.voltage_pu > 0.5", "grid.voltage_pu > 1.5");
    assert_eq!(code, Some(1), "failed: {said}");
    let (code, said) = with(
        "timeline:",
        "abort:\n  - {when: \"farm.frequency_hz > 1Hz\", reason: enough}\ntimeline:",
    );
    assert_eq!(code, Some(3), "aborted: {said}");
    assert!(said.contains("enough"), "{said}");
    let (code, said) = with("grid.frequency_hz > 45Hz", "grid.voltage_pu > 1.5");
    assert_eq!(code, Some(4), "invalid, the farm was never steady: {said}");
    let (code, said) = with("targets:", "requires: {minUnits: 1000}\ntargets:");
    assert_eq!(code, Some(2), "could not be run: {said}");
}

#[test]
fn bad_input_is_told_with_its_place_and_a_hint_before_anything_runs() {
    let folder = folder();
    let farm = farm(&folder);
    let refusal = |from: &str, to: &str| {
        let scenario = scenario(&folder, &PUMP.replace(from, to));
        let ran = go(&["run", &scenario, "--farm", &farm]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
        ran.stderr
    };
    let said = refusal("sut: {mode: none}", "sut: {mode: none, colour: red}");
    assert!(said.contains("scenario.yaml:9:") && said.contains("colour"), "{said}");
    let said = refusal("device.hvac.pump", "device.hvac.pomp");
    assert!(said.contains("did you mean") && said.contains("device.hvac.pump"), "{said}");
    let said = refusal("grid.voltage_pu > 0.5", "grid.voltage_pv > 0.5");
    assert!(said.contains("scenario.yaml:") && said.contains("grid.voltage_pu"), "{said}");
    let said = refusal("at: 5s", "at: 5W");
    assert!(said.contains("5W"), "{said}");
    let ran = go(&["run", "no-such-scenario"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("bess scenario list"), "{}", ran.stderr);
    let ran = go(&["run"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
}

#[test]
fn parameters_are_set_from_outside_and_an_unknown_one_is_refused() {
    let folder = folder();
    let (scenario, farm) = (scenario(&folder, PUMP), farm(&folder));
    let to = folder.path().join("result");
    let ran = go(&["run", &scenario, "--farm", &farm, "--set", "lasts=10s", "--out", &text(&to)]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let report = report(&to).to_string();
    assert!(report.contains("\"lasts\""), "{report}");
    let ran = go(&["run", &scenario, "--farm", &farm, "--set", "last=10s"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("lasts"), "{}", ran.stderr);
    let checked = go(&["check", &scenario, "--farm", &farm]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains("fine"), "{}", checked.stdout);
}

#[test]
fn a_run_with_the_built_in_ems_is_the_same_again_to_the_last_letter() {
    let folder = folder();
    let farm = farm(&folder);
    let text_of = PUMP.replace("sut: {mode: none}", "sut: {mode: stub}");
    let scenario = scenario(&folder, &text_of);
    let of = |name: &str| {
        let to = folder.path().join(name);
        let ran = go(&["run", &scenario, "--farm", &farm, "--out", &text(&to)]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("the EMS made"), "{}", ran.stdout);
        std::fs::read_to_string(to.join("report.json")).unwrap()
    };
    let first = of("a");
    assert!(first.contains("deterministic"), "{first}");
    assert_eq!(first, of("b"));
}

#[test]
fn a_live_run_with_an_ems_is_recorded_and_its_report_is_made_again_with_every_bit_the_same() {
    let folder = folder();
    let farm_file = farm(&folder);
    let text_of = PUMP.replace("sut: {mode: none}", "sut: {mode: stub}");
    let scenario = scenario(&folder, &text_of);
    let recording = folder.path().join("recording");
    let args = ["--farm", &farm_file, "--scenario", &scenario, "--scenario-seed", "5"];
    let more = ["--stub-ems", "--speed", "50", "--record", &text(&recording)];
    let mut live = Farm::start(&[args.as_slice(), &more].concat());
    let over = poll(PATIENCE, || live.log().contains("scenario over").then_some(()));
    assert!(over.is_some(), "{}", live.log());
    live.signal("TERM");
    assert_eq!(live.code_within(PATIENCE), Some(Some(0)), "{}", live.log());
    assert!(live.log().contains("passed"), "{}", live.log());
    let to = folder.path().join("result");
    let replay = |to: &Path| go(&["run", "--replay", &text(&recording), "--out", &text(to)]);
    let ran = replay(&to);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("every bit is the same"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("decides otherwise"), "{}", ran.stdout);
    assert!(ran.stdout.contains("pump: passed (seed 5, recorded"), "{}", ran.stdout);
    let again = folder.path().join("again");
    assert_eq!(replay(&again).code, Some(0));
    assert_eq!(report(&to), report(&again));
    let written = report(&to)["sut"]["writers"].to_string();
    assert!(written.contains("127.0.0.1"), "what the EMS wrote then is in it: {written}");
}

#[test]
fn the_built_in_ems_keeps_the_order_that_a_scenario_begins_with() {
    let folder = folder();
    let farm = farm(&folder);
    let text_of = PUMP
        .replace("sut: {mode: none}", "sut: {mode: stub}")
        .replace("targets:\n", "initial: [{target: farm, set: {power_setpoint_w: 150kW}}]\ntargets:\n  farm: {kind: farm}\n")
        .replace("for: 20s, expr: \"grid.voltage_pu > 0.5\"", "for: 20s, expr: \"farm.active_power_w ~= 150kW ± 10%\"");
    let scenario = scenario(&folder, &text_of);
    let ran = go(&["run", &scenario, "--farm", &farm]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn an_ems_that_does_something_wrong_is_found_by_a_scenario_that_looks() {
    let folder = folder();
    let farm = farm(&folder);
    let text_of = PUMP
        .replace("sut: {mode: none}", "sut: {mode: stub}")
        .replace("kind: always, after: {action: fails}, for: 20s", "kind: always, for: 20s")
        .replace("grid.voltage_pu > 0.5", "client.writes_per_s > 0.5");
    let scenario = scenario(&folder, &text_of);
    let run = |more: &[&str]| {
        let args = ["run", &scenario, "--farm", &farm];
        let ran = go(&[args.as_slice(), more].concat());
        (ran.code, ran.stdout + &ran.stderr)
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&["--ems-flaw", "no-heartbeat"]);
    assert_eq!(code, Some(1), "{said}");
}

/// `bess serve` on free ports with these arguments, to its end.
fn serve(args: &[&str]) -> Ran {
    let ports = ["serve", "--modbus-port=0", "--api-port=0", "--metrics-port=0"];
    run(ports.iter().chain(args))
}

#[test]
fn a_live_farm_ends_with_its_scenario_and_its_verdict_is_the_exit_code() {
    let folder = folder();
    let farm = farm(&folder);
    let live = |text_of: &str, name: &str, more: &[&str]| {
        let scenario = file(&folder, &format!("{name}.yaml"), text_of);
        let to = folder.path().join(name);
        let args = ["--farm", &farm, "--scenario", &scenario, "--scenario-seed", "7"];
        let asked = ["--speed", "50", "--exit-with-scenario", "--scenario-out", &text(&to)];
        let ran = serve(&[args.as_slice(), &asked, more].concat());
        let files = ["report.json", "junit.xml", "report.html"];
        assert!(files.iter().all(|file| to.join(file).is_file()), "{}{}", ran.stdout, ran.stderr);
        (ran.code, ran.stdout, report(&to))
    };
    let (code, said, report) = live(PUMP, "good", &[]);
    assert_eq!((code, &report["verdict"]), (Some(0), &Value::from("passed")), "{said}");
    assert!(said.starts_with("pump: passed (seed 7"), "{said}");
    let wrong = PUMP.replace("grid.voltage_pu > 0.5", "grid.voltage_pu > 1.5");
    let (code, said, report) = live(&wrong, "bad", &[]);
    assert_eq!((code, &report["verdict"]), (Some(1), &Value::from("failed")), "{said}");
    // The farm ends before it: it is aborted, and says so.
    let (code, said, report) = live(PUMP, "short", &["--for", "20s"]);
    assert_eq!((code, &report["verdict"]), (Some(3), &Value::from("aborted")), "{said}");
}

#[test]
fn a_run_under_way_when_its_farm_stops_is_aborted_with_a_report_in_its_recording_too() {
    let folder = folder();
    let (farm, scenario) = (farm(&folder), scenario(&folder, PUMP));
    let recording = text(&folder.path().join("recording"));
    let args = ["--farm", &farm, "--scenario", &scenario, "--speed", "50", "--for", "20s"];
    // Nobody asked that the verdict be the exit code.
    let ran = serve(&[args.as_slice(), &["--record", &recording]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = go(&["run", "--replay", &recording]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("pump: aborted"), "{}", ran.stdout);
}

#[test]
fn a_folder_for_reports_that_cannot_be_is_refused_before_the_farm_starts() {
    let folder = folder();
    let (farm, scenario) = (farm(&folder), scenario(&folder, PUMP));
    let ran = serve(&["--farm", &farm, "--scenario", &scenario, "--scenario-out", &scenario]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot write to"), "{}", ran.stderr);
}

#[test]
fn what_was_posted_to_a_live_run_taken_or_refused_is_in_its_replayed_report_as_it_was() {
    let folder = folder();
    let farm_file = farm(&folder);
    let quiet = PUMP.replace("sut: {mode: none}", "sut: {mode: external, expectClients: 0}");
    let scenario = scenario(&folder, &format!("{quiet}report: {{record: [\"farm.*_total\"]}}\n"));
    let (recording, out) = (folder.path().join("recording"), folder.path().join("live"));
    let args = ["--farm", &farm_file, "--scenario", &scenario, "--speed", "10"];
    let kept = ["--record", &text(&recording), "--scenario-out", &text(&out)];
    let mut live = Farm::start(&[args.as_slice(), &kept].concat());
    let begun = poll(PATIENCE, || {
        let runs = live.get("/api/v1/runs").ok()?.1;
        (runs["runs"][0]["phase"] == "running").then_some(())
    });
    assert!(begun.is_some(), "{}", live.log());
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let post = |path: &str, body: Value| {
        let url = format!("{}/api/v1{path}", live.api());
        agent.post(&url).send_json(body).expect("an answer").status().as_u16()
    };
    let seen = |what: &str| serde_json::json!({ "what": what, "unit": 1 });
    assert_eq!(post("/runs/pump/observations", seen("pump_failed")), 200);
    assert_eq!(post("/runs/pump/observations", seen("No Word")), 422);
    assert_eq!(post("/units/1/commands", serde_json::json!({ "action": "fly" })), 422);
    assert_eq!(post("/units/1/commands", serde_json::json!({ "action": "standby" })), 200);
    let over = poll(PATIENCE, || live.log().contains("scenario over").then_some(()));
    assert!(over.is_some(), "{}", live.log());
    live.signal("TERM");
    assert_eq!(live.code_within(PATIENCE), Some(Some(0)), "{}", live.log());
    let to = folder.path().join("again");
    let ran = go(&["run", "--replay", &text(&recording), "--out", &text(&to)]);
    assert!(ran.stdout.contains("every bit is the same"), "{}{}", ran.stdout, ran.stderr);
    let (mut then, mut now) = (report(&out), report(&to));
    // Who made it is all that differs.
    for report in [&mut then, &mut now] {
        report["run"]["attendance"].take();
        report["run"]["reproduce"].take();
    }
    assert_eq!(then, now);
    assert_eq!(then["scores"]["writes_refused"], 1, "the command that there is not: {then:#}");
    assert_eq!(then["sut"]["writers"][0]["writes"], 2, "no observation is a write of an EMS");
    assert_eq!(then["observations"].as_array().map(Vec::len), Some(1));
}
