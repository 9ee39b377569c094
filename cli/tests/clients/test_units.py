"""Units that behave: the same state and the same alarms at every door, timers, masters and refusals.

    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -v

What a state or an alarm is called in registers is read from docs/unit-states.md, so that page, REST,
metrics, the compact map and SunSpec are held against each other. Clocks are stepped: all numbers that
are compared are of one tick.
"""

import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from prometheus_client.parser import text_string_to_metric_families as parse_metrics

from farm import Farm, documented, page, poll, signed

RATED_W = 800_000
RATED_VAR = 387_200
CLASSIC = "text/plain; version=0.0.4"
UNITS = (1, 2)
STATES = documented("unit-states.md", "state")
ALARMS = documented("unit-states.md", "alarm")
NAMES = list(STATES)

FARM = """
[farm]
name = "units"
nominal_frequency_hz = 50

[farm.initial]
state = "{state}"
{farm}
[[units]]
count = 2
chemistry = "lfp-314"
racks = 3
cells_in_series = 416
protection = "{protection}"

[units.pcs]
rated_power_kw = 800
rated_apparent_power_kva = 880

[units.pcs_thermal]
time_constant_s = 1

[units.grid_code.enter_service]
delay_s = 5
ramp_s = 2
{rest}
"""

# Comes back two seconds after the cause of a trip is gone, and a forced reading may jump.
PROTECTION = """
name = "quick"
base = "lfp"
restart_delay_s = 2
source = "saves time in tests"

[[elements]]
alarm = "temperature_rate"
level = "critical"
off = true
source = "a forced reading jumps"
"""

# Control of the compact map.
POWER, MODE, HEARTBEAT, WATCHDOG, RESET, SOC_MIN, STATE, FLAGS = 80, 84, 85, 86, 87, 92, 107, 112
LEASED = 1 << 5


class WithFarm(unittest.TestCase):
    """One stepped farm of two units for each test: what a test did to it is over with the test."""

    state, tables, rest = "running", "", ""
    flags = ("--stepped",)

    def setUp(self):
        self.farm = self.serve(*self.flags)
        self.modbus = self.connect(self.farm)
        self.devices = {}

    def serve(self, *flags):
        folder = tempfile.TemporaryDirectory(prefix="bess-units-")
        self.addCleanup(folder.cleanup)
        protection = os.path.join(folder.name, "quick.toml")
        with open(protection, "w", encoding="utf-8") as file:
            file.write(PROTECTION)
        path = os.path.join(folder.name, "farm.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(FARM.format(state=self.state, farm=self.tables, rest=self.rest,
                                   protection=protection))
        farm = Farm("--farm", path, *flags)
        self.addCleanup(lambda: self.assertEqual(farm.stop(), 0, "bess ended badly"))
        return farm

    def connect(self, farm):
        modbus = farm.modbus()
        self.addCleanup(modbus.client.close)
        return modbus

    def unit(self, number=1):
        return self.farm.get(f"/units/{number}")

    def alarms(self, number=1):
        return self.farm.get(f"/alarms?unit={number}&limit=1000")["alarms"]

    def command(self, action, number=1, **more):
        return self.farm.ask("POST", f"/units/{number}/commands", {"action": action, **more})

    def commanded(self, action, number=1, **more):
        status, answer = self.command(action, number, **more)
        self.assertEqual(status, 200, answer)

    def disturb(self, kind, value=None, duration_s=None):
        wish = {"kind": kind, "value": value, "duration_s": duration_s}
        self.farm.change("POST", "/grid/disturbances", {k: v for k, v in wish.items() if v is not None})

    def set_watts(self, watts, number=1):
        self.farm.change("PUT", f"/units/{number}/setpoint", {"active_power_w": float(watts)})

    def sunspec(self, model, number=1):
        """The model as it is now."""
        if number not in self.devices:
            self.devices[number] = self.farm.sunspec(number)
        found = self.devices[number].models[model][0]
        found.read()
        return found

    def metrics(self):
        """Values by name and labels."""
        families = parse_metrics(self.farm.metrics(CLASSIC)[1])
        return {(s.name, *sorted(s.labels.items())): s.value for f in families for s in f.samples}

    def events(self, farm=None, **wish):
        query = "".join(f"&{key}={value}" for key, value in wish.items())
        return (farm or self.farm).get(f"/events?limit=10000{query}")["events"]

    def last_write(self):
        return self.farm.get("/writes?limit=1")["writes"][0]

    def assert_refused(self, source, *words):
        """The newest record of the audit is a refusal by this door, with these words in it."""
        # A door that refuses by itself answers first and has it recorded then.
        poll(lambda: (write := self.last_write()) and (write["source"], write["result"]) == (source, "refused")
             and all(word in write["what"] + " " + write["reason"] for word in words))
        write = self.last_write()
        self.assertEqual((write["source"], write["result"]), (source, "refused"), write)
        self.assertTrue(write["reason"], write)
        for word in words:
            self.assertIn(word, write["what"] + " " + write["reason"], write)

    def assert_close(self, value, expected, tolerance, what=""):
        self.assertLessEqual(abs(value - expected), tolerance, f"{what}: {value}, expected {expected}")


