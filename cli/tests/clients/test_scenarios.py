"""Acceptance: faults on demand and runs of scenarios on a live farm over REST.

    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -p test_scenarios.py -v
"""

import time
import unittest
import urllib.request
import xml.etree.ElementTree as ET

from farm import ANSWER_MAX_S, Farm

RUN = """
apiVersion: bess/v1
kind: Scenario
metadata: {id: seen, title: A pump fails and somebody notices, summary: For this test.}
params: {within: {type: duration, default: 60s, description: time to notice}}
seed: 7
duration: 90s
sut: {mode: external, expectClients: 0}
targets: {one: {kind: unit, match: {units: [1]}, mode: one}}
steadyState: {window: 1s, checks: [{id: energised, modes: [SoT], expr: "grid.voltage_pu > 0.5"}]}
timeline: [{id: fails, at: 1s, action: device.hvac.pump, target: one}]
expectations:
  - {id: told, kind: within, after: {action: fails}, within: "${within}", expr: 'sut("pump_failed", target=one)'}
"""


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.farm = Farm("--speed", "10")
        cls.addClassCleanup(cls.farm.stop)

    def until(self, condition, what):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.1)
        raise AssertionError(what)

    def faults(self, **wanted):
        return [fault for fault in self.farm.get("/faults")["faults"] if wanted.items() <= fault.items()]

    def test_a_fault_comes_acts_and_goes_and_is_on_record(self):
        status, answer = self.farm.ask("POST", "/faults", {"id": "pump", "kind": "device.hvac.pump", "target": "unit-003"})
        self.assertEqual((status, answer["id"]), (200, "pump"), answer)
        shown = self.until(lambda: self.faults(id="pump", effect="confirmed"), "it was seen to act")[0]
        self.assertEqual((shown["targets"], shown["plane"], shown["is_active"]), (["unit-003"], "device", True))
        alarms = self.farm.get("/alarms?code=cooling_failed")["alarms"]
        self.assertEqual([alarm["unit"] for alarm in alarms], [3])
        self.assertEqual(self.farm.ask("DELETE", "/faults/pump")[0], 200)
        self.until(lambda: not self.farm.get("/alarms?code=cooling_failed")["alarms"], "the alarm went")
        self.assertFalse(self.faults(id="pump")[0]["is_active"])
        _, text = self.farm.metrics("text/plain")
        self.assertIn('bess_scenario_injections_total{kind="device.hvac.pump"}', text)

    def test_what_is_wrong_is_refused_with_its_place_and_changes_nothing(self):
        before = len(self.faults())
        for body, field, said in [
            ({"kind": "device.hvac.pumb", "target": "unit-003"}, "kind", "device.hvac.pump"),
            ({"kind": "device.hvac.pump", "target": "unit-099"}, "target", "units 1 to 10"),
            ({"kind": "device.hvac.pump"}, "target", "target"),
            ({"kind": "device.pcs.derate", "target": "unit-001", "with": {"factor": 2}}, "with", "factor"),
            ({"kind": "device.pcs.derate", "target": "unit-001", "with": {"share": 1}}, "with", "share"),
            ({"kind": "device.hvac.pump", "target": "unit-001", "when": 1}, "when", "when"),
            ({"id": "A B", "kind": "device.hvac.pump", "target": "unit-001"}, "id", "lower-case"),
        ]:
            status, problem = self.farm.ask("POST", "/faults", body)
            self.assertEqual((status, problem["field"]), (422, field), problem)
            self.assertIn(said, str(problem))
        self.assertEqual(self.farm.ask("DELETE", "/faults/nothing")[0], 404)
        self.assertEqual(self.farm.ask("GET", "/runs/nothing")[0], 404)
        self.assertEqual(self.farm.ask("GET", "/scenarios/nothing")[0], 404)
        self.assertEqual(self.farm.ask("POST", "/runs", {"scenario": "a", "text": "b"})[0], 422)
        self.assertEqual(self.farm.ask("POST", "/runs", {"text": "kind: Scenario"})[0], 422)
        self.assertEqual(len(self.faults()), before)

    def test_a_run_asks_what_an_outside_system_noticed_and_leaves_its_reports(self):
        run = self.farm.change("POST", "/runs", {"id": "one", "text": RUN, "set": {"within": "80s"}})["id"]
        self.until(lambda: self.faults(id="one/fails", effect="confirmed"), "the fault was seen to act")
        self.assertEqual(self.farm.ask("GET", "/runs/one/report")[0], 409)
        self.farm.change("POST", f"/runs/{run}/observations", {"what": "pump_failed", "unit": 1, "text": "it is quiet"})
        done = self.until(lambda: (shown := self.farm.get("/runs/one"))["phase"] == "done" and shown, "it is done")
        self.assertEqual((done["verdict"], done["observations"]), ("passed", 1), done)
        report = self.farm.get("/runs/one/report")
        self.assertEqual((report["format"], report["verdict"]), ("bess-report/v1", "passed"))
        self.assertEqual(report["scores"]["false_alarms"], 0)
        url = self.farm.endpoints["api"]["url"] + "/runs/one/report?format="
        with urllib.request.urlopen(url + "junit", timeout=ANSWER_MAX_S) as answer:
            suite = ET.fromstring(answer.read())
        self.assertEqual((suite.get("failures"), suite.get("errors")), ("0", "0"))
        with urllib.request.urlopen(url + "html", timeout=ANSWER_MAX_S) as answer:
            self.assertIn(b"<html", answer.read())

    def test_a_run_that_is_ended_is_aborted(self):
        self.farm.change("POST", "/runs", {"id": "two", "text": RUN})
        self.assertEqual(self.farm.ask("DELETE", "/runs/two")[0], 200)
        done = self.until(lambda: (shown := self.farm.get("/runs/two"))["phase"] == "done" and shown, "it is done")
        self.assertEqual(done["verdict"], "aborted")

    def test_the_library_and_the_kinds_are_there(self):
        scenarios = self.farm.get("/scenarios")["scenarios"]
        self.assertGreaterEqual(len(scenarios), 20)
        shown = self.farm.get(f"/scenarios/{scenarios[0]['id']}")
        self.assertIn("apiVersion: bess/v1", shown["text"])
        self.assertGreaterEqual(len(self.farm.get("/faults/kinds")["kinds"]), 60)


if __name__ == "__main__":
    unittest.main()
