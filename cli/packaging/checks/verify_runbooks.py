"""The runbooks for state, step by step: what docs/operations/{upgrade,restore,reshard}.md tell to type is what is typed.
(rotate-tokens.md is in verify_service.py.) The release before and the one after are two builds of this tree, the one of
`make build` and the static one of the image; files of other versions are in cli/tests/checkpoints."""

import json
import pathlib
import re
import shlex
import tempfile
import time
import unittest

from common import HOST, ROOT, Process, ask, binary, environment, free_port, image_binary, is_ready, run, said, until

GOES_ON = "the farm goes on from a checkpoint"


class Page:
    """A runbook: the commands of each step of each part."""

    def __init__(self, name):
        text = (ROOT / "docs" / "operations" / f"{name}.md").read_text(encoding="utf-8")
        self.parts = {}
        for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
            title, _, body = part.partition("\n")
            steps = re.split(r"^(?:\d+\.|-) ", body, flags=re.MULTILINE)[1:]
            self.parts[title] = [re.findall(r"`(bess [^`]+)`", step) for step in steps]

    def only(self, title, step):
        """The one command of a step, counted from 1."""
        (command,) = self.parts[title][step - 1]
        return command


class Farm:
    """A process of a farm, or the gateway of one; ready when this returns."""

    def __init__(self, case, program, *words):
        self.rest = free_port()
        ports = {"BESS_API_PORT": self.rest, "BESS_MODBUS_PORT": free_port(), "BESS_METRICS_PORT": free_port()}
        folder = pathlib.Path(tempfile.mkdtemp(dir=case.folder))
        self.process = Process([program, *words], folder, env=environment(**ports), cwd=case.folder)
        case.addCleanup(self.process.stop)
        self.api = f"http://{HOST}:{self.rest}"
        self.process.until(lambda: is_ready(self.rest), f"{words[0]} on {self.rest}")

    def get(self, path):
        status, text = ask(f"{self.api}/api/v1{path}")
        assert status == 200, f"{path}: {status} {text}"
        return json.loads(text)

    def log(self):
        return self.process.log.read_text(encoding="utf-8")

    def end(self):
        """A stop as the runbooks want it."""
        code = self.process.stop()
        assert code == 0, f"exit code {code}:\n{self.log()}"


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bess-runbook-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        init = run(binary(), "farm", "init")
        text = init.stdout.replace("count = 10", "count = 4").replace("racks = 12", "racks = 1")
        self.assertIn("count = 4", text)
        (self.folder / "farm.toml").write_text(text, encoding="utf-8")

    def serve(self, program=None, *words, state="state"):
        return Farm(self, program or binary(), "serve", "--farm", "farm.toml", "--state", state, "--checkpoint-every",
                    "200ms", *words)

    def type(self, command, *changes, program=None, farm=None, code=0):
        """Types a command of a page with the names of here; its output."""
        for old, new in changes:
            self.assertIn(old, command)
            command = command.replace(old, str(new))
        words = shlex.split(command)
        self.assertEqual(words[0], "bess")
        more = {"BESS_API": farm.api} if farm else {}
        ran = run(program or binary(), *words[1:], cwd=self.folder, env=environment(**more))
        self.assertEqual(ran.returncode, code, said(ran))
        return ran.stdout if code == 0 else ran.stderr

    def set(self, farm, unit, power_w):
        status, text = ask(f"{farm.api}/api/v1/units/{unit}/setpoint", "PUT", {"active_power_w": power_w})
        self.assertEqual(status, 200, text)

    def setpoint(self, farm, unit):
        return farm.get(f"/units/{unit}")["setpoint"]["active_power_w"]

    def checkpoints(self, state="state"):
        """The newest first."""
        return sorted((self.folder / state).glob("checkpoint-*.bess"), reverse=True)

    def saved(self, farm):
        """Waits for a checkpoint of what is so now."""
        tick = farm.get("/clock")["tick"]
        until(lambda: any(int(re.search(r"\d+", path.name)[0]) > tick for path in self.checkpoints()), "a checkpoint")


