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

# Scenarios that need a process, clients and wall time: `live` says what is done to them.
LIVE = (
    "loop-stalls", "loop-hiccups", "loop-stalls-at-speed", "loop-keeps-speed", "clock-paused", "links-slow",
    "links-a-little-slow", "ems-gone", "ems-away-shortly", "series-truncated", "clients-crowd", "clients-few",
    "rest-clients-rude", "rest-clients-polite", "descriptors-used-up", "process-restarts", "process-restarted-once",
)

# The scenario that has the same signals just below: it must not raise the alert.
NEAR = {
    "BessCellTemperatureHigh": "cells-warm", "BessCellOverTemperature": "cells-hot",
    "BessCellTemperatureWillTrip": "cells-warm", "BessCellHeatingAbnormally": "cells-hot",
    "BessChargingCold": "cold-charge-stopped", "BessCellOverVoltage": "cell-voltage-tapered",
    "BessCellUnderVoltage": "cell-voltage-held", "BessCellVoltageSpreadHigh": "cells-nearly-apart",
    "BessSmokeOrGas": "cells-hot", "BessThermalRunawaySpreading": "cell-gas",
    "BessBmsCommunicationLost": "bms-frozen",
    "BessContactorFault": "insulation-fault", "BessFuseOrStringOpen": "unit-stopped",
    "BessRackOverCurrent": "racks-loaded", "BessInsulationFault": "insulation-low",
    "BessInsulationLow": "insulation-damp", "BessCoolingFailed": "cooling-weak", "BessSocLow": "between",
    "BessSocHigh": "between", "BessEmptySoon": "half-hour-left", "BessSocSpreadHigh": "units-nearly-apart",
    "BessMeasuredSocWrong": "charge-a-little-misjudged", "BessControllerLate": "controller-hiccup",
    "BessControllerLost": "controller-late", "BessEmsSilent": "ems-away-shortly", "BessAlarmFlood": "rack-lost",
    "BessUnitsTripped": "sag-ridden-through", "BessUnitsStoppedWidely": "two-of-ten-tripped",
    "BessUnitsLockedOut": "two-of-ten-tripped", "BessEmergencyStop": "unit-stopped",
    "BessTripsRepeated": "dip-trips-once", "BessSetpointNotFollowed": "unit-ignores-setpoint",
    "BessUnitsDerated": "two-of-ten-derated",
    "BessPcsTemperatureHigh": "converter-a-little-warm", "BessPcsOverTemperature": "converter-warm",
    "BessDcPowerLimited": "dc-voltage-enough", "BessLossesHigh": "losses-raised",
    "BessUnitsInLocalControl": "local-for-a-while", "BessGridFrequencyExcursion": "sag-ridden-through",
    "BessGridVoltageAbnormal": "sag-ridden-through", "BessGridOutage": "deep-dip",
    "BessGridProtectionTripped": "frequency-low", "BessSynchronisationFailed": "grid-swings",
    "BessIslandOverload": "island-fed", "BessTickStalled": "loop-hiccups", "BessTickDeadlineBurn1h": "process-restarts",
    "BessTickDeadlineBurn6h": "loop-hiccups", "BessSimulationLags": "loop-hiccups",
    "BessSpeedNotReached": "loop-keeps-speed", "BessClockPaused": "loop-keeps-speed",
    "BessSnapshotStale": "loop-hiccups", "BessCommandsSlow": "ems-away-shortly", "BessCommandsTurnedAway": "loop-hiccups",
    "BessModbusExceptions": "modbus-few-exceptions",
    "BessModbusConnectionsNearLimit": "clients-few", "BessModbusConnectionsRejected": "clients-few",
    "BessModbusBadFrames": "clients-few", "BessModbusHandshakesFail": "clients-few",
    "BessModbusAcceptFails": "clients-crowd", "BessModbusNoClient": "controller-late",
    "BessApiErrorBurn1h": "loop-hiccups", "BessApiErrorBurn6h": "loop-hiccups",
    "BessApiAccessRefused": "rest-clients-polite", "BessApiRateLimited": "rest-clients-polite",
    "BessStreamsNearLimit": "rest-clients-polite", "BessStreamsDropped": "rest-clients-polite",
    "BessTargetDown": "process-restarted-once", "BessCrashLoop": "process-restarted-once",
    "BessFileDescriptorsNearLimit": "clients-crowd", "BessErrorsLogged": "clients-crowd", "BessUnitSeriesTruncated": "clients-few",
    "BessFaultLeftActive": "faults-for-a-while", "BessLinkConditionLeft": "faults-for-a-while",
    "BessPointsForcedLeft": "faults-for-a-while", "BessFaultInjectionBurst": "faults-drip",
}

