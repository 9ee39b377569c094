//! Bad input: each a clear message before anything starts, exit code 2 and nothing on stdout.
//!
//! A message names the place, the value and what was expected, with a hint where one helps. The
//! messages of single files are tested where they are made; here is what a user of the binary sees.

mod common;

use common::{Ran, SMALL_FARM, bess, collect_stderr, ended_within, file, folder, run, text};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

const TRAJECTORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulation/tests/data");

/// Runs `bess`, which must refuse: exit code 2, stdout empty, and all of `parts` on stderr.
fn refused(args: &[&str], parts: &[&str]) -> Ran {
    let ran = run(args);
    assert_eq!(ran.code, Some(2), "bess {args:?} said:\n{}", ran.stderr);
    assert_eq!(ran.stdout, "", "bess {args:?} wrote to stdout");
    for part in parts {
        assert!(
            ran.stderr.contains(part),
            "{part:?} is not in what bess {args:?} said:\n{}",
            ran.stderr
        );
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

/// Serves, runs and checks the small farm with one change, which must be refused in the same words
/// by each command, before any port is bound; `{line}` in a part is the line that was changed.
fn refused_farm(from: &str, to: &str, parts: &[&str]) {
    let broken = SMALL_FARM.replacen(from, to, 1);
    let at = SMALL_FARM.find(from).expect("a line of the farm file");
    let line = (SMALL_FARM[..at].matches('\n').count() + 1).to_string();
    let parts: Vec<String> = parts.iter().map(|part| part.replace("{line}", &line)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let parts = &parts[..];
    let folder = folder();
    let farm = file(&folder, "farm.toml", broken);
    let endpoints = text(&folder.path().join("endpoints.json"));
    refused(&["farm", "check", &farm], parts);
    refused(&["farm", "show", &farm], parts);
    refused(&["run", "--farm", &farm, "--for", "1s"], parts);
    refused(
        &[
            "serve",
            "--farm",
            &farm,
            "--endpoints",
            &endpoints,
            "--modbus-port=0",
            "--api-port=0",
            "--metrics-port=0",
        ],
        parts,
    );
    assert!(!folder.path().join("endpoints.json").exists());
}

/// Runs the small farm with a file for `flag`, which must be refused; `{}` in a part is its path.
fn refused_csv(flag: &str, bytes: impl AsRef<[u8]>, parts: &[&str]) {
    let folder = folder();
    let farm = file(&folder, "farm.toml", SMALL_FARM);
    let csv = file(&folder, "input.csv", bytes);
    let parts: Vec<String> = parts.iter().map(|part| part.replace("{}", &csv)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    refused(&["run", "--farm", &farm, flag, &csv], &parts);
    refused(
        &[
            "serve",
            "--farm",
            &farm,
            flag,
            &csv,
            "--modbus-port=0",
            "--api-port=0",
            "--metrics-port=0",
        ],
        &parts,
    );
}

#[test]
fn an_audit_file_that_cannot_be_written_is_refused() {
    let folder = folder();
    let endpoints = text(&folder.path().join("endpoints.json"));
    for (path, reason) in [
        (folder.path().to_owned(), "it is a folder"),
        (folder.path().join("no/a.jsonl"), "No such"),
    ] {
        let path = text(&path);
        let args = [
            "serve",
            "--audit",
            &path,
            "--endpoints",
            &endpoints,
            "--modbus-port=0",
            "--api-port=0",
            "--metrics-port=0",
        ];
        refused(&args, &["cannot write the audit to", &path, reason, "hint: --audit names"]);
    }
    assert!(!folder.path().join("endpoints.json").exists());
}

#[test]
fn a_history_that_cannot_be_is_refused_with_the_arithmetic() {
    let refused = |args: &[&str], parts: &[&str]| {
        let ports = ["--modbus-port=0", "--api-port=0", "--metrics-port=0"];
        refused(&[&["serve"], args, &ports].concat(), parts)
    };
    let many = ["--history-units=battery.soc", "--history-memory=27MB"];
    let parts =
        ["needs", "may have 27.0 MB", "1 signals x 10 units = 10 values", "hint: name fewer"];
    refused(&many, &parts);
    refused(&["--history-memory=2MB"], &["needs", "farm 28"]);
    refused(&["--history-units=soc"], &["no signal \"soc\"", "did you mean battery.soc?"]);
    for memory in ["lots", "-1MB", "12"] {
        refused(&[&format!("--history-memory={memory}")], &["--history-memory must be 0 or"]);
    }
    for tiers in ["1s", "1s:0s", "7s:1h", "1s:1h,1s:2h", "1:1h", "0.05s:1h"] {
        let flag = format!("--history-unit-tiers={tiers}");
        refused(
            &[&flag],
            &[if tiers.contains("2h") { "two tiers" } else { "--history-unit-tiers" }],
        );
    }
}

// ---------------------------------------------------------------------------------------------
// Farm files

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_key() {
    refused_farm(
        "cop = 3.0",
        "cops = 3.0",
        &[
            "unknown key `cops`",
            "farm.toml:{line}:1",
            "{line} | cops = 3.0",
            "^^^^",
            "hint: did you mean `cop`?",
        ],
    );
}

#[test]
fn a_wrong_unit_in_a_key_draws_the_key_with_the_right_one() {
    refused_farm(
        "rated_power_kw = 100",
        "rated_power_mw = 0.1",
        &[
            "unknown key `rated_power_mw`",
            "farm.toml:{line}:1",
            "hint: did you mean `rated_power_kw`? Mind the unit",
        ],
    );
}

#[test]
fn a_value_with_its_unit_in_the_text_is_refused() {
    refused_farm(
        "rated_power_kw = 100",
        "rated_power_kw = \"100 kW\"",
        &[
            "`units[0].pcs.rated_power_kw`",
            "got the text \"100 kW\"",
            "farm.toml:{line}:18",
            "hint: write a bare number",
        ],
    );
}

#[test]
fn a_state_of_charge_in_percent_is_refused_with_the_fraction_that_was_meant() {
    refused_farm(
        "soc = 0.5",
        "soc = 85",
        &[
            "`farm.initial.soc` must be a fraction from 0 to 1, got 85",
            "farm.toml:{line}:7",
            "hint: did you write a percentage? 85 % is 0.85",
        ],
    );
}

#[test]
fn racks_without_cells_and_units_without_racks_are_refused() {
    refused_farm(
        "cells_in_series = 104",
        "cells_in_series = 0",
        &[
            "`units[0].cells_in_series` must be a whole number from 1 to 2000, got 0",
            "farm.toml:{line}:19",
        ],
    );
    refused_farm(
        "racks = 2",
        "racks = 0",
        &["`units[0].racks` must be a whole number from 1 to", "got 0", "farm.toml:{line}:9"],
    );
}

#[test]
fn a_missing_chemistry_is_refused_with_those_that_there_are() {
    refused_farm(
        "chemistry = \"lfp-314\"",
        "chemistry = \"nmc-52\"",
        &["no chemistry \"nmc-52\"", "farm.toml:{line}:13", "hint: built in are lfp-280, lfp-314"],
    );
    refused_farm(
        "chemistry = \"lfp-314\"",
        "chemistry = \"mine.toml\"",
        &["no chemistry \"mine.toml\"", "No such file", "farm.toml:{line}:13"],
    );
    refused_farm(
        "chemistry = \"lfp-314\"\n",
        "",
        &["lacks `chemistry`: expected a text", "farm.toml:13:1"],
    );
}

#[test]
fn all_problems_of_a_farm_file_come_at_once() {
    let broken = SMALL_FARM
        .replace("nominal_frequency_hz = 60", "nominal_frequency_hz = 400")
        .replace("soc = 0.5", "soc = 50")
        .replace("racks = 2", "racks = 0")
        .replace("cop = 3.0", "cops = 3.0");
    let folder = folder();
    let farm = file(&folder, "farm.toml", broken);
    let ran = refused(&["run", "--farm", &farm], &["400", "50 % is 0.5", "units[0].racks", "cops"]);
    assert_eq!(ran.stderr.matches("error:").count(), 4, "{}", ran.stderr);
}

#[test]
fn a_farm_file_that_is_absent_or_no_toml_is_refused() {
    let folder = folder();
    let absent = text(&folder.path().join("absent.toml"));
    refused(
        &["run", "--farm", &absent],
        &["cannot read the file: No such file", &absent, "hint: `bess farm init`"],
    );
    let garbled = file(&folder, "garbled.toml", "[farm]\nname = \n");
    refused(&["serve", "--farm", &garbled], &["not valid TOML", "garbled.toml:2:"]);
    refused(&["farm", "check", &text(folder.path())], &["cannot read the file", "directory"]);
    let binary = file(&folder, "binary.toml", [0xFF, 0x00, 0xC3, 0x28]);
    refused(&["farm", "check", &binary], &["cannot read the file", "UTF-8", "binary.toml"]);
}

#[test]
fn a_check_of_several_farm_files_reports_the_problems_of_each() {
    let folder = folder();
    let fine = file(&folder, "fine.toml", SMALL_FARM);
    let one = file(&folder, "one.toml", SMALL_FARM.replace("racks = 2", "racks = 0"));
    let two = file(&folder, "two.toml", SMALL_FARM.replace("soc = 0.5", "soc = -1"));
    let ran = run(["farm", "check", &fine, &one, &two]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.contains("fine.toml: fine: 3 units, 624 cells"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("one.toml") && !ran.stdout.contains("two.toml"));
    assert!(ran.stderr.contains("one.toml:19:9") && ran.stderr.contains("two.toml:10:7"));
}

// ---------------------------------------------------------------------------------------------
// Input series

#[test]
fn a_csv_that_is_absent_or_a_folder_is_refused() {
    let folder = folder();
    let absent = text(&folder.path().join("absent.csv"));
    for flag in ["--dispatch", "--frequency", "--ambient"] {
        refused(&["run", flag, &absent], &["cannot read the file: No such file", &absent]);
        let directory = text(folder.path());
        refused(&["run", flag, &directory], &["cannot read the file", "directory", &directory]);
    }
}

#[test]
fn a_csv_of_binary_rubbish_is_refused() {
    let rubbish: Vec<u8> =
        (0..4000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    refused_csv("--dispatch", rubbish, &["{}", "UTF-8"]);
    refused_csv("--dispatch", "", &["{}", "error:"]);
    refused_csv("--dispatch", "t_s,power_w\n", &["{}", "no rows"]);
}

#[test]
fn a_value_that_is_no_number_is_refused_at_its_line() {
    refused_csv(
        "--dispatch",
        "t_s,power_w\n0,1\n4,lots\n8,2\n",
        &["the power must be a number, got `lots`", "{}:3:3", "3 | 4,lots"],
    );
    refused_csv(
        "--frequency",
        "t_s,frequency_hz\n0,60\n1,0.999\n",
        &["the frequency must be from 40 to 70 Hz, got 0.999", "{}:3:3", "hint: per unit?"],
    );
    refused_csv("--ambient", "t_s,ambient_degc\n0,20\n1,293\n", &["got 293", "{}:3:3"]);
    refused_csv("--dispatch", "t_s,power_w\n4,1\n0,2\n", &["{}:3:1"]);
}

#[test]
fn an_ambiguous_column_is_refused_with_the_flag_that_picks_one() {
    refused_csv(
        "--dispatch",
        "t_s,north_kw,south_kw\n0,1,2\n",
        &[
            "2 columns could hold the power: `north_kw`, `south_kw`",
            "{}:1:5",
            "hint: pick one, such as --column north_kw",
        ],
    );
}

#[test]
fn a_frequency_record_given_as_dispatch_is_refused_with_the_flag_that_was_meant() {
    refused_csv(
        "--dispatch",
        "t_s,frequency_hz\n0,60.01\n",
        &[
            "no power column",
            "`frequency_hz` is a frequency",
            "{}:1:5",
            "hint: is this the file for --frequency?",
        ],
    );
    refused_csv(
        "--frequency",
        "t_s,power_w\n0,60.01\n",
        &["no frequency column", "`power_w` is a power", "hint: is this the file for --dispatch?"],
    );
}

#[test]
fn problems_of_all_files_come_at_once() {
    let folder = folder();
    let farm = file(&folder, "farm.toml", SMALL_FARM.replace("soc = 0.5", "soc = 85"));
    let dispatch = file(&folder, "dispatch.csv", "t_s,power_w\n0,x\n");
    let frequency = file(&folder, "frequency.csv", "t_s,frequency_hz\n0,1\n");
    refused(
        &["run", "--farm", &farm, "--dispatch", &dispatch, "--frequency", &frequency],
        &["farm.toml:10:7", "dispatch.csv:2:3", "frequency.csv:2:3"],
    );
}

// ---------------------------------------------------------------------------------------------
// Flags

#[test]
fn an_unknown_flag_or_command_is_refused() {
    refused(
        &["serve", "--modbus-prot", "1"],
        &["unexpected argument '--modbus-prot'", "--modbus-port"],
    );
    refused(&["run", "--speed", "2"], &["unexpected argument '--speed'"]);
    refused(&["rnu"], &["unrecognized subcommand 'rnu'"]);
    refused(&[], &["Usage: bess"]);
}

#[test]
fn a_duration_without_a_unit_is_refused_with_what_may_have_been_meant() {
    refused(
        &["run", "--for", "24"],
        &["'24'", "--for", "such as 90s, 15m, 24h", "did you mean 24s or 24h?"],
    );
    refused(&["serve", "--for", "2y"], &["'2y'", "such as 90s"]);
    refused(&["run", "--for=-1h"], &["'-1h'", "cannot be negative"]);
    refused(&["run", "--for", "0"], &["--for must be from 100ms to 10 years, got 0 s"]);
    refused(&["run", "--for", "11000d"], &["--for must be from 100ms to 10 years"]);
    refused(&["serve", "--drain", "soon"], &["'soon'", "--drain"]);
}

#[test]
fn a_speed_or_a_number_of_workers_out_of_range_is_refused() {
    for speed in ["0", "-1", "0.001", "20000", "nan", "inf"] {
        let flag = format!("--speed={speed}");
        refused(&["serve", &flag], &["--speed must be from 0.01 to 10000"]);
    }
    refused(&["serve", "--speed", "fast"], &["'fast'", "--speed"]);
    for workers in ["0", "257"] {
        let words = format!("--workers must be from 1 to 256, got {workers}");
        refused(&["run", "--for", "1s", "--workers", workers], &[&words]);
        refused(&["serve", "--workers", workers], &[&words]);
    }
    refused(&["run", "--workers", "many"], &["'many'", "--workers"]);
}

#[test]
fn a_port_address_seed_or_log_filter_that_is_none_is_refused() {
    refused(&["serve", "--api-port", "80000"], &["'80000'", "--api-port"]);
    refused(&["serve", "--bind", "here"], &["'here'", "--bind"]);
    refused(&["run", "--seed", "x"], &["'x'", "--seed"]);
    refused(
        &["serve", "--log", "a=b=c"],
        &["--log \"a=b=c\": \"a\" at character 1", "bess_protocol"],
    );
}

#[test]
fn an_environment_variable_is_checked_like_its_flag() {
    let ended = bess(["run", "--for", "1s"]).env("BESS_WORKERS", "0").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("--workers must be from 1 to 256, got 0"), "{said}");
    // The flag beats the variable.
    let ended = bess(["serve", "--speed", "0.001"]).env("BESS_SPEED", "1").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
}

#[test]
fn an_unknown_map_form_or_unit_is_refused_with_those_that_there_are() {
    refused(
        &["registers", "--map", "nonsense"],
        &["no map \"nonsense\"", "hint: there are sunspec, sunspec-cells,", "compact"],
    );
    refused(&["registers", "--map", "absent.toml"], &["absent.toml", "No such file"]);
    refused(&["registers", "--format", "xml"], &["--format must be md, csv or json, got xml"]);
    refused(&["registers", "--unit", "11"], &["no unit \"11\"", "units 1 to 10"]);
}

#[test]
fn a_broken_map_file_is_refused_with_all_its_problems_in_their_places() {
    let map = "[map]
name = \"mine\"

[[point]]
address = 7
value = \"ac.activ_power\"
type = \"i32\"

[[point]]
address = 8
value = \"ac.frequency\"
type = \"u16\"
scale = 0
";
    let folder = folder();
    let path = file(&folder, "mine.toml", map);
    let parts = [
        "mine.toml:6:9",
        "value = \"ac.activ_power\"",
        "^",
        "did you mean `ac.active_power`",
        "mine.toml:13:9",
    ];
    refused(&["farm", "check", &path], &parts);
    refused(&["registers", "--map", &path], &parts);
}

// ---------------------------------------------------------------------------------------------
// bess cell

#[test]
fn a_cell_with_an_impossible_start_or_tick_is_refused() {
    let profile = format!("{TRAJECTORIES}/a1_1rc_affine_cc_1C.csv");
    let cell = |more: &[&str], parts: &[&str]| {
        let mut args = vec!["cell", "--profile", &profile];
        args.extend(more);
        refused(&args, parts);
    };
    cell(&["--initial-soc", "1.5"], &["--initial-soc must be a fraction from 0 to 1, got 1.5"]);
    cell(&["--initial-soc", "nan"], &["--initial-soc must be a fraction from 0 to 1"]);
    cell(&["--ambient-degc", "-80"], &["--ambient-degc must be from -60 to 100 degC, got -80"]);
    cell(&["--tick", "0"], &["--tick must be from 1ms to 1h, got 0"]);
    cell(&["--chemistry", "nmc"], &["no chemistry \"nmc\"", "hint: built in are lfp-280, lfp-314"]);
    cell(&["--chemistry", "absent.toml"], &["cannot read the file: No such file", "absent.toml"]);
}

#[test]
fn a_chemistry_that_cannot_be_is_refused_at_its_place() {
    let good = std::fs::read_to_string(format!("{TRAJECTORIES}/c280-affine-1rc.toml")).unwrap();
    let profile = format!("{TRAJECTORIES}/a1_1rc_affine_cc_1C.csv");
    for (from, to, parts) in [
        (
            "resistance_ohm = 0.00025",
            "resistance_ohm = -0.00025",
            [
                "`r0.resistance_ohm` must be a number greater than 0",
                "got -0.00025",
                "mine.toml:16:18",
            ],
        ),
        (
            "voltage_v = [3.0, 4.2]",
            "voltage_v = [4.2, 3.0]",
            ["the open-circuit voltage must rise with SoC", "is 3 after 4.2", "mine.toml:12:13"],
        ),
        (
            "capacity_ah = 280",
            "capacity_mah = 280000",
            ["unknown key `capacity_mah`", "lacks `capacity_ah`", "mine.toml:6:1"],
        ),
    ] {
        let folder = folder();
        let chemistry = file(&folder, "mine.toml", good.replacen(from, to, 1));
        refused(&["cell", "--chemistry", &chemistry, "--profile", &profile], &parts);
    }
}

#[test]
fn a_profile_that_drives_no_cell_is_refused() {
    let folder = folder();
    let profile = file(&folder, "p.csv", "t_s,frequency_hz\n0,50\n");
    refused(&["cell", "--profile", &profile], &["no current, C-rate or power column", "p.csv:1:5"]);
    let profile = file(&folder, "q.csv", "t_s,current_a\n0,1\n1,one\n");
    refused(&["cell", "--profile", &profile], &["got `one`", "q.csv:3:3"]);
    refused(&["cell"], &["--profile"]);
}

#[test]
fn a_profile_generator_out_of_its_range_is_refused() {
    refused(&["profile", "frequency", "--nominal-hz", "55"], &["'55'", "expected 50 or 60"]);
    refused(&["profile", "agc", "--limit-pct", "0", "--for", "1h"], &["limit"]);
    refused(&["profile", "ambient", "--start-day", "400", "--for", "1h"], &["400"]);
    refused(&["profile", "load", "--site", "moon"], &["'moon'", "household", "commercial"]);
    refused(&["profile"], &["Usage: bess profile"]);
}

// ---------------------------------------------------------------------------------------------
// Places in the world

#[test]
fn busy_ports_are_all_named_with_their_flags() {
    let held: Vec<TcpListener> =
        (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<String> =
        held.iter().map(|held| held.local_addr().unwrap().port().to_string()).collect();
    let [modbus, api, metrics] = &ports[..] else { unreachable!("three were bound") };
    let listens_on = |port: &String| format!("cannot listen on 127.0.0.1:{port}");

    // One: only the metrics', as when a Prometheus is at home on the machine.
    let ran = refused(
        &["serve", "--modbus-port=0", "--api-port=0", "--metrics-port", metrics],
        &[&listens_on(metrics), "for metrics", "in use", "--metrics-port"],
    );
    assert_eq!(ran.stderr.matches("cannot listen").count(), 1);
    // All of them, at once.
    let ran = refused(
        &["serve", "--modbus-port", modbus, "--api-port", api, "--metrics-port", metrics],
        &[
            &listens_on(modbus),
            &listens_on(api),
            &listens_on(metrics),
            "hint: choose another port with --modbus-port",
            "hint: choose another port with --api-port",
            "hint: choose another port with --metrics-port",
        ],
    );
    assert_eq!(ran.stderr.matches("cannot listen").count(), 3);
}

#[test]
fn an_address_that_is_not_ours_is_refused() {
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    refused(
        &[
            "serve",
            "--bind",
            "192.0.2.1",
            "--allow-open-api",
            "--modbus-port=0",
            "--api-port=0",
            "--metrics-port=0",
        ],
        &["cannot listen on 192.0.2.1:0", "assign"],
    );
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_run() {
    let folder = folder();
    let farm = file(&folder, "farm.toml", SMALL_FARM);
    let beneath_a_file = format!("{farm}/out");
    refused(
        &["run", "--farm", &farm, "--for", "1s", "--out", &beneath_a_file],
        &["cannot write to", &beneath_a_file],
    );
    refused(&["run", "--farm", &farm, "--for", "1s", "--out", &farm], &["cannot write to", &farm]);
    let profile = format!("{TRAJECTORIES}/a1_1rc_affine_cc_1C.csv");
    refused(
        &["cell", "--profile", &profile, "--out", &beneath_a_file],
        &["cannot write", &beneath_a_file],
    );
    refused(
        &[
            "serve",
            "--for=1s",
            "--modbus-port=0",
            "--api-port=0",
            "--metrics-port=0",
            "--endpoints",
            &beneath_a_file,
        ],
        &["cannot write", &beneath_a_file],
    );
}

#[test]
fn a_power_without_its_unit_is_refused_before_anybody_is_asked() {
    for power in ["1500", "1.5GW", "1.5mw", "lots", ""] {
        let ran = refused(
            &["unit", "set", "3", power, "--api", "http://127.0.0.1:9"],
            &["is no power", "such as 1500kW, 1.5MW or 60%"],
        );
        assert!(!ran.stderr.contains("no farm answers"));
    }
}

/// A reader such as `head` closes the pipe when it has seen enough.
#[test]
fn a_closed_stdout_is_no_error() {
    let trajectory = format!("{TRAJECTORIES}/a5_2rc_lfp_pulse_10Hz.csv");
    for args in [
        &["profile", "frequency", "--for", "7d"][..],
        &["registers", "--map", "sunspec"],
        &["cell", "--profile", &trajectory],
        &["farm", "init"],
    ] {
        let mut child = bess(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = collect_stderr(&mut child);
        let mut first = String::new();
        let mut stdout = BufReader::with_capacity(16, child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        drop(stdout);
        let status = ended_within(&mut child, common::PATIENCE).expect("it ends");
        let stderr = stderr.join().unwrap();
        assert_eq!(status.code(), Some(0), "bess {args:?} said:\n{stderr}");
        assert!(!first.is_empty());
        assert!(!stderr.to_lowercase().contains("pipe"), "{stderr}");
    }
}

#[test]
fn flags_that_would_do_nothing_are_refused() {
    for flag in [&["--column", "x"][..], &["--scale", "2"], &["--invert"]] {
        let args: Vec<&str> = ["run", "--for", "1s"].iter().chain(flag).copied().collect();
        refused(&args, &[flag[0], "adapts the dispatch file, but there is no --dispatch"]);
    }
    refused(&["run", "--for", "1s", "--loop"], &["--loop needs a file to start over"]);
}

#[test]
fn a_duration_that_is_none_and_a_folder_for_a_file_are_refused_before_a_port_is_bound() {
    let folder = folder();
    let path = text(folder.path());
    for args in [["--for", "0s"], ["--for", "-5s"], ["--endpoints", &path]] {
        let args: Vec<&str> = ["serve", "--modbus-port=0", "--api-port=0", "--metrics-port=0"]
            .iter()
            .copied()
            .chain(args)
            .collect();
        let ran = refused(&args, &[]);
        assert!(!ran.stderr.contains("bess serves"), "{}", ran.stderr);
    }
}

#[test]
fn a_cell_profile_shorter_than_a_tick_is_refused_and_one_beyond_the_cell_is_told() {
    let folder = folder();
    let profile = file(&folder, "profile.csv", "t_s,current_a\n0,280\n60,0\n");
    refused(&["cell", "--profile", &profile, "--tick", "1h"], &["before one --tick of 3600 s"]);
    let long = file(&folder, "long.csv", "t_s,current_a\n0,280\n9000,0\n");
    let ran = run(["cell", "--profile", &long, "--tick", "10s", "--initial-soc", "0.1"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("leaves what a cell can do (SoC -0.02"), "{}", ran.stderr);
}

#[test]
fn names_that_would_break_tables_and_a_frequency_of_neither_system_are_refused() {
    let line = |key: &str| SMALL_FARM.lines().find(|l| l.starts_with(key)).expect("a line");
    let frequency = line("nominal_frequency_hz = ");
    refused_farm(frequency, "nominal_frequency_hz = 55", &["must be 50 or 60, got 55"]);
    let named = line("name = ");
    refused_farm(named, "name = \"a/b\\nc\"", &["`name` must have at most 40 letters"]);
}
