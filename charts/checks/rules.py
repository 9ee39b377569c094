"""Rules for rendered objects that no schema knows. Each yields what is wrong, in a sentence."""

import base64
import functools
import gzip
import json
import os
import re
import subprocess
import tempfile

import yaml

from common import OBSERVE, cells_of
from model import NAMESPACE, selects

SCRAPED = ("/metrics", "/metrics/units")
SHARD, GATEWAY = "shard", "gateway"
# Measured: a process without cells, and what a cell costs (`make live-10gwh`).
PROCESS_BYTES, CELL_BYTES = 30e6, 116


def component(pod):
    return pod.labels.get("app.kubernetes.io/component")


def everybody(cluster):
    return [*cluster.pods, *cluster.once()]


def containers(pod):
    return [*(pod.spec.get("initContainers") or []), *pod.spec["containers"]]


def services_reach_pods(cluster, _):
    for one in cluster.kind("Service"):
        name, pods = one["metadata"]["name"], cluster.endpoints(one)
        if not pods:
            yield f"Service {name} selects no pod"
        if len({component(pod) for pod in pods}) > 1:
            yield f"Service {name} selects pods of several kinds"
        for port in one["spec"]["ports"]:
            for pod in pods:
                if pod.port(port.get("targetPort", port["port"])) not in pod.ports().values():
                    yield f"Service {name}: port {port['name']} leads to {port.get('targetPort')}, which {pod.name} has not"
        # What the name says must be behind it.
        for port in one["spec"]["ports"]:
            wanted = {"modbus": 5020, "api": 8000, "metrics": 9090}.get(port["name"])
            for pod in pods:
                if wanted and pod.port(port.get("targetPort")) != wanted:
                    yield f"Service {name}: {port['name']} is not {wanted} of {pod.name}"


def sets_select_their_pods(cluster, _):
    for one in cluster.kind("StatefulSet", "Deployment"):
        if not selects(one["spec"]["selector"], one["spec"]["template"]["metadata"]["labels"]):
            yield f"{one['kind']} {one['metadata']['name']} does not select its own pods"
        for other in cluster.kind("StatefulSet", "Deployment"):
            if other is not one and selects(one["spec"]["selector"], other["spec"]["template"]["metadata"]["labels"]):
                yield f"{one['metadata']['name']} selects pods of {other['metadata']['name']}"


def shards_have_names_in_the_dns(cluster, _):
    for one in cluster.kind("StatefulSet"):
        service = cluster.named("Service", one["spec"]["serviceName"])
        if service is None:
            yield f"serviceName {one['spec']['serviceName']} is no Service"
        elif service["spec"].get("clusterIP") != "None":
            yield f"serviceName {one['spec']['serviceName']} is not headless"
        elif not service["spec"].get("publishNotReadyAddresses"):
            yield f"serviceName {one['spec']['serviceName']} hides pods that are not ready"
        elif {pod.name for pod in cluster.endpoints(service)} != {pod.name for pod in cluster.pods if pod.owner is one}:
            yield f"serviceName {one['spec']['serviceName']} does not select the pods of {one['metadata']['name']}"
        if one["spec"].get("podManagementPolicy") != "Parallel":
            yield f"{one['metadata']['name']} starts its shards one after the other"


