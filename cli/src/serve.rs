//! `bess serve`: a live farm behind Modbus TCP, REST and metrics.
//!
//! Order of a start: files, ports, farm, servers, ready. Order of a stop: not ready, drain, stop
//! accepting and finish requests, last tick, exit code.

mod end;
mod ports;
mod told;

use crate::BadInput;
use crate::access::{AccessArgs, Watch};
use crate::audit_file::{AuditArgs, AuditFile};
use crate::checkpoint::{Identity, Keeping, StateArgs, Taken};
use crate::history::HistoryArgs;
use crate::log::{self, LogArgs, Logging, TracedMailbox};
use crate::record::{self, RecordFile, RecordFolder};
use crate::run::workers;
use crate::scenario::serve::{self as staged, Stage, StageArgs};
use crate::service;
use crate::setup::{FarmArgs, Setup};
use crate::texts::Texts;
use anyhow::Context;
use bess_api::access::AccessConfig;
use bess_api::history::{History, HistoryFeed, HistoryPlan};
use bess_core::command::{CommandSource, Mailbox, SPEED_MAX, SPEED_MIN};
use bess_core::snapshot::Observer;
use bess_core::spec::FarmSpec;
use bess_core::stage::StageBook;
use bess_core::stats::Stats;
use bess_core::time::{SimTime, Tick};
use bess_core::trace::Tracer;
use bess_protocol::config::{ModbusConfig, Mode};
use bess_protocol::plan::{Place, Plan};
use bess_scenarios::report::Again;
use bess_simulation::pacer::wall_unix_ns;
use bess_simulation::{Engine, EngineOptions, FarmHandle, LoopOptions};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use end::exit_on_second_signal;
use end::{FARM_ENDED, wait_for_end};
pub(crate) use ports::bind_http;
use ports::{Ports, bind};
pub(crate) use told::write_aside;
use told::{folder_of, forget_endpoints, greet, write_endpoints};

/// Run a live farm with Modbus TCP, REST and metrics
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess serve
  bess serve --farm my.toml --speed 10
  bess serve --dispatch caiso.csv --column pct_2016-05-03 --frequency hz.csv
  bess serve --bind 0.0.0.0 --tokens tokens.toml --tls-cert server.pem --tls-key server.key
  bess serve --scenario mine.yaml --stub-ems --speed 10 --record recording
  bess serve --scenario mine.yaml --exit-with-scenario --scenario-out result
  bess serve --modbus-port 0 --api-port 0 --metrics-port 0 --endpoints endpoints.json")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    farm: FarmArgs,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", env = "BESS_BIND", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Port of Modbus TCP; 0 for any free port
    #[arg(long, value_name = "PORT", env = "BESS_MODBUS_PORT", default_value_t = 5020)]
    modbus_port: u16,
    /// How the farm is reached by Modbus: a file with the tables `[modbus]`; beats those of the farm file
    #[arg(long, value_name = "FILE", env = "BESS_MODBUS")]
    modbus: Option<PathBuf>,
    /// How units are told apart by the first listener: gateway (unit ids), ports or ip
    #[arg(long, value_name = "MODE", env = "BESS_MODBUS_MODE")]
    modbus_mode: Option<String>,
    /// Port of the REST API; 0 for any free port
    #[arg(long, value_name = "PORT", env = "BESS_API_PORT", default_value_t = 8000)]
    api_port: u16,
    /// Port of the metrics; 0 for any free port
    #[arg(long, value_name = "PORT", env = "BESS_METRICS_PORT", default_value_t = 9090)]
    metrics_port: u16,
    /// /metrics has series of each unit while the farm has at most this many; 0 for never
    #[arg(long, value_name = "N", env = "BESS_METRICS_UNITS", default_value_t = 1000)]
    metrics_units: usize,
    /// Write every bound address to this file as JSON, once the farm is ready
    #[arg(long, value_name = "FILE", env = "BESS_ENDPOINTS")]
    endpoints: Option<PathBuf>,
    #[command(flatten)]
    audit: AuditArgs,
    /// Keep everything that comes to the farm in this empty folder, so that `bess run --replay` can repeat the run bit for bit
    #[arg(long, value_name = "DIR", env = "BESS_RECORD")]
    record: Option<PathBuf>,
    /// Record into a new folder within that of --record for each start, and keep the newest N
    #[arg(long, value_name = "N", env = "BESS_RECORD_KEEP", requires = "record")]
    record_keep: Option<usize>,
    /// Simulated seconds per second of wall time
    #[arg(long, value_name = "FACTOR", env = "BESS_SPEED", default_value_t = 1.0)]
    speed: f64,
    /// Start paused: ticks come by `bess clock step` or `resume`
    #[arg(long, env = "BESS_STEPPED")]
    stepped: bool,
    /// Threads that step units; the result does not depend on it
    #[arg(long, value_name = "N", env = "BESS_WORKERS", default_value_t = 1)]
    workers: usize,
    /// On a stop, go on serving this long after readiness is off
    #[arg(long, value_name = "DURATION", env = "BESS_DRAIN", default_value = "0", value_parser = crate::duration::parse_duration)]
    drain: f64,
    /// Stop by itself after this simulated time
    #[arg(long = "for", value_name = "DURATION", allow_hyphen_values = true, value_parser = crate::duration::parse_duration)]
    duration_s: Option<f64>,
    #[command(flatten, next_help_heading = "State that survives a restart")]
    state: StateArgs,
    #[command(flatten, next_help_heading = "Scenarios")]
    stage: StageArgs,
    #[command(flatten)]
    history: HistoryArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten, next_help_heading = "Access to REST")]
    access: AccessArgs,
}

