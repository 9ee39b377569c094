//! `bess serve` as a process: endpoints, signals under load, drain, time, and the commands that talk
//! to it.

mod common;

use common::{Farm, Modbus, PATIENCE, Ran, SMALL_FARM, bess, file, folder, http_get, poll, run};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The bar: how long a stop under load may take with `--drain 0s`.
const STOP_MAX: Duration = Duration::from_secs(2);

/// Runs `bess unit ...` or `bess clock ...` against the farm.
fn operate(farm: &Farm, args: &[&str]) -> Ran {
    let api = farm.api();
    let mut all = args.to_vec();
    all.extend(["--api", &api]);
    run(all)
}

fn get(farm: &Farm, path: &str) -> Value {
    let (status, body) = farm.get(path).expect("an answer");
    assert_eq!(status, 200, "{path}: {body:#}");
    body
}

fn tick(farm: &Farm) -> u64 {
    get(farm, "/api/v1/clock")["tick"].as_u64().expect("a tick")
}

// ---------------------------------------------------------------------------------------------
// Start

#[test]
fn the_endpoints_file_appears_whole_and_when_everything_answers() {
    let farm = Farm::start(&[]);
    let endpoints = farm.endpoints();
    assert_eq!(endpoints["pid"], farm.id());
    for what in ["modbus", "api", "metrics"] {
        assert_eq!(endpoints[what]["host"], "127.0.0.1");
        assert_ne!(endpoints[what]["port"], 0, "{what}");
    }
    // Everything answers at once: no further waiting, no second try.
    let (status, _) = farm.get("/readyz").unwrap();
    assert_eq!(status, 200, "ready before the file is written");
    let mut modbus = Modbus::connect(farm.address("modbus")).unwrap();
    assert_eq!(modbus.read(1, 0, 1).unwrap(), [0xBE55]);
    let url = endpoints["metrics"]["url"].as_str().unwrap();
    assert_eq!(http_get(url).unwrap().0, 200);
    let url = format!("{}/farm", endpoints["api"]["url"].as_str().unwrap());
    assert_eq!(http_get(&url).unwrap().0, 200);
    // Nothing of the writing is left beside the file.
    let left: Vec<_> =
        std::fs::read_dir(farm.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["endpoints.json"]);
}

#[test]
fn the_greeting_names_every_address_and_three_commands() {
    let farm = Farm::start(&[]);
    let said = poll(PATIENCE, || Some(farm.log()).filter(|log| log.contains("mbpoll"))).unwrap();
    for what in ["modbus", "api", "metrics"] {
        let address = farm.address(what).to_string();
        assert!(said.contains(&address), "{address} is not in:\n{said}");
    }
    assert!(said.contains("10 units, 49920 cells, 25.0 MW / 50.2 MWh"), "{said}");
    assert_eq!(
        said.matches("curl -s").count() + said.matches("mbpoll -m tcp").count(),
        3,
        "{said}"
    );
}

#[test]
fn variables_mirror_the_flags_and_a_flag_beats_its_variable() {
    let variables = [("BESS_SPEED", "5"), ("BESS_STEPPED", "true"), ("BESS_SEED", "42")];
    let clock = get(&Farm::start_in(&variables, &[]), "/api/v1/clock");
    assert_eq!((&clock["speed"], &clock["mode"]), (&5.0.into(), &"paused".into()));
    let clock = get(&Farm::start_in(&variables, &["--speed", "2"]), "/api/v1/clock");
    assert_eq!(clock["speed"], 2.0);
}

#[test]
fn two_farms_live_side_by_side_on_free_ports() {
    let folder = folder();
    let small = file(&folder, "small.toml", SMALL_FARM);
    let (one, two) = (Farm::start(&[]), Farm::start(&["--farm", &small]));
    assert_eq!(get(&one, "/api/v1/farm")["units"], 10);
    assert_eq!(get(&two, "/api/v1/farm")["units"], 3);
    assert_eq!(get(&two, "/api/v1/farm")["name"], "small");
}

#[test]
fn a_port_that_a_farm_holds_is_busy_for_the_next_one() {
    let farm = Farm::start(&[]);
    let port = farm.address("metrics").port().to_string();
    let ran = run(["serve", "--modbus-port=0", "--api-port=0", "--metrics-port", &port]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("hint: choose another port with --metrics-port"), "{}", ran.stderr);
    assert_eq!(get(&farm, "/api/v1/farm")["units"], 10, "the first one lives on");
}

// ---------------------------------------------------------------------------------------------
// End

