"""Acceptance: real clients against a live farm.

    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -v

pysunspec2 is given host, port and unit id and nothing else; pymodbus and mbpoll speak the compact map;
urllib speaks REST; prometheus_client parses the metrics. Where numbers are compared exactly the clock
is stepped, so that all of them are of one tick.
"""

import datetime
import math
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from farm import ANSWER_MAX_S, Farm, exception_code, poll, signed

UNITS = range(1, 11)
PLANT = 255
RATED_W = 2_500_000
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
CLASSIC = "text/plain; version=0.0.4"


class WithFarm(unittest.TestCase):
    """One farm for the tests of a class."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.farm = Farm(*cls.flags)

    @classmethod
    def tearDownClass(cls):
        code = cls.farm.stop()
        assert code == 0, f"bess ended with {code}"

    def setUp(self):
        self.modbus = self.farm.modbus()

    def tearDown(self):
        self.modbus.client.close()

    def unit(self, number):
        return self.farm.get(f"/units/{number}")

    def assert_close(self, value, expected, tolerance, what=""):
        self.assertLessEqual(abs(value - expected), tolerance, f"{what}: {value}, expected {expected}")


class LiveFarm(WithFarm):
    """The built-in farm at the speed of the wall clock."""

    def tearDown(self):
        self.farm.change("PATCH", "/clock", {"speed": 1.0})
        self.farm.change("PUT", "/farm/setpoint", {"active_power_w": 0.0, "reactive_power_var": 0.0})
        super().tearDown()

    def test_a_sunspec_client_finds_the_chain_of_any_unit_from_host_port_and_unit_id(self):
        promised = [1, *range(701, 716), 802, 803]
        for number in (1, 3, 10):
            with self.subTest(unit=number):
                device = self.farm.sunspec(number)
                models = [key for key in device.models if isinstance(key, int)]
                self.assertEqual(device.base_addr, 40000)
                self.assertEqual(models, promised)
                for key in models:
                    self.assertEqual(len(device.models[key]), 1, f"model {key} once")
                    self.assertFalse(device.models[key][0].error_info, f"model {key}")
                self.assertEqual(device.common[0].Mn.cvalue, "bess")
                self.assertEqual(device.common[0].SN.cvalue, f"unit-{number:03}")

    def test_a_sunspec_client_finds_the_plant_with_its_meter(self):
        device = self.farm.sunspec(PLANT)
        models = [key for key in device.models if isinstance(key, int)]
        self.assertEqual(models, [1, 701, 702, 704, 713, 203])
        self.assertFalse(any(device.models[key][0].error_info for key in models))
        meter, ac = device.models[203][0], device.models[701][0]
        self.assert_close(meter.Hz.cvalue, 50, 0.5, "Hz")
        self.assert_close(meter.PPV.cvalue, 690, 35, "PPV")
        # Two requests, between which a tick may lie.
        self.assert_close(meter.W.cvalue, ac.W.cvalue, 10 * 10 ** meter.W_SF.value, "W")
        # Half a step of the sum, and half a step of each phase.
        self.assert_close(meter.A.cvalue, 3 * meter.AphA.cvalue, 2 * 10 ** meter.A_SF.value, "sum of the phases")

    def test_a_sunspec_client_reads_sane_values_of_a_unit(self):
        for number in (1, 3, 10):
            with self.subTest(unit=number):
                models = {k: v[0] for k, v in self.farm.sunspec(number).models.items() if isinstance(k, int)}
                ac, rating, storage, battery, bank = (models[k] for k in (701, 702, 713, 802, 803))
                self.assert_close(ac.W.cvalue, 0, 0.05 * RATED_W, "W")
                self.assert_close(ac.LLV.cvalue, 690, 35, "LLV")
                self.assert_close(ac.Hz.cvalue, 50, 1, "Hz")
                self.assertEqual(rating.WMaxRtg.cvalue, RATED_W)
                self.assertEqual(rating.VAMaxRtg.cvalue, 2_750_000)
                self.assertEqual(rating.VarMaxInjRtg.cvalue, 1_210_000)
                self.assert_close(storage.WHRtg.cvalue, 5.016e6, 1e3, "WHRtg")
                self.assertTrue(20 < storage.SoC.cvalue < 80, storage.SoC.cvalue)
                self.assertTrue(99 < storage.SoH.cvalue <= 101, storage.SoH.cvalue)
                self.assertTrue(1100 < battery.V.cvalue < 1500, battery.V.cvalue)
                self.assertTrue(3.0 < battery.CellVMin.cvalue <= battery.CellVMax.cvalue < 3.6)
                self.assert_close(battery.SoC.cvalue, storage.SoC.cvalue, 0.02, "802.SoC")
                self.assertEqual(bank.NStr.cvalue, 12)
                self.assertEqual(bank.NStrCon.cvalue, 12)
                self.assertEqual(len(bank.string), 12)
                for string in bank.string:
                    self.assert_close(string.StrSoC.cvalue, storage.SoC.cvalue, 2, "StrSoC")
                    self.assertTrue(3.0 < string.StrCellVMin.cvalue <= string.StrCellVMax.cvalue < 3.6)
                    self.assertTrue(10 < string.StrModTmpMin.cvalue <= string.StrModTmpMax.cvalue < 45)

    def test_model_704_moves_the_power_of_a_unit_and_battery_and_farm_react(self):
        device = self.farm.sunspec(3)
        ac, controls, battery = (device.models[k][0] for k in (701, 704, 802))
        rest_v, first_tick = battery.V.cvalue, self.unit(3)["tick"]
        controls.WSetEna.value = 1
        controls.WSetMod.value = 1  # WATTS
        controls.WSet.cvalue = 1_500_000
        controls.write()

        def power():
            ac.read()
            return ac.W.cvalue

        seen = []
        self.assertTrue(poll(lambda: seen.append(power()) or abs(seen[-1] - 1_500_000) < 15_000), seen)
        self.assertEqual(seen, sorted(seen), "it rises all the way")
        # A tenth of 2.5 MW a tick after a dead time of one: never sooner, however busy the machine.
        self.assertGreaterEqual(self.unit(3)["tick"] - first_tick, 7, "not at once: dead time, lag and ramp")
        controls.read()
        self.assertEqual((controls.WSetEna.value, controls.WSetMod.value), (1, 1))
        self.assertEqual(controls.WSet.cvalue, 1_500_000)
        battery.read()
        self.assertLess(battery.V.cvalue, rest_v - 1, "the voltage sags")
        self.assertGreater(battery.A.cvalue, 900, "positive current is discharge")
        self.assertGreater(battery.W.cvalue, 1_500_000, "the PCS has losses")
        self.assertEqual(self.unit(3)["control"]["source"], "modbus")
        # Charging is negative.
        controls.WSet.cvalue = -1_000_000
        controls.write()
        self.assertTrue(poll(lambda: abs(power() + 1_000_000) < 10_000), f"W is {power()}")
        battery.read()
        self.assertLess(battery.A.cvalue, -600)
        # Without the enable there is no setpoint.
        controls.WSetEna.value = 0
        controls.write()
        self.assertTrue(poll(lambda: abs(power()) < 10_000), f"W is {power()}")

    def test_the_state_of_charge_falls_by_what_is_discharged_and_rises_by_what_is_charged(self):
        device = self.farm.sunspec(5)
        controls, storage = device.models[704][0], device.models[713][0]
        self.farm.change("PATCH", "/clock", {"speed": 100.0})
        for sign in (1, -1):
            controls.WSetEna.value, controls.WSetMod.value, controls.WSet.cvalue = 1, 1, sign * 2_000_000
            controls.write()
            self.assertTrue(poll(lambda: abs(self.unit(5)["ac"]["active_power_w"] - sign * 2e6) < 2e4))
            before = self.unit(5)
            storage.read()
            start = storage.SoC.cvalue

            def moved():
                storage.read()
                return sign * (start - storage.SoC.cvalue) > 2.0

            self.assertTrue(poll(moved), f"SoC went from {start} to {storage.SoC.cvalue} %")
            after = self.unit(5)
            hours = (instant(after) - instant(before)) / 3600
            charge_ah = (before["truth"]["soc"] - after["truth"]["soc"]) * 12 * 314 * after["truth"]["soh"]
            current_a = (before["dc"]["current_a"] + after["dc"]["current_a"]) / 2
            self.assertGreater(sign * current_a, 1000)
            self.assert_close(charge_ah, current_a * hours, 0.02 * abs(current_a) * hours, "charge of the SoC")
            counted_wh = sum(
                side * (after["totals"][name] - before["totals"][name])
                for side, name in ((1, "discharged_energy_wh"), (-1, "charged_energy_wh")))
            self.assert_close(counted_wh, sign * 2e6 * hours, 0.01 * 2e6 * hours, "energy at the terminals")
            for side in ("measured", "truth"):
                self.assertTrue(15 < after[side]["temperature_min_degc"] <= after[side]["temperature_max_degc"] < 45)

    def test_a_read_after_an_acknowledged_write_sees_it_on_every_door(self):
        for n in range(1, 16):
            watts = 10_000 * n * (-1) ** n
            self.assertIsNone(self.modbus.write_int32(6, 80, watts))
            self.assertEqual(self.unit(6)["setpoint"]["active_power_w"], watts)
            self.assertEqual(self.modbus.int32(6, 80), watts)
            answer = self.farm.change("PUT", "/units/7/setpoint", {"active_power_w": float(watts)})
            unit = self.unit(7)
            self.assertEqual(unit["setpoint"]["active_power_w"], watts)
            self.assertGreaterEqual(unit["tick"], answer["applied_tick"])
            self.assertEqual(self.modbus.int32(7, 34), watts)

    def test_the_farm_setpoint_is_split_and_met_at_the_poi(self):
        self.farm.change("PUT", "/farm/setpoint", {"active_power_w": 8e6})

        def met():
            return abs(self.farm.get("/farm")["active_power_w"] - 8e6) < 0.01 * 25e6

        self.assertTrue(poll(met), self.farm.get("/farm"))
        for unit in self.farm.get("/units")["units"]:
            self.assertEqual(unit["control"]["source"], "plant")
            self.assertTrue(0.5e6 < unit["ac"]["active_power_w"] < 1.2e6, unit["name"])
        self.assert_close(self.modbus.int32(PLANT, 12), 8e6, 0.01 * 25e6, "register 12 of the plant")

    def test_the_heartbeat_and_the_sample_time_of_the_compact_map_go_on(self):
        first = self.modbus.words(1)
        self.assertTrue(poll(lambda: self.modbus.words(1, 4, 1)[0] != first[4]), "heartbeat")
        second = self.modbus.words(1)
        self.assertGreater(signed(second[60:64]), signed(first[60:64]), "sample time")
        self.assertGreater(signed(second[64:66]), signed(first[64:66]), "sample number")
        wall_ms = datetime.datetime.now(datetime.timezone.utc).timestamp() * 1e3
        # Equal to the wall's at speed 1, but other tests sped the clock up.
        self.assertGreater(signed(second[60:64]), wall_ms - 20_000)

    def test_many_modbus_clients_at_once_see_the_same_farm(self):
        clients = [self.farm.modbus() for _ in range(40)]
        try:
            for client in clients:
                self.assertEqual(client.words(4, 0, 4), [0xBE55, 2, 0, 4])
        finally:
            for client in clients:
                client.client.close()


class SteppedFarm(WithFarm):
    """The built-in farm with a clock that stands: every number is of a known tick."""

    flags = ("--stepped",)

    def set_watts(self, number, watts):
        self.farm.change("PUT", f"/units/{number}/setpoint", {"active_power_w": float(watts)})

    def state(self):
        """Everything that a refused request must leave as it was."""
        farm = self.farm.get("/farm")
        stamps = ("publication", "wall_time", "commands_refused")
        return ({k: v for k, v in farm.items() if k not in stamps}, self.farm.get("/units")["units"])

    def test_power_follows_with_dead_time_lag_and_ramp(self):
        device = self.farm.sunspec(8)
        ac, controls = device.models[701][0], device.models[704][0]
        controls.WSetEna.value, controls.WSetMod.value, controls.WSet.cvalue = 1, 1, RATED_W
        controls.write()
        powers = []
        for _ in range(30):
            ac.read()
            powers.append(ac.W.cvalue)
            self.farm.step()
        self.assertEqual(powers[:2], [0, 0], "dead time of one tick")
        steps = [b - a for a, b in zip(powers, powers[1:])]
        # The ramp is 100 % of the rating per second, so a tenth of it in a tick; W has steps of 1 kW.
        self.assertLessEqual(max(steps), RATED_W / 10 + 1000, powers)
        self.assertGreaterEqual(min(steps), 0, powers)
        between = [p for p in powers if 0.02 * RATED_W < p < 0.98 * RATED_W]
        self.assertGreaterEqual(len(between), 8, powers)
        self.assert_close(powers[-1], RATED_W, 0.005 * RATED_W, "after three seconds")
        self.set_watts(8, 0)

    def test_pymodbus_reads_the_compact_map_of_every_unit_and_the_plant(self):
        self.set_watts(2, 400_000)
        self.farm.step(20)
        for number in UNITS:
            words, unit = self.modbus.words(number), self.unit(number)
            self.assertEqual(words[:2], [0xBE55, 2])
            self.assertEqual(signed(words[2:4]), number)
            self.assertEqual(words[5], 3, "running")
            self.assertEqual(signed(words[66:68]), RATED_W)
            self.assert_close(signed(words[12:14]), unit["ac"]["active_power_w"], 0.5, "power")
            self.assert_close(words[24] / 1e4, unit["measured"]["soc"], 0.51e-4, "SoC")
            self.assert_close(words[21] / 10, unit["dc"]["voltage_v"], 0.051, "DC voltage")
            self.assert_close(words[18] * 65536 + words[19], unit["ac"]["frequency_hz"] * 1e3, 0.51, "mHz")
            self.assert_close(words[42] / 1e3, unit["measured"]["cell_voltage_max_v"], 0.51e-3, "cell max")
            self.assert_close(words[43] / 1e3, unit["measured"]["cell_voltage_min_v"], 0.51e-3, "cell min")
            self.assert_close(words[40] / 10, unit["measured"]["temperature_max_degc"], 0.051, "hottest")
            self.assertEqual(words[101], unit["racks_connected"])
            self.assert_close(signed(words[60:64]) / 1e3, instant(unit), 0.001, "sample time")
        inputs = self.modbus.client.read_input_registers(0, count=125, device_id=2)
        self.assertEqual(inputs.registers, self.modbus.words(2), "the same in both tables")
        for plant in (0, PLANT):
            words, farm = self.modbus.words(plant), self.farm.get("/farm")
            self.assertEqual(signed(words[2:4]), 0)
            self.assert_close(signed(words[12:14]), farm["active_power_w"], 0.5, "power")
            self.assertEqual(signed(words[66:68]), 10 * RATED_W)
        self.set_watts(2, 0)

    def test_pymodbus_writes_the_setpoint_of_register_80_and_rest_sees_it(self):
        self.assertIsNone(self.modbus.write_int32(9, 80, -1_234_567))
        self.assertEqual(self.modbus.int32(9, 80), -1_234_567)
        unit = self.unit(9)
        self.assertEqual(unit["setpoint"]["active_power_w"], -1_234_567)
        self.assertEqual(unit["control"]["source"], "modbus")
        self.farm.step(30)
        self.assert_close(self.unit(9)["ac"]["active_power_w"], -1_234_567, 0.005 * RATED_W, "power")
        self.assert_close(self.modbus.int32(9, 12), -1_234_567, 0.005 * RATED_W, "register 12")
        # One write commands active and reactive power together.
        words = [0, 50_000, 0xFFFF, 0x3CB0]
        self.assertIsNone(self.modbus.write(9, 80, words))
        setpoint = self.unit(9)["setpoint"]
        self.assertEqual((setpoint["active_power_w"], setpoint["reactive_power_var"]), (50_000, -50_000))
        single = self.modbus.client.write_register(85, 77, device_id=9)
        self.assertIsNone(exception_code(single))
        self.assertEqual(self.unit(9)["control"]["controller_heartbeat"], 77)
        self.assertIsNone(self.modbus.write(9, 80, [0, 0, 0, 0]))

    def test_mbpoll_reads_and_writes_the_compact_map(self):
        if shutil.which("mbpoll") is None:
            self.skipTest("no mbpoll on the PATH: apt-get install mbpoll")
        self.set_watts(4, 625_000)
        self.farm.step(30)

        def mbpoll(*more):
            host, port = self.farm.host, str(self.farm.port)
            command = ["mbpoll", "-m", "tcp", "-p", port, "-a", "4", "-0", "-t", "4:int", "-B", "-o", "2",
                       *more[:-1], host, *more[-1]]
            return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_MAX_S)

        read = mbpoll("-r", "12", "-c", "2", "-1", [])
        self.assertEqual(read.returncode, 0, read.stdout + read.stderr)
        values = {}
        for line in read.stdout.splitlines():
            if line.startswith("["):
                place, value = line.split(":", 1)
                values[int(place[1:-1])] = int(value.split()[0])
        unit = self.unit(4)
        self.assert_close(values[12], unit["ac"]["active_power_w"], 0.5, "register 12")
        self.assert_close(values[14], unit["ac"]["reactive_power_var"], 0.5, "register 14")
        written = mbpoll("-r", "80", ["700000"])
        self.assertEqual(written.returncode, 0, written.stdout + written.stderr)
        self.assertEqual(self.unit(4)["setpoint"]["active_power_w"], 700_000)
        refused = mbpoll("-r", "80", ["9000000"])
        self.assertIn("Illegal data value", refused.stdout + refused.stderr)
        self.assertEqual(self.unit(4)["setpoint"]["active_power_w"], 700_000)
        self.set_watts(4, 0)

    def test_the_farm_is_the_sum_of_its_units_less_auxiliaries_and_the_transformers_loss(self):
        for number in UNITS:
            self.set_watts(number, 100_000 * number - 400_000)
        self.farm.step(40)
        farm, units = self.farm.get("/farm"), self.farm.get("/units")
        self.assertEqual(farm["tick"], units["tick"])
        power = sum(unit["ac"]["active_power_w"] for unit in units["units"])
        auxiliaries = sum(unit["auxiliary_power_w"] for unit in units["units"])
        # Ten containers with 1 kW of controls each, at least.
        self.assertGreaterEqual(auxiliaries, 10_000)
        lost = farm["transformer_loss_w"]
        self.assertGreater(lost, 0)
        self.assert_close(farm["units_power_w"], power, 1e-3, "sum of the units")
        self.assert_close(farm["auxiliary_power_w"], auxiliaries, 1e-3, "sum of the auxiliaries")
        at_poi = power - auxiliaries - lost
        self.assert_close(farm["active_power_w"], at_poi, 1e-3, "power at the POI")
        registers = sum(self.modbus.int32(number, 12) for number in UNITS)
        self.assert_close(
            self.modbus.int32(PLANT, 12), registers - auxiliaries - lost, 6, "in registers"
        )
        plant = self.farm.sunspec(PLANT)
        self.assert_close(plant.models[701][0].W.cvalue, farm["active_power_w"], 1000, "701.W of the plant")
        capacity = sum(unit["measured"]["energy_capacity_wh"] for unit in units["units"])
        energy = sum(unit["measured"]["energy_wh"] for unit in units["units"])
        self.assert_close(farm["soc"], energy / capacity, 1e-9, "energy-weighted SoC")
        for number in UNITS:
            self.set_watts(number, 0)

    # Metrics

    def scrape(self, accept, parse, path=""):
        content_type, text = self.farm.metrics(accept, path)
        self.assertEqual(text.count("# EOF"), 1 if accept == OPENMETRICS else 0)
        samples, families = {}, {}
        for family in parse(text):
            self.assertNotIn(family.name, families, "one family, one block")
            families[family.name] = family
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                self.assertNotIn(key, samples, "one series, one sample")
                samples[key] = sample.value
        return content_type, families, samples

    def test_the_metrics_are_those_of_rest_and_modbus_in_the_same_tick(self):
        for number in UNITS:
            self.set_watts(number, 150_000 * number)
        self.farm.step(7)
        for _ in range(3):
            tick = self.farm.step(3)
            content_type, _, samples = self.scrape(OPENMETRICS, parse_openmetrics)
            self.assertTrue(content_type.startswith("application/openmetrics-text"), content_type)
            units, farm = self.farm.get("/units"), self.farm.get("/farm")
            self.assertEqual((units["tick"], farm["tick"]), (tick, tick))
            info = [dict(labels) for name, labels in samples if name == "bess_unit_info"]
            names = {int(labels["unit"]): labels["name"] for labels in info}
            self.assertEqual(names, {unit["number"]: unit["name"] for unit in units["units"]})
            for unit in units["units"]:
                number, battery = unit["number"], unit["measured"]

                def shown(name):
                    return samples[name, (("unit", str(number)),)]

                for name, value in (
                    ("bess_unit_ac_power_watts", unit["ac"]["active_power_w"]),
                    ("bess_unit_ac_power_setpoint_watts", unit["setpoint"]["active_power_w"]),
                    ("bess_unit_soc_ratio", battery["soc"]),
                    ("bess_unit_true_soc_ratio", unit["truth"]["soc"]),
                    ("bess_unit_dc_voltage_volts", unit["dc"]["voltage_v"]),
                    ("bess_unit_dc_current_amperes", unit["dc"]["current_a"]),
                    ("bess_unit_cell_temperature_max_celsius", battery["temperature_max_degc"]),
                    ("bess_unit_cell_voltage_min_volts", battery["cell_voltage_min_v"]),
                    ("bess_unit_racks_connected", unit["racks_connected"]),
                ):
                    self.assertEqual(shown(name), value, f"{name} of unit {number} at tick {tick}")
                words = self.modbus.words(number)
                self.assertEqual(signed(words[12:14]), nearest(shown("bess_unit_ac_power_watts")))
                self.assertEqual(words[24], nearest(shown("bess_unit_soc_ratio") * 1e4))
                self.assertEqual(words[21], nearest(shown("bess_unit_dc_voltage_volts") * 10))
                self.assertEqual(signed(words[22:24]), nearest(shown("bess_unit_dc_current_amperes") * 10))
            for name, value in (
                ("bess_farm_ac_power_watts", farm["active_power_w"]),
                ("bess_farm_soc_ratio", farm["soc"]),
                ("bess_grid_frequency_hertz", farm["frequency_hz"]),
            ):
                self.assertEqual(samples[name, ()], value, f"{name} at tick {tick}")
            plant = self.modbus.words(PLANT)
            self.assertEqual(signed(plant[12:14]), nearest(samples["bess_farm_ac_power_watts", ()]))
        for number in UNITS:
            self.set_watts(number, 0)

    def test_both_forms_of_the_metrics_parse_and_say_the_same(self):
        open_type, open_families, open_samples = self.scrape(OPENMETRICS, parse_openmetrics)
        classic_type, classic_families, classic_samples = self.scrape(CLASSIC, parse_classic)
        self.assertTrue(open_type.startswith("application/openmetrics-text"), open_type)
        self.assertTrue(classic_type.startswith("text/plain"), classic_type)
        self.assertGreater(len(open_families), 30)
        gauges = {name for name, family in open_families.items() if family.type == "gauge"}
        self.assertGreater(len(gauges), 20)
        for name in gauges:
            self.assertEqual(classic_families[name].type, "gauge")
        own = {"bess_scrape_encode_seconds", "bess_snapshot_age_seconds"}
        for key, value in open_samples.items():
            name = key[0]
            if name in gauges and name.startswith(("bess_unit", "bess_farm", "bess_grid")) and name not in own:
                self.assertTrue(same(classic_samples[key], value), key)
        for name, family in open_families.items():
            self.assertTrue(family.documentation, f"{name} has a help")
            self.assertTrue(name.startswith(("bess_", "process_", "tokio_")), name)

    def test_every_family_has_help_type_and_the_unit_of_its_name(self):
        families = self.scrape(OPENMETRICS, parse_openmetrics)[1]
        for name, family in families.items():
            self.assertTrue(family.documentation.endswith("."), name)
            self.assertIn(family.type, ("counter", "gauge", "histogram", "info"), name)
            if family.unit:
                self.assertTrue(name.endswith("_" + family.unit), name)
            for sample in family.samples:
                self.assertFalse(math.isnan(sample.value), sample)
            if family.type == "counter":
                self.assertTrue(all(sample.name.endswith("_total") for sample in family.samples), name)

    def test_units_on_their_own_endpoint_are_those_of_the_whole_in_both_forms(self):
        self.farm.step(3)
        for accept, parse in ((OPENMETRICS, parse_openmetrics), (CLASSIC, parse_classic)):
            _, _, whole = self.scrape(accept, parse)
            content_type, families, units = self.scrape(accept, parse, "/units")
            self.assertTrue(content_type.startswith(accept.split(";")[0]), content_type)
            page = {"bess_metrics_units_exported", "bess_metrics_units_truncated"}
            of_units = {key: value for key, value in units.items() if key[0] not in page}
            self.assertGreater(len(of_units), 300)
            for key, value in of_units.items():
                self.assertEqual(whole[key], value, key)
            shown = {key for key in whole if "unit" in dict(key[1])}
            self.assertEqual(set(of_units), shown)
            self.assertEqual(units["bess_metrics_units_exported", ()], len(UNITS))
            few = self.scrape(accept, parse, "/units?collect%5B%5D=soc_ratio&from=2&limit=3")[2]
            numbers = {dict(labels)["unit"] for name, labels in few if name == "bess_unit_soc_ratio"}
            self.assertEqual(numbers, {"3", "4", "5"})
            self.assertEqual(few["bess_metrics_units_truncated", ()], len(UNITS) - 5)
            self.assertFalse([name for name, _ in few if name == "bess_unit_state"])

    def test_the_metrics_of_the_loop_count_its_ticks_and_commands(self):
        def read():
            return self.scrape(OPENMETRICS, parse_openmetrics)[2]

        before = read()
        self.farm.step(12)
        after = read()
        self.assertEqual(after["bess_ticks_total", ()] - before["bess_ticks_total", ()], 12)
        count = "bess_tick_duration_seconds_count"
        self.assertEqual(after[count, ()] - before[count, ()], 12)
        buckets = [(float(dict(labels)["le"]), value) for (name, labels), value in after.items()
                   if name == "bess_tick_duration_seconds_bucket"]
        buckets.sort()
        self.assertIn(0.1, [edge for edge, _ in buckets], "the deadline is a boundary")
        self.assertEqual(buckets[-1], (math.inf, after[count, ()]))
        self.assertEqual([n for _, n in buckets], sorted(n for _, n in buckets), "cumulative")

    # Wrong inputs

    def test_a_setpoint_beyond_the_rating_is_refused_everywhere_and_changes_nothing(self):
        self.set_watts(3, 100_000)
        before = self.state()
        for watts in (9_000_000, -9_000_000, RATED_W + 1):
            self.assertEqual(self.modbus.write_int32(3, 80, watts), 3, f"{watts} W")
            status, problem = self.farm.ask("PUT", "/units/3/setpoint", {"active_power_w": float(watts)})
            self.assertEqual(status, 422, problem)
            self.assertEqual(problem["status"], 422)
            self.assertEqual(problem["field"], "active_power_w")
            self.assertEqual(problem["value"], watts)
            self.assertEqual(problem["allowed"], {"min": -RATED_W, "max": RATED_W, "unit": "W"})
            for word in ("active_power_w", "-2500000", "2500000 W", str(watts)):
                self.assertIn(word, problem["detail"])
        controls = self.farm.sunspec(3).models[704][0]
        controls.WSet.cvalue = 9_000_000
        with self.assertRaises(Exception, msg="pysunspec2 tells exception 3"):
            controls.write()
        self.assertEqual(self.modbus.write_int32(PLANT, 80, 26_000_000), 3)
        status, problem = self.farm.ask("PUT", "/farm/setpoint", {"active_power_w": 26e6})
        self.assertEqual((status, problem["field"]), (422, "active_power_w"), problem)
        self.assertEqual(problem["allowed"]["max"], 10 * RATED_W)
        self.assertEqual(self.state(), before)
        self.set_watts(3, 0)

    def test_half_of_a_write_is_never_applied(self):
        before = self.state()
        # A good active power beside a reactive power beyond the rating.
        self.assertEqual(self.modbus.write(3, 80, [0, 50_000, 0x0098, 0x9680]), 3)
        status, problem = self.farm.ask("PUT", "/units/3/setpoint",
                                        {"active_power_w": 5e4, "reactive_power_var": 1e7})
        self.assertEqual((status, problem["field"]), (422, "reactive_power_var"), problem)
        # A write that begins in a writable register and ends in a read-only one.
        self.assertIsNotNone(self.modbus.write(3, 95, [0xFFFF, 1, 1]))
        self.assertEqual(self.state(), before)

    def test_an_absent_unit_is_exception_11_and_404(self):
        for number in (11, 100, 247):
            read = self.modbus.client.read_holding_registers(0, count=2, device_id=number)
            self.assertEqual(exception_code(read), 0x0B)
            self.assertEqual(self.modbus.write_int32(number, 80, 0), 0x0B)
            status, problem = self.farm.ask("GET", f"/units/{number}")
            self.assertEqual(status, 404, problem)
            self.assertIn(str(number), problem["detail"])
        self.assertEqual(self.farm.ask("GET", "/units/unit-099")[0], 404)

    def test_a_write_to_a_read_only_register_is_exception_2(self):
        before = self.state()
        self.assertEqual(self.modbus.write_int32(3, 12, 1), 2)
        self.assertEqual(self.modbus.write(3, 0, [1]), 2)
        self.assertEqual(self.modbus.write(3, 120, [1]), 2)
        # 701.W in the SunSpec chain, and nothing at all.
        self.assertEqual(self.modbus.write(3, 40_000, [1]), 2)
        self.assertEqual(self.modbus.write(3, 200, [1]), 2)
        read = self.modbus.client.read_holding_registers(124, count=2, device_id=3)
        self.assertEqual(exception_code(read), 2)
        self.assertEqual(self.state(), before)

    def test_a_body_that_is_wrong_is_refused_with_the_field(self):
        before = self.state()
        for path, body, status, field in (
            ("/units/3/setpoint", {"active_power_kw": 5}, 422, "active_power_kw"),
            ("/units/3/setpoint", {"active_power_w": "5 kW"}, 422, "active_power_w"),
            ("/units/3/setpoint", {"active_power_w": 1.0, "active_power_pct": 1.0}, 422, None),
            ("/units/3/setpoint", {}, 422, None),
            ("/farm/setpoint", {}, 422, "active_power_w"),
        ):
            with self.subTest(body=body):
                got, problem = self.farm.ask("PUT", path, body)
                self.assertEqual(got, status, problem)
                self.assertTrue(problem["type"] and problem["title"] and problem["detail"], problem)
                if field is not None:
                    self.assertEqual(problem.get("field"), field, problem)
        got, problem = self.farm.ask("PATCH", "/clock", {"speed": 0})
        self.assertEqual((got, problem["field"]), (422, "speed"), problem)
        self.assertEqual(self.state(), before)


def instant(answer):
    """Simulated instant of an answer in Unix seconds."""
    head, _, fraction = answer["simulation_time"].rstrip("Z").partition(".")
    whole = datetime.datetime.fromisoformat(head).replace(tzinfo=datetime.timezone.utc)
    return whole.timestamp() + float(f"0.{fraction or 0}")


def nearest(value):
    """Rounded half away from zero, as registers are."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def same(one, other):
    return one == other or (math.isnan(one) and math.isnan(other))


if __name__ == "__main__":
    unittest.main(verbosity=2)
