"""Acceptance: faults that the simulation produces reach a webhook through a real Prometheus and Alertmanager.

    dashboards/tools/install.sh
    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -p test_alerts.py -v

Rules and routes are those of the repository; only receivers get a webhook. Each fault has a farm of its own, and all
happen at the same time. What a farm itself shows says when a threshold was passed; the webhook must know at most
15 s after that and the rule's `for`, and must hear when it is over.
"""

import concurrent.futures
import ctypes
import http.server
import json
import os
import re
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "dashboards", "tools"))

import observe
from farm import ANSWER_MAX_S, Farm, page, poll
from observe import rules

TOLD_MAX_S = 15.0
OVER_MAX_S = 90.0
HEARTBEAT, WATCHDOG = 85, 86
UNIT = """
[farm]
name = "{name}"
nominal_frequency_hz = 50

[farm.initial]
temperature_degc = {degc}

[[units]]
count = {units}
chemistry = "lfp-314"
racks = 1
cells_in_series = 416

[units.pcs]
rated_power_kw = 200
"""
GROUND_FAULT = """
[[defects]]
kind = "insulation"
unit = 1
resistance_kohm = 10
from_s = 20
until_s = 400
"""
HEATER = """
[[defects]]
kind = "heater"
unit = 1
rack = 1
cell = 100
power_w = 3000
until_s = 40
"""


class Webhook:
    """Receives what Alertmanager sends and remembers when."""

    def __init__(self):
        self.told = []
        self.lock = threading.Lock()
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                said = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with webhook.lock:
                    webhook.told += [(time.monotonic(), self.path.strip("/"), alert) for alert in said["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def first(self, name, instance, status):
        """When it first came, to which receiver, and what it said; None if it did not."""
        with self.lock:
            for at, receiver, alert in self.told:
                if (alert["labels"]["alertname"], alert["labels"].get("instance"), alert["status"]) == (name, instance, status):
                    return at, receiver, alert
        return None

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Thread:
    """One thread of a process, held still by ptrace while all others go on. Of one Python thread's use."""

    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, pid, name):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as file:
                if file.read().strip() == name:
                    self.id = int(task)
                    return
        raise LookupError(f"{pid} has no thread {name}")

    def ptrace(self, request):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        libc.ptrace.restype = ctypes.c_long
        if libc.ptrace(request, self.id, None, None) != 0:
            raise PermissionError(ctypes.get_errno(), "this machine does not let one process hold another's thread")

    def hold(self):
        self.ptrace(self.SEIZE)
        self.ptrace(self.INTERRUPT)
        os.waitpid(self.id, self.WALL)

    def release(self):
        self.ptrace(self.DETACH)


def sample(farm, name):
    """A value of the farm's own metrics; None when it is not there."""
    with urllib.request.urlopen(farm.endpoints["metrics"]["url"], timeout=ANSWER_MAX_S) as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)", answer.read().decode(), re.M)
    return float(found[1]) if found else None


