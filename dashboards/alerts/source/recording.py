"""Recording rules: what several alerts and panels compute alike."""

from . import T, Record, mean, p99, total

STOPPED = "tripped|locked_out|fault|emergency_stop"
# Long and short windows of the burn rates, from fast to slow, with how many times faster than allowed the error
# budget burns, how long it must, and how bad that is (SRE workbook, "Alerting on SLOs", table 5-8).
BURNS = (
    ("1h", "5m", 14.4, 120, "critical"),
    ("6h", "30m", 6, 900, "critical"),
    ("1d", "2h", 3, 3600, "warning"),
    ("3d", "6h", 1, 10800, "warning"),
)
WINDOWS = list(dict.fromkeys(window for burn in BURNS for window in burn[:2]))

# Readiness is refused on purpose while a farm starts and drains; a stream lasts as long as its reader wants;
# a change is answered after the tick that applied it, so only reads have a bound of their own.
ANSWERED = 'route!="/readyz"'
READ = 'method="GET",route!~".*/stream"'


def ratio(name, part, whole):
    return Record(name, f"{part} / {whole}")


def job(selector, window):
    return f"sum by (job, namespace) (rate({selector}[{window}]))"


RECORDS = [
    Record("instance:bess_units:sum", total("bess_units")),
    ratio("instance:bess_units_stopped:ratio", total(f'bess_units{{state=~"{STOPPED}"}}'), total("bess_units")),
    ratio("instance:bess_units_derated:ratio", total('bess_units{state="derated"}'), total("bess_units")),
    ratio("namespace:bess_farm_energy:ratio", "sum by (job, namespace) (bess_farm_energy_joules)",
          "sum by (job, namespace) (bess_farm_energy_capacity_joules)"),
    # A farm in shards: what its processes have of it, together.
    *[Record(f"namespace:{name}:sum", f"sum by (job, namespace) ({name})") for name in (
        "bess_farm_ac_power_watts", "bess_farm_ac_reactive_power_vars", "bess_farm_ac_power_setpoint_watts",
        "bess_farm_ac_power_rated_watts", "bess_farm_available_charge_power_watts",
        "bess_farm_available_discharge_power_watts", "bess_farm_energy_joules", "bess_farm_energy_capacity_joules")],
    Record("namespace_state:bess_units:sum", "sum by (job, namespace, state) (bess_units)"),
    Record("namespace_code_level:bess_units_alarm:sum", "sum by (job, namespace, code, level) (bess_units_alarm)"),
    Record("namespace:bess_shard_info:count", "count by (job, namespace) (count by (job, namespace, shard) (bess_shard_info))"),
    # Simulated seconds per second of wall time that really passed.
    *[Record(f"instance:bess_simulation_time_seconds:deriv{w}", f"deriv(bess_simulation_time_seconds[{w}])")
      for w in ("5m", "10m", "1h")],
    # Watts of simulated time: joules per wall second, by the speed that was reached.
    Record("instance:bess_farm_throughput_watts:mean1h",
           f"({total('rate(bess_farm_charged_joules_total[1h])')} + "
           f"{total('rate(bess_farm_discharged_joules_total[1h])')}) / on ({T}) "
           f"(instance:bess_simulation_time_seconds:deriv1h > 0)"),
    ratio("instance:bess_farm_loss:ratio_rate1h", total("rate(bess_farm_loss_joules_total[1h])"),
          f"({total('rate(bess_farm_charged_joules_total[1h])')} + "
          f"{total('rate(bess_farm_discharged_joules_total[1h])')})"),
    ratio("instance:bess_farm_round_trip:ratio_increase1d", total("increase(bess_farm_discharged_joules_total[1d])"),
          total("increase(bess_farm_charged_joules_total[1d])")),
    *[Record(f"instance:bess_tick_duration_seconds:{name}_rate5m",
             f"histogram_quantile({q}, sum by ({T}, le) (rate(bess_tick_duration_seconds_bucket[5m])))")
      for name, q in (("p50", 0.5), ("p99", 0.99))],
    Record("instance:bess_tick_jitter_seconds:p99_rate5m", p99("bess_tick_jitter_seconds", "5m")),
    Record("instance_source:bess_command_apply_seconds:mean_rate5m", mean("bess_command_apply_seconds", "5m", "source")),
    Record("instance_protocol:bess_snapshot_age_seconds:mean_rate5m", mean("bess_snapshot_age_seconds", "5m", "protocol")),
    ratio("instance:bess_modbus_exceptions:ratio_rate5m", total("rate(bess_modbus_exceptions_total[5m])"),
          total("rate(bess_modbus_requests_total[5m])")),
    Record("instance_function:bess_modbus_request_duration_seconds:p99_rate5m",
           p99("bess_modbus_request_duration_seconds", "5m", "function")),
    Record("instance_function:bess_modbus_request_duration_seconds:mean_rate5m",
           mean("bess_modbus_request_duration_seconds", "5m", "function")),
]

# What the burn rates of objectives compare.
SLO_RECORDS = [
    # A tick that was given up missed its deadline as well.
    *[ratio(f"instance:bess_ticks_late:ratio_rate{w}",
            f"({total(f'rate(bess_tick_overruns_total[{w}])')} + {total(f'rate(bess_ticks_skipped_total[{w}])')})",
            f"({total(f'rate(bess_ticks_total[{w}])')} + {total(f'rate(bess_ticks_skipped_total[{w}])')})")
      for w in WINDOWS],
    *[Record(f"job:bess_http_requests:rate{w}", job(f"bess_http_requests_total{{{ANSWERED}}}", w)) for w in WINDOWS],
    *[ratio(f"job:bess_http_requests_failed:ratio_rate{w}",
            job(f'bess_http_requests_total{{code=~"5..",{ANSWERED}}}', w),
            job(f"bess_http_requests_total{{{ANSWERED}}}", w)) for w in WINDOWS],
    *[Record(f"job:bess_http_reads_slow:ratio_rate{w}",
             "1 - " + job(f'bess_http_request_duration_seconds_bucket{{le="0.1",{READ}}}', w) + " / "
             + job(f"bess_http_request_duration_seconds_count{{{READ}}}", w)) for w in WINDOWS],
]
