"""Acceptance: a headless run's metrics in a real Prometheus, by promtool, at the times of the simulation.

    dashboards/tools/install.sh
    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -p test_backfill.py -v
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "dashboards", "tools"))

import observe
from farm import ANSWER_MAX_S, binary

START_S = 1_735_689_600
EVERY_S = 30
DISPATCH = "t_s,power_kw\n0,0\n600,10000\n1200,-10000\n1800,0\n"
LENGTH_S = 3600


class RunIsBackfilled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="bess-backfill-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.path = os.path.join(cls.folder, "run.om")
        dispatch = os.path.join(cls.folder, "dispatch.csv")
        with open(dispatch, "w", encoding="utf-8") as file:
            file.write(DISPATCH)
        ran = cls.bess("run", "--dispatch", dispatch, "--for", f"{LENGTH_S}s", "--json", "--metrics", cls.path,
                       "--metrics-every", f"{EVERY_S}s", "--start", "2025-01-01T00:00:00Z",
                       "--metrics-label", "instance=study")
        assert ran.returncode == 0, ran.stderr
        cls.summary = json.loads(ran.stdout)
        with open(cls.path, encoding="utf-8") as file:
            cls.families = {family.name: family for family in text_string_to_metric_families(file.read())}

    @staticmethod
    def bess(*arguments):
        return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=120, check=False)

    def samples(self, family, **labels):
        wanted = {"job": "bess", "instance": "study", **labels}
        return [(sample.timestamp, sample.value) for sample in self.families[family].samples if sample.labels == wanted]

    def test_every_instant_has_a_sample_at_its_simulated_time(self):
        power = self.samples("bess_farm_ac_power_watts")
        self.assertEqual([float(at) for at, _ in power],
                         [START_S + EVERY_S * k for k in range(LENGTH_S // EVERY_S + 1)])
        of = dict((float(at) - START_S, value) for at, value in power)
        self.assertAlmostEqual(of[900], 1e7, delta=2e5)
        self.assertAlmostEqual(of[1500], -1e7, delta=2e5)
        self.assertEqual(len(self.samples("bess_unit_soc_ratio", unit="10")), len(power))
        self.assertAlmostEqual(self.samples("bess_farm_soc_ratio")[-1][1], self.summary["soc"]["end"], places=9)

    def test_what_no_run_has_is_left_out(self):
        names = set(self.families)
        self.assertIn("bess_cell_temperature_high_limit_celsius", names)
        self.assertEqual([], [n for n in names if n.startswith(("bess_tick", "bess_modbus", "bess_http", "process"))])

    def test_prometheus_answers_with_the_run(self):
        data = os.path.join(self.folder, "data")
        made = subprocess.run([observe.program("promtool"), "tsdb", "create-blocks-from", "openmetrics", self.path, data],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        port = observe.free_port()
        config = os.path.join(self.folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("{}\n")
        url = f"http://{observe.HOST}:{port}"
        child = observe.Child("prometheus", [
            observe.program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y", f"--web.listen-address={observe.HOST}:{port}"], self.folder)
        self.addCleanup(child.stop)
        child.until(lambda: observe.answers(url + "/-/ready"))
        query = {"query": "bess_farm_ac_power_watts{job=\"bess\"}", "start": START_S + 600, "end": START_S + 1800,
                 "step": 300}
        with urllib.request.urlopen(f"{url}/api/v1/query_range?{urllib.parse.urlencode(query)}",
                                    timeout=ANSWER_MAX_S) as answer:
            [series] = json.load(answer)["data"]["result"]
        wanted = dict((float(at), value) for at, value in self.samples("bess_farm_ac_power_watts"))
        self.assertEqual([(at, float(value)) for at, value in series["values"]],
                         [(at, wanted[at]) for at in range(START_S + 600, START_S + 1801, 300)])

    def test_what_cannot_be_is_refused_and_no_file_is_left(self):
        path = os.path.join(self.folder, "no.om")
        for flags, word in ((["--metrics-every", "1m"], "--metrics"),
                            (["--metrics", path, "--metrics-every", "0"], "--metrics-every"),
                            (["--metrics", path, "--metrics-every", "150ms"], "multiple of 100ms"),
                            (["--metrics", path, "--metrics-label", "unit=3"], "NAME=VALUE"),
                            (["--metrics", path, "--metrics-label", "a=1", "--metrics-label", "a=2"], "twice"),
                            (["--metrics", path, "--start", "yesterday"], "RFC 3339"),
                            (["--metrics", os.path.join(self.folder, "nowhere", "x.om")], "cannot write"),
                            (["--metrics", self.folder], "cannot write")):
            ran = self.bess("run", "--for", "1s", *flags)
            self.assertEqual((ran.returncode, word in ran.stderr), (2, True), (flags, ran.stderr))
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()
