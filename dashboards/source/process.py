"""The process and its scrapes: CPU, memory, descriptors, runtime; size and time of what Prometheus reads."""

import grafana as g
import words as w


def build():
    built = g.table(
        "Processes",
        "What runs where, on which farm file. Several revisions at once are a rollout, or one that was left half done.",
        [("up", "max by (instance, version, revision, rustc, target) (bess_build_info)",
          {"mappings": g.values({1: ("yes", w.GREEN)}), "unit": "none"}),
         ("configured", "max by (instance, sha256) (bess_config_hash_info)", {})],
        keys=["instance", "version", "revision", "rustc", "target", "sha256"], hide=["Value #B"], width=14,
        overrides=[g.override("sha256", displayName="farm file's SHA-256")])
    numbers = [
        g.stat("Targets up", "Scraped with success over all that Prometheus knows.", [("", "sum(up) / count(up)")],
               "percentunit", low=0, high=1, decimals=0, thresholds=g.steps(w.RED, (0.999, w.GREEN)),
               alerts=["BessTargetDown", "BessAbsent"]),
        g.stat("Running for", "Since the youngest process began.", [("", "min(time() - process_start_time_seconds)")],
               "dtdurations", decimals=0, thresholds=g.steps(w.YELLOW, (600, w.GREEN)), alerts=["BessCrashLoop"]),
        w.time_scale(),
    ]
    cpu = g.lines(
        "CPU",
        "Cores used, and how often the container's quota throttled the process: a throttled tick is a late tick.",
        [("cores {{instance}}", "rate(process_cpu_seconds_total[$__rate_interval])"),
         ("throttled periods {{instance}}", "rate(bess_cgroup_cpu_throttled_periods_total[$__rate_interval]) / "
          "(rate(bess_cgroup_cpu_periods_total[$__rate_interval]) > 0)")], "short", low=0, decimals=2,
        overrides=[g.override("/^throttled/", unit="percentunit", custom__axisPlacement="right",
                              max=1)], alerts=["BessCpuThrottled"])
    memory = g.lines("Memory", "In RAM; dashed: what the container or the machine has.",
                     [("resident {{instance}}", "process_resident_memory_bytes"),
                      ("limit {{instance}}", "bess_memory_limit_bytes")], "bytes", low=0,
                     overrides=[g.dashed("/^limit/", w.RED)], alerts=["BessMemoryNearLimit"])
    files = g.lines("Descriptors and threads",
                    "Open file descriptors as a share of those allowed, on the left; threads, on the right.",
                    [("descriptors {{instance}}", "process_open_fds / process_max_fds"),
                     ("threads {{instance}}", "process_threads")], "percentunit", low=0,
                    overrides=[g.override("/^threads/", unit="short",
                                          custom__axisPlacement="right")], alerts=["BessFileDescriptorsNearLimit"])
    tokio = g.lines(
        "Runtime",
        "Share of their time in which the workers of the asynchronous runtime are busy, on the left; tasks alive and waiting, on the right.",
        [("busy {{instance}}", "rate(tokio_worker_busy_seconds_total[$__rate_interval]) / tokio_workers"),
         ("tasks {{instance}}", "tokio_alive_tasks"), ("waiting {{instance}}", "tokio_global_queue_depth")],
        "percentunit", low=0, overrides=[g.override("/^(tasks|waiting)/", unit="short",
                                                    custom__axisPlacement="right")], alerts=["BessRuntimeBusy"])
    scrape = g.lines("Time of a scrape", "As Prometheus sees it, and the part in which bess encodes.",
                     [("scrape {{instance}}", "scrape_duration_seconds"),
                      ("encoding {{endpoint}} {{instance}}", "bess_scrape_encode_seconds")], "s", low=0,
                     alerts=["BessScrapeSlow"])
    size = g.lines("Size of a scrape", "Samples, on the left; bytes of the text, on the right.",
                   [("samples {{instance}}", "scrape_samples_scraped"),
                    ("bytes {{endpoint}} {{instance}}", "bess_scrape_bytes")], "short", low=0,
                   overrides=[g.override("/^bytes/", unit="bytes", custom__axisPlacement="right")])
    units = g.lines(
        "Series of units",
        "Units with series of their own, and those that were left out because the farm has more than are exported.",
        [("exported {{instance}}", "bess_metrics_units_exported"),
         ("left out {{instance}}", "bess_metrics_units_truncated")], "short", low=0, decimals=0,
        overrides=[g.override("/^left out/", color=g.fixed(w.ORANGE))], alerts=["BessUnitSeriesTruncated"])
    logs = g.lines(
        "Log lines and panics", "In each step of the time axis, by level.",
        [("{{level}}", 'sum by (level) (increase(bess_log_events_total{level=~"error|warn|info"}[$__rate_interval]))'),
         ("panics", "sum(increase(bess_panics_total[$__rate_interval]))")], "short", low=0, decimals=0, interval="1m",
        bars=True, stack=True,
        overrides=g.colours({"error": w.RED, "warn": w.YELLOW, "info": w.BLUE,
                             "panics": w.DARK_RED}), alerts=["BessErrorsLogged", "BessPanicked"])
    checkpoints = g.lines(
        "Checkpoints",
        "How old the newest one of each process that keeps its state is: what a crash would lose. On the right: how long the "
        "loop stood still for it.",
        [("age {{instance}}", "time() - bess_checkpoint_last_timestamp_seconds"),
         ("stood {{instance}}", "bess_checkpoint_stall_seconds")], "s", low=0,
        overrides=[g.override("/^stood/", custom__axisPlacement="right")], alerts=["BessCheckpointFailing"])
    shards = g.lines(
        "Shards",
        "Parts of a farm that are scraped, and how many its file makes. Farm files in use: more than one is a rollout.",
        [("there {{job}}", "count by (job, namespace) (count by (job, namespace, shard) (bess_shard_info))"),
         ("expected {{job}}", "max by (job, namespace) (bess_shards_expected)"),
         ("farm files {{job}}", "count by (job, namespace) (count by (job, namespace, sha256) (bess_config_hash_info))")],
        "short", low=0, decimals=0, alerts=["BessShardMissing", "BessConfigDrift"])
    return w.make("bess-process", "Process and scrape", "What the process uses, and what it costs to watch it.",
                  [(6, [built, *numbers]), (8, [cpu, memory, files, tokio]),
                   (8, [scrape, size, units, logs]), (8, [checkpoints, shards])], tags=["engine"])
