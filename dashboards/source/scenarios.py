"""Faults and injections: what is disturbed now, and what the farm made of it."""

import grafana as g
import words as w

PLANES = {"device": w.RED, "sensor": w.ORANGE, "transport": w.PURPLE, "grid": w.BLUE, "point": w.YELLOW,
          "controller": w.GREEN, "infrastructure": w.GREY}


def build():
    numbers = [
        g.stat("Faults by plane", "What is wrong now because somebody made it so: equipment, sensors, links, the grid, points, "
               "controllers, infrastructure.", [("{{plane}}", "sum by (plane) (bess_faults_active)")], "short",
               thresholds=g.steps(w.GREEN, (1, w.PURPLE)), width=20),
        w.time_scale(),
    ]
    active = g.states("Faults in force", "One row for each plane: when something of it was in force, and how many.",
                      [("{{plane}}", "sum by (plane) (bess_faults_active)")],
                      g.values({0: ("", "transparent")}) + g.above_zero(None, w.PURPLE),
                      alerts=["BessFaultLeftActive", "BessPointsForcedLeft"])
    injected = g.lines("Faults injected", "In each step of the time axis, by plane, and by kind where a scenario or a client injected them.",
                       [("{{plane}}", "sum by (plane) (increase(bess_fault_injections_total[$__rate_interval]))"),
                        ("{{kind}}", "sum by (kind) (increase(bess_scenario_injections_total[$__rate_interval])) > 0")],
                       "short", low=0, decimals=0, bars=True, stack=True, interval="1m", overrides=g.colours(PLANES),
                       calcs=(), alerts=["BessFaultInjectionBurst"])
    raised = g.lines("Alarms raised", "In each step, by code: what the farm noticed of it.",
                     [("{{code}}", "sum by (code) (increase(bess_alarms_raised_total[$__rate_interval])) > 0")],
                     "short", low=0, decimals=0, bars=True, stack=True, interval="1m", calcs=(),
                     alerts=["BessAlarmFlood"])
    trips = g.lines("Trips by cause", "In each step: what it did about it.",
                    [("{{cause}}", "sum by (cause) (increase(bess_unit_trips_total[$__rate_interval])) > 0")], "short",
                    low=0, decimals=0, bars=True, stack=True, interval="1m", calcs=(), alerts=["BessTripsRepeated"])
    alerts = g.states("Alerts that fired",
                      "One row for each alert: how long after the fault somebody would have been called.",
                      [("{{alertname}}", "sum by (alertname) (ALERTS)")], g.above_zero("firing", w.RED))
    grid = g.lines(
        "Grid at the POI", "Frequency on the left, voltage as a share of nominal on the right.",
        [("frequency", "avg(bess_grid_frequency_hertz)"),
         ("voltage", "avg(bess_grid_voltage_ratio)")], "hertz", decimals=2, overrides=[
             *g.colours({"frequency": w.BLUE, "voltage": w.ORANGE}),
             g.override("voltage", unit="percentunit", custom__axisPlacement="right", custom__axisSoftMin=0.8,
                        custom__axisSoftMax=1.2)
         ])
    hits = g.lines(
        "Hits of link conditions",
        "Requests and connections that were disturbed, per second, by what was done to them.",
        [("{{effect}}", "sum by (effect) (rate(bess_modbus_link_conditions_hits_total[$__rate_interval])) > 0")], "cps",
        low=0, alerts=["BessLinkConditionLeft"])
    watched = g.lines("Watch over controllers", "Units by how the watch over their controller stands.",
                      [("{{state}}", "sum by (state) (bess_units_watchdog)")], "short", low=0, decimals=0, stack=True,
                      fill=60, step=True,
                      overrides=g.colours({"disabled": w.GREY, "armed": w.GREEN, "late": w.YELLOW,
                                           "lost": w.RED}), alerts=["BessControllerLost"])
    runs = g.states("Runs of scenarios", "How many runs are in which phase; those done are the last ones that are kept.",
                    [("{{phase}}", "sum by (phase) (bess_scenario_active)")],
                    g.values({0: ("", "transparent")}) + g.above_zero(None, w.BLUE))
    begun = g.stat("Newest run", "Simulated time since the newest run that goes on began its time line.",
                   [("", "max(bess_simulation_time_seconds - bess_scenario_started_timestamp_seconds)")], "s",
                   background=False, none="none runs")
    verdicts = g.lines("Verdicts", "In each step: what runs came to, how their checks were decided, and which faults were seen to act.",
                       [("{{verdict}}", "sum by (verdict) (increase(bess_scenario_runs_total[$__rate_interval]))"),
                        ("checks {{state}}", "sum by (state) (increase(bess_scenario_checks_total[$__rate_interval]))"),
                        ("faults {{effect}}", "sum by (effect) (increase(bess_scenario_effects_total[$__rate_interval]))")],
                       "short", low=0, decimals=0, bars=True, stack=True, interval="1m", calcs=(),
                       overrides=g.colours({"passed": w.GREEN, "failed": w.RED, "error": w.ORANGE, "aborted": w.PURPLE,
                                            "invalid": w.YELLOW}))
    kinds = g.states("Faults by kind", "Faults in force that a scenario or a client injected.",
                     [("{{kind}}", "sum by (kind) (bess_scenario_faults_active) > 0")], g.above_zero("in force", w.PURPLE))
    return w.make(
        "bess-scenarios", "Scenarios and faults",
        "What is disturbed, what the farm noticed of it, what it did about it, and who would have been called.",
        [(4, numbers), (6, [runs, begun, verdicts]), (7, [active, w.incidents()]),
         (7, [kinds]), (8, [injected, raised, trips]),
         (7, [w.standing_alarms(width=12), alerts]), (8, [grid, hits, watched])], marks=w.ALL)
