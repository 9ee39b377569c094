#!/usr/bin/env python3
"""Alerts and recording rules, written once in `source`: makes rules.yaml, slo.yaml, tests/*.yaml and the table of docs/alerts.md.

    dashboards/alerts/rules.py            write them
    dashboards/alerts/rules.py --check    exit 1 and say which is stale
    dashboards/alerts/rules.py --out DIR --runbooks https://wiki.example/bess/ --dashboards https://grafana.example
                                          rules with links to elsewhere, into a folder

Needs nothing but Python.
"""

import argparse
import json
import os
import re
import sys
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from source import TIMES, Record, api, bms, cell, grid, loop, modbus, pcs, process, recording, scenario, shard, span  # noqa: E402

COMPONENTS = {"cell": cell, "bms": bms, "pcs": pcs, "grid": grid, "loop": loop, "modbus": modbus, "api": api,
              "process": process, "shard": shard, "scenario": scenario}
ALERTS = [(name, alert) for name, module in COMPONENTS.items() for alert in module.ALERTS]
RUNBOOKS, DASHBOARDS = "http://localhost:8000/runbooks/", "http://localhost:3000"
PAGE = os.path.normpath(os.path.join(HERE, "..", "..", "docs", "alerts.md"))
MADE = "# Made by dashboards/alerts/rules.py from dashboards/alerts/source: change that and run `make rules`.\n"
PROCESS = {"job": "bess", "namespace": "plant", "instance": "farm:9090", "pod": "bess-0"}
SPEED, SIM = "bess_time_scale_ratio", "bess_simulation_time_seconds"


# What an alert says

def labels(component, alert):
    return {"severity": alert.severity, "component": component, **alert.labels}


def annotations(alert, runbooks, dashboards):
    missing = [name for name in ("instance", "job") if alert.case.labels.get(name, "") is None]
    scope = {0: "instance", 1: "job"}.get(len(missing))
    query = f"?var-{scope}={{{{ $labels.{scope} }}}}" if scope else ""
    return {"summary": alert.summary, "description": alert.description,
            "runbook_url": runbooks + (alert.runbook or alert.name),
            "dashboard_url": f"{dashboards}/d/{alert.dashboard}{query}"}


# YAML, of which JSON's strings and mappings are a part

def folded(expr, indent):
    lines = textwrap.wrap(expr, 118 - indent, break_long_words=False, break_on_hyphens=False)
    if len(lines) == 1:
        return json.dumps(expr)
    return ">-\n" + "\n".join(" " * indent + line for line in lines)


def flow(mapping):
    return "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in mapping.items()) + "}"


def group(name, rules, runbooks, dashboards):
    """A group of rules: records, and alerts with their components."""
    out = [f"  - name: bess.{name}\n    rules:\n"]
    for rule in rules:
        if isinstance(rule, Record):
            out.append(f"      - record: {rule.name}\n        expr: {folded(rule.expr, 10)}\n")
            continue
        component, alert = rule
        out.append(f"      - alert: {alert.name}\n        expr: {folded(alert.gated(), 10)}\n")
        if alert.for_s:
            out.append(f"        for: {span(alert.for_s)}\n")
        if alert.keep_s:
            out.append(f"        keep_firing_for: {span(alert.keep_s)}\n")
        out.append(f"        labels: {flow(labels(component, alert))}\n        annotations:\n")
        for key, text in annotations(alert, runbooks, dashboards).items():
            out.append(f"          {key}: {json.dumps(text)}\n")
    return "".join(out)


def rule_files(runbooks=RUNBOOKS, dashboards=DASHBOARDS):
    """What Prometheus loads: the objectives (slo) in a file of their own, everything else in the other."""
    slo = [pair for pair in ALERTS if "slo" in pair[1].labels]
    rest = [("recording", recording.RECORDS)]
    rest += [(name, [pair for pair in ALERTS if pair[0] == name and pair not in slo]) for name in COMPONENTS]
    files = {"rules.yaml": rest, "slo.yaml": [("slo", recording.SLO_RECORDS + slo)]}
    return {name: MADE + "groups:\n" + "".join(group(*rules, runbooks, dashboards) for rules in groups)
            for name, groups in files.items()}


# Tests

def number(value):
    return f"{value:.12g}"