class AStateIsTheSameAtEveryDoor(WithFarm):
    state = "off"

    def check(self):
        """Both units at every door; returns the state of the first."""
        metrics = self.metrics()
        shown = [self.unit(number) for number in UNITS]
        for unit in shown:
            self.check_unit(unit, metrics)
        for name in NAMES:
            count = sum(unit["state"] == name for unit in shown)
            self.assertEqual(metrics["bess_units", ("state", name)], count, name)
        return shown[0]["state"]

    def check_unit(self, unit, metrics):
        number, state = unit["number"], unit["state"]
        row, place = STATES[state], f"{state} at tick {unit['tick']}"
        words = self.modbus.words(number)
        self.assertEqual(metrics["bess_unit_state", ("unit", str(number))], NAMES.index(state), place)
        self.assertEqual(words[STATE], NAMES.index(state), place)
        self.assertEqual(words[5], int(row["701.InvSt"]), place)
        self.assertEqual(words[6], int(row["802.State"]), place)
        for model, points in ((701, ("St", "InvSt", "ConnSt")), (715, ("OpCtl",)), (802, ("State",))):
            found = self.sunspec(model, number)
            for point in points:
                value = getattr(found, point).value
                self.assertEqual(value, int(row[f"{model}.{point}"]), f"{model}.{point}, {place}")
        current_a = unit["dc"]["current_a"]
        charge = self.sunspec(802, number).ChaSt.value
        if row["connected"] == "yes" and abs(current_a) > 1.0:
            self.assertEqual(charge, 3 if current_a > 0 else 4, place)
        elif abs(current_a) < 0.5:
            expected = 1 if unit["racks_connected"] == 0 else int(row["802.ChaSt"])
            self.assertEqual(charge, expected, place)
        # On the way up, on the way down and after a trip the contactors are closed now and open then.
        if state not in ("precharge", "stopping", "tripped"):
            self.assertEqual(unit["racks_connected"] > 0, row["connected"] == "yes", place)
        self.assertEqual(words[101], unit["racks_connected"], place)
        if row["converts"] != "yes":
            self.assertEqual(unit["ac"]["active_power_w"], 0.0, place)

    def walk(self, to, most):
        """Ticks until the first unit is in the state; every tick is checked. Returns the states passed."""
        seen = []
        for _ in range(most):
            self.farm.step()
            state = self.check()
            if not seen or seen[-1] != state:
                seen.append(state)
            if state == to:
                return seen
        self.fail(f"{to} was not reached in {most} ticks: {seen}")

    def test_through_start_stop_trip_emergency_stop_and_maintenance(self):
        self.assertEqual(self.check(), "off")
        self.commanded("start")
        up = ["initialising", "precharge", "standby", "synchronising", "running"]
        self.assertEqual(self.walk("running", 200), up)
        self.set_watts(400_000)
        for _ in range(15):
            self.farm.step()
            self.check()
        self.assertEqual(self.sunspec(802).ChaSt.value, 3)
        self.set_watts(-400_000)
        for _ in range(20):
            self.farm.step()
            self.check()
        self.assertEqual(self.sunspec(802).ChaSt.value, 4)
        # Stop and come again, this time over SunSpec.
        controls = self.sunspec(715)
        controls.OpCtl.value = 0
        controls.write()
        self.assertEqual(self.walk("off", 200)[-2:], ["stopping", "off"])
        controls.OpCtl.value = 1
        controls.write()
        self.assertEqual(self.walk("running", 200), up)
        # The grid goes to 0.3 pu for longer than the two seconds that are ridden through.
        self.disturb("voltage", 0.3, 3.0)
        self.assertEqual(self.walk("tripped", 40)[-1], "tripped")
        back = self.walk("running", 300)
        self.assertEqual(back[0], "tripped")
        self.assertEqual(back[-2:], ["synchronising", "running"])
        self.commanded("estop")
        self.walk("emergency_stop", 3)
        self.commanded("release_estop")
        self.farm.step()
        self.check()
        self.assertIsNone(self.modbus.write(1, RESET, [1]))
        self.walk("off", 5)
        self.commanded("maintenance")
        self.walk("maintenance", 3)
        status, _ = self.command("end_maintenance")
        self.assertEqual(status, 409, "that is done at the panel")
        self.commanded("end_maintenance", panel=True)
        self.walk("off", 3)
        # The log tells the same story without a gap, and only of transitions that the page has.
        allowed = transitions()
        at = "off"
        for event in self.events(unit=1, kind="state"):
            self.assertEqual(event["from"], at, event)
            self.assertIn((event["from"], event["trigger"], event["to"]), allowed, event)
            self.assertTrue(event["cause"], event)
            at = event["to"]
        self.assertEqual(at, "off")


ALARM_DEFECTS = """
[[defects]]
kind = "reading"
unit = 1
rack = 1
reading = "temperature_max_degc"
value = 52
from_s = 2
until_s = 40

[[defects]]
kind = "reading"
unit = 1
rack = 3
reading = "cell_voltage_max_v"
value = 3.53
from_s = 3
until_s = 50

[[defects]]
kind = "insulation"
unit = 1
resistance_kohm = 800
from_s = 4

[[defects]]
kind = "fuse"
unit = 1
rack = 2
from_s = 5

[[defects]]
kind = "chiller"
unit = 1
from_s = 6
until_s = 30

[[defects]]
kind = "bms_communication"
unit = 1
from_s = 8
until_s = 72

[[defects]]
kind = "pcs_fan"
unit = 2
from_s = 1

[[defects]]
kind = "insulation"
unit = 2
resistance_kohm = 50
from_s = 45
until_s = 55

[[defects]]
kind = "smoke_detector"
unit = 2
from_s = 60
until_s = 75

[[defects]]
kind = "reading"
unit = 2
rack = 1
reading = "cell_voltage_min_v"
value = 2.3
from_s = 62
until_s = 78
"""


