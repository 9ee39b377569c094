"""The few kinds of panels that the dashboards are made of, as Grafana's JSON.

A query is written with bare metric names; `select` puts the template variables into each of them, so no
panel can forget one. Panels flow from left to right in rows of 24 columns; ids follow from the order.
This file knows Grafana and nothing of batteries; what is common to our dashboards is in `words.py`.
"""

import re

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PLUGIN_VERSION = "12.4.0"
COLUMNS = 24

# ---------------------------------------------------------------------------------------------------
# Queries

COMMON = 'namespace=~"$environment", job=~"$job"'
TARGETS = COMMON + ', instance=~"$instance"'
ALERTED = 'alertname=~"Bess.+", namespace=~"$environment", job=~"$job|", instance=~"$instance|"'
# Recorded over all instances of a job, so there is no instance to select.
_RECORDED = re.compile(r"(?<![\w:\"])([a-z_]+:bess_[a-z0-9_]+:[a-z0-9_]+)(?:\{([^}]*)\})?")
_METRIC = re.compile(r"(?<![\w:\"])((?:bess|process|tokio|scrape)_[a-z0-9_]+|up|ALERTS)(?![\w:(\"])(?:\{([^}]*)\})?")


def select(query, units=False):
    """The query with the variables as matchers in every selector; with `units` also $unit, for series of
    units."""

    def matched(name, own, variables):
        if name == "ALERTS":
            # An alert over a whole job has no instance, one over an environment not even a job.
            own, variables = own or 'alertstate="firing"', ALERTED
        if units and name.startswith("bess_unit_") and not name.startswith("bess_unit_trips"):
            variables += ', unit=~"$unit"'
        return f"{name}{{{own + ', ' if own else ''}{variables}}}"

    def recorded(hit):
        return matched(hit[1], hit[2], TARGETS if hit[1].startswith("instance") else COMMON)

    query = _RECORDED.sub(recorded, query)
    return _METRIC.sub(lambda hit: matched(hit[1], hit[2], TARGETS), query)


def quantile(q, histogram, by=""):
    """A quantile of a histogram over the rate interval."""
    by = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, sum by ({by}) (rate({histogram}_bucket[$__rate_interval])))"


def _targets(queries, units, instant=False, form="time_series"):
    """Targets of `(legend, query)` pairs, named A, B, C."""
    return [
        {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": select(query, units),
            "format": form,
            "instant": instant,
            "legendFormat": legend,
            "range": not instant,
            "refId": chr(ord("A") + position),
        }
        for position, (legend, query) in enumerate(queries)
    ]


# ---------------------------------------------------------------------------------------------------
# Fields


def steps(*pairs):
    """Thresholds: the first colour from below, then `(from, colour)`."""
    first, *rest = pairs
    marks = [{"color": first, "value": None}, *({"color": c, "value": v} for v, c in rest)]
    return {"mode": "absolute", "steps": marks}


def values(texts):
    """Mapping of single values to `(text, colour)`."""
    options = {str(value): {"color": colour, "index": index, "text": text}
               for index, (value, (text, colour)) in enumerate(texts.items())}
    return [{"options": options, "type": "value"}]


def above_zero(text, colour):
    """Mapping of everything above zero to one colour and text, for states that are there or not;
    without a text the value stays."""
    result = {"color": colour, "index": 0, **({"text": text} if text else {})}
    return [{"options": {"from": 1e-9, "to": None, "result": result}, "type": "range"}]


def override(name, **properties):
    """What differs for the fields of this name; a name between slashes is a regular expression. Keys with
    `__` are paths: `custom__lineWidth`."""
    by_expression = name.startswith("/")
    matcher = {"id": "byRegexp" if by_expression else "byName", "options": name}
    listed = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": matcher, "properties": listed}


def fixed(colour):
    """One colour whatever the value."""
    return {"fixedColor": colour, "mode": "fixed"}


def colours(by_name):
    """Overrides that give each series its colour."""
    return [override(name, color=fixed(colour)) for name, colour in by_name.items()]


def dashed(name, colour, width=2):
    """A series drawn as a dashed line without filling: limits and targets."""
    return override(name, color=fixed(colour), custom__lineStyle={"dash": [8, 6], "fill": "dash"},
                    custom__lineWidth=width, custom__fillOpacity=0)


def _defaults(unit, low, high, decimals, thresholds, mappings, custom, colour, links=None):
    defaults = {
        "color": colour,
        "custom": custom,
        "mappings": mappings or [],
        "thresholds": thresholds or steps("green"),
        "unit": unit,
    }
    for key, value in (("min", low), ("max", high), ("decimals", decimals), ("links", links)):
        if value is not None:
            defaults[key] = value
    return defaults


