"""The log of a live farm: lines that machines read, one for each change of state, levels that change while it
runs, files that rotate."""

import json
import os
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from farm import ANSWER_MAX_S, Farm, binary, poll


def lines(farm):
    """Every whole JSON line that the farm wrote to its standard error output."""
    return [json.loads(line) for line in farm.said().split("\n")[:-1] if line.startswith("{")]


def ask(farm, method, path, headers, body=None):
    """Status, headers and JSON of one request with headers of its own."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(farm.endpoints["api"]["url"] + path, data, method=method,
                                     headers={"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_MAX_S) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, json.load(refusal)


def count(farm, family, **labels):
    """A sample of the farm's metrics."""
    wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
    name = f"{family}{{{wanted}}}" if wanted else family
    _, text = farm.metrics("text/plain")
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " ")))


class Lines(unittest.TestCase):
    """One farm for all: every test looks at what it added."""

    @classmethod
    def setUpClass(cls):
        cls.farm = Farm("--log-format", "json", "--speed", "50")
        cls.addClassCleanup(cls.farm.stop)

    def find(self, **fields):
        """The first line with these fields, once it is there."""
        def look():
            return next((line for line in lines(self.farm)
                         if all(line.get(key) == value for key, value in fields.items())), None)
        line = poll(look)
        self.assertIsNotNone(line, f"{fields} in:\n{self.farm.said()[-3000:]}")
        return line

    def test_every_line_is_json_with_time_level_target_and_message(self):
        ready = self.find(message="ready")
        for line in lines(self.farm):
            self.assertLessEqual({"timestamp", "level", "target", "message"}, line.keys())
        self.assertIn(":", ready["modbus"])

    def test_fifty_ticks_in_which_nothing_happens_leave_no_line(self):
        before = self.farm.get("/farm")["tick"]
        said = len(lines(self.farm))
        self.assertTrue(poll(lambda: self.farm.get("/farm")["tick"] > before + 50))
        fresh = lines(self.farm)[said:]
        self.assertEqual([line for line in fresh if line["level"] in ("INFO", "DEBUG")], [])

    def test_a_unit_that_stops_leaves_a_line_for_each_state(self):
        self.farm.change("POST", "/units/4/commands", {"action": "stop"})
        line = self.find(message="unit changed its state", unit=4, to="off")
        self.assertEqual((line["level"], line["target"]), ("INFO", "bess::unit"))
        self.assertLess({"tick", "sim_time", "from", "trigger", "cause"}, line.keys())
        self.find(unit=4, to="stopping", cause="command (rest)")

    def test_an_emergency_stop_is_an_error_and_an_alarm(self):
        self.farm.change("POST", "/units/5/commands", {"action": "estop"})
        self.assertEqual(self.find(unit=5, to="emergency_stop")["level"], "ERROR")
        alarm = self.find(message="alarm", unit=5, code="emergency_stop", phase="active")
        self.assertEqual((alarm["level"], alarm["severity"]), ("ERROR", "critical"))
        self.assertGreater(count(self.farm, "bess_log_events_total", level="error"), 0)

    def test_a_refused_write_names_its_request_and_trace(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        headers = {"x-request-id": "ems-42", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        status, answered, problem = ask(self.farm, "PUT", "/units/2/setpoint", headers, {"active_power_w": 1e12})
        self.assertEqual((status, answered["x-request-id"], problem["request_id"]), (422, "ems-42", "ems-42"))
        line = self.find(message="write refused", request_id="ems-42")
        self.assertEqual((line["trace_id"], line["level"], line["unit"]), (trace, "WARN", 2))
        self.assertIn("must be from", line["reason"])
        written = next(w for w in reversed(self.farm.get("/writes")["writes"]) if w["request_id"] == "ems-42")
        self.assertEqual((written["trace_id"], written["result"]), (trace, "refused"))

    def test_a_refused_write_over_modbus_names_its_connection_and_transaction(self):
        with self.farm.modbus() as modbus:
            self.assertEqual(modbus.write(3, 12, [1]), 2)
        line = self.find(message="write refused", unit=3, source="modbus")
        self.assertGreater(line["connection"], 0)
        self.assertIn("transaction", line)

    def test_a_flood_of_refused_writes_is_summed_up(self):
        with self.farm.modbus() as modbus:
            for _ in range(400):
                modbus.write(6, 90, [1])
        self.find(message="more lines than are written at a time", what="refused writes")
        told = [line for line in lines(self.farm) if line.get("message") == "write refused" and line["unit"] == 6]
        self.assertLess(len(told), 250)
        self.assertEqual(len(self.farm.get("/writes?unit=6&limit=10000&result=refused")["writes"]), 400)

    def test_what_testers_and_clocks_do_leaves_a_line(self):
        self.farm.change("POST", "/grid/disturbances", {"kind": "frequency", "value": 49.9, "duration_s": 0.5})
        self.assertEqual(self.find(target="bess::grid")["level"], "INFO")
        self.assertEqual(self.find(message="write applied", target="bess::write")["source"], "rest")
        self.farm.change("PATCH", "/clock", {"speed": 40})
        self.find(message="clock changed", speed=40.0)
        self.farm.change("PATCH", "/clock", {"speed": 50})


class Levels(unittest.TestCase):
    """Levels of single modules, while the farm runs."""

    def setUp(self):
        self.farm = Farm("--log-format", "json", "--stepped")
        self.addCleanup(self.farm.stop)

    def bess(self, *words):
        command = [binary(), "log", *words, "--api", self.farm.endpoints["api"]["url"]]
        return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_MAX_S, check=False)

    def opened(self):
        return sum(line["message"] == "connection opened" for line in lines(self.farm))

    def test_a_level_takes_effect_at_once_and_goes_back(self):
        with self.farm.modbus() as modbus:
            modbus.words(1)
        self.assertEqual(self.opened(), 0)
        self.assertEqual(self.bess("set", "info,bess_protocol=debug").returncode, 0)
        with self.farm.modbus() as modbus:
            modbus.words(1)
        self.assertTrue(poll(lambda: self.opened() == 1))
        self.assertTrue(poll(lambda: any(line["message"] == "connection closed" for line in lines(self.farm))))
        self.assertIn("info,bess_protocol=debug (at the start info)", self.bess("show").stdout)
        self.assertEqual(self.bess("reset").stdout, "the log's levels are info\n")
        with self.farm.modbus() as modbus:
            modbus.words(1)
        self.bess("show")
        self.assertEqual(self.opened(), 1)

    def test_a_bad_filter_is_refused_with_its_place_and_the_known_modules(self):
        refused = self.bess("set", "info,bess_protcol=debug")
        self.assertEqual(refused.returncode, 1)
        self.assertIn('"bess_protcol" at character 6: a module must be one of bess,', refused.stderr)
        status, problem = self.farm.ask("PUT", "/logging", {"filter": "loud"})
        self.assertEqual((status, problem["field"], problem["value"]), (422, "filter", "loud"))
        self.assertIn("debug", problem["allowed"])
        self.assertEqual(self.farm.get("/logging")["filter"], "info")

    def test_requests_are_told_at_debug_with_route_status_and_id(self):
        self.farm.change("PUT", "/logging", {"filter": "bess_api=debug"})
        ask(self.farm, "GET", "/units/3", {"x-request-id": "look-1"})
        def look():
            return [line for line in lines(self.farm) if line.get("request_id") == "look-1"]
        line = poll(look)[0]
        self.assertEqual((line["route"], line["status"], line["level"]), ("/api/v1/units/{id}", 200, "DEBUG"))


class Files(unittest.TestCase):
    """The log as a file."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bess-logs-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "bess.log")

    def test_a_file_rotates_by_size_and_only_so_many_are_kept(self):
        farm = Farm("--log-format", "json", "--log", "debug", "--log-file", self.path,
                    "--log-rotate", "4kB", "--log-keep", "2", "--stepped")
        self.addCleanup(farm.stop)
        for _ in range(100):
            farm.get("/farm")
        names = ["bess.log", "bess.log.1", "bess.log.2"]
        self.assertTrue(poll(lambda: sorted(os.listdir(self.folder)) == names))
        farm.stop()
        for name in names:
            self.assertLessEqual(os.path.getsize(os.path.join(self.folder, name)), 4000)
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                for line in file:
                    json.loads(line)
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(json.loads(file.readlines()[-1])["message"], "stopped")

    def test_a_full_disk_costs_lines_and_not_the_farm(self):
        farm = Farm("--log", "debug", "--log-file", "/dev/full", "--log-rotate", "never")
        self.addCleanup(farm.stop)
        tick = farm.get("/farm")["tick"]
        self.assertTrue(poll(lambda: farm.get("/farm")["tick"] > tick + 10))
        self.assertTrue(poll(lambda: count(farm, "bess_log_lines_dropped_total") > 0))
        self.assertEqual(farm.said().count("cannot write the log file"), 1)
        self.assertEqual(farm.stop(), 0)

    def test_what_is_wrong_with_the_flags_is_told_before_a_port_is_bound(self):
        for flags, said in [
            (["--log", "loud"], '"loud" at character 1: a level must be one of'),
            (["--log-file", self.folder], "it is a folder"),
            (["--log-file", os.path.join(self.folder, "no", "bess.log")], "No such file"),
            (["--log-rotate", "weekly"], "daily, hourly, never"),
            (["--log-keep", "9999"], "from 0 to 1000"),
            (["--log-format", "xml"], "possible values: human, json"),
            (["--otlp-endpoint", "collector"], "http://127.0.0.1:4318"),
            (["--otlp-endpoint", "https://collector:4318"], "must be http"),
            (["--otlp-sample", "2"], "from 0 to 1"),
        ]:
            ran = subprocess.run([binary(), "serve", "--modbus-port", "0", "--api-port", "0",
                                  "--metrics-port", "0", *flags],
                                 capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(ran.returncode, 2, (flags, ran.stderr))
            self.assertIn(said, ran.stderr)


if __name__ == "__main__":
    unittest.main()
