"""What was recorded of a play, judged as if it had gone on like that for hours: for alerts that need so long.

The steady end of a recording is put behind itself again and again: times go on, and so do counters, from where they
stood. The real recording rules and alerts see that, in a Prometheus of its own.
"""

import json
import os
import urllib.parse
import urllib.request

import rules

from . import plan, prometheus

EPOCH_S = 1_577_836_800  # 2020-01-01
# The longest `for` is three hours.
LASTS_S = 4 * 3600
# Samples of a recording are thinned to so many seconds apart, rules are evaluated as often.
APART_S, STEP_S = 10, 30


def judged():
    """The alerts that are judged so."""
    return [alert for _, alert in rules.ALERTS if alert.name in plan.REPEATED]


class Recording:
    """The end of a play, from `steady_s` on."""

    def __init__(self, url, play):
        self.job = "bess-" + play.name
        self.period_s = (play.lasts_s - play.steady_s) // APART_S * APART_S
        names = "|".join(sorted(prometheus.wanted(judged())))
        query = urllib.parse.urlencode({"query": f'{{__name__=~"{names}",job="{self.job}"}}[{self.period_s}s]'})
        with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=120) as answer:
            found = json.load(answer)["data"]["result"]
        begin_s = min(series["values"][0][0] for series in found)
        self.series = {}
        for series in found:
            labels = dict(series["metric"])
            name = labels.pop("__name__")
            text = ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(labels.items()))
            samples, next_s = [], 0.0
            for at_s, value in series["values"]:
                if at_s - begin_s >= next_s:
                    samples.append((at_s - begin_s, float(value)))
                    next_s = at_s - begin_s + APART_S / 2
            self.series.setdefault(name, {})[f"{name}{{{text}}}"] = samples

    def write(self, file):
        """OpenMetrics, as `farm.Samples` does."""
        for family in self.series.values():
            for key, samples in family.items():
                grows = samples[-1][1] - samples[0][1]
                for turn in range(-(-LASTS_S // self.period_s)):
                    file.writelines(f"{key} {value + turn * grows:.12g} {EPOCH_S + turn * self.period_s + at_s:.3f}\n"
                                    for at_s, value in samples)


def judge(recordings, folder):
    """Which of those alerts fire: {job: names}."""
    fired = {recording.job: set() for recording in recordings}
    where = os.path.join(folder, "repeated")
    os.makedirs(where)
    judging = prometheus.Prometheus(where, STEP_S)
    try:
        judging.take(recordings, EPOCH_S, EPOCH_S + LASTS_S, prometheus.SLO)
        for alert in judged():
            for job, held_s in judging.holds_s(alert.gated(), EPOCH_S, EPOCH_S + LASTS_S, "job").items():
                if held_s >= alert.for_s:
                    fired[job].add(alert.name)
    finally:
        judging.stop()
    return fired
