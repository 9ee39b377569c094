#!/usr/bin/env python3
"""The resharding of docs/kubernetes.md: its Pod is held against what the chart renders for both releases (test_chart.py), and
run as the page says: every unit must go on as it stood.

    charts/checks/reshard.py        as root: two shards of 100 units become four of 50
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

import yaml

import rules
from common import RELEASE, ROOT, Loader, binary, objects, template
from model import NAMESPACE, Cluster
from node import Failed, Node, get, inside

PAGE = os.path.join(ROOT, "docs", "kubernetes.md")
NEW_RELEASE = "bess-new"
UNITS, UNITS_PER_SHARD = 200, 100
# What every unit has in its answer and is not of the unit's state.
PASSING = ("publication", "wall_time", "modbus_unit_id")
VALUES = {
    "access": {"open": True}, "drainSeconds": 1, "gateway": {"replicas": 1}, "simulation": {"historyMemory": 64},
    "farm": {"units": UNITS, "cellsPerUnit": 104, "file": f"""[farm]
name = "reshard"
nominal_frequency_hz = 50
[farm.initial]
state = "running"
[[units]]
count = {UNITS}
chemistry = "lfp-314"
racks = 1
cells_in_series = 104
[units.pcs]
rated_power_kw = 50
"""},
}


def page():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


def units_per_shard():
    """Units of a new shard, as the commands of the page say; they must all say the same."""
    said = set(re.findall(r"(?:install|upgrade) (\S+) charts/bess -f values.yaml --set shards.unitsPerShard=(\d+)", page()))
    if len(said) != 1 or next(iter(said))[0] != NEW_RELEASE:
        raise ValueError(f"the commands of the page are of {said}")
    return int(next(iter(said))[1])


def manifest(image):
    """The Pod of the page."""
    for block in re.findall(r"```yaml\n(.*?)```", page(), re.DOTALL):
        one = yaml.load(block.replace("IMAGE", image), Loader)
        if one.get("kind") == "Pod":
            one["metadata"]["namespace"] = NAMESPACE
            return one
    raise ValueError("the page has no Pod")


def release(name, each):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({**VALUES, "shards": {"unitsPerShard": each}}, file)
        file.flush()
        return objects(template([file.name], release=name))


def both():
    """Objects of both releases, and the Pod of the page between them."""
    old = release(RELEASE, UNITS_PER_SHARD)
    image = next(one for one in old if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["image"]
    return Cluster([*old, *release(NEW_RELEASE, units_per_shard()), manifest(image)])


def the_pod(cluster):
    return next(pod for pod in cluster.once() if pod.owner["kind"] == "Pod" and pod.name == "reshard")


def shards_of(cluster, name):
    return [pod for pod in cluster.pods if pod.owner["kind"] == "StatefulSet" and pod.owner["metadata"]["name"] == name]


def flags(arguments):
    """Values of flags; of one that is given more than once a list."""
    found = {}
    for flag, value in zip(arguments, arguments[1:], strict=False):
        if flag.startswith("--"):
            found.setdefault(flag, []).append(value)
    return found


def unfit(cluster, bess):
    """What of the Pod does not fit the releases, in sentences."""
    pod = the_pod(cluster)
    container = pod.spec["containers"][0]
    given = flags(container["args"])
    # A folder for each shard of each release, which its own claim brings, at the place where the shard has its state.
    claims = {volume["persistentVolumeClaim"]["claimName"]: name for name, volume in pod.volumes().items()
              if "persistentVolumeClaim" in volume}
    places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    for name, paths in ((RELEASE, given["--from"]), (NEW_RELEASE, None)):
        shards = shards_of(cluster, name)
        paths = paths or [given["--to"][0].replace("{shard}", str(index)) for index in range(len(shards))]
        if len(paths) != len(shards):
            yield f"{len(paths)} folders for {len(shards)} shards of {name}"
        for shard, path in zip(shards, paths, strict=False):
            state = shard.environment(shard.spec["containers"][0], None)["BESS_STATE"]
            mount = next(one for one in shard.spec["containers"][0]["volumeMounts"] if one["name"] in shard.claims)
            claim = shard.volumes()[mount["name"]]["persistentVolumeClaim"]["claimName"]
            if claim not in claims:
                yield f"the claim {claim} of {shard.name} is no volume of the Pod"
                continue
            wanted = places.get(claims.pop(claim), "") + state.removeprefix(mount["mountPath"])
            if path != wanted:
                yield f"{shard.name} has its state at {wanted}, not at {path}"
    for claim in claims:
        yield f"there is no claim {claim}"
    shard = shards_of(cluster, NEW_RELEASE)[0]
    environment = shard.environment(shard.spec["containers"][0], None)
    for flag, variable in (("--farm", "BESS_FARM"), ("--units-per-shard", "BESS_UNITS_PER_SHARD")):
        if given[flag] != [environment[variable]]:
            yield f"{flag} is {given[flag]}, and the shards have {environment[variable]}"
    # And what holds for every Pod; {shard} is the program's to put in.
    container["args"] = [one.replace("{shard}", "0") for one in container["args"]]
    alone = Cluster([one for one in cluster.objects if one["kind"] == "ConfigMap"])
    alone.pods = [pod]
    for rule in (rules.mounts_have_volumes, rules.named_files_are_there, rules.commands_are_known, rules.pods_are_restricted):
        yield from rule(alone, bess)


def without_passing(value):
    if isinstance(value, dict):
        return {key: without_passing(one) for key, one in value.items() if key not in PASSING}
    return [without_passing(one) for one in value] if isinstance(value, list) else value


class Site:
    """Both releases on one node."""

    def __init__(self, bess, folder):
        self.bess, self.cluster = bess, both()
        self.node = Node(self.cluster, bess, folder, {})

    def pods_of(self, name):
        """Shards and gateways of a release."""
        return [pod.name for pod in self.cluster.pods if pod.labels["app.kubernetes.io/instance"] == name]

    def api(self, name):
        return f"http://{self.node.address(self.cluster.named('Service', name + '-api'))}:8000"

    def ask(self, url, body=None, method=None):
        status, answer = get(url, 20, None, body, method)
        if status != 200:
            raise Failed(f"{url} answers {status}: {answer[:300].decode(errors='replace')}")
        return json.loads(answer)

    def operate(self, *arguments):
        ran = subprocess.run([self.bess, *arguments], capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Failed(f"bess {' '.join(arguments)}: {ran.stderr.strip()}")

    def stop(self, names):
        for name, code, seconds, _ in self.node.stop(names):
            if code != 0:
                raise Failed(f"{name} ended with {code} after {seconds:.1f} s")

    def clocks(self, name):
        """The clock of each shard, by its API."""
        apis = [f"http://{pod.ip}:8000" for pod in shards_of(self.cluster, name)]
        return {api: self.ask(f"{api}/api/v1/clock") for api in apis}

    def units(self, name):
        answer = self.ask(f"{self.api(name)}/api/v1/units?limit={UNITS}")
        if len(answer["units"]) != UNITS or answer["shards_missing"]:
            raise Failed(f"{len(answer['units'])} units, without the shards {answer['shards_missing']}")
        return without_passing(answer["units"])

    def go(self):
        old, new = self.pods_of(RELEASE), self.pods_of(NEW_RELEASE)
        self.node.start(old)
        self.ask(f"{self.api(RELEASE)}/api/v1/farm/setpoint", {"active_power_w": 3e6}, "PUT")
        # The new release: its pods make their volumes, with a state that is thrown away.
        self.node.start(new)
        self.stop(new)
        self.operate("clock", "pause", "--api", self.api(RELEASE))
        clocks = self.clocks(RELEASE)
        furthest = max(clock["tick"] for clock in clocks.values())
        for api, clock in clocks.items():
            if clock["tick"] < furthest:
                self.operate("clock", "step", str(furthest - clock["tick"]), "--api", api)
        before = self.units(RELEASE)
        if not sum(unit["ac"]["active_power_w"] for unit in before) > 1e6:
            raise Failed("the old shards do not discharge")
        self.stop(old)
        for name, code, said in self.node.to_the_end(the_pod(self.cluster)):
            if code != 0:
                raise Failed(f"{name} ended with {code}: {said}")
        self.node.start(new)
        clocks = self.clocks(NEW_RELEASE)
        if any((clock["mode"], clock["tick"]) != ("paused", furthest) for clock in clocks.values()):
            raise Failed(f"the new shards begin with {clocks}, not at tick {furthest}")
        after = self.units(NEW_RELEASE)
        for one, other in zip(before, after, strict=True):
            if one != other:
                fields = [key for key in one if one[key] != other.get(key)]
                raise Failed(f"{one['name']} is another: {', '.join(f'{key} {one[key]}, {other.get(key)}' for key in fields)}")
        self.operate("clock", "resume", "--api", self.api(NEW_RELEASE))
        deadline = time.monotonic() + 20
        while min(clock["tick"] for clock in self.clocks(NEW_RELEASE).values()) < furthest + 10:
            if time.monotonic() > deadline:
                raise Failed("the new shards do not go on")
            time.sleep(0.2)
        self.stop(new)
        return len(clocks), furthest


def main():
    inside(__file__)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bess-node-") as folder:
        site = Site(binary(), folder)
        try:
            shards, tick = site.go()
        except (Failed, OSError, ValueError, KeyError) as problem:
            print(f"  WRONG {problem}")
            return 1
        finally:
            site.node.end()
    print(f"  {UNITS} units go on as they stood at tick {tick}, in {shards} shards; {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
