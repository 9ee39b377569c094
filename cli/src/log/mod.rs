//! The log of `bess serve`, and its traces.
//!
//! - `filter`: which lines are written; levels can be changed while it runs
//! - `file`: the file, its rotation and retention
//! - `follow`, `throttle`: one line for each change of state of the farm, and not too many
//! - `mailbox`, `otlp`: traces from a request to the tick that applied it
//!
//! Lines are handed to threads that write them: nobody waits for a terminal, a pipe or a disk. What they
//! cannot take is dropped and counted.

pub(crate) mod file;
mod filter;
mod follow;
mod mailbox;
#[cfg(feature = "otlp")]
mod otlp;
mod throttle;

pub(crate) use mailbox::TracedMailbox;

use crate::BadInput;
use bess_core::logging::{FilterRefusal, LogControl, LogView};
use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use bess_core::trace::Tracer;
use file::{LogFile, Rotate};
use filter::Filter;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

/// How the log is written, and where traces go.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// Log levels, such as info or info,bess_protocol=debug
    #[arg(long, value_name = "FILTER", env = "BESS_LOG", default_value = "info")]
    log: String,
    /// Form of the log's lines
    #[arg(long, value_name = "FORM", env = "BESS_LOG_FORMAT", default_value = "human")]
    log_format: LogFormat,
    /// Append the log to this file too
    #[arg(long, value_name = "FILE", env = "BESS_LOG_FILE")]
    log_file: Option<PathBuf>,
    /// When to begin a new file: daily, hourly (UTC), never, or at a size such as 10MB
    #[arg(long, value_name = "WHEN", env = "BESS_LOG_ROTATE", default_value = "daily")]
    log_rotate: Rotate,
    /// How many old files to keep, as FILE.1 and on
    #[arg(long, value_name = "N", env = "BESS_LOG_KEEP", default_value_t = 7)]
    log_keep: usize,
    #[cfg(feature = "otlp")]
    #[command(flatten)]
    otlp: otlp::OtlpArgs,
}

/// Form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

impl LogFormat {
    const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}

/// Most old files that may be kept: each rotation renames them all.
pub(crate) const KEEP_MAX: usize = 1000;
/// Lines that wait for a writer.
const QUEUE: usize = 16_384;

/// The log while it runs. What waits is written when it is dropped.
#[derive(Debug)]
pub(crate) struct Logging {
    levels: Arc<Levels>,
    sinks: Sinks,
    #[cfg(feature = "otlp")]
    otlp: Option<Arc<otlp::Otlp>>,
    _guards: Vec<WorkerGuard>,
}

/// What may drop lines.
#[derive(Clone, Debug, Default)]
struct Sinks {
    queues: Vec<ErrorCounter>,
    lost: Vec<Arc<AtomicU64>>,
}

impl Sinks {
    /// Lines that were dropped so far.
    fn dropped(&self) -> u64 {
        let queued: usize = self.queues.iter().map(ErrorCounter::dropped_lines).sum();
        let lost: u64 = self.lost.iter().map(|lost| lost.load(Relaxed)).sum();
        queued as u64 + lost
    }
}

/// Starts the log of the process; its counts go to `stats`.
///
/// # Errors
/// What is wrong with the flags.
pub(crate) fn start(args: &LogArgs, stats: &Arc<Stats>) -> Result<Logging, BadInput> {
    let filter = filter::parse(&args.log)
        .map_err(|refusal| BadInput(format!("--log {:?}: {refusal}", args.log)))?;
    if args.log_keep > KEEP_MAX {
        let message = format!("--log-keep must be from 0 to {KEEP_MAX}, got {}", args.log_keep);
        return Err(BadInput(message));
    }
    let file = args.log_file.as_deref().map(|path| LogFile::open(path, args)).transpose()?;
    #[cfg(feature = "otlp")]
    let otlp = args.otlp.start()?;
    let mut sinks = Sinks::default();
    let mut guards = Vec::new();
    let mut queue = |name: &str, writer: Box<dyn Write + Send>| -> NonBlocking {
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE);
        let (queue, guard) = builder.thread_name(name).finish(writer);
        sinks.queues.push(queue.error_counter());
        guards.push(guard);
        queue
    };
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let stderr = lines(args.log_format, queue("log-stderr", Box::new(std::io::stderr())), colour);
    let lost = file.as_ref().map(LogFile::lost);
    let file = file.map(|file| lines(args.log_format, queue("log-file", Box::new(file)), false));
    sinks.lost.extend(lost);
    let (layer, handle) = reload::Layer::new(filter.targets.clone());
    tracing_subscriber::registry()
        .with(layer)
        .with(Counts(Arc::clone(stats)))
        .with(stderr)
        .with(file)
        .init();
    tell_panics(Arc::clone(stats));
    let levels = Levels {
        handle,
        format: args.log_format.name(),
        file: args.log_file.as_ref().map(|path| path.display().to_string()),
        at_start: filter.clone(),
        now: Mutex::new(filter),
    };
    Ok(Logging {
        levels: Arc::new(levels),
        sinks,
        #[cfg(feature = "otlp")]
        otlp,
        _guards: guards,
    })
}

