"""One farm of the live part, what is done to it from outside, and what its clients do."""

import contextlib
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request

import farm as clients
from farm import Farm
from pymodbus.exceptions import ModbusException

from . import SCENARIOS, file_of, plan

INTERVAL_S = 2
clients.START_MAX_S = 120.0
# Whoever waits for an answer of a farm that stands still.
PATIENCE_S = 20


class LeftOut(Exception):
    """This machine lacks what a play needs."""


class Play:
    """One farm of the live part: how it is started, and what is done to it from outside until `over`."""

    flags = ()
    ems = False
    # How long it takes, with what comes after the scenario.
    lasts_s = 420
    # How often it is scraped, and how long a scrape may take.
    interval_s = INTERVAL_S
    # From when on its recording may be judged as if it went on for hours; None: not at all.
    steady_s = None
    # Whether a Prometheus scrapes it and nobody else.
    alone = False

    def __init__(self, name, folder):
        self.name, self.folder = name, os.path.join(folder, name)
        os.makedirs(self.folder)
        self.over = threading.Event()
        self.metrics_port = 0
        self.farm = None

    def check(self):
        """Raises `LeftOut` where this machine lacks what it takes."""

    def start(self):
        self.farm = self.serve(self.farm_file(), self.flags, self.metrics_port)
        # The same one, when it is started again.
        self.metrics_port = self.farm.endpoints["metrics"]["port"]

    def farm_file(self):
        return plan.how("", self.name).farm or os.path.join(SCENARIOS, plan.SMALL)

    def serve(self, farm, flags, metrics_port):
        """A process that plays the scenario."""
        ems = ["--stub-ems"] if self.ems else []
        return Farm("--farm", farm, "--scenario", file_of(self.name), "--log", "error", *flags, *ems, metrics_port=metrics_port)

    def targets(self):
        """Where Prometheus finds it."""
        return {"static_configs": [self.group(self.metrics_port)]}

    @staticmethod
    def group(port):
        return {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": "farm"}}

    def outside(self):
        """Names of what goes on around the farm, each on a thread of its own."""
        return ()

    def stop(self):
        if self.farm:
            self.farm.stop()
            self.farm = None

    # Shown to the farm by whoever asks for the verdict.
    token = None

    def verdict(self):
        return self.verdict_of(self.farm) if self.farm else None

    def verdict_of(self, farm):
        url = farm.endpoints["api"]["url"] + "/runs"
        headers = {"authorization": "Bearer " + self.token} if self.token else {}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE_S) as answer:
            runs = json.load(answer)["runs"]
        return runs[0]["verdict"] if runs else None

    # What clients do

    def every(self, seconds, deed):
        while not self.over.wait(seconds):
            with contextlib.suppress(OSError, ModbusException, AssertionError, ValueError):
                deed()

    def ask(self, method, path, body=None, token=None):
        """The status of one request; nobody reads what is answered."""
        headers = {"content-type": "application/json", **({"authorization": "Bearer " + token} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.farm.endpoints["api"]["url"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as refusal:
            with refusal:
                refusal.read()
                return refusal.code

    def reads(self):
        """Somebody who looks at the farm five times a second."""
        self.every(0.2, lambda: self.ask("GET", "/farm"))

    def writes(self):
        """Somebody who sets its power every two seconds."""
        self.every(2, lambda: self.ask("PUT", "/farm/setpoint", {"active_power_w": 100_000 + time.time() % 1000}))

    def connect(self, port=None):
        return socket.create_connection((self.farm.host, port or self.farm.port), PATIENCE_S)
