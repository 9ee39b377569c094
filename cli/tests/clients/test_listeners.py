"""Acceptance: listeners, addresses, roles, certificates, forced points and link conditions, with pymodbus.

    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -v
"""

import csv
import io
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pymodbus.client import ModbusTcpClient, ModbusTlsClient
from pymodbus.exceptions import ModbusException

from farm import ANSWER_MAX_S, Farm, binary, poll

SETPOINT, WATCHDOG = 80, 86
LISTENERS = """
[modbus]
devices = ["pcs", "bms", "meter"]

[[modbus.listeners]]
name = "plain"
port = 0
role = "engineer"

[[modbus.listeners]]
name = "secure"
port = 0
[modbus.listeners.tls]
certificate = "pki/server.pem"
key = "pki/server.key"
client_ca = "pki/ca.pem"

[[modbus.listeners]]
name = "eager"
port = 0
ack = "accepted"
maps = ["compact"]
devices = ["whole"]
"""


def plain(device):
    client = ModbusTcpClient(device["host"], port=device["port"], timeout=ANSWER_MAX_S, retries=0)
    assert client.connect(), device
    return client


class Listeners(unittest.TestCase):
    """One farm of ten units; the second listener speaks TLS."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="bess-listeners-")
        cls.pki = os.path.join(cls.folder.name, "pki")
        made = subprocess.run(
            [binary(), "certs", "--out", cls.pki, "--host", "127.0.0.1", "--client", "ems:operator",
             "--client", "service:engineer", "--client", "screen:viewer"],
            capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        path = os.path.join(cls.folder.name, "modbus.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(LISTENERS.replace('devices = ["pcs", "bms", "meter"]\n', ""))
        cls.audit = os.path.join(cls.folder.name, "audit.jsonl")
        cls.farm = Farm("--modbus", path, "--audit", cls.audit)

    @classmethod
    def tearDownClass(cls):
        code = cls.farm.stop()
        cls.folder.cleanup()
        assert code == 0, f"bess ended with {code}"

    def device(self, listener, number=1):
        devices = self.farm.endpoints["devices"]
        return next(d for d in devices if d["listener"] == listener and d["number"] == number)

    def secure(self, name):
        """A client of the TLS listener with this certificate."""
        device = self.device("secure")
        context = ssl.create_default_context(cafile=os.path.join(self.pki, "ca.pem"))
        # pymodbus's client without asyncio does not tell TLS the host; the CA is verified all the same.
        context.check_hostname = False
        if name:
            context.load_cert_chain(os.path.join(self.pki, f"client-{name}.pem"),
                                    os.path.join(self.pki, f"client-{name}.key"))
        return ModbusTlsClient(device["host"], port=device["port"], sslctx=context, timeout=ANSWER_MAX_S, retries=0)

    def code(self, answer):
        return answer.exception_code if answer.isError() else 0

    def test_the_address_book_is_the_same_in_the_file_and_over_rest_as_json_and_as_csv(self):
        answered = self.farm.get("/endpoints")["endpoints"]
        of_file = self.farm.endpoints["devices"]
        keys = ("number", "device", "host", "port", "unit_id", "listener", "tls", "role", "maps")
        self.assertEqual([{k: d[k] for k in keys} for d in answered], [{k: d[k] for k in keys} for d in of_file])
        url = self.farm.endpoints["api"]["url"] + "/endpoints?format=csv"
        with urllib.request.urlopen(url, timeout=ANSWER_MAX_S) as answer:
            rows = list(csv.DictReader(io.StringIO(answer.read().decode())))
        self.assertEqual([(r["number"], r["port"]) for r in rows], [(str(d["number"]), str(d["port"])) for d in of_file])

    def test_a_certificate_says_what_its_owner_may_write(self):
        for name, setpoint, setting in (("service", 0, 0), ("ems", 0, 2), ("screen", 1, 1), ("no-role", 1, 1)):
            with self.subTest(client=name):
                client = self.secure(name)
                self.assertTrue(client.connect())
                self.assertEqual(client.read_holding_registers(0, count=1, device_id=1).registers, [0xBE55])
                self.assertEqual(self.code(client.write_registers(SETPOINT, [0, 5], device_id=1)), setpoint)
                self.assertEqual(self.code(client.write_register(WATCHDOG, 0, device_id=1)), setting)
                client.close()

    def test_who_has_no_certificate_or_speaks_no_tls_gets_nothing_and_harms_nobody(self):
        anonymous = self.secure(None)
        with self.assertRaises((ModbusException, OSError)):
            anonymous.connect()
            answer = anonymous.read_holding_registers(0, count=1, device_id=1)
            raise ConnectionError(answer)
        client = plain(self.device("secure"))
        with self.assertRaises(ModbusException):
            answer = client.read_holding_registers(0, count=1, device_id=1)
            if answer.isError():
                raise ModbusException(str(answer))
        service = self.secure("service")
        self.assertTrue(service.connect())
        self.assertFalse(service.read_holding_registers(0, count=1, device_id=1).isError())
        service.close()

    def test_an_accepted_write_reads_back_at_once_and_a_farm_that_stands_still_answers_it(self):
        self.farm.change("PATCH", "/clock", {"mode": "paused"})
        client = plain(self.device("eager"))
        try:
            for watts in (1, 2, 3):
                begun = time.monotonic()
                self.assertEqual(self.code(client.write_registers(SETPOINT, [0, watts], device_id=2)), 0)
                read = client.read_holding_registers(SETPOINT, count=2, device_id=2).registers
                self.assertEqual(read, [0, watts])
                self.assertLess(time.monotonic() - begun, 0.5)
        finally:
            self.farm.change("PATCH", "/clock", {"mode": "running"})
            client.close()
        self.assertTrue(poll(lambda: self.farm.get("/units/2")["control"]["active"]["absolute"] == 3.0))

    def test_every_write_is_on_record_word_by_word(self):
        client = plain(self.device("plain", 4))
        client.write_registers(SETPOINT, [0, 77], device_id=4)
        client.write_register(3, 1, device_id=4)
        own = "{}:{}".format(*client.socket.getsockname())
        client.close()

        def written():
            writes = [w for w in self.farm.get("/writes?limit=50")["writes"] if w.get("peer") == own]
            return writes if len(writes) == 2 else None
        # Nobody waits for the record of a write that is refused at the edge.
        writes = poll(written)
        done, refused = sorted(writes, key=lambda w: w["modbus"]["address"], reverse=True)
        self.assertEqual((done["modbus"]["listener"], done["modbus"]["role"]), ("plain", "engineer"))
        self.assertEqual((done["modbus"]["unit_id"], done["modbus"]["function"]), (4, 16))
        self.assertEqual((done["modbus"]["address"], done["modbus"]["new"]), (SETPOINT, [0, 77]))
        self.assertEqual(done["modbus"]["points"][0]["value"], 77.0)
        self.assertEqual((refused["modbus"]["function"], refused["modbus"]["exception"]), (6, 2))

        def lines():
            with open(self.audit, encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        self.assertTrue(poll(lambda: sum(line.get("peer") == own for line in lines()) == 2))

    def test_a_forced_point_shows_what_it_is_forced_to_until_it_is_released(self):
        client = plain(self.device("plain", 5))

        def state_of_charge():
            return client.read_holding_registers(24, count=1, device_id=5).registers[0]
        before = state_of_charge()
        bess = [binary(), "point", "--api", self.farm.endpoints["api"]["url"]]
        points = self.farm.get("/units/5/points?map=compact")["points"]
        name = next(p["name"] for p in points if p["address"] == 24)
        forced = subprocess.run([*bess, "force", "5", f"compact/{name}", "12.34"], capture_output=True, text=True)
        self.assertEqual(forced.returncode, 0, forced.stderr)
        self.assertEqual(state_of_charge(), 1234)
        wrong = subprocess.run([*bess, "force", "5", f"compact/{name}", "-5"], capture_output=True, text=True)
        self.assertNotEqual(wrong.returncode, 0)
        self.assertEqual(state_of_charge(), 1234, "a refused value changes nothing")
        released = subprocess.run([*bess, "release", "5", "--all"], capture_output=True, text=True)
        self.assertEqual(released.returncode, 0, released.stderr)
        self.assertAlmostEqual(state_of_charge(), before, delta=20)
        client.close()

    def test_a_link_condition_bites_whom_it_names_and_is_cleared(self):
        bess = [binary(), "link", "--api", self.farm.endpoints["api"]["url"]]
        set_ = subprocess.run([*bess, "add", "busy", "exception", "--exception", "6", "--unit", "6", "--listener", "plain"],
                              capture_output=True, text=True)
        self.assertEqual(set_.returncode, 0, set_.stderr)
        client = plain(self.device("plain", 6))
        self.assertEqual(self.code(client.read_holding_registers(0, count=1, device_id=6)), 6)
        self.assertEqual(self.code(client.read_holding_registers(0, count=1, device_id=7)), 0)
        cleared = subprocess.run([*bess, "clear", "busy"], capture_output=True, text=True)
        self.assertEqual(cleared.returncode, 0, cleared.stderr)
        self.assertEqual(self.code(client.read_holding_registers(0, count=1, device_id=6)), 0)
        client.close()


class SplitDevices(unittest.TestCase):
    """Battery, converter and meter of a unit as devices of their own, by unit id and by port."""

    def models(self, farm, device):
        from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP
        found = SunSpecModbusClientDeviceTCP(slave_id=device["unit_id"] or 1, ipaddr=device["host"],
                                             ipport=device["port"], timeout=ANSWER_MAX_S)
        found.scan()
        return [key for key in found.models if isinstance(key, int)]

    def test_each_part_is_found_by_a_sunspec_client_and_fails_on_its_own(self):
        for mode in ("gateway", "ports"):
            with self.subTest(mode=mode), tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write('[modbus]\ndevices = ["pcs", "bms", "meter"]\n'
                           f'[[modbus.listeners]]\nmode = "{mode}"\nport = 0\n')
                file.flush()
                farm = Farm("--modbus", file.name)
                try:
                    parts = {d["device"]: d for d in farm.endpoints["devices"] if d["number"] == 3}
                    self.assertIn(701, self.models(farm, parts["pcs"]))
                    self.assertEqual(self.models(farm, parts["bms"]), [1, 802, 803])
                    self.assertEqual(self.models(farm, parts["meter"]), [1, 203])
                    farm.change("POST", "/links", {"name": "gone", "effect": "drop", "unit": 3, "device": "bms"})
                    client = plain(parts["bms"])
                    with self.assertRaises(ModbusException):
                        client.comm_params.timeout_connect = 0.5
                        client.read_holding_registers(40000, count=1, device_id=parts["bms"]["unit_id"] or 1)
                    client.close()
                    client = plain(parts["pcs"])
                    answer = client.read_holding_registers(40000, count=1, device_id=parts["pcs"]["unit_id"] or 1)
                    self.assertEqual(answer.registers, [0x5375])
                    client.close()
                finally:
                    self.assertEqual(farm.stop(), 0)


class SomebodyElsesDevice(unittest.TestCase):
    """A unit that shows a vendor-like map, with the watch that the map says."""

    def test_the_heartbeat_of_the_map_keeps_the_unit_and_its_silence_loses_it(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write('[modbus]\n[[modbus.units]]\nunits = [1]\nmaps = ["tesla-like"]\n'
                       '[[modbus.listeners]]\nmode = "ports"\n')
            file.flush()
            farm = Farm("--modbus", file.name)
            try:
                def watchdog():
                    return farm.get("/units/1")["control"]["watchdog"]
                self.assertEqual((watchdog()["kind"], watchdog()["timeout_s"]), ("complement", 60.0))
                client = plain(next(d for d in farm.endpoints["devices"] if d["number"] == 1))
                client.write_register(1023, 2, device_id=1)
                client.write_registers(1020, [0, 500], device_id=1)
                beat = 1
                for _ in range(12):
                    client.write_register(1022, beat, device_id=1)
                    beat ^= 0xFFFF
                    time.sleep(0.25)
                self.assertEqual(watchdog()["state"], "armed")
                self.assertGreater(farm.get("/units/1")["ac"]["active_power_w"], 400_000)
                # The same word again and again is no complement.
                for _ in range(10):
                    client.write_register(1022, beat ^ 0xFFFF, device_id=1)
                    time.sleep(0.25)
                self.assertEqual(watchdog()["state"], "lost")
                client.close()
            finally:
                self.assertEqual(farm.stop(), 0)


class BadSettings(unittest.TestCase):
    """Malformed listeners, maps and certificates are told before a port is bound."""

    def refused(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            ran = subprocess.run([binary(), "serve", "--modbus", file.name, "--modbus-port", "0", "--api-port", "0",
                                  "--metrics-port", "0", "--for", "1s"], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 2, ran.stderr)
        return ran.stderr

    def test_the_line_the_fault_and_the_remedy_are_told(self):
        said = self.refused('[modbus]\ndevices = ["bsm"]\n[[modbus.listeners]]\nrole = "root"\n')
        self.assertIn(":2:", said)
        self.assertIn(":4:", said)
        self.assertIn("viewer, operator, engineer", said)
        said = self.refused('[modbus]\nmaps = ["nothing-like"]\n')
        self.assertIn("nothing-like", said)
        said = self.refused('[modbus]\n[[modbus.listeners]]\n[modbus.listeners.tls]\ncertificate = "a"\nkey = "b"\n'
                            'client_ca = "c"\n')
        self.assertIn("bess certs", said)


if __name__ == "__main__":
    unittest.main()