class AlarmsAreTheSameAtEveryDoor(WithFarm):
    rest = ALARM_DEFECTS

    def check(self):
        """Alarms of both units in this tick; returns what stands, by unit, code, level and phase."""
        metrics, counts, seen = self.metrics(), {}, set()
        told = {}
        for event in self.events(kind="alarm"):
            key = (event["unit"], event["code"], event["level"], event.get("rack"))
            told[key] = event["phase"]
        for number in UNITS:
            alarms = self.alarms(number)
            seen |= {(number, a["code"], a["level"], a["phase"]) for a in alarms}
            standing = [a for a in alarms if a["phase"] != "pending"]
            self.check_unit(number, standing)
            for key in self.kinds(standing):
                counts[key] = counts.get(key, 0) + 1
            shown = {(number, a["code"], a["level"], a["rack"]): a["phase"] for a in standing}
            log = {k: phase for k, phase in told.items()
                   if k[0] == number and phase not in ("gone", "pending")}
            self.assertEqual(log, shown, "events tell the phases")
        for (name, *labels), value in metrics.items():
            if name == "bess_units_alarm":
                labels = dict(labels)
                key = (labels["code"], labels["level"])
                self.assertEqual(value, counts.get(key, 0), f"bess_units_alarm of {key}")
        return seen

    def check_unit(self, number, standing):
        unit, words = self.unit(number), self.modbus.words(number)
        place = f"unit {number} at tick {unit['tick']}: {[(a['code'], a['level']) for a in standing]}"
        self.assertEqual(self.kinds(unit["alarms"]), self.kinds(standing), place)
        mild = [a for a in standing if a["level"] in ("warning", "derate")]
        self.assertEqual(words[8] << 16 | words[9], evt1(standing), place)
        self.assertEqual(words[10] << 16 | words[11], evt1(mild), place)
        self.assertEqual(self.sunspec(802, number).Evt1.value, evt1(standing), place)
        self.assertEqual(self.sunspec(701, number).Alrm.value, alrm(standing), place)
        strings = self.sunspec(803, number).string
        for rack, string in enumerate(strings, 1):
            of_rack = [a for a in standing if a["rack"] == rack]
            self.assertEqual(string.StrEvt1.value, evt1(of_rack), f"rack {rack}, {place}")

    @staticmethod
    def kinds(standing):
        return {(a["code"], a["level"]) for a in standing}

    def test_a_dozen_alarms_of_all_levels_by_defects_and_by_the_grid(self):
        self.set_watts(RATED_W, 2)
        seen, next_event = set(), 0
        for tick in range(1, 1001):
            if tick == 350:
                self.disturb("frequency", 52.5, 2.0)
            if tick == 850:
                self.disturb("voltage", 0.3, 3.0)
            self.farm.step()
            newest = self.farm.get("/events?limit=1")["next"]
            # Each tick in which something happened, and the quiet ones now and then.
            if newest != next_event or tick % 20 == 0:
                next_event = newest
                with self.subTest(tick=tick):
                    seen |= self.check()
        codes = {code for _, code, _, phase in seen if phase != "pending"}
        self.assertGreaterEqual(len(codes), 10, codes)
        kinds = {(code, level) for _, code, level, phase in seen if phase != "pending"}
        self.assertGreaterEqual(len(kinds), 12, kinds)
        self.assertEqual({level for _, level in kinds}, {"warning", "derate", "trip", "critical"}, kinds)
        self.assertEqual({phase for *_, phase in seen}, {"pending", "active", "latched"})
        for code in ("cell_over_temperature", "cell_over_voltage", "insulation", "fuse_blown",
                     "cooling_failed", "bms_communication", "pcs_over_temperature", "smoke",
                     "cell_under_voltage", "ac_over_frequency"):
            self.assertIn(code, codes)


class AResetIsRefusedWhileTheCauseIsThere(WithFarm):
    rest = """
[[defects]]
kind = "smoke_detector"
unit = 1
from_s = 2
until_s = 10
"""

    def refused_twice(self, code):
        """REST with the alarm, then Modbus; both in the audit, and counted by the alarm."""
        for n, ask in ((1, self.refused_by_rest), (2, self.refused_by_modbus)):
            ask(code)
            alarm = [a for a in self.alarms() if a["code"] == code and a["level"] == "critical"]
            self.assertEqual(alarm[0]["resets_refused"], n, alarm)
            event = self.events(unit=1, kind="reset_refused")[-1]
            self.assertEqual((event["code"], event["level"]), (code, "critical"))
        self.assertEqual(self.unit()["reset_blocked_by"]["code"], code)

    def refused_by_rest(self, code):
        status, problem = self.command("reset_alarms")
        self.assertEqual((status, problem["type"]), (409, "urn:bess:problem:reset_refused"), problem)
        self.assertEqual((problem["alarm"]["code"], problem["alarm"]["level"]), (code, "critical"))
        self.assert_refused("rest", "reset", code)

    def refused_by_modbus(self, code):
        self.assertEqual(self.modbus.write(1, RESET, [1]), 4)
        self.assert_refused("modbus", "reset", code)

    def test_smoke_keeps_a_unit_in_fault_until_it_is_gone_and_reset(self):
        self.farm.step(50)
        self.assertEqual(self.unit()["state"], "fault")
        self.refused_twice("smoke")
        self.farm.step(200)
        alarm = [a for a in self.alarms() if a["code"] == "smoke"]
        self.assertEqual([a["phase"] for a in alarm], ["latched"])
        self.assertEqual(self.unit()["state"], "fault", "what is latched waits for a reset")
        self.assertIsNone(self.unit()["reset_blocked_by"])
        self.assertIsNone(self.modbus.write(1, RESET, [1]))
        write = self.last_write()
        self.assertEqual((write["what"], write["result"]), ("reset_alarms", "applied"))
        self.farm.step(2)
        self.assertEqual(self.unit()["state"], "off")
        self.assertEqual(self.alarms(), [])
        self.assertEqual(self.modbus.words(1, RESET, 1), [0], "it returns to 0")

    def test_an_emergency_stop_is_released_before_it_is_reset(self):
        self.commanded("estop")
        self.farm.step()
        self.assertEqual(self.unit()["state"], "emergency_stop")
        self.refused_twice("emergency_stop")
        self.commanded("release_estop")
        self.farm.step()
        self.assertEqual(self.unit()["state"], "emergency_stop", "releasing alone starts nothing")
        self.commanded("reset_alarms")
        self.farm.step(2)
        self.assertEqual(self.unit()["state"], "off")


