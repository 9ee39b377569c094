"""Acceptance: every shipped scenario passes with the built-in EMS, and none of its checks is one that cannot fail.

Each scenario of scenarios/src/library has mutants in cli/tests/library/<id>.yaml: a fault taken out, another parameter,
an EMS that is broken. In a mutant every check that it names must fail, stay undecided, or the run be invalid; together
the mutants name every `must`.

    BESS_BIN=target/release/bess python -m unittest discover -s cli/tests/clients -p test_library.py -v
"""

import copy
import glob
import json
import os
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import yaml

from farm import binary

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
LIBRARY = os.path.join(ROOT, "scenarios", "src", "library")
MUTANTS = os.path.join(ROOT, "cli", "tests", "library")
AT_A_TIME = 2
RUN_MAX_S = 300


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def scenarios():
    """Every shipped scenario by its id, with its path."""
    return {os.path.splitext(os.path.basename(path))[0]: path for path in sorted(glob.glob(f"{LIBRARY}/*.yaml"))}


def run(path, *arguments):
    """A run's report, and the exit code."""
    with tempfile.TemporaryDirectory(prefix="bess-scenario-") as folder:
        done = subprocess.run([binary(), "scenario", "run", path, "--quiet", "--out", folder, *arguments],
                              capture_output=True, text=True, timeout=RUN_MAX_S, check=False)
        report = os.path.join(folder, "report.json")
        if not os.path.exists(report):
            raise AssertionError(f"{path} {arguments}: no report\n{done.stdout}{done.stderr}")
        with open(report, encoding="utf-8") as file:
            return json.load(file), done.returncode


def musts(report):
    return {check["id"]: check["state"] for check in report["checks"] if check["severity"] == "must"}


def without(document, removed):
    """The document without these actions, and without what hangs on them."""
    removed = set(removed)
    while True:
        hangs = {action["id"] for action in document["timeline"] if action.get("after", {}).get("action") in removed}
        if hangs <= removed:
            break
        removed |= hangs
    document["timeline"] = [action for action in document["timeline"] if action["id"] not in removed]
    return document, removed


def mutated(document, mutant):
    document = copy.deepcopy(document)
    for action, change in mutant.get("change", {}).items():
        found = next(a for a in document["timeline"] if a["id"] == action)
        for key, value in change.items():
            if key == "with":
                found.setdefault("with", {}).update(value)
            else:
                found[key] = value
    removed = set()
    if "without" in mutant:
        document, removed = without(document, mutant["without"])
        # What asks for an action that is gone has nothing to say.
        anchored = [e for e in document.get("expectations", []) if e.get("after", {}).get("action") in removed]
        missing = {e["id"] for e in anchored} & set(mutant["must"])
        for expectation in anchored:
            if expectation["id"] in missing:
                # It is asked all the same, from the start on.
                del expectation["after"]
            else:
                document["expectations"].remove(expectation)
        if not document["timeline"]:
            document["timeline"] = [{"id": "nothing", "at": "0s", "action": "control.mark"}]
    return document


def arguments_of(mutant):
    arguments = []
    for name, value in mutant.get("set", {}).items():
        arguments += ["--set", f"{name}={value}"]
    if "flaw" in mutant:
        arguments += ["--ems-flaw", mutant["flaw"]]
    return arguments


class Library(unittest.TestCase):
    def test_there_is_a_library_and_each_scenario_has_mutants(self):
        known = {os.path.splitext(os.path.basename(path))[0] for path in glob.glob(f"{MUTANTS}/*.yaml")}
        self.assertEqual(known, set(scenarios()))
        self.assertTrue(known)

    def check(self, name, path):
        report, code = run(path)
        told = [f"{c['id']} {c['state']}: {c['message']}" for c in report["checks"] if c["state"] != "passed"]
        self.assertEqual((report["verdict"], code), ("passed", 0), f"{name}: {report['reason']} {told}")
        effects = {action["id"]: action["effect"] for action in report["timeline"] if action["plane"]}
        self.assertEqual({e for e in effects.values()} - {"confirmed"}, set(), f"{name}: {effects}")
        document = read(path)
        expected = set(musts(report))
        self.assertTrue(expected, f"{name} has no must")
        seen = set()
        for mutant in read(os.path.join(MUTANTS, f"{name}.yaml"))["mutants"]:
            with tempfile.TemporaryDirectory(prefix="bess-mutant-") as folder:
                file = os.path.join(folder, f"{name}.yaml")
                with open(file, "w", encoding="utf-8") as out:
                    yaml.safe_dump(mutated(document, mutant), out, sort_keys=False)
                got, _ = run(file, *arguments_of(mutant))
            states = musts(got)
            passed = [must for must in mutant["must"] if states.get(must, "absent") == "passed"]
            if got["verdict"] != "invalid":
                self.assertEqual(passed, [], f"{name}: {mutant} leaves {passed} as they were ({got['verdict']})")
            seen |= set(mutant["must"])
        self.assertEqual(expected - seen, set(), f"{name}: no mutant in which these fail")

    def test_every_scenario_passes_and_each_must_fails_in_a_mutant(self):
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            runs = {name: pool.submit(self.check, name, path) for name, path in scenarios().items()}
            for name, done in runs.items():
                with self.subTest(scenario=name):
                    done.result()


if __name__ == "__main__":
    unittest.main()
