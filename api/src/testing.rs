//! What the tests of the routes share: a farm without a loop, and a client without a library.
//!
//! [`FakeFarm`] stands where the loop does: it checks a letter with the same `validate`, applies it
//! to a copy, publishes and only then replies; a [`Temper`] makes it misbehave. [`Client`] speaks
//! just enough HTTP/1.1 to see status, headers and body as they are on the wire. Every wait has a
//! deadline, so a hang is a failure.

mod log;
mod points;
pub(crate) mod stage;

pub(crate) use log::FakeLog;
pub(crate) use points::FakePoints;

use crate::history::{History, HistoryConfig, HistoryFeed, HistoryPlan};
use crate::{AddressBook, Api, ApiConfig, BuildInfo, FarmAccess, Readiness};
use bess_core::audit::{AUDIT_CAPACITY, EVENT_CAPACITY};
use bess_core::command::{
    Applied, ClockCommand, Command, Mailbox, Origin, RackAction, Rejection, Request, Submission,
    UnitAction, UnitControl, find_unit, validate, validate_clock,
};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::UnitFunctions;
use bess_core::device::{DeviceAddress, Part};
use bess_core::force;
use bess_core::id::{CellAddress, UnitId};
use bess_core::link;
use bess_core::log::Log;
use bess_core::point::PointBook;
use bess_core::role::Role;
use bess_core::snapshot::{
    BatteryView, CellExtremes, CellsView, ClockMode, ClockView, FarmView, Observer, RackTruth,
    RackView, Snapshot, UnitState, UnitView,
};
use bess_core::spec::{FarmSpec, IslandLoad, PlantSettings};
use bess_core::stats::Stats;
use bess_core::time::{SimTime, Tick};
use bess_core::trace::Tracer;
use bess_core::units::{Amps, Celsius, Joules, Volts, Watts};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How the fake loop treats letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// As it should.
    Good,
    /// The inbox is full.
    Busy,
    /// The loop is gone.
    Closed,
    /// Keeps letters and never answers.
    Silent,
    /// Panics in the handler's task.
    Broken,
}

/// 2026-01-01T00:00:00Z.
const START: SimTime = SimTime { unix_ns: 1_767_225_600_000_000_000 };
/// Tick of the first snapshot.
pub(crate) const FIRST_TICK: u64 = 20;

/// The built-in farm with `n_units` units.
pub(crate) fn spec_with(n_units: usize) -> FarmSpec {
    let text = BUILT_IN_FARM.replace("count = 10", &format!("count = {n_units}"));
    parse_farm("test.toml", &text, &|_| Err("the built-in farm names no file".to_owned()))
        .expect("the built-in farm is good")
}

/// A snapshot in which every unit runs at 0 W.
pub(crate) fn snapshot_with(n_units: usize) -> Snapshot {
    let mut spec = spec_with(n_units);
    spec.grid.island_loads = vec![IslandLoad {
        name: "village".to_owned(),
        active_w: 4e5,
        reactive_var: 1e5,
        inrush_factor: 3.0,
        inrush_s: 0.5,
        pick_up_s: f64::INFINITY,
    }];
    let spec = Arc::new(spec);
    let units = spec
        .units
        .iter()
        .map(|unit| UnitView {
            state: UnitState::Running,
            control: UnitControl::initial(&unit.design),
            ..UnitView::default()
        })
        .collect();
    let mut farm = FarmView { soc: 0.5, ..FarmView::default() };
    farm.units_by_state[UnitState::Running as usize] = n_units as u32;
    Snapshot {
        tick: Tick(FIRST_TICK),
        publication: FIRST_TICK + 1,
        time: START.at(Tick(FIRST_TICK)),
        wall_unix_ns: START.unix_ns + 500,
        clock: ClockView { mode: ClockMode::Running, speed: 1.0, ..ClockView::default() },
        farm,
        units,
        racks: vec![RackView::default(); spec.n_racks()],
        functions: spec.units.iter().map(|unit| Arc::clone(&unit.design.functions)).collect(),
        plant: Arc::new(spec.plant.settings.clone()),
        events: Arc::new(Log::new(EVENT_CAPACITY)),
        audit: Arc::new(Log::new(AUDIT_CAPACITY)),
        ..Snapshot::empty(spec)
    }
}

