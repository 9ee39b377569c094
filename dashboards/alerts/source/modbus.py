"""The Modbus server and its clients."""

from . import MINUTE, T, Alert, Case

READS, WRITES = "1|2|3|4|43", "5|6|15|16|22|23"
OPEN, LIMIT = "bess_modbus_connections", "bess_modbus_connections_limit"
SLOW = "bess_modbus_request_duration_seconds"
BUCKET = SLOW + '_bucket{function="3",le="%s"}'


ALERTS = [
    Alert("BessModbusExceptions", "warning", "wall", 2 * MINUTE,
          "instance:bess_modbus_exceptions:ratio_rate5m > 0.05",
          "{{ $labels.instance }} answers many Modbus requests with an exception.",
          "{{ $value | humanizePercentage }} of them within five minutes.",
          "bess-modbus",
          Case({'bess_modbus_exceptions_total{function="3",exception="2"}': "+30"},
               {'bess_modbus_exceptions_total{function="3",exception="2"}': "+36"},
               {'bess_modbus_requests_total{function="3"}': "0+600"}, "6%", window_s=300, interval_s=30)),
    Alert("BessModbusReadsSlow", "warning", "wall", 5 * MINUTE,
          f'instance_function:bess_modbus_request_duration_seconds:p99_rate5m{{function=~"{READS}"}} > 0.05',
          "{{ $labels.instance }} answers Modbus reads slowly.",
          "One in a hundred with function code {{ $labels.function }} takes {{ $value | humanizeDuration }} or longer.",
          "bess-modbus",
          Case({BUCKET % "0.05": "+600"}, {BUCKET % "0.05": "+0"}, {BUCKET % "0.1": "0+600", BUCKET % "+Inf": "0+600"},
               "99.5ms", {"function": "3"}, 300, 30)),
    Alert("BessModbusWritesSlow", "warning", "wall", 5 * MINUTE,
          # An applied write is answered after its tick: half a period on average, and its work.
          f'instance_function:bess_modbus_request_duration_seconds:mean_rate5m{{function=~"{WRITES}"}} '
          f"> on ({T}) group_left () clamp_min(2 * clamp_max(bess_tick_period_seconds, 0.2), 0.1)",
          "{{ $labels.instance }} answers Modbus writes slowly.",
          "{{ $value | humanizeDuration }} on average with function code {{ $labels.function }}.",
          "bess-modbus",
          Case({SLOW + '_sum{function="16"}': "+12"}, {SLOW + '_sum{function="16"}': "+18"},
               {SLOW + '_count{function="16"}': "0+60", "bess_tick_period_seconds": 0.1}, "300ms", {"function": "16"}, 300, 30)),
    Alert("BessModbusConnectionsNearLimit", "warning", "wall", 30,
          f"{OPEN} / on ({T}) {LIMIT} > 0.9",
          "Nearly all Modbus connections of {{ $labels.instance }} are taken.",
          "{{ $value | humanizePercentage }} of its limit.",
          "bess-modbus", Case({OPEN: 90}, {OPEN: 91}, {LIMIT: 100}, "91%")),
    Alert("BessModbusConnectionsRejected", "warning", "wall", 0,
          "increase(bess_modbus_connections_rejected_total[5m]) > 5",
          "{{ $labels.instance }} turns Modbus clients away.",
          '{{ $value | printf "%.0f" }} connections within five minutes were beyond a cap or not allowed.',
          "bess-modbus", Case({"bess_modbus_connections_rejected_total": "+0.48"}, {"bess_modbus_connections_rejected_total": "+0.6"},
                              shows="6", window_s=300, interval_s=30)),
    Alert("BessModbusBadFrames", "warning", "wall", MINUTE,
          "rate(bess_modbus_bad_frames_total[5m]) > 0.1",
          "Somebody sends {{ $labels.instance }} what is no Modbus.",
          '{{ $value | printf "%.1f" }} frames a second.',
          "bess-modbus", Case({"bess_modbus_bad_frames_total": "+3"}, {"bess_modbus_bad_frames_total": "+6"}, shows="0.2",
                              window_s=300, interval_s=30)),
    Alert("BessModbusHandshakesFail", "warning", "wall", 0,
          "increase(bess_modbus_handshake_errors_total[5m]) > 5",
          "TLS handshakes with Modbus clients of {{ $labels.instance }} fail.",
          '{{ $value | printf "%.0f" }} within five minutes.',
          "bess-modbus", Case({"bess_modbus_handshake_errors_total": "+0.48"}, {"bess_modbus_handshake_errors_total": "+0.6"},
                              shows="6", window_s=300, interval_s=30)),
    Alert("BessModbusAcceptFails", "critical", "wall", 0,
          "increase(bess_modbus_accept_errors_total[5m]) > 0",
          "{{ $labels.instance }} cannot accept Modbus connections.",
          '{{ $value | printf "%.0f" }} accepts failed within five minutes.',
          "bess-modbus", Case({"bess_modbus_accept_errors_total": "+0"}, {"bess_modbus_accept_errors_total": "+0.6"}, shows="6",
                              window_s=300, interval_s=30)),
    Alert("BessModbusNoClient", "info", "wall", 5 * MINUTE,
          f"{OPEN} == 0 and on ({T}) bess_modbus_connections_opened_total > 0",
          "Every Modbus client of {{ $labels.instance }} has left.",
          "There were some since it started; now nobody reads or controls it over Modbus.",
          "bess-modbus", Case({OPEN: 1}, {OPEN: 0}, {"bess_modbus_connections_opened_total": "3+0"}, interval_s=60)),
]
