//! A farm in shards as processes: `bess serve --shard`, `bess gateway` before them, `bess healthcheck`.

mod common;

use common::{Farm, Modbus, PATIENCE, SMALL_FARM, file, folder, http_get, poll, run, text};
use serde_json::{Value, json};
use std::time::Duration;

/// Seven units of 0.1 MW in shards of three: 3, 3 and 1.
const N_UNITS: usize = 7;
const PER_SHARD: &str = "3";
/// How long the gateway serves on after a stop.
const DRAIN: &str = "3s";

fn farm_text() -> String {
    SMALL_FARM.replace("count = 3", "count = 7")
}

/// Three shards of the farm, paused, and a gateway before them.
struct Sharded {
    shards: Vec<Farm>,
    gateway: Farm,
    _folder: tempfile::TempDir,
}

impl Sharded {
    fn start(more: &[&str]) -> Self {
        let folder = folder();
        let farm = file(&folder, "farm.toml", farm_text());
        let shard = |index: usize| {
            let index = index.to_string();
            let args = ["--farm", &farm, "--stepped", "--units-per-shard", PER_SHARD];
            Farm::start(&[&args[..], &["--shard", &index], more].concat())
        };
        let shards: Vec<Farm> = (0..3).map(shard).collect();
        let urls: Vec<String> = shards.iter().map(Farm::api).collect();
        let urls = urls.join(",");
        let args = ["--farm", &farm, "--units-per-shard", PER_SHARD, "--shard-url", &urls];
        let gateway = Farm::gateway(&[&args[..], &["--drain", DRAIN]].concat());
        // It is ready when it has seen that a shard answers; here all are to.
        let all_up = || {
            let (_, shards) = gateway.get("/api/v1/shards").ok()?;
            let shards = shards["shards"].as_array()?.clone();
            shards.iter().all(|shard| shard["up"] == true).then_some(())
        };
        poll(PATIENCE, all_up).expect("every shard answers");
        Self { shards, gateway, _folder: folder }
    }
}

