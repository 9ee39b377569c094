"""Converters and the states of units."""

from . import MINUTE, T, Alert, Case, alarm, alarms, total

SIM = "bess_simulation_time_seconds"
POWER, RAMPED = "bess_farm_ac_power_watts", "bess_farm_ramped_setpoint_watts"
FOLLOWS = {RAMPED: 5e6, "bess_farm_frequency_response_watts": 0, "bess_farm_ac_power_setpoint_watts": 5e6,
           "bess_farm_ac_power_rated_watts": 10e6}
TRIPS = 'bess_unit_trips_total{cause="ac_under_voltage"}'
SINK = 'bess_unit_pcs_temperature_celsius{unit="1"}'


def units_in(states):
    """Number of units in one of these states."""
    return total(f'bess_units{{state=~"{states}"}}')


def units(**states):
    """The series of units by state for a test."""
    return {f'bess_units{{state="{state}"}}': number for state, number in states.items()}


ALERTS = [
    Alert("BessUnitsTripped", "warning", "state", 10,
          f"{units_in('tripped')} > 0",
          "Units of {{ $labels.instance }} have tripped.",
          "{{ $value }} unit(s) have stopped and come back by themselves once the cause is gone.",
          "bess-power", Case(units(tripped=0, running=10), units(tripped=1, running=9), shows="1")),
    Alert("BessUnitsStoppedWidely", "critical", "state", 5,
          "instance:bess_units_stopped:ratio > 0.2",
          "More than a fifth of {{ $labels.instance }} has stopped at once.",
          "{{ $value | humanizePercentage }} of the units are tripped, locked out, in fault or stopped by the emergency stop: "
          "look for one cause.",
          "bess-farm", Case(units(tripped=2, running=8), units(tripped=3, running=7), shows="30%")),
    Alert("BessUnitsLockedOut", "critical", "state", 0,
          f"{units_in('locked_out|fault')} > 0",
          "Units of {{ $labels.instance }} stay stopped until somebody resets them.",
          "{{ $value }} unit(s) are locked out or in fault.",
          "bess-unit", Case(units(locked_out=0, fault=0), units(locked_out=1, fault=1), shows="2")),
    Alert("BessEmergencyStop", "critical", "state", 0,
          f"{units_in('emergency_stop')} > 0",
          "The emergency stop of {{ $labels.instance }} is pressed.",
          "{{ $value }} unit(s) have opened everything and wait for a release and a reset.",
          "bess-farm", Case(units(emergency_stop=0), units(emergency_stop=1), shows="1")),
    Alert("BessTripsRepeated", "warning", "scaled", 0,
          f"600 * sum by ({T}, cause) (rate(bess_unit_trips_total[10m])) / on ({T}) group_left () "
          "(instance:bess_simulation_time_seconds:deriv10m > 0) "
          # One trip of every unit is one event, and not repeated.
          f"> on ({T}) group_left () clamp_min(1.5 * instance:bess_units:sum, 5)",
          "{{ $labels.instance }} trips again and again, by {{ $labels.cause }}.",
          '{{ $value | printf "%.0f" }} trips in ten minutes of simulated time; five of one unit in an hour lock it out.',
          "bess-power",
          Case({TRIPS: "+1.49"}, {TRIPS: "+1.6"}, {SIM: "1700000000+60", **units(running=10)}, "16",
               {"cause": "ac_under_voltage"}, 600, interval_s=60),
          fast=Case({TRIPS: "+4.9"}, {TRIPS: "+6"}, {SIM: "1700000000+600", **units(running=2)}, "6", {"cause": "ac_under_voltage"}, 600,
                    interval_s=60)),
    Alert("BessSetpointNotFollowed", "warning", "forward", MINUTE,
          f"abs({POWER} - on ({T}) {RAMPED} - on ({T}) bess_farm_frequency_response_watts) "
          f"> on ({T}) 0.1 * bess_farm_ac_power_rated_watts and on ({T}) bess_farm_ac_power_setpoint_watts",
          "{{ $labels.instance }} does not give the power that it is asked for.",
          "It is off by {{ $value | humanize }}W from its setpoint after the ramp and with frequency response.",
          "bess-power", Case({POWER: 4e6}, {POWER: 3.9e6}, FOLLOWS, "1.1M")),
    Alert("BessUnitsDerated", "warning", "state", 5 * MINUTE,
          "instance:bess_units_derated:ratio > 0.2",
          "More than a fifth of {{ $labels.instance }} gives less than its rating.",
          "{{ $value | humanizePercentage }} of the units are derated.",
          "bess-power", Case(units(derated=2, running=8), units(derated=3, running=7), shows="30%", interval_s=60)),
    Alert("BessUnitStartHangs", "warning", "forward", 2 * MINUTE,
          # Synchronising waits for the grid and for the delay to enter service, for minutes and by right.
          f"{units_in('initialising|precharge')} > 0",
          "Units of {{ $labels.instance }} have been starting for two minutes.",
          "{{ $value }} unit(s) are in their self test or precharge.",
          "bess-unit", Case(units(initialising=0, precharge=0), units(initialising=1, precharge=2),
                            units(synchronising=4), "3")),
    Alert("BessPcsTemperatureHigh", "warning", "state", 30,
          f"max by ({T}) (bess_unit_pcs_temperature_celsius) >= on ({T}) "
          'bess_pcs_temperature_high_limit_celsius{level="warning"}',
          "A converter of {{ $labels.instance }} is at its warning temperature.",
          'The hottest heat sink is at {{ $value | printf "%.1f" }} degC.',
          "bess-thermal", Case({SINK: 79.9}, {SINK: 80}, {'bess_pcs_temperature_high_limit_celsius{level="warning"}': 80},
                               "80.0")),
    Alert("BessPcsOverTemperature", "critical", "state", 0,
          f"{alarm('pcs_over_temperature', 'derate|trip|critical')} > 0",
          "Converters of {{ $labels.instance }} give less, or have stopped, because they are too warm.",
          "{{ $value }} unit(s).",
          "bess-thermal", Case(alarms("pcs_over_temperature", 0), alarms("pcs_over_temperature", 1),
                               alarms("pcs_over_temperature", 1, "warning"), "1")),
    Alert("BessDcPowerLimited", "warning", "state", 30,
          f"{alarm('power_beyond_matched_load|dc_voltage_out_of_window')} > 0",
          "Racks of {{ $labels.instance }} cannot feed their converter.",
          "On {{ $value }} unit(s) the DC voltage is outside of the converter's window, or the power asked for is beyond what "
          "the racks can deliver at any current.",
          "bess-power", Case(alarms("dc_voltage_out_of_window", 0, "derate"), alarms("dc_voltage_out_of_window", 1, "derate"),
                             alarms("power_beyond_matched_load", 0, "derate"), "1")),
    Alert("BessLossesHigh", "warning", "scaled", 10 * MINUTE,
          f"instance:bess_farm_loss:ratio_rate1h > 0.08 and on ({T}) instance:bess_farm_throughput_watts:mean1h "
          f"> on ({T}) 0.1 * bess_farm_ac_power_rated_watts",
          "{{ $labels.instance }} turns more of its energy into heat than a sound farm does.",
          "{{ $value | humanizePercentage }} of what went in and out within the last hour of wall time was lost.",
          "bess-power",
          Case({'bess_farm_loss_joules_total{kind="cell"}': "+39.5e6"}, {'bess_farm_loss_joules_total{kind="cell"}': "+41e6"},
               {"bess_farm_charged_joules_total": "0+0", "bess_farm_discharged_joules_total": "0+500e6", SIM: "1700000000+300",
                "bess_farm_ac_power_rated_watts": 10e6}, "8.2%", window_s=3600, interval_s=300),
          fast=Case({'bess_farm_loss_joules_total{kind="cell"}': "+395e6"}, {'bess_farm_loss_joules_total{kind="cell"}': "+410e6"},
                    {"bess_farm_charged_joules_total": "0+0", "bess_farm_discharged_joules_total": "0+5000e6",
                     SIM: "1700000000+3000", "bess_farm_ac_power_rated_watts": 10e6}, "8.2%", window_s=3600, interval_s=300)),
    Alert("BessUnitsInLocalControl", "info", "wall", 30 * MINUTE,
          "bess_units_local > 0",
          "Units of {{ $labels.instance }} have been under local control for half an hour.",
          "{{ $value }} unit(s) refuse every write from afar.",
          "bess-farm", Case({"bess_units_local": 0}, {"bess_units_local": 1}, shows="1", interval_s=60)),
]
