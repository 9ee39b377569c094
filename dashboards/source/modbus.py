"""The Modbus server: rate, errors, duration; then its connections and what bad links do to it."""

import grafana as g
import words as w


def build():
    numbers = [
        g.stat("Requests", "Per second, over all functions.",
               [("", "sum(rate(bess_modbus_requests_total[$__rate_interval]))")], "reqps", decimals=1, spark=True,
               background=False, thresholds=g.steps(w.BLUE)),
        g.stat(
            "Exceptions", "Share of the requests that were answered with an exception. Yellow from 1 %, red from 5 %.",
            [("",
              "sum(rate(bess_modbus_exceptions_total[$__rate_interval])) / (sum(rate(bess_modbus_requests_total[$__rate_interval])) > 0)"
              )], "percentunit", decimals=1, thresholds=g.steps(w.GREEN, (0.01, w.YELLOW), (0.05, w.RED)),
            alerts=["BessModbusExceptions"], none="no requests"),
        g.stat("99 % answered within", "From a whole request to its answer.",
               [("", g.quantile(0.99, "bess_modbus_request_duration_seconds"))], "s", decimals=2,
               thresholds=g.steps(w.GREEN, (0.05, w.YELLOW),
                                  (0.1, w.RED)), alerts=["BessModbusReadsSlow"], none="no requests"),
        g.stat("Connections", "Open now.", [("", "sum(bess_modbus_connections)")], "short", decimals=0,
               thresholds=g.steps(w.BLUE), alerts=["BessModbusNoClient"]),
        g.stat("Connections of those allowed", "Open connections over their cap.",
               [("", "max(bess_modbus_connections / bess_modbus_connections_limit)")], "percentunit", decimals=1, low=0,
               high=1, thresholds=g.steps(w.GREEN, (0.7, w.YELLOW),
                                          (0.9, w.RED)), alerts=["BessModbusConnectionsNearLimit"]),
        g.stat("EMS's last sign of life",
               "Since the controller of a watched unit that was silent longest last showed life.",
               [("", "max(time() - bess_ems_heartbeat_timestamp_seconds)")], "s", decimals=0,
               thresholds=g.steps(w.GREEN, (15, w.YELLOW),
                                  (60, w.RED)), alerts=["BessEmsSilent"], none="no unit watched"),
        g.stat("Faults of links and points",
               "Link conditions in force and points that are forced: what is odd below may be meant.",
               [("links", "sum(bess_modbus_link_conditions)"),
                ("points", "sum(bess_points_forced)")], "short", thresholds=g.steps(w.GREEN, (1, w.PURPLE))),
    ]
    requests = g.lines(
        "Requests by function", "Per second, by function code.",
        [("function {{function}}", "sum by (function) (rate(bess_modbus_requests_total[$__rate_interval])) > 0")],
        "reqps", low=0)
    exceptions = g.lines(
        "Exceptions",
        "Per second, by function and exception code: 1 function, 2 address, 3 value, 4 device failure, 6 busy, 11 no answer from the device.",
        [("function {{function}}, exception {{exception}}",
          "sum by (function, exception) (rate(bess_modbus_exceptions_total[$__rate_interval])) > 0")], "cps", low=0,
        alerts=["BessModbusExceptions"])
    latency = g.lines(
        "Time to answer", "99 % of the requests of a function are answered within this time.",
        [("function {{function}}", f'{g.quantile(0.99, "bess_modbus_request_duration_seconds", "function")} >= 0')],
        "s", low=0, alerts=["BessModbusReadsSlow", "BessModbusWritesSlow"])
    spread = g.heatmap("Times to answer", "How many requests took how long.",
                       "sum by (le) (increase(bess_modbus_request_duration_seconds_bucket[$__rate_interval]))", "s")
    registers = g.lines("Registers", "Read and written per second, by map.", [
        ("{{direction}}, {{map}}", "sum by (direction, map) (rate(bess_modbus_registers_total[$__rate_interval])) > 0")
    ], "cps", low=0)
    traffic = g.lines("Traffic", "As seen from the farm.",
                      [("{{direction}}", "sum by (direction) (rate(bess_modbus_bytes_total[$__rate_interval]))")],
                      "Bps", low=0, overrides=g.colours({"received": w.BLUE, "sent": w.GREEN}))
    connections = g.lines("Connections opened and closed",
                          "In each step of the time axis; closed ones by the reason, rejected ones by the caps.",
                          [("opened", "sum(increase(bess_modbus_connections_opened_total[$__rate_interval]))"),
                           ("closed: {{reason}}",
                            "sum by (reason) (increase(bess_modbus_connections_closed_total[$__rate_interval])) > 0"),
                           ("rejected", "sum(increase(bess_modbus_connections_rejected_total[$__rate_interval]))")],
                          "short", low=0, decimals=0, interval="1m", bars=True,
                          overrides=g.colours({"opened": w.GREEN, "rejected": w.RED}),
                          alerts=["BessModbusConnectionsNearLimit", "BessModbusConnectionsRejected"])
    wrong = g.lines(
        "What went wrong",
        "Frames that were no Modbus, accepts and TLS handshakes that failed, connections that ended by a panic, in each step.",
        [("bad frames", "sum(increase(bess_modbus_bad_frames_total[$__rate_interval]))"),
         ("accepts", "sum(increase(bess_modbus_accept_errors_total[$__rate_interval]))"),
         ("handshakes", "sum(increase(bess_modbus_handshake_errors_total[$__rate_interval]))"),
         ("panics", "sum(increase(bess_modbus_panics_total[$__rate_interval]))")], "short", low=0, decimals=0,
        interval="1m",
        overrides=g.colours({"bad frames": w.ORANGE, "accepts": w.YELLOW, "handshakes": w.PURPLE,
                             "panics": w.DARK_RED}),
        alerts=["BessModbusBadFrames", "BessModbusAcceptFails", "BessModbusHandshakesFail"])
    hits = g.lines(
        "Hits of link conditions",
        "Requests and connections that link conditions disturbed, per second, by what they did.",
        [("{{effect}}", "sum by (effect) (rate(bess_modbus_link_conditions_hits_total[$__rate_interval])) > 0")], "cps",
        low=0)
    return w.make("bess-modbus", "Modbus",
                  "Rate, errors and duration of the Modbus server, its connections, and what bad links do to it.",
                  [(4, numbers), (8, [requests, exceptions, latency]), (8, [spread, registers, traffic]),
                   (8, [connections, wrong, hits])], marks=("Alerts", "Faults"), tags=["protocols"])
