//! What the tests of the command line share: commands with a deadline, a live farm, raw clients.
//!
//! Nothing here waits by sleeping for a fixed time: everything polls until a deadline. Ports are 0.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use serde_json::Value;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far more than anything here takes; a test that reaches it has found something that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Three units of two racks of 104 cells, 0.1 MW and 0.209 MWh each: quick to simulate.
pub(crate) const SMALL_FARM: &str = r#"
[farm]
name = "small"
nominal_frequency_hz = 60
seed = 7
ambient_degc = 20

[farm.initial]
state = "running"
soc = 0.5
temperature_degc = 25

[[units]]
count = 3
name = "unit"
manufacturer = "bess"
model = "test container"
chemistry = "lfp-314"
racks = 2
cells_in_series = 104
cells_per_module = 52
rack_wiring_mohm = 5

[units.spread]
capacity_sigma_pct = 0.25
resistance_sigma_pct = 1.0
soc_sigma_pct = 0.3

[units.pcs]
rated_power_kw = 100
rated_apparent_power_kva = 110
rated_reactive_power_kvar = 48
nominal_voltage_v = 400
dead_time_ms = 100
time_constant_ms = 80
ramp_pct_per_s = 100

[units.pcs.loss]
standby = 0.001
saturating = 0.00601
knee = 0.0103
linear = 0.00864
quadratic = 0.01196

[units.cooling]
setpoint_degc = 25
capacity_kw = 4
cop = 3.0
heat_capacity_kj_per_k = 60
base_load_kw = 0.05

[units.cooling.walls]
area_m2 = 3.75
sunlit_m2 = 0.75

[farm.transformer]
"#;

// ---------------------------------------------------------------------------------------------
// Commands

/// The binary under test, without the environment's `BESS_*` settings.
pub(crate) fn bess<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bess"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BESS_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").args(args).stdin(Stdio::null());
    command
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The JSON on stdout of a command that must have gone well.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e} in:\n{}", self.stdout))
    }
}

/// Runs `bess` to its end.
pub(crate) fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    let mut command = bess(args);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let stdout = collect(child.stdout.take().expect("a pipe"));
    let stderr = collect(child.stderr.take().expect("a pipe"));
    let Some(status) = ended_within(&mut child, PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{command:?} did not end within {PATIENCE:?}");
    };
    Ran {
        code: status.code(),
        stdout: stdout.join().expect("a reader does not panic"),
        stderr: stderr.join().expect("a reader does not panic"),
    }
}

/// Reads what a child writes to stderr until it ends.
pub(crate) fn collect_stderr(child: &mut Child) -> JoinHandle<String> {
    collect(child.stderr.take().expect("a pipe"))
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The status of a child that ends before the deadline.
pub(crate) fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    poll(limit, || child.try_wait().expect("a child can be waited for"))
}

/// Asks until there is an answer or the time is over.
pub(crate) fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

// ---------------------------------------------------------------------------------------------
// Files

/// A folder of its own, removed at the end.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a file and gives its path as text.
pub(crate) fn file(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a file can be written");
    text(&path)
}

/// A path as text.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("test paths are UTF-8").to_owned()
}

/// A record of the shared folder: beside the checkout, or where `BESS_SHARED` says.
pub(crate) fn shared(name: &str) -> Result<PathBuf, PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let folder = std::env::var_os("BESS_SHARED").unwrap_or_else(|| beside.into());
    let path = Path::new(&folder).join(name);
    if path.exists() { Ok(path) } else { Err(path) }
}

// ---------------------------------------------------------------------------------------------
// A live farm

/// `bess serve` on free ports; ended by its own process id at the latest when it is dropped.
#[derive(Debug)]
pub(crate) struct Farm {
    child: Child,
    folder: TempDir,
    endpoints: Value,
    log: Arc<Mutex<String>>,
}

