//! The state of a farm over restarts: what goes on, what is refused, what a backup brings back, and what a
//! process that is killed at any moment leaves behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]
#![expect(clippy::print_stdout, reason = "the seed and the figure of the kills")]

mod common;

use common::{Farm, PATIENCE, Ran, SMALL_FARM, file, folder, http_get, poll, run, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A farm file and a folder for its state.
struct Site {
    folder: TempDir,
    farm: String,
    state: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = folder();
        let farm = file(&folder, "farm.toml", SMALL_FARM);
        let state = folder.path().join("state");
        Self { folder, farm, state }
    }
    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let state = self.state.to_str().unwrap();
        [&["--farm", &self.farm, "--state", state], more].concat()
    }
    fn start(&self, more: &[&str]) -> Farm {
        Farm::start(&self.args(more))
    }
    /// A start that is refused.
    fn refused(&self, more: &[&str]) -> Ran {
        let ports = ["serve", "--modbus-port=0", "--api-port=0", "--metrics-port=0"];
        run([&ports[..], &self.args(more)].concat())
    }
    fn checkpoints(&self) -> Vec<PathBuf> {
        let inside = std::fs::read_dir(&self.state).unwrap().map(|entry| entry.unwrap().path());
        let is_one = |path: &PathBuf| path.extension().is_some_and(|after| after == "bess");
        let mut found: Vec<PathBuf> = inside.filter(is_one).collect();
        found.sort();
        found
    }
}

fn operate(farm: &Farm, args: &[&str]) {
    let api = farm.api();
    let ran = run([args, &["--api", &api]].concat());
    assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
}

/// Waits for a word in the log, which comes by a pipe.
fn hears(farm: &Farm, word: &str) {
    let found = poll(PATIENCE, || farm.log().contains(word).then_some(()));
    assert!(found.is_some(), "{word} in:\n{}", farm.log());
}

fn stop(mut farm: Farm) -> String {
    farm.signal("TERM");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    farm.log()
}

fn get(farm: &Farm, path: &str) -> Value {
    let (status, answer) = farm.get(path).unwrap();
    assert_eq!(status, 200, "{answer:#}");
    answer
}

/// The views of farm and units without what tells of the wall clock.
fn views(farm: &Farm) -> Value {
    let mut views = Vec::new();
    for path in ["farm", "units/1", "units/2", "units/3", "units/2/racks", "farm/plant", "alarms"] {
        let mut view = get(farm, &format!("/api/v1/{path}"));
        forget(&mut view);
        views.push(view);
    }
    views.into()
}

