"""The grid at the point of interconnection."""

from . import T, Alert, Case, alarm, alarms, total

HZ, NOMINAL = "bess_grid_frequency_hertz", "bess_grid_frequency_nominal_hertz"
VOLTAGE = "bess_grid_voltage_ratio"
OVERLOADS = 'bess_alarms_raised_total{code="island_overload"}'

ALERTS = [
    Alert("BessGridFrequencyExcursion", "warning", "state", 5,
          f"abs({HZ} - on ({T}) {NOMINAL}) > on ({T}) 0.01 * {NOMINAL} and on ({T}) {VOLTAGE} > 0.05",
          "The grid at {{ $labels.instance }} is off its frequency by more than a hundredth.",
          '{{ $value | printf "%.2f" }} Hz off.',
          "bess-power", Case({HZ: 49.51}, {HZ: 49.4}, {NOMINAL: 50, VOLTAGE: 1}, "0.60")),
    Alert("BessGridVoltageAbnormal", "warning", "state", 5,
          f"abs({VOLTAGE} - 1) > 0.1 and {VOLTAGE} > 0.05",
          "The grid at {{ $labels.instance }} is off its voltage by more than a tenth.",
          "{{ $value | humanizePercentage }} off nominal.",
          "bess-power", Case({VOLTAGE: 0.91}, {VOLTAGE: 0.88}, shows="12%")),
    Alert("BessGridOutage", "critical", "state", 2,
          # Sooner than what follows from it, which it keeps back.
          f"{VOLTAGE} <= 0.05",
          "The grid at {{ $labels.instance }} is gone.",
          "Its voltage is {{ $value | humanizePercentage }} of nominal.",
          "bess-power", Case({VOLTAGE: 0.06}, {VOLTAGE: 0}, shows="0%", interval_s=1)),
    Alert("BessGridProtectionTripped", "warning", "state", 0,
          f"{alarm('ac_(over|under)_(voltage|frequency)', 'trip|critical')} > 0",
          "Relays of {{ $labels.instance }} have cut units off the grid.",
          "{{ $value }} alarm(s) of grid voltage or frequency stand at the level of a trip.",
          "bess-power", Case(alarms("ac_under_frequency", 0), alarms("ac_under_frequency", 10), shows="10")),
    Alert("BessSynchronisationFailed", "warning", "state", 0,
          f"{alarm('synchronisation_failed')} > 0",
          "Converters of {{ $labels.instance }} cannot get in step with the grid.",
          "{{ $value }} unit(s).",
          "bess-unit", Case(alarms("synchronisation_failed", 0), alarms("synchronisation_failed", 1), shows="1")),
    Alert("BessIslandOverload", "critical", "state", 0,
          # The unit trips and its island is gone, and with it the alarm: no scrape may ever see it stand.
          total('increase(bess_alarms_raised_total{code="island_overload"}[1m])') + " > 0",
          "The island that {{ $labels.instance }} fed was overloaded.",
          "The load was more than the unit can feed; it has tripped, and the island is dark.",
          "bess-power", Case({OVERLOADS: "+0"}, {OVERLOADS: "+1"}, window_s=60)),
]
