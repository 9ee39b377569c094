"""Every query of every dashboard against a real Prometheus that scrapes a real bess while things happen.

What has no data must be listed in `empty.toml` with the reason, and what is listed must be empty.

    BESS_BIN=target/release/bess python -m unittest test_live -v    (in dashboards/checks)
"""

import math
import os
import re
import sys
import tomllib
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from common import HERE, dashboards, queries, substitute
from scene import Scene

PLAY_S = 40.0
STEP_S = 2


def listed():
    """What may be without data: place (with * for any dashboard) and reason."""
    with open(os.path.join(HERE, "empty.toml"), "rb") as file:
        return tomllib.load(file).get("query", [])


def fits(entry, place):
    return re.fullmatch(re.escape(entry["place"]).replace(r"\*", ".*"), place) is not None


def numbers(series):
    """How many of its values are numbers."""
    points = series.get("values") or [series["value"]]
    return sum(not math.isnan(float(value)) for _, value in points)


class Live(unittest.TestCase):
    """One farm, one Prometheus, one scene for all."""
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene()
        cls.addClassCleanup(lambda: cls.scene.stop())
        cls.scene.play(PLAY_S)
        seconds = int(cls.scene.end_s - cls.scene.start_s)
        cls.variables = {
            "datasource": "bess",
            "environment": ["site"],
            "job": ["bess"],
            "instance": [cls.scene.instance],
            "unit": ["1", "2", "9"],
            "__rate_interval": "6s",
            "__interval": f"{STEP_S}s",
            "__range": f"{seconds}s",
        }

    def evaluate(self, kind, expression, target):
        """How many values come of a query, as Grafana would ask it."""
        asked = substitute(expression, self.variables)
        ask = self.scene.prometheus.ask
        if kind == "variable":
            call = re.fullmatch(r"label_values\((.+), *(\w+)\)", asked)
            return len(
                ask(f"label/{call[2]}/values",
                    **{"match[]": call[1], "start": self.scene.start_s, "end": self.scene.end_s}))
        if target and target["instant"]:
            found = ask("query", query=asked, time=self.scene.end_s)["result"]
        else:
            found = ask("query_range", query=asked, start=self.scene.start_s, end=self.scene.end_s,
                        step=STEP_S)["result"]
        return sum(numbers(series) for series in found)

    def test_every_query_of_every_dashboard_has_data_or_a_listed_reason(self):
        entries = listed()
        needed, wrong, n_queries = set(), [], 0
        for dashboard in dashboards().values():
            for place, kind, expression, target in queries(dashboard):
                n_queries += 1
                try:
                    n_values = self.evaluate(kind, expression, target)
                except ValueError as refusal:
                    wrong.append(f"{place}: Prometheus refuses it: {refusal}")
                    continue
                here = {index for index, entry in enumerate(entries) if fits(entry, place)}
                needed |= here
                if n_values == 0 and not here:
                    wrong.append(f"{place}: no data: {substitute(expression, self.variables)}")
                if n_values > 0 and any(not entries[index].get("depends_on_machine") for index in here):
                    wrong.append(f"{place}: it has data, so it must not be listed: {entries[min(here)]['reason']}")
        wrong += [f"no such query: {entry['place']}" for index, entry in enumerate(entries) if index not in needed]
        self.assertGreater(n_queries, 200)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_a_series_that_does_not_exist_has_no_data(self):
        self.assertEqual(self.evaluate("panel", 'bess_ticks{job=~"$job"}', None), 0)
        self.assertGreater(self.evaluate("panel", 'bess_farm_soc_ratio{job=~"$job"}', None), 10)
        self.assertEqual(self.evaluate("panel", 'bess_farm_soc_ratio{job=~"nobody"}', None), 0)
        self.assertEqual(self.evaluate("variable", 'label_values(bess_build_info{job=~"$job"}, instance)', None), 1)
        with self.assertRaises(ValueError):
            self.evaluate("panel", "sum(", None)

    def test_the_series_of_one_unit_are_those_of_the_unit_that_was_chosen(self):
        found = self.scene.prometheus.ask("query", query=substitute('bess_unit_soc_ratio{unit=~"$unit"}',
                                                                    self.variables), time=self.scene.end_s)
        self.assertEqual({one["metric"]["unit"] for one in found["result"]}, {"1", "2", "9"})


if __name__ == "__main__":
    unittest.main()
