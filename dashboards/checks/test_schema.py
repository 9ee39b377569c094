"""The dashboards against Grafana's own types, by the TypeScript compiler.

    python -m unittest test_schema -v    (in dashboards/checks; `make dashboards` installs the compiler)
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from common import HERE, TOOLS, dashboards, panels

INSTALLED = os.path.join(TOOLS, "dashboards")
FLAGS = [
    "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext", "--target",
    "es2022"
]


def compiled(files):
    """What the compiler says of dashboards by name; nothing when all are as Grafana's types want them."""
    # Below the folder with node_modules, so that the types are found.
    with tempfile.TemporaryDirectory(prefix="compile-", dir=INSTALLED) as folder:
        shutil.copy(os.path.join(HERE, "types.ts"), folder)
        paths = []
        for name, dashboard in files.items():
            paths.append(os.path.join(folder, f"{name}.ts"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write("import type { Dashboard } from './types';\nexport default (\n")
                json.dump(dashboard, file, indent=1)
                file.write("\n) satisfies Dashboard;\n")
        compiler = os.path.join(INSTALLED, "node_modules", ".bin", "tsc")
        # Where the machine has no node, the environment of Python has one.
        path = os.environ["PATH"] + os.pathsep + os.path.dirname(sys.executable)
        ran = subprocess.run([compiler, *FLAGS, *paths], capture_output=True, text=True,
                             env={**os.environ, "PATH": path})
    said = ran.stdout + ran.stderr
    assert (ran.returncode == 0) == (said == ""), (ran.returncode, said)
    return said


def first(dashboard, kind):
    return next(panel for panel in panels(dashboard) if panel["type"] == kind)


# Ways to break a dashboard, and what the compiler names.
BREAKS = {
    "an_unknown_key": (lambda d: d.update(titel="x"), "titel"),
    "an_unknown_key_of_a_panel": (lambda d: first(d, "stat").update(colour="red"), "colour"),
    "a_wrong_type": (lambda d: d.update(refresh=10), "string"),
    "a_kind_of_panel_that_we_do_not_draw": (lambda d: first(d, "stat").update(type="graph"), "graph"),
    "an_option_of_another_kind": (lambda d: first(d, "timeseries")["options"].update(rowHeight=1), "rowHeight"),
    "an_option_that_is_missing": (lambda d: first(d, "timeseries")["options"].pop("legend"), "legend"),
    "a_draw_style_that_does_not_exist": (
        lambda d: first(d, "timeseries")["fieldConfig"]["defaults"]["custom"].update(drawStyle="lines"), "lines"),
    "a_setting_of_lines_that_does_not_exist": (
        lambda d: first(d, "timeseries")["fieldConfig"]["defaults"]["custom"].update(opacity=1), "opacity"),
    "a_threshold_mode_that_does_not_exist": (
        lambda d: first(d, "stat")["fieldConfig"]["defaults"]["thresholds"].update(mode="relative"), "relative"),
    "a_panel_without_a_description": (lambda d: first(d, "heatmap").pop("description"), "description"),
    "a_variable_of_unknown_type": (lambda d: d["templating"]["list"][1].update(type="label"), "label"),
    "an_annotation_of_the_old_kind": (lambda d: d["annotations"]["list"][0].update(expr="up"), "expr"),
}


class Schema(unittest.TestCase):
    def test_every_dashboard_is_as_grafanas_types_want_it(self):
        self.assertEqual(compiled(dashboards()), "")

    def test_the_compiler_refuses_what_grafana_does_not_know(self):
        whole = dashboards()["bess-engine"]
        broken = {}
        for name, (change, _) in BREAKS.items():
            broken[name] = copy.deepcopy(whole)
            change(broken[name])
        said = compiled(broken)
        for name, (_, named) in BREAKS.items():
            with self.subTest(name):
                lines = [line for line in said.splitlines() if f"/{name}.ts(" in line]
                self.assertTrue(lines, f"{name} was accepted")
                # What is named may stand in the lines that explain, below the first one.
                begin = said.index(lines[0])
                self.assertIn(named, said[begin:begin + 3000])


if __name__ == "__main__":
    unittest.main()
