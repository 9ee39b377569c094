"""The REST API: rate, errors, duration by route; streams, refusals, history."""

import grafana as g
import words as w

# What the objective of reads is about, as in dashboards/alerts/source/recording.py.
READ = 'method="GET",route!~".*/stream"'


def build():
    numbers = [
        g.stat("Requests", "Per second, over all routes.",
               [("", "sum(rate(bess_http_requests_total[$__rate_interval]))")], "reqps", decimals=1, spark=True,
               background=False, thresholds=g.steps(w.BLUE)),
        g.stat("Server errors",
               "Share of the requests that were answered with 5xx. Red above 0.1 %, the budget of the objective.",
               [("", '(sum(rate(bess_http_requests_total{code=~"5.."}[$__rate_interval])) or vector(0)) / '
                 "(sum(rate(bess_http_requests_total[$__rate_interval])) > 0)")], "percentunit", decimals=2,
               thresholds=g.steps(w.GREEN, (0.001, w.RED)), alerts=["BessApiErrorBurn1h"], none="no requests"),
        g.stat("Slower than 100 ms", "Share of the reads: GET without event streams, as the objective counts. Red above 1 %, its budget.",
               [("", f'1 - sum(rate(bess_http_request_duration_seconds_bucket{{le="0.1",{READ}}}[$__rate_interval])) / '
                 f"(sum(rate(bess_http_request_duration_seconds_count{{{READ}}}[$__rate_interval])) > 0)")], "percentunit",
               decimals=2, thresholds=g.steps(w.GREEN,
                                              (0.01, w.RED)), alerts=["BessApiLatencyBurn1h"], none="no reads"),
        g.stat("In flight", "Requests being answered now.", [("", "sum(bess_http_requests_in_flight)")], "short",
               decimals=0, thresholds=g.steps(w.GREEN, (50, w.YELLOW), (200, w.RED))),
        g.stat("Streams", "Open event streams over their cap.",
               [("", "sum(bess_http_streams) / sum(bess_http_streams_limit)")], "percentunit", low=0, high=1,
               decimals=1, thresholds=g.steps(w.GREEN, (0.7, w.YELLOW), (0.9, w.RED)), alerts=["BessStreamsNearLimit"]),
        g.stat("History", "Memory of the history over its budget.",
               [("", "sum(bess_history_bytes) / sum(bess_history_bytes_limit)")], "percentunit", low=0, high=1,
               decimals=1, thresholds=g.steps(w.GREEN, (0.9, w.YELLOW), (1, w.RED))),
    ]
    requests = g.lines("Requests by route", "Per second, by method and template of the route.",
                       [("{{method}} {{route}}",
                         "topk(12, sum by (method, route) (rate(bess_http_requests_total[$__rate_interval])) > 0)")],
                       "reqps", low=0, table=True, calcs=("mean", "max"))
    codes = g.lines(
        "Answers by status", "Per second.",
        [("{{code}}", "sum by (code) (rate(bess_http_requests_total[$__rate_interval])) > 0")], "reqps", low=0,
        stack=True, fill=60, alerts=["BessApiErrorBurn1h"], overrides=[
            g.override("/^2/", color=g.fixed(w.GREEN)),
            g.override("/^3/", color=g.fixed(w.BLUE)),
            g.override("/^4/", color=g.fixed(w.ORANGE)),
            g.override("/^5/", color=g.fixed(w.RED))
        ])
    latency = g.lines("Time to answer by route",
                      "99 % of the requests of a route are answered within this time. Dashed: the objective.",
                      [("{{method}} {{route}}",
                        f'topk(12, {g.quantile(0.99, "bess_http_request_duration_seconds", "method, route")} >= 0)')],
                      "s", low=0, limits_shown=True, thresholds=g.steps("transparent", (0.1, w.RED)), table=True,
                      calcs=("mean", "max"), alerts=["BessApiLatencyBurn1h"])
    spread = g.heatmap("Times to answer", "How many requests took how long, over all routes.",
                       "sum by (le) (increase(bess_http_request_duration_seconds_bucket[$__rate_interval]))", "s")
    size = g.lines("Size of answers", "99 % of the answers of a route are not larger than this.",
                   [("{{route}}", f'topk(12, {g.quantile(0.99, "bess_http_response_size_bytes", "route")} >= 0)')],
                   "bytes", low=0)
    refused = g.lines("Turned away", "Requests refused before they reached a route's work, in each step, by reason.",
                      [("{{reason}}", "sum by (reason) (increase(bess_http_rejected_total[$__rate_interval]))"),
                       ("inbox full", "sum(increase(bess_commands_busy_total[$__rate_interval]))"),
                       ("idempotent replays", "sum(increase(bess_http_idempotent_replays_total[$__rate_interval]))")],
                      "short", low=0, decimals=0, interval="1m", alerts=["BessApiAccessRefused", "BessApiRateLimited"])
    streams = g.lines(
        "Stream events", "Sent per second by kind, and what was left out for slow readers.",
        [("{{kind}}", "sum by (kind) (rate(bess_http_stream_events_total[$__rate_interval]))"),
         ("thinned {{kind}}", "sum by (kind) (rate(bess_http_stream_skipped_total[$__rate_interval]))"),
         ("dropped clients", "sum(rate(bess_http_streams_dropped_total[$__rate_interval]))")], "cps", low=0,
        overrides=g.colours({"dropped clients": w.RED}), alerts=["BessStreamsDropped"])
    history = g.lines(
        "History", "Points kept, on the left, and their memory with its budget, on the right.",
        [("points", "sum(bess_history_points)"), ("memory", "sum(bess_history_bytes)"),
         ("budget", "sum(bess_history_bytes_limit)")], "short", low=0, overrides=[
             g.override("/memory|budget/", unit="bytes", custom__axisPlacement="right"),
             g.dashed("budget", w.RED)
         ])
    return w.make("bess-api", "REST API",
                  "Rate, errors and duration of the API by route; streams, refusals and history.",
                  [(4, numbers), (9, [requests, latency]), (8, [codes, spread, size]),
                   (8, [refused, streams, history])], tags=["protocols"])
