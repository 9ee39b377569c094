"""What all our dashboards share: variables, links, annotations, colours, and panels that stand on several."""

import functools
import os

import yaml

import grafana as g

TAG = "bess"
ALERTS = os.path.join(os.path.dirname(__file__), "..", "alerts")
RULES = [os.path.join(ALERTS, name) for name in ("rules.yaml", "slo.yaml")]

# The position in this list is the number of the state in metrics (docs/unit-states.md).
STATES = [
    ("off", "#8e8e8e"),
    ("initialising", "#8ab8ff"),
    ("precharge", "#5794f2"),
    ("standby", "#3274d9"),
    ("synchronising", "#96d98d"),
    ("running", "#37872d"),
    ("derated", "#f2cc0c"),
    ("fallback", "#ff9830"),
    ("stopping", "#c0d8ff"),
    ("tripped", "#f2495c"),
    ("locked_out", "#c4162a"),
    ("fault", "#7a0c16"),
    ("maintenance", "#b877d9"),
    ("emergency_stop", "#e02f9b"),
]
STATE_NAMES = g.values({number: (name, colour) for number, (name, colour) in enumerate(STATES)})
STATE_COLOURS = g.colours(dict(STATES))

LEVELS = {"warning": "#f2cc0c", "derate": "#ff9830", "trip": "#f2495c", "critical": "#c4162a"}
LEVEL_COLOURS = g.colours(LEVELS)
# Limits are series like any other, so that what is drawn is what the farm protects itself by.
LIMITS = [g.dashed(f"/{level}$/", colour) for level, colour in LEVELS.items()]

BLUE, GREEN, YELLOW, ORANGE, RED, DARK_RED, PURPLE, GREY = (
    "#5794f2", "#56a64b", "#f2cc0c", "#ff9830", "#f2495c", "#c4162a", "#b877d9", "#8e8e8e")

# What can hurt people: alarms of cells, gas, smoke, insulation and cooling.
SAFETY = ("cell_over_temperature|cell_under_temperature|temperature_difference|temperature_rate|smoke|gas|"
          "insulation|string_open|fuse_blown|contactor_fault|cooling_failed|pcs_over_temperature|emergency_stop")

UNIT_SERIES = "Only while units have series of their own: farms of up to 1,000 units, unless a flag says otherwise."


def limits(metric, text, pick):
    """Queries of the limits that the farm exports, one series for each level; `pick` is what of several farms
    counts, min or max."""
    return [(f"{text}{{{{level}}}}", f"{pick} by (level) ({metric})")]


# ---------------------------------------------------------------------------------------------------
# Alerts and their runbooks


