"""Traces: from a request at a door to the tick that applied it, as a real OTLP receiver gets them."""

import os
import re
import socket
import subprocess
import tempfile
import unittest
import urllib.request

import rotel

from farm import ANSWER_MAX_S, Farm, poll

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{CALLER}-00f067aa0ba902b7-01"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Receiver:
    """Rotel as a collector: takes OTLP over HTTP and prints what it got."""

    def __init__(self, port):
        self.port = port
        self.log = tempfile.NamedTemporaryFile("w+", prefix="bess-rotel-", encoding="utf-8")
        agent = os.path.join(os.path.dirname(rotel.__file__), "rotel-agent")
        command = [agent, "start", "--otlp-http-endpoint", f"127.0.0.1:{port}",
                   "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}", "--exporter", "blackhole",
                   "--debug-log", "traces", "--debug-log-verbosity", "detailed"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)

    def text(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def spans(self):
        """Every span with its ids, name, kind, status and attributes."""
        spans = []
        for block in re.split(r"^Span #\d+\n", self.text(), flags=re.MULTILINE)[1:]:
            head = dict(re.findall(r"^    ([A-Za-z ]+?) *: ?(.*)$", block, flags=re.MULTILINE))
            attributes = re.findall(r"^     -> ([\w.]+): (?:Int|Str)\((.*)\)$", block, flags=re.MULTILINE)
            times = re.findall(r"^(Start|End) time: (\d+)$", block, flags=re.MULTILINE)
            spans.append({**head, "attributes": dict(attributes), **{name: int(ns) for name, ns in times}})
        return spans

    def one(self, **wanted):
        """The span with this name and these attributes, once it is there."""
        name = wanted.pop("name")

        def look():
            return [span for span in self.spans() if span["Name"] == name
                    and all(span["attributes"].get(key) == value for key, value in wanted.items())]
        found = poll(look)
        assert len(found) == 1, (name, wanted, found, self.text()[-3000:])
        return found[0]

    def child_of(self, parent, name):
        def look():
            return [span for span in self.spans()
                    if span["Name"] == name and span["Parent ID"] == parent["ID"]]
        found = poll(look)
        assert len(found) == 1, (name, parent, self.text()[-3000:])
        assert found[0]["Trace ID"] == parent["Trace ID"], (parent, found)
        return found[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Traces(unittest.TestCase):
    """One farm and one receiver for all."""

    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver(free_port())
        cls.addClassCleanup(cls.receiver.stop)
        cls.farm = Farm("--otlp-endpoint", f"http://127.0.0.1:{cls.receiver.port}")
        cls.addClassCleanup(cls.farm.stop)

    def put(self, path, body, **headers):
        request = urllib.request.Request(self.farm.endpoints["api"]["url"] + path, body.encode(), method="PUT",
                                         headers={"content-type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=ANSWER_MAX_S) as answer:
            return answer.read().decode()

    def check_below(self, request, applied_tick=None):
        """The command and the tick below a request, each within the one above."""
        command = self.receiver.child_of(request, "command")
        tick = self.receiver.child_of(command, "tick")
        for outer, inner in [(request, command), (command, tick)]:
            self.assertLessEqual(outer["Start"], inner["Start"])
            self.assertLessEqual(inner["End"], outer["End"])
        self.assertEqual(command["attributes"]["bess.tick"], tick["attributes"]["bess.tick"])
        if applied_tick is not None:
            self.assertEqual(int(tick["attributes"]["bess.tick"]), applied_tick)
        return command, tick

    def test_a_rest_setpoint_is_followed_to_the_tick_that_applied_it(self):
        applied = self.put("/units/3/setpoint", '{"active_power_w": 1500}', traceparent=TRACEPARENT)
        applied_tick = int(re.search(r'"applied_tick":(\d+)', applied).group(1))
        request = self.receiver.one(name="PUT /api/v1/units/{id}/setpoint", **{"url.path": "/api/v1/units/3/setpoint"})
        self.assertEqual((request["Trace ID"], request["Parent ID"]), (CALLER, "00f067aa0ba902b7"))
        self.assertEqual(request["Kind"], "SPAN_KIND_SERVER")
        self.assertEqual(request["attributes"]["http.response.status_code"], "200")
        command, tick = self.check_below(request, applied_tick)
        self.assertIn("active_power_w = 1500", command["attributes"]["bess.command"])
        self.assertEqual(command["attributes"]["bess.unit"], "3")
        self.assertEqual(tick["attributes"]["bess.result"], "applied")
        self.assertIn("service.name: Str(bess)", self.receiver.text())

    def test_a_write_over_modbus_is_followed_to_the_tick_that_applied_it(self):
        with self.farm.modbus() as modbus:
            self.assertIsNone(modbus.write_int32(4, 80, 2500))
        request = self.receiver.one(name="modbus FC16", **{"modbus.unit_id": "4"})
        self.assertEqual(request["Parent ID"], "")
        attributes = request["attributes"]
        self.assertEqual((attributes["modbus.address"], attributes["modbus.count"]), ("80", "2"))
        command, _ = self.check_below(request)
        self.assertEqual(command["attributes"]["bess.source"], "modbus")
        written = self.farm.get("/writes?unit=4")["writes"][-1]
        self.assertEqual(written["trace_id"], request["Trace ID"], "the audit names the trace")
        self.assertEqual(str(written["modbus"]["transaction"]), attributes["modbus.transaction"])

    def test_a_refused_write_shows_its_exception_and_its_reason(self):
        with self.farm.modbus() as modbus:
            self.assertEqual(modbus.write(5, 12, [1]), 2)
        request = self.receiver.one(name="modbus FC16", **{"modbus.unit_id": "5"})
        self.assertEqual(request["attributes"]["modbus.exception"], "2")
        self.assertEqual(request["Status code"], "STATUS_CODE_ERROR")
        told = self.receiver.child_of(request, "refused write")
        self.assertIn("exception 2", told["attributes"]["bess.reason"])

    def test_reads_leave_no_span_unless_their_caller_collects_them(self):
        with self.farm.modbus() as modbus:
            modbus.words(6)
        self.farm.get("/units/6")
        request = urllib.request.Request(self.farm.endpoints["api"]["url"] + "/units/7", headers={
            "traceparent": TRACEPARENT.replace(CALLER, CALLER[::-1])})
        with urllib.request.urlopen(request, timeout=ANSWER_MAX_S):
            pass
        self.assertEqual(self.receiver.one(name="GET /api/v1/units/{id}")["Trace ID"], CALLER[::-1])
        self.assertEqual([span for span in self.receiver.spans() if span["Name"] == "modbus FC3"], [])


class NoCollector(unittest.TestCase):
    """A collector that is not there, and comes back."""

    def test_a_collector_that_is_down_costs_one_line_and_one_more_when_it_is_back(self):
        port = free_port()
        farm = Farm("--otlp-endpoint", f"http://127.0.0.1:{port}", "--speed", "10")
        self.addCleanup(farm.stop)
        tick = farm.get("/farm")["tick"]
        for n in range(3):
            farm.change("PUT", "/units/1/setpoint", {"active_power_w": 1000.0 * n})
            self.assertTrue(poll(lambda: farm.said().count("traces cannot be sent") == 1))
        self.assertTrue(poll(lambda: farm.get("/farm")["tick"] > tick + 100), "the farm goes on")
        self.assertEqual(farm.said().count("traces cannot be sent"), 1)
        receiver = Receiver(port)
        self.addCleanup(receiver.stop)

        def is_back():
            farm.change("PUT", "/units/1/setpoint", {"active_power_w": 500.0})
            return "traces are sent again" in farm.said()
        self.assertTrue(poll(is_back, 20.0), farm.said()[-2000:])
        self.assertEqual(farm.stop(), 0)


if __name__ == "__main__":
    unittest.main()
