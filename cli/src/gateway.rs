//! `bess gateway`: one REST API for a farm that runs in shards. It has no farm of its own and no state.

use crate::BadInput;
use crate::log::{self, LogArgs};
use crate::serve::{bind_http, build_info, exit_on_second_signal, raise_file_limit, write_aside};
use crate::setup::load_farm_texts;
use anyhow::Context;
use bess_api::gateway::{Gateway, GatewayConfig, ShardUrl};
use bess_core::stats::Stats;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Serve one REST API for a farm that runs in shards
///
/// It passes requests about a unit to the shard that has it, and puts together what is of the whole farm:
/// totals, lists, setpoints shared by what shards have available. Tokens are shown to the shards, which say
/// who may do what. Any number of gateways may run beside each other.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess gateway --farm my.toml --units-per-shard 100 --shard-url 'http://bess-{shard}.bess-headless:8000'
  bess gateway --units-per-shard 4 --shard-url 'http://127.0.0.1:810{shard}' --api-port 8000")]
pub(crate) struct GatewayArgs {
    /// Farm file, the same as that of the shards; the built-in farm of 10 containers when absent
    #[arg(long, value_name = "FILE", env = "BESS_FARM")]
    farm: Option<PathBuf>,
    /// Units of a shard, as the shards were told
    #[arg(long, value_name = "K", env = "BESS_UNITS_PER_SHARD")]
    units_per_shard: usize,
    /// Where shards answer REST: an URL with {shard} where their number stands, or one for each, with commas
    /// between them
    #[arg(long, value_name = "URL", env = "BESS_SHARD_URL")]
    shard_url: String,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", env = "BESS_BIND", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Port of the REST API; 0 for any free port
    #[arg(long, value_name = "PORT", env = "BESS_API_PORT", default_value_t = 8000)]
    api_port: u16,
    /// Port of the gateway's own metrics; 0 for any free port
    #[arg(long, value_name = "PORT", env = "BESS_METRICS_PORT", default_value_t = 9090)]
    metrics_port: u16,
    /// How long a shard may take to answer; steps of the clock may take ten minutes
    #[arg(long, value_name = "DURATION", env = "BESS_SHARD_TIMEOUT", default_value = "12s", value_parser = crate::duration::parse_duration)]
    shard_timeout: f64,
    /// Write every bound address to this file as JSON, once clients may come
    #[arg(long, value_name = "FILE", env = "BESS_ENDPOINTS")]
    endpoints: Option<PathBuf>,
    /// On a stop, be not ready and go on serving this long
    #[arg(long, value_name = "DURATION", env = "BESS_DRAIN", default_value = "0", value_parser = crate::duration::parse_duration)]
    drain: f64,
    #[command(flatten)]
    log: LogArgs,
}

/// Longest and shortest time that a shard may be given, in s.
const TIMEOUT_S: (f64, f64) = (0.1, 600.0);
/// Longest time that the servers get to finish.
const DEADLINE: Duration = Duration::from_millis(1500);

pub(crate) fn run(args: &GatewayArgs) -> anyhow::Result<()> {
    let config = config(args)?;
    let stats = Arc::<Stats>::default();
    let log = log::start(&args.log, &stats)?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("bess-gateway")
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(serve(args, config));
    drop(log);
    served
}

fn config(args: &GatewayArgs) -> anyhow::Result<GatewayConfig> {
    let url: ShardUrl =
        args.shard_url.parse().map_err(|bad| BadInput(format!("--shard-url: {bad}")))?;
    if args.units_per_shard == 0 {
        let message = "--units-per-shard must be at least 1, got 0";
        return Err(BadInput(message.to_owned()).into());
    }
    if !(TIMEOUT_S.0..=TIMEOUT_S.1).contains(&args.shard_timeout) {
        let (least, most) = TIMEOUT_S;
        let message = format!(
            "--shard-timeout must be from {least} to {most} s, got {} s",
            args.shard_timeout
        );
        return Err(BadInput(message).into());
    }
    let (spec, texts) = load_farm_texts(args.farm.as_deref(), None)?;
    let n_shards = spec.n_shards(args.units_per_shard);
    if !url.fits(n_shards) {
        let message = format!(
            "--shard-url {} does not name each of the {n_shards} shards of this farm\nhint: write {{shard}} where the number of the shard stands, or {n_shards} URLs with commas between them",
            args.shard_url
        );
        return Err(BadInput(message).into());
    }
    // What no shard would run has no gateway either.
    spec.in_shard(0, args.units_per_shard)
        .map_err(|no| BadInput(format!("--units-per-shard {}: {no}", args.units_per_shard)))?;
    Ok(GatewayConfig {
        spec: Arc::new(spec),
        units_per_shard: args.units_per_shard,
        url,
        timeout: Duration::from_secs_f64(args.shard_timeout),
        build: build_info(texts.sha256()),
    })
}

async fn serve(args: &GatewayArgs, config: GatewayConfig) -> anyhow::Result<()> {
    let bound = bind_http(args.bind, args.api_port, args.metrics_port).await;
    let [api, metrics] = bound.map_err(|taken| BadInput(taken.join("\nerror: ")))?;
    let mut signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    let (api_at, metrics_at) = (api.local_addr()?, metrics.local_addr()?);
    let n_shards = config.spec.n_shards(config.units_per_shard);
    let ready = bess_api::Readiness::default();
    let gateway = Gateway::new(config, ready.clone());
    let closing = CancellationToken::new();
    let mut edges = JoinSet::new();
    edges.spawn(Arc::clone(&gateway).serve_rest(api, closing.clone()));
    edges.spawn(gateway.serve_metrics(metrics, closing.clone()));
    ready.set(true);
    tracing::info!(rest = %api_at, metrics = %metrics_at, shards = n_shards, "ready");
    if let Some(path) = &args.endpoints {
        let one = |at: SocketAddr, path: &str| {
            let (host, port) = (at.ip().to_string(), at.port());
            serde_json::json!({ "host": host, "port": port, "url": format!("http://{at}{path}") })
        };
        let endpoints = serde_json::json!({
            "pid": std::process::id(),
            "api": one(api_at, "/api/v1"),
            "metrics": one(metrics_at, "/metrics"),
        });
        write_aside(path, &endpoints)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let [interrupt, terminate] = &mut signals;
    let reason = tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "terminated",
        _ = edges.join_next() => anyhow::bail!("a server ended by itself"),
    };
    tracing::info!(reason, "stopping");
    ready.set(false);
    let second_signal = tokio::spawn(exit_on_second_signal());
    if args.drain > 0.0 {
        tokio::time::sleep(Duration::from_secs_f64(args.drain)).await;
    }
    closing.cancel();
    let finish = async { while edges.join_next().await.is_some() {} };
    if tokio::time::timeout(DEADLINE, finish).await.is_err() {
        tracing::warn!("some clients did not finish in time; their connections are closed");
        edges.abort_all();
    }
    second_signal.abort();
    Ok(())
}