class ReversionOfModel704(WithFarm):
    def remaining(self):
        return self.sunspec(704).WSetRvrtRem.value

    def test_the_setpoint_goes_to_its_value_of_reversion_and_a_rewrite_restarts_the_time(self):
        controls = self.sunspec(704)
        controls.WSetEna.value, controls.WSetMod.value, controls.WSet.cvalue = 1, 1, 400_000
        controls.WSetEnaRvrt.value, controls.WSetRvrt.cvalue, controls.WSetRvrtTms.value = 1, 100_000, 10
        controls.write()
        self.assertEqual(self.remaining(), 10)
        for left in (9, 8, 7, 6):
            self.farm.step(10)
            self.assertEqual(self.remaining(), left)
        self.assert_close(self.unit()["ac"]["active_power_w"], 400_000, 1000)
        # The same value again.
        controls = self.sunspec(704)
        controls.WSet.cvalue = 400_000
        controls.write()
        self.assertEqual(self.remaining(), 10)
        written = self.unit()["tick"]
        self.farm.step(99)
        self.assertEqual(self.remaining(), 1, "only what is over reads 0")
        self.assert_close(self.unit()["setpoint"]["active_power_w"], 400_000, 0)
        self.assertEqual(self.events(unit=1, kind="reverted"), [])
        self.farm.step()
        self.assertEqual(self.remaining(), 0)
        event = self.events(unit=1, kind="reverted")
        self.assertEqual(len(event), 1)
        self.assertLessEqual(abs(event[0]["tick"] - (written + 100)), 1, event)
        self.farm.step(30)
        unit = self.unit()
        self.assertEqual(unit["setpoint"]["active_power_w"], 100_000)
        self.assert_close(unit["ac"]["active_power_w"], 100_000, 1000)
        self.assertEqual(unit["control"]["source"], "none", "nobody controls it any more")
        controls = self.sunspec(704)
        self.assertEqual((controls.WSetEna.value, controls.WSet.cvalue), (1, 100_000))
        # It runs out once: what it put in force stays.
        self.farm.step(150)
        self.assertEqual(self.unit()["setpoint"]["active_power_w"], 100_000)
        self.assertEqual(len(self.events(unit=1, kind="reverted")), 1)


class TwoMastersWithALease(WithFarm):
    tables = """
[farm.control]
arbitration = "lease"
lease_s = 20
"""

    def test_the_first_writer_holds_the_unit_until_its_time_is_over(self):
        self.assertIsNone(self.modbus.write_int32(1, POWER, 100_000))
        self.farm.step(50)
        self.assert_close(self.unit()["lease_remaining_s"], 15.0, 0.11)
        self.assertTrue(self.modbus.words(1, FLAGS, 1)[0] & LEASED)
        before = self.unit()["setpoint"]
        status, problem = self.farm.ask("PUT", "/units/1/setpoint", {"active_power_w": 5.0})
        self.assertEqual((status, problem["type"]), (409, "urn:bess:problem:leased"), problem)
        self.assertEqual(problem["holder"], "modbus 127.0.0.1")
        self.assert_close(problem["remaining_s"], 15.0, 0.11)
        self.assert_refused("rest", "modbus 127.0.0.1")
        self.assertEqual(self.unit()["setpoint"], before)
        # A client that reconnects keeps it; its writes renew it; the other unit is free.
        self.assertIsNone(self.connect(self.farm).write_int32(1, POWER, 150_000))
        self.assert_close(self.unit()["lease_remaining_s"], 20.0, 0.11)
        self.set_watts(70_000, 2)
        self.assertEqual(self.modbus.write_int32(2, POWER, 1), 6, "device busy: REST holds it")
        self.assert_refused("modbus", "rest 127.0.0.1")
        self.assertEqual(self.unit(2)["setpoint"]["active_power_w"], 70_000)
        # By time alone: then the other one may, and the first is refused.
        self.farm.step(201)
        self.assertEqual(self.unit()["lease_remaining_s"], 0)
        self.set_watts(60_000)
        self.assertEqual(self.modbus.write_int32(1, POWER, 1), 6)
        self.assertEqual(self.unit()["setpoint"]["active_power_w"], 60_000)
        # A person at the panel is never refused and takes it.
        self.farm.change("PUT", "/units/1/setpoint?panel=true", {"active_power_w": 10.0})
        status, problem = self.farm.ask("PUT", "/units/1/setpoint", {"active_power_w": 5.0})
        self.assertEqual((status, problem["type"]), (409, "urn:bess:problem:leased"), problem)


class TwoMastersWithoutALease(WithFarm):
    def test_the_last_writer_wins_and_the_unit_says_who_that_was(self):
        for n in range(1, 4):
            self.assertIsNone(self.modbus.write_int32(1, POWER, 1000 * n))
            unit = self.unit()
            shown = unit["setpoint"]["active_power_w"], unit["control"]["source"]
            self.assertEqual(shown, (1000 * n, "modbus"))
            self.assertEqual(self.modbus.words(1, 7, 1), [2])
            self.set_watts(-1000 * n)
            unit = self.unit()
            shown = unit["setpoint"]["active_power_w"], unit["control"]["source"]
            self.assertEqual(shown, (-1000 * n, "rest"))
            self.assertEqual(self.modbus.words(1, 7, 1), [3])
        self.assertEqual(unit["lease_remaining_s"], 0)

    def test_under_local_control_remote_writes_are_refused_with_the_reason_and_reads_go_on(self):
        self.commanded("local")
        self.farm.step()
        unit = self.unit()
        self.assertTrue(unit["local"])
        self.assertEqual(self.sunspec(715).LocRemCtl.value, 1)
        self.assertEqual(self.sunspec(802).LocRemCtl.value, 1)
        status, problem = self.farm.ask("PUT", "/units/1/setpoint", {"active_power_w": 5.0})
        self.assertEqual((status, problem["type"]), (409, "urn:bess:problem:local_control"), problem)
        self.assert_refused("rest", "is under local control")
        self.assertEqual(self.modbus.write_int32(1, POWER, 5), 4)
        self.assert_refused("modbus", "is under local control")
        self.assertEqual(self.unit()["setpoint"], unit["setpoint"])
        self.farm.change("PUT", "/units/1/setpoint?panel=true", {"active_power_w": 7.0})
        self.assertEqual(self.unit()["setpoint"]["active_power_w"], 7.0)
        self.assertEqual(self.unit()["control"]["source"], "local")
        # The other unit is remote as ever; the emergency stop works in both.
        self.set_watts(5, 2)
        self.commanded("estop")
        self.farm.step()
        self.assertEqual(self.unit()["state"], "emergency_stop")

    def test_back_in_remote_writes_are_taken_again(self):
        self.commanded("local")
        status, answer = self.command("remote", panel=True)
        self.assertEqual(status, 200, answer)
        self.farm.step()
        self.assertFalse(self.unit()["local"])
        self.set_watts(5)


