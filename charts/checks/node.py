"""A node for rendered pods: it gives each its network, mounts, user and limits, obeys its probes, forwards Services.

What it does not show: the images' pull, seccomp, enforcement of network policies, load balancers, real volumes. It needs
root and Linux. Everything lives in namespaces of its own, so that nothing is left behind and no port of the machine is used.
"""

import contextlib
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import rules
from cgroups import Cgroups
from model import NAMESPACE

HERE = os.path.dirname(os.path.abspath(__file__))
POD_NET, SERVICE_NET = "10.42", "10.43"
NO_CHECK = ssl._create_unverified_context()


class Failed(Exception):
    """Something that a cluster would not have taken, or that did not come up."""


def run(*command):
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Failed(f"{' '.join(command)}: {ran.stderr.strip()}")
    return ran.stdout


def get(url, timeout=1.0, token=None, body=None, method=None):
    """Status and body of an answer; 0 where nobody answers."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["content-type"] = "application/json"
        body = json.dumps(body).encode()
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=NO_CHECK) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()
    except (urllib.error.URLError, OSError):
        return 0, b""


def modbus_read(host, port, unit, address, count, timeout=3.0):
    """Holding registers over Modbus TCP."""
    def exactly(link, length):
        data = b""
        while len(data) < length:
            more = link.recv(length - len(data))
            if not more:
                raise OSError("the connection was closed")
            data += more
        return data

    with socket.create_connection((host, port), timeout=timeout) as link:
        link.sendall(bytes([0, 1, 0, 0, 0, 6, unit, 3, address >> 8, address & 255, 0, count]))
        head = exactly(link, 6)
        body = exactly(link, int.from_bytes(head[4:6], "big"))
    if body[1] != 3:
        raise OSError(f"exception {body[2]}")
    return [int.from_bytes(body[3 + 2 * i:5 + 2 * i], "big") for i in range(count)]


class Container:
    """One start of a container of a pod."""

    def __init__(self, node, pod, container, number):
        self.pod, self.name = pod, container["name"]
        base, own = pod.spec.get("securityContext") or {}, container.get("securityContext") or {}
        uid = own.get("runAsUser", base.get("runAsUser", 65532))
        if (own.get("runAsNonRoot", base.get("runAsNonRoot"))) and uid == 0:
            raise Failed(f"{pod.name}: container has runAsNonRoot and would run as root")
        environment = pod.environment(container, node.secret)
        limits = container.get("resources", {}).get("limits", {})
        tag = f"{os.path.basename(node.folder)}-{pod.name}-{self.name}-{number}-{node.links}"
        self.cgroups = Cgroups(tag, rules.amount(limits.get("cpu", "0")), rules.amount(limits.get("memory", "0")))
        self.log = os.path.join(node.folder, f"{pod.name}-{self.name}.log")
        mounts = [{"path": mount["mountPath"], "source": node.volume(pod, mount["name"]),
                   "read_only": mount.get("readOnly", False) or node.is_fixed(pod, mount["name"])}
                  for mount in container.get("volumeMounts") or []]
        root = os.path.join(node.folder, "roots", tag)
        os.makedirs(root)
        spec = {
            "root": root, "program": node.bess, "libraries": node.libraries, "hosts": node.hosts, "mounts": mounts,
            "read_only_root": own.get("readOnlyRootFilesystem", False), "hostname": pod.name,
            "drop_capabilities": "ALL" in ((own.get("capabilities") or {}).get("drop") or []),
            "no_new_privileges": own.get("allowPrivilegeEscalation") is False,
            "uid": uid, "gid": own.get("runAsGroup", base.get("runAsGroup", uid)), "fs_group": base.get("fsGroup"),
            "cgroups": self.cgroups.procs, "arguments": pod.arguments(container, environment), "environment": environment,
            "log": self.log,
        }
        path = root + ".json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(spec, file)
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "pod.py"), path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "net":
            raise Failed(f"{pod.name}: no namespaces")
        node.connect(pod, self.process.pid)
        self.started = time.monotonic()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.pid = int(self.process.stdout.readline())

    def said(self, lines=6):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:]).strip()

    def ended(self):
        return self.process.poll()

    def terminate(self):
        """SIGTERM to process 1 of the container."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        self.cgroups.remove()


