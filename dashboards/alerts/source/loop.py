"""The tick loop: whether it beats, keeps its schedule, answers."""

from . import MINUTE, T, Alert, Case
from .recording import BURNS

BEAT = "bess_last_tick_timestamp_seconds"
SPEED, PERIOD, LAG, SIM = ("bess_time_scale_ratio", "bess_tick_period_seconds", "bess_simulation_lag_seconds",
                           "bess_simulation_time_seconds")
TICKS, OVERRUNS, SKIPPED = "bess_ticks_total", "bess_tick_overruns_total", "bess_ticks_skipped_total"


def burn(long, short, times, for_s, severity, quiet, loud, interval_s, seconds):
    """A deadline that one tick in a thousand may miss."""
    return Alert(
        f"BessTickDeadlineBurn{long}", severity, "real", for_s,
        f"instance:bess_ticks_late:ratio_rate{long} > {times} * 0.001 "
        f"and instance:bess_ticks_late:ratio_rate{short} > {times} * 0.001",
        "{{ $labels.instance }} misses tick deadlines " + f"{times} times as fast as its budget allows.",
        "{{ $value | humanizePercentage }} of the ticks of the last " + f"{long} were late or given up; 0.1% may be.",
        "bess-slo",
        # So many of a thousand ticks.
        Case({OVERRUNS: f"+{quiet}"}, {OVERRUNS: f"+{loud}"}, {TICKS: "0+1000", SKIPPED: "0+0"}, f"{loud / 10:g}%",
             window_s=seconds, interval_s=interval_s),
        labels={"slo": "ticks-99.9", "long_window": long, "short_window": short},
        runbook="BessTickDeadlineBurn")


# Just below and just above each pair's threshold, in ticks of a thousand; the sample and the long window.
TESTED = ((14.3, 14.6, 60, 3600), (5.9, 6.2, 300, 21600), (2.9, 3.1, 1200, 86400), (0.9, 1.1, 3600, 259200))