def mounts_have_volumes(cluster, _):
    for pod in everybody(cluster):
        volumes, used = pod.volumes(), set()
        for container in containers(pod):
            paths = [mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts") or []]
            for mount in container.get("volumeMounts") or []:
                used.add(mount["name"])
                if mount["name"] not in volumes:
                    yield f"{pod.name}: {container['name']} mounts {mount['name']}, which is no volume"
            if len(set(paths)) != len(paths):
                yield f"{pod.name}: {container['name']} mounts twice at one place"
            if any(a != b and b.startswith(a + "/") for a in paths for b in paths):
                yield f"{pod.name}: {container['name']} mounts one thing below another"
        for name in set(volumes) - used:
            yield f"{pod.name}: nobody mounts the volume {name}"
        for volume in volumes.values():
            try:
                cluster.reads(volume)
            except KeyError as missing:
                yield f"{pod.name}: volume {volume['name']}: {missing.args[0]}"


def files_of(cluster, pod, container):
    """Paths of files that are mounted, and folders in which anything may be."""
    files, open_folders = set(), set()
    volumes = pod.volumes()
    for mount in container.get("volumeMounts") or []:
        volume = volumes.get(mount["name"])
        try:
            brought = cluster.reads(volume) if volume else None
        except KeyError:
            brought = {}
        if brought is None or volume.get("secret", {}).get("items") is None and "secret" in volume:
            open_folders.add(mount["mountPath"])
        else:
            files |= {os.path.join(mount["mountPath"], path) for path in brought}
    return files, open_folders


def named_files_are_there(cluster, _):
    for pod in everybody(cluster):
        for container in containers(pod):
            files, folders = files_of(cluster, pod, container)
            named = [str(one.get("value", "")) for one in container.get("env") or []]
            index = pod.annotations.get("batch.kubernetes.io/job-completion-index", "")
            named += [str(one).replace("$(STUDY_INDEX)", index) for one in container.get("args") or []]
            for path in named:
                inside = any(path.startswith(folder.rstrip("/") + "/") or path == folder for folder in folders)
                if path.startswith("/") and path not in files and not inside:
                    yield f"{pod.name}: {container['name']} is told of {path}, which is not mounted"


@functools.cache
def help_of(bess, *command):
    """What `--help` says, or None where there is no such command."""
    ran = subprocess.run([bess, *command, "--help"], capture_output=True, text=True, check=False)
    return ran.stdout if ran.returncode == 0 else None


def command_of(bess, arguments):
    """The command and the subcommand that arguments begin with."""
    first = tuple(arguments[:1])
    second = tuple(arguments[:2])
    if len(second) == 2 and re.fullmatch(r"[a-z-]+", second[1]) and help_of(bess, *second):
        return second
    return first


def commands_are_known(cluster, bess):
    for pod in everybody(cluster):
        for container in containers(pod):
            arguments = [str(one) for one in container.get("args") or []]
            if "command" in container:
                yield f"{pod.name}: {container['name']} has a command; the image has its entry point"
            command = command_of(bess, arguments)
            text = help_of(bess, *command)
            if text is None:
                yield f"{pod.name}: {container['name']}: bess has no command {' '.join(command)}"
                continue
            for one in arguments:
                if one.startswith("--") and not re.search(rf"{re.escape(one.split('=')[0])}\b", text):
                    yield f"{pod.name}: {container['name']}: bess {' '.join(command)} has no flag {one}"
            known = set(re.findall(r"\[env: (\w+)", text))
            for one in container.get("env") or []:
                if one["name"].startswith(("BESS_", "OTEL_")) and one["name"] not in known:
                    yield f"{pod.name}: {container['name']}: bess {' '.join(command)} knows no {one['name']}"


def shards_are_those_of_the_farm(cluster, _):
    for one in cluster.kind("StatefulSet"):
        pods = [pod for pod in cluster.pods if pod.owner is one]
        container = pods[0].spec["containers"][0]
        environment = {item["name"]: item for item in container["env"]}
        farm = environment.get("BESS_FARM", {}).get("value")
        text = None
        for mount in container["volumeMounts"]:
            volume = pods[0].volumes().get(mount["name"], {})
            if "configMap" in volume and cluster.named("ConfigMap", volume["configMap"]["name"]) is None:
                return
            for path, brought in (cluster.reads(volume) or {} if "configMap" in volume else {}).items():
                if os.path.join(mount["mountPath"], path) == farm:
                    text = brought
        units, cells = cells_of(text)
        each = int(environment.get("BESS_UNITS_PER_SHARD", {}).get("value", 0))
        if each < 1 or -(-units // each) != len(pods):
            yield f"{len(pods)} pods with {each} units each for a farm of {units} units"
        shard = environment.get("BESS_SHARD", {}).get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        if shard != "metadata.labels['apps.kubernetes.io/pod-index']":
            yield f"pods learn their shard from {shard}"
        history = re.fullmatch(r"(\d+)MB", environment.get("BESS_HISTORY_MEMORY", {}).get("value", "256MB"))
        need = PROCESS_BYTES + CELL_BYTES * cells * min(units, each) + int(history[1]) * 1e6
        limit = amount(container["resources"].get("limits", {}).get("memory", "0"))
        if limit < need:
            yield f"a memory limit of {limit / 1e6:.0f} MB for {need / 1e6:.0f} MB of cells and history"


def amount(text):
    """A Kubernetes quantity as a number."""
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text)).groups()
    factors = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    return float(number) * factors[unit]


