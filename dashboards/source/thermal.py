"""Heat and whatever else can hurt people or burn the farm down."""

import grafana as g
import words as w
from power import PACE

HIGH = "bess_cell_temperature_high_limit_celsius"


def build():
    numbers = [
        g.stat("Margin to the trip",
               "From the hottest cell to the temperature at which its unit trips. Orange below 10 K, red below 5 K.",
               [("", f'min({HIGH}{{level="trip"}}) - max(bess_farm_cell_temperature_max_celsius)')], "kelvin",
               decimals=1, thresholds=g.steps(w.RED, (5, w.ORANGE), (10, w.GREEN)),
               alerts=["BessCellOverTemperature", "BessCellTemperatureHigh"]),
        g.stat("Cells vented", "Cells that have let off gas. True counts, which only a simulator knows.",
               [("", "sum(bess_farm_cells_vented)")], "short", thresholds=g.steps(w.GREEN, (1, w.DARK_RED)),
               alerts=["BessSmokeOrGas"]),
        g.stat("Cells burnt", "Cells that went through thermal runaway.", [("", "sum(bess_farm_cells_burnt)")], "short",
               thresholds=g.steps(w.GREEN, (1, w.DARK_RED)), alerts=["BessThermalRunawaySpreading"]),
        g.stat(
            "Units with a safety alarm",
            "Units on which an alarm about cells, gas, smoke, insulation or cooling stands at trip or "
            "critical level: the code with most of them.",
            [("", f'max(sum by (code) (bess_units_alarm{{code=~"{w.SAFETY}", level=~"trip|critical"}}))')], "short",
            thresholds=g.steps(w.GREEN, (1, w.RED))),
        g.stat("Units derated", "Units that give less than they could, by their own protection.",
               [("", 'sum(bess_units{state="derated"})')], "short", thresholds=g.steps(w.GREEN, (1, w.YELLOW)),
               alerts=["BessCoolingFailed"]),
        w.time_scale(),
    ]
    temperature = g.lines(
        "Cell temperatures and limits",
        "Hottest and coldest cell of the farm. Dashed: the levels of too hot, and of too cold to charge.",
        [("hottest", "max(bess_farm_cell_temperature_max_celsius)"),
         ("coldest", "min(bess_farm_cell_temperature_min_celsius)"),
         ("ambient", "avg(bess_ambient_temperature_celsius)"), *w.limits(HIGH, "too hot: ", "min"),
         *w.limits("bess_cell_temperature_low_charge_limit_celsius", "too cold to charge: ", "max")], "celsius",
        soft_low=0, soft_high=60, alerts=["BessCellOverTemperature", "BessChargingCold"],
        overrides=[*g.colours({"hottest": w.RED, "coldest": w.BLUE, "ambient": w.GREY}), *w.LIMITS])
    rate = g.lines(
        "Heating of the hottest cell",
        "Kelvin per minute of simulated time. A cell in permitted use warms up by less than 1; "
        "runaway begins above 30 (0.5 K/s), where the alert stands.",
        [("{{instance}}", f"60 * deriv(bess_farm_cell_temperature_max_celsius[$__rate_interval]) / {PACE}")], "none",
        axis="K/min", soft_low=-1, soft_high=2, decimals=2, limits_shown=True,
        thresholds=g.steps("transparent",
                           (30, w.RED)), alerts=["BessCellHeatingAbnormally", "BessCellTemperatureWillTrip"])
    spread = g.heatmap("Units by their hottest cell",
                       "How many units have their hottest cell in which band of temperature.",
                       "sum by (le) (bess_units_cell_temperature_at_most)", "celsius", scale="linear", decimals=0,
                       scheme="YlOrRd")
    hottest = g.ranking(
        "Hottest units", "The ten of them; a bar leads to the unit. " + w.UNIT_SERIES,
        [("unit {{unit}}", "topk(10, max by (instance, unit) (bess_unit_cell_temperature_max_celsius))")], "celsius",
        low=0, high=80, thresholds=g.steps(w.BLUE, (35, w.GREEN), (45, w.YELLOW),
                                           (55, w.RED)), decimals=1, links=[w.UNIT_BAR_LINK])
    converter = g.lines("Warmest converter", "Of all units, with the levels of its protection. " + w.UNIT_SERIES,
                        [("warmest", "max(bess_unit_pcs_temperature_celsius)"),
                         *w.limits("bess_pcs_temperature_high_limit_celsius", "", "min")], "celsius", soft_low=0,
                        overrides=[*g.colours({"warmest": w.RED}),
                                   *w.LIMITS], alerts=["BessPcsTemperatureHigh", "BessPcsOverTemperature"])
    insulation = g.lines(
        "Worst insulation",
        "Lowest resistance of a unit's DC side against earth, with the levels of protection; logarithmic. " +
        w.UNIT_SERIES,
        [("lowest", "min(bess_unit_insulation_ohms)"), *w.limits("bess_insulation_limit_ohms", "", "max")], "ohm",
        log=True, overrides=[*g.colours({"lowest": w.BLUE}), *w.LIMITS], alerts=["BessInsulationFault"])
    return w.make("bess-thermal", "Thermal and safety",
                  "How far the farm is from harm, and what came first when it is not.",
                  [(4, numbers),
                   (9, [temperature, rate]), (8, [w.incidents(12), w.standing_alarms(w.SAFETY, 12)]),
                   (9, [spread, hottest, converter, insulation])], marks=w.ALL)