ALERTS = [
    Alert("BessTickStalled", "critical", "wall", 5,
          # The age at the scrape, so that a slow scrape is no stall. The loop beats five times a second.
          f"timestamp({BEAT}) - {BEAT} > 2",
          "The tick loop of {{ $labels.instance }} stands still.",
          "It has not beaten for {{ $value | humanizeDuration }}; what clients read is that old.",
          "bess-engine",
          Case({BEAT: "-2+5"}, {BEAT: "-2.5+5"}, shows="2.5s")),
    *[burn(*pair, *tested) for pair, tested in zip(BURNS, TESTED)],
    Alert("BessTickBudgetNearlySpent", "warning", "real", 10 * MINUTE,
          f"instance:bess_tick_duration_seconds:p99_rate5m > on ({T}) 0.8 * {PERIOD}",
          "Ticks of {{ $labels.instance }} take nearly all the time that they have.",
          "One in a hundred takes {{ $value | humanizeDuration }} or longer.",
          "bess-engine",
          Case({'bess_tick_duration_seconds_bucket{le="0.075"}': "+600"}, {'bess_tick_duration_seconds_bucket{le="0.075"}': "+0"},
               {'bess_tick_duration_seconds_bucket{le="0.1"}': "0+600", 'bess_tick_duration_seconds_bucket{le="+Inf"}': "0+600",
                PERIOD: 0.1}, "99.75ms", window_s=300, interval_s=60)),
    Alert("BessSimulationLags", "warning", "wall", 30,
          f"{LAG} > on ({T}) clamp_min(5 * {PERIOD}, 1)",
          "The simulated time of {{ $labels.instance }} lags behind its schedule.",
          "By {{ $value | humanizeDuration }} of wall time.",
          "bess-engine", Case({LAG: 1}, {LAG: 1.5}, {PERIOD: 0.1}, "1.5s")),
    Alert("BessSpeedNotReached", "info", "scaled", 5 * MINUTE,
          f"instance:bess_simulation_time_seconds:deriv5m / on ({T}) ({SPEED} > 1) < 0.9",
          "{{ $labels.instance }} does not reach the speed that it is set to.",
          "Simulated time passes at {{ $value | humanizePercentage }} of it.",
          "bess-engine",
          Case({SIM: "1700000000+5410"}, {SIM: "1700500000+5000"}, {SPEED: 100}, "83.33%", window_s=300,
               interval_s=60),
          fast=Case({SIM: "1700000000+541"}, {SIM: "1700050000+500"}, {SPEED: 10}, "83.33%", window_s=300,
                    interval_s=60)),
    Alert("BessClockPaused", "info", "wall", 30 * MINUTE,
          f"{SPEED} == 0",
          "The clock of {{ $labels.instance }} has stood for half an hour.",
          "Nothing moves, and alerts about how the farm behaves are silent.",
          "bess-engine", Case({SPEED: 0.01}, {SPEED: 0}, interval_s=60)),
    Alert("BessSnapshotStale", "warning", "running", 30,
          # A scrape reads what the loop has for it; no client acts on that.
          'instance_protocol:bess_snapshot_age_seconds:mean_rate5m{protocol!="metrics"} '
          f"> on ({T}) group_left () clamp_min(5 * {PERIOD}, 0.5)",
          "Clients of {{ $labels.instance }} read old values over {{ $labels.protocol }}.",
          "What they are served is {{ $value | humanizeDuration }} old on average.",
          "bess-engine",
          Case({'bess_snapshot_age_seconds_sum{protocol="rest"}': "+30"}, {'bess_snapshot_age_seconds_sum{protocol="rest"}': "+36"},
               {'bess_snapshot_age_seconds_count{protocol="rest"}': "0+60", PERIOD: 0.1,
                'bess_snapshot_age_seconds_count{protocol="metrics"}': "0+60",
                'bess_snapshot_age_seconds_sum{protocol="metrics"}': "0+600"}, "600ms", {"protocol": "rest"}, 300, 30)),
    Alert("BessCommandsSlow", "warning", "wall", MINUTE,
          f"instance_source:bess_command_apply_seconds:mean_rate5m > on ({T}) group_left () "
          f"clamp_min(3 * clamp_max({PERIOD}, 0.2), 0.3)",
          "Commands to {{ $labels.instance }} from {{ $labels.source }} wait too long.",
          "{{ $value | humanizeDuration }} from receipt to effect on average.",
          "bess-engine",
          Case({'bess_command_apply_seconds_sum{source="modbus"}': "+18"}, {'bess_command_apply_seconds_sum{source="modbus"}': "+24"},
               {'bess_command_apply_seconds_count{source="modbus"}': "0+60", PERIOD: 0.1}, "400ms", {"source": "modbus"}, 300, 30)),
    Alert("BessCommandsTurnedAway", "warning", "wall", 0,
          f"increase(bess_commands_busy_total[5m]) > 10",
          "{{ $labels.instance }} turns requests away because its loop has no room for them.",
          '{{ $value | printf "%.0f" }} within five minutes.',
          "bess-engine", Case({"bess_commands_busy_total": "+0.96"}, {"bess_commands_busy_total": "+1.2"}, shows="12", window_s=300, interval_s=30)),
    Alert("BessCommandsRefused", "info", "wall", 10 * MINUTE,
          f'sum by ({T}, source) (rate(bess_setpoint_commands_total{{result="refused"}}[10m])) / '
          f"sum by ({T}, source) (rate(bess_setpoint_commands_total[10m])) > 0.2 "
          f"and sum by ({T}, source) (rate(bess_setpoint_commands_total[10m])) > 0.05",
          "{{ $labels.instance }} refuses much of what {{ $labels.source }} asks of it.",
          "{{ $value | humanizePercentage }} of the commands within ten minutes.",
          "bess-engine",
          Case({'bess_setpoint_commands_total{source="rest",result="refused"}': "+2"},
               {'bess_setpoint_commands_total{source="rest",result="refused"}': "+4"},
               {'bess_setpoint_commands_total{source="rest",result="applied"}': "0+8"}, "33.33%", {"source": "rest"}, 600, interval_s=60)),
]