/// Clients that keep a farm busy until it goes away or they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    /// Requests answered, by kind of client.
    answered: Vec<(&'static str, Arc<AtomicU64>)>,
    threads: Vec<JoinHandle<()>>,
    /// Connections that are only held: idle, half a frame, a stream of events.
    _held: Vec<TcpStream>,
}

impl Load {
    fn start(farm: &Farm) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            answered: Vec::new(),
            threads: Vec::new(),
            _held: vec![
                TcpStream::connect(farm.address("modbus")).expect("it accepts"),
                half_frame(farm.address("modbus")),
                event_stream(farm.address("api")),
            ],
        };
        let modbus = farm.address("modbus");
        for unit in [1, 4, 7, 255] {
            let mut client = Modbus::connect(modbus).expect("it accepts");
            load.client("Modbus reader", move || client.read(unit, 40_000, 125).is_ok());
        }
        let mut client = Modbus::connect(modbus).expect("it accepts");
        // 100 kW into register 80 of unit 2: every write waits for its tick.
        let write = [16, 0, 80, 0, 2, 4, 0x00, 0x01, 0x86, 0xA0];
        load.client("Modbus writer", move || client.ask(2, &write).is_ok_and(|pdu| pdu[0] == 16));
        for path in ["/api/v1/units", "/api/v1/units/3/racks"] {
            let url = format!("{}{path}", farm.api());
            load.client("REST reader", move || {
                http_get(&url).is_ok_and(|(status, _)| status == 200)
            });
        }
        let url = format!("{}/api/v1/units/5/setpoint", farm.api());
        load.client("REST writer", move || {
            let body = serde_json::json!({ "active_power_w": 200e3 });
            ureq::put(&url).send_json(body).is_ok()
        });
        let url = format!("http://{}/metrics", farm.address("metrics"));
        load.client("scraper", move || http_get(&url).is_ok_and(|(status, _)| status == 200));
        load
    }

    /// Asks again and again on a thread of its own.
    fn client(&mut self, kind: &'static str, mut ask: impl FnMut() -> bool + Send + 'static) {
        let answered = Arc::new(AtomicU64::new(0));
        self.answered.push((kind, Arc::clone(&answered)));
        let stop = Arc::clone(&self.stop);
        self.threads.push(std::thread::spawn(move || {
            while !stop.load(Relaxed) && ask() {
                answered.fetch_add(1, Relaxed);
            }
        }));
    }

    /// Waits until every client has had answers.
    fn wait_until_busy(&self) {
        let busy = || self.answered.iter().all(|(_, n)| n.load(Relaxed) >= 3).then_some(());
        assert!(poll(PATIENCE, busy).is_some(), "not busy: {:?}", self.answered);
    }

    fn end(self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads {
            thread.join().expect("a client does not panic");
        }
    }
}

fn half_frame(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream.write_all(&[0, 1, 0, 0, 0, 6, 1, 3, 0]).expect("it reads");
    stream
}

/// An open `/stream` of which the head has arrived.
fn event_stream(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream.write_all(b"GET /api/v1/stream HTTP/1.1\r\nHost: farm\r\n\r\n").expect("it reads");
    let mut head = [0; 64];
    let n = stream.read(&mut head).expect("it answers");
    let head = String::from_utf8_lossy(&head[..n]);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream
}

/// Starts a farm, keeps it busy, sends the signal, and expects exit code 0 in time.
fn ends_under_load(signal: &str) {
    let mut farm = Farm::start(&["--drain", "0s"]);
    let load = Load::start(&farm);
    load.wait_until_busy();
    let modbus = farm.address("modbus");
    let sent = Instant::now();
    farm.signal(signal);
    let code = farm.code_within(PATIENCE);
    let took = sent.elapsed();
    load.end();
    assert_eq!(code, Some(Some(0)), "after {signal}:\n{}", farm.log());
    assert!(took <= STOP_MAX, "{signal} took {took:?}:\n{}", farm.log());
    assert!(TcpStream::connect(modbus).is_err(), "the port is free again");
    assert!(!farm.log().contains("panicked"), "{}", farm.log());
}

#[test]
fn sigterm_under_load_ends_with_0_within_two_seconds() {
    ends_under_load("TERM");
}

#[test]
fn sigint_under_load_ends_with_0_within_two_seconds() {
    ends_under_load("INT");
}

#[test]
fn a_signal_right_after_the_start_or_while_paused_ends_with_0() {
    for args in [&["--speed", "1"][..], &["--stepped"], &["--speed", "0.01"]] {
        let mut farm = Farm::start(args);
        farm.signal("TERM");
        assert_eq!(farm.code_within(STOP_MAX), Some(Some(0)), "{args:?}:\n{}", farm.log());
    }
}