fn forget(view: &mut Value) {
    match view {
        Value::Object(fields) => {
            for name in ["publication", "wall_time", "age_ms", "snapshot_age_s"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

/// Every sample of every counter.
fn counters(farm: &Farm) -> BTreeMap<String, f64> {
    let (_, text) = http_get(&format!("http://{}/metrics", farm.address("metrics"))).unwrap();
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names: Vec<&str> = kinds.filter_map(|kind| kind.strip_suffix(" counter")).collect();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let is_counter = |line: &&str| {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        names.iter().any(|known| name == *known || name.strip_suffix("_total") == Some(known))
    };
    let pair = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    samples.filter(is_counter).map(pair).collect()
}

#[test]
fn a_farm_goes_on_after_a_restart_as_if_there_had_been_none() {
    let (site, twin) = (Site::new(), Site::new());
    let farm = site.start(&["--stepped"]);
    let uninterrupted = Farm::start(&["--farm", &twin.farm, "--stepped"]);
    for farm in [&farm, &uninterrupted] {
        operate(farm, &["unit", "set", "2", "40kW"]);
        operate(farm, &["unit", "stop", "3", "--panel"]);
        operate(farm, &["clock", "step", "900"]);
        operate(farm, &["clock", "speed", "7"]);
    }
    let before = views(&farm);
    let log = stop(farm);
    assert!(!log.contains("ERROR"), "{log}");
    let farm = site.start(&["--stepped"]);
    hears(&farm, "the farm goes on from a checkpoint");
    assert_eq!(views(&farm), before);
    let clock = get(&farm, "/api/v1/clock");
    assert_eq!((&clock["tick"], &clock["speed"]), (&900.into(), &7.0.into()), "{clock:#}");
    let events = get(&farm, "/api/v1/events?kind=restored");
    assert_eq!(events["events"][0]["what"], "tick 900", "{events:#}");
    let writes = get(&farm, "/api/v1/writes");
    assert_eq!(writes["writes"].as_array().unwrap().len(), 4, "{writes:#}");
    // And what comes then is the same as without the restart.
    for farm in [&farm, &uninterrupted] {
        operate(farm, &["unit", "set", "1", "-20kW"]);
        operate(farm, &["clock", "step", "600"]);
    }
    let time_free = |mut view: Value| {
        // Each began at another instant.
        fn forget_times(view: &mut Value) {
            match view {
                Value::Object(fields) => {
                    let is_time =
                        |name: &str| name == "time" || name.ends_with("_time") || name == "since";
                    fields.retain(|name, _| !is_time(name));
                    fields.values_mut().for_each(forget_times);
                }
                Value::Array(items) => items.iter_mut().for_each(forget_times),
                _ => {}
            }
        }
        forget_times(&mut view);
        view
    };
    assert_eq!(time_free(views(&farm)), time_free(views(&uninterrupted)));
    stop(farm);
}

#[test]
fn the_clock_goes_on_as_it_stood_unless_the_command_line_says_something_new() {
    let site = Site::new();
    let farm = site.start(&["--speed", "2"]);
    operate(&farm, &["clock", "pause"]);
    stop(farm);
    let farm = site.start(&["--speed", "2"]);
    assert_eq!(get(&farm, "/api/v1/clock")["mode"], "paused");
    stop(farm);
    let farm = site.start(&["--speed", "3"]);
    let clock = get(&farm, "/api/v1/clock");
    assert_eq!((&clock["mode"], &clock["speed"]), (&"running".into(), &3.0.into()), "{clock:#}");
}

#[test]
fn no_counter_of_the_metrics_jumps_over_a_restart() {
    let site = Site::new();
    let farm = site.start(&["--stepped"]);
    operate(&farm, &["unit", "set", "1", "80kW"]);
    operate(&farm, &["clock", "step", "1200"]);
    let before = counters(&farm);
    let discharged =
        |counters: &BTreeMap<String, f64>| counters["bess_farm_discharged_joules_total"];
    let lifetime =
        |farm: &Farm| get(farm, "/api/v1/farm")["totals"]["discharged_energy_wh"].as_f64().unwrap();
    assert!(discharged(&before) > 1e6, "{before:#?}");
    let energy_wh = lifetime(&farm);
    stop(farm);
    let farm = site.start(&["--stepped"]);
    let after = counters(&farm);
    // As Prometheus reckons: a value below the one before counts from zero.
    let increase = |name: &String, from: f64, to: f64| {
        let increase = if to < from { to } else { to - from };
        let of_the_farm = !name.starts_with("process_")
            && !name.contains("http")
            && !name.contains("log_")
            && !name.starts_with("tokio_")
            && !name.contains("cgroup");
        // The event of the restart is one.
        assert!(!of_the_farm || increase <= 1.0, "{name}: {from} before, {to} after");
    };
    for (name, to) in &after {
        increase(name, before.get(name).copied().unwrap_or(0.0), *to);
    }
    // The farm's own totals go on.
    assert!((lifetime(&farm) - energy_wh).abs() < 1e-9);
    operate(&farm, &["clock", "step", "600"]);
    let later = counters(&farm);
    assert!(discharged(&later) > 1e6 && discharged(&later) < discharged(&before), "{later:#?}");
    let gained_wh = lifetime(&farm) - energy_wh;
    assert!((discharged(&later) / 3600.0 - gained_wh).abs() < 1.0, "{gained_wh} Wh");
}

#[test]
fn a_checkpoint_that_is_damaged_is_refused_and_left_as_it_is() {
    let site = Site::new();
    for _ in 0..2 {
        let farm = site.start(&["--stepped"]);
        operate(&farm, &["clock", "step", "10"]);
        stop(farm);
    }
    let newest = site.checkpoints().pop().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&newest, &bytes).unwrap();
    let name = text(&newest);
    let ran = site.refused(&[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    for part in
        [&*name, "it is damaged: its checksum is", "bess checkpoint show", "--state-ignore-corrupt"]
    {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let shown = run(["checkpoint", "show", &name]);
    assert_eq!(shown.code, Some(2));
    assert!(shown.stderr.contains("it is damaged"), "{}", shown.stderr);
    assert_eq!(std::fs::read(&newest).unwrap(), bytes, "nothing touched it");
    // Half a file.
    std::fs::write(&newest, &bytes[..middle]).unwrap();
    let ran = site.refused(&[]);
    assert!(ran.stderr.contains("it is cut off"), "{}", ran.stderr);
    // Whoever wants goes on from the one before; the bad one is still there.
    let farm = site.start(&["--stepped", "--state-ignore-corrupt"]);
    assert_eq!(get(&farm, "/api/v1/clock")["tick"], 10);
    stop(farm);
    let aside = PathBuf::from(format!("{name}.corrupt"));
    assert_eq!(std::fs::read(aside).unwrap(), bytes[..middle]);
    stop(site.start(&["--stepped"]));
}

#[test]
fn a_checkpoint_of_another_farm_is_refused_with_what_differs() {
    let mut site = Site::new();
    stop(site.start(&["--stepped"]));
    let ran = site.refused(&["--seed", "8"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("is of another farm: seed: 7 there, 8 here"), "{}", ran.stderr);
    let more = SMALL_FARM.replace("count = 3", "count = 4");
    site.farm = file(&site.folder, "more.toml", more);
    let ran = site.refused(&[]);
    assert!(ran.stderr.contains("farm file (SHA-256): "), "{}", ran.stderr);
    assert!(ran.stderr.contains("units: 3 there, 4 here"), "{}", ran.stderr);
    let ran = site.refused(&["--state-other-farm"]);
    assert_eq!(ran.code, Some(2), "a fourth unit has no state: {}", ran.stderr);
    assert!(ran.stderr.contains("does not fit: farm.plant.works: it has 3"), "{}", ran.stderr);
    let warmer = SMALL_FARM.replace("setpoint_degc = 25", "setpoint_degc = 24");
    site.farm = file(&site.folder, "warmer.toml", warmer);
    assert_eq!(site.refused(&[]).code, Some(2));
    stop(site.start(&["--stepped", "--state-other-farm"]));
}

#[test]
fn flags_about_the_state_are_checked_before_anything_starts() {
    let site = Site::new();
    for (flags, why) in [
        (&["--checkpoint-every", "10ms"][..], "--checkpoint-every must be from 0.1s to 24h"),
        (&["--checkpoints-keep", "0"], "--checkpoints-keep must be at least 1"),
        (&["--record", "recording"], "--record and --state do not go together"),
    ] {
        let ran = site.refused(flags);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
    let ran = run(["serve", "--state-ignore-corrupt"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("needs --state"), "{}", ran.stderr);
    let farm = site.start(&["--stepped"]);
    let ran = site.refused(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("another bess process has it"), "{}", ran.stderr);
    stop(farm);
}

#[test]
fn a_farm_is_backed_up_while_it_runs_and_restored_as_the_runbook_says() {
    let site = Site::new();
    let farm = site.start(&["--speed", "20", "--checkpoint-every", "100ms"]);
    operate(&farm, &["unit", "set", "1", "50kW"]);
    let tick = get(&farm, "/api/v1/clock")["tick"].as_u64().unwrap();
    let newest = || {
        let text = http_get(&format!("http://{}/metrics", farm.address("metrics"))).unwrap().1;
        let line =
            text.lines().find(|line| line.starts_with("bess_checkpoint_last_tick "))?.to_owned();
        line.rsplit_once(' ')?.1.parse::<f64>().ok()
    };
    poll(PATIENCE, || newest().filter(|newest| *newest > tick as f64)).expect("a checkpoint");
    let state = text(&site.state);
    let backup = text(&site.folder.path().join("backup.bess"));
    let ran = run(["backup", "--state", &state, "--out", &backup]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("backed up tick "), "{}", ran.stdout);
    let again = run(["backup", "--state", &state, "--out", &backup]);
    assert!(again.code == Some(2) && again.stderr.contains("is there already"), "{}", again.stderr);
    let shown = run(["checkpoint", "show", &backup, "--json"]).json();
    assert_eq!(shown["farm"], "small");
    let saved = shown["tick"].as_u64().unwrap();
    assert!(saved > tick);
    let lines = run(["checkpoint", "show", &backup]).stdout;
    assert!(lines.contains("it holds") && lines.contains("3 units"), "{lines}");
    // While the farm runs nobody takes its state away.
    let ran = run(["restore", &backup, "--state", &state, "--force"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("another bess process"), "{}", ran.stderr);
    operate(&farm, &["unit", "set", "1", "10kW"]);
    stop(farm);
    let ran = run(["restore", &backup, "--state", &state]);
    assert!(ran.code == Some(2) && ran.stderr.contains("--force"), "{}", ran.stderr);
    let n_before = site.checkpoints().len();
    let ran = run(["restore", &backup, "--state", &state, "--force"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(site.checkpoints().len(), 1);
    let aside = std::fs::read_dir(site.state.join("before-restore-1")).unwrap();
    assert_eq!(aside.count(), n_before);
    let farm = site.start(&["--stepped"]);
    assert_eq!(get(&farm, "/api/v1/clock")["tick"], saved);
    assert_eq!(get(&farm, "/api/v1/units/1")["setpoint"]["active_power_w"], 50_000.0);
    stop(farm);
    // Into a folder that is not there yet, on another machine as it were.
    let elsewhere = text(&site.folder.path().join("elsewhere"));
    assert_eq!(run(["restore", &backup, "--state", &elsewhere]).code, Some(0));
    let damaged = file(&site.folder, "damaged.bess", &std::fs::read(&backup).unwrap()[1..]);
    let ran = run(["restore", &damaged, "--state", &elsewhere, "--force"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("does not begin like"), "{}", ran.stderr);
    let farm = Farm::start(&["--farm", &site.farm, "--state", &elsewhere, "--stepped"]);
    assert_eq!(get(&farm, "/api/v1/clock")["tick"], saved);
}

#[test]
fn a_disk_that_takes_nothing_is_told_and_the_farm_goes_on() {
    let site = Site::new();
    let mut farm = site.start(&["--checkpoint-every", "100ms"]);
    // Nothing can be made where there is no folder any more, not even by root.
    std::fs::remove_dir_all(&site.state).unwrap();
    let failed = || counters(&farm)["bess_checkpoint_failures_total"] >= 1.0;
    poll(PATIENCE, || failed().then_some(())).expect("a failure is counted");
    hears(&farm, "cannot write a checkpoint");
    let tick = get(&farm, "/api/v1/clock")["tick"].as_u64().unwrap();
    poll(PATIENCE, || (get(&farm, "/api/v1/clock")["tick"].as_u64()? > tick).then_some(()))
        .unwrap();
    farm.signal("TERM");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(1)), "the last one was not written either");
}

/// Milliseconds up to `most`, different each time.
fn some_ms(seed: &mut u64, most: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % most
}

fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

#[test]
fn a_farm_that_is_killed_at_any_moment_comes_back_with_at_most_the_interval_lost() {
    let kills: u32 = std::env::var("BESS_KILLS").map_or(10, |kills| kills.parse().unwrap());
    const EVERY_S: f64 = 0.1;
    // Writing and starting take their time on a machine that has other things to do.
    const SLACK_S: f64 = 10.0;
    let site = Site::new();
    let mut seed = now_s().to_bits();
    println!("seed {seed}, {kills} kills");
    let mut most_lost_s = 0.0f64;
    let mut newest: Option<u64> = None;
    for n in 0..=kills {
        let mut farm = site.start(&["--speed", "50", "--checkpoint-every", "100ms"]);
        if let Some(tick) = newest {
            // It goes on from the newest file that the killed one left.
            let line = format!("checkpoint-{tick:012}");
            hears(&farm, &line);
            let now = get(&farm, "/api/v1/clock")["tick"].as_u64().unwrap();
            assert!(now >= tick, "kill {n}: at {now}, from {tick}");
        }
        if n == kills {
            break;
        }
        // A first checkpoint is there before the first kill.
        poll(PATIENCE, || (!site.checkpoints().is_empty()).then_some(())).unwrap();
        std::thread::sleep(Duration::from_millis(some_ms(&mut seed, 300)));
        farm.signal("KILL");
        let killed_s = now_s();
        assert_eq!(farm.code_within(PATIENCE), Some(None), "it was killed");
        let left = site.checkpoints();
        assert!(left.len() <= 4, "three, and one that was just written");
        let read = |path: &PathBuf| show(path).unwrap_or_else(|why| panic!("kill {n}: {why}"));
        let last = left.iter().map(read).next_back().unwrap();
        let lost_s = killed_s - seconds(last["written"].as_str().unwrap());
        assert!(lost_s < EVERY_S + SLACK_S, "kill {n}: {lost_s} s were lost");
        let tick = last["tick"].as_u64();
        assert!(tick >= newest, "kill {n}: {tick:?} after {newest:?}");
        (newest, most_lost_s) = (tick, most_lost_s.max(lost_s));
    }
    println!("at most {most_lost_s:.3} s of wall time were lost");
}

fn show(path: &Path) -> Result<Value, String> {
    let ran = run(["checkpoint", "show", &text(path), "--json"]);
    if ran.code == Some(0) { Ok(ran.json()) } else { Err(ran.stderr) }
}

fn seconds(instant: &str) -> f64 {
    let instant: jiff::Timestamp = instant.parse().unwrap();
    instant.as_nanosecond() as f64 / 1e9
}

#[test]
fn a_service_manager_hears_of_start_and_stop_and_of_every_beat_of_the_loop() {
    let folder = folder();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = || {
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).expect("a word in time");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let until = |word: &str| {
        for _ in 0..1000 {
            let heard = hear();
            if heard.lines().any(|line| line.starts_with(word)) {
                return heard;
            }
        }
        panic!("{word} was never heard");
    };
    let path = text(&path);
    let variables = [("NOTIFY_SOCKET", &*path), ("WATCHDOG_USEC", "900000")];
    let farm = Farm::start_in(&variables, &["--stepped"]);
    let ready = until("READY=1");
    assert!(ready.contains("STATUS=tick 0, paused"), "{ready}");
    // The clock stands, and the heart beats.
    (0..5).for_each(|_| drop(until("WATCHDOG=1")));
    stop(farm);
    assert!(until("STOPPING=1").contains("STATUS=terminated"));
}

// ---------------------------------------------------------------------------------------------
// Versions

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/checkpoints");

/// Starts a farm from a committed checkpoint.
fn from_fixture(name: &str) -> (TempDir, Farm) {
    let folder = folder();
    let state = folder.path().join("state");
    let ran = run(["restore", &format!("{FIXTURES}/{name}.bess"), "--state", &text(&state)]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let farm = format!("{FIXTURES}/farm.toml");
    let farm = Farm::start(&["--farm", &farm, "--state", &text(&state), "--stepped"]);
    (folder, farm)
}

#[test]
fn checkpoints_of_every_version_are_read() {
    if std::env::var_os("UPDATE").is_some() {
        write_fixtures();
    }
    for name in ["format-1", "format-2"] {
        let (folder, farm) = from_fixture(name);
        let unit = get(&farm, "/api/v1/units/1");
        assert_eq!(get(&farm, "/api/v1/clock")["tick"], 1500, "{name}");
        assert_eq!(unit["setpoint"]["active_power_w"], 5000.0, "{name}: {unit:#}");
        assert_eq!(unit["state"], "running", "{name}");
        let alarms = get(&farm, "/api/v1/alarms");
        assert_eq!(alarms["alarms"][0]["code"], "cooling_failed", "{name}: {alarms:#}");
        operate(&farm, &["clock", "step", "100"]);
        stop(farm);
        // And this version writes it again.
        let state = folder.path().join("state");
        let newest = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
        let newest =
            newest.filter(|path| path.extension().is_some_and(|after| after == "bess")).max();
        assert_eq!(show(&newest.unwrap()).unwrap()["tick"], 1600);
    }
}

/// Writes the fixture of this version, and of it one as a later version would write it: with a format of
/// its own that this one can read, fields that this one does not know, and a section more.
fn write_fixtures() {
    let folder = folder();
    let farm_file = format!("{FIXTURES}/farm.toml");
    let state = folder.path().join("state");
    let farm = Farm::start(&["--farm", &farm_file, "--state", &text(&state), "--stepped"]);
    operate(&farm, &["unit", "set", "1", "5kW"]);
    operate(&farm, &["clock", "step", "1500"]);
    stop(farm);
    let this = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    let this =
        this.filter(|path| path.extension().is_some_and(|after| after == "bess")).max().unwrap();
    let bytes = std::fs::read(this).unwrap();
    std::fs::write(format!("{FIXTURES}/format-1.bess"), &bytes).unwrap();
    std::fs::write(format!("{FIXTURES}/format-2.bess"), later(&bytes)).unwrap();
}

/// The same checkpoint as a later version might write it.
fn later(bytes: &[u8]) -> Vec<u8> {
    use ciborium::Value;
    fn grow(value: &mut Value) {
        match value {
            Value::Map(map) => {
                map.iter_mut().for_each(|(_, value)| grow(value));
                // A variant with fields is a map of one name; it has no room for another.
                if map.len() > 1 {
                    map.push((Value::from("of_a_later_version"), Value::from(1.5)));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(grow),
            _ => {}
        }
    }
    let grown = |bytes: &[u8]| {
        let mut value: Value = ciborium::from_reader(bytes).unwrap();
        grow(&mut value);
        let mut bytes = Vec::new();
        ciborium::into_writer(&value, &mut bytes).unwrap();
        bytes
    };
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let (header, mut rest) = bytes[16..bytes.len() - 4].split_at(length);
    let mut sections = Vec::new();
    while !rest.is_empty() {
        let name = usize::from(u16::from_le_bytes(rest[..2].try_into().unwrap()));
        let size = u64::from_le_bytes(rest[2 + name..10 + name].try_into().unwrap()) as usize;
        sections.push((rest[2..2 + name].to_vec(), grown(&rest[10 + name..10 + name + size])));
        rest = &rest[10 + name + size..];
    }
    sections.insert(1, (b"weather".to_vec(), b"\xa1\x64wind\x01".to_vec()));
    let mut payload = Vec::new();
    for (name, bytes) in sections {
        payload.extend((name.len() as u16).to_le_bytes());
        payload.extend(name);
        payload.extend((bytes.len() as u64).to_le_bytes());
        payload.extend(bytes);
    }
    let mut header: Value = ciborium::from_reader(header).unwrap();
    for (key, value) in header.as_map_mut().unwrap() {
        match key.as_text() {
            Some("bess") => *value = Value::from("9.0.0"),
            Some("payload_bytes") => *value = Value::from(payload.len() as u64),
            _ => {}
        }
    }
    grow(&mut header);
    let mut text = Vec::new();
    ciborium::into_writer(&header, &mut text).unwrap();
    let mut all = b"BESSCKPT".to_vec();
    all.extend(2u32.to_le_bytes());
    all.extend((text.len() as u32).to_le_bytes());
    all.extend(text);
    all.extend(payload);
    let sum = crc32fast::hash(&all);
    all.extend(sum.to_le_bytes());
    all
}