/// Longest time that the edges get to finish once they may not accept any more.
const EDGES_DEADLINE: Duration = Duration::from_millis(1500);

/// Longest time that the audit file gets to be whole after the last tick.
const AUDIT_DEADLINE: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    check(args)?;
    let stats = Arc::<Stats>::default();
    let log = log::start(&args.log, &stats)?;
    raise_file_limit();
    let access = args.access.load(args.bind)?;
    let state = args.state.take()?;
    let now = SimTime { unix_ns: wall_unix_ns() };
    let start = state.as_ref().and_then(Taken::start).unwrap_or(now);
    let mut setup = args.farm.load_for(Some(start), args.stage.named_farm()?)?;
    let identity = Identity::of(&setup.spec, setup.farm.sha256());
    if let Some(state) = &state {
        state.check(&identity)?;
    }
    // Opened now, so that a bad path is told before a port is bound.
    let audit = args.audit.open()?;
    let record = args.record.as_deref().map(|path| match args.record_keep {
        None => RecordFolder::take(path),
        Some(keep) => RecordFolder::take_within(path, keep),
    });
    let record = record.transpose()?;
    let (modbus, modbus_texts) = modbus_config(args, &setup.whole)?;
    modbus.set_watchdogs(Arc::make_mut(&mut setup.spec));
    let plan = plan(args, &setup.spec, &modbus)?;
    let again = match &record {
        Some(folder) => Again::Replay(folder.path().display().to_string()),
        None => {
            let speed = ["--speed".to_owned(), args.speed.to_string()];
            let of_farm = args.farm.flags().into_iter();
            Again::Serve(of_farm.chain(speed).chain(args.stage.ems_flags()).collect())
        }
    };
    let stage = args.stage.open(&setup.spec, again)?;
    let history = args.history.plan(&setup.spec)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("bess-edge")
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let record = record.map(|folder| Record { folder, modbus: modbus_texts });
    let state = state.map(|taken| (taken, identity));
    let process = Process { stats, log, start, state, audit, record, stage, access, history };
    runtime.block_on(serve(args, setup, plan, process))
}

fn check(args: &ServeArgs) -> anyhow::Result<()> {
    workers(Some(args.workers))?;
    if !(SPEED_MIN..=SPEED_MAX).contains(&args.speed) {
        let speed = args.speed;
        let message = format!("--speed must be from {SPEED_MIN} to {SPEED_MAX}, got {speed}");
        return Err(BadInput(message).into());
    }
    if args.record.is_some() && args.state.is_kept() {
        let message = "--record and --state do not go together: a recording repeats a run from the farm file's start\nhint: leave out --state, or BESS_STATE, while you record";
        return Err(BadInput(message.to_owned()).into());
    }
    if let Some(seconds) = args.duration_s {
        crate::run::check_duration(seconds)?;
    }
    if let Some(path) = &args.endpoints {
        if path.is_dir() {
            let message = format!("cannot write {}: it is a folder", path.display());
            return Err(BadInput(message).into());
        }
        // Tried now, so that a bad path is told before a port is bound.
        if let Err(error) = tempfile::NamedTempFile::new_in(folder_of(path)) {
            let message = format!("cannot write {}: {error}", path.display());
            return Err(BadInput(message).into());
        }
    }
    Ok(())
}

