"""A live farm on which something happens on every dashboard, and a Prometheus that watches it.

The farm is the built-in one with defects, at ten times real time. While it runs, an EMS polls and writes over
Modbus, somebody reads REST, links and points are disturbed, the grid swings, units are stopped. Prometheus
scrapes once a second and evaluates the real rules.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from pymodbus.exceptions import ModbusException

from common import ROOT

sys.path.insert(0, os.path.join(ROOT, "cli", "tests", "clients"))
sys.path.insert(0, os.path.join(ROOT, "dashboards", "tools"))

import observe
from farm import ANSWER_MAX_S, Farm, binary

RULES = ("rules.yaml", "slo.yaml")
SPEED = 10
# Registers of the compact map: a unit's setpoint in W, and its controller's heartbeat.
SETPOINT, HEARTBEAT = 80, 85
# Defects of the farm, in simulated seconds: after a few scrapes, so that counters are seen to grow.
DEFECTS = """
[[defects]]
kind = "reading"
unit = 2
rack = 1
reading = "temperature_max_degc"
value = 70
from_s = 80

[[defects]]
kind = "chiller"
unit = 4
from_s = 80

[[defects]]
kind = "short"
unit = 5
rack = 3
cell = 57
resistance_ohm = 0.005
from_s = 90

[[defects]]
kind = "insulation"
unit = 6
resistance_kohm = 20
from_s = 100

[[defects]]
kind = "smoke_detector"
unit = 7
from_s = 110
"""


# A run that ends, and one that goes on.
SCENARIO = """
apiVersion: bess/v1
kind: Scenario
metadata: {id: scene, title: A pump fails, summary: For the dashboards.}
params: {length: {type: duration, default: 5s, description: of the time line}}
seed: 7
duration: "${length}"
sut: {mode: none}
targets: {one: {kind: unit, match: {units: [1]}, mode: one}}
steadyState: {window: 1s, checks: [{id: energised, modes: [SoT], expr: "grid.voltage_pu > 0.5"}]}
timeline: [{id: fails, at: 1s, action: device.hvac.pump, target: one}]
expectations: [{id: stays-up, kind: within, after: {action: fails}, within: 3s, expr: "grid.voltage_pu > 0.5"}]
"""


class Prometheus:
    """The real one, on a free port, with a folder of its own; `stop` ends it by its process id."""

    def __init__(self, target):
        self.folder = tempfile.TemporaryDirectory(prefix="bess-prometheus-")
        port = observe.free_port()
        self.url = f"http://{observe.HOST}:{port}"
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [os.path.join(observe.ALERTS, name) for name in RULES],
            "scrape_configs": [{
                "job_name": "bess",
                "static_configs": [{"targets": [target], "labels": {"namespace": "site"}}],
            }],
        }
        path = os.path.join(self.folder.name, "prometheus.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.child = observe.Child("prometheus", [
            observe.program("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={self.folder.name}/data",
            f"--web.listen-address={observe.HOST}:{port}"
        ], self.folder.name)
        try:
            self.child.until(lambda: observe.answers(f"{self.url}/-/ready"))
        except BaseException:
            self.stop()
            raise

    def ask(self, path, **parameters):
        """Data of an answer of the HTTP API; a refusal raises with what Prometheus says."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=60.0) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ValueError(json.load(refusal).get("error")) from None

    def stop(self):
        self.child.stop()
        self.folder.cleanup()


