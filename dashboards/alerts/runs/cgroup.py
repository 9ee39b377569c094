"""A cgroup with a limit of the CPU or of the memory, of version 2 or 1; it takes root."""

import contextlib
import os
import time

from .play import LeftOut

MOUNTS = "/proc/mounts"
PERIOD_US = 100_000
WEIGHT_MAX, SHARES_MAX = 10_000, 262_144
REMOVED_MAX_S = 10


def mounted(controller):
    """Where the controller's hierarchy is, and its version; None where there is none."""
    with open(MOUNTS, encoding="utf-8") as file:
        rows = [line.split()[1:4] for line in file]
    for path, kind, options in rows:
        if kind == "cgroup" and controller in options.split(","):
            return path, 1
    for path, kind, _ in rows:
        with contextlib.suppress(OSError), open(os.path.join(path, "cgroup.controllers"), encoding="utf-8") as file:
            if kind == "cgroup2" and controller in file.read().split():
                return path, 2
    return None


class Cgroup:
    """One group, until `remove`."""

    def __init__(self, controller, name):
        found = mounted(controller)
        if found is None:
            raise LeftOut(f"no cgroup of this machine limits the {controller}")
        root, self.version = found
        self.path = os.path.join(root, f"bess-matrix-{os.getpid()}-{name}")
        try:
            if self.version == 2:
                self.set("cgroup.subtree_control", f"+{controller}", root)
            os.mkdir(self.path)
        except OSError as error:
            raise LeftOut(f"a cgroup that limits the {controller} cannot be made here: {error}") from error

    def set(self, file, value, folder=None):
        with open(os.path.join(folder or self.path, file), "w", encoding="utf-8") as opened:
            opened.write(str(value))

    def limit_cpu(self, cores):
        """So much of the CPU and no more; what it may have it gets before others."""
        quota_us = round(cores * PERIOD_US)
        if self.version == 2:
            self.set("cpu.max", f"{quota_us} {PERIOD_US}")
            self.set("cpu.weight", WEIGHT_MAX)
        else:
            self.set("cpu.cfs_period_us", PERIOD_US)
            self.set("cpu.cfs_quota_us", quota_us)
            self.set("cpu.shares", SHARES_MAX)

    def limit_memory(self, size_bytes):
        self.set("memory.max" if self.version == 2 else "memory.limit_in_bytes", round(size_bytes))

    def take(self, pid):
        self.set("cgroup.procs", pid)

    def remove(self):
        """When nobody is in it any more."""
        deadline = time.monotonic() + REMOVED_MAX_S
        while os.path.exists(self.path):
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
                return
            if time.monotonic() > deadline:
                return
            time.sleep(0.1)
