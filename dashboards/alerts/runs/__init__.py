"""Runs of scenarios under the real rules, from which docs/alert-matrix.md is made.

`plan` says which scenarios run and how, `farm` lets them run in simulated time, `live` in wall time; `prometheus`
tells which alerts they raised.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ALERTS = os.path.normpath(os.path.join(HERE, ".."))
ROOT = os.path.normpath(os.path.join(ALERTS, "..", ".."))
SCENARIOS = os.path.join(ALERTS, "scenarios")
sys.path[:0] = [os.path.join(ROOT, "cli", "tests", "clients"), os.path.join(ROOT, "dashboards", "tools")]


def version(bess):
    """What the program says of itself."""
    return subprocess.run([bess, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def own_scenarios():
    """Names of the scenarios beside the rules."""
    return sorted(name.removesuffix(".yaml") for name in os.listdir(SCENARIOS) if name.endswith(".yaml"))


def file_of(name):
    """What `--scenario` takes: the file of one beside the rules, or the id of one that comes with bess."""
    path = os.path.join(SCENARIOS, name + ".yaml")
    return path if os.path.exists(path) else name