/// A thousand clients need a thousand files; the soft limit is often lower than what is allowed.
pub(crate) fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(65_536) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// How the farm is reached by Modbus, as the files and the flags say.
fn modbus_config(
    args: &ServeArgs,
    spec: &FarmSpec,
) -> anyhow::Result<(ModbusConfig, Option<Texts>)> {
    let (farm, file) = (args.farm.farm.as_deref(), args.modbus.as_deref());
    let (mut config, texts) = crate::modbus::load_texts(farm, file, spec)?;
    if let Some(name) = &args.modbus_mode {
        let known = Mode::ALL.iter().find(|(known, _)| known == name);
        let (_, mode) = known.ok_or_else(|| {
            BadInput(format!("--modbus-mode must be gateway, ports or ip, got {name}"))
        })?;
        if let Some(first) = config.listeners.first_mut() {
            first.mode = *mode;
        }
    }
    Ok((config, texts))
}

/// Who answers where.
fn plan(args: &ServeArgs, spec: &FarmSpec, config: &ModbusConfig) -> Result<Plan, BadInput> {
    let place = Place {
        bind: args.bind,
        port: args.modbus_port,
        reserved: vec![args.api_port, args.metrics_port],
    };
    Plan::new(spec, config, &place).map_err(|misfit| BadInput(misfit.to_string()))
}

/// What a process has beside its farm.
struct Process {
    stats: Arc<Stats>,
    log: Logging,
    start: SimTime,
    /// Where the farm's state is kept, and which farm it is of.
    state: Option<(Taken, Identity)>,
    audit: Option<AuditFile>,
    record: Option<Record>,
    stage: Stage,
    access: AccessConfig,
    history: Option<HistoryPlan>,
}

/// A recording that is to be made.
struct Record {
    folder: RecordFolder,
    /// The file that says how the farm is reached.
    modbus: Option<Texts>,
}

