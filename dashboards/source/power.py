"""Power at the POI, how well it is followed, the grid, energy and losses."""

import grafana as g
import words as w

# Counters of energy grow in simulated time: over the clock's pace they are powers at any speed.
PACE = "deriv(bess_simulation_time_seconds[$__rate_interval])"
# As BessSetpointNotFollowed compares: what the units were told to give, where there is a setpoint.
ERROR = ("sum(bess_farm_ac_power_watts - bess_farm_ramped_setpoint_watts - bess_farm_frequency_response_watts "
         "and bess_farm_ac_power_setpoint_watts) / "
         "sum(bess_farm_ac_power_rated_watts and bess_farm_ac_power_setpoint_watts)")


def build():
    energy = [
        g.stat("Discharged", "Energy given at the POI in the time shown.",
               [("", "sum(increase(bess_farm_discharged_joules_total[$__range])) / 3600")], "watth",
               thresholds=g.steps(w.BLUE), decimals=2),
        g.stat("Charged", "Energy taken at the POI in the time shown.",
               [("", "sum(increase(bess_farm_charged_joules_total[$__range])) / 3600")], "watth",
               thresholds=g.steps(w.PURPLE), decimals=2),
        g.stat(
            "Discharged over charged",
            "Of the energy in the time shown. It is the round-trip efficiency only if the state of charge "
            "at the end is that of the beginning; empty while nothing was charged.",
            [("", "sum(increase(bess_farm_discharged_joules_total[$__range])) / "
              "(sum(increase(bess_farm_charged_joules_total[$__range])) > 0)")], "percentunit", decimals=1,
            thresholds=g.steps(w.BLUE), none="nothing charged"),
        g.stat(
            "Setpoint error",
            "Power less the setpoint after the ramp and frequency response, over rated power. Yellow from 5 %, red from "
            "10 %, where the alert begins.", [("", ERROR)], "percentunit", decimals=2, none="no setpoint",
            thresholds=g.steps(w.RED, (-0.1, w.YELLOW), (-0.05, w.GREEN), (0.05, w.YELLOW),
                               (0.1, w.RED)), alerts=["BessSetpointNotFollowed"]),
        g.stat("Grid frequency", "At the POI.",
               [("", "avg(bess_grid_frequency_hertz)")], "hertz", decimals=3, background=False, spark=True,
               thresholds=g.steps(w.BLUE)),
        w.time_scale(),
    ]
    power = g.lines(
        "Power and setpoint",
        "Power at the POI; the setpoint; the setpoint after the ramp, which the units are told to follow.",
        [("power", "sum(bess_farm_ac_power_watts)"), ("setpoint", "sum(bess_farm_ac_power_setpoint_watts)"),
         ("after the ramp", "sum(bess_farm_ramped_setpoint_watts)"), ("rated", "sum(bess_farm_ac_power_rated_watts)"),
         ("rated charge", "-sum(bess_farm_ac_power_rated_watts)")], "watt", fill=10,
        alerts=["BessSetpointNotFollowed", "BessUnitsDerated", "BessDcPowerLimited", "BessIslandOverload"], overrides=[
            *g.colours({"power": w.BLUE}),
            g.dashed("setpoint", w.ORANGE, 2),
            g.dashed("after the ramp", w.YELLOW),
            g.dashed("/^rated/", w.RED)
        ])
    error = g.lines(
        "Setpoint error",
        "Power less the setpoint after the ramp and frequency response, over rated power; the dashed lines are 10 %, "
        "where the alert begins.", [("error", ERROR)], "percentunit", soft_low=-0.15, soft_high=0.15, limits_shown=True, overrides=g.colours({"error": w.BLUE}),
        thresholds=g.steps(w.RED, (-0.1, "transparent"), (0.1, w.RED)))
    reactive = g.lines("Reactive power", "At the POI.", [("reactive power", "sum(bess_farm_ac_reactive_power_vars)")],
                       "voltampreact", overrides=g.colours({"reactive power": w.PURPLE}))
    frequency = g.lines(
        "Grid frequency", "At the POI. Dashed: the nominal frequency and 1 % of it above and below, where the alert begins.",
        [("frequency", "avg by (instance) (bess_grid_frequency_hertz)"),
         ("nominal", "max(bess_grid_frequency_nominal_hertz)"),
         ("1 % above", "1.01 * max(bess_grid_frequency_nominal_hertz)"),
         ("1 % below", "0.99 * max(bess_grid_frequency_nominal_hertz)")], "hertz", decimals=2,
        alerts=["BessGridFrequencyExcursion"],
        overrides=[*g.colours({"frequency": w.BLUE}),
                   g.dashed("nominal", w.GREY),
                   g.dashed("/^1 %/", w.RED)])
    voltage = g.lines("Grid voltage",
                      "At the POI as a share of nominal; 0 while the grid is gone. Dashed: 10 % around nominal.",
                      [("voltage", "avg by (instance) (bess_grid_voltage_ratio)")], "percentunit", soft_low=0.85,
                      soft_high=1.15, decimals=1, limits_shown=True,
                      thresholds=g.steps(w.RED, (0.9, "transparent"), (1.1, w.RED)),
                      overrides=g.colours({"voltage": w.BLUE}), alerts=["BessGridVoltageAbnormal", "BessGridOutage"])
    response = g.lines(
        "Frequency response",
        "What the plant controller adds to the setpoint because of the frequency; positive is discharge.",
        [("response", "sum(bess_farm_frequency_response_watts)")], "watt", overrides=g.colours({"response": w.GREEN}),
        fill=10)
    losses = g.lines(
        "Losses and auxiliaries",
        "Heat in the cells with their wiring, in the converters and in the transformer, and what "
        "the auxiliaries draw. Powers of simulated time, right at any speed of the clock.",
        [("{{kind}}",
          f"sum by (kind) (rate(bess_farm_loss_joules_total[$__rate_interval]) / on (instance, job) group_left () {PACE})"
          ), ("auxiliaries", "sum(bess_farm_auxiliary_power_watts)")], "watt", low=0, fill=50, stack=True,
        overrides=g.colours({"cell": w.RED, "pcs": w.ORANGE, "transformer": w.YELLOW,
                             "auxiliaries": w.BLUE}), alerts=["BessLossesHigh"])
    trips = g.lines("Trips by cause",
                    "Units that tripped in each step of the time axis, by the alarm that stopped them.",
                    [("{{cause}}", "sum by (cause) (increase(bess_unit_trips_total[$__rate_interval])) > 0")], "short",
                    low=0, decimals=0, bars=True, stack=True, interval="1m",
                    alerts=["BessTripsRepeated", "BessUnitsTripped", "BessGridProtectionTripped"], calcs=())
    commands = g.lines("Commands by source",
                       "Commands to units and farm by who sent them and what came of them, per second.",
                       [("{{source}} {{result}}",
                         "sum by (source, result) (rate(bess_setpoint_commands_total[$__rate_interval])) > 0")], "cps",
                       low=0)
    return w.make("bess-power", "Power and grid",
                  "How well the farm follows its setpoint, what the grid does, where energy goes.",
                  [(4, energy), (8, [power, error]), (8, [frequency, voltage, response]),
                   (8, [reactive, losses, trips, commands])], marks=("Alerts", "Trips", "Faults"))
