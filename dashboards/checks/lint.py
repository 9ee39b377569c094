"""The rules of Grafana's dashboard-linter, written anew from its documentation, and a few of our own.

A rule is a function that yields what is wrong: `(where, what, metric or None)`. Exclusions stand in `lint.toml`.
"""

import datetime
import os
import re
import tomllib

import promql_parser

from common import HERE, panels

DATASOURCES = ("$datasource", "${datasource}")
# No query has this length by itself, so it is known again.
RATE_INTERVAL = datetime.timedelta(hours=11, seconds=17)
GLOBALS = {"__rate_interval": "11h17s", "__interval": "1h", "__range": "7h", "__interval_ms": "1000", "__range_s": "100"}

# Units of Grafana's value formats that fields may have; what a farm has no use for is left out.
UNITS = set("""
none string short percent percentunit humidity locale sci bytes decbytes bits Bps binBps bps pps dateTimeAsIso
dateTimeAsLocal dateTimeFromNow watt kwatt megwatt voltamp kvoltamp voltampreact kvoltampreact watth kwatth amph joule amp
volt kvolt mvolt ohm kohm celsius kelvin fahrenheit hertz ns µs ms s m h d dtdurationms dtdurations dthms cps ops reqps rps
wps iops cpm opm rpm wpm litre mlitre bool bool_yes_no bool_on_off
""".split())