class Kubelet(threading.Thread):
    """One pod: starts its containers in order, asks its probes, starts anew what ended or does not answer."""

    def __init__(self, node, pod):
        super().__init__(daemon=True, name=pod.name)
        self.node, self.pod = node, pod
        self.ready, self.started_s, self.restarts, self.problem = False, None, 0, None
        self.container = None
        self.stopping = threading.Event()

    def run(self):
        try:
            for container in self.pod.spec.get("initContainers") or []:
                one = Container(self.node, self.pod, container, 0)
                code = one.process.wait()
                one.cgroups.remove()
                if code:
                    raise Failed(f"{self.pod.name}: {container['name']} ended with {code}: {one.said()}")
            container = self.pod.spec["containers"][0]
            while not self.stopping.is_set():
                self.container = Container(self.node, self.pod, container, self.restarts)
                why = self._look_after(container)
                if why is None:
                    return
                self.ready = False
                said = self.container.said()
                self.container.kill()
                self.restarts += 1
                self.problem = f"{self.pod.name} was started anew: {why}; it said: {said}"
                if self.restarts > 2:
                    return
        except (Failed, OSError, ValueError, KeyError) as problem:
            self.problem = self.problem or str(problem)

    def _probe(self, probe):
        one = probe["httpGet"]
        port = self.pod.port(one["port"])
        if port is None:
            return False
        url = f"{one.get('scheme', 'HTTP').lower()}://{self.pod.ip}:{port}{one['path']}"
        status, _ = get(url, probe.get("timeoutSeconds", 1))
        return 200 <= status < 400

    def _look_after(self, container):
        """Asks the probes in their time until the pod is to stop (None), or says why it must start anew."""
        due = {"livenessProbe": 0.0, "readinessProbe": 0.0}
        failed = dict.fromkeys(due, 0)
        startup, tries, started = container.get("startupProbe"), 0, False
        while not self.stopping.is_set():
            if self.container.ended() is not None:
                return f"it ended with {self.container.ended()}"
            now = time.monotonic()
            if startup and not started:
                if self._probe(startup):
                    started = True
                    self.started_s = self.started_s or time.monotonic() - self.container.started
                    due = dict.fromkeys(due, 0.0)
                else:
                    tries += 1
                    if tries >= startup["failureThreshold"]:
                        return "the startup probe failed"
                    # Asked once a second; here more often, so that a start is timed, and counted as often.
                    self.stopping.wait(startup["periodSeconds"])
                    continue
            for kind in due:
                probe = container.get(kind)
                if not probe or now < due[kind]:
                    continue
                due[kind] = now + probe["periodSeconds"]
                if self._probe(probe):
                    failed[kind] = 0
                    self.ready = self.ready or kind == "readinessProbe"
                else:
                    failed[kind] += 1
                    if failed[kind] >= probe["failureThreshold"]:
                        if kind == "livenessProbe":
                            return "the liveness probe failed"
                        self.ready = False
            self.stopping.wait(0.1)
        return None


