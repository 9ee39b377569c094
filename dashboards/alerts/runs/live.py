"""Scenarios in wall time: what the process, its loop and its clients do can only be seen live.

Small farms at a speed of 1 (where a run says nothing else) play their scenarios beside each other. What belongs to a
scenario and is not of the farm, its clients and whoever stops it, is here. One Prometheus scrapes all of them and
evaluates the real rules, with a job for each.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import observe
from farm import binary
from pymodbus.client import ModbusTcpClient

from . import host, repeated
from .play import INTERVAL_S, PATIENCE_S, LeftOut, Play
from .prometheus import FILES


class WithClients(Play):
    """With the built-in EMS, and readers and writers over REST."""

    ems = True
    lasts_s = 18 * 60 + 30

    # Whatever happens at the begin is no part of what goes on.
    steady_s = 150

    def outside(self):
        return self.reads, self.writes


class LoopStalls(WithClients):
    """More requests than the loop has room for while it stands still."""

    n_clients = 1_300

    def outside(self):
        return self.reads, self.writes, self.crowd

    def crowd(self):
        """Each has a connection and writes once, ten seconds into the long stall."""
        if self.over.wait(40):
            return
        asyncio.run(self._crowd())

    async def _crowd(self):
        async def one(number):
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                reader, writer = await asyncio.wait_for(asyncio.open_connection(self.farm.host, self.farm.port), PATIENCE_S)
                # Function 16: two registers from 80 on, the setpoint of the compact map.
                writer.write(bytes((number >> 8, number & 255, 0, 0, 0, 11, 1, 16, 0, 80, 0, 2, 4, 0, 0, 0, number & 255)))
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(reader.read(64), PATIENCE_S)
                writer.close()
        await asyncio.gather(*(one(number) for number in range(self.n_clients)))


class AtSpeed(Play):
    flags = ("--speed", "4")
    lasts_s = 12 * 60


class PausedShortly(AtSpeed):
    """Somebody pauses the clock for three minutes."""

    def outside(self):
        return (self.pause,)

    def pause(self):
        if not self.over.wait(30):
            self.ask("PATCH", "/clock", {"mode": "paused"})
            self.over.wait(180)
            self.ask("PATCH", "/clock", {"mode": "running"})


class Paused(Play):
    """Somebody pauses the clock, and goes home."""

    lasts_s = 32 * 60

    def outside(self):
        return (self.pause,)

    def pause(self):
        if not self.over.wait(20):
            self.ask("PATCH", "/clock", {"mode": "paused"})


class Attended(Play):
    """With the built-in EMS."""

    ems = True
    lasts_s = 12 * 60


class EmsGone(Attended):
    lasts_s = 9 * 60


class Truncated(Play):
    """Series of single units are for smaller farms."""

    flags = ("--metrics-units", "1")
    lasts_s = 16 * 60


class Kept(Truncated):
    flags = ("--metrics-units", "2")


MODBUS = """
[[modbus.listeners]]
name = "plain"
port = 0
max_connections = {limit}

[[modbus.listeners]]
name = "secure"
port = {secure}
max_connections = 2

