"""Acceptance: every rule of the Modbus conformance script against units of a live farm.

    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -v

Unit 1 shows the shipped map `conformance`, whose scratch registers, coils and traps some rules need: every
rule runs and passes. The standard maps are run as far as they apply: they have no scratch memory and no bits.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from farm import Farm

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "modbus_conformance.py")
CONFIG = """
[modbus]
[[modbus.units]]
units = [1]
maps = ["conformance"]
"""
# Where the map `conformance` has what the rules need.
SCRATCH = {
    "holding": [0, 900], "input": [0, 1000], "coils": [0, 4000], "discrete": [0, 4000],
    "holding_rw": [0, 1000], "holding_end": 999, "coils_rw": [0, 4000], "holding_ro": 990,
    "unmapped": {"holding": 5000, "input": 5000, "coils": 9000, "discrete": 9000},
    "supported_fc": [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43],
    "absent_unit": 77, "other_units": [0, 2, 10, 255],
    "exception_addrs": {"4": 981, "5": 982, "6": 983, "10": 984, "11": 985},
    "illegal_value": {"addr": 991, "value": 101},
}
# The compact map: a ramp of 0 is out of range, the map's id is read only.
COMPACT = {
    "holding": [0, 125], "input": [0, 125], "holding_end": 124, "holding_ro": 0,
    "unmapped": {"holding": 5000, "input": 5000},
    "supported_fc": [3, 4, 6, 16, 22, 23, 43], "absent_unit": 77, "other_units": [0, 1, 10, 255],
    "illegal_value": {"addr": 88, "value": 0},
}
# The heartbeat of the EMS takes any word: one scratch register, for the rules that need no more.
ONE_REGISTER = {**COMPACT, "holding_rw": [85, 1]}
ONE_REGISTER_RULES = ("M24", "F6.1", "F6.5", "F16.3", "F16.4", "F16.5", "F16.6", "F16.7", "F16.8", "F22.1", "F22.2",
                      "F23.3", "F23.4", "F23.5")
SUNSPEC = {
    "holding": [40000, 125], "input": [40000, 125], "holding_ro": 40000,
    "unmapped": {"holding": 30000, "input": 30000},
    "supported_fc": [3, 4, 6, 16, 22, 23, 43], "absent_unit": 77, "other_units": [0, 10, 255],
}


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(CONFIG)
            file.flush()
            cls.farm = Farm("--modbus", file.name)

    @classmethod
    def tearDownClass(cls):
        code = cls.farm.stop()
        assert code == 0, f"bess ended with {code}"

    def run_rules(self, unit, map_, only=()):
        """Numbers of the rules that passed, failed and were skipped, and what was said."""
        ran = subprocess.run(
            [sys.executable, SCRIPT, "--host", self.farm.host, "--port", str(self.farm.port), "--unit", str(unit),
             "--map", json.dumps(map_), "--slow", "6", "--conns", "1000", "-v", "--only", ",".join(only)],
            capture_output=True, text=True, timeout=300)
        counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped)", ran.stdout)}
        return counts.get("passed", 0), counts.get("failed", 0), counts.get("skipped", 0), ran.stdout + ran.stderr

    def test_every_rule_holds_for_a_unit_in_the_map_that_has_scratch_registers(self):
        passed, failed, skipped, said = self.run_rules(1, SCRATCH)
        self.assertEqual((passed, failed, skipped), (119, 0, 0), said)

    def test_the_standard_maps_hold_every_rule_that_applies_to_them(self):
        for name, unit, map_, at_least in (("compact", 2, COMPACT, 65), ("sunspec", 3, SUNSPEC, 63)):
            with self.subTest(map=name):
                passed, failed, skipped, said = self.run_rules(unit, map_)
                self.assertEqual(failed, 0, said)
                self.assertEqual(passed + skipped, 119, said)
                self.assertGreaterEqual(passed, at_least, said)

    def test_rules_of_writing_hold_for_a_register_of_the_compact_map(self):
        passed, failed, skipped, said = self.run_rules(2, ONE_REGISTER, ONE_REGISTER_RULES)
        self.assertEqual((passed, failed, skipped), (len(ONE_REGISTER_RULES), 0, 0), said)

    def test_the_farm_went_on_and_nothing_panicked(self):
        _, text = self.farm.metrics("text/plain")
        self.assertIn("bess_modbus_panics_total 0", text)
        self.assertEqual(self.farm.get("/farm")["units_by_state"]["running"], 10)


if __name__ == "__main__":
    unittest.main()
