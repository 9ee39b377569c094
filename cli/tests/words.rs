//! What the binary prints without a farm: help, version, register maps, a farm file to start from.

mod common;

use common::{file, folder, run};
use serde_json::Value;

fn stdout(args: &[&str]) -> String {
    let ran = run(args);
    assert_eq!(ran.code, Some(0), "bess {args:?} said:\n{}", ran.stderr);
    ran.stdout
}

#[test]
fn every_command_explains_itself_on_stdout() {
    let all = stdout(&["--help"]);
    for command in [
        "serve",
        "gateway",
        "healthcheck",
        "run",
        "cell",
        "profile",
        "farm",
        "registers",
        "certs",
        "token",
        "unit",
        "clock",
        "history",
        "point",
        "scenario",
        "fault",
        "link",
        "log",
        "checkpoint",
        "backup",
        "restore",
    ] {
        assert!(all.contains(&format!("\n  {command} ")), "{command} is not in:\n{all}");
        let one = stdout(&[command, "--help"]);
        assert!(one.contains(&format!("Usage: bess {command}")), "{one}");
        assert!(!one.contains('\u{1b}'), "no colours where nobody asked for them");
    }
    for command in [
        "serve", "gateway", "run", "cell", "profile", "certs", "token", "unit", "history", "point",
        "link", "fault", "log", "backup", "restore", "reshard",
    ] {
        assert!(stdout(&[command, "--help"]).contains("Examples:"), "{command} has examples");
    }
    assert_eq!(stdout(&["--version"]), format!("bess {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_flags_of_the_contract_are_there_with_their_variables() {
    let help = stdout(&["serve", "--help"]);
    for (flag, variable) in [
        ("--farm", "BESS_FARM"),
        ("--bind", "BESS_BIND"),
        ("--modbus-port", "BESS_MODBUS_PORT"),
        ("--api-port", "BESS_API_PORT"),
        ("--metrics-port", "BESS_METRICS_PORT"),
        ("--metrics-units", "BESS_METRICS_UNITS"),
        ("--endpoints", "BESS_ENDPOINTS"),
        ("--audit", "BESS_AUDIT"),
        ("--audit-rotate", "BESS_AUDIT_ROTATE"),
        ("--audit-keep", "BESS_AUDIT_KEEP"),
        ("--state", "BESS_STATE"),
        ("--checkpoint-every", "BESS_CHECKPOINT_EVERY"),
        ("--checkpoints-keep", "BESS_CHECKPOINTS_KEEP"),
        ("--record", "BESS_RECORD"),
        ("--scenario", "BESS_SCENARIO"),
        ("--scenario-out", "BESS_SCENARIO_OUT"),
        ("--exit-with-scenario", "BESS_EXIT_WITH_SCENARIO"),
        ("--stub-ems", "BESS_STUB_EMS"),
        ("--tokens", "BESS_TOKENS"),
        ("--token-hashes", "BESS_TOKEN_HASHES"),
        ("--allow-open-api", "BESS_ALLOW_OPEN_API"),
        ("--rate-limit", "BESS_RATE_LIMIT"),
        ("--cors-origin", "BESS_CORS_ORIGIN"),
        ("--tls-cert", "BESS_TLS_CERT"),
        ("--tls-key", "BESS_TLS_KEY"),
        ("--speed", "BESS_SPEED"),
        ("--stepped", "BESS_STEPPED"),
        ("--seed", "BESS_SEED"),
        ("--shard", "BESS_SHARD"),
        ("--units-per-shard", "BESS_UNITS_PER_SHARD"),
        ("--dispatch", "BESS_DISPATCH"),
        ("--frequency", "BESS_FREQUENCY"),
        ("--drain", "BESS_DRAIN"),
        ("--log", "BESS_LOG"),
        ("--log-format", "BESS_LOG_FORMAT"),
        ("--log-file", "BESS_LOG_FILE"),
        ("--log-rotate", "BESS_LOG_ROTATE"),
        ("--log-keep", "BESS_LOG_KEEP"),
        ("--history-units", "BESS_HISTORY_UNITS"),
        ("--history-unit-tiers", "BESS_HISTORY_UNIT_TIERS"),
        ("--history-memory", "BESS_HISTORY_MEMORY"),
    ] {
        assert!(help.contains(flag) && help.contains(&format!("{variable}=")), "{flag}:\n{help}");
    }
    let gateway = stdout(&["gateway", "--help"]);
    for (flag, variable) in [
        ("--farm", "BESS_FARM"),
        ("--units-per-shard", "BESS_UNITS_PER_SHARD"),
        ("--shard-url", "BESS_SHARD_URL"),
        ("--shard-timeout", "BESS_SHARD_TIMEOUT"),
        ("--bind", "BESS_BIND"),
        ("--api-port", "BESS_API_PORT"),
        ("--metrics-port", "BESS_METRICS_PORT"),
        ("--endpoints", "BESS_ENDPOINTS"),
        ("--drain", "BESS_DRAIN"),
        ("--log", "BESS_LOG"),
    ] {
        let there = gateway.contains(flag) && gateway.contains(&format!("{variable}="));
        assert!(there, "{flag}:\n{gateway}");
    }
    for default in ["127.0.0.1", "5020", "8000", "9090"] {
        assert!(help.contains(&format!("[default: {default}]")), "{default} in:\n{help}");
    }
}

#[test]
fn the_register_maps_are_the_same_in_every_form() {
    let built_in = ["tesla-like", "victron-like"];
    for map in bess_protocol::map::MAPS.iter().chain(&built_in) {
        let form = |format: &str| stdout(&["registers", "--map", map, "--format", format]);
        let rows: Vec<Value> = serde_json::from_str(&form("json")).unwrap();
        assert_eq!(form("csv").lines().count(), rows.len() + 1, "a header and the rows");
        let table = form("md");
        assert_eq!(table.lines().count(), rows.len() + 2, "a header, a rule and the rows");
        assert!(table.lines().all(|line| line.starts_with('|') && line.ends_with('|')));
        if map.ends_with("-like") {
            continue;
        }
        assert!(rows.len() > 50, "{map}");
        let mut next = if *map == "compact" { 0 } else { 40_000 };
        for row in &rows {
            assert_eq!(row["address"], next, "{map}: no gap and no overlap");
            next += row["length"].as_u64().unwrap();
        }
        if *map == "compact" {
            assert_eq!(next, 125);
        }
    }
    let power = stdout(&["registers", "--map", "compact", "--format", "csv"]);
    assert!(power.lines().any(|line| line.starts_with("holding,12,2,active power,")), "{power}");
}

#[test]
fn the_points_of_map_files_are_the_same_in_every_form() {
    let form = |format: &str| stdout(&["registers", "--points", "--format", format]);
    let rows: Vec<Value> = serde_json::from_str(&form("json")).unwrap();
    assert!(rows.len() > 300, "{} points", rows.len());
    assert_eq!(form("csv").lines().count(), rows.len() + 1, "a header and the rows");
    assert_eq!(form("md").lines().count(), rows.len() + 2, "a header, a rule and the rows");
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row("ac.active_power")["unit"], "W");
    assert_eq!(row("control.active_w")["role"], "operator");
}

#[test]
fn a_map_of_ones_own_is_checked_and_documented() {
    let map = "[map]
name = \"mine\"

[[point]]
table = \"input\"
address = 7
value = \"ac.active_power\"
type = \"i32\"
word_order = \"CDAB\"
scale = 1000

[[point]]
address = 100
value = \"control.active_pct\"
type = \"i16\"
scale = 0.1
access = \"rw\"
";
    let folder = folder();
    let path = file(&folder, "mine.toml", map);
    let checked = stdout(&["farm", "check", &path]);
    assert_eq!(checked, format!("{path}: fine: map \"mine\", 2 values\n"));
    let table = stdout(&["registers", "--map", &path, "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&table).unwrap();
    let of = |key: &str| -> Vec<Value> { rows.iter().map(|row| row[key].clone()).collect() };
    assert_eq!(of("table"), ["holding", "input"]);
    assert_eq!(of("address"), [100, 7]);
    assert_eq!(of("access"), ["RW", "R"]);
}

#[test]
fn the_farm_file_to_start_from_is_a_good_one() {
    let text = stdout(&["farm", "init"]);
    assert!(text.matches('#').count() > 5, "it is commented");
    let folder = folder();
    let path = file(&folder, "mine.toml", text);
    assert_eq!(stdout(&["farm", "check", &path]), format!("{path}: fine: 10 units, 49920 cells\n"));
    assert_eq!(stdout(&["farm", "show", &path]), stdout(&["farm", "show"]));
    assert_eq!(stdout(&["farm", "show", "--farm", &path]), stdout(&["farm", "show"]));
    let both = run(["farm", "show", &path, "--farm", &path]);
    assert_eq!(both.code, Some(2));
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
    assert!(stdout(&["farm", "show"]).contains("10 units, 120 racks, 49920 cells, 25.0 MW"));
}
