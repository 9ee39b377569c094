#!/usr/bin/env python3
"""`make observe`: a farm with a Prometheus and an Alertmanager of its own, on free ports, until Ctrl-C.

    dashboards/tools/observe.py [--bess PATH] [--dashboards URL] [-- FLAGS OF bess serve]

The programs come from dashboards/tools/install.sh. Everything listens on the loopback; data is in a temporary
folder that goes with it. The parts are used by the tests of alerts too.
"""

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
ALERTS = os.path.join(ROOT, "dashboards", "alerts")
READY_MAX_S = 60.0
STOP_MAX_S = 10.0
HOST = "127.0.0.1"
PR_SET_PDEATHSIG = 1

sys.path.insert(0, ALERTS)
import rules  # noqa: E402


def program(name):
    """Where a program of install.sh is."""
    return os.path.join(ROOT, ".tools", "observe", "bin", name)


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port(wanted=0):
    """The wanted port if nobody has it, else any."""
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Failed(Exception):
    """Something did not start, or ended by itself."""


def dies_with_us():
    """Asks the kernel to end the child when this process is gone, however it went."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A process whose output goes to a file, in a session of its own so that Ctrl-C reaches only us."""

    def __init__(self, name, command, folder):
        self.name = name
        self.log = os.path.join(folder, name + ".log")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("BESS_")}
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=dies_with_us)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-15:])

    def until(self, ready):
        """Waits until `ready` is true."""
        deadline = time.monotonic() + READY_MAX_S
        while not ready():
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with {self.process.returncode}:\n{self.said()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} is not ready after {READY_MAX_S:.0f} s:\n{self.said()}")
            time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def answers(url):
    """Whether somebody answers there with a success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def alertmanager(folder, config=os.path.join(ALERTS, "alertmanager.yml"), port=0):
    """An Alertmanager of its own, without a cluster; its process and URL."""
    port = free_port(port)
    child = Child("alertmanager", [program("prometheus-alertmanager"), f"--config.file={config}",
                                   f"--storage.path={os.path.join(folder, 'alertmanager')}", "--cluster.listen-address=",
                                   f"--web.listen-address={HOST}:{port}"], folder)
    return child, f"http://{HOST}:{port}"


def prometheus(folder, targets, alertmanager_url, rule_files, port=0, runbooks=rules.RUNBOOKS):
    """A Prometheus that scrapes and evaluates once a second; its process and URL."""
    port = free_port(port)
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": rule_files,
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager_url.removeprefix("http://")]}]}]},
        "scrape_configs": [{"job_name": "bess", "static_configs": [{"targets": targets}]}],
    }
    path = os.path.join(folder, "prometheus.yml")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    consoles = os.path.join(folder, "consoles")
    with open(os.path.join(HERE, "consoles", "index.html"), encoding="utf-8") as file:
        rules.write({os.path.join(consoles, "index.html"): file.read().replace("RUNBOOKS", runbooks)})
    child = Child("prometheus", [program("prometheus"), f"--config.file={path}", f"--web.console.templates={consoles}",
                                 f"--storage.tsdb.path={os.path.join(folder, 'prometheus')}",
                                 f"--web.listen-address={HOST}:{port}"], folder)
    return child, f"http://{HOST}:{port}"


def rules_in(folder, runbooks, dashboards):
    """The rules with these links; paths of their files."""
    files = {os.path.join(folder, name): text for name, text in rules.rule_files(runbooks, dashboards).items()}
    rules.write(files)
    return list(files)


def farm(bess, folder, flags):
    """A farm on its usual ports where they are free; its process and address book."""
    path = os.path.join(folder, "endpoints.json")
    ports = []
    for flag, port in (("--modbus-port", 5020), ("--api-port", 8000), ("--metrics-port", 9090)):
        if not any(given.split("=")[0] == flag for given in flags):
            ports += [flag, str(port if is_free(port) else 0)]
    child = Child("bess", [bess, "serve", *ports, "--endpoints", path, *flags], folder)
    try:
        child.until(lambda: os.path.exists(path))
    except BaseException:
        child.stop()
        raise
    with open(path, encoding="utf-8") as file:
        return child, json.load(file)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bess", default=os.path.join(ROOT, "target", "release", "bess"), help="the program (%(default)s)")
    arguments.add_argument("--dashboards", default=rules.DASHBOARDS, help="where Grafana is, for links (%(default)s)")
    arguments.add_argument("flags", nargs="*", help="flags of bess serve, after --")
    wish = arguments.parse_args()

    def stop(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    children = []
    with tempfile.TemporaryDirectory(prefix="bess-observe-") as folder:
        try:
            child, book = farm(wish.bess, folder, wish.flags)
            children.append(child)
            api, metrics = book["api"]["url"], book["metrics"]["url"]
            origin = api.removesuffix("/api/v1")
            child, alerts_url = alertmanager(folder, port=9093)
            children.append(child)
            runbooks = origin + "/runbooks/"
            child, prometheus_url = prometheus(folder, [metrics.split("/")[2]], alerts_url,
                                               rules_in(folder, runbooks, wish.dashboards.rstrip("/")), 9091, runbooks)
            children.append(child)
            children[1].until(lambda: answers(alerts_url + "/-/ready"))
            child.until(lambda: answers(prometheus_url + "/-/ready"))
            tools = os.path.relpath(os.path.dirname(program("promtool")))
            print(f"""The farm
  REST          {api}
  Modbus        {book["modbus"]["host"]}:{book["modbus"]["port"]}
  metrics       {metrics}
What watches it (Debian's packages have no web pages of their own)
  alerts now    {prometheus_url}/consoles/index.html
  runbooks      {runbooks.rstrip("/")}
  a query       {tools}/promtool query instant {prometheus_url} bess_farm_soc_ratio
  who was told  {tools}/amtool --alertmanager.url={alerts_url} alert query
Try
  {os.path.relpath(wish.bess)} grid --api {api} disturb outage --for 2m
  and see BessGridOutage come within ten seconds. Logs are in {folder}. Ctrl-C ends everything.""", flush=True)
            while all(child.process.poll() is None for child in children):
                time.sleep(0.2)
            ended = next(child for child in children if child.process.poll() is not None)
            raise Failed(f"{ended.name} ended with {ended.process.returncode}:\n{ended.said()}")
        except KeyboardInterrupt:
            return 0
        except (Failed, OSError) as failure:
            print(f"make observe: {failure}", file=sys.stderr)
            return 1
        finally:
            # A second Ctrl-C must not leave anybody behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for child in reversed(children):
                child.stop()


if __name__ == "__main__":
    sys.exit(main())