/// The farm behind the servers under test.
#[derive(Debug)]
pub(crate) struct FakeFarm {
    snapshots: watch::Sender<Arc<Snapshot>>,
    temper: Mutex<Temper>,
    letters: Mutex<Vec<Request>>,
    origins: Mutex<Vec<Origin>>,
    rejection: Mutex<Option<Rejection>>,
    noted: Mutex<Vec<UnitId>>,
    kept: Mutex<Vec<Submission>>,
    tracer: OnceLock<Arc<dyn Tracer>>,
    history: Mutex<HistoryFeed>,
}

impl FakeFarm {
    /// What it was asked so far, letters that it refused included; not what was refused before it got
    /// here.
    pub(crate) fn letters(&self) -> Vec<Request> {
        let letters = self.letters.lock().unwrap();
        let is_told =
            |letter: &&Request| matches!(letter, Request::Refused { .. } | Request::Noted { .. });
        let asked = letters.iter().filter(|letter| !is_told(letter));
        asked.cloned().collect()
    }
    /// What it was told of writes that were refused before they got here: unit, what and why.
    pub(crate) fn refusals(&self) -> Vec<(Option<UnitId>, String, String)> {
        let letters = self.letters.lock().unwrap();
        let refusal = |letter: &Request| match letter {
            Request::Refused { unit, what, reason } => Some((*unit, what.clone(), reason.clone())),
            _ => None,
        };
        letters.iter().filter_map(refusal).collect()
    }
    /// What it was told of writes that are no commands.
    pub(crate) fn noted_writes(&self) -> Vec<String> {
        let letters = self.letters.lock().unwrap();
        let noted = |letter: &Request| match letter {
            Request::Noted { what, .. } => Some(what.clone()),
            _ => None,
        };
        letters.iter().filter_map(noted).collect()
    }
    /// Forgets what it was asked and told.
    pub(crate) fn forget(&self) {
        self.letters.lock().unwrap().clear();
    }
    /// Who sent the letters, refusals included.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        self.origins.lock().unwrap().clone()
    }
    /// Units of which it was noted that somebody asked something.
    pub(crate) fn noted(&self) -> Vec<UnitId> {
        self.noted.lock().unwrap().clone()
    }
    /// Makes it refuse every command for this reason.
    pub(crate) fn reject(&self, rejection: Rejection) {
        *self.rejection.lock().unwrap() = Some(rejection);
    }
    /// Has spans collected.
    pub(crate) fn trace(&self, tracer: Arc<dyn Tracer>) {
        self.tracer.set(tracer).expect("once");
    }
    /// The latest snapshot.
    pub(crate) fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }
    /// Publishes a changed copy.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.now());
        next.publication += 1;
        change(&mut next);
        self.history.lock().unwrap().published(&next);
        self.snapshots.send_replace(Arc::new(next));
    }
    /// One tick in which nothing happens.
    pub(crate) fn tick(&self) {
        self.publish(|next| advance(next, 1));
    }
    /// Changes how it treats letters.
    pub(crate) fn set_temper(&self, temper: Temper) {
        *self.temper.lock().unwrap() = temper;
    }
    /// How many letters a silent farm keeps.
    pub(crate) fn n_kept(&self) -> usize {
        self.kept.lock().unwrap().len()
    }
    /// Treats the kept letters as a good farm does.
    pub(crate) fn answer_kept(&self) {
        self.set_temper(Temper::Good);
        for letter in std::mem::take(&mut *self.kept.lock().unwrap()) {
            self.treat(letter);
        }
    }

    fn treat(&self, letter: Submission) {
        let seen = self.now();
        let checked = match &letter.request {
            Request::Control(command) | Request::Check(command) => {
                validate(&seen.spec, &seen.units, command)
            }
            Request::Clock(commands) => commands.iter().try_for_each(|c| validate_clock(*c)),
            Request::ShowCells(unit) => find_unit(&seen.spec, *unit).map(drop),
            Request::Stage(_) => Ok(()),
            Request::Refused { .. } | Request::Noted { .. } => {
                return letter.reply.send(Ok(seen_at(&seen)));
            }
        };
        let checked = match self.rejection.lock().unwrap().clone() {
            Some(rejection) => Err(rejection),
            None => checked,
        };
        let outcome = checked.map(|()| {
            if !matches!(letter.request, Request::Check(_)) {
                self.publish(|next| apply(next, &letter.request));
            }
            seen_at(&self.now())
        });
        letter.reply.send(outcome);
    }
}

