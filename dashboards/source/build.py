"""Writes the dashboards from their sources, or checks that they are not stale.

    python dashboards/source/build.py            writes dashboards/grafana/*.json
    python dashboards/source/build.py --check    changes nothing, fails when a file is stale
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import api
import degradation
import engine
import modbus
import overview
import power
import process
import scenarios
import slo
import thermal
import unit

# In the order of the menu's use: a new dashboard is a file and one more name here.
SOURCES = (overview, unit, power, thermal, degradation, engine, modbus, api, scenarios, process, slo)
FOLDER = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "grafana"))


def built():
    """Text of every file, by its name."""
    dashboards = [source.build() for source in SOURCES]
    return {f"{one['uid']}.json": json.dumps(one, indent=1, ensure_ascii=False, sort_keys=True) + "\n" for one in dashboards}


def stale(files):
    """Names of files that differ from what the sources say, those that are too many included."""
    def there(name):
        try:
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    known = {name for name in os.listdir(FOLDER) if name.endswith(".json")}
    return sorted(name for name in known | set(files) if there(name) != files.get(name))


def main():
    files = built()
    if "--check" in sys.argv[1:]:
        differing = stale(files)
        if differing:
            sys.exit(f"stale: {', '.join(differing)}: run `make dashboards-build` and read the difference")
        return
    for name in stale(files):
        path = os.path.join(FOLDER, name)
        if name in files:
            with open(path, "w", encoding="utf-8") as file:
                file.write(files[name])
        else:
            os.remove(path)


if __name__ == "__main__":
    main()