def samples(phases):
    """Values of a series through phases of so many samples each, in promtool's notation."""
    words, at, index = [], 0.0, 0
    for value, n in phases:
        if value is None:
            words.append(f"_x{n}")
        elif isinstance(value, list):
            words += [number(value[i % len(value)]) for i in range(n)]
        elif isinstance(value, str) and value.startswith("+"):
            # From where it stands: the first sample of the test is that value itself.
            step = float(value)
            first = at + step if index else at
            words.append(f"{number(first)}{step:+.12g}x{n - 1}")
            at = first + step * (n - 1)
        elif isinstance(value, str):
            start, step = map(float, re.fullmatch(r"(-?[0-9.e]+?)([+-][0-9.e]+)", value).groups())
            words.append(f"{number(start + step * index)}{step:+.12g}x{n - 1}")
            at = start + step * (index + n - 1)
        else:
            at = float(value)
            words.append(f"{number(at)}+0x{n - 1}")
        index += n
    return " ".join(words)


def series(name):
    """A series with the labels of the process beside its own."""
    stem, own = re.fullmatch(r"([a-z_:0-9]+)(?:\{(.*)\})?", name).groups()
    ours = ",".join(f'{key}="{value}"' for key, value in PROCESS.items())
    return f"{stem}{{{ours}{',' + own if own else ''}}}"


def filled(text, alert_labels, shows):
    text = re.sub(r"\{\{ \$value[^}]*\}\}", lambda _: shows, text)
    return re.sub(r"\{\{ \$labels\.([a-z_]+) \}\}", lambda m: alert_labels.get(m[1], ""), text)


def test(component, alert, case, title, silent=False, **also):
    """One test: the series, and when the alert is silent, fires, is gone."""
    step = case.interval_s
    assert alert.for_s % step == 0 and case.window_s % step == 0 and alert.keep_s % step == 0, alert.name
    n_quiet = (alert.for_s + case.window_s) // step + 2
    n_loud = (alert.for_s + case.window_s) // step + 2
    n_after = (case.window_s + alert.keep_s) // step + 3
    begin = n_quiet * step
    due = begin + case.window_s + alert.for_s
    end = (n_quiet + n_loud + n_after - 1) * step
    out = [f"  - name: {json.dumps(alert.name + ' ' + title)}\n    interval: {step}s\n    input_series:\n"]
    for name in case.loud:
        phases = [(case.quiet[name], n_quiet), (case.loud[name], n_loud), (case.quiet[name], n_after)]
        out.append(f"      - series: {json.dumps(series(name))}\n        values: {json.dumps(samples(phases))}\n")
    whole = n_quiet + n_loud + n_after
    for name, value in {**case.same, **also}.items():
        out.append(f"      - series: {json.dumps(series(name))}\n        values: {json.dumps(samples([(value, whole)]))}\n")
    out.append("    alert_rule_test:\n")

    def quiet(at):
        out.append(f"      - {{eval_time: {at}s, alertname: {alert.name}, exp_alerts: []}}\n")

    quiet(begin - step)
    if alert.for_s:
        quiet(begin + alert.for_s - step)
    if silent:
        quiet(due)
    else:
        ours = {**PROCESS, **case.labels}
        ours = {**labels(component, alert), **{key: value for key, value in ours.items() if value is not None}}
        said = {key: filled(text, ours, case.shows) for key, text in annotations(alert, RUNBOOKS, DASHBOARDS).items()}
        out.append(f"      - eval_time: {due}s\n        alertname: {alert.name}\n        exp_alerts:\n"
                   f"          - exp_labels: {flow(ours)}\n            exp_annotations:\n")
        out += [f"              {key}: {json.dumps(text)}\n" for key, text in said.items()]
    quiet(end)
    return "".join(out)