@functools.cache
def alerts():
    """The alerts of the rules by name, each with its annotations; of several of one name the first."""
    found = {}
    for path in RULES:
        with open(path, encoding="utf-8") as file:
            groups = yaml.safe_load(file)["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            if "alert" in rule:
                found.setdefault(rule["alert"], rule["annotations"])
    return found


def runbook(name):
    """The link of a panel to the runbook of an alert, as the alert itself has it."""
    url = alerts()[name]["runbook_url"]
    return {"targetBlank": True, "title": f"Runbook {url.rsplit('/', 1)[-1]}", "url": url}


def runbooks():
    """The folder of the runbooks: their names are those of alerts, without the window of a burn rate."""
    folders = {said["runbook_url"].rsplit("/", 1)[0] for said in alerts().values()}
    assert len(folders) == 1, folders
    return folders.pop()


# ---------------------------------------------------------------------------------------------------
# Around the panels

KEEP = "${datasource:queryparam}&${environment:queryparam}&${job:queryparam}"
# A row or a bar knows its unit and its instance: the drill-down shows just these.
UNIT_LINK = {
    "title": "Unit ${__data.fields.unit}",
    "url": f"/d/bess-unit?{KEEP}&var-instance=${{__data.fields.instance}}&var-unit=${{__data.fields.unit}}"
           "&${__url_time_range}",
}
UNIT_BAR_LINK = {
    "title": "Unit ${__field.labels.unit}",
    "url": f"/d/bess-unit?{KEEP}&var-instance=${{__field.labels.instance}}&var-unit=${{__field.labels.unit}}"
           "&${__url_time_range}",
}

LINKS = [{
    "asDropdown": True, "icon": "external link", "includeVars": True, "keepTime": True, "tags": [TAG],
    "targetBlank": False, "title": "Dashboards", "tooltip": "The other dashboards of bess, with time and variables kept",
    "type": "dashboards", "url": "",
}]

VARIABLES = [
    {"hide": 0, "includeAll": False, "label": "Data source", "multi": False, "name": "datasource",
     "options": [], "query": "prometheus", "refresh": 1, "regex": "", "type": "datasource"},
    g.variable("environment", "Environment", "label_values(bess_build_info, namespace)", every=".*",
               says="The Kubernetes namespace; All where there is none"),
    g.variable("job", "Job", 'label_values(bess_build_info{namespace=~"$environment"}, job)', every=".+"),
    g.variable("instance", "Instance",
               'label_values(bess_build_info{namespace=~"$environment", job=~"$job"}, instance)', every=".+",
               says="One process of bess: one farm, or one shard of it"),
]


def unit_variable():
    """Units of the chosen instances; the first one until somebody chooses."""
    return g.variable("unit", "Unit", f"label_values(bess_unit_state{{{g.TARGETS}}}, unit)", every=None,
                      says="One unit or several, by number")


def annotations(enable):
    """Marks of alerts, alarms, trips and faults; `enable` names those that are shown from the start."""
    made = [
        ("Alerts", "ALERTS", RED, "{{alertname}} fires", "alertname,severity"),
        ("Alarms", "sum by (code) (increase(bess_alarms_raised_total[$__rate_interval])) > 0.5", ORANGE,
         "alarm {{code}}", "code"),
        ("Trips", "sum by (cause) (increase(bess_unit_trips_total[$__rate_interval])) > 0.5", DARK_RED,
         "trip by {{cause}}", "cause"),
        ("Faults", "sum by (plane) (increase(bess_fault_injections_total[$__rate_interval])) > 0.5", PURPLE,
         "fault injected: {{plane}}", "plane"),
    ]
    return [g.annotation(name, query, colour, title, enable=name in enable, tags=tags)
            for name, query, colour, title, tags in made]


ALL = ("Alerts", "Alarms", "Trips", "Faults")


def make(uid, title, says, rows, *, marks=("Alerts",), variables=(), tags=(), **more):
    """A dashboard with all that they share."""
    return g.dashboard(uid, title, says, rows, tags=[TAG, *tags], links=LINKS, annotations=annotations(marks),
                       variables=[*VARIABLES, *variables], runbook=runbook, **more)


# ---------------------------------------------------------------------------------------------------
# Panels of several dashboards


def incidents(width=None):
    """Alarms, faults, trips, writes on one axis."""
    queries = [
        ("alarms raised", "sum(increase(bess_alarms_raised_total[$__rate_interval]))"),
        ("trips", "sum(increase(bess_unit_trips_total[$__rate_interval]))"),
        ("faults injected", "sum(increase(bess_fault_injections_total[$__rate_interval]))"),
        ("writes applied", 'sum(increase(bess_writes_total{result="applied"}[$__rate_interval]))'),
        ("writes refused", 'sum(increase(bess_writes_total{result="refused"}[$__rate_interval]))'),
    ]
    tints = {"alarms raised": ORANGE, "trips": DARK_RED, "faults injected": PURPLE, "writes applied": BLUE,
             "writes refused": GREY}
    return g.lines(
        "Incident timeline",
        "What was done to the farm and what it did: alarms that became active, trips, faults that somebody "
        "injected, and writes, counted in each step of the time axis. Read from left to right: what came first?",
        queries, "short", low=0, bars=True, stack=True, decimals=0, overrides=g.colours(tints), interval="1m",
        width=width, calcs=())


def standing_alarms(only=None, width=None):
    """Which alarms stood when."""
    matcher = f'{{code=~"{only}"}}' if only else ""
    return g.states(
        "Alarms that stand",
        "One row for each alarm code that stood in the time shown, active or latched, on one unit or more; the "
        "colour is its gravest level. Empty is good.",
        [("{{code}}", f"max by (code) ((bess_units_alarm{with_level(matcher, 'warning')} > 0) * 0 + 1 or "
                      f"(bess_units_alarm{with_level(matcher, 'derate')} > 0) * 0 + 2 or "
                      f"(bess_units_alarm{with_level(matcher, 'trip')} > 0) * 0 + 3 or "
                      f"(bess_units_alarm{with_level(matcher, 'critical')} > 0) * 0 + 4)")],
        g.values({number: (level, colour) for number, (level, colour) in enumerate(LEVELS.items(), 1)}),
        width=width)


def with_level(matcher, level):
    """The matchers with one on the level."""
    return f'{{level="{level}"}}' if not matcher else f'{matcher[:-1]}, level="{level}"}}'


def time_scale(width=None):
    """At which speed the clock runs; without it every rate on a dashboard may mislead."""
    mappings = [{"options": {"0": {"color": ORANGE, "index": 0, "text": "paused"},
                             "1": {"color": GREEN, "index": 1, "text": "real time"}}, "type": "value"}]
    return g.stat(
        "Time scale",
        "Simulated seconds per second of wall time. The time axes of all dashboards are wall time: at 60 an hour of "
        "the farm's life is a minute on the axis. Empty while the clock runs as fast as it can.",
        [("", "max(bess_time_scale_ratio)")], "short", thresholds=g.steps(BLUE), mappings=mappings, width=width,
        none="free")
