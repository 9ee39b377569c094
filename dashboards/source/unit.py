"""One unit from close by: the converter, its battery, its alarms' causes."""

import grafana as g
import words as w


def build():
    who = g.table(
        "Units chosen",
        "Names, maker, model and chemistry of the farm file; the Modbus unit id is where it answers. " + w.UNIT_SERIES,
        [("state", "max by (instance, unit) (bess_unit_state) * on (instance, unit) group_right () "
          "max by (instance, unit, name, vendor, model, chemistry, modbus_unit_id) (bess_unit_info)", {
              "mappings": w.STATE_NAMES, "unit": "none",
              "custom__cellOptions": {"type": "color-background", "mode": "basic"}
          })], keys=["unit", "name", "vendor", "model", "chemistry", "modbus_unit_id",
                     "instance"], units=True, width=14)
    state = g.states(
        "State", "The state machine of the unit over time (docs/unit-states.md).",
        [("unit {{unit}}", "max by (instance, unit) (bess_unit_state)")], w.STATE_NAMES, units=True, width=10, alerts=[
            "BessUnitsTripped", "BessUnitsLockedOut", "BessUnitStartHangs", "BessUnitQuarantined",
            "BessSynchronisationFailed", "BessContactorFault", "BessBmsCommunicationLost"
        ])
    power = g.lines(
        "Active power", "At the converter's AC terminals, positive is discharge; what it should be, and what the unit "
        "could give and take (charge drawn downwards).",
        [("power {{unit}}", "bess_unit_ac_power_watts"), ("setpoint {{unit}}", "bess_unit_ac_power_setpoint_watts"),
         ("available discharge {{unit}}", "bess_unit_available_discharge_power_watts"),
         ("available charge {{unit}}", "-bess_unit_available_charge_power_watts")], "watt", units=True, fill=10,
        overrides=[g.dashed("/^setpoint/", w.ORANGE, 2),
                   g.dashed("/^available/", w.GREY)], alerts=["BessControllerLate", "BessControllerLost"])
    soc = g.lines(
        "State of charge", "As the BMS believes it and as it truly is; the distance is the BMS's error.",
        [("believed {{unit}}", "bess_unit_soc_ratio"), ("true {{unit}}", "bess_unit_true_soc_ratio"),
         *w.limits("bess_soc_high_limit_ratio", "high ", "min"), *w.limits("bess_soc_low_limit_ratio", "low ", "max")],
        "percentunit", low=0, high=1, units=True, overrides=[g.dashed("/^true/", w.GREEN), *w.LIMITS])
    volts = g.lines("Cell voltages",
                    "Lowest and highest cell as the BMS measures them, with the levels of its protection.",
                    [("highest {{unit}}", "bess_unit_cell_voltage_max_volts"),
                     ("lowest {{unit}}", "bess_unit_cell_voltage_min_volts"),
                     *w.limits("bess_cell_voltage_high_limit_volts", "high ", "min"),
                     *w.limits("bess_cell_voltage_low_limit_volts", "low ", "max")], "volt", units=True, decimals=3,
                    overrides=w.LIMITS, alerts=["BessCellOverVoltage", "BessCellUnderVoltage"])
    spread = g.lines("Cell voltage spread",
                     "Highest less lowest cell of the unit. What balancing does not keep up with grows here.",
                     [("unit {{unit}}", "bess_unit_cell_voltage_spread_volts"),
                      *w.limits("bess_cell_voltage_spread_limit_volts", "", "min")], "volt", units=True, low=0,
                     overrides=w.LIMITS, alerts=["BessCellVoltageSpreadHigh"])
    cells = g.lines("Cell temperatures",
                    "Hottest and coldest cell as measured, and the truly hottest, which only a simulator knows.",
                    [("hottest {{unit}}", "bess_unit_cell_temperature_max_celsius"),
                     ("coldest {{unit}}", "bess_unit_cell_temperature_min_celsius"),
                     ("truly hottest {{unit}}", "bess_unit_true_cell_temperature_max_celsius"),
                     *w.limits("bess_cell_temperature_high_limit_celsius", "", "min")], "celsius", units=True,
                    soft_low=0, soft_high=60, overrides=[g.dashed("/^truly/", w.RED),
                                                         *w.LIMITS], alerts=["BessCellOverTemperature"])
    around = g.lines("Converter, coolant and air",
                     "Temperatures of the container's climate and of the converter, with the converter's limits.",
                     [("converter {{unit}}", "bess_unit_pcs_temperature_celsius"),
                      ("coolant {{unit}}", "bess_unit_coolant_temperature_celsius"),
                      ("air {{unit}}", "bess_unit_air_temperature_celsius"),
                      *w.limits("bess_pcs_temperature_high_limit_celsius", "converter ", "min")], "celsius", units=True,
                     overrides=w.LIMITS)
    dc = g.lines("DC side", "Voltage of the DC bus on the left, current on the right; positive is discharge.",
                 [("voltage {{unit}}", "bess_unit_dc_voltage_volts"),
                  ("current {{unit}}", "bess_unit_dc_current_amperes")], "volt", units=True,
                 overrides=[g.override("/^current/", unit="amp", custom__axisPlacement="right")],
                 alerts=["BessRackOverCurrent", "BessFuseOrStringOpen"])
    reactive = g.lines("Reactive power", "At the converter's AC terminals.",
                       [("unit {{unit}}", "bess_unit_ac_reactive_power_vars")], "voltampreact", units=True)
    insulation = g.lines(
        "Insulation",
        "Resistance of the DC side against earth as measured, with the levels of protection; logarithmic.",
        [("unit {{unit}}", "bess_unit_insulation_ohms"), *w.limits("bess_insulation_limit_ohms", "", "max")], "ohm",
        units=True, log=True, overrides=w.LIMITS, alerts=["BessInsulationFault", "BessInsulationLow"])
    age = g.lines("Age", "State of health as the BMS believes it, on the left; equivalent full cycles, on the right.",
                  [("SoH {{unit}}", "bess_unit_soh_ratio"), ("cycles {{unit}}", "bess_unit_equivalent_full_cycles")],
                  "percentunit", soft_low=0.7, soft_high=1, units=True, decimals=2,
                  overrides=[g.override("/^cycles/", unit="short", min=0, custom__axisPlacement="right")])
    return w.make(
        "bess-unit", "Unit drill-down",
        "One unit, or a few beside each other. Choose above; tables and bars of the other dashboards lead here.",
        [(6, [who, state]), (8, [power, soc, dc]), (8, [volts, spread, cells]),
         (8, [around, insulation, reactive, age])], marks=w.ALL, variables=[w.unit_variable()])