def _panel(kind, title, says, targets, defaults, overrides, options, width, interval=None, alerts=()):
    panel = {
        "datasource": DATASOURCE,
        "description": says,
        "fieldConfig": {"defaults": defaults, "overrides": overrides or []},
        "options": options,
        "pluginVersion": PLUGIN_VERSION,
        "targets": targets,
        "title": title,
        "type": kind,
    }
    if interval:
        panel["interval"] = interval
    return {"panel": panel, "width": width, "alerts": tuple(alerts)}


# ---------------------------------------------------------------------------------------------------
# Panels. `queries` are `(legend, query)` pairs, `says` is the description, `alerts` name the alerts whose
# runbooks the panel links.


def stat(title, says, queries, unit, *, thresholds=None, mappings=None, decimals=None, low=None, high=None,
         spark=False, background=True, units=False, width=None, alerts=(), text="auto",
         overrides=None, none=None):
    """One figure, or a few beside each other, coloured by thresholds."""
    options = {
        "colorMode": "background_solid" if background else "value",
        "graphMode": "area" if spark else "none",
        "justifyMode": "center",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": text,
        "wideLayout": True,
    }
    defaults = _defaults(unit, low, high, decimals, thresholds, mappings, {}, {"mode": "thresholds"})
    if none is not None:
        defaults["noValue"] = none
    targets = _targets(queries, units, instant=not spark)
    return _panel("stat", title, says, targets, defaults, overrides, options, width, alerts=alerts)