class Upgrade(Case):
    def test_a_farm_is_upgraded_and_taken_back(self):
        page, new = Page("upgrade"), image_binary()
        backup = [("DIR", "state"), ("FILE", "backup.bess")]
        farm = self.serve()
        self.set(farm, 1, 50_000.0)
        self.saved(farm)
        self.type(page.only("Before", 2), *backup)
        self.assertIn("it holds", self.type(page.only("Before", 3), ("FILE", "backup.bess"), program=new))
        self.type(page.only("Before", 4), ("FILE", "farm.toml"), program=new)

        listed, alarms, restored = page.parts["Upgrade"][2]
        before = [unit["state"] for unit in farm.get("/units")["units"]], self.type(alarms, farm=farm)
        reached = farm.get("/clock")["tick"]
        farm.end()
        farm = self.serve(new)
        self.assertIn(GOES_ON, farm.log())
        self.assertGreaterEqual(farm.get("/clock")["tick"], reached)
        self.assertEqual(self.setpoint(farm, 1), 50_000.0)
        self.type(listed, farm=farm)
        self.assertEqual(([unit["state"] for unit in farm.get("/units")["units"]], self.type(alarms, farm=farm)), before)
        self.assertIn("restored", self.type(restored, farm=farm))

        # Back, with what the new one wrote; then with the backup.
        self.set(farm, 1, 70_000.0)
        farm.end()
        farm = self.serve()
        self.assertEqual(self.setpoint(farm, 1), 70_000.0)
        farm.end()
        self.type(page.only("Back", 2), *backup)
        self.assertTrue(list((self.folder / "state" / "before-restore-1").iterdir()))
        farm = self.serve()
        self.assertEqual(self.setpoint(farm, 1), 50_000.0)
        farm.end()


class Restore(Case):
    DAMAGED = "The farm does not start: the checkpoint is damaged"

    def test_a_damaged_checkpoint_costs_the_time_since_the_one_before(self):
        page = Page("restore")
        farm = self.serve()
        self.set(farm, 2, 30_000.0)
        self.saved(farm)
        farm.end()
        newest, before, *_ = self.checkpoints()
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
        ran = run(binary(), "serve", "--farm", "farm.toml", "--state", "state", cwd=self.folder,
                  env=environment(BESS_API_PORT=0, BESS_MODBUS_PORT=0, BESS_METRICS_PORT=0))
        self.assertEqual(ran.returncode, 2, said(ran))
        self.assertIn(newest.name, ran.stderr)
        self.assertEqual(newest.read_bytes(), content, "nothing was changed")
        show = page.only(self.DAMAGED, 1)
        self.assertIn("damaged", self.type(show, ("FILE", newest), code=2))
        self.assertIn("it holds", self.type(show, ("FILE", before)))
        text = (ROOT / "docs" / "operations" / "restore.md").read_text()
        flag = re.search(r"start with `(--state-ignore-corrupt)`", text)[1]
        farm = self.serve(None, flag)
        self.assertTrue(newest.with_name(newest.name + ".corrupt").exists())
        self.assertEqual(self.setpoint(farm, 2), 30_000.0)
        farm.end()

    def test_a_backup_is_made_while_the_farm_runs_and_brought_back_when_it_does_not(self):
        page, backup = Page("restore"), [("DIR", "state"), ("FILE", "backup.bess")]
        bring = "Bring a backup back"
        farm = self.serve()
        self.set(farm, 3, 20_000.0)
        self.saved(farm)
        command = page.only("Backup", 1)
        self.type(command, *backup)
        self.assertIn("is there already", self.type(command, *backup, code=2))
        self.set(farm, 3, 90_000.0)
        gentle, forced = page.parts[bring][2]
        names = [("FILE", "backup.bess"), ("DIR", "state")]
        self.assertIn("another bess process", self.type(forced, *names, code=2))
        farm.end()
        self.assertIn("it holds", self.type(page.only(bring, 2), ("FILE", "backup.bess")))
        self.assertIn("--force", self.type(gentle, *names, code=2))
        n_before = len(self.checkpoints())
        self.type(forced, *names)
        self.assertEqual(len(list((self.folder / "state" / "before-restore-1").iterdir())), n_before)
        farm = self.serve()
        self.assertIn(GOES_ON, farm.log())
        self.assertEqual(self.setpoint(farm, 3), 20_000.0)
        farm.end()