fn seen_at(snapshot: &Snapshot) -> Applied {
    Applied { tick: snapshot.tick, publication: snapshot.publication }
}

impl Mailbox for FakeFarm {
    fn note_request(&self, unit: UnitId) {
        self.noted.lock().unwrap().push(unit);
    }

    fn tracer(&self) -> Option<&Arc<dyn Tracer>> {
        self.tracer.get()
    }

    fn post(&self, letter: Submission) {
        self.letters.lock().unwrap().push(letter.request.clone());
        self.origins.lock().unwrap().push(letter.origin.clone());
        assert!(letter.origin.peer.is_some(), "a letter says where it came from");
        assert!(letter.origin.via.is_some(), "a letter says how it came");
        let temper = *self.temper.lock().unwrap();
        match temper {
            Temper::Good => self.treat(letter),
            Temper::Busy => letter.reply.send(Err(Rejection::Busy)),
            Temper::Closed => letter.reply.send(Err(Rejection::Closed)),
            Temper::Broken => panic!("the mailbox is broken on purpose"),
            Temper::Silent => self.kept.lock().unwrap().push(letter),
        }
    }
}

fn advance(next: &mut Snapshot, ticks: u64) {
    next.tick = Tick(next.tick.0 + ticks);
    next.time = START.at(next.tick);
}

fn apply(next: &mut Snapshot, request: &Request) {
    match request {
        Request::Control(command) => {
            advance(next, 1);
            apply_command(next, command);
        }
        Request::Clock(commands) => commands.iter().for_each(|command| match command {
            ClockCommand::Pause => next.clock.mode = ClockMode::Paused,
            ClockCommand::Resume => next.clock.mode = ClockMode::Running,
            ClockCommand::SetSpeed(speed) => next.clock.speed = *speed,
            ClockCommand::Step(ticks) => {
                next.clock.mode = ClockMode::Paused;
                advance(next, *ticks);
            }
        }),
        Request::ShowCells(unit) => {
            let design = &next.spec.units[unit.idx()].design;
            let n_cells = design.n_cells();
            next.cells.push(Arc::new(CellsView {
                unit_idx: unit.idx(),
                cells_per_rack: design.cells_in_series,
                voltage_v: (0..n_cells).map(|cell| 3.2 + cell as f32 * 1e-6).collect(),
                temperature_degc: vec![25.0; n_cells],
                soc: vec![0.5; n_cells],
                true_voltage_v: vec![3.3; n_cells],
                true_temperature_degc: vec![26.0; n_cells],
            }));
        }
        Request::Refused { .. } | Request::Noted { .. } | Request::Check(_) | Request::Stage(_) => {
        }
    }
}

