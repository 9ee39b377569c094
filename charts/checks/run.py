#!/usr/bin/env python3
"""Runs what the chart renders: every pod with exactly its command, environment, mounts, user and limits, watched by a real
Prometheus and Alertmanager as the chart says. Exit code 0 if everything is as it must be, 1 with a list if not.

    charts/checks/run.py --env staging                  an environment
    charts/checks/run.py --values a.yaml --set x=1      any values
        --chart DIR  another chart; --bess PROGRAM; --only COMPONENT  of several kinds of pods one
        --without-alert  no scenario; --report FILE  what was measured, as JSON; --cpu  the proof of the CPU limit too
        --first  end at the first thing that is wrong
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import rules
from common import CHART, OBSERVE, binary, objects, template, values_of
from model import Cluster
from node import Failed, Node, get, inside, modbus_read
from watch import Watch

# What is fired: long enough for its alert to be seen.
SCENARIO = """
apiVersion: bess/v1
kind: Scenario
metadata: {id: a-converter-trips, title: A converter trips, summary: One of many.}
seed: 1
duration: 5m
sut: {mode: none}
targets: {one: {kind: unit, match: {units: [UNIT]}}}
steadyState: {window: 1s, checks: [{id: energised, modes: [SoT], expr: "grid.voltage_pu > 0.5"}]}
timeline: [{id: trip, at: 1s, action: device.pcs.trip, target: one}]
expectations: [{id: trips, kind: within, after: {action: trip}, within: 5s, expr: "state(one) in {tripped, locked_out, fault}"}]
"""
# Time that a fault may take to be an alert: 10 s of `for`, two scrapes, an evaluation, 8 s of grouping do not count here.
ALERT_MAX_S = 60.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env")
    parser.add_argument("--values", action="append", default=[])
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--chart", default=CHART)
    parser.add_argument("--bess", default=binary())
    parser.add_argument("--only")
    parser.add_argument("--without-alert", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--report")
    return parser.parse_args()


def secrets_for(cluster, bess, folder):
    """Secrets that the objects ask for, made as their users would: tokens, certificates. By (name, key)."""
    made, token = {}, None
    hosts = ["127.0.0.1", "localhost"]
    for one in cluster.kind("Service"):
        hosts += [f"{pod.name}.{one['metadata']['name']}.bess.svc.cluster.local" for pod in cluster.endpoints(one)]
    for pod in rules.everybody(cluster):
        for volume in pod.spec.get("volumes") or []:
            source = volume.get("secret")
            if not source or any(owner == source["secretName"] for owner, _ in made):
                continue
            if volume["name"] == "tokens":
                path = os.path.join(folder, "tokens.toml")
                token = subprocess.run([bess, "token", "new", "--name", "harness", "--role", "tester", "--append", path],
                                       check=True, capture_output=True, text=True).stdout.strip()
                with open(path, encoding="utf-8") as file:
                    made[(source["secretName"], source["items"][0]["key"])] = file.read()
            else:
                certs = os.path.join(folder, "certs-" + volume["name"])
                subprocess.run([bess, "certs", "--out", certs, *(part for host in hosts for part in ("--host", host))],
                               check=True, capture_output=True)
                for key, name in (("tls.crt", "server.pem"), ("tls.key", "server.key"), ("ca.crt", "ca.pem")):
                    with open(os.path.join(certs, name), encoding="utf-8") as file:
                        made[(source["secretName"], key)] = file.read()
        for container in rules.containers(pod):
            for one in container.get("env") or []:
                reference = (one.get("valueFrom") or {}).get("secretKeyRef")
                if reference:
                    made.setdefault((reference["name"], reference["key"]), None)
    for key, value in made.items():
        if value is None:
            made[key] = token or ""
    return made, token


class Enough(Exception):
    """One thing is wrong, and no more is asked for."""


class Run:
    def __init__(self, cluster, bess, folder, first=False):
        self.cluster, self.bess, self.folder, self.first = cluster, bess, folder, first
        self.wrong, self.measured = [], {}
        self.shards = [pod for pod in cluster.pods if rules.component(pod) == rules.SHARD]

    def find(self, problem):
        self.wrong.append(problem)
        print(f"  WRONG {problem}", flush=True)
        if self.first:
            raise Enough

    def say(self, what):
        print(f"  {what}", flush=True)

    def scheme(self):
        probe = self.cluster.pods[0].spec["containers"][0]["livenessProbe"]["httpGet"]
        return probe.get("scheme", "HTTP").lower()

    def everything(self, args):
        secrets, self.token = secrets_for(self.cluster, self.bess, self.folder)
        self.node = Node(self.cluster, self.bess, self.folder, secrets)
        try:
            self.start()
            watch = Watch(self.cluster, self.folder)
            self.traffic()
            self.identity()
            self.scrapes(watch)
            self.whole(watch)
            if not args.without_alert:
                self.alert(watch)
            self.jobs()
            if args.cpu:
                self.cpu()
            for problem in self.node.problems():
                self.find(problem)
            self.stop()
            self.start_again()
        finally:
            self.node.end()

    def start(self):
        self.node.start()
        starts = {name: one.started_s for name, one in self.node.kubelets.items()}
        self.measured["start_s"] = starts
        self.say(f"{len(starts)} pods are ready; the slowest start took {max(starts.values()):.2f} s")

    def traffic(self):
        """Every Service carries what its name says; every shard answers by its own name."""
        for one in self.cluster.kind("Service"):
            address, name = self.node.address(one), one["metadata"]["name"]
            if not address:
                continue
            for port in one["spec"]["ports"]:
                try:
                    if port["name"] == "api":
                        status, body = get(f"{self.scheme()}://{address}:{port['port']}/api/v1/farm", 5, self.token)
                        if status != 200:
                            self.find(f"Service {name}: /api/v1/farm answers {status} {body[:200].decode(errors='replace')}")
                        if self.token and get(f"{self.scheme()}://{address}:{port['port']}/api/v1/farm", 5)[0] != 401:
                            self.find(f"Service {name}: REST answers without a token")
                    elif port["name"] == "metrics":
                        status, body = get(f"http://{address}:{port['port']}/metrics", 5)
                        if status != 200 or b"bess_build_info" not in body:
                            self.find(f"Service {name}: /metrics answers {status}")
                    elif port["name"] == "modbus":
                        modbus_read(address, port["port"], 1, 0, 10)
                    else:
                        socket.create_connection((address, port["port"]), 3).close()
                except OSError as problem:
                    # A register map of one's own may have nothing at 0: exception 2 is an answer too.
                    if str(problem) != "exception 2":
                        self.find(f"Service {name}: {port['name']}: {problem}")
        self.say(f"{len(self.cluster.kind('Service'))} Services were asked for what they carry")

    def identity(self):
        """Each shard has its own part of the farm, and runs as the user and with the rights that it was given."""
        for pod in self.shards:
            with open(f"/proc/{self.node.kubelets[pod.name].container.pid}/status", encoding="utf-8") as file:
                status = dict(line.rstrip().split(":\t", 1) for line in file if ":\t" in line)
            if status["Uid"].split()[0] != "65532" or int(status["CapBnd"], 16) or status["NoNewPrivs"] != "1":
                self.find(f"{pod.name} runs as {status['Uid']} with {status['CapBnd']}")
            code, body = get(f"{self.scheme()}://{pod.ip}:{pod.port('api')}/api/v1/units?fields=number", 5, self.token)
            if code != 200:
                self.find(f"{pod.name}: /api/v1/units answers {code}")
                continue
            listed = json.loads(body)
            first = (listed.get("units") or listed.get("items"))[0]["number"]
            environment = pod.environment(pod.spec["containers"][0], self.node.secret)
            wanted = 1 + int(environment["BESS_SHARD"]) * int(environment["BESS_UNITS_PER_SHARD"])
            if first != wanted:
                self.find(f"{pod.name} begins with unit {first}, not {wanted}")

    def scrapes(self, watch):
        if not watch.jobs:
            return
        for problem in watch.wait_for_targets():
            self.find(f"a scrape: {problem}")
        wanted, deadline = {pod.name for pod in self.cluster.pods}, time.monotonic() + 30
        while (up := {labels.get("pod") for labels, value in watch.query("up") if value == 1}) != wanted:
            if time.monotonic() > deadline:
                self.find(f"up is 1 for {sorted(str(pod) for pod in up)}")
                break
            time.sleep(1)
        for labels, _ in watch.query("bess_units"):
            if labels["job"] != "bess" or not labels.get("namespace") or not labels.get("pod"):
                self.find(f"series have the labels {labels}")
                break
        problems, count = watch.rules_in_error()
        for problem in problems:
            self.find(f"a rule: {problem}")
        self.measured["rules"] = count
        self.say(f"Prometheus scrapes {watch.targets} targets and evaluates {count} rules")

    def whole(self, watch):
        """What crosses shards: recording rules and the gateway say the same of the farm, and both say which shard is missing."""
        gateway = self.cluster.named("Service", "bess-api")
        if len(self.shards) < 2 or gateway is None or not watch.jobs or not self.cluster.kind("PrometheusRule"):
            return

        def farm():
            code, body = get(f"{self.scheme()}://{self.node.address(gateway)}:8000/api/v1/farm", 5, self.token)
            return json.loads(body) if code == 200 else {}

        def rules_say():
            asked = {"units": "sum(namespace_state:bess_units:sum)", "rated_power_w": "namespace:bess_farm_ac_power_rated_watts:sum",
                     "shards": "namespace:bess_shard_info:count", "expected": "max(bess_shards_expected)",
                     "files": "count(count by (sha256) (bess_config_hash_info))",
                     "missing": 'count(ALERTS{alertname="BessShardMissing"})'}
            found = {name: watch.query(expression) for name, expression in asked.items()}
            return {name: one[0][1] if one else None for name, one in found.items()}

        def must_come(what, wanted, say, limit_s=30.0):
            deadline = time.monotonic() + limit_s
            while any((found := what()).get(key) != value for key, value in wanted.items()):
                if time.monotonic() > deadline:
                    self.find(f"{say}: {', '.join(f'{key} {found.get(key)}, not {value}' for key, value in wanted.items())}")
                    return
                time.sleep(0.3)

        count, total = len(self.shards), farm()
        must_come(farm, {"shards_missing": []}, "the gateway")
        must_come(rules_say, {"units": total.get("units"), "rated_power_w": total.get("rated_power_w"), "shards": count,
                              "expected": count, "files": 1, "missing": None}, "the recording rules")
        gone = self.shards[-1].name
        for name, code, _, _ in self.node.stop([gone]):
            if code != 0:
                self.find(f"{name} ended with {code}")
        must_come(farm, {"shards_missing": [count - 1]}, f"the gateway without {gone}")
        must_come(rules_say, {"shards": count - 1, "missing": 1}, f"the rules without {gone}")
        self.node.start([gone])
        must_come(farm, {"shards_missing": []}, f"the gateway with {gone} again")
        must_come(rules_say, {"shards": count, "missing": None}, f"the rules with {gone} again")
        self.say(f"gateway and recording rules have the same farm of {total.get('units')} units, and notice that {gone} is missing")

    def alert(self, watch):
        """A scenario trips a converter; the alert of its pod must be in Alertmanager."""
        pod = self.shards[-1]
        environment = pod.environment(pod.spec["containers"][0], self.node.secret)
        unit = 1 + int(environment["BESS_SHARD"]) * int(environment["BESS_UNITS_PER_SHARD"])
        run = {"text": SCENARIO.replace("UNIT", str(unit))}
        code, body = get(f"{self.scheme()}://{pod.ip}:{pod.port('api')}/api/v1/runs", 5, self.token, run, "POST")
        if code != 200:
            self.find(f"the scenario was refused: {code} {body[:300].decode(errors='replace')}")
            return
        after = watch.wait_for_alert("BessUnitsTripped", ALERT_MAX_S, pod=pod.name, namespace="bess")
        if after is None:
            self.find(f"a unit of {pod.name} trips and after {ALERT_MAX_S:.0f} s Alertmanager knows nothing of it")
            return
        self.measured["alert_s"] = after
        self.say(f"a unit of {pod.name} trips; Alertmanager has BessUnitsTripped {after:.1f} s later")

    def jobs(self):
        for pod in self.cluster.once():
            for name, code, said in self.node.to_the_end(pod):
                if code != 0:
                    self.find(f"{name} ended with {code}: {said}")
                else:
                    self.say(f"{name} ended with 0")

    def cpu(self):
        """The rendered limit of CPU holds 10 Hz; a tenth of a core does not, and shows it."""
        pod = self.shards[0]
        one = self.node.kubelets[pod.name].container

        def figures():
            text = get(f"http://{pod.ip}:{pod.port('metrics')}/metrics", 5)[1].decode()
            values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("bess_") and "{" not in line)
            return {key: float(values.get(key, "nan")) for key in (
                "bess_ticks_total", "bess_tick_overruns_total", "bess_ticks_skipped_total",
                "bess_cgroup_cpu_periods_total", "bess_cgroup_cpu_throttled_periods_total")}

        def cpu_s():
            with open(f"/proc/{one.pid}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        def over(seconds):
            begin, before, kernel, used = time.monotonic(), figures(), one.cgroups.throttled(), cpu_s()
            time.sleep(seconds)
            seconds = time.monotonic() - begin
            after, kernel_after, used = figures(), one.cgroups.throttled(), cpu_s() - used
            grown = {key: after[key] - before[key] for key in before}
            grown["kernel_throttled_periods"] = kernel_after[1] - kernel[1]
            grown["hz"] = grown["bess_ticks_total"] / seconds
            return grown, used / seconds

        limit = pod.spec["containers"][0]["resources"]["limits"]["cpu"]
        held, took = over(20.0)
        self.measured["cpu"] = {limit: held, "took_cores": took}
        self.say(f"limit {limit}: {held['hz']:.2f} Hz with {took * 1000:.0f}m, {held['bess_ticks_skipped_total']:.0f} skipped, "
                 f"{held['bess_cgroup_cpu_throttled_periods_total']:.0f} periods throttled")
        if held["bess_ticks_skipped_total"] or not 9.8 < held["hz"] < 10.2:
            self.find(f"the limit of {limit} does not hold 10 Hz: {held}")
        if held["bess_cgroup_cpu_periods_total"] != held["bess_cgroup_cpu_periods_total"]:
            self.find("bess_cgroup_cpu_periods_total is absent under a limit")
        # Half of what it took: so little that it cannot do.
        squeezed = max(0.01, took / 2)
        one.cgroups.squeeze(squeezed)
        starved = over(10.0)[0]
        one.cgroups.squeeze(rules.amount(limit))
        name = f"{squeezed * 1000:.0f}m"
        self.measured["cpu"][name] = starved
        self.say(f"limit {name}: {starved['hz']:.2f} Hz, {starved['bess_ticks_skipped_total']:.0f} skipped, "
                 f"{starved['bess_tick_overruns_total']:.0f} late, "
                 f"{starved['bess_cgroup_cpu_throttled_periods_total']:.0f} periods throttled")
        if not starved["kernel_throttled_periods"] or not starved["bess_cgroup_cpu_throttled_periods_total"]:
            self.find("a limit that is much too small does not show as throttled periods")
        if not starved["bess_tick_overruns_total"] and not starved["bess_ticks_skipped_total"]:
            self.find("a limit that is much too small does not show as late ticks")

    def stop(self):
        self.stopped_at = self.tick(self.shards[0]) or 0
        ends = self.node.stop()
        self.measured["stop_s"] = {name: seconds for name, _, seconds, _ in ends}
        for name, code, seconds, draining in ends:
            if code is None:
                self.find(f"{name} did not end within its grace period")
            elif code != 0:
                self.find(f"{name} ended with {code}: {self.node.kubelets[name].container.said()}")
            elif draining not in (503, None):
                self.find(f"{name} was asked whether it is ready while it drained, and answered {draining}")
            elif draining is None:
                self.find(f"{name} was gone at once; nobody had time to learn of it")
        self.say(f"every pod ended after SIGTERM with 0, the slowest after {max(one[2] for one in ends):.2f} s")

    def tick(self, pod):
        """The tick that a shard is at."""
        code, body = get(f"{self.scheme()}://{pod.ip}:{pod.port('api')}/api/v1/clock", 5, self.token)
        return json.loads(body)["tick"] if code == 200 else None

    def start_again(self):
        """The same volumes again: the farm goes on where it was."""
        pod = self.shards[0]
        if not pod.claims:
            return
        try:
            self.node.start([pod.name], 60)
        except Failed as problem:
            self.find(f"{pod.name} does not start again: {problem}")
            return
        now = self.tick(pod)
        if now is None or now < self.stopped_at:
            self.find(f"{pod.name} was at tick {self.stopped_at} when it was stopped, and begins again at {now}")
        else:
            self.say(f"{pod.name} goes on from its volume: tick {self.stopped_at} before, {now} after")
        for name, code, seconds, _ in self.node.stop([pod.name]):
            if code != 0:
                self.find(f"{name} ended with {code} after {seconds:.1f} s when it was stopped again")


def main():
    inside(__file__)
    args = arguments()
    files = [*(values_of(args.env) if args.env else []), *args.values]
    try:
        cluster = Cluster(objects(template(files, args.sets, chart=args.chart)))
    except Exception as refused:  # noqa: BLE001
        print(f"  WRONG {refused}")
        return 1
    if args.only:
        cluster.pods = [pod for pod in cluster.pods if rules.component(pod) == args.only]
    if not os.path.exists(os.path.join(OBSERVE, "prometheus")):
        sys.exit("there is no Prometheus: dashboards/tools/install.sh brings it")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bess-node-") as folder:
        one = Run(cluster, args.bess, folder, args.first)
        with contextlib.suppress(Enough):
            try:
                one.everything(args)
            except (Failed, OSError, ValueError, KeyError) as problem:
                one.find(f"{problem}")
    one.measured["seconds"] = time.monotonic() - begin
    one.measured["wrong"] = one.wrong
    if args.report:
        with open(args.report, "w", encoding="utf-8") as file:
            json.dump(one.measured, file, indent=1)
    print(f"{len(one.wrong)} wrong, {one.measured['seconds']:.0f} s", flush=True)
    return 1 if one.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
