"""Scenarios in simulated time: what a Prometheus would have scraped from a farm at a speed of 1, in minutes.

A scenario that needs no EMS runs in steps, and is scraped after each; one with the built-in EMS runs at up to four
times real time, which is the EMS's own time as well. Samples get the simulated time since the start, and a speed
of 1, because that is how far apart they are. What tells of the process and its wall time is left out.
"""

import re
import time
import urllib.request

import farm as clients
from farm import Farm

# A machine that is busy answers late, and simulated time does not mind.
clients.ANSWER_MAX_S = clients.START_MAX_S = PATIENCE_S = 120
# Ticks in a second.
TICKS = 10
EPOCH_S = 1_577_836_800  # 2020-01-01
# After its end a scenario is looked at for so long: alerts have a `for`.
AFTER_S = 15
# Of a program that does not end.
WALL_MAX_S = 3600
SIM, SPEED_SERIES = "bess_simulation_time_seconds", "bess_time_scale_ratio"
LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)")


class Samples:
    """Samples by series, in the order of time."""

    def __init__(self, wanted, instance):
        self.wanted, self.instance = wanted, instance
        self.series = {}
        self.start_s = None
        self.last_s = None

    def take(self, text):
        """Keeps one scrape; returns the simulated time since the first."""
        rows, now_s = [], None
        for line in text.splitlines():
            hit = LINE.fullmatch(line)
            if not hit:
                continue
            name, labels, value = hit.groups()
            if name == SIM:
                now_s = float(value)
            if name in self.wanted and name != SPEED_SERIES:
                rows.append((name, (labels or "{}")[1:-1], value))
        if self.start_s is None:
            self.start_s = now_s
        at_s = round(now_s - self.start_s, 1)
        if at_s == self.last_s:
            return at_s
        self.last_s = at_s
        own = f'job="bess",namespace="farm",pod="bess-0",instance="{self.instance}"'
        for name, labels, value in [*rows, (SPEED_SERIES, "", "1"), ("bess_build_info", "", "1")]:
            key = f"{name}{{{own}{',' + labels if labels else ''}}}"
            if name == SIM:
                value = EPOCH_S + at_s
            self.series.setdefault(name, {}).setdefault(key, []).append(f"{value} {EPOCH_S + at_s:.1f}")
        return at_s

    def write(self, file):
        """OpenMetrics, without types: promtool asks for none."""
        for family in self.series.values():
            for key, samples in family.items():
                file.writelines(f"{key} {sample}\n" for sample in samples)


def run(name, file, how, wanted):
    """Plays one scenario to its end; its samples and what it came to."""
    flags = ["--scenario", file, "--log", "warn"]
    if how.farm:
        flags += ["--farm", how.farm]
    flags += ["--stub-ems", "--speed", str(how.speed)] if how.ems else ["--stepped"]
    farm = Farm(*flags)
    samples = Samples(wanted, name)
    try:
        began = time.monotonic()
        end_s = None
        while True:
            if time.monotonic() - began > WALL_MAX_S:
                raise RuntimeError(f"{name} is not over after {WALL_MAX_S} s")
            if how.ems:
                time.sleep(how.step_s / how.speed / 2)
            else:
                farm.step(round(how.step_s * TICKS))
            with urllib.request.urlopen(farm.endpoints["metrics"]["url"], timeout=PATIENCE_S) as answer:
                at_s = samples.take(answer.read().decode())
            if end_s is None:
                state = farm.get("/runs")["runs"]
                if state and state[0]["verdict"]:
                    end_s = at_s + AFTER_S
            elif at_s >= end_s:
                break
    finally:
        farm.stop()
    return samples, {"verdict": state[0]["verdict"], "simulated_s": round(at_s)}