fn apply_command(next: &mut Snapshot, command: &Command) {
    match command {
        Command::ControlUnit { unit, change } => {
            let rating = next.spec.units[unit.idx()].design.pcs.rated_power.0;
            let view = &mut next.units[unit.idx()];
            change.apply(&mut view.control);
            view.setpoint = Watts(view.control.active.target(rating));
            view.ac.active_power = view.setpoint;
        }
        Command::OperateUnit { unit, action } => {
            let state = match action {
                UnitAction::Start | UnitAction::ExitStandby | UnitAction::BlackStart => {
                    UnitState::Running
                }
                UnitAction::Stop | UnitAction::EndMaintenance => UnitState::Off,
                UnitAction::EnterStandby => UnitState::Standby,
                UnitAction::EmergencyStop => UnitState::EmergencyStop,
                UnitAction::EnterMaintenance => UnitState::Maintenance,
                UnitAction::ResetAlarms
                | UnitAction::ReleaseEmergencyStop
                | UnitAction::Local
                | UnitAction::Remote => next.units[unit.idx()].state,
            };
            set_state(next, *unit, state);
            let view = &mut next.units[unit.idx()];
            view.is_local = match action {
                UnitAction::Local => true,
                UnitAction::Remote => false,
                _ => view.is_local,
            };
        }
        Command::ConfigureUnit { unit, change } => {
            let mut functions = UnitFunctions::clone(&next.functions[unit.idx()]);
            change.apply(&mut functions);
            next.functions[unit.idx()] = Arc::new(functions);
        }
        Command::OperateRack { unit, rack_idx, action } => {
            let rack = next.spec.units[unit.idx()].racks.start + rack_idx;
            next.racks[rack].enabled = *action == RackAction::Connect;
        }
        Command::ConfigurePlant(change) => {
            let mut plant = PlantSettings::clone(&next.plant);
            plant.strategy = change.strategy.unwrap_or(plant.strategy);
            plant.ramp_per_s = change.ramp_per_s.unwrap_or(plant.ramp_per_s);
            if let Some(response) = change.frequency_response.clone() {
                plant.frequency_response = response;
            }
            next.plant = Arc::new(plant);
        }
        Command::SetLink(condition) => {
            next.link = link::with(&next.link, condition, next.tick).expect("it fits");
        }
        Command::ClearLink { name } => {
            next.link = link::without(&next.link, name.as_deref()).expect("it is there");
        }
        Command::ForcePoint(point) => {
            next.forced = force::with(&next.forced, point).expect("there is room");
        }
        Command::ReleasePoint { unit, point } => {
            next.forced =
                force::without(&next.forced, *unit, point.as_deref()).expect("it is forced");
        }
        // What becomes of them is seen in the letter.
        Command::Disturb(_)
        | Command::SetGrid { .. }
        | Command::EndDisturbances { .. }
        | Command::SetAmbient(_)
        | Command::PoiMeter(_)
        | Command::PoiBreaker { .. }
        | Command::TransformerLimit(_)
        | Command::NoteFault { .. }
        | Command::PickUpLoad { .. }
        | Command::NoteRequest { .. } => {}
        Command::SetFarmPower { active, reactive } => {
            next.farm.setpoint = Some(*active);
            next.farm.reactive_setpoint = reactive.or(next.farm.reactive_setpoint);
        }
        Command::SetDefect { .. } => panic!("no route makes anything defect"),
        Command::ReleaseFarm => {
            next.farm.setpoint = None;
            next.farm.reactive_setpoint = None;
        }
        Command::Batch(commands) => {
            for command in commands {
                apply_command(next, command);
            }
        }
    }
}

/// Puts a unit into a state, counted in the farm's view as well.
pub(crate) fn set_state(next: &mut Snapshot, unit: UnitId, state: UnitState) {
    let view = &mut next.units[unit.idx()];
    next.farm.units_by_state[view.state as usize] -= 1;
    next.farm.units_by_state[state as usize] += 1;
    view.state = state;
}

/// Makes all that is true of the farm, its units and racks differ from what their BMSes believe, and
/// nothing else.
pub(crate) fn change_truth(next: &mut Snapshot) {
    let at = CellAddress { unit_idx: 8, rack_idx: 7, cell_idx: 6 };
    let extremes = CellExtremes {
        voltage_min: Volts(1.5),
        voltage_min_at: at,
        voltage_max: Volts(4.75),
        voltage_max_at: at,
        temperature_min: Celsius(-17.0),
        temperature_min_at: at,
        temperature_max: Celsius(222.0),
        temperature_max_at: at,
    };
    let battery = BatteryView {
        soc: 0.11,
        soh: 0.22,
        energy: Joules(3.3e9),
        energy_capacity: Joules(4.4e9),
        cell_voltage_mean: Volts(2.5),
        cell_temperature_mean: Celsius(99.0),
        extremes,
    };
    let rack = RackTruth {
        current: Amps(-444.0),
        voltage: Volts(777.0),
        soc: 0.11,
        soh: 0.22,
        cell_voltage_mean: Volts(2.5),
        cell_temperature_mean: Celsius(99.0),
        extremes,
        capacity_lost: 0.7,
        resistance_gained: 3.0,
        cells_vented: 9,
        cells_burnt: 8,
    };
    next.farm.true_soc = 0.11;
    next.units.iter_mut().for_each(|unit| unit.truth = battery);
    next.racks.iter_mut().for_each(|view| view.truth = rack);
    next.farm.true_active_power = bess_core::units::Watts(-12_345.0);
    next.farm.true_reactive_power = bess_core::units::Vars(6_789.0);
}

