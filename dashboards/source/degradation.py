"""How the farm ages. At real time little moves in a day: these are pages for fast runs and backfilled ones."""

import grafana as g
import words as w

YEAR_S = "31557600"
PACE = "deriv(bess_simulation_time_seconds[$__range])"
WORST = "bottomk(10, min by (instance, unit) (bess_unit_soh_ratio))"


def of_worst(metric):
    """A value of the ten units with the least health."""
    return f"max by (instance, unit) ({metric}) and on (instance, unit) {WORST}"


def build():
    numbers = [
        g.stat("Mean state of health",
               "Over the units, weighted as the farm's own signal does. Orange below 80 %, red below 70 %.",
               [("", "avg(bess_farm_soh_mean_ratio)")], "percentunit", decimals=2,
               thresholds=g.steps(w.RED, (0.7, w.ORANGE), (0.8, w.GREEN)), alerts=["BessSohFadingFast"]),
        g.stat("Worst state of health", "Of a unit. Most contracts end the warranty at 70 %.",
               [("", "min(bess_farm_soh_min_ratio)")], "percentunit", decimals=2,
               thresholds=g.steps(w.RED, (0.7, w.ORANGE), (0.8, w.GREEN)), alerts=["BessSohLow"]),
        g.stat("Equivalent full cycles", "Energy-weighted mean of the units, over their whole life.",
               [("", "avg(bess_farm_equivalent_full_cycles)")], "short", decimals=2, thresholds=g.steps(w.BLUE)),
        g.stat("Fade", "State of health lost in a simulated year at the pace of the time shown.",
               [("", f"-{YEAR_S} * avg(deriv(bess_farm_soh_mean_ratio[$__range]) / {PACE})")], "percentunit",
               decimals=2, thresholds=g.steps(w.GREEN, (0.03, w.ORANGE), (0.05, w.RED))),
        g.stat("Simulated time", "Where the farm's clock stands.", [("", "max(bess_simulation_time_seconds) * 1000")],
               "dateTimeAsIso", thresholds=g.steps(w.BLUE), width=5),
        w.time_scale(),
    ]
    health = g.lines("State of health", "Mean and worst of the units, as the BMSs believe it. The dashed line is 70 %.",
                     [("mean", "avg(bess_farm_soh_mean_ratio)"),
                      ("worst", "min(bess_farm_soh_min_ratio)")], "percentunit", soft_low=0.69, soft_high=1, high=1,
                     decimals=2, limits_shown=True, thresholds=g.steps(w.RED, (0.7, "transparent")),
                     overrides=g.colours({"mean": w.BLUE, "worst": w.ORANGE}), alerts=["BessSohLow"])
    cycles = g.lines("Equivalent full cycles", "Energy-weighted mean of the units.",
                     [("{{instance}}", "bess_farm_equivalent_full_cycles")], "short", low=0)
    spread = g.heatmap("Units by state of health", "How many units are in which band of health.",
                       "sum by (le) (bess_units_soh_at_most)", "percentunit", scale="linear", scheme="RdYlGn",
                       decimals=0)
    per_cycle = g.lines(
        "Health lost in 100 cycles",
        "State of health lost over equivalent full cycles done in the rate interval, times 100; empty "
        "while the farm rests. Calendar ageing is in it, so slow cycling looks worse.",
        [("{{instance}}", "-100 * deriv(bess_farm_soh_mean_ratio[$__rate_interval]) / "
          "(deriv(bess_farm_equivalent_full_cycles[$__rate_interval]) > 0)")], "percentunit", low=0, decimals=3)
    worst = g.table(
        "Most aged units", "The ten with the least health; the number leads to the unit. " + w.UNIT_SERIES,
        [("SoH", WORST, {"unit": "percentunit", "decimals": 2}),
         ("true SoH", of_worst("bess_unit_true_soh_ratio"), {"unit": "percentunit", "decimals": 2}),
         ("cycles", of_worst("bess_unit_equivalent_full_cycles"), {"unit": "short", "decimals": 1}),
         ("hottest cell", of_worst("bess_unit_cell_temperature_max_celsius"), {"unit": "celsius", "decimals": 1})],
        keys=["unit", "instance"], sort="SoH", overrides=[g.override("unit", links=[w.UNIT_LINK], custom__width=60)])
    error = g.ranking(
        "Units whose BMS is most wrong about health",
        "Believed less true state of health, without its sign. " + w.UNIT_SERIES,
        [("unit {{unit}}",
          "topk(10, abs(max by (instance, unit) (bess_unit_soh_ratio) - max by (instance, unit) (bess_unit_true_soh_ratio)))"
          )], "percentunit", low=0, high=0.05, decimals=2, thresholds=g.steps(w.GREEN, (0.01, w.YELLOW),
                                                                              (0.03, w.RED)), links=[w.UNIT_BAR_LINK])
    imbalance = g.lines(
        "Widest cell voltage spread",
        "Largest difference between two cells of one unit, with the levels of protection: ageing apart shows here first.",
        [("widest", "max(bess_farm_cell_voltage_spread_max_volts)"),
         *w.limits("bess_cell_voltage_spread_limit_volts", "", "min")], "volt", low=0,
        overrides=[*g.colours({"widest": w.BLUE}), *w.LIMITS], alerts=["BessCellVoltageSpreadHigh"])
    return w.make(
        "bess-degradation", "Degradation",
        "How the farm ages. Simulated time passes on a wall-clock axis: see the time scale. Backfilled runs "
        "lie on their simulated time.", [(4, numbers), (8, [health, cycles]), (8, [spread, per_cycle, imbalance]),
                                         (9, [worst, error])], start="now-6h", refresh="1m")