def probes_look_at_the_heartbeat(cluster, _):
    for pod in cluster.pods:
        container = pod.spec["containers"][0]
        scheme = "HTTPS" if any(one["name"] == "BESS_TLS_CERT" for one in container["env"]) else "HTTP"
        for kind, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            probe = container.get(kind, {}).get("httpGet")
            if not probe:
                yield f"{pod.name} has no {kind} over HTTP"
            elif probe["path"] != path:
                yield f"{pod.name}: the {kind} asks for {probe['path']}"
            elif pod.port(probe["port"]) != 8000:
                yield f"{pod.name}: the {kind} asks at {probe['port']}, where REST is not"
            elif probe.get("scheme", "HTTP") != scheme:
                yield f"{pod.name}: the {kind} speaks {probe.get('scheme')}"
        drain = re.fullmatch(r"(\d+)s", next((one["value"] for one in container["env"] if one["name"] == "BESS_DRAIN"), "0s"))
        if not drain or int(drain[1]) + 5 > pod.spec["terminationGracePeriodSeconds"]:
            yield f"{pod.name} is killed while it drains"


def pods_are_restricted(cluster, _):
    """The profile `restricted` of Kubernetes' Pod Security Standards, and what the image needs beside it."""
    for pod in everybody(cluster):
        base = pod.spec.get("securityContext") or {}
        if not base.get("runAsNonRoot") or base.get("runAsUser") != 65532:
            yield f"{pod.name} runs as {base.get('runAsUser')}"
        if base.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{pod.name} has no seccomp profile"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name} gets a token of the cluster"
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.name} gets the cluster's Services in its environment, where BESS_API_PORT may be one"
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(key):
                yield f"{pod.name} has {key}"
        for container in containers(pod):
            own = container.get("securityContext") or {}
            if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
                yield f"{pod.name}: {container['name']} may gain privileges"
            if (own.get("capabilities") or {}).get("drop") != ["ALL"] or (own.get("capabilities") or {}).get("add"):
                yield f"{pod.name}: {container['name']} keeps capabilities"
            if own.get("readOnlyRootFilesystem") is not True:
                yield f"{pod.name}: {container['name']} may write to its root"
            limits = (container.get("resources") or {}).get("limits") or {}
            if "memory" not in limits or "cpu" not in (container["resources"].get("requests") or {}):
                yield f"{pod.name}: {container['name']} has no limit of memory or asks for no CPU"


def budgets_cover_sets(cluster, _):
    budgets = cluster.kind("PodDisruptionBudget")
    if not budgets:
        return
    for one in cluster.kind("StatefulSet", "Deployment"):
        labels = one["spec"]["template"]["metadata"]["labels"]
        covering = [budget for budget in budgets if selects(budget["spec"]["selector"], labels)]
        if len(covering) != 1:
            yield f"{len(covering)} disruption budgets cover {one['metadata']['name']}"
        elif covering[0]["spec"].get("maxUnavailable") != 1:
            yield f"evictions may take {covering[0]['spec'].get('maxUnavailable')} of {one['metadata']['name']} at once"
    for budget in budgets:
        if not any(selects(budget["spec"]["selector"], pod.labels) for pod in cluster.pods):
            yield f"the disruption budget {budget['metadata']['name']} covers nobody"


def discovered(name):
    """A label's name as Prometheus discovers it."""
    return "".join(one if one.isalnum() else "_" for one in name)


def dropped(endpoint, owner, marks):
    """Whether an endpoint leaves out a target whose Service or pod has these labels."""
    known = {f"__meta_kubernetes_{owner}_label_{discovered(key)}": value for key, value in marks.items()}
    for one in endpoint.get("relabelings") or []:
        fits = re.fullmatch(one.get("regex", "(.*)"), ";".join(known.get(key, "") for key in one.get("sourceLabels") or []))
        if one.get("action") == "drop" and fits or one.get("action") == "keep" and not fits:
            return True
    return False


def monitored(cluster, monitor):
    """Ports that a monitor has scraped: (pod, endpoint, number of the port)."""
    found = []
    if monitor["kind"] == "PodMonitor":
        pods = [(pod, None) for pod in cluster.pods if selects(monitor["spec"]["selector"], pod.labels)]
        endpoints = monitor["spec"]["podMetricsEndpoints"]
    else:
        services = [one for one in cluster.kind("Service") if selects(monitor["spec"]["selector"], one["metadata"]["labels"])]
        pods = [(pod, one) for one in services for pod in cluster.endpoints(one)]
        endpoints = monitor["spec"]["endpoints"]
    for pod, service in pods:
        owner = "pod" if service is None else "service"
        marks = pod.labels if service is None else service["metadata"]["labels"]
        for endpoint in endpoints:
            if dropped(endpoint, owner, marks):
                continue
            if service:
                port = next((one for one in service["spec"]["ports"] if one["name"] == endpoint["port"]), None)
                number = pod.port(port.get("targetPort", port["port"])) if port else None
            else:
                number = pod.port(endpoint["port"])
            found.append((pod, service, endpoint, number))
    return found


