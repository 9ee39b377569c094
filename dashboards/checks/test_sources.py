"""The dashboards are what their sources say, lead to each other and to the runbooks, and are provisioned.

    python -m unittest test_sources -v    (in dashboards/checks)
"""

import json
import os
import re
import subprocess
import sys
import unittest

import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from common import ROOT, dashboards, panels

sys.path.insert(0, os.path.join(ROOT, "dashboards", "source"))

import build
import slo
import words

PROVISIONING = os.path.join(ROOT, "dashboards", "provisioning")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return yaml.safe_load(file)


def urls(dashboard):
    """Every address that a panel leads to: links of the panel, of its fields, of its overrides."""
    found = []
    for panel in panels(dashboard):
        fields = panel["fieldConfig"]
        found += panel.get("links", []) + fields["defaults"].get("links", [])
        for change in fields["overrides"]:
            found += [link for one in change["properties"] if one["id"] == "links" for link in one["value"]]
    return [link["url"] for link in found]


class Sources(unittest.TestCase):
    def test_the_committed_dashboards_are_what_the_sources_say(self):
        self.assertEqual(build.stale(build.built()), [], "run `make dashboards-build`")

    def test_a_changed_a_missing_and_a_surplus_file_are_found(self):
        files = build.built()
        changed = {**files, "bess-farm.json": files["bess-farm.json"] + " ", "bess-more.json": "{}"}
        del changed["bess-unit.json"]
        self.assertEqual(build.stale(changed), ["bess-farm.json", "bess-more.json", "bess-unit.json"])

    def test_there_is_a_dashboard_for_each_part(self):
        self.assertEqual(
            set(dashboards()), {
                "bess-" + name for name in ("farm", "unit", "power", "thermal", "degradation", "engine", "modbus",
                                            "api", "scenarios", "process", "slo")
            })

    def test_states_are_called_as_the_page_of_states_has_them(self):
        with open(os.path.join(ROOT, "docs", "unit-states.md"), encoding="utf-8") as file:
            table = file.read().split("## Transitions")[0]
        self.assertEqual([name for name, _ in words.STATES], re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))

    def test_every_alert_leads_to_a_dashboard_that_leads_to_its_runbook(self):
        shown = dashboards()
        for name, said in words.alerts().items():
            with self.subTest(name):
                uid = re.search(r"/d/([\w-]+)", said["dashboard_url"])[1]
                self.assertIn(uid, shown)
                self.assertIn(said["runbook_url"], urls(shown[uid]), f"no panel of {uid} links the runbook of {name}")

    def test_the_budgets_drawn_are_those_that_the_alerts_burn(self):
        with open(os.path.join(words.ALERTS, "slo.yaml"), encoding="utf-8") as file:
            rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
        for _, ratio, budget, _ in slo.OBJECTIVES:
            burning = [rule["expr"] for rule in rules if "alert" in rule and ratio.format("1h") in rule["expr"]]
            self.assertEqual(len(burning), 1, ratio)
            self.assertIn(f"{ratio.format('1h')} > 14.4 * {budget} ", burning[0])

    def test_links_between_dashboards_lead_to_dashboards_and_keep_time_and_variables(self):
        shown = dashboards()
        n_links = 0
        for dashboard in shown.values():
            for url in urls(dashboard):
                inner = re.match(r"/d/([\w-]+)\?", url)
                if inner:
                    n_links += 1
                    self.assertIn(inner[1], shown)
                    for kept in ("${__url_time_range}", "${datasource:queryparam}", "${environment:queryparam}",
                                 "${job:queryparam}"):
                        self.assertIn(kept, url)
        self.assertGreaterEqual(n_links, 4)


class Provisioning(unittest.TestCase):
    """What `compose.yaml` starts and mounts."""
    @classmethod
    def setUpClass(cls):
        cls.compose = read(ROOT, "compose.yaml")

    def checked(self, text):
        schema = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "-"]
        return subprocess.run(schema, input=json.dumps(text), capture_output=True, text=True)

    def test_the_compose_file_is_one(self):
        ran = self.checked(self.compose)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.compose["services"]["bess"]["imagee"] = "x"
        self.assertNotEqual(self.checked(self.compose).returncode, 0)
        del self.compose["services"]["bess"]["imagee"]

    def test_whatever_it_mounts_is_there_and_whatever_it_names_exists(self):
        for name, service in self.compose["services"].items():
            for mount in service.get("volumes", []):
                source = mount.split(":")[0]
                if source.startswith("./"):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, source)), f"{name}: {source}")
                else:
                    self.assertIn(source, self.compose["volumes"])
            for other in service.get("depends_on", []):
                self.assertIn(other, self.compose["services"])

    def test_its_ports_are_open_on_loopback_alone(self):
        for name, service in self.compose["services"].items():
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")

    def test_prometheus_scrapes_bess_and_knows_alertmanager(self):
        config = read(PROVISIONING, "prometheus", "prometheus.yaml")
        targets = [
            target for job in config["scrape_configs"] for one in job["static_configs"] for target in one["targets"]
        ]
        targets += [
            target for one in config["alerting"]["alertmanagers"][0]["static_configs"] for target in one["targets"]
        ]
        for target in targets:
            host = target.split(":")[0]
            self.assertTrue(host == "localhost" or host in self.compose["services"], target)
        mounted = self.compose["services"]["prometheus"]["volumes"]
        for path in config["rule_files"]:
            self.assertTrue(any(f":{path}:" in mount for mount in mounted), path)

    def test_grafana_asks_as_often_as_prometheus_scrapes(self):
        scrape = read(PROVISIONING, "prometheus", "prometheus.yaml")["global"]["scrape_interval"]
        sources = read(PROVISIONING, "grafana", "datasources", "prometheus.yaml")["datasources"]
        prometheus = next(one for one in sources if one["type"] == "prometheus")
        self.assertEqual(prometheus["jsonData"]["timeInterval"], scrape)
        environment = self.compose["services"]["grafana"]["environment"]
        for one in sources:
            self.assertIn(one["url"].strip("${}"), environment)

    def test_grafana_finds_the_dashboards_where_they_are_mounted(self):
        provider = read(PROVISIONING, "grafana", "dashboards", "bess.yaml")["providers"][0]
        mounted = self.compose["services"]["grafana"]["volumes"]
        self.assertIn(f"./dashboards/grafana:{provider['options']['path']}:ro", mounted)
        home = self.compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        self.assertIn(os.path.basename(home), {f"{uid}.json" for uid in dashboards()})


if __name__ == "__main__":
    unittest.main()