/// A layer that writes lines of one form.
fn lines<S>(format: LogFormat, queue: NonBlocking, colour: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        // A log that nobody reads any more must not end the farm.
        .log_internal_errors(false)
        .with_writer(queue);
    match format {
        LogFormat::Human => Box::new(layer),
        LogFormat::Json => Box::new(layer.json().flatten_event(true).with_span_list(false)),
    }
}

impl Logging {
    /// The levels, as REST changes them.
    pub(crate) fn control(&self) -> Arc<dyn LogControl> {
        Arc::clone(&self.levels) as Arc<dyn LogControl>
    }

    /// Who collects spans, if somebody does.
    pub(crate) fn tracer(&self) -> Option<Arc<dyn Tracer>> {
        #[cfg(feature = "otlp")]
        let tracer = self.otlp.clone().map(|otlp| otlp as Arc<dyn Tracer>);
        #[cfg(not(feature = "otlp"))]
        let tracer = None;
        tracer
    }

    /// Writes a line for each change of state until there are no more snapshots.
    pub(crate) fn follow(
        &self,
        stats: Arc<Stats>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> impl Future<Output = ()> + use<> {
        follow::Follower::new(stats, self.sinks.clone()).follow(snapshots)
    }

    /// Sends the spans that are left. Blocks for a moment.
    pub(crate) fn stop_traces(&self) {
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            otlp.stop();
        }
    }
}

/// The levels in force.
#[derive(Debug)]
struct Levels {
    handle: reload::Handle<Targets, Registry>,
    format: &'static str,
    file: Option<String>,
    at_start: Filter,
    now: Mutex<Filter>,
}

impl LogControl for Levels {
    fn view(&self) -> LogView {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        LogView {
            filter: now.text.clone(),
            filter_at_start: self.at_start.text.clone(),
            format: self.format,
            file: self.file.clone(),
            modules: filter::MODULES.to_vec(),
        }
    }

    fn set(&self, text: Option<&str>) -> Result<(), FilterRefusal> {
        let filter = text.map_or_else(|| Ok(self.at_start.clone()), filter::parse)?;
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        // It fails only when the subscriber is gone, with the process.
        let _ = self.handle.reload(filter.targets.clone());
        *now = filter;
        Ok(())
    }
}

/// Counts the events that are let through.
#[derive(Debug)]
struct Counts(Arc<Stats>);

impl<S: Subscriber> Layer<S> for Counts {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let position = match *event.metadata().level() {
            Level::ERROR => 0,
            Level::WARN => 1,
            Level::INFO => 2,
            Level::DEBUG => 3,
            Level::TRACE => 4,
        };
        self.0.log.events[position].fetch_add(1, Relaxed);
    }
}

/// Has a panic leave a line like any other. What it ends is the matter of whoever runs its thread or task.
fn tell_panics(stats: Arc<Stats>) {
    std::panic::set_hook(Box::new(move |info| {
        stats.log.panics.fetch_add(1, Relaxed);
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        let location = info.location().map(ToString::to_string);
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let reason = text.unwrap_or("no text");
        let backtrace = std::backtrace::Backtrace::capture();
        let is_there = backtrace.status() == std::backtrace::BacktraceStatus::Captured;
        let backtrace = is_there.then(|| backtrace.to_string());
        tracing::error!(target: "bess::panic", thread, location, reason, backtrace, "thread panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use serde_json::Value;

    #[derive(Parser)]
    struct Args {
        #[command(flatten)]
        log: LogArgs,
    }

    /// In the environment of the process that is to panic.
    const CHILD: &str = "BESS_TEST_PANICS";

    #[test]
    fn a_panic_leaves_a_line_with_thread_and_place_and_the_process_goes_on() {
        if std::env::var_os(CHILD).is_some() {
            let stats = Arc::<Stats>::default();
            let args = Args::parse_from(["bess", "--log-format", "json", "--log", "info"]);
            let _log = start(&args.log, &stats).unwrap();
            let thread = std::thread::Builder::new().name("victim".to_owned());
            let ended = thread.spawn(|| panic!("on \"purpose\"")).unwrap().join();
            assert!(ended.is_err() && stats.log.panics.load(Relaxed) == 1);
            assert_eq!(stats.log.events[0].load(Relaxed), 1);
            tracing::info!("alive");
            return;
        }
        // A hook is the process's: the other tests keep theirs.
        let name =
            "log::tests::a_panic_leaves_a_line_with_thread_and_place_and_the_process_goes_on";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8(child.stderr).unwrap();
        assert!(child.status.success(), "{said}");
        let lines: Vec<Value> = said.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        let [panic, alive] = &lines[..] else { panic!("two lines:\n{said}") };
        let text = |key: &str| panic[key].as_str().unwrap_or_default();
        assert_eq!((text("level"), text("target")), ("ERROR", "bess::panic"));
        assert_eq!((text("thread"), text("reason")), ("victim", "on \"purpose\""));
        assert!(text("location").contains("mod.rs:"), "{panic}");
        assert_eq!(alive["message"], "alive");
    }
}