def monitors_reach_everybody(cluster, _):
    for monitor in cluster.kind("ServiceMonitor", "PodMonitor"):
        found = monitored(cluster, monitor)
        if monitor["spec"].get("namespaceSelector", {}).get("matchNames") != [NAMESPACE]:
            yield f"{monitor['kind']} looks into other namespaces"
        for pod, _service, endpoint, number in found:
            if number != 9090:
                yield f"{monitor['kind']}: the port {endpoint['port']} of {pod.name} is no port of metrics"
            if endpoint["path"] not in SCRAPED:
                yield f"{monitor['kind']} scrapes {endpoint['path']}"
            if endpoint["path"] == "/metrics/units" and component(pod) == GATEWAY:
                yield f"{monitor['kind']} scrapes units of {pod.name}, which has none"
        paths = [one["path"] for one in monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]]
        for pod in (pod for pod in cluster.pods if component(pod) == SHARD and "/metrics/units" in paths):
            if not any(one[0] is pod and one[2]["path"] == "/metrics/units" for one in found):
                yield f"{monitor['kind']} scrapes no units of {pod.name}"
        for pod in cluster.pods:
            once = [one for one in found if one[0] is pod and one[2]["path"] == "/metrics"]
            if len(once) != 1:
                yield f"{monitor['kind']} scrapes {pod.name} {len(once)} times"


def allows(cluster, policies, direction, pod, peer_labels, peer_namespace, port):
    """Whether policies let a pod speak with a peer: `Ingress` from it, `Egress` to it. `port` is a number."""
    binding = [one for one in policies if selects(one["spec"]["podSelector"], pod.labels) and direction in one["spec"]["policyTypes"]]
    if not binding:
        return True
    for policy in binding:
        for rule in policy["spec"].get(direction.lower()) or []:
            peers = rule.get("from" if direction == "Ingress" else "to")
            known = {"kubernetes.io/metadata.name": peer_namespace}
            fits = peers is None or any(
                "ipBlock" not in peer
                and ("namespaceSelector" in peer or peer_namespace == NAMESPACE)
                and selects(peer.get("namespaceSelector") or {}, known)
                and selects(peer.get("podSelector") or {}, peer_labels) for peer in peers)
            numbers = [pod.port(one["port"]) if direction == "Ingress" else one["port"] for one in rule.get("ports") or []]
            if direction == "Egress":
                named = {name: number for other in cluster.pods for name, number in other.ports().items()}
                numbers = [named.get(one, one) for one in numbers]
            if fits and (not numbers or port in numbers):
                return True
    return False


def policies_let_in_who_must(cluster, _):
    policies = cluster.kind("NetworkPolicy")
    if not policies:
        return
    for pod in cluster.pods:
        if not any(selects(one["spec"]["podSelector"], pod.labels) for one in policies):
            yield f"no network policy binds {pod.name}"
        if cluster.kind("ServiceMonitor", "PodMonitor") and not allows(cluster, policies, "Ingress", pod, {}, "monitoring", 9090):
            yield f"Prometheus may not scrape {pod.name}"
        for port in (5020, 8000, 9090):
            if allows(cluster, policies, "Ingress", pod, {}, "somebody-else", port):
                yield f"everybody may reach port {port} of {pod.name}"
        if allows(cluster, policies, "Egress", pod, {}, "somebody-else", 443):
            yield f"{pod.name} may reach everybody"
        if not allows(cluster, policies, "Egress", pod, {}, "kube-system", 53):
            yield f"{pod.name} may not ask the DNS"
    gateways = [pod for pod in cluster.pods if component(pod) == GATEWAY]
    for shard in (pod for pod in cluster.pods if component(pod) == SHARD):
        for other in [*gateways, *(pod for pod in cluster.once() if component(pod) == "test")]:
            if not allows(cluster, policies, "Ingress", shard, other.labels, NAMESPACE, 8000):
                yield f"{other.name} may not ask {shard.name}"
        for gateway in gateways:
            if not allows(cluster, policies, "Egress", gateway, shard.labels, NAMESPACE, 8000):
                yield f"{gateway.name} may not reach {shard.name}"


def gateways_find_every_shard(cluster, _):
    shards = [pod for pod in cluster.pods if component(pod) == SHARD]
    for pod in (one for one in cluster.pods if component(one) == GATEWAY):
        url = next((one["value"] for one in pod.spec["containers"][0]["env"] if one["name"] == "BESS_SHARD_URL"), "")
        for shard in shards:
            service = shard.owner["spec"]["serviceName"]
            host = f"{shard.name}.{service}.{NAMESPACE}.svc.cluster.local:8000"
            index = shard.labels["apps.kubernetes.io/pod-index"]
            if url.replace("{shard}", index).split("://")[-1] != host:
                yield f"the gateway looks for shard {index} at {url}, not at {host}"
    if len(shards) > 1 and not any(component(pod) == GATEWAY for pod in cluster.pods):
        yield "several shards and no gateway"