class TimersRunOnTheTickClock(WithFarm):
    rest = """
[[farm.grid.events]]
kind = "outage"
at_s = 150.03
duration_s = 3
"""
    END = 1900

    def arm(self, farm, modbus):
        """A watch on unit 1 and a reversion on unit 2."""
        self.assertIsNone(modbus.write_int32(1, POWER, 300_000))
        self.assertIsNone(modbus.write(1, WATCHDOG, [12]))
        self.assertIsNone(modbus.write(1, HEARTBEAT, [1]))
        farm.change("PATCH", "/units/2/control",
                    {"reversion": {"active_power": {"time_s": 15, "enabled": True, "absolute": 1e5}}})
        farm.change("PUT", "/units/2/setpoint", {"active_power_w": 2e5})

    def story(self, farm):
        """The grid's part by ticks of the run, the timers' by ticks since the write that armed them."""
        writes = farm.get("/writes?limit=1000")["writes"]
        armed = {1: [w["tick"] for w in writes if "heartbeat" in w["what"]][-1],
                 2: [w["tick"] for w in writes if "200000" in w["what"]][-1]}
        timers, grid = [], []
        for event in self.events(farm):
            at = (event["tick"], event["offset_ms"], event["unit"], event["text"])
            if event["tick"] > self.END:
                continue
            if event["tick"] >= 1500:
                grid.append(at)
            else:
                timers.append((event["tick"] - armed[event["unit"]], *at[1:]))
        return sorted(timers, key=str), grid

    def test_the_same_scenario_live_at_50_times_the_speed_and_stepped_has_the_same_ticks(self):
        self.arm(self.farm, self.modbus)
        while self.farm.step(37) <= self.END:
            pass
        timers, grid = self.story(self.farm)
        live = self.serve("--speed", "50")
        self.arm(live, self.connect(live))
        self.assertTrue(poll(lambda: live.get("/farm")["tick"] > self.END, 20.0))
        self.assertEqual(self.story(live), (timers, grid))
        # And that is something: a loss 12 s after the beat, a reversion after 15 s, a trip and the way back.
        for unit, ticks, word in ((1, 120, "-> fallback"), (2, 150, "revert")):
            at = [t[0] for t in timers if t[2] == unit and word in t[3]]
            self.assertEqual(len(at), 1, timers)
            self.assertLessEqual(abs(at[0] - ticks), 1, timers)
        texts = " ".join(text for *_, text in grid)
        self.assertIn("-> tripped", texts)
        self.assertIn("-> running", texts)


class BadInputChangesNothing(WithFarm):
    def shown(self):
        """What must stay as it was."""
        stamps = ("publication", "wall_time")
        unit = {k: v for k, v in self.unit().items() if k not in stamps}
        functions = self.farm.get("/units/1/functions")
        return unit, {k: v for k, v in functions.items() if k not in stamps}

    def count(self):
        return self.farm.get("/writes?limit=1")["total"]

    def assert_one_more(self, before):
        """One record more in the audit, and not two."""
        poll(lambda: self.count() > before)
        self.assertEqual(self.count(), before + 1)

    def test_over_rest_with_the_field_and_what_is_allowed(self):
        power = {"min": -RATED_W, "max": RATED_W, "unit": "W"}
        for method, path, body, field, allowed in (
            ("PUT", "setpoint", {"active_power_w": RATED_W + 1.0}, "active_power_w", power),
            ("PUT", "setpoint", {"active_power_w": -RATED_W - 1.0}, "active_power_w", power),
            ("PUT", "setpoint", {"active_power_pct": 100.1}, "active_power_pct", {"min": -100, "max": 100}),
            ("PUT", "setpoint", {"reactive_power_var": 1e9}, "reactive_power_var",
             {"min": -RATED_VAR, "max": RATED_VAR, "unit": "var"}),
            ("PUT", "setpoint", {"active_power_w": None}, "active_power_w", None),
            ("PUT", "setpoint", {"active_power_kw": 1.0}, "active_power_kw", None),
            ("PUT", "mode", {"mode": "turbo"}, "mode", "volt_var"),
            ("PATCH", "control", {"watchdog": {"timeout_s": 1e6}}, "watchdog.timeout_s",
             {"min": 0, "max": 86_400}),
            ("PATCH", "control", {"soc_min": 1.5}, "soc_min", {"max": 1}),
            ("PATCH", "control", {"bogus": 1}, "bogus", None),
            ("PATCH", "functions", {"volt_var": {"points": [[1.0, 1], [0.9, 0]]}}, "volt_var", None),
            ("PATCH", "functions", {"volt_var": {"points": [[0.9, 0], [1.0, 1]]}}, "volt_var", None),
            ("PATCH", "functions", {"frequency_response": {"preset": "x"}}, "frequency_response.preset", "fcr"),
            ("POST", "commands", {"action": "explode"}, "action", "start"),
        ):
            with self.subTest(path=path, body=body):
                before, writes = self.shown(), self.count()
                status, problem = self.farm.ask(method, f"/units/1/{path}", body)
                self.assertEqual(status, 422, problem)
                self.assertEqual(problem["field"], field, problem)
                if isinstance(allowed, dict):
                    self.assertEqual({**problem["allowed"], **allowed}, problem["allowed"])
                elif allowed is not None:
                    self.assertIn(allowed, problem["allowed"])
                self.assertEqual(self.shown(), before)
                self.assert_one_more(writes)
                self.assert_refused("rest")

    def test_what_is_not_json_is_refused_and_on_record(self):
        before, writes = self.shown(), self.count()
        status, problem = self.farm.ask("PUT", "/units/1/setpoint", {"active_power_w": float("nan")})
        self.assertEqual((status, problem["type"]), (400, "urn:bess:problem:malformed_json"))
        self.assertEqual(self.shown(), before)
        self.assert_one_more(writes)
        self.assert_refused("rest", "NaN")

    def test_over_modbus_with_the_exception_for_it(self):
        for address, words, code in (
            (POWER, split(RATED_W + 1), 3),
            (POWER, split(-RATED_W - 1), 3),
            (POWER, [0x8000, 0], 3),  # not available
            (POWER, split(1000)[:1], 3),  # half of a value
            (MODE, [99], 3),
            (MODE, [12], 3),  # read only
            (RESET, [2], 3),
            (SOC_MIN, [10_001], 3),
            (5, [1], 2),
            (200, [1], 2),
        ):
            with self.subTest(address=address, words=words):
                before, writes = self.shown(), self.count()
                self.assertEqual(self.modbus.write(1, address, words), code)
                self.assertEqual(self.shown(), before)
                self.assert_one_more(writes)
                self.assert_refused("modbus")
        # The map says so itself.
        self.assertEqual(self.modbus.words(1, 98, 2), [2, 200])

    def test_one_bad_value_in_a_write_of_several_takes_none(self):
        before = self.shown()
        self.assertEqual(self.modbus.write(1, POWER, [*split(5000), *split(RATED_VAR + 1)]), 3)
        self.assertEqual(self.shown(), before)


