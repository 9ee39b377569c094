#!/usr/bin/env python3
"""Writes what the chart has from elsewhere anew: rules, dashboards and README. With --check it only says what is stale.

    charts/tools/sync.py [--check]

A chart is packed into one archive, in which symbolic links do not survive: it has copies. The tables of README.md come
from the comments of values.yaml, by readme-generator-for-helm (`make chart-sync` installs it).
"""

import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
CHART = os.path.join(ROOT, "charts", "bess")
TOOLS = os.path.join(ROOT, ".tools", "charts")
# Where copies come from, by the folder that they go to.
COPIES = {
    "files/dashboards": ["dashboards/grafana/*.json"],
    "files/rules": ["dashboards/alerts/rules.yaml", "dashboards/alerts/slo.yaml"],
}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def copies():
    """Every copy with what it must hold."""
    wanted = {}
    for folder, patterns in COPIES.items():
        for pattern in patterns:
            found = sorted(glob.glob(os.path.join(ROOT, pattern)))
            assert found, f"nothing is at {pattern}"
            for path in found:
                wanted[os.path.join(CHART, folder, os.path.basename(path))] = read(path)
    return wanted


def readme():
    """README.md with its tables made anew."""
    program = os.path.join(TOOLS, "node_modules", ".bin", "readme-generator")
    with tempfile.TemporaryDirectory(prefix="bess-readme-") as folder:
        path = os.path.join(folder, "README.md")
        with open(path, "wb") as file:
            file.write(read(os.path.join(CHART, "README.md")))
        command = [program, "--values", os.path.join(CHART, "values.yaml"), "--readme", path]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode:
            sys.exit(f"values.yaml and its comments do not fit:\n{said.stdout}{said.stderr}")
        return read(path)


def main():
    wanted = copies()
    wanted[os.path.join(CHART, "README.md")] = readme()
    stale = [path for path, text in wanted.items() if not os.path.exists(path) or read(path) != text]
    # A copy whose source is gone.
    for path in glob.glob(os.path.join(CHART, "files", "dashboards", "*.json")):
        if path not in wanted:
            stale.append(path)
    for path in stale:
        print(("stale: " if "--check" in sys.argv else "written: ") + os.path.relpath(path, ROOT))
        if "--check" not in sys.argv:
            if path in wanted:
                with open(path, "wb") as file:
                    file.write(wanted[path])
            else:
                os.remove(path)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
