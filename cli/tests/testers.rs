//! What testers do by command: `bess link` against a farm, `bess point` against a server that answers
//! as a farm does and keeps what it was asked.

mod common;

use common::{
    Farm, PATIENCE, Ran, SMALL_FARM, bess, collect_stderr, ended_within, file, folder, http_get,
    poll, run,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

fn operate(api: &str, args: &[&str]) -> Ran {
    let mut args = args.to_vec();
    args.extend(["--api", api]);
    run(args)
}

fn get(farm: &Farm, path: &str) -> Value {
    let (status, body) = farm.get(path).expect("an answer");
    assert_eq!(status, 200, "{path}: {body:#}");
    body
}

// ---------------------------------------------------------------------------------------------
// Links

#[test]
fn a_link_condition_is_set_shown_and_ends_by_itself_or_by_command() {
    let folder = folder();
    let farm_file = file(&folder, "farm.toml", SMALL_FARM);
    let farm = Farm::start(&["--farm", &farm_file, "--stepped"]);
    let api = farm.api();
    let link = |args: &[&str]| operate(&api, &[&["link"], args].concat());
    let slow = "add slow delay --delay 500ms --registers 12-31 --unit unit-";
    let unit = |unit: &str| link(&format!("{slow}{unit}").split(' ').collect::<Vec<_>>());
    let unknown = unit("2");
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("unit must be a unit from 1 to 3"), "{}", unknown.stderr);
    assert_eq!(unit("002").stdout, "applied at tick 0\n");
    let short = "add short drop --probability 0.5 --seed 7 --for 1s";
    assert_eq!(link(&short.split(' ').collect::<Vec<_>>()).code, Some(0));
    let links = get(&farm, "/api/v1/links")["links"].clone();
    assert_eq!((&links[0]["unit"], &links[0]["delay_s"]), (&json!(2), &json!(0.5)));
    assert_eq!((&links[0]["first_register"], &links[0]["last_register"]), (&json!(12), &json!(31)));
    assert_eq!((&links[1]["probability"], &links[1]["seed"]), (&json!(0.5), &json!(7)));
    let listed = link(&["list"]);
    assert_eq!(listed.stdout.lines().count(), 3, "{}", listed.stdout);
    let metrics = http_get(&format!("http://{}/metrics", farm.address("metrics"))).unwrap().1;
    assert!(metrics.contains("\nbess_modbus_link_conditions 2\n"));
    assert_eq!(operate(&api, &["clock", "step", "20"]).code, Some(0));
    let left = get(&farm, "/api/v1/links")["links"].clone();
    assert_eq!((left.as_array().map(Vec::len), &left[0]["name"]), (Some(1), &json!("slow")));
    assert_eq!(link(&["clear", "slow"]).code, Some(0));
    let gone = link(&["clear", "slow"]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.stderr.contains("no link condition \"slow\" is in force"), "{}", gone.stderr);
    assert_eq!(link(&["clear", "--all"]).code, Some(0));
    let events = get(&farm, "/api/v1/events?kind=link")["events"].clone();
    let said: Vec<&str> =
        events.as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap()).collect();
    let expected =
        ["link: delay begins", "link: drop begins", "link: drop ends", "link: delay ends"];
    assert_eq!(said, expected);
    let writes = operate(&api, &["writes"]).stdout;
    assert!(writes.contains("link slow: delay, delay_s = 0.5"), "{writes}");
    assert!(writes.contains("link slow cleared") && writes.contains("all links cleared"));
}

#[test]
fn a_condition_that_cannot_be_meant_is_refused_before_anybody_is_asked() {
    for (args, part) in [
        (&["add", "a", "lag"][..], "[possible values: delay, drop,"),
        (&["add", "a", "drop", "--peer", "10.1.0.0/8"], "did you mean 10.0.0.0/8?"),
        (&["add", "a", "delay", "--delay", "5"], "number with a unit"),
        (&["clear"], "--all"),
    ] {
        let ran = operate("http://127.0.0.1:1", &[&["link"], args].concat());
        assert_eq!(ran.code, Some(2), "{args:?}");
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

// ---------------------------------------------------------------------------------------------
// Points

/// A server with one unit of a few points.
struct Points {
    address: SocketAddr,
    /// What it was asked to change: the end of the path, and the body.
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

fn point(name: &str, address: u16, change: Value) -> Value {
    let mut point = json!({
        "map": "m", "name": name, "table": "holding", "address": address, "registers": 2,
        "type": "int32", "unit_of_measure": "W", "access": "R", "symbols": [], "words": [0, 5],
        "value": 5.0, "text": null, "minimum": -1e9, "maximum": 1e9, "is_bits": false,
        "forced": false,
    });
    let Value::Object(change) = change else { panic!("{change} is no object") };
    for (key, value) in change {
        point[key] = value;
    }
    point
}

fn points() -> Value {
    let symbols = json!([{"name": "HOT", "value": 0}, {"name": "COLD", "value": 17}]);
    json!({"points": [
        point("power", 12, json!({"access": "RW"})),
        point("alarms", 14, json!({"is_bits": true, "symbols": symbols})),
        point("mine", 16, json!({"forced": true})),
        point("model", 18, json!({"text": "bess", "value": null})),
    ]})
}

impl Points {
    /// Starts it; it answers with the status of `refuse` where the point of that name is forced.
    fn start(refuse: Option<(&'static str, u16)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = answer(stream, &kept, refuse);
            }
        });
        Self { address, asked }
    }
    fn api(&self) -> String {
        format!("http://{}", self.address)
    }
    /// What was asked so far, each in one text.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("no panic");
        let one = |(what, body): &(String, Value)| {
            let wish = ["value", "words"].into_iter().find_map(|key| body.get(key));
            let wish = wish.map(|wish| format!(" {wish}")).unwrap_or_default();
            format!("{what} {}{wish}", body["point"].as_str().unwrap_or("?"))
        };
        asked.iter().map(one).collect()
    }
}