#[test]
fn a_signal_during_a_long_step_ends_with_0_in_time() {
    let mut farm = Farm::start(&["--stepped"]);
    let api = farm.api();
    // A day of the clock, of which only the beginning will be seen.
    let stepper = std::thread::spawn(move || run(["clock", "step", "864000", "--api", &api]));
    assert!(poll(PATIENCE, || (tick(&farm) > 0).then_some(())).is_some(), "it steps");
    farm.signal("TERM");
    assert_eq!(farm.code_within(STOP_MAX), Some(Some(0)), "{}", farm.log());
    let stepper = stepper.join().expect("a client does not panic");
    assert_eq!(stepper.code, Some(1), "the step did not come to its end: {}", stepper.stdout);
}

#[test]
fn readiness_goes_off_first_and_the_farm_serves_on_while_it_drains() {
    let mut farm = Farm::start(&["--drain", "4s"]);
    let mut modbus = Modbus::connect(farm.address("modbus")).unwrap();
    assert_eq!(farm.get("/readyz").unwrap().0, 200);
    let before = tick(&farm);
    farm.signal("TERM");
    let unready = poll(Duration::from_secs(2), || {
        let (status, body) = farm.get("/readyz").ok()?;
        (status != 200).then_some((status, body))
    });
    let (status, body) = unready.expect("readiness goes off while it drains");
    assert_eq!(status, 503, "{body:#}");
    assert_eq!(farm.get("/healthz").unwrap().0, 200, "alive, only not ready");
    assert_eq!(modbus.read(1, 0, 1).unwrap(), [0xBE55]);
    assert!(Modbus::connect(farm.address("modbus")).is_ok(), "new clients are still served");
    let drained = poll(Duration::from_secs(2), || (tick(&farm) > before).then_some(()));
    assert!(drained.is_some(), "it ticks on");
    assert_eq!(
        farm.code_within(Duration::from_secs(4) + STOP_MAX),
        Some(Some(0)),
        "{}",
        farm.log()
    );
}

#[test]
fn a_second_interrupt_does_not_wait_for_the_drain() {
    let mut farm = Farm::start(&["--drain", "10m"]);
    farm.signal("INT");
    let unready = poll(PATIENCE, || farm.get("/readyz").ok().filter(|(status, _)| *status == 503));
    assert!(unready.is_some());
    // The handler of the second one stands a moment after readiness went off.
    let code = poll(PATIENCE, || {
        farm.signal("INT");
        farm.code_within(Duration::from_millis(50))
    });
    assert_eq!(code, Some(Some(130)), "{}", farm.log());
}

#[test]
fn it_ends_by_itself_when_its_time_is_over() {
    let started = Instant::now();
    let mut farm = Farm::start(&["--for", "2s", "--speed", "20"]);
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "2 s at speed 20 took {took:?}");
    assert!(farm.log().contains("the time is over"), "{}", farm.log());
}

