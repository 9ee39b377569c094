"""What runs and how, which scenario must not raise an alert, and which alerts no scenario can raise.

A scenario beside the rules says in its first lines what `bess scenario` takes as flags: `# farm: FILE` beside it, and
with `# step: SECONDS` how often it is scraped where it takes hours.
"""

import dataclasses
import os
import re
import subprocess

import rules

from . import SCENARIOS, file_of, own_scenarios

# Alerts about the simulated farm; what its clients do goes by simulated time too where the built-in EMS attends.
SIMULATED = {"cell", "bms", "pcs", "grid", "scenario"}
SIMULATED_TOO = {"BessModbusExceptions", "BessModbusNoClient"}
# Of the wall's time whatever happens.
WALL_ONLY = {"BessEmsSilent"}

# The farm of those that say none.
SMALL = "farm-swift.toml"
# Scenarios that need a process, clients and wall time: `live` says what is done to them.
LIVE = (
    "loop-stalls", "loop-hiccups", "loop-stumbles", "loop-blinks", "loop-stalls-at-speed", "loop-keeps-speed",
    "clock-paused", "links-slow", "links-a-little-slow", "ems-gone", "ems-away-shortly", "series-truncated", "series-kept",
    "clients-crowd", "clients-few", "rest-clients-rude", "rest-clients-polite", "descriptors-used-up",
    "descriptors-used-up-once", "descriptors-enough", "process-restarts", "process-restarted-once",
    "machine-too-small", "machine-just-enough", "clients-flood", "clients-flood-a-little", "memory-short", "memory-enough",
    "scrapes-slow", "scrapes-a-little-slow", "targets-lost", "targets-lost-shortly", "writes-refused", "writes-few-refused",
    "state-folder-gone", "state-folder-away-shortly", "shard-gone", "shard-away-shortly", "rollout-stuck", "rollout-slow",
)
# Alerts that need hours of wall time: judged over the recording of a live play, as if it had gone on.
REPEATED = {f"Bess{what}Burn{window}" for what in ("TickDeadline", "ApiError", "ApiLatency") for window in ("1d", "3d")}