class FunctionsFollowTheirCurves(WithFarm):
    def test_the_droop_gives_what_its_curve_says_either_way(self):
        self.farm.change("PATCH", "/units/1/functions", {"frequency_droop": {
            "under_deadband_hz": 0.02, "under_droop": 0.02, "response_s": 1.0}})
        self.farm.change("PUT", "/units/1/mode", {"mode": "frequency_droop"})
        self.farm.step(5)
        self.assertEqual(self.unit()["ac"]["active_power_w"], 0.0)
        self.assertEqual(self.farm.get("/units/1/functions")["on"], ["frequency_droop"])
        for hertz, expected in (
            (49.99, 0.0),
            (49.7, (0.3 - 0.02) / 50 / 0.02),
            (49.9, (0.1 - 0.02) / 50 / 0.02),
            (50.2, -(0.2 - 0.036) / 50 / 0.05),
            (50.03, 0.0),
        ):
            with self.subTest(hertz=hertz):
                self.disturb("frequency", hertz)
                self.farm.step(100)
                self.assert_close(self.farm.get("/grid")["frequency_hz"], hertz, 1e-9)
                self.assert_close(self.unit()["ac"]["active_power_w"], expected * RATED_W, 0.001 * RATED_W)
                self.assertEqual(self.unit(2)["ac"]["active_power_w"], 0.0, "its function is off")

    def test_volt_var_gives_what_its_curve_says_and_nine_tenths_of_it_in_time(self):
        self.farm.change("PUT", "/units/1/mode", {"mode": "volt_var"})
        self.disturb("voltage", 0.95)
        begin = self.farm.step()
        self.farm.step(50)
        self.assertEqual(self.unit()["tick"], begin + 50)
        # Dead time and lag of the converter come on top of the five seconds.
        reached = self.unit()["ac"]["reactive_power_var"] / (0.5 * RATED_VAR)
        self.assertTrue(0.87 < reached < 0.92, reached)
        for volts, expected in ((0.95, 0.5), (1.0, 0.0), (1.05, -0.5), (1.09, -1.0)):
            with self.subTest(volts=volts):
                self.disturb("voltage", volts)
                self.farm.step(300)
                unit = self.unit()
                self.assert_close(unit["ac"]["reactive_power_var"], expected * RATED_VAR, 0.001 * RATED_VAR)
                words = self.modbus.words(1)
                self.assert_close(signed(words[14:16]), expected * RATED_VAR, 0.001 * RATED_VAR)
                self.assertEqual(words[MODE], 5, "volt-var alone")
        # A curve of one's own, while it is on.
        self.farm.change("PATCH", "/units/1/functions",
                         {"volt_var": {"points": [[0.9, 0.4], [1.0, 0.2], [1.1, 0.0]], "response_s": 1}})
        self.disturb("voltage", 1.02)
        self.farm.step(200)
        self.assert_close(self.unit()["ac"]["reactive_power_var"], 0.16 * RATED_VAR, 0.001 * RATED_VAR)
        self.farm.change("PUT", "/units/1/mode", {"mode": "pq"})
        self.farm.step(50)
        self.assert_close(self.unit()["ac"]["reactive_power_var"], 0.0, 1.0)

    def test_the_services_are_those_of_the_page_and_each_can_be_taken_by_its_name(self):
        listed = {service["name"]: service for service in self.farm.get("/services")["services"]}
        page = " ".join(documented("grid-services.md", "preset"))
        # A row may name several: `ffr-nordic-1.3-long`, `-1.0-long`, `-0.7-long`.
        named = re.findall(r"[\w.-]+", page)
        for name in named:
            self.assertTrue(name in listed or name.startswith("-") and "ffr-nordic" + name in listed, name)
        self.assertEqual(len(set(named)), len(listed))
        for name, service in listed.items():
            with self.subTest(name=name):
                self.assertTrue(service["source"])
                self.farm.change("PATCH", "/units/1/functions", {"frequency_response": {"preset": name}})
                shown = self.farm.get("/units/1/functions")["frequency_response"]
                self.assertEqual((shown["name"], shown["points"]), (name, service["points"]))