[modbus.listeners.tls]
certificate = "certs/server.pem"
key = "certs/server.key"
client_ca = "certs/ca.pem"
"""


class Crowd(Play):
    """Clients over Modbus: so many who stay, so many who come beside them, who talk nonsense, who know no TLS."""

    limit = 40
    stay, more, nonsense, strangers = 38, 10, 60, 10
    lasts_s = 420

    def start(self):
        subprocess.run([binary(), "certs", "--out", os.path.join(self.folder, "certs")], check=True, capture_output=True)
        self.secure = observe.free_port()
        path = os.path.join(self.folder, "modbus.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(MODBUS.format(limit=self.limit, secure=self.secure))
        self.flags = ("--modbus", path)
        super().start()

    def outside(self):
        return self.stand, self.come, self.babble, self.knock

    def stand(self):
        """They read now and then."""
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(contextlib.closing(ModbusTcpClient(self.farm.host, port=self.farm.port)))
                       for _ in range(self.stay)]
            for client in clients:
                client.connect()
            self.every(10, lambda: [client.read_holding_registers(0, count=2, device_id=1) for client in clients])

    def come(self):
        """They come all at once, and go after ten seconds."""
        if self.over.wait(60):
            return
        with contextlib.ExitStack() as stack:
            for _ in range(self.more):
                with contextlib.suppress(OSError):
                    stack.enter_context(self.connect())
            self.over.wait(10)

    def babble(self):
        """One after the other says what is no Modbus."""
        for _ in range(self.nonsense):
            if self.over.wait(3):
                return
            with contextlib.suppress(OSError), self.connect() as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\nhost: farm\r\n\r\n")
                stranger.recv(64)

    def knock(self):
        for _ in range(self.strangers):
            if self.over.wait(2):
                return
            with contextlib.suppress(OSError), self.connect(self.secure) as stranger:
                stranger.sendall(bytes((0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2)))
                stranger.recv(64)


class Few(Crowd):
    stay, more, nonsense, strangers = 30, 3, 5, 3


class Rest(Play):
    """Clients over REST: who has no token, who asks too often, who has streams, who does not read theirs."""

    limit_per_s = 20
    unknown_per_s, asks_per_s, streams, sleepers = 2.0, 25, 91, 8
    lasts_s = 420

    def start(self):
        path = os.path.join(self.folder, "tokens.toml")
        self.token, self.token_of_streams = [self.token_in(path, name) for name in ("board", "screens")]
        self.flags = ("--tokens", path, "--rate-limit", str(self.limit_per_s))
        super().start()

    @staticmethod
    def token_in(path, name):
        said = subprocess.run([binary(), "token", "new", "--name", name, "--role", "viewer", "--append", path],
                              check=True, capture_output=True, text=True).stdout
        return next(word for line in said.splitlines() for word in line.split() if len(word) > 30)

    def outside(self):
        return self.guess, self.hurry, self.hurry, self.watch

    def guess(self):
        self.every(1 / self.unknown_per_s, lambda: self.ask("GET", "/farm", token="guessed"))

    def hurry(self):
        self.every(1 / self.asks_per_s, lambda: self.ask("GET", "/farm", token=self.token))

    def watch(self):
        """Streams from as many addresses as there are streams, so that nobody asks too often."""
        api = self.farm.endpoints["api"]
        with contextlib.ExitStack() as stack:
            awake = []
            for number in range(self.streams + self.sleepers):
                if self.over.wait(0.3):
                    return
                with contextlib.suppress(OSError):
                    one = stack.enter_context(socket.socket())
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    one.bind((f"127.0.0.{10 + number}", 0))
                    one.connect((api["host"], api["port"]))
                    what = "?units=true&rate_hz=10" if number < self.sleepers else "?rate_hz=0.2"
                    one.sendall(f"GET /api/v1/stream{what} HTTP/1.1\r\nhost: farm\r\n"
                                f"authorization: Bearer {self.token_of_streams}\r\n\r\n".encode())
                    if number >= self.sleepers:
                        one.setblocking(False)
                        awake.append(one)
            while not self.over.wait(0.5):
                for one in awake:
                    with contextlib.suppress(OSError):
                        one.recv(1 << 16)


class RestFew(Rest):
    unknown_per_s, asks_per_s, streams, sleepers = 0.2, 3, 70, 3


class Descriptors(Play):
    """Nobody gave the process more than a few descriptors: clients take nearly all of them, and then the rest.

    Without one left the process cannot count them either, so it is seen in time or not at all.
    """

    n_descriptors, takes = 100, 0.94
    # Then they come and go, for so many seconds: the process tells of each time that it can accept nobody.
    stays_s = (60, *[5] * 8)
    lasts_s = 300

    def outside(self):
        return self.take, self.look

    def look(self):
        """Somebody for whom there is no descriptor left."""
        self.every(2, lambda: self.ask("GET", "/farm"))

    def take(self):
        pid = self.farm.process.pid
        if self.over.wait(20):
            return
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (self.n_descriptors, self.n_descriptors))
        with contextlib.ExitStack() as stack:
            while len(os.listdir(f"/proc/{pid}/fd")) < self.takes * self.n_descriptors:
                stack.enter_context(self.connect())
                time.sleep(0.02)
            if self.over.wait(90):
                return
            for stay_s in self.stays_s:
                with contextlib.ExitStack() as rest:
                    for _ in range(20):
                        with contextlib.suppress(OSError):
                            rest.enter_context(self.connect())
                    self.over.wait(stay_s)
                if self.over.wait(3):
                    return


class DescriptorsOnce(Descriptors):
    stays_s = (60,)


class DescriptorsEnough(Descriptors):
    takes, stays_s = 0.85, ()


class Restarts(Play):
    """The process is killed and started again, on the same port for metrics."""

    n_restarts = 4
    away_s = 3
    lasts_s = 240

    def outside(self):
        return (self.restart,)

    def restart(self):
        for _ in range(self.n_restarts):
            if self.over.wait(20):
                return
            self.farm.process.send_signal(signal.SIGKILL)
            self.stop()
            if self.over.wait(self.away_s):
                return
            self.start()
        if self.n_restarts > 1 and not self.over.wait(20):
            # And one day nobody starts it again.
            self.stop()


class RestartedOnce(Restarts):
    n_restarts, away_s = 1, 5


PLAYS = {
    "loop-stalls": LoopStalls, "loop-hiccups": WithClients, "loop-stumbles": WithClients, "loop-blinks": WithClients,
    "loop-stalls-at-speed": AtSpeed, "loop-keeps-speed": PausedShortly, "clock-paused": Paused, "links-slow": Attended,
    "links-a-little-slow": Attended, "ems-gone": EmsGone, "ems-away-shortly": EmsGone, "series-truncated": Truncated,
    "clients-crowd": Crowd, "clients-few": Few, "rest-clients-rude": Rest, "rest-clients-polite": RestFew,
    "descriptors-used-up": Descriptors, "descriptors-used-up-once": DescriptorsOnce, "descriptors-enough": DescriptorsEnough,
    "series-kept": Kept, "process-restarts": Restarts, "process-restarted-once": RestartedOnce,
    **host.PLAYS,
}


def prefer(pid):
    """What is judged by wall time goes before whatever else runs on this machine, where the kernel lets us."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/autogroup", "w", encoding="utf-8") as file:
        file.write("-12")