/// A REST server with its fake farm.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) api: Arc<Api>,
    pub(crate) farm: Arc<FakeFarm>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) ready: Readiness,
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

/// Serves the built-in farm with ten units.
pub(crate) async fn serve() -> Served {
    let config = ApiConfig { log: Some(Arc::<FakeLog>::default()), ..ApiConfig::default() };
    serve_with(snapshot_with(10), config).await
}

/// Serves a farm that looks like `snapshot`.
pub(crate) async fn serve_with(snapshot: Snapshot, config: ApiConfig) -> Served {
    serve_all(snapshot, config, Some(Arc::new(FakePoints))).await
}

/// Serves a farm that looks like `snapshot`, with these register maps or with none.
pub(crate) async fn serve_all(
    snapshot: Snapshot,
    config: ApiConfig,
    points: Option<Arc<dyn PointBook>>,
) -> Served {
    let plan = HistoryPlan::new(&snapshot.spec, &HistoryConfig::default()).unwrap();
    let (history, mut feed) = History::start(plan).unwrap();
    feed.published(&snapshot);
    let (sender, snapshots) = watch::channel(Arc::new(snapshot));
    let farm = Arc::new(FakeFarm {
        snapshots: sender,
        temper: Mutex::new(Temper::Good),
        letters: Mutex::default(),
        origins: Mutex::default(),
        rejection: Mutex::default(),
        noted: Mutex::default(),
        kept: Mutex::default(),
        tracer: OnceLock::new(),
        history: Mutex::new(feed),
    });
    let stats = Arc::new(Stats::default());
    stats.ticks.last_beat_unix_ns.store(now_unix_ns(), Relaxed);
    let ready = Readiness::default();
    ready.set(true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let access = FarmAccess {
        snapshots,
        mailbox: Arc::clone(&farm) as Arc<dyn Mailbox>,
        stats: Arc::clone(&stats),
    };
    let book = AddressBook {
        modbus: "127.0.0.1:5020".parse().unwrap(),
        devices: devices(&access.snapshots.borrow().spec),
        api: address,
        metrics: "127.0.0.1:9090".parse().unwrap(),
    };
    let build = BuildInfo { version: "0.0.0".to_owned(), ..BuildInfo::default() };
    let api = Api::with_points(access, ready.clone(), book, config, build, points);
    api.set_history(history);
    api.set_stage(Arc::<stage::FakeStage>::default());
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&api).serve_rest(listener, shutdown.clone()));
    Served { api, farm, stats, ready, address, shutdown, task }
}

/// The plant at unit id 255 and every unit at its own; units beyond the 247th answer to every id.
fn devices(spec: &FarmSpec) -> Vec<DeviceAddress> {
    let device = |unit: Option<UnitId>, part, unit_id| DeviceAddress {
        unit,
        rack: None,
        part,
        listener: "modbus".to_owned(),
        host: "127.0.0.1".parse().unwrap(),
        port: 5020,
        unit_id,
        is_tls: false,
        role: Role::Engineer,
        maps: vec!["compact".to_owned(), "sunspec".to_owned()],
    };
    let plant = device(None, Part::Plant, Some(255));
    let units = spec.units.iter();
    let units = units.map(|u| device(Some(u.id), Part::Whole, u.id.modbus_unit_id()));
    std::iter::once(plant).chain(units).collect()
}

/// Wall time in Unix nanoseconds.
pub(crate) fn now_unix_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64
}