fn answer(
    stream: TcpStream,
    asked: &Mutex<Vec<(String, Value)>>,
    refuse: Option<(&str, u16)>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let what = path.rsplit('/').next().unwrap_or_default().to_owned();
    let name = body["point"].as_str().and_then(|name| name.strip_prefix("m/")).unwrap_or_default();
    let (status, answer) = match what.as_str() {
        "force" => match refuse {
            Some((refused, status)) if refused == name => {
                (status, json!({"title": "No", "detail": "it does not fit"}))
            }
            _ => {
                let value = body["value"].as_f64().unwrap_or(0.0) as u32;
                let encoded = json!([value >> 16, value & 0xFFFF]);
                let words = body.get("words").cloned().unwrap_or(encoded);
                let shown = point(name, 0, json!({"words": words, "forced": true}));
                (200, json!({"applied_tick": 7, "point": shown}))
            }
        },
        "release" => (200, json!({"applied_tick": 8})),
        _ => (200, points()),
    };
    if what == "force" || what == "release" {
        asked.lock().expect("no panic").push((what, body));
    }
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        answer.len()
    );
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes())?;
    stream.write_all(answer.as_bytes())
}

#[test]
fn a_walk_shows_each_bit_and_each_point_alone_and_prints_what_was_sent() {
    let server = Points::start(None);
    let ran = operate(&server.api(), &["point", "walk", "3", "--dwell", "0"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let expected = "point,table,address,value,words\n\
                    m/power,holding,12,12,0 12\n\
                    m/alarms,holding,14,HOT,0 1\n\
                    m/alarms,holding,14,COLD,2 0\n\
                    m/model,holding,18,18,12600 0\n";
    assert_eq!(ran.stdout, expected);
    assert!(ran.stderr.contains("m/mine is forced already"), "{}", ran.stderr);
    let expected = [
        "force m/power 12.0",
        "release m/power",
        "force m/alarms 1.0",
        "force m/alarms 131072.0",
        "release m/alarms",
        "force m/model [12600,0]",
        "release m/model",
    ];
    assert_eq!(server.asked(), expected);
    let args = ["point", "walk", "3", "--what", "alarms", "--dwell", "0"];
    let alarms = operate(&server.api(), &args);
    assert_eq!(alarms.stdout.lines().count(), 3, "{}", alarms.stdout);
    let args = ["point", "walk", "3", "--writable", "--dwell", "0"];
    assert_eq!(operate(&server.api(), &args).stdout.lines().count(), 2);
}

#[test]
fn a_point_that_does_not_take_its_value_is_told_and_the_walk_goes_on() {
    let server = Points::start(Some(("power", 422)));
    let ran = operate(&server.api(), &["point", "walk", "3", "--dwell", "0"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("m/power: 422 No: it does not fit"), "{}", ran.stderr);
    assert!(ran.stderr.contains("values refused: 1"), "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 4, "{}", ran.stdout);
}

#[test]
fn a_farm_that_fails_ends_the_walk_and_the_point_is_released() {
    let server = Points::start(Some(("alarms", 504)));
    let ran = operate(&server.api(), &["point", "walk", "3", "--dwell", "0"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("go on with --from 'm/alarms'"), "{}", ran.stderr);
    assert_eq!(server.asked().last().map(String::as_str), Some("release m/alarms"));
}

#[test]
fn an_interrupted_walk_releases_what_it_shows() {
    for signal in ["INT", "TERM", "HUP"] {
        let server = Points::start(None);
        let mut child = bess(["point", "walk", "3", "--dwell", "10m", "--api", &server.api()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = collect_stderr(&mut child);
        // The line is printed when the point is shown, and not before.
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = String::new();
        out.read_line(&mut lines).expect("a header");
        out.read_line(&mut lines).expect("a line");
        assert!(lines.ends_with("m/power,holding,12,12,0 12\n"), "{lines}");
        assert_eq!(server.asked(), ["force m/power 12.0"]);
        let command = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().is_ok_and(|s| s.success()));
        let status = ended_within(&mut child, PATIENCE).expect("it ends");
        assert_eq!(status.code(), Some(1), "{signal}");
        let said = said.join().expect("a reader does not panic");
        assert!(said.contains("go on with --from 'm/power': interrupted"), "{said}");
        let asked = poll(PATIENCE, || Some(server.asked()).filter(|asked| asked.len() == 2));
        assert_eq!(asked.expect("a release")[1], "release m/power", "{signal}");
    }
}

#[test]
fn a_point_is_forced_and_released_by_command() {
    let server = Points::start(None);
    let point = |args: &[&str]| operate(&server.api(), &[&["point"], args].concat());
    let forced = point(&["force", "3", "m/power", "-7"]);
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    assert!(forced.stdout.starts_with("m/power shows 5 W (holding 0: "), "{}", forced.stdout);
    assert_eq!(point(&["force", "plant", "m/power", "--words", "1,2"]).code, Some(0));
    assert_eq!(point(&["release", "3", "m/power"]).code, Some(0));
    let asked = server.asked();
    assert_eq!(asked, ["force m/power -7.0", "force m/power [1,2]", "release m/power"]);
    let listed = point(&["list", "3"]).stdout;
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert!(listed.contains("5 W (forced)"), "{listed}");
    for args in [&["force", "3", "m/power"][..], &["release", "3"], &["walk"]] {
        assert_eq!(point(args).code, Some(2), "{args:?}");
    }
}
