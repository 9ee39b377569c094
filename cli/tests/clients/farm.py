"""A live farm for the tests: the process, its address book, and thin clients with deadlines."""

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from pymodbus.client import ModbusTcpClient
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

START_MAX_S = 30.0
STOP_MAX_S = 5.0
ANSWER_MAX_S = 5.0


def binary():
    """The bess under test: BESS_BIN, or the release build of this checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    built = os.path.normpath(os.path.join(here, "..", "..", "..", "target", "release", "bess"))
    return os.environ.get("BESS_BIN", built)


def page(name):
    """Where a page of docs/ is."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.join(here, "..", "..", "..", "docs", name)


def documented(name, heading, every=False):
    """Rows of the table on a page of docs/ whose first column has this heading: by their first cell
    without its quotes, or with `every` as a list."""
    with open(page(name), encoding="utf-8") as file:
        lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else None
                 for line in file]
    begin = next(i for i, cells in enumerate(lines) if cells and cells[0] == heading)
    rows = []
    for cells in lines[begin + 2:]:
        if cells is None:
            break
        rows.append(dict(zip(lines[begin], cells)))
    return rows if every else {row[heading].strip("`"): row for row in rows}


def poll(ask, limit_s=10.0):
    """Asks until the answer is true or the time is over; returns the last answer."""
    deadline = time.monotonic() + limit_s
    while True:
        answer = ask()
        if answer or time.monotonic() >= deadline:
            return answer
        time.sleep(0.01)


class Farm:
    """`bess serve` on free ports. `stop` ends it by its own process id."""

    def __init__(self, *flags, metrics_port=0):
        self.folder = tempfile.TemporaryDirectory(prefix="bess-clients-")
        path = os.path.join(self.folder.name, "endpoints.json")
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        command = [binary(), "serve", "--modbus-port", "0", "--api-port", "0", "--metrics-port", str(metrics_port),
                   "--endpoints", path, *flags]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BESS_")}
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log)
        written = poll(lambda: os.path.exists(path) or self.process.poll() is not None, START_MAX_S)
        if not written or self.process.poll() is not None:
            said = self.said()
            self.stop()
            raise RuntimeError(f"{command} is not ready:\n{said}")
        with open(path, encoding="utf-8") as file:
            self.endpoints = json.load(file)
        self.host = self.endpoints["modbus"]["host"]
        self.port = self.endpoints["modbus"]["port"]

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def stop(self):
        """Ends the process and returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.folder.cleanup()
        return self.process.returncode

    # REST and metrics

    def ask(self, method, path, body=None):
        """Status and JSON of one request; a refusal is an answer too."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoints["api"]["url"] + path, data, method=method,
                                         headers={"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_MAX_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def change(self, method, path, body):
        status, answer = self.ask(method, path, body)
        assert status == 200, (path, status, answer)
        return answer

    def step(self, ticks=1):
        """Steps the paused clock; returns the tick reached."""
        return self.change("PATCH", "/clock", {"step_ticks": ticks})["applied_tick"]

    def metrics(self, accept, path=""):
        """Content type and text of one scrape."""
        request = urllib.request.Request(self.endpoints["metrics"]["url"] + path, headers={"accept": accept})
        with urllib.request.urlopen(request, timeout=ANSWER_MAX_S) as answer:
            return answer.headers["content-type"], answer.read().decode()

    # Modbus

    def sunspec(self, unit):
        """pysunspec2, given only host, port and unit id; scanned."""
        device = SunSpecModbusClientDeviceTCP(slave_id=unit, ipaddr=self.host, ipport=self.port,
                                              timeout=ANSWER_MAX_S)
        device.scan()
        return device

    def modbus(self):
        return Compact(self.host, self.port)


class Compact:
    """The compact map through pymodbus."""

    def __init__(self, host, port):
        self.client = ModbusTcpClient(host, port=port, timeout=ANSWER_MAX_S, retries=0)
        assert self.client.connect(), f"nobody accepts at {host}:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def words(self, unit, address=0, count=125):
        answer = self.client.read_holding_registers(address, count=count, device_id=unit)
        assert not answer.isError(), answer
        return answer.registers

    def int32(self, unit, address):
        return signed(self.words(unit, address, 2))

    def write(self, unit, address, words):
        """None when it was taken, else the exception code."""
        return exception_code(self.client.write_registers(address, words, device_id=unit))

    def write_int32(self, unit, address, value):
        return self.write(unit, address, [value >> 16 & 0xFFFF, value & 0xFFFF])


def signed(words):
    """The signed whole number of some registers, high word first."""
    data = b"".join(word.to_bytes(2, "big") for word in words)
    return int.from_bytes(data, "big", signed=True)


def exception_code(answer):
    return answer.exception_code if answer.isError() else None
