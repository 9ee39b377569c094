"""Faults that somebody injected: left behind, or too many."""

from . import HOUR, T, Alert, Case

FAULTS = 'bess_faults_active{plane="%s"}'
INJECTED = 'bess_fault_injections_total{plane="%s"}'

ALERTS = [
    Alert("BessFaultLeftActive", "info", "wall", HOUR,
          'bess_faults_active{plane=~"device|sensor|grid"} > 0',
          "Faults of plane {{ $labels.plane }} have been in force in {{ $labels.instance }} for an hour.",
          "{{ $value }} of them. Nobody may remember them when the farm behaves oddly.",
          "bess-scenarios", Case({FAULTS % "device": 0}, {FAULTS % "device": 2}, shows="2", labels={"plane": "device"},
                                 interval_s=60)),
    Alert("BessLinkConditionLeft", "info", "wall", HOUR,
          "bess_modbus_link_conditions > 0",
          "Modbus links of {{ $labels.instance }} have been disturbed on purpose for an hour.",
          "{{ $value }} link condition(s) are in force.",
          "bess-scenarios", Case({"bess_modbus_link_conditions": 0}, {"bess_modbus_link_conditions": 1}, shows="1", interval_s=60)),
    Alert("BessPointsForcedLeft", "info", "wall", HOUR,
          "bess_points_forced > 0",
          "Register points of {{ $labels.instance }} have been forced for an hour.",
          "{{ $value }} point(s) show clients what is not so.",
          "bess-scenarios", Case({"bess_points_forced": 0}, {"bess_points_forced": 3}, shows="3", interval_s=60)),
    Alert("BessFaultInjectionBurst", "warning", "wall", 0,
          f"sum by ({T}) (increase(bess_fault_injections_total[5m])) > 20",
          "Faults rain on {{ $labels.instance }}.",
          '{{ $value | printf "%.0f" }} were injected within five minutes.',
          "bess-scenarios", Case({INJECTED % "grid": "+1.8"}, {INJECTED % "grid": "+2.4"}, shows="24", window_s=300, interval_s=30)),
]
