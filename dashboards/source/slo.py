"""The promises and what is left of their budgets; from the recorded ratios that the alerts use too."""

import grafana as g
import words as w

ERRORS, SLOW, MISSED = ("job:bess_http_requests_failed:ratio_rate{}", "job:bess_http_reads_slow:ratio_rate{}",
                        "instance:bess_ticks_late:ratio_rate{}")
TRAFFIC = "job:bess_http_requests:rate{}"
# Promise, recorded ratio of what breaks it, its budget.
OBJECTIVES = [
    ("API without 5xx", ERRORS, "0.001", "99.9 % of the requests"),
    ("reads in 100 ms", SLOW, "0.01", "99 % of the reads, streams aside,"),
    ("ticks on time", MISSED, "0.001", "99.9 % of the ticks"),
]


def build():
    burn_steps = g.steps(w.GREEN, (1, w.YELLOW), (6, w.ORANGE), (14.4, w.RED))

    # Where nothing ever failed there is no series of failures: no failure is a ratio of 0, if there was traffic.
    def burnt(ratio, window, over=""):
        recorded = ratio.format(window)
        spent = f"avg_over_time({recorded}[{over}])" if over else recorded
        return f"(max({spent}) or 0 * max({TRAFFIC.format(window)}))" if ratio == ERRORS else f"max({spent})"

    left = [
        g.stat(
            f"Budget left, {name}",
            f"{promise} are promised. Share of the budget that the mean over the time shown leaves; red when it is spent.",
            [("", f"clamp_min(1 - {burnt(ratio, '5m', '$__range')} / {budget}, 0)")], "percentunit", decimals=1, low=0,
            high=1, thresholds=g.steps(w.RED, (0.001, w.ORANGE), (0.25, w.GREEN)), alerts=alerts, none="no traffic")
        for (name, ratio, budget, promise), alerts in zip(OBJECTIVES, (["BessApiErrorBurn1h"], ["BessApiLatencyBurn1h"],
                                                                       ["BessTickDeadlineBurn1h"]), strict=True)
    ]
    now = g.stat(
        "Burning now",
        "How many times faster than allowed each budget was spent in the last 5 minutes; 1 spends it just in time, 14.4 calls somebody.",
        [(name, f"{burnt(ratio, '5m')} / {budget}") for name, ratio, budget, _ in OBJECTIVES], "none", decimals=2,
        thresholds=burn_steps, text="value_and_name", none="no traffic")
    firing = g.stat("Alerts firing", "Alerts of Prometheus that fire now for what is selected.",
                    [("", "count(ALERTS) or vector(0)")], "short", thresholds=g.steps(w.GREEN, (1, w.RED)))
    up = g.stat("Targets up", "Share of the scrapes of the time shown that succeeded.",
                [("", "avg(avg_over_time(up[$__range]))")], "percentunit", low=0, high=1, decimals=2,
                thresholds=g.steps(w.RED, (0.99, w.YELLOW), (0.999, w.GREEN)), alerts=["BessTargetDown"])
    burns = [
        g.lines(
            f"Burn rate, {name}",
            f"{promise} are promised. Times faster than allowed that the budget is spent, over windows; an alert needs a long "
            "and a short one above its line (14.4 or 6).", [(window, f"{burnt(ratio, window)} / {budget}")
                                                            for window in windows], "none", low=0, soft_high=2,
            decimals=1, limits_shown=True, thresholds=g.steps("transparent", (6, w.ORANGE),
                                                              (14.4, w.RED)), alerts=alerts)
        for (name, ratio, budget,
             promise), windows, alerts in zip(OBJECTIVES, (("5m", "30m", "1h", "6h", "3d"),
                                                           ("5m", "30m", "1h", "6h", "3d"),
                                                           ("5m", "1h",
                                                            "6h")), (["BessApiErrorBurn1h"], ["BessApiLatencyBurn1h"],
                                                                     ["BessTickDeadlineBurn1h"]), strict=True)
    ]
    firing_now = 'label_replace(ALERTS, "runbook", "$1", "alertname", "(.+?)([0-9]+[hd])?")'
    table = g.table(
        "Firing alerts", "With their severity, and the runbook that says what to do.",
        [("firing", f"max by (alertname, severity, component, instance, runbook) ({firing_now})",
          {"unit": "none", "mappings": g.values({1: ("yes", w.RED)})})],
        keys=["alertname", "severity", "component", "instance", "runbook"], width=12, overrides=[
            g.override(
                "runbook",
                links=[{"targetBlank": True, "title": "Runbook", "url": w.runbooks() + "/${__data.fields.runbook}"}])
        ])
    over_time = g.states("Alerts over time", "One row for each alert that fired.",
                         [("{{alertname}}", "sum by (alertname) (ALERTS)")], g.above_zero("firing", w.RED))
    return w.make("bess-slo", "Service levels", "The promises, what is left of their budgets, and the alerts.",
                  [(4, left + [firing, up]), (4, [now]), (8, burns),
                   (8, [table, over_time])], start="now-6h", refresh="1m")
