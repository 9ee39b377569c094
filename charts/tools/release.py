#!/usr/bin/env python3
"""Which image runs where. An environment's image is one file, charts/envs/NAME/image.yaml: whoever changes it in the
repository changes what runs (docs/environments.md).

    charts/tools/release.py show
    charts/tools/release.py set dev sha256:...            what the build made
    charts/tools/release.py promote [staging] [prod]      if the verdict of the first one's scenarios is good
        --verdict local      run the scenarios of its verdict Job here, with --bess (the default)
        --verdict cluster    take the verdict of the Job in the current context of kubectl
    charts/tools/release.py rollback prod                 the image that it had before, by the history of git
    charts/tools/release.py deploy staging [--dry-run]    helm upgrade --install into the current context

Files are changed, nothing is committed or pushed. Exit codes: 0 done, 1 the verdict or a check is against it, 2 it cannot
be asked for.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "checks"))

import common  # noqa: E402
from model import Cluster  # noqa: E402

NONE_YET = "sha256:" + "0" * 64
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class No(Exception):
    """Why not, and the exit code."""

    def __init__(self, why, code=1):
        super().__init__(why)
        self.code = code


def path_of(environment):
    path = os.path.join(common.ENVS, environment, "image.yaml")
    if not os.path.exists(path):
        raise No(f"there is no environment {environment}; there are {', '.join(common.ENVIRONMENTS)}", 2)
    return path


def digest_in(text):
    found = DIGEST.findall(text)
    if len(found) != 1:
        raise No(f"image.yaml must have one digest, and has {len(found)}", 2)
    return found[0]


def digest_of(environment):
    with open(path_of(environment), encoding="utf-8") as file:
        return digest_in(file.read())


def write(environment, digest):
    path = path_of(environment)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(digest_in(text), digest))
    print(f"{environment}: {digest}\nto make it so: git commit -m '{environment}: {digest[:19]}' {os.path.relpath(path)}")


def run(command, **more):
    return subprocess.run(command, text=True, check=False, **more)


def rendered(environment):
    try:
        return Cluster(common.objects(common.template(common.values_of(environment))))
    except common.Refused as refused:
        raise No(f"{environment} cannot be rendered: {refused}") from refused


def files_of(cluster, pod, folder):
    """The files that a pod's ConfigMaps bring, below a folder; paths of its mounts to where they are."""
    places = {}
    for mount in pod.spec["containers"][0].get("volumeMounts") or []:
        here = os.path.join(folder, mount["mountPath"].strip("/"))
        os.makedirs(here, exist_ok=True)
        places[mount["mountPath"]] = here
        for path, text in (cluster.reads(pod.volumes()[mount["name"]]) or {}).items():
            if text is None:  # of a Secret, which is not here
                continue
            full = os.path.join(here, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
    return places


def verdict_here(environment, bess):
    """Runs what the verdict Job of the environment runs; no container, so paths are those of a temporary folder."""
    cluster = rendered(environment)
    pod = next((one for one in cluster.once() if one.owner["metadata"]["name"].endswith("-verdict")), None)
    if pod is None:
        raise No(f"{environment} has no verdict: set verdict.enabled and verdict.scenarios in its values", 2)
    with tempfile.TemporaryDirectory(prefix="bess-verdict-") as folder:
        places = files_of(cluster, pod, folder)
        arguments = []
        for one in pod.arguments(pod.spec["containers"][0], {}):
            for mount, here in sorted(places.items(), key=lambda item: -len(item[0])):
                if one.startswith(mount + "/"):
                    one = here + one[len(mount):]
                    break
            arguments.append(one)
        print(f"{environment}: bess {' '.join(arguments)}", flush=True)
        ran = run([bess, *arguments])
    if ran.returncode:
        raise No(f"the verdict of {environment} is {ran.returncode}, not 0 (docs/scenarios.md says what that means): nothing was promoted")


def verdict_of_cluster(environment, digest, namespace):
    """Takes the verdict of the Job that ran there, if it ran with this image."""
    ran = run(["kubectl", "--namespace", namespace, "get", "job", f"{common.RELEASE}-verdict", "--output", "json"], capture_output=True)
    if ran.returncode:
        raise No(f"kubectl has no Job {common.RELEASE}-verdict in {namespace}: {ran.stderr.strip()}", 2)
    job = json.loads(ran.stdout)
    image = job["spec"]["template"]["spec"]["containers"][0]["image"]
    if not image.endswith(digest):
        raise No(f"the verdict of {environment} is of {image}, not of {digest}")
    if not job.get("status", {}).get("succeeded"):
        raise No(f"the Job {common.RELEASE}-verdict in {namespace} has not succeeded: {json.dumps(job.get('status', {}))}")


def farm_is_fine(environment, bess):
    """`bess farm check` of what the shards of an environment would read."""
    cluster = rendered(environment)
    for one in cluster.kind("StatefulSet"):
        for container in one["spec"]["template"]["spec"].get("initContainers") or []:
            with tempfile.TemporaryDirectory(prefix="bess-farm-") as folder:
                pod = next(pod for pod in cluster.pods if pod.owner is one)
                places = files_of(cluster, pod, folder)
                mount = next(path for path in places if str(container["args"][2]).startswith(path + "/"))
                ran = run([bess, *(str(part).replace(mount, places[mount]) for part in container["args"])], capture_output=True)
            if ran.returncode:
                raise No(f"the farm of {environment} does not pass `bess farm check`: {ran.stderr.strip()}")


def promote(wish):
    digest, there = digest_of(wish.source), digest_of(wish.target)
    if digest == NONE_YET:
        raise No(f"{wish.source} has no image yet: `release.py set {wish.source} sha256:...`", 2)
    if digest == there:
        print(f"{wish.target} has it already: {digest}")
        return
    if wish.verdict == "cluster":
        verdict_of_cluster(wish.source, digest, wish.namespace)
    else:
        verdict_here(wish.source, wish.bess)
    farm_is_fine(wish.target, wish.bess)
    write(wish.target, digest)


def rollback(wish):
    path = path_of(wish.environment)
    now = digest_of(wish.environment)
    folder, name = os.path.split(path)
    log = run(["git", "-C", folder, "log", "--format=%H", "--", name], capture_output=True)
    for commit in log.stdout.split():
        then = run(["git", "-C", folder, "show", f"{commit}:./{name}"], capture_output=True)
        found = DIGEST.findall(then.stdout)
        if found and found[0] not in (now, NONE_YET):
            write(wish.environment, found[0])
            return
    raise No(f"{wish.environment} never had another image than {now}", 2)


def deploy(wish):
    if digest_of(wish.environment) == NONE_YET and not wish.dry_run:
        raise No(f"{wish.environment} has no image yet: `release.py set {wish.environment} sha256:...`", 2)
    farm_is_fine(wish.environment, wish.bess)
    files = [part for path in common.values_of(wish.environment) for part in ("--values", path)]
    if wish.dry_run:
        text = common.template(common.values_of(wish.environment))
        objects = common.objects(text)
        print(f"{wish.environment} would be {len(objects)} objects in the namespace {wish.namespace}; no cluster was asked:")
        for one in objects:
            print(f"  {one['kind']}/{one['metadata']['name']}")
        return
    context = run(["kubectl", "config", "current-context"], capture_output=True)
    if context.returncode:
        raise No("kubectl has no current context: choose the cluster with `kubectl config use-context`, or see what would be "
                 "done with --dry-run", 2)
    print(f"into {context.stdout.strip()}, namespace {wish.namespace}")
    ran = run([common.tool("helm"), "upgrade", "--install", common.RELEASE, common.CHART, "--namespace", wish.namespace,
               "--create-namespace", "--atomic", "--timeout", "15m", *files])
    if ran.returncode:
        raise No("helm did not succeed; it has rolled back what it had begun")
    ran = run([common.tool("helm"), "test", common.RELEASE, "--namespace", wish.namespace])
    if ran.returncode:
        raise No(f"helm test did not pass: helm rollback {common.RELEASE} --namespace {wish.namespace}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show")
    one = commands.add_parser("set")
    one.add_argument("environment")
    one.add_argument("digest")
    one = commands.add_parser("promote")
    one.add_argument("source", nargs="?", default="staging")
    one.add_argument("target", nargs="?", default="prod")
    one.add_argument("--verdict", choices=("local", "cluster"), default="local")
    one = commands.add_parser("rollback")
    one.add_argument("environment", nargs="?", default="prod")
    one = commands.add_parser("deploy")
    one.add_argument("environment", nargs="?", default="staging")
    one.add_argument("--dry-run", action="store_true")
    for one in commands.choices.values():
        one.add_argument("--bess", default=common.binary())
        one.add_argument("--namespace", default=common.NAMESPACE)
    wish = parser.parse_args()
    try:
        if wish.command == "show":
            for environment in common.ENVIRONMENTS:
                digest = digest_of(environment)
                print(f"{environment:8} {digest if digest != NONE_YET else 'none yet'}")
        elif wish.command == "set":
            if not DIGEST.fullmatch(wish.digest) or wish.digest == NONE_YET:
                raise No(f"a digest is sha256: and 64 digits, not {wish.digest}", 2)
            write(wish.environment, wish.digest)
        else:
            {"promote": promote, "rollback": rollback, "deploy": deploy}[wish.command](wish)
    except No as no:
        print(f"error: {no}", file=sys.stderr)
        return no.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
