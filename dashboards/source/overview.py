"""The first page: what the farm does, whether it is well, and where to look next."""

import grafana as g
import words as w

HOTTEST = "topk(10, max by (instance, unit) (bess_unit_cell_temperature_max_celsius))"
FARM_SOC = "sum(bess_farm_soc_ratio * bess_farm_energy_capacity_joules) / sum(bess_farm_energy_capacity_joules)"


def of_hottest(metric):
    """A value of the ten units with the hottest cells."""
    return f"max by (instance, unit) ({metric}) and on (instance, unit) {HOTTEST}"


def build():
    soc_steps = g.steps(w.RED, (0.05, w.ORANGE), (0.1, w.GREEN), (0.95, w.ORANGE))
    numbers = [
        g.stat(
            "State of charge", "Energy in the farm over what it could hold, as the BMSs believe it. Red below 5 %, "
            "orange below 10 % and above 95 %.", [("", FARM_SOC)], "percentunit", low=0, high=1, decimals=1,
            thresholds=soc_steps, spark=True, alerts=["BessSocLow", "BessSocHigh"]),
        g.stat("Power at the POI", "Active power of the farm, positive is discharge.",
               [("", "sum(bess_farm_ac_power_watts)")], "watt", decimals=2, spark=True, background=False,
               thresholds=g.steps(w.BLUE)),
        g.stat("Units out of service", "Units that are tripped, locked out, faulty or stopped by the emergency stop.",
               [("", 'sum(bess_units{state=~"tripped|locked_out|fault|emergency_stop"})')], "short",
               thresholds=g.steps(w.GREEN, (1, w.RED)), alerts=["BessUnitsTripped"]),
        g.stat("Alarms", "Units on which an alarm stands, summed over the codes, by level.",
               [(level, f'sum(bess_units_alarm{{level="{level}"}})')
                for level in ("warning", "derate", "trip", "critical")], "short",
               thresholds=g.steps(w.GREEN, (1, w.ORANGE)), width=6,
               overrides=[g.override("/trip|critical/", thresholds=g.steps(w.GREEN, (1, w.RED)))]),
        g.stat("Alerts firing", "Alerts of Prometheus that fire now for what is selected.",
               [("", "count(ALERTS) or vector(0)")], "short", thresholds=g.steps(w.GREEN, (1, w.RED))),
        w.time_scale(),
    ]
    power = g.lines(
        "Power", "Power at the POI, what it should be, and what the units could give (available discharge) and take "
        "(available charge, drawn downwards). Positive is discharge.",
        [("power", "sum(bess_farm_ac_power_watts)"), ("setpoint", "sum(bess_farm_ac_power_setpoint_watts)"),
         ("available discharge", "sum(bess_farm_available_discharge_power_watts)"),
         ("available charge", "-sum(bess_farm_available_charge_power_watts)")], "watt", fill=10,
        alerts=["BessSetpointNotFollowed"], overrides=[
            *g.colours({"power": w.BLUE}),
            g.dashed("setpoint", w.ORANGE, 2),
            g.dashed("available discharge", w.GREY),
            g.dashed("available charge", w.GREY)
        ])
    soc = g.lines(
        "State of charge", "As the BMSs believe it, and as it truly is, which only a simulator knows. Dashed: the "
        "levels at which the units' protection acts.",
        [("believed", FARM_SOC), ("true", FARM_SOC.replace("bess_farm_soc_ratio", "bess_farm_true_soc_ratio")),
         *w.limits("bess_soc_high_limit_ratio", "high ", "min"), *w.limits("bess_soc_low_limit_ratio", "low ", "max")],
        "percentunit", low=0, high=1, alerts=["BessSocLow", "BessEmptySoon", "BessMeasuredSocWrong"],
        overrides=[*g.colours({"believed": w.BLUE}),
                   g.dashed("true", w.GREEN), *w.LIMITS])
    by_state = g.lines("Units by state",
                       "Every unit is in exactly one state, so the stack is as high as the farm has units.",
                       [("{{state}}", "sum by (state) (bess_units) > 0")], "short", low=0, decimals=0, fill=70,
                       stack=True, step=True, overrides=w.STATE_COLOURS,
                       alerts=["BessUnitsStoppedWidely", "BessEmergencyStop", "BessUnitsInLocalControl"])
    temperature = g.lines(
        "Hottest and coldest cell", "Over all cells of the farm, as their BMSs measure it. Dashed: where a cell is too "
        "hot for warning, derating and trip.", [("hottest", "max(bess_farm_cell_temperature_max_celsius)"),
                                                ("coldest", "min(bess_farm_cell_temperature_min_celsius)"),
                                                ("ambient", "avg(bess_ambient_temperature_celsius)"),
                                                *w.limits("bess_cell_temperature_high_limit_celsius", "", "min")],
        "celsius", soft_low=0, soft_high=60, alerts=["BessCellOverTemperature"],
        overrides=[*g.colours({"hottest": w.RED, "coldest": w.BLUE, "ambient": w.GREY}), *w.LIMITS])
    spread = g.heatmap("Units by state of charge", "How many units are in which band: a farm in balance is one line.",
                       "sum by (le) (bess_units_soc_at_most)", "percentunit", scale="linear", scheme="Blues",
                       decimals=0, alerts=["BessSocSpreadHigh"])
    energy = g.lines("Energy", "What the farm holds and what it could hold now, aged and cold as it is.",
                     [("held", "sum(bess_farm_energy_joules) / 3600"),
                      ("capacity", "sum(bess_farm_energy_capacity_joules) / 3600")], "watth", low=0, fill=20,
                     overrides=[*g.colours({"held": w.BLUE}),
                                g.dashed("capacity", w.GREY)])
    columns = [
        ("hottest cell", HOTTEST, {"unit": "celsius", "decimals": 1}),
        ("state", of_hottest("bess_unit_state"), {
            "mappings": w.STATE_NAMES, "unit": "none",
            "custom__cellOptions": {"type": "color-background", "mode": "basic"}
        }),
        ("SoC", of_hottest("bess_unit_soc_ratio"), {
            "unit": "percentunit", "min": 0, "max": 1, "decimals": 1, "thresholds": soc_steps,
            "custom__cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
        }),
        ("SoH", of_hottest("bess_unit_soh_ratio"), {"unit": "percentunit", "decimals": 2}),
        ("power", of_hottest("bess_unit_ac_power_watts"), {"unit": "watt", "decimals": 2}),
        ("cell spread", of_hottest("bess_unit_cell_voltage_spread_volts"), {"unit": "volt", "decimals": 1}),
    ]
    worst = g.table(
        "Units with the hottest cells",
        "The ten of them; the number of a unit leads to its own dashboard. " + w.UNIT_SERIES, columns,
        keys=["unit", "instance"], sort="-hottest cell", width=16, overrides=[
            g.override("unit", links=[w.UNIT_LINK], custom__width=60),
            g.override("instance", custom__width=150)
        ])
    return w.make("bess-farm", "Farm overview",
                  "What the farm does and whether it is well. Several instances are shown together as one farm.",
                  [(4, numbers), (8, [power, soc]), (8, [w.incidents(12), w.standing_alarms(width=12)]),
                   (8, [by_state, temperature, spread]), (9, [worst, energy])], marks=w.ALL)