class Reshard(Case):
    """Two shards of two units become four of one, before a gateway, and the old ones stay the way back."""

    def shards(self, name, n, size):
        return [self.serve(None, "--units-per-shard", size, "--shard", index, state=f"{name}-{index}")
                for index in range(n)]

    def gateway(self, shards, size):
        farm = Farm(self, binary(), "gateway", "--farm", "farm.toml", "--units-per-shard", size, "--shard-url",
                    ",".join(shard.api for shard in shards))
        until(lambda: all(shard["up"] for shard in farm.get("/shards")["shards"]), "every shard")
        return farm

    def seen(self, farm):
        """What an operator compares."""
        keep = ("number", "name", "state", "setpoint", "ac", "dc", "alarms")
        return [{name: unit[name] for name in keep} for unit in farm.get("/units")["units"]]

    def test_a_farm_that_runs_gets_shards_of_another_size(self):
        page = Page("reshard")
        shards = self.shards("state", 2, 2)
        gateway = self.gateway(shards, 2)
        for unit in range(1, 5):
            self.set(gateway, unit, 10_000.0 * unit)
        url = ("URL-OF-THE-GATEWAY", gateway.api)
        until(lambda: all(shard.get("/clock")["tick"] > 20 for shard in shards), "some ticks")
        for index, shard in enumerate(shards):
            self.type(page.only("Before", 1), ("DIR", f"state-{index}"), ("FILE", f"backup-{index}.bess"))
        pause, = page.parts["Cut"][0]
        self.type(pause, url)
        show, step = page.parts["Cut"][1]
        time.sleep(0.3)
        ticks = [shard.get("/clock")["tick"] for shard in shards]
        for shard, tick in zip(shards, ticks):
            self.assertIn(f"{tick}", self.type(show, ("URL", shard.api)).replace(",", "").replace(" ", ""))
            if tick < max(ticks):
                self.type(step, ("N", max(ticks) - tick), ("URL", shard.api))
        self.assertEqual({shard.get("/clock")["tick"] for shard in shards}, {max(ticks)})
        before = self.seen(gateway)
        self.assertEqual([unit["setpoint"]["active_power_w"] for unit in before], [10e3, 20e3, 30e3, 40e3])
        gateway.end()
        for shard in shards:
            shard.end()

        cut, = page.parts["Cut"][3]
        self.type(cut, ("units-per-shard K", "units-per-shard 1"))
        shards = self.shards("new", 4, 1)
        gateway = self.gateway(shards, 1)
        self.assertEqual(self.seen(gateway), before)
        self.assertEqual({shard.get("/clock")["tick"] for shard in shards}, {max(ticks)}, "they are paused")
        resume, = page.parts["Cut"][4]
        self.type(resume, ("URL-OF-THE-GATEWAY", gateway.api))
        until(lambda: all(shard.get("/clock")["tick"] > max(ticks) for shard in shards), "ticks of the new shards")
        for command in page.parts["Cut"][5]:
            self.type(command, farm=gateway)
        gateway.end()
        for shard in shards:
            shard.end()

        # Back.
        shards = self.shards("state", 2, 2)
        gateway = self.gateway(shards, 2)
        self.assertEqual(self.seen(gateway), before)
        gateway.end()
        for shard in shards:
            shard.end()


if __name__ == "__main__":
    unittest.main()
