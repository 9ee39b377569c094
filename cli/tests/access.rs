//! Access to the REST API of a live farm: tokens, roles, TLS, rates, and what is refused before a start.

// The lint spares unwraps in test functions, not in their helpers.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Farm, PATIENCE, Ran, SMALL_FARM, bess, file, folder, http_get, poll, run, text};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PORTS: [&str; 3] = ["--modbus-port=0", "--api-port=0", "--metrics-port=0"];

/// Runs `bess serve`, which must refuse before it binds a port.
fn refused(args: &[&str], parts: &[&str]) {
    let ran = run([&["serve"], &PORTS[..], args].concat());
    assert_eq!(ran.code, Some(2), "bess serve {args:?} said:\n{}", ran.stderr);
    for part in parts {
        assert!(ran.stderr.contains(part), "{part:?} is not in:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("cannot listen"), "{}", ran.stderr);
}

/// Makes a token and adds it to `tokens.toml` of the folder.
fn new_token(folder: &TempDir, args: &[&str]) -> String {
    let path = text(&folder.path().join("tokens.toml"));
    let ran = run([&["token", "new", "--append", &path], args].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let token = ran.stdout.trim_end().to_owned();
    assert!(token.starts_with("bess_") && token.len() == 69, "{token}");
    assert!(!ran.stderr.contains(&token), "it is shown once");
    token
}

/// A farm that is quick to start.
fn small(folder: &TempDir) -> String {
    file(folder, "farm.toml", SMALL_FARM)
}

/// Runs a command against the farm with a token in its environment.
fn operate(farm: &Farm, token: Option<&str>, args: &[&str]) -> Ran {
    let api = farm.endpoints()["api"]["url"].as_str().unwrap().to_owned();
    let all = [args, &["--api", &api]].concat();
    let mut command = bess(all);
    if let Some(token) = token {
        command.env("BESS_TOKEN", token);
    }
    let output = command.output().unwrap();
    let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: output.status.code(), stdout: lossy(output.stdout), stderr: lossy(output.stderr) }
}

// ---------------------------------------------------------------------------------------------
// Open or not

#[test]
fn an_api_that_other_machines_reach_needs_tokens_or_a_word() {
    for bind in ["0.0.0.0", "::", "192.0.2.1"] {
        refused(&["--bind", bind], &[bind, "--tokens FILE", "--allow-open-api", "hint:"]);
    }
    // It goes on to what 192.0.2.0/24, which no machine has (RFC 5737), is refused for.
    let folder = folder();
    new_token(&folder, &["--name", "a", "--role", "viewer"]);
    let tokens = text(&folder.path().join("tokens.toml"));
    for args in [&["--allow-open-api"][..], &["--tokens", &tokens]] {
        let ran = run([&["serve", "--bind", "192.0.2.1"], &PORTS[..], args].concat());
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains("cannot listen on 192.0.2.1:0"), "{}", ran.stderr);
    }
}

#[test]
fn on_this_machine_alone_it_is_open_and_says_so_in_one_line() {
    let folder = folder();
    let farm = Farm::start(&["--farm", &small(&folder)]);
    assert_eq!(farm.get("/api/v1/farm").unwrap().0, 200);
    let log = farm.log();
    assert_eq!(log.matches("the REST API is open").count(), 1, "{log}");
    assert_eq!(farm.endpoints()["api"]["tls"], false);
}

#[test]
fn bad_files_and_flags_are_refused_with_their_places_before_a_port_is_bound() {
    let folder = folder();
    let bad =
        file(&folder, "bad.toml", "[[tokens]]\nname = \"a\"\nrole = \"boss\"\nsha256 = \"x\"\n");
    refused(
        &["--tokens", &bad],
        &["bad.toml:3:8", "3 | role = \"boss\"", "^^^^^^", "viewer, operator", "bad.toml:4:10"],
    );
    refused(&["--tokens", "gone.toml"], &["gone.toml", "`bess token new --append FILE`"]);
    refused(&["--token-hashes", "a:viewer"], &["BESS_TOKEN_HASHES", "NAME:ROLE:SHA256"]);
    refused(&["--cors-origin", "*"], &["is no origin", "https://board.example:8443"]);
    refused(&["--tls-cert", &bad], &["--tls-key"]);
    refused(&["--rate-limit", "many"], &["--rate-limit", "many"]);
    let empty = file(&folder, "empty.pem", "");
    refused(
        &["--tls-cert", &empty, "--tls-key", &bad],
        &["empty.pem", "the file is empty", "there is no private key in the file"],
    );
    assert_eq!(run(["token", "check", &bad]).code, Some(2));
}

// ---------------------------------------------------------------------------------------------
// Tokens

#[test]
fn a_token_is_made_once_listed_without_itself_and_refused_where_it_makes_no_sense() {
    let folder = folder();
    let path = text(&folder.path().join("tokens.toml"));
    let ems = new_token(&folder, &["--name", "ems-1", "--role", "operator"]);
    let args = ["--name", "board", "--role", "viewer", "--network", "10.0.0.0/8", "--expires"];
    let board = new_token(&folder, &[&args[..], &["2199-06-30"]].concat());
    assert_ne!(ems, board);
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(!written.contains("bess_"), "{written}");
    let listed = run(["token", "check", &path]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "ems-1  operator  for ever, from anywhere",
            "board  viewer    until 2199-06-30T00:00:00Z, from 10.0.0.0/8",
        ]
    );
    let entry = run(["token", "new", "--name", "c", "--role", "tester"]);
    assert!(entry.stderr.contains("[[tokens]]\nname = \"c\"\nrole = \"tester\"\nsha256 = \""));
    for (args, part) in [
        (&["--name", "ems-1", "--role", "viewer"][..], "another token \"ems-1\""),
        (&["--name", "a b", "--role", "viewer"], "--name must have"),
        (&["--name", "a", "--role", "boss"], "viewer, operator, engineer, tester"),
        (&["--name", "a", "--role", "viewer", "--expires", "2020-01-01"], "is over already"),
        (&["--name", "a", "--role", "viewer", "--expires", "soon"], "must be a day"),
        (&["--name", "a", "--role", "viewer", "--network", "10.0.0.1/8"], "10.0.0.0/8"),
    ] {
        let ran = run([&["token", "new", "--append", &path], args].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.stderr.contains(part), "{part:?} is not in:\n{}", ran.stderr);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written, "nothing was added");
}