def watcher(folder, name, plays):
    """A Prometheus that scrapes all of them and evaluates the real rules."""
    config = {
        "global": {"evaluation_interval": f"{INTERVAL_S}s"},
        "rule_files": FILES,
        "scrape_configs": [{"job_name": "bess-" + play.name, "scrape_interval": f"{play.interval_s}s",
                            "scrape_timeout": f"{play.interval_s}s", **play.targets()} for play in plays],
    }
    path = os.path.join(folder, name + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    port = observe.free_port()
    url = f"http://{observe.HOST}:{port}"
    child = observe.Child(name, [
        observe.program("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={folder}/{name}",
        f"--web.listen-address={observe.HOST}:{port}"], folder)
    prefer(child.process.pid)
    child.until(lambda: observe.answers(f"{url}/-/ready"))
    return child, url


def fired(url, play, seconds):
    """Names of the alerts of a play that fired within the last seconds."""
    job = "" if play.alone else f',job="bess-{play.name}"'
    query = urllib.parse.urlencode({
        "query": f'count by (alertname) (max_over_time(ALERTS{{alertstate="firing"{job}}}[{seconds:.0f}s]))'})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=60) as answer:
        return {series["metric"]["alertname"] for series in json.load(answer)["data"]["result"]}


def able(names, folder):
    """Those that this machine can play."""
    for name in names:
        play = PLAYS[name](name, folder)
        try:
            play.check()
        except LeftOut as reason:
            print(f"{name} is left out, and what it came to before stays: {reason}", flush=True)
            continue
        yield play


def run(names, folder, say):
    """Plays these beside each other; what each came to."""
    prefer(os.getpid())
    plays = list(able(names, folder))
    results, recordings, threads, children = {}, [], [], []
    began = time.monotonic()
    try:
        for play in plays:
            play.start()
        urls = {}
        for name, watched in [("watcher", [play for play in plays if not play.alone]),
                              *[(play.name, [play]) for play in plays if play.alone]]:
            child, url = watcher(folder, name, watched)
            children.append(child)
            urls.update((play, url) for play in watched)
        for play in plays:
            for deed in play.outside():
                thread = threading.Thread(target=deed, name=f"{play.name}-{deed.__name__}", daemon=True)
                thread.start()
                threads.append(thread)
        waiting = sorted(plays, key=lambda play: play.lasts_s)
        for play in waiting:
            time.sleep(max(0, began + play.lasts_s - time.monotonic()))
            result = results[play.name] = {"verdict": None, "wall_s": play.lasts_s}
            with contextlib.suppress(OSError, AssertionError):
                result["verdict"] = play.verdict()
            result["raised"] = sorted(fired(urls[play], play, time.monotonic() - began + 30))
            if play.steady_s is not None:
                recordings.append(repeated.Recording(urls[play], play))
            say(play.name, result)
            play.over.set()
            if not isinstance(play, Restarts):
                play.stop()
    finally:
        for play in plays:
            play.over.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        for play in plays:
            play.stop()
        for child in children:
            child.stop()
    for job, names in (repeated.judge(recordings, folder) if recordings else {}).items():
        result = results[job.removeprefix("bess-")]
        result["raised"] = sorted({*result["raised"], *names})
        # Alerts that need hours were judged too.
        result["repeated_s"] = repeated.LASTS_S
    return results