async fn serve(
    args: &ServeArgs,
    setup: Setup,
    plan: Plan,
    Process { stats, log, start, state, audit, record, mut stage, access, history }: Process,
) -> anyhow::Result<()> {
    let ports = bind(args, plan).await?;
    // Before the endpoints are told: whoever reads them may send a signal at once.
    let signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    let watch = args.access.watch()?;
    // One of an earlier run would lead whoever waits for it to dead ports.
    forget_endpoints(args);
    let book = ports.book.clone();
    let spec = Arc::clone(&setup.spec);
    let farm_sha256 = setup.farm.sha256();
    let tracer = log.tracer();
    let history = history.map(History::start).transpose().context("cannot start the history")?;
    let (history, feed) = history.unzip();
    let watchers = Watchers { stats: Arc::clone(&stats), tracer: tracer.clone(), feed };
    let mut first_run = args.stage.first_run(&stage);
    let (faults, start_run) = (Arc::clone(&stage.book), stage.take_start());
    let restored = state.as_ref().and_then(|(taken, _)| taken.found.as_ref());
    let went_on_from = restored.map_or(Tick(0), crate::checkpoint::Restored::tick);
    let audit = audit.map(|file| match restored {
        Some(restored) => file.behind(restored.audit_total()),
        None => file,
    });
    let Farm { farm, recording, keeping } =
        start_farm(args, setup, start, state, record, stage, watchers)?;
    let mailbox = TracedMailbox::around(farm.mailbox(), tracer.as_ref());
    let attendant =
        args.stage.attendant(&faults, &book.devices, farm.mailbox(), farm.snapshots())?;
    let teller = tokio::spawn(service::keep_telling(Arc::clone(&stats), farm.snapshots()));
    let follower = tokio::spawn(log.follow(stats, farm.snapshots()));
    let audit = audit.map(|file| tokio::spawn(file.follow(farm.snapshots())));
    let ready = bess_api::Readiness::default();
    let closing = CancellationToken::new();
    args.access.tell(&access, args.bind);
    let config = bess_api::ApiConfig {
        access,
        log: Some(log.control()),
        units_in_metrics: args.metrics_units,
        ..bess_api::ApiConfig::default()
    };
    let posts = Arc::clone(&mailbox);
    let stage: Arc<dyn StageBook> = faults;
    let served = Served { mailbox, config, farm_sha256, history, stage, watch };
    let mut edges = start_edges(ports, &farm, served, &ready, &closing);
    let closed = closing.clone();
    ready.set(true);
    staged::start(start_run, &*posts).await?;
    // The built-in EMS finds what the scenario sets before it begins.
    edges.spawn(async move {
        attendant.attend(closed).await;
        "attendant of scenarios"
    });
    tracing::info!(modbus = %book.modbus, rest = %book.api, metrics = %book.metrics, "ready");
    if let Some(path) = &args.endpoints {
        write_endpoints(path, &book, args.access.scheme())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    greet(&spec, &book, &args.access);
    service::ready(&farm.snapshots().borrow());
    let last_tick = args
        .duration_s
        .map_or(Tick(u64::MAX), |seconds| Tick(went_on_from.0 + Tick::count_in(seconds)));
    let reason = wait_for_end(last_tick, &farm, signals, &mut edges, &mut first_run).await?;
    service::stopping(reason);
    tracing::info!(reason, "stopping");
    ready.set(false);
    let second_signal = tokio::spawn(exit_on_second_signal());
    if args.drain > 0.0 {
        tokio::time::sleep(Duration::from_secs_f64(args.drain)).await;
    }
    if reason != FARM_ENDED {
        staged::end_runs(&*posts, &farm.snapshots()).await;
    }
    let last = Arc::clone(&farm.snapshots().borrow());
    first_run.look(&last);
    closing.cancel();
    let finish = async { while edges.join_next().await.is_some() {} };
    if tokio::time::timeout(EDGES_DEADLINE, finish).await.is_err() {
        tracing::warn!("some clients did not finish in time; their connections are closed");
        edges.abort_all();
    }
    let stopped = tokio::task::spawn_blocking(move || farm.stop()).await?;
    let recorded = recording.map_or(Ok(()), RecordFile::finish);
    let kept = tokio::task::spawn_blocking(|| keeping.map_or(Ok(()), Keeping::finish)).await?;
    teller.abort();
    // It ends with the last snapshot.
    if let Some(audit) = audit
        && !matches!(tokio::time::timeout(AUDIT_DEADLINE, audit).await, Ok(Ok(())))
    {
        tracing::error!("the audit file may lack its last records");
    }
    // It ends with the last snapshot too, and the spans of the last tick were made by then.
    let _ = tokio::time::timeout(AUDIT_DEADLINE, follower).await;
    let log = tokio::task::spawn_blocking(move || {
        log.stop_traces();
        log
    });
    let _log = log.await?;
    second_signal.abort();
    if stopped.is_err() || reason == FARM_ENDED {
        anyhow::bail!("the tick loop ended by itself; the log above says why");
    }
    recorded?;
    kept?;
    tracing::info!("stopped");
    first_run.judge()
}

/// Who looks on while the loop works.
struct Watchers {
    stats: Arc<Stats>,
    tracer: Option<Arc<dyn Tracer>>,
    feed: Option<HistoryFeed>,
}

/// A farm that runs, and who writes of it.
struct Farm {
    farm: FarmHandle,
    recording: Option<RecordFile>,
    keeping: Option<Keeping>,
}

fn start_farm(
    args: &ServeArgs,
    setup: Setup,
    start: SimTime,
    state: Option<(Taken, Identity)>,
    record: Option<Record>,
    stage: Stage,
    watchers: Watchers,
) -> anyhow::Result<Farm> {
    let Setup { spec, farm, inputs, dispatch, .. } = setup;
    let Watchers { stats, tracer, feed } = watchers;
    let options = EngineOptions { start, workers: args.workers };
    let mut engine = Engine::new(Arc::clone(&spec), inputs.clone(), options);
    let mut shadow = stage
        .uses_shadow
        .then(|| Engine::new(spec, inputs.clone(), EngineOptions { workers: 1, ..options }));
    let recording = record.map(|Record { folder, modbus }| {
        let mut header = record::Header::of(&engine, start, farm, modbus, &inputs);
        header.shadow = shadow.is_some();
        folder.begin(&header, Some(Arc::clone(&stage.book)))
    });
    let (recording, recorder) = recording.transpose()?.unzip();
    let given = (args.speed, args.stepped);
    let (mut speed, mut paused) = given;
    let mut dispatch = dispatch;
    if let Some(restored) = state.as_ref().and_then(|(taken, _)| taken.found.as_ref()) {
        restored.load_into(&mut engine)?;
        restored.tell(&mut engine, &stats);
        // The farm without the faults goes on from where both stood.
        shadow.as_mut().map_or(Ok(()), |shadow| restored.load_into(shadow))?;
        (speed, paused) = restored.clock(given);
        dispatch = dispatch.map(|dispatch| dispatch.going_on_after(restored.tick()));
    }
    let begin =
        |(taken, identity): (Taken, Identity)| taken.begin(identity, given, Arc::clone(&stats));
    let (keeping, keeper) = state.map(begin).transpose()?.unzip();
    let sources: Vec<Box<dyn CommandSource>> =
        dispatch.into_iter().map(|d| Box::new(d) as Box<dyn CommandSource>).collect();
    let options = LoopOptions {
        speed,
        paused,
        sources,
        stats,
        tracer,
        director: Some(stage.director),
        shadow,
        recorder,
        keeper,
        observers: feed.into_iter().map(|feed| Box::new(feed) as Box<dyn Observer>).collect(),
        ..LoopOptions::default()
    };
    let farm = bess_simulation::spawn(engine, options).context("cannot start the tick loop")?;
    Ok(Farm { farm, recording, keeping })
}

/// What the edges get beside the farm.
struct Served {
    mailbox: Arc<dyn Mailbox>,
    config: bess_api::ApiConfig,
    farm_sha256: String,
    history: Option<Arc<History>>,
    stage: Arc<dyn StageBook>,
    watch: Option<Watch>,
}

fn start_edges(
    ports: Ports,
    farm: &FarmHandle,
    served: Served,
    ready: &bess_api::Readiness,
    closing: &CancellationToken,
) -> JoinSet<&'static str> {
    let Served { mailbox, config, farm_sha256, history, stage, watch } = served;
    let api = bess_api::Api::with_points(
        bess_api::FarmAccess {
            snapshots: farm.snapshots(),
            mailbox: Arc::clone(&mailbox),
            stats: farm.stats(),
        },
        ready.clone(),
        ports.book,
        config,
        build_info(farm_sha256),
        Some(ports.points),
    );
    api.set_stage(stage);
    if let Some(history) = history {
        api.set_history(history);
    }
    let modbus = bess_protocol::FarmAccess {
        snapshots: farm.snapshots(),
        mailbox: Arc::clone(&mailbox),
        stats: farm.stats(),
    };
    let mut edges = JoinSet::new();
    if let Some(watch) = watch {
        let (api, closed) = (Arc::clone(&api), closing.clone());
        edges.spawn(async move {
            watch.follow(api, closed).await;
            "watch over files"
        });
    }
    let (rest, metrics) = (Arc::clone(&api), api);
    let closed = closing.clone();
    edges.spawn(async move {
        rest.serve_rest(ports.api, closed).await;
        "REST"
    });
    let closed = closing.clone();
    edges.spawn(async move {
        metrics.serve_metrics(ports.metrics, closed).await;
        "metrics"
    });
    let closed = closing.clone();
    edges.spawn(async move {
        bess_protocol::serve_all(ports.modbus, modbus, closed).await;
        "Modbus"
    });
    edges
}

/// Which build this is, and of which farm file with the files that it names.
pub(crate) fn build_info(farm_sha256: String) -> bess_api::BuildInfo {
    bess_api::BuildInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("BESS_REVISION").unwrap_or("unknown").to_owned(),
        rustc: env!("BESS_RUSTC").to_owned(),
        target: env!("BESS_TARGET").to_owned(),
        farm_sha256,
    }
}
