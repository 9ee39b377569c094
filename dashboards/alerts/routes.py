#!/usr/bin/env python3
"""Checks alertmanager.yml with amtool: every alert reaches the receiver of its severity, inhibitions name real alerts."""

import os
import re
import subprocess
import sys

import rules

CONFIG = os.path.join(rules.HERE, "alertmanager.yml")
RECEIVERS = {"critical": "page", "warning": "ticket", "info": "note"}


def main():
    wrong = []
    # Only severities route; one alert of each component and severity stands for the others.
    kinds = {(alert.severity, component): alert.name for component, alert in rules.ALERTS}
    for (severity, component), name in kinds.items():
        ran = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={CONFIG}",
                              f"--verify.receivers={RECEIVERS[severity]}", f"severity={severity}", f"component={component}",
                              f"alertname={name}"], capture_output=True, text=True)
        if ran.returncode != 0:
            wrong.append(f"{name} ({severity}) does not reach {RECEIVERS[severity]}: {ran.stdout}{ran.stderr}")
    names = [alert.name for _, alert in rules.ALERTS]
    with open(CONFIG, encoding="utf-8") as file:
        for named in re.findall(r"Bess[A-Za-z0-9.*]+", file.read()):
            if not any(re.fullmatch(named, name) for name in names):
                wrong.append(f"alertmanager.yml names {named}, which is no alert")
    print("\n".join(wrong) or f"{len(kinds)} kinds of alerts reach their receivers")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