def parse(expression):
    """The tree of a query with variables in it."""
    def value(hit):
        name = hit[1] or hit[2]
        return GLOBALS.get(name, f"variable_{name}")
    return promql_parser.parse(re.sub(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", value, expression))


def walk(node, parents=()):
    """Every node with its ancestors, the nearest last."""
    yield node, parents
    children = []
    if isinstance(node, promql_parser.BinaryExpr):
        children = [node.lhs, node.rhs]
    elif isinstance(node, promql_parser.Call):
        children = list(node.args)
    elif isinstance(node, promql_parser.MatrixSelector):
        children = [node.vector_selector]
    elif isinstance(node, promql_parser.AggregateExpr):
        children = [node.expr, *([node.param] if node.param is not None else [])]
    elif hasattr(node, "expr"):
        children = [node.expr]
    for child in children:
        yield from walk(child, (*parents, node))


def parsed(dashboard):
    """Targets whose query is PromQL: `(where, panel, tree)`. Those that are not are another rule's."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            try:
                tree = parse(target["expr"])
            except (ValueError, KeyError):
                continue
            yield f"{panel.get('title')} / {target.get('refId')}", panel, tree


def variable(dashboard, name):
    return next((one for one in dashboard["templating"]["list"] if one["name"] == name), None)


# ---------------------------------------------------------------------------------------------------
# The linter's rules


def template_datasource_rule(dashboard):
    sources = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
    if not sources:
        yield "templating", "there is no variable for the data source", None
    for one in sources:
        if one["name"] not in ("datasource", "prometheus_datasource"):
            yield "templating", f"the data source's variable is called {one['name']}", None
        if one.get("label") not in ("Data source", "Prometheus data source"):
            yield "templating", f"the data source's label is {one.get('label')}", None
        if one.get("query") != "prometheus":
            yield "templating", f"the data source is a {one.get('query')}", None


def _label_variable(dashboard, name):
    one = variable(dashboard, name)
    if one is None:
        yield "templating", f"there is no variable {name}", None
        return
    if one.get("datasource", {}).get("uid") not in DATASOURCES:
        yield name, "it does not ask the chosen data source", None
    if one["type"] != "query":
        yield name, f"it is a {one['type']}, not a query", None
    if one.get("label") != name.title():
        yield name, f"its label is {one.get('label')}", None
    if not one.get("multi"):
        yield name, "only one value can be chosen", None
    if one.get("allValue") != ".+":
        yield name, f"All stands for {one.get('allValue')}, not .+", None


def template_job_rule(dashboard):
    yield from _label_variable(dashboard, "job")


def template_instance_rule(dashboard):
    yield from _label_variable(dashboard, "instance")


def template_label_promql_rule(dashboard):
    for one in dashboard["templating"]["list"]:
        if one["type"] != "query":
            continue
        query = one["query"]["query"]
        call = re.fullmatch(r"(label_names|label_values|metrics|query_result)\((.+)\)", query)
        if not call:
            yield one["name"], f"no function that variables have: {query}", None
            continue
        selector = call[2].rsplit(",", 1)[0] if call[1] == "label_values" else call[2]
        try:
            parse(selector)
        except ValueError as error:
            yield one["name"], f"{query}: {error}", None


def template_on_time_change_reload_rule(dashboard):
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query" and one.get("refresh") != 2:
            yield one["name"], "it is not asked anew when the time changes", None


def panel_datasource_rule(dashboard):
    for panel in panels(dashboard):
        for one in (panel, *panel.get("targets", [])):
            if (one.get("datasource") or {}).get("uid") not in DATASOURCES:
                yield panel["title"], "it does not use the chosen data source", None


def panel_title_description_rule(dashboard):
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield panel.get("title") or f"panel {panel.get('id')}", "title or description is missing", None


def panel_units_rule(dashboard):
    for panel in panels(dashboard):
        fields = panel["fieldConfig"]
        units = [fields["defaults"].get("unit")]
        units += [one["value"] for change in fields["overrides"] for one in change["properties"] if one["id"] == "unit"]
        if panel["type"] == "heatmap":
            units.append(panel["options"]["yAxis"].get("unit"))
        for unit in units:
            if unit not in UNITS:
                yield panel["title"], f"unit {unit}", None


def panel_no_targets_rule(dashboard):
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield panel["title"], "it asks nothing", None


def target_promql_rule(dashboard):
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            try:
                parse(target.get("expr", ""))
            except ValueError as error:
                yield f"{panel['title']} / {target.get('refId')}", f"{target.get('expr')}: {error}", None


def target_rate_interval_rule(dashboard):
    for where, _, tree in parsed(dashboard):
        for node, parents in walk(tree):
            rated = isinstance(node, promql_parser.MatrixSelector) and parents \
                and isinstance(parents[-1], promql_parser.Call) and parents[-1].func.name in ("rate", "irate")
            if rated and node.range != RATE_INTERVAL:
                yield where, f"{node} is not over $__rate_interval", None


def _matcher(dashboard, label, name):
    for where, _, tree in parsed(dashboard):
        for node, _ in walk(tree):
            if isinstance(node, promql_parser.VectorSelector):
                wanted = (label, promql_parser.MatchOp.Re, f"variable_{name}")
                if not any((m.name, m.op, m.value) == wanted for m in node.matchers.matchers):
                    yield where, f'{node.name} lacks {label}=~"${name}"', node.name


def target_job_rule(dashboard):
    yield from _matcher(dashboard, "job", "job")


def target_instance_rule(dashboard):
    yield from _matcher(dashboard, "instance", "instance")


def target_counter_agg_rule(dashboard):
    for where, _, tree in parsed(dashboard):
        for node, parents in walk(tree):
            counter = isinstance(node, promql_parser.VectorSelector) and (node.name or "").endswith("_total")
            ranged = len(parents) >= 2 and isinstance(parents[-1], promql_parser.MatrixSelector) \
                and isinstance(parents[-2], promql_parser.Call) and parents[-2].func.name in ("rate", "irate", "increase")
            if counter and not ranged:
                yield where, f"the counter {node.name} is not within rate, irate or increase", None


def uneditable_dashboard_rule(dashboard):
    if dashboard.get("editable") is not False:
        yield "dashboard", "it can be edited, and the change would be lost", None


# ---------------------------------------------------------------------------------------------------
# Our own


def target_environment_rule(dashboard):
    yield from _matcher(dashboard, "namespace", "environment")


def panel_size_rule(dashboard):
    """Panels neither overlap nor leave the grid, and a page is no wall of them."""
    shown = panels(dashboard)
    if len(shown) > 16:
        yield "dashboard", f"{len(shown)} panels", None
    places = [(panel.get("title"), panel["gridPos"]) for panel in dashboard["panels"]]
    for index, (title, at) in enumerate(places):
        if at["x"] + at["w"] > 24:
            yield title, "it leaves the grid", None
        for other, there in places[:index]:
            apart = at["x"] >= there["x"] + there["w"] or there["x"] >= at["x"] + at["w"] \
                or at["y"] >= there["y"] + there["h"] or there["y"] >= at["y"] + at["h"]
            if not apart:
                yield title, f"it overlaps {other}", None
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(set(ids)) != len(ids):
        yield "dashboard", "two panels have one id", None


def panel_axis_rule(dashboard):
    """A state of charge is drawn from 0 to 100 %, so that half full looks half full."""
    for panel in panels(dashboard):
        asks = [target["expr"] for target in panel.get("targets", [])]
        about_soc = panel["type"] in ("timeseries", "bargauge") and any("_soc_ratio" in expr for expr in asks)
        defaults = panel["fieldConfig"]["defaults"]
        if about_soc and (defaults.get("min"), defaults.get("max")) != (0, 1):
            yield panel["title"], "its axis is not 0 to 100 %", None


def dashboard_links_rule(dashboard):
    """The others are one click away, with time and variables kept; the tag that the menu goes by is there."""
    menus = [link for link in dashboard["links"] if link["type"] == "dashboards"]
    if not any(link["keepTime"] and link["includeVars"] and set(link["tags"]) <= set(dashboard["tags"]) for link in menus):
        yield "links", "no menu of the other dashboards that keeps time and variables", None


RULES = {rule.__name__.replace("_", "-"): rule for rule in (
    template_datasource_rule, template_job_rule, template_instance_rule, template_label_promql_rule,
    template_on_time_change_reload_rule, panel_datasource_rule, panel_title_description_rule, panel_units_rule,
    panel_no_targets_rule, target_promql_rule, target_rate_interval_rule, target_job_rule, target_instance_rule,
    target_counter_agg_rule, uneditable_dashboard_rule, target_environment_rule, panel_size_rule, panel_axis_rule,
    dashboard_links_rule)}


def exclusions():
    with open(os.path.join(HERE, "lint.toml"), "rb") as file:
        return tomllib.load(file)["exclusion"]


def lint(dashboard, excluded=()):
    """What is wrong with it, and which exclusions it needed: `(findings, set of indexes)`."""
    findings, used = [], set()
    for name, rule in RULES.items():
        for where, what, metric in rule(dashboard):
            fits = [i for i, one in enumerate(excluded) if one["rule"] == name and metric and re.fullmatch(one["metric"], metric)]
            used.update(fits)
            if not fits:
                findings.append(f"{name}: {dashboard.get('uid')} / {where}: {what}")
    return findings, used