impl Farm {
    /// Starts the built-in farm and waits until it has written its endpoints.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_in(&[], args)
    }

    /// The same with variables in its environment.
    pub(crate) fn start_in(variables: &[(&str, &str)], args: &[&str]) -> Self {
        Self::launch(&["serve", "--modbus-port=0"], variables, args)
    }

    /// Starts `bess gateway` and waits until it has written its endpoints.
    pub(crate) fn gateway(args: &[&str]) -> Self {
        Self::launch(&["gateway"], &[], args)
    }

    fn launch(command: &[&str], variables: &[(&str, &str)], args: &[&str]) -> Self {
        let folder = folder();
        let path = folder.path().join("endpoints.json");
        let mut child = bess(command)
            .args(["--api-port=0", "--metrics-port=0"])
            .args(["--endpoints", &text(&path)])
            .args(args)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = keep_log(child.stderr.take().expect("a pipe"));
        let mut farm = Self { child, folder, endpoints: Value::Null, log };
        let written = poll(PATIENCE, || {
            if let Ok(text) = std::fs::read_to_string(&path) {
                return Some(Ok(text));
            }
            let ended = farm.child.try_wait().expect("a child can be waited for");
            ended.map(Err)
        });
        match written {
            // Written aside and renamed: whoever sees the file sees all of it.
            Some(Ok(text)) => farm.endpoints = serde_json::from_str(&text).expect("whole JSON"),
            Some(Err(status)) => panic!("ended with {status}:\n{}", farm.log()),
            None => panic!("not ready within {PATIENCE:?}:\n{}", farm.log()),
        }
        farm
    }

    /// What the endpoints file says.
    pub(crate) fn endpoints(&self) -> &Value {
        &self.endpoints
    }

    /// The folder of the endpoints file.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it wrote to stderr so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Address of "modbus", "api" or "metrics".
    pub(crate) fn address(&self, what: &str) -> SocketAddr {
        let host = self.endpoints[what]["host"].as_str().expect("a host");
        let port = self.endpoints[what]["port"].as_u64().expect("a port");
        format!("{host}:{port}").parse().expect("an address")
    }

    /// Base of the REST API, as `--api` takes it.
    pub(crate) fn api(&self) -> String {
        format!("http://{}", self.address("api"))
    }

    /// Reads a path of the REST API: status and body.
    pub(crate) fn get(&self, path: &str) -> io::Result<(u16, Value)> {
        let (status, body) = http_get(&format!("{}{path}", self.api()))?;
        Ok((status, serde_json::from_str(&body).unwrap_or(Value::String(body))))
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, "TERM" or "INT".
    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &command]).status();
        assert!(status.is_ok_and(|status| status.success()), "{command}");
    }

    /// The exit code if it ends in time; `None` inside for an end by a signal.
    pub(crate) fn code_within(&mut self, limit: Duration) -> Option<Option<i32>> {
        ended_within(&mut self.child, limit).map(|status| status.code())
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep_log(pipe: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut log = kept.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
    log
}

// ---------------------------------------------------------------------------------------------
// Raw clients

/// One GET with a deadline; every status is an answer.
pub(crate) fn http_get(url: &str) -> io::Result<(u16, String)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string().map_err(io::Error::other)?;
    Ok((status, body))
}

/// A Modbus TCP connection, written out by hand.
#[derive(Debug)]
pub(crate) struct Modbus {
    stream: TcpStream,
    transaction: u16,
}

impl Modbus {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self { stream, transaction: 0 })
    }

    /// Reads holding registers.
    pub(crate) fn read(&mut self, unit: u8, address: u16, count: u16) -> io::Result<Vec<u16>> {
        let mut pdu = vec![3];
        pdu.extend(address.to_be_bytes());
        pdu.extend(count.to_be_bytes());
        let answer = self.ask(unit, &pdu)?;
        if answer.len() != 2 + 2 * usize::from(count) || answer[0] != 3 {
            return Err(io::Error::other(format!("answered {answer:?}")));
        }
        let words = answer[2..].chunks_exact(2);
        Ok(words.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
    }

    /// Sends one request and gives the answer's PDU.
    pub(crate) fn ask(&mut self, unit: u8, pdu: &[u8]) -> io::Result<Vec<u8>> {
        self.transaction = self.transaction.wrapping_add(1);
        let length = u16::try_from(pdu.len() + 1).expect("a PDU is short");
        let mut frame = self.transaction.to_be_bytes().to_vec();
        frame.extend([0, 0]);
        frame.extend(length.to_be_bytes());
        frame.push(unit);
        frame.extend(pdu);
        self.stream.write_all(&frame)?;
        let mut header = [0; 7];
        self.stream.read_exact(&mut header)?;
        if header[..2] != frame[..2] || header[6] != unit {
            return Err(io::Error::other(format!("header {header:?}")));
        }
        let mut answer = vec![0; usize::from(u16::from_be_bytes([header[4], header[5]])) - 1];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}