/// One request: status, the header `name`, and the body.
fn send(
    farm: &Farm,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
    name: &str,
) -> (u16, Option<String>, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut request =
        ureq::http::Request::builder().method(method).uri(format!("{}/api/v1{path}", farm.api()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = match body {
        Some(body) => {
            let request = request.header("content-type", "application/json");
            agent.run(request.body(body.to_string()).expect("a request"))
        }
        None => agent.run(request.body(()).expect("a request")),
    };
    let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    let header = answer.headers().get(name).and_then(|value| value.to_str().ok());
    let (status, header) = (answer.status().as_u16(), header.map(str::to_owned));
    let text = answer.body_mut().read_to_string().expect("a text");
    (status, header, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A request that must be done.
fn done(farm: &Farm, method: &str, path: &str, body: &Value) -> Value {
    let (status, _, answer) = send(farm, method, path, &[], Some(body), "");
    assert_eq!(status, 200, "{method} {path}: {answer:#}");
    answer
}

/// A request that must be refused so.
fn refused(farm: &Farm, method: &str, path: &str, body: Option<&Value>, expected: u16) -> Value {
    let (status, _, answer) = send(farm, method, path, &[], body, "");
    assert_eq!(status, expected, "{method} {path}: {answer:#}");
    answer
}

fn get(farm: &Farm, path: &str) -> Value {
    let (status, answer) = farm.get(&format!("/api/v1{path}")).expect("an answer");
    assert_eq!(status, 200, "{path}: {answer:#}");
    answer
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {value:#}"))
}

#[test]
fn units_and_totals_over_three_shards_are_those_of_one_process_at_the_same_tick() {
    let sharded = Sharded::start(&[]);
    let gateway = &sharded.gateway;
    let folder = folder();
    let farm = file(&folder, "farm.toml", farm_text());
    let whole = Farm::start(&["--farm", &farm, "--stepped"]);
    for farm in [gateway, &whole] {
        for unit in 1..=N_UNITS {
            let power_w = 20_000.0 * (unit as f64 - 3.0);
            let body = json!({ "active_power_w": power_w });
            done(farm, "PUT", &format!("/units/{unit}/setpoint"), &body);
        }
        done(
            farm,
            "POST",
            "/farm/commands",
            &json!({"action": "standby", "units": [2, "unit-006"]}),
        );
        let answer = done(farm, "PATCH", "/clock", &json!({"step_ticks": 300}));
        assert_eq!(answer["applied_tick"], 300);
    }
    // Unit by unit, to the last digit, over pages that end within a shard.
    let mut units = Vec::new();
    for from in [0, 2, 4, 6] {
        let page = get(gateway, &format!("/units?from={from}&limit=2"));
        assert_eq!((&page["total"], &page["tick"]), (&json!(N_UNITS), &json!(300)));
        units.extend(page["units"].as_array().expect("a list").clone());
    }
    assert_eq!(units.len(), N_UNITS);
    let in_one = get(&whole, "/units")["units"].as_array().expect("a list").clone();
    for (unit, in_one) in units.iter().zip(&in_one) {
        assert_eq!(unit, in_one);
        let number = &unit["number"];
        let cells = format!("/units/{number}/cells?racks=2");
        let (cells, in_one) = (get(gateway, &cells), get(&whole, &cells));
        assert!(
            cells["voltage_v"].as_array().is_some_and(|column| !column.is_empty()),
            "{cells:#}"
        );
        assert_eq!(cells["voltage_v"], in_one["voltage_v"], "{number}");
    }
    // Totals: sums in another order, and each shard has its part of the transformer.
    let (total, one) = (get(gateway, "/farm"), get(&whole, "/farm"));
    assert_eq!(total["shards_missing"], json!([]));
    for exact in [
        "name",
        "tick",
        "simulation_time",
        "units",
        "cells",
        "units_by_state",
        "extremes",
        "trips",
        "frequency_hz",
        "voltage_pu",
        "ambient_temperature_degc",
    ] {
        // Each process starts at its own moment.
        if exact != "simulation_time" {
            assert_eq!(total[exact], one[exact], "{exact}");
        }
    }
    for (path, most) in [
        ("/units_power_w", 1e-12),
        ("/reactive_power_var", 1e-12),
        ("/auxiliary_power_w", 1e-12),
        ("/soc", 1e-12),
        ("/soh", 1e-12),
        ("/truth/soc", 1e-4),
        ("/energy_wh", 1e-12),
        ("/energy_capacity_wh", 1e-12),
        ("/rated_power_w", 1e-12),
        ("/totals/cell_loss_energy_wh", 1e-12),
        ("/totals/pcs_loss_energy_wh", 1e-12),
        ("/totals/auxiliary_energy_wh", 1e-12),
        ("/active_power_w", 0.02),
        ("/available_discharge_power_w", 0.001),
        ("/available_charge_power_w", 0.001),
    ] {
        let (total, one) = (number(&total, path), number(&one, path));
        assert!((total - one).abs() <= most * one.abs(), "{path}: {total} of shards, {one} of one");
    }
    let sum: f64 = sharded.shards.iter().map(|s| number(&get(s, "/farm"), "/active_power_w")).sum();
    assert!((number(&total, "/active_power_w") - sum).abs() < 1e-6);
    let selected = get(gateway, "/farm?fields=soc");
    assert_eq!(selected["soc"], total["soc"]);
    assert_eq!(selected.get("energy_wh"), None);
}

#[test]
fn a_gateway_passes_units_on_shares_setpoints_out_and_tells_which_shard_is_missing() {
    let mut sharded = Sharded::start(&[]);
    let gateway = &sharded.gateway;

    // What is of a unit goes to the shard that has it, and comes back as it is.
    let problem =
        refused(gateway, "PUT", "/units/5/setpoint", Some(&json!({"active_power_w": 1e9})), 422);
    assert_eq!(problem["type"], "urn:bess:problem:out_of_range");
    let problem = refused(gateway, "GET", "/units/8", None, 404);
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("the farm has units 1 to 7")));
    let problem = refused(&sharded.shards[1], "GET", "/units/7", None, 404);
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("this shard has units 4 to 6")));
    let (status, tag, unit) = send(gateway, "GET", "/units/unit-004", &[], None, "etag");
    assert_eq!((status, &unit["number"]), (200, &json!(4)));
    let known = [("if-none-match", tag.as_deref().expect("a tag"))];
    assert_eq!(send(gateway, "GET", "/units/unit-004", &known, None, "").0, 304);
    let (key, body) = ([("idempotency-key", "once")], json!({"active_power_w": 5000.0}));
    let twice =
        || send(gateway, "PUT", "/units/7/setpoint", &key, Some(&body), "idempotency-replayed").1;
    assert_eq!((twice(), twice()), (None, Some("true".to_owned())));
    let (_, id, _) =
        send(gateway, "GET", "/units/1", &[("x-request-id", "mine-1")], None, "x-request-id");
    assert_eq!(id.as_deref(), Some("mine-1"));

    // Only shards have what cannot be put together, and it says where.
    let problem = refused(gateway, "GET", "/history?signal=soc", None, 501);
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("/api/v1/shards/0/history")));
    let writes = get(gateway, "/shards/2/writes");
    assert!(writes["total"].as_u64().is_some_and(|n| n >= 1), "{writes:#}");
    assert_eq!(
        refused(gateway, "GET", "/shards/3/writes", None, 404)["type"],
        "urn:bess:problem:no_such_shard"
    );
    refused(gateway, "GET", "/nothing", None, 404);
    refused(gateway, "DELETE", "/units", None, 405);

    // A setpoint of the farm: shared by what is available, within the ratings, all or none.
    let set = |w: f64| done(gateway, "PUT", "/farm/setpoint", &json!({ "active_power_w": w }));
    let parts = |sharded: &Sharded| -> Vec<Value> {
        sharded.shards.iter().map(|s| get(s, "/farm")["setpoint_active_power_w"].clone()).collect()
    };
    let dry = json!({"active_power_pct": 50.0});
    let tried = done(gateway, "PUT", "/farm/setpoint?dry_run=true", &dry);
    assert_eq!((&tried["dry_run"], &tried["shards"]), (&json!(true), &json!([0, 1, 2])));
    assert_eq!(parts(&sharded), [Value::Null, Value::Null, Value::Null]);
    assert_eq!(set(140_000.0)["shards"].as_array().map(Vec::len), Some(3));
    let each: Vec<f64> = parts(&sharded).iter().filter_map(Value::as_f64).collect();
    assert!((each.iter().sum::<f64>() - 140_000.0).abs() < 1e-6, "{each:?}");
    assert!((each[0] - 60_000.0).abs() < 600.0 && (each[2] - 20_000.0).abs() < 200.0, "{each:?}");
    assert!((number(&get(gateway, "/farm"), "/setpoint_active_power_w") - 140_000.0).abs() < 1e-6);
    let problem =
        refused(gateway, "PUT", "/farm/setpoint", Some(&json!({"active_power_w": 8e5})), 422);
    assert_eq!(problem["allowed"]["max"], json!(700_000.0));
    // The second of two shards refuses its part, so the first does not take its own.
    let both = json!({"setpoints": [{"unit": 1, "active_power_w": 1.0}, {"unit": 7, "active_power_w": 1e9}]});
    let problem = refused(gateway, "POST", "/farm/setpoints", Some(&both), 422);
    assert_eq!(problem["shard"], 2);
    assert_eq!(get(gateway, "/units/1")["control"]["source"], "plant");

    // Settings of the plant: limits by the shares of the ratings, and added up again.
    let wish = json!({"strategy": "equal", "peak_shaving": {"export_max_w": 350_000.0}, "priority": [7, 2, 1]});
    done(gateway, "PATCH", "/farm/plant", &wish);
    assert!(
        (number(&get(&sharded.shards[2], "/farm/plant"), "/peak_shaving/export_max_w") - 50_000.0)
            .abs()
            < 1e-6
    );
    let plant = get(gateway, "/farm/plant");
    assert!((number(&plant, "/peak_shaving/export_max_w") - 350_000.0).abs() < 1e-6);
    assert_eq!((&plant["priority"], plant.get("shards_differ")), (&json!([2, 1, 7]), None));
    done(&sharded.shards[0], "PATCH", "/farm/plant", &json!({"strategy": "soc"}));
    assert_eq!(get(gateway, "/farm/plant")["shards_differ"], json!(["strategy"]));

    // Address books, with Modbus unit ids that count from 1 within each shard.
    let book = get(gateway, "/endpoints");
    let four = book["endpoints"].as_array().and_then(|all| all.iter().find(|e| e["number"] == 4));
    let four = four.expect("unit 4 is in it");
    assert_eq!(
        (&four["unit_id"], &four["shard"], &four["name"]),
        (&json!(1), &json!(1), &json!("unit-004"))
    );
    let mut modbus = Modbus::connect(sharded.shards[1].address("modbus")).expect("it listens");
    assert_eq!(modbus.read(1, 0, 1).expect("unit 4 answers"), [0xBE55]);
    let (_, metrics) =
        http_get(&format!("http://{}/metrics", sharded.shards[1].address("metrics")))
            .expect("metrics");
    for line in
        [r#"bess_shard_info{shard="1",first_unit="4",units="3"} 1"#, "bess_shards_expected 3"]
    {
        assert!(metrics.lines().any(|known| known == line), "{line}\n{metrics}");
    }
    assert!(
        metrics.contains(r#"bess_unit_soc_ratio{unit="4"}"#) && !metrics.contains(r#"{unit="1"}"#)
    );

    // Without one shard: the others go on, and nothing is half done.
    sharded.shards[2].signal("TERM");
    assert_eq!(sharded.shards[2].code_within(PATIENCE), Some(Some(0)));
    let gateway = &sharded.gateway;
    let total = get(gateway, "/farm");
    assert_eq!((&total["shards_missing"], &total["units"]), (&json!([2]), &json!(6)));
    assert_eq!(get(gateway, "/units")["shards_missing"], json!([2]));
    let problem = refused(gateway, "GET", "/units/7", None, 503);
    assert_eq!(
        (&problem["type"], &problem["value"]),
        (&json!("urn:bess:problem:shard_missing"), &json!(2))
    );
    assert_eq!(get(gateway, "/units/6")["number"], 6);
    let before = get(&sharded.shards[0], "/farm")["setpoint_active_power_w"].clone();
    refused(gateway, "PUT", "/farm/setpoint", Some(&json!({"active_power_w": 0.0})), 503);
    refused(gateway, "PATCH", "/clock", Some(&json!({"mode": "running"})), 503);
    assert_eq!(get(&sharded.shards[0], "/farm")["setpoint_active_power_w"], before);
    assert_eq!(get(&sharded.shards[0], "/clock")["mode"], "paused");
    assert_eq!(gateway.get("/readyz").expect("an answer").0, 200);
    let (_, metrics) =
        http_get(&format!("http://{}/metrics", gateway.address("metrics"))).expect("metrics");
    for line in [
        "bess_gateway_shards 3",
        r#"bess_gateway_shard_up{shard="2"} 0"#,
        r#"bess_gateway_shard_up{shard="1"} 1"#,
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line}\n{metrics}");
    }

    // Health of both roles, from outside.
    for process in [gateway, &sharded.shards[0]] {
        let port = process.address("api").port().to_string();
        for flag in ["--live", "--ready"] {
            let ran = run(["healthcheck", flag, "--api-port", &port]);
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        }
    }
    // Asked to stop it is not ready at once, and serves on while it drains.
    sharded.gateway.signal("TERM");
    let unready = poll(PATIENCE, || {
        let (status, body) = sharded.gateway.get("/readyz").ok()?;
        (status != 200).then_some((status, body))
    });
    let (status, body) = unready.expect("readiness goes off while it drains");
    assert_eq!((status, &body["type"]), (503, &json!("urn:bess:problem:not_ready")));
    assert_eq!(sharded.gateway.get("/healthz").expect("an answer").0, 200);
    assert_eq!(get(&sharded.gateway, "/units/6")["number"], 6);
    let port = sharded.gateway.address("api").port().to_string();
    assert_eq!(sharded.gateway.code_within(PATIENCE), Some(Some(0)));
    let ran = run(["healthcheck", "--api-port", &port]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn tokens_are_shown_to_the_shards_and_they_say_who_may_do_what() {
    let folder = folder();
    let tokens = text(&folder.path().join("tokens.toml"));
    let made = run(["token", "new", "--name", "board", "--role", "viewer", "--append", &tokens]);
    let token = made.stdout.split_whitespace().find(|word| word.starts_with("bess_"));
    let token = token.unwrap_or_else(|| panic!("{}{}", made.stdout, made.stderr)).to_owned();
    let farm = file(&folder, "farm.toml", farm_text());
    let shard = Farm::start(&["--farm", &farm, "--stepped", "--tokens", &tokens]);
    let gateway =
        Farm::gateway(&["--farm", &farm, "--units-per-shard", "7", "--shard-url", &shard.api()]);
    let shown = [("authorization", format!("Bearer {token}"))];
    let shown = shown.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ask = |headers: &[(&str, &str)], method: &str, path: &str, body: Option<&Value>| {
        send(&gateway, method, path, headers, body, "www-authenticate")
    };
    let (status, challenge, _) = ask(&[], "GET", "/farm", None);
    assert_eq!((status, challenge.is_some()), (401, true));
    assert_eq!(ask(&shown, "GET", "/farm", None).0, 200);
    let body = json!({"active_power_w": 0.0});
    assert_eq!(ask(&shown, "PUT", "/farm/setpoint", Some(&body)).0, 403);
    assert_eq!(ask(&shown, "PUT", "/units/1/setpoint", Some(&body)).0, 403);
}

#[test]
fn a_shard_that_is_not_there_or_cannot_be_is_refused_before_anything_starts() {
    let folder = folder();
    let farm = file(&folder, "farm.toml", farm_text());
    let weak = file(&folder, "weak.toml", farm_text() + "\n[farm.grid]\nshort_circuit_mva = 5\n");
    let serve = |farm: &str, shard: &str| {
        run(["serve", "--farm", farm, "--shard", shard, "--units-per-shard", "3"])
    };
    for (ran, text) in [
        (serve(&farm, "3"), "there is no shard 3: 7 units in shards of 3 are 3 shards, 0 to 2"),
        (serve(&weak, "0"), "`farm.grid.short_circuit_mva` cannot be run in shards"),
        (run(["serve", "--farm", &farm, "--shard", "0"]), "--units-per-shard"),
        (
            run(["run", "--farm", &farm, "--shard", "0", "--units-per-shard", "0"]),
            "at least 1 unit",
        ),
        (
            run([
                "gateway",
                "--farm",
                &farm,
                "--units-per-shard",
                "3",
                "--shard-url",
                "http://a:1",
            ]),
            "each of the 3 shards",
        ),
        (
            run([
                "gateway",
                "--farm",
                &farm,
                "--units-per-shard",
                "0",
                "--shard-url",
                "http://a:1",
            ]),
            "--units-per-shard must be",
        ),
        (
            run([
                "gateway",
                "--farm",
                &farm,
                "--units-per-shard",
                "3",
                "--shard-url",
                "https://{shard}",
            ]),
            "plain HTTP",
        ),
    ] {
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains(text), "{text}\n{}", ran.stderr);
    }
}

#[test]
fn a_recorded_shard_is_repeated_bit_for_bit() {
    let folder = folder();
    let farm = file(&folder, "farm.toml", farm_text());
    let recording = text(&folder.path().join("recording"));
    let args = [
        "--farm",
        &farm,
        "--stepped",
        "--shard",
        "1",
        "--units-per-shard",
        "3",
        "--record",
        &recording,
    ];
    let mut shard = Farm::start(&args);
    done(&shard, "PUT", "/units/5/setpoint", &json!({"active_power_w": 30_000.0}));
    done(&shard, "PATCH", "/clock", &json!({"step_ticks": 50}));
    shard.signal("TERM");
    assert_eq!(shard.code_within(PATIENCE), Some(Some(0)));
    let ran = run(["run", "--replay", &recording]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("every bit is the same"), "{}", ran.stdout);
}