class Scene:
    """A farm and a Prometheus; `play` lets it all happen, `start_s` and `end_s` are what to look at."""
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bess-scene-")
        path = os.path.join(self.folder.name, "farm.toml")
        text = subprocess.run([binary(), "farm", "init"], capture_output=True, text=True, check=True).stdout
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + DEFECTS)
        state = os.path.join(self.folder.name, "state")
        self.farm = Farm("--farm", path, "--speed", str(SPEED), "--state", state, "--checkpoint-every", "1s")
        metrics = self.farm.endpoints["metrics"]
        self.instance = f"{metrics['host']}:{metrics['port']}"
        try:
            self.prometheus = Prometheus(self.instance)
        except BaseException:
            self.farm.stop()
            raise
        self.start_s = time.time()
        self.end_s = None
        self.over = threading.Event()
        self.ems = self.farm.modbus()
        self.n_polls = 0

    def play(self, seconds):
        """Traffic all the time, deeds one after the other, and time to see what becomes of them."""
        streaming = threading.Thread(target=self._stream, name="stream")
        streaming.start()
        deeds = iter(self._deeds())
        begin = time.monotonic()
        try:
            while (now := time.monotonic() - begin) < seconds:
                self._traffic()
                if now > 5:
                    deed = next(deeds, None)
                    if deed:
                        deed()
                time.sleep(0.25)
        finally:
            self.over.set()
            streaming.join()
        self.end_s = time.time()

    def _deeds(self):
        """One at a time, a quarter of a second apart."""
        farm, api = self.farm, self.farm.change

        def try_to(method, path, body):
            return lambda: farm.ask(method, path, body)

        yield lambda: api("PUT", "/farm/setpoint", {"active_power_w": 12e6})
        yield lambda: api("PATCH", "/units/10/control",
                          {"watchdog": {"timeout_s": 60, "kind": "change", "action": "ramp_to_zero"}})
        yield lambda: api("POST", "/links", {"name": "slow", "effect": "delay", "delay_s": 0.05, "unit": 2})
        yield lambda: api("POST", "/links", {"name": "busy", "effect": "exception", "exception": 6, "functions": [6]})
        yield lambda: api("POST", "/grid/disturbances", {"kind": "frequency", "value": 49.2})
        yield self._force
        yield lambda: api("POST", "/units/8/commands", {"action": "estop"})
        yield lambda: api("POST", "/faults", {"kind": "device.hvac.pump", "target": "unit-003"})
        yield lambda: api("POST", "/faults", {"kind": "device.hvac.fan", "target": "unit-009", "duration": "5s"})
        yield lambda: api("POST", "/runs", {"text": SCENARIO, "set": {"length": "5s"}})
        yield lambda: api("POST", "/runs", {"text": SCENARIO, "set": {"length": "60m"}})
        # Refused: it names a unit that is not there, and a power that nobody has.
        yield try_to("PUT", "/units/99/setpoint", {"active_power_w": 1e6})
        yield try_to("PUT", "/units/1/setpoint", {"active_power_w": "much"})
        yield lambda: api("PUT", "/farm/setpoint", {"active_power_w": -10e6, "reactive_power_var": 3e6})

    def _force(self):
        api = self.farm.endpoints["api"]["url"].removesuffix("/api/v1")
        subprocess.run([binary(), "point", "--api", api, "force", "9", "compact/12", "1000"], capture_output=True,
                       check=True)

    def _traffic(self):
        """A poll of an EMS, with mistakes, and a few looks at REST."""
        with contextlib.suppress(ModbusException):
            client = self.ems.client
            client.read_holding_registers(0, count=60, device_id=1)
            client.read_input_registers(0, count=20, device_id=1)
            client.read_holding_registers(40_000, count=60, device_id=2)
            client.read_holding_registers(9_999, count=2, device_id=1)
            client.write_registers(SETPOINT, [0, 0], device_id=10)
            client.write_register(HEARTBEAT, self.n_polls % 100, device_id=10)
            self.n_polls += 1
        # And somebody who comes, talks nonsense and goes.
        with contextlib.suppress(OSError), socket.create_connection((self.farm.host, self.farm.port),
                                                                    ANSWER_MAX_S) as stranger:
            stranger.sendall(b"no Modbus at all")
        for path in ("/farm", "/units?limit=3", "/units/1", "/alarms", "/nothing"):
            self.farm.ask("GET", path)

    def _stream(self):
        """A reader of the event stream."""
        with contextlib.suppress(OSError), urllib.request.urlopen(self.farm.endpoints["api"]["url"] + "/stream",
                                                                  timeout=ANSWER_MAX_S) as stream:
            while not self.over.is_set() and stream.readline():
                pass

    def stop(self):
        self.ems.client.close()
        self.prometheus.stop()
        code = self.farm.stop()
        self.folder.cleanup()
        return code
