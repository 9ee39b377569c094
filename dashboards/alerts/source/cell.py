"""Cells: temperature, voltage, what has burnt, what has aged."""

from . import DAY, HOUR, MINUTE, T, Alert, Case, alarm, alarms

HOT = "bess_farm_cell_temperature_max_celsius"
TRIP_HOT = 'bess_cell_temperature_high_limit_celsius{level="trip"}'
COLDEST = 'bess_unit_cell_temperature_min_celsius{unit="%d"}'
POWER = 'bess_unit_ac_power_watts{unit="%d"}'
SPEED = "bess_time_scale_ratio"
SIM = "bess_simulation_time_seconds"

ALERTS = [
    Alert("BessCellTemperatureHigh", "warning", "state", 60,
          f'{HOT} >= on ({T}) bess_cell_temperature_high_limit_celsius{{level="warning"}}',
          "A cell of {{ $labels.instance }} is at its warning temperature.",
          'The hottest cell measures {{ $value | printf "%.1f" }} degC, at or above what the protection warns at.',
          "bess-thermal",
          Case({HOT: 49.9}, {HOT: 50}, {'bess_cell_temperature_high_limit_celsius{level="warning"}': 50}, "50.0")),
    Alert("BessCellOverTemperature", "critical", "state", 5,
          f"{HOT} >= on ({T}) {TRIP_HOT}",
          "A cell of {{ $labels.instance }} is over its trip temperature.",
          'The hottest cell measures {{ $value | printf "%.1f" }} degC; its unit trips.',
          "bess-thermal",
          Case({HOT: 54.9}, {HOT: 55.2}, {TRIP_HOT: 55, 'bess_cell_temperature_high_limit_celsius{level="critical"}': 60},
               "55.2")),
    Alert("BessCellTemperatureWillTrip", "warning", "scaled", 30,
          # The threshold is the trip limit less what ten minutes of simulated time bring at this rate.
          f"({HOT} + on ({T}) 600 * deriv({HOT}[2m]) / on ({T}) ({SPEED} > 0)) >= on ({T}) {TRIP_HOT} "
          f"and on ({T}) {HOT} < on ({T}) {TRIP_HOT} and on ({T}) deriv({HOT}[2m]) > 0",
          "A cell of {{ $labels.instance }} will reach its trip temperature within ten minutes.",
          'At the rate of the last two minutes of wall time it would be at {{ $value | printf "%.0f" }} degC in ten '
          "minutes of simulated time.",
          "bess-thermal",
          # 0.005 K in 5 s are 0.6 K in ten minutes, 0.1 K are 12 K; at 10 times the speed a tenth of that.
          Case({HOT: "44.5+0.005"}, {HOT: "45.0+0.1"}, {TRIP_HOT: 55, SPEED: 1}, "63", window_s=120),
          fast=Case({HOT: "44.5+0.05"}, {HOT: "45.0+1"}, {TRIP_HOT: 110, SPEED: 10}, "119", window_s=120)),
    Alert("BessCellHeatingAbnormally", "critical", "state", 0,
          f"{alarm('temperature_rate')} > 0",
          "Cells of {{ $labels.instance }} warm up faster than any permitted current can heat them.",
          "The BMS of {{ $value }} unit(s) sees a rate of temperature beyond its limit: an early sign of thermal runaway.",
          "bess-thermal", Case(alarms("temperature_rate", 0, "critical"), alarms("temperature_rate", 1, "critical"), shows="1"),
          keep_s=60),
    Alert("BessChargingCold", "critical", "state", 10,
          # Near the limit a sound BMS lets warmer racks of the same unit have a little, and cold ones nothing.
          f'count by ({T}) (bess_unit_cell_temperature_min_celsius <= on ({T}) group_left () '
          f'bess_cell_temperature_low_charge_limit_celsius{{level="trip"}} and on ({T}, unit) (bess_unit_ac_power_watts '
          f"< on ({T}) group_left () -0.05 * bess_farm_ac_power_rated_watts / on ({T}) instance:bess_units:sum)) > 0",
          "{{ $labels.instance }} charges cells that are too cold for that.",
          "{{ $value }} unit(s) charge with more than a twentieth of a unit's rating while a cell of theirs is at or below the "
          "temperature at which the protection stops that. Lithium plates.",
          "bess-thermal",
          Case({COLDEST % 3: 0.1}, {COLDEST % 3: -0.5},
               {POWER % 3: -51e3, COLDEST % 4: -5, POWER % 4: -49e3, COLDEST % 5: 5, POWER % 5: -900e3,
                'bess_cell_temperature_low_charge_limit_celsius{level="trip"}': 0, "bess_farm_ac_power_rated_watts": 10e6,
                'bess_units{state="running"}': 10}, "1")),
    Alert("BessCellOverVoltage", "critical", "state", 5,
          f'bess_farm_cell_voltage_max_volts >= on ({T}) bess_cell_voltage_high_limit_volts{{level="trip"}}',
          "A cell of {{ $labels.instance }} is over its trip voltage.",
          'The highest cell measures {{ $value | printf "%.3f" }} V.',
          "bess-unit",
          Case({"bess_farm_cell_voltage_max_volts": 3.599}, {"bess_farm_cell_voltage_max_volts": 3.6},
               {'bess_cell_voltage_high_limit_volts{level="trip"}': 3.6}, "3.600")),
    Alert("BessCellUnderVoltage", "critical", "state", 5,
          f'bess_farm_cell_voltage_min_volts <= on ({T}) bess_cell_voltage_low_limit_volts{{level="trip"}}',
          "A cell of {{ $labels.instance }} is under its trip voltage.",
          'The lowest cell measures {{ $value | printf "%.3f" }} V.',
          "bess-unit",
          Case({"bess_farm_cell_voltage_min_volts": 2.601}, {"bess_farm_cell_voltage_min_volts": 2.599},
               {'bess_cell_voltage_low_limit_volts{level="trip"}': 2.6}, "2.599")),
    Alert("BessCellVoltageSpreadHigh", "warning", "state", 10 * MINUTE,
          f'bess_farm_cell_voltage_spread_max_volts >= on ({T}) bess_cell_voltage_spread_limit_volts{{level="warning"}}',
          "The cells of a unit of {{ $labels.instance }} have drifted apart.",
          "The largest difference between two cells of a unit is {{ $value | humanize }}V; balancing does not keep up.",
          "bess-degradation",
          Case({"bess_farm_cell_voltage_spread_max_volts": 0.099}, {"bess_farm_cell_voltage_spread_max_volts": 0.12},
               {'bess_cell_voltage_spread_limit_volts{level="warning"}': 0.1}, "120m", interval_s=60)),
    Alert("BessSmokeOrGas", "critical", "state", 0,
          f"{alarm('smoke|gas')} > 0",
          "Smoke or vented gas in {{ $labels.instance }}.",
          "The detectors of {{ $value }} unit(s) have spoken. Treat it as a fire until the contrary is known.",
          "bess-thermal", Case(alarms("gas", 0, "critical"), alarms("gas", 1, "critical"), alarms("smoke", 0, "critical"), "1")),
    Alert("BessThermalRunawaySpreading", "critical", "state", 0,
          "bess_farm_cells_burnt > min_over_time(bess_farm_cells_burnt[5m])",
          "Cells burn in {{ $labels.instance }}.",
          "{{ $value }} cell(s) have burnt out, some of them within the last five minutes of wall time.",
          "bess-thermal", Case({"bess_farm_cells_burnt": "+0"}, {"bess_farm_cells_burnt": "+6"}, shows="66", window_s=300, interval_s=30)),
    Alert("BessSohLow", "warning", "state", HOUR,
          "bess_farm_soh_min_ratio < 0.7",
          "A unit of {{ $labels.instance }} has reached the end of its life.",
          "The oldest unit has {{ $value | humanizePercentage }} of its capacity left.",
          "bess-degradation",
          Case({"bess_farm_soh_min_ratio": 0.7}, {"bess_farm_soh_min_ratio": 0.699}, shows="69.9%", interval_s=60)),
    Alert("BessSohFadingFast", "warning", "scaled", 30 * MINUTE,
          f"-{365 * DAY} * deriv(bess_farm_soh_mean_ratio[1h]) / on ({T}) (instance:bess_simulation_time_seconds:deriv1h > 0) > 0.1",
          "The cells of {{ $labels.instance }} age by more than a tenth of their capacity a year.",
          "At the rate of the last hour of wall time {{ $value | humanizePercentage }} a year of simulated time.",
          "bess-degradation",
          # 0.95 millionths in five minutes are 9.99 % a year, a millionth is 10.5 %.
          Case({"bess_farm_soh_mean_ratio": "1-0.00000095"}, {"bess_farm_soh_mean_ratio": "0.99-0.000001"},
               {SIM: "1700000000+300"}, "10.51%", window_s=HOUR, interval_s=300),
          fast=Case({"bess_farm_soh_mean_ratio": "1-0.0000095"}, {"bess_farm_soh_mean_ratio": "0.99-0.00001"},
                    {SIM: "1700000000+3000"}, "10.51%", window_s=HOUR, interval_s=300)),
]
