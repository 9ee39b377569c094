"""Times every query of every dashboard against a farm of 1,000 units, in Prometheus itself.

    make dashboards-time

The farm has units of one rack, because series count here and cells do not. Prometheus scrapes it once a second for two
minutes, so that a range has as many samples as half an hour at 15 s; each query is asked three times as Grafana asks
for it on a screen 1,600 points wide, and the middle time counts. Prints a table; fails if a query takes longer than
a second.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from common import dashboards, queries, substitute
from scene import Farm, Prometheus, binary

N_UNITS = 1000
WATCH_S = 120.0
STEP_S = 1
MAX_S = 1.0


def farm_file():
    """The built-in farm with many small units."""
    text = subprocess.run([binary(), "farm", "init"], capture_output=True, text=True, check=True).stdout
    for key, value in (("count", N_UNITS), ("racks", 1), ("cells_in_series", 416)):
        text, n_changed = re.subn(rf"(?m)^{key} = \d+", f"{key} = {value}", text, count=1)
        assert n_changed == 1, key
    return text


def timed(prometheus, asked, target, begin_s, end_s):
    """Middle of three times, and how many series came back."""
    spent = []
    for _ in range(3):
        begin = time.perf_counter()
        if target and target["instant"]:
            found = prometheus.ask("query", query=asked, time=end_s)
        else:
            found = prometheus.ask("query_range", query=asked, start=begin_s, end=end_s, step=STEP_S)
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent), len(found["result"])


def main():
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(farm_file())
        file.flush()
        farm = Farm("--farm", file.name)
    metrics = farm.endpoints["metrics"]
    instance = f"{metrics['host']}:{metrics['port']}"
    rows = []
    try:
        prometheus = Prometheus(instance)
        try:
            begin_s = time.time()
            time.sleep(WATCH_S)
            end_s = time.time()
            n_series = len(prometheus.ask("query", query=f'{{instance="{instance}"}}', time=end_s)["result"])
            chosen = {
                "datasource": "bess", "environment": ["site"], "job": ["bess"], "instance": [instance],
                "unit": ["1", "500",
                         "1000"], "__rate_interval": "15s", "__interval": f"{STEP_S}s", "__range": f"{int(WATCH_S)}s"
            }
            for dashboard in dashboards().values():
                for place, kind, expression, target in queries(dashboard):
                    if kind != "variable":
                        seconds, n_found = timed(prometheus, substitute(expression, chosen), target, begin_s, end_s)
                        rows.append((seconds, place, n_found))
        finally:
            prometheus.stop()
    finally:
        farm.stop()
    rows.sort(reverse=True)
    print(
        f"{len(rows)} queries, {n_series} series, {int(WATCH_S)} samples each; median {1e3 * statistics.median(r[0] for r in rows):.1f} ms, "
        f"all together {sum(r[0] for r in rows):.2f} s\n")
    print("| query | ms | series |\n|---|---|---|")
    for seconds, place, n_found in rows[:12]:
        print(f"| {place} | {1e3 * seconds:.1f} | {n_found} |")
    slow = [place for seconds, place, _ in rows if seconds > MAX_S]
    if slow:
        sys.exit(f"slower than {MAX_S} s: {slow}")


if __name__ == "__main__":
    main()
