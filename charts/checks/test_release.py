"""Promotion and rollback move one line of one file, and only if the verdict is good.

    BESS_BIN=target/release/bess python -m unittest test_release -v    (in charts/checks)
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from common import ROOT, TOOLS, binary

FIRST, SECOND = "sha256:" + "1" * 64, "sha256:" + "2" * 64


class Release(unittest.TestCase):
    """In a repository of its own, with a copy of the charts."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bess-release-")
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        shutil.copytree(os.path.join(ROOT, "charts"), os.path.join(self.root, "charts"))
        os.makedirs(os.path.join(self.root, ".tools"))
        os.symlink(TOOLS, os.path.join(self.root, ".tools", "charts"))
        self.git("init", "--quiet")
        self.commit("begin")

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=t", "-c", "user.email=t@t.example", *arguments],
                       check=True, capture_output=True)

    def commit(self, message):
        self.git("add", "charts")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)

    def bess(self, script):
        """A program in place of bess."""
        path = os.path.join(self.root, "bess")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return path

    def kubectl(self, status, digest=FIRST):
        """A program in place of kubectl, which has the Job of a verdict; its folder."""
        folder = os.path.join(self.root, "bin")
        os.makedirs(folder, exist_ok=True)
        containers = [{"image": f"registry.example/bess@{digest}"}]
        job = json.dumps({"spec": {"template": {"spec": {"containers": containers}}}, "status": status})
        path = os.path.join(folder, "kubectl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n[ \"$4\" = job ] && [ \"$5\" = bess-verdict ] || exit 1\ncat <<'END'\n{job}\nEND\n")
        os.chmod(path, 0o755)
        return folder

    def release(self, *arguments, bess=None, programs=None):
        environment = {**os.environ, "BESS_BIN": bess or binary()}
        if programs:
            environment["PATH"] = f"{programs}:{environment['PATH']}"
        ran = subprocess.run([sys.executable, os.path.join(self.root, "charts", "tools", "release.py"), *arguments],
                             capture_output=True, text=True, env=environment, cwd=self.root, check=False)
        return ran.returncode, ran.stdout + ran.stderr

    def digest(self, environment):
        with open(os.path.join(self.root, "charts", "envs", environment, "image.yaml"), encoding="utf-8") as file:
            return file.read().split("digest: ")[1].strip()

    def test_what_is_not_there_is_not_promoted(self):
        code, said = self.release("promote")
        self.assertEqual(code, 2)
        self.assertIn("staging has no image yet", said)
        for wrong in ("latest", "sha256:12", "sha256:" + "0" * 64):
            self.assertEqual(self.release("set", "dev", wrong)[0], 2)
        self.assertEqual(self.release("set", "production", FIRST)[0], 2)

    def test_a_good_verdict_moves_the_digest_and_nothing_else(self):
        self.release("set", "staging", FIRST)
        self.commit("staging")
        # The real program, the real scenarios of staging.
        code, said = self.release("promote")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.digest("prod"), FIRST)
        changed = subprocess.run(["git", "-C", self.root, "diff", "--numstat"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(changed, "1\t1\tcharts/envs/prod/image.yaml\n")

    def test_an_image_goes_from_dev_to_prod_step_by_step(self):
        self.release("set", "dev", FIRST)
        for step in (("dev", "staging"), ("staging", "prod")):
            code, said = self.release("promote", *step, bess=self.bess("exit 0\n"))
            self.assertEqual(code, 0, said)
        self.assertEqual(self.digest("prod"), FIRST)
        self.assertIn("prod has it already", self.release("promote")[1])

    def test_a_bad_verdict_promotes_nothing(self):
        self.release("set", "staging", FIRST)
        for verdict in (1, 2, 3, 4):
            code, said = self.release("promote", bess=self.bess(f"[ $1 = farm ] && exit 0\nexit {verdict}\n"))
            self.assertEqual(code, 1)
            self.assertIn(f"the verdict of staging is {verdict}", said)
        self.assertNotEqual(self.digest("prod"), FIRST)

    def test_the_verdict_of_a_cluster_counts_if_its_job_has_succeeded_with_this_image(self):
        self.release("set", "staging", FIRST)
        for status, digest, why in (({"failed": 1}, FIRST, "has not succeeded"), ({}, FIRST, "has not succeeded"),
                                    ({"succeeded": 1}, SECOND, f"not of {FIRST}")):
            code, said = self.release("promote", "--verdict", "cluster", programs=self.kubectl(status, digest))
            self.assertEqual(code, 1, said)
            self.assertIn(why, said)
            self.assertNotEqual(self.digest("prod"), FIRST)
        code, said = self.release("promote", "--verdict", "cluster", programs=self.kubectl({"succeeded": 1}))
        self.assertEqual((code, self.digest("prod")), (0, FIRST), said)

    def test_a_farm_that_is_wrong_promotes_nothing(self):
        self.release("set", "staging", FIRST)
        code, said = self.release("promote", bess=self.bess("[ $1 = scenario ] && exit 0\necho line 3 >&2\nexit 2\n"))
        self.assertEqual(code, 1)
        self.assertIn("does not pass `bess farm check`: line 3", said)
        self.assertNotEqual(self.digest("prod"), FIRST)

    def test_the_verdict_gets_what_its_job_gets(self):
        self.release("set", "staging", FIRST)
        noted = os.path.join(self.root, "noted")
        self.release("promote", bess=self.bess(f'[ $1 = scenario ] && echo "$@" > {noted}\nexit 0\n'))
        with open(noted, encoding="utf-8") as file:
            arguments = file.read().split()
        self.assertEqual(arguments[:3], ["scenario", "run", "--stepped"])
        self.assertEqual(arguments[-2:], ["ems-heartbeat-loss", "voltage-dip-ride-through"])

    def test_a_rollback_is_to_the_image_before(self):
        self.assertEqual(self.release("rollback", "prod")[0], 2)
        for digest in (FIRST, SECOND):
            self.release("set", "prod", digest)
            self.commit(digest)
        code, said = self.release("rollback", "prod")
        self.assertEqual((code, self.digest("prod")), (0, FIRST), said)

    def test_a_dry_run_says_what_would_be_there_and_asks_no_cluster(self):
        code, said = self.release("deploy", "staging", "--dry-run")
        self.assertEqual(code, 0, said)
        self.assertIn("StatefulSet/bess\n", said)
        self.assertIn("no cluster was asked", said)
        self.assertEqual(self.release("deploy", "staging")[0], 2)


if __name__ == "__main__":
    unittest.main()
