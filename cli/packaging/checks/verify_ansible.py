"""The role for bare machines, run against this one below a folder of its own: twice the same, an upgrade, a rollback, and
what it refuses. No systemd is told anything: the role looks whether it is there."""

import json
import os
import pathlib
import re
import tempfile
import unittest

from common import HOST, PACKAGING, VENV, Process, binary, environment, environment_file, free_port, is_ready, run, said, unit

ANSIBLE = PACKAGING / "ansible"


class Role(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bess-ansible-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.root = self.folder / "root"
        self.root.mkdir()
        self.farm = self.folder / "farm.toml"
        init = run(binary(), "farm", "init")
        self.farm.write_text(init.stdout.replace("count = 10", "count = 2"))
        made = run(binary(), "token", "new", "--name", "a", "--role", "viewer", "--append", self.folder / "tokens.toml")
        self.assertEqual(made.returncode, 0, said(made))

    def play(self, name="site.yaml", *words, **more):
        values = {"bess_version": "1.0.0", "bess_binary": binary(), "bess_prefix": str(self.root), "bess_become": False,
                  "bess_manage_user": False, "bess_farm_file": str(self.farm),
                  "bess_tokens_file": str(self.folder / "tokens.toml"),
                  "ansible_python_interpreter": "{{ ansible_playbook_python }}"} | more
        return run(VENV / "ansible-playbook", "-i", "localhost,", "-c", "local", name, "-e", json.dumps(values), *words,
                   cwd=ANSIBLE, env=environment(ANSIBLE_NOCOLOR=1, ANSIBLE_HOME=self.folder / "home", LC_ALL="C.UTF-8"))

    def done(self, *words, **more):
        """How many tasks changed something."""
        ran = self.play(*words, **more)
        self.assertEqual(ran.returncode, 0, said(ran))
        return int(re.search(r"changed=(\d+)", ran.stdout)[1])

    def served(self, link="current"):
        return pathlib.Path(os.readlink(self.root / "opt" / "bess" / link)).name

    def releases(self):
        return {path.name for path in (self.root / "opt" / "bess" / "releases").iterdir()}

    def test_a_machine_is_set_up_upgraded_and_taken_back_and_what_is_not_good_takes_the_place_of_nothing(self):
        # Set up; the second run changes nothing.
        self.assertGreater(self.done(), 5)
        self.assertEqual(self.done(), 0)
        for path, mode in (("etc/bess/bess.env", 0o640), ("etc/bess/farm.toml", 0o640), ("etc/bess/tokens.toml", 0o640),
                           ("etc/bess", 0o750), ("var/lib/bess", 0o750), ("opt/bess/releases/1.0.0/bin/bess", 0o755),
                           ("etc/systemd/system/bess.service", 0o644), ("etc/logrotate.d/bess", 0o644)):
            self.assertEqual((self.root / path).stat().st_mode & 0o777, mode, path)
        self.serves()

        # There is nothing to go back to after the first release.
        ran = self.play("rollback.yaml")
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("there is no release before the present one", ran.stdout)

        # A farm file that is not good ends an upgrade before anything that is served has changed.
        before = self.farm.read_text()
        self.farm.write_text(before.replace("count = 2", "count = -2"))
        ran = self.play(bess_version="1.1.0")
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("failed to validate", ran.stdout)
        self.assertEqual((self.root / "etc" / "bess" / "farm.toml").read_text(), before)
        self.assertEqual(self.served(), "1.0.0")
        self.farm.write_text(before)

        # An upgrade stands beside the release before; a rollback changes the two; the oldest goes.
        self.assertGreater(self.done(bess_version="1.1.0"), 0)
        self.assertEqual((self.served(), self.served("previous")), ("1.1.0", "1.0.0"))
        self.done("rollback.yaml")
        self.assertEqual((self.served(), self.served("previous")), ("1.0.0", "1.1.0"))
        self.done(bess_version="1.2.0", bess_releases_kept=2)
        self.assertEqual((self.served(), self.served("previous")), ("1.2.0", "1.0.0"))
        self.assertEqual(self.releases(), {"1.2.0", "1.0.0"})

    def test_wrong_wishes_are_refused_before_anything_is_done(self):
        for wrong in ({"bess_version": "../x"}, {"bess_binary_sha256": "0" * 64}):
            self.assertNotEqual(self.play(**wrong).returncode, 0, wrong)
        self.assertEqual(list(self.root.iterdir()), [])

    def serves(self):
        """What the unit would start serves what was installed."""
        command = unit(self.root / "etc" / "systemd" / "system" / "bess.service")["ExecStart"][0].split()
        values = environment_file(self.root / "etc" / "bess" / "bess.env")
        self.assertEqual(values["BESS_FARM"], f"{self.root}/etc/bess/farm.toml")
        rest = free_port()
        ports = {"BESS_API_PORT": rest, "BESS_MODBUS_PORT": free_port(), "BESS_METRICS_PORT": free_port()}
        process = Process([f"{self.root}{command[0]}", *command[1:]], self.folder, env=environment(**values, **ports))
        self.addCleanup(process.stop)
        process.until(lambda: is_ready(rest), f"the farm on {HOST}")
        self.assertEqual(process.stop(), 0)


if __name__ == "__main__":
    unittest.main()
