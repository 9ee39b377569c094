"""As an EMS would: starts a unit, holds power with a heartbeat, stops beating, sees the fallback.

    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -v

Everything an EMS does goes over Modbus, by the compact map; what it left behind is read from REST. Times
are those of the registers' sample time, so a slow machine changes nothing.
"""

import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from farm import Farm, poll, signed

FARM = """
[farm]
name = "ems"
nominal_frequency_hz = 50

[farm.initial]
state = "off"

[[units]]
count = 2
chemistry = "lfp-314"
racks = 4
cells_in_series = 416

[units.pcs]
rated_power_kw = 800
rated_apparent_power_kva = 880

[units.cooling]
kind = "liquid"
"""

POWER, MODE, HEARTBEAT, WATCHDOG, RESET, REMAINING = 80, 84, 85, 86, 87, 96
STOPPED, RUN = 0, 2
OFF, RUNNING, FAULT = 0, 3, 6
TIMEOUT_S = 2


class Ems:
    """A controller of one unit: polls the whole map with one read, commands with one write."""

    def __init__(self, modbus, unit):
        self.modbus = modbus
        self.unit = unit
        self.beats = 0

    def poll(self):
        words = self.modbus.words(self.unit)
        return {
            "inverter": words[5],
            "power_w": signed(words[12:14]),
            "time_s": signed(words[60:64]) / 1000.0,
            "remaining_s": signed(words[REMAINING:REMAINING + 2]),
            "evt1": words[8] << 16 | words[9],
        }

    def beat(self):
        self.beats = (self.beats + 1) % 0x10000
        assert self.modbus.write(self.unit, HEARTBEAT, [self.beats]) is None
        return self.poll()["time_s"]

    def beat_for(self, seconds):
        """Beats five times a second of simulated time; returns the polls in between."""
        seen = [self.poll()]
        last = self.beat()
        begin = last
        while last - begin < seconds:
            time.sleep(0.05)
            seen.append(self.poll())
            if seen[-1]["time_s"] - last >= 0.2:
                last = self.beat()
        return seen

    def set_power(self, watts):
        return self.modbus.write_int32(self.unit, POWER, watts)


class AnEmsControlsAUnit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8")
        cls.file.write(FARM)
        cls.file.flush()
        cls.farm = Farm("--farm", cls.file.name)

    @classmethod
    def tearDownClass(cls):
        code = cls.farm.stop()
        cls.file.close()
        assert code == 0, f"bess ended with {code}"

    def start(self, unit):
        ems = Ems(self.farm.modbus(), unit)
        self.addCleanup(ems.modbus.client.close)
        begin = ems.poll()
        self.assertEqual(begin["inverter"], OFF)
        self.assertIsNone(ems.modbus.write(unit, MODE, [RUN]))
        seen = set()

        def running():
            now = ems.poll()
            seen.add(now["inverter"])
            return now if now["inverter"] == RUNNING else None

        up = poll(running, 30.0)
        self.assertTrue(up, f"the unit does not come up: {seen}")
        # Self test, contactors and precharge take their time, and the EMS sees that.
        self.assertIn(2, seen, "STARTING was never seen")
        self.assertGreater(up["time_s"] - begin["time_s"], 4.0)
        return ems

    def test_a_lost_heartbeat_leads_to_the_fallback_in_time_and_only_a_fresh_setpoint_brings_power_back(self):
        ems = self.start(1)
        self.assertIsNone(ems.modbus.write(1, WATCHDOG, [TIMEOUT_S]))
        self.assertIsNone(ems.set_power(500_000))
        held = ems.beat_for(2 * TIMEOUT_S)
        for now in held[len(held) // 2:]:
            self.assertLess(abs(now["power_w"] - 500_000), 1000, now)

        last_beat = ems.beat()
        falling = poll(lambda: (now := ems.poll())["power_w"] < 499_000 and now, 10.0)
        self.assertTrue(falling, "the power was held although nobody beats")
        took = falling["time_s"] - last_beat
        self.assertGreaterEqual(took, TIMEOUT_S - 0.2)
        self.assertLessEqual(took, TIMEOUT_S + 1.0)
        at_zero = poll(lambda: abs(ems.poll()["power_w"]) < 1000, 10.0)
        self.assertTrue(at_zero)
        unit = self.farm.get("/units/1")
        self.assertEqual(unit["state"], "fallback")
        self.assertEqual(ems.poll()["evt1"] & 1, 1, "COMMUNICATION_ERROR stands")
        self.assertEqual(ems.poll()["remaining_s"], 0)

        # The log has the loss at its exact tick: the watch counts from the tick of the last beat.
        events = [e for e in self.farm.get("/events?unit=1&limit=1000")["events"]]
        lost = [e for e in events if e["kind"] == "watchdog" and "lost" in e["text"]]
        self.assertEqual(len(lost), 1, events)

        # A heartbeat alone never restores power.
        for now in ems.beat_for(1.5):
            self.assertLess(abs(now["power_w"]), 1000, now)
        self.assertEqual(self.farm.get("/units/1")["state"], "running")
        self.assertEqual(ems.poll()["evt1"] & 1, 0, "the alarm is gone")
        self.assertIsNone(ems.set_power(300_000))
        back = ems.beat_for(1.5)
        self.assertLess(abs(back[-1]["power_w"] - 300_000), 1000)

        # Off with the watch, and down.
        self.assertIsNone(ems.modbus.write(1, WATCHDOG, [0]))
        self.assertIsNone(ems.modbus.write(1, MODE, [STOPPED]))
        self.assertTrue(poll(lambda: ems.poll()["inverter"] == OFF, 20.0))

    def test_every_write_of_an_ems_is_in_the_audit_accepted_or_refused(self):
        ems = Ems(self.farm.modbus(), 2)
        self.addCleanup(ems.modbus.client.close)
        self.assertIsNone(ems.set_power(100_000))
        self.assertEqual(ems.set_power(900_000), 3, "beyond the rating")
        writes = poll(lambda: len(self.writes(2)) >= 2 and self.writes(2))
        self.assertTrue(writes, "both writes are in the audit")
        accepted, refused = writes[-2], writes[-1]
        self.assertEqual((accepted["source"], accepted["result"]), ("modbus", "applied"))
        self.assertIn("100000", accepted["what"])
        self.assertEqual((refused["source"], refused["result"]), ("modbus", "refused"))
        self.assertIn("900000", refused["what"])
        self.assertTrue(refused["reason"])
        self.assertEqual(refused["peer"].rsplit(":", 1)[0], "127.0.0.1")

    def writes(self, unit):
        return self.farm.get(f"/writes?unit={unit}&limit=100")["writes"]


if __name__ == "__main__":
    unittest.main()