impl Served {
    /// Opens a connection.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }
    /// Asks on a connection of its own, without a body.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        self.client().await.ask(method, path, &[], "").await
    }
    /// Reads a resource under the base and expects 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", &format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
    /// Sends a JSON body to a resource under the base.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let json = [("content-type", "application/json")];
        let mut client = self.client().await;
        client.ask(method, &format!("/api/v1/{path}"), &json, body).await
    }
    /// Sends a JSON body and expects that it is applied.
    pub(crate) async fn apply(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
        answer.json()
    }
}

/// Longest wait for anything on the wire.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Events of a stream that nobody asked for yet.
    events: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream, buffer: Vec::new(), events: String::new() }
    }
    /// Sends a request and reads its whole answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.send(method, path, headers, body).await;
        if method == "HEAD" {
            return self.head().await;
        }
        self.whole().await
    }
    /// Reads a whole answer.
    pub(crate) async fn whole(&mut self) -> Answer {
        let mut answer = self.head().await;
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await {
                answer.body.extend(chunk);
            }
        } else if let Some(length) = answer.header("content-length") {
            answer.body = self.take(length.parse().unwrap()).await;
        }
        answer
    }
    /// Sends a request.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: bess\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || matches!(method, "PUT" | "POST" | "PATCH") {
            text += &format!("content-length: {}\r\n", body.len());
        }
        text += "\r\n";
        text += body;
        self.raw(&text).await;
    }
    /// Sends bytes as they are.
    pub(crate) async fn raw(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }
    /// Reads the head of an answer.
    pub(crate) async fn head(&mut self) -> Answer {
        let head = self.until("\r\n\r\n").await.expect("an answer");
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        Answer {
            status: status.parse().unwrap(),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }
    /// Whether an answer begins before the server closes the connection.
    pub(crate) async fn answers(&mut self) -> bool {
        !self.buffer.is_empty() || self.fill().await
    }
    /// Reads the next event of a stream; `None` at its end.
    /// Reads the next event of a stream, comments passed over; `None` at its end.
    pub(crate) async fn event(&mut self) -> Option<StreamedEvent> {
        loop {
            if let Some(end) = self.events.find("\n\n") {
                let text: String = self.events.drain(..end + 2).collect();
                if text.starts_with(':') {
                    continue;
                }
                let line = |name: &str| {
                    let line = text.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_else(|| panic!("no {name} in {text:?}")).trim()
                };
                return Some(StreamedEvent {
                    kind: line("event:").to_owned(),
                    id: line("id:").to_owned(),
                    data: serde_json::from_str(line("data:")).unwrap(),
                });
            }
            let chunk = String::from_utf8(self.chunk().await?).unwrap();
            assert!(chunk.ends_with("\n\n"), "chunks are whole events: {chunk:?}");
            self.events += &chunk;
        }
    }
    /// Waits until the server closes the connection.
    pub(crate) async fn closed(&mut self) {
        while self.fill().await {}
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.until("\r\n").await?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let chunk = self.take(size).await;
        self.take(2).await;
        (size > 0).then_some(chunk)
    }
    async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            let found = self.buffer.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                let line = self.buffer.drain(..at + end.len()).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            if !self.fill().await {
                return None;
            }
        }
    }
    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            assert!(self.fill().await, "the answer ends early");
        }
        self.buffer.drain(..length).collect()
    }
    /// Reads what is there; false when the server closed the connection.
    async fn fill(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        let reading = self.stream.read(&mut bytes);
        let read = tokio::time::timeout(PATIENCE, reading).await.expect("something to read");
        // A reset is an end as well.
        let n_bytes = read.unwrap_or(0);
        self.buffer.extend(&bytes[..n_bytes]);
        n_bytes > 0
    }
}

/// An event of `/stream`.
#[derive(Debug)]
pub(crate) struct StreamedEvent {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The header `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }
    /// The body as a problem document of this status and kind.
    pub(crate) fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        let media_type = self.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"));
        let document: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(document["type"], format!("urn:bess:problem:{slug}"));
        assert_eq!(document["status"], status);
        assert!(document["title"].is_string(), "{document}");
        assert!(document["detail"].is_string(), "{document}");
        document
    }
}