class Proxy(threading.Thread):
    """A Service's address: each connection goes to one of its ready pods, in turn."""

    def __init__(self, node, service, port):
        super().__init__(daemon=True)
        self.node, self.service, self.port, self.turn = node, service, port, 0
        self.socket = socket.create_server((node.address(service), port["port"]))

    def backends(self):
        return [pod for pod in self.node.cluster.endpoints(self.service)
                if self.service["spec"].get("publishNotReadyAddresses") or self.node.kubelets[pod.name].ready]

    def run(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        pods = self.backends()
        if not pods:
            client.close()
            return
        self.turn += 1
        pod = pods[self.turn % len(pods)]
        port = pod.port(self.port.get("targetPort", self.port["port"]))
        with client, contextlib.suppress(OSError), socket.create_connection((pod.ip, port), 3) as server:
            ends = {client: server, server: client}
            while True:
                for end in select.select(list(ends), [], [], 60)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


class Node:
    """All pods of a cluster."""

    def __init__(self, cluster, bess, folder, secrets):
        self.cluster, self.bess, self.folder, self.secrets = cluster, bess, folder, secrets
        self.links = 0
        self.forwards = False
        os.chmod(folder, 0o755)
        os.makedirs(os.path.join(folder, "roots"))
        self.libraries = self._libraries()
        self._network()
        for index, pod in enumerate(cluster.pods):
            pod.ip = f"{POD_NET}.{1 + index // 250}.{1 + index % 250}"
        self.hosts = os.path.join(folder, "hosts")
        self._dns()
        self.kubelets = {pod.name: Kubelet(self, pod) for pod in cluster.pods}
        self.once = 0

    def _libraries(self):
        """Folders of shared libraries, unless the program is static as it is in the image."""
        ran = subprocess.run(["ldd", self.bess], capture_output=True, text=True, check=False)
        if ran.returncode or "statically" in ran.stdout:
            return []
        return [path for path in ("/lib", "/lib64", "/usr/lib") if os.path.isdir(path)]

    def _network(self):
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "cluster", "type", "bridge")
        run("ip", "addr", "add", f"{POD_NET}.0.1/16", "dev", "cluster")
        run("ip", "link", "set", "cluster", "up")
        for one in self.cluster.kind("Service"):
            if self.address(one):
                run("ip", "addr", "add", f"{self.address(one)}/32", "dev", "lo")

    def address(self, service):
        """The address of a Service; a headless one has none."""
        if service["spec"].get("clusterIP") == "None":
            return None
        return f"{SERVICE_NET}.0.{1 + self.cluster.kind('Service').index(service)}"

    def _dns(self):
        """What the cluster's DNS would say, as a hosts file."""
        lines = ["127.0.0.1 localhost"]
        for one in self.cluster.kind("Service"):
            name = f"{one['metadata']['name']}.{NAMESPACE}.svc"
            if self.address(one):
                lines.append(f"{self.address(one)} {name}.cluster.local {name} {one['metadata']['name']}")
                continue
            for pod in self.cluster.endpoints(one):
                if pod.owner["spec"].get("serviceName") == one["metadata"]["name"]:
                    lines.append(f"{pod.ip} {pod.name}.{name}.cluster.local {pod.name}.{name}")
        with open(self.hosts, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def connect(self, pod, pid):
        """A link from the bridge into the network namespace of a process."""
        self.links += 1
        link = f"pod{self.links}"
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        run("ip", "link", "set", link, "master", "cluster", "up")
        inside = ("nsenter", "-t", str(pid), "-n", "ip")
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "addr", "add", f"{pod.ip}/16", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "route", "add", "default", "via", f"{POD_NET}.0.1")

    def secret(self, name, key):
        if (name, key) not in self.secrets:
            raise Failed(f"the Secret {name} has no key {key}")
        return self.secrets[(name, key)]

    @staticmethod
    def is_fixed(pod, volume):
        return any(kind in pod.volumes()[volume] for kind in ("configMap", "secret"))

    def volume(self, pod, name):
        """The folder that holds a volume, made as the kubelet makes it."""
        volumes = pod.volumes()
        if name not in volumes:
            raise Failed(f"{pod.name}: there is no volume {name}")
        one = volumes[name]
        claim = one.get("persistentVolumeClaim", {}).get("claimName")
        folder = os.path.join(self.folder, "volumes", claim or f"{pod.name}-{name}")
        if os.path.isdir(folder):
            return folder
        os.makedirs(folder)
        group = (pod.spec.get("securityContext") or {}).get("fsGroup", 0)
        if "secret" in one:
            source = one["secret"]
            keys = source.get("items") or [{"key": key, "path": key} for (owner, key) in self.secrets if owner == source["secretName"]]
            if not keys:
                raise Failed(f"{pod.name}: there is no Secret {source['secretName']}")
            for item in keys:
                self._file(folder, item["path"], self.secret(source["secretName"], item["key"]), group, source.get("defaultMode", 0o644))
        elif "configMap" in one:
            for path, text in self.cluster.reads(one).items():
                self._file(folder, path, text, group, one["configMap"].get("defaultMode", 0o644))
        else:
            os.chown(folder, 0, group)
            os.chmod(folder, 0o2775 if group else 0o755)
        return folder

    @staticmethod
    def _file(folder, path, text, group, mode):
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(full, 0, group)
        os.chmod(full, mode)

    def start(self, names=None, limit_s=180.0):
        """Starts all pods, or these, and waits until they are ready. Those that were stopped start anew, with their volumes."""
        starting = {name: one for name, one in self.kubelets.items() if names is None or name in names}
        for name, one in starting.items():
            if one.ident:
                starting[name] = self.kubelets[name] = Kubelet(self, one.pod)
            starting[name].start()
        deadline = time.monotonic() + limit_s
        while not all(one.ready for one in starting.values()):
            for one in starting.values():
                if one.problem:
                    raise Failed(one.problem)
            if time.monotonic() > deadline:
                late = [name for name, one in starting.items() if not one.ready]
                raise Failed(f"not ready after {limit_s:.0f} s: {', '.join(late)}")
            time.sleep(0.05)
        if self.forwards:
            return
        self.forwards = True
        for one in self.cluster.kind("Service"):
            if self.address(one):
                for port in one["spec"]["ports"]:
                    Proxy(self, one, port).start()

    def problems(self):
        return [one.problem for one in self.kubelets.values() if one.problem]

    def to_the_end(self, pod, limit_s=300.0):
        """Runs a pod that ends; its containers one after the other. Yields (name, exit code, last words)."""
        self.once += 1
        pod.ip = f"{POD_NET}.200.{self.once}"
        for container in pod.spec["containers"]:
            one = Container(self, pod, container, self.once)
            try:
                code = one.process.wait(limit_s)
            except subprocess.TimeoutExpired:
                code = None
            said = one.said()
            one.kill()
            yield f"{pod.name}/{container['name']}", code, said

    def stop(self, names=None):
        """Stops all pods, or these, at once as an eviction does: SIGTERM, time, SIGKILL. Yields (pod, exit code or None, seconds,
        whether it was not ready and still answered while it drained)."""
        alive = {name: one for name, one in self.kubelets.items() if one.container and (not names or name in names)}
        for one in alive.values():
            one.stopping.set()
        for one in alive.values():
            one.join()
        begin = time.monotonic()
        for one in alive.values():
            one.container.terminate()
        drained = {}
        ends = {}
        while len(ends) < len(alive):
            for name, one in alive.items():
                if name in ends:
                    continue
                grace = one.pod.spec.get("terminationGracePeriodSeconds", 30)
                code = one.container.ended()
                if code is not None or time.monotonic() - begin > grace:
                    ends[name] = (code, time.monotonic() - begin)
                    one.container.kill()
                elif 0.3 < time.monotonic() - begin and name not in drained:
                    probe = one.pod.spec["containers"][0]["readinessProbe"]["httpGet"]
                    scheme = probe.get("scheme", "HTTP").lower()
                    drained[name] = get(f"{scheme}://{one.pod.ip}:{one.pod.port(probe['port'])}{probe['path']}")[0]
            time.sleep(0.02)
        return [(name, *ends[name], drained.get(name)) for name in alive]

    def end(self):
        """Leaves nothing behind."""
        for one in self.kubelets.values():
            one.stopping.set()
        for one in self.kubelets.values():
            if one.ident:
                one.join(10)
            if one.container:
                one.container.kill()


def inside(script):
    """Runs this script again as the node: namespaces of its own for network, mounts and processes."""
    if os.environ.get("BESS_NODE") == "1":
        return
    if os.geteuid() != 0:
        sys.exit("this needs root: it makes namespaces, changes users and sets limits")
    os.environ["BESS_NODE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
                          os.path.abspath(script), *sys.argv[1:]])