def routes_lead_to_services(cluster, _):
    for one in cluster.kind("Ingress"):
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = cluster.named("Service", backend["name"])
                if service is None or backend["port"].get("name") not in [port["name"] for port in service["spec"]["ports"]]:
                    yield f"the Ingress leads to {backend['name']}, which has no such port"
    for one in cluster.kind("HTTPRoute"):
        for rule in one["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                service = cluster.named("Service", backend["name"])
                if service is None or backend["port"] not in [port["port"] for port in service["spec"]["ports"]]:
                    yield f"the HTTPRoute leads to {backend['name']}, which has no such port"
    for one in cluster.kind("HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        found = cluster.named(target["kind"], target["name"])
        if found is None or "replicas" in found["spec"]:
            yield f"the autoscaler scales {target['name']}, which is not there or says itself how many it is"


def pods_notice_changes(cluster, _):
    for pod in cluster.pods:
        for mark in ("checksum/config", "checksum/secret"):
            if not re.fullmatch(r"[0-9a-f]{64}", pod.annotations.get(mark, "")):
                yield f"{pod.name} has no {mark}"


def objects_are_in_order(cluster, _):
    seen = set()
    for one in cluster.objects:
        name, kind = one["metadata"]["name"], one["kind"]
        if (kind, name) in seen:
            yield f"{kind} {name} is there twice"
        seen.add((kind, name))
        if len(name) > 63 - (11 if kind in ("StatefulSet", "Deployment", "Job") else 0):
            yield f"the name of {kind} {name} is too long"
        if one["metadata"].get("namespace") != NAMESPACE:
            yield f"{kind} {name} is in the namespace {one['metadata'].get('namespace')}"
        for label in ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component", "helm.sh/chart"):
            if label not in one["metadata"]["labels"]:
                yield f"{kind} {name} has no label {label}"
        if kind == "Secret":
            yield f"Secret {name}: secrets come by reference only"
        if kind == "ConfigMap" and len(json.dumps(one)) > 2**20:
            yield f"ConfigMap {name} is larger than 1 MiB"
    release = base64.b64encode(gzip.compress(yaml.dump_all(cluster.objects, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)).encode()))
    if len(release) > 0.6 * 2**20:
        yield f"the release takes {len(release)} bytes, and the chart comes on top: Helm keeps it in a Secret of at most 1 MiB"


def rules_load(cluster, _):
    for one in cluster.kind("PrometheusRule"):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(one["spec"], file)
            file.flush()
            ran = subprocess.run([os.path.join(OBSERVE, "promtool"), "check", "rules", "--lint=all", "--lint-fatal", file.name],
                                 capture_output=True, text=True, check=False)
        if ran.returncode:
            yield f"PrometheusRule {one['metadata']['name']}: {ran.stdout[-300:]}{ran.stderr[-300:]}"
        alerts = [rule["alert"] for group in one["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
        if len(alerts) < 80:
            yield f"PrometheusRule {one['metadata']['name']} has {len(alerts)} alerts"


def dashboards_are_dashboards(cluster, _):
    for one in cluster.kind("ConfigMap"):
        if one["metadata"]["labels"].get("app.kubernetes.io/component") != "dashboards":
            continue
        for key, text in one["data"].items():
            try:
                uid = json.loads(text)["uid"]
            except (ValueError, KeyError):
                yield f"{one['metadata']['name']} is no dashboard"
                continue
            if key != f"{uid}.json":
                yield f"{one['metadata']['name']}: {key} is the dashboard {uid}"


RULES = (services_reach_pods, sets_select_their_pods, shards_have_names_in_the_dns, mounts_have_volumes,
         named_files_are_there, commands_are_known, shards_are_those_of_the_farm, probes_look_at_the_heartbeat,
         pods_are_restricted, budgets_cover_sets, monitors_reach_everybody, policies_let_in_who_must,
         gateways_find_every_shard, routes_lead_to_services, pods_notice_changes, objects_are_in_order, rules_load,
         dashboards_are_dashboards)


def findings(cluster, bess):
    """Everything that is wrong, each thing once."""
    found = []
    for rule in RULES:
        found += [one for one in rule(cluster, bess) if one not in found]
    return found
