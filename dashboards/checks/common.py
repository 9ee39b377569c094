"""The committed dashboards, their queries, and Grafana's variables put in as Grafana does it."""

import glob
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
FOLDER = os.path.join(ROOT, "dashboards", "grafana")
TOOLS = os.path.join(ROOT, ".tools")


def dashboards():
    """Every committed dashboard by its uid."""
    found = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.json"))):
        with open(path, encoding="utf-8") as file:
            one = json.load(file)
        found[one["uid"]] = one
    assert found, f"no dashboards in {FOLDER}"
    return found


def panels(dashboard):
    """Its panels that show something; headings of rows do not."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard):
    """Everything that it asks of Prometheus, as `(place, kind, expression, target or None)`: kinds are panel,
    annotation and variable."""
    uid = dashboard["uid"]
    asked = []
    for panel in panels(dashboard):
        asked += [(f"{uid} / {panel['title']} / {target['refId']}", "panel", target["expr"], target)
                  for target in panel["targets"]]
    for mark in dashboard["annotations"]["list"]:
        asked.append((f"{uid} / annotation / {mark['name']}", "annotation", mark["target"]["expr"], None))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            asked.append((f"{uid} / variable / {variable['name']}", "variable", variable["query"]["query"], None))
    return asked


def substitute(text, variables):
    """Puts values in for `$name` and `${name}`: a list becomes an alternative of a regular expression, as
    Grafana makes it of a choice of several."""
    def value(hit):
        name = hit[1] or hit[2]
        if name not in variables:
            raise KeyError(f"${name} in {text}")
        chosen = variables[name]
        if isinstance(chosen, str):
            return chosen
        escaped = [re.sub(r"([\\^$*+?.()|{}\[\]])", r"\\\\\1", one) for one in chosen]
        return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"

    return re.sub(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", value, text)
