"""The REST API: what its users were promised, who is refused, streams, history."""

from . import MINUTE, T, Alert, Case
from .recording import BURNS

OK, BAD = ('bess_http_requests_total{method="GET",route="/api/v1/units",code="%s"}' % code for code in (200, 500))
FAST = 'bess_http_request_duration_seconds_bucket{method="GET",route="/api/v1/units",le="0.1"}'
ALL = 'bess_http_request_duration_seconds_count{method="GET",route="/api/v1/units"}'
REFUSED = 'bess_http_rejected_total{reason="%s"}'
# Of a job as a whole there is no instance.
JOB = {"instance": None, "pod": None}

# Just below and just above each pair's threshold, in errors of a thousand; the sample and the long window.
TESTED_ERRORS = ((14, 15, 60, 3600), (5.9, 6.1, 300, 21600), (2.9, 3.1, 1200, 86400), (0.9, 1.1, 3600, 259200))


def burns(name, metric, budget, slo, what, tested, case):
    """The four pairs of windows over one error budget. Where hardly anybody asks, nothing is said."""
    alerts = []
    for (long, short, times, for_s, severity), (quiet, loud, interval_s, seconds) in zip(BURNS, tested):
        alerts.append(Alert(
            f"{name}{long}", severity, "wall", for_s,
            f"job:{metric}:ratio_rate{long} > {times} * {budget} and job:{metric}:ratio_rate{short} > {times} * {budget} "
            f"and job:bess_http_requests:rate{short} > 0.1",
            f"The API of job {{{{ $labels.job }}}} {what[0]} {times} times as fast as its budget allows.",
            "{{ $value | humanizePercentage }} of the requests of the last " + f"{long} {what[1]}",
            "bess-slo", case(quiet, loud, seconds, interval_s),
            labels={"slo": slo, "long_window": long, "short_window": short}, runbook=name))
    return alerts


def failing(quiet, loud, seconds, interval_s):
    return Case({OK: f"+{1000 - quiet:g}", BAD: f"+{quiet:g}"}, {OK: f"+{1000 - loud:g}", BAD: f"+{loud:g}"},
                shows=f"{loud / 10:g}%", labels=JOB, window_s=seconds, interval_s=interval_s)


def slow(quiet, loud, seconds, interval_s):
    return Case({FAST: f"+{1000 - 10 * quiet:g}"}, {FAST: f"+{1000 - 10 * loud:g}"}, {ALL: "0+1000", OK: "0+1000"},
                f"{loud:g}%", JOB, seconds, interval_s)


ALERTS = [
    *burns("BessApiErrorBurn", "bess_http_requests_failed", 0.001, "api-errors-99.9",
           ("fails", "failed by an error of the server; 0.1% may."), TESTED_ERRORS, failing),
    *burns("BessApiLatencyBurn", "bess_http_reads_slow", 0.01, "api-reads-100ms-99",
           ("is slow", "that read took longer than 100 ms; 1% may."), TESTED_ERRORS, slow),
    Alert("BessApiAccessRefused", "warning", "wall", MINUTE,
          f'sum by ({T}) (rate(bess_http_rejected_total{{reason=~"unauthenticated|forbidden"}}[5m])) > 0.5',
          "Somebody asks {{ $labels.instance }} without the right to.",
          '{{ $value | printf "%.1f" }} requests a second have no valid token, or one whose role does not do.',
          "bess-api", Case({REFUSED % "unauthenticated": "+15", REFUSED % "rate_limited": "+300"},
                           {REFUSED % "unauthenticated": "+18", REFUSED % "rate_limited": "+300"}, shows="0.6", window_s=300, interval_s=30)),
    Alert("BessApiRateLimited", "info", "wall", 2 * MINUTE,
          f'sum by ({T}) (rate(bess_http_rejected_total{{reason="rate_limited"}}[5m])) > 0.5',
          "A client asks {{ $labels.instance }} more often than it may.",
          '{{ $value | printf "%.1f" }} requests a second are refused for that.',
          "bess-api", Case({REFUSED % "rate_limited": "+15"}, {REFUSED % "rate_limited": "+18"}, shows="0.6", window_s=300, interval_s=30)),
    Alert("BessStreamsNearLimit", "warning", "wall", 30,
          f"bess_http_streams / on ({T}) bess_http_streams_limit > 0.9",
          "Nearly all event streams of {{ $labels.instance }} are taken.",
          "{{ $value | humanizePercentage }} of its limit.",
          "bess-api", Case({"bess_http_streams": 90}, {"bess_http_streams": 91}, {"bess_http_streams_limit": 100}, "91%")),
    Alert("BessStreamsDropped", "warning", "wall", 0,
          "increase(bess_http_streams_dropped_total[5m]) > 5",
          "{{ $labels.instance }} drops event streams whose readers are too slow.",
          '{{ $value | printf "%.0f" }} within five minutes.',
          "bess-api", Case({"bess_http_streams_dropped_total": "+0.48"}, {"bess_http_streams_dropped_total": "+0.6"}, shows="6",
                           window_s=300, interval_s=30)),
]
