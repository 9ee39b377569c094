"""The dashboards keep the linter's rules, and every rule can fail.

    python -m unittest discover -s dashboards/checks -v
"""

import copy
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lint
from common import dashboards, panels, substitute

ALL = dashboards()
EXCLUDED = lint.exclusions()


def first(dashboard, kind="timeseries"):
    return next(panel for panel in panels(dashboard) if panel["type"] == kind)


def variable(dashboard, name):
    return lint.variable(dashboard, name)


def asking(expr):
    """A change: the first panel asks this."""
    def change(dashboard):
        first(dashboard)["targets"][0]["expr"] = expr
    return change


OURS = 'namespace=~"$environment", job=~"$job", instance=~"$instance"'

# For every rule, ways to break it.
BREAKS = {
    "template-datasource-rule": [
        lambda d: d["templating"]["list"].remove(variable(d, "datasource")),
        lambda d: variable(d, "datasource").update(name="source"),
        lambda d: variable(d, "datasource").update(label="Source"),
        lambda d: variable(d, "datasource").update(query="loki")],
    "template-job-rule": [
        lambda d: d["templating"]["list"].remove(variable(d, "job")),
        lambda d: variable(d, "job").update(allValue=".*"),
        lambda d: variable(d, "job").update(type="custom")],
    "template-instance-rule": [
        lambda d: variable(d, "instance").update(multi=False),
        lambda d: variable(d, "instance").update(label="instance"),
        lambda d: variable(d, "instance").update(datasource={"uid": "P1234"})],
    "template-label-promql-rule": [
        lambda d: variable(d, "job")["query"].update(query="label_value(up, job)"),
        lambda d: variable(d, "job")["query"].update(query="label_values(up{, job)")],
    "template-on-time-change-reload-rule": [lambda d: variable(d, "job").update(refresh=1)],
    "panel-datasource-rule": [
        lambda d: first(d).update(datasource={"type": "prometheus", "uid": "P1234"}),
        lambda d: first(d)["targets"][0].update(datasource={"type": "prometheus", "uid": "P1234"})],
    "panel-title-description-rule": [
        lambda d: first(d).update(title=""), lambda d: first(d, "heatmap").update(description="")],
    "panel-units-rule": [
        lambda d: first(d)["fieldConfig"]["defaults"].update(unit="celcius"),
        lambda d: first(d)["fieldConfig"]["defaults"].pop("unit"),
        lambda d: first(d)["fieldConfig"]["overrides"].append(
            {"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": "unit", "value": "kelvins"}]})],
    "panel-no-targets-rule": [lambda d: first(d).update(targets=[])],
    "target-promql-rule": [asking("sum(rate(up[5m])"), asking("")],
    "target-rate-interval-rule": [asking(f"sum(rate(bess_ticks_total{{{OURS}}}[5m]))"),
                                  asking(f"irate(bess_ticks_total{{{OURS}}}[$__interval])")],
    "target-job-rule": [asking('up{namespace=~"$environment", instance=~"$instance"}'),
                        asking('up{namespace=~"$environment", job="$job", instance=~"$instance"}'),
                        asking(f'up{{{OURS}}} / on () group_left () up{{namespace=~"$environment", instance=~"$instance"}}')],
    "target-instance-rule": [asking('up{namespace=~"$environment", job=~"$job"}'),
                             asking(f'topk(3, up{{{OURS}}} and sum(up{{namespace=~"$environment", job=~"$job"}}))')],
    "target-environment-rule": [asking('up{job=~"$job", instance=~"$instance"}')],
    "target-counter-agg-rule": [asking(f"sum(bess_ticks_total{{{OURS}}})"),
                                asking(f"sum(delta(bess_ticks_total{{{OURS}}}[$__rate_interval]))")],
    "uneditable-dashboard-rule": [lambda d: d.update(editable=True), lambda d: d.pop("editable")],
    "panel-size-rule": [
        lambda d: first(d)["gridPos"].update(w=25), lambda d: d["panels"].append(copy.deepcopy(d["panels"][0])),
        lambda d: d["panels"].extend([first(d)] * 10)],
    "panel-axis-rule": [lambda d: (asking(f"bess_farm_soc_ratio{{{OURS}}}")(d), first(d)["fieldConfig"]["defaults"].update(min=0.4))],
    "dashboard-links-rule": [lambda d: d["links"][0].update(keepTime=False), lambda d: d.update(tags=[])],
}


class Linter(unittest.TestCase):
    def test_every_dashboard_keeps_every_rule(self):
        used = set()
        for uid, dashboard in ALL.items():
            with self.subTest(uid):
                findings, needed = lint.lint(dashboard, EXCLUDED)
                self.assertEqual(findings, [])
                used |= needed
        for index, one in enumerate(EXCLUDED):
            self.assertIn(index, used, f"nothing needs this exclusion: {one}")
            self.assertGreater(len(one["reason"]), 20, one)

    def test_every_rule_finds_each_way_to_break_it(self):
        self.assertEqual(set(BREAKS), set(lint.RULES))
        for name, changes in BREAKS.items():
            for number, change in enumerate(changes):
                with self.subTest(rule=name, way=number):
                    broken = copy.deepcopy(ALL["bess-engine"])
                    before = list(lint.RULES[name](broken))
                    self.assertEqual(before, [])
                    change(broken)
                    self.assertNotEqual(list(lint.RULES[name](broken)), [])

    def test_an_exclusion_holds_for_its_rule_and_metrics_alone(self):
        dashboard = copy.deepcopy(ALL["bess-engine"])
        asking('ALERTS{namespace=~"$environment", job=~"$job"}')(dashboard)
        only_job = [one for one in EXCLUDED if one["rule"] == "target-job-rule"]
        findings, used = lint.lint(dashboard, only_job)
        self.assertEqual([finding.split(":")[0] for finding in findings], ["target-instance-rule"])
        self.assertEqual(used, set())
        self.assertEqual(lint.lint(dashboard, EXCLUDED)[0], [])

    def test_variables_are_put_in_as_grafana_does_it(self):
        values = {"job": ["bess"], "instance": ["a:1", "b.c:2"], "unit": ".+", "__rate_interval": "1m"}
        query = 'rate(x{job=~"$job|", instance=~"${instance}", unit=~"$unit"}[$__rate_interval])'
        self.assertEqual(substitute(query, values), 'rate(x{job=~"bess|", instance=~"(a:1|b\\\\.c:2)", unit=~".+"}[1m])')
        with self.assertRaises(KeyError):
            substitute("$unknown", values)


if __name__ == "__main__":
    unittest.main()