#[test]
fn roles_hold_for_the_commands_and_the_audit_has_who_it_was() {
    let folder = folder();
    let operator = new_token(&folder, &["--name", "ems-1", "--role", "operator"]);
    let viewer = new_token(&folder, &["--name", "board", "--role", "viewer"]);
    let tokens = text(&folder.path().join("tokens.toml"));
    let audit = text(&folder.path().join("audit.jsonl"));
    let farm = Farm::start(&["--farm", &small(&folder), "--tokens", &tokens, "--audit", &audit]);
    for open in ["/healthz", "/readyz", "/", "/api/openapi.json"] {
        assert_eq!(farm.get(open).unwrap().0, 200, "{open}");
    }
    let metrics = http_get(farm.endpoints()["metrics"]["url"].as_str().unwrap()).unwrap();
    assert_eq!(metrics.0, 200, "metrics ask for no token");

    let stranger = operate(&farm, None, &["unit", "list"]);
    assert_eq!(stranger.code, Some(1));
    assert!(stranger.stderr.contains("401") && stranger.stderr.contains("BESS_TOKEN"));
    assert_eq!(operate(&farm, Some(&viewer), &["unit", "list"]).code, Some(0));
    let set = ["unit", "set", "2", "30kW"];
    let refused = operate(&farm, Some(&viewer), &set);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("needs the role operator"), "{}", refused.stderr);
    let applied = operate(&farm, Some(&operator), &set);
    assert_eq!(applied.code, Some(0), "{}", applied.stderr);
    let paused = operate(&farm, Some(&operator), &["clock", "pause"]);
    assert!(paused.stderr.contains("needs the role tester"), "{}", paused.stderr);
    let flag = [&set[..], &["--token", &operator]].concat();
    assert_eq!(operate(&farm, None, &flag).code, Some(0));

    let said = operate(&farm, Some(&viewer), &["writes"]).stdout;
    assert!(said.contains(" (board, viewer) PUT /api/v1/units/{id}/setpoint"), "{said}");
    let writes = operate(&farm, Some(&viewer), &["writes", "--json"]).json();
    let who: Vec<(&str, &str)> = writes["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|write| (write["token"]["name"].as_str().unwrap(), write["result"].as_str().unwrap()))
        .collect();
    // The clock that was refused is among them.
    let expected =
        [("board", "refused"), ("ems-1", "applied"), ("ems-1", "refused"), ("ems-1", "applied")];
    assert_eq!(who, expected);
    let on_disk = poll(PATIENCE, || {
        let lines = std::fs::read_to_string(&audit).ok()?;
        (lines.lines().count() == 4).then_some(lines)
    });
    let on_disk = on_disk.expect("the file follows");
    let log = farm.log();
    for token in [&operator, &viewer] {
        let secret = &token[5..];
        assert!(!on_disk.contains(secret) && !log.contains(secret) && !said.contains(secret));
    }
    assert!(on_disk.contains(r#""token":{"name":"ems-1","role":"operator"}"#), "{on_disk}");
}

#[test]
fn tokens_of_the_environment_are_enough() {
    let folder = folder();
    let token = new_token(&folder, &["--name", "ems-1", "--role", "operator"]);
    let written = std::fs::read_to_string(folder.path().join("tokens.toml")).unwrap();
    let hash = written.split('"').nth(5).unwrap();
    let list = format!("ems-1:operator:{hash}");
    let farm = Farm::start_in(&[("BESS_TOKEN_HASHES", &list)], &["--farm", &small(&folder)]);
    assert_eq!(farm.get("/api/v1/farm").unwrap().0, 401);
    assert_eq!(operate(&farm, Some(&token), &["unit", "list"]).code, Some(0));
}

#[test]
fn tokens_change_while_it_serves_and_a_bad_file_leaves_them_as_they_were() {
    let folder = folder();
    let old = new_token(&folder, &["--name", "old", "--role", "viewer"]);
    let path = folder.path().join("tokens.toml");
    let farm = Farm::start(&["--farm", &small(&folder), "--tokens", &text(&path)]);
    let list = |token: &str| operate(&farm, Some(token), &["unit", "list"]).code;
    assert_eq!(list(&old), Some(0));
    // By itself.
    let new = new_token(&folder, &["--name", "new", "--role", "viewer"]);
    let taken = poll(PATIENCE, || (list(&new) == Some(0)).then_some(()));
    assert!(taken.is_some(), "{}", farm.log());
    // A bad file.
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{good}\n[[tokens]]\nname = \"x\"\n")).unwrap();
    farm.signal("HUP");
    let told = poll(PATIENCE, || farm.log().contains("stay as they were").then_some(()));
    assert!(told.is_some(), "{}", farm.log());
    assert_eq!((list(&old), list(&new)), (Some(0), Some(0)), "{}", farm.log());
    // Asked to.
    let without_old = good.split("[[tokens]]").nth(2).unwrap();
    std::fs::write(&path, format!("[[tokens]]{without_old}")).unwrap();
    farm.signal("HUP");
    let gone = poll(PATIENCE, || (list(&old) == Some(1)).then_some(()));
    assert!(gone.is_some(), "{}", farm.log());
    assert_eq!(list(&new), Some(0), "{}", farm.log());
}

