//! The process, its runtime and its cgroup, what was built, and the exporter itself.

use super::{
    BYTES, Count, Info, Labels, NONE, Number, Numbers, Real, Row, SECONDS, Sight, by, counter,
    gauge, load, row,
};
use crate::metrics::process::Runtime;
use crate::metrics::rows::Kind;
use crate::metrics::{ENDPOINTS, EndpointNumbers};
use bess_core::stats::LogStats;

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    row(Kind::Info, "bess_build_info", NONE, "What was built", Info(build)).by(&["version", "revision", "rustc", "target"]),
    row(Kind::Info, "bess_config_hash_info", NONE, "Hash of the farm file and the files that it names, as they were read at the start", Info(config)).by(&["sha256"]),
    row(Kind::Info, "bess_shard_info", NONE, "Which part of the farm the process has: number of the shard from 0, number in the farm of its first unit, and how many units it has", Info(shard)).by(&["shard", "first_unit", "units"]),
    gauge("bess_shards_expected", NONE, "Shards that the whole farm has; 1 where one process runs it", Count(|s| s.snapshot().spec.shard.as_ref().map_or(1, |shard| shard.n_shards as u64))),

    // The exporter.
    gauge("bess_scrape_encode_seconds", SECONDS, "Time that it took to encode the metrics of the scrape before this one", Numbers(|s| endpoints(s, |endpoint| endpoint.encode_s))).by(&["endpoint"]),
    gauge("bess_scrape_bytes", BYTES, "Size of the text of the scrape before this one", Numbers(|s| endpoints(s, |endpoint| endpoint.bytes))).by(&["endpoint"]),
    gauge("bess_metrics_units_exported", NONE, "Units with series of their own in this answer", Count(|s| s.scrape.units_exported as u64)),
    gauge("bess_metrics_units_truncated", NONE, "Units without series of their own in this answer because there are more than are exported", Count(|s| s.scrape.units_truncated as u64)),

    // The log.
    counter("bess_log_events_total", NONE, "Events that the log's levels let through, by level", Numbers(log_events)).by(&["level"]),
    counter("bess_log_lines_dropped_total", NONE, "Lines of the log that were dropped because a writer could not keep up or its disk was full", Count(|s| load(&s.stats().log.dropped))),
    counter("bess_panics_total", NONE, "Panics of any thread; each is in the log, and ended its own task alone", Count(|s| load(&s.stats().log.panics))),

    // The process, under the names that dashboards everywhere know.
    counter("process_cpu_seconds_total", SECONDS, "User and system CPU time", Real(|s| s.process.cpu_s)),
    gauge("process_resident_memory_bytes", BYTES, "Memory in RAM", Real(|s| s.process.resident_memory_bytes)),
    gauge("process_open_fds", NONE, "Open file descriptors", Real(|s| s.process.open_fds)),
    gauge("process_max_fds", NONE, "Largest number of open file descriptors", Real(|s| s.process.max_fds)),
    gauge("process_threads", NONE, "Threads", Real(|s| s.process.threads)),
    gauge("process_start_time_seconds", SECONDS, "Start of the process in Unix seconds", Real(|s| s.process.start_time_unix_s)),

    // What the kernel gives it.
    gauge("bess_memory_limit_bytes", BYTES, "Memory that the process may use: the limit of its cgroup, or what the machine has", Real(|s| s.cgroup.memory_limit_bytes)),
    counter("bess_cgroup_cpu_periods_total", NONE, "Periods of the cgroup in which it wanted to run; absent where no limit of CPU time is set", Real(|s| s.cgroup.cpu_periods)),
    counter("bess_cgroup_cpu_throttled_periods_total", NONE, "Periods in which the cgroup was held back because its CPU time was used up; absent likewise", Real(|s| s.cgroup.cpu_throttled_periods)),
    counter("bess_cgroup_cpu_throttled_seconds_total", SECONDS, "Time for which the cgroup was held back; absent likewise", Real(|s| s.cgroup.cpu_throttled_s)),

    // The runtime that serves the edges; the tick loop has a thread of its own.
    gauge("tokio_workers", NONE, "Worker threads of the runtime", Real(|s| runtime(s, |r| r.workers))),
    gauge("tokio_alive_tasks", NONE, "Tasks that are alive", Real(|s| runtime(s, |r| r.alive_tasks))),
    gauge("tokio_global_queue_depth", NONE, "Tasks that wait in the queue that all workers share", Real(|s| runtime(s, |r| r.global_queue_depth))),
    counter("tokio_worker_busy_seconds_total", SECONDS, "Time for which workers were busy, all together", Real(|s| runtime(s, |r| r.worker_busy_s))),
    counter("tokio_worker_parks_total", NONE, "Times that a worker had nothing to do and slept, all together", Real(|s| runtime(s, |r| r.worker_parks))),
];

fn log_events(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    by("level", LogStats::LEVELS, &sight.stats().log.events)
}

fn shard(sight: &Sight<'_>) -> Labels {
    let spec = &sight.snapshot().spec;
    let index = spec.shard.as_ref().map_or(0, |shard| shard.index);
    vec![
        ("shard", index.to_string().into()),
        ("first_unit", spec.unit_numbers().first.to_string().into()),
        ("units", spec.units.len().to_string().into()),
    ]
}

fn build(sight: &Sight<'_>) -> Labels {
    let build = sight.scrape.build;
    vec![
        ("version", build.version.clone().into()),
        ("revision", build.revision.clone().into()),
        ("rustc", build.rustc.clone().into()),
        ("target", build.target.clone().into()),
    ]
}

fn config(sight: &Sight<'_>) -> Labels {
    let sha256 = &sight.scrape.build.farm_sha256;
    if sha256.is_empty() { Labels::new() } else { vec![("sha256", sha256.clone().into())] }
}

fn endpoints(sight: &Sight<'_>, of: fn(&EndpointNumbers) -> f64) -> Vec<(Labels, Number)> {
    let endpoints = ENDPOINTS.into_iter().zip(&sight.scrape.endpoints);
    endpoints
        .map(|(path, numbers)| (vec![("endpoint", path.into())], Number::Real(of(numbers))))
        .collect()
}

/// NaN where there is no runtime.
fn runtime(sight: &Sight<'_>, of: fn(&Runtime) -> f64) -> f64 {
    sight.scrape.runtime.as_ref().map_or(f64::NAN, of)
}