HOURS = "{} of wall time without a break are needed before it fires. The same condition in a shorter pair of windows has a scenario."
UNIT = " Proved by promtool's tests alone (dashboards/alerts/tests)."
# Alerts whose scenario was played and did not raise them; to be played anew (`matrix.py --only`) where nothing else runs.
BUSY = ("{} is meant to raise it after {}, and did not in the run of this page, on a machine too busy for scrapes without gaps."
        + UNIT)
# Alerts that no scenario raises, why, and what proves them.
REASONS = {
    "BessUnitQuarantined": "No fault makes a state that is not finite: that would be a bug of bess." + UNIT,
    "BessTickDeadlineBurn1d": HOURS.format("An hour") + UNIT,
    "BessTickDeadlineBurn3d": HOURS.format("Three hours") + UNIT,
    "BessTickBudgetNearlySpent": "Needs a farm that is too large for its machine, for a quarter of an hour; a loop that stands "
                                 "still between ticks does not count." + UNIT,
    "BessModbusReadsSlow": "It measures the farm's own time for an answer, and a slow link is none of that (links-slow was played): "
                           "it takes a machine that is too slow." + UNIT,
    "BessModbusWritesSlow": "As BessModbusReadsSlow: a slow link does not count, and a loop that stands still answers with an "
                            "exception (BessModbusExceptions, BessCommandsSlow)." + UNIT,
    "BessCommandsRefused": "Setpoints beyond any rating are refused before they are commands; it takes a quarter of an hour of writes to "
                           "a unit under local control, and the built-in EMS leaves such a unit alone." + UNIT,
    "BessUnitStartHangs": "A start that hangs ends in a fault within half a minute by default (start-hangs was played, and raises "
                          "BessUnitsLockedOut); it takes longer timeouts in `[units.sequence]`." + UNIT,
    "BessSohLow": "A BMS learns what is left of its cells from full cycles alone: in 14 simulated hours of cycles at 100,000 times "
                  "the ageing its estimate came to 70.4 %, and not below." + UNIT,
    "BessSohFadingFast": "As BessSohLow: the estimate moves in steps, once a cycle; cells-ageing ages cells, and no BMS sees it." + UNIT,
    "BessClockPaused": BUSY.format("clock-paused", "half an hour"),
    "BessUnitSeriesTruncated": BUSY.format("series-truncated", "a quarter of an hour"),
    "BessTickDeadlineBurn6h": BUSY.format("loop-stalls", "a quarter of an hour"),
    "BessApiErrorBurn6h": BUSY.format("loop-stalls", "a quarter of an hour"),
    "BessSpeedNotReached": BUSY.format("loop-stalls-at-speed", "five minutes"),
    "BessApiErrorBurn1d": HOURS.format("An hour") + UNIT,
    "BessApiErrorBurn3d": HOURS.format("Three hours") + UNIT,
    **{f"BessApiLatencyBurn{window}": "Reads are answered from the last snapshot whatever the farm does: it takes a machine that is "
       "too slow, and no fault makes one." + UNIT for window in ("1h", "6h", "1d", "3d")},
    "BessAbsent": "It is about a Prometheus without targets, and there is none in a run." + UNIT,
    "BessMemoryNearLimit": "No fault takes memory." + UNIT,
    "BessCpuThrottled": "Needs a cgroup with a limit of the CPU." + UNIT,
    "BessShardMissing": "It is about several processes, and a run has one." + UNIT,
    "BessConfigDrift": "As BessShardMissing." + UNIT,
    "BessCheckpointFailing": "No fault fills a disk." + UNIT,
    "BessPanicked": "No fault makes a part panic: that would be a bug of bess." + UNIT,
    "BessScrapeSlow": "Needs a machine that is too slow; a process that stands still gives no scrape at all." + UNIT,
    "BessRuntimeBusy": "Needs more clients than the machine can serve." + UNIT,
}


@dataclasses.dataclass(frozen=True)
class How:
    """How a scenario runs in simulated time."""

    ems: bool
    step_s: int
    farm: str | None


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
    return How(bool(re.search(r"^sut: \{mode: stub", text, re.M)), int(given.get("step", 1)), farm)


def title(name):
    """What one beside the rules is about."""
    with open(file_of(name), encoding="utf-8") as file:
        return re.search(r"^  title: (.*)$", file.read(), re.M)[1]


COMPONENTS = {alert.name: (component, alert) for component, alert in rules.ALERTS}
