"""Runs schemathesis against a live farm: `fuzz.py [arguments of schemathesis]`.

The farm is small, has an inertia and loads of an island, so that every route has something to do, and its clock
runs. After the run it must be alive, must have had no panic and must have answered nothing with 500."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
BESS = os.environ.get("BESS_BIN", os.path.join(ROOT, "target", "release", "bess"))
START_MAX_S = 30.0
RUN_MAX_S = 600.0

GRID = """
[farm.grid]
kind = "inertia"

[farm.grid.inertia]
rated_mva = 1000

[[farm.grid.island_loads]]
name = "station"
active_kw = 5
"""


def farm_file():
    """The farm that `bess farm init` writes, with three small units."""
    text = subprocess.run([BESS, "farm", "init"], check=True, capture_output=True, text=True).stdout
    text, changed = re.subn(r"(?m)^count = 10", "count = 3", text)
    assert changed == 1, "the built-in farm has ten units"
    text, changed = re.subn(r"(?m)^\[\[units\]\]", lambda found: GRID + "\n" + found.group(0), text, count=1)
    assert changed == 1, "the built-in farm has units"
    return text


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def main(arguments):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BESS_")}
    with tempfile.TemporaryDirectory(prefix="bess-rest-") as folder:
        path = lambda name: os.path.join(folder, name)
        with open(path("farm.toml"), "w", encoding="utf-8") as file:
            file.write(farm_file())
        with open(path("log"), "w", encoding="utf-8") as log:
            serve = [BESS, "serve", "--farm", path("farm.toml"), "--modbus-port", "0", "--api-port", "0",
                     "--metrics-port", "0", "--endpoints", path("endpoints.json")]
            farm = subprocess.Popen(serve, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_MAX_S
            while not os.path.exists(path("endpoints.json")):
                if farm.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the farm is not ready: " + open(path("log"), encoding="utf-8").read())
                time.sleep(0.05)
            with open(path("endpoints.json"), encoding="utf-8") as file:
                endpoints = json.load(file)
            api = "http://{host}:{port}".format(**endpoints["api"])
            command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"),
                       "--config-file", os.path.join(HERE, "schemathesis.toml"), "run", api + "/api/openapi.json",
                       *arguments]
            hooks = {**environment, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": HERE, "NO_COLOR": "1"}
            result = subprocess.run(command, env=hooks, cwd=folder, timeout=RUN_MAX_S).returncode
            failed = result != 0
            if json.loads(get(api + "/healthz"))["status"] != "ok":
                print("the farm is not well after the run", file=sys.stderr)
                failed = True
            metrics = get("http://{host}:{port}/metrics".format(**endpoints["metrics"]))
            for line in metrics.splitlines():
                if re.match(r'bess_http_requests_total\{.*code="500"', line) or re.match(r"bess_panics_total [1-9]", line):
                    print("the server failed: " + line, file=sys.stderr)
                    failed = True
            if failed:
                with open(path("log"), encoding="utf-8", errors="replace") as log:
                    told = [line for line in log.read().splitlines() if "panicked" in line or "overflow" in line]
                print("\n".join(told[:20]), file=sys.stderr)
            return 1 if failed else 0
        finally:
            if farm.poll() is None:
                farm.terminate()
                try:
                    farm.wait(10)
                except subprocess.TimeoutExpired:
                    farm.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