def lines(title, says, queries, unit, *, low=None, high=None, soft_low=None, soft_high=None, decimals=None,
          thresholds=None, overrides=None, fill=0, stack=False, bars=False, log=False, axis="", units=False,
          width=None, interval=None, alerts=(), calcs=None, table=False, limits_shown=False,
          links=None, step=False):
    """Lines, areas or bars over time."""
    custom = {
        "axisBorderShow": False,
        "axisCenteredZero": False,
        "axisLabel": axis,
        "axisPlacement": "auto",
        "barAlignment": 0,
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 75 if bars else fill,
        "gradientMode": "none",
        "lineInterpolation": "stepAfter" if step else "linear",
        "lineWidth": 0 if bars else 2,
        "pointSize": 4,
        "scaleDistribution": {"log": 10, "type": "log"} if log else {"type": "linear"},
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stack else "none"},
        "thresholdsStyle": {"mode": "dashed" if limits_shown else "off"},
    }
    for key, value in (("axisSoftMin", soft_low), ("axisSoftMax", soft_high)):
        if value is not None:
            custom[key] = value
    if calcs is None:
        # Several units side by side have no room for figures in the legend.
        calcs = () if units else ("lastNotNull",)
    options = {
        "legend": {"calcs": list(calcs), "displayMode": "table" if table else "list",
                   "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    defaults = _defaults(unit, low, high, decimals, thresholds, None, custom, {"mode": "palette-classic"}, links)
    return _panel("timeseries", title, says, _targets(queries, units), defaults, overrides, options, width,
                  interval, alerts)


def states(title, says, queries, mappings, *, units=False, width=None, interval=None, alerts=(), show="auto",
           links=None):
    """What stood when: one row for each series, one colour for each state."""
    options = {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": show,
        "tooltip": {"mode": "single", "sort": "none"},
    }
    custom = {"fillOpacity": 85, "lineWidth": 0, "spanNulls": False}
    defaults = _defaults("none", None, None, None, steps("text"), mappings, custom, {"mode": "thresholds"}, links)
    return _panel("state-timeline", title, says, _targets(queries, units), defaults, None, options, width,
                  interval, alerts)


def heatmap(title, says, query, unit, *, scheme="Turbo", width=None, interval=None, alerts=(), decimals=None,
            scale="exponential", counts="short"):
    """How a histogram, or a distribution by `le`, moves over time."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": counts},
        "color": {"exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": False,
                  "scale": scale, "scheme": scheme, "steps": 64},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    if decimals is not None:
        options["yAxis"]["decimals"] = decimals
    custom = {"scaleDistribution": {"type": "linear"}}
    defaults = {"custom": custom, "unit": counts}
    targets = _targets([("{{le}}", query)], False, form="heatmap")
    return _panel("heatmap", title, says, targets, defaults, None, options, width, interval, alerts)


def ranking(title, says, queries, unit, *, thresholds=None, low=None, high=None, decimals=None, units=False,
            width=None, alerts=(), links=None):
    """Bars of the present values, the greatest first."""
    options = {
        "displayMode": "basic",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "maxVizHeight": 28,
        "minVizHeight": 12,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }
    defaults = _defaults(unit, low, high, decimals, thresholds, None, {}, {"mode": "thresholds"}, links)
    targets = _targets(queries, units, instant=True)
    return _panel("bargauge", title, says, targets, defaults, None, options, width, alerts=alerts)


def table(title, says, columns, *, keys, units=False, width=None, alerts=(), overrides=None, sort=None, hide=()):
    """The present values side by side: `columns` are `(heading, query, field settings)`, joined by the
    labels `keys`, which are columns too. `hide` names fields that are not shown."""
    queries = [(heading, query) for heading, query, _ in columns]
    names = {f"Value #{chr(ord('A') + i)}" if len(columns) > 1 else "Value": heading
             for i, (heading, _, _) in enumerate(columns)}
    order = {name: i for i, name in enumerate([*keys, *names])}
    organize = {"excludeByName": {"Time": True, **{name: True for name in hide}},
                "includeByName": {}, "indexByName": order, "renameByName": names}
    transformations = [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
    options = {"cellHeight": "sm", "frameIndex": 0, "showHeader": True}
    if sort:
        options["sortBy"] = [{"desc": sort.startswith("-"), "displayName": sort.lstrip("-")}]
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    listed = [override(heading, **settings) for heading, _, settings in columns if settings]
    defaults = _defaults("short", None, None, None, steps("text"), None, custom, {"mode": "thresholds"})
    made = _panel("table", title, says, _targets(queries, units, instant=True, form="table"), defaults,
                  listed + list(overrides or []), options, width, alerts=alerts)
    made["panel"]["transformations"] = transformations
    return made


# ---------------------------------------------------------------------------------------------------
# Dashboards


def annotation(name, query, colour, title, *, enable=True, text="", tags=""):
    """Marks on the time axis of every panel wherever the query has a value."""
    return {
        "datasource": DATASOURCE,
        "enable": enable,
        "hide": False,
        "iconColor": colour,
        "name": name,
        "tagKeys": tags,
        "target": {"expr": select(query), "interval": "15s", "refId": "Anno"},
        "textFormat": text,
        "titleFormat": title,
    }


def variable(name, label, query, *, every, multi=True, all_by_default=True, says=""):
    """A variable from the labels of Prometheus; `every` is what `All` stands for, None offers no `All`."""
    made = {
        "datasource": DATASOURCE,
        "definition": query,
        "description": says,
        "hide": 0,
        "includeAll": every is not None,
        "label": label,
        "multi": multi,
        "name": name,
        "query": {"query": query, "refId": f"Variable-{name}"},
        "refresh": 2,
        "regex": "",
        "sort": 7,
        "type": "query",
    }
    if every is not None:
        made["allValue"] = every
        if all_by_default:
            made["current"] = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return made


def dashboard(uid, title, says, rows, *, tags, links, annotations, variables, runbook, start="now-1h",
              refresh="10s"):
    """A whole dashboard. `rows` are `(height, panels)`, or `(height, panels, heading)` to begin a new
    section; `runbook` turns the name of an alert into a link."""
    panels, y, number = [], 0, 0
    for height, made, *heading in rows:
        if heading:
            number += 1
            panels.append({"collapsed": False, "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y}, "id": number,
                           "panels": [], "title": heading[0], "type": "row"})
            y += 1
        free = COLUMNS - sum(one["width"] or 0 for one in made)
        n_flowing = sum(one["width"] is None for one in made)
        x = 0
        for one in made:
            number += 1
            # What does not divide goes to the last ones.
            width = one["width"] or free // n_flowing
            if one["width"] is None:
                free, n_flowing = free - width, n_flowing - 1
            panel = {**one["panel"], "gridPos": {"h": height, "w": width, "x": x, "y": y}, "id": number}
            if one["alerts"]:
                panel["links"] = [runbook(name) for name in one["alerts"]]
            panels.append(panel)
            x += width
        assert x == COLUMNS, (uid, [one["panel"]["title"] for one in made], x)
        y += height
    return {
        "annotations": {"list": annotations},
        "description": says,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": links,
        "panels": panels,
        "preload": False,
        "refresh": refresh,
        "schemaVersion": 41,
        "tags": tags,
        "templating": {"list": variables},
        "time": {"from": start, "to": "now"},
        "timepicker": {"refresh_intervals": ["5s", "10s", "30s", "1m", "5m", "15m"]},
        "timezone": "browser",
        "title": title,
        "uid": uid,
        "version": 1,
        "weekStart": "",
    }