def tests_of(component, alert):
    """The tests of one alert: with what step, and the text."""
    case = alert.case
    gate = TIMES[alert.time][1]
    speed = {SPEED: 1} if gate else {}
    yield case.interval_s, test(component, alert, case, "fires, is silent just below, and resolves", **speed)
    if alert.time == "forward":
        for value in (0, 0.5):
            yield case.interval_s, test(component, alert, case, f"is silent at a speed of {value}", True, **{SPEED: value})
    if alert.time == "running":
        yield case.interval_s, test(component, alert, case, "is silent while the clock stands", True, **{SPEED: 0})
    if alert.time == "real":
        yield case.interval_s, test(component, alert, case, "is silent at a speed of 10", True, **{SPEED: 10})
    if alert.time == "scaled":
        yield alert.fast.interval_s, test(component, alert, alert.fast, "means the same at another speed")
        still = {name: {SPEED: 0, SIM: 1_700_000_000}[name] for name in (SPEED, SIM) if name in case.same}
        loud = {name: 1_700_000_000 if name == SIM else value for name, value in case.loud.items()}
        paused = type(case)({**case.quiet, **{SIM: 1_700_000_000 for name in (SIM,) if name in case.quiet}}, loud,
                            {**case.same, **still, SPEED: 0}, case.shows, case.labels, case.window_s, case.interval_s)
        yield case.interval_s, test(component, alert, paused, "is silent while the clock stands", True)


def test_files():
    """Tests by what they load and by how far their samples are apart: a test file has one interval of evaluation."""
    files = {}
    for component, alert in ALERTS:
        for step, text in tests_of(component, alert):
            files.setdefault(("slo" if "slo" in alert.labels else "rules", step), []).append(text)
    made = {}
    for (rules, step), texts in sorted(files.items()):
        # What a group records, alerts of another see at the same instant.
        groups = ["recording", *COMPONENTS] if rules == "rules" else ["slo"]
        order = f"group_eval_order: [{', '.join(f'bess.{name}' for name in groups)}]\n"
        head = f"rule_files: [../{rules}.yaml]\nevaluation_interval: {span(step)}\n{order}tests:\n"
        made[f"tests/{rules}-{span(step)}.yaml"] = MADE + head + "".join(texts)
    return made


# The page

def table():
    """What docs/alerts.md lists."""
    out = []
    for component, module in COMPONENTS.items():
        out.append(f"\n### {component}\n\n| alert | severity | for | time | says |\n|---|---|---|---|---|\n")
        for alert in module.ALERTS:
            page = alert.runbook or alert.name
            says = re.sub(r"\{\{ \$labels\.instance \}\}", "the farm", alert.summary)
            says = re.sub(r"\{\{ \$labels\.([a-z]+) \}\}", r"(\1)", says)
            says = says[0].upper() + says[1:]
            out.append(f"| [{alert.name}](runbooks/{page}.md) | {alert.severity} | {span(alert.for_s)} | `{alert.time}` "
                       f"| {says} |\n")
    return "".join(out)


def speeds():
    rows = [f"| `{name}` | {text} | {f'`{gate}`' if gate else ''} |\n" for name, (text, gate) in TIMES.items()]
    return "\n| time | what it means | condition |\n|---|---|---|\n" + "".join(rows)


def page(text):
    """The page with its made parts anew."""
    for name, made in (("speeds", speeds()), ("alerts", table())):
        text, n = re.subn(rf"(<!-- made: {name} -->\n).*?(\n<!-- end -->)", lambda m: m[1] + made + m[2], text, flags=re.S)
        assert n == 1, f"docs/alerts.md has no part {name}"
    return text


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write(files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing; exit 1 if something is stale")
    arguments.add_argument("--out", metavar="FOLDER", help="write the rules alone, to this folder")
    arguments.add_argument("--runbooks", default=RUNBOOKS, help="where runbooks are (%(default)s)")
    arguments.add_argument("--dashboards", default=DASHBOARDS, help="where Grafana is (%(default)s)")
    wish = arguments.parse_args()
    if wish.out:
        write({os.path.join(wish.out, name): text
               for name, text in rule_files(wish.runbooks, wish.dashboards.rstrip("/")).items()})
        return 0
    names = [alert.name for _, alert in ALERTS]
    assert len(names) == len(set(names)), "two alerts have one name"
    made = {**rule_files(), **test_files()}
    made = {os.path.join(HERE, name): text for name, text in made.items()}
    made[PAGE] = page(read(PAGE))
    stale = [os.path.relpath(path) for path, text in made.items() if read(path) != text]
    if wish.check:
        for path in stale:
            print(f"{path} is stale: run `make rules`", file=sys.stderr)
        return 1 if stale else 0
    write(made)
    n_tests = sum(text.count("\n  - name: ") for path, text in made.items() if "/tests/" in path)
    n_records = len(recording.RECORDS) + len(recording.SLO_RECORDS)
    print(f"{n_records} recording rules, {len(names)} alerts, {n_tests} tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