# The scenario that has the same signals just below: it must not raise the alert.
NEAR = {
    "BessCellTemperatureHigh": "cells-warm", "BessCellOverTemperature": "cells-hot",
    "BessCellTemperatureWillTrip": "cells-warm", "BessCellHeatingAbnormally": "cells-hot",
    "BessChargingCold": "cold-charge-stopped", "BessCellOverVoltage": "cell-voltage-tapered",
    "BessCellUnderVoltage": "cell-voltage-held", "BessCellVoltageSpreadHigh": "cells-nearly-apart",
    "BessSmokeOrGas": "cells-hot", "BessThermalRunawaySpreading": "cell-gas", "BessSohLow": "cells-nearly-old",
    "BessSohFadingFast": "cells-ageing-slowly", "BessBmsCommunicationLost": "bms-frozen",
    "BessContactorFault": "insulation-fault", "BessFuseOrStringOpen": "unit-stopped",
    "BessRackOverCurrent": "racks-loaded", "BessInsulationFault": "insulation-low",
    "BessInsulationLow": "insulation-damp", "BessCoolingFailed": "cooling-weak", "BessSocLow": "between",
    "BessSocHigh": "between", "BessEmptySoon": "half-hour-left", "BessSocSpreadHigh": "units-nearly-apart",
    "BessMeasuredSocWrong": "charge-a-little-misjudged", "BessControllerLate": "controller-hiccup",
    "BessControllerLost": "controller-late", "BessEmsSilent": "ems-away-shortly", "BessAlarmFlood": "rack-lost",
    "BessUnitsTripped": "sag-ridden-through", "BessUnitsStoppedWidely": "two-of-ten-tripped",
    "BessUnitsLockedOut": "two-of-ten-tripped", "BessEmergencyStop": "unit-stopped",
    "BessTripsRepeated": "dip-trips-once", "BessSetpointNotFollowed": "unit-ignores-setpoint",
    "BessUnitsDerated": "two-of-ten-derated", "BessUnitStartHangs": "start-takes-long",
    "BessPcsTemperatureHigh": "converter-a-little-warm", "BessPcsOverTemperature": "converter-warm",
    "BessDcPowerLimited": "dc-voltage-enough", "BessLossesHigh": "losses-raised",
    "BessUnitsInLocalControl": "local-for-a-while", "BessGridFrequencyExcursion": "sag-ridden-through",
    "BessGridVoltageAbnormal": "sag-ridden-through", "BessGridOutage": "deep-dip",
    "BessGridProtectionTripped": "frequency-low", "BessSynchronisationFailed": "grid-swings",
    "BessIslandOverload": "island-fed", "BessTickStalled": "loop-hiccups", "BessTickDeadlineBurn1h": "loop-blinks",
    "BessTickDeadlineBurn6h": "loop-blinks", "BessTickDeadlineBurn1d": "loop-blinks",
    "BessTickDeadlineBurn3d": "loop-blinks", "BessTickBudgetNearlySpent": "machine-just-enough",
    "BessSimulationLags": "loop-hiccups", "BessSpeedNotReached": "loop-keeps-speed",
    "BessClockPaused": "loop-keeps-speed", "BessSnapshotStale": "loop-hiccups", "BessCommandsSlow": "loop-stumbles",
    "BessCommandsTurnedAway": "loop-hiccups", "BessCommandsRefused": "writes-few-refused",
    "BessModbusExceptions": "modbus-few-exceptions", "BessModbusReadsSlow": "machine-just-enough",
    "BessModbusWritesSlow": "machine-just-enough", "BessModbusConnectionsNearLimit": "clients-few",
    "BessModbusConnectionsRejected": "clients-few", "BessModbusBadFrames": "clients-few",
    "BessModbusHandshakesFail": "clients-few", "BessModbusAcceptFails": "descriptors-enough",
    "BessModbusNoClient": "controller-late", "BessApiErrorBurn1h": "loop-stumbles",
    "BessApiErrorBurn6h": "loop-stumbles", "BessApiErrorBurn1d": "loop-stumbles", "BessApiErrorBurn3d": "loop-stumbles",
    "BessApiLatencyBurn1h": "machine-just-enough", "BessApiLatencyBurn6h": "machine-just-enough",
    "BessApiLatencyBurn1d": "machine-just-enough", "BessApiLatencyBurn3d": "machine-just-enough",
    "BessApiAccessRefused": "rest-clients-polite", "BessApiRateLimited": "rest-clients-polite",
    "BessStreamsNearLimit": "rest-clients-polite", "BessStreamsDropped": "rest-clients-polite",
    "BessTargetDown": "process-restarted-once", "BessAbsent": "targets-lost-shortly",
    "BessCrashLoop": "process-restarted-once", "BessMemoryNearLimit": "memory-enough",
    "BessFileDescriptorsNearLimit": "descriptors-enough", "BessCpuThrottled": "machine-just-enough",
    "BessErrorsLogged": "descriptors-used-up-once", "BessScrapeSlow": "scrapes-a-little-slow",
    "BessCheckpointFailing": "state-folder-away-shortly", "BessShardMissing": "shard-away-shortly",
    "BessConfigDrift": "rollout-slow",
    "BessRuntimeBusy": "clients-flood-a-little", "BessUnitSeriesTruncated": "series-kept",
    "BessFaultLeftActive": "faults-for-a-while", "BessLinkConditionLeft": "faults-for-a-while",
    "BessPointsForcedLeft": "faults-for-a-while", "BessFaultInjectionBurst": "faults-drip",
}

UNIT = " Proved by promtool's tests alone (dashboards/alerts/tests)."
# Alerts that no scenario raises, why, and what proves them.
REASONS = {
    "BessUnitQuarantined": "No fault makes a state that is not finite: that would be a bug of bess." + UNIT,
    "BessPanicked": "No fault makes a part panic: that would be a bug of bess." + UNIT,
}


# The built-in EMS goes its round once in a simulated second, so it needs its time: so many times real time, and less where
# a scenario is about limits of wall time.
SPEED, SPEEDS = 4, {"modbus-comms-storm": 1}


@dataclasses.dataclass(frozen=True)
class How:
    """How a scenario runs in simulated time."""

    ems: bool
    step_s: int
    farm: str | None
    speed: int


def simulated(component, alert):
    """Whether the alert can be judged in simulated time."""
    return (component in SIMULATED or alert.name in SIMULATED_TOO) and alert.name not in WALL_ONLY


def library(bess):
    """Ids of the scenarios that come with bess."""
    said = subprocess.run([bess, "scenario", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in said.splitlines() if line.strip()]


def in_simulated_time(bess):
    """Names of all that run so."""
    return [*library(bess), *(name for name in own_scenarios() if name not in LIVE)]


def how(bess, name):
    """What its text says about it."""
    path = file_of(name)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
    else:
        text = subprocess.run([bess, "scenario", "show", name], capture_output=True, text=True, check=True).stdout
    given = dict(re.findall(r"^# (farm|step): (\S+)$", text, re.M))
    farm = os.path.join(SCENARIOS, given["farm"]) if "farm" in given else None
    return How(bool(re.search(r"^sut: \{mode: stub", text, re.M)), int(given.get("step", 1)), farm,
               SPEEDS.get(name, SPEED))


def title(name):
    """What one beside the rules is about."""
    with open(file_of(name), encoding="utf-8") as file:
        return re.search(r"^  title: (.*)$", file.read(), re.M)[1]


COMPONENTS = {alert.name: (component, alert) for component, alert in rules.ALERTS}
