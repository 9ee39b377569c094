"""Limits of CPU and memory for the containers of node.py."""

import contextlib
import os
import time

# Of 100 for everybody: the limits of a pod are to decide what it gets, not what else this machine does.
WEIGHT = 10_000


class Cgroups:
    """Limits of CPU and memory for one container, in version 2 or 1 of cgroups."""

    ROOT = "/sys/fs/cgroup"

    def __init__(self, name, cpu, memory):
        self.folders = []
        self.is_v2 = os.path.exists(f"{self.ROOT}/cgroup.controllers")
        if self.is_v2:
            with contextlib.suppress(OSError), open(f"{self.ROOT}/cgroup.subtree_control", "w", encoding="utf-8") as file:
                file.write("+cpu +memory")
            folder = self._make(self.ROOT, name)
            if cpu:
                self._write(folder, "cpu.max", f"{int(cpu * 100_000)} 100000")
                self._write(folder, "cpu.weight", WEIGHT)
            if memory:
                self._write(folder, "memory.max", int(memory))
        else:
            folder = self._make(f"{self.ROOT}/cpu", name)
            if cpu:
                self._write(folder, "cpu.cfs_period_us", 100_000)
                self._write(folder, "cpu.cfs_quota_us", int(cpu * 100_000))
                self._write(folder, "cpu.shares", WEIGHT * 1024 // 100)
            folder = self._make(f"{self.ROOT}/memory", name)
            if memory:
                self._write(folder, "memory.limit_in_bytes", int(memory))
        self.procs = [f"{folder}/cgroup.procs" for folder in self.folders]

    def _make(self, root, name):
        folder = os.path.join(root, name)
        os.makedirs(folder, exist_ok=True)
        self.folders.append(folder)
        return folder

    @staticmethod
    def _write(folder, name, value):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(str(value))

    def throttled(self):
        """Periods, and those in which it was held back."""
        with open(os.path.join(self.folders[0], "cpu.stat"), encoding="utf-8") as file:
            stat = dict(line.split() for line in file)
        return int(stat["nr_periods"]), int(stat["nr_throttled"])

    def squeeze(self, cpu):
        """Another limit of CPU while it runs."""
        if self.is_v2:
            self._write(self.folders[0], "cpu.max", f"{int(cpu * 100_000)} 100000")
        else:
            self._write(self.folders[0], "cpu.cfs_quota_us", int(cpu * 100_000))

    def remove(self):
        for folder in self.folders:
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.1)
