"""podman for checks: no daemon, no systemd, a storage of its own kind, and nothing that a host would have to allow."""

import json
import os
import re
import tempfile

from common import environment, run, said

IMAGE = os.environ.get("BESS_IMAGE", "localhost/bess:dev")

# What Kubernetes' `restricted` and compose.yaml ask for, and an amount of memory that a small farm has to live in.
HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=128m", "--pids-limit=256"]

CONTAINERS_CONF = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
STORAGE_CONF = """[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""


class Podman:
    """Containers, networks and volumes of one test; `close` removes them by their names."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bess-podman-")
        conf, storage = (os.path.join(self.folder.name, name) for name in ("containers.conf", "storage.conf"))
        for path, text in ((conf, CONTAINERS_CONF), (storage, STORAGE_CONF)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        self.environment = environment(CONTAINERS_CONF=conf, CONTAINERS_STORAGE_CONF=storage)
        self.made = []
        self.name = os.path.basename(self.folder.name).replace("_", "-").lower()

    def ask(self, *words):
        return run("podman", *words, env=self.environment)

    def do(self, *words):
        """Its output; what podman says of the systemd that is not there is left out."""
        ran = self.ask(*words)
        assert ran.returncode == 0, said(ran)
        return ran.stdout.strip()

    def network(self):
        self.do("network", "create", self.name)
        self.made.append(("network", "rm", "--force", self.name))
        return self.name

    def volume(self, name):
        name = f"{self.name}-{name}"
        self.do("volume", "create", name)
        self.made.append(("volume", "rm", "--force", name))
        return name

    def start(self, name, *words):
        """Starts a container in the background; its full name."""
        name = f"{self.name}-{name}"
        self.made.append(("rm", "--force", "--volumes", "--time", "5", name))
        self.do("run", "--detach", "--name", name, *words)
        return name

    def inspect(self, name):
        return json.loads(self.do("inspect", name))[0]

    def port(self, name, inner):
        return int(re.search(r":(\d+)$", self.do("port", name, str(inner)), re.MULTILINE)[1])

    def stop(self, name):
        """Stops it as an engine does, and its exit code."""
        self.do("stop", "--time", "30", name)
        return self.inspect(name)["State"]["ExitCode"]

    def close(self):
        for words in reversed(self.made):
            self.ask(*words)
        self.folder.cleanup()