#[test]
fn a_log_that_nobody_reads_any_more_does_not_end_the_farm() {
    let ports = ["serve", "--modbus-port=0", "--api-port=0", "--metrics-port=0", "--log=debug"];
    let mut child = bess(ports)
        .args(["--for", "3s", "--speed", "10"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // The reader goes away before the first line.
    drop(child.stderr.take());
    let status = common::ended_within(&mut child, PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(0));
}

// ---------------------------------------------------------------------------------------------
// Time

#[test]
fn a_stepped_farm_stands_until_it_is_stepped() {
    let farm = Farm::start(&["--stepped"]);
    assert_eq!(get(&farm, "/api/v1/clock")["mode"], "paused");
    assert_eq!(tick(&farm), 0);
    let stepped = operate(&farm, &["clock", "step", "25"]);
    assert_eq!(
        (stepped.code, stepped.stdout.as_str()),
        (Some(0), "applied at tick 25\n"),
        "{}",
        stepped.stderr
    );
    assert_eq!(tick(&farm), 25);
    let shown = operate(&farm, &["clock", "show"]).json();
    assert_eq!((&shown["tick"], &shown["mode"]), (&25.into(), &"paused".into()));
    // While it stands it takes commands, which a read sees at once, and goes on answering.
    let set = operate(&farm, &["unit", "set", "1", "500kW"]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    let unit = get(&farm, "/api/v1/units/1");
    assert_eq!(unit["setpoint"]["active_power_w"], 500e3);
    assert_eq!(unit["ac"]["active_power_w"], 0.0, "no tick, no power");
    assert_eq!(unit["tick"], 25);
    let answer = operate(&farm, &["clock", "step", "10", "--json"]).json();
    assert_eq!(answer["applied_tick"], 35);
    let power = get(&farm, "/api/v1/units/1")["ac"]["active_power_w"].as_f64().unwrap();
    assert!((power - 500e3).abs() < 5e3, "{power} W a second later");
}

#[test]
fn a_running_clock_can_be_paused_resumed_and_sped_up() {
    let farm = Farm::start(&[]);
    let ticks_on = |from: u64| poll(PATIENCE, || (tick(&farm) > from).then_some(())).is_some();
    assert!(ticks_on(0));
    assert_eq!(operate(&farm, &["clock", "pause"]).code, Some(0));
    let stood_at = tick(&farm);
    assert_eq!(operate(&farm, &["clock", "show"]).json()["tick"], stood_at, "it stands");
    assert_eq!(operate(&farm, &["clock", "resume"]).code, Some(0));
    assert!(ticks_on(stood_at));
    assert_eq!(operate(&farm, &["clock", "speed", "20"]).code, Some(0));
    assert_eq!(get(&farm, "/api/v1/clock")["speed"], 20.0);
    let refused = operate(&farm, &["clock", "speed", "0"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("0.01") && refused.stderr.contains("10000"),
        "{}",
        refused.stderr
    );
    assert_eq!(get(&farm, "/api/v1/clock")["speed"], 20.0, "nothing changed");
}

#[test]
fn the_clock_keeps_the_speed_that_it_was_given() {
    let farm = Farm::start(&["--speed", "5"]);
    let began = Instant::now();
    let first = tick(&farm);
    // 100 ticks of 0.1 s are 2 s at speed 5.
    assert!(poll(PATIENCE, || (tick(&farm) >= first + 100).then_some(())).is_some());
    let took = began.elapsed().as_secs_f64();
    // At twice the speed it would be 1 s, at speed 1 it would be 10 s; a busy machine is in between.
    assert!((1.0..8.0).contains(&took), "100 ticks at speed 5 took {took} s");
}

// ---------------------------------------------------------------------------------------------
// Control

#[test]
fn a_setpoint_by_command_is_shown_and_followed() {
    let farm = Farm::start(&[]);
    let set = operate(&farm, &["unit", "set", "3", "1.5MW"]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    assert!(set.stdout.starts_with("applied at tick "), "{}", set.stdout);
    let unit = operate(&farm, &["unit", "show", "3"]).json();
    assert_eq!((&unit["number"], &unit["name"]), (&3.into(), &"unit-003".into()));
    assert_eq!(unit["setpoint"]["active_power_w"], 1.5e6);
    assert_eq!(unit["control"]["source"], "rest");
    let followed = poll(PATIENCE, || {
        let unit = operate(&farm, &["unit", "show", "unit-003"]).json();
        let power = unit["ac"]["active_power_w"].as_f64()?;
        ((power - 1.5e6).abs() < 15e3).then_some(())
    });
    assert!(followed.is_some(), "the power follows");
    let list = operate(&farm, &["unit", "list"]);
    assert_eq!(list.code, Some(0), "{}", list.stderr);
    assert_eq!(list.stdout.lines().count(), 11, "{}", list.stdout);
    let row = list.stdout.lines().nth(3).unwrap();
    for part in ["unit-003", "running", "1500.0"] {
        assert!(row.contains(part), "{row}");
    }
    assert!(!list.stdout.contains('?') && !list.stdout.contains("NaN"), "{}", list.stdout);
}

#[test]
fn signs_shares_and_reactive_power_are_taken_by_command() {
    let farm = Farm::start(&["--stepped"]);
    let setpoint = || get(&farm, "/api/v1/units/2")["setpoint"].clone();
    assert_eq!(operate(&farm, &["unit", "set", "unit-002", "-20%"]).code, Some(0));
    assert_eq!(setpoint()["active_power_w"], -500e3);
    let set = operate(&farm, &["unit", "set", "2", "-250kW", "--reactive", "0.2Mvar"]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    assert_eq!(setpoint()["active_power_w"], -250e3);
    assert_eq!(setpoint()["reactive_power_var"], 200e3);
}

#[test]
fn a_setpoint_beyond_the_rating_is_refused_with_the_allowed_range() {
    let farm = Farm::start(&["--stepped"]);
    assert_eq!(operate(&farm, &["unit", "set", "3", "1MW"]).code, Some(0));
    let refused = operate(&farm, &["unit", "set", "3", "9MW"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    for part in ["422", "active_power_w", "-2500000", "2500000 W", "9000000"] {
        assert!(refused.stderr.contains(part), "{part} is not in:\n{}", refused.stderr);
    }
    assert_eq!(get(&farm, "/api/v1/units/3")["setpoint"]["active_power_w"], 1e6, "nothing changed");
    let refused = operate(&farm, &["unit", "set", "11", "1MW"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("404") && refused.stderr.contains("11"), "{}", refused.stderr);
}

#[test]
fn a_unit_is_stopped_and_started_by_command() {
    let farm = Farm::start(&["--stepped"]);
    let state_after = |action: &str, ticks: &str| {
        let done = operate(&farm, &["unit", action, "4"]);
        assert_eq!(done.code, Some(0), "{action}: {}", done.stderr);
        assert_eq!(operate(&farm, &["clock", "step", ticks]).code, Some(0));
        get(&farm, "/api/v1/units/4")["state"].as_str().expect("a state").to_owned()
    };
    assert_eq!(state_after("stop", "5"), "off");
    assert_eq!(get(&farm, "/api/v1/units/4")["racks_connected"], 0);
    assert_eq!(get(&farm, "/api/v1/farm")["units_by_state"]["running"], 9);
    assert_eq!(state_after("start", "5"), "initialising");
    assert_eq!(operate(&farm, &["clock", "step", "95"]).code, Some(0));
    assert_eq!(get(&farm, "/api/v1/units/4")["state"], "running");
    assert_eq!(state_after("standby", "5"), "standby");
    assert_eq!(operate(&farm, &["unit", "reset", "4"]).code, Some(0));
}

#[test]
fn a_command_to_nobody_says_so() {
    // The port of a farm that has gone: nobody listens there.
    let mut farm = Farm::start(&["--for", "100ms", "--speed", "100"]);
    let api = farm.api();
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)));
    for args in [&["unit", "list"][..], &["unit", "set", "1", "1MW"], &["clock", "show"]] {
        let mut args = args.to_vec();
        args.extend(["--api", &api]);
        let ran = run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        for part in
            [&format!("no farm answers at {api}")[..], "hint: start one with `bess serve`", "--api"]
        {
            assert!(ran.stderr.contains(part), "{part} is not in:\n{}", ran.stderr);
        }
    }
}

#[test]
fn the_api_may_be_named_as_the_endpoints_file_names_it() {
    let farm = Farm::start(&[]);
    let url = farm.endpoints()["api"]["url"].as_str().unwrap();
    let ran = run(["unit", "list", "--api", url]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = run(["unit", "list", "--json", "--api", &format!("{}/", farm.api())]);
    assert_eq!(ran.json()["units"].as_array().map(Vec::len), Some(10));
}

#[test]
fn something_else_than_a_farm_is_told_apart() {
    let farm = Farm::start(&[]);
    let metrics = format!("http://{}", farm.address("metrics"));
    let ran = run(["unit", "list", "--api", &metrics]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("404") || ran.stderr.contains("is this a bess API?"),
        "{}",
        ran.stderr
    );
}

// ---------------------------------------------------------------------------------------------
// Files that drive it

#[test]
fn a_live_farm_follows_a_dispatch_file_and_shows_a_frequency_record() {
    let folder = folder();
    let farm_file = file(&folder, "farm.toml", SMALL_FARM);
    let dispatch = file(&folder, "dispatch.csv", "t_s,power_kw\n0,0\n1,150\n3,-90\n");
    let frequency = file(&folder, "hz.csv", "t_s,frequency_hz\n0,60.01\n2,59.98\n");
    let farm = Farm::start(&[
        "--farm",
        &farm_file,
        "--dispatch",
        &dispatch,
        "--frequency",
        &frequency,
        "--stepped",
    ]);
    let step_to = |second: u64| {
        let ticks = (10 * second - tick(&farm)).to_string();
        assert_eq!(operate(&farm, &["clock", "step", &ticks]).code, Some(0));
        get(&farm, "/api/v1/farm")
    };
    let close = |farm: &Value, watts: f64| {
        let power = farm["active_power_w"].as_f64().expect("a power");
        assert!((power - watts).abs() < 0.02 * 300e3, "{power} W where {watts} W were wanted");
    };
    let at_1 = step_to(1);
    close(&at_1, 0.0);
    assert_eq!(at_1["frequency_hz"], 60.01);
    let at_3 = step_to(3);
    close(&at_3, 150e3);
    assert_eq!(at_3["frequency_hz"], 59.98);
    let at_6 = step_to(6);
    close(&at_6, -90e3);
    assert_eq!(at_6["setpoint_active_power_w"], -90e3);
}