#[test]
fn who_asks_too_often_is_told_to_wait() {
    let folder = folder();
    let farm = Farm::start(&["--farm", &small(&folder), "--rate-limit", "1"]);
    let limited = poll(PATIENCE, || {
        let (status, body) = farm.get("/api/v1/clock").ok()?;
        (status == 429).then_some(body)
    });
    let problem = limited.expect("a limit");
    assert_eq!(problem["type"], "urn:bess:problem:rate_limited", "{problem}");
    assert_eq!(farm.get("/healthz").unwrap().0, 200);
}

// ---------------------------------------------------------------------------------------------
// TLS

/// Certificates of a CA of their own.
fn certs(folder: &Path) -> [String; 3] {
    let ran = run(["certs", "--force", "--out", &text(folder)]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ["ca.pem", "server.pem", "server.key"].map(|name| text(&folder.join(name)))
}

#[test]
fn over_tls_the_clients_read_and_write_and_nobody_without_it_gets_in_its_way() {
    let folder = folder();
    let [ca, cert, key] = certs(&folder.path().join("certs"));
    let [other_ca, ..] = certs(&folder.path().join("other"));
    let token = new_token(&folder, &["--name", "ems-1", "--role", "operator"]);
    let tokens = text(&folder.path().join("tokens.toml"));
    let mut farm = Farm::start(&[
        "--farm",
        &small(&folder),
        "--tokens",
        &tokens,
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
    ]);
    let url = farm.endpoints()["api"]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert_eq!(farm.endpoints()["api"]["tls"], true);
    let said = poll(PATIENCE, || Some(farm.log()).filter(|log| log.contains("mbpoll"))).unwrap();
    assert!(
        said.contains("curl -s --cacert CA.pem -H \"authorization: Bearer $BESS_TOKEN\" https")
    );

    // In the way of nobody: who says nothing, who says something else, who goes away.
    let address = farm.address("api");
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    for _ in 0..5 {
        let mut plain = TcpStream::connect(address).unwrap();
        plain.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        plain.write_all(b"GET /api/v1/farm HTTP/1.1\r\nHost: bess\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "nothing is served without TLS");
    }

    let client =
        |ca: &str, args: &[&str]| operate(&farm, Some(&token), &[args, &["--ca", ca]].concat());
    let set = client(&ca, &["unit", "set", "1", "20kW"]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    let shown = client(&ca, &["unit", "show", "1", "--json"]).json();
    assert_eq!(shown["setpoint"]["active_power_w"], 20e3);
    let foreign = client(&other_ca, &["unit", "list"]);
    assert_eq!(foreign.code, Some(1), "{}", foreign.stdout);
    assert!(foreign.stderr.contains("certificate"), "{}", foreign.stderr);
    let without = operate(&farm, Some(&token), &["unit", "list"]);
    assert_eq!(without.code, Some(2));
    assert!(without.stderr.contains("needs --ca FILE"), "{}", without.stderr);
    let metrics = http_get(farm.endpoints()["metrics"]["url"].as_str().unwrap()).unwrap().1;
    let failed = metrics
        .lines()
        .find_map(|line| line.strip_prefix("bess_http_rejected_total{reason=\"tls_handshake\"} "));
    assert!(failed.unwrap().parse::<f64>().unwrap() >= 6.0, "{failed:?}");

    // A stop does not wait for them.
    let sent = Instant::now();
    farm.signal("TERM");
    assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
    assert!(!farm.log().contains("panicked"), "{}", farm.log());
    drop(silent);
}

#[test]
fn a_certificate_is_replaced_while_it_serves() {
    let folder = folder();
    let live = folder.path().join("live");
    let [ca, cert, key] = certs(&live);
    let first_ca = file(&folder, "first-ca.pem", std::fs::read(&ca).unwrap());
    let farm = Farm::start(&["--farm", &small(&folder), "--tls-cert", &cert, "--tls-key", &key]);
    let clock = |ca: &str| operate(&farm, None, &["clock", "show", "--ca", ca]);
    assert_eq!(clock(&first_ca).code, Some(0), "{}", clock(&first_ca).stderr);
    certs(&live);
    farm.signal("HUP");
    let taken = poll(PATIENCE, || (clock(&ca).code == Some(0)).then_some(()));
    assert!(taken.is_some(), "{}", farm.log());
    assert_eq!(clock(&first_ca).code, Some(1), "the old one is gone");
    let shown: Value = clock(&ca).json();
    assert!(shown["tick"].is_u64());
}

// ---------------------------------------------------------------------------------------------
// The page about it

const PAGE: &str = include_str!("../../docs/access.md");

/// The fenced blocks of a kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    PAGE.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_commands_and_the_file_of_the_page_are_good() {
    let mut n_flags = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let Some(words) = line.strip_prefix("bess ") else { continue };
        let names =
            words.split(' ').take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
        let names: Vec<&str> = names.collect();
        let help = run([&names[..], &["--help"]].concat());
        assert_eq!(help.code, Some(0), "{line}: {}", help.stderr);
        for flag in words.split(' ').filter(|word| word.starts_with("--")) {
            assert!(help.stdout.contains(&format!("{flag} ")), "{flag} of: {line}");
            n_flags += 1;
        }
    }
    assert!(n_flags > 10, "{n_flags}");
    let folder = folder();
    let path = file(&folder, "tokens.toml", blocks("toml")[0]);
    let listed = run(["token", "check", &path]);
    assert_eq!((listed.code, listed.stdout.lines().count()), (Some(0), 2), "{}", listed.stderr);
}

#[test]
fn the_table_of_the_page_has_every_write_with_its_role() {
    let document: Value =
        serde_json::from_str(include_str!("../../api/openapi.json")).expect("a document");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "get" {
                continue;
            }
            let (method, route) = (method.to_uppercase(), path.trim_start_matches("/api/v1"));
            let ways = operation["security"].as_array().unwrap();
            let role = ways.last().unwrap()["token"][0].as_str().unwrap();
            let is_row = |line: &&str| {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                cells.len() == 4
                    && cells[1].contains(&method)
                    && cells[1].ends_with(&format!("{route}`"))
                    && cells[2].starts_with(&format!("`{role}`"))
            };
            assert!(PAGE.lines().any(|line| is_row(&line)), "{method} {route} is {role}'s");
        }
    }
}
