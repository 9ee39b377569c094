"""bess as a service of a machine without containers: what the unit starts, under a service manager's eyes; the rotation
of its files; tokens that are rotated as docs/operations/rotate-tokens.md says; pm2."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from common import (HOST, NODE, PACKAGING, ROOT, Process, ask, binary, environment, environment_file, free_port, is_ready,
                    run, said, unit, until)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bess-service-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.rest = free_port()
        self.ports = {"BESS_API_PORT": self.rest, "BESS_MODBUS_PORT": free_port(), "BESS_METRICS_PORT": free_port()}

    def start(self, command, **more):
        process = Process(command, self.folder, env=environment(**self.ports, **more))
        self.addCleanup(process.stop)
        return process

    def url(self, path):
        return f"http://{HOST}:{self.rest}{path}"


class Manager:
    """The socket of a service manager."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.said = []

    def hear(self, word, limit_s):
        """Waits until somebody says the word; how often it was said so far."""
        deadline = time.monotonic() + limit_s
        while word not in self.said:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                self.said += self.socket.recv(4096).decode().splitlines()
            except TimeoutError:
                raise AssertionError(f"{word} was not said within {limit_s} s, but {self.said}") from None
        return self.said.count(word)

    def forget(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
        except BlockingIOError:
            self.said = []


class Unit(Case):
    def command(self):
        """What the unit starts, its folders put into one that is there."""
        lines = unit()
        words = lines["ExecStart"][0].split()
        self.assertEqual(words[0], "/opt/bess/current/bin/bess")
        values = dict(line.split("=", 1) for line in lines["Environment"])
        values |= environment_file(PACKAGING / "systemd" / "bess.env")
        for folder in ("lib/bess", "log/bess"):
            (self.folder / folder).mkdir(parents=True)
        values = {name: value.replace("%S", str(self.folder / "lib")).replace("/var/log", str(self.folder / "log"))
                  for name, value in values.items()}
        return [binary(), *words[1:]], values

    def test_it_says_when_it_is_ready_and_that_its_loop_lives_and_that_it_stops(self):
        manager = Manager(self.folder)
        self.addCleanup(manager.socket.close)
        command, values = self.command()
        process = self.start(command, **values, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC=2_000_000)
        manager.hear("READY=1", 60)
        self.assertTrue(is_ready(self.rest), "it says so when it is")
        for _ in range(3):
            manager.forget()
            manager.hear("WATCHDOG=1", 2)
        # A farm that is paused lives too.
        self.assertEqual(ask(self.url("/api/v1/clock"), "PATCH", {"mode": "paused"})[0], 200)
        time.sleep(0.5)
        manager.forget()
        manager.hear("WATCHDOG=1", 2)
        manager.forget()
        process.process.send_signal(getattr(signal, unit()["KillSignal"][0]))
        manager.hear("STOPPING=1", 10)
        self.assertEqual(process.process.wait(30), 0)
        self.assertTrue((self.folder / "log" / "bess" / "audit.jsonl").stat().st_size > 0)

    def test_a_process_that_is_stopped_is_not_said_to_live(self):
        manager = Manager(self.folder)
        self.addCleanup(manager.socket.close)
        command, values = self.command()
        process = self.start(command, **values, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC=2_000_000)
        manager.hear("WATCHDOG=1", 60)
        process.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(0.2)
            manager.forget()
            with self.assertRaises(AssertionError):
                manager.hear("WATCHDOG=1", 2.5)
        finally:
            process.process.send_signal(signal.SIGCONT)


class Rotation(Case):
    def test_the_audit_is_rotated_under_a_farm_that_writes(self):
        audit = self.folder / "audit.jsonl"
        process = self.start([binary(), "serve", "--audit", audit])
        process.until(lambda: is_ready(self.rest), "the farm")

        def write(power_w):
            answer = ask(self.url("/api/v1/units/1/setpoint"), "PUT", {"active_power_w": power_w})
            self.assertEqual(answer[0], 200, answer)

        def records(path):
            return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        write(1000)
        until(lambda: len(records(audit)) == 1, "the first record")
        text = (PACKAGING / "systemd" / "bess.logrotate").read_text()
        text = text.replace("/var/log/bess/audit.jsonl", str(audit)).replace("    su bess bess\n", "")
        # One folder for all, and nothing pressed, so that it can be read at once.
        config = self.folder / "logrotate.conf"
        config.write_text(text)
        config.chmod(0o644)
        ran = run("logrotate", "--debug", config)
        self.assertEqual(ran.returncode, 0, said(ran))
        self.assertNotIn("error", ran.stderr.lower(), said(ran))
        ran = run("logrotate", "--force", "--state", self.folder / "state", config)
        self.assertEqual(ran.returncode, 0, said(ran))
        write(2000)
        until(lambda: len(records(audit)) == 1, "the record after the rotation")
        old = [path for path in self.folder.glob("audit.jsonl-*")]
        self.assertEqual(len(old), 1, old)
        self.assertEqual(len(records(old[0])), 1)
        self.assertNotEqual(records(old[0]), records(audit))
        self.assertEqual(process.stop(), 0)


class Tokens(Case):
    """docs/operations/rotate-tokens.md, step by step: its commands are what is run."""
    PAGE = ROOT / "docs" / "operations" / "rotate-tokens.md"

    def steps(self):
        """The commands of each step of the page."""
        text = self.PAGE.read_text(encoding="utf-8")
        parts = re.split(r"^## \d+\. ", text, flags=re.MULTILINE)[1:]
        return [[line for block in re.findall(r"```sh\n(.*?)```", part, re.DOTALL) for line in block.splitlines() if line]
                for part in parts]

    def shell(self, lines, **more):
        """Runs lines of the page with the paths of this farm; their output."""
        text = "\n".join(lines).replace("/etc/bess", str(self.folder)).replace("127.0.0.1:8000", f"{HOST}:{self.rest}")
        text = text.replace("sudo ", "").replace("systemctl reload bess", f"kill -HUP {self.process.process.pid}")
        path = self.folder / "bin"
        if not path.exists():
            path.mkdir()
            (path / "bess").symlink_to(binary())
        env = environment(**more)
        env["PATH"] = f"{path}:{env['PATH']}"
        ran = run("bash", "-euo", "pipefail", "-c", text, cwd=self.folder, env=env)
        self.assertEqual(ran.returncode, 0, said(ran))
        return ran.stdout

    def status(self, token):
        return ask(self.url("/api/v1/farm"), token=token)[0]

    def test_a_token_is_rotated_while_the_farm_serves_and_no_client_is_turned_away(self):
        tokens = self.folder / "tokens.toml"
        made = run(binary(), "token", "new", "--name", "ems-1", "--role", "operator", "--append", tokens)
        self.assertEqual(made.returncode, 0, said(made))
        old = made.stdout.strip()
        self.process = self.start([binary(), "serve", "--tokens", tokens])
        self.process.until(lambda: is_ready(self.rest), "the farm")
        self.assertEqual((self.status(old), self.status(None)), (200, 401))
        add, give, see, remove, after = self.steps()

        new = re.search(r"bess_\S+", self.shell(add))[0]
        self.assertNotEqual(new, old)
        until(lambda: self.status(new) == 200, "the new token", 10)
        self.assertEqual(self.status(old), 200, "both are good")
        self.shell(give, BESS_TOKEN=new)
        self.assertEqual(ask(self.url("/api/v1/units/1/setpoint"), "PUT", {"active_power_w": 1.0}, new)[0], 200)
        self.assertIn("ems-1b", self.shell(see, BESS_TOKEN=new))
        self.shell(remove)
        until(lambda: self.status(old) == 401, "the end of the old token", 10)
        self.assertEqual(self.status(new), 200)
        self.shell(after, BESS_TOKEN=new)
        # A file that is not good changes nothing.
        tokens.write_text(tokens.read_text() + "[[tokens]]\nname = 5\n")
        time.sleep(3)
        self.assertEqual((self.status(new), self.status(old)), (200, 401))
        self.assertIn("stay as they were", self.process.log.read_text())
        self.assertEqual(self.process.stop(), 0)


class Pm2(Case):
    def pm2(self, *words):
        home = self.folder / "farm"
        home.mkdir(exist_ok=True)
        env = environment(**self.ports, PM2_HOME=self.folder / "pm2", BESS_BIN=binary(), BESS_HOME=home)
        ran = subprocess.run(["node", str(NODE / "pm2" / "bin" / "pm2"), *map(str, words)], env=env, capture_output=True,
                             text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, said(ran))
        return ran.stdout

    def pid(self):
        found = json.loads(self.pm2("jlist")[self.pm2("jlist").index("["):])
        return found[0]["pid"]

    def test_pm2_starts_it_again_after_a_kill_and_stops_it_gently(self):
        shutil.copy(PACKAGING / "pm2" / "bess.config.cjs", self.folder)
        self.addCleanup(lambda: self.pm2("kill"))
        self.pm2("start", self.folder / "bess.config.cjs")
        until(lambda: is_ready(self.rest), "the farm")
        first = self.pid()
        os.kill(first, signal.SIGKILL)
        until(lambda: not is_ready(self.rest) or self.pid() != first, "the end of the first")
        until(lambda: is_ready(self.rest) and self.pid() not in (0, first), "the second")
        self.pm2("stop", "bess")
        self.assertEqual(ask(self.url("/healthz"))[0], 0)
        self.assertIn('"stopped"', (self.folder / "farm" / "bess.log").read_text())


if __name__ == "__main__":
    unittest.main()