class FaultsReachAWebhook(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="bess-alerts-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.webhook = Webhook()
        cls.addClassCleanup(cls.webhook.stop)
        cls.farms = {name: cls.start(name, *given) for name, given in {
            "trip": (UNIT.format(name="trip", units=5, degc=25) + GROUND_FAULT, "--speed", "20", "--stepped"),
            "hot": (UNIT.format(name="hot", units=1, degc=45) + HEATER, "--speed", "20", "--stepped"),
            "grid": (UNIT.format(name="grid", units=3, degc=25),),
            "watched": (UNIT.format(name="watched", units=1, degc=25),),
            "stalled": (UNIT.format(name="stalled", units=1, degc=25),),
            "gone": (UNIT.format(name="gone", units=1, degc=25),),
        }.items()}
        cls.instances = {name: cls.instance(farm) for name, farm in cls.farms.items()}
        config = os.path.join(cls.folder.name, "alertmanager.yml")
        with open(os.path.join(observe.ALERTS, "alertmanager.yml"), encoding="utf-8") as file:
            text, n = re.subn(r"^  - name: (\w+)$",
                              rf"\g<0>\n    webhook_configs: [{{url: '{cls.webhook.url}/\1', send_resolved: true}}]",
                              file.read(), flags=re.M)
        assert n == 3, "every receiver has a webhook"
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        child, cls.alertmanager = observe.alertmanager(cls.folder.name, config)
        cls.addClassCleanup(child.stop)
        child.until(lambda: observe.answers(cls.alertmanager + "/-/ready"))
        files = observe.rules_in(cls.folder.name, rules.RUNBOOKS, rules.DASHBOARDS)
        child, cls.prometheus = observe.prometheus(cls.folder.name, list(cls.instances.values()), cls.alertmanager, files)
        cls.addClassCleanup(child.stop)
        child.until(lambda: observe.answers(cls.prometheus + "/-/ready"))
        # A fault must not begin before it can be seen.
        seen = poll(lambda: cls.count("up == 1") == len(cls.farms), 30.0)
        assert seen, f"not every farm is scraped: {child.said()}"
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=8)
        cls.addClassCleanup(pool.shutdown)
        cls.stories = {story.__name__: pool.submit(story) for story in
                       (cls.trip, cls.hot, cls.outage, cls.silence, cls.stall, cls.death)}

    @classmethod
    def start(cls, name, text, *flags):
        path = os.path.join(cls.folder.name, name + ".toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        farm = Farm("--farm", path, *flags)
        cls.addClassCleanup(farm.stop)
        return farm

    @staticmethod
    def instance(farm):
        return farm.endpoints["metrics"]["url"].split("/")[2]

    @classmethod
    def ask(cls, url):
        with urllib.request.urlopen(url, timeout=ANSWER_MAX_S) as answer:
            return json.load(answer)

    @classmethod
    def count(cls, query):
        answer = cls.ask(cls.prometheus + "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        return len(answer["data"]["result"])

    # What happens to each farm: when the threshold was passed and when the cause was gone, by its own metrics.

    @classmethod
    def passes(cls, name, seen, limit_s=60.0):
        assert poll(seen, limit_s), f"{name}: the fault did not happen"
        return time.monotonic()

    @classmethod
    def heard(cls, alert, name, begin):
        """Waits until the webhook knows, or should have; what it was told."""
        limit = begin + cls.for_s(alert) + TOLD_MAX_S - time.monotonic()
        return poll(lambda: cls.webhook.first(alert, cls.instances[name], "firing"), max(limit, 0.1))

    @classmethod
    def over(cls, alert, name):
        return poll(lambda: cls.webhook.first(alert, cls.instances[name], "resolved"), OVER_MAX_S)

    @staticmethod
    def for_s(name):
        return next(alert.for_s for _, alert in rules.ALERTS if alert.name == name)

    @classmethod
    def story(cls, alert, name, begin, end=lambda: None):
        told = cls.heard(alert, name, begin)
        end()
        return alert, name, begin, told, cls.over(alert, name)

    @classmethod
    def trip(cls):
        farm = cls.farms["trip"]
        farm.change("PATCH", "/clock", {"mode": "running"})
        begin = cls.passes("trip", lambda: sample(farm, 'bess_units{state="tripped"}') == 1)
        return cls.story("BessUnitsTripped", "trip", begin)

    @classmethod
    def hot(cls):
        farm = cls.farms["hot"]
        farm.change("PATCH", "/clock", {"mode": "running"})
        limit = sample(farm, 'bess_cell_temperature_high_limit_celsius{level="trip"}')
        begin = cls.passes("hot", lambda: sample(farm, "bess_farm_cell_temperature_max_celsius") >= limit)
        # The heater is off by then; the cell gives its heat to its neighbours.
        return cls.story("BessCellOverTemperature", "hot", begin,
                         lambda: farm.change("PATCH", "/clock", {"speed": 200}))

    @classmethod
    def outage(cls):
        farm = cls.farms["grid"]
        farm.change("POST", "/grid/disturbances", {"kind": "outage", "duration_s": 30})
        begin = cls.passes("grid", lambda: sample(farm, "bess_grid_voltage_ratio") == 0)
        told = cls.heard("BessGridOutage", "grid", begin)
        query = f'?filter=alertname="BessUnitsTripped"&filter=instance="{cls.instances["grid"]}"'
        alerts = cls.alertmanager + "/api/v2/alerts" + query.replace('"', "%22")
        kept_back = poll(lambda: [a for a in cls.ask(alerts) if a["status"]["inhibitedBy"]], 30.0)
        poll(lambda: sample(farm, "bess_grid_voltage_ratio") > 0.9, 60.0)
        farm.change("PATCH", "/clock", {"speed": 100})
        return ("BessGridOutage", "grid", begin, told, cls.over("BessGridOutage", "grid")), kept_back

    @classmethod
    def silence(cls):
        farm = cls.farms["watched"]
        with farm.modbus() as ems:
            beats = 0

            def beat_for(seconds):
                nonlocal beats
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    beats += 1
                    assert ems.write(1, HEARTBEAT, [beats]) is None
                    time.sleep(0.2)
            assert ems.write(1, WATCHDOG, [3]) is None
            beat_for(5.0)
            while_beating = cls.webhook.first("BessControllerLost", cls.instances["watched"], "firing")
            begin = cls.passes("watched", lambda: sample(farm, 'bess_units_watchdog{state="lost"}') == 1)
            return cls.story("BessControllerLost", "watched", begin, lambda: beat_for(25.0)), while_beating

    @classmethod
    def stall(cls):
        farm = cls.farms["stalled"]
        thread = Thread(farm.process.pid, "farm-tick")
        try:
            thread.hold()
        except PermissionError as reason:
            return reason
        try:
            beat = sample(farm, "bess_last_tick_timestamp_seconds")
            begin = cls.passes("stalled", lambda: time.time() - beat > 2)
            told = cls.heard("BessTickStalled", "stalled", begin)
        finally:
            thread.release()
        return "BessTickStalled", "stalled", begin, told, cls.over("BessTickStalled", "stalled")

    @classmethod
    def death(cls):
        begin = time.monotonic()
        cls.farms["gone"].stop()
        told = cls.heard("BessTargetDown", "gone", begin)
        again = Farm(metrics_port=cls.instances["gone"].split(":")[1])
        try:
            return "BessTargetDown", "gone", begin, told, cls.over("BessTargetDown", "gone")
        finally:
            again.stop()

    # What must have come of it

    def told(self, story, receiver):
        alert, name, begin, firing, resolved = story
        self.assertTrue(firing, f"the webhook was not told of {alert} within `for` and {TOLD_MAX_S} s")
        at, to, said = firing
        rule_for = self.for_s(alert)
        print(f"{alert}: told {at - begin - rule_for:.1f} s after its threshold and `for` of {rule_for} s", file=sys.stderr)
        self.assertLessEqual(at - begin, rule_for + TOLD_MAX_S)
        self.assertGreaterEqual(at - begin, rule_for - 1.0, "told before its `for` was over")
        self.assertEqual(to, receiver)
        self.assertIn(self.instances[name], said["annotations"]["summary"])
        self.assertEqual(said["annotations"]["runbook_url"], rules.RUNBOOKS + alert)
        self.assertTrue(resolved, f"the webhook was not told that {alert} is over")
        self.assertGreater(resolved[0], at)

    def result(self, name):
        return self.stories[name].result(timeout=240)

    def test_a_tripped_inverter_reaches_the_webhook_and_so_does_its_return(self):
        self.told(self.result("trip"), "ticket")

    def test_a_cell_over_its_trip_temperature_reaches_the_webhook_until_it_has_cooled(self):
        self.told(self.result("hot"), "page")

    def test_an_outage_reaches_the_webhook_and_keeps_back_the_trips_that_follow_from_it(self):
        story, kept_back = self.result("outage")
        self.told(story, "page")
        self.assertTrue(kept_back, "the trips were alerts, but inhibited ones")
        self.assertIsNone(self.webhook.first("BessUnitsTripped", self.instances["grid"], "firing"))

    def test_a_lost_heartbeat_reaches_the_webhook_until_it_beats_again(self):
        story, while_beating = self.result("silence")
        self.assertIsNone(while_beating, "a controller that beats is not lost")
        self.told(story, "page")

    def test_a_loop_that_stands_while_everything_else_goes_on_reaches_the_webhook(self):
        story = self.result("stall")
        if isinstance(story, PermissionError):
            self.skipTest(str(story))
        self.told(story, "page")

    def test_a_farm_that_is_gone_reaches_the_webhook_until_it_is_back(self):
        self.told(self.result("death"), "page")

    def test_every_metric_that_rules_and_runbooks_name_is_one_that_farms_export(self):
        for story in self.stories.values():
            story.exception(timeout=240)
        exported = set()
        for name in set(self.farms) - {"gone"}:
            _, text = self.farms[name].metrics("text/plain")
            exported |= set(re.findall(r"^(\w+)[{ ]", text, re.M)) | set(re.findall(r"^# TYPE (\w+)", text, re.M))
        folder = os.path.join(os.path.dirname(page("alerts.md")), "runbooks")
        paths = [os.path.join(folder, name) for name in os.listdir(folder)]
        paths += [os.path.join(observe.ALERTS, name) for name in ("rules.yaml", "slo.yaml")]
        named = set()
        for path in paths:
            with open(path, encoding="utf-8") as file:
                # What is recorded has its level in front.
                named |= set(re.findall(r"(?<![:\w])((?:bess|process|tokio)_[a-z_]*[a-z])(?![:\w])", file.read()))
        # `bess_unit_…` in a text; what only a machine with cgroups has.
        unknown = {name for name in named - exported - {"bess_unit"} if not name.startswith("bess_cgroup_")}
        self.assertEqual(unknown, set())

    def test_prometheus_can_evaluate_every_rule_on_live_farms(self):
        groups = self.ask(self.prometheus + "/api/v1/rules")["data"]["groups"]
        rules_of = [rule for group in groups for rule in group["rules"]]
        self.assertEqual(sum(rule["type"] == "alerting" for rule in rules_of), len(rules.ALERTS))
        self.assertEqual([(r["name"], r["lastError"]) for r in rules_of if r["health"] not in ("ok", "unknown")], [])


if __name__ == "__main__":
    unittest.main()