class CurvesAreAdoptedOverSunSpec(WithFarm):
    """pysunspec2 writes a stored curve as its points stand in the model, and has it adopted."""

    IN_PROGRESS, COMPLETED, FAILED = range(3)

    def functions(self):
        """Settings, without the instant of the answer."""
        instant = ("tick", "publication", "simulation_time", "wall_time")
        return {key: value for key, value in self.farm.get("/units/1/functions").items() if key not in instant}

    def stage(self, model, curve, points, **rest):
        """Writes a curve by its number: pairs of named values, and what else it has."""
        stored = (model.Ctl if model.gname == "DERFreqDroop" else model.Crv)[curve - 1]
        for name, value in rest.items():
            stored.points[name].cvalue = value
        for point, values in zip(stored.groups.get("Pt", []), points):
            for name, value in values.items():
                point.points[name].cvalue = value
        if points:
            stored.ActPt.value = len(points)
        model.write()

    def adopt(self, model, curve):
        """Asks for a curve; what came of it."""
        request = "AdptCtlReq" if "AdptCtlReq" in model.points else "AdptCrvReq"
        model.points[request].value = curve
        model.write()
        model.read()
        return model.points[request.replace("Req", "Rslt")].value

    def test_volt_var_follows_an_adopted_curve_and_every_door_shows_it(self):
        model = self.sunspec(705)
        self.assertEqual((model.NCrv.value, model.NPt.value, model.Ena.value), (3, 20, 0))
        self.assertEqual((model.Crv[0].ReadOnly.value, model.Crv[1].ReadOnly.value), (1, 0))
        shown = [[p.V.cvalue / 100, p.Var.cvalue / 100] for p in model.Crv[0].Pt[:model.Crv[0].ActPt.value]]
        for ours, theirs in zip(shown, self.functions()["volt_var"]["points"]):
            self.assert_close(ours[0], theirs[0], 1e-9)
            self.assert_close(ours[1], theirs[1], 1e-9)
        before = self.functions()
        points = [{"V": 90, "Var": 50}, {"V": 100, "Var": 0}, {"V": 110, "Var": -50}]
        self.stage(model, 2, points, RspTms=1, DeptRef=1)
        self.assertEqual(self.functions(), before, "staged is not adopted")
        self.assertEqual(self.adopt(model, 2), self.COMPLETED)
        adopted = self.functions()["volt_var"]
        self.assertEqual(adopted, {"points": [[0.9, 0.5], [1.0, 0.0], [1.1, -0.5]], "response_s": 1})
        self.assertEqual([p.V.cvalue for p in model.Crv[0].Pt[:3]], [90, 100, 110])
        self.assertIsNone(model.Crv[0].Pt[3].V.cvalue)
        self.assertIn("volt_var_points", self.last_write()["what"])
        model.Ena.value = 1
        model.write()
        self.assertEqual(self.functions()["on"], ["volt_var"])
        for volts in (0.95, 1.04):
            self.disturb("voltage", volts)
            self.farm.step(100)
            expected = (1.0 - volts) * 5 * RATED_VAR
            self.assert_close(self.unit()["ac"]["reactive_power_var"], expected, 0.001 * RATED_VAR)
            self.assert_close(self.sunspec(701).Var.cvalue, expected, 0.001 * RATED_VAR)

    def test_the_example_of_the_page_works(self):
        with open(page("sunspec.md"), encoding="utf-8") as file:
            example = file.read().split("```python\n")[1].split("```")[0]
        example = example.replace("127.0.0.1", self.farm.host).replace("5020", str(self.farm.port))
        exec(compile(example, "docs/sunspec.md", "exec"), {})  # pylint: disable=exec-used
        functions = self.functions()
        self.assertEqual(functions["on"], ["volt_var"])
        points = [[0.92, 0.6], [0.98, 0.0], [1.02, 0.0], [1.08, -0.6]]
        self.assertEqual(functions["volt_var"], {"points": points, "response_s": 2.5})

    def test_a_curve_that_cannot_be_fails_and_changes_nothing(self):
        before = self.functions()
        for number, points in ((705, [{"V": 100, "Var": 0}, {"V": 90, "Var": -10}]),
                               (706, [{"V": 105, "W": 50}, {"V": 110, "W": 80}]),
                               (712, [{"W": 0, "Var": 0}])):
            with self.subTest(model=number):
                model = self.sunspec(number)
                self.stage(model, 3, points)
                model.Ena.value = 1
                self.assertEqual(self.adopt(model, 3), self.FAILED)
                self.assertEqual(self.functions(), before)
                self.assertEqual(model.Crv[2].ActPt.value, len(points), "it stays staged")
                # A stored curve that nobody wrote to is that of the farm file.
                self.assertEqual(self.adopt(model, 2), self.COMPLETED)
        model = self.sunspec(705)
        model.AdptCrvReq.value = 4
        with self.assertRaises(Exception, msg="there is no fourth: exception 3"):
            model.write()
        model = self.sunspec(705)
        model.Crv[0].Pt[0].V.cvalue = 80
        with self.assertRaises(Exception, msg="the first is read only: exception 2"):
            model.write()

    def test_trips_are_adopted_and_trip(self):
        model = self.sunspec(707)
        before = self.functions()["trips"]
        self.assertEqual((model.NCrvSet.value, model.NPt.value, model.Ena.value), (3, 10, 1))
        stored = model.Crv[1]
        stored.MustTrip.Pt[0].V.cvalue, stored.MustTrip.Pt[0].Tms.cvalue = 93, 1
        stored.MustTrip.ActPt.value, stored.MomCess.ActPt.value = 1, 0
        model.write()
        self.assertEqual(self.functions()["trips"], before, "staged is not adopted")
        self.assertEqual(self.adopt(model, 2), self.COMPLETED)
        trips = self.functions()["trips"]
        self.assertEqual(trips["under_voltage"], {"enabled": True, "points": [[0.93, 1]]})
        self.assertEqual(trips["over_voltage"], before["over_voltage"])
        self.assertEqual(trips["cessation_below_pu"], 0)
        self.assertEqual((model.Crv[0].MustTrip.ActPt.value, model.Crv[0].MustTrip.Pt[0].V.cvalue), (1, 93))
        # On the wrong side of nominal.
        model.Crv[2].MustTrip.Pt[0].V.cvalue = 101
        model.write()
        self.assertEqual(self.adopt(model, 3), self.FAILED)
        self.assertEqual(self.functions()["trips"], trips)
        self.disturb("voltage", 0.91)
        self.farm.step(30)
        self.assertEqual(self.unit()["state"], "tripped", "0.91 is above every threshold of the farm file")

    def test_a_unit_is_rated_down_and_its_percentages_with_it(self):
        model = self.sunspec(702)
        self.assertEqual(model.WMax.cvalue, RATED_W)
        model.WMax.cvalue = RATED_W / 2
        model.write()
        self.assertEqual(self.unit()["control"]["capacity"]["active_max_w"], RATED_W / 2)
        control = self.sunspec(704)
        control.WSetMod.value, control.WSetPct.cvalue, control.WSetEna.value = 0, 50, 1
        control.write()
        self.farm.step(100)
        self.assert_close(self.unit()["ac"]["active_power_w"], RATED_W / 4, 0.001 * RATED_W)
        model.WMax.cvalue = RATED_W * 1.01
        with self.assertRaises(Exception, msg="beyond the rating: exception 3"):
            model.write()

    def test_a_unit_without_its_permit_leaves_service_and_comes_back_with_it(self):
        model = self.sunspec(703)
        self.assertEqual((model.ES.value, model.ESDlyTms.value), (1, 5))
        model.ES.value, model.ESDlyTms.value = 0, 1
        model.write()
        entering = self.unit()["control"]["enter_service"]
        self.assertEqual((entering["permitted"], entering["delay_s"]), (False, 1))
        self.farm.step(100)
        self.assertEqual((self.unit()["state"], self.sunspec(703).ES.value), ("standby", 0))
        model = self.sunspec(703)
        model.ES.value = 1
        model.write()
        self.farm.step(300)
        self.assertEqual((self.unit()["state"], self.sunspec(703).ES.value), ("running", 1))

    def test_the_droop_of_model_711_answers_the_frequency(self):
        model = self.sunspec(711)
        self.stage(model, 2, [], DbOf=0.1, DbUf=0.02, KOf=0.05, KUf=0.02, RspTms=1)
        model.Ena.value = 1
        self.assertEqual(self.adopt(model, 2), self.COMPLETED)
        self.assertEqual(self.functions()["on"], ["frequency_droop"])
        for hertz, expected in ((49.7, (0.3 - 0.02) / 50 / 0.02), (50.4, -(0.4 - 0.1) / 50 / 0.05)):
            self.disturb("frequency", hertz)
            self.farm.step(100)
            self.assert_close(self.sunspec(701).W.cvalue, expected * RATED_W, 0.002 * RATED_W)
        # Curve 0 is none.
        model.AdptCtlReq.value = 0
        model.write()
        self.assertEqual(self.functions()["on"], [])

    def test_trips_dc_port_and_capacity_are_those_of_the_unit(self):
        trips = {number: self.sunspec(number) for number in (707, 708, 709, 710)}
        shown = {}
        for number, model in trips.items():
            curve, name = model.Crv[0].MustTrip, "V" if number < 709 else "Hz"
            shown[number] = [(p.points[name].cvalue, p.Tms.cvalue) for p in curve.Pt[:curve.ActPt.value]]
        self.assertEqual(shown, {707: [(50, 2), (88, 21)], 708: [(120, 0.16), (110, 13)],
                                 709: [(46.5, 0.16), (48.5, 300)], 710: [(52, 0.16), (51.2, 300)]})
        self.set_watts(500_000)
        self.farm.step(30)
        unit, port, battery = self.unit(), self.sunspec(714), self.sunspec(802)
        self.assertEqual((port.NPrt.value, port.Prt[0].PrtTyp.value, port.Prt[0].DCSta.value), (1, 1, 1))
        self.assert_close(port.Prt[0].DCW.cvalue, unit["dc"]["power_w"], 50)
        self.assert_close(port.Prt[0].DCV.cvalue, unit["dc"]["voltage_v"], 0.05)
        self.assertEqual((port.DCA.value, port.DCW.value), (battery.A.value, battery.W.value))
        capacity = self.sunspec(702)
        self.assertEqual((capacity.VMaxRtg.cvalue, capacity.VMinRtg.cvalue), (759, 607.2))
        # sqrt(880^2 - 387.2^2) kW at the largest reactive power.
        self.assert_close(capacity.WOvrExtRtg.cvalue, 790_222, 50)

    def test_the_window_of_charge_is_that_of_model_802(self):
        battery = self.sunspec(802)
        self.assertEqual((battery.SoCMin.cvalue, battery.SoCMax.cvalue), (0, 100))
        battery.SoCRsvMin.cvalue, battery.SocRsvMax.cvalue = 12.5, 87.5
        battery.write()
        self.assertEqual(self.modbus.words(1, SOC_MIN, 2), [1250, 8750])
        control = self.unit()["control"]
        self.assertEqual((control["soc_min"], control["soc_max"]), (0.125, 0.875))


