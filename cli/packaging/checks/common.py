"""What the checks of the packaging share: paths, programs, a farm as it is started by somebody else."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGING = ROOT / "cli" / "packaging"
TOOLS = ROOT / ".tools"
VENV = TOOLS / "packaging-venv" / "bin"
NODE = TOOLS / "packaging" / "node_modules"
COMPOSE = TOOLS / "packaging" / "debian" / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
HOST = "127.0.0.1"
START_MAX_S = 60.0
STOP_MAX_S = 30.0


def binary():
    """The bess under test: BESS_BIN, or the release build of this checkout."""
    return os.path.abspath(os.environ.get("BESS_BIN", ROOT / "target" / "release" / "bess"))


def image_binary():
    """The static bess of the image: BESS_IMAGE_BIN, or the image build of this checkout."""
    triple = f"{os.uname().machine}-unknown-linux-gnu"
    return os.path.abspath(os.environ.get("BESS_IMAGE_BIN", ROOT / "target" / triple / "image" / "bess"))


def environment(**more):
    """Ours without what would speak to bess, and with the programs of the checks."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("BESS_", "OTEL_"))}
    own["PATH"] = f"{VENV}{os.pathsep}{own['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    return own | {name: str(value) for name, value in more.items()}


def run(*command, **options):
    """Runs a command to its end; its output is text."""
    options = {"capture_output": True, "text": True, "timeout": 600, "env": environment()} | options
    return subprocess.run([str(word) for word in command], **options)


def said(ran):
    return f"{ran.args}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}"


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def until(ready, what, limit_s=START_MAX_S):
    """Waits until `ready` is true and returns what it said."""
    deadline = time.monotonic() + limit_s
    while not (answer := ready()):
        assert time.monotonic() < deadline, f"{what}: not within {limit_s:.0f} s"
        time.sleep(0.05)
    return answer


def ask(url, method="GET", body=None, token=None):
    """Status and text of one request; 0 where nobody answers."""
    headers = {"content-type": "application/json"} if body is not None else {}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


def is_ready(port):
    return ask(f"http://{HOST}:{port}/readyz")[0] == 200


class Process:
    """A process whose output goes to a file; `stop` ends it by its own id."""

    def __init__(self, command, folder, **options):
        self.log = pathlib.Path(folder) / "process.log"
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, **({"env": environment()} | options))

    def until(self, ready, what):
        def looked():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log.read_text()}"
            return ready()
        return until(looked, what)

    def stop(self, how=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def unit(path=PACKAGING / "systemd" / "bess.service"):
    """Assignments of a unit file: by name, all values in their order."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#;[" and "=" in line:
            name, value = line.split("=", 1)
            found.setdefault(name.strip(), []).append(value.strip())
    return found


def environment_file(path):
    """Variables of a file as systemd reads it."""
    found = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line.strip() and line.strip()[0] not in "#;":
            name, value = line.split("=", 1)
            found[name.strip()] = value.strip().strip('"')
    return found
