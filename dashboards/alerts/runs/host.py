"""Plays about what is around a farm: a machine that is too small for it, a Prometheus that hardly reaches it, a folder for
its state that is gone, other shards.

No fault of a scenario makes these: the runner does, with cgroups, with what stands between the farm and Prometheus, with
folders and with further processes.
"""

import contextlib
import json
import os
import socket
import threading

from pymodbus.client import ModbusTcpClient

from .cgroup import Cgroup
from .play import PATIENCE_S, Play

MODBUS = """
[modbus]
profile = "cells"

[[modbus.listeners]]
name = "plain"
port = 0
"""


class Limited(Play):
    """In a cgroup of its own from when it is ready on."""

    controller = "cpu"
    cgroup = None

    def check(self):
        Cgroup(self.controller, self.name).remove()

    def start(self):
        super().start()
        self.cgroup = Cgroup(self.controller, self.name)
        self.limit()
        self.cgroup.take(self.farm.process.pid)

    def stop(self):
        super().stop()
        if self.cgroup:
            self.cgroup.remove()
            self.cgroup = None


class Machine(Limited):
    """A large farm on a part of a core. Somebody looks at it and at the cells of one unit after the other, over REST
    and over Modbus, and sets its power. Cells are shown after a tick.
    """

    lasts_s = 18 * 60 + 30
    steady_s = 180
    cores, cells_every_s = 0.05, 0.4
    # Nobody has asked for the cells of the first one for long when they have been through all of them.
    n_units = 24

    def start(self):
        path = os.path.join(self.folder, "modbus.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(MODBUS)
        self.flags = ("--modbus", path)
        super().start()

    def limit(self):
        self.cgroup.limit_cpu(self.cores)

    def outside(self):
        return self.reads, self.writes, self.look_at_cells, self.poll, self.poll_cells

    def units(self):
        while True:
            yield from range(1, self.n_units + 1)

    def look_at_cells(self):
        units = self.units()
        self.every(self.cells_every_s, lambda: self.ask("GET", f"/units/{next(units)}/cells?columns=soc&racks=1"))

    def client(self):
        return contextlib.closing(ModbusTcpClient(self.farm.host, port=self.farm.port, timeout=PATIENCE_S))

    def poll(self):
        """Ten reads a second, and a write every two seconds."""
        with self.client() as client:
            client.connect()
            number = 0

            def deed():
                nonlocal number
                number += 1
                client.read_holding_registers(0, count=20, device_id=1)
                if number % 20 == 0:
                    client.write_registers(80, [0, 10_000 + number % 100], device_id=1)
            self.every(0.1, deed)

    def poll_cells(self):
        with self.client() as client:
            client.connect()
            address = self.cells_at(client)
            units = self.units()
            self.every(self.cells_every_s,
                       lambda: client.read_holding_registers(address, count=20, device_id=next(units)))

    @staticmethod
    def cells_at(client):
        """Where the cells of the first module begin: behind the head of the first SunSpec model 805."""
        address = 40_002
        while True:
            model, length = client.read_holding_registers(address, count=2, device_id=1).registers
            if model == 805:
                return address + 2
            assert model != 0xFFFF, "the chain has no model 805"
            address += 2 + length


class MachineEnough(Machine):
    cores, cells_every_s = 0.5, 20


class Flood(Limited):
    """Clients who send requests over Modbus as fast as they are answered, two hundred at once."""

    cores, n_clients, rest_s = 0.05, 30, 0
    lasts_s = 12 * 60

    def limit(self):
        self.cgroup.limit_cpu(self.cores)

    def outside(self):
        return [self.flood] * self.n_clients

    def flood(self):
        # Function 3: a hundred registers.
        n = 200
        asked = b"".join(bytes((i >> 8, i & 255, 0, 0, 0, 6, 1, 3, 0, 0, 0, 100)) for i in range(n))
        while not self.over.wait(1):
            with contextlib.suppress(OSError), self.connect() as stream:
                if not self.rest_s:
                    # So that there is always a request that waits.
                    stream.sendall(asked)
                while not self.over.wait(self.rest_s):
                    stream.sendall(asked)
                    due = n * (9 + 200)
                    while due > 0:
                        said = stream.recv(min(due, 1 << 16))
                        if not said:
                            raise OSError("the farm has closed the connection")
                        due -= len(said)


class FloodLittle(Flood):
    """They rest for two seconds after each two hundred, and the machine has more for them."""

    cores, rest_s = 0.2, 2


class Memory(Limited):
    """Hardly more memory than it takes."""

    controller = "memory"
    takes = 0.95
    lasts_s = 240

    def limit(self):
        with open(f"/proc/{self.farm.process.pid}/status", encoding="utf-8") as file:
            kib = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        self.cgroup.limit_memory(kib * 1024 / self.takes)


class MemoryEnough(Memory):
    takes = 0.8


class Behind(Play):
    """Behind a link that takes its time: Prometheus waits for each answer."""

    interval_s = 10
    late_s = 2.5
    lasts_s = 240

    def start(self):
        super().start()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.door_port = self.door.getsockname()[1]

    def targets(self):
        return {"static_configs": [self.group(self.door_port)]}

    def outside(self):
        return (self.pass_on,)

    def pass_on(self):
        with self.door:
            self.door.settimeout(1)
            while not self.over.is_set():
                with contextlib.suppress(TimeoutError):
                    stream, _ = self.door.accept()
                    threading.Thread(target=self.carry, args=(stream,), daemon=True).start()

    def carry(self, asker):
        """Each direction by itself; what the farm says comes late."""
        farm_at = ("127.0.0.1", self.metrics_port)
        with asker, contextlib.suppress(OSError), socket.create_connection(farm_at) as farm:
            def ask():
                with contextlib.suppress(OSError):
                    while said := asker.recv(1 << 16):
                        # The answer to a new request, not to what is still under way.
                        late.set()
                        farm.sendall(said)
                    farm.shutdown(socket.SHUT_WR)
            late = threading.Event()
            threading.Thread(target=ask, daemon=True).start()
            while said := farm.recv(1 << 16):
                if late.is_set():
                    late.clear()
                    self.over.wait(self.late_s)
                asker.sendall(said)


class BehindLittle(Behind):
    late_s = 1.5


class Lost(Play):
    """Whoever tells Prometheus where farms are has lost all of them."""

    alone = True
    away_s = 3600
    lasts_s = 8 * 60

    @property
    def list(self):
        return os.path.join(self.folder, "targets.json")

    def tell(self, groups):
        with open(self.list + ".new", "w", encoding="utf-8") as file:
            json.dump(groups, file)
        os.replace(self.list + ".new", self.list)

    def targets(self):
        self.tell([self.group(self.metrics_port)])
        return {"file_sd_configs": [{"files": [self.list], "refresh_interval": "5s"}]}

    def outside(self):
        return (self.lose,)

    def lose(self):
        if not self.over.wait(30):
            self.tell([])
            self.over.wait(self.away_s)
            self.tell([self.group(self.metrics_port)])


class LostShortly(Lost):
    away_s = 180


class Refused(Play):
    """Somebody sets the power of two units, of which one is under local control."""

    # Of so many writes one is to the unit under local control.
    one_of = 3
    lasts_s = 13 * 60

    def outside(self):
        return (self.set_units,)

    def set_units(self):
        number = 0

        def deed():
            nonlocal number
            number += 1
            unit = 2 if number % self.one_of == 0 else 1
            self.ask("PUT", f"/units/{unit}/setpoint", {"active_power_w": 10_000 + number % 100})
        self.every(1, deed)


class RefusedFew(Refused):
    one_of = 6


class StateGone(Play):
    """Somebody takes the folder with the farm's state away, each time just when a checkpoint was written."""

    every_s, away_s = 1, 3600
    lasts_s = 5 * 60
    n_taken = 0

    @property
    def state(self):
        return os.path.join(self.folder, "state")

    def start(self):
        self.flags = ("--state", self.state, "--checkpoint-every", f"{self.every_s}s")
        super().start()

    def outside(self):
        return (self.take_away,)

    def checkpoints(self):
        return {name for name in os.listdir(self.state) if name.endswith(".bess")}

    def take_away(self):
        if self.over.wait(20):
            return
        seen = self.checkpoints()
        while not self.over.wait(0.1):
            new = self.checkpoints() - seen
            if new:
                seen |= new
                self.n_taken += 1
                os.rename(self.state, self.state + "-away")
                self.over.wait(self.away_s)
                os.rename(self.state + "-away", self.state)


class StateAwayShortly(StateGone):
    """It is back long before the next one is due."""

    every_s, away_s = 60, 20

    def verdict(self):
        # One was written after it had been away.
        return super().verdict() if self.n_taken > 1 else "failed"


class Shards(Play):
    """A farm in two shards, which are one job; something happens to the second one."""

    second, second_port = None, 0

    def start(self):
        self.flags = self.shard(0)
        super().start()
        self.start_second(self.farm_file())

    @staticmethod
    def shard(number):
        return ("--units-per-shard", "1", "--shard", str(number))

    def start_second(self, farm):
        self.second = self.serve(farm, self.shard(1), self.second_port)
        self.second_port = self.second.endpoints["metrics"]["port"]

    def stop_second(self):
        if self.second:
            self.second.stop()
            self.second = None

    def targets(self):
        return {"static_configs": [self.group(port) for port in (self.metrics_port, self.second_port)]}

    def stop(self):
        super().stop()
        self.stop_second()

    def verdict(self):
        """The worse of the two."""
        verdicts = [self.verdict_of(farm) for farm in (self.farm, self.second) if farm]
        return next((verdict for verdict in verdicts if verdict != "passed"), "passed")


class ShardGone(Shards):
    """It is stopped, and nobody starts it again."""

    away_s = 3600
    lasts_s = 6 * 60

    def outside(self):
        return (self.lose,)

    def lose(self):
        if self.over.wait(20):
            return
        self.stop_second()
        if not self.over.wait(self.away_s):
            self.start_second(self.farm_file())


class ShardAwayShortly(ShardGone):
    away_s = 90

    def verdict(self):
        # It is there again.
        return super().verdict() if self.second else "failed"


class RolloutStuck(Shards):
    """It was left out when the farm got a farm file with larger converters."""

    left_out_s = 3600
    lasts_s = 18 * 60

    def start_second(self, farm):
        if not self.second_port:
            with open(farm, encoding="utf-8") as file:
                text = file.read()
            farm = os.path.join(self.folder, "old.toml")
            with open(farm, "w", encoding="utf-8") as file:
                file.write(text.replace("rated_power_kw = 400", "rated_power_kw = 380"))
        super().start_second(farm)

    def outside(self):
        return (self.go_on,)

    def go_on(self):
        if not self.over.wait(self.left_out_s):
            self.stop_second()
            self.start_second(self.farm_file())


class RolloutSlow(RolloutStuck):
    left_out_s = 12 * 60

    def verdict(self):
        # It has been started anew.
        return super().verdict() if self.second else "failed"


PLAYS = {
    "machine-too-small": Machine, "machine-just-enough": MachineEnough, "clients-flood": Flood,
    "clients-flood-a-little": FloodLittle, "memory-short": Memory, "memory-enough": MemoryEnough,
    "scrapes-slow": Behind, "scrapes-a-little-slow": BehindLittle, "targets-lost": Lost, "targets-lost-shortly": LostShortly,
    "writes-refused": Refused, "writes-few-refused": RefusedFew, "state-folder-gone": StateGone,
    "state-folder-away-shortly": StateAwayShortly, "shard-gone": ShardGone, "shard-away-shortly": ShardAwayShortly,
    "rollout-stuck": RolloutStuck, "rollout-slow": RolloutSlow,
}