def transitions():
    """All (from, trigger, to) of docs/unit-states.md."""
    rows = documented("unit-states.md", "from", every=True)
    return {tuple(text.strip("` ") for text in (start, row["trigger"], row["to"]))
            for row in rows for start in row["from"].split(",")}


def evt1(alarms):
    """Bits of 802.Evt1 and 803.StrEvt1: mild / grave."""
    bits = 0
    for alarm in alarms:
        mild, grave = ALARMS[alarm["code"]]["802.Evt1, 803.StrEvt1"].split("/")
        bits |= 1 << int(mild if alarm["level"] in ("warning", "derate") else grave)
    return bits


# Alarms for which 701.Alrm shows already a derating: a part of the unit is gone, the rest goes on.
PART_IS_GONE = ("string_open", "fuse_blown", "dc_voltage_out_of_window")


def alrm(alarms):
    """Bits of 701.Alrm: of what stops the unit or takes a part of it."""
    raised = [a for a in alarms if a["level"] in ("trip", "critical")
              or a["level"] == "derate" and a["code"] in PART_IS_GONE]
    rows = [ALARMS[alarm["code"]]["701.Alrm"] for alarm in raised]
    return sum({1 << int(bit) for bit in rows if bit != "-"})


def split(value):
    return [value >> 16 & 0xFFFF, value & 0xFFFF]


if __name__ == "__main__":
    unittest.main(verbosity=2)
